//! Slack's incoming webhook (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>). Its URL is a secret: who
//! knows it can write into the channel.

use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use facts::source::Cause;
use facts::text::bounded;
use http::Uri;
use serde_json::Value;
use tokio::time::timeout;

use crate::client;

/// The only hosts that a message is sent to: Slack, and Slack for governments.
const HOSTS: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];
const CONNECT: Duration = Duration::from_secs(2);
/// Of an answer that is an error, no more is read.
const MAX_ANSWER: usize = 1_024;

/// A value that stays out of logs and errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `value`, hidden from now on.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The URL of a webhook of Slack. It stays out of logs and errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(Secret);

/// Not the URL of a webhook of Slack. The URL itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the webhook's URL {what}")]
pub struct WebhookUrlError {
    what: &'static str,
}

/// What Slack answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// HTTP status.
    pub status: u16,
    /// How long to wait before the next message, when there were too many.
    pub retry_after: Option<Duration>,
    /// A word on what is wrong, as `invalid_blocks`; bounded, and without the URL.
    pub body: String,
}

/// Slack did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}{}", if *may_be_taken { "; it may have taken the message all the same" } else { "" })]
pub struct NoAnswer {
    /// What happened.
    pub cause: Cause,
    /// The message was on its way: a second one at once may be a second message in the channel.
    pub may_be_taken: bool,
}

impl WebhookUrl {
    /// Takes exactly `https://hooks.slack.com/…` or `https://hooks.slack-gov.com/…`; over plain HTTP only `test_host`.
    ///
    /// # Errors
    /// For anything else. What parsers read differently (user names, ports, back-slashes, upper case, a dot at the end) is refused.
    pub fn parse(url: Secret, test_host: Option<&str>) -> Result<Self, WebhookUrlError> {
        let refused = |what| Err(WebhookUrlError { what });
        let text = url.reveal();
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\@#?%<>\"".contains(&byte)) {
            return refused("has characters that such an URL does not have");
        }
        let Ok(uri) = text.parse::<Uri>() else { return refused("is no URL") };
        let host = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
        let is_slack = uri.scheme_str() == Some("https") && HOSTS.contains(&host);
        let is_test = uri.scheme_str() == Some("http") && test_host == Some(host);
        // The same without a parser: nothing may stand between the host and its `/`.
        let begins = |host: &str, scheme: &str| text.starts_with(&format!("{scheme}://{host}/"));
        if !(is_slack && begins(host, "https") || is_test && begins(host, "http")) {
            return refused("is not https:// on hooks.slack.com or hooks.slack-gov.com");
        }
        if uri.path().len() < 2 {
            return refused("has no path");
        }
        Ok(Self(url))
    }

    /// `text` without what is secret of the URL.
    fn redact(&self, text: &str) -> String {
        let url = self.0.reveal();
        let path = url.splitn(4, '/').nth(3).unwrap_or(url);
        text.replace(url, "…").replace(path, "…")
    }
}

/// Posts messages; made once a process, so that connections are kept.
#[derive(Debug)]
pub struct Webhook {
    connector: Connector,
}

impl Default for Webhook {
    fn default() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
        let builder = Connector::builder().connector_settings(settings);
        Self { connector: builder.tls_provider(Provider::Rustls(CryptoMode::Ring)).build() }
    }
}

impl Webhook {
    /// Posts `message` to `url` once; redirects are not followed.
    ///
    /// # Errors
    /// When there is no answer within `limit`.
    pub async fn post(&self, url: &WebhookUrl, message: &Value, limit: Duration) -> Result<WebhookAnswer, NoAnswer> {
        let mut request = HttpRequest::new(SdkBody::from(message.to_string()));
        let is_set = request.set_uri(url.0.reveal()).is_ok() && request.set_method("POST").is_ok();
        if !is_set {
            return Err(NoAnswer { cause: Cause::Refused { code: "not a URL".into() }, may_be_taken: false });
        }
        request.headers_mut().insert("content-type", "application/json; charset=utf-8");
        let answer = async {
            let response = self.connector.call(request).await.map_err(|error| NoAnswer {
                cause: Cause::Unreachable,
                may_be_taken: !client::never_connected(&error),
            })?;
            Ok(read(response, url).await)
        };
        timeout(limit, answer).await.unwrap_or(Err(NoAnswer { cause: Cause::TimedOut, may_be_taken: true }))
    }
}

