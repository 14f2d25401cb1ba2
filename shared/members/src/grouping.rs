//! The alerts of many accounts as one message: by finding, the worst first, a bounded number of accounts by name.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use alerts::{Alert, Fault, Transition, What};
use checklist::controls;
use facts::account::AccountId;
use facts::severity::Severity;
use facts::text::bounded;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::coverage::{Coverage, NOT_LOOKED_AT, missed};
use crate::member::{Member, Skip};
use crate::refusal::Cause;
use crate::row::{Outcome, Row};

/// Most accounts that a message names for one finding; the rest is counted.
pub const MAX_NAMED: usize = 40;

/// What is sent of one run over an organization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Run {
    /// `o-…`
    pub organization: String,
    /// Name of the run: what is sent twice of one run has the same.
    pub run: String,
    /// No run before has recorded a result: everything is new.
    pub is_first: bool,
    /// It is sent because a digest is due, also if nothing is new.
    pub is_digest: bool,
    /// How many accounts were audited.
    pub coverage: Coverage,
    /// Alerts about the organization as a whole; the worst first.
    pub organization_alerts: Vec<Alert>,
    /// What is new of findings, the worst first.
    pub groups: Vec<Group>,
    /// Every open finding, the worst first.
    pub open: Vec<Group>,
    /// Why accounts could not be audited, by cause; listed whenever there is one, also without an alert.
    pub unaudited: Vec<Unaudited>,
    /// Accounts that are listed and not audited, by reason, as `suspended`.
    pub skipped: BTreeMap<Skip, usize>,
    /// What changed in the list of accounts.
    pub moves: Moves,
    /// The route whose accounts it is about; `None`: it is about the whole organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Why the route's topic did not take it: the main topic gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreached: Option<String>,
    /// What routes are sent instead.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routed: Vec<Routed>,
    /// Open findings of accounts that were not audited, as they were audited last.
    #[serde(default, skip_serializing_if = "crate::is_zero")]
    pub last_open: usize,
    /// Why the results of the run before could not be read, so that who joined or left is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_unread: Option<String>,
    /// A route asks for tags, and those of so many accounts of the organization were never read.
    #[serde(default, skip_serializing_if = "crate::is_zero")]
    pub tags_unread: usize,
}

/// What one route is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Routed {
    /// Its name.
    pub route: String,
    /// How many alerts.
    pub alerts: usize,
}

/// What happened to one finding, in so many accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// What it is about: a control's id, or what [`alerts::Fault::key`] gives; `root-credentials-back`, and the like.
    pub about: String,
    /// What is wrong, a few words.
    pub headline: String,
    /// The worst of its alerts.
    pub severity: Severity,
    /// What happened to it; `None`: it is no condition.
    pub transition: Option<Transition>,
    /// The accounts, by name and id, the oldest first; at most [`MAX_NAMED`].
    pub accounts: Vec<Affected>,
    /// How many accounts there are.
    pub count: usize,
}

/// An account in a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Affected {
    /// Its id.
    pub account: AccountId,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
}

/// Accounts that could not be audited for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unaudited {
    /// `None`: they were not looked at.
    pub cause: Option<Cause>,
    /// The cause in words.
    pub words: String,
    /// How to fix it.
    pub remedy: String,
    /// What AWS said of the first of them.
    pub said: String,
    /// The accounts, those that were audited before first; at most [`MAX_NAMED`].
    pub accounts: Vec<Affected>,
    /// How many there are.
    pub count: usize,
    /// How many of them were audited before.
    #[serde(default)]
    pub audited_before: usize,
}

/// What changed in the list of accounts since the run before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Moves {
    /// New ones; at most [`MAX_NAMED`].
    pub joined: Vec<Affected>,
    /// How many are new.
    pub joined_count: usize,
    /// Those that are not listed any more; at most [`MAX_NAMED`].
    pub left: Vec<Affected>,
    /// How many they are.
    pub left_count: usize,
}

