//! The account over HTTP: finds the service by the request's signature, applies faults, records every call.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::config::Credentials;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::dynamodb::DynamoDb;
use crate::fault::{Fault, ServiceError, Trouble};
use crate::iam::Form;
use crate::members::{self, Organization, Sessions};
use crate::s3::store::{self, Object, Store};
use crate::signals::{Crash, Signals};
use crate::sns::Published;
use crate::story::Story;
use crate::{
    access_analyzer, account, billing, cloudtrail, cloudwatch, dynamodb, fault, iam, identity_center, organizations,
    s3, security_hub, slack, sns, ssm, watch,
};

/// A running account. Ends when it is dropped.
pub struct Sandbox {
    url: String,
    account: Arc<Account>,
    server: JoinHandle<()>,
    _dynamodb: DynamoDb,
}

/// A call that reached the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The IAM action it needs, as `iam:GetAccountSummary`; `watcher:GET` or `watcher:POST` for the watcher, `slack:POST`
    /// for Slack.
    pub action: String,
    /// The Region of its signature; empty without one.
    pub region: String,
    /// The member whose root user's session signed it, by id.
    pub member: Option<String>,
    /// The member whose role's session signed it.
    pub by_role: Option<String>,
}

struct Account {
    state: Mutex<State>,
    signals: Signals,
    dynamodb: SocketAddr,
    answers: AtomicU64,
}

pub(crate) struct State {
    pub(crate) story: Story,
    pub(crate) calls: Vec<Call>,
    /// Of the sandbox itself.
    pub(crate) url: String,
    pub(crate) published: Vec<Published>,
    /// What was put on the buses, as EventBridge delivers it.
    pub(crate) events: Vec<Value>,
    /// What Slack took: by which webhook, and the message.
    pub(crate) posts: Vec<(String, Value)>,
    /// What was published for Amazon Q.
    pub(crate) chats: Vec<Value>,
    /// The bodies of the calls that brought findings to Security Hub.
    pub(crate) imports: Vec<Value>,
    /// What Security Hub has, by id.
    pub(crate) security_findings: BTreeMap<String, Value>,
    /// The report bucket.
    pub(crate) reports: Store,
    pub(crate) lookups: HashMap<String, Vec<Instant>>,
    /// What DynamoDB would charge for writing.
    write_units: usize,
    pub(crate) report_asked: bool,
    pub(crate) report_complete: bool,
    heartbeats: usize,
    /// The organization that the account looks after.
    pub(crate) organization: Option<Organization>,
    pub(crate) sessions: Sessions,
}

