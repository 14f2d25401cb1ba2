use crate::credential_report::{KeySlot, UserRow};

/// Both slots for access keys of `user`, each by the name that an exception gives it, as `alice (access key 2)`.
pub(super) fn slots(user: &UserRow) -> impl Iterator<Item = (String, &KeySlot)> {
    (1..).zip(&user.access_keys).map(|(number, slot)| (format!("{} (access key {number})", user.name), slot))
}
