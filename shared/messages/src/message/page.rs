//! A message for a chat: the words of the email in Slack's markup, in parts of a size that chats take, the worst first.
//!
//! The reader may be tired and on a phone: each part says what happened, how bad it is, what to do first, and where to click.

use alerts::{Alert, Transition};
use checklist::control::Step;
use facts::account::Account;
use facts::root_activity::RootActivity;
use facts::tampering::Tampering;
use facts::text::counted;
use facts::text::{escaped_for_slack, for_slack, for_subject, for_title};

use super::acknowledging::{self, Acknowledge};
use super::incident::{Incident, Incidents, MAX_NEW, Maker, Subject};
use super::times::{moment, stamp_of};
use super::words::{self, MAX_LINES, capital};
use super::{Notification, Sorted, runbook};

mod markup;

pub(super) use markup::{code, delivered_late, icon, is_link, ours, sentence};
use markup::{icon_of, listed, shown};

/// Incidents that get a part each; the others get a line each.
const MAX_PARTS: usize = 6;
/// Actions of a session beside the one that leads it.
const MAX_ALSO: usize = 6;
/// Steps after the first one, where the runbook has the others.
const MAX_STEPS: usize = 8;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    /// One line of plain text, what happened and where; not marked up.
    pub(super) title: String,
    /// The same with who and when, for a phone's lock screen; in markup.
    pub(super) summary: String,
    /// Lines before everything else; in markup.
    pub(super) opening: Vec<String>,
    /// What it is about, the worst first.
    pub(super) parts: Vec<Part>,
    /// Ids, time and version; in markup.
    pub(super) footer: Vec<String>,
    /// What belongs to the same thing as an earlier message has the same.
    pub(super) thread: Option<String>,
    /// Words to search by; not marked up.
    pub(super) keywords: Vec<String>,
}

/// One thing that it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// In markup; the first says what it is.
    pub(super) lines: Vec<String>,
    /// Name, and value in markup.
    pub(super) fields: Vec<(&'static str, String)>,
    /// What to do.
    pub(super) advice: Option<Advice>,
    /// Where to see it, and where to read on.
    pub(super) links: Vec<Link>,
}

/// Why it matters and what to do next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) why: Option<String>,
    /// In markup, with their numbers.
    pub(super) steps: Vec<String>,
    /// Commands; in markup, one a line.
    pub(super) commands: Vec<String>,
}

/// A button, or a link where there are no buttons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) text: &'static str,
    pub(super) url: String,
}

