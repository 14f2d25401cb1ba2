//! The function's answer: the report, and what was sent. Its JSON Schema is `docs/report.schema.json`.

use std::collections::BTreeMap;

use alerts::{Acknowledged, Alert};
use checklist::finding::Finding;
use checklist::framework_view::View;
use checklist::report::Report;
use facts::root_activity::Plan;
use facts::text::counted;
use serde::{Deserialize, Serialize};

mod test_alert;

pub use test_alert::{Arrived, Sending, TEST_ALERT, TestAlertAnswer};

/// Most root activity, and most alerts, that the answer lists.
const MAX_ACTIVITY: usize = 1_000;

/// Most bytes of the answer. Lambda hands at most 1 MB to a destination, with the request and an envelope around the answer
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
pub const MAX_BYTES: usize = 900_000;
/// What [`Answer::cut`] takes at most.
const FOR_CUT: usize = 512;
/// So many of each list are kept as long as another has more: what is large goes first.
const KEPT: usize = 500;
/// The same of announced uses of root, and of acknowledgements.
const KEPT_PLANS: usize = 50;
/// The same of the resources of a finding.
const KEPT_RESOURCES: usize = 100;

/// What the function answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answered {
    /// To a check.
    Check(Box<Answer>),
    /// To the request for a test alert.
    TestAlert(Box<TestAlertAnswer>),
}

impl Answered {
    /// The answer to a check; `None` after a test alert.
    pub fn check(self) -> Option<Answer> {
        match self {
            Self::Check(answer) => Some(*answer),
            Self::TestAlert(_) => None,
        }
    }
}

/// What the function answers to a check: the report, and the alerts that were sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The check in one sentence: `INCOMPLETE: …` with what is unknown, root's controls first; else what fails, or what is suppressed.
    pub headline: String,
    /// The report; of root activity at most the first 1,000, and of every list the entries that [`Self::cut`] leaves.
    #[serde(flatten)]
    pub report: Report,
    /// Alerts that this run decided; in a dry run, those that it would send. At most the first 1,000.
    pub alerts: Vec<Alert>,
    /// SNS's ids of the messages that this run published, also for an earlier run; empty when there was nothing to send.
    pub sent: Vec<String>,
    /// Alerts that wait until they can be sent; `null` when the state store could not be read.
    #[serde(alias = "untold")]
    pub unsent: Option<usize>,
    /// The findings by the numbers of a framework, where the event asked for one.
    pub framework: Option<View>,
    /// The run's time ended before all was read; the next run goes on from there.
    pub partial: bool,
    /// Everything that must be read was read, and every alert was sent: the run may send a heartbeat.
    pub complete: bool,
    /// Announced uses of root that are remembered.
    pub plans: Vec<Plan>,
    /// Open alerts that a person acknowledged, each until its acknowledgement ends; `null` when the state store could not be read.
    #[serde(default)]
    pub acknowledged: Option<Vec<Acknowledged>>,
    /// Items of the state table that no check has written so, and that count for nothing.
    #[serde(default)]
    pub odd_items: usize,
    /// How many of a field's entries were left out, by the field's name, so that the answer fits into what Lambda passes on;
    /// `resources`: those of all findings together.
    pub cut: BTreeMap<String, usize>,
    /// The report before this one; `null` in the function's answer, as only who keeps reports knows.
    pub previous: Option<Previous>,
}

/// The report before a report: who removes or edits one breaks this chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Previous {
    /// Where it lies in the bucket.
    pub key: String,
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Answer {
    /// `report` and `alerts`, of root's acts and of alerts at most the first 1,000.
    pub fn new(mut report: Report, mut alerts: Vec<Alert>) -> Self {
        let mut cut = BTreeMap::new();
        for (name, count) in [("root_activity", report.root_activity.len()), ("alerts", alerts.len())] {
            note(&mut cut, name, count.saturating_sub(MAX_ACTIVITY));
        }
        report.root_activity.truncate(MAX_ACTIVITY);
        alerts.truncate(MAX_ACTIVITY);
        report.findings.sort_by_key(Finding::rank);
        Self {
            headline: report.summary().headline(),
            partial: report.is_partial(),
            report,
            alerts,
            sent: Vec::new(),
            unsent: None,
            framework: None,
            complete: false,
            plans: Vec::new(),
            acknowledged: None,
            odd_items: 0,
            cut,
            previous: None,
        }
    }

    /// The same where so many alerts could not be sent yet, or the state store failed.
    pub fn unsent(mut self, alerts: usize, has_no_store: bool) -> Self {
        let mut summary = self.report.summary();
        summary.others.extend(has_no_store.then(|| "the state store failed".to_owned()));
        if alerts > 0 {
            summary.others.push(counted(alerts, "alert is not sent yet", "alerts are not sent yet"));
        }
        self.headline = summary.headline();
        self
    }

    /// The same in at most [`MAX_BYTES`] of JSON. The ends of lists are left out, the least important list first: alerts were sent,
    /// and findings say in words what their resources are. A list loses no more than is needed, and each keeps a rest before one loses all.
    pub fn fit(mut self) -> Self {
        let mut excess = bytes(&self).saturating_sub(MAX_BYTES - FOR_CUT);
        for (kept, kept_plans, kept_resources) in [(KEPT, KEPT_PLANS, KEPT_RESOURCES), (0, 0, 0)] {
            let Self { report, alerts, plans, acknowledged, cut, .. } = &mut self;
            note(cut, "alerts", shorten(alerts, kept, &mut excess));
            note(cut, "plans", shorten(plans, kept_plans, &mut excess));
            let acknowledged = acknowledged.as_mut().map_or(0, |all| shorten(all, kept_plans, &mut excess));
            note(cut, "acknowledged", acknowledged);
            note(cut, "calls", shorten(&mut report.calls, kept, &mut excess));
            note(cut, "users", shorten(&mut report.users, kept, &mut excess));
            note(cut, "root_activity", shorten(&mut report.root_activity, kept, &mut excess));
            for finding in report.findings.iter_mut().rev() {
                note(cut, "resources", shorten(&mut finding.resources, kept_resources, &mut excess));
            }
        }
        self
    }
}

