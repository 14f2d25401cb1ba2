"""The archive of `make package`, made of invented programs; and its script `rootwatch` over a program in place of the AWS CLI.

usage: python pack_test.py      (needs git, cargo, and package.txt)
"""

import hashlib
import io
import json
import os
import re
import shutil
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
FUNCTIONS = ["Checker", "ChatNotifier", "MemberAuditor", "Organization", "Reporter", "RootActivity", "SlackNotifier"]
# In place of the AWS CLI: writes down each call, and answers as an account without the stack; `BECOMES` is how a deployment ends.
AWS = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$1 $2" in
    --version*) echo 'aws-cli/2.31.0' ;;
    'configure get') exit 1 ;;
    'sts get-caller-identity') case "$*" in *Arn*) printf '111122223333\\tarn:aws:iam::111122223333:user/alice\\n' ;; *) echo 111122223333 ;; esac ;;
    's3api head-bucket') echo 'An error occurred (404) when calling the HeadBucket operation: Not Found' >&2; exit 254 ;;
    'cloudformation describe-stacks')
        if test -n "${STACK_IS_THERE:-}"; then echo CREATE_COMPLETE; elif test -f "$CALLS.stack"; then cat "$CALLS.stack"; else
            echo 'An error occurred (ValidationError) when calling the DescribeStacks operation: Stack with id rootwatch does not exist' >&2; exit 254
        fi ;;
    'cloudformation deploy') echo "$BECOMES" >"$CALLS.stack"; test "$BECOMES" = CREATE_COMPLETE ;;
    'cloudformation delete-stack') rm -f "$CALLS.stack" ;;
    'cloudformation describe-stack-events') printf 'CREATE_FAILED\\tAWS::IAM::Role\\tCheckerRole\\tnot authorized to perform: iam:CreateRole\\nCREATE_IN_PROGRESS\\tAWS::CloudFormation::Stack\\trootwatch\\tUser Initiated\\nUPDATE_FAILED\\tAWS::IAM::Role\\tOld\\tlast month\\n' ;;
    'cloudformation describe-stack-resource') echo "physical-name" ;;
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
        Path(folder, name, "bootstrap").write_bytes(elf(machine) + name.removesuffix("Notifier").encode())
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
        own = {"PATH": str(tools), "CALLS": str(calls), "TMPDIR": str(tools), "BECOMES": becomes, "AWS_REGION": "eu-west-1", "ANSWER": "{}"}
        done = subprocess.run([self.top / "rootwatch", *arguments], env=own | environment, capture_output=True, text=True)
        return done.stdout + done.stderr, done.returncode, calls.read_text().splitlines() if calls.exists() else []

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
        self.assertIn("not authorized to perform: iam:CreateRole", printed)
        self.assertNotIn("last month", printed)
        self.assertIn("failed and was removed", printed)
        self.assertEqual("cloudformation wait stack-delete-complete --stack-name rootwatch", calls[-1])

    def test_an_interrupted_or_expired_deployment_is_not_said_to_be_restored(self):
        printed, code, calls = self.rootwatch("deploy", becomes="UPDATE_IN_PROGRESS")
        self.assertEqual(1, code)
        self.assertIn("goes on without this command", printed)
        self.assertFalse([call for call in calls if "delete-stack" in call])

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
