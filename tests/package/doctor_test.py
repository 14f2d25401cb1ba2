"""`doctor` over a program in place of the AWS CLI that answers as an account does: each row breaks one fact of a good account.

usage: python doctor_test.py
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = ["awk", "cat", "cut", "date", "dirname", "grep", "head", "mktemp", "rm", "sed", "sh", "sort", "tr", "uname"]
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/management"
TOPIC = "arn:aws:sns:us-east-1:111122223333:rootwatch-Topic-1"
FAKE = """#!/bin/sh
printf '%s\\n' "$1 $2" >>"$ANSWERS/calls"
case "$1" in --version) echo 'aws-cli/2.31.0 Python/3.13.7'; exit ;; configure) exit 1 ;; esac
# Version 2 prints by a pager, unless this is set and empty.
test "${AWS_PAGER-less}" = '' || { echo '(END)'; exit 99; }
answer="$ANSWERS/$1 $2"
case "$*" in *Outputs*) answer="$answer outputs" ;; esac
if test -f "$answer error"; then cat "$answer error" >&2; exit 254; fi
cat "$answer"
"""
GOOD = {
    "sts get-caller-identity": "111122223333\tarn:aws:sts::111122223333:assumed-role/Deployer/alice",
    "iam get-role": "arn:aws:iam::111122223333:role/teams/Deployer",
    "iam simulate-principal-policy": "",
    "cloudtrail describe-trails": TRAIL,
    "cloudtrail get-trail-status": "True",
    "cloudtrail get-event-selectors": "1\t0",
    "lambda get-account-settings": "1000\t1000",
    "cloudformation describe-stacks": "UPDATE_COMPLETE",
    "cloudformation describe-stacks outputs": f"AlertTopicArn\t{TOPIC}\nCheckerFunctionName\trootwatch-Checker-1\nVersion\t0.2.0",
    "sns list-subscriptions-by-topic": f"{TOPIC}:5ab7\temail",
    "cloudwatch get-metric-statistics": "2026-11-20T10:00:00+00:00",
    "cloudwatch describe-alarms": "OK",
    "s3api head-bucket": "",
    "dynamodb list-tables": "None",
}
NO_STACK = {"cloudformation describe-stacks error": "An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id rootwatch does not exist"}


def denied(operation):
    return f"An error occurred (AccessDenied) when calling the {operation} operation: User: arn:aws:iam::111122223333:user/alice is not authorized to perform: x"


def status(name):
    return {"cloudformation describe-stacks": name}


# What is broken in a good account; the environment; the line that says so: how it is, of what, and words of it.
ROWS = [
    ("no credentials", {"sts get-caller-identity error": "Unable to locate credentials. You can configure credentials by running \"aws configure\"."}, {},
     "bad", "credentials", "aws login"),
    ("expired credentials", {"sts get-caller-identity error": "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security token included in the request is expired"}, {},
     "bad", "credentials", "expired: sign in again"),
    ("root's credentials", {"sts get-caller-identity": "111122223333\tarn:aws:iam::111122223333:root"}, {}, "bad", "credentials", "root's credentials"),
    ("no such Region", {"sts get-caller-identity error": 'Could not connect to the endpoint URL: "https://sts.eu-west-9.amazonaws.com/"'}, {"AWS_REGION": "eu-west-9"},
     "bad", "region", "no Region `eu-west-9`"),
    ("a Region that is not enabled", {"sts get-caller-identity error": "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: The security token included in the request is invalid"}, {"AWS_REGION": "ap-east-1"},
     "bad", "credentials", "has not enabled this Region"),
    ("no Region chosen", {}, {"AWS_REGION": ""}, "bad", "region", "set AWS_REGION"),
    ("a service control policy that denies", {"iam simulate-principal-policy": "iam:CreateRole\tFalse\nlambda:CreateFunction\tFalse"}, {},
     "bad", "permission", "service control policy of your organization denies iam:CreateRole lambda:CreateFunction:"),
    ("a policy that does not allow", {"iam simulate-principal-policy": "sns:CreateTopic\tNone"}, {}, "unknown", "permission", "sns:CreateTopic. Compare"),
    ("a simulation that is denied", {"iam simulate-principal-policy error": denied("SimulatePrincipalPolicy")}, {}, "unknown", "permission", "you may not call iam:SimulatePrincipalPolicy"),
    ("no trail", {"cloudtrail describe-trails": ""}, {}, "bad", "trail", "no trail records management events in us-east-1"),
    ("a trail that is stopped", {"cloudtrail get-trail-status": "False"}, {}, "bad", "trail", "no trail records"),
    ("a trail without management events", {"cloudtrail get-event-selectors": "0\t0"}, {}, "bad", "trail", "no trail records"),
    ("trails that are not readable", {"cloudtrail describe-trails error": denied("DescribeTrails")}, {}, "unknown", "trail", "cloudtrail:DescribeTrails"),
    ("a trail of another account", {"cloudtrail get-trail-status error": denied("GetTrailStatus")}, {}, "unknown", "trail", "cloudtrail:GetTrailStatus"),
    ("a Lambda quota of 10", {"lambda get-account-settings": "10\t10"}, {}, "bad", "quota", "L-B99A9384"),
    ("a quota that is no number", {"lambda get-account-settings": "None\tNone"}, {}, "unknown", "quota", "not a number"),
    ("a first deployment that failed", status("ROLLBACK_COMPLETE"), {}, "bad", "stack", "aws cloudformation delete-stack --stack-name rootwatch"),
    ("a stack that was deleted by half", status("DELETE_FAILED"), {}, "bad", "stack", "deleted by half"),
    ("a rollback that failed", status("UPDATE_ROLLBACK_FAILED"), {}, "bad", "stack", "continue-update-rollback"),
    ("a deployment that was interrupted before it began", status("REVIEW_IN_PROGRESS"), {}, "good", "stack", "deploy goes on from there"),
    ("a stack that is being changed", status("UPDATE_IN_PROGRESS"), {}, "bad", "stack", "wait until it is done"),
    ("a stack of another version", {}, {"VERSION": "0.3.0"}, "good", "stack", "version 0.2.0; this is 0.3.0"),
    ("no stack", NO_STACK, {}, "good", "stack", "not deployed yet"),
    ("no stack, and the table of an earlier one", NO_STACK | {"dynamodb list-tables": "rootwatch-Ledger-1\trootwatch-Ledger-2"}, {},
     "good", "memory", "left its table rootwatch-Ledger-1 and 1 others"),
    ("a stack that may not be read", {"cloudformation describe-stacks error": denied("DescribeStacks")}, {}, "unknown", "stack", "cloudformation:DescribeStacks"),
    ("a stack without outputs of today", {"cloudformation describe-stacks outputs": "Topic\tx"}, {}, "unknown", "subscribers", "version before 0.2.0"),
    ("a name that is too long", {}, {"STACK": "a" * 40}, "bad", "name", "may have 39 characters"),
    ("a long name, and names of their own", {}, {"STACK": "a" * 40, "NAME": "rootwatch"}, "good", "name", "stack aaa"),
    ("a stack of a stack set", {}, {"STACK": "StackSet-rootwatch-00000000-0000-4000-8000-000000000000"}, "good", "name", "of a stack set"),
    ("a name that CloudFormation refuses", {}, {"STACK": "root_watch"}, "bad", "name", "letters, digits and hyphens"),
    ("a name that is the folder of upload", {}, {"STACK": "shared"}, "bad", "name", "choose another STACK"),
    ("an update that was not rolled back", status("UPDATE_FAILED"), {}, "bad", "stack", "rollback-stack"),
    ("an import that failed", status("IMPORT_ROLLBACK_FAILED"), {}, "bad", "stack", "Events"),
    ("a warning before the error", {"cloudformation describe-stacks error": "/usr/lib/urllib3: " + "InsecureRequestWarning " * 20 + NO_STACK["cloudformation describe-stacks error"]}, {},
     "good", "stack", "not deployed yet"),
    ("a subscription that is not confirmed", {"sns list-subscriptions-by-topic": "PendingConfirmation\temail"}, {}, "bad", "subscribers", "good for two days"),
    ("no subscription", {"sns list-subscriptions-by-topic": ""}, {}, "bad", "subscribers", "AlertEmail="),
    ("no heartbeat", {"cloudwatch get-metric-statistics": "None"}, {}, "bad", "heartbeat", "no complete check in 24 hours"),
    ("a heartbeat that is missing", {"cloudwatch describe-alarms": "ALARM"}, {}, "bad", "heartbeat", "2026-11-20T10:00:00+00:00"),
    ("an error with control characters", {"lambda get-account-settings error": "\x1b[2Jboom\r\nagain"}, {}, "unknown", "quota", "failed: [2Jboom again"),
]


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rootwatch-doctor-"))
        self.addCleanup(shutil.rmtree, self.folder)
        for name in COMMANDS:
            self.folder.joinpath(name).symlink_to(shutil.which(name))
        self.program("aws", FAKE)

    def program(self, name, text):
        self.folder.joinpath(name).write_text(text)
        self.folder.joinpath(name).chmod(0o755)

    def run_over(self, broken, environment=None, *arguments):
        """Its lines, {of what: (how, text)}, and its code."""
        answers = self.folder / "answers"
        shutil.rmtree(answers, ignore_errors=True)
        answers.mkdir()
        for name, text in (GOOD | broken).items():
            answers.joinpath(name).write_text(text + "\n")
        own = {"PATH": str(self.folder), "ANSWERS": str(answers), "AWS_REGION": "us-east-1", "TMPDIR": str(self.folder), "VERSION": "0.2.0"}
        done = subprocess.run([HERE / "doctor", *arguments], env=own | (environment or {}), capture_output=True, text=True)
        self.assertEqual("", done.stderr)
        calls = answers / "calls"
        self.calls = calls.read_text().splitlines() if calls.exists() else []
        lines = [line.split(None, 2) for line in done.stdout.splitlines()]
        for line in done.stdout.splitlines():
            self.assertRegex(line, r"\A(good|bad|unknown) +[a-z]+ +\S[^\x00-\x1f\x7f]*\Z")
        return {line[1]: (line[0], line[2]) for line in lines}, done.returncode

    def test_a_good_account_has_good_lines_only(self):
        said, code = self.run_over({})
        self.assertEqual({"good"}, {how for how, _ in said.values()}, said)
        self.assertEqual(0, code)
        self.assertLessEqual({"tools", "name", "credentials", "region", "stack", "permission", "trail", "quota", "subscribers", "heartbeat"}, set(said))

    def test_each_broken_fact_has_a_line_that_says_what_to_do(self):
        for name, broken, environment, how, what, words in ROWS:
            with self.subTest(name):
                said, code = self.run_over(broken, environment)
                self.assertEqual(how, said[what][0], said)
                self.assertIn(words, said[what][1])
                self.assertEqual(1 if "bad" in [how for how, _ in said.values()] else 0, code)

    def test_it_only_reads(self):
        self.run_over({})
        self.run_over(NO_STACK)
        self.run_over({}, {}, "deploy")
        for call in self.calls:
            self.assertRegex(call, r"^(--version|configure get|\S+ (describe|get|list|head|simulate)-)")

    def test_before_a_deployment_only_what_makes_it_fail_is_looked_at(self):
        said, code = self.run_over({"cloudtrail describe-trails": "", "lambda get-account-settings": "10\t10"}, {}, "deploy")
        self.assertEqual((0, {"tools", "name", "credentials", "region", "stack", "bucket"}), (code, set(said)))
        for broken in (status("ROLLBACK_COMPLETE"), {"s3api head-bucket error": "An error occurred (403) when calling the HeadBucket operation: Forbidden"}):
            self.assertEqual(1, self.run_over(broken, {}, "deploy")[1], broken)
        said, code = self.run_over({"s3api head-bucket": "eu-central-1"}, {}, "deploy")
        self.assertEqual(("bad", 1), (said["bucket"][0], code))
        missing = {"s3api head-bucket error": "An error occurred (404) when calling the HeadBucket operation: Not Found"}
        self.assertEqual(0, self.run_over(missing, {}, "deploy")[1])

    def test_what_it_simulates_is_in_the_policy_for_deploying(self):
        policy = HERE.parent.parent.joinpath("docs/permissions.md").read_text().split("## Policy for deploying")[1]
        actions = re.search(r"actions='(.*?)'", HERE.joinpath("doctor").read_text(), re.DOTALL)[1].split()
        self.assertGreater(len(actions), 10)
        self.assertEqual([], [action for action in actions if f'"{action}"' not in policy])

    def test_a_deployment_with_roots_credentials_goes_on_and_says_so(self):
        said, code = self.run_over({"sts get-caller-identity": "111122223333\tarn:aws:iam::111122223333:root"}, {}, "deploy")
        self.assertEqual(("bad", 0), (said["credentials"][0], code))

    def test_tools_of_a_build_are_asked_for_their_versions(self):
        for name, version in {"cargo": "1.95.0 (abc)", "cargo-lambda": "1.9.2", "python3": "3.11.7"}.items():
            self.program(name, f"#!/bin/sh\necho '{name} {version}'\n")
        self.program("sam", "#!/bin/sh\necho 'SAM CLI, version 1.90.0'\n")
        said, code = self.run_over({}, {"BUILDS": "1"})
        self.assertEqual(1, code)
        self.program("sam", "#!/bin/sh\necho 'SAM CLI, version 1.155.0'\n")
        self.assertEqual(0, self.run_over({}, {"BUILDS": "1"})[1])
        self.program("cargo", "#!/bin/sh\necho nothing\n")
        self.assertEqual(0, self.run_over({}, {"BUILDS": "1"})[1])

    def test_without_the_aws_cli_it_says_where_to_get_it(self):
        self.folder.joinpath("aws").unlink()
        said, code = self.run_over({})
        self.assertEqual(("bad", 1), (said["tools"][0], code))
        self.assertIn("getting-started-install", said["tools"][1])


if __name__ == "__main__":
    os.environ.pop("STACK", None)
    unittest.main()
