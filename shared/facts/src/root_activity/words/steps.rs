//! One ordered playbook an incident: what to do first, and what comes after what.
//!
//! The phases, and what belongs in them, follow AWS's
//! [customer playbook framework](https://github.com/aws-samples/aws-customer-playbook-framework) (`docs/Compromised_IAM_Credentials.md`),
//! its [incident response playbooks](https://github.com/aws-samples/aws-incident-response-playbooks) (`playbooks/IRP-CredCompromise.md`)
//! and the [Security Incident Response Guide](https://docs.aws.amazon.com/whitepapers/latest/aws-security-incident-response-guide/):
//! deactivate before you delete, export before you delete, close every other way in before you call it over. The words are our own.

/// A phase of the response, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Was it one of us?
    Confirm,
    /// Stop it, in a way that can be undone.
    Contain,
    /// Get root back.
    RegainAccess,
    /// Export what is needed later, before anything is deleted.
    Preserve,
    /// Remove every other way in.
    Eradicate,
    /// Restore what was changed.
    Recover,
    /// Close the way that was used.
    Learn,
}

impl Phase {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Confirm => "Confirm",
            Self::Contain => "Contain",
            Self::RegainAccess => "Regain access",
            Self::Preserve => "Preserve evidence",
            Self::Eradicate => "Eradicate",
            Self::Recover => "Recover",
            Self::Learn => "Learn",
        }
    }
}

/// One step. `{key}`, `{user}`, `{thing}`, `{resource}`, `{call}`, `{from}`, `{account}`, `{region}`, `{start}`, `{since}`, `{session}`, `{restore}`,
/// `{identity}` and `{name}` stand for values that the alert fills in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its phase.
    pub phase: Phase,
    /// One to three sentences.
    pub text: &'static str,
}

const fn step(phase: Phase, text: &'static str) -> Step {
    Step { phase, text }
}

pub(super) const fn confirm(text: &'static str) -> Step {
    step(Phase::Confirm, text)
}

pub(super) const fn contain(text: &'static str) -> Step {
    step(Phase::Contain, text)
}

pub(super) const fn regain(text: &'static str) -> Step {
    step(Phase::RegainAccess, text)
}

pub(super) const fn preserve(text: &'static str) -> Step {
    step(Phase::Preserve, text)
}

pub(super) const fn eradicate(text: &'static str) -> Step {
    step(Phase::Eradicate, text)
}

pub(super) const fn recover(text: &'static str) -> Step {
    step(Phase::Recover, text)
}

pub(super) const fn learn(text: &'static str) -> Step {
    step(Phase::Learn, text)
}

/// What follows the own steps of an incident in which someone else may be root.
pub const COMPROMISED: &[Step] = &[
    contain(
        "End root's sessions. In a member account, attach an SCP that denies everything to arn:aws:iam::{account}:root, from the \
         management account. In any other account no call ends a root session: go on at once.",
    ),
    regain(
        "Secure root's mailbox before you reset anything: change its password, require MFA, and remove forwarding rules and sessions \
         you do not know. AWS sends the reset link there.",
    ),
    regain(
        "Reset the root password by \"Forgot password\" on the sign-in page, and sign in as root. If you are locked out, use \
         https://support.aws.amazon.com/#/contacts/aws-account-support.",
    ),
    preserve(
        "Export root's events before you delete anything: `aws cloudtrail lookup-events --lookup-attributes \
         AttributeKey=Username,AttributeValue=root --start-time {start} --region {region} > root-{region}.json`. Repeat it for every \
         Region in use.",
    ),
    preserve(
        "Open a case with AWS Support (Account and billing > Account > Security) with the event IDs, the times and what you have done so \
         far.",
    ),
    eradicate(
        "As root, in Security credentials, delete every access key, signing certificate and MFA device that is not yours. Then register \
         an MFA device of your own.",
    ),
    eradicate(
        "Remove what was added since {since}: IAM users, access keys, console passwords, roles, trust policies, policies, identity \
         providers. Deleting a key does not end the sessions that it issued. Sessions of root by GetFederationToken or GetSessionToken \
         expire within one hour: check again after that hour.",
    ),
    eradicate(
        "Check for changes that IAM does not show: support cases, alternate and billing contacts, payment methods, and resources in \
         every Region.",
    ),
    recover(
        "Rotate every secret that root could read, and restore what was changed. Then invoke the function Checker with `{}`: the findings \
         must resolve.",
    ),
    learn(
        "Write down the timeline and the way in, and close it: a passkey or security key for root, no root access keys, an SCP that denies \
         root in member accounts.",
    ),
];

pub(super) const DEACTIVATE_ROOT_KEY: Step = contain(
    "Deactivate root access key {key}, and do not delete it yet: sign in as root, Security credentials > Access keys > Actions > \
     Deactivate. Or, with root's own credentials: `aws iam update-access-key --access-key-id {key} --status Inactive`.",
);
pub(super) const EXPORT_ROOT_KEY: Step = preserve(
    "Export the key's events, in every Region in use: `aws cloudtrail lookup-events --lookup-attributes \
     AttributeKey=AccessKeyId,AttributeValue={key} --region {region} > {key}-{region}.json`.",
);
pub(super) const DELETE_ROOT_KEY: Step = eradicate(
    "Delete root access key {key}: Security credentials > Access keys > Actions > Delete. Or, with root's own credentials: `aws iam \
     delete-access-key --access-key-id {key}`.",
);
pub(super) const DEACTIVATE_USER_KEY: Step = contain(
    "Deactivate access key {key} of user {user}, and do not delete it yet: IAM > Users > {user} > Security credentials. Or: `aws iam \
     update-access-key --user-name {user} --access-key-id {key} --status Inactive`.",
);
pub(super) const DELETE_USER_KEY: Step = eradicate(
    "Delete access key {key} of user {user}: `aws iam delete-access-key --user-name {user} --access-key-id {key}`. Delete the user too if \
     it is not yours.",
);
pub(super) const ASK: Step = confirm(
    "Ask everyone who can sign in as root whether they made this call ({call}), and for which task. If one of them did, stop here and use \
     a role next time.",
);
pub(super) const SECURE_MAILBOX: Step = contain(
    "Do not open the reset link. Secure root's mailbox: change its password, require MFA, and remove forwarding rules and sessions you do \
     not know.",
);
pub(super) const CHECK_MFA: Step = recover(
    "Check that root has MFA and a password that is used nowhere else. With MFA, a stolen password or mailbox alone does not open the \
     account.",
);
pub(super) const RESTORE: Step = contain("{restore}");

/// What an identity other than root did to the monitoring.
pub const TAMPERED: &[Step] = &[
    RESTORE,
    contain("{identity}"),
    preserve(
        "Export what this identity did before you delete anything: `aws cloudtrail lookup-events --lookup-attributes \
         AttributeKey=Username,AttributeValue={name} --start-time {start} --region {region} > tampering-{region}.json`. Repeat it for \
         every Region in use.",
    ),
    eradicate(
        "Remove the credentials of this identity that are not yours, and everything it added since {since}: keys, users, roles, trust \
         policies, policies.",
    ),
    recover("Invoke the function Checker with `{}`. Its control alert-path names what is still broken; it must pass."),
    learn("Deny changes to CloudTrail and to this stack to everyone but the deployment role, by an SCP where you can."),
];
