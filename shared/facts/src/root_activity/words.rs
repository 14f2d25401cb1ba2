//! Each kind of root activity in words.

use super::{Effect, Kind, Mfa, RootActivity};
use crate::tampering::{Tampering, Target};

mod steps;

use steps::{
    ASK, CHECK_MFA, DEACTIVATE_ROOT_KEY, DEACTIVATE_USER_KEY, DELETE_ROOT_KEY, DELETE_USER_KEY, EXPORT_ROOT_KEY,
    RESTORE, SECURE_MAILBOX, confirm, contain, eradicate, learn, preserve, recover, regain,
};
pub use steps::{COMPROMISED, Phase, Step, TAMPERED};

/// A kind of activity in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// What happened, for a subject line; a few words without a verb.
    pub headline: &'static str,
    /// Why it matters, one or two sentences.
    pub why: &'static str,
    /// What is to be done of this kind alone, in order.
    pub steps: &'static [Step],
    /// Whoever did it may be root: [`COMPROMISED`] belongs to the playbook.
    pub is_compromise: bool,
}

impl Words {
    /// The whole playbook, by phase.
    pub fn playbook(&self) -> Vec<Step> {
        let common = if self.is_compromise { COMPROMISED } else { &[] };
        let mut steps: Vec<Step> = self.steps.iter().chain(common).copied().collect();
        steps.sort_by_key(|step| step.phase);
        steps
    }
}

