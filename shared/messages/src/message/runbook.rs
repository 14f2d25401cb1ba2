//! The words of every alert as a page: `docs/runbook.md`.

use std::fmt::Write;

use alerts::{Fault, Transition, What};
use facts::root_activity::{Effect, Kind};

const OPENING: &str = "\
# Runbook

<!-- Generated from shared/messages/src by `make bless`. -->

What each alert means and what to do. The mail says the same; this page is for reading it before the night it matters.
What to do about a failed control stands in [CONTROLS.md](../shared/checklist/CONTROLS.md).

**First, whatever it is:** open the event that the mail links, look at *from* and *with*, and ask everybody who can be root. If
nobody knows of it, go on as if the account had been taken over.
";

const OTHERS: &str = "\
## root has credentials again

Root had no password, no access key and no signing certificate when that was last seen, and has one now. It is critical whatever MFA
says: whoever brought them back can be root.

1. Find out who it was: CreateLoginProfile and AssumeRoot in CloudTrail of the management account, password recovery in this one.
2. If nobody answers for it, delete them, and go on as if the account had been taken over.

## planned use of root

Somebody who may invoke the function announced that root will be used, for 8 hours at most. What root does in that time is told all the
same, one less severe and with the ticket.

1. Make sure that the one it names made the announcement, and that the ticket exists. The name is what the caller wrote.
2. If nobody you trust announced it, somebody prepares something: find out who may invoke the function, and watch root's acts.

## NEW and changed: … (a control fails)

What to do stands in the mail and in [CONTROLS.md](../shared/checklist/CONTROLS.md). *Worse than was told* means that something was
added: look at that first. *Came and went* at least three times within 24 hours: somebody, or some program, undoes what another does.

## still open: … (a reminder)

It was told before and is not mended. Critical conditions are told again every 4 hours, others every 24, as the stack's parameters say.
*Could not be checked since* means that nobody can see any more whether it is still so: mend what could not be read first.

1. Mend it, or find out who said they would.
2. If it shall stay so for a while, write an exception with an owner and an end into the parameter `Exceptions`.

## RESOLVED: …

It passes by newer evidence. Nothing to do, if somebody on your side mended it; otherwise ask who did, and why. What could not be seen
resolves nothing.

## SUPPRESSED: … and NO LONGER CHECKED: …

Suppressed: it still fails, and an exception now answers for it. If nobody you trust changed the stack's parameters, look for
ExecuteChangeSet, UpdateStack and UpdateFunctionConfiguration in CloudTrail. No longer checked: a Region is swept no more, or this
version has no such control. Make sure that somebody meant it.

## UNKNOWN: … could not be checked, could not be read

A source could not be read; of several the subject tells how many. That is no all-clear: what is missing may hide something. The mail
names the source, the call and the error code, and what to do about each kind of failure. The next check tries again by itself; what may
pass by itself is told only when three checks in a row met it.

## READ ERRORS

Not everything could be read: for example IAM refused to renew the credential report and an older one was used, or the account's alias
could not be read. Controls that need it are UNKNOWN, and the message says INCOMPLETE. Errors of one cause are one line, with how to make it
readable. What lasts becomes an alert of its own.

## nobody has confirmed a subscription

Nobody hears rootwatch. Everything is kept, and told to the first subscriber who confirms; until then no check is complete, and the alarm
for missing checks is on.

1. Confirm the subscription in the mail that AWS sent, or subscribe somebody to the topic in the stack's outputs. The link in that
   mail holds for two days; subscribe again after that.
2. If there was a subscriber: find out who removed it (Unsubscribe, DeleteTopic in CloudTrail). A mail has a link that unsubscribes;
   whoever it is forwarded to can use it.
3. If Slack or Amazon Q is set up: nothing arrives there. The finding `alert-path` names the function and the answer; see the alarm
   SlackErrorAlarm below. Each check sends a test message, and everything that is kept follows when it arrives.

## the state table holds items that rootwatch did not write

An item of the DynamoDB table cannot be read, or holds what no check writes: a time to come, a planned use of root of more than 8 hours, a
condition under another name. It counts for nothing, so that it hides nothing: its condition opens again, its Region is looked through
again. Either somebody wrote to the table, or an older version of rootwatch reads what a newer one wrote.

