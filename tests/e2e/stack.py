"""`make e2e`: the archive of `make package`, deployed by its own script and the AWS CLI to a local AWS, and what people then get.

The archive's script runs in a folder that `chroot` makes the root, with nothing in it but the archive, the AWS CLI and programs of POSIX:
room.py. Where that cannot be done it runs on a PATH of the same programs, and the output says so. What a newcomer types, from the archive
to the test alert, is counted and timed: the row `a_newcomer_…`.

MiniStack is the account. It enforces IAM, so each function does what its role allows and nothing else. What it lacks:
- root's row of the credential report is a constant (no keys, no MFA): that is in the first message;
- CloudTrail's history is empty: what root does comes by the bus;
- email: a queue is subscribed in its place;
- a mapping's batch window: it hands over at once;
- queue policies towards EventBridge: events arrive without one;
- a rule in the state that includes read-only management events never fires: here each is set to plain ENABLED;
- TLS: topic and bucket would refuse everything, so their denial of what comes without is taken out;
- stack sets, buses of other Regions, and Chatbot: left out by parameters; the forwarders' template is deployed by itself;
- destinations on success, the right of its services alone to put events of AWS, and lists in conditions: see local_aws.py.

usage: python stack.py [row …]        a row is the name of a function below; without one all of them
"""

import copy
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
import traceback
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import described_organization as organization
from account import ACCOUNT_ID, COMMANDS, PROJECT, REGION, Account, Inbox, Webhook, wait_for
from room import Room

WEBHOOK = "/rootwatch/slack-webhook"
ELSEWHERE = "us-west-2"
# What this host runs, and what e_machine of a program for it is.
ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
MACHINE = {"x86_64": 62, "arm64": 183}
# The last commit before rules and dashboard had the Region in their names.
BEFORE = "afdedfe"
EVENTS = sorted(PROJECT.glob("events/*.json"))
# As a person writes it: with both kinds of quotes, and what a shell could take for its own.
EXCEPTIONS = json.dumps([{"control": "billing-alerts", "reason": "alice's \"plan B\" $(id) `id` *", "owner": "bob",
                          "until": f"{datetime.now(UTC) + timedelta(days=90):%Y-%m-%d}"}])


def the_schedule_fires_by_itself(stack):
    """Nobody invokes anything: within its minute the real binary reads the account and sends its findings."""
    def by_control(message):
        return {alert["facts"]["condition"].get("control"): alert for alert in message.get("alerts", []) if alert["kind"] == "condition"}

    # While it unpacks the functions the local AWS may leave the first check without answers: then the second one sends it.
    sent = stack.inbox.find("a message of the scheduled check", 180, lambda message: "root-mfa" in by_control(message))
    assert sent["schema"] == "rootwatch.notification/1", sent
    assert sent["account"]["id"] == ACCOUNT_ID, sent
    opened = by_control(sent)
    assert opened["root-mfa"]["severity"] == "critical", sent
    assert "root-access-keys" not in opened, sent
    denied = re.findall(r"AccessDenied\w*|AuthorizationError\w*|not authorized", json.dumps(sent))
    assert not denied, f"a role lacks something: {sent}"


def every_event_of_the_folder_is_answered(stack):
    """As a person does it: `sam remote invoke` with a file."""
    for file in EVENTS:
        event = json.loads(file.read_text())
        answer = stack.invoke(file)
        if "test_alert" in event:
            assert answer["schema"] == "rootwatch.test-alert/1" and answer["account"]["id"] == ACCOUNT_ID, (file.name, answer)
            assert answer["message_id"] and not answer["problems"], (file.name, answer)
            stack.inbox.find("the test alert", 60, lambda message: message.get("test_alert"))
            continue
        assert answer["schema"] == "rootwatch.report/1" and answer["account"]["id"] == ACCOUNT_ID, (file.name, answer)
        assert len(answer["findings"]) >= 8, (file.name, answer)
        detail = event.get("detail")
        expected = {detail["eventID"]} if isinstance(detail, dict) and "eventID" in detail else set()
        assert {act["event_id"] for act in answer["root_activity"]} == expected, (file.name, answer)


