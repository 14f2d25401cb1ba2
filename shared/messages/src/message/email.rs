//! The body for people: the first 12 lines suffice to act, the playbook follows once, then the rest in a line each. Plain text; one
//! paragraph is one line, as it is read on phones.

use alerts::{Alert, Transition};
use checklist::finding::Finding;
use checklist::report::Report;
use facts::account::Account;
use facts::root_activity::RootActivity;
use facts::tampering::Tampering;
use facts::text::counted;
use facts::text::for_email as safe;
use facts::verdict::Status;
use jiff::Timestamp;

use super::acknowledging::{self, Acknowledge};
use super::fact::Fact;
use super::incident::{self, Incident, Incidents, MAX_NEW, Maker, Subject};
use super::times::{span, stamp_of};
use super::words::{self, MAX_DETAILED, MAX_LINES, address, capital};
use super::{Bulletin, Sorted, runbook};

mod status;

/// Actions of a session beside the one that leads it.
const MAX_ALSO: usize = 10;
/// Steps of a finding that is one of very many new ones.
const MAX_BRIEF: usize = 3;
/// Ids of alerts at the end.
const MAX_IDS: usize = 3;
/// What the first lines hold of an incident; the rest follows below.
const AT_THE_TOP: [&str; 8] = ["Who", "When", "From", "Resource", "Refused", "Found", "Control", "Before"];

pub(super) fn compose(bulletin: &Bulletin, sorted: &Sorted) -> String {
    let Some(first) = sorted.first() else { return String::new() };
    let account = &first.account;
    let is_member = bulletin.member_of.is_some();
    let incidents = Maker { sorted, account, at: bulletin.at, report: bulletin.report, is_member }.all();
    let is_led = incidents.all.first().is_some_and(|incident| incident.severity >= first.severity);
    let new = incidents.all.iter().filter(|incident| incident.is_new_finding(sorted)).count();
    let mut email = Email {
        bulletin,
        sorted,
        account,
        text: String::new(),
        printed: Vec::new(),
        has_common: false,
        is_crowded: new > MAX_NEW,
    };
    let lead = incidents.all.first().filter(|_| is_led);
    email.top(lead);
    email.notes(&incidents);
    if let Some(lead) = lead {
        email.rest(lead);
    }
    email.five_steps(is_led);
    email.others(&incidents, usize::from(is_led));
    email.ended();
    email.status(is_led);
    email.read_errors(&incidents);
    email.open_findings(&incidents);
    email.acknowledge(&incidents);
    email.footer(&incidents);
    email.text
}

struct Email<'a, 'b> {
    bulletin: &'b Bulletin<'b>,
    sorted: &'b Sorted<'a>,
    account: &'b Account,
    text: String,
    /// Steps that are in it: none is in it twice.
    printed: Vec<String>,
    /// What is to be done wherever an attacker may be root is in it.
    has_common: bool,
    /// So much is new that the worst stands for the rest.
    is_crowded: bool,
}

