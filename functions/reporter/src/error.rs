//! What can go wrong, and the type that alarms know it by.

use aws::{ReportBucketError, SecurityHubError};
use function::SettingsError;
use lambda_runtime::Diagnostic;

use crate::event::RequestError;
use crate::exports::ExportError;

/// How often something is read again because another reporter wrote it meanwhile.
pub(crate) const ATTEMPTS: usize = 5;

/// Why a call could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The function's environment is wrong; nothing was called.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The event is not one of those that are accepted; nothing was called.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The report is of another account than the function, or neither names one.
    #[error("the account of this report is not clear: it says `{report}`, the function's ARN says `{function}`")]
    Account {
        /// What the report says.
        report: String,
        /// What the ARN says.
        function: String,
    },
    /// Neither the report nor the record says when it was taken.
    #[error("the report has no `taken_at` and the record no `timestamp`: it has no place in the chain")]
    Timeless,
    /// The history was not read or not written, and the report has no place in the chain: nothing is kept.
    #[error("the report is not kept: {0}")]
    Bucket(#[from] ReportBucketError),
    /// Others wrote the history at the same time, again and again.
    #[error("the report is not kept: others wrote {object} at the same time, {attempts} times", attempts = ATTEMPTS)]
    Contended {
        /// What they wrote.
        object: &'static str,
    },
    /// A run has answered twice in one second; the first answer is kept.
    #[error("another report has the place of {key}: this one is not kept")]
    Twice {
        /// Where it would lie.
        key: String,
    },
    /// It has its place for so long that the history has forgotten which report came before it; it was never written, and no report near
    /// it is the one before.
    #[error("{key} took its place so long ago that the report before it is not known any more: this one is not kept")]
    Forgotten {
        /// Where it would lie.
        key: String,
    },
    /// The history could not be rebuilt before the call ends.
    #[error("the history could not be rebuilt in the time of this call: the report is not stored")]
    OutOfTime,
    /// What is written cannot be written as JSON.
    #[error("the history or the report cannot be written as JSON: this is a defect of rootwatch")]
    Unwritable,
    /// There is no report to make something of.
    #[error("no report is there that history.json names: run the checker first")]
    NothingKept,
    /// The newest report cannot be written in the format that was asked for.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Not all was done; what is not named was.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Unfinished(Vec<Undone>),
}

/// A part of the work that was not done.
#[derive(Debug, thiserror::Error)]
pub enum Undone {
    /// The report has its place in the chain and is not there.
    #[error("the report is not kept: {0}")]
    Report(ReportBucketError),
    /// Something else lies where the report should.
    #[error("the report is not kept: something else lies at {key}")]
    Occupied {
        /// Where.
        key: String,
    },
    /// Others wrote it at the same time, again and again, and it is not there.
    #[error("the report is not kept: others wrote {key} at the same time, {attempts} times", attempts = ATTEMPTS)]
    Contended {
        /// Where it should lie.
        key: String,
    },
    /// The page shows an older report.
    #[error("the page is not renewed: {0}")]
    Page(Shown),
    /// An export was not made.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// An export is of an older report.
    #[error("{file} is not renewed: {why}")]
    Shown {
        /// Its name.
        file: &'static str,
        /// Why.
        why: Shown,
    },
    /// Security Hub did not take findings.
    #[error(transparent)]
    SecurityHub(SecurityHubError),
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let error_type = match &error {
            Error::Settings(_) => "InvalidSettings",
            Error::Request(_) | Error::Timeless => "InvalidEvent",
            Error::Account { .. } => "UnknownAccount",
            Error::Bucket(_)
            | Error::Contended { .. }
            | Error::Twice { .. }
            | Error::Forgotten { .. }
            | Error::Unwritable => "ReportNotKept",
            Error::OutOfTime => "HistoryNotRebuilt",
            Error::NothingKept => "NothingKept",
            Error::Export(_) => "ExportNotMade",
            Error::Unfinished(undone) => {
                undone.iter().min_by_key(|undone| undone.rank()).map_or("", Undone::error_type)
            }
        };
        Self { error_type: error_type.into(), error_message: error.to_string() }
    }
}

impl Undone {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Report(_) | Self::Occupied { .. } | Self::Contended { .. } => "ReportNotKept",
            Self::Page(_) => "PageNotRenewed",
            Self::Export(_) | Self::Shown { .. } => "ExportNotMade",
            Self::SecurityHub(_) => "SecurityHubNotTold",
        }
    }

    /// The worst first.
    fn rank(&self) -> u8 {
        match self {
            Self::Report(_) | Self::Occupied { .. } | Self::Contended { .. } => 0,
            Self::Page(_) => 1,
            Self::Export(_) | Self::Shown { .. } => 2,
            Self::SecurityHub(_) => 3,
        }
    }
}

/// Why something that shows the newest report was not written.
#[derive(Debug, thiserror::Error)]
pub enum Shown {
    /// The bucket did not take it.
    #[error(transparent)]
    Bucket(#[from] ReportBucketError),
    /// Others wrote it at the same time, again and again.
    #[error("others wrote it at the same time, {ATTEMPTS} times")]
    Contended,
}

#[cfg(test)]
mod tests {
    use facts::source::Cause;

    use super::*;

    #[test]
    fn every_error_has_a_stable_type_for_alarms_and_of_several_the_worst() {
        let bucket = || ReportBucketError {
            action: "s3:PutObject",
            object: "x".into(),
            bucket: "b".into(),
            cause: Cause::TimedOut,
        };
        let page = || Undone::Page(Shown::Contended);
        let export = || Undone::Shown { file: "latest.csv", why: Shown::Bucket(bucket()) };
        let type_of = |error: Error| Diagnostic::from(error).error_type;
        assert_eq!(type_of(Error::Bucket(bucket())), "ReportNotKept");
        assert_eq!(type_of(Error::Unfinished(vec![export()])), "ExportNotMade");
        assert_eq!(type_of(Error::Unfinished(vec![export(), page()])), "PageNotRenewed");
        assert_eq!(type_of(Error::Unfinished(vec![page(), Undone::Report(bucket())])), "ReportNotKept");
        let message = Diagnostic::from(Error::Unfinished(vec![page(), export()])).error_message;
        assert_eq!(
            message,
            "the page is not renewed: others wrote it at the same time, 5 times; latest.csv is not renewed: s3:PutObject of x in bucket b did not answer in time"
        );
    }
}
