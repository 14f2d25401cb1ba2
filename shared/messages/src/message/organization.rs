//! One run over an organization in words: what is new of a finding in how many accounts, and what could not be audited.

use std::borrow::Cow;
use std::cmp::Reverse;

use alerts::{Fault, Transition, What};
use checklist::control::Control;
use checklist::controls;
use facts::account::Account;
use facts::root_activity::Phase;
use facts::severity::Severity;
use facts::source::Source;
use facts::text;
use jiff::Timestamp;
use members::{Affected, Cause, Coverage, Group, Run, Unaudited};
use serde_json::json;

use super::playbook::{self, Shown, Values};
use super::words::notices;
use super::{
    BODIES, Links, MAX_ALIAS, MAX_BYTES, MAX_EMAIL_BYTES, Message, Notification, OWN, Recipients, SCHEMA, cut, runbook,
    shortened,
};

mod email;
mod page;

/// Findings and names in the email, from the most to the least: the first that fits is sent.
const ROOM: [(usize, usize); 9] =
    [(usize::MAX, 40), (usize::MAX, 20), (usize::MAX, 10), (120, 5), (120, 2), (60, 2), (30, 2), (30, 1), (10, 1)];
/// Most characters of the organization's id in a subject.
const MAX_ID: usize = 34;
/// Most characters of a route's name in a subject.
const MAX_ROUTE: usize = 20;
/// Routes that a message names.
const MAX_ROUTES: usize = 10;
/// [`Fault::key`] of what is listed by cause.
const NOT_AUDITED: &str = "accounts-not-audited";
/// How to fix the declarations of members, which are no parameter.
const DECLARATIONS: &str = "Correct what is named here in organization/declarations.json, check it with `./rootwatch check-declarations declarations.json` \
                            (in a clone `make check-declarations FILE=declarations.json`), and upload it. Where a call was denied, restore the role of the \
                            function Organization instead.";
/// Where the steps are that no control has.
const LOG: &str =
    "See the log of the function member-auditor of that time: it names the account, the operation and AWS's answer.";

/// What is put into words of one run over an organization.
#[derive(Debug, Clone, Copy)]
pub struct RunBulletin<'a> {
    /// What is sent.
    pub run: &'a Run,
    /// The account of the stack that audits.
    pub home: &'a Account,
    /// The present.
    pub at: Timestamp,
    /// Where people find the runbook, an address or [`RUNBOOK`](super::RUNBOOK).
    pub runbook: &'a str,
    /// Where the organization's page and the dashboard are in the console.
    pub links: Option<&'a Links>,
    /// Who gets the message; `None`: it is not known.
    pub recipients: Option<Recipients>,
    /// The state store failed: all of it may be sent again.
    pub repeats_possible: bool,
}

impl Message {
    /// Words `bulletin`; `None` when there is nothing to send.
    pub fn of_run(bulletin: &RunBulletin) -> Option<Self> {
        let run = bulletin.run;
        if run.is_silent() {
            return None;
        }
        let subject = subject(run);
        let mut texts = ROOM.iter().map(|(findings, names)| email::compose(bulletin, *findings, *names));
        let mut text = texts.next().unwrap_or_default();
        while text.len() > MAX_EMAIL_BYTES
            && let Some(shorter) = texts.next()
        {
            text = shorter;
        }
        let text = cut(text, MAX_EMAIL_BYTES);
        // The email counts four times less than the JSON, which is escaped twice: names go first, then findings.
        let (mut findings, mut names) = (run.groups.len().max(run.open.len()), members::MAX_NAMED);
        loop {
            let json = notification(bulletin, &subject, findings, names);
            let message = Self { subject: subject.clone(), text: text.clone(), json };
            let is_small = message.json.len() <= MAX_BYTES / BODIES && message.by_protocol().len() <= MAX_BYTES;
            if is_small || (findings == 0 && names == 0) {
                return Some(message);
            }
            if names > 1 {
                names /= 2;
            } else {
                (findings, names) = (findings / 2, findings.min(1));
            }
        }
    }
}