def an_update_keeps_what_was_told_and_the_reports(stack):
    """The stack was first made of the template of an earlier commit; see `Stack.update_from`."""
    for name in ("Ledger", "ReportBucket", "LogGroup", "Topic"):
        assert stack.resources[name] == stack.earlier[name], name
    marker = stack.account.client("dynamodb").get_item(TableName=stack.resources["Ledger"], Key=stack.MARKER)
    assert "Item" in marker, "the table is another one, or empty"
    rules = {rule["Name"] for rule in stack.account.client("events").list_rules()["Rules"]}
    assert rules == {f"{stack.name}-{REGION}-{name}" for name in ("root", "tampering")}, rules


def each_program_is_built_for_the_architecture_of_its_function(stack):
    functions = stack.account.client("lambda")
    for name, resource in stack.template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function" and name in stack.resources:
            with zipfile.ZipFile(stack.archive / resource["Properties"]["Code"]) as code:
                header = code.read("bootstrap")[:20]
            deployed = functions.get_function_configuration(FunctionName=stack.resources[name])["Architectures"]
            assert header[:4] == b"\x7fELF" and deployed == [ARCHITECTURE], (name, deployed)
            assert int.from_bytes(header[18:], "little") == MACHINE[ARCHITECTURE], name


def a_second_stack_of_the_name_in_another_region_changes_nothing_here(stack):
    """Created again from the archive's template, by the SAM CLI without a build, and removed again."""
    before = stack.left()
    stack.deploy_by_sam("rate(1 hour)", stack.archive / "template.yaml", region=ELSEWHERE)
    others = stack.account.client("cloudformation", ELSEWHERE).describe_stack_resources(StackName=stack.name)["StackResources"]
    others = {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in others}
    boards = {board["DashboardName"] for board in stack.account.client("cloudwatch").list_dashboards()["DashboardEntries"]}
    assert f"{stack.name}-{REGION}" in boards, boards
    rules = {rule["Name"] for rule in stack.account.client("events", ELSEWHERE).list_rules()["Rules"]}
    assert rules == {f"{stack.name}-{ELSEWHERE}-{name}" for name in ("root", "tampering")}, rules
    assert before <= stack.left(), before - stack.left()
    stack.account.sam("delete", "--stack-name", stack.name, "--no-prompts", "--region", ELSEWHERE)
    made = stack.left() - before
    assert made <= {others["ReportBucket"]}, made
    assert before <= stack.left(), f"the other stack took along {before - stack.left()}"
    if made:
        s3, bucket = stack.account.client("s3"), others["ReportBucket"]
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        s3.delete_bucket(Bucket=bucket)


def the_forwarders_make_two_rules_and_a_queue_elsewhere_and_nothing_at_home(stack):
    body = stack.template["Resources"]["Forwarders"]["Properties"]["TemplateBody"]
    given = {"Stack": stack.name, "HomeRegion": REGION, "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/forwarder"}
    given = [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()]
    for region, expected in [
        (ELSEWHERE, {"Nothing", "RootRule", "TamperingRule", "Undelivered", "UndeliveredPolicy"}),
        (REGION, {"Nothing"}),
    ]:
        cloudformation, name = stack.account.client("cloudformation", region), "StackSet-forwarders"
        cloudformation.create_stack(StackName=name, TemplateBody=body, Parameters=given)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        made = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        assert {resource["LogicalResourceId"] for resource in made} == expected, (region, made)
        events, queues = stack.account.client("events", region), stack.account.client("sqs", region)
        for rule in events.list_rules()["Rules"] if region == ELSEWHERE else []:
            assert rule["Name"].startswith(f"{stack.name}-{REGION}-"), rule
            [target] = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            queue = queues.get_queue_url(QueueName=f"{stack.name}-{REGION}-undelivered")["QueueUrl"]
            attributes = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
            assert target["DeadLetterConfig"]["Arn"] == attributes["QueueArn"], target
            assert rule["Arn"] in attributes["Policy"], attributes
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def is_about(event_id):
    return lambda message: any(act["event_id"] == event_id for session in message["root_sessions"] for act in session["acts"])


