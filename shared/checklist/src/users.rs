//! The IAM users that findings name, with what people look for beside a name.

use std::collections::{BTreeMap, HashMap};

use facts::credential_report::{KeySlot, SlotState, UserRow};
use facts::identities::IamUser;
use facts::snapshot::Snapshot;
use facts::verdict::Status;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::controls::control;
use crate::finding::Finding;

/// An IAM user that a finding names. What could not be read is `null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// User name; anybody who may create users chooses it.
    pub name: String,
    /// Whether there is a password.
    pub has_password: Option<bool>,
    /// Any kind of MFA device.
    pub has_mfa: Option<bool>,
    /// Last sign-in with the password; `null` also: never.
    pub password_last_used: Option<Timestamp>,
    /// When the password was set.
    pub password_last_changed: Option<Timestamp>,
    /// Access keys, active or not, at most two; `null`: could not be read.
    pub access_keys: Option<Vec<AccessKey>>,
    /// Names of the groups; `null`: could not be read.
    pub groups: Option<Vec<String>>,
    /// The controls whose findings name the user, by id.
    pub controls: Vec<String>,
}

/// An access key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessKey {
    /// Whether it can be used; `null`: could not be read.
    pub active: Option<bool>,
    /// When it was made or rotated.
    pub created: Option<Timestamp>,
    /// Last use; `null` also: never.
    pub last_used: Option<Timestamp>,
}

/// The users of `snapshot` that `findings` name as wrong or as not to be evaluated, by name. Each list is gone through once.
pub(crate) fn named(snapshot: &Snapshot, findings: &[Finding]) -> Vec<User> {
    let mut controls: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| matches!(finding.status, Status::Failed | Status::Unknown)) {
        // What cannot be evaluated is named in the evidence only.
        let things = finding.resources.iter().chain(finding.evidence.iter().map(|evidence| &evidence.fact));
        let Some(control) = control(finding.control) else { continue };
        for name in things.filter_map(|thing| (control.user_of)(thing)) {
            let of_user = controls.entry(name).or_default();
            if of_user.last().is_none_or(|last| last != finding.control) {
                of_user.push(finding.control.to_owned());
            }
        }
    }

    let report = snapshot.fresh_credential_report().ok();
    let rows = report.iter().flat_map(|report| &report.users).map(|row| (row.name.as_str(), row));
    let rows: HashMap<&str, &UserRow> = rows.filter(|(name, _)| controls.contains_key(name)).collect();
    let identities = snapshot.identities.as_ref().ok();
    let users = identities.iter().flat_map(|identities| &identities.users).map(|user| (user.name.as_str(), user));
    let users: HashMap<&str, &IamUser> = users.filter(|(name, _)| controls.contains_key(name)).collect();

    let named = controls.into_iter().filter(|(name, _)| rows.contains_key(name) || users.contains_key(name));
    named.map(|(name, controls)| User::new(name, rows.get(name).copied(), users.get(name).copied(), controls)).collect()
}

impl User {
    fn new(name: &str, row: Option<&UserRow>, user: Option<&IamUser>, controls: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            has_password: row.and_then(|row| row.password_enabled.clone().ok()),
            has_mfa: row.and_then(|row| row.mfa_active.clone().ok()),
            password_last_used: row.and_then(|row| row.password_last_used.clone().ok().flatten()),
            password_last_changed: row.and_then(|row| row.password_last_changed.clone().ok().flatten()),
            access_keys: row.map(|row| row.access_keys.iter().filter_map(AccessKey::new).collect()),
            groups: user.map(|user| user.groups.clone()),
            controls,
        }
    }
}

