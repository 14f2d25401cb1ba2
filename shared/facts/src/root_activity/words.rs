//! Each kind of root activity in words.

use super::{Effect, Kind, Mfa, RootActivity};
use crate::tampering::{Tampering, Target};

/// What people are told of a kind of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// What happened, for a subject line; a few words without a verb.
    pub headline: &'static str,
    /// Why it matters, one or two sentences.
    pub why: &'static str,
    /// What to do now, in order.
    pub steps: &'static [&'static str],
}

const NOT_YOURS: &str = "If nobody you trust did this, treat the account as taken over: reset root's password with \"Forgot \
                         password\", then take the next steps before anything else.";
const CHECK_CREDENTIALS: &str = "Sign in as root with MFA, open Security credentials, and remove every access key, signing \
                                 certificate and MFA device that is not yours.";
const READ_TRAIL: &str =
    "Read what else root did at that time: CloudTrail, Event history, user name root, in every Region.";
const CALL_SUPPORT: &str =
    "If you cannot get in any more, use https://support.aws.amazon.com/#/contacts/aws-account-support.";

impl Kind {
    /// The words for this kind.
    pub fn words(self) -> Words {
        let (headline, why, steps): (_, _, &'static [&'static str]) = match self {
            Self::SignInSucceeded => (
                "root sign-in",
                "Root can do everything in the account, and no policy limits it. Daily work needs no root.",
                &["Ask who it was and which task needed root.", NOT_YOURS, CHECK_CREDENTIALS, READ_TRAIL, CALL_SUPPORT],
            ),
            Self::SignInFailed => (
                "failed root sign-in",
                "Somebody knows the e-mail address of root and tried passwords. On its own it harms nothing.",
                &[
                    "If it was you, nothing. Otherwise make sure that root has MFA and a long password that is used nowhere else.",
                    "If it goes on, change root's e-mail address to one that is not public.",
                ],
            ),
            Self::CliSignIn => (
                "root sign-in to the command line",
                "`aws login` as root gives a terminal everything that root can do, without an access key.",
                &[
                    "Ask who it was and which task needed root.",
                    NOT_YOURS,
                    "The session ends by itself, after 12 hours at most; until then read what it does.",
                    READ_TRAIL,
                ],
            ),
            Self::RootAccessKeyCreated => (
                "new root access key",
                "Whoever holds this key owns the account from anywhere, without a password and without MFA, until it is deleted.",
                &[
                    "Delete it now: sign in as root, Security credentials, Access keys, Deactivate, Delete.",
                    NOT_YOURS,
                    CHECK_CREDENTIALS,
                    READ_TRAIL,
                ],
            ),
            Self::RootAccessKeyChanged => (
                "root access key switched on or off",
                "An inactive root key can be switched on again by whoever is root: only a deleted one is gone.",
                &["Delete the key: sign in as root, Security credentials, Access keys, Delete.", NOT_YOURS, READ_TRAIL],
            ),
            Self::RootAccessKeyDeleted => (
                "root access key deleted",
                "It is what the checklist asks for, if it was you.",
                &["If programs still used the key, give them an IAM role.", NOT_YOURS],
            ),
            Self::UserAccessKeyCreated => (
                "access key created for a user by root",
                "A key that root hands to a user is a way back in for somebody who was root once.",
                &["Ask who it was. If nobody knows, deactivate the key of that user now.", NOT_YOURS, READ_TRAIL],
            ),
            Self::UserAccessKeyChanged => (
                "access key of a user switched on or off by root",
                "A key that root switches on for a user is a way back in for somebody who was root once.",
                &["Ask who it was. If nobody knows, deactivate the key of that user now.", NOT_YOURS],
            ),
            Self::UserAccessKeyDeleted => (
                "access key of a user deleted by root",
                "Root is not needed for this; an administrator can do it.",
                &["Ask who it was and why as root.", NOT_YOURS],
            ),
            Self::RootSigningCertificateCreated => (
                "new root signing certificate",
                "Whoever holds its private key signs requests as root to services that still take certificates, without a password and without MFA.",
                &[
                    "Delete it now: sign in as root, Security credentials, X.509 Signing certificates, Deactivate, Delete.",
                    NOT_YOURS,
                    CHECK_CREDENTIALS,
                    READ_TRAIL,
                ],
            ),
            Self::MfaEnabled => (
                "MFA device registered for root",
                "A device that is not yours lets a stranger in and keeps you out.",
                &["Check that the device is yours and in a safe place.", NOT_YOURS, CHECK_CREDENTIALS, CALL_SUPPORT],
            ),
            Self::MfaDeactivated => (
                "MFA device of root deactivated",
                "If it was the last one, root is protected by a password alone: what somebody does who takes the account over.",
                &[
                    "Register an MFA device now: sign in as root, Security credentials, Assign MFA device.",
                    NOT_YOURS,
                    CHECK_CREDENTIALS,
                    CALL_SUPPORT,
                ],
            ),
            Self::PasswordChanged => (
                "root password changed",
                "Whoever knows the new password can sign in; whoever knows only the old one cannot.",
                &[
                    "Ask who it was, and that the new password is stored safely.",
                    NOT_YOURS,
                    CHECK_CREDENTIALS,
                    CALL_SUPPORT,
                ],
            ),
            Self::PasswordRecoveryRequested => (
                "password recovery of root requested",
                "A mail with a link that replaces root's password went to root's address. Whoever reads that mailbox can use it.",
                &[
                    "If it was not you, do not use the link, and make sure that nobody else reads that mailbox: password, MFA, forwarding rules.",
                    "Make sure that root has MFA.",
                ],
            ),
            Self::PasswordRecoveryCompleted => (
                "root password replaced by recovery",
                "Somebody who reads root's mailbox set a new root password.",
                &[
                    NOT_YOURS,
                    "Secure the mailbox first: password, MFA, forwarding rules. Otherwise they do it again.",
                    CHECK_CREDENTIALS,
                    CALL_SUPPORT,
                ],
            ),
            Self::EmailChanged => (
                "e-mail address of root changed",
                "Mail for root, and with it password recovery, now goes to another mailbox.",
                &[
                    "Check the address: sign in as root, Account, Account details.",
                    NOT_YOURS,
                    "AWS mails the old address too: look there for a way to undo it.",
                    CALL_SUPPORT,
                ],
            ),
            Self::ContactChanged => (
                "account contacts changed by root",
                "AWS warns and verifies you through these contacts. A stranger's contacts keep the warnings from you.",
                &["Check them: Account, Contact information and Alternate contacts.", NOT_YOURS, READ_TRAIL],
            ),
            Self::WatchTampered => (
                "what watches was changed",
                "CloudTrail, its keys and this stack are what tells you of root. Whoever switches them off acts unseen from then on.",
                &[
                    "Unless somebody you trust deployed rootwatch or changed the trail at that moment, undo it now: start the trail's logging, enable the rule or the schedule, deploy the stack again.",
                    "Ask who it was. If nobody answers for it, treat that identity as taken over.",
                    "Read what the same identity did before and after, in CloudTrail, in every Region.",
                    "Invoke the function Checker with {}: its control alert-path tells what is still broken.",
                ],
            ),
            Self::WriteCall => (
                "change made by root",
                "Daily work needs no root; each use of it is a chance to lose the account.",
                &["Ask who it was, and do it with a role next time.", NOT_YOURS, READ_TRAIL],
            ),
            Self::ReadOnlyCall => (
                "root looked around",
                "It changed nothing, but somebody was signed in as root.",
                &["Ask who it was.", READ_TRAIL],
            ),
            Self::CentralizedRootTask => (
                "central root access task",
                "The organization's administrators used a short root session (sts:AssumeRoot), which is limited to one task and 15 minutes.",
                &[
                    "Ask the organization's administrators if it was one of them; the management account's CloudTrail names the person in AssumeRoot.",
                ],
            ),
            Self::Service => (
                "AWS service on behalf of root",
                "A service acted in root's name; usually nobody was signed in.",
                &["Nothing."],
            ),
        };
        Words { headline, why, steps }
    }
}