fn notification(bulletin: &RunBulletin, subject: &str, findings: usize, names: usize) -> String {
    let RunBulletin { run, home, links, .. } = *bulletin;
    let mut shown = run.clone();
    shown.cut(findings, names);
    let notification = Notification {
        schema: SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        id: id(home, run).into(),
        subject: subject.into(),
        headline: Some(status(run).into()),
        severity: verdict(run).map_or(Severity::Informational, |topic| topic.severity),
        account: Cow::Borrowed(home),
        sent_at: bulletin.at,
        repeats_possible: bulletin.repeats_possible,
        runbook: bulletin.runbook.into(),
        report_url: None,
        report_page: links.and_then(|links| links.report.as_deref()).map(Into::into),
        dashboard: links.and_then(|links| links.dashboard.as_deref()).map(Into::into),
        test_alert: None,
        organization: None,
        root_sessions: Vec::new(),
        alerts: Vec::new(),
        left_out: run.groups.len().saturating_sub(shown.groups.len()),
        left_out_sign_ins: 0,
    };
    json!(Notification { organization: Some(shown), ..notification }).to_string()
}

/// The same for every message of one run and route: so a repeat is recognised.
fn id(home: &Account, run: &Run) -> String {
    let route = run.route.as_ref().map(|route| format!("/{route}")).unwrap_or_default();
    let id = format!("{}/{}/{}{route}", home.id, run.organization, run.run);
    id.chars().map(|char| if char.is_whitespace() { '_' } else { char }).take(255).collect()
}

/// One thing that the message is about: a fault of the organization as a whole, or one finding in many accounts.
struct Topic<'r> {
    severity: Severity,
    transition: Option<Transition>,
    /// As [`Group::about`].
    about: Cow<'r, str>,
    /// What is wrong, a few words. May quote.
    headline: String,
    /// Of a fault of the organization: what was found, and when it opened.
    found: Option<(&'r str, Timestamp)>,
    accounts: &'r [Affected],
    /// 0: the organization as a whole.
    count: usize,
}

impl<'r> Topic<'r> {
    fn of_group(group: &'r Group) -> Self {
        let Group { about, headline, severity, transition, accounts, count } = group;
        let (severity, transition, count) = (*severity, *transition, *count);
        Self { severity, transition, about: about.into(), headline: headline.clone(), found: None, accounts, count }
    }

    fn of_alert(alert: &'r alerts::Alert) -> Self {
        let (transition, about, headline, found) = match &alert.what {
            What::Condition(update) => {
                let headline = match update.transition {
                    Transition::Resolved => update.condition.resolved(),
                    Transition::Dropped => update.condition.about(),
                    _ => update.condition.headline(),
                };
                let found = Some((update.failure.found.as_str(), update.opened_at));
                (Some(update.transition), update.condition.key(), headline, found)
            }
            What::CaughtUp { .. } => (None, "caught-up".into(), notices::title(&alert.what).unwrap_or_default(), None),
            what => (None, alert.id.clone(), notices::title(what).unwrap_or_else(|| "another alert".into()), None),
        };
        Self { severity: alert.severity, transition, about: about.into(), headline, found, accounts: &[], count: 0 }
    }

    fn is_over(&self) -> bool {
        use Transition::{Acknowledged, Dropped, Resolved, Suppressed};
        matches!(self.transition, Some(Resolved | Dropped | Suppressed | Acknowledged))
    }

    /// The condition that it is about, where it is about one.
    fn fault(&self) -> Option<Fault> {
        let about = self.about.as_ref();
        if let Some(control) = about.strip_suffix("#unjudged") {
            return Some(Fault::Unjudged { control: control.to_owned() });
        }
        if let Some(source) = about.strip_prefix("unread#") {
            let (id, region) = source.split_once('#').map_or((source, None), |(id, region)| (id, Some(region)));
            let source = *Source::ALL.iter().find(|source| source.id() == id)?;
            return Some(Fault::Unread { source, region: region.map(str::to_owned) });
        }
        Some(match about {
            "no-subscriber" => Fault::NoSubscriber,
            "odd-items" => Fault::OddItems,
            "refused-settings" => Fault::RefusedSettings,
            "organization-not-audited" => Fault::OrganizationNotAudited,
            "accounts-not-audited" => Fault::AccountsNotAudited,
            control => Fault::Control { control: controls::control(control)?.id.to_owned() },
        })
    }

