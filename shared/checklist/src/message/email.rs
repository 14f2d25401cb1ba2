//! The body for people: what happened, what to do, how the account stands. Plain text; mail clients show it as it is.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};

use super::{Bulletin, Sorted, runbook, session};
use crate::account::Account;
use crate::alert::{Alert, ConditionAlert, Digest, Fault, OpenCondition, Transition, What};
use crate::control::{Step, place};
use crate::controls;
use crate::declarations::Exception;
use crate::finding::Status;
use crate::report::Report;
use crate::root_activity::{Kind, RootActivity, Words};
use crate::snapshot::{Source, Unavailable};
use crate::tampering::Tampering;
use crate::text::for_email as safe;

/// Acts that are told with all their details; the next ones get a line each, the rest is counted.
const MAX_DETAILED: usize = 5;
const MAX_LINES: usize = 20;
const WIDTH: usize = 78;
/// What was seen so long before it is told is told late.
const LATE: SignedDuration = SignedDuration::from_mins(15);
/// An act that is found so long after it happened says so.
const FOUND_LATE: SignedDuration = SignedDuration::from_hours(1);

pub(super) fn compose(bulletin: &Bulletin, sorted: &Sorted) -> String {
    let Some(first) = sorted.first() else { return String::new() };
    let mut mail = Mail { bulletin, sorted, account: &first.account, text: String::new() };
    mail.opening();
    mail.activity();
    mail.tampering();
    mail.conditions("NEW", |transition| matches!(transition, Transition::Opened | Transition::Changed));
    mail.conditions("STILL OPEN", |transition| transition == Transition::Reminder);
    mail.ended();
    mail.notices();
    mail.checklist();
    mail.unread();
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

    fn conditions_that(&self, is: impl Fn(Transition) -> bool) -> Vec<(&'a Alert, &'a ConditionAlert)> {
        let conditions = self.sorted.newest.iter().filter_map(|alert| alert.condition().map(|told| (*alert, told)));
        conditions.filter(|(alert, told)| is(self.sorted.transition(alert, told))).collect()
    }

    fn opening(&mut self) {
        let Bulletin { at, report, repeats_possible, .. } = *self.bulletin;
        let (sign_ins, acts): (Vec<_>, Vec<_>) =
            self.sorted.acts.iter().copied().partition(|(_, act)| act.kind == Kind::SignInFailed);
        self.line(format!("AWS account {}, {}", safe(&self.account.to_string()), moment(at)));
        let mut parts = Vec::new();
        if !acts.is_empty() {
            parts.push(counted(acts.len(), "act of root", "acts of root"));
        }
        if !sign_ins.is_empty() {
            parts.push(counted(sign_ins.len(), "failed sign-in", "failed sign-ins"));
        }
        let count = |is: fn(Transition) -> bool| self.conditions_that(is).len();
        for (count, word) in [
            (count(|transition| transition == Transition::Opened), "new"),
            (count(|transition| transition == Transition::Changed), "changed"),
            (count(|transition| transition == Transition::Reminder), "still open"),
            (count(|transition| transition == Transition::Resolved), "resolved"),
            (count(|transition| transition == Transition::Silenced), "silenced"),
            (count(|transition| transition == Transition::Dropped), "no longer checked"),
        ] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        let tampering = self.tamperings().len();
        if tampering > 0 {
            parts.push(counted(tampering, "change to what watches", "changes to what watches"));
        }
        let notices = self.newest_notices().len();
        if notices > 0 {
            parts.push(format!("{notices} to know"));
        }
        if let Some(digest) = self.digest() {
            parts.push(super::digest_headline(digest).to_lowercase());
        }
        let steps = report
            .map(|report| format!("{} of {} steps of the checklist pass", report.steps_passed(), Step::ALL.len()));
        let parts = parts.join(", ");
        let sentence: Vec<String> =
            [Some(parts), steps].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        if !sentence.is_empty() {
            self.line(format!("{}.", capital(&sentence.join("; "))));
        }
        if report.is_some_and(Report::is_partial) {
            self.line("");
            self.wrapped("", "PARTIAL: time ran out before everything was read; the next check goes on from there.");
        }
        if repeats_possible {
            self.line("");
            self.wrapped(
                "",
                "STATE STORE UNAVAILABLE, REPEATS POSSIBLE: rootwatch cannot read or write what it told before, and tells everything \
                 it sees. Look at the stack's table and at the role's permissions for it; the function's log names the error.",
            );
        }
        let oldest = self.bulletin.alerts.iter().map(|alert| alert.at).min();
        if let Some(seen) = oldest.filter(|seen| at.duration_since(*seen) > LATE) {
            let late = age(at.duration_since(seen));
            self.line("");
            self.wrapped(
                "",
                &format!(
                    "TOLD LATE: some of this was seen at {}, {late} ago, and could not be told until now; the function's log \
                     tells why.",
                    moment(seen)
                ),
            );
        }
    }

    fn digest(&self) -> Option<&'a Digest> {
        self.sorted.newest.iter().find_map(|alert| match &alert.what {
            What::Digest(digest) => Some(digest),
            _ => None,
        })
    }

    fn activity(&mut self) {
        let sorted = self.sorted;
        let all: Vec<&RootActivity> = sorted.acts.iter().map(|(_, act)| *act).collect();
        let (failed_sign_ins, acts): (Vec<_>, Vec<_>) = all.into_iter().partition(|act| act.kind == Kind::SignInFailed);
        let (reads, acts): (Vec<_>, Vec<_>) =
            acts.into_iter().partition(|act| act.kind == Kind::ReadOnlyCall && act.details_readable);
        if acts.is_empty() && reads.is_empty() && failed_sign_ins.is_empty() {
            return;
        }
        self.section("WHAT ROOT DID");
        let sessions = session::sessions(sorted.acts.iter().copied());
        let mut explained = Vec::new();
        for act in acts.iter().take(MAX_DETAILED) {
            // Its heading stands before the first of its acts that is told in detail; anybody can fail to sign in.
            let is_detailed = |one: &&&RootActivity| one.kind != Kind::ReadOnlyCall || !one.details_readable;
            let of_root = |session: &session::Session<'a>| {
                let acts = session.acts.iter().copied().filter(|one| one.kind != Kind::SignInFailed);
                acts.collect::<Vec<&RootActivity>>()
            };
            let session = sessions.iter().find(|session| {
                let mut acts = session.acts.iter().filter(|one| one.kind != Kind::SignInFailed);
                acts.find(is_detailed).is_some_and(|one| std::ptr::eq(*one, *act))
            });
            if let Some((session, of_session)) = session
                .map(|session| (session, of_root(session)))
                .filter(|(_, acts)| sessions.len() > 1 || acts.len() > 1)
            {
                let from: Vec<String> = session.source_addresses.iter().take(3).map(|address| safe(address)).collect();
                let from = if from.is_empty() { "an unknown address".to_owned() } else { from.join(", ") };
                let times = of_session.iter().filter_map(|act| act.time);
                let (span, count) = (span(times.clone().min(), times.max()), counted(of_session.len(), "act", "acts"));
                self.line("");
                self.wrapped("  ", &format!("One session from {from}: {count}, {span}"));
            }
            self.act(act);
            let words = act.words();
            if !explained.contains(&words) {
                self.explanation(words, act.kind);
                explained.push(words);
            }
        }
        let others: Vec<_> = acts.iter().skip(MAX_DETAILED).collect();
        if !others.is_empty() {
            self.line("");
            self.line("  Further acts");
        }
        for act in others.iter().take(MAX_LINES) {
            let from = act.source_address.as_deref().map(safe).unwrap_or_else(|| "an unknown address".into());
            let (what, region) = (safe(&act.headline()), safe(&act.region));
            self.wrapped("    - ", &format!("{} {}: {what}, {region}, from {from}", time_of(act), act.severity));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            let times = others.iter().skip(MAX_LINES).filter_map(|act| act.time);
            let (oldest, newest) = (times.clone().min(), times.max());
            self.wrapped("    - ", &format!("and {more} more, {}: {}", span(oldest, newest), how_to_list(oldest)));
        }
        self.summed_up(&reads, "read-only call", "read-only calls");
        self.summed_up(&failed_sign_ins, "failed sign-in", "failed sign-ins");
        let summed = [(Kind::ReadOnlyCall, &reads), (Kind::SignInFailed, &failed_sign_ins)];
        if acts.is_empty() {
            for (kind, _) in summed.iter().filter(|(_, acts)| !acts.is_empty()) {
                self.explanation(kind.words(), *kind);
            }
        }
    }

    /// Acts of one kind in two lines, so that many of them crowd nothing out.
    fn summed_up(&mut self, acts: &[&RootActivity], one: &str, many: &str) {
        let (Some(newest), Some(oldest)) =
            (acts.iter().max_by_key(|act| act.time), acts.iter().min_by_key(|act| act.time))
        else {
            return;
        };
        let severity = acts.iter().map(|act| act.severity).max().unwrap_or(newest.severity);
        self.line("");
        self.line(format!("  {severity}  {}", counted(acts.len(), one, many)));
        match acts {
            [_] => self.field("when", &time_of(newest)),
            _ => self.field("when", &format!("from {} to {}", time_of(oldest), time_of(newest))),
        }
        self.field("what", &some_of(acts, |act| Some(&act.event_name)));
        self.field("from", &some_of(acts, |act| act.source_address.as_ref()));
    }

    fn act(&mut self, act: &RootActivity) {
        let account = self.account;
        let optional = |value: &Option<String>| value.as_deref().map(safe);
        self.line("");
        self.line(format!("  {}  {}", act.severity, capital(&safe(&act.headline()))));
        self.field("when", &time_of(act));
        self.field("who", &format!("root user of {}, MFA {}", safe(&account.to_string()), act.mfa.words()));
        self.field("from", &optional(&act.source_address).unwrap_or_else(|| "not recorded".into()));
        self.field("with", &optional(&act.user_agent).unwrap_or_else(|| "not recorded".into()));
        self.field(
            "call",
            &format!("{} of {} in {}", safe(&act.event_name), safe(&act.event_source), safe(&act.region)),
        );
        for (name, value) in [
            ("on", optional(&act.target)),
            ("signed by", optional(&act.access_key_id)),
            ("via", optional(&act.invoked_by)),
            ("refused", optional(&act.error)),
        ] {
            if let Some(value) = value {
                self.field(name, &value);
            }
        }
        if let Some(plan) = &act.planned {
            let (ticket, by) = (safe(&plan.ticket), safe(&plan.by));
            self.field("planned", &format!("{ticket}, announced by {by}; one less severe for that"));
        }
        if let Some(late) = act.time.map(|at| self.bulletin.at.duration_since(at)).filter(|late| *late > FOUND_LATE) {
            self.field("note", &format!("told {} after it happened", age(late)));
        }
        if !act.details_readable {
            self.field("note", "details unreadable: CloudTrail's record is missing or broken, open the event yourself");
        }
        if let Some(url) = act.console_url(account) {
            self.field("event", &url);
        }
    }

    fn tamperings(&self) -> Vec<&'a Tampering> {
        let tampering = |alert: &&'a Alert| match &alert.what {
            What::Tampering(tampering) => Some(&**tampering),
            _ => None,
        };
        self.sorted.newest.iter().filter_map(tampering).collect()
    }

    fn tampering(&mut self) {
        let all = self.tamperings();
        let Some(words) = all.first().map(|tampering| tampering.words()) else { return };
        self.section("WHO CHANGED WHAT WATCHES");
        for tampering in all.iter().take(MAX_DETAILED) {
            let optional = |value: &Option<String>| value.as_deref().map(safe);
            self.line("");
            self.line(format!("  {}  {}", tampering.severity, capital(&safe(&tampering.headline()))));
            self.field("when", &tampering.time.map_or_else(|| "at an unknown time".into(), moment));
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
            let when = tampering.time.map_or_else(|| "at an unknown time".into(), moment);
            self.wrapped("    - ", &format!("{when} {}: {what}{on}, by {by}", tampering.severity));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("    - and {more} more"));
        }
        self.explanation(words, Kind::WatchTampered);
    }

    fn explanation(&mut self, words: Words, kind: Kind) {
        self.line("");
        self.wrapped("    Why it matters: ", words.why);
        self.line("    What to do now:");
        for (number, step) in (1..).zip(words.steps) {
            self.wrapped(&format!("      {number}. "), step);
        }
        self.line(format!("    Runbook: {}", runbook::link(self.bulletin.runbook, kind.words().headline)));
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
        let conditions = self.conditions_that(is);
        if conditions.is_empty() {
            return;
        }
        self.section(title);
        if conditions.iter().any(|(_, told)| told.condition.is_blindness()) {
            self.line("");
            self.wrapped("  ", "UNKNOWN is no all-clear: what could not be read may hide something.");
        }
        let alerts: Vec<&Alert> = conditions.iter().map(|(alert, _)| *alert).collect();
        let (unread, seen): (Vec<_>, Vec<_>) =
            conditions.into_iter().partition(|(_, told)| matches!(told.condition, Fault::Unread { .. }));
        for (alert, told) in seen {
            self.condition(alert, told);
        }
        if !unread.is_empty() {
            self.line("");
        }
        let mut remedies = Vec::new();
        for (alert, told) in unread {
            self.wrapped("  UNKNOWN  ", &safe_reason(&told.failure.found));
            self.since(alert, told);
            self.history(alert);
            remedies.extend(told.failure.unavailable.as_ref().map(Unavailable::remedy));
        }
        self.remedies(&remedies);
        self.runbook(alerts.into_iter());
    }

    fn condition(&mut self, alert: &Alert, told: &ConditionAlert) {
        let failure = &told.failure;
        let control = match &told.condition {
            Fault::Control { control } => controls::control(control),
            _ => None,
        };
        let weight = if told.condition.is_blindness() { "UNKNOWN".to_owned() } else { failure.severity.to_string() };
        let place = control.map(|control| format!(" ({}, {})", place(control.step), control.id)).unwrap_or_default();
        self.line("");
        self.wrapped(
            &format!("  {weight}  "),
            &format!("{}{place}", capital(&safe_reason(&told.condition.headline()))),
        );
        self.wrapped("    found: ", &safe_reason(&failure.found));
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
        if told.condition == Fault::NoSubscriber {
            self.wrapped(
                "    mend:  ",
                "Confirm the subscription in the mail that AWS sent, or subscribe somebody to the topic.",
            );
        }
    }

    fn since(&mut self, alert: &Alert, told: &ConditionAlert) {
        let mut since = Vec::new();
        match self.sorted.transition(alert, told) {
            Transition::Opened if told.transition == Transition::Opened => {}
            Transition::Changed => since.push(format!("open since {}, and more than was told", moment(told.opened_at))),
            _ => since.push(format!("open since {}", moment(told.opened_at))),
        }
        if let Some(unverified) = told.unverified_since {
            since.push(format!("not verified since {}: nobody could see", moment(unverified)));
        }
        if told.flapping {
            since.push("flapping: it opened at least three times within 24 hours".to_owned());
        }
        if !since.is_empty() {
            self.wrapped("    since: ", &since.join("; "));
        }
    }

    /// What happened to the same condition and could not be told then.
    fn history(&mut self, newest: &Alert) {
        let steps: Vec<String> = self
            .sorted
            .history(newest)
            .iter()
            .filter_map(|alert| {
                alert.condition().map(|told| format!("{} at {}", word(told.transition), moment(alert.at)))
            })
            .collect();
        if !steps.is_empty() {
            self.wrapped("    before: ", &steps.join(", "));
        }
    }

    fn ended(&mut self) {
        let ended = self.conditions_that(|transition| {
            matches!(transition, Transition::Resolved | Transition::Silenced | Transition::Dropped)
        });
        if ended.is_empty() {
            return;
        }
        let is_resolved = ended.iter().all(|(_, told)| told.transition == Transition::Resolved);
        self.section(if is_resolved { "RESOLVED" } else { "RESOLVED, OR NO LONGER TOLD" });
        let alerts: Vec<&Alert> = ended.iter().map(|(alert, _)| *alert).collect();
        for (alert, told) in ended {
            self.line("");
            let length = age(alert.at.duration_since(told.opened_at));
            let (from, to) = (moment(told.opened_at), moment(alert.at));
            let text = match (told.transition, &told.exception) {
                (Transition::Silenced, Some(exception)) => {
                    format!("SILENCED, not mended: {}. {}", told.condition, excepted(exception))
                }
                (Transition::Dropped, _) => format!("NO LONGER CHECKED: {}", told.condition.about()),
                _ => told.condition.mended(),
            };
            self.wrapped("  ", &safe_reason(&text));
            self.wrapped("    ", &format!("was open from {from} to {to} ({length})"));
            self.history(alert);
        }
        self.runbook(alerts.into_iter());
    }

    fn newest_notices(&self) -> Vec<&'a Alert> {
        let is_notice = |alert: &&Alert| {
            !matches!(alert.what, What::Condition(_) | What::RootActivity(_) | What::Tampering(_) | What::Digest(_))
        };
        self.sorted.newest.iter().copied().filter(is_notice).collect()
    }

    fn notices(&mut self) {
        let notices = self.newest_notices();
        if !notices.is_empty() {
            self.section("TO KNOW");
        }
        for alert in &notices {
            match &alert.what {
                What::RootCredentialsBack { credentials } => {
                    self.notice(alert, &format!(
                        "Root has credentials again: {}. It had none when that was last seen. Whoever brought them back can be root: \
                         find out who it was (CreateLoginProfile and AssumeRoot in CloudTrail of the management account, password recovery \
                         in this one), and delete them if nobody answers for it.",
                        credentials.join(", ")
                    ));
                }
                What::PlannedRootUse(plan) => self.notice(alert, &format!(
                    "{} announced that root will be used from {} to {} ({}). What root does then is told all the same, one less severe. \
                     If nobody you trust announced it, somebody who may invoke the function prepares something.",
                    plan.by, moment(plan.from), moment(plan.to), plan.ticket
                )),
                What::CaughtUp { since, until } => self.notice(alert, &format!(
                    "Nothing was checked from {} to {} ({}). Root's events of that time are looked through now, as far back as \
                     CloudTrail keeps them (90 days). Find out who or what stopped the checks.",
                    moment(*since), moment(*until), age(until.duration_since(*since))
                )),
                What::ExceptionEnded(exception) => self.notice(alert, &format!(
                    "The exception for {} is over. {} Renew it or take it out of the parameter Exceptions.",
                    exception.control, excepted(exception)
                )),
                What::AttestationLapsed(attestation) => self.notice(alert, &format!(
                    "The statement {} ({}) of {} by {} is more than 90 days old and holds no more. Check it again and renew it in the \
                     parameter Attestations.",
                    attestation.statement.id(), attestation.statement.words(), moment(attestation.on), attestation.by
                )),
                What::Unreadable { text } => self.notice(alert, &format!(
                    "Another version of rootwatch wrote this alert down, and this version cannot read it: {text}"
                )),
                What::Digest(_) | What::Condition(_) | What::RootActivity(_) | What::Tampering(_) => {}
            }
        }
        self.runbook(notices.into_iter());
        if let Some(digest) = self.digest() {
            self.open_conditions(digest);
        }
    }

    fn notice(&mut self, alert: &Alert, text: &str) {
        self.line("");
        self.wrapped(&format!("  {}  ", alert.severity), &safe_reason(text));
    }

    fn open_conditions(&mut self, digest: &Digest) {
        self.section("HOW IT STANDS");
        let is_told = |open: &&OpenCondition| {
            self.sorted
                .newest
                .iter()
                .any(|alert| alert.condition().is_some_and(|told| told.condition == open.condition))
        };
        let others: Vec<&OpenCondition> = digest.open.iter().filter(|open| !is_told(open)).collect();
        if digest.open.is_empty() {
            self.line("  Nothing is open.");
        } else if others.is_empty() {
            self.line("  Open is what stands above.");
        }
        for open in others.iter().take(MAX_LINES) {
            let unverified = open.unverified_since.map(|at| format!(", not verified since {}", moment(at)));
            let text =
                format!("{}, since {}{}", open.condition, moment(open.opened_at), unverified.unwrap_or_default());
            self.wrapped(&format!("  {:<9}", open.severity), &safe_reason(&text));
        }
        if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  and {more} more"));
        }
        for exception in &digest.exceptions {
            self.wrapped("  EXCEPTED ", &safe_reason(&format!("{}. {}", exception.control, excepted(exception))));
        }
        for attestation in &digest.attestations {
            let lapses = attestation.lapses_at();
            let state = if attestation.is_lapsed(self.bulletin.at) { "lapsed" } else { "holds until" };
            let (id, by) = (attestation.statement.id(), &attestation.by);
            self.wrapped("  STATED   ", &safe_reason(&format!("{id}, by {by}; {state} {}", moment(lapses))));
        }
        match digest.last_complete {
            Some(at) => self.line(format!("  The last complete check before this one was at {}.", moment(at))),
            None => self.line("  No check was complete before this one: from now on this account is watched."),
        }
    }

    fn checklist(&mut self) {
        let of_report = |report: &Report| Step::ALL.iter().map(|step| report.status_of(Some(*step))).collect();
        let steps: Option<Vec<Status>> =
            self.bulletin.report.map(of_report).or_else(|| self.digest().map(|digest| digest.steps.clone()));
        let Some(steps) = steps else { return };
        self.section("CHECKLIST");
        let numbered = Step::ALL.map(|step| (step.number().to_string(), step.title()));
        let baseline = self.bulletin.report.map(|report| report.status_of(None));
        let lines =
            numbered.into_iter().chain([("+".to_owned(), "Account baseline")]).zip(steps.into_iter().chain(baseline));
        for ((number, title), status) in lines {
            let words = match status {
                Status::Failed | Status::Unknown => status.words().to_uppercase(),
                _ => status.words().to_owned(),
            };
            self.line(format!("  {number} {title:<62} {words}"));
        }
        // A digest has listed them.
        let report = self.bulletin.report.filter(|_| self.digest().is_none());
        for finding in report.map(|report| report.findings.as_slice()).unwrap_or_default() {
            for exception in finding.exceptions.iter().filter(|_| finding.status == Status::Failed) {
                self.wrapped("  EXCEPTED ", &safe_reason(&format!("{}. {}", finding.control, excepted(exception))));
            }
        }
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
        self.section("WHAT COULD NOT BE READ");
        self.wrapped("  ", "This is no all-clear: what is missing here may hide something.");
        for error in errors.iter().take(MAX_LINES) {
            self.wrapped("  - ", &safe_reason(&error.to_string()));
        }
        if let Some(more) = errors.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("  - and {more} more"));
        }
        self.remedies(&errors.iter().map(|error| error.remedy()).collect::<Vec<_>>());
    }

    fn remedies(&mut self, remedies: &[&str]) {
        let mut told: Vec<&str> = Vec::new();
        for remedy in remedies {
            if told.is_empty() {
                self.line("");
                self.line("  What to do:");
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
        self.line("  everything else that was read: live.");
    }

    /// The ids by which programs and people recognise a repeat.
    fn footer(&mut self) {
        let acts = session::sessions(self.sorted.acts.iter().copied());
        let ids = acts.iter().map(|session| session.id).chain(self.sorted.newest.iter().map(|alert| alert.id.as_str()));
        let ids: Vec<&str> = ids.collect();
        self.line("");
        self.wrapped("Alert ids: ", &ids.iter().take(MAX_LINES).map(|id| safe(id)).collect::<Vec<_>>().join(" "));
        if let Some(more) = ids.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
            self.line(format!("and {more} more"));
        }
        self.line(format!("rootwatch {}", env!("CARGO_PKG_VERSION")));
    }
}