1. Find out who may write the table and is not rootwatch: `dynamodb:PutItem`, `UpdateItem` and `BatchWriteItem` on it. Calls on items are
   in CloudTrail only where data events of the table are recorded.
2. Look at the items: partition `A#` and the account's number. What a check has overwritten is kept for 120 days in the partition `Q#`, with the
   day at the end of its key.
3. Delete what is not rootwatch's: it does not delete what it does not know. If the whole table is in doubt, delete its items: everything
   is then reported once more.

## settings are refused and ignored

A parameter, or an entry of `Exceptions` or `Attestations`, cannot be read: it is misspelt, names a control that this version has not, or
is cut off. It is ignored, and the watch goes on without it: an exception that is refused silences nothing, a Region list that is refused
means every Region. Nothing else is affected; checks are complete, and the heartbeat is sent.

1. The mail names the parameter, the number of the entry, the fault and what is in force instead.
2. Try the corrected value: `make check-config PARAMETERS=\"…\"`. It needs no AWS credentials. Then deploy with it.
3. If nobody on your side changed a parameter, look in CloudTrail for UpdateFunctionConfiguration and UpdateStack.

## TOLD LATE

Some of it was seen earlier than it could be told: SNS refused, the function was ended, or nobody had confirmed a subscription. Act on it
as if it came now, but take the times from the lines, not from the mail.

1. Read the function's log from the time it names. If SNS refused, ErrorAlarm rang too.

## STATE STORE UNAVAILABLE

The table could not be read or written. What is seen is told without memory, so it may repeat what you know, and nothing is
reminded of or resolved. Announced uses of root are not known either.

1. Read the error in the function's log. Denied: compare the role's policy `remember` with the template. Not found: somebody deleted the
   table; deploy the stack anew, or restore it. Throttled or unreachable: it passes.
2. If nobody on your side did it, look in CloudTrail for DeleteTable, UpdateTable, PutRolePolicy and DeleteRolePolicy.

## nothing was checked for some time

No check ran for more than 3 hours. Root's events of that time are looked through now, as far back as CloudTrail keeps them (90 days);
that may take several checks. What was wrong for a while and is mended again leaves no trace here.

1. Find out who or what stopped the checks; see the alarm for missing checks below.

## exception over, statement lapsed

An exception reached its end: what it suppressed is told again. A statement is more than 90 days old and holds no more; one that a control
asks for is told by that control.

1. Mend what was suppressed, or renew the exception with a new reason.
2. Check again what was stated, and renew it in the parameter `Attestations`, or take it out.

## DIGEST

The account's status: what is unknown, open, suppressed and stated, and whether monitoring is active. The subject says INCOMPLETE where a
control is unknown, a data source could not be read or nobody has confirmed a subscription; *all is well* where every evaluated control
passed or does not apply and nothing is suppressed. It comes at the first check, then every Monday from 8:00 UTC on, or as the parameter
`Digest` says. One that waited is sent with what is true when it is sent.

1. If one is missing, somebody switched rootwatch off or unsubscribed you: see the alarm for missing checks below.

## an alert that this version cannot read

Another version of rootwatch wrote it down, and the function was changed before it could be told. The mail shows how it begins; the
function's log of that time has the findings and the worst of root's acts.

## Alarm: the function failed (ErrorAlarm)

It could not tell you something, or it does not know the topic. The last lines of its log name the fault.

| error | meaning | what to do |
|---|---|---|
| `PublishRefused` | the topic, its encryption key or the role is broken; what was seen is kept | mend it, then invoke the function with `{}` |
| `PublishFailed` | SNS could not be reached; what was seen is kept | nothing: Lambda tries twice more, and the next check tells it |
| `NeitherToldNorKept` | the table did not take what was seen, and SNS did not either or nobody has confirmed a subscription | mend what the log names, then invoke the function with `{}`: what still is so is seen again |
| `PlanNotKept` | a planned use of root was announced while the table failed | mend what the log names, then announce it again |
| `InvalidSettings` | there is no topic or no Region to work with, so nothing was checked; every fault is listed | deploy the stack again; ask who changed the function |
| `InvalidEvent`, `UnknownAccount` | somebody invoked it with an event that it does not accept | ask who it was |

