"""A local AWS account in this process's hands, the SAM CLI over it, and a webhook that remembers what it was sent."""

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
# Everything that a deployment out of the archive may use, beside the AWS CLI. SAM CLI and git are for this test.
COMMANDS = ["awk", "cat", "cut", "date", "dirname", "env", "grep", "head", "mktemp", "rm", "sed", "sh", "sort", "tail", "tr", "uname"]
ACCOUNT_ID = "111122223333"
REGION = "us-east-1"


def wait_for(what, within, look, pause=0.1):
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(pause)
    raise AssertionError(f"not within {within} s: {what}")


class Account:
    """MiniStack on a free port of 127.0.0.1, its state in a folder that goes with it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="rootwatch-e2e-")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        # Nothing that could lead to an account of the caller's.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.environment = kept | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
            "SAM_CLI_TELEMETRY": "0",
        }
        # No cargo, rustc, zig, make or Python: what is deployed was built before.
        commands = {name: shutil.which(name) for name in COMMANDS} | {"aws": PROJECT / "build/aws-cli/bin/aws"}
        self.aws_cli_only = self.tools("aws-cli-only", commands)
        self.without_toolchain = {"PATH": self.tools("tools", commands | {"git": shutil.which("git"), "sam": PROJECT / "build/sam/bin/sam"}), "HOME": self.folder}
        # The functions get this too: nothing is in it that they would not have on Lambda.
        own = {
            "AWS_ENDPOINT_URL": self.url,
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "HOME": self.folder,
            "TMPDIR": self.folder,
            "S3_DATA_DIR": f"{self.folder}/s3",
            "STATE_DIR": f"{self.folder}/state",
            "PATH": os.defpath,
            "ACCOUNTS": os.environ.get("ACCOUNTS") or "",
        }
        self.log_file = Path(self.folder, "log.txt")
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, HERE / "local_aws.py"],
                cwd=self.folder,
                env=own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def tools(self, name, programs):
        """A PATH with these programs and no others."""
        folder = Path(self.folder, name)
        folder.mkdir()
        for program, found in programs.items():
            assert found, f"there is no {program} here"
            folder.joinpath(program).symlink_to(found)
        return str(folder)

    def __enter__(self):
        def is_ready():
            assert self.process.poll() is None, self.log()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", int(self.url.rsplit(":")[-1]))) == 0

        try:
            wait_for("the local AWS answers", 30, is_ready)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Its own session: the functions that it runs end with it, and nothing else.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_file.read_text(errors="replace")

    def client(self, service, region=REGION):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 2}),
        )

    def run(self, *command, **environment):
        """Runs a program in the project's folder, and returns what it printed."""
        environment = self.environment | environment
        done = subprocess.run(command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def sam(self, *arguments):
        return self.run("sam", *arguments)


class Inbox:
    """A queue that is subscribed to a topic, and everything that came."""

    def __init__(self, account, topic, name="inbox"):
        self.sqs = account.client("sqs")
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
        allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        account.client("sns").subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        self.messages = []

    def receive(self):
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self.messages.append(json.loads(message["Body"]))
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def find(self, what, within, matches, pause=0.1):
        """The first message, of all that ever came, that `matches`."""

        def look():
            self.receive()
            return next((message for message in self.messages if matches(message)), None)

        return wait_for(what, within, look, pause)


class Webhook:
    """What a chat service would be: answers `ok` to every POST."""

    def __init__(self):
        self.posts = posts = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                posts.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