impl Sandbox {
    /// Starts the account of `story` on a free port of 127.0.0.1.
    pub async fn start(story: Story) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
        let url = format!("http://{}", listener.local_addr().expect("a bound address"));
        let dynamodb = DynamoDb::start().await;
        let state = Mutex::new(State {
            story,
            calls: Vec::new(),
            url: url.clone(),
            published: Vec::new(),
            events: Vec::new(),
            posts: Vec::new(),
            chats: Vec::new(),
            imports: Vec::new(),
            security_findings: BTreeMap::new(),
            reports: Store::default(),
            lookups: HashMap::new(),
            write_units: 0,
            report_asked: false,
            report_complete: false,
            heartbeats: 0,
            organization: None,
            sessions: Sessions::default(),
        });
        let account = Arc::new(Account {
            state,
            signals: Signals::default(),
            dynamodb: dynamodb.address,
            answers: AtomicU64::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&account)));
        Self { url, account, server, _dynamodb: dynamodb }
    }

    /// For `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every call so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.account.lock().calls.clone()
    }

    /// Forgets every call so far; what they did stays done.
    pub fn forget_calls(&self) {
        let mut state = self.account.lock();
        state.calls.clear();
        state.write_units = 0;
    }

    /// Units that DynamoDB charges for what these calls wrote.
    pub fn write_units(&self) -> usize {
        self.account.lock().write_units
    }

    /// Every message that SNS took.
    pub fn published(&self) -> Vec<Published> {
        self.account.lock().published.clone()
    }

    /// Every event that was put on a bus, as EventBridge delivers it.
    pub fn events(&self) -> Vec<Value> {
        self.account.lock().events.clone()
    }

    /// Every message that Slack took.
    pub fn posts(&self) -> Vec<Value> {
        self.account.lock().posts.iter().map(|(_, message)| message.clone()).collect()
    }

    /// By which webhook Slack took each of them: its path.
    pub fn posted_to(&self) -> Vec<String> {
        self.account.lock().posts.iter().map(|(webhook, _)| webhook.clone()).collect()
    }

    /// Every message that was published for Amazon Q.
    pub fn chats(&self) -> Vec<Value> {
        self.account.lock().chats.clone()
    }

    /// The body of every call that brought findings to Security Hub.
    pub fn imports(&self) -> Vec<Value> {
        self.account.lock().imports.clone()
    }

    /// Every finding that Security Hub has, by id.
    pub fn security_findings(&self) -> BTreeMap<String, Value> {
        self.account.lock().security_findings.clone()
    }

    /// Every object of the report bucket, by key.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        self.account.lock().reports.objects.clone()
    }

    /// The bytes of the object at `key`.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.account.lock().reports.objects.get(key).map(|object| object.bytes.clone())
    }

    /// Puts an object into the report bucket, by no call.
    pub fn place_object(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        self.account.lock().reports.place(key, bytes.into(), "application/json", None);
    }

    /// Removes an object from the report bucket, by no call.
    pub fn remove_object(&self, key: &str) {
        self.account.lock().reports.objects.remove(key);
    }

    /// The report bucket was made with Object Lock.
    pub fn allow_object_lock(&self) {
        self.account.lock().reports.has_object_lock = true;
    }

    /// Copies the report bucket into `folder`, as `aws s3 sync` does.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn copy_objects(&self, folder: &Path) -> io::Result<()> {
        for (key, object) in self.objects() {
            let file = folder.join(key);
            file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(file, object.bytes)?;
        }
        Ok(())
    }

    /// How many heartbeats the service outside the account got: unsigned calls under `/watcher/`.
    pub fn heartbeats(&self) -> usize {
        self.account.lock().heartbeats
    }

    /// Puts `story` with its faults in place of the present one. Calls, messages and the table stay.
    pub fn turn_to(&self, story: Story) {
        let mut state = self.account.lock();
        if state.story.now != story.now {
            // The second in which CloudTrail allows two look-ups is over too.
            state.lookups.clear();
        }
        state.story = story;
        state.report_complete = false;
    }

    /// Puts `organization` behind the account, in place of the present one, with its faults in place of the account's.
    pub fn turn_to_organization(&self, organization: Organization) {
        let mut state = self.account.lock();
        state.story.faults.clone_from(&organization.faults);
        state.organization = Some(organization);
    }

    /// Adds a fault to those of the story.
    pub fn add_fault(&self, fault: Fault) {
        self.account.lock().story.faults.push(fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear_faults(&self) {
        self.account.lock().story.faults.clear();
    }

    /// Waits until a call is held by [`Trouble::Hold`].
    pub async fn held(&self) {
        self.account.signals.held().await;
    }

    /// Lets go of every call that is held, and returns when they have taken effect.
    pub async fn release(&self) {
        self.account.signals.release().await;
    }

    /// Returns when, from now on, a fault says that the function ends: [`Trouble::Crash`] or [`Trouble::CrashBefore`].
    pub fn crashed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.crash().struck()
    }

    pub(crate) fn crash(&self) -> Crash {
        self.account.signals.crashed()
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
        self.account.signals.end();
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, account: Arc<Account>) {
    while let Ok((stream, _)) = listener.accept().await {
        let account = Arc::clone(&account);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&account), request));
            // A cut connection is one of the faults.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A call as it came in.
struct Asked {
    service: String,
    operation: String,
    region: String,
    /// With the query.
    path: String,
    headers: HeaderMap,
    form: Form,
    body: Bytes,
}