impl<'a> Email<'a, '_> {
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

    fn fact(&mut self, fact: &Fact) {
        let value = if fact.is_quoted { safe(&fact.value) } else { safe_reason(&fact.value) };
        self.field(fact.name, &value);
    }

    /// Twelve lines, or fewer.
    fn top(&mut self, lead: Option<&Incident<'a>>) {
        let Bulletin { report, recipients, links, .. } = *self.bulletin;
        let headline = self.sorted.what(report, usize::MAX).unwrap_or_default();
        self.line(safe_reason(&headline));
        self.field("Account", &safe(&self.account.to_string()));
        if let Some(stack) = self.bulletin.member_of {
            let id = &self.account.id;
            self.field(
                "Sign in to",
                &format!("{id}, a member account: steps and links are for it. Sent by rootwatch in {stack}"),
            );
        }
        // Before everything else: nothing below reads as well as long as something could not be seen.
        let status = self.sorted.status_line(report).filter(|status| *status != headline);
        let status = status.map(|status| format!("{}.", capital(&safe_reason(&status))));
        let score = report.map(|report| report.score).or_else(|| self.sorted.digest().and_then(|digest| digest.score));
        let score = score.map(|score| format!("{}.", capital(&score.to_string())));
        if status.is_some() || score.is_some() {
            let status: Vec<String> = status.into_iter().chain(score).collect();
            self.field("Status", &status.join(" "));
        }
        if let Some(lead) = lead {
            if !headline.contains(&lead.title) && !matches!(lead.what, Subject::Unread) {
                self.field("What", &safe_reason(&format!("{} ({})", lead.title, lead.weight)));
            }
            // What could not be read has a section of its own.
            let is_here = |fact: &&Fact| AT_THE_TOP.contains(&fact.name) && !matches!(lead.what, Subject::Unread);
            lead.facts.iter().filter(is_here).for_each(|fact| self.fact(fact));
            if let Some(first) = lead.first() {
                self.field("Do first", &first.text);
                self.printed.push(first.text.clone());
            }
            self.links_of(lead);
        }
        if let Some(page) = links.and_then(|links| links.report.as_deref()) {
            self.field("Report", page);
        }
        if let Some(opened) = lead.and_then(Incident::opened_words) {
            self.field("Opened", &opened);
        }
        if let Some(recipients) = recipients {
            self.field("Sent to", &recipients.words());
        }
    }

    fn links_of(&mut self, incident: &Incident) {
        if let Some(url) = &incident.event {
            self.field("Event", url);
        }
        match runbook::link(self.bulletin.runbook, incident.heading) {
            Some(url) => self.field("Runbook", &url),
            None if matches!(incident.what, Subject::Unread) => {
                self.field("Runbook", &format!("section \"{}\" of the runbook", incident.heading));
            }
            None => self.field("Runbook", &format!("section \"{}\" (this message has its steps)", incident.heading)),
        }
        if let Some(url) = incident.more {
            self.field("AWS docs", url);
        }
    }

    /// What people must know of the message itself.
    fn notes(&mut self, incidents: &Incidents) {
        let Bulletin { at, report, repeats_possible, .. } = *self.bulletin;
        let counts = self.sorted.counts();
        if counts.contains(',') || incidents.all.len() > 1 {
            self.field("In this message", &format!("{counts}."));
        }
        if report.is_some_and(Report::is_partial) {
            self.line("PARTIAL: time ran out before everything was read; the next check goes on from there.");
        }
        if repeats_possible {
            self.line(words::REPEATS_POSSIBLE);
        }
        if let Some(late) = self.sorted.sent_late(at) {
            self.line(late);
        }
    }

    /// What the first lines leave out of the incident that leads.
    fn rest(&mut self, lead: &Incident<'a>) {
        if self.is_crowded && matches!(lead.what, Subject::Condition(_)) {
            self.briefly(lead, 1);
        } else {
            if let Some(why) = lead.why.filter(|_| !matches!(lead.what, Subject::Unread)) {
                self.field("Why", why);
            }
            let rest: Vec<&Fact> = lead.facts.iter().filter(|fact| !AT_THE_TOP.contains(&fact.name)).collect();
            rest.into_iter().for_each(|fact| self.fact(fact));
            if lead.steps.len() > 1 && !matches!(lead.what, Subject::Unread) {
                self.section(if lead.has_phases() { "NEXT STEPS, in this order" } else { "NEXT STEPS" });
                if let Some(unless) = lead.unless() {
                    self.line(unless);
                }
                self.steps(lead, 1);
            }
            self.commands(lead);
        }
        self.also(lead);
    }

    /// Steps that are not in it yet, numbered as in the playbook, but for the first `done`.
    fn steps(&mut self, incident: &Incident, done: usize) {
        let mut left_out = 0;
        // The steps that all have in common stand below the worst.
        let has_common = self.has_common;
        for (number, step) in (1..).zip(&incident.steps).skip(done) {
            self.has_common |= step.is_common;
            if self.printed.contains(&step.text) || (has_common && step.is_common) {
                left_out += 1;
                continue;
            }
            self.line(format!("{number}. {}", step.words()));
            self.printed.push(step.text.clone());
        }
        match incident.steps.len().saturating_sub(done) {
            _ if left_out == 0 => {}
            all if all == left_out => self.line("Steps: as above."),
            _ => self.line("The other steps are as above."),
        }
    }

    fn commands(&mut self, incident: &Incident) {
        for command in &incident.commands {
            self.line(format!("$ {command}"));
        }
    }

    /// What else was done in the same session, or by the same identity.
    fn also(&mut self, incident: &Incident<'a>) {
        match &incident.what {
            Subject::Session { also, from, to } if !also.is_empty() => self.session(also, *from, *to),
            Subject::Tampering(also) if !also.is_empty() => self.changes(also),
            _ => {}
        }
    }

    fn session(&mut self, also: &[&'a RootActivity], from: Option<Timestamp>, to: Option<Timestamp>) {
        let now = self.bulletin.at;
        let more = counted(words::count(also.iter().copied()), "more root action", "more root actions");
        self.section(&format!("SAME SESSION: {more}; whole session: {}", span(from, to, now)));
        for act in also.iter().take(MAX_ALSO) {
            let from = address(act, safe, "an address that was not recorded");
            let on = act.target.as_deref().map(|on| format!(" ({})", safe(on))).unwrap_or_default();
            let unread = if act.details_readable { "" } else { ", details unreadable" };
            let planned = act.planned.as_ref().map(|plan| format!(", planned: {}", safe_reason(&words::planned(plan))));
            let planned = planned.unwrap_or_default();
            let event = act.console_url(self.account).map(|url| format!(", event {url}")).unwrap_or_default();
            let (what, call, region) = (safe(&act.headline()), safe(&act.event_name), safe(&act.region));
            let when = stamp_of(act.time, now);
            let severity = act.severity;
            self.line(format!(
                "- {severity}: {what}{on}, {when}, {call} in {region}, from {from}{planned}{unread}{event}"
            ));
        }
        if also.len() > MAX_ALSO {
            let rest = also.iter().skip(MAX_ALSO).copied();
            let more = words::count(rest.clone());
            let oldest = rest.clone().filter_map(RootActivity::since).min();
            let newest = rest.filter_map(|act| act.time).max();
            self.line(format!("- and {more} more, {}: {}", span(oldest, newest, now), how_to_list(oldest)));
        }
    }

    fn changes(&mut self, also: &[&'a Tampering]) {
        self.section(&format!("SAME IDENTITY: {}", counted(also.len(), "more change", "more changes")));
        for tampering in also.iter().take(MAX_ALSO) {
            let on = tampering.on.as_deref().map(|on| format!(" ({})", safe(on))).unwrap_or_default();
            let event = tampering.console_url(self.account).map(|url| format!(", event {url}")).unwrap_or_default();
            let when = stamp_of(tampering.time, self.bulletin.at);
            self.line(format!("- {}: {}{on}, {when}{event}", tampering.severity, safe(&tampering.headline())));
        }
        self.more(also.len().saturating_sub(MAX_ALSO));
    }

    fn more(&mut self, more: usize) {
        if more > 0 {
            self.line(format!("- and {more} more"));
        }
    }

    /// The incidents after the one that leads: a few with their steps, more in a line each, the rest counted.
    fn others(&mut self, incidents: &Incidents<'a>, led: usize) {
        let is_new = |incident: &Incident<'a>| incident.is_new_finding(self.sorted);
        let mut new = 0;
        let mut shown = Vec::new();
        for (number, incident) in incidents.all.iter().enumerate() {
            new += usize::from(is_new(incident));
            // The rest of many new findings are lines among the open ones, where there are such lines.
            let is_counted = self.is_crowded && is_new(incident) && new > MAX_NEW && self.is_listed(incident);
            if !is_counted && number >= led && !matches!(incident.what, Subject::Unread) {
                shown.push(incident);
            }
        }
        // What only counts, and is not to be acted on beside the rest, needs no more than a line.
        let (brief, shown): (Vec<_>, Vec<_>) =
            shown.into_iter().partition(|incident| matches!(incident.what, Subject::Counted));
        for incident in shown.iter().take(MAX_DETAILED) {
            self.block(incident);
        }
        let lines: Vec<_> = shown.iter().skip(MAX_DETAILED).chain(&brief).collect();
        if !lines.is_empty() || incidents.others + incidents.other_acts > 0 {
            self.section("ALSO");
        }
        for incident in lines.iter().take(MAX_LINES) {
            let when = incident.facts.iter().find(|fact| fact.name == "When");
            let when = when.map(|when| format!(", {}", safe_reason(&when.value))).unwrap_or_default();
            let from = incident.facts.iter().find(|fact| fact.name == "From");
            let from = from.map(|from| format!(", from {}", safe_reason(&from.value))).unwrap_or_default();
            let event = incident.event.as_ref().map(|url| format!(", event {url}")).unwrap_or_default();
            let first = incident.first().map(|first| format!(". {}", first.text)).unwrap_or_default();
            let opened = incident.opened_words().map(|opened| format!(". Opened: {}", safe_reason(&opened)));
            let opened = opened.unwrap_or_default();
            self.line(format!(
                "- {}: {}{when}{from}{event}{opened}{first}",
                incident.weight,
                safe_reason(&incident.title)
            ));
        }
        self.more(lines.len().saturating_sub(MAX_LINES) + incidents.others);
        if incidents.other_acts > 0 {
            let acts = counted(incidents.other_acts, "more root action", "more root actions");
            self.line(format!("- and {acts} in further sessions: {}", how_to_list(None)));
        }
    }

    /// Whether the open findings have a line for it.
    fn is_listed(&self, incident: &Incident<'a>) -> bool {
        let control = incident.alert.condition().and_then(|update| update.condition.control());
        let is_open =
            |finding: &&Finding| matches!(finding.status, Status::Failed | Status::Unknown) && !finding.is_suppressed();
        let mut open = self.bulletin.report.iter().flat_map(|report| &report.findings).filter(is_open);
        open.any(|finding| Some(finding.control) == control)
    }

    fn block(&mut self, incident: &Incident<'a>) {
        let is_brief = self.is_crowded && matches!(incident.what, Subject::Condition(_));
        let control = incident.facts.iter().find(|fact| fact.name == "Control").filter(|_| is_brief);
        let control = control.map(|control| format!(", {}", safe(&control.value))).unwrap_or_default();
        self.section(&format!("{}: {}{control}", incident.weight, safe_reason(&incident.title)));
        for fact in incident.facts.iter().filter(|fact| incident::is_brief(fact)) {
            let is_new = fact.name == "When" && fact.value.starts_with("opened ") && !fact.value.contains(';');
            if !is_brief || (["Found", "When", "Before"].contains(&fact.name) && !is_new) {
                self.fact(fact);
            }
        }
        if let Some(opened) = incident.opened_words() {
            self.field("Opened", &opened);
        }
        if is_brief {
            self.briefly(incident, 0);
            return;
        }
        self.links_of(incident);
        self.steps(incident, 0);
        self.commands(incident);
        self.also(incident);
    }

    /// What to do about a finding that is one of very many new ones, in a line.
    fn briefly(&mut self, incident: &Incident, done: usize) {
        let steps: Vec<&str> = incident.steps.iter().skip(done).map(|step| step.text.as_str()).collect();
        let more = match steps.len().saturating_sub(MAX_BRIEF) {
            0 => String::new(),
            more => format!(" ({} in the report)", counted(more, "more step", "more steps")),
        };
        if !steps.is_empty() {
            let shown: Vec<&str> = steps.into_iter().take(MAX_BRIEF).collect();
            self.field(if done > 0 { "Then" } else { "Fix" }, &format!("{}{more}", shown.join(" ")));
        }
    }

    fn ended(&mut self) {
        let ended = words::endings(self.sorted, self.bulletin.at);
        if ended.is_empty() {
            return;
        }
        self.section("ENDED OR ACKNOWLEDGED");
        for ending in ended.iter().take(MAX_LINES) {
            let how = ending.how.trim_end_matches('.');
            self.line(format!("- {}. It {}. Alert ID {}", safe_reason(how), ending.span, safe(&ending.id)));
        }
        self.more(ended.len().saturating_sub(MAX_LINES));
        if !self.sorted.conditions_that(|transition| transition == Transition::Resolved).is_empty() {
            self.line("If none of you fixed it, find out who did.");
        }
    }

    /// What chooses Region and stack for a command of the archive's script.
    pub(super) fn chosen(&self) -> String {
        let place = self.bulletin.links.and_then(|links| links.stack.as_ref());
        place.map(|(stack, region)| format!("AWS_REGION={region} STACK={stack} ")).unwrap_or_default()
    }

    fn acknowledge(&mut self, incidents: &Incidents<'a>) {
        let Some(acknowledge) = Acknowledge::of(self.sorted, incidents) else {
            if incidents.all.iter().any(|incident| incident.event.is_some()) {
                self.section("ACKNOWLEDGE: not needed. An event is sent once, without reminders.");
            }
            return;
        };
        self.section("ACKNOWLEDGE");
        self.line(acknowledging::SHORT);
        let place = self.bulletin.links.and_then(|links| links.stack.as_ref());
        self.line(format!("$ {}{}", self.chosen(), acknowledge.command));
        let place = place.map(|(stack, region)| format!(" --stack-name {stack} --region {region}")).unwrap_or_default();
        self.line(format!("Without the archive: sam remote invoke Checker{place} --event '{}'", acknowledge.event));
        if let Some(all) = &acknowledge.all {
            self.line(all);
        }
        if !acknowledge.others.is_empty() {
            self.field(
                "Also open, one acknowledgement each",
                &format!("{}{}", acknowledge.others.join(", "), acknowledge.more),
            );
        }
    }

    /// The ids by which programs and people recognise a repeat.
    fn footer(&mut self, incidents: &Incidents<'a>) {
        self.line("");
        if let Some(report) = self.bulletin.report {
            let freshness = status::freshness(report);
            self.field("Data freshness", &freshness);
        }
        if let Some(url) = self.bulletin.links.and_then(|links| links.dashboard.as_deref()) {
            self.field("Dashboard", url);
        }
        let sessions = super::session::sessions(self.sorted.acts.iter().copied());
        let sessions: Vec<String> = sessions.into_iter().map(|session| session.id.into_owned()).collect();
        let folded: Vec<&str> =
            incidents.all.iter().flat_map(|incident| &incident.opened).map(|(alert, _)| alert.id.as_str()).collect();
        let others = self.sorted.newest.iter().map(|alert| alert.id.as_str()).filter(|id| !folded.contains(id));
        // That of what leads comes first.
        let lead =
            incidents.all.first().map(|lead| lead.alert.id.as_str()).filter(|id| others.clone().any(|one| one == *id));
        let rest = sessions.iter().map(String::as_str).chain(others).filter(|id| Some(*id) != lead);
        let ids: Vec<&str> = lead.into_iter().chain(rest).collect();
        let shown = ids.iter().take(MAX_IDS).map(|id| safe(id)).collect::<Vec<_>>().join(", ");
        let more = match ids.len().saturating_sub(MAX_IDS) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.field(if ids.len() == 1 { "Alert ID" } else { "Alert IDs" }, &format!("{shown}{more}"));
        self.line(format!("rootwatch {}", env!("CARGO_PKG_VERSION")));
    }
}

/// Reasons are ours but may quote: cleaned, and longer than a single name.
fn safe_reason(text: &str) -> String {
    text.split(' ').map(safe).collect::<Vec<_>>().join(" ")
}

fn how_to_list(since: Option<Timestamp>) -> String {
    let since = since.map(|at| format!(" --start-time {at:.0}")).unwrap_or_default();
    format!(
        "`aws cloudtrail lookup-events --lookup-attributes AttributeKey=Username,AttributeValue=root{since} --region <region>`"
    )
}

/// Whether `alert` is of a condition that is open.
fn is_of(alert: &Alert, control: &str) -> bool {
    alert.condition().is_some_and(|update| update.condition.control() == Some(control))
}