def a_sign_in_of_root_is_told_within_a_minute(stack):
    """Bus, rule, queue, function, topic. AWS may deliver an event twice: it is sent once."""
    first, second = str(uuid.uuid4()), str(uuid.uuid4())
    for event_id in (first, first, second):
        stack.root_signs_in(event_id)
        stack.inbox.find(f"a message of the event {event_id}", 60, is_about(event_id))
    assert len(list(filter(is_about(first), stack.inbox.messages))) == 1, stack.inbox.messages


def a_sign_in_of_root_arrives_in_slack_within_a_minute(stack):
    """The same, and on through the function that posts to the webhook."""
    event_id = stack.root_signs_in(str(uuid.uuid4()))

    def posted():
        return [post for path, post in stack.webhook.posts if path == stack.webhook_path and event_id in json.dumps(post)]

    for post in wait_for(f"a post of the event {event_id}", 60, posted):
        assert post["text"] and post["blocks"], post


def each_check_leaves_a_report_and_the_page(stack):
    """Schedule, checker, destination, reporter, bucket: two checks, of which the second names the first by its hash."""
    s3, bucket = stack.account.client("s3"), stack.resources["ReportBucket"]

    def body(key):
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def two_reports():
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{ACCOUNT_ID}/").get("Contents", [])]
        return sorted(keys) if len(keys) >= 2 else None

    first, second = wait_for("two reports", 180, two_reports)[:2]
    report = json.loads(body(second))
    assert report["schema"] == "rootwatch.report/1" and report["account"]["id"] == ACCOUNT_ID, report
    assert report["previous"] == {"key": first, "sha256": hashlib.sha256(body(first)).hexdigest()}, report["previous"]
    assert any(call["request_id"] for call in report["calls"]), report["calls"]

    def page():
        keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        return {"latest.html", "history.json"} <= set(keys) and body("latest.html").decode()

    assert ACCOUNT_ID in wait_for("the page", 60, page)


def the_doctor_finds_a_deployed_stack(stack):
    """`./rootwatch doctor`, as far as the local AWS answers: each line good, bad or unknown."""
    printed = stack.doctor()
    lines = [line.split(None, 2) for line in printed.splitlines()]
    assert {line[0] for line in lines} <= {"good", "bad", "unknown"}, printed
    said = {line[1]: (line[0], line[2]) for line in lines}
    assert said["stack"][0] == "good" and stack.name in said["stack"][1], printed
    # The inbox, and the function that posts to Slack.
    assert said["subscribers"] == ("good", "2 confirmed"), printed
    # To the local AWS every caller is root.
    assert said["credentials"][0] == "bad" and said["region"][0] == said["name"][0] == "good", printed
    assert {"tools", "permission", "trail", "quota", "heartbeat"} <= set(said), printed


def a_test_alert_arrives_and_says_who_gets_alerts(stack):
    before = len(stack.inbox.messages)
    printed = stack.rootwatch("test-alert")
    assert "sent to: " in printed, printed
    stack.inbox.find("the test alert", 60, lambda message: message.get("test_alert") and stack.inbox.messages.index(message) >= before)


def the_report_is_downloaded_as_a_page(stack):
    page = stack.rootwatch("report", "/tmp/report.html" if stack.room else str(stack.archive / "report.html")).strip()
    page = stack.room.root / page.lstrip("/") if stack.room else Path(page)
    assert ACCOUNT_ID in page.read_text(), page
    assert page.stat().st_mode & 0o077 == 0, "others of the machine can read it"
    page.unlink()


