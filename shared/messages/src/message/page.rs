//! A message for a chat: the words of the mail in Slack's markup, in parts of a size that chats take, the worst first.
//!
//! Whoever reads it may be tired and on a phone: each part says what happened, how bad it is, what to do, and where to click.

use std::cmp::Reverse;

use alerts::{Alert, ConditionAlert, Fault, Transition};
use checklist::control::{Step, place};
use facts::account::Account;
use facts::root_activity::{Kind, RootActivity, Words};
use facts::severity::Severity;
use facts::text::counted;
use facts::text::{escaped_for_slack, for_slack, for_title};
use jiff::Timestamp;

use super::words::{
    self, Acts, MAX_DETAILED, MAX_LINES, Sum, Unread, capital, control_of, moment, some_of, time_of, weight, when,
};
use super::{Notification, Sorted, runbook};

/// Conditions, and notices, that get a part each; the others get a line each.
const MAX_PARTS: usize = 6;
/// Operations that a line of read errors names.
const MAX_OPERATIONS: usize = 12;
/// Characters of a sentence that may quote what others wrote, before they are escaped.
const MAX_SENTENCE: usize = 500;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// One line of plain text, what happened and where; not marked up.
    pub(super) title: String,
    /// The same with who and when, for a phone's lock screen; in markup.
    pub(super) summary: String,
    /// Lines before everything else; in markup.
    pub(super) opening: Vec<String>,
    /// What is told, the worst first.
    pub(super) parts: Vec<Part>,
    /// Ids, time and version; in markup.
    pub(super) footer: Vec<String>,
    /// What belongs to the same thing as an earlier message has the same.
    pub(super) thread: Option<String>,
    /// Words to search by; not marked up.
    pub(super) keywords: Vec<String>,
}

/// One thing that is told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// In markup; the first says what it is.
    pub(super) lines: Vec<String>,
    /// Name, and value in markup.
    pub(super) fields: Vec<(&'static str, String)>,
    /// Where to see it.
    pub(super) open: Option<Link>,
    /// What to do.
    pub(super) advice: Option<Advice>,
}

/// Why it matters and what to do now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) why: Option<String>,
    pub(super) steps: Vec<String>,
    /// Commands; in markup, one a line.
    pub(super) commands: Vec<String>,
    pub(super) runbook: Option<Link>,
}

/// A button, or a link where there are no buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) text: &'static str,
    pub(super) url: String,
}

impl Page {
    /// The page of what rootwatch tells.
    pub(super) fn of(notification: &Notification) -> Self {
        let alerts = notification.all_alerts();
        let sorted = Sorted::new(&alerts, notification.told_at);
        let pen = Pen { notification, sorted: &sorted, account: &notification.account };
        let first = sorted.first();
        let icon = first.map_or("⚪", |first| icon_of(&sorted, first));
        let subject = notification.subject.as_ref();
        let subject = subject.strip_prefix("[rootwatch] ").unwrap_or(subject);
        let counts = sorted.counts();
        let mut opening =
            vec![format!("{}, {}", code(&notification.account.to_string()), moment(notification.told_at))];
        if let Some(headline) = &notification.headline {
            let mark = if headline.starts_with("INCOMPLETE") { "❓ " } else { "" };
            opening.push(format!("{mark}*{}.*", sentence(&capital(headline))));
        }
        if !counts.is_empty() {
            opening.push(format!("{}.", ours(&capital(&counts))));
        }
        if notification.repeats_possible {
            opening.push(format!("⚠️ {}", ours(words::REPEATS_POSSIBLE)));
        }
        opening.extend(sorted.told_late(notification.told_at).map(|late| format!("⚠️ {}", ours(&late))));
        if notification.left_out > 0 {
            let more = counted(notification.left_out, "act or alert was", "acts or alerts were");
            let sign_ins = match notification.left_out_sign_ins {
                0 => String::new(),
                sign_ins => format!(", {sign_ins} of them failed sign-ins"),
            };
            opening.push(format!(
                "⚠️ {more} left out, for want of room{sign_ins}: the mail counts them, CloudTrail's event history has each."
            ));
        }
        let who = first.and_then(Alert::act).map(|act| {
            let from = words::address(act, code, "an unknown address");
            format!(" — from {from}, {}, MFA {}", time_of(act), act.mfa.words())
        });
        Self {
            title: format!("{icon} {}", for_title(subject)),
            summary: format!("{icon} {}{}", for_slack(subject), who.unwrap_or_default()),
            opening,
            parts: pen.parts(),
            footer: pen.footer(),
            thread: Some(notification.id.clone().into_owned()),
            keywords: vec![notification.severity.to_string(), for_title(&notification.account.to_string())],
        }
    }
}

