//! Room for answers: however many requests are under way, what is read of them at a time is bounded.
//!
//! A page of CloudTrail's event history holds 50 records. A record is small, but anyone who acts in the account may make it large: AWS
//! keeps up to 100 KB of a request and as much of its answer
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>). Two dozen Regions
//! are read side by side, so such pages would be more than the function's memory.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use tokio::sync::Semaphore;

/// Bytes of one permit: an ordinary page takes two or three.
const UNIT: usize = 64 * 1024;
/// Permits in all: 16 MB, which is one page of the largest records.
const UNITS: usize = 256;
/// What an answer takes that does not say how long it is.
const UNKNOWN: usize = 4 * 1024 * 1024;

/// An HTTP client that reads answers when there is room for them. What shares a clone of it shares the room.
#[derive(Debug, Clone)]
pub(crate) struct Roomy {
    inner: SharedHttpClient,
    room: Arc<Semaphore>,
}

impl Roomy {
    pub(crate) fn new(inner: SharedHttpClient) -> Self {
        Self { inner, room: Arc::new(Semaphore::new(UNITS)) }
    }
}

impl HttpClient for Roomy {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(RoomyConnector { inner, room: Arc::clone(&self.room) })
    }
}

#[derive(Debug)]
struct RoomyConnector {
    inner: SharedHttpConnector,
    room: Arc<Semaphore>,
}

impl HttpConnector for RoomyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, room) = (self.inner.call(request), Arc::clone(&self.room));
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            // Given back when the answer is handed over: the caller takes it apart and lets it go before another one is polled.
            let _room =
                room.acquire_many(units(&answer)).await.map_err(|closed| ConnectorError::other(closed.into(), None))?;
            whole(answer).await
        })
    }
}

fn units(answer: &HttpResponse) -> u32 {
    let length = answer.headers().get("content-length").and_then(|length| length.parse().ok()).unwrap_or(UNKNOWN);
    u32::try_from(length.div_ceil(UNIT).clamp(1, UNITS)).unwrap_or(1)
}

/// The answer with its body in memory.
async fn whole(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = ByteStream::new(std::mem::replace(answer.body_mut(), SdkBody::empty()));
    let bytes = body.collect().await.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    *answer.body_mut() = SdkBody::from(bytes);
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
    use futures_util::future::join_all;
    use tokio::time::timeout;

    use super::*;

    /// A connector to somebody who claims to answer with so many bytes.
    fn connector(bytes: Option<usize>) -> (SharedHttpConnector, Arc<Semaphore>) {
        let client = infallible_client_fn(move |_| {
            let answer = http::Response::builder();
            let answer = bytes.into_iter().fold(answer, |answer, bytes| answer.header("content-length", bytes));
            answer.body("hello").expect("an answer")
        });
        let roomy = Roomy::new(SharedHttpClient::new(client));
        let components = RuntimeComponentsBuilder::for_tests().build().expect("components");
        (roomy.http_connector(&HttpConnectorSettings::default(), &components), roomy.room)
    }

    async fn answers(connector: &SharedHttpConnector) -> bool {
        let request = HttpRequest::get("http://example.invalid/").expect("a request");
        let answer = timeout(Duration::from_secs(1), connector.call(request)).await;
        answer.is_ok_and(|answer| answer.expect("an answer").body().bytes() == Some(b"hello"))
    }

    #[tokio::test(start_paused = true)]
    async fn ordinary_pages_of_every_region_are_read_at_once() {
        let (connector, room) = connector(Some(150_000));
        // As many as are left beside the pages of 33 other Regions.
        let _others = room.acquire_many(33 * 3).await.expect("open");
        assert!(join_all((0..34).map(|_| answers(&connector))).await.into_iter().all(|read| read));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_answer_waits_for_room_and_gives_it_back() {
        for bytes in [Some(12_800_000), Some(usize::MAX), None] {
            let (connector, room) = connector(bytes);
            let other = room.acquire_many(200).await.expect("open");
            assert!(!answers(&connector).await, "{bytes:?}");
            drop(other);
            assert!(answers(&connector).await && answers(&connector).await, "{bytes:?}");
            assert_eq!(room.available_permits(), UNITS);
        }
    }
}
