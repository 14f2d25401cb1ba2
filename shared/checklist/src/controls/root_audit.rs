//! What the six root controls say by the audit of a member account.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use facts::account_summary::AccountSummary;
use facts::credential_report::KeySlot;
use facts::identities::VirtualMfaDevice;
use facts::root_audit::{AccessKey, MfaDevice, Password, RootAudit, SigningCertificate};
use facts::snapshot::Snapshot;
use facts::source::Source;
use facts::testing::unavailable;
use facts::verdict::{Status, Verdict};

use crate::control::Control;
use crate::controls::control;
use crate::settings::{Selection, Settings};

const SERIALS: [&str; 3] =
    ["arn:aws:iam::111122223333:mfa/phone", "arn:aws:iam::111122223333:u2f/root/desk", "GAHT12345678"];

/// Root's credentials; uses by the hours that they are ago.
#[derive(Debug, Clone)]
struct Credentials {
    password: bool,
    password_used: Option<i64>,
    /// Active, and used.
    keys: Vec<(bool, Option<i64>)>,
    /// Active.
    certificates: Vec<bool>,
    /// By their place among the serial numbers.
    devices: Vec<usize>,
}

/// Often none of a kind, so that one part alone makes the difference.
fn credentials() -> impl Strategy<Value = Credentials> {
    let used = || prop::option::of(0i64..60);
    let password = prop::bool::weighted(0.3);
    let keys = few((any::<bool>(), used()).boxed());
    let (certificates, devices) = (few(any::<bool>().boxed()), few((0usize..3).boxed()));
    (password, used(), keys, certificates, devices).prop_map(
        |(password, password_used, keys, certificates, devices)| Credentials {
            password,
            password_used,
            keys,
            certificates,
            devices,
        },
    )
}

fn few<T: Clone + std::fmt::Debug + 'static>(one: BoxedStrategy<T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(one, 1..3)]
}

/// One or two parts that could not be read, by their places.
fn hidden() -> impl Strategy<Value = [bool; 8]> {
    prop::collection::vec(0usize..8, 1..3).prop_map(|places| std::array::from_fn(|place| places.contains(&place)))
}

fn ago(hours: Option<i64>) -> Option<Timestamp> {
    hours.map(|hours| Snapshot::compliant().taken_at - SignedDuration::from_hours(hours))
}

impl Credentials {
    fn counted(&self) -> AccountSummary {
        AccountSummary::from_counters(|key| {
            Some(i32::from(match key {
                "AccountMFAEnabled" => !self.devices.is_empty(),
                "AccountPasswordPresent" => self.password,
                "AccountAccessKeysPresent" => !self.keys.is_empty(),
                "AccountSigningCertificatesPresent" => !self.certificates.is_empty(),
                _ => false,
            }))
        })
    }

    fn audited(&self) -> RootAudit {
        let keys = self.keys.iter().zip(["AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"]);
        let certificates =
            self.certificates.iter().zip(["TA7SMP42TDN5Z26OBPJE7EXAMPLE", "B7SMP42TDN5Z26OBPJE7EXAMPLE"]);
        RootAudit {
            password: Ok(self.password.then_some(Password { created: None })),
            access_keys: Ok(keys.map(|((active, used), id)| AccessKey::of_root(id, *active, Ok(ago(*used)))).collect()),
            signing_certificates: Ok(certificates
                .map(|(active, id)| SigningCertificate { id: id.into(), active: *active })
                .collect()),
            mfa_devices: Ok(self.devices.iter().map(|device| MfaDevice::of_serial(SERIALS[*device])).collect()),
            password_last_used: Ok(ago(self.password_used)),
            ..RootAudit::without_credentials()
        }
    }

    /// The same credentials in the report and the list of virtual devices.
    fn reported(&self, snapshot: &mut Snapshot) {
        let slot = |held: Option<(bool, Option<i64>)>| KeySlot {
            active: Ok(held.is_some_and(|(active, _)| active)),
            last_rotated: Ok(held.map(|_| Timestamp::UNIX_EPOCH)),
            last_used: Ok(held.and_then(|(_, used)| ago(used))),
            last_used_region: None,
            last_used_service: None,
        };
        let root = snapshot.root();
        root.password_enabled = Ok(self.password);
        root.password_last_used = Ok(ago(self.password_used));
        root.mfa_active = Ok(!self.devices.is_empty());
        root.access_keys = [0, 1].map(|number| slot(self.keys.get(number).copied()));
        root.signing_certificates =
            [0, 1].map(|number| slot(self.certificates.get(number).map(|active| (*active, None))));
        let apps = self.devices.iter().filter(|device| **device == 0).map(|device| VirtualMfaDevice {
            serial_number: SERIALS[*device].into(),
            owner_arn: Some(snapshot.account.root_arn()),
        });
        snapshot.virtual_mfa_devices = Ok(apps.collect());
    }