/// Words one notification.
struct Pen<'a> {
    notification: &'a Notification<'a>,
    sorted: &'a Sorted<'a>,
    account: &'a Account,
}

impl<'a> Pen<'a> {
    fn parts(&self) -> Vec<Part> {
        let mut parts = self.acts();
        parts.extend(self.tamperings());
        parts.extend(
            self.conditions("NEW", |transition| matches!(transition, Transition::Opened | Transition::Changed)),
        );
        parts.extend(self.conditions("STILL OPEN", |transition| transition == Transition::Reminder));
        parts.extend(self.ended());
        parts.extend(self.notices());
        parts.sort_by_key(|(severity, _)| Reverse(*severity));
        parts.into_iter().map(|(_, part)| part).chain(self.digest()).chain(self.report()).collect()
    }

    fn acts(&self) -> Vec<(Severity, Part)> {
        let mut acts = Acts::of(self.sorted);
        acts.told.sort_by_key(|act| Reverse(act.severity));
        let mut explained = Vec::new();
        let mut parts = Vec::new();
        for act in acts.told.iter().take(MAX_DETAILED) {
            let words = act.words();
            let advice = (!explained.contains(&words)).then(|| self.explanation(words, act.topic()));
            explained.push(words);
            parts.push((act.severity, Part { advice, ..self.act(act) }));
        }
        let others: Vec<&RootActivity> = acts.told.iter().skip(MAX_DETAILED).copied().collect();
        if let Some(worst) = others.iter().map(|act| act.severity).max() {
            let lines = others.iter().map(|act| {
                let from = words::address(act, code, "an unknown address");
                let (icon, what, region) = (icon(act.severity), sentence(&capital(&act.headline())), code(&act.region));
                format!("{icon} {}: {what}, {region}, from {from}", time_of(act))
            });
            parts.push((worst, Part { lines: listed("*Further acts*", lines.collect()), ..Part::default() }));
        }
        for (sum, explained_by) in acts.sums() {
            let advice = explained_by.map(|kind| self.explanation(kind.words(), kind.words()));
            let line = line_of(&sum);
            parts.push((sum.severity, Part { lines: vec![line], advice, ..Part::default() }));
        }
        parts
    }

    fn act(&self, act: &RootActivity) -> Part {
        let account = code(&self.account.to_string());
        let from = words::address(act, code, "not recorded");
        let mut fields = vec![
            ("What", format!("{} of {}", code(&act.event_name), code(&act.event_source))),
            ("Who", format!("root user of {account}")),
            ("Where", format!("from {from}, in {}", code(&act.region))),
            ("When", time_of(act)),
            ("MFA", act.mfa.words().to_owned()),
            ("With", act.user_agent.as_deref().map_or_else(|| "not recorded".into(), code)),
        ];
        let mut notes = Vec::new();
        for (name, value) in words::remarks(act, self.notification.told_at) {
            match name {
                "on" => fields.push(("On", code(&value))),
                "signed by" => fields.push(("Signed by", code(&value))),
                "via" => fields.push(("Via", code(&value))),
                "refused" => fields.push(("Refused", code(&value))),
                "planned" | "session" | "completed" => notes.push(format!("{}: {}", capital(name), sentence(&value))),
                _ => notes.push(format!("_{}_", ours(&capital(&value)))),
            }
        }
        let heading = format!("{} *{}  {}*", icon(act.severity), act.severity, sentence(&capital(&act.headline())));
        let open = act.console_url(self.account).map(|url| Link { text: "Open the event", url });
        Part { lines: [vec![heading], notes].concat(), fields, open, advice: None }
    }

