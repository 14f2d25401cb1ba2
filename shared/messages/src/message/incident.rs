//! What a message is about, one incident after the other: what every channel shows, in the order in which it shows it.

use std::cmp::Reverse;

use alerts::{Alert, ConditionAlert, Fault, Transition};
use checklist::control::place;
use checklist::finding::Finding;
use checklist::report::Report;
use facts::account::Account;
use facts::root_activity::{Phase, RootActivity};
use facts::severity::Severity;
use facts::source::Source;
use facts::tampering::Tampering;
use jiff::Timestamp;

use super::fact::Fact;
use super::playbook::{self, Membership, Shown, Values};
use super::times::{plain, stamp};
use super::words::{self, Unread, capital, weight};
use super::{Sorted, runbook};

mod activity;

/// Most sessions, and most of each other kind, that are put into words; the rest is counted.
const MAX_INCIDENTS: usize = 40;

/// With more new findings than this, the worst of them stand for the others.
pub(super) const MAX_NEW: usize = 3;

/// Something that happened or was found, with what to do about it.
pub(super) struct Incident<'a> {
    /// That of the worst that belongs to it.
    pub(super) severity: Severity,
    /// `CRITICAL`, or `UNKNOWN`.
    pub(super) weight: String,
    /// What happened, in a few words. May quote.
    pub(super) title: String,
    pub(super) facts: Vec<Fact>,
    pub(super) why: Option<&'static str>,
    pub(super) steps: Vec<Shown>,
    pub(super) commands: Vec<String>,
    /// CloudTrail's event in the console.
    pub(super) event: Option<String>,
    /// A page of AWS on it.
    pub(super) more: Option<&'static str>,
    /// Its section in the runbook.
    pub(super) heading: &'static str,
    /// The alert that leads it.
    pub(super) alert: &'a Alert,
    pub(super) what: Subject<'a>,
    /// Findings that it caused.
    pub(super) opened: Vec<(&'a Alert, &'a ConditionAlert)>,
}

