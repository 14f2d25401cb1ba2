//! How every SDK client is built.
//!
//! The SDK itself waits for ever on a connection that hangs; every client here has three time limits.
//!
//! The roots are those of the system, or of the bundle that `SSL_CERT_FILE` names, as a proxy that ends TLS needs. None are built in:
//! Amazon advises against pinning, and an old binary could stop working
//! (<https://docs.aws.amazon.com/acm/latest/userguide/acm-bestpractices.html#best-practices-pinning>).

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::config_bag::ConfigBag;

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

/// The connector of all clients, made with the first request.
///
/// Each SDK client that is made asks its HTTP client whether it works. The SDK's own answers by parsing every root certificate into a
/// connector that it throws away: for each of the thirty clients of a check again. This one does not answer.
#[derive(Debug)]
struct OneConnector(SharedHttpClient);

impl HttpClient for OneConnector {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// `http` for all clients, asked once whether it works: that reads the roots before the first event, while Lambda gives the process
/// a whole CPU.
fn shared(http: SharedHttpClient) -> SharedHttpClient {
    if let Err(error) =
        http.validate_base_client_config(&RuntimeComponentsBuilder::new("rootwatch"), &ConfigBag::base())
    {
        tracing::error!(error, "no connection can be made; the first call says why");
    }
    SharedHttpClient::new(OneConnector(http))
}

/// The SDK's usual configuration (environment, profile, role) with `limits` and one connector that all clients share.
pub fn config(limits: &Limits) -> ConfigLoader {
    // ring and not aws-lc-rs, which costs tens of milliseconds of CPU at a process's first TLS connection.
    let http = aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(shared(http))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::Region;
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_runtime_api::box_error::BoxError;

    use super::*;

    /// Counts how often somebody asks whether it works.
    #[derive(Debug)]
    struct Asked(SharedHttpClient, Arc<AtomicUsize>);

    impl HttpClient for Asked {
        fn http_connector(&self, settings: &HttpConnectorSettings, of: &RuntimeComponents) -> SharedHttpConnector {
            self.0.http_connector(settings, of)
        }

        fn validate_base_client_config(&self, _: &RuntimeComponentsBuilder, _: &ConfigBag) -> Result<(), BoxError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn the_roots_are_read_once_however_many_clients_are_made() {
        let asked = Arc::new(AtomicUsize::new(0));
        let answer = infallible_client_fn(|_| http::Response::builder().body("").expect("an answer"));
        let http = shared(SharedHttpClient::new(Asked(SharedHttpClient::new(answer), Arc::clone(&asked))));
        let config = aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("us-east-1"))
            .http_client(http)
            .build();
        let _clients = (aws_sdk_iam::Client::new(&config), aws_sdk_s3::Client::new(&config));
        let _more = [(); 3].map(|()| aws_sdk_cloudtrail::Client::new(&config));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}
