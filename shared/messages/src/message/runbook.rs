//! The playbooks of every alert as a page: `docs/runbook.md`.

use std::collections::HashMap;
use std::fmt::Write;

use alerts::{Fault, Transition, What};
use facts::root_activity::{COMPROMISED, Effect, Kind, Step, Words};

use super::playbook::Values;
use super::words::notices;

const OPENING: &str = "\
# Runbook

<!-- Generated from shared/messages/src by `make bless`. -->

What to do about each alert. Every alert carries its own playbook, with the values filled in; read this page before the night you need it.

## The first 15 minutes

| minute | what | where |
|---|---|---|
| 0 | Read the first 12 lines of the alert: what, who, when, from where, MFA. Open the event. | the alert |
| 2 | Do the step *Do first*. Contain first where the alert says so: a deactivated key can be activated again. | the alert |
| 5 | Wake a second person. Write down times in UTC, and who does what. Acknowledge the alert, so that reminders stop. | `./rootwatch ack` |
| 7 | Ask everyone who can sign in as root. If none of them did it, treat the account as compromised. | [If root is compromised](#if-root-is-compromised) |
| 9 | Regain access: the mailbox before the password. | the same, *Regain access* |
| 12 | Preserve evidence: export the events before you delete anything. | the same, *Preserve evidence* |
| 15 | Only now delete, restore, and close the way in. | the same, *Eradicate*, *Recover*, *Learn* |

";

const COMPROMISE: &str = "If root is compromised";

/// After the own steps of an alert in which someone else may be root.
const BELONGS: &str = "\nWork through [If root is compromised](#if-root-is-compromised) as well: in each phase, the steps above come \
                       first.\n";

const CONDITIONS: &str = include_str!("runbook/conditions.md");
const ALARMS: &str = include_str!("runbook/alarms.md");

/// The heading of the section about `what`.
pub(super) fn heading(what: &What) -> &'static str {
    if let Some(words) = notices::words(what) {
        return words.heading;
    }
    match what {
        What::RootActivity(act) => act.topic().headline,
        What::Condition(update) => heading_of(update.transition, &update.condition),
        What::Digest(_) => "DIGEST",
        _ => Kind::WatchTampered.words().headline,
    }
}

/// The heading of the section about a condition to which this happened.
pub(super) fn heading_of(transition: Transition, fault: &Fault) -> &'static str {
    match (transition, fault) {
        (Transition::Resolved, _) => "RESOLVED",
        (Transition::Suppressed | Transition::Acknowledged | Transition::Dropped, _) => {
            "SUPPRESSED, ACKNOWLEDGED or NO LONGER CHECKED"
        }
        (_, Fault::NoSubscriber) => "no confirmed subscription",
        (_, Fault::OddItems) => "the state table holds items that rootwatch did not write",
        (_, Fault::RefusedSettings) => "settings are refused and ignored",
        (_, Fault::OrganizationNotAudited) => "the organization cannot be audited",
        (_, Fault::AccountsNotAudited) => "accounts of the organization could not be audited",
        (_, Fault::Unread { .. } | Fault::Unjudged { .. }) => "UNKNOWN: a control or a data source",
        (Transition::Reminder, _) => "Still open: a reminder",
        (Transition::Opened | Transition::Changed, _) => "A control fails",
    }
}

/// The address of the section with this heading, in the runbook at `runbook`; `None` where that is no address. Anchors are those that
/// GitHub and GitLab make: lower case, blanks as hyphens, other punctuation left out.
pub(super) fn link(runbook: &str, heading: &str) -> Option<String> {
    runbook.starts_with("https://").then(|| format!("{runbook}#{}", anchor(heading)))
}

fn anchor(heading: &str) -> String {
    let anchor = heading.chars().filter_map(|char| match char {
        ' ' | '-' => Some('-'),
        char if char.is_alphanumeric() => Some(char.to_ascii_lowercase()),
        _ => None,
    });
    anchor.collect()
}

/// How bad it is, where it depends on the event as far as that goes.
pub(super) fn severity(kind: Kind) -> &'static str {
    match kind {
        Kind::SignInSucceeded | Kind::CliSignIn => "CRITICAL without MFA, HIGH with MFA",
        Kind::RootAccessKeyCreated | Kind::MfaDeactivated => "CRITICAL",
        Kind::RootAccessKeyChanged => "CRITICAL when activated, MEDIUM when deactivated",
        Kind::UserAccessKeyChanged => "HIGH when activated, MEDIUM when deactivated",
        Kind::UserAccessKeyCreated
        | Kind::RootSigningCertificateCreated
        | Kind::MfaEnabled
        | Kind::PasswordChanged
        | Kind::PasswordRecoveryRequested
        | Kind::PasswordRecoveryCompleted
        | Kind::EmailChanged
        | Kind::ContactChanged => "HIGH",
        Kind::WatchTampered => "CRITICAL, HIGH or MEDIUM, by the call",
        Kind::CentralizedRootTask => "HIGH or MEDIUM, by the task; none where it only reads: in the report only",
        Kind::SignInFailed | Kind::RootAccessKeyDeleted | Kind::UserAccessKeyDeleted | Kind::WriteCall => "MEDIUM",
        Kind::ReadOnlyCall => "LOW",
        Kind::Service => "none: in the report only",
    }
}