impl Asked {
    /// `None` for a call without a signature that is neither for the watcher nor for Slack.
    fn of(head: Parts, body: Bytes) -> Option<Self> {
        let form: Form = form_urlencoded::parse(&body).into_owned().collect();
        let (path, headers) = (head.uri.path().to_owned(), head.headers);
        let (service, region) = match signed_for(&headers) {
            Some(scope) => scope,
            None if path.starts_with("/watcher/") => ("watcher".to_owned(), String::new()),
            None if path.starts_with("/services/") => ("slack".to_owned(), String::new()),
            None => return None,
        };
        let operation = match service.as_str() {
            "bcm-data-exports" | "budgets" | "cloudtrail" | "cur" | "dynamodb" | "events" | "organizations" | "sso"
            | "ssm" => {
                let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
                target.rsplit('.').next().unwrap_or_default().to_owned()
            }
            "access-analyzer" if head.method == "GET" && path == "/analyzer" => "ListAnalyzers".to_owned(),
            "account" => match path.as_str() {
                "/getAlternateContact" => "GetAlternateContact".to_owned(),
                "/getContactInformation" => "GetContactInformation".to_owned(),
                "/listRegions" => "ListRegions".to_owned(),
                _ => String::new(),
            },
            "monitoring" => cloudwatch::operation(&path).to_owned(),
            "s3" => s3::operation(&head.method, &path, head.uri.query().unwrap_or_default()).to_owned(),
            "scheduler" if head.method == "GET" && path.starts_with("/schedules/") => "GetSchedule".to_owned(),
            "securityhub" if head.method == "POST" && path == "/findings/import" => "BatchImportFindings".to_owned(),
            "watcher" | "slack" => head.method.to_string(),
            _ => form.get("Action").cloned().unwrap_or_default(),
        };
        let path = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        Some(Self { service, operation, region, path, headers, form, body })
    }

    /// The IAM action; it is not always called as the service and the operation are.
    fn action(&self) -> String {
        match (self.service.as_str(), self.operation.as_str()) {
            ("budgets", "DescribeBudgetNotificationsForAccount" | "DescribeBudgets") => "budgets:ViewBudget".to_owned(),
            ("monitoring", operation) => format!("cloudwatch:{operation}"),
            ("s3", "HeadObject") => "s3:GetObject".to_owned(),
            (service, operation) => format!("{service}:{operation}"),
        }
    }

    /// The access key that signed it.
    fn key(&self) -> &str {
        members::signed_by(&self.headers)
    }

    /// What else it needs.
    fn further_action(&self) -> Option<&'static str> {
        self.headers.contains_key("x-amz-object-lock-mode").then_some("s3:PutObjectRetention")
    }
}

/// With an id, as AWS gives each answer one.
async fn answer(account: Arc<Account>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let mut response = came_of(Arc::clone(&account), request).await?;
    let number = account.answers.fetch_add(1, Ordering::Relaxed);
    let id = HeaderValue::try_from(format!("00000000-0000-4000-a000-{number:012}")).map_err(io::Error::other)?;
    response.headers_mut().insert("x-amzn-requestid", id);
    Ok(response)
}

