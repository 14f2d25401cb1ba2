//! The buckets that trails deliver to.

use crate::source::Unavailable;

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Whether it may become public; `None`: there is no such bucket. One of another account is refused, and that is the reason here.
    pub exposure: Result<Option<Exposure>, Unavailable>,
}

/// Whether a bucket is, or may become, public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exposure {
    /// All four settings of its own public access block are on; then it cannot be public.
    pub is_blocked: bool,
    /// Its policy is public; `None`: not asked, because it is blocked.
    pub has_public_policy: Option<bool>,
}