    /// Who changed what watches.
    fn tamperings(&self) -> Vec<(Severity, Part)> {
        let all = self.sorted.tamperings();
        let mut parts = Vec::new();
        for (number, tampering) in all.iter().take(MAX_DETAILED).enumerate() {
            let recorded = |value: &Option<String>| value.as_deref().map_or_else(|| "not recorded".into(), code);
            let mut fields = vec![
                ("What", format!("{} of {}", code(&tampering.event_name), code(&tampering.event_source))),
                ("Who", code(&tampering.by)),
                ("Where", format!("from {}, in {}", recorded(&tampering.source_address), code(&tampering.region))),
                ("When", when(tampering.time)),
                ("With", recorded(&tampering.user_agent)),
            ];
            for (name, value) in [("On", &tampering.on), ("Via", &tampering.invoked_by), ("Refused", &tampering.error)]
            {
                fields.extend(value.as_deref().map(|value| (name, code(value))));
            }
            let what = sentence(&capital(&tampering.headline()));
            let heading = format!("{} *{}  {what}*", icon(tampering.severity), tampering.severity);
            let open = tampering.console_url(self.account).map(|url| Link { text: "Open the event", url });
            let advice = (number == 0).then(|| self.explanation(tampering.words(), Kind::WatchTampered.words()));
            parts.push((tampering.severity, Part { lines: vec![heading], fields, open, advice }));
        }
        let others: Vec<_> = all.iter().skip(MAX_DETAILED).collect();
        if let Some(worst) = others.iter().map(|tampering| tampering.severity).max() {
            let lines = others.iter().map(|tampering| {
                let (icon, what, by) = (icon(tampering.severity), sentence(&tampering.headline()), code(&tampering.by));
                format!("{icon} {}: {what}, by {by}", when(tampering.time))
            });
            parts.push((worst, Part { lines: listed("*Further changes*", lines.collect()), ..Part::default() }));
        }
        parts
    }

    fn explanation(&self, words: Words, topic: Words) -> Advice {
        Advice {
            why: Some(ours(words.why)),
            steps: words.steps.iter().map(|step| ours(step)).collect(),
            commands: Vec::new(),
            runbook: self.runbook(topic.headline),
        }
    }

    /// Where the runbook has an address.
    fn runbook(&self, heading: &str) -> Option<Link> {
        let url = runbook::link(&self.notification.runbook, heading);
        is_link(&url).then_some(Link { text: "Runbook", url })
    }

    fn conditions(&self, title: &str, is: impl Fn(Transition) -> bool) -> Vec<(Severity, Part)> {
        let (unread, seen): (Vec<_>, Vec<_>) = self
            .sorted
            .conditions_that(is)
            .into_iter()
            .partition(|(_, told)| matches!(told.condition, Fault::Unread { .. }));
        let detailed =
            seen.iter().take(MAX_PARTS).map(|(alert, told)| (alert.severity, self.condition(title, alert, told)));
        let mut parts: Vec<_> = detailed.collect();
        let others: Vec<_> = seen.iter().skip(MAX_PARTS).collect();
        if let Some(worst) = others.iter().map(|(alert, _)| alert.severity).max() {
            let lines = others.iter().map(|(alert, told)| {
                format!("{} {}", icon_of(self.sorted, alert), sentence(&capital(&told.condition.headline())))
            });
            let lines = listed(&format!("*{title}: further conditions*"), lines.collect());
            parts.push((worst, Part { lines, ..Part::default() }));
        }
        parts.extend(self.unread(title, &unread));
        parts
    }

    fn condition(&self, title: &str, alert: &Alert, told: &ConditionAlert) -> Part {
        let control = control_of(told);
        let place = control.map(|control| format!(" ({}, {})", place(control.step), code(control.id)));
        let mut lines = vec![
            format!(
                "{} *{}  {}*{} · {title}",
                icon_of(self.sorted, alert),
                weight(told),
                sentence(&capital(&told.condition.headline())),
                place.unwrap_or_default()
            ),
            format!("*Found:* {}", sentence(&told.failure.found)),
        ];
        lines.extend(told.failure.evidence.iter().take(MAX_PARTS).map(|evidence| {
            format!(
                "• {} = {}, {}",
                sentence(&evidence.fact),
                code(&evidence.value),
                ours(&evidence.source.to_string())
            )
        }));
        let more = told.failure.evidence.len().saturating_sub(MAX_PARTS);
        lines.extend((more > 0).then(|| format!("• and {more} more in the mail")));
        lines.extend(self.times(alert, told));
        if told.condition.is_blindness() {
            lines.push(ours(words::NO_ALL_CLEAR));
        }
        let is_known = self.sorted.transition(alert, told) == Transition::Reminder;
        let steps = control.map(|control| control.remediation.console.iter().map(|step| ours(step)).collect());
        let advice = Advice {
            why: control.filter(|_| !is_known).map(|control| ours(control.rationale)),
            steps: steps.unwrap_or_else(|| words::mend(&told.condition).map(ours).into_iter().collect()),
            commands: control
                .map(|control| control.remediation.cli.iter().map(|line| escaped_for_slack(line)).collect())
                .unwrap_or_default(),
            runbook: self.runbook(runbook::heading(&alert.what)),
        };
        Part { lines, advice: Some(advice), ..Part::default() }
    }

    fn times(&self, alert: &Alert, told: &ConditionAlert) -> Option<String> {
        let before = self.sorted.before(alert).map(|before| format!("before: {before}"));
        let times: Vec<String> = self.sorted.since(alert, told).into_iter().chain(before).collect();
        (!times.is_empty()).then(|| format!("_{}_", ours(&capital(&times.join("; ")))))
    }