/// The alerts of members by finding and transition. Of several alerts of one account about one thing the newest counts.
pub fn group<'a>(alerts: impl IntoIterator<Item = (&'a Member, &'a Alert)>) -> Vec<Group> {
    let mut stories: HashMap<(&AccountId, String), (&Member, Vec<&Alert>)> = HashMap::new();
    for (member, alert) in alerts {
        let story = stories.entry((&member.account, about(alert)));
        story.or_insert_with(|| (member, Vec::new())).1.push(alert);
    }
    let mut groups: BTreeMap<(String, Option<u8>), Group> = BTreeMap::new();
    for ((_, about), (member, story)) in stories {
        // Of a condition the newest counts, of what happened the worst.
        let newest = |alert: &&&Alert| (alert.condition().map(|_| alert.at), alert.severity, alert.at);
        let Some(alert) = story.iter().max_by_key(newest) else { continue };
        let transition = transition(alert, &story);
        let group =
            groups.entry((about.clone(), transition.map(|transition| transition as u8))).or_insert_with(|| Group {
                about,
                headline: headline(alert),
                severity: alert.severity,
                transition,
                accounts: Vec::new(),
                count: 0,
            });
        let since = alert.condition().map(|update| update.opened_at).or(alert.happened_at()).unwrap_or(alert.at);
        group.severity = group.severity.max(alert.severity);
        group.accounts.push(affected(member, since));
        group.count += 1;
    }
    in_order(groups.into_values().collect())
}

/// What happened, for a reader who hears of it only now: what is still open is new where its opening was not sent.
fn transition(newest: &Alert, story: &[&Alert]) -> Option<Transition> {
    let last = newest.condition()?.transition;
    let rank = |transition: &Transition| match transition {
        Transition::Opened => 0,
        Transition::Changed => 1,
        _ => 2,
    };
    if !matches!(last, Transition::Changed | Transition::Reminder) {
        return Some(last);
    }
    let episode = story.iter().filter(|alert| alert.id == newest.id);
    episode.filter_map(|alert| alert.condition()).map(|update| update.transition).min_by_key(rank)
}

/// The worst first; at the same severity what is no control, as credentials that are back, and then controls in the order of the checklist:
/// access keys before missing MFA.
fn in_order(mut groups: Vec<Group>) -> Vec<Group> {
    groups.iter_mut().for_each(|group| oldest_first(&mut group.accounts));
    groups.sort_by_key(|group| {
        let place = controls::CHECKLIST.iter().position(|control| control.id == group.about);
        (Reverse(group.severity), is_over(group.transition), place, Reverse(group.count), group.about.clone())
    });
    groups
}

/// The open findings of all accounts, by control; of those that could not be audited as they were last.
pub fn open(rows: &[Row]) -> Vec<Group> {
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for (row, found) in rows.iter().flat_map(|row| row.open().iter().map(move |found| (row, found))) {
        let group = groups.entry(&found.control).or_insert_with(|| Group {
            about: found.control.clone(),
            headline: Fault::Control { control: found.control.clone() }.headline(),
            severity: found.severity,
            transition: None,
            accounts: Vec::new(),
            count: 0,
        });
        group.severity = group.severity.max(found.severity);
        group.accounts.push(affected(&row.member, found.since));
        group.count += 1;
    }
    in_order(groups.into_values().collect())
}

/// Why accounts could not be audited, the most frequent cause first; what may pass by itself once it has lasted.
pub fn unaudited(rows: &[Row]) -> Vec<Unaudited> {
    let mut causes: BTreeMap<Option<Cause>, Vec<&Row>> = BTreeMap::new();
    for row in missed(rows) {
        causes.entry(row.refusal().map(|refusal| refusal.cause)).or_default().push(row);
    }
    let mut all: Vec<Unaudited> = causes.into_iter().map(|(cause, rows)| of_cause(cause, rows)).collect();
    all.sort_by_key(|unaudited| Reverse(unaudited.count));
    all
}

