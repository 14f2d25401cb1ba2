//! The playbook of one incident: every step once, in order, with the values that are known.

use alerts::{ConditionAlert, Fault};
use checklist::control::Control;
use facts::account::{Account, Partition};
use facts::root_activity::{COMPROMISED, Kind, Phase, RootActivity, Step};
use facts::tampering::Tampering;
use facts::text::counted;
use jiff::{SignedDuration, Timestamp};

use super::times::moment;

/// Most steps of one playbook; the runbook has every one.
const MAX_STEPS: usize = 16;
/// Most acts of which it has the own steps.
const MAX_ACTS: usize = 20;
/// Most changes beside the first one that a playbook undoes one by one.
const MAX_RESTORED: usize = 4;
/// Events are exported from so long before the first one on.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);
/// How the way by the command line begins, where the console is another way.
const OWN_CREDENTIALS: &str = "Or, with root's own credentials: ";

/// A step as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// `None`: of a control's remediation, which has no phases.
    pub(super) phase: Option<Phase>,
    pub(super) text: String,
    /// Every incident in which an attacker may be root has it.
    pub(super) is_common: bool,
}

impl Shown {
    /// One that has no phase.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { phase: None, text: text.into(), is_common: false }
    }

    /// `Contain: Deactivate …`.
    pub(super) fn words(&self) -> String {
        match self.phase {
            Some(phase) => format!("{}: {}", phase.words(), self.text),
            None => self.text.clone(),
        }
    }
}

/// What is known of an incident, to be put into its steps and commands. Only what cannot do harm in a shell is.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    pub(super) account: String,
    pub(super) is_govcloud: bool,
    /// Whether the account is a member of an organization.
    pub(super) membership: Membership,
    key: Option<String>,
    user: Option<String>,
    /// The first word of what it was done to: a certificate, a device.
    thing: Option<String>,
    resource: Option<String>,
    call: Option<String>,
    from: Option<String>,
    region: Option<String>,
    start: Option<String>,
    since: Option<String>,
    session: Option<String>,
    restore: Option<String>,
    identity: Option<String>,
    name: Option<String>,
}

/// What is known of the account's organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Membership {
    /// It could not be read, or nothing was read for this message.
    #[default]
    Unknown,
    /// A member of an organization.
    Member,
    /// The management account, or an account of its own: no service control policy applies to its root.
    Alone,
}

/// What a shell takes as it is, and as one word.
fn word(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@+=,".contains(&byte);
    let is_marked = |end: char| matches!(end, '-' | '_' | ':' | '=');
    let is_word = text.bytes().all(is_plain) && !text.starts_with(is_marked) && !text.ends_with(['_', ':']);
    // A name that a mail client would make a link of cannot be shown as it is, and so not copied.
    (is_word && !text.is_empty() && facts::text::for_email(text) == text).then(|| text.to_owned())
}

fn key_id(text: &str) -> Option<String> {
    let is_id = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    is_id.then(|| text.to_owned())
}

impl Values {
    pub(super) fn new(account: &Account, membership: Membership) -> Self {
        Self {
            account: account.id.to_string(),
            is_govcloud: account.partition == Partition::GovCloud,
            membership,
            ..Self::default()
        }
    }

    /// As the runbook shows them.
    pub(super) fn example() -> Self {
        let some = |text: &str| Some(text.to_owned());
        Self {
            account: "ACCOUNT_ID".into(),
            key: some("KEY_ID"),
            user: some("USER"),
            thing: some("RESOURCE"),
            resource: some("RESOURCE"),
            call: some("CALL"),
            from: some("the address in the alert"),
            region: some("REGION"),
            start: some("START_TIME"),
            since: some("the first event"),
            session: some("SESSION_KEY_ID"),
            name: some("USER_NAME"),
            ..Self::default()
        }
    }

    /// With the time since when something may have been done.
    pub(super) fn since(self, at: Timestamp) -> Self {
        Self { start: start(at), since: Some(moment(at)), ..self }
    }

    /// With what `act`, which began at `since`, says.
    pub(super) fn of_act(self, act: &RootActivity, since: Option<Timestamp>) -> Self {
        let target = act.target.as_deref().unwrap_or_default();
        let (thing, whose) = target.split_once(" of ").unwrap_or((target, target));
        let user = whose.strip_prefix("user ").or_else(|| target.strip_prefix("user "));
        let first = thing.split(' ').next().unwrap_or_default();
        Self {
            key: key_id(first),
            user: user.and_then(word),
            thing: word(first),
            resource: phrase(act.target.as_deref()),
            call: word(&act.event_name),
            from: act.source_address.as_deref().and_then(word),
            region: word(&act.region),
            start: since.and_then(start),
            since: since.map(moment),
            session: act.issued_key().or(act.access_key_id.as_deref()).and_then(key_id),
            restore: (act.kind == Kind::WatchTampered)
                .then(|| restore(&act.event_source, &act.event_name, act.target.as_deref(), &act.region)),
            ..self
        }
    }