    /// What could not be read in one part, with what to do about each cause once.
    fn unread(&self, title: &str, unread: &[(&'a Alert, &'a ConditionAlert)]) -> Option<(Severity, Part)> {
        let worst = unread.iter().map(|(alert, _)| alert.severity).max()?;
        let all = Unread::of(self.sorted, unread);
        let lines = all.iter().map(|of_cause| {
            let times = of_cause.times.as_ref().map(|times| format!(" _{}_", ours(&capital(times))));
            format!("• {}{}", sentence(&of_cause.line(MAX_OPERATIONS)), times.unwrap_or_default())
        });
        let heading = format!("❓ *UNKNOWN: what could not be read* · {title}\n{}", ours(words::NO_ALL_CLEAR));
        let mut steps: Vec<String> = Vec::new();
        for remedy in all.iter().filter_map(Unread::remedy).map(ours) {
            if !steps.contains(&remedy) {
                steps.push(remedy);
            }
        }
        let runbook = unread.first().and_then(|(alert, _)| self.runbook(runbook::heading(&alert.what)));
        let advice = Advice { steps, runbook, ..Advice::default() };
        Some((worst, Part { lines: listed(&heading, lines.collect()), advice: Some(advice), ..Part::default() }))
    }

    fn ended(&self) -> Vec<(Severity, Part)> {
        let is_end =
            |transition| matches!(transition, Transition::Resolved | Transition::Suppressed | Transition::Dropped);
        let ended = self.sorted.conditions_that(is_end);
        let Some((first, _)) = ended.first() else { return Vec::new() };
        let lines = ended.iter().map(|(alert, told)| {
            let (how, open) = words::ended(alert, told);
            let times = self.sorted.before(alert).map(|before| format!("; before: {before}")).unwrap_or_default();
            format!("{} {}\n_It {}{}_", icon_of(self.sorted, alert), sentence(&how), ours(&open), ours(&times))
        });
        let worst = ended.iter().map(|(alert, _)| alert.severity).max().unwrap_or(Severity::Informational);
        let title = if ended.iter().all(|(_, told)| told.transition == Transition::Resolved) {
            "*RESOLVED*"
        } else {
            "*RESOLVED, SUPPRESSED, NO LONGER CHECKED*"
        };
        let runbook = self.runbook(runbook::heading(&first.what));
        let advice = runbook.map(|runbook| Advice { runbook: Some(runbook), ..Advice::default() });
        vec![(worst, Part { lines: listed(title, lines.collect()), advice, ..Part::default() })]
    }

    fn notices(&self) -> Vec<(Severity, Part)> {
        let notices = self.sorted.notices();
        let words_of = |alert: &Alert| {
            let text = words::notice(&alert.what).unwrap_or_default();
            format!("{} *{}*  {}", icon(alert.severity), alert.severity, sentence(&text))
        };
        let detailed = notices.iter().take(MAX_PARTS).map(|alert| {
            let runbook = self.runbook(runbook::heading(&alert.what));
            let advice = runbook.map(|runbook| Advice { runbook: Some(runbook), ..Advice::default() });
            (alert.severity, Part { lines: vec![words_of(alert)], advice, ..Part::default() })
        });
        let mut parts: Vec<_> = detailed.collect();
        let others: Vec<_> = notices.iter().skip(MAX_PARTS).collect();
        if let Some(worst) = others.iter().map(|alert| alert.severity).max() {
            let lines = listed("*To know*", others.iter().map(|alert| words_of(alert)).collect());
            parts.push((worst, Part { lines, ..Part::default() }));
        }
        parts
    }

    fn digest(&self) -> Option<Part> {
        let digest = self.sorted.digest()?;
        let others = self.sorted.open_beside(digest);
        let mut lines: Vec<String> = others
            .iter()
            .map(|open| format!("{} *{}*  {}", icon(open.severity), open.severity, sentence(&words::open(open))))
            .collect();
        if digest.open.is_empty() {
            let mark = if digest.all_is_well() { "✅" } else { icon(digest.severity()) };
            lines.push(format!("{mark} {}", sentence(&words::nothing_open(digest))));
        } else if others.is_empty() {
            lines.push("All open findings are listed above.".into());
        }
        lines.extend(words::unseen(digest).iter().map(|(word, text)| format!("❓ *{word}*  {}", sentence(text))));
        lines.extend(digest.score.map(|score| capital(&score.to_string())));
        for (step, status) in Step::ALL.into_iter().zip(&digest.steps) {
            lines.push(format!("{}. {}: {}", step.number(), step.title(), words::shown(*status)));
        }
        let declared = words::declared(digest, self.notification.told_at);
        lines.extend(declared.iter().map(|(word, text)| format!("{word}  {}", sentence(text))));
        lines.push(words::last_complete(digest));
        Some(Part { lines: listed("*HOW IT STANDS*", lines), ..Part::default() })
    }