def exceptions_with_quotes_and_spaces_arrive_as_they_are(stack):
    """From the command line through script, AWS CLI and CloudFormation into the function."""
    configuration = stack.account.client("lambda").get_function_configuration(FunctionName=stack.resources["Checker"])
    assert configuration["Environment"]["Variables"]["ROOTWATCH_EXCEPTIONS"] == EXCEPTIONS, configuration["Environment"]


def a_newcomer_needs_few_commands_and_minutes_from_the_archive_to_the_test_alert(stack):
    """Of the local AWS; that an email arrives, and is confirmed, is not counted."""
    if "test-alert" not in [step for step, _ in stack.typed]:
        stack.rootwatch("test-alert")
    typed = [(step, took) for step, took in stack.typed if step in ("sha256sum", "tar", "doctor", "deploy", "test-alert")]
    seconds = sum(took for _, took in typed)
    print(f"        {len(typed)} commands, {seconds / 60:.1f} minutes: " + ", ".join(f"{step} {took:.1f} s" for step, took in typed), flush=True)
    assert len(typed) == (5 if stack.room else 3) and seconds < 600, typed


def the_owner_verifies_the_account(stack):
    """`make verify-account`, as far as the local AWS answers: each question in its place, and nobody's id on the page."""
    page = stack.account.run(sys.executable, "tests/account/verify.py", stack.name, AWS_REGION=REGION)
    assert ACCOUNT_ID not in page and f"...{ACCOUNT_ID[-4:]}" in page, page
    for name in ("root", "tampering"):
        assert re.search(rf"{REGION}: rule {name} is ENABLED.*; target: the stack's queue with a dead-letter queue", page), page
    assert re.search(r"(?m)^  alert-path is ", page), page


ON_DEMAND = PROJECT / "events/on-demand.json"


def a_canary_arrives_through_rule_and_queue(stack):
    """The schedule sends one a minute; none is missing while the path is whole."""

    def arrived():
        return [fact for fact in stack.alert_path()["evidence"] if fact["fact"] == "canary"]

    [fact] = wait_for("a canary that arrived", 120, arrived)
    assert re.fullmatch(rf"arrived from {REGION} after \d+ s", fact["value"]), fact
    assert not [name for name in stack.alert_path()["resources"] if name.startswith(("canary ", "rule "))], stack.alert_path()


def a_rule_that_loses_its_target_is_named_at_once(stack):
    rule = f"{stack.name}-{REGION}-root"
    stack.account.client("events").remove_targets(Rule=rule, Ids=["queue"])
    finding = stack.alert_path()
    assert finding["status"] == "failed" and f"rule {rule} in {REGION} has lost its target `queue`" in finding["reason"], finding