    /// The control that fails.
    fn control(&self) -> Option<&'static Control> {
        match self.fault()? {
            Fault::Control { control } => controls::control(&control),
            _ => None,
        }
    }

    /// What could not be seen in an account has no severity for people; that accounts could not be audited at all has one.
    fn weight(&self) -> String {
        match self.fault() {
            Some(fault) if self.count > 0 && fault.is_blindness() => "UNKNOWN".into(),
            _ => self.severity.to_string(),
        }
    }

    /// `CRITICAL: still open: root has no MFA`.
    fn words(&self) -> String {
        let (weight, what) = (self.weight(), &self.headline);
        match self.transition {
            None | Some(Transition::Opened) => format!("{weight}: {what}"),
            Some(Transition::Changed) => format!("{weight}: worse: {what}"),
            Some(Transition::Reminder) => format!("{weight}: still open: {what}"),
            Some(Transition::Resolved) => format!("RESOLVED: {what}"),
            Some(Transition::Suppressed) => format!("SUPPRESSED: {what}"),
            Some(Transition::Acknowledged) => format!("ACKNOWLEDGED: {what}"),
            Some(Transition::Dropped) => format!("NO LONGER CHECKED: {what}"),
        }
    }

    /// ` in 3 accounts`; of a single one its name, by `name`.
    fn place(&self, name: impl Fn(&Affected) -> String) -> String {
        match (self.count, self.accounts) {
            (0, _) => String::new(),
            (1, [only, ..]) => format!(" in {}", name(only)),
            _ => self.counted_place(),
        }
    }

    fn counted_place(&self) -> String {
        if self.count == 0 { String::new() } else { format!(" in {}", accounts(self.count)) }
    }

    /// What to do, the first thing first.
    fn steps(&self, run: &Run) -> Vec<Shown> {
        if self.is_over() {
            return Vec::new();
        }
        if let Some(words) = notices::words_of(&self.about) {
            return playbook::of_steps(words.steps.iter(), &Values::default());
        }
        match self.fault() {
            Some(Fault::Control { control }) => controls::control(&control).map(playbook::of_many).unwrap_or_default(),
            // The most frequent cause.
            Some(Fault::AccountsNotAudited) => {
                let most = run.unaudited.iter().max_by_key(|unaudited| unaudited.count);
                let remedy = most.map(|unaudited| Shown::plain(unaudited.remedy.clone()));
                remedy.into_iter().chain(playbook::of_fault(&Fault::AccountsNotAudited).map(Shown::plain)).collect()
            }
            Some(Fault::Unread { .. }) => vec![Shown::plain(LOG)],
            Some(Fault::RefusedSettings) => vec![Shown::plain(DECLARATIONS)],
            Some(fault) => playbook::of_fault(&fault).map(Shown::plain).into_iter().collect(),
            None => vec![Shown {
                phase: Some(Phase::Confirm),
                ..Shown::plain("Look at the account's CloudTrail event history, and ask its owners.")
            }],
        }
    }

    /// Its section in the runbook.
    fn heading(&self) -> &'static str {
        match (notices::words_of(&self.about), self.fault(), self.transition) {
            (Some(words), ..) => words.heading,
            (None, Some(fault), transition) => runbook::heading_of(transition.unwrap_or(Transition::Opened), &fault),
            _ => "If root is compromised",
        }
    }
}

/// Everything that is new, the worst first: at the same severity that nothing at all was audited comes first, then findings.
fn topics(run: &Run) -> Vec<Topic<'_>> {
    let of_organization = run.organization_alerts.iter().map(Topic::of_alert);
    let mut topics: Vec<Topic> = of_organization.chain(run.groups.iter().map(Topic::of_group)).collect();
    topics.sort_by_key(|topic| {
        let place = match (topic.about.as_ref(), topic.count) {
            ("organization-not-audited", _) => 0,
            (_, 0) => 2,
            _ => 1,
        };
        (Reverse(topic.severity), topic.is_over(), place)
    });
    topics
}

