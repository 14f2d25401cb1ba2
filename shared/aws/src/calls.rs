//! Every call of a reading, as AWS support and CloudTrail find it again: what was called, where, when, and the id that AWS gave it.

use std::cell::RefCell;

use aws_config::Region;
use aws_sdk_iam::operation::RequestId;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::Document;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::endpoint::Endpoint;
use facts::call::Call;
use jiff::Timestamp;

tokio::task_local! {
    /// Of the reading that is going on in this task; thus no reading finds the calls of another.
    static CALLS: RefCell<Vec<Call>>;
}

/// The outcome of `reading`, and the calls that ended in it, in the order of their ends. A call that is cut short has no end.
pub(crate) async fn noted<T>(reading: impl Future<Output = T>) -> (T, Vec<Call>) {
    let noted = async {
        let read = reading.await;
        let mut calls = CALLS.with(RefCell::take);
        calls.sort_by_key(|call| call.at);
        (read, calls)
    };
    CALLS.scope(RefCell::default(), noted).await
}

/// Notes each operation of a client at its end, whatever came of it.
#[derive(Debug)]
pub(crate) struct NoteCalls;

#[dyn_dispatch_hint]
impl Intercept for NoteCalls {
    fn name(&self) -> &'static str {
        "NoteCalls"
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let ended = components.time_source().and_then(|clock| Timestamp::try_from(clock.now()).ok());
        let (Some(operation), Some(at)) = (config.load::<Metadata>(), ended) else { return Ok(()) };
        let response = context.response();
        let call = Call {
            operation: format!("{}.{}", operation.service(), operation.name()),
            region: region(config).unwrap_or_default(),
            request_id: response.and_then(|response| response.request_id()).map(facts::text::bounded),
            at,
            status: response.map(|response| response.status().as_u16()),
        };
        // Outside of a reading no one asks.
        CALLS.try_with(|calls| calls.borrow_mut().push(call)).unwrap_or_default();
        Ok(())
    }
}

/// That of the endpoint, by which CloudTrail records the call: IAM's is in one Region. Else the client's.
fn region(config: &ConfigBag) -> Option<String> {
    let scheme = config.load::<Endpoint>().and_then(|endpoint| endpoint.auth_schemes().first());
    let region = scheme.and_then(|scheme| scheme.get("signingRegion"));
    let own = || config.load::<Region>().map(ToString::to_string);
    region.and_then(Document::as_string).map(str::to_owned).or_else(own)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_config::retry::RetryConfig;
    use aws_config::timeout::TimeoutConfig;
    use aws_config::{BehaviorVersion, SdkConfig};
    use aws_sdk_iam::Client;
    use aws_sdk_iam::config::{Builder, Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::{NeverClient, infallible_client_fn};
    use aws_smithy_runtime_api::client::http::HttpClient;
    use futures_util::FutureExt;

    use super::*;

    fn client(http: impl HttpClient + 'static) -> Client {
        let credentials = Credentials::new("AKIAEXAMPLE", "s", None, None, "test");
        let timeout = TimeoutConfig::builder().operation_timeout(Duration::from_secs(20)).build();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::ZERO))
            .timeout_config(timeout)
            .http_client(http)
            .build();
        Client::from_conf(Builder::from(&config).interceptor(NoteCalls).build())
    }

    /// Gives each request the next number as its id; the first of all is answered with a fault.
    fn counting() -> Client {
        let requests = AtomicUsize::new(0);
        client(infallible_client_fn(move |_| {
            let number = requests.fetch_add(1, Ordering::SeqCst);
            let body = "<ListAccountAliasesResponse><ListAccountAliasesResult/></ListAccountAliasesResponse>";
            let answer = http::Response::builder().status(if number == 0 { 500 } else { 200 });
            answer.header("x-amzn-requestid", number.to_string()).body(body).expect("an answer")
        }))
    }

    async fn call(client: &Client) {
        drop(client.list_account_aliases().send().await);
    }

    fn ids(calls: &[Call]) -> Vec<Option<&str>> {
        calls.iter().map(|call| call.request_id.as_deref()).collect()
    }

    #[tokio::test]
    async fn an_operation_is_noted_once_by_its_last_attempt() {
        let (before, client) = (Timestamp::now(), counting());
        let ((), calls) = noted(call(&client)).await;
        let [call] = calls.as_slice() else { panic!("{calls:?}") };
        assert_eq!((call.operation.as_str(), call.region.as_str()), ("IAM.ListAccountAliases", "us-east-1"));
        assert_eq!((call.request_id.as_deref(), call.status), (Some("1"), Some(200)));
        assert!(before <= call.at && call.at <= Timestamp::now());
    }

    #[tokio::test]
    async fn a_reading_finds_its_own_calls_alone() {
        let client = counting();
        call(&client).await;
        let ((), first) = noted(call(&client)).await;
        call(&client).await;
        let ((), second) = noted(async { tokio::join!(call(&client), call(&client)) }.map(drop)).await;
        assert_eq!((ids(&first), ids(&second)), (vec![Some("2")], vec![Some("4"), Some("5")]));
        let (((), one), ((), other)) = tokio::join!(noted(call(&client)), noted(call(&client)));
        assert_eq!((one.len(), other.len()), (1, 1), "also of two at a time");
        let ((), none) = noted(async {}).await;
        assert_eq!(none, []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_an_answer_has_neither_id_nor_status_and_one_that_is_cut_short_no_end() {
        let client = client(NeverClient::new());
        let ((), calls) = noted(call(&client)).await;
        assert_eq!(calls.iter().map(|call| (&call.request_id, call.status)).collect::<Vec<_>>(), [(&None, None)]);
        let cut_short = tokio::time::timeout(Duration::from_secs(1), call(&client));
        assert_eq!(noted(cut_short.map(drop)).await.1, []);
    }
}