/// Why an account was not audited, and how to fix it; `None`: it was not looked at.
pub fn advice(cause: Option<Cause>) -> (&'static str, &'static str) {
    const LOST: &str = "See the failed executions of the state machine and the log of the function member-auditor; the next run looks again.";
    cause.map_or((NOT_LOOKED_AT, LOST), |cause| (cause.words(), cause.remedy()))
}

fn of_cause(cause: Option<Cause>, mut rows: Vec<&Row>) -> Unaudited {
    let (words, remedy) = advice(cause);
    let was_audited = |row: &Row| if row.audited().is_some() { row.outcome.deep_at() } else { row.last_audited() };
    rows.sort_by_key(|row| (was_audited(row).is_none(), row.member.account.as_str()));
    let since = |row: &&Row| row.refusal().map(|refusal| refusal.since).or(row.last_audited()).unwrap_or_default();
    let said = |row: &&Row| match &row.outcome {
        Outcome::Refused(refusal) => refusal.said.clone(),
        Outcome::NotLookedAt { error, .. } => error.clone(),
        Outcome::Audited(_) | Outcome::Skipped { .. } => row.refusal().map(|it| it.said.clone()).unwrap_or_default(),
    };
    Unaudited {
        cause,
        words: words.to_owned(),
        remedy: remedy.to_owned(),
        said: rows.first().map(said).unwrap_or_default(),
        accounts: rows.iter().take(MAX_NAMED).map(|row| affected(&row.member, since(row))).collect(),
        count: rows.len(),
        audited_before: rows.iter().filter(|row| was_audited(row).is_some()).count(),
    }
}

/// The alerts about the organization as a whole, the worst first. Of several about one condition the newest counts, so that there are few
/// however long they waited.
pub fn of_organization<'a>(alerts: impl IntoIterator<Item = &'a Alert>) -> Vec<Alert> {
    let mut stories: BTreeMap<String, Vec<&Alert>> = BTreeMap::new();
    for alert in alerts {
        stories.entry(about(alert)).or_default().push(alert);
    }
    let merged = stories.into_values().filter_map(|story| {
        let mut newest = (*story.iter().max_by_key(|alert| alert.at)?).clone();
        let transition = transition(&newest, &story);
        if let (What::Condition(update), Some(transition)) = (&mut newest.what, transition) {
            update.transition = transition;
        }
        Some(newest)
    });
    let mut merged: Vec<Alert> = merged.collect();
    merged.sort_by_key(|alert| Reverse(alert.severity));
    merged
}

/// Accounts that came and went between two runs, of those that are `shown`; none where there was no run `before`. What left before that run,
/// and still has alerts that wait, does not leave again.
pub fn moves(before: &[Row], rows: &[Row], is_shown: impl Fn(&Member) -> bool) -> Moves {
    let before: Vec<&Row> = before.iter().filter(|row| row.is_known()).collect();
    let rows: Vec<&Row> = rows.iter().collect();
    if before.is_empty() {
        return Moves::default();
    }
    let beyond = |rows: &[&Row], others: &[&Row]| -> Vec<Affected> {
        let others: std::collections::HashSet<&AccountId> = others.iter().map(|row| &row.member.account).collect();
        let beyond = rows.iter().filter(|row| !others.contains(&row.member.account) && is_shown(&row.member));
        beyond.map(|row| affected(&row.member, row.last_audited().unwrap_or_default())).collect()
    };
    let (mut joined, mut left) = (beyond(&rows, &before), beyond(&before, &rows));
    let (joined_count, left_count) = (joined.len(), left.len());
    joined.truncate(MAX_NAMED);
    left.truncate(MAX_NAMED);
    Moves { joined, joined_count, left, left_count }
}

