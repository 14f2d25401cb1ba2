//! The email of one run: the first 12 lines suffice to act; then a section for each finding, what was not audited, and who came and went.

use facts::text::for_email as safe;
use members::{Affected, Run};

use super::super::times::{moment, stamp};
use super::super::words::{self, capital};
use super::super::{RunBulletin, runbook};
use super::{
    Topic, accounts, audited_before, common_since, counts, id, is_digest, is_faulty, is_known, known_of_unaudited,
    may_pass, named, not_audited, notes, number, sections, some, status, topics, verdict, what,
};

/// Accounts that the first lines name.
const MAX_FIRST: usize = 5;
/// Other findings that they name.
const MAX_ALSO: usize = 2;
/// Steps of a finding that does not lead.
const MAX_BRIEF: usize = 4;
/// Open findings that have a line each.
const MAX_OPEN: usize = 40;
/// Accounts that a digest names for each.
const MAX_OPEN_NAMES: usize = 10;

/// With at most so many findings in sections of their own, and so many names for each.
pub(super) fn compose(bulletin: &RunBulletin, findings: usize, names: usize) -> String {
    let mut email = Email { bulletin, run: bulletin.run, names, text: String::new(), printed: Vec::new() };
    let lead = verdict(bulletin.run);
    email.top(lead.as_ref());
    email.notes();
    if let Some(lead) = &lead {
        email.next_steps(lead);
    }
    email.topics(findings, lead.as_ref());
    email.open();
    email.not_audited();
    email.skipped();
    email.moves();
    email.footer();
    email.text
}

struct Email<'a> {
    bulletin: &'a RunBulletin<'a>,
    run: &'a Run,
    names: usize,
    text: String,
    /// What the steps are of that are in it: none is in it twice.
    printed: Vec<String>,
}