    /// Where the whole report is; a part of its own, so that it crowds nothing out.
    fn report(&self) -> Option<Part> {
        let url = self.notification.report_url.as_deref().filter(|url| is_link(url))?;
        let lines =
            vec![format!("{}.", ours(&words::report_until(self.notification.told_at))), words::REPORT_LATER.into()];
        Some(Part { lines, open: Some(Link { text: "Open the report", url: url.to_owned() }), ..Part::default() })
    }

    /// The ids by which programs and people recognise a repeat.
    fn footer(&self) -> Vec<String> {
        let sessions = self.notification.root_sessions.iter().map(|session| session.id.as_ref());
        let ids: Vec<&str> = sessions.chain(self.sorted.newest.iter().map(|alert| alert.id.as_str())).collect();
        let shown: Vec<String> = ids.iter().take(MAX_PARTS).map(|id| code(id)).collect();
        let more = ids.len().saturating_sub(MAX_PARTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        vec![
            format!("Alert ids: {}{more}", shown.join(" ")),
            format!("told {}", moment(self.notification.told_at)),
            format!("rootwatch {}", sentence(&self.notification.version)),
        ]
    }
}

/// Whether `url` can be clicked, and ends no link of a chat's markup.
fn is_link(url: &str) -> bool {
    url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>|".contains(&byte))
}

fn line_of(sum: &Sum) -> String {
    format!(
        "{} *{}  {}*, {}: {}, from {}",
        icon(sum.severity),
        sum.severity,
        sum.what,
        sum.when,
        some_of(&sum.calls, code),
        some_of(&sum.addresses, code)
    )
}

/// `heading`, at most so many `lines`, and how many more there are.
fn listed(heading: &str, mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    lines.insert(0, heading.to_owned());
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

fn icon(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🔴",
        Severity::High => "🟠",
        Severity::Medium => "🟡",
        Severity::Low => "🔵",
        Severity::Informational => "⚪",
    }
}

/// Of a condition also what happened to it.
fn icon_of(sorted: &Sorted, alert: &Alert) -> &'static str {
    // A digest in which nothing is worse than what nobody could see.
    if alert.digest().is_some_and(|digest| !digest.summary.is_complete() && digest.severity() <= Severity::Medium) {
        return "❓";
    }
    match alert.condition().map(|told| (sorted.transition(alert, told), told.condition.is_blindness())) {
        Some((Transition::Resolved, _)) => "✅",
        Some((Transition::Suppressed | Transition::Acknowledged | Transition::Dropped, _)) => "🔇",
        Some((_, true)) => "❓",
        _ => icon(alert.severity),
    }
}

/// What others wrote, in a code span: nothing in it is marked up.
pub(super) fn code(text: &str) -> String {
    match for_slack(text) {
        text if text.is_empty() => "not recorded".into(),
        text => format!("`{text}`"),
    }
}

/// Words of ours that may quote what others wrote: a word that Slack would mark up stands in a code span of its own.
pub(super) fn sentence(text: &str) -> String {
    let mut left = MAX_SENTENCE;
    let mut words = Vec::new();
    for word in text.split_whitespace() {
        left = match left.checked_sub(word.chars().count().min(facts::text::MAX_CHARS)) {
            Some(left) => left,
            None => {
                words.push("…".into());
                break;
            }
        };
        let is_marked_up = word.contains(['*', '_', '~', '`']) || word.starts_with(':');
        words.push(if is_marked_up { code(word) } else { for_slack(word) });
    }
    words.join(" ")
}

/// Words of ours alone: addresses in them can be clicked.
pub(super) fn ours(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.strip_prefix("https://") {
        Some(_) => {
            let url = word.trim_end_matches(['.', ',']);
            let rest = word.strip_prefix(url).unwrap_or_default();
            format!("<{}>{rest}", escaped_for_slack(url))
        }
        None => escaped_for_slack(word),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// When it was told late, what to say of it.
pub(super) fn delivered_late(sent_at: Timestamp, now: Timestamp) -> Option<String> {
    let late = now.duration_since(sent_at);
    (late > words::LATE).then(|| {
        format!(
            "⚠️ *TOLD LATE:* SNS had it at {}, {} ago. Take the times from the lines.",
            moment(sent_at),
            words::age(late)
        )
    })
}