## Alarm: no complete check (NoHeartbeatAlarm)

For three schedules no check was complete: one that read all that it must, told all that it had to, kept nothing waiting, and found a
confirmed subscriber. After a first deployment the alarm is on until the first subscription is confirmed and a check has run since.

1. No check at all? The log has no new lines: the schedule was disabled or deleted, the function was deleted or throttled to nothing. If
   nobody on your side did it, somebody switched the watch off: look in CloudTrail for DisableRule, DeleteSchedule, UpdateSchedule,
   DeleteFunction and PutFunctionConcurrency, and read *new root access key* above.
2. Checks run? Invoke the function with `{}` and look into its answer: `complete` is false, `sources` shows what could not be read,
   `subscribed` whether anybody hears, `untold` how much waits. The log's line *told* says the same.

The alarm of a watcher outside of the account, behind `HeartbeatUrl`, means the same. If only that one rings, the log says whether the
watcher was not reached.

## Alarm: events were given up (DeadLetterAlarm)

An event was given up after all retries and lies in the stack's dead-letter queue for 14 days.

1. Read one: `aws sqs receive-message --queue-url …`. A body with `detail-type` came from EventBridge, one with `Sns` was meant for Slack or
   Amazon Q and was told by mail; anything else is a check that failed.
2. Mend what the log of the function names, then start a redrive of the queue (SQS, the queue, *Start DLQ redrive*) for events of
   EventBridge and for Slack; for checks invoke Checker with `{}` and purge the queue.

Events that another Region could not hand on lie for 14 days in a queue there, `<stack>-<home Region>-undelivered`. No alarm rings for it: the
control `alert-path` says which Region does not forward. Mend that (`make forwarders` tries its stack again), then read the queue.

## Alarm: the fast path failed (RootActivityErrorAlarm)

The function that tells within seconds could not do its work: it does not know the topic, or it ran out of time or memory. The last lines of its
log name the fault. Until it is mended the schedule tells of root's acts, and the events wait in the queue.

## Alarm: events wait (EventsQueueAlarm)

For more than 10 minutes nobody took what EventBridge delivered. The schedule still finds root's acts; changes to what watches are told
only when the queue is read again.

1. Is the function RootActivity there, and its event source mapping enabled? If nobody on your side changed it, look for
   UpdateEventSourceMapping, DeleteEventSourceMapping and PutFunctionConcurrency in CloudTrail.
2. Otherwise its log says why it could not tell.

## Alarm: a report was not kept (ReporterErrorAlarm, ReportLostAlarm, HandOverAlarm, NoReportAlarm)

Alerts are not concerned. A report is not in the bucket, or the page, an export or Security Hub was not brought up to date. The last lines of
the log of the function Reporter name the fault; Lambda tries twice more.

| error | meaning | what to do |
|---|---|---|
| `ReportNotKept` | the bucket, its policy or the role is broken | mend it, then the next check is kept; what lies in the queue ReportDeadLetterQueue can be handed to the function again for 14 days: each body's `requestPayload` is its event |
| `PageNotRenewed`, `ExportNotMade` | the report is kept, but what is made of it is not | invoke Reporter with `{}` when it is mended |
| `HistoryNotRebuilt` | the history is missing or damaged, and could not be made anew from the reports in time | nothing: it is tried again with each check. If it lasts, S3 answers slowly: see AWS Health |
| `SecurityHubNotTold` | Security Hub is not enabled in this Region, refused a finding, or did not answer | enable it, or deploy with `SecurityHub=no`; what it missed is sent with the next check |
| `InvalidSettings`, `InvalidEvent` | somebody changed the function, or invoked it | deploy the stack again; ask who it was |

HandOverAlarm: Lambda could not hand an answer to Reporter. Is the function there, and may CheckerRole invoke it? If nobody on your side changed
either, look in CloudTrail for DeleteFunction and PutRolePolicy. `make verify-evidence` says which reports are missing.

NoReportAlarm: no report was kept for three schedules. If NoHeartbeatAlarm is on too, no check was made: begin there. Otherwise nothing is handed
over: is the function Reporter still the destination of Checker's answers? If nobody on your side changed that, look in CloudTrail for
DeleteFunctionEventInvokeConfig, PutFunctionEventInvokeConfig and UpdateFunctionEventInvokeConfig. Deploy the stack again.

