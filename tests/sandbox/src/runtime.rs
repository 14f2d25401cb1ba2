//! A local Lambda Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>): one event into a real binary.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::server::{Sandbox, response};
use crate::signals::Crash;
use crate::story::{Story, WEBHOOK_PARAMETER};

/// What is handed to the function.
#[derive(Debug, Clone)]
pub struct Invoke {
    /// The function's binary.
    pub binary: PathBuf,
    /// Its environment beside the caller's; AWS credentials and endpoint go here.
    pub environment: Vec<(String, String)>,
    /// Whether it also sees the caller's environment.
    pub inherit: bool,
    /// Its ARN.
    pub function_arn: String,
    /// The event.
    pub event: String,
    /// How long it may take.
    pub timeout: Duration,
    /// When it is killed.
    pub crash: Option<Crash>,
    /// Most memory that it may take, in kilobytes: what is beyond ends it, as Lambda would.
    pub most_memory: Option<u64>,
}

impl Invoke {
    /// `event` into the function that passes on to Slack, likewise: with the name of its parameter, and the sandbox as Slack's host.
    pub fn slack(sandbox: &Sandbox, story: &Story, event: String, timeout: Duration) -> Self {
        let mut invoke = Self::over(sandbox, story, event, timeout);
        invoke.binary = binary("slack-notifier");
        invoke.environment.retain(|(name, _)| !name.starts_with("ROOTWATCH_"));
        let host = sandbox.url().trim_start_matches("http://").to_owned();
        let own =
            [("ROOTWATCH_WEBHOOK_PARAMETER", WEBHOOK_PARAMETER.to_owned()), ("ROOTWATCH_WEBHOOK_TEST_HOST", host)];
        invoke.environment.extend(own.map(|(name, value)| (name.to_owned(), value)));
        invoke
    }

    /// `event` into the function behind EventBridge, likewise.
    pub fn root_activity(sandbox: &Sandbox, story: &Story, event: String, timeout: Duration) -> Self {
        let mut invoke = Self::over(sandbox, story, event, timeout);
        invoke.binary = binary("root-activity");
        let shared = ["ROOTWATCH_NOTIFIERS", "ROOTWATCH_TABLE", "ROOTWATCH_TOPIC_ARN"];
        invoke.environment.retain(|(name, _)| !name.starts_with("ROOTWATCH_") || shared.contains(&name.as_str()));
        invoke
    }

    /// `event` into the function that keeps reports, likewise.
    pub fn reporter(sandbox: &Sandbox, story: &Story, event: String, timeout: Duration) -> Self {
        let mut invoke = Self::over(sandbox, story, event, timeout);
        invoke.binary = binary("reporter");
        invoke.environment.retain(|(name, _)| !name.starts_with("ROOTWATCH_"));
        invoke.environment.push(("ROOTWATCH_REPORT_BUCKET".to_owned(), story.report_bucket()));
        invoke
    }

    /// `event` into a function of the organization, `organization` or `member-auditor`, likewise: with `further` variables.
    pub fn organization(
        sandbox: &Sandbox,
        story: &Story,
        name: &str,
        further: &[(String, String)],
        event: String,
        timeout: Duration,
    ) -> Self {
        let mut invoke = Self::over(sandbox, story, event, timeout);
        invoke.binary = binary(name);
        invoke.function_arn = invoke.function_arn.replace(":rootwatch", &format!(":{name}"));
        let shared = ["ROOTWATCH_STACK", "ROOTWATCH_TABLE", "ROOTWATCH_TOPIC_ARN"];
        invoke.environment.retain(|(name, _)| !name.starts_with("ROOTWATCH_") || shared.contains(&name.as_str()));
        invoke.environment.push(("ROOTWATCH_REPORT_BUCKET".to_owned(), story.report_bucket()));
        invoke.environment.extend_from_slice(further);
        invoke
    }