/// Those that have words of their own: what was not audited is listed by cause.
fn sections(run: &Run) -> Vec<Topic<'_>> {
    let is_listed = |topic: &Topic| topic.about == NOT_AUDITED && !topic.is_over() && !run.unaudited.is_empty();
    let mut sections = topics(run);
    sections.retain(|topic| !is_listed(topic));
    sections
}

/// `LOW: still open: accounts of the organization could not be audited`, and since when.
fn not_audited(run: &Run) -> Option<(String, Timestamp)> {
    let topic = topics(run).into_iter().find(|topic| topic.about == NOT_AUDITED && !topic.is_over())?;
    Some((topic.words(), topic.found?.1))
}

/// What leads the message: the worst that is new; in a digest, what has been open for longer if it is worse.
fn verdict(run: &Run) -> Option<Topic<'_>> {
    let new = topics(run).into_iter().next();
    let open = run.open.first().filter(|_| is_digest(run)).map(Topic::of_group);
    match (new, open) {
        (Some(new), Some(open)) if new.is_over() || open.severity > new.severity => Some(open),
        (new, open) => new.or(open),
    }
}

fn is_digest(run: &Run) -> bool {
    run.is_first || run.is_digest
}

/// Accounts that should have been audited, and were not.
fn missed(coverage: &Coverage) -> usize {
    coverage.refused + coverage.not_looked_at
}

/// Whether no account could be audited, for one fault.
fn is_faulty(run: &Run) -> bool {
    run.organization_alerts
        .iter()
        .map(Topic::of_alert)
        .any(|topic| topic.about == "organization-not-audited" && !topic.is_over())
}

/// The run in one sentence without a full stop, as every message of it and its page say it:
/// `INCOMPLETE: 9,812 accounts: 9,775 audited, 30 refused, 7 skipped, 0 not looked at; 63 open findings, the worst CRITICAL`.
pub fn status(run: &Run) -> String {
    let Coverage { listed, audited, in_part, refused, skipped, not_looked_at } = run.coverage;
    let is_incomplete = missed(&run.coverage) + in_part > 0 || audited == 0 || is_faulty(run);
    let open: usize = run.open.iter().map(|group| group.count).sum();
    let open = match run.open.iter().map(|group| group.severity).max() {
        Some(worst) => format!("{}, the worst {worst}", some(open, "open finding", "open findings")),
        None if audited == 0 => "nothing is known of any root user".into(),
        None => format!("no open findings in the {} audited", if audited == 1 { "account" } else { "accounts" }),
    };
    format!(
        "{}{}: {} audited{}, {} refused, {} skipped, {} not looked at; {open}",
        if is_incomplete { "INCOMPLETE: " } else { "" },
        accounts(listed),
        number(audited),
        if in_part > 0 { format!(" ({} in part)", number(in_part)) } else { String::new() },
        number(refused),
        number(skipped),
        number(not_looked_at),
    )
}

/// How much of what: `3 new findings, 1 resolved, 1 account joined`.
fn counts(run: &Run) -> String {
    let mut parts = Vec::new();
    let new = if run.is_first { ("finding", "findings") } else { ("new finding", "new findings") };
    for (transition, one, many) in [
        (Transition::Opened, new.0, new.1),
        (Transition::Changed, "finding that got worse", "findings that got worse"),
        (Transition::Reminder, "finding still open", "findings still open"),
        (Transition::Resolved, "resolved", "resolved"),
        (Transition::Suppressed, "suppressed", "suppressed"),
        (Transition::Acknowledged, "acknowledged", "acknowledged"),
        (Transition::Dropped, "no longer checked", "no longer checked"),
    ] {
        let of_it = run.groups.iter().filter(|group| group.transition == Some(transition));
        let count: usize = of_it.map(|group| group.count).sum();
        parts.extend((count > 0).then(|| some(count, one, many)));
    }
    let others = run.groups.iter().filter(|group| group.transition.is_none()).map(|group| group.count).sum();
    parts.extend((others > 0).then(|| some(others, "other alert", "other alerts")));
    let of_organization = run.organization_alerts.len();
    parts.extend(
        (of_organization > 0)
            .then(|| some(of_organization, "alert about the organization", "alerts about the organization")),
    );
    parts.extend(moved(run));
    parts.join(", ")
}

