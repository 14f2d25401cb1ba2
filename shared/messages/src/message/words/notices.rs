//! What people must know that is neither root activity, nor tampering, nor a finding.

use alerts::What;
use facts::root_activity::{COMPROMISED, Phase, Step};
use jiff::Timestamp;

use super::suppressed;
use crate::message::playbook::{Shown, Values};
use crate::message::times::{age, moment, stamp};

/// A kind of notice in words: the runbook's.
pub(in crate::message) struct Words {
    pub(in crate::message) heading: &'static str,
    pub(in crate::message) why: &'static str,
    pub(in crate::message) steps: &'static [Step],
    pub(in crate::message) is_compromise: bool,
}

/// One notice.
pub(in crate::message) struct Notice {
    pub(in crate::message) title: String,
    pub(in crate::message) found: String,
    pub(in crate::message) steps: Vec<Shown>,
}

const fn step(phase: Phase, text: &'static str) -> Step {
    Step { phase, text }
}

const BACK: Words = Words {
    heading: "root has credentials again",
    why: "Root had no password, no access key and no signing certificate when that was last seen, and has one now. The person who restored \
          it can be root.",
    steps: &[
        step(
            Phase::Confirm,
            "Ask the organization's administrators and the owners of root's mailbox who restored it. CloudTrail shows it: \
             CreateLoginProfile and AssumeRoot in the management account, password recovery in this account. If one of them did, delete \
             the credential once the task is done, and stop here.",
        ),
        step(
            Phase::Eradicate,
            "Delete root's credentials again from the management account: IAM > Root access management > the account > Delete root user \
             credentials.",
        ),
    ],
    is_compromise: true,
};

const PLANNED: Words = Words {
    heading: "planned use of root",
    why: "A person who may invoke the function announced that root will be used, for 8 hours at most. Root activity in that time still \
          alerts, one severity lower and with the ticket.",
    steps: &[
        step(
            Phase::Confirm,
            "Check with the person it names that they announced it, and that the ticket exists. The name is what the caller wrote.",
        ),
        step(
            Phase::Contain,
            "If they did not, find out who may invoke the function, take that right away, and treat the next root activity as an attack.",
        ),
    ],
    is_compromise: false,
};

const CAUGHT_UP: Words = Words {
    heading: "no check ran for some time",
    why: "No check ran for more than 3 hours. Root events of that time are scanned now, as far back as CloudTrail keeps them (90 days); that \
          can take several checks. A finding that opened and was fixed in that time leaves no trace.",
    steps: &[step(
        Phase::Confirm,
        "Find out what stopped the checks: a disabled schedule, a deleted or throttled function, lost permissions. If it was none of you, \
         look in CloudTrail for DisableRule, DeleteSchedule, UpdateSchedule, DeleteFunction and PutFunctionConcurrency.",
    )],
    is_compromise: false,
};

const ENDED: Words = Words {
    heading: "exception ended, attestation lapsed",
    why: "What an exception suppressed alerts again once it has ended. An attestation counts for 90 days; a control that needs it fails \
          after that.",
    steps: &[step(
        Phase::Recover,
        "Exception: fix the finding, or renew the exception with a new reason in the parameter Exceptions. Attestation: check the fact again \
         and renew it in the parameter Attestations. Or remove the entry.",
    )],
    is_compromise: false,
};

const UNREADABLE: Words = Words {
    heading: "alert of another version",
    why: "Another version of rootwatch stored this alert, and the function was changed before it was sent. This version cannot read it.",
    steps: &[step(
        Phase::Confirm,
        "Read the function's log of that time: it has the findings and the worst root activity. Then invoke the function Checker with `{}`.",
    )],
    is_compromise: false,
};

/// In the order of the runbook, with the severity.
pub(in crate::message) const ALL: [(&Words, &str); 5] =
    [(&BACK, "CRITICAL"), (&PLANNED, "MEDIUM"), (&CAUGHT_UP, "HIGH"), (&ENDED, "MEDIUM, LOW"), (&UNREADABLE, "HIGH")];

/// The words of this kind; `None`: it is no notice.
pub(in crate::message) fn words(what: &What) -> Option<&'static Words> {
    Some(match what {
        What::RootCredentialsBack { .. } => &BACK,
        What::PlannedRootUse(_) => &PLANNED,
        What::CaughtUp { .. } => &CAUGHT_UP,
        What::ExceptionEnded(_) | What::AttestationLapsed(_) => &ENDED,
        What::Unreadable { .. } => &UNREADABLE,
        What::Digest(_) | What::Condition(_) | What::RootActivity(_) | What::Tampering(_) => return None,
    })
}

/// The words of a notice in many accounts, which [`members::Group::about`] names; `None`: it is no notice.
pub(in crate::message) fn words_of(about: &str) -> Option<&'static Words> {
    Some(match about.split('/').next().unwrap_or_default() {
        "root-credentials-back" => &BACK,
        "planned-root-use" => &PLANNED,
        "caught-up" => &CAUGHT_UP,
        "exception-ended" | "attestation-lapsed" => &ENDED,
        "unreadable" => &UNREADABLE,
        _ => return None,
    })
}

/// What it is, a few words for a subject.
pub(in crate::message) fn title(what: &What) -> Option<String> {
    Some(match what {
        What::RootCredentialsBack { .. } => BACK.heading.into(),
        What::PlannedRootUse(_) => "planned use of root announced".into(),
        What::CaughtUp { since, until } => format!("no check ran for {}", age(until.duration_since(*since))),
        What::ExceptionEnded(exception) => format!("exception for {} has ended", exception.control),
        What::AttestationLapsed(attestation) => format!("attestation {} has lapsed", attestation.statement.id()),
        What::Unreadable { .. } => "an alert of another version cannot be read".into(),
        What::Digest(_) | What::Condition(_) | What::RootActivity(_) | What::Tampering(_) => return None,
    })
}

/// All of it; `None`: it is no notice.
pub(in crate::message) fn notice(what: &What, values: &Values, now: Timestamp) -> Option<Notice> {
    let found = match what {
        What::RootCredentialsBack { credentials } => format!("Root has: {}. {}", credentials.join(", "), BACK.why),
        What::PlannedRootUse(plan) => format!(
            "{} announced that root will be used from {} to {} ({}). Root activity in that time still alerts, one severity lower.",
            plan.by,
            moment(plan.from),
            moment(plan.to),
            plan.ticket
        ),
        What::CaughtUp { since, until } => format!(
            "No check ran from {} to {} ({}). Root events of that time are scanned now, as far back as CloudTrail keeps them (90 days).",
            moment(*since),
            moment(*until),
            age(until.duration_since(*since))
        ),
        What::ExceptionEnded(exception) => {
            format!("The exception for {} has ended. {}", exception.control, suppressed(exception, now))
        }
        What::AttestationLapsed(attestation) => format!(
            "The attestation {} ({}) by {} is of {}. It counts for 90 days.",
            attestation.statement.id(),
            attestation.statement.words(),
            attestation.by,
            stamp(attestation.on, now)
        ),
        What::Unreadable { text } => format!("{} It begins: {text}", UNREADABLE.why),
        What::Digest(_) | What::Condition(_) | What::RootActivity(_) | What::Tampering(_) => return None,
    };
    let words = words(what)?;
    let common = if words.is_compromise { COMPROMISED } else { &[] };
    let steps = crate::message::playbook::of_steps(words.steps.iter().chain(common), values);
    Some(Notice { title: title(what)?, found, steps })
}
