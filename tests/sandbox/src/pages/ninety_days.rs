//! Histories of ninety days: one with everything in it, and one as an ordinary account has before an incident.

use std::collections::BTreeMap;

use checklist::CHECKLIST;
use facts::root_activity::{Kind, Plan};
use facts::{RootActivity, Status};
use jiff::{SignedDuration, Timestamp};
use reporter::Stored;
use reporter::history::{self, History, Link, Run};
use reporter::looked::Looked;
use serde_json::Value;

use crate::samples;

/// Days of the seeded history.
const DAYS: i64 = 90;
/// Days without a check: the schedule was disabled.
const WITHOUT_DATA: std::ops::Range<i64> = 31..35;

/// What the history of the account of `report` could hold before it: two planned uses of root, failed sign-ins, calls of services, four
/// days without data, and findings that opened one after the other. What root did in `report` itself is not in it.
pub(crate) fn seeded(report: &Value) -> History {
    let read = Stored::read(report);
    let now = read.taken_at.expect("a report of the checker has a time");
    let ago = |days: i64, hours: i64| now - SignedDuration::from_hours(24 * days + hours);
    let window = |days: i64, hours: i64, ticket: &str| Plan {
        from: ago(days, 0),
        to: ago(days, -hours),
        ticket: ticket.into(),
        by: "alice".into(),
    };
    let plans = vec![window(61, 2, "CHG-1042"), window(24, 4, "CHG-1077")];
    let mut looked = Looked::default();
    for (since, until) in [(DAYS, WITHOUT_DATA.end), (WITHOUT_DATA.start, 0)] {
        let (root_events_since, taken_at) = (Some(ago(since, 0)), Some(ago(until, 1)));
        looked.add(&Stored { root_events_since, taken_at, ..Stored::read(report) });
    }
    let runs = (1..DAYS).rev().filter(|day| !WITHOUT_DATA.contains(day));
    let mut acts = ordinary(&plans, &ago);
    acts.sort_by(|one, other| (one.time, &one.event_id).cmp(&(other.time, &other.event_id)));
    History {
        schema: history::SCHEMA.into(),
        account: read.account.as_ref().map(|account| account.id.clone()),
        runs: runs.map(|day| before(&read, ago(day, 0), day)).collect(),
        acts,
        plans,
        looked,
        ..History::default()
    }
}

/// A day before an incident: what the incident changed still passes, and every other finding opened on a day of its own.
fn before(report: &Stored, at: Timestamp, day: i64) -> Run {
    let of_the_incident = ["root-access-keys", "root-unused", "root-use-recorded"];
    let status = |(place, control): (i64, &&checklist::Control)| {
        let today = report.findings.iter().find(|finding| finding.control == control.id).map(|finding| finding.status);
        let opened = 12 + place * 17 % 70;
        let status = match today.unwrap_or(Status::Passed) {
            Status::NotApplicable => Status::NotApplicable,
            _ if (day + place * 11) % 83 == 0 => Status::Unknown,
            _ if of_the_incident.contains(&control.id) => Status::Passed,
            bad @ (Status::Failed | Status::Unknown) if day <= opened => bad,
            _ if place % 9 == 4 && (52..58).contains(&day) => Status::Failed,
            _ => Status::Passed,
        };
        (control.id.to_owned(), status)
    };
    let statuses = (0..).zip(CHECKLIST).map(|(place, control)| status((place, control))).collect();
    Run { from: at, until: at, runs: 24, complete: 24, statuses, suppressed: [].into(), root_activity: BTreeMap::new() }
}

