//! Controls that had another id in an earlier version.

/// Each former id with the current one.
pub(crate) const RENAMED: [(&str, &str); 1] = [("root-credentials-statements", "root-credentials-attested")];

/// The current id of the control that was called `id` when that was stored or configured.
pub fn current_id(id: &str) -> &str {
    RENAMED.iter().find(|(before, _)| *before == id).map_or(id, |(_, now)| now)
}