    /// With what `tampering`, of which the first change was at `since`, says.
    pub(super) fn of_tampering(self, tampering: &Tampering, since: Option<Timestamp>) -> Self {
        let (identity, name) = identity(&tampering.by);
        let region = &tampering.region;
        Self {
            region: word(region),
            start: since.and_then(start),
            since: since.map(moment),
            restore: Some(restore(&tampering.event_source, &tampering.event_name, tampering.on.as_deref(), region)),
            identity: Some(identity),
            name,
            ..self
        }
    }

    /// `text` with the values in place of their names.
    pub(super) fn fill(&self, text: &str) -> String {
        let or = |value: &Option<String>, unknown: &str| value.clone().unwrap_or_else(|| unknown.to_owned());
        let text = match text.split_once(OWN_CREDENTIALS) {
            // There root does not sign in to the console.
            Some((console, command)) if self.is_govcloud => {
                let what = console.split_once(':').map_or(console, |(what, _)| what);
                format!("{what}, with root's own credentials: {command}")
            }
            _ => text.to_owned(),
        };
        [
            ("{account}", self.account.clone()),
            ("{key}", or(&self.key, "<key id>")),
            ("{user}", or(&self.user, "<user>")),
            ("{thing}", or(&self.thing, "<see the event>")),
            ("{resource}", or(&self.resource, "what the event names")),
            ("{call}", or(&self.call, "see the event")),
            ("{from}", or(&self.from, "the address above")),
            ("{region}", or(&self.region, "us-east-1")),
            ("{start}", or(&self.start, "<a day before the first event>")),
            ("{since}", or(&self.since, "the first event")),
            ("{session}", or(&self.session, "<access key of the session>")),
            ("{restore}", or(&self.restore, RESTORE)),
            ("{identity}", or(&self.identity, IDENTITY)),
            ("{name}", or(&self.name, "<user name in the event>")),
        ]
        .into_iter()
        .fold(text, |text, (name, value)| text.replace(name, &value))
    }
}

/// In words, not in a command: several words, each of which could stand in one.
fn phrase(target: Option<&str>) -> Option<String> {
    target.filter(|target| target.split(' ').all(|part| word(part).is_some())).map(str::to_owned)
}