## Alarm: Slack was not told (SlackErrorAlarm, ChatErrorAlarm)

Something that was published could not be passed on. The mail and other subscribers are not concerned. For Slack it is tried again every
15 minutes for 6 hours, and is headed TOLD LATE when it arrives; after that it lies in the dead-letter queue. The last lines of the
function's log name the fault, never the webhook.

| error | meaning | what to do |
|---|---|---|
| `WebhookUnknown` | the parameter cannot be read, or holds no address of Slack | store the webhook's URL again, as a SecureString under the name in `SlackWebhookParameter` |
| `WebhookRefused` | Slack refuses it: `no_service` and `channel_is_archived` mean that the webhook or its channel is gone, `invalid_blocks` a defect of rootwatch | make a new webhook and store it; report a defect together with the log |
| `WebhookThrottled`, `WebhookUnreachable` | too many messages, or Slack has a fault | nothing, unless it lasts |
| `PublishRefused`, `PublishFailed` | the topic for Amazon Q does not take it | see ErrorAlarm |
| `InvalidSettings`, `InvalidEvent` | somebody changed the function, or invoked it | deploy the stack again; ask who it was |

If nobody on your side removed the webhook or its parameter, somebody wants you not to hear: look at what root did, and for DeleteParameter
and PutParameter in CloudTrail.
";

/// The heading of the section that tells of `what`.
pub(super) fn heading(what: &What) -> &'static str {
    match what {
        What::RootActivity(act) => act.topic().headline,
        What::Tampering(_) => Kind::WatchTampered.words().headline,
        What::RootCredentialsBack { .. } => "root has credentials again",
        What::PlannedRootUse(_) => "planned use of root",
        What::CaughtUp { .. } => "nothing was checked for some time",
        What::ExceptionEnded(_) | What::AttestationLapsed(_) => "exception over, statement lapsed",
        What::Digest(_) => "DIGEST",
        What::Unreadable { .. } => "an alert that this version cannot read",
        What::Condition(told) => match (told.transition, &told.condition) {
            (Transition::Resolved, _) => "RESOLVED: …",
            (Transition::Suppressed | Transition::Acknowledged | Transition::Dropped, _) => {
                "SUPPRESSED: … and NO LONGER CHECKED: …"
            }
            (_, Fault::NoSubscriber) => "nobody has confirmed a subscription",
            (_, Fault::OddItems) => "the state table holds items that rootwatch did not write",
            (_, Fault::RefusedSettings) => "settings are refused and ignored",
            (_, Fault::Unread { .. } | Fault::Unjudged { .. }) => "UNKNOWN: … could not be checked, could not be read",
            (Transition::Reminder, _) => "still open: … (a reminder)",
            (Transition::Opened | Transition::Changed, _) => "NEW and changed: … (a control fails)",
        },
    }
}

/// The address of the section with this heading, in the runbook at `runbook`. Anchors are those that GitHub and GitLab make:
/// lower case, blanks as hyphens, other punctuation left out.
pub(super) fn link(runbook: &str, heading: &str) -> String {
    let anchor = heading.chars().filter_map(|char| match char {
        ' ' | '-' => Some('-'),
        char if char.is_alphanumeric() => Some(char.to_ascii_lowercase()),
        _ => None,
    });
    format!("{runbook}#{}", anchor.collect::<String>())
}

/// A section a kind of alert.
pub fn runbook() -> String {
    let mut page = String::from(OPENING);
    let effects = Effect::ALL.map(Effect::words);
    for words in Kind::ALL.map(Kind::words).into_iter().chain(effects) {
        let _ = write!(page, "\n## {}\n\n{}\n\n", words.headline, words.why);
        for (number, step) in (1..).zip(words.steps) {
            let _ = writeln!(page, "{number}. {step}");
        }
    }
    page + "\n" + OTHERS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_in_the_anchor_of_its_heading() {
        assert_eq!(link("https://wiki.example/r", "new root access key"), "https://wiki.example/r#new-root-access-key");
        assert_eq!(link("r", "still open: … (a reminder)"), "r#still-open--a-reminder");
    }
}