impl Effect {
    /// The words for a call with this effect.
    pub fn words(self) -> Words {
        match self {
            Self::AccessGranted => Words {
                headline: "access granted by root",
                why: "What root grants stays when root's own session ends: by a user, a password, a policy, a role or a trust an intruder comes back.",
                steps: &[
                    "Ask who it was, and who needs this access.",
                    "If nobody knows, take it back now: delete the user, the credential, the role or the identity provider, detach the policy, undo the trust.",
                    NOT_YOURS,
                    READ_TRAIL,
                ],
            },
            Self::SessionIssued => Words {
                headline: "session issued by root",
                why: "Whoever holds this session acts with root's rights, without password, key or MFA. CloudTrail may name a federated user for it, not root.",
                steps: &[
                    "Ask who it was, and what the session is for.",
                    "Delete root's access keys: nothing else issues such sessions. This one ends by itself, after an hour at most.",
                    "Read what it did: CloudTrail, Event history, AWS access key, the key that this alert names, in every Region.",
                    NOT_YOURS,
                    CHECK_CREDENTIALS,
                ],
            },
        }
    }
}

/// An attempt that AWS refused needs no undoing.
const REFUSED: Words = Words {
    headline: "failed attempt",
    why: "AWS refused it, so nothing changed. But somebody who was signed in as root, or holds a root access key, tried.",
    steps: &["Ask who it was.", NOT_YOURS, CHECK_CREDENTIALS, READ_TRAIL],
};