/// `1 account joined`, `2 accounts left`.
fn moved(run: &Run) -> Vec<String> {
    let moves = [(run.moves.joined_count, "joined"), (run.moves.left_count, "left")];
    moves.iter().filter(|(count, _)| *count > 0).map(|(count, how)| format!("{} {how}", accounts(*count))).collect()
}

/// What the message is about, in one line; `place` says where the worst is.
fn what(run: &Run, place: impl Fn(&Topic) -> String) -> String {
    let digest = if is_digest(run) { "DIGEST: " } else { "" };
    let missed = missed(&run.coverage);
    let what = match verdict(run) {
        Some(worst) => format!("{}{}", worst.words(), place(&worst)),
        None if missed > 0 => {
            format!("INCOMPLETE: {} of {} not audited", number(missed), accounts(run.coverage.listed))
        }
        None if run.coverage.audited == 0 => "INCOMPLETE: no account was audited".into(),
        None if run.coverage.in_part > 0 => {
            format!("INCOMPLETE: {} audited in part", accounts(run.coverage.in_part))
        }
        None if is_digest(run) => "no open findings".into(),
        None => moved(run).join(", "),
    };
    format!("{digest}{what}")
}

/// `[rootwatch] CRITICAL: root has an access key in 3 accounts of o-exampleorg (9,812 audited)`.
fn subject(run: &Run) -> String {
    let worst = verdict(run);
    let missed = missed(&run.coverage);
    let between = match &worst {
        Some(worst) if worst.count > 0 => " of ",
        None if missed > 0 || is_digest(run) => " in ",
        _ => ": ",
    };
    let route = run.route.as_ref().map(|route| format!("route {}, ", shortened(route, MAX_ROUTE))).unwrap_or_default();
    let of = format!("{between}{route}{}", shortened(&run.organization, MAX_ID));
    let audited = match (missed, &worst) {
        (0, _) => format!(" ({} audited)", number(run.coverage.audited)),
        // It says so itself.
        (_, None) => String::new(),
        (missed, _) => format!(" ({} not audited)", number(missed)),
    };
    let named = what(run, |topic| topic.place(|only| named(only, |name| shortened(name, MAX_ALIAS))));
    let by_id = what(run, |topic| topic.place(|only| only.account.to_string()));
    let counted = what(run, |topic| topic.counted_place());
    // What was not audited is the last thing to give up; the account's name goes before its ID.
    let ways = match missed {
        0 => [(&named, true), (&named, false), (&by_id, true), (&by_id, false), (&counted, false)],
        _ => [(&named, true), (&by_id, true), (&counted, true), (&by_id, false), (&counted, false)],
    };
    let way = |(what, is_audited): (&String, bool)| {
        text::for_subject(&format!("{OWN}{what}{of}{}", if is_audited { audited.as_str() } else { "" }))
    };
    // What is cut ends otherwise.
    let fits =
        |way: &String| way.ends_with(&text::for_subject(&of)) || (way.ends_with(&audited) && !audited.is_empty());
    ways.into_iter().map(way).find(fits).unwrap_or_else(|| {
        let end = format!("{}{of}", worst.map(|topic| topic.counted_place()).unwrap_or_default());
        let what = what(run, |_| String::new());
        let room = 99usize.saturating_sub(end.len());
        text::for_subject(&format!("{}{end}", shortened(&format!("{OWN}{what}"), room)))
    })
}