def and_its_canary_is_missed(stack):
    """The five minutes are not waited for: in the table the canary was sent ten minutes earlier."""
    table = {"TableName": stack.resources["Ledger"]}
    ledger = stack.account.client("dynamodb")

    def has_one_that_did_not_arrive():
        items = {item["sk"]["S"]: item for item in ledger.scan(**table)["Items"]}
        journal, arrival = items["H#heartbeat"], items[f"K#{REGION}"]
        remembered, arrived = json.loads(journal["body"]["S"]), json.loads(arrival["body"]["S"])
        sent, seen = (datetime.fromisoformat(at) for at in (remembered["canaries"][REGION], arrived["sent_at"]))
        if sent > seen:
            remembered["canaries"][REGION] = (sent - timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
            arrived["sent_at"] = (seen - timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
            for item, body in ((arrival, arrived), (journal, remembered)):
                ledger.put_item(**table, Item=item | {"body": {"S": json.dumps(body)}})
        return sent > seen

    def missed():
        # A check that runs meanwhile may write what it had read before.
        finding = stack.alert_path() if has_one_that_did_not_arrive() else None
        return finding if finding and f"canary of {REGION}" in finding["resources"] else None

    finding = wait_for("a canary that is missed", 150, missed, pause=1)
    assert finding["status"] == "failed", finding
    assert re.search(rf"[Cc]anary of {REGION}: sent at \S+, did not arrive", finding["reason"]), finding


def a_forwarding_region_that_refuses_is_named_and_the_check_stays_complete(stack):
    """As a Region deny of Control Tower does; the local AWS has no policies of organizations, so the role itself is denied."""
    checker, iam = stack.resources["Checker"], stack.account.client("iam")
    role = {"RoleName": stack.resources["CheckerRole"], "PolicyName": "refused"}
    elsewhere = {"StringEquals": {"aws:RequestedRegion": ELSEWHERE}}
    denial = {"Effect": "Deny", "Action": "events:*", "Resource": "*", "Condition": elsewhere}
    iam.put_role_policy(**role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [denial]}))
    stack.set_environment(checker, ROOTWATCH_FORWARD_REGIONS=ELSEWHERE)
    try:
        answer = stack.invoke(PROJECT / "events/scheduled.json")
        evidence = {fact["fact"]: fact["value"] for fact in stack.alert_path(answer)["evidence"]}
        assert "events:ListRules" in evidence[f"rules in {ELSEWHERE}"] and "denied" in evidence[f"rules in {ELSEWHERE}"], evidence
        errors = {source.get("region"): source["error"] for source in answer["sources"] if source["source"] == "watch"}
        assert errors[None] is None and errors[ELSEWHERE]["cause"] == "denied", errors
        assert answer["complete"], answer["headline"]
    finally:
        iam.delete_role_policy(**role)
        stack.set_environment(checker, ROOTWATCH_FORWARD_REGIONS="")