impl Run {
    /// The accounts in `rows`, and nothing that is new.
    pub fn of(organization: &str, run: &str, rows: &[Row]) -> Self {
        let mut skipped: BTreeMap<Skip, usize> = BTreeMap::new();
        for row in rows {
            if let Outcome::Skipped { why } = row.outcome {
                *skipped.entry(why).or_default() += 1;
            }
        }
        Self {
            organization: organization.to_owned(),
            run: run.to_owned(),
            is_first: false,
            is_digest: false,
            coverage: Coverage::of(rows),
            organization_alerts: Vec::new(),
            groups: Vec::new(),
            open: open(rows),
            unaudited: unaudited(rows),
            skipped,
            moves: Moves::default(),
            route: None,
            unreached: None,
            routed: Vec::new(),
            last_open: rows.iter().map(|row| row.last_open.len()).sum(),
            before_unread: None,
            tags_unread: 0,
        }
    }

    /// The worst of what it sends; `None`: nothing.
    pub fn severity(&self) -> Option<Severity> {
        let of_organization = self.organization_alerts.iter().map(|alert| alert.severity);
        of_organization.chain(self.groups.iter().map(|group| group.severity)).max()
    }

    /// Whether there is nothing to send: nothing is new, and no digest is due.
    pub fn is_silent(&self) -> bool {
        !self.is_first && !self.is_digest && self.severity().is_none() && self.moves == Moves::default()
    }

    /// Leaves out accounts and groups until at most `accounts` of each group are named, and `groups` groups are left; each keeps its count.
    pub fn cut(&mut self, groups: usize, accounts: usize) {
        self.groups.truncate(groups);
        self.open.truncate(groups);
        self.groups.iter_mut().chain(&mut self.open).for_each(|group| group.accounts.truncate(accounts));
        self.unaudited.iter_mut().for_each(|unaudited| unaudited.accounts.truncate(accounts));
        self.moves.joined.truncate(accounts);
        self.moves.left.truncate(accounts);
    }
}

fn affected(member: &Member, since: Timestamp) -> Affected {
    Affected { account: member.account.clone(), name: member.name.clone(), since }
}

fn oldest_first(accounts: &mut Vec<Affected>) {
    accounts.sort_by(|a, b| (a.since, a.account.as_str()).cmp(&(b.since, b.account.as_str())));
    accounts.truncate(MAX_NAMED);
}

fn is_over(transition: Option<Transition>) -> bool {
    matches!(
        transition,
        Some(Transition::Resolved | Transition::Dropped | Transition::Suppressed | Transition::Acknowledged)
    )
}

fn about(alert: &Alert) -> String {
    match &alert.what {
        What::Condition(update) => update.condition.key(),
        What::RootCredentialsBack { .. } => "root-credentials-back".into(),
        What::RootActivity(act) => bounded(&format!("root/{:?}/{}", act.kind, act.headline())),
        What::Tampering(tampering) => format!("tampering/{}", tampering.event_id),
        What::PlannedRootUse(_) => "planned-root-use".into(),
        What::CaughtUp { .. } => "caught-up".into(),
        What::ExceptionEnded(exception) => format!("exception-ended/{}", exception.control),
        What::AttestationLapsed(attestation) => format!("attestation-lapsed/{}", attestation.statement.id()),
        What::Digest(_) => "digest".into(),
        What::Unreadable { .. } => "unreadable".into(),
    }
}

fn headline(alert: &Alert) -> String {
    match &alert.what {
        What::Condition(update) => match update.transition {
            Transition::Resolved => update.condition.resolved(),
            Transition::Dropped => update.condition.about(),
            _ => update.condition.headline(),
        },
        What::RootCredentialsBack { .. } => "root has credentials again".into(),
        What::RootActivity(act) => bounded(&act.headline()),
        What::Tampering(tampering) => bounded(&tampering.headline()),
        What::PlannedRootUse(_) => "use of root announced".into(),
        What::CaughtUp { .. } => "checks had stopped".into(),
        What::ExceptionEnded(exception) => format!("an exception ended: {}", title(&exception.control)),
        What::AttestationLapsed(attestation) => format!("an attestation expired: {}", attestation.statement.id()),
        What::Digest(_) => "the account's status".into(),
        What::Unreadable { .. } => "an alert that another version of rootwatch wrote".into(),
    }
}