    fn by_report(&self) -> Snapshot {
        let mut snapshot = Snapshot { account_summary: Ok(self.counted()), ..Snapshot::compliant() };
        self.reported(&mut snapshot);
        snapshot
    }

    fn by_audit(&self) -> Snapshot {
        let Snapshot { account, taken_at, .. } = Snapshot::compliant();
        Snapshot::of_root_audit(account, taken_at, Ok(self.counted()), self.audited())
    }
}

fn finding(control: &'static Control, snapshot: &Snapshot, settings: &Settings) -> Verdict {
    (control.evaluate)(snapshot, settings).unwrap_or_else(Verdict::from)
}

fn of(id: &str, snapshot: &Snapshot) -> Verdict {
    finding(control(id).unwrap(), snapshot, &Settings::default())
}

fn chosen() -> Vec<&'static Control> {
    Selection::of_root_audit().controls().collect()
}

fn is_good(status: Status) -> bool {
    matches!(status, Status::Passed | Status::NotApplicable)
}

/// Denies the parts of the audit, the uses of keys and the counters whose place is set.
fn hide(snapshot: &mut Snapshot, hidden: [bool; 8]) {
    let audit = snapshot.audit_mut();
    let why = || unavailable(Source::RootAudit);
    let [password, keys, certificates, devices, used, created, keys_used, counters] = hidden;
    if password {
        audit.password = Err(why());
    }
    if keys_used {
        audit.access_keys.iter_mut().flatten().for_each(|key| key.last_used = Err(why()));
    }
    if keys {
        audit.access_keys = Err(why());
    }
    if certificates {
        audit.signing_certificates = Err(why());
    }
    if devices {
        audit.mfa_devices = Err(why());
    }
    if used {
        audit.password_last_used = Err(why());
    }
    if created {
        audit.created = Err(why());
    }
    if counters {
        snapshot.account_summary = Err(unavailable(Source::AccountSummary));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn of_the_same_credentials_the_audit_says_what_the_report_says_and_both_together_agree(state in credentials()) {
        let (by_report, by_audit) = (state.by_report(), state.by_audit());
        let by_both = Snapshot { root_audit: Ok(state.audited()), ..state.by_report() };
        for control in chosen() {
            let settings = Settings::default();
            let of_report = finding(control, &by_report, &settings);
            let of_audit = finding(control, &by_audit, &settings);
            let of_both = finding(control, &by_both, &settings);
            prop_assert_eq!(of_report.status, of_audit.status, "{}: {} / {}", control.id, of_report.reason, of_audit.reason);
            prop_assert_eq!(of_report.status, of_both.status, "{}", control.id);
            prop_assert!(!of_both.reason.contains("disagree"), "{}: {}", control.id, of_both.reason);
        }
    }

    #[test]
    fn what_one_list_of_the_credentials_fails_the_other_one_does_not_clear(
        reported in credentials(), audited in credentials(), counted in credentials(),
    ) {
        let with = |snapshot: Snapshot| Snapshot { account_summary: Ok(counted.counted()), ..snapshot };
        let (by_report, by_audit) = (with(reported.by_report()), with(audited.by_audit()));
        let by_both = Snapshot { root_audit: Ok(audited.audited()), ..by_report.clone() };
        for control in chosen() {
            let status = |snapshot: &Snapshot| finding(control, snapshot, &Settings::default()).status;
            // A key in one of them makes the password or the missing MFA of the other no better.
            let one_fails = [status(&by_report), status(&by_audit)].contains(&Status::Failed);
            prop_assert!(!one_fails || status(&by_both) == Status::Failed, "{}", control.id);
        }
    }

    #[test]
    fn a_pass_depends_on_no_part_that_could_not_be_read(
        seen in credentials(), unseen in credentials(), hidden in hidden(), is_stated in any::<bool>(),
    ) {
        let settings = if is_stated { Settings::compliant() } else { Settings::default() };
        let mut partial = seen.by_audit();
        hide(&mut partial, hidden);
        // Whatever stands in the hidden parts, they are as they are.
        let mut actual = seen.by_audit();
        let other = unseen.audited();
        let audit = actual.audit_mut();
        let [password, keys, certificates, devices, used, _, keys_used, counters] = hidden;
        if keys_used {
            audit.access_keys.iter_mut().flatten().for_each(|key| key.last_used = Ok(ago(Some(1))));
        }
        if password { audit.password = other.password; }
        if keys { audit.access_keys = other.access_keys; }
        if certificates { audit.signing_certificates = other.signing_certificates; }
        if devices { audit.mfa_devices = other.mfa_devices; }
        if used { audit.password_last_used = other.password_last_used; }
        if counters { actual.account_summary = Ok(unseen.counted()); }
        for control in chosen() {
            let (partial, actual) = (finding(control, &partial, &settings), finding(control, &actual, &settings));
            let passes_blindly = is_good(partial.status) && !is_good(actual.status);
            prop_assert!(!passes_blindly, "{} is {:?}, and in truth: {}", control.id, partial.status, actual.reason);
            prop_assert!(partial.status != Status::Unknown || partial.reason.contains("was denied"), "{}", partial.reason);
        }
    }
}

/// The audit of a root with a password and a security key.
fn with_password() -> Credentials {
    Credentials { password: true, password_used: None, keys: Vec::new(), certificates: Vec::new(), devices: vec![1] }
}

#[test]
fn root_without_credentials_needs_neither_the_report_nor_an_event() {
    let statuses: Vec<Status> = chosen().iter().map(|control| of(control.id, &Snapshot::audited()).status).collect();
    let (passed, none) = (Status::Passed, Status::NotApplicable);
    assert_eq!(statuses, [passed, passed, none, passed, none, none]);
    let sources: Vec<Source> = of("root-mfa", &Snapshot::audited()).judged_by.into_keys().collect();
    assert_eq!(sources, [Source::AccountSummary, Source::RootAudit]);
}

#[test]
fn the_counters_alone_clear_nothing_and_find_what_they_show() {
    let Snapshot { account, taken_at, .. } = Snapshot::compliant();
    let counted = |state: &Credentials| {
        let summary = Ok(state.counted());
        Snapshot::of_root_audit(account.clone(), taken_at, summary, RootAudit::not_asked())
    };
    let none = Credentials { password: false, devices: Vec::new(), ..with_password() };
    for control in chosen() {
        let finding = of(control.id, &counted(&none));
        assert_eq!(finding.status, Status::Unknown, "{}", control.id);
        assert!(finding.reason.contains("was not asked for"), "{}", finding.reason);
    }
    let key = Credentials { keys: vec![(true, None)], ..none };
    assert_eq!(of("root-access-keys", &counted(&key)).status, Status::Failed);
    assert_eq!(of("root-mfa", &counted(&key)).status, Status::Failed);
}

#[test]
fn keys_and_certificates_are_named_by_their_ids_and_an_inactive_one_fails() {
    let state =
        Credentials { keys: vec![(true, Some(50)), (false, None)], certificates: vec![false], ..with_password() };
    let keys = of("root-access-keys", &state.by_audit());
    assert_eq!((keys.status, keys.reason.as_str()), (Status::Failed, "Root has 2 access keys (active, inactive)"));
    let names = [
        "access key AKIAIOSFODNN7EXAMPLE",
        "active access key AKIAIOSFODNN7EXAMPLE",
        "access key AKIAI44QH8DHBEXAMPLE",
    ];
    assert_eq!(keys.resources, names);
    let shown: Vec<&str> = keys.evidence.iter().map(|evidence| evidence.value.as_str()).collect();
    assert_eq!(shown, ["active, last used 2026-11-18T08:00:00Z", "inactive, never used", "1"]);
    let certificates = of("root-signing-certificates", &state.by_audit());
    assert_eq!(certificates.status, Status::Failed);
    assert_eq!(certificates.resources, ["signing certificate TA7SMP42TDN5Z26OBPJE7EXAMPLE"]);
}

#[test]
fn a_difference_between_all_three_is_said_with_each_of_them() {
    let mut snapshot = with_password().by_report();
    let key = Credentials { keys: vec![(true, None)], ..with_password() };
    snapshot.root_audit = Ok(key.audited());
    let finding = of("root-access-keys", &snapshot);
    assert_eq!(finding.status, Status::Failed);
    let said = "(the sources disagree and the worse counts: credential report passed, audit of root's credentials failed, account summary passed)";
    assert!(finding.reason.ends_with(said), "{}", finding.reason);
    assert_eq!(finding.judged_by.keys().copied().collect::<Vec<_>>(), [Source::RootAudit]);
}

#[test]
fn either_list_is_enough_and_one_that_was_asked_for_says_why_there_is_none() {
    let mut denied_audit = with_password().by_report();
    denied_audit.blind_to(Source::RootAudit);
    let mut denied_report = Snapshot { root_audit: Ok(with_password().audited()), ..with_password().by_report() };
    denied_report.blind_to(Source::CredentialReport);
    for snapshot in [denied_audit, denied_report] {
        for control in chosen().into_iter().filter(|control| control.id != "root-credentials-attested") {
            assert_eq!(of(control.id, &snapshot).status, Status::Passed, "{}", control.id);
        }
    }
    let mut neither = Snapshot::audited();
    neither.blind_to(Source::RootAudit);
    for control in chosen() {
        let finding = of(control.id, &neither);
        assert_eq!(finding.status, Status::Unknown);
        assert!(finding.reason.starts_with("audit of root's credentials: iam:Some was denied"), "{}", finding.reason);
    }
}

#[test]
fn the_list_shows_what_kind_of_device_root_has() {
    let of_devices = |devices: &[usize]| {
        let state = Credentials { devices: devices.to_vec(), ..with_password() };
        of("root-hardware-mfa", &state.by_audit())
    };
    let app = of_devices(&[1, 0]);
    assert_eq!((app.status, app.resources), (Status::Failed, vec![SERIALS[0].to_owned()]));
    let key = of_devices(&[1]);
    assert_eq!(key.status, Status::Passed);
    assert!(key.reason.contains("a synced passkey cannot be distinguished from a hardware key"), "{}", key.reason);
    assert!(key.evidence.iter().any(|evidence| evidence.value.ends_with("(passkey or security key)")));
    let token = of_devices(&[2]);
    assert_eq!(token.status, Status::Passed);
    assert!(token.evidence.iter().any(|evidence| evidence.value.ends_with("a hardware token)")));
    let none = of_devices(&[]);
    assert_eq!((none.status, none.resources.len()), (Status::Failed, 0));
    // The account's list of virtual devices may be older or shorter.
    let mut both = with_password().by_report();
    both.root_audit = Ok(Credentials { devices: vec![0], ..with_password() }.audited());
    let finding = of("root-hardware-mfa", &both);
    assert_eq!(finding.status, Status::Failed);
    assert!(
        finding.reason.contains("virtual MFA devices passed, audit of root's credentials failed"),
        "{}",
        finding.reason
    );
}

#[test]
fn root_counts_as_unused_by_the_last_uses_and_the_reason_says_what_is_not_seen() {
    let of_uses = |password_used, key_used| {
        let state = Credentials { password_used, keys: vec![(true, key_used)], ..with_password() };
        of("root-unused", &state.by_audit())
    };
    for (password, key) in [(Some(23), None), (Some(50), Some(23))] {
        let recent = of_uses(password, key);
        assert_eq!(recent.status, Status::Failed);
        assert_eq!(recent.reason, "Root was used at 2026-11-19T11:00:00Z, within the last day");
    }
    let scope = ", by the last uses of its password and access keys; root activity in CloudTrail is not read here";
    for unused in [of_uses(Some(24), Some(50)), of_uses(None, None)] {
        assert_eq!(unused.status, Status::Passed);
        assert!(unused.reason.ends_with(scope), "{}", unused.reason);
        assert_eq!(unused.judged_by.into_keys().collect::<Vec<_>>(), [Source::RootAudit]);
    }
    let mut young = with_password().by_audit();
    young.audit_mut().created = Ok(young.taken_at);
    let evidence = of("root-unused", &young).evidence;
    assert!(evidence.iter().any(|evidence| evidence.value.contains("initial account setup")));
}

#[test]
fn root_events_that_were_asked_for_and_are_missing_are_unknown_beside_an_audit_too() {
    let mut snapshot = Snapshot { root_audit: Ok(with_password().audited()), ..with_password().by_report() };
    snapshot.blind_to(Source::CredentialReport);
    assert_eq!(of("root-unused", &snapshot).reason, "Root has never been used");
    snapshot.blind_to(Source::RootEvents);
    assert_eq!(of("root-unused", &snapshot).status, Status::Unknown);
}

#[test]
fn live_uses_close_the_gap_between_an_old_report_and_the_events() {
    let mut snapshot = with_password().by_report();
    snapshot.root_events.since = snapshot.taken_at - SignedDuration::from_hours(1);
    assert_eq!(of("root-unused", &snapshot).status, Status::Unknown);
    snapshot.root_audit = Ok(with_password().audited());
    assert_eq!(of("root-unused", &snapshot).status, Status::Passed);
    snapshot.audit_mut().password_last_used = Ok(ago(Some(1)));
    let used = of("root-unused", &snapshot);
    assert_eq!(used.status, Status::Failed);
    assert!(used.reason.contains("credential report passed, audit of root's credentials failed"), "{}", used.reason);
}