/// Nor does one for which nobody needs to be root.
const REFUSED_TO_ANYBODY: Words = Words {
    headline: REFUSED.headline,
    why: "AWS refused it, so nothing changed. Whoever knows the e-mail address of root, or reads its mailbox, can try.",
    steps: &[
        "If it was not you, make sure that nobody else reads root's mailbox: password, MFA, forwarding rules.",
        "Make sure that root has MFA.",
    ],
};

impl RootActivity {
    /// The words for this act.
    pub fn words(&self) -> Words {
        match self.kind {
            Kind::SignInFailed => self.topic(),
            _ if self.error.is_none() => self.topic(),
            Kind::PasswordRecoveryRequested | Kind::PasswordRecoveryCompleted => REFUSED_TO_ANYBODY,
            _ => REFUSED,
        }
    }

    /// The words for such acts, whatever came of this one: the runbook's.
    pub fn topic(&self) -> Words {
        match (self.kind, self.effect) {
            (Kind::WriteCall, Some(effect)) => effect.words(),
            (kind, _) => kind.words(),
        }
    }

    /// What happened, in a few words: `root sign-in without MFA`, `failed attempt: new root access key`.
    pub fn headline(&self) -> String {
        match self.count() {
            1 => self.single_headline(),
            count => format!("{}, {count} times", self.single_headline()),
        }
    }

    fn single_headline(&self) -> String {
        let headline = self.topic().headline;
        match (self.kind, self.mfa) {
            (Kind::SignInFailed, _) => headline.to_owned(),
            (Kind::WriteCall | Kind::WatchTampered, _) if self.error.is_some() => {
                format!("{}: {}", REFUSED.headline, self.event_name)
            }
            _ if self.error.is_some() => format!("{}: {headline}", REFUSED.headline),
            (Kind::SignInSucceeded | Kind::CliSignIn, Mfa::NotUsed) => format!("{headline} without MFA"),
            (Kind::SignInSucceeded | Kind::CliSignIn, Mfa::NotRecorded) => format!("{headline}, MFA not recorded"),
            (Kind::WriteCall | Kind::WatchTampered, _) => format!("{headline}: {}", self.event_name),
            _ => headline.to_owned(),
        }
    }
}

impl Tampering {
    /// The words for it.
    pub fn words(&self) -> Words {
        Kind::WatchTampered.words()
    }

    /// What happened, in a few words: `a CloudTrail trail was changed: StopLogging`.
    pub fn headline(&self) -> String {
        let what = match self.target {
            Target::Trail => "a CloudTrail trail was changed",
            Target::Stack => "rootwatch itself was changed",
            Target::Key => "an encryption key was changed",
        };
        let attempt = if self.error.is_some() { "failed attempt: " } else { "" };
        format!("{attempt}{what}: {}", self.event_name)
    }
}

impl Mfa {
    /// As a person reads it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::NotUsed => "NOT used",
            Self::NotRecorded => "not recorded",
        }
    }
}