impl Kind {
    /// The words for this kind.
    pub fn words(self) -> Words {
        let (headline, why, steps): (_, _, &'static [Step]) = match self {
            Self::SignInSucceeded => (
                "root sign-in",
                "Root can do everything in the account, and no policy in it limits root. Daily work needs no root.",
                const {
                    &[confirm(
                        "Ask everyone who can sign in as root whether they signed in from {from}, and for which task. If one of them did, stop \
                     here and announce it next time.",
                    )]
                },
            ),
            Self::SignInFailed => (
                "failed root sign-in",
                "An unknown person knows root's email address and tried passwords. On its own it harms nothing.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they mistyped the password. If one of them did, stop here.",
                        ),
                        CHECK_MFA,
                        learn("If it goes on, change root's email address to one that is not public."),
                    ]
                },
            ),
            Self::CliSignIn => (
                "root sign-in to the command line",
                "`aws login` as root gives a terminal everything that root can do, without an access key. The session can last 12 hours.",
                const {
                    &[confirm(
                        "Ask everyone who can sign in as root whether they ran `aws login` from {from}, and for which task. If one of them \
                     did, run `aws logout` there and stop here.",
                    )]
                },
            ),
            Self::RootAccessKeyCreated => (
                "new root access key",
                "Anyone with this key owns the account from anywhere, without a password and without MFA, until it is deactivated.",
                const { &[DEACTIVATE_ROOT_KEY, EXPORT_ROOT_KEY, DELETE_ROOT_KEY] },
            ),
            Self::RootAccessKeyChanged => (
                "root access key switched on or off",
                "An active root key opens the whole account. An inactive one can be activated again; only a deleted one is gone.",
                const { &[DEACTIVATE_ROOT_KEY, EXPORT_ROOT_KEY, DELETE_ROOT_KEY] },
            ),
            Self::RootAccessKeyDeleted => (
                "root access key deleted",
                "Expected if you did it: root should have no access keys. An attacker deletes a key to lock a program out.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they deleted {key}. If one of them did, stop here.",
                        ),
                        recover("Give the programs that used {key} an IAM role. A deleted key cannot be restored."),
                    ]
                },
            ),
            Self::UserAccessKeyCreated => (
                "access key created for a user by root",
                "The key stays when root's session ends: it is a way back in.",
                const { &[DEACTIVATE_USER_KEY, DELETE_USER_KEY] },
            ),
            Self::UserAccessKeyChanged => (
                "access key of a user switched on or off by root",
                "A key that root activates for a user is a way back in.",
                const { &[DEACTIVATE_USER_KEY, DELETE_USER_KEY] },
            ),
            Self::UserAccessKeyDeleted => (
                "access key of a user deleted by root",
                "An administrator can do this; root is not needed for it. An attacker deletes a key to lock you out.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they deleted {key} of user {user}. If one of them did, stop here.",
                        ),
                        recover("Give user {user} a role, or a new key, if the deleted one is still needed."),
                    ]
                },
            ),
            Self::RootSigningCertificateCreated => (
                "new root signing certificate",
                "Its private key signs requests as root to services that still take certificates, without a password and without MFA.",
                const {
                    &[
                        contain(
                            "Deactivate signing certificate {thing}, and do not delete it yet: sign in as root, Security credentials > X.509 \
                         signing certificates > Actions > Deactivate. Or, with root's own credentials: `aws iam \
                         update-signing-certificate --certificate-id {thing} --status Inactive`.",
                        ),
                        eradicate(
                            "Delete signing certificate {thing}: Security credentials > X.509 signing certificates > Actions > Delete.",
                        ),
                    ]
                },
            ),
            Self::MfaEnabled => (
                "MFA device registered for root",
                "A device that is not yours lets an attacker in and keeps you out.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether {thing} is your device, and where it is kept. If it is yours, \
                         stop here.",
                        ),
                        eradicate(
                            "Remove MFA device {thing}: Security credentials > Multi-factor authentication (MFA) > Remove.",
                        ),
                    ]
                },
            ),
            Self::MfaDeactivated => (
                "MFA device of root deactivated",
                "If it was the last one, a password alone protects root. Attackers do this when they take an account over.",
                const {
                    &[contain(
                        "Register an MFA device for root now: sign in as root, Security credentials > Multi-factor authentication (MFA) > \
                     Assign MFA device. Do it even if one of you deactivated {thing}.",
                    )]
                },
            ),
            Self::PasswordChanged => (
                "root password changed",
                "The new password opens the account; the old one no longer does.",
                const {
                    &[confirm(
                        "Ask everyone who can sign in as root whether they changed the password, and where it is stored. If one of them did, \
                     stop here.",
                    )]
                },
            ),
            Self::PasswordRecoveryRequested => (
                "password recovery of root requested",
                "AWS sent a link that replaces root's password to root's mailbox. Anyone who reads that mailbox can use it.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they requested the reset. If one of them did, stop here.",
                        ),
                        SECURE_MAILBOX,
                        CHECK_MFA,
                    ]
                },
            ),
            Self::PasswordRecoveryCompleted => (
                "root password replaced by recovery",
                "A person with access to root's mailbox set a new root password.",
                const {
                    &[confirm(
                        "Ask everyone who reads root's mailbox whether they replaced the password. If one of them did, stop here.",
                    )]
                },
            ),
            Self::EmailChanged => (
                "email address of root changed",
                "AWS now sends email for root, and with it password recovery, to another mailbox.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they changed the address. If one of them did, stop here.",
                        ),
                        regain(
                            "Open the notice that AWS sent to the old address and follow its way back. Then check the address as root: \
                         Account > Account details.",
                        ),
                    ]
                },
            ),
            Self::ContactChanged => (
                "account contacts changed by root",
                "AWS warns you and verifies you through these contacts. With an attacker's contacts, the warnings go to the attacker.",
                const {
                    &[
                        confirm(
                            "Ask everyone who can sign in as root whether they changed the contacts ({resource}). If one of them did, stop here.",
                        ),
                        recover(
                            "Restore the contacts: Account > Contact information, and Account > Alternate contacts.",
                        ),
                    ]
                },
            ),
            Self::WatchTampered => (
                "monitoring tampering",
                "CloudTrail, its keys and this stack carry the alerts about root. Once they are off, an attacker works unseen.",
                const { &[RESTORE] },
            ),
            Self::WriteCall => (
                "change made by root",
                "Daily work needs no root. Each use of it is a chance to lose the account.",
                const { &[ASK, recover("If you did not want {call}, restore what it changed: {resource}.")] },
            ),
            Self::ReadOnlyCall => (
                "read-only root activity",
                "Nothing was changed, but a person or a program acted as root.",
                const {
                    &[confirm(
                        "Ask everyone who can sign in as root whether they did this, and for which task. If one of them did, stop here and use \
                     a read-only role next time.",
                    )]
                },
            ),
            Self::CentralizedRootTask => (
                "privileged task on a member account",
                "The organization's administrators used a short root session (sts:AssumeRoot). It is limited to one task and 15 minutes.",
                const {
                    &[
                        confirm(
                            "Ask the organization's administrators. In the management account, the CloudTrail event AssumeRoot names the \
                         person. If it was one of them, stop here.",
                        ),
                        contain(
                            "In the management account, contain the identity that called AssumeRoot: deactivate its access keys and revoke its \
                         sessions (IAM > Roles > the role > Revoke sessions).",
                        ),
                        preserve(
                            "In the management account, export what this identity did: `aws cloudtrail lookup-events --lookup-attributes \
                         AttributeKey=EventName,AttributeValue=AssumeRoot --start-time {start} --region {region} > assume-root.json`.",
                        ),
                        eradicate(
                            "Remove what this identity added in the management account and in every member account.",
                        ),
                        recover(
                            "Undo the task in this account ({call}), and turn central root access off until the identity is clean.",
                        ),
                        learn("Limit who may call sts:AssumeRoot, and for which accounts."),
                    ]
                },
            ),
            Self::Service => (
                "AWS service on behalf of root",
                "An AWS service acted in root's name. Usually no person was signed in.",
                const { &[confirm("No action is needed.")] },
            ),
        };
        let is_compromise = !matches!(
            self,
            Self::SignInFailed | Self::PasswordRecoveryRequested | Self::CentralizedRootTask | Self::Service
        );
        Words { headline, why, steps, is_compromise }
    }
}