fn excepted(exception: &Exception) -> String {
    let of = exception.resource.as_ref().map(|resource| format!(" for {resource}")).unwrap_or_default();
    format!("Excepted{of} until {} by {}: {}.", moment(exception.until), exception.owner, exception.reason)
}

fn word(transition: Transition) -> &'static str {
    match transition {
        Transition::Opened => "opened",
        Transition::Changed => "changed",
        Transition::Reminder => "still open",
        Transition::Resolved => "resolved",
        Transition::Silenced => "silenced",
        Transition::Dropped => "no longer checked",
    }
}

fn span(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    match (from, to) {
        (Some(from), Some(to)) if from == to => moment(from),
        (Some(from), Some(to)) => format!("from {} to {}", moment(from), moment(to)),
        _ => "at unknown times".into(),
    }
}

/// Reasons are ours but may quote: cleaned, and longer than a single name.
fn safe_reason(text: &str) -> String {
    text.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}

fn time_of(act: &RootActivity) -> String {
    act.time.map_or_else(|| "at an unknown time".into(), moment)
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn age(age: SignedDuration) -> String {
    let minutes = age.as_mins().max(0);
    match (minutes / 1_440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "less than a minute".into(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Up to five different values, and how many more.
fn some_of<'a>(acts: &[&'a RootActivity], value: impl Fn(&'a RootActivity) -> Option<&'a String>) -> String {
    let mut values: Vec<&String> = acts.iter().filter_map(|act| value(act)).collect();
    values.sort_unstable();
    values.dedup();
    let mut shown = values.iter().take(5).map(|value| safe(value)).collect::<Vec<_>>().join(", ");
    if let Some(more) = values.len().checked_sub(5).filter(|more| *more > 0) {
        let _ = write!(shown, " and {more} more");
    }
    if shown.is_empty() { "not recorded".into() } else { shown }
}

fn how_to_list(since: Option<Timestamp>) -> String {
    let since = since.map(|at| format!(" --start-time {at}")).unwrap_or_default();
    format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root{since} --region <region>"
    )
}