async fn came_of(account: Arc<Account>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Some(asked) = Asked::of(head, body) else {
        return Ok(response(
            403,
            "text/xml",
            "<ErrorResponse><Error><Code>MissingAuthenticationToken</Code></Error></ErrorResponse>",
        ));
    };
    let (service, mut action) = (asked.service.as_str(), asked.action());
    let cut = || Err(io::Error::from(io::ErrorKind::ConnectionReset));
    let mut trouble = account.lock().record(&action, &asked);
    if let Some(further) = asked.further_action() {
        let struck = account.lock().record(further, &asked);
        if trouble.is_none() && struck.is_some() {
            (trouble, action) = (struck, further.to_owned());
        }
    }
    match trouble {
        None => perform(&account, &asked).await,
        Some(Trouble::Hang) => std::future::pending().await,
        Some(Trouble::Reset) => cut(),
        Some(Trouble::Garbage) => Ok(response(200, "text/html", "<html><body>It works!</body></html>")),
        Some(Trouble::Empty) => Ok(response(200, "text/xml", "")),
        Some(Trouble::Deny) => Ok(word(service, Err(ServiceError::denied(service, &action)))),
        Some(Trouble::Throttle) => Ok(word(service, Err(ServiceError::throttled(service)))),
        Some(Trouble::Broken) => Ok(word(service, Err(ServiceError::broken(service)))),
        Some(Trouble::Error(code)) => Ok(word(service, Err(ServiceError::with_code(service, &code)))),
        Some(Trouble::Slow(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            perform(&account, &asked).await
        }
        Some(Trouble::AnswerLate(milliseconds)) => {
            let answer = perform(&account, &asked).await;
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            answer
        }
        Some(Trouble::LoseAnswer) => {
            perform(&account, &asked).await?;
            cut()
        }
        Some(Trouble::Crash) => {
            perform(&account, &asked).await?;
            account.signals.crash();
            std::future::pending().await
        }
        Some(Trouble::CrashBefore) => {
            account.signals.crash();
            std::future::pending().await
        }
        Some(Trouble::Hold) => {
            // A task of its own: what is on its way arrives, also when the caller has given up.
            let held = tokio::spawn(async move {
                if !account.signals.hold().await {
                    return cut();
                }
                let answer = perform(&account, &asked).await;
                account.signals.arrived();
                answer
            });
            held.await.map_err(io::Error::other)?
        }
    }
}

/// The call's effect and its right answer.
async fn perform(account: &Account, asked: &Asked) -> io::Result<Response<Full<Bytes>>> {
    let key = asked.key();
    let plays_organization = account.lock().organization.is_some();
    if plays_organization && key.starts_with("ASIA") {
        let delay = members::delay(&account.lock(), key);
        tokio::time::sleep(delay).await;
        let mut state = account.lock();
        let answer = if state.sessions.is_of_role(key) {
            members::by_role(&mut state, key, &asked.headers, |state| state.answer(asked))
        } else {
            members::in_session(&mut state, &asked.action(), key, &asked.headers, &asked.form)
        };
        return Ok(word(&asked.service, answer));
    }
    match asked.service.as_str() {
        "dynamodb" => {
            account.lock().write_units += dynamodb::write_units(&asked.operation, &asked.body);
            dynamodb::forward(account.dynamodb, &asked.headers, asked.body.clone()).await
        }
        "s3" if store::knows(&asked.operation) => {
            let Asked { operation, region, path, headers, body, .. } = asked;
            Ok(store::answer(&mut account.lock(), operation, region, path, headers, body))
        }
        "events" if asked.operation == "PutEvents" => {
            let request: Value = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
            let put = watch::put_events(&mut account.lock(), &asked.region, &request);
            let answer = match put {
                Ok((answer, item)) => {
                    if let Some(item) = item {
                        dynamodb::put(account.dynamodb, &item).await?;
                    }
                    Ok(answer.to_string())
                }
                Err(error) => Err(error),
            };
            Ok(word("events", answer))
        }
        service => Ok(word(service, account.lock().answer(asked))),
    }
}

impl State {
    /// Records a call, and says what goes wrong with it.
    fn record(&mut self, action: &str, asked: &Asked) -> Option<Trouble> {
        let region = &asked.region;
        let session = self.sessions.account(asked.key()).map(str::to_owned);
        let is_of_role = self.sessions.is_of_role(asked.key());
        let (by_role, member) = if is_of_role { (session, None) } else { (None, session) };
        self.calls.push(Call { action: action.to_owned(), region: region.clone(), member, by_role });
        self.report_asked |= action == "iam:GenerateCredentialReport";
        fault::strike(&mut self.story.faults, action, region)
    }

    fn answer(&mut self, asked: &Asked) -> Result<String, ServiceError> {
        let Asked { service, operation, region, path, headers, form, body } = asked;
        match (service.as_str(), operation.as_str()) {
            ("iam", _) => iam::answer(self, operation, form),
            ("sts", "AssumeRole") => members::assume_role(self, headers, form),
            ("sts", "AssumeRoot") => members::assume_root(self, headers, form),
            ("s3", _) => s3::answer(self, operation, region, path, headers),
            ("slack", _) => slack::post(self, operation, path, headers, body),
            ("sns", "Publish") => sns::publish(self, region, form),
            ("sns", "ListSubscriptionsByTopic") => sns::list_subscriptions(self, region, form),
            ("ssm", "GetParameter") => ssm::get_parameter(self, region, body),
            ("watcher", "GET" | "POST") => {
                self.heartbeats += 1;
                Ok("OK".to_owned())
            }
            ("watcher", _) => Err(ServiceError::new(405, "Method Not Allowed", "")),
            ("sts", "GetCallerIdentity") => Ok(format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                 <Arn>arn:aws:iam::{0}:user/alice</Arn><UserId>AIDAEXAMPLE</UserId><Account>{0}</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
                self.story.account
            )),
            _ => self.answer_in_json(asked).map(|answer| answer.to_string()),
        }
    }

    fn answer_in_json(&mut self, asked: &Asked) -> Result<Value, ServiceError> {
        let Asked { service, operation, region, path, body, .. } = asked;
        let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        match (service.as_str(), operation.as_str()) {
            ("access-analyzer", "ListAnalyzers") => access_analyzer::list_analyzers(self, region, path),
            ("account", _) => account::answer(self, operation, region, &request),
            ("bcm-data-exports" | "budgets" | "cur", _) => billing::answer(self, operation, region, &request),
            ("cloudtrail", "LookupEvents") => cloudtrail::lookup_events(self, region, &request),
            ("cloudtrail", "DescribeTrails") => cloudtrail::describe_trails(self, region, &request),
            ("cloudtrail", "GetTrailStatus") => cloudtrail::trail_status(self, region, &request),
            ("cloudtrail", "GetEventSelectors") => cloudtrail::event_selectors(self, region, &request),
            ("events", "ListRules") => watch::list_rules(self, region, &request),
            ("events", "ListTargetsByRule") => watch::list_targets(self, region, &request),
            ("monitoring", _) => cloudwatch::answer(self, operation, region, body),
            ("organizations", _) => match members::answer(self, operation, region, &request) {
                Some(answer) => answer,
                None => organizations::answer(self, operation, region, &request),
            },
            ("scheduler", "GetSchedule") => watch::get_schedule(self, region, path),
            ("securityhub", "BatchImportFindings") => security_hub::import(self, region, body),
            ("sso", "ListInstances") => identity_center::list_instances(self, region, &request),
            _ => Err(ServiceError::new(400, "InvalidAction", format!("{service}:{operation} is not there"))),
        }
    }

    /// Each with whether somebody enabled it, and not AWS for everybody.
    pub(crate) fn enabled_regions(&self) -> impl Iterator<Item = (&str, bool)> {
        let usual = self.story.regions.iter().map(|name| (name.as_str(), false));
        usual.chain(self.story.baseline.opt_in_regions.iter().map(|name| (name.as_str(), true)))
    }

    /// A service of a Region that is not enabled knows nobody of the account.
    pub(crate) fn check_enabled(&self, region: &str) -> Result<(), ServiceError> {
        if self.enabled_regions().any(|(enabled, _)| enabled == region) {
            return Ok(());
        }
        let what = "The security token included in the request is invalid.";
        Err(ServiceError::new(400, "UnrecognizedClientException", what))
    }
}

