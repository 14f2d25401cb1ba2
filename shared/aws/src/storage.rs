//! What is remembered: the state table, and the bucket of reports.

pub mod ledger;
pub mod report_bucket;
pub mod report_link;

pub use ledger::{Acquired, Lease, Ledger, LedgerError};
pub use report_bucket::{ReportBucket, ReportBucketError};
