//! Every API in turn, and everything that may go wrong with it: no panic, nothing lost, nothing called mended that is not.

use std::collections::BTreeSet;

use sandbox::{Fault, Trouble};

use crate::account::{ALARM, Account, hours, ids, minutes, story, times, transitions};
use crate::difference::summary;
use crate::ledger::all;
use crate::stories::limits;

/// Every action of a run that tells, and what it tells.
async fn undisturbed() -> (BTreeSet<String>, Vec<String>) {
    let story = story(ALARM);
    let account = Account::of(&story).await;
    let sent = account.run(&story).await.ids();
    (account.sandbox.calls().into_iter().map(|call| call.action).collect(), sent)
}

fn is_mended((id, what): &(String, String)) -> bool {
    what == "resolved" && !is_blindness(id)
}

/// It comes and goes with the trouble.
fn is_blindness(id: &str) -> bool {
    id.contains("/unread/") || id.contains("/unjudged/")
}

async fn recovers_from(action: String, trouble: Trouble, expected: Vec<String>) {
    let what = format!("{action}: {trouble:?}");
    let well = story(ALARM);
    let mut broken = well.clone();
    broken.faults.push(Fault::on(&action, trouble));
    let account = Account::of(&broken).await;
    // In tasks of their own a panic would only be seen here.
    let first = account.process(&broken, &limits()).await.run(&broken).await;
    assert!(first.figures["_aws"].is_object(), "{what}: the run came to its end");
    let second = account.run(&well.later_with_a_young_report(minutes(15))).await;
    assert!(second.answer.is_ok(), "{what}: {}", summary(&second.answer));
    let sent = ids(&account.sandbox.published());
    let missing: Vec<&String> = expected.iter().filter(|id| !sent.contains(id)).collect();
    assert!(missing.is_empty(), "{what}: {missing:?} was never sent");
    let transitions = transitions(&account.sandbox.published());
    assert!(!transitions.iter().any(is_mended), "{what}: {transitions:?}");
    if !action.starts_with("dynamodb:") && !action.starts_with("sns:") {
        assert!(times(&sent).iter().all(|(id, times)| *times == 1 || is_blindness(id)), "{what}: {sent:?}");
    }
}

async fn every_api(trouble: Trouble) {
    let (actions, expected) = undisturbed().await;
    assert!(actions.len() > 15, "{actions:?}");
    all(actions.into_iter().map(|action| recovers_from(action, trouble.clone(), expected.clone()))).await;
}

macro_rules! every_api {
    ($($test:ident = $trouble:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                every_api($trouble).await;
            }
        )*
    };
}

every_api! {
    ct_10_an_api_that_throttles_loses_nothing = Trouble::Throttle;
    an_api_that_hangs_loses_nothing = Trouble::Hang;
    an_api_that_cuts_the_connection_loses_nothing = Trouble::Reset;
    an_api_that_answers_garbage_loses_nothing = Trouble::Garbage;
    ct_9_an_api_that_denies_loses_nothing = Trouble::Deny;
    an_api_that_is_slow_loses_nothing = Trouble::Slow(300);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_see_is_never_called_mended() {
    let (actions, _) = undisturbed().await;
    let reads: Vec<String> =
        actions.into_iter().filter(|action| !action.starts_with("dynamodb:") && !action.starts_with("sns:")).collect();
    let troubles = [Trouble::Throttle, Trouble::Hang, Trouble::Reset, Trouble::Garbage, Trouble::Deny];
    all(troubles.into_iter().map(|trouble| {
        let reads = reads.clone();
        async move {
            let well = story(ALARM);
            let account = Account::of(&well).await;
            account.run(&well).await;
            let mut blind = well.later_with_a_young_report(hours(1));
            blind.faults = reads.iter().map(|action| Fault::on(action, trouble.clone())).collect();
            let run = account.process(&blind, &limits()).await.run(&blind).await;
            let transitions = transitions(&run.mails);
            assert!(!transitions.iter().any(|(_, what)| what == "resolved"), "{trouble:?}: {transitions:?}");
            assert!(!run.is_complete() && !run.has_heartbeat());
        }
    }))
    .await;
}