/// Service and Region from the scope of the signature; an unsigned request has none.
fn signed_for(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let scope = header.split("Credential=").nth(1)?.split(',').next()?;
    let mut parts = scope.split('/').skip(2);
    let (region, service) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    Some((service, region))
}

/// How a service words results and errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// JSON to one address, the operation in a header.
    AwsJson,
    /// JSON to an address of the operation.
    RestJson,
    /// XML of the services that take forms.
    Query,
}

impl Protocol {
    fn of(service: &str) -> Self {
        match service {
            "access-analyzer" | "account" | "scheduler" | "securityhub" => Self::RestJson,
            "bcm-data-exports" | "budgets" | "cloudtrail" | "cur" | "events" | "organizations" | "sso" | "ssm" => {
                Self::AwsJson
            }
            _ => Self::Query,
        }
    }
}

fn word(service: &str, result: Result<String, ServiceError>) -> Response<Full<Bytes>> {
    let header = result.as_ref().err().and_then(|error| error.header.clone());
    let mut response = match (service, result) {
        ("watcher" | "slack", Ok(body)) => response(200, "text/plain", body),
        ("slack", Err(error)) => slack::word(&error),
        ("watcher", Err(error)) => response(error.status, "text/plain", error.code),
        ("dynamodb", Err(error)) => {
            let code = format!("com.amazonaws.dynamodb.v20120810#{}", error.code);
            let body = json!({"__type": code, "message": error.message}).to_string();
            response(error.status, "application/x-amz-json-1.0", body)
        }
        ("s3", Err(error)) => response(error.status, "application/xml", s3::error(&error)),
        ("monitoring", result) => cloudwatch::word(result),
        (_, result) => word_by(Protocol::of(service), result),
    };
    if let Some((name, Ok(value))) = header.map(|(name, value)| (name, value.parse())) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn word_by(protocol: Protocol, result: Result<String, ServiceError>) -> Response<Full<Bytes>> {
    match (protocol, result) {
        (Protocol::AwsJson, Ok(body)) => response(200, "application/x-amz-json-1.1", body),
        (Protocol::RestJson, Ok(body)) => response(200, "application/json", body),
        (Protocol::Query, Ok(body)) => response(200, "text/xml", body),
        (Protocol::AwsJson | Protocol::RestJson, Err(error)) => {
            let body = json!({"__type": error.code, "message": error.message}).to_string();
            let mut response = response(error.status, "application/x-amz-json-1.1", body);
            if let Ok(code) = error.code.parse() {
                response.headers_mut().insert("x-amzn-errortype", code);
            }
            response
        }
        (Protocol::Query, Err(error)) => {
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
