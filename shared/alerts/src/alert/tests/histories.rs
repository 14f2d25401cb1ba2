//! Long random histories: what holds whatever happens.

use proptest::prelude::*;

use super::*;

/// What is true, or what is seen, in one run of one condition.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// With so many things wrong.
    Failing(usize),
    Throttled,
    Passing,
    Unknown,
    Suppressed,
    Dropped,
    /// Evidence of before the newest that was judged.
    OldPass,
    OldFailure,
}

fn look() -> impl Strategy<Value = Look> {
    prop_oneof![
        4 => (0usize..4).prop_map(Look::Failing),
        3 => Just(Look::Throttled),
        3 => Just(Look::Passing),
        2 => Just(Look::Unknown),
        1 => Just(Look::Suppressed),
        1 => Just(Look::Dropped),
        1 => Just(Look::OldPass),
        1 => Just(Look::OldFailure),
    ]
}

/// Minutes to the next run: mostly a schedule, sometimes an outage.
fn wait() -> impl Strategy<Value = SignedDuration> {
    let minutes = prop_oneof![6 => 1i64..=60, 2 => 60i64..=300, 1 => 1_000i64..=5_000];
    minutes.prop_map(SignedDuration::from_mins)
}

impl Look {
    fn seen(self, severity: Severity) -> Seen {
        let named = |count: usize| {
            let names = ["a", "b", "c"];
            failure(severity, &names[..count])
        };
        match self {
            Self::Failing(count) => Seen::Failing { failure: named(count), passing: false },
            Self::OldFailure => Seen::Failing { failure: named(3), passing: false },
            Self::Throttled => Seen::Failing { failure: named(0), passing: true },
            Self::Passing | Self::OldPass => Seen::Passing,
            Self::Unknown => Seen::Unknown,
            Self::Suppressed => Seen::Suppressed(named(1), exception(None, Timestamp::MAX)),
            Self::Dropped => Seen::Dropped,
        }
    }

    fn evidence_at(self, life: &Life, now: Timestamp) -> Timestamp {
        let judged = life.0.as_ref().and_then(judged);
        match self {
            Self::OldPass | Self::OldFailure => judged.map_or(now, |judged| judged.min(now) - SECOND),
            _ => now,
        }
    }

    /// Whether it decides something, given what was judged.
    fn decides(self, life: &Life) -> bool {
        let judged = life.0.as_ref().and_then(judged).is_some();
        match self {
            Self::Unknown => false,
            Self::OldPass | Self::OldFailure => !judged,
            _ => true,
        }
    }
}

pub(super) fn ends(transition: Transition) -> bool {
    matches!(transition, Transition::Resolved | Transition::Suppressed | Transition::Dropped)
}

