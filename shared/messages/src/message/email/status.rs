//! The state of the account: what is open, what could not be read, how old the data is. A line each; the report has the rest.

use alerts::Digest;
use checklist::control::Step;
use checklist::controls;
use checklist::finding::Finding;
use checklist::read_errors::{ReadErrors, by_cause};
use checklist::report::Report;
use facts::severity::Severity;
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::verdict::Status;

use super::super::fact::Fact;
use super::super::incident::{Incidents, Subject};
use super::super::times::{age, moment};
use super::super::words::{self, MAX_LINES, MAX_OPERATIONS, some_of, suppressed};
use super::{Email, is_of, safe, safe_reason};

/// Open findings that have a line of their own.
const MAX_OPEN: usize = 10;
/// Unknown controls that are listed with their titles.
const MAX_UNKNOWN: usize = 3;

impl<'a> Email<'a, '_> {
    /// Where much is new, and in a digest that nothing leads.
    pub(super) fn five_steps(&mut self, is_led: bool) {
        let digest = self.sorted.digest();
        if !self.is_crowded && (is_led || digest.is_none()) {
            return;
        }
        let of_report = |report: &Report| Step::ALL.iter().map(|step| report.status_of(Some(*step))).collect();
        let steps: Option<Vec<Status>> =
            self.bulletin.report.map(of_report).or_else(|| digest.map(|digest| digest.steps.clone()));
        let Some(steps) = steps else { return };
        self.section("FIVE STEPS");
        for (step, status) in Step::ALL.into_iter().zip(steps) {
            self.line(format!("{}. {}: {}", step.number(), step.title(), words::step(status)));
        }
    }

    /// The digest.
    pub(super) fn status(&mut self, is_led: bool) {
        let Some(digest) = self.sorted.digest() else { return };
        let now = self.bulletin.at;
        self.section("ACCOUNT STATUS");
        let others = self.sorted.open_beside(digest);
        if digest.open.is_empty() {
            self.line(words::nothing_open(digest));
        } else if others.is_empty() && !is_led {
            self.line("All open findings are listed in this message.");
        }
        for open in others.iter().take(MAX_LINES) {
            self.line(format!("- {}: {}", open.severity, safe_reason(&words::open(open, now))));
        }
        self.more(others.len().saturating_sub(MAX_LINES));
        // With a report they are listed below.
        let unseen = if self.bulletin.report.is_none() { words::unseen(digest) } else { Vec::new() };
        let declared: Vec<_> = unseen.into_iter().chain(words::declared(digest, now)).collect();
        for (word, text) in declared.iter().take(MAX_LINES) {
            self.line(format!("- {word}: {}", safe_reason(text)));
        }
        self.more(declared.len().saturating_sub(MAX_LINES));
        self.line(words::last_complete(digest, now));
        if let Some(link) = self.bulletin.report_link {
            self.line(format!("{}:", words::report_until(now)));
            // As it is: an address that is cut, or cleaned, leads nowhere.
            self.line(&link.0);
            self.line(words::report_later(&self.chosen()));
        }
    }

    /// What could not be read, and how to make it readable.
    pub(super) fn read_errors(&mut self, incidents: &Incidents<'a>) {
        let update = self.sorted.newest.iter().filter_map(|alert| alert.condition());
        let update: Vec<&Unavailable> = update.filter_map(|update| update.failure.unavailable.as_ref()).collect();
        let states = self.bulletin.report.into_iter().flat_map(Report::errors);
        let errors: Vec<&Unavailable> =
            states.filter_map(|state| state.error.as_ref()).filter(|error| !update.contains(error)).collect();
        let unread = incidents.all.iter().find(|incident| matches!(incident.what, Subject::Unread));
        if errors.is_empty() && unread.is_none() {
            return;
        }
        self.section("READ ERRORS");
        if let Some(unread) = unread.filter(|unread| unread.weight != "UNKNOWN" && !self.text.contains(&unread.title)) {
            self.line(format!("{}: {}.", unread.weight, unread.title));
        }
        self.line(words::NO_ALL_CLEAR);
        let of_conditions = unread.iter().flat_map(|incident| &incident.facts);
        let of_conditions: Vec<&Fact> = of_conditions.filter(|fact| fact.name == "Found").collect();
        for fact in of_conditions {
            self.line(format!("- {}", safe_reason(&fact.value)));
        }
        let errors = by_cause(errors);
        for of_cause in errors.iter().take(MAX_LINES) {
            self.line(format!("- {}", safe_reason(&of_cause.line(MAX_OPERATIONS))));
        }
        self.more(errors.len().saturating_sub(MAX_LINES));
        let of_conditions = unread.iter().flat_map(|incident| &incident.steps).map(|step| step.text.clone());
        let remedies: Vec<String> =
            of_conditions.chain(errors.iter().map(ReadErrors::remedy).map(str::to_owned)).collect();
        let mut is_first = true;
        for remedy in remedies {
            if self.printed.contains(&remedy) {
                continue;
            }
            if std::mem::take(&mut is_first) {
                self.line("How to make it readable:");
            }
            self.line(format!("- {remedy}"));
            self.printed.push(remedy);
        }
    }

    /// What fails, the worst first; what is unknown; what is suppressed. A line each.
    pub(super) fn open_findings(&mut self, incidents: &Incidents<'a>) {
        let Some(report) = self.bulletin.report else { return };
        let digest = self.sorted.digest();
        let mut findings: Vec<&Finding> = report.findings.iter().collect();
        findings.sort_by_key(|finding| finding.rank());
        self.section("OPEN FINDINGS");
        let before = self.text.len();
        let open = findings.iter().filter(|finding| finding.status == Status::Failed && !finding.is_suppressed());
        let open: Vec<&Finding> = open.filter(|finding| !self.is_shown(finding, incidents, digest)).copied().collect();
        if self.is_crowded {
            self.by_severity(&open);
        } else {
            for finding in open.iter().take(MAX_OPEN) {
                let violation = controls::control(finding.control).map_or("", |control| control.violation);
                self.line(format!("- {}: {violation} ({})", finding.severity, finding.control));
            }
            self.more(open.len().saturating_sub(MAX_OPEN));
        }
        self.unknown(findings.iter().filter(|finding| finding.status == Status::Unknown && !finding.is_suppressed()));
        if digest.is_none() {
            let declared = findings.iter().filter(|finding| finding.status >= Status::Unknown);
            let declared =
                declared.flat_map(|finding| finding.exceptions.iter().map(|exception| (*finding, exception)));
            let declared: Vec<_> = declared.collect();
            for (finding, exception) in declared.iter().take(MAX_LINES) {
                let text = format!("{}. {}", finding.control, suppressed(exception, self.bulletin.at));
                self.line(format!("- SUPPRESSED: {}", safe_reason(&text)));
            }
            self.more(declared.len().saturating_sub(MAX_LINES));
        }
        if self.text.len() == before {
            self.line(if incidents.all.is_empty() { "None." } else { "None beside those above." });
        }
        self.counted(report);
    }

    /// Whether the message has `finding` in a line or a block of its own.
    fn is_shown(&self, finding: &Finding, incidents: &Incidents<'a>, digest: Option<&Digest>) -> bool {
        let is_in_digest = |digest: &Digest| {
            let beside = self.sorted.open_beside(digest);
            beside.iter().any(|open| open.condition.control() == Some(finding.control))
        };
        let mut new = 0;
        let mut is_block = false;
        for incident in &incidents.all {
            new += usize::from(incident.is_new_finding(self.sorted));
            let is_counted = self.is_crowded && incident.is_new_finding(self.sorted) && new > super::MAX_NEW;
            is_block |= !is_counted && is_of(incident.alert, finding.control);
        }
        is_block || digest.is_some_and(is_in_digest)
    }

    /// `HIGH: root-signing-certificates, root-unused.` Bounded by the number of controls.
    fn by_severity(&mut self, open: &[&Finding]) {
        for severity in [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Informational] {
            let of_it = open.iter().filter(|finding| finding.severity == severity);
            let ids: Vec<&str> = of_it.map(|finding| finding.control).collect();
            if !ids.is_empty() {
                self.line(format!("- {} {severity}: {}", ids.len(), ids.join(", ")));
            }
        }
    }

    /// A few with their titles; of many, which mostly have one cause, the ids.
    fn unknown<'f>(&mut self, findings: impl Iterator<Item = &'f &'f Finding>) {
        let unknown: Vec<_> = findings.filter_map(|finding| controls::control(finding.control)).collect();
        if unknown.len() <= MAX_UNKNOWN {
            for control in unknown {
                self.line(format!("- UNKNOWN: Cannot verify: {} ({})", control.title, control.id));
            }
            return;
        }
        let ids: Vec<&str> = unknown.iter().map(|control| control.id).collect();
        self.line(format!("- UNKNOWN: Cannot verify {} controls: {}.", ids.len(), ids.join(", ")));
    }

    /// What passes, counted.
    fn counted(&mut self, report: &Report) {
        let count = |status| report.findings.iter().filter(|finding| finding.status == status).count();
        let mut parts = vec![counted(count(Status::Passed), "control passes", "controls pass")];
        match count(Status::NotApplicable) {
            0 => {}
            1 => parts.push("1 does not apply".into()),
            many => parts.push(format!("{many} do not apply")),
        }
        if !report.left_out.is_empty() {
            parts.push(format!("disabled: {}", some_of(&report.left_out, safe)));
        }
        self.line(format!("{}. The report has the evidence and the whole checklist.", parts.join("; ")));
    }
}

/// How old the data is, in one line.
pub(super) fn freshness(report: &Report) -> String {
    let credential_report = report.sources.iter().find(|state| state.source == Source::CredentialReport);
    let credentials = match credential_report.and_then(|state| state.as_of) {
        Some(at) => {
            let old = age(report.taken_at.duration_since(at));
            format!("credential report of {}, {old} old (IAM renews it every 4 hours at most)", moment(at))
        }
        None => "no credential report".into(),
    };
    let regions = report.sources.iter().filter(|state| state.source == Source::RootEvents);
    let (missed, scanned): (Vec<_>, Vec<_>) = regions.partition(|state| state.error.is_some());
    let missed = if missed.is_empty() { String::new() } else { format!(", {} not", missed.len()) };
    format!(
        "{credentials}; root events from {} to {}, {} scanned{missed}.",
        moment(report.root_events_since),
        moment(report.taken_at),
        counted(scanned.len(), "Region", "Regions"),
    )
}