impl Page {
    /// The page of a notification of rootwatch.
    pub(super) fn of(notification: &Notification) -> Self {
        if let Some(test) = &notification.test_alert {
            return test.page(notification);
        }
        if let Some(run) = &notification.organization {
            return notification.page_of(run);
        }
        let alerts = notification.all_alerts();
        let sorted = Sorted::new(&alerts, notification.sent_at);
        let pen = Pen { notification, sorted: &sorted, account: &notification.account, printed: Vec::new() };
        let first = sorted.first();
        let icon = first.map_or("⚪", |first| icon_of(&sorted, first));
        let subject = notification.subject.as_ref();
        let subject = subject.strip_prefix("[rootwatch] ").unwrap_or(subject);
        let who = first.and_then(Alert::act).map(|act| {
            let from = words::address(act, code, "an address that was not recorded");
            format!(" — from {from}, {}, MFA {}", stamp_of(act.time, notification.sent_at), act.mfa.words())
        });
        Self {
            title: format!("{icon} {}", for_title(subject)),
            summary: format!("{icon} {}{}", for_slack(subject), who.unwrap_or_default()),
            opening: pen.opening(),
            footer: pen.footer(),
            parts: pen.parts(),
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
    /// Steps that are in it: none is in it twice.
    printed: Vec<String>,
}

impl<'a> Pen<'a> {
    fn opening(&self) -> Vec<String> {
        let Self { notification, sorted, account, .. } = self;
        let mut opening = vec![format!("*Account:* {}", code(&account.to_string()))];
        // Of a newer version, or of one account that is an organization's.
        if sorted.first().is_none() {
            opening.push("⚠️ This version cannot read the details of this message: the email has them.".into());
        }
        if let Some(headline) = &notification.headline {
            let mark = if headline.starts_with("INCOMPLETE") { "❓ " } else { "" };
            opening.push(format!("{mark}*Status:* {}.", sentence(&capital(headline))));
        }
        let counts = sorted.counts();
        if counts.contains(',') {
            opening.push(format!("*In this message:* {}.", ours(&counts)));
        }
        if notification.repeats_possible {
            opening.push(format!("⚠️ {}", ours(words::REPEATS_POSSIBLE)));
        }
        opening.extend(sorted.sent_late(notification.sent_at).map(|late| format!("⚠️ {}", ours(&late))));
        if notification.left_out > 0 {
            let more = counted(notification.left_out, "root action or alert was", "root actions or alerts were");
            let sign_ins = match notification.left_out_sign_ins {
                0 => String::new(),
                sign_ins => format!(", {sign_ins} of them failed sign-ins"),
            };
            opening.push(format!(
                "⚠️ {more} left out for lack of room{sign_ins}: the email counts them, CloudTrail's event history has each."
            ));
        }
        opening
    }

    fn parts(mut self) -> Vec<Part> {
        let maker = Maker {
            sorted: self.sorted,
            account: self.account,
            at: self.notification.sent_at,
            report: None,
            is_member: false,
        };
        let incidents = maker.all();
        let severity = self.sorted.first().map(|first| first.severity);
        let is_led = incidents.all.first().is_some_and(|incident| Some(incident.severity) >= severity);
        let new = incidents.all.iter().filter(|incident| incident.is_new_finding(self.sorted)).count();
        let is_crowded = new > MAX_NEW;
        let mut parts = Vec::new();
        let mut lines: Vec<&Incident> = Vec::new();
        let mut new = 0;
        for (number, incident) in incidents.all.iter().enumerate() {
            new += usize::from(incident.is_new_finding(self.sorted));
            let is_counted = is_crowded && incident.is_new_finding(self.sorted) && new > MAX_NEW;
            if is_counted || parts.len() >= MAX_PARTS || (matches!(incident.what, Subject::Counted) && number > 0) {
                lines.push(incident);
                continue;
            }
            let is_lead = is_led && number == 0;
            parts.push(self.incident(incident, is_lead));
            if is_lead {
                parts.extend(self.acknowledge(&incidents));
            }
        }
        if !is_led {
            parts.extend(self.acknowledge(&incidents));
        }
        parts.extend(self.further(&lines, &incidents));
        parts.extend(self.ended());
        parts.extend(self.digest());
        parts.extend(self.report());
        parts
    }

    fn incident(&mut self, incident: &Incident<'a>, is_lead: bool) -> Part {
        let icon = icon_of(self.sorted, incident.alert);
        let mut lines = Vec::new();
        // The title of the message says it.
        if !is_lead || !self.notification.subject.contains(&for_subject(&incident.title)) {
            lines.push(format!("{icon} *{}  {}*", incident.weight, sentence(&incident.headline())));
        }
        let mut fields = Vec::new();
        for fact in &incident.facts {
            match fact.name {
                "Found" | "Before" | "Planned" | "Note" => lines.push(format!("*{}:* {}", fact.name, shown(fact))),
                "When" if matches!(incident.what, Subject::Condition(_) | Subject::Notice) => {
                    lines.push(format!("*When:* {}", shown(fact)));
                }
                name => fields.push((name, shown(fact))),
            }
        }
        if matches!(incident.what, Subject::Unread) {
            lines.push(ours(words::NO_ALL_CLEAR));
        }
        if let Some(first) = incident.first().filter(|first| !self.printed.contains(&first.text)) {
            lines.push(format!("*Do first:* {}", ours(&first.text)));
            self.printed.push(first.text.clone());
        }
        if let Some(opened) = incident.opened_words() {
            lines.push(format!("*Opened:* {}", sentence(&opened)));
        }
        lines.extend(self.also(incident));
        if lines.is_empty() {
            lines.push(format!("*{}*", sentence(&incident.headline())));
        }
        let mut steps: Vec<String> = incident.unless().map(ours).into_iter().collect();
        for (number, step) in (1..).zip(&incident.steps) {
            if !self.printed.contains(&step.text) {
                steps.push(format!("{number}. {}", ours(&step.words())));
                self.printed.push(step.text.clone());
            }
        }
        // Where a button leads to the rest of the playbook.
        let rest = steps.len().saturating_sub(MAX_STEPS);
        if rest > 0 && self.runbook(incident.heading).is_some() {
            steps.truncate(MAX_STEPS);
            steps.push(format!("_{rest} more steps: the email and the runbook have them._"));
        }
        let why = incident.why.filter(|_| !matches!(incident.what, Subject::Unread));
        let commands = incident.commands.iter().map(|command| escaped_for_slack(command)).collect();
        let advice = Advice { why: why.map(ours), steps, commands };
        let advice = (advice != Advice::default()).then_some(advice);
        let mut links: Vec<Link> = Vec::new();
        links.extend(incident.event.clone().map(|url| Link { text: "Open the event", url }));
        links.extend(self.runbook(incident.heading));
        if is_lead {
            links.extend(self.pages());
        }
        Part { lines, fields, advice, links }
    }

    /// What else was done in the same session, or by the same identity.
    fn also(&self, incident: &Incident<'a>) -> Vec<String> {
        let now = self.notification.sent_at;
        let of_act = |act: &&RootActivity| {
            let (what, region) = (sentence(&capital(&act.headline())), code(&act.region));
            let from = words::address(act, code, "an address that was not recorded");
            let unread = if act.details_readable { "" } else { ", details unreadable" };
            let planned = act.planned.as_ref().map(|plan| format!(", planned: {}", sentence(&words::planned(plan))));
            let (icon, when, planned) = (icon(act.severity), stamp_of(act.time, now), planned.unwrap_or_default());
            format!("• {icon} {what}, {when}, {region}, from {from}{planned}{unread}")
        };
        let of_change = |change: &&Tampering| {
            let on = change.on.as_deref().map(|on| format!(" ({})", code(on))).unwrap_or_default();
            let what = sentence(&capital(&change.headline()));
            format!("• {} {what}{on}, {}", icon(change.severity), stamp_of(change.time, now))
        };
        let (title, lines, all): (_, Vec<String>, _) = match &incident.what {
            Subject::Session { also, .. } if !also.is_empty() => (
                "*Same session:*",
                also.iter().take(MAX_ALSO).map(of_act).collect(),
                words::count(also.iter().skip(MAX_ALSO).copied()),
            ),
            Subject::Tampering(also) if !also.is_empty() => (
                "*Same identity:*",
                also.iter().take(MAX_ALSO).map(of_change).collect(),
                also.len().saturating_sub(MAX_ALSO),
            ),
            _ => return Vec::new(),
        };
        let more = (all > 0).then(|| format!("• and {all} more"));
        std::iter::once(title.to_owned()).chain(lines).chain(more).collect()
    }

    /// A webhook cannot act: the command is shown.
    fn acknowledge(&self, incidents: &Incidents<'a>) -> Option<Part> {
        let acknowledge = Acknowledge::of(self.sorted, incidents)?;
        let mut lines = vec![
            format!("*Acknowledge:* {}", ours(acknowledging::SHORT)),
            code(&acknowledge.command),
            format!("Or invoke the function Checker with `{}`", acknowledge.event),
        ];
        lines.extend(acknowledge.all.as_deref().map(ours));
        if !acknowledge.others.is_empty() {
            let others: Vec<String> = acknowledge.others.iter().map(|id| code(id)).collect();
            lines.push(format!("Other alert IDs: {}{}", others.join(" "), acknowledge.more));
        }
        Some(Part { lines, ..Part::default() })
    }

    /// What has no part of its own, in a line each.
    fn further(&self, lines: &[&Incident<'a>], incidents: &Incidents<'a>) -> Option<Part> {
        let mut all: Vec<String> = lines
            .iter()
            .take(MAX_LINES)
            .map(|incident| {
                let icon = icon_of(self.sorted, incident.alert);
                let fact = |name| incident.facts.iter().find(|fact| fact.name == name && incident.event.is_some());
                let when = fact("When").map(|when| format!(", {}", shown(when))).unwrap_or_default();
                let from = fact("From").map(|from| format!(", from {}", shown(from))).unwrap_or_default();
                let opened = incident.opened_words().map(|opened| format!(". Opened: {}", sentence(&opened)));
                let opened = opened.unwrap_or_default();
                format!("{icon} {}: {}{when}{from}{opened}", incident.weight, sentence(&incident.headline()))
            })
            .collect();
        let more = lines.len().saturating_sub(MAX_LINES) + incidents.others;
        if incidents.other_acts > 0 {
            let acts = counted(incidents.other_acts, "more root action", "more root actions");
            all.push(format!("and {acts} in further sessions"));
        }
        if more > 0 {
            all.push(format!("and {more} more"));
        }
        (!all.is_empty()).then(|| {
            all.insert(0, "*Also*".to_owned());
            Part { lines: all, ..Part::default() }
        })
    }

    /// Where the runbook has an address.
    fn runbook(&self, heading: &str) -> Option<Link> {
        let url = runbook::link(&self.notification.runbook, heading)?;
        is_link(&url).then_some(Link { text: "Runbook", url })
    }

    /// Where the report and the dashboard are, in the console.
    fn pages(&self) -> Vec<Link> {
        let Notification { report_page, dashboard, .. } = self.notification;
        let pages = [("Report", report_page), ("Dashboard", dashboard)].into_iter();
        let pages = pages.filter_map(|(text, url)| Some(Link { text, url: url.as_deref()?.to_owned() }));
        pages.filter(|link| is_link(&link.url)).collect()
    }

    fn ended(&self) -> Option<Part> {
        let ended = words::endings(self.sorted, self.notification.sent_at);
        let first = ended.first()?.alert;
        let lines = ended.iter().map(|ending| {
            let (icon, id) = (icon_of(self.sorted, ending.alert), code(&ending.id));
            format!("{icon} {}\nIt {}. Alert ID {id}", sentence(&ending.how), ours(&ending.span))
        });
        let mut lines: Vec<String> = lines.collect();
        let more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        if !self.sorted.conditions_that(|transition| transition == Transition::Resolved).is_empty() {
            lines.push("If none of you fixed it, find out who did.".into());
        }
        let links = self.runbook(runbook::heading(&first.what)).into_iter().collect();
        Some(Part { lines, links, ..Part::default() })
    }

    fn digest(&self) -> Option<Part> {
        let digest = self.sorted.digest()?;
        let now = self.notification.sent_at;
        let others = self.sorted.open_beside(digest);
        let mut lines: Vec<String> = others
            .iter()
            .map(|open| format!("{} *{}*  {}", icon(open.severity), open.severity, sentence(&words::open(open, now))))
            .collect();
        if digest.open.is_empty() {
            let mark = if digest.all_is_well() { "✅" } else { icon(digest.severity()) };
            lines.push(format!("{mark} {}", sentence(&words::nothing_open(digest))));
        } else if others.is_empty() {
            lines.push("All open findings are listed in this message.".into());
        }
        lines.extend(words::unseen(digest).iter().map(|(word, text)| format!("❓ *{word}*  {}", sentence(text))));
        lines.extend(digest.score.map(|score| capital(&score.to_string())));
        for (step, status) in Step::ALL.into_iter().zip(&digest.steps) {
            lines.push(format!("{}. {}: {}", step.number(), step.title(), words::step(*status)));
        }
        let declared = words::declared(digest, now);
        lines.extend(declared.iter().map(|(word, text)| format!("{word}  {}", sentence(text))));
        lines.push(words::last_complete(digest, now));
        Some(Part { lines: listed("*Account status*", lines), ..Part::default() })
    }

    /// Where the whole report is; a part of its own, so that it crowds nothing out.
    fn report(&self) -> Option<Part> {
        let url = self.notification.report_url.as_deref().filter(|url| is_link(url))?;
        let lines =
            vec![format!("{}.", ours(&words::report_until(self.notification.sent_at))), words::report_later("")];
        let mut links = vec![Link { text: "Open the report", url: url.to_owned() }];
        links.extend(self.pages());
        Some(Part { lines, links, ..Part::default() })
    }

    /// The ids by which programs and people recognise a repeat.
    fn footer(&self) -> Vec<String> {
        let sessions = self.notification.root_sessions.iter().map(|session| session.id.as_ref());
        let ids: Vec<&str> = sessions.chain(self.sorted.newest.iter().map(|alert| alert.id.as_str())).collect();
        let shown: Vec<String> = ids.iter().take(MAX_PARTS).map(|id| code(id)).collect();
        let more = ids.len().saturating_sub(MAX_PARTS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        vec![
            format!("Alert {}: {}{more}", if ids.len() == 1 { "ID" } else { "IDs" }, shown.join(" ")),
            format!("sent {}", moment(self.notification.sent_at)),
            format!("rootwatch {}", sentence(&self.notification.version)),
        ]
    }
}