def an_organization_is_audited_by_the_state_machine(stack):
    """The condition is on: the real machine, roles and functions over 200 accounts, or ACCOUNTS. The second run has no news."""
    count = organization.COUNT
    stack.deploy("rate(1 hour)", OrganizationId=organization.ID, OrganizationSchedule="rate(1 day)")
    stack.resources = stack.described()
    machine, states = stack.resources["OrganizationMachine"], stack.account.client("stepfunctions")

    def run(name):
        began = time.monotonic()
        started = states.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]

        def ended():
            execution = states.describe_execution(executionArn=started)
            return execution if execution["status"] != "RUNNING" else None

        execution = wait_for(f"the run {name}", 180 + count // 5, ended, pause=0.5)
        assert execution["status"] == "SUCCEEDED", execution
        print(f"  {count} accounts, {name} run: {time.monotonic() - began:.0f} s", flush=True)
        return json.loads(execution["output"])

    refusing, suspended = len(organization.REFUSING), len(organization.SUSPENDED)
    expected = {"listed": count + 1, "audited": count - refusing - suspended, "in_part": 0, "refused": refusing, "skipped": suspended + 1, "not_looked_at": 0}
    first = run("first")
    assert first["coverage"] == expected and first["complete"] and not first["fault"], first
    [message] = [stack.inbox.find("the message of the run", 30, lambda message: message.get("organization"))]
    groups = {group["about"]: group for group in message["organization"]["groups"]}
    assert [affected["account"] for affected in groups["root-access-keys"]["accounts"]] == sorted(organization.WITH_A_KEY), groups
    [unaudited] = message["organization"]["unaudited"]
    assert (unaudited["cause"], unaudited["count"]) == ("service_control_policy", refusing), unaudited
    second = run("second")
    assert second["coverage"] == expected and second["complete"] and not second["sent"], second


def deleting_leaves_what_the_template_retains(stack):
    """`./rootwatch remove`: sent alerts, reports and logs outlive the stack, and nothing else."""
    policies = {name: resource.get("DeletionPolicy", "") for name, resource in stack.template["Resources"].items()}
    kept = {name for name, policy in policies.items() if policy.startswith("Retain")}
    # A bucket's policy has no name of its own: it stays with the bucket.
    kept.discard("ReportBucketPolicy")
    expected = {stack.resources[name] for name in kept & set(stack.resources)}
    printed = stack.rootwatch("remove")
    assert stack.resources["Ledger"] in printed and stack.resources["ReportBucket"] in printed, printed
    assert stack.left() == expected, f"left: {stack.left()}, expected: {expected}"


ROWS = [
    the_schedule_fires_by_itself,
    every_event_of_the_folder_is_answered,
    a_sign_in_of_root_is_told_within_a_minute,
    a_sign_in_of_root_arrives_in_slack_within_a_minute,
    each_check_leaves_a_report_and_the_page,
    an_update_keeps_what_was_told_and_the_reports,
    each_program_is_built_for_the_architecture_of_its_function,
    the_owner_verifies_the_account,
    the_doctor_finds_a_deployed_stack,
    a_test_alert_arrives_and_says_who_gets_alerts,
    a_newcomer_needs_few_commands_and_minutes_from_the_archive_to_the_test_alert,
    exceptions_with_quotes_and_spaces_arrive_as_they_are,
    the_report_is_downloaded_as_a_page,
    a_canary_arrives_through_rule_and_queue,
    a_forwarding_region_that_refuses_is_named_and_the_check_stays_complete,
    a_rule_that_loses_its_target_is_named_at_once,
    and_its_canary_is_missed,
    a_second_stack_of_the_name_in_another_region_changes_nothing_here,
    the_forwarders_make_two_rules_and_a_queue_elsewhere_and_nothing_at_home,
    an_organization_is_audited_by_the_state_machine,
    deleting_leaves_what_the_template_retains,
]


class Stack:
    """The stack as it was deployed."""

    name = "rootwatch-e2e"
    # No check ever looks for it.
    MARKER = {"pk": {"S": "MARKER"}, "sk": {"S": "MARKER"}}

    def __init__(self, account, webhook, schedule="rate(1 minute)", before=None, programs=None):
        self.account, self.webhook, self.webhook_path = account, webhook, "/services/T0/B0/secret"
        account.client("ssm").put_parameter(
            Name=WEBHOOK, Type="SecureString", Value=f"http://{webhook.host}{self.webhook_path}"
        )
        self.cloudformation = account.client("cloudformation")
        built = f"PROGRAMS={programs}" if programs else "SANDBOX=target/release/sandbox"
        printed = account.run("make", "package", f"ARCH={ARCHITECTURE}", built)
        # Which command of a newcomer took how many seconds, each the first time.
        self.typed, self.room = [], None
        if why := Room.why_not():
            print(f"        NOT in a chroot, but on a PATH of {len(COMMANDS) + 1} programs: {why}", flush=True)
        else:
            self.room = Room(f"{account.folder}/room", COMMANDS, PROJECT / "build/aws-cli")
        self.archive = self.unpack(printed)
        if self.room:
            # What the demo's program loads, so that it runs here as on any Linux.
            self.room.add(self.archive / "bin/sandbox")
        account.environment |= account.without_toolchain
        for tool in ("cargo", "rustc", "zig"):
            assert shutil.which(tool, path=account.environment["PATH"]) is None, tool
        self.template = self.read_template(self.archive.joinpath("template.yaml").read_text())
        self.earlier = self.update_from(before) if before else None
        self.deploy(schedule)
        self.resources = self.described()
        self.make_up_for_the_local_aws()
        self.inbox = Inbox(account, self.resources["Topic"])

    def described(self):
        resources = self.cloudformation.describe_stack_resources(StackName=self.name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}

    def read_template(self, text):
        from samtranslator.yaml_helper import yaml_parse

        return yaml_parse(text)

    def unpack(self, printed):
        """The archive that `make package` names, unpacked; every file is as its SHA256SUMS says."""
        [archive] = re.findall(r"^(dist/\S+\.tar\.gz) ", printed, re.MULTILINE)
        name = Path(archive).name
        if self.room:
            for file in (PROJECT / archive, PROJECT / "dist/SHA256SUMS"):
                shutil.copy(file, self.room.root / "home")
            self.type("sha256sum", "sha256sum", "--check", "--ignore-missing", "SHA256SUMS", folder="/home")
            self.type("tar", "tar", "xzf", name, folder="/home")
            folder = self.room.root / "home" / name.removesuffix(".tar.gz")
        else:
            with tarfile.open(PROJECT / archive) as files:
                files.extractall(self.account.folder, filter="data")
            folder = Path(self.account.folder, name.removesuffix(".tar.gz"))
        sums = dict(line.split("  ")[::-1] for line in folder.joinpath("SHA256SUMS").read_text().splitlines())
        found = {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}
        del found["SHA256SUMS"]
        assert found == sums, found.items() ^ sums.items()
        return folder

    def type(self, step, *command, folder=None, codes=(0,)):
        """Runs a command as a newcomer does, where the AWS CLI is, and of other programs those that POSIX has."""
        own = {"STACK": self.name, "AWS_REGION": REGION, "PATH": self.account.aws_cli_only}
        if self.room:
            # /dev/null is a file there, which no one empties.
            configured = {name: "/home/none" for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
            own |= configured | {"PATH": "/bin", "HOME": "/home", "TMPDIR": "/tmp"}
            command = self.room.command(*command, folder=folder or self.room.inside(self.archive))
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=None if self.room else self.archive, env=self.account.environment | own,
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )
        if step not in [typed for typed, _ in self.typed]:
            self.typed.append((step, time.monotonic() - started))
        assert done.returncode in codes, f"{step}\n{done.stdout}\n{done.stderr}"
        return done

    def rootwatch(self, *arguments):
        return self.type(arguments[0], "./rootwatch", *arguments).stdout

    def doctor(self):
        """Its lines, whether or not one of them is bad."""
        done = self.type("doctor", "./rootwatch", "doctor", codes=(0, 1))
        assert not done.stderr, done
        return done.stdout

    def update_from(self, commit):
        """Deploys the template of `commit` with today's programs, puts something into the table, and returns the resources."""
        template = self.read_template(self.template_of(commit))
        for name, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Serverless::Function":
                resource["Properties"]["CodeUri"] = f"functions/{resource['Metadata']['BuildProperties']['Binary']}.zip"
        earlier = self.archive / "earlier.json"
        earlier.write_text(json.dumps(template))
        self.deploy_by_sam("rate(1 hour)", earlier)
        earlier.unlink()
        resources = self.described()
        self.account.client("dynamodb").put_item(TableName=resources["Ledger"], Item=self.MARKER)
        return resources

    def template_of(self, commit):
        try:
            return self.account.run("git", "show", f"{commit}:template.yaml")
        except AssertionError:
            print(f"        {commit} is not in this clone: today's template stands for it, with the names of then", flush=True)
            text = PROJECT.joinpath("template.yaml").read_text()
            return text.replace("${AWS::StackName}-${AWS::Region}", "${AWS::StackName}").replace("${Stack}-${HomeRegion}", "${Stack}")

    def chosen(self, schedule):
        return {"Schedule": schedule, "SlackWebhookParameter": WEBHOOK, "ForwardRegions": ""}

    def deploy(self, schedule, **others):
        self.doctor()
        settings = self.chosen(schedule) | {"Exceptions": EXCEPTIONS} | others
        self.rootwatch("deploy", *(f"{name}={value}" for name, value in settings.items()))

    def deploy_by_sam(self, schedule, template, region=REGION):
        overrides = [f"{name}='{value}'" for name, value in (self.chosen(schedule) | {"Architecture": ARCHITECTURE}).items()]
        # The SAM CLI looks for its settings beside the template.
        source = ["--template-file", str(template), "--config-file", str(PROJECT / "samconfig.toml")]
        common = ["--stack-name", self.name, "--region", region, "--no-confirm-changeset", "--no-progressbar"]
        self.account.sam("deploy", *source, *common, "--parameter-overrides", *overrides)

    def make_up_for_the_local_aws(self):
        events = self.account.client("events")
        for rule in events.list_rules(NamePrefix=self.name)["Rules"]:
            if rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
                events.enable_rule(Name=rule["Name"])
        sns, topic = self.account.client("sns"), self.resources["Topic"]
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        policy["Statement"] = [statement for statement in policy["Statement"] if statement["Sid"] != "OnlyOverTls"]
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
        self.account.client("s3").delete_bucket_policy(Bucket=self.resources["ReportBucket"])
        # No parameter of the template opens the way to another host than Slack's.
        self.set_environment(self.resources["SlackNotifier"], ROOTWATCH_WEBHOOK_TEST_HOST=self.webhook.host)

    def set_environment(self, function, **variables):
        functions = self.account.client("lambda")
        before = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": before | variables})

    def invoke(self, file):
        """The function's answer to the event in `file`."""
        printed = self.account.sam("remote", "invoke", "Checker", "--stack-name", self.name, "--event-file", str(file))
        # The log comes first; the answer stands on the last line.
        return json.loads(printed[re.search(r'\{"(headline|schema)":', printed).start() :])

    def alert_path(self, answer=None):
        """The finding of the control `alert-path`, of `answer` or of a check on demand."""
        [finding] = [each for each in (answer or self.invoke(ON_DEMAND))["findings"] if each["control"] == "alert-path"]
        return finding

    def root_signs_in(self, event_id):
        """Puts a sign-in of root on the bus, as AWS does."""
        envelope = json.loads(PROJECT.joinpath("events/root-console-login.json").read_text())
        detail = copy.deepcopy(envelope["detail"])
        detail |= {"eventID": event_id, "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        entry = {"Source": envelope["source"], "DetailType": envelope["detail-type"], "Detail": json.dumps(detail)}
        answer = self.account.client("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0, answer
        return event_id

    def left(self):
        """Everything in the account but what the SAM CLI and this test made for themselves."""
        client = self.account.client
        names = [table for table in client("dynamodb").list_tables()["TableNames"]]
        names += [group["logGroupName"] for group in client("logs").describe_log_groups()["logGroups"]]
        names += [function["FunctionName"] for function in client("lambda").list_functions()["Functions"]]
        names += [mapping["UUID"] for mapping in client("lambda").list_event_source_mappings()["EventSourceMappings"]]
        names += [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]]
        names += [queue for queue in client("sqs").list_queues().get("QueueUrls", []) if not queue.endswith("/inbox")]
        names += [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
        names += [schedule["Name"] for schedule in client("scheduler").list_schedules()["Schedules"]]
        names += [rule["Name"] for rule in client("events").list_rules()["Rules"]]
        names += [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]]
        names += [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
        names += [machine["name"] for machine in client("stepfunctions").list_state_machines()["stateMachines"]]
        names += [board["DashboardName"] for board in client("cloudwatch").list_dashboards()["DashboardEntries"]]
        names += [stack["StackName"] for stack in self.cloudformation.describe_stacks()["Stacks"]]
        return {name for name in names if not name.startswith(("aws-sam-cli-managed-default", "rootwatch-artifacts"))}


def main(chosen):
    rows = [row for row in ROWS if row.__name__ in chosen] if chosen else ROWS
    assert rows, f"no such row; there are: {', '.join(row.__name__ for row in ROWS)}"
    webhook = Webhook()
    failed = 0
    with Account() as account:
        started = time.monotonic()
        stack = Stack(account, webhook, before=BEFORE, programs="build/programs")
        print(f"ok      {time.monotonic() - started:6.1f} s  it packs and deploys", flush=True)
        for row in rows:
            words = row.__name__.replace("_", " ")
            started = time.monotonic()
            try:
                row(stack)
                outcome = "ok"
            except Exception:
                outcome = "FAILED"
                failed += 1
                traceback.print_exc()
            print(f"{outcome:<7} {time.monotonic() - started:6.1f} s  {words}", flush=True)
        if failed:
            log = account.log()
            PROJECT.joinpath("build/e2e.log").write_text(log)
            print(f"\nbuild/e2e.log holds what the local AWS and the functions wrote. Its end:\n{log[-6_000:]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