fn title(control: &str) -> String {
    controls::control(control).map_or_else(|| bounded(control), |control| control.title.to_owned())
}

#[cfg(test)]
mod tests {
    use alerts::{ConditionAlert, Failure};
    use facts::account::{Account, Partition};
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::refusal::Refusal;
    use crate::row::{Audited, Found};

    fn now() -> Timestamp {
        "2026-11-20T10:00:00Z".parse().unwrap()
    }

    fn member(number: usize) -> Member {
        let account = AccountId::parse(&format!("{number:012}")).unwrap();
        Member::new(account, &format!("account-{number}"), None, "ACTIVE")
    }

    fn alert(number: usize, control: &str, transition: Transition, severity: Severity, minute: i64) -> Alert {
        let at = now() + jiff::SignedDuration::from_mins(minute);
        let update = ConditionAlert {
            transition,
            condition: Fault::Control { control: control.into() },
            failure: Failure::new(severity, "found"),
            opened_at: now(),
            unverified_since: None,
            flapping: false,
            exception: None,
            acknowledged: None,
        };
        let account = Account { id: member(number).account, alias: None, partition: Partition::Aws };
        Alert { id: format!("{number}/{control}"), at, severity, account, what: What::Condition(Box::new(update)) }
    }

    fn sign_in(number: usize, outcome: &str) -> Alert {
        let account = Account { id: member(number).account, alias: None, partition: Partition::Aws };
        let record = serde_json::json!({
            "eventVersion": "1.11", "eventID": format!("{number}-{outcome}"), "eventTime": "2026-11-20T09:00:00Z",
            "eventName": "ConsoleLogin", "eventSource": "signin.amazonaws.com", "eventType": "AwsConsoleSignIn",
            "awsRegion": "us-east-1", "recipientAccountId": account.id.as_str(),
            "userIdentity": {"type": "Root", "accountId": account.id.as_str(), "arn": format!("arn:aws:iam::{}:root", account.id)},
            "responseElements": {"ConsoleLogin": outcome}, "additionalEventData": {"MFAUsed": "No"},
        });
        let event = facts::record::TrailEvent::from_record(&record).unwrap();
        let act = facts::RootActivity::classify(&event, &account, []).unwrap();
        alerts::of_root(&act, &account, now())
    }

    #[test]
    fn a_sign_in_is_no_failed_one_of_another_account_and_is_as_old_as_the_event() {
        let alerts = [(member(1), sign_in(1, "Failure")), (member(2), sign_in(2, "Success"))];
        let groups = group(alerts.iter().map(|(member, alert)| (member, alert)));
        let shown: Vec<_> =
            groups.iter().map(|group| (group.severity, group.count, group.accounts[0].name.as_str())).collect();
        assert_eq!(shown, [(Severity::Critical, 1, "account-2"), (Severity::Medium, 1, "account-1")], "{groups:?}");
        assert!(!groups[0].headline.contains("failed") && groups[1].headline.contains("failed"), "{groups:?}");
        assert_eq!(groups[0].accounts[0].since, "2026-11-20T09:00:00Z".parse().unwrap());
    }

