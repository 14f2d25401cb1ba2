//! One run for a chat: as the email, with fewer names.

use alerts::Transition;
use facts::severity::Severity;
use facts::text::{escaped_for_slack, for_slack, for_title};
use members::{Affected, Run};

use super::super::page::{Advice, Link, Page, Part, code, icon, is_link, ours, sentence};
use super::super::times::{moment, stamp};
use super::super::words::{self, MAX_LINES, capital};
use super::super::{Notification, runbook};
use super::{
    Topic, accounts, audited_before, common_since, counts, is_digest, is_faulty, is_known, known_of_unaudited,
    may_pass, named, not_audited, notes, number, sections, some, verdict,
};

/// Accounts that a chat names for one finding.
const MAX_NAMES: usize = 10;
/// Findings before what was not audited, and after it: the rest is a line each.
const MAX_BEFORE: usize = 2;
const MAX_AFTER: usize = 3;
/// Steps after the first one.
const MAX_STEPS: usize = 4;

impl Notification<'_> {
    /// For a chat.
    pub(in crate::message) fn page_of(&self, run: &Run) -> Page {
        let pen = Pen { notification: self, run };
        let lead = verdict(run);
        let icon = lead.as_ref().map_or_else(|| pen.icon_of_none(), |lead| icon_of(lead));
        let subject = self.subject.strip_prefix("[rootwatch] ").unwrap_or(&self.subject);
        Page {
            title: format!("{icon} {}", for_title(subject)),
            summary: format!("{icon} {}", for_slack(subject)),
            opening: pen.opening(),
            parts: pen.parts(),
            footer: vec![
                format!("Message ID: {}", code(&self.id)),
                format!("sent {}", moment(self.sent_at)),
                format!("rootwatch {}", sentence(&self.version)),
            ],
            thread: Some(self.id.clone().into_owned()),
            keywords: vec![
                self.severity.to_string(),
                for_title(&run.organization),
                for_title(&self.account.to_string()),
            ],
        }
    }
}

struct Pen<'a> {
    notification: &'a Notification<'a>,
    run: &'a Run,
}