impl Email<'_> {
    fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref().trim_end());
        self.text.push('\n');
    }

    fn section(&mut self, title: &str) {
        self.line("");
        self.line(title);
    }

    fn field(&mut self, name: &str, value: &str) {
        self.line(format!("{name}: {value}"));
    }

    /// Twelve lines, or fewer.
    fn top(&mut self, lead: Option<&Topic>) {
        let RunBulletin { run, home, links, recipients, at, .. } = *self.bulletin;
        self.line(safe_words(&what(run, |topic| topic.place(shown))));
        let (organization, home) = (safe(&run.organization), safe_words(&home.to_string()));
        self.field("Organization", &format!("{organization}, audited from account {home}"));
        self.field("Status", &format!("{}.", capital(&status(run))));
        if let Some(lead) = lead {
            if lead.count > 1 {
                self.field("Accounts", &inline(lead.accounts, lead.count, MAX_FIRST.min(self.names)));
            }
            if let Some((found, since)) = lead.found {
                self.field("Found", &safe_words(found));
                self.field("When", &format!("opened {}", stamp(since, at)));
            }
            if lead.count > 0
                && !run.is_first
                && let Some(since) = self.opened(lead)
            {
                self.field("When", &since);
            }
            if let Some(control) = lead.control() {
                self.field("Control", control.id);
            }
            if let Some(first) = lead.steps(run).first() {
                self.field("Do first", &first.text);
            }
            // A digest of many findings must not hide the second.
            let topics = topics(run);
            let others = topics.iter().filter(|topic| !topic.is_over() && topic.about != lead.about);
            let others: Vec<String> =
                others.map(|topic| safe_words(&format!("{}{}", topic.words(), topic.place(shown)))).collect();
            if !others.is_empty() {
                let more = match others.len().saturating_sub(MAX_ALSO) {
                    0 => String::new(),
                    more => format!("; and {more} more"),
                };
                self.field(
                    "Also",
                    &format!(
                        "{}{more}",
                        others.iter().take(MAX_ALSO).map(String::as_str).collect::<Vec<_>>().join("; ")
                    ),
                );
            }
            match runbook::link(self.bulletin.runbook, lead.heading()) {
                Some(url) => self.field("Runbook", &url),
                None => {
                    let heading = lead.heading();
                    self.field("Runbook", &format!("section \"{heading}\" (this message has its steps)"));
                }
            }
        }
        if let Some(page) = links.and_then(|links| links.report.as_deref()) {
            self.field("Report", page);
        }
        if let Some(recipients) = recipients {
            self.field("Sent to", &recipients.words());
        }
        let counts = counts(run);
        if !counts.is_empty() {
            self.field("In this message", &format!("{counts}."));
        }
    }

    /// When the finding opened: in all accounts at once, or first.
    fn opened(&self, topic: &Topic) -> Option<String> {
        let oldest = topic.accounts.first().map(|account| account.since).filter(is_known)?;
        let stamp = stamp(oldest, self.bulletin.at);
        let is_one = common_since(topic.accounts).is_some();
        let opened = if topic.is_over() { "was open since" } else { "opened" };
        Some(if is_one { format!("{opened} {stamp}") } else { format!("the oldest {opened} {stamp}") })
    }

    /// What people must know of the message itself.
    fn notes(&mut self) {
        if self.run.is_first {
            let place = if self.run.route.is_some() { " in these accounts" } else { "" };
            self.line(format!(
                "First audit of this organization: this message has everything that is open now{place}. Later messages have only what \
                 changes, and reminders."
            ));
        }
        for note in notes(self.run) {
            self.line(safe_words(&note));
        }
        if self.bulletin.repeats_possible {
            self.line(words::REPEATS_POSSIBLE);
        }
    }

    /// What the first lines leave out of what leads.
    fn next_steps(&mut self, lead: &Topic) {
        let steps = lead.steps(self.run);
        self.printed.push(lead.about.to_string());
        if let Some(control) = lead.control() {
            self.field("Why", control.rationale);
        }
        if steps.len() > 1 {
            self.section("NEXT STEPS");
            for (number, step) in (1..).zip(&steps).skip(1) {
                self.line(format!("{number}. {}", step.words()));
            }
        }
    }

    /// A section each.
    fn topics(&mut self, findings: usize, lead: Option<&Topic>) {
        let mut topics = sections(self.run);
        // Of a fault of the organization the first lines say all.
        topics.retain(|topic| topic.count > 0 || lead.is_none_or(|lead| lead.about != topic.about));
        for topic in topics.iter().take(findings) {
            self.topic(topic);
        }
        let rest: Vec<&Topic> = topics.iter().skip(findings).collect();
        if !rest.is_empty() {
            let count = rest.iter().map(|topic| topic.count).sum();
            self.section(&format!(
                "LEFT OUT for lack of room: {} of less or the same severity, in {} altogether",
                some(rest.len(), "more kind of finding", "more kinds of findings"),
                accounts(count)
            ));
        }
        let is_resolved = |topic: &Topic| topic.transition == Some(alerts::Transition::Resolved);
        if topics.iter().any(|topic| is_resolved(topic) && topic.count > 0) {
            self.line("");
            self.line("If none of you fixed what is resolved, find out who did.");
        }
    }

    fn topic(&mut self, topic: &Topic) {
        let now = self.bulletin.at;
        let about = topic.fault().and_then(|fault| fault.control().map(|control| format!(" ({control})")));
        let (words, about) = (safe_words(&topic.words()), about.unwrap_or_default());
        self.section(&format!("{words}{}{about}", topic.counted_place()));
        if let Some((found, since)) = topic.found {
            let when = if topic.is_over() { "was open since" } else { "opened" };
            self.line(format!("{} ({when} {})", capital(&safe_words(found)), stamp(since, now)));
        }
        let common = common_since(topic.accounts);
        // What opened with this run is as old as the message.
        if let Some(since) = common.filter(|since| *since != now) {
            let when = if topic.is_over() { "Was open since" } else { "Since" };
            self.field(when, &stamp(since, now));
        }
        for account in topic.accounts.iter().take(self.names) {
            let since = Some(account.since).filter(|since| common.is_none() && is_known(since));
            let since = since.map(|since| format!(", since {}", stamp(since, now))).unwrap_or_default();
            self.line(format!("- {}{since}", shown(account)));
        }
        let more = topic.count.saturating_sub(topic.accounts.len().min(self.names));
        if more > 0 {
            self.line(format!("- and {} more", number(more)));
        }
        let steps = topic.steps(self.run);
        if steps.is_empty() {
            return;
        }
        if self.printed.iter().any(|about| *about == topic.about) {
            self.line("Fix: as above.");
            return;
        }
        self.printed.push(topic.about.to_string());
        let brief: Vec<&str> = steps.iter().take(MAX_BRIEF).map(|step| step.text.as_str()).collect();
        self.field("Fix", &brief.join(" "));
        let more = steps.len().saturating_sub(MAX_BRIEF);
        let page = topic.control().and_then(|control| control.references.first());
        if let Some(page) = page.filter(|_| more > 0) {
            self.field(&some(more, "more step", "more steps"), page.url);
        }
    }

    /// Everything that is open, a line each; in a digest with names.
    fn open(&mut self) {
        let topics = topics(self.run);
        let is_above = |open: &Topic| {
            topics.iter().any(|topic| topic.about == open.about && !topic.is_over() && topic.count >= open.count)
        };
        let open: Vec<Topic> = self.run.open.iter().map(Topic::of_group).collect();
        if open.iter().all(is_above) {
            return;
        }
        self.section("ALL OPEN FINDINGS");
        let names = if is_digest(self.run) { self.names.min(MAX_OPEN_NAMES) } else { 0 };
        for topic in open.iter().take(MAX_OPEN) {
            let named =
                if names > 0 { format!(": {}", inline(topic.accounts, topic.count, names)) } else { String::new() };
            let (words, place) = (safe_words(&topic.words()), topic.counted_place());
            self.line(format!("- {words}{place} ({}){named}", safe(&topic.about)));
        }
        let more = open.len().saturating_sub(MAX_OPEN);
        if more > 0 {
            self.line(format!("- and {more} more"));
        }
    }

    /// Why accounts were not audited, by cause.
    fn not_audited(&mut self) {
        if is_faulty(self.run) {
            self.section("NOT AUDITED");
            self.line("No account could be audited, for the fault above. Nothing is known of their root users: this is no all-clear.");
            return;
        }
        let may_pass = may_pass(self.run);
        if self.run.unaudited.is_empty() && may_pass == 0 {
            return;
        }
        self.section("NOT AUDITED");
        if let Some((words, since)) = not_audited(self.run) {
            self.line(format!("{words}, since {}.", stamp(since, self.bulletin.at)));
        }
        self.line(known_of_unaudited(self.run));
        for unaudited in &self.run.unaudited {
            let before = audited_before(unaudited);
            self.line(format!("- {}{before}: {}", accounts(unaudited.count), safe_words(&unaudited.words)));
            self.line(format!("Fix: {}", unaudited.remedy));
            if !unaudited.said.is_empty() {
                let who = if unaudited.cause.is_some() { "AWS said" } else { "Error" };
                self.line(format!("{who}: {}", safe_words(&unaudited.said)));
            }
            let names = inline(&unaudited.accounts, unaudited.count, self.names);
            let is_mixed = (1..unaudited.count).contains(&unaudited.audited_before);
            let order = if is_mixed { ", those that were audited before first" } else { "" };
            self.line(format!("Accounts{order}: {names}"));
        }
        if may_pass > 0 {
            self.line(format!(
                "- {}: throttled, or without a usable answer. That may pass: they are listed by cause after three runs in a row.",
                accounts(may_pass)
            ));
        }
    }

    fn skipped(&mut self) {
        let skipped: Vec<_> = self.run.skipped.iter().filter(|(_, count)| **count > 0).collect();
        if skipped.is_empty() {
            return;
        }
        self.section("SKIPPED");
        for (why, count) in skipped {
            self.line(format!("- {}: {}", accounts(*count), why.words()));
        }
    }

    fn moves(&mut self) {
        let moves = &self.run.moves;
        if moves.joined_count + moves.left_count == 0 {
            return;
        }
        self.section("JOINED OR LEFT");
        if moves.joined_count > 0 {
            let names = inline(&moves.joined, moves.joined_count, self.names);
            self.line(format!("- {} joined: {names}", accounts(moves.joined_count)));
        }
        if moves.left_count > 0 {
            let names = inline(&moves.left, moves.left_count, self.names);
            self.line(format!("- {} left: {names}", accounts(moves.left_count)));
            self.line(
                "Findings of an account that left are closed as \"left the organization\": they are not resolved. If none of you removed or closed these \
                 accounts, look in CloudTrail of the management account for LeaveOrganization, RemoveAccountFromOrganization and CloseAccount.",
            );
        }
    }

    /// By what a repeat is recognised.
    fn footer(&mut self) {
        let RunBulletin { run, home, at, links, .. } = *self.bulletin;
        self.line("");
        if let Some(url) = links.and_then(|links| links.dashboard.as_deref()) {
            self.field("Dashboard", url);
        }
        self.field("Sent", &moment(at));
        self.field("Message ID", &format!("{} (a repeat has the same)", safe(&id(home, run))));
        self.line(format!("rootwatch {}", env!("CARGO_PKG_VERSION")));
    }
}

fn shown(account: &Affected) -> String {
    named(account, safe)
}

/// `name (id), name (id) and 12 more`.
fn inline(all: &[Affected], count: usize, max: usize) -> String {
    let names: Vec<String> = all.iter().take(max).map(shown).collect();
    match (count.saturating_sub(names.len()), names.is_empty()) {
        (0, _) => names.join(", "),
        (more, true) => format!("{}, not named for lack of room", number(more)),
        (more, false) => format!("{}, and {} more", names.join(", "), number(more)),
    }
}

/// A sentence of ours may quote, and is longer than a name.
fn safe_words(text: &str) -> String {
    text.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}