fn start(since: Timestamp) -> Option<String> {
    since.checked_sub(BEFORE).ok().map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

const RESTORE: &str = "Undo the change, unless you deployed rootwatch or changed the trail yourself at that moment: start the trail's \
                       logging, enable the rule or the schedule, or deploy the stack again.";
const IDENTITY: &str = "Unless that identity is yours and can explain it, stop it: deactivate its access keys, attach \
                        arn:aws:iam::aws:policy/AWSDenyAll, and revoke the sessions of its role.";

/// How to undo this call.
fn restore(source: &str, event_name: &str, on: Option<&str>, region: &str) -> String {
    let service = source.split('.').next().unwrap_or_default();
    let name = event_name.split(|char: char| char.is_ascii_digit()).next().unwrap_or_default();
    let on = on.and_then(word);
    let region = word(region).map(|region| format!(" --region {region}")).unwrap_or_default();
    let unless = "unless you made this change yourself";
    let start_logging = |trail: &str| format!("`aws cloudtrail start-logging --name {trail}{region}`");
    match (service, name, on.as_deref()) {
        ("cloudtrail", "StopLogging", Some(trail)) => {
            format!("Start the trail's logging again: {}.", start_logging(trail))
        }
        ("cloudtrail", "DeleteTrail", Some(trail)) => format!(
            "Create the trail {trail} again, for all Regions and with a bucket that only the log account can change, and start its logging: {}.",
            start_logging(trail)
        ),
        ("cloudtrail", _, Some(trail)) => format!(
            "Restore the settings of trail {trail}, {unless}: `aws cloudtrail get-event-selectors --trail-name {trail}{region}` shows them. \
             It must record management events, read and write, in all Regions."
        ),
        ("events", "DisableRule", Some(rule)) => {
            let rule = rule.rsplit('/').next().unwrap_or(rule);
            format!("Enable the rule again: `aws events enable-rule --name {rule}{region}`.")
        }
        ("kms", "ScheduleKeyDeletion", Some(key)) => {
            format!(
                "Cancel the deletion of the key, {unless}: `aws kms cancel-key-deletion --key-id {key}{region}`. Then enable it."
            )
        }
        ("kms", "DisableKey", Some(key)) => {
            format!("Enable the key again, {unless}: `aws kms enable-key --key-id {key}{region}`.")
        }
        ("kms", _, Some(key)) => format!("Restore the policy of key {key}, {unless}."),
        ("sns", "Unsubscribe" | "DeleteTopic", _) => {
            "Deploy the stack again, and subscribe again: alerts may no longer reach you by email.".into()
        }
        (_, _, Some(on)) => format!(
            "Restore {on}, {unless}: CloudFormation > Stacks > rootwatch's stack > Stack actions > Create change set, with the deployment \
             mode that reverts drift. Review the change set, then execute it."
        ),
        _ => RESTORE.to_owned(),
    }
}

/// How to stop the identity with this ARN, and its name in CloudTrail's look-up.
fn identity(arn: &str) -> (String, Option<String>) {
    let part = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = part.split('/');
    let kind = parts.next().unwrap_or_default();
    let rest: Vec<String> = parts.map_while(word).collect();
    match (kind, rest.as_slice()) {
        ("user", [.., user]) => (
            format!(
                "Unless user {user} is yours and can explain it, stop it: `aws iam attach-user-policy --user-name {user} --policy-arn \
                 arn:aws:iam::aws:policy/AWSDenyAll`. Then deactivate its access keys: `aws iam list-access-keys --user-name {user}`."
            ),
            Some(user.clone()).filter(|user| !user.contains([',', '='])),
        ),
        ("assumed-role", [role, session]) => (
            format!(
                "Unless session {session} of role {role} is yours and can explain it, stop it: IAM > Roles > {role} > Revoke sessions > \
                 Revoke active sessions. Then check who may assume the role."
            ),
            // The look-up takes attributes separated by commas.
            Some(session.clone()).filter(|session| !session.contains([',', '='])),
        ),
        _ => (IDENTITY.to_owned(), None),
    }
}

/// Of several acts of one incident, one playbook: the own steps of each, and what all have in common, by phase and each once.
pub(super) fn of_acts<'a>(acts: impl Iterator<Item = (&'a RootActivity, Values)>) -> Vec<Shown> {
    let mut own: Vec<Shown> = Vec::new();
    let mut common: Vec<Shown> = Vec::new();
    let mut is_urgent = false;
    for (number, (act, values)) in acts.take(MAX_ACTS).enumerate() {
        let words = act.words();
        let has = |phase| words.steps.iter().any(|step| step.phase == phase);
        // The question is asked once, of the worst; where something is to be contained at once, it does not come first.
        is_urgent |= has(Phase::Contain) && !has(Phase::Confirm);
        let steps = words.steps.iter().filter(|step| number == 0 || step.phase != Phase::Confirm);
        for step in steps.filter_map(|step| shown(step, &values)) {
            if !own.contains(&step) {
                own.push(step);
            }
        }
        if common.is_empty() && words.is_compromise {
            common = COMPROMISED.iter().filter_map(|step| shown(step, &values)).collect();
        }
    }
    if is_urgent {
        own.retain(|step| step.phase != Some(Phase::Confirm));
    }
    let room = MAX_STEPS.saturating_sub(common.len());
    let left_out = own.len().saturating_sub(room);
    // What contains comes first, and is the last to be left out.
    own = in_order(own);
    own.truncate(room);
    own.extend((left_out > 0).then(|| Shown {
        phase: Some(Phase::Eradicate),
        text: format!("Do the same for the other root actions listed below ({left_out} more steps)."),
        is_common: false,
    }));
    in_order(own.into_iter().chain(common).collect())
}

