//! The account over HTTP: finds the service by the request's signature, applies faults, records every call.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::{ServiceError, Trouble};
use crate::iam::Form;
use crate::sns::Published;
use crate::story::Story;
use crate::{cloudtrail, iam, sns};

/// A running account. Ends when it is dropped.
pub struct Sandbox {
    url: String,
    state: Shared,
    server: JoinHandle<()>,
}

/// A call that reached the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The IAM action it needs, as `iam:GetAccountSummary`.
    pub action: String,
    /// The Region of its signature.
    pub region: String,
}

type Shared = Arc<Mutex<State>>;

pub(crate) struct State {
    pub(crate) story: Story,
    pub(crate) calls: Vec<Call>,
    pub(crate) published: Vec<Published>,
    pub(crate) lookups: HashMap<String, Vec<Instant>>,
    pub(crate) report_complete: bool,
}

impl Sandbox {
    /// Starts the account of `story` on a free port of 127.0.0.1.
    pub async fn start(story: Story) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let state = Arc::new(Mutex::new(State {
            story,
            calls: Vec::new(),
            published: Vec::new(),
            lookups: HashMap::new(),
            report_complete: false,
        }));
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Self { url, state, server }
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// Every message that SNS took.
    pub fn published(&self) -> Vec<Published> {
        lock(&self.state).published.clone()
    }

