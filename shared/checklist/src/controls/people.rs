//! Whether an identity that has a permission can be a person.

use std::collections::{BTreeSet, HashMap};

use facts::credential_report::UserRow;
use facts::identities::{IamUser, Role};
use facts::snapshot::Snapshot;

/// Roles that IAM Identity Center makes in an account begin so
/// (<https://docs.aws.amazon.com/singlesignon/latest/userguide/using-service-linked-roles.html>).
pub(super) const IDENTITY_CENTER_ROLE: &str = "AWSReservedSSO_";

/// Most roles of a chain that are looked at; AWS itself lets a chain be as long as it likes.
const MAX_CHAIN: usize = 100;
const UNCLEAR: &str = "AWS does not show whether people or programs assume a role that has it";
const NO_PASSWORD_TOLD: &str = "The credential report does not show who has a password";

/// Who of an account can be a person. An answer that is missing comes with its reason.
pub(super) struct People<'a> {
    rows: Result<HashMap<&'a str, &'a UserRow>, String>,
    roles: Result<HashMap<&'a str, &'a Role>, String>,
    users: Result<&'a [IamUser], String>,
    /// Whether anybody at all is there who can take on a role that the account itself may take on.
    anybody: Result<bool, String>,
}

impl<'a> People<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let rows = snapshot.fresh_credential_report().map_err(|unavailable| unavailable.to_string());
        let rows = rows.map(|report| report.users.iter().map(|row| (row.name.as_str(), row)).collect());
        let roles = snapshot.roles_and_policies.as_ref().map_err(ToString::to_string);
        let roles = roles.map(|found| found.roles.iter().map(|role| (role.name.as_str(), role)).collect());
        let users = snapshot.identities.as_ref().map_err(ToString::to_string);
        let users = users.map(|identities| identities.users.as_slice());
        let mut people = Self { rows, roles, users, anybody: Ok(false) };
        people.anybody = people.anybody(snapshot);
        people
    }

    /// A user with a password is a person; one without is a program.
    pub(super) fn has_password(&self, user: &str) -> Result<bool, String> {
        let row = self.rows.as_ref().map_err(Clone::clone)?.get(user);
        let row = row.ok_or_else(|| "The credential report is older than a user".to_owned())?;
        row.password_enabled.clone().map_err(|_| NO_PASSWORD_TOLD.to_owned())
    }

    /// Whether the user has MFA.
    pub(super) fn has_mfa(&self, user: &str) -> Result<bool, String> {
        let row = self.rows.as_ref().map_err(Clone::clone)?.get(user);
        row.and_then(|row| row.mfa_active.clone().ok())
            .ok_or_else(|| "The credential report does not show whether these administrators have MFA".to_owned())
    }

    /// The users who are in one of these groups, each once.
    pub(super) fn members(&self, groups: &BTreeSet<&str>) -> Result<Vec<&'a str>, String> {
        if groups.is_empty() {
            return Ok(Vec::new());
        }
        let users: &'a [IamUser] = self.users.as_ref().map_err(Clone::clone)?;
        let is_in = |user: &&IamUser| user.groups.iter().any(|group| groups.contains(group.as_str()));
        Ok(users.iter().filter(is_in).map(|user| user.name.as_str()).collect())
    }

    /// Whether a person can take on the role.
    pub(super) fn take_on(&self, role: &str) -> Result<bool, String> {
        self.take_on_by(role, &mut BTreeSet::new())
    }

    /// By way of roles that were not looked at before.
    fn take_on_by(&self, role: &str, seen: &mut BTreeSet<String>) -> Result<bool, String> {
        if role.starts_with(IDENTITY_CENTER_ROLE) {
            return Ok(true);
        }
        if seen.len() >= MAX_CHAIN {
            return Err(UNCLEAR.to_owned());
        }
        if !seen.insert(role.to_owned()) {
            return Ok(false);
        }
        let found = self.roles.as_ref().map_err(Clone::clone)?.get(role);
        let assumers = &found.ok_or_else(|| "AWS did not list every role that has it".to_owned())?.trust.assumers;
        if assumers.people {
            return Ok(true);
        }
        let mut unknown = assumers.unclear.then(|| UNCLEAR.to_owned());
        let users = assumers.users.iter().map(|user| self.has_password(user));
        let anybody = assumers.own_account.then(|| self.anybody.clone());
        let mut ways: Vec<Result<bool, String>> = users.chain(anybody).collect();
        ways.extend(assumers.roles.iter().map(|role| self.take_on_by(role, seen)));
        for way in ways {
            match way {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(reason) => drop(unknown.get_or_insert(reason)),
            }
        }
        unknown.map_or(Ok(false), Err)
    }

    fn anybody(&self, snapshot: &Snapshot) -> Result<bool, String> {
        let has_password = |row: &&UserRow| row.password_enabled == Ok(true);
        let administrators = snapshot.administrators.as_ref().ok();
        let comes_by_identity_center = administrators.is_some_and(|administrators| {
            administrators.roles.iter().any(|role| role.starts_with(IDENTITY_CENTER_ROLE))
        });
        let assumers = || self.roles.iter().flat_map(HashMap::values).map(|role| &role.trust.assumers);
        if comes_by_identity_center
            || self.rows.as_ref().is_ok_and(|rows| rows.values().any(has_password))
            || assumers().any(|assumers| assumers.people)
        {
            return Ok(true);
        }
        let rows = self.rows.as_ref().map_err(Clone::clone)?;
        if rows.values().any(|row| row.password_enabled.is_err()) {
            return Err(NO_PASSWORD_TOLD.to_owned());
        }
        self.roles.as_ref().map_err(Clone::clone)?;
        if assumers().any(|assumers| assumers.unclear) {
            return Err("AWS does not show whether people or programs assume the roles of this account".to_owned());
        }
        Ok(false)
    }
}