/// The whole page.
pub fn runbook() -> String {
    let mut page = Page { text: String::from(OPENING), steps: HashMap::new() };
    page.index();
    let _ = write!(page.text, "\n## {COMPROMISE}\n\n**Severity:** CRITICAL.\n\n");
    page.text.push_str(
        "The phases are those of AWS's [customer playbook framework](https://github.com/aws-samples/aws-customer-playbook-framework) and \
         [incident response playbooks](https://github.com/aws-samples/aws-incident-response-playbooks). Go from top to bottom.\n\n",
    );
    page.steps(COMPROMISE, COMPROMISED);
    let kinds = Kind::ALL.map(|kind| (kind.words(), severity(kind)));
    for (words, severity) in kinds.into_iter().chain(Effect::ALL.map(|effect| (effect.words(), "HIGH"))) {
        page.kind(&words, severity);
    }
    for (words, severity) in notices::ALL {
        let _ = write!(page.text, "\n## {}\n\n**Severity:** {severity}.\n\n{}\n\n", words.heading, words.why);
        page.steps(words.heading, words.steps);
        if words.is_compromise {
            page.text.push_str(BELONGS);
        }
    }
    page.text + "\n" + CONDITIONS + "\n" + ALARMS
}

struct Page {
    text: String,
    /// Where each step is: it is said once.
    steps: HashMap<&'static str, (&'static str, usize)>,
}

impl Page {
    fn index(&mut self) {
        let _ = write!(
            self.text,
            "## Index\n\n| alert | severity |\n|---|---|\n| [{COMPROMISE}](#{}) | CRITICAL |\n",
            anchor(COMPROMISE)
        );
        let kinds = Kind::ALL.map(|kind| (kind.words().headline, severity(kind)));
        let effects = Effect::ALL.map(|effect| (effect.words().headline, "HIGH"));
        let notices = notices::ALL.map(|(words, severity)| (words.heading, severity));
        let rows = kinds.into_iter().chain(effects).chain(notices);
        let rows: Vec<(&str, &str)> = rows.chain(sections(CONDITIONS)).chain(sections(ALARMS)).collect();
        for (heading, severity) in rows {
            let _ = writeln!(self.text, "| [{heading}](#{}) | {severity} |", anchor(heading));
        }
    }

    fn kind(&mut self, words: &Words, severity: &str) {
        let _ = write!(self.text, "\n## {}\n\n**Severity:** {severity}.\n\n{}\n\n", words.headline, words.why);
        self.steps(words.headline, words.steps);
        if words.is_compromise {
            self.text.push_str(BELONGS);
        }
        if words.headline == Kind::WatchTampered.words().headline {
            self.text.push_str("\nIf an identity other than root did it:\n\n");
            self.steps(words.headline, facts::root_activity::TAMPERED);
        }
    }

    fn steps(&mut self, heading: &'static str, steps: &[Step]) {
        let values = Values::example();
        for (number, step) in (1..).zip(steps) {
            let phase = step.phase.words();
            let text = match self.steps.get(step.text) {
                Some((before, number)) => format!("As step {number} of [{before}](#{}).", anchor(before)),
                None => values.fill(step.text),
            };
            self.steps.entry(step.text).or_insert((heading, number));
            let _ = writeln!(self.text, "{number}. **{phase}.** {text}");
        }
    }
}

/// The headings of `page`, with the severity below each.
fn sections(page: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    page.split("\n## ").filter_map(|section| {
        let (heading, rest) = section.split_once('\n')?;
        let heading = heading.strip_prefix("## ").unwrap_or(heading);
        let severity = rest.lines().find_map(|line| line.strip_prefix("**Severity:** "));
        Some((heading, severity.map_or("CloudWatch alarm", |severity| severity.trim_end_matches('.'))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_in_the_anchor_of_its_heading_and_leads_somewhere() {
        let link = |heading| link("https://wiki.example/r", heading);
        assert_eq!(link("new root access key").as_deref(), Some("https://wiki.example/r#new-root-access-key"));
        assert_eq!(link("Still open: a reminder").as_deref(), Some("https://wiki.example/r#still-open-a-reminder"));
        assert_eq!(super::link(super::super::RUNBOOK, "new root access key"), None);
    }

    #[test]
    fn the_runbook_has_every_section_in_its_index_and_every_link_of_it_leads_to_a_section() {
        let page = runbook();
        let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        let anchors: Vec<String> = headings.iter().map(|heading| anchor(heading)).collect();
        for heading in headings.iter().filter(|heading| !["The first 15 minutes", "Index"].contains(heading)) {
            assert!(page.contains(&format!("| [{heading}](#{}) |", anchor(heading))), "{heading}");
        }
        for link in page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(anchors.iter().any(|anchor| anchor == link), "{link}");
        }
        assert!(page.find("## The first 15 minutes").unwrap() < page.find("## Index").unwrap());
    }

    #[test]
    fn the_runbook_says_each_step_once() {
        let page = runbook();
        let mut steps: Vec<&str> = page
            .lines()
            .filter_map(|line| line.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok()))
            .map(|(_, step)| step)
            .filter(|step| !step.contains("As step "))
            .collect();
        let count = steps.len();
        assert!(count > 60, "{count}");
        steps.sort_unstable();
        steps.dedup();
        assert_eq!(steps.len(), count);
    }
}