impl Effect {
    /// The words for a call with this effect.
    pub fn words(self) -> Words {
        let (headline, why, steps): (_, _, &'static [Step]) = match self {
            Self::AccessGranted => (
                "access granted by root",
                "What root grants stays when root's session ends. An attacker comes back by a user, a password, a policy, a role or a trust.",
                const {
                    &[
                        contain(
                            "Take the access back in a way you can undo: {resource}. A user: deactivate its keys, and attach arn:aws:iam::aws:policy/AWSDenyAll. A role: attach AWSDenyAll and revoke its sessions. A policy: detach it.",
                        ),
                        eradicate(
                            "Delete what was granted ({call}: {resource}): the user, the credential, the role, the identity provider or the \
                         policy that is not yours.",
                        ),
                    ]
                },
            ),
            Self::SessionIssued => (
                "session issued by root",
                "This session has root's rights without password, key or MFA. CloudTrail may name a federated user for it, not root.",
                const {
                    &[
                        contain(
                            "Deactivate root's access keys: only they issue such sessions. Sign in as root, Security credentials > Access keys \
                         > Actions > Deactivate. The session ends by itself within an hour.",
                        ),
                        preserve(
                            "Export what the session did: `aws cloudtrail lookup-events --lookup-attributes \
                         AttributeKey=AccessKeyId,AttributeValue={session} --region {region} > {session}.json`.",
                        ),
                    ]
                },
            ),
        };
        Words { headline, why, steps, is_compromise: true }
    }
}

/// An attempt that AWS refused needs no undoing.
const REFUSED: Words = Words {
    headline: "failed attempt",
    why: "AWS refused it, so nothing changed. But a person who was signed in as root, or has a root access key, tried it.",
    steps: &[ASK],
    is_compromise: true,
};

/// Nor does one for which nobody needs to be root.
const REFUSED_TO_ANYBODY: Words = Words {
    headline: REFUSED.headline,
    why: "AWS refused it, so nothing changed. Anyone who knows root's email address, or reads its mailbox, can try this.",
    steps: &[
        confirm(
            "Ask everyone who can sign in as root whether they tried to reset the password. If one of them did, stop here.",
        ),
        SECURE_MAILBOX,
        CHECK_MFA,
    ],
    is_compromise: false,
};

/// Somebody other than root did it.
const TAMPERED_BY_OTHERS: Words = Words {
    headline: "monitoring tampering",
    why: "CloudTrail, its keys and this stack carry the alerts about root. Once they are off, an attacker works unseen.",
    steps: TAMPERED,
    is_compromise: false,
};

impl RootActivity {
    /// The words for this activity.
    pub fn words(&self) -> Words {
        match self.kind {
            Kind::SignInFailed => self.topic(),
            _ if self.error.is_none() => self.topic(),
            Kind::PasswordRecoveryRequested | Kind::PasswordRecoveryCompleted => REFUSED_TO_ANYBODY,
            _ => REFUSED,
        }
    }

    /// The words for such activity, whether or not AWS refused this one: the runbook's.
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
        TAMPERED_BY_OTHERS
    }

    /// What happened, in a few words: `CloudTrail trail changed: StopLogging`.
    pub fn headline(&self) -> String {
        let what = match self.target {
            Target::Trail => "CloudTrail trail changed",
            Target::Stack => "rootwatch stack changed",
            Target::Key => "encryption key changed",
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
