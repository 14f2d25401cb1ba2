//! The body for people: what happened, what to do, how the account stands. Plain text; mail clients show it as it is.

use alerts::{Alert, ConditionAlert, Digest, Fault, Transition};
use checklist::control::{Control, Step, place};
use checklist::controls;
use checklist::finding::Finding;
use checklist::read_errors::{ReadErrors, by_cause};
use checklist::report::Report;
use facts::account::Account;
use facts::root_activity::{Kind, RootActivity, Words};
use facts::source::{Source, Unavailable};
use facts::text::counted;
use facts::text::for_email as safe;
use facts::verdict::Status;
use jiff::Timestamp;

use super::words::{
    self, Acts, MAX_DETAILED, MAX_LINES, Unread, age, capital, control_of, moment, some_of, span, suppressed, time_of,
    weight, when,
};
use super::{Bulletin, Sorted, runbook, session};

const WIDTH: usize = 78;
/// Unknown controls that are listed with their titles.
const MAX_UNKNOWN: usize = 5;
/// Operations that a line of read errors names.
const MAX_OPERATIONS: usize = 40;
/// Conditions that are told with all their evidence; a new account has dozens.
const MAX_CONDITIONS: usize = 8;

pub(super) fn compose(bulletin: &Bulletin, sorted: &Sorted) -> String {
    let Some(first) = sorted.first() else { return String::new() };
    let mut mail = Mail { bulletin, sorted, account: &first.account, text: String::new() };
    mail.opening();
    mail.activity();
    mail.tampering();
    mail.conditions("NEW", |transition| matches!(transition, Transition::Opened | Transition::Changed));
    mail.conditions("STILL OPEN", |transition| transition == Transition::Reminder);
    mail.unread();
    mail.ended();
    mail.notices();
    mail.checklist();
    mail.provenance();
    mail.footer();
    mail.text
}

struct Mail<'a> {
    bulletin: &'a Bulletin<'a>,
    sorted: &'a Sorted<'a>,
    account: &'a Account,
    text: String,
}

