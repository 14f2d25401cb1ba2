//! How every SDK client is built.
//!
//! The SDK itself waits for ever on a connection that hangs; every client here has three time limits.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::ConnectorError;

/// Time limits and retries of every client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// To connect.
    pub connect: Duration,
    /// For one attempt.
    pub attempt: Duration,
    /// For an operation with all its attempts and the pauses between them.
    pub operation: Duration,
    /// Attempts in all.
    pub attempts: u32,
    /// Longest pause before the second attempt; it doubles with each further one.
    pub first_pause: Duration,
}

impl Default for Limits {
    /// 2, 5 and 20 seconds; 4 attempts.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            attempt: Duration::from_secs(5),
            operation: Duration::from_secs(20),
            attempts: 4,
            first_pause: Duration::from_secs(1),
        }
    }
}

/// Whether no connection was made, so that nothing of the request was sent.
pub(crate) fn never_connected(error: &ConnectorError) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        source = error.source();
    }
    false
}

/// The SDK's usual configuration (environment, profile, role) with `limits` and one connector that all clients share.
pub fn config(limits: &Limits) -> ConfigLoader {
    // ring and not aws-lc-rs, which costs tens of milliseconds of CPU at a process's first TLS connection.
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(limits.connect)
                .operation_attempt_timeout(limits.attempt)
                .operation_timeout(limits.operation)
                .build(),
        )
        .retry_config(
            RetryConfig::standard().with_max_attempts(limits.attempts).with_initial_backoff(limits.first_pause),
        )
}