impl AccessKey {
    /// `None`: the slot is empty.
    fn new(slot: &KeySlot) -> Option<Self> {
        let key = Self {
            active: slot.active.clone().ok(),
            created: slot.last_rotated.clone().ok().flatten(),
            last_used: slot.last_used.clone().ok().flatten(),
        };
        (slot.state() != Ok(SlotState::Empty)).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;
    use crate::settings::Settings;
    use facts::credential_report::UnreadableCell;
    use facts::federation::SamlProvider;
    use facts::identities::{AttachedPolicy, InlinePolicy};
    use facts::policy_document::Breadth;

    /// A compliant account with a user bob, as alice but for the name, after `change`.
    fn users(change: impl FnOnce(&mut Snapshot)) -> Vec<User> {
        let mut snapshot = Snapshot::compliant();
        let bob = UserRow { name: "bob".into(), ..snapshot.report_users()[0].clone() };
        snapshot.report_users().push(bob);
        snapshot.users_mut().push(IamUser { name: "bob".into(), groups: vec!["Readers".into()], ..IamUser::default() });
        change(&mut snapshot);
        Report::generate(&snapshot, &Settings::compliant()).users
    }

    fn bob(snapshot: &mut Snapshot) -> &mut UserRow {
        &mut snapshot.report_users()[1]
    }

    #[test]
    fn a_compliant_account_lists_no_users() {
        assert_eq!(users(|_| {}), []);
    }

    #[test]
    fn each_control_that_speaks_of_a_user_brings_a_row_of_that_user_alone() {
        type Break = fn(&mut Snapshot);
        let old = || Ok(Some("2025-01-01T00:00:00Z".parse().unwrap()));
        let breaks: [(&str, Break); 6] = [
            ("user-mfa", |snapshot| bob(snapshot).mfa_active = Ok(false)),
            ("access-key-rotation", |snapshot| bob(snapshot).access_keys[0].last_rotated = Ok(Some(Timestamp::MIN))),
            ("unused-credentials", |snapshot| bob(snapshot).password_last_used = Ok(Some(Timestamp::MIN))),
            ("unused-credentials", |snapshot| bob(snapshot).access_keys[0].last_used = Ok(Some(Timestamp::MIN))),
            ("groups-assign-permissions", |snapshot| {
                snapshot.users_mut()[1].attached_policies.push(AttachedPolicy::of_aws("ReadOnly"))
            }),
            ("least-privilege", |snapshot| {
                let wide = InlinePolicy { name: "wide, inline policy".into(), grants: Breadth::Everything.into() };
                snapshot.users_mut()[1].inline_policies.push(wide);
            }),
        ];
        for (control, break_it) in breaks {
            let users = users(break_it);
            assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["bob"], "{control}");
            assert!(users[0].controls.iter().any(|id| id == control), "{control}: {:?}", users[0].controls);
            assert_eq!(users[0].groups, Some(vec!["Readers".to_owned()]), "{control}");
        }
        let twice = users(|snapshot| {
            bob(snapshot).access_keys[0].last_rotated = old();
            bob(snapshot).access_keys[1] = bob(snapshot).access_keys[0].clone();
        });
        assert_eq!(twice[0].controls, ["access-key-rotation"], "once, however many keys");
    }

    #[test]
    fn a_row_is_what_the_credential_report_says() {
        let users = users(|snapshot| {
            bob(snapshot).mfa_active = Ok(false);
            bob(snapshot).password_last_used = Ok(None);
        });
        let alice = Snapshot::compliant().report_users()[0].clone();
        let expected = AccessKey {
            active: Some(true),
            created: alice.access_keys[0].last_rotated.clone().unwrap(),
            last_used: alice.access_keys[0].last_used.clone().unwrap(),
        };
        assert!(expected.created.is_some());
        let [user] = users.as_slice() else { panic!("{users:?}") };
        assert_eq!((user.has_password, user.has_mfa, user.password_last_used), (Some(true), Some(false), None));
        assert_eq!(user.access_keys, Some(vec![expected]), "the second slot is empty");
        assert_eq!(user.password_last_changed, alice.password_last_changed.unwrap());
        assert!(user.password_last_changed.is_some());
    }

    #[test]
    fn what_could_not_be_read_of_a_user_is_null() {
        let without_identities = users(|snapshot| {
            bob(snapshot).mfa_active = Ok(false);
            snapshot.identities = Snapshot::blind().identities;
        });
        assert_eq!((without_identities[0].has_mfa, &without_identities[0].groups), (Some(false), &None));
        let without_report = users(|snapshot| {
            snapshot.users_mut()[1].attached_policies.push(AttachedPolicy::of_aws("ReadOnly"));
            snapshot.credential_report = Snapshot::blind().credential_report;
        });
        let [user] = without_report.as_slice() else { panic!("{without_report:?}") };
        assert_eq!((user.has_password, user.has_mfa, &user.access_keys), (None, None, &None));
        let unreadable = users(|snapshot| {
            let cell = UnreadableCell { column: "mfa_active", found: Some("?".into()) };
            bob(snapshot).mfa_active = Err(cell);
        });
        assert_eq!(unreadable[0].has_mfa, None, "it cannot be evaluated, which the evidence says");
    }

    #[test]
    fn what_only_has_the_name_of_a_user_is_no_user() {
        let users = users(|snapshot| {
            let lapsed = SamlProvider { name: "bob".into(), valid_until: Some(Timestamp::UNIX_EPOCH) };
            snapshot.identity_providers.as_mut().unwrap().saml = vec![lapsed];
        });
        assert_eq!(users, []);
    }
}
