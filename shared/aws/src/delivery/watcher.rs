//! A watcher outside the account, which notices that heartbeats stop coming.

use std::time::Duration;

use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use facts::source::Cause;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(5);

/// The watcher did not take a heartbeat. Its address is a secret and stays out of the error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("GET HeartbeatUrl {cause}")]
pub struct HeartbeatError {
    /// What happened.
    pub cause: Cause,
}

/// Calls `url` once; redirects are not followed.
///
/// # Errors
/// Anything but an answer of 2xx within 5 seconds.
pub async fn send_heartbeat(url: &str) -> Result<(), HeartbeatError> {
    let failed = |cause| HeartbeatError { cause };
    let mut request = HttpRequest::new(SdkBody::empty());
    if request.set_uri(url).is_err() {
        return Err(failed(Cause::Refused { code: "not a URL".into() }));
    }
    let builder: ConnectorBuilder = Connector::builder();
    let connector = builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build();
    match timeout(LIMIT, connector.call(request)).await {
        Err(_) => Err(failed(Cause::TimedOut)),
        Ok(Err(_)) => Err(failed(Cause::Unreachable)),
        Ok(Ok(response)) if response.status().is_success() => Ok(()),
        Ok(Ok(response)) => Err(failed(Cause::Refused { code: response.status().as_u16().to_string() })),
    }
}