impl Pen<'_> {
    /// Nothing is new, and nothing is open.
    fn icon_of_none(&self) -> &'static str {
        match self.run.coverage {
            coverage if super::missed(&coverage) + coverage.in_part > 0 || coverage.audited == 0 => "❓",
            _ if is_digest(self.run) => "✅",
            _ => icon(Severity::Informational),
        }
    }

    fn opening(&self) -> Vec<String> {
        let Self { notification, run } = self;
        let (organization, home) = (code(&run.organization), code(&notification.account.to_string()));
        let mut opening = vec![format!("*Organization:* {organization}, audited from account {home}")];
        if let Some(headline) = &notification.headline {
            let mark = if headline.starts_with("INCOMPLETE") { "❓ " } else { "" };
            opening.push(format!("{mark}*Status:* {}.", sentence(&capital(headline))));
        }
        let counts = counts(run);
        if !counts.is_empty() {
            opening.push(format!("*In this message:* {}.", ours(&counts)));
        }
        if run.is_first {
            opening.push("First audit of this organization: everything that is open now. Later messages have only changes and reminders.".into());
        }
        opening.extend(notes(run).iter().map(|note| sentence(note)));
        if notification.repeats_possible {
            opening.push(format!("⚠️ {}", ours(words::REPEATS_POSSIBLE)));
        }
        if notification.left_out > 0 {
            let left_out = some(notification.left_out, "kind of finding was", "kinds of findings were");
            opening.push(format!("⚠️ {left_out} left out for lack of room: the email counts them."));
        }
        opening
    }

    fn parts(&self) -> Vec<Part> {
        let topics = sections(self.run);
        let lead = verdict(self.run);
        let mut printed: Vec<&str> = Vec::new();
        let mut parts = Vec::new();
        // In a digest what leads may have been open for long.
        if let Some(lead) = lead.as_ref().filter(|lead| !topics.iter().any(|topic| is_same(topic, lead))) {
            parts.push(self.topic(lead, true, &mut printed));
        }
        for (number, topic) in topics.iter().take(MAX_BEFORE + MAX_AFTER).enumerate() {
            // What was not seen is not crowded out by what was.
            if number == MAX_BEFORE {
                parts.extend(self.not_audited());
            }
            parts.push(self.topic(topic, parts.is_empty(), &mut printed));
        }
        if topics.len() <= MAX_BEFORE {
            parts.extend(self.not_audited());
        }
        parts.extend(self.lines("*Also*", topics.iter().skip(MAX_BEFORE + MAX_AFTER)));
        parts.extend(self.moves());
        parts.extend(self.open(&topics, lead.as_ref()));
        parts.extend(self.skipped());
        parts
    }

    fn topic<'t>(&self, topic: &'t Topic, is_lead: bool, printed: &mut Vec<&'t str>) -> Part {
        let now = self.notification.sent_at;
        let place = topic.counted_place();
        let mut lines = vec![format!("{} *{}{place}*", icon_of(topic), sentence(&topic.words()))];
        if let Some((found, since)) = topic.found {
            lines.push(format!("*Found:* {}", sentence(found)));
            lines.push(format!("*When:* open since {}", stamp(since, now)));
        }
        let common = common_since(topic.accounts);
        let when = if topic.is_over() { "Was open since" } else { "Since" };
        lines.extend(common.filter(|since| *since != now).map(|since| format!("*{when}:* {}", stamp(since, now))));
        for account in topic.accounts.iter().take(MAX_NAMES) {
            let since = Some(account.since).filter(|since| common.is_none() && is_known(since));
            let since = since.map(|since| format!(", since {}", moment(since))).unwrap_or_default();
            lines.push(format!("• {}{since}", shown(account)));
        }
        let more = topic.count.saturating_sub(topic.accounts.len().min(MAX_NAMES));
        if more > 0 {
            lines.push(format!("• and {} more", number(more)));
        }
        let steps = topic.steps(self.run);
        let is_known = printed.contains(&topic.about.as_ref());
        printed.push(&topic.about);
        let mut advice = None;
        if let Some(first) = steps.first().filter(|_| !is_known) {
            lines.push(format!("*{}:* {}", if is_lead { "Do first" } else { "Fix" }, ours(&first.text)));
            let rest = (2..).zip(steps.iter().skip(1).take(if is_lead { MAX_STEPS } else { 0 }));
            let rest: Vec<String> = rest.map(|(number, step)| format!("{number}. {}", ours(&step.words()))).collect();
            let why = topic.control().filter(|_| is_lead).map(|control| ours(control.rationale));
            let all = Advice { why, steps: rest, commands: Vec::new() };
            advice = (all != Advice::default()).then_some(all);
        }
        if topic.transition == Some(Transition::Resolved) && topic.count > 0 {
            lines.push("If none of you fixed it, find out who did.".into());
        }
        let runbook = runbook::link(&self.notification.runbook, topic.heading()).filter(|url| is_link(url));
        let mut links: Vec<Link> = runbook.map(|url| Link { text: "Runbook", url }).into_iter().collect();
        if is_lead {
            let Notification { report_page, dashboard, .. } = self.notification;
            let pages = [("Report", report_page), ("Dashboard", dashboard)].into_iter();
            let pages = pages.filter_map(|(text, url)| Some(Link { text, url: url.as_deref()?.to_owned() }));
            links.extend(pages.filter(|link| is_link(&link.url)));
        }
        Part { lines, fields: Vec::new(), advice, links }
    }

    fn lines<'t, 'r: 't>(&self, title: &str, topics: impl Iterator<Item = &'t Topic<'r>>) -> Option<Part> {
        let mut lines: Vec<String> = topics
            .map(|topic| format!("{} {}{}", icon_of(topic), sentence(&topic.words()), topic.counted_place()))
            .collect();
        if lines.is_empty() {
            return None;
        }
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        lines.insert(0, title.to_owned());
        lines.extend((more > 0).then(|| format!("and {more} more")));
        Some(Part { lines, ..Part::default() })
    }

    /// Everything that is open.
    fn open(&self, topics: &[Topic], lead: Option<&Topic>) -> Option<Part> {
        let open: Vec<Topic> = self.run.open.iter().map(Topic::of_group).collect();
        let is_above = |open: &Topic| {
            let mut above = topics.iter().chain(lead);
            above.any(|topic| topic.about == open.about && !topic.is_over() && topic.count >= open.count)
        };
        if open.iter().all(is_above) { None } else { self.lines("*All open findings*", open.iter()) }
    }

    fn not_audited(&self) -> Option<Part> {
        let opened = not_audited(self.run)
            .map(|(words, since)| format!("{}, since {}.", sentence(&words), stamp(since, self.notification.sent_at)));
        let mut lines: Vec<String> = std::iter::once("❓ *NOT AUDITED*".to_owned()).chain(opened).collect();
        lines.push(known_of_unaudited(self.run).into());
        if is_faulty(self.run) {
            lines.push("No account could be audited, for the fault above.".into());
            return Some(Part { lines, ..Part::default() });
        }
        let may_pass = may_pass(self.run);
        if self.run.unaudited.is_empty() && may_pass == 0 {
            return None;
        }
        for unaudited in &self.run.unaudited {
            let names: Vec<String> = unaudited.accounts.iter().take(MAX_NAMES).map(shown).collect();
            let more = match unaudited.count.saturating_sub(names.len()) {
                0 => String::new(),
                more => format!(" and {} more", number(more)),
            };
            let (which, before) = (accounts(unaudited.count), audited_before(unaudited));
            lines.push(format!("*{which}{before}:* {}", escaped_for_slack(&unaudited.words)));
            lines.push(format!("*Fix:* {}", escaped_for_slack(&unaudited.remedy)));
            lines.push(format!("{}{more}", names.join(", ")));
        }
        if may_pass > 0 {
            let which = accounts(may_pass);
            lines.push(format!("*{which}:* throttled, or without a usable answer; that may pass"));
        }
        Some(Part { lines, ..Part::default() })
    }

    fn moves(&self) -> Option<Part> {
        let moves = &self.run.moves;
        let all = [(&moves.joined, moves.joined_count, "joined"), (&moves.left, moves.left_count, "left")];
        let mut lines: Vec<String> = Vec::new();
        for (named, count, how) in all.into_iter().filter(|(_, count, _)| *count > 0) {
            let names: Vec<String> = named.iter().take(MAX_NAMES).map(shown).collect();
            let more = match count.saturating_sub(names.len()) {
                0 => String::new(),
                more => format!(" and {} more", number(more)),
            };
            lines.push(format!("*{} {how}:* {}{more}", accounts(count), names.join(", ")));
        }
        if moves.left_count > 0 {
            lines.push(
                "Findings of an account that left are closed as \"left the organization\": they are not resolved."
                    .into(),
            );
        }
        (!lines.is_empty()).then(|| Part { lines, ..Part::default() })
    }

    fn skipped(&self) -> Option<Part> {
        let skipped = self.run.skipped.iter().filter(|(_, count)| **count > 0);
        let lines: Vec<String> =
            skipped.map(|(why, count)| format!("• {}: {}", accounts(*count), ours(why.words()))).collect();
        (!lines.is_empty())
            .then(|| Part { lines: std::iter::once("*Skipped*".to_owned()).chain(lines).collect(), ..Part::default() })
    }
}

/// The id is never cut, however long the name is.
fn shown(account: &Affected) -> String {
    named(account, |name| if name.is_empty() { String::new() } else { code(name) })
}

fn is_same(one: &Topic, other: &Topic) -> bool {
    one.about == other.about && one.transition == other.transition
}

fn icon_of(topic: &Topic) -> &'static str {
    match topic.transition {
        Some(Transition::Resolved) => "✅",
        Some(Transition::Acknowledged) => "👤",
        Some(Transition::Suppressed | Transition::Dropped) => "🔇",
        _ if topic.weight() == "UNKNOWN" => "❓",
        _ => icon(topic.severity),
    }
}
