"""The archive of `make package`, made of invented programs; and its script `rootwatch` over a program in place of the AWS CLI.

usage: python pack_test.py      (needs git, cargo, and package.txt)
"""

import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import tomllib
import unittest
import zipfile
from pathlib import Path

import pack
import yaml

COMMANDS = ["awk", "cat", "cut", "date", "dirname", "env", "grep", "head", "mktemp", "rm", "sed", "sh", "sort", "tail", "tr", "uname"]
FUNCTIONS = ["Checker", "ChatNotifier", "MemberAuditor", "Organization", "Reporter", "RootActivity", "RouteNotifier", "SlackNotifier"]
# In place of the AWS CLI of version CLI: writes down each call, and answers as an account without the stack; `BECOMES` is how a deployment
# ends, or that it goes on after an interruption (INTERRUPTS). As version 2 does, it prints by a pager unless AWS_PAGER is empty.
AWS = """#!/bin/sh
echo "$*" >>"$CALLS"
for argument in "$@"; do printf '%s\\0' "$argument"; done >"$CALLS.last.$2"
wrong() { case $CLI in 1) printf '\\n%s\\n' "$1" ;; *) printf '\\naws: [ERROR]: %s\\n' "$1" ;; esac >&2; exit 254; }
case "$CLI $1" in '1 '* | *--version | *configure) ;; *) test "${AWS_PAGER-less}${AWS_CLI_AUTO_PROMPT#off}" = '' || { echo '(END)'; exit 99; } ;; esac
case "$1 $2" in
    --version*) case $CLI in 1) echo 'aws-cli/1.40.1 Python/3.11.2 Linux/6.1.0 botocore/1.38.2' ;; *) echo 'aws-cli/2.31.0 Python/3.13.7 Linux/6.1.0 exe/x86_64.debian.12' ;; esac ;;
    'configure get') exit 1 ;;
    'sts get-caller-identity') case "$*" in *Arn*) printf '111122223333\\tarn:aws:iam::111122223333:user/alice\\n' ;; *) echo 111122223333 ;; esac ;;
    's3api head-bucket') wrong 'An error occurred (404) when calling the HeadBucket operation: Not Found' ;;
    's3 cp') case "$*" in */latest.html*) test -n "${PAGE:-}" || wrong 'fatal error: An error occurred (404) when calling the HeadObject operation: Key "latest.html" does not exist'
        for last in "$@"; do :; done; echo "$PAGE" >"$last" ;; esac ;;
    'cloudformation describe-stacks')
        if test -n "${STACK_IS_THERE:-}"; then case $STACK_IS_THERE in 1) echo CREATE_COMPLETE ;; *) echo "$STACK_IS_THERE" ;; esac; elif test -f "$CALLS.stack"; then cat "$CALLS.stack"; else
            wrong 'An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id rootwatch does not exist'
        fi ;;
    'cloudformation package') test "${INTERRUPTS:-}" != package || kill -INT 0 ;;
    'cloudformation deploy')
        echo "$BECOMES" >"$CALLS.stack"
        test "${INTERRUPTS:-}" != deploy || kill -INT 0
        test "$BECOMES" = CREATE_COMPLETE || { printf 'Failed to create/update the stack: \\033]0;owned\\007 Waiter\\n' >&2; exit 255; } ;;
    'cloudformation delete-stack') rm -f "$CALLS.stack" ;;
    'cloudformation describe-stack-events') printf 'CREATE_FAILED\\tAWS::IAM::Role\\tCheckerRole\\tnot authorized to perform: \\033[2J\\302\\233iam:CreateRole\\r\\nCREATE_IN_PROGRESS\\tAWS::CloudFormation::Stack\\trootwatch\\tUser Initiated\\nUPDATE_FAILED\\tAWS::IAM::Role\\tOld\\tlast month\\n' ;;
    'cloudformation describe-stack-resource') case "$*" in *' Forwarders '*) echo rootwatch-forwarders:0a1b; exit ;; esac; test -z "${NO_RESOURCE:-}" || wrong 'An error occurred (ValidationError): Stack does not exist'; echo "physical-name" ;;
    'cloudformation describe-stack-set') printf 'arn:aws:iam::111122223333:role/administration\\texecution\\n' ;;
    'cloudformation update-stack-set') echo 11111111-2222-4333-8444-555566667777 ;;
    'cloudformation describe-stack-set-operation') echo "${OPERATION:-SUCCEEDED}" ;;
    'cloudformation list-stack-instances') printf 'us-east-1\\tCURRENT\\tNone\\nus-west-2\\tOUTDATED\\texplicit deny\\033[2J\\n' ;;
    'lambda invoke')
        for last in "$@"; do case $last in fileb://*) cat "${last#fileb://}" >>"$CALLS"; echo >>"$CALLS" ;; esac; done
        printf '%s' "$ANSWER" >"$last"; echo "${FUNCTION_ERROR:-None}" ;;
esac
"""