/// A body that cannot be read to its end changes nothing: the status has said it.
async fn read(response: HttpResponse, url: &WebhookUrl) -> WebhookAnswer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|seconds| seconds.trim().parse().ok());
    let mut body = Vec::new();
    if status != 200 {
        let mut stream = ByteStream::new(response.into_body());
        while let Some(Ok(bytes)) = stream.next().await {
            body.extend_from_slice(&bytes);
            if body.len() >= MAX_ANSWER {
                body.truncate(MAX_ANSWER);
                break;
            }
        }
    }
    let body = bounded(&url.redact(&String::from_utf8_lossy(&body)));
    WebhookAnswer { status, retry_after: retry_after.map(Duration::from_secs), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<WebhookUrl, WebhookUrlError> {
        WebhookUrl::parse(Secret::new(url), Some("127.0.0.1:8080"))
    }

    #[test]
    fn se_1_a_secret_is_not_in_its_debug_output() {
        assert_eq!(format!("{:?}", Secret::new("hidden")), "Secret(..)");
    }

    #[test]
    fn a_webhook_of_slack_is_taken_and_the_test_host_over_plain_http() {
        for url in [
            "https://hooks.slack.com/services/T000/B000/secret",
            "https://hooks.slack-gov.com/services/T000/B000/secret",
            "http://127.0.0.1:8080/services/secret",
        ] {
            assert!(parse(url).is_ok(), "{url}");
        }
        let url = Secret::new("http://127.0.0.1:8080/services/secret");
        assert!(WebhookUrl::parse(url, None).is_err(), "a test host must be set");
    }

    #[test]
    fn sl_5_nothing_else_is_and_the_url_stays_out_of_the_error() {
        for url in [
            "",
            "secret",
            "/services/secret",
            "hooks.slack.com/services/secret",
            "http://hooks.slack.com/services/secret",
            "ftp://hooks.slack.com/secret",
            "https://hooks.slack.com",
            "https://hooks.slack.com/",
            "https://hooks.slack.com@evil.example/secret",
            "https://evil.example@hooks.slack.com/secret",
            "https://user:secret@hooks.slack.com/secret",
            "https://hooks.slack.com.evil.example/secret",
            "https://evil.example/hooks.slack.com/secret",
            "https://hooks.slack.com:444/secret",
            "https://hooks.slack.com:443/secret",
            "https://hooks.slack.com:/secret",
            "https://hooks.slack.com./secret",
            "https://HOOKS.SLACK.COM/secret",
            "HTTPS://hooks.slack.com/secret",
            "https://hooks.slack.com\\@evil.example/secret",
            "https://hooks.slack.com\\.evil.example/secret",
            "https:\\\\hooks.slack.com\\secret",
            "https:/hooks.slack.com/secret",
            "https:///hooks.slack.com/secret",
            "https://hooks.slack.com/secret#@evil.example",
            "https://hooks.slack.com?secret",
            "https://evil.example#@hooks.slack.com/secret",
            "https://evil.example?@hooks.slack.com/secret",
            "https://hooks.slack.com/sec ret",
            "https://hooks.slack.com/secret\r\nHost: evil.example",
            "https://hooks.slack.com%2eevil.example/secret",
            "https://hooks。slack.com/secret",
            "https://169.254.169.254/latest/meta-data/secret",
            "http://169.254.169.254/latest/meta-data/secret",
            "https://[::ffff:169.254.169.254]/secret",
            "https://[::1]/secret",
            "https://127.0.0.1:8080/secret",
            "http://127.0.0.1:9001/secret",
            "http://127.0.0.1:8080@evil.example/secret",
            "http://127.0.0.1:8080.evil.example/secret",
        ] {
            let error = parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn se_1_what_slack_answers_is_reported_without_the_url() {
        let url = parse("https://hooks.slack.com/services/T000/B000/secret").unwrap();
        assert_eq!(url.redact("no_service for https://hooks.slack.com/services/T000/B000/secret"), "no_service for …");
        assert_eq!(url.redact("POST /services/T000/B000/secret: 404"), "POST /…: 404");
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[tokio::test]
    async fn sl_2_a_broken_tls_handshake_and_a_closed_port_are_unreachable() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            // Not a word of TLS.
            while let Ok((stream, _)) = listener.accept().await {
                stream.writable().await.unwrap();
                let _ = stream.try_write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
            }
        });
        let url = WebhookUrl(Secret::new(format!("https://127.0.0.1:{port}/secret")));
        let post = async || Webhook::default().post(&url, &Value::Null, Duration::from_secs(5)).await;
        let unsent = Err(NoAnswer { cause: Cause::Unreachable, may_be_taken: false });
        assert_eq!(post().await, unsent);
        server.abort();
        let _ = server.await;
        assert_eq!(post().await, unsent);
    }
}