/// What it is about.
pub(super) enum Subject<'a> {
    /// A session of root, without the act that leads it.
    Session { also: Vec<&'a RootActivity>, from: Option<Timestamp>, to: Option<Timestamp> },
    /// What an identity other than root did to the monitoring, without the change that leads it.
    Tampering(Vec<&'a Tampering>),
    /// Acts that are only counted.
    Counted,
    /// A control that fails, or another fault.
    Condition(&'a ConditionAlert),
    /// What could not be read.
    Unread,
    /// What people must know.
    Notice,
}

/// All that a message is about.
pub(super) struct Incidents<'a> {
    /// The worst first.
    pub(super) all: Vec<Incident<'a>>,
    /// Actions of root in sessions that are not among them.
    pub(super) other_acts: usize,
    /// What else is not among them.
    pub(super) others: usize,
}

/// What an incident is made of.
pub(super) struct Maker<'a, 'b> {
    pub(super) sorted: &'b Sorted<'a>,
    pub(super) account: &'b Account,
    pub(super) at: Timestamp,
    pub(super) report: Option<&'b Report>,
    /// Whether the account is a member of the organization, as the sender knows.
    pub(super) is_member: bool,
}

impl<'a> Maker<'a, '_> {
    /// All of them, the worst first: at the same severity what root did comes before what has been wrong for long.
    pub(super) fn all(&self) -> Incidents<'a> {
        let mut folded: Vec<&str> = Vec::new();
        let (mut all, other_acts) = self.sessions(&mut folded);
        all.extend(self.counted(!all.is_empty()));
        let (tamperings, mut left_out) = self.tamperings(&mut folded);
        let mut others: Vec<(usize, Incident<'a>)> = tamperings;
        let is_open =
            |transition| matches!(transition, Transition::Opened | Transition::Changed | Transition::Reminder);
        let conditions = self.sorted.conditions_that(is_open);
        let (unread, mut seen): (Vec<_>, Vec<_>) =
            conditions.into_iter().partition(|(_, update)| matches!(update.condition, Fault::Unread { .. }));
        seen.retain(|(alert, _)| !folded.contains(&alert.id.as_str()));
        let mut notices = self.sorted.notices();
        left_out += seen.len().saturating_sub(MAX_INCIDENTS) + notices.len().saturating_sub(MAX_INCIDENTS);
        seen.truncate(MAX_INCIDENTS);
        notices.truncate(MAX_INCIDENTS);
        others
            .extend(seen.into_iter().map(|(alert, update)| (self.sorted.place(alert), self.condition(alert, update))));
        others.extend(self.unread(&unread));
        let notices = notices.into_iter();
        others.extend(notices.filter_map(|alert| Some((self.sorted.place(alert), self.notice(alert)?))));
        others.sort_by_key(|(place, _)| *place);
        all.extend(others.into_iter().map(|(_, incident)| incident));
        all.sort_by_key(|incident| Reverse(incident.severity));
        Incidents { all, other_acts, others: left_out }
    }

    fn values(&self) -> Values {
        let member = self.is_member.then_some(Membership::Member);
        Values::new(self.account, member.unwrap_or_else(|| membership(self.account, self.report)))
    }

    /// Findings of `controls` that opened with an event of `severity`, and are no worse than it; each belongs to one incident.
    fn caused_by(
        &self,
        severity: Severity,
        controls: impl Iterator<Item = &'static str>,
        folded: &mut Vec<&'a str>,
    ) -> Vec<(&'a Alert, &'a ConditionAlert)> {
        let controls: Vec<&str> = controls.collect();
        let is_caused = |update: &ConditionAlert| matches!(&update.condition, Fault::Control { control } if controls.contains(&control.as_str()));
        let opened = self.sorted.conditions_that(|transition| transition == Transition::Opened).into_iter();
        // That root was used is the event itself.
        let is_the_event = |update: &ConditionAlert| update.condition.control() == Some("root-unused");
        let opened =
            opened.filter(|(alert, update)| is_caused(update) && (alert.severity <= severity || is_the_event(update)));
        let opened: Vec<_> = opened.filter(|(alert, _)| !folded.contains(&alert.id.as_str())).collect();
        folded.extend(opened.iter().map(|(alert, _)| alert.id.as_str()));
        opened
    }

    fn condition(&self, alert: &'a Alert, update: &'a ConditionAlert) -> Incident<'a> {
        let control = words::control_of(update);
        let transition = self.sorted.transition(alert, update);
        let state = match transition {
            Transition::Changed => "worse: ",
            Transition::Reminder => "still open: ",
            _ => "",
        };
        let mut facts = vec![
            Fact::ours("Found", plain(&update.failure.found)),
            Fact::ours("When", self.sorted.since(alert, update, self.at)),
        ];
        let place = control.map(|control| format!("{} ({})", control.id, place(control.step)));
        facts.extend(place.map(|place| Fact::ours("Control", place)));
        facts.extend(self.sorted.before(alert).map(|before| Fact::ours("Before", before)));
        let (mut steps, commands) = control.map(|control| playbook::of_control(control, update)).unwrap_or_default();
        let remedy = playbook::of_fault(&update.condition);
        steps.extend(remedy.map(Shown::plain));
        Incident {
            severity: alert.severity,
            weight: weight(update),
            title: format!("{state}{}", update.condition.headline()),
            facts,
            why: control.filter(|_| transition != Transition::Reminder).map(|control| control.rationale),
            steps,
            commands,
            event: None,
            more: control.and_then(|control| control.references.first()).map(|reference| reference.url),
            heading: runbook::heading(&alert.what),
            alert,
            what: Subject::Condition(update),
            opened: Vec::new(),
        }
    }

    /// Everything that could not be read, in one.
    fn unread(&self, unread: &[(&'a Alert, &'a ConditionAlert)]) -> Option<(usize, Incident<'a>)> {
        let (alert, _) = unread.iter().max_by_key(|(alert, _)| (alert.severity, Reverse(self.sorted.place(alert))))?;
        let all = Unread::of(self.sorted, unread, self.at);
        let mut remedies: Vec<&str> = Vec::new();
        for remedy in all.iter().filter_map(Unread::remedy) {
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
        let blindness = self.sorted.blindness_to_root();
        let are_known =
            unread.iter().all(|(alert, update)| self.sorted.transition(alert, update) == Transition::Reminder);
        let still = if are_known { "still open: " } else { "" };
        let title = match (blindness.map(words::blindness_to_root), unread) {
            (Some((short, why)), _) => format!("{still}{short}: {why}"),
            (None, [(_, update)]) => format!("{still}{}", update.condition.headline()),
            (None, several) => format!("{still}{} data sources could not be read", several.len()),
        };
        let mut facts = Vec::new();
        for of_cause in all.iter().take(words::MAX_LINES) {
            let times = of_cause.times.as_ref().map(|times| format!(" ({times})")).unwrap_or_default();
            facts.push(Fact::ours("Found", format!("{}{times}", of_cause.line(words::MAX_OPERATIONS))));
        }
        if let Some(more) = all.len().checked_sub(words::MAX_LINES).filter(|more| *more > 0) {
            facts.push(Fact::ours("Found", format!("and {more} more causes")));
        }
        let steps = remedies.iter().map(|remedy| Shown::plain(*remedy)).collect();
        let incident = Incident {
            severity: alert.severity,
            weight: blindness.map_or_else(|| "UNKNOWN".into(), |severity| severity.to_string()),
            title,
            facts,
            why: Some(words::NO_ALL_CLEAR),
            steps,
            commands: Vec::new(),
            event: None,
            more: None,
            heading: runbook::heading(&alert.what),
            alert,
            what: Subject::Unread,
            opened: Vec::new(),
        };
        Some((self.sorted.place(alert), incident))
    }

    fn notice(&self, alert: &'a Alert) -> Option<Incident<'a>> {
        let notice = words::notices::notice(&alert.what, &self.values().since(alert.at), self.at)?;
        Some(Incident {
            severity: alert.severity,
            weight: alert.severity.to_string(),
            title: notice.title,
            facts: vec![Fact::ours("Found", notice.found), Fact::ours("When", stamp(alert.at, self.at))],
            why: None,
            steps: notice.steps,
            commands: Vec::new(),
            event: None,
            more: None,
            heading: runbook::heading(&alert.what),
            alert,
            what: Subject::Notice,
            opened: Vec::new(),
        })
    }
}

impl<'a> Incident<'a> {
    /// What to do first.
    pub(super) fn first(&self) -> Option<&Shown> {
        self.steps.first()
    }

    /// What is open because of it, or that it is: what can be acknowledged.
    pub(super) fn open(&self) -> Vec<&'a str> {
        let own = matches!(self.what, Subject::Condition(_)).then_some(self.alert.id.as_str());
        own.into_iter().chain(self.opened.iter().map(|(alert, _)| alert.id.as_str())).collect()
    }

    /// `root-access-keys (CRITICAL), root-unused (HIGH)`.
    pub(super) fn opened_words(&self) -> Option<String> {
        let name = |(_, update): &(&Alert, &ConditionAlert)| {
            update.condition.control().map(|control| format!("{control} ({})", weight(update)))
        };
        let opened: Vec<String> = self.opened.iter().filter_map(name).collect();
        (!opened.is_empty()).then(|| opened.join(", "))
    }

    /// Whether it is a finding that is new, or worse than before.
    pub(super) fn is_new_finding(&self, sorted: &Sorted) -> bool {
        let Subject::Condition(update) = self.what else { return false };
        matches!(sorted.transition(self.alert, update), Transition::Opened | Transition::Changed)
    }

    /// Whether its steps have phases.
    pub(super) fn has_phases(&self) -> bool {
        self.steps.iter().any(|step| step.phase.is_some_and(|phase| phase > Phase::Confirm))
    }

    /// What comes before the steps: where nothing asks first whether it was one of us, when to stop.
    pub(super) fn unless(&self) -> Option<&'static str> {
        let is_asked = self.steps.first().is_none_or(|first| first.phase == Some(Phase::Confirm));
        let is_event = matches!(self.what, Subject::Session { .. } | Subject::Tampering(_));
        (is_event && !is_asked && self.steps.len() > 1).then_some(
            "Step 1 is *Do first*, above. If one of you did this for a known task, stop there. Otherwise continue:",
        )
    }

    pub(super) fn headline(&self) -> String {
        capital(&self.title)
    }
}

/// Whether `fact` is among those that a short block has.
pub(super) fn is_brief(fact: &Fact) -> bool {
    !["Call", "User agent", "Signed by", "Via"].contains(&fact.name)
}

/// What the report knows of the organization.
fn membership(account: &Account, report: Option<&Report>) -> Membership {
    let finding = report.and_then(|report| report.findings.iter().find(|finding| finding.control == "organization"));
    let of = |finding: &Finding, fact: &str| {
        let evidence =
            finding.evidence.iter().find(|evidence| evidence.source == Source::Organization && evidence.fact == fact);
        evidence.map(|evidence| evidence.value.clone())
    };
    let Some(finding) = finding else { return Membership::Unknown };
    match (of(finding, "management account"), of(finding, "organization").as_deref()) {
        (Some(management), _) if management == account.id.to_string() => Membership::Alone,
        (Some(_), _) => Membership::Member,
        (None, Some("none")) => Membership::Alone,
        _ => Membership::Unknown,
    }
}

/// The place of an alert among those that are sent, the worst first.
impl Sorted<'_> {
    pub(super) fn place(&self, alert: &Alert) -> usize {
        self.newest.iter().position(|other| std::ptr::eq(*other, alert)).unwrap_or(usize::MAX)
    }
}