    proptest! {
        #[test]
        fn grouping_loses_and_doubles_no_alert(
            all in proptest::collection::vec((0..30_usize, 0..3_usize, 0..2_usize, 0..100_i64), 0..60),
        ) {
            const CONTROLS: [&str; 3] = ["root-access-keys", "root-mfa", "root-unused"];
            const TRANSITIONS: [Transition; 2] = [Transition::Opened, Transition::Resolved];
            let alerts: Vec<(Member, Alert)> = all
                .iter()
                .map(|(n, control, transition, minute)| {
                    (member(*n), alert(*n, CONTROLS[*control], TRANSITIONS[*transition], Severity::High, *minute))
                })
                .collect();
            let groups = group(alerts.iter().map(|(member, alert)| (member, alert)));
            let distinct: std::collections::BTreeSet<(usize, usize)> = all.iter().map(|(n, control, ..)| (*n, *control)).collect();
            prop_assert_eq!(groups.iter().map(|group| group.count).sum::<usize>(), distinct.len());
            for group in &groups {
                prop_assert_eq!(group.accounts.len(), group.count.min(MAX_NAMED));
            }
        }
    }

    #[test]
    fn the_worst_group_is_first_and_names_forty_accounts_at_most() {
        let mut all: Vec<(Member, Alert)> =
            (0..50).map(|n| (member(n), alert(n, "root-mfa", Transition::Opened, Severity::High, 0))).collect();
        all.push((member(7), alert(7, "root-access-keys", Transition::Opened, Severity::Critical, 0)));
        all.push((member(8), alert(8, "root-access-keys", Transition::Resolved, Severity::Informational, 0)));
        let groups = group(all.iter().map(|(member, alert)| (member, alert)));
        let shown: Vec<(&str, usize, usize)> =
            groups.iter().map(|group| (group.headline.as_str(), group.count, group.accounts.len())).collect();
        let resolved = "Root has no access keys, active or inactive";
        assert_eq!(shown, [("root has an access key", 1, 1), ("root has no MFA", 50, 40), (resolved, 1, 1)]);
    }

    #[test]
    fn of_two_alerts_of_one_account_about_one_thing_the_newest_counts() {
        let all = [
            (member(1), alert(1, "root-mfa", Transition::Resolved, Severity::Informational, 5)),
            (member(1), alert(1, "root-mfa", Transition::Opened, Severity::Critical, 0)),
        ];
        let groups = group(all.iter().map(|(member, alert)| (member, alert)));
        assert_eq!((groups.len(), groups[0].transition), (1, Some(Transition::Resolved)));
    }

    #[test]
    fn what_is_still_open_is_new_where_its_opening_was_not_sent() {
        let all = [
            (member(1), alert(1, "root-mfa", Transition::Reminder, Severity::Critical, 5)),
            (member(1), alert(1, "root-mfa", Transition::Opened, Severity::Critical, 0)),
            (member(2), alert(2, "root-mfa", Transition::Reminder, Severity::Critical, 5)),
        ];
        let groups = group(all.iter().map(|(member, alert)| (member, alert)));
        let shown: Vec<_> = groups.iter().map(|group| (group.transition, group.accounts[0].name.as_str())).collect();
        assert_eq!(shown.len(), 2);
        assert!(shown.contains(&(Some(Transition::Opened), "account-1")));
        assert!(shown.contains(&(Some(Transition::Reminder), "account-2")));
    }

    #[test]
    fn of_alerts_about_the_organization_the_newest_of_each_condition_counts_however_many_wait() {
        let account = Account { id: member(1).account, alias: None, partition: Partition::Aws };
        let fault = |fault: Option<&str>| crate::observe(fault, &[], None);
        let (mut known, mut waiting) = (BTreeMap::new(), Vec::new());
        let mut at = now();
        for seen in [Some("denied"), Some("denied"), Some("denied")] {
            let (alerts, conditions) = alerts::follow(&known, &fault(seen), &account, at, &alerts::Policy::default());
            known.extend(conditions);
            waiting.extend(alerts);
            at += SignedDuration::from_hours(30);
        }
        assert!(waiting.len() >= 3, "opened, and reminders: {}", waiting.len());
        let merged = of_organization(&waiting);
        assert_eq!(merged.len(), 1);
        let update = merged[0].condition().unwrap();
        assert_eq!(update.transition, Transition::Opened, "its opening was not sent");
        assert_eq!(merged[0].at, waiting.last().unwrap().at);
        let (alerts, _) = alerts::follow(&known, &fault(None), &account, at, &alerts::Policy::default());
        waiting.extend(alerts);
        let merged = of_organization(&waiting);
        let transitions: Vec<_> = merged.iter().filter_map(|alert| alert.condition()).map(|it| it.transition).collect();
        assert!(transitions.contains(&Transition::Resolved), "{transitions:?}");
        assert!(!transitions.contains(&Transition::Opened), "it is over: {transitions:?}");
    }