def elf(machine):
    return b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + bytes(2_000)


def built(folder, machine=62, functions=FUNCTIONS):
    for name in functions:
        Path(folder, name).mkdir(parents=True)
        # The three notifiers are one program.
        Path(folder, name, "bootstrap").write_bytes(elf(machine) + re.sub("Chat|Route", "Slack", name).encode())
    Path(folder, "sandbox").write_bytes(elf(machine))
    return str(folder), str(Path(folder, "sandbox"))


class Packed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="rootwatch-pack-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.name, cls.packed = pack.pack("x86_64", *built(cls.folder / "one"))
        with tarfile.open(fileobj=io.BytesIO(cls.packed)) as archive:
            archive.extractall(cls.folder, filter="data")
        cls.top = cls.folder / cls.name
        cls.sbom = json.loads(cls.top.joinpath("sbom.cdx.json").read_text())

    def test_the_same_commit_gives_the_same_bytes_elsewhere_and_on_another_day(self):
        other = built(self.folder / "another-folder")
        for file in Path(other[0]).rglob("*"):
            os.utime(file, (1_000_000_000, 1_000_000_000))
        self.assertEqual(self.packed, pack.pack("x86_64", *other)[1])

    def test_every_file_is_as_its_sum_says(self):
        sums = dict(line.split("  ")[::-1] for line in self.top.joinpath("SHA256SUMS").read_text().splitlines())
        files = {str(file.relative_to(self.top)): file for file in self.top.rglob("*") if file.is_file()}
        del files["SHA256SUMS"]
        self.assertEqual({name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in files.items()}, sums)

    def test_the_template_is_plain_cloudformation_and_names_code_that_is_there(self):
        text = self.top.joinpath("template.yaml").read_text()
        self.assertFalse(re.search(r"(?m)^\s*[\w:.-]+: [&*]\w|<<:", text))
        template = yaml.safe_load(text)
        functions = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Function"]
        self.assertEqual(len(FUNCTIONS), len(functions))
        for properties in functions:
            with zipfile.ZipFile(self.top / properties["Code"]) as code:
                [file] = code.infolist()
            self.assertEqual(("bootstrap", 0o755), (file.filename, file.external_attr >> 16 & 0o777))
        self.assertEqual(("x86_64", ["x86_64"]), (template["Parameters"]["Architecture"]["Default"], template["Parameters"]["Architecture"]["AllowedValues"]))
        own = pack.yaml_parse(pack.PROJECT.joinpath("template.yaml").read_text())
        self.assertLessEqual(set(own["Resources"]), set(template["Resources"]))
        self.assertNotIn("Transform", template)
        self.assertEqual([{"Ref": "Architecture"}], template["Resources"]["Checker"]["Properties"]["Architectures"])
        self.assertEqual(own["Resources"]["Ledger"], template["Resources"]["Ledger"])

    def test_programs_of_another_architecture_and_missing_ones_are_refused(self):
        with self.assertRaisesRegex(AssertionError, "is not built for x86_64"):
            pack.pack("x86_64", *built(self.folder / "arm", machine=183))
        with self.assertRaisesRegex(AssertionError, "not built: reporter"):
            pack.pack("x86_64", *built(self.folder / "some", functions=[name for name in FUNCTIONS if name != "Reporter"]))

    def test_a_program_of_two_functions_that_was_copied_in_part_is_refused(self):
        folder, sandbox = built(self.folder / "part")
        program = Path(folder, "ChatNotifier", "bootstrap")
        program.write_bytes(program.read_bytes()[:-1])
        with self.assertRaisesRegex(AssertionError, "are one program and differ"):
            pack.pack("x86_64", folder, sandbox)

    def test_the_sam_cli_builds_one_function_after_another(self):
        build = tomllib.loads(pack.PROJECT.joinpath("samconfig.toml").read_text())["default"]["build"]["parameters"]
        self.assertEqual({"cached": False, "parallel": False}, build)

    def test_the_sbom_has_what_is_linked_and_nothing_of_the_tests(self):
        names = {component["name"] for component in self.sbom["components"]}
        self.assertLessEqual({"checker", "facts", "lambda_runtime", "aws-sdk-iam", "rustls"}, names)
        self.assertFalse({"insta", "proptest", "serde_derive", "criterion", "divan"} & names)
        lock = tomllib.loads(pack.PROJECT.joinpath("Cargo.lock").read_text())["package"]
        sums = {(package["name"], package["version"]): package.get("checksum") for package in lock}
        for component in self.sbom["components"]:
            expected = sums[component["name"], component["version"]]
            self.assertEqual(expected, component["hashes"][0]["content"] if expected else None)
            self.assertTrue(component.get("licenses"), component["name"])
        uses = {each["ref"]: each.get("dependsOn", []) for each in self.sbom["dependencies"]}
        self.assertIn("checklist", [ref.split("@")[0] for ref in next(used for ref, used in uses.items() if ref.startswith("alerts@"))])

    def test_the_licences_of_every_library_are_inside(self):
        text = self.top.joinpath("THIRD-PARTY-LICENCES.txt").read_text()
        for component in self.sbom["components"]:
            if "purl" in component:
                self.assertRegex(text, rf"(?m)^{re.escape(component['name'])} {re.escape(component['version'])}(:|$)")

    def test_nothing_in_it_names_a_folder_of_this_machine(self):
        for file in self.top.rglob("*"):
            if file.is_file():
                self.assertNotIn(str(pack.PROJECT).encode(), file.read_bytes(), file)

    def rootwatch(self, *arguments, becomes="CREATE_COMPLETE", **environment):
        """What it printed, its code, and each call of the AWS CLI."""
        tools = Path(tempfile.mkdtemp(dir=self.folder))
        for name in COMMANDS:
            tools.joinpath(name).symlink_to(shutil.which(name))
        tools.joinpath("aws").write_text(AWS)
        tools.joinpath("aws").chmod(0o755)
        calls = tools / "calls"
        own = {"PATH": str(tools), "CALLS": str(calls), "TMPDIR": str(tools), "BECOMES": becomes, "AWS_REGION": "eu-west-1", "ANSWER": "{}", "CLI": "2"}
        # Ctrl-C reaches the script and what it runs, and nothing else.
        done = subprocess.run(
            [self.top / "rootwatch", *arguments], env=own | environment, capture_output=True, text=True, cwd=tools,
            start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        self.tools = tools
        self.assertEqual([], list(tools.glob("tmp.*")), "temporary files are left")
        # As a terminal would take it: no control characters but ends of lines.
        self.assertNotRegex(done.stdout + done.stderr, r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
        return done.stdout + done.stderr, done.returncode, calls.read_text().splitlines() if calls.exists() else []

    def last(self, verb):
        """The arguments of the last call of `aws … verb`."""
        return self.tools.joinpath(f"calls.last.{verb}").read_text().split("\0")[:-1]

    def test_deploy_needs_the_aws_cli_only_and_says_what_is_next(self):
        # The invented sandbox cannot check settings: on another system it is not asked.
        printed, code, calls = self.rootwatch("deploy")
        self.assertEqual(0, code, printed)
        self.assertIn("test-alert", printed)
        [deployed] = [call for call in calls if call.startswith("cloudformation deploy")]
        self.assertTrue(deployed.endswith("--parameter-overrides Architecture=x86_64"), deployed)
        self.assertIn("s3 mb s3://rootwatch-artifacts-111122223333-eu-west-1", calls)
        self.assertIn("--expected-bucket-owner 111122223333", " ".join(calls))

    def test_upload_names_the_template_for_other_tools(self):
        printed, code, calls = self.rootwatch("upload", "packaged.yaml")
        self.assertEqual(0, code, printed)
        version = self.name.removeprefix("rootwatch-")
        self.assertEqual(["packaged.yaml", f"https://rootwatch-artifacts-111122223333-eu-west-1.s3.eu-west-1.amazonaws.com/shared/rootwatch-{version}.yaml"], printed.splitlines())
        self.assertFalse([call for call in calls if call.startswith("cloudformation deploy")])

    def test_a_first_deployment_that_fails_leaves_nothing_half_done(self):
        printed, code, calls = self.rootwatch("deploy", becomes="ROLLBACK_COMPLETE")
        self.assertEqual(1, code)
        # What a terminal would obey in others' texts is gone, here and in what the AWS CLI prints itself.
        self.assertIn("not authorized to perform: ?[2J??iam:CreateRole", printed)
        self.assertIn("Failed to create/update the stack: ?]0;owned? Waiter", printed)
        self.assertNotIn("last month", printed)
        self.assertIn("failed and was removed", printed)
        self.assertEqual("cloudformation wait stack-delete-complete --stack-name rootwatch", calls[-1])

    def test_an_interrupted_or_expired_deployment_is_not_said_to_be_restored(self):
        printed, code, calls = self.rootwatch("deploy", becomes="UPDATE_IN_PROGRESS")
        self.assertEqual(1, code)
        self.assertIn("goes on without this command", printed)
        self.assertFalse([call for call in calls if "delete-stack" in call])

    def test_ctrl_c_says_what_is_left_and_the_next_deployment_goes_on(self):
        for where, becomes, words in [
            ("package", "", "Nothing was deployed"),
            ("deploy", "REVIEW_IN_PROGRESS", "had not begun. Start again"),
            ("deploy", "CREATE_IN_PROGRESS", "CloudFormation goes on with rootwatch: ./rootwatch doctor"),
            ("deploy", "UPDATE_COMPLETE", "changes nothing of rootwatch. Start again"),
        ]:
            with self.subTest(becomes):
                printed, code, calls = self.rootwatch("deploy", INTERRUPTS=where, becomes=becomes)
                self.assertEqual(130, code, printed)
                self.assertIn("Interrupted. ", printed)
                self.assertIn(words, printed)
                self.assertFalse([call for call in calls if "delete-stack" in call])
        # In the state that it left: what CloudFormation had not begun goes on, what it is at is waited for.
        for left, goes_on in [("REVIEW_IN_PROGRESS", True), ("UPDATE_COMPLETE", True), ("CREATE_IN_PROGRESS", False)]:
            printed, code, calls = self.rootwatch("deploy", STACK_IS_THERE=left)
            self.assertEqual((not goes_on, goes_on), (code != 0, any(call.startswith("cloudformation deploy") for call in calls)), printed)
            self.assertTrue(goes_on or "wait until it is done" in printed, printed)

    def test_settings_with_quotes_and_spaces_reach_cloudformation_as_they_are(self):
        exceptions = """[{"control":"root-mfa","reason":"alice's \\"plan\\" \\\\ $(id) `id` * %s","owner":"bob","until":"2026-12-01"}]"""
        settings = [f"Exceptions={exceptions}", "AlertEmail=you@example.com", "Name="]
        # In place of the program that checks them: what it is given.
        sandbox = self.top / "bin/sandbox"
        program = sandbox.read_bytes()
        sandbox.write_text("#!/bin/sh\nfor argument in \"$@\"; do printf '%s\\0' \"$argument\"; done >\"$CALLS.checked\"\n")
        try:
            printed, code, _ = self.rootwatch("deploy", *settings)
        finally:
            sandbox.write_bytes(program)
        self.assertEqual(0, code, printed)
        self.assertEqual(["--parameter-overrides", "Architecture=x86_64", *settings], self.last("deploy")[-5:])
        checked = self.tools.joinpath("calls.checked")
        if checked.exists():
            # As the SAM CLI would take it: tests/acceptance/deployment/commands.rs has the program read such a one.
            verb, first, *others = checked.read_text().split("\0")[:-1]
            self.assertEqual(("check-config", ["AlertEmail='you@example.com'", "Name=''"]), (verb, others))
            # The first quote that is not escaped ends it.
            self.assertRegex(first.removeprefix("Exceptions="), r"\A'(?:[^'\\]|\\.)*'\Z")
            self.assertEqual(exceptions, re.sub(r"\\([ \"'])", r"\1", first.removeprefix("Exceptions='").removesuffix("'")))

    def test_both_versions_of_the_aws_cli_give_the_same(self):
        answer = json.dumps({"summary": "A test alert was sent to: Slack.", "problems": []})
        for arguments, environment in [
            (["doctor"], {}),
            (["deploy"], {}),
            (["deploy"], {"becomes": "ROLLBACK_COMPLETE"}),
            (["test-alert"], {"ANSWER": answer}),
            (["report"], {"PAGE": "<html>"}),
            (["remove"], {"STACK_IS_THERE": "1"}),
            (["remove"], {}),
        ]:
            with self.subTest(arguments):
                one, other = (self.rootwatch(*arguments, CLI=version, **environment)[:2] for version in "12")
                # A config file may turn on what version 2 has beside: each call turns it off.
                self.assertEqual(other, self.rootwatch(*arguments, CLI="2", AWS_PAGER="less", AWS_CLI_AUTO_PROMPT="on", **environment)[:2])
                version = re.compile(r"aws \d\S+")
                self.assertEqual((version.sub("aws", one[0]), one[1]), (version.sub("aws", other[0]), other[1]))
                self.assertNotIn("(END)", other[0])

    def test_the_stack_of_a_stack_set_is_left_to_its_administrator(self):
        for verb in ("deploy", "remove"):
            printed, code, calls = self.rootwatch(verb, STACK="StackSet-rootwatch-00000000-0000-4000-8000-000000000000")
            self.assertEqual((1, []), (code, calls))
            self.assertIn("belongs to a stack set", printed)

    def test_a_name_of_its_own_lets_a_stack_have_a_long_one(self):
        self.assertEqual(1, self.rootwatch("deploy", STACK="a" * 40)[1])
        printed, code, _ = self.rootwatch("deploy", "Name=rootwatch", STACK="a" * 40)
        self.assertEqual(0, code, printed)

    def test_report_downloads_the_page_and_says_where_there_is_none(self):
        printed, code, _ = self.rootwatch("report", PAGE="<html>")
        self.assertEqual((0, "rootwatch-report.html\n"), (code, printed))
        page = self.tools / "rootwatch-report.html"
        self.assertEqual(("<html>\n", 0o600), (page.read_text(), page.stat().st_mode & 0o777))
        self.assertEqual("s3://physical-name/latest.html", self.last("cp")[-2])
        printed, code, _ = self.rootwatch("report", "other.html")
        self.assertEqual(1, code)
        self.assertIn("no page yet", printed)
        printed, code, _ = self.rootwatch("report", NO_RESOURCE="1", PAGE="<html>")
        self.assertEqual(1, code)
        self.assertIn("There is no report bucket of a stack rootwatch in eu-west-1", printed)

    def test_forwarders_are_retried_and_each_region_says_how_it_is(self):
        printed, code, _ = self.rootwatch("forwarders")
        self.assertEqual((0, "us-east-1\tCURRENT\tNone\nus-west-2\tOUTDATED\texplicit deny?[2J\n"), (code, printed))
        given = self.last("update-stack-set")
        self.assertEqual("rootwatch-forwarders", given[given.index("--stack-set-name") + 1])
        self.assertEqual(("arn:aws:iam::111122223333:role/administration", "execution"),
                         (given[given.index("--administration-role-arn") + 1], given[given.index("--execution-role-name") + 1]))
        forwarders = pack.yaml_parse(pack.PROJECT.joinpath("template.yaml").read_text())["Resources"]["Forwarders"]["Properties"]
        kept = {each["ParameterKey"] for each in forwarders["Parameters"]}
        self.assertEqual({f"ParameterKey={name},UsePreviousValue=true" for name in kept}, {each for each in given if each.startswith("ParameterKey=")})

    def test_what_the_doctor_calls_bad_ends_a_deployment_before_it_begins(self):
        printed, code, calls = self.rootwatch("deploy", STACK="a" * 40)
        self.assertEqual(1, code)
        self.assertIn("Nothing was deployed.", printed)
        self.assertFalse([call for call in calls if call.startswith(("cloudformation deploy", "s3 mb"))])
        printed, code, calls = self.rootwatch("deploy", "you@example.com")
        self.assertEqual((1, []), (code, calls))
        self.assertIn("A setting is NAME=VALUE", printed)

    def test_an_acknowledgement_reaches_the_function_as_it_was_written(self):
        answer = '{"acknowledged":[{}]}'
        by = 'alice "the" $(id) \\'
        printed, code, calls = self.rootwatch("ack", "111122223333/root-mfa/1", by, "12", "CHG-7", ANSWER=answer)
        self.assertEqual(0, code, printed)
        sent = [json.loads(call) for call in calls if call.startswith("{")]
        self.assertEqual([{"acknowledge": {"alert": "111122223333/root-mfa/1", "by": by, "hours": 12, "note": "CHG-7"}}], sent)
        self.assertIn("Acknowledged for 12 hours", printed)
        for arguments in (["ack"], ["ack", "x", "y", "0"], ["ack", "x", "y", "a lot"]):
            self.assertEqual(1, self.rootwatch(*arguments, ANSWER=answer)[1], arguments)
        printed, code, _ = self.rootwatch("ack", "x", "y", ANSWER='{"errorMessage":"no such alert"}', FUNCTION_ERROR="Unhandled")
        self.assertEqual(1, code)
        self.assertIn("no such alert", printed)

    def test_a_test_alert_says_who_got_it(self):
        answer = {"summary": "A test alert was sent to: 1 confirmed email subscriber.", "problems": []}
        for separators in ((",", ":"), (", ", ": ")):
            printed, code, calls = self.rootwatch("test-alert", ANSWER=json.dumps(answer, separators=separators))
            self.assertEqual((0, "A test alert was sent to: 1 confirmed email subscriber.\n"), (code, printed))
            self.assertIn('{"test_alert": true}', calls)
            printed, code, _ = self.rootwatch("test-alert", ANSWER=json.dumps(answer | {"problems": ["One.", "Two."]}, separators=separators))
            self.assertEqual((1, ["One.", "Two."]), (code, printed.splitlines()[1:]))

    def test_remove_leaves_a_bucket_that_someone_else_made_and_the_folder_of_upload(self):
        for bucket, removes in (({}, True), ({"BUCKET": "of-another-team"}, False)):
            printed, code, calls = self.rootwatch("remove", becomes="CREATE_COMPLETE", STACK_IS_THERE="1", **bucket)
            self.assertEqual(0, code, printed)
            name = bucket.get("BUCKET", "rootwatch-artifacts-111122223333-eu-west-1")
            self.assertIn(f"s3 rm --recursive --only-show-errors s3://{name}/rootwatch/", calls)
            self.assertEqual(removes, f"s3 rb s3://{name}" in calls, calls)
        printed, code, calls = self.rootwatch("remove")
        self.assertEqual(1, code)
        self.assertIn("There is no stack rootwatch in eu-west-1.", printed)
        self.assertFalse([call for call in calls if "delete" in call or call.startswith("s3 ")])

    def test_usage_names_each_verb(self):
        printed, code, _ = self.rootwatch()
        self.assertEqual(2, code)
        for verb in re.findall(r"^    ([a-z-]+)\)", self.top.joinpath("rootwatch").read_text(), re.MULTILINE):
            self.assertIn(f"./rootwatch {verb}", printed)


if __name__ == "__main__":
    unittest.main()