fn period(severity: Severity) -> SignedDuration {
    if severity == Severity::Critical { hours(4) } else { hours(24) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_failure_is_lost_each_opening_ends_once_and_no_reminder_is_early(
        runs in prop::collection::vec((look(), wait()), 1..80),
        severity in prop_oneof![Just(Severity::Critical), Just(Severity::Medium)],
    ) {
        let mut life = Life::default();
        let mut now = noon();
        let mut is_sent = false;
        let mut last_word = now;
        let mut in_a_row = 0;
        for (look, wait) in runs {
            now += wait;
            let (was_open, decides) = (is_sent, look.decides(&life));
            let before = life.0.clone();
            let evidence_at = look.evidence_at(&life, now);
            let sent = life.see_old(now, evidence_at, look.seen(severity));

            in_a_row = match look {
                Look::Throttled => in_a_row + 1,
                _ if decides => 0,
                _ => in_a_row,
            };
            let must_open = match look {
                Look::Failing(_) | Look::OldFailure => decides,
                Look::Throttled => in_a_row >= STREAK,
                _ => false,
            };
            let must_end = decides && matches!(look, Look::Passing | Look::OldPass | Look::Suppressed | Look::Dropped);
            match sent {
                Some(Transition::Opened) => { prop_assert!(must_open && !was_open); is_sent = true; }
                Some(transition) if ends(transition) => { prop_assert!(must_end && was_open); is_sent = false; }
                Some(Transition::Changed) => prop_assert!(was_open && decides),
                Some(_) => prop_assert!(was_open && now.duration_since(last_word) >= period(severity)),
                None => prop_assert!(!was_open || now.duration_since(last_word) < period(severity), "silence"),
            }
            prop_assert!(!must_open || is_sent, "lost");
            prop_assert!(!must_end || !is_sent, "does not end");
            prop_assert_eq!(life.is_open(), is_sent);
            if sent.is_some() {
                last_word = now;
                let opened = i32::from(sent == Some(Transition::Opened));
                let episode = |condition: &Option<Condition>| {
                    condition.as_ref().map_or(0, |condition| i32::try_from(condition.episode).unwrap())
                };
                prop_assert_eq!(episode(&life.0) - episode(&before), opened);
            }

            let settled = life.0.clone();
            prop_assert_eq!(life.see_old(now, evidence_at, look.seen(severity)), None, "twice");
            prop_assert_eq!(settled, life.0.clone(), "deciding again changes nothing");
        }
    }

    #[test]
    fn st_16_whatever_the_clock_does_no_silence_is_longer_than_the_period_after_the_jump(
        runs in prop::collection::vec((wait(), prop::option::weighted(0.2, -3_000i64..3_000), any::<bool>()), 1..80),
        severity in prop_oneof![Just(Severity::Critical), Just(Severity::Medium)],
    ) {
        let mut life = Life::default();
        let mut real = noon();
        let mut ahead = SignedDuration::ZERO;
        let mut last_word = real;
        let mut reminders_since_jump = 0;
        let mut last_jump = real;
        for (number, (wait, jump, is_seen)) in runs.into_iter().enumerate() {
            real += wait;
            if let Some(minutes) = jump {
                ahead = SignedDuration::from_mins(minutes);
                last_jump = real;
                reminders_since_jump = 0;
            }
            let seen = if is_seen || number == 0 { failing(severity) } else { Seen::Unknown };
            if let Some(word) = life.see(real + ahead, seen) {
                last_word = real;
                reminders_since_jump += i64::from(word == Transition::Reminder);
                prop_assert_eq!(word == Transition::Opened, number == 0);
            }
            prop_assert!(real.duration_since(last_word.max(last_jump)) < period(severity), "mute");
            let periods = real.duration_since(last_jump).as_mins() / period(severity).as_mins();
            prop_assert!(reminders_since_jump <= 1 + periods, "flood");
        }
    }
}

/// What is true of the account in one run.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    keys: u8,
    no_mfa: bool,
    no_policy: bool,
    subscribed: Option<bool>,
    root_password: bool,
    unread: u8,
    region: bool,
    suppressed: bool,
    report_is_old: bool,
    wait: SignedDuration,
}

pub(super) fn truth() -> impl Strategy<Value = Truth> {
    let flags =
        (0u8..4, prop::bool::weighted(0.3), prop::bool::weighted(0.3), prop::option::weighted(0.9, any::<bool>()));
    let more =
        (any::<bool>(), any::<u8>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.3), wait());
    (flags, more).prop_map(|((keys, no_mfa, no_policy, subscribed), more)| {
        let (root_password, unread, region, suppressed, report_is_old, wait) = more;
        Truth { keys, no_mfa, no_policy, subscribed, root_password, unread, region, suppressed, report_is_old, wait }
    })
}