/// Root activity of an ordinary account, by days and hours ago.
fn ordinary(plans: &[Plan], ago: &impl Fn(i64, i64) -> Timestamp) -> Vec<RootActivity> {
    let samples = samples::records();
    let of = |kind: Kind| {
        samples
            .iter()
            .find(|action| action.kind == kind && (action.error.is_none() || kind == Kind::SignInFailed))
            .cloned()
    };
    let at = [
        (Kind::SignInFailed, 83, 3, 2),
        (Kind::SignInFailed, 47, 5, 4),
        (Kind::SignInFailed, 12, 9, 1),
        (Kind::PasswordRecoveryRequested, 47, 4, 1),
        (Kind::Service, 76, 2, 1),
        (Kind::Service, 44, 2, 1),
        (Kind::Service, 14, 2, 1),
        (Kind::SignInSucceeded, 61, -1, 1),
        (Kind::WriteCall, 61, -1, 2),
        (Kind::SignInSucceeded, 24, -1, 1),
        (Kind::ReadOnlyCall, 24, -2, 3),
        (Kind::WriteCall, 24, -2, 1),
    ];
    let many =
        at.into_iter().flat_map(|(kind, days, hours, times)| (0..times).map(move |time| (kind, days, hours, time)));
    let actions = (0..).zip(many).filter_map(|(number, (kind, days, hours, time))| {
        let at = ago(days, hours) - SignedDuration::from_mins(7 * time);
        let planned = plans.iter().find(|plan| (plan.from..=plan.to).contains(&at)).cloned();
        let action = of(kind)?;
        let severity = if planned.is_some() { action.severity.lowered() } else { action.severity };
        Some(RootActivity {
            event_id: format!("00000000-0000-4000-8004-{number:012}"),
            time: Some(at),
            severity,
            planned,
            ..action
        })
    });
    actions.collect()
}

/// `count` days that end with `report`: nights without a run, trouble that comes and goes, and what root did.
pub(super) fn days(report: &Value, count: i64) -> History {
    let read = Stored::read(report);
    let now = read.taken_at.expect("a report of the checker has a time");
    let runs = (0..count).rev().filter(|day| !(31..35).contains(day)).map(|day| run(&read, now, day)).collect();
    let link = Link { key: "reports/111122223333/x.json".into(), sha256: "3f9a".repeat(16), run: "0c5a1e2b".into() };
    let acts = if read.root_activity.is_empty() { Vec::new() } else { acts(&read, now, count) };
    let mut looked = Looked::default();
    let since = now - SignedDuration::from_hours(24 * count);
    looked.add(&Stored { root_events_since: Some(since), ..Stored::read(report) });
    History {
        looked,
        schema: history::SCHEMA.into(),
        account: read.account.map(|account| account.id),
        chain: vec![link],
        runs,
        acts,
        plans: read.plans,
        ..History::default()
    }
}

fn run(report: &Stored, now: Timestamp, day: i64) -> Run {
    // A control that is not well today has not been since a day of its own; before that it had its moments.
    let status = |(place, control): (i64, &&checklist::Control)| {
        let today = report.findings.iter().find(|finding| finding.control == control.id).map(|finding| finding.status);
        let began = 2 + place * 7 % 60;
        let status = match today.unwrap_or(Status::Passed) {
            bad @ (Status::Failed | Status::Unknown) if day <= began || place % 4 == 3 => bad,
            Status::NotApplicable => Status::NotApplicable,
            _ if (day + place * 5) % 47 == 0 => Status::Unknown,
            _ if place % 6 == 5 && (70..76).contains(&day) => Status::Failed,
            _ => Status::Passed,
        };
        (control.id.to_owned(), status)
    };
    let statuses: BTreeMap<String, Status> =
        (0..).zip(CHECKLIST).map(|(place, control)| status((place, control))).collect();
    let suppressed = if day < 14 { ["unused-credentials".to_owned()].into() } else { [].into() };
    let at = now - SignedDuration::from_hours(24 * day);
    Run { from: at, until: at, runs: 24, complete: 24, statuses, suppressed, root_activity: BTreeMap::new() }
}

/// One of every kind in the last days, and the announced ones in their windows.
fn acts(report: &Stored, now: Timestamp, days: i64) -> Vec<RootActivity> {
    let at = |hours: i64| now - SignedDuration::from_hours(hours);
    let samples = samples::records();
    let mut acts: Vec<RootActivity> = (0..)
        .zip(samples)
        .map(|(place, act)| RootActivity {
            event_id: format!("00000000-0000-4000-8001-{place:012}"),
            time: Some(at((place * 229 + 31) % (24 * days))),
            ..act
        })
        .collect();
    for (place, plan) in (0..).zip(&report.plans) {
        let planned = acts.first().cloned().map(|act| RootActivity {
            event_id: format!("00000000-0000-4000-8002-{place:012}"),
            time: Some(plan.from + SignedDuration::from_mins(20)),
            severity: act.severity.lowered(),
            planned: Some(plan.clone()),
            ..act
        });
        acts.extend(planned);
    }
    acts.sort_by_key(|act| act.time);
    acts
}