/// Of several changes by one identity, the worst first, one playbook: that of the first, and how to undo each of the others that was made.
pub(super) fn of_changes<'a>(
    steps: impl Iterator<Item = &'a Step>,
    first: &Values,
    others: impl Iterator<Item = Values>,
) -> Vec<Shown> {
    let mut steps = of_steps(steps, first);
    let Some(undo) = steps.iter().position(|step| Some(&step.text) == first.restore.as_ref()) else { return steps };
    let mut restored: Vec<String> = Vec::new();
    for text in others.filter_map(|values| values.restore) {
        if Some(&text) != first.restore.as_ref() && !restored.contains(&text) {
            restored.push(text);
        }
    }
    let more = restored.len().saturating_sub(MAX_RESTORED);
    restored.truncate(MAX_RESTORED);
    restored.extend((more > 0).then(|| {
        format!("Undo {} of this identity that no step above names.", counted(more, "more change", "more changes"))
    }));
    let phase = steps.get(undo).and_then(|step| step.phase);
    // An identity that goes on is stopped before the second change is undone.
    let after = steps.iter().rposition(|step| step.phase == phase).unwrap_or(undo) + 1;
    steps.splice(after..after, restored.into_iter().map(|text| Shown { phase, text, is_common: false }));
    steps
}

/// `steps` by phase.
pub(super) fn of_steps<'a>(steps: impl Iterator<Item = &'a Step>, values: &Values) -> Vec<Shown> {
    in_order(steps.filter_map(|step| shown(step, values)).collect())
}

fn shown(step: &Step, values: &Values) -> Option<Shown> {
    let is_common = COMPROMISED.contains(step);
    sessions(step, values).map(|text| Shown { phase: Some(step.phase), text: values.fill(text), is_common })
}

fn in_order(mut steps: Vec<Shown>) -> Vec<Shown> {
    steps.sort_by_key(|step| step.phase);
    steps
}

/// The text of a step; of the one that ends root's sessions the branch that applies here, `None` where none does.
fn sessions<'a>(step: &'a Step, values: &Values) -> Option<&'a str> {
    const MEMBER: &str = "End root's sessions: from the management account, attach an SCP that denies everything to \
                          arn:aws:iam::{account}:root.";
    match (step.text.starts_with("End root's sessions."), &values.membership) {
        (true, Membership::Member) => Some(MEMBER),
        (true, Membership::Alone) => None,
        _ => Some(step.text),
    }
}

/// How to fix what a control found: its steps, and its commands with the names that are known.
pub(super) fn of_control(control: &Control, update: &ConditionAlert) -> (Vec<Shown>, Vec<String>) {
    // Root may have no MFA yet: that may be the next finding.
    let text = |step: &str| without_paths(&step.replace("as root with MFA", "as root"));
    let commands: Vec<&str> = control.remediation.cli.to_vec();
    // Of one command a profile, only that of the profile in force.
    let of_profile = |command: &&str| {
        let profile =
            command.split_once("   # ").map(|(_, remark)| remark.split([';', ' ']).next().unwrap_or_default());
        profile.filter(|profile| ["strict", "cis", "nist"].contains(profile)).map(str::to_owned)
    };
    let is_in_force = |profile: &str| update.failure.found.split([' ', ':', ',']).any(|word| word == profile);
    let knows_profile = commands.iter().filter_map(of_profile).any(|profile| is_in_force(&profile));
    let applies = |command: &&str| !knows_profile || of_profile(command).is_none_or(|profile| is_in_force(&profile));
    let user = update.failure.resources.iter().find_map(|resource| (control.user_of)(resource)).and_then(word);
    let trail =
        update.failure.resources.iter().find(|resource| resource.starts_with("arn:") && resource.contains(":trail/"));
    let trail = trail.and_then(|trail| word(trail));
    let home = trail.as_deref().and_then(|trail| trail.split(':').nth(3)).filter(|region| !region.is_empty());
    let filled = |command: &str| {
        let command = user.iter().fold(command.to_owned(), |command, user| command.replace("<user>", user));
        let command = home.iter().fold(command, |command, home| command.replace("<its home Region>", home));
        trail.iter().fold(command, |command, trail| command.replace("<trail ARN>", trail))
    };
    let is_absent = update.failure.resources.iter().any(|resource| resource.starts_with("no trail "));
    let branches = Branches::of(&update.failure.found, trail.is_some(), is_absent);
    let steps = control.remediation.console.iter().filter(|step| branches.has_step(step));
    let commands = commands.into_iter().filter(applies).filter(|command| branches.has_command(command));
    (steps.map(|step| Shown::plain(text(step))).collect(), commands.map(filled).collect())
}