    /// `event` into the checker, over the account of `sandbox`, with nothing of the caller's environment. A crash there from
    /// now on kills it.
    pub fn over(sandbox: &Sandbox, story: &Story, event: String, timeout: Duration) -> Self {
        let mut environment = story.variables();
        environment.extend(
            [
                ("AWS_ENDPOINT_URL", sandbox.url()),
                ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "secret-of-the-sandbox"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let (binary, function_arn) = (binary("checker"), story.function_arn());
        let crash = Some(sandbox.crash());
        Self { binary, environment, inherit: false, function_arn, event, timeout, crash, most_memory: None }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The function's answer, or the error it reported: `errorType` and `errorMessage`.
    pub answer: Result<Value, Value>,
    /// Everything it wrote.
    pub log: String,
    /// From the start of the process to its first request for an event.
    pub ready: Duration,
    /// From the event to the answer.
    pub took: Duration,
    /// Time of the processor from the start of the process to the answer; nothing where the system does not tell.
    pub cpu: Duration,
    /// Most memory it held, in bytes; 0 where the system does not tell.
    pub peak_memory: u64,
}

/// What Lambda hands to the destination on success of an asynchronous run: the `answer` of the run `id` to `request`
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html>).
pub fn destination_record(id: &str, request: &Value, answer: &Value, at: Timestamp) -> Value {
    json!({
        "version": "1.0",
        "timestamp": at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "requestContext": {
            "requestId": id,
            "functionArn": "arn:aws:lambda:eu-west-1:111122223333:function:rootwatch:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": request,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": answer,
    })
}

enum Reached {
    Ready(Instant),
    Answered(Result<Value, Value>, Instant),
}

/// The program called `name` that lies beside this one. A test first has cargo build what it will run.
pub fn binary(name: &str) -> PathBuf {
    static BUILT: Once = Once::new();
    if is_test() {
        BUILT.call_once(build);
    }
    beside(name).unwrap_or_else(|missing| panic!("{missing}"))
}

/// The program called `name`, built with this one.
///
/// # Errors
/// When it is not there: how to build it.
pub fn beside(name: &str) -> Result<PathBuf, String> {
    let here = here();
    // Cargo puts programs one folder above tests.
    let folder = here.parent().filter(|_| is_test()).unwrap_or(&here);
    let program = folder.join(name);
    if program.is_file() {
        return Ok(program);
    }
    // For figures as it is deployed, alone; else with the features that all share.
    let build = if cfg!(debug_assertions) { "--workspace --bins" } else { &format!("--release --package {name}") };
    Err(format!("There is no program {name} in {}. Build it: cargo build {build}", folder.display()))
}

/// The folder of this program.
fn here() -> PathBuf {
    let mut path = std::env::current_exe().expect("the path of this program");
    path.pop();
    path
}

fn is_test() -> bool {
    here().ends_with("deps")
}

/// What `cargo test` alone does not build, from the libraries that it has built.
fn build() {
    let mut build = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--locked", "--workspace", "--bins"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // What cargo tells a test of its package would look like a change to build scripts, and rebuild half of the workspace.
    // How cargo itself was called must stay, for the same reason.
    let kept = ["CARGO_BUILD_", "CARGO_HOME", "CARGO_INCREMENTAL", "CARGO_PROFILE_", "CARGO_TARGET_DIR"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_") && !kept.iter().any(|kept| text.starts_with(kept)) {
            build.env_remove(&name);
        }
    }
    let status = build.current_dir(crate::root()).status().expect("cargo can be run");
    assert!(status.success(), "`cargo build --workspace --bins` fails");
}

/// Starts the binary, hands it one event, and ends it when it has answered.
pub async fn invoke(invoke: Invoke) -> Outcome {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port on 127.0.0.1");
    let address = listener.local_addr().expect("a bound address");
    let (reached, mut steps) = mpsc::unbounded_channel();
    let api = Arc::new(Api {
        event: Mutex::new(Some(invoke.event)),
        function_arn: invoke.function_arn,
        timeout: invoke.timeout,
        reached,
    });
    let server = tokio::spawn(serve(listener, api));

    let mut command = match invoke.most_memory {
        None => Command::new(&invoke.binary),
        // Of data: heap and what is mapped to be written. Libraries and code are Lambda's own affair.
        Some(kilobytes) => {
            let mut limited = Command::new("/bin/sh");
            limited.args(["-c", &format!("ulimit -d {kilobytes} && exec \"$0\"")]).arg(&invoke.binary);
            limited
        }
    };
    if !invoke.inherit {
        command.env_clear();
    }
    command
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.to_string().as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "rootwatch"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/rootwatch"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ])
        .envs(invoke.environment)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let started = Instant::now();
    let mut process = command.spawn().expect("the function's binary can be started");
    let mut stdout = process.stdout.take().expect("a pipe");
    let mut stderr = process.stderr.take().expect("a pipe");
    let output = tokio::spawn(async move {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let _ = tokio::join!(stdout.read_to_end(&mut out), stderr.read_to_end(&mut err));
        String::from_utf8_lossy(&[out, err].concat()).into_owned()
    });

    let crash = async {
        match invoke.crash {
            Some(crash) => crash.struck().await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(crash);
    let (mut ready, mut event_at) = (Duration::ZERO, started);
    let (answer, answered_at) = loop {
        let step = tokio::select! {
            step = steps.recv() => step.expect("the API holds the sender"),
            _ = process.wait() => {
                let error = json!({"errorType": "Runtime.ExitError", "errorMessage": "the process ended without an answer"});
                break (Err(error), Instant::now());
            }
            () = &mut crash => {
                let _ = process.kill().await;
                let error = json!({"errorType": "Sandbox.Killed", "errorMessage": "killed"});
                break (Err(error), Instant::now());
            }
            () = tokio::time::sleep(invoke.timeout) => {
                let error = json!({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"});
                break (Err(error), Instant::now());
            }
        };
        match step {
            Reached::Ready(at) => {
                ready = at.duration_since(started);
                event_at = at;
            }
            Reached::Answered(answer, at) => break (answer, at),
        }
    };
    let peak_memory = process.id().map_or(0, peak_memory);
    let cpu = process.id().map_or(Duration::ZERO, cpu);
    let _ = process.kill().await;
    server.abort();
    let log = output.await.unwrap_or_default();
    Outcome { answer, log, ready, took: answered_at.duration_since(event_at), cpu, peak_memory }
}

struct Api {
    event: Mutex<Option<String>>,
    function_arn: String,
    timeout: Duration,
    reached: mpsc::UnboundedSender<Reached>,
}

async fn serve(listener: TcpListener, api: Arc<Api>) {
    while let Ok((stream, _)) = listener.accept().await {
        let api = Arc::clone(&api);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let api = Arc::clone(&api);
                async move { api.answer(request).await }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Api {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let path = request.uri().path().to_owned();
        let body = request.into_body().collect().await?.to_bytes();
        let body =
            || serde_json::from_slice(&body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&body).as_ref()));
        if path.ends_with("/invocation/next") {
            let event = self.event.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(event) = event else { return std::future::pending().await };
            let _ = self.reached.send(Reached::Ready(Instant::now()));
            return Ok(self.next(event));
        }
        if path.ends_with("/response") {
            let _ = self.reached.send(Reached::Answered(Ok(body()), Instant::now()));
        } else if path.ends_with("/error") {
            let _ = self.reached.send(Reached::Answered(Err(body()), Instant::now()));
        }
        Ok(response(202, "application/json", "{}"))
    }

    fn next(&self, event: String) -> Response<Full<Bytes>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = (now + self.timeout).as_millis().to_string();
        Response::builder()
            .header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-00000000000a")
            .header("Lambda-Runtime-Deadline-Ms", deadline)
            .header("Lambda-Runtime-Invoked-Function-Arn", &self.function_arn)
            .header("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000")
            .header("content-type", "application/json")
            .body(Full::new(event.into()))
            .expect("fixed headers")
    }
}

/// What its threads had of the processor, in user and kernel mode.
fn cpu(process: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let spent = tasks.filter_map(|task| {
        let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        statistics.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// The high-water mark of the process's resident memory.
fn peak_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    kilobytes.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::fault::{Fault, Trouble};

    #[tokio::test]
    async fn a_crash_kills_the_process_at_that_moment() {
        let script = std::env::temp_dir().join(format!("rootwatch-function-{}", std::process::id()));
        std::fs::write(&script, "#!/bin/sh\nexec tail -f /dev/null\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut story = Story::load("quiet-compliant");
        story.faults = vec![Fault::on("watcher:GET", Trouble::CrashBefore)];
        let sandbox = Sandbox::start(story.clone()).await;
        let function = invoke(Invoke {
            binary: script.clone(),
            environment: Vec::new(),
            inherit: false,
            function_arn: story.function_arn(),
            event: "{}".into(),
            timeout: Duration::from_secs(60),
            crash: Some(sandbox.crash()),
            most_memory: None,
        });
        let address = sandbox.url().trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET /watcher/ HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        let error = function.await.answer.unwrap_err();
        std::fs::remove_file(script).unwrap();
        assert_eq!(error, json!({"errorType": "Sandbox.Killed", "errorMessage": "killed"}));
        assert_eq!(sandbox.heartbeats(), 0);
    }
}
