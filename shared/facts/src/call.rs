//! A call to AWS.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A call to AWS, as AWS support and CloudTrail know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Call {
    /// What was called, as `IAM.GetAccountSummary`.
    pub operation: String,
    /// Region whose endpoint was called.
    pub region: String,
    /// The id that AWS gave it; `null` when it gave none, or did not answer.
    pub request_id: Option<String>,
    /// When its last attempt ended.
    pub at: Timestamp,
    /// HTTP status of the last answer; `null` without one.
    pub status: Option<u16>,
}