/// How to fix what a control found in several accounts of an organization: no finding's words choose among the steps.
pub(super) fn of_many(control: &Control) -> Vec<Shown> {
    /// What central root access deletes at once (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>).
    const CENTRAL: [&str; 4] = ["root-access-keys", "root-mfa", "root-signing-certificates", "root-hardware-mfa"];
    const DELETE: &str = "Delete root's credentials without signing in: in the management account or the delegated administrator for IAM, \
                          IAM > Root access management > the account > Take privileged action > Delete root user credentials. This deletes \
                          password, access keys, signing certificates and MFA devices, and stops every workload that uses the keys: if one \
                          is legitimate, move it to an IAM role first.";
    const ASK: &str = "Find out who created the key: look up CreateAccessKey in the account's CloudTrail event history (us-east-1), and ask \
                       its owners. If they do not confirm it at once, an attacker may be root: treat the account as compromised and take the \
                       next step now, even if a workload breaks.";
    // No member has a report of its own.
    let text = |step: &&str| {
        let step = step.replace("as root with MFA", "as root").replace(" (the report shows when it was last used)", "");
        without_paths(&step)
    };
    let mut steps: Vec<String> = control.remediation.console.iter().map(text).collect();
    if CENTRAL.contains(&control.id) {
        if let Some(sign_in) = steps.iter_mut().find(|step| step.starts_with("Sign in as root")) {
            *sign_in = format!("Or keep root's credentials: {}", sign_in.replacen('S', "s", 1));
        }
        steps.insert(0, DELETE.to_owned());
    }
    if control.id == "root-access-keys" {
        steps.insert(0, ASK.to_owned());
    }
    steps.into_iter().map(Shown::plain).collect()
}

/// Which of the steps that begin with `If` a finding calls for, by its own words. Where none fits, all are shown.
struct Branches {
    found: String,
    /// It names a trail.
    has_trail: bool,
    /// It says that a Region has none.
    is_absent: bool,
}

impl Branches {
    /// The beginning of a step, and the words of a finding that call for it.
    const ALL: [(&'static str, &'static [&'static str]); 7] = [
        ("If there is no trail", &["trail"]),
        ("If a trail does not qualify", &["trail"]),
        ("If an SCP denies", &["denied"]),
        ("If a canary", &["canary"]),
        ("If a rule", &["rule ", "schedule "]),
        ("If no subscription", &["subscription"]),
        ("If a function", &["function "]),
    ];

    fn of(found: &str, has_trail: bool, is_absent: bool) -> Self {
        Self { found: found.to_lowercase(), has_trail, is_absent }
    }

    fn calls_for(&self, (step, words): (&str, &[&str])) -> bool {
        let is_other = match step {
            "If there is no trail" => self.has_trail,
            "If a trail does not qualify" => self.is_absent && !self.has_trail,
            _ => false,
        };
        !is_other && words.iter().any(|word| self.found.contains(word))
    }

    fn fits(&self) -> bool {
        Self::ALL.iter().any(|branch| self.calls_for(*branch))
    }

    fn has_step(&self, step: &str) -> bool {
        let branch = Self::ALL.iter().find(|(begins, _)| step.starts_with(begins));
        !self.fits() || branch.is_none_or(|branch| self.calls_for(*branch))
    }

    /// A command about a rule belongs to the step about rules.
    fn has_command(&self, command: &str) -> bool {
        let has = |word: &str| self.found.contains(word);
        !self.fits() || !command.contains("<rule>") || has("rule ")
    }
}

/// Without the sentences that name a document of the project: in a message such a path leads nowhere.
fn without_paths(step: &str) -> String {
    let sentences = step.split_inclusive(". ").filter(|sentence| !sentence.contains(".md"));
    sentences.collect::<String>().trim_end().to_owned()
}

/// How to fix what no control describes.
pub(super) fn of_fault(fault: &Fault) -> Option<&'static str> {
    match fault {
        Fault::NoSubscriber => Some(
            "Confirm the subscription: open the link in the email that AWS sent, or subscribe an address to the topic AlertTopicArn.",
        ),
        Fault::OddItems => Some(
            "Find out who may write the table, and who did: roles and users with dynamodb:PutItem on it. Overwritten items are kept for 120 \
             days under a key that begins with Q#. Then delete the items that are not rootwatch's.",
        ),
        Fault::RefusedSettings => Some(
            "Correct the parameter and deploy again; `make check-config` shows each fault before that. Until then, checks run as if the \
             refused entry were not set.",
        ),
        Fault::OrganizationNotAudited => Some(
            "Run `make verify-organization` in the account of this stack: it names the missing step, with its command. Until then, no member \
             account is audited.",
        ),
        Fault::AccountsNotAudited => Some(
            "Fix the cause that the message names for each group of accounts. Until then, nothing is known of their root users.",
        ),
        Fault::Unjudged { .. } => Some(checklist::read_errors::UNJUDGED),
        Fault::Control { .. } | Fault::Unread { .. } => None,
    }
}
