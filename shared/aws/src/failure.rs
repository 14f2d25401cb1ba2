//! An SDK error in the words of the checklist.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use facts::source::Cause;
use facts::{Source, Unavailable};

/// What an SDK error means. Codes decide, never messages: IAM's messages are often just `Unknown`.
pub fn cause<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Cause {
    match error {
        SdkError::TimeoutError(_) => Cause::TimedOut,
        SdkError::DispatchFailure(failure) if failure.is_timeout() => Cause::TimedOut,
        // A failure without a kind did not come from the connection: the request was never made, for want of credentials.
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.as_other().is_some() => Cause::Unreachable,
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
            Cause::Refused { code: "no request was made: are there AWS credentials?".into() }
        }
        SdkError::ResponseError(_) => Cause::Malformed { detail: "not what the service's reference describes".into() },
        SdkError::ServiceError(service) => match service.err().meta().code() {
            Some(code) => by_code(code),
            None => Cause::Malformed { detail: "neither a result nor an error code".into() },
        },
        _ => Cause::Refused { code: "unknown".into() },
    }
}

pub(crate) fn by_code(code: &str) -> Cause {
    let code = facts::text::bounded(code);
    match code.as_str() {
        "AccessDenied"
        | "AccessDeniedException"
        | "AuthorizationError"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "NotAuthorized"
        | "OptInRequired"
        | "UnauthorizedOperation"
        | "UnrecognizedClientException" => Cause::Denied { code },
        "LimitExceeded"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Cause::Throttled { code },
        _ => Cause::Refused { code },
    }
}

/// The same, with what was being read.
pub(crate) fn unavailable<E: ProvideErrorMetadata, R>(
    source: Source,
    operation: &str,
    error: &SdkError<E, R>,
) -> Unavailable {
    Unavailable { source, operation: operation.into(), cause: cause(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_to_do_about_them() {
        assert_eq!(by_code("AccessDenied"), Cause::Denied { code: "AccessDenied".into() });
        assert_eq!(by_code("ThrottlingException"), Cause::Throttled { code: "ThrottlingException".into() });
        assert_eq!(by_code("ServiceFailure"), Cause::Refused { code: "ServiceFailure".into() });
    }
}