    #[test]
    fn unaudited_accounts_are_listed_by_cause_with_the_remedy_and_those_once_audited_first() {
        let refused = |n, cause, last_audited| {
            let said = format!("said {n}");
            Row::new(
                member(n),
                Outcome::Refused(Refusal { cause, said, since: now(), runs: 1, last_audited, deep_at: None }),
            )
        };
        let rows = [
            refused(1, Cause::Denied, None),
            refused(2, Cause::ServiceControlPolicy, None),
            refused(3, Cause::ServiceControlPolicy, Some(now())),
            refused(4, Cause::Throttled, None),
        ];
        let all = unaudited(&rows);
        let shown: Vec<(Option<Cause>, usize)> =
            all.iter().map(|unaudited| (unaudited.cause, unaudited.count)).collect();
        assert_eq!(shown, [(Some(Cause::ServiceControlPolicy), 2), (Some(Cause::Denied), 1)], "throttled may pass");
        assert_eq!((all[0].accounts[0].name.as_str(), all[0].said.as_str()), ("account-3", "said 3"));
        assert_eq!([all[0].audited_before, all[1].audited_before], [1, 0]);
        assert!(all[0].remedy.contains("ExemptAssumeRoot"));
    }

    #[test]
    fn open_findings_of_all_accounts_are_counted_by_control() {
        let found = |control: &str, severity| Found { control: control.into(), severity, since: now() };
        let row = |n, open| {
            let steps = [crate::Cell::Failed; 5];
            let audited = Audited { steps, root: None, open, ..Audited::clean(now()) };
            Row::new(member(n), Outcome::Audited(Box::new(audited)))
        };
        let mfa = || found("root-mfa", Severity::Critical);
        let rows = [row(1, vec![mfa(), found("root-unused", Severity::High)]), row(2, vec![mfa()]), row(3, Vec::new())];
        let open = open(&rows);
        let shown: Vec<(&str, usize)> = open.iter().map(|group| (group.headline.as_str(), group.count)).collect();
        assert_eq!(shown, [("root has no MFA", 2), ("root was used recently", 1)]);
    }

    #[test]
    fn accounts_that_joined_and_left_are_named_after_the_first_run() {
        let row = |n| Row::new(member(n), Outcome::Skipped { why: Skip::Closed });
        assert_eq!(moves(&[], &[row(1)], |_| true), Moves::default());
        let moved = moves(&[row(1), row(2)], &[row(2), row(3)], |_| true);
        assert_eq!((moved.joined[0].name.as_str(), moved.left[0].name.as_str()), ("account-3", "account-1"));
        assert_eq!((moved.joined_count, moved.left_count), (1, 1));
        let gone = Row { is_unlisted: true, ..row(3) };
        let moved = moves(&[row(2), gone.clone()], &[row(2)], |_| true);
        assert_eq!(moved, Moves::default(), "what has left does not leave again");
        let moved = moves(&[row(2), gone], &[row(2), row(3)], |_| true);
        assert_eq!((moved.joined_count, moved.left_count), (1, 0), "what comes back joins");
        let of_three = moves(&[row(1), row(2)], &[row(2), row(3)], |member| member.name == "account-3");
        assert_eq!((of_three.joined_count, of_three.left_count), (1, 0));
    }
}