/// `name (id)`; the id alone where there is no name.
fn named(account: &Affected, name: impl Fn(&str) -> String) -> String {
    match name(&account.name) {
        name if name.is_empty() => account.account.to_string(),
        name => format!("{name} ({})", account.account),
    }
}

/// When the accounts' findings opened, where all did at once, and that is known.
fn common_since(accounts: &[Affected]) -> Option<Timestamp> {
    let first = accounts.first()?.since;
    accounts.iter().all(|account| account.since == first).then_some(first).filter(is_known)
}

/// The first of all times stands for none.
fn is_known(at: &Timestamp) -> bool {
    *at > Timestamp::UNIX_EPOCH
}

/// That they were seen once is worse than that they never were.
fn audited_before(unaudited: &Unaudited) -> String {
    match unaudited.audited_before {
        0 => String::new(),
        all if all == unaudited.count => ", audited before".into(),
        some => format!(", {} of them audited before", number(some)),
    }
}

/// `1 account`, `9,812 accounts`.
fn accounts(count: usize) -> String {
    some(count, "account", "accounts")
}

fn some(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `9,812`.
pub(super) fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// Which accounts the message is about, what others are sent, and what this run could not see. May quote.
fn notes(run: &Run) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(route) = &run.route {
        notes.push(format!("This message is about the accounts of the route {route} alone."));
    }
    if let (Some(route), Some(error)) = (&run.route, &run.unreached) {
        notes.push(format!(
            "Sent here because the topic of the route {route} failed: {error}. Create that topic, confirm a subscription to it, or correct the \
             route's name in the declarations."
        ));
    }
    if !run.routed.is_empty() {
        let shown = run.routed.iter().take(MAX_ROUTES);
        let shown: Vec<String> =
            shown.map(|routed| format!("{} {}", routed.route, some(routed.alerts, "alert", "alerts"))).collect();
        let more = match run.routed.len().saturating_sub(MAX_ROUTES) {
            0 => String::new(),
            more => format!(", and {}", some(more, "more route", "more routes")),
        };
        notes.push(format!(
            "Routes are sent alerts of their own. Only CRITICAL alerts of these are repeated here: {}{more}. If the topic of a route fails, its \
             message comes here.",
            shown.join(", ")
        ));
    }
    if run.last_open > 0 {
        notes.push(format!(
            "{} counted as last audited: this run could not see whether that changed.",
            some(run.last_open, "open finding is", "open findings are")
        ));
    }
    if let Some(fault) = &run.before_unread {
        notes.push(format!(
            "The results of the last run could not be read, so it is not known which accounts joined or left since, and alerts of accounts that \
             left may be missing: {fault}. Restore the object from its newest version that has lines without `is_unlisted`, or the function's right to read it."
        ));
    }
    if run.tags_unread > 0 {
        notes.push(format!(
            "The tags of {} were not read yet, so that routes by tag may lack accounts: later runs read them.",
            accounts(run.tags_unread)
        ));
    }
    notes
}

/// What is known of accounts that were not audited, or only in part.
fn known_of_unaudited(run: &Run) -> &'static str {
    let is_in_part = |unaudited: &Unaudited| unaudited.cause == Some(Cause::RoleMissing);
    if run.last_open > 0 {
        "Of these accounts at most root's credentials, or what the last audit found, are known: this is no all-clear."
    } else if !run.unaudited.iter().any(is_in_part) {
        "Nothing is known of the root users of these accounts: this is no all-clear."
    } else if missed(&run.coverage) == 0 {
        "Of these accounts, root's credentials alone are known: this is no all-clear."
    } else {
        "Nothing is known of the root users of these accounts, or only their credentials where the member role alone cannot be used: this is \
         no all-clear."
    }
}

/// Accounts that were refused or not looked at and are in no list, because the cause may pass.
fn may_pass(run: &Run) -> usize {
    let listed = run.unaudited.iter().filter(|unaudited| unaudited.cause != Some(Cause::RoleMissing));
    let listed: usize = listed.map(|unaudited| unaudited.count).sum();
    missed(&run.coverage).saturating_sub(listed)
}