impl<'a> Mail<'a> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line("");
        self.line(title);
        self.line("-".repeat(title.len()));
    }

    /// `first` before the first line, as many spaces before the others.
    fn wrapped(&mut self, first: &str, text: &str) {
        let indent = " ".repeat(first.chars().count());
        let mut line = first.to_owned();
        let mut fresh = true;
        for word in text.split_whitespace() {
            if !fresh && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line.clone_from(&indent);
                fresh = true;
            }
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
            fresh = false;
        }
        self.line(&line);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.wrapped(&format!("    {name:<12}"), value);
    }

    fn opening(&mut self) {
        let Bulletin { at, report, repeats_possible, .. } = *self.bulletin;
        self.line(format!("AWS account {}, {}", safe(&self.account.to_string()), moment(at)));
        // Before everything else: nothing below reads as well as long as something could not be seen.
        if let Some(status) = self.sorted.status_line(report) {
            self.wrapped("", &format!("{}.", capital(&safe_reason(&status))));
        }
        let counts = self.sorted.counts();
        if !counts.is_empty() {
            self.line(format!("{}.", capital(&counts)));
        }
        let score = report.map(|report| report.score).or_else(|| self.sorted.digest().and_then(|digest| digest.score));
        if let Some(score) = score {
            self.line(format!("{}.", capital(&score.to_string())));
        }
        if report.is_some_and(Report::is_partial) {
            self.line("");
            self.wrapped("", "PARTIAL: time ran out before everything was read; the next check goes on from there.");
        }
        if repeats_possible {
            self.line("");
            self.wrapped("", words::REPEATS_POSSIBLE);
        }
        if let Some(late) = self.sorted.told_late(at) {
            self.line("");
            self.wrapped("", &late);
        }
    }

    fn activity(&mut self) {
        let sorted = self.sorted;
        let all = Acts::of(sorted);
        let acts = &all.told;
        if sorted.acts.is_empty() {
            return;
        }
        self.section("WHAT ROOT DID");
        let sessions = session::sessions(sorted.acts.iter().copied());
        let (mut explained, mut explained_alone) = (Vec::new(), Vec::new());
        for act in acts.iter().take(MAX_DETAILED) {
            // Its heading stands before the first of its acts that is told in detail; anybody can fail to sign in.
            let acts_of_root = |session: &session::Session<'a>| {
                let acts = session.acts.iter().filter(|one| one.kind != Kind::SignInFailed);
                let count = words::count(acts.clone().map(AsRef::as_ref));
                (count, acts.clone().filter_map(|one| one.since()).min(), acts.filter_map(|one| one.time).max())
            };
            let session = sessions.iter().find(|session| {
                let mut acts = session.acts.iter().filter(|one| one.kind != Kind::SignInFailed);
                acts.find(|one| !words::is_in_sum(one)).is_some_and(|one| std::ptr::eq(one.as_ref(), *act))
            });
            if let Some((session, (count, since, until))) = session
                .map(|session| (session, acts_of_root(session)))
                .filter(|(_, (count, ..))| sessions.len() > 1 || *count > 1)
            {
                let from: Vec<String> = session.source_addresses.iter().take(3).map(|address| safe(address)).collect();
                let from = if from.is_empty() { "an unknown address".to_owned() } else { from.join(", ") };
                let (span, count) = (span(since, until), counted(count, "act", "acts"));
                self.line("");
                self.wrapped("  ", &format!("One session from {from}: {count}, {span}"));
            }
            self.act(act);
            let words = act.words();
            if !explained.contains(&words) {
                self.explanation(words, act.topic());
                explained.push(words);
            }
        }
        let others: Vec<_> = acts.iter().skip(MAX_DETAILED).copied().collect();
        if !others.is_empty() {
            self.line("");
            self.line("  Further acts");
        }
        for act in others.iter().take(MAX_LINES) {
            let from = words::address(act, safe, "an unknown address");
            let (what, region) = (safe(&act.headline()), safe(&act.region));
            self.wrapped("    - ", &format!("{} {}: {what}, {region}, from {from}", time_of(act), act.severity));
        }
        if others.len() > MAX_LINES {
            let rest = others.iter().skip(MAX_LINES).copied();
            let more = words::count(rest.clone());
            let oldest = rest.clone().filter_map(|act| act.since()).min();
            let newest = rest.filter_map(|act| act.time).max();
            self.wrapped("    - ", &format!("and {more} more, {}: {}", span(oldest, newest), how_to_list(oldest)));
        }
        for (sum, explained_by) in all.sums() {
            self.line("");
            self.line(format!("  {}  {}", sum.severity, sum.what));
            self.field("when", &sum.when);
            self.field("what", &some_of(&sum.calls, safe));
            self.field("from", &some_of(&sum.addresses, safe));
            explained_alone.extend(explained_by);
        }
        for kind in explained_alone {
            self.explanation(kind.words(), kind.words());
        }
    }

    fn act(&mut self, act: &RootActivity) {
        let account = self.account;
        let optional = |value: &Option<String>| value.as_deref().map(safe);
        self.line("");
        self.line(format!("  {}  {}", act.severity, capital(&safe(&act.headline()))));
        self.field("when", &time_of(act));
        self.field("who", &format!("root user of {}, MFA {}", safe(&account.to_string()), act.mfa.words()));
        self.field("from", &words::address(act, safe, "not recorded"));
        self.field("with", &optional(&act.user_agent).unwrap_or_else(|| "not recorded".into()));
        self.field(
            "call",
            &format!("{} of {} in {}", safe(&act.event_name), safe(&act.event_source), safe(&act.region)),
        );
        for (name, value) in words::remarks(act, self.bulletin.at) {
            self.field(name, &safe_reason(&value));
        }
        if let Some(url) = act.console_url(account) {
            self.field("event", &url);
        }
    }

    fn tampering(&mut self) {
        let all = self.sorted.tamperings();
        let Some(words) = all.first().map(|tampering| tampering.words()) else { return };
        self.section("WHO CHANGED WHAT WATCHES");
        for tampering in all.iter().take(MAX_DETAILED) {
            let optional = |value: &Option<String>| value.as_deref().map(safe);
            self.line("");
            self.line(format!("  {}  {}", tampering.severity, capital(&safe(&tampering.headline()))));
            self.field("when", &when(tampering.time));
            self.field("who", &safe(&tampering.by));
            self.field("from", &optional(&tampering.source_address).unwrap_or_else(|| "not recorded".into()));
            self.field("with", &optional(&tampering.user_agent).unwrap_or_else(|| "not recorded".into()));
            let (name, source, region) =
                (safe(&tampering.event_name), safe(&tampering.event_source), safe(&tampering.region));
            self.field("call", &format!("{name} of {source} in {region}"));
            for (name, value) in [
                ("on", optional(&tampering.on)),
                ("via", optional(&tampering.invoked_by)),
                ("refused", optional(&tampering.error)),
            ] {
                if let Some(value) = value {
                    self.field(name, &value);
                }
            }
            if let Some(url) = tampering.console_url(self.account) {
                self.field("event", &url);
            }
        }
        let others: Vec<_> = all.iter().skip(MAX_DETAILED).collect();
        if !others.is_empty() {
            self.line("");
            self.line("  Further changes");
        }
        for tampering in others.iter().take(MAX_LINES) {
            let (what, by) = (safe(&tampering.headline()), safe(&tampering.by));
            let on = tampering.on.as_deref().map(|on| format!(" on {}", safe(on))).unwrap_or_default();
            let when = when(tampering.time);
            self.wrapped("    - ", &format!("{when} {}: {what}{on}, by {by}", tampering.severity));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("    - and {more} more"));
        }
        self.explanation(words, Kind::WatchTampered.words());
    }

    fn explanation(&mut self, words: Words, topic: Words) {
        self.line("");
        self.wrapped("    Why it matters: ", words.why);
        self.line("    What to do now:");
        for (number, step) in (1..).zip(words.steps) {
            self.wrapped(&format!("      {number}. "), step);
        }
        self.line(format!("    Runbook: {}", runbook::link(self.bulletin.runbook, topic.headline)));
    }

    /// Each section of the runbook that tells of one of `alerts`, once.
    fn runbook(&mut self, alerts: impl Iterator<Item = &'a Alert>) {
        let mut headings: Vec<&str> = Vec::new();
        for alert in alerts {
            let heading = runbook::heading(&alert.what);
            if !headings.contains(&heading) {
                headings.push(heading);
            }
        }
        if !headings.is_empty() {
            self.line("");
        }
        for heading in headings {
            self.line(format!("  Runbook: {}", runbook::link(self.bulletin.runbook, heading)));
        }
    }

    fn conditions(&mut self, title: &str, is: impl Fn(Transition) -> bool) {
        let conditions = self.sorted.conditions_that(is);
        if conditions.is_empty() {
            return;
        }
        let is_worse =
            |(alert, told): &(&Alert, &ConditionAlert)| self.sorted.transition(alert, told) == Transition::Changed;
        self.section(if conditions.iter().any(is_worse) { "NEW, OR WORSE THAN BEFORE" } else { title });
        if conditions.iter().any(|(_, told)| told.condition.is_blindness()) {
            self.line("");
            self.wrapped("  ", words::NO_ALL_CLEAR);
        }
        let alerts: Vec<&Alert> = conditions.iter().map(|(alert, _)| *alert).collect();
        let (unread, seen): (Vec<_>, Vec<_>) =
            conditions.into_iter().partition(|(_, told)| matches!(told.condition, Fault::Unread { .. }));
        for (alert, told) in seen.iter().take(MAX_CONDITIONS) {
            self.condition(alert, told);
        }
        for (alert, told) in seen.iter().skip(MAX_CONDITIONS) {
            self.briefly(alert, told);
        }
        if !unread.is_empty() {
            self.line("");
        }
        let unread = Unread::of(self.sorted, &unread);
        for of_cause in &unread {
            self.wrapped("  UNKNOWN  ", &safe_reason(&of_cause.line(MAX_OPERATIONS)));
            if let Some(times) = &of_cause.times {
                self.wrapped("    since: ", times);
            }
        }
        self.remedies(&unread.iter().filter_map(Unread::remedy).collect::<Vec<_>>());
        self.runbook(alerts.into_iter());
    }

    fn heading(&mut self, told: &ConditionAlert) {
        let place = control_of(told).map(|control| format!(" ({}, {})", place(control.step), control.id));
        self.line("");
        self.wrapped(
            &format!("  {}  ", weight(told)),
            &format!("{}{}", capital(&safe_reason(&told.condition.headline())), place.unwrap_or_default()),
        );
        self.wrapped("    found: ", &safe_reason(&told.failure.found));
    }

    /// What was found and how to mend it, without the evidence.
    fn briefly(&mut self, alert: &Alert, told: &ConditionAlert) {
        self.heading(told);
        self.since(alert, told);
        let steps = control_of(told).map(|control| control.remediation.console.join(" "));
        if let Some(mend) = steps.as_deref().or_else(|| words::mend(&told.condition)) {
            self.wrapped("    mend:  ", mend);
        }
    }

    fn condition(&mut self, alert: &Alert, told: &ConditionAlert) {
        let failure = &told.failure;
        let control = control_of(told);
        self.heading(told);
        for evidence in &failure.evidence {
            let (fact, value) = (safe(&evidence.fact), safe(&evidence.value));
            self.wrapped("      - ", &format!("{fact} = {value} ({}, {})", evidence.source, moment(evidence.as_of)));
        }
        self.since(alert, told);
        self.history(alert);
        if let Some(control) = control {
            if self.sorted.transition(alert, told) != Transition::Reminder {
                self.wrapped("    why:   ", control.rationale);
            }
            self.line("    mend:");
            for (number, step) in (1..).zip(control.remediation.console) {
                self.wrapped(&format!("      {number}. "), step);
            }
            for command in control.remediation.cli {
                self.line(format!("      $ {command}"));
            }
        }
        if let Some(mend) = words::mend(&told.condition) {
            self.wrapped("    mend:  ", mend);
        }
    }

    fn since(&mut self, alert: &Alert, told: &ConditionAlert) {
        if let Some(since) = self.sorted.since(alert, told) {
            self.wrapped("    since: ", &since);
        }
    }

    fn history(&mut self, newest: &Alert) {
        if let Some(before) = self.sorted.before(newest) {
            self.wrapped("    before: ", &before);
        }
    }

    fn ended(&mut self) {
        let ended = self.sorted.conditions_that(|transition| {
            matches!(transition, Transition::Resolved | Transition::Suppressed | Transition::Dropped)
        });
        if ended.is_empty() {
            return;
        }
        let is_resolved = ended.iter().all(|(_, told)| told.transition == Transition::Resolved);
        self.section(if is_resolved { "RESOLVED" } else { "RESOLVED, SUPPRESSED, NO LONGER CHECKED" });
        let alerts: Vec<&Alert> = ended.iter().map(|(alert, _)| *alert).collect();
        for (alert, told) in ended {
            self.line("");
            let (how, open) = words::ended(alert, told);
            self.wrapped("  ", &safe_reason(&how));
            self.wrapped("    ", &open);
            self.history(alert);
        }
        self.runbook(alerts.into_iter());
    }

    fn notices(&mut self) {
        let notices = self.sorted.notices();
        if !notices.is_empty() {
            self.section("TO KNOW");
        }
        for alert in &notices {
            if let Some(text) = words::notice(&alert.what) {
                self.line("");
                self.wrapped(&format!("  {}  ", alert.severity), &safe_reason(&text));
            }
        }
        self.runbook(notices.into_iter());
        if let Some(digest) = self.sorted.digest() {
            self.open_conditions(digest);
        }
    }

    fn open_conditions(&mut self, digest: &'a Digest) {
        self.section("HOW IT STANDS");
        let others = self.sorted.open_beside(digest);
        if digest.open.is_empty() {
            self.wrapped("  ", &words::nothing_open(digest));
        } else if others.is_empty() {
            self.line("  All open findings are listed above.");
        }
        for open in others.iter().take(MAX_LINES) {
            self.wrapped(&format!("  {:<9}", open.severity), &safe_reason(&words::open(open)));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  and {more} more"));
        }
        // With a report the checklist lists them.
        let unseen = if self.bulletin.report.is_none() { words::unseen(digest) } else { Vec::new() };
        for (word, text) in unseen.into_iter().chain(words::declared(digest, self.bulletin.at)) {
            self.wrapped(&format!("  {word:<9}"), &safe_reason(&text));
        }
        self.wrapped("  ", &words::last_complete(digest));
        if let Some(link) = self.bulletin.report_link {
            self.line("");
            self.wrapped("  ", &format!("{}:", words::report_until(self.bulletin.at)));
            // As it is: an address that is wrapped, or cleaned, leads nowhere.
            self.line(&link.0);
            self.wrapped("  ", words::REPORT_LATER);
        }
    }

    fn checklist(&mut self) {
        let of_report = |report: &Report| Step::ALL.iter().map(|step| report.status_of(Some(*step))).collect();
        let steps: Option<Vec<Status>> =
            self.bulletin.report.map(of_report).or_else(|| self.sorted.digest().map(|digest| digest.steps.clone()));
        let Some(steps) = steps else { return };
        self.section("CHECKLIST");
        let numbered = Step::ALL.map(|step| (step.number().to_string(), step.title()));
        let baseline = self.bulletin.report.map(|report| report.status_of(None));
        let lines =
            numbered.into_iter().chain([("+".to_owned(), "Account baseline")]).zip(steps.into_iter().chain(baseline));
        for ((number, title), status) in lines {
            self.line(format!("  {number} {title:<62} {}", words::shown(status)));
        }
        let Some(report) = self.bulletin.report else { return };
        self.not_passed(report);
        self.rest(report);
    }

    /// What fails, the worst first; what is unknown; what is suppressed. A line each: what is new stands above with all its details.
    /// A digest has listed the conditions that are open, and what is suppressed: what is left is told by another condition.
    fn not_passed(&mut self, report: &Report) {
        let digest = self.sorted.digest();
        let is_listed = |finding: &Finding| {
            digest
                .is_some_and(|digest| digest.open.iter().any(|open| open.condition.control() == Some(finding.control)))
        };
        let mut findings: Vec<&Finding> = report.findings.iter().collect();
        findings.sort_by_key(|finding| finding.rank());
        let open: Vec<(String, String)> = findings
            .iter()
            .filter(|finding| !finding.is_suppressed() && !is_listed(finding))
            .filter_map(|finding| Some((finding, controls::control(finding.control)?)))
            .filter_map(|(finding, control)| match finding.status {
                Status::Failed => Some((format!("  FAILED   {:<9}", finding.severity), control.violation, control.id)),
                _ => None,
            })
            .map(|(word, about, id)| (word, format!("{about} ({id})")))
            .collect();
        for (word, about) in open.iter().take(MAX_LINES) {
            self.wrapped(word, about);
        }
        if let Some(more) = open.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  and {more} more"));
        }
        self.unknown(findings.iter().filter(|finding| finding.status == Status::Unknown && !finding.is_suppressed()));
        if digest.is_some() {
            return;
        }
        for finding in findings.iter().filter(|finding| finding.status >= Status::Unknown) {
            for exception in &finding.exceptions {
                self.wrapped("  SUPPRESSED ", &safe_reason(&format!("{}. {}", finding.control, suppressed(exception))));
            }
        }
    }

    /// A few with their titles; of many, which mostly have one cause, the ids.
    fn unknown<'f>(&mut self, findings: impl Iterator<Item = &'f &'f Finding>) {
        let unknown: Vec<&Control> = findings.filter_map(|finding| controls::control(finding.control)).collect();
        if unknown.len() <= MAX_UNKNOWN {
            for control in unknown {
                self.wrapped("  UNKNOWN  ", &format!("Cannot verify: {} ({})", control.title, control.id));
            }
            return;
        }
        let ids: Vec<&str> = unknown.iter().map(|control| control.id).collect();
        self.wrapped("  UNKNOWN  ", &format!("Cannot verify {} controls: {}.", ids.len(), ids.join(", ")));
    }

    /// What passes, counted.
    fn rest(&mut self, report: &Report) {
        let count = |status| report.findings.iter().filter(|finding| finding.status == status).count();
        let mut parts = vec![counted(count(Status::Passed), "control passes", "controls pass")];
        match count(Status::NotApplicable) {
            0 => {}
            1 => parts.push("1 does not apply".into()),
            many => parts.push(format!("{many} do not apply")),
        }
        if !report.left_out.is_empty() {
            parts.push(format!("left out: {}", some_of(&report.left_out, safe)));
        }
        self.wrapped("  ", &format!("{}.", parts.join("; ")));
    }

    /// What this run could not read, beside what is told of as a condition.
    fn unread(&mut self) {
        let told = self
            .sorted
            .newest
            .iter()
            .filter_map(|alert| alert.condition())
            .filter_map(|told| told.failure.unavailable.as_ref());
        let told: Vec<&Unavailable> = told.collect();
        let states = self.bulletin.report.into_iter().flat_map(Report::errors);
        let errors: Vec<&Unavailable> =
            states.filter_map(|state| state.error.as_ref()).filter(|error| !told.contains(error)).collect();
        if errors.is_empty() {
            return;
        }
        self.section("READ ERRORS");
        self.wrapped("  ", words::NO_ALL_CLEAR);
        let errors = by_cause(errors);
        for of_cause in errors.iter().take(MAX_LINES) {
            self.wrapped("  - ", &safe_reason(&of_cause.line(MAX_OPERATIONS)));
        }
        if let Some(more) = errors.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  - and {more} more"));
        }
        self.remedies(&errors.iter().map(ReadErrors::remedy).collect::<Vec<_>>());
    }

    fn remedies(&mut self, remedies: &[&str]) {
        let mut told: Vec<&str> = Vec::new();
        for remedy in remedies {
            if told.is_empty() {
                self.line("");
                self.line("  How to make it readable:");
            }
            if !told.contains(remedy) {
                self.wrapped("    - ", remedy);
                told.push(remedy);
            }
        }
    }

    fn provenance(&mut self) {
        let Some(report) = self.bulletin.report else { return };
        self.section("HOW OLD THIS IS");
        let credential_report = report.sources.iter().find(|state| state.source == Source::CredentialReport);
        match credential_report.and_then(|state| state.as_of) {
            Some(at) => {
                let age = age(report.taken_at.duration_since(at));
                let text =
                    format!("credential report: {}, {age} old. IAM renews it every 4 hours at most.", moment(at));
                self.wrapped("  ", &text);
            }
            None => self.line("  credential report: none."),
        }
        let regions = report.sources.iter().filter(|state| state.source == Source::RootEvents);
        let (missed, swept): (Vec<_>, Vec<_>) = regions.partition(|state| state.error.is_some());
        self.wrapped(
            "  ",
            &format!(
                "root events: from {} to {}, {} swept{}. CloudTrail may show an event some minutes late.",
                moment(report.root_events_since),
                moment(report.taken_at),
                counted(swept.len(), "Region", "Regions"),
                if missed.is_empty() { String::new() } else { format!(", {} not", missed.len()) },
            ),
        );
        let is_other = |source| !matches!(source, Source::CredentialReport | Source::RootEvents);
        let live = report.sources.iter().filter(|state| is_other(state.source) && state.error.is_none()).count();
        let unread = report.errors().count();
        if live > 0 {
            self.line(format!("  {}: live.", counted(live, "other data source", "other data sources")));
        }
        if unread > 0 {
            self.line(format!("  {}: see above.", counted(unread, "read error", "read errors")));
        }
    }

    /// The ids by which programs and people recognise a repeat.
    fn footer(&mut self) {
        let acts = session::sessions(self.sorted.acts.iter().copied());
        let ids = acts
            .iter()
            .map(|session| session.id.as_ref())
            .chain(self.sorted.newest.iter().map(|alert| alert.id.as_str()));
        let ids: Vec<&str> = ids.collect();
        self.line("");
        self.wrapped("Alert ids: ", &ids.iter().take(MAX_LINES).map(|id| safe(id)).collect::<Vec<_>>().join(" "));
        if let Some(more) = ids.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("and {more} more"));
        }
        self.line(format!("rootwatch {}", env!("CARGO_PKG_VERSION")));
    }
}

/// Reasons are ours but may quote: cleaned, and longer than a single name.
fn safe_reason(text: &str) -> String {
    text.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}

fn how_to_list(since: Option<Timestamp>) -> String {
    let since = since.map(|at| format!(" --start-time {at}")).unwrap_or_default();
    format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root{since} --region <region>"
    )
}