fn note(cut: &mut BTreeMap<String, usize>, name: &str, count: usize) {
    if count > 0 {
        *cut.entry(name.to_owned()).or_default() += count;
    }
}

/// Takes from the end of `list` what is in `excess`, but for the first `kept`; how many it took.
fn shorten<T: Serialize>(list: &mut Vec<T>, kept: usize, excess: &mut usize) -> usize {
    let before = list.len();
    while *excess > 0 && list.len() > kept {
        let Some(last) = list.pop() else { break };
        *excess = excess.saturating_sub(bytes(&last) + ",".len());
    }
    before - list.len()
}

/// Of `value` as JSON. What cannot be written has none, and Lambda's runtime will say why.
fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use checklist::Settings;
    use facts::{Call, RootActivity, Snapshot};
    use jiff::Timestamp;

    use super::*;

    fn report(change: impl FnOnce(&mut Snapshot)) -> Report {
        let mut snapshot = Snapshot::compliant();
        change(&mut snapshot);
        Report::generate(&snapshot, &Settings::compliant())
    }

    fn act() -> RootActivity {
        let record = include_str!("../../facts/samples/records/18-root-readonly-list-buckets.json");
        let event = facts::record::TrailEvent { record: Some(record.into()), ..facts::record::TrailEvent::default() };
        RootActivity::classify(&event, &Snapshot::compliant().account, None).unwrap()
    }

    #[test]
    fn an_answer_lists_a_thousand_acts_and_counts_the_others() {
        let answer = |count| {
            let answer =
                Answer::new(report(|snapshot| snapshot.root_events.activity = vec![act(); count]), Vec::new()).fit();
            (answer.report.root_activity.len(), answer.cut.get("root_activity").copied())
        };
        assert_eq!(answer(1_000), (1_000, None));
        assert_eq!(answer(1_007), (1_000, Some(7)));
    }

    /// An account of so many users with everything wrong, so much root activity, and so many calls.
    fn large(users: usize, acts: usize, calls: usize) -> (Report, Vec<Alert>) {
        let report = report(|snapshot| {
            let row = snapshot.report_users()[0].clone();
            let long_ago = Ok(Some(Timestamp::UNIX_EPOCH));
            let key = facts::credential_report::KeySlot {
                active: Ok(true),
                last_rotated: long_ago.clone(),
                last_used: long_ago.clone(),
                ..row.access_keys[0].clone()
            };
            let name = |number: usize| format!("user-{number:05}.{}", "x".repeat(20));
            *snapshot.report_users() = (0..users)
                .map(|number| facts::credential_report::UserRow {
                    name: name(number),
                    mfa_active: Ok(false),
                    password_last_used: long_ago.clone(),
                    access_keys: [key.clone(), key.clone()],
                    ..row.clone()
                })
                .collect();
            *snapshot.users_mut() = (0..users)
                .map(|number| facts::identities::IamUser {
                    name: name(number),
                    groups: vec!["Administrators".into(), "Developers".into()],
                    attached_policies: vec![facts::identities::AttachedPolicy::of_aws("AdministratorAccess")],
                    inline_policies: Vec::new(),
                })
                .collect();
            snapshot.root_events.activity = vec![act(); acts];
            let call = Call {
                operation: "CloudTrail.LookupEvents".into(),
                region: "us-east-1".into(),
                request_id: Some("00000000-0000-4000-8000-000000000001".into()),
                at: snapshot.taken_at,
                status: Some(200),
            };
            snapshot.calls = vec![call; calls];
        });
        let decision = alerts::decide(&Default::default(), &report, &alerts::Policy::default());
        (report, decision.alerts.into_iter().chain(decision.activity).collect())
    }

    #[test]
    fn an_answer_of_five_thousand_bad_users_fits_and_counts_what_it_leaves_out() {
        let (report, alerts) = large(5_000, 0, 120);
        let (users, resources) =
            (report.users.len(), report.findings.iter().map(|finding| finding.resources.len()).sum::<usize>());
        assert_eq!((users, resources), (5_000, 35_000));
        let whole = Answer::new(report, alerts);
        assert!(bytes(&whole) > 2 * MAX_BYTES, "{}", bytes(&whole));
        let alerts = whole.alerts.len();
        let answer = whole.fit();
        let size = bytes(&answer);
        assert!(size <= MAX_BYTES && size > MAX_BYTES - 2 * FOR_CUT, "{size}, {:?}", answer.cut);
        let count = |name: &str| answer.cut.get(name).copied().unwrap_or_default();
        assert_eq!(answer.report.users.len() + count("users"), users);
        let left: usize = answer.report.findings.iter().map(|finding| finding.resources.len()).sum();
        assert_eq!(left + count("resources"), resources);
        assert_eq!((answer.alerts.len(), answer.report.calls.len()), (alerts, 120), "what is small stays");
        assert!(answer.report.users.len() >= KEPT);
    }

    #[test]
    fn whatever_is_large_an_answer_fits_and_alerts_go_before_calls_before_users_before_acts() {
        for (users, acts, calls) in [(0, 1_000, 0), (0, 0, 10_000), (3_000, 1_001, 5_000)] {
            let (report, alerts) = large(users, acts, calls);
            let answer = Answer::new(report, alerts).fit();
            assert!(bytes(&answer) <= MAX_BYTES, "{users} {acts} {calls}: {}", bytes(&answer));
        }
        let names = |mut answer: Answer, excess: usize| {
            let spare = MAX_BYTES - FOR_CUT - bytes(&answer);
            answer.sent = vec!["x".repeat(spare + excess - "\"\"".len())];
            answer.fit().cut.into_keys().collect::<Vec<_>>()
        };
        let answer = || {
            let (report, alerts) = large(200, 100, 100);
            Answer::new(report, alerts)
        };
        let of = |list: fn(&Answer) -> usize| list(&answer());
        let (alerts, calls) = (of(|answer| bytes(&answer.alerts)), of(|answer| bytes(&answer.report.calls)));
        let users = of(|answer| bytes(&answer.report.users));
        assert_eq!(names(answer(), 0), Vec::<String>::new());
        let resources = of(|answer| {
            let beyond = |finding: &Finding| bytes(&finding.resources.get(KEPT_RESOURCES..).unwrap_or_default());
            answer.report.findings.iter().map(beyond).sum()
        });
        assert_eq!(names(answer(), resources + 1), ["alerts", "resources"]);
        assert_eq!(names(answer(), resources + alerts + 1), ["alerts", "calls", "resources"]);
        assert_eq!(names(answer(), resources + alerts + calls + 1), ["alerts", "calls", "resources", "users"]);
        assert_eq!(
            names(answer(), resources + alerts + calls + users + 1),
            ["alerts", "calls", "resources", "root_activity", "users"]
        );
    }

    #[test]
    fn the_answer_as_json() {
        let report = report(|snapshot| {
            snapshot.summary_mut().root_access_keys = Ok(1);
            snapshot.identities = Snapshot::blind().identities;
        });
        insta::assert_snapshot!(serde_json::to_string_pretty(&Answer::new(report, Vec::new())).unwrap());
    }

    #[test]
    fn very_many_plans_are_cut_too_and_throw_nothing_else_away() {
        let report = Report::generate(&Snapshot::compliant(), &Settings::compliant());
        let (now, findings) = (report.taken_at, report.findings.len());
        let users = report.users.len();
        let mut answer = Answer::new(report, Vec::new());
        let long = "\u{10348}".repeat(200);
        let plan = |number| {
            let from = now + jiff::SignedDuration::from_secs(number);
            Plan::new(from, from + jiff::SignedDuration::from_hours(1), &long, &long, now).unwrap()
        };
        answer.plans = (0..700).map(plan).collect();
        let given = alerts::Acknowledgement::new(&long, Some(&long), 24, now).unwrap();
        let acknowledged =
            alerts::Acknowledged { alert: "x".into(), condition: alerts::Fault::NoSubscriber, acknowledgement: given };
        answer.acknowledged = Some(vec![acknowledged; 700]);
        let answer = answer.fit();
        let kept = answer.acknowledged.as_ref().map(Vec::len);
        assert_eq!(answer.cut.get("acknowledged").map(|cut| cut + kept.unwrap_or_default()), Some(700));
        assert!(kept >= Some(KEPT_PLANS));
        assert!(bytes(&answer) <= MAX_BYTES, "{}", bytes(&answer));
        assert_eq!(answer.cut.get("plans").copied().unwrap_or_default() + answer.plans.len(), 700);
        assert_eq!((answer.report.findings.len(), answer.report.users.len()), (findings, users));
        assert!(!answer.cut.contains_key("calls") && !answer.cut.contains_key("resources"), "{:?}", answer.cut);
    }
}
