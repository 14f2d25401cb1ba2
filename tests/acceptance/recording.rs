//! What a run records of an account, in that account's own part of the table: nothing is published.

use alerts::{Policy, Rhythm};
use aws::Ledger;
use aws::client::Limits;
use checklist::Report;
use facts::{AccountId, Snapshot};
use function::{Asked, News, Recorder, Written};
use sandbox::TABLE;

use crate::account::{Account, QUIET, minutes, story};

#[tokio::test]
async fn what_is_news_of_another_account_is_recorded_once_in_its_own_partition_and_not_published() {
    let story = story(QUIET);
    let account = Account::of(&story).await;
    let config = account.sandbox.sdk_config(&Limits::default()).await;
    let policy = Policy { digest: Rhythm::Never, ..Policy::default() };
    let member = AccountId::parse("444455556666").unwrap();
    let ledger = Ledger::new(&config, TABLE, &member);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let recorder = Recorder { ledger: &ledger, policy: &policy, deadline };
    let mut snapshot = Snapshot::compliant();
    snapshot.account.id = member;
    snapshot.summary_mut().root_mfa = Ok(0);

    for (run, is_news) in [(0, true), (15, false)] {
        snapshot.taken_at = story.now + minutes(run);
        let report = Report::generate(&snapshot, &checklist::Settings::default());
        let mut recalled = ledger.recall(snapshot.taken_at).await.unwrap();
        let (news, written) = recorder.record(&mut recalled, &report, &[], Asked::default(), false).await;
        let News { alerts, acknowledged, not_acknowledged } = news;
        let Written { is_all, is_quiet, contested } = written.unwrap();
        assert!(is_all && contested.is_none() && not_acknowledged.is_none(), "{run}");
        assert_eq!((acknowledged, is_quiet), (Some(Vec::new()), !is_news), "{run}");
        let is_of_root_mfa = |alert: &alerts::Alert| alert.id.contains("root-mfa");
        assert_eq!(alerts.iter().any(is_of_root_mfa), is_news, "{run}: {alerts:?}");
        let waiting = ledger.waiting_alerts(snapshot.taken_at).await.unwrap();
        assert_eq!(waiting.iter().filter(|waiting| is_of_root_mfa(&waiting.alert)).count(), 1, "{run}");
    }
    let own = Ledger::new(&config, TABLE, &AccountId::parse(&story.account).unwrap());
    assert_eq!(own.waiting_alerts(story.now).await.unwrap().len(), 0, "the partition of the stack's own account");
    assert!(own.recall(story.now).await.unwrap().memory.conditions.is_empty());
    assert_eq!(account.sandbox.published().len(), 0);
}
