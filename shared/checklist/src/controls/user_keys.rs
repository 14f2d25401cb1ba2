use std::fmt;

use facts::credential_report::{KeySlot, UserRow};
use facts::snapshot::Snapshot;
use facts::verdict::Evidence;

/// The name of a credential as exceptions use it: `alice (access key 2)`.
pub(super) struct CredentialName<'a> {
    pub(super) user: &'a str,
    pub(super) credential: &'static str,
}

impl fmt::Display for CredentialName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.user, self.credential)
    }
}

/// Both slots for access keys of `user`.
pub(super) fn slots(user: &UserRow) -> impl Iterator<Item = (CredentialName<'_>, &KeySlot)> {
    let names = ["access key 1", "access key 2"].map(|credential| CredentialName { user: &user.name, credential });
    names.into_iter().zip(&user.access_keys)
}

/// Users with more access keys or certificates than the credential report shows, each as something that cannot be evaluated.
pub(super) fn further<'a>(snapshot: &'a Snapshot, users: &'a [UserRow]) -> impl Iterator<Item = Evidence> + 'a {
    users.iter().filter_map(|user| {
        let found = user.further_credentials.as_deref()?;
        Some(snapshot.report_evidence(format!("{} (further credentials)", user.name), found))
    })
}
