//! IAM Access Analyzer: who finds out that something of the account is open to others.

use crate::source::Unavailable;

/// One Region's analyzers for external access that are active, from `access-analyzer:ListAnalyzers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionAnalyzers {
    /// The Region.
    pub region: String,
    /// Their names; those of the organization only in the account that holds them.
    pub active: Result<Vec<String>, Unavailable>,
}