    /// SDK configuration that leads here.
    pub async fn sdk_config(&self, limits: &aws::client::Limits) -> SdkConfig {
        aws::client::config(limits)
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKIAEXAMPLE", "secret", None, None, "sandbox"))
            .endpoint_url(&self.url)
            .load()
            .await
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(state: &Shared) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Shared) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            // A cut connection is one of the faults.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Where a call was meant to go.
struct Target {
    service: String,
    region: String,
}

async fn answer(state: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, io::Error> {
    let target = signed_for(&request);
    let path = request.uri().path().to_owned();
    let operation_header =
        request.headers().get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let Some(Target { service, region }) = target else {
        return Ok(response(
            403,
            "text/xml",
            "<ErrorResponse><Error><Code>MissingAuthenticationToken</Code></Error></ErrorResponse>",
        ));
    };
    let form: Form = form_urlencoded::parse(&body).into_owned().collect();
    let operation = match service.as_str() {
        "cloudtrail" => operation_header.rsplit('.').next().unwrap_or_default().to_owned(),
        "account" if path == "/listRegions" => "ListRegions".to_owned(),
        _ => form.get("Action").cloned().unwrap_or_default(),
    };
    let action = format!("{service}:{operation}");
    let trouble = {
        let mut state = lock(&state);
        state.calls.push(Call { action: action.clone(), region: region.clone() });
        state.trouble(&action, &region)
    };
    let result = match trouble {
        Some(Trouble::Hang) => std::future::pending().await,
        Some(Trouble::Reset) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Some(Trouble::Garbage) => return Ok(response(200, "text/html", "<html><body>It works!</body></html>")),
        Some(Trouble::Empty) => return Ok(response(200, "text/xml", "")),
        Some(Trouble::Deny) => {
            let code =
                if ["iam", "sns"].contains(&service.as_str()) { "AccessDenied" } else { "AccessDeniedException" };
            let code = if service == "sns" { "AuthorizationError" } else { code };
            Err(ServiceError::new(
                403,
                code,
                format!(
                    "User: arn:aws:sts::111122223333:assumed-role/rootwatch is not authorized to perform: {action}"
                ),
            ))
        }
        Some(Trouble::Throttle) => {
            let code = if service == "iam" || service == "sns" { "Throttling" } else { "ThrottlingException" };
            Err(ServiceError::new(400, code, "Rate exceeded"))
        }
        Some(Trouble::Broken) => Err(ServiceError::new(500, "InternalFailure", "")),
        Some(Trouble::Error(code)) => {
            let status = match code.as_str() {
                "LimitExceeded" => 409,
                "ServiceFailure" => 500,
                _ => 400,
            };
            Err(ServiceError::new(status, &code, "Unknown"))
        }
        Some(Trouble::Slow(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            lock(&state).answer(&service, &operation, &region, &form, &body)
        }
        None => lock(&state).answer(&service, &operation, &region, &form, &body),
    };
    Ok(word(&service, result))
}

impl State {
    /// The first fault for this call that is not used up.
    fn trouble(&mut self, action: &str, region: &str) -> Option<Trouble> {
        let fault = self.story.faults.iter_mut().find(|fault| {
            fault.on == action && fault.region.as_deref().is_none_or(|only| only == region) && fault.times != Some(0)
        })?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.trouble.clone())
    }

    fn answer(
        &mut self,
        service: &str,
        operation: &str,
        region: &str,
        form: &Form,
        body: &[u8],
    ) -> Result<String, ServiceError> {
        match (service, operation) {
            ("iam", _) => iam::answer(self, operation, form),
            ("sns", "Publish") => sns::publish(self, region, form),
            ("cloudtrail", "LookupEvents") => {
                let request = serde_json::from_slice(body).unwrap_or(Value::Null);
                cloudtrail::lookup_events(self, region, &request).map(|answer| answer.to_string())
            }
            ("account", "ListRegions") if region != "us-east-1" => {
                Err(ServiceError::new(403, "AccessDeniedException", "wrong endpoint"))
            }
            ("account", "ListRegions") => self.list_regions(body),
            ("sts", "GetCallerIdentity") => Ok(format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                 <Arn>arn:aws:iam::{0}:user/alice</Arn><UserId>AIDAEXAMPLE</UserId><Account>{0}</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
                self.story.account
            )),
            _ => Err(ServiceError::new(400, "InvalidAction", format!("{service}:{operation} is not there"))),
        }
    }

    /// The account's own id must not be in the request.
    fn list_regions(&self, body: &[u8]) -> Result<String, ServiceError> {
        let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        if request.get("AccountId").is_some() {
            return Err(ServiceError::new(403, "AccessDeniedException", "not for the own account"));
        }
        let size = request.get("MaxResults").map_or(Some(20), Value::as_u64).unwrap_or(0);
        if !(1..=50).contains(&size) {
            return Err(ServiceError::new(400, "ValidationException", "MaxResults is 1 to 50"));
        }
        let size = usize::try_from(size).unwrap_or(50).min(self.story.page_size);
        let start = request.get("NextToken").and_then(Value::as_str).and_then(|token| token.parse().ok()).unwrap_or(0);
        let regions = self.story.regions.iter().skip(start).take(size);
        let regions: Vec<Value> =
            regions.map(|name| json!({"RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT"})).collect();
        let mut answer = json!({"Regions": regions});
        if start + size < self.story.regions.len() {
            answer["NextToken"] = json!((start + size).to_string());
        }
        Ok(answer.to_string())
    }
}

/// Service and Region from the scope of the signature; an unsigned request has none.
fn signed_for(request: &Request<Incoming>) -> Option<Target> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let scope = header.split("Credential=").nth(1)?.split(',').next()?;
    let mut parts = scope.split('/').skip(2);
    let (region, service) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some(Target { service, region })
}

fn word(service: &str, result: Result<String, ServiceError>) -> Response<Full<Bytes>> {
    match (service, result) {
        ("cloudtrail", Ok(body)) => response(200, "application/x-amz-json-1.1", body),
        ("account", Ok(body)) => response(200, "application/json", body),
        (_, Ok(body)) => response(200, "text/xml", body),
        ("cloudtrail" | "account", Err(error)) => {
            let body = json!({"__type": error.code, "message": error.message}).to_string();
            let mut response = response(error.status, "application/x-amz-json-1.1", body);
            if let Ok(code) = error.code.parse() {
                response.headers_mut().insert("x-amzn-errortype", code);
            }
            response
        }
        (_, Err(error)) => {
            let body = format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>1</RequestId></ErrorResponse>",
                iam::escape(&error.code),
                iam::escape(&error.message)
            );
            response(error.status, "text/xml", body)
        }
    }
}

pub(crate) fn response(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(Full::new(body.into()))
        .expect("a fixed status and content type")
}
