use facts::credential_report::{KeySlot, UserRow};
use facts::snapshot::Snapshot;
use facts::verdict::Evidence;

/// Both slots for access keys of `user`, each by the name that an exception gives it, as `alice (access key 2)`.
pub(super) fn slots(user: &UserRow) -> impl Iterator<Item = (String, &KeySlot)> {
    (1..).zip(&user.access_keys).map(|(number, slot)| (format!("{} (access key {number})", user.name), slot))
}

/// Users with more access keys or certificates than the credential report shows, each as something that cannot be evaluated.
pub(super) fn further<'a>(snapshot: &'a Snapshot, users: &'a [UserRow]) -> impl Iterator<Item = Evidence> + 'a {
    users.iter().filter_map(|user| {
        let found = user.further_credentials.as_deref()?;
        Some(snapshot.report_evidence(format!("{} (further credentials)", user.name), found))
    })
}