impl Truth {
    pub(super) fn apply(&self, account: &mut Account) {
        let is_unread = |bit: u8| self.unread & (1 << bit) != 0 && self.unread & 0b1100_0000 != 0;
        let report_at = account.snapshot.credential_report.as_ref().map(|report| report.generated_at);
        let taken_at = account.snapshot.taken_at + self.wait;
        let mut snapshot = Snapshot { taken_at, ..Snapshot::compliant() };
        let report = snapshot.credential_report.as_mut().unwrap();
        report.generated_at = match report_at {
            Ok(at) if self.report_is_old => at,
            _ => taken_at,
        };
        for slot in 0..2 {
            snapshot.root().access_keys[slot].active = Ok(usize::from(self.keys) > slot);
        }
        snapshot.summary_mut().root_mfa = Ok((!self.no_mfa).into());
        snapshot.summary_mut().root_password = Ok(self.root_password.into());
        if self.no_policy {
            snapshot.password_policy = Ok(None);
        }
        snapshot.subscribed = Some(self.subscribed.ok_or(unavailable(Source::Subscribers, Cause::TimedOut)));
        if self.region {
            snapshot.root_events.regions.push(sweep("eu-west-1", is_unread(0).then(denied)));
        }
        if is_unread(1) {
            snapshot.credential_report = Err(unavailable(Source::CredentialReport, Cause::NotReady));
        }
        if is_unread(2) {
            snapshot.account_summary = Err(unavailable(Source::AccountSummary, denied()));
        }
        if is_unread(3) {
            snapshot.regions = Err(unavailable(Source::Regions, denied()));
        }
        if is_unread(4) {
            snapshot.account_alias = Err(unavailable(Source::AccountAlias, denied()));
        }
        account.snapshot = snapshot;
        // In force for this run, and over in the next.
        let exception = exception(None, taken_at + SECOND);
        account.except(if self.suppressed { std::slice::from_ref(&exception) } else { &[] });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn over_whole_memories_nothing_is_lost_or_sent_twice_in_a_run(
        runs in prop::collection::vec(truth(), 1..30),
    ) {
        let mut account = Account::new();
        account.policy.digest = Rhythm::Daily;
        let mut open = BTreeSet::new();
        for truth in runs {
            truth.apply(&mut account);
            let report = account.report();
            let alerts = account.decide(&report);

            let mut spoken = BTreeSet::new();
            for alert in &alerts {
                prop_assert!(alert.id.len() <= 255 && !alert.id.contains(char::is_whitespace), "{}", alert.id);
                let Some(sent) = alert.condition() else { continue };
                let key = sent.condition.key();
                prop_assert!(spoken.insert(key.clone()), "{key} sent twice in one run");
                match sent.transition {
                    Transition::Opened => prop_assert!(open.insert(key.clone()), "{key} opened twice"),
                    transition if ends(transition) => prop_assert!(open.remove(&key), "{key} ended twice"),
                    _ => prop_assert!(open.contains(&key), "{key} goes on and never opened"),
                }
            }
            let ids: BTreeSet<&str> = alerts.iter().map(|alert| alert.id.as_str()).collect();
            prop_assert_eq!(ids.len(), alerts.len(), "each thing has an id of its own");
            prop_assert_eq!(account.open(), open.iter().map(String::as_str).collect::<Vec<_>>());

            // What fails by evidence of this very run is open, unless somebody answers for it.
            for finding in report.findings.iter().filter(|finding| finding.status == facts::Status::Failed) {
                let is_live = finding.judged_by.values().any(|at| *at == report.taken_at);
                let is_suppressed = !finding.exceptions.is_empty();
                // That nobody hears, and that root has no MFA at all, are conditions of their own, sent once.
                let is_sent = finding.resources == ["subscription"] && open.contains("no-subscriber")
                    || finding.control == "root-hardware-mfa" && finding.resources.is_empty();
                let is_open = is_sent || open.contains(finding.control);
                prop_assert!(!is_live || is_suppressed || is_open, "{} is lost", finding.control);
            }
            for state in report.errors().filter(|state| matches!(state.error.as_ref().unwrap().cause, Cause::Denied { .. })) {
                let key = Fault::Unread { source: state.source, region: state.region.clone() }.key();
                prop_assert!(open.contains(&key), "{key} is lost");
            }
            prop_assert_eq!(report.subscribed.is_some_and(|confirmed| !confirmed), open.contains("no-subscriber") && report.subscribed.is_some());

            let remembered = account.memory.clone();
            prop_assert_eq!(account.decide(&report), vec![], "deciding again tells nothing");
            prop_assert_eq!(remembered, account.memory.clone());
        }
    }
}
