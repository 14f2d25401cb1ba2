//! The words of every alert as a page: `docs/runbook.md`.

use std::fmt::Write;

use crate::root_activity::Kind;

const OPENING: &str = "\
# Runbook

<!-- Generated from shared/checklist/src by `make bless`. -->

What each alert means and what to do. The mail says the same; this page is for reading it before the night it matters.
What to do about a failed control stands in [CONTROLS.md](../shared/checklist/CONTROLS.md).

**First, whatever it is:** open the event that the mail links, look at *from* and *with*, and ask everybody who can be root. If
nobody knows of it, go on as if the account had been taken over.
";

const OTHERS: &str = "\
## UNKNOWN: … could not be checked

A control's source could not be read. That is no all-clear: what is missing may hide something. The mail names the source, the
call and the error code, and what to do about each kind of failure. The next check tries again by itself.

## INCOMPLETE: something could not be read

Every control could be judged, but not by everything: for example IAM refused to renew the credential report and an older one was
used, or the account's alias could not be read.

## Alarm: the function failed (ErrorAlarm)

It could not tell you something, or its settings are wrong. The last lines of its log name the fault. `PublishRefused`: the topic,
its encryption key or the role is broken; mend it, then invoke the function with `{}`. `PublishFailed`: SNS could not be reached;
Lambda tries twice more by itself. `InvalidSettings`: every fault is listed; deploy the stack with right parameters. `InvalidEvent`
and `UnknownAccount`: somebody invoked it with an event that it does not accept.

## Alarm: the function was not started (SilenceAlarm)

For three schedules nothing started it: the schedule was disabled or deleted, the function was deleted or throttled to nothing.
If nobody on your side did it, somebody switched the watch off: look in CloudTrail for DisableRule, DeleteSchedule, UpdateSchedule,
DeleteFunction and PutFunctionConcurrency, and read *new root access key* above. Directly after a first deployment the alarm may
ring once and take itself back within a schedule.

## Alarm: a check failed for good (DeadLetterAlarm)

An event was given up after all retries and lies in the stack's queue for 14 days. Mend what the log names, invoke the function
with `{}`, then purge the queue.
";

/// A section a kind of alert.
pub fn runbook() -> String {
    let mut page = String::from(OPENING);
    for kind in Kind::ALL {
        let words = kind.words();
        let _ = write!(page, "\n## {}\n\n{}\n\n", words.headline, words.why);
        for (number, step) in (1..).zip(words.steps) {
            let _ = writeln!(page, "{number}. {step}");
        }
    }
    page + "\n" + OTHERS
}
