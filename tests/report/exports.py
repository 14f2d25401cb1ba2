"""Holds the exports of `sandbox exports FOLDER` to schemas and parsers that others wrote.

usage: exports.py FOLDER

The reports themselves are validated by docs/report.schema.json. CSV is read by Python's csv module; OCSF is validated by the JSON Schema of the published class (package ocsf-json-schema, which
carries the compiled schema of each release); JUnit XML is read by junitparser; what is sent to Security Hub is validated by
botocore's model of the service. Then good files are broken, one thing at a time, and each break must be found. Prints a line a
file; exits 1 on a fault.
"""

import copy
import csv
import datetime
import io
import json
import pathlib
import re
import sys
import unicodedata
import xml.etree.ElementTree

import botocore.session
import botocore.validate
import jsonschema
import junitparser
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

OCSF = "1.8.0"
FORMULA = tuple("=+-@\t\r＝＋－＠")
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
LONGEST = {"Id": 512, "ProductArn": 2048, "GeneratorId": 512, "Title": 256, "Description": 1024, "ProductName": 128}
# What a provider must not send, or cannot change.
OF_THE_CUSTOMER = {"Note", "UserDefinedFields", "VerificationState", "Workflow", "Severity", "Types", "Confidence", "Criticality"}


def is_suppressed(finding):
    named = {exception["resource"] for exception in finding["exceptions"]}
    whole = None in named
    each = bool(finding["resources"]) and named.issuperset(finding["resources"])
    return finding["status"] in ("failed", "unknown") and (whole or (each and finding["status"] == "failed"))


def known(report):
    """The findings of controls that there are, by control."""
    return {finding["control"]: finding for finding in report.get("findings", []) if "status" in finding}


def taken_at(report):
    text = re.sub(r"(\.\d{6})\d*Z$", r"\1Z", report["taken_at"])
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def csv_faults(text, report):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    head, rows = rows[0], [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    findings = known(report)
    if len(set(head)) != len(head) or not {"account", "control", "status", "reason", "cis-5.0", "security-hub"} <= set(head):
        yield f"columns: {head}"
    if [row["control"] for row in rows] != list(findings):
        yield "not a row a finding"
    for row in rows:
        finding = findings.get(row["control"], {})
        if row["status"] != str(finding.get("status")).replace("_", " "):
            yield f"{row['control']}: status {row['status']}"
        if row["suppressed"] != ("yes" if finding and is_suppressed(finding) else "no"):
            yield f"{row['control']}: suppressed {row['suppressed']}"
        if row["account"] != "aws:" + report["account"]["id"] or row["taken_at"] != report["taken_at"]:
            yield f"{row['control']}: of another account or time"
        for name, cell in row.items():
            # 1.10 would become 1.1, 012345678901 lose its zero, and a longer cell its end.
            if name not in ("step", "version") and re.fullmatch(r"[\d.,]+", cell):
                yield f"{row['control']}: {name} is a number: {cell}"
            if len(cell.encode("utf-16-le")) // 2 > 32_767:
                yield f"{row['control']}: {name} has {len(cell)} characters"
    # As read in the languages whose lists are separated by semicolons or tabs, too.
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in row:
                if cell.strip(" \u00a0").lstrip('"').startswith(FORMULA):
                    yield f"a formula, separated by {separator!r}: {cell!r}"
                if any(unicodedata.category(char) in ("Cc", "Cf") for char in cell):
                    yield f"a control character: {cell!r}"


REPORT = pathlib.Path(__file__).parent.parent.parent / "docs" / "report.schema.json"


def report_faults(text, report):
    schema = json.loads(REPORT.read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    for error in validator(schema, format_checker=validator.FORMAT_CHECKER).iter_errors(json.loads(text)):
        yield f"{error.json_path}: {error.message[:200]}"


def ocsf_class():
    schema = get_ocsf_schema(version=OCSF)
    return OcsfJsonSchemaEmbedded(schema).get_class_schema("compliance_finding", ["cloud"]), schema


CLASS, SCHEMA = ocsf_class()
jsonschema.Draft202012Validator.check_schema(CLASS)
VALIDATOR = jsonschema.Draft202012Validator(CLASS)


def caption_faults(value, attributes, at):
    """What the JSON Schema does not say: the caption beside a number is that of the number; nothing deprecated is used."""
    for name, inner in value.items():
        attribute = attributes.get(name)
        if attribute is None:
            continue
        if "@deprecated" in attribute:
            yield f"{at}.{name} is deprecated"
        caption = attribute.get("enum", {}).get(str(inner), {}).get("caption")
        sibling = value.get(attribute.get("sibling", name.removesuffix("_id")))
        if caption is not None and inner != 99 and name.endswith("_id") and sibling not in (None, caption):
            yield f"{at}.{name} is {inner} ({caption}), but beside it stands {sibling!r}"
        if attribute["type"] == "object_t":
            of_it = SCHEMA["objects"][attribute["object_type"]]["attributes"]
            for one in inner if isinstance(inner, list) else [inner]:
                yield from caption_faults(one, of_it, f"{at}.{name}")


def ocsf_faults(text, report):
    findings, expected = json.loads(text), known(report)
    attributes = SCHEMA["classes"]["compliance_finding"]["attributes"]
    if [finding.get("compliance", {}).get("control") for finding in findings] != list(expected):
        yield "not a finding a control"
    uids = [finding.get("finding_info", {}).get("uid") for finding in findings]
    if len(set(uids)) != len(uids):
        yield "two findings of one uid"
    for finding, uid in zip(findings, uids):
        for error in VALIDATOR.iter_errors(finding):
            yield f"{uid}: {error.json_path}: {error.message[:200]}"
        yield from caption_faults(finding, attributes, uid)
        if finding.get("type_uid") != 100 * finding.get("class_uid", 0) + finding.get("activity_id", 0):
            yield f"{uid}: type_uid {finding.get('type_uid')}"
        if finding.get("time") != int(taken_at(report).timestamp() * 1000):
            yield f"{uid}: time {finding.get('time')}"
        if finding["metadata"].get("version") != OCSF or "cloud" not in finding["metadata"].get("profiles", []):
            yield f"{uid}: metadata {finding['metadata']}"
        compliance = finding.get("compliance", {})
        evaluated = expected.get(compliance.get("control"), {"status": None, "exceptions": [], "resources": []})
        status = {"passed": 1, "unknown": 2, "failed": 3, "not_applicable": 99}.get(evaluated["status"])
        if compliance.get("status_id") != status:
            yield f"{uid}: compliance.status_id {compliance.get('status_id')} of what is {evaluated['status']}"
        to_do = 3 if is_suppressed(evaluated) else 1 if evaluated["status"] in ("failed", "unknown") else 99
        if finding.get("status_id") != to_do:
            yield f"{uid}: status_id {finding.get('status_id')}"
        if [resource.get("name") for resource in finding["resources"]][1:] != evaluated["resources"]:
            yield f"{uid}: other resources"


def outcome(case):
    results = {type(result) for result in case.result}
    return next((kind.__name__.lower() for kind in (junitparser.Failure, junitparser.Error, junitparser.Skipped) if kind in results), "passed")


def junit_faults(text, report):
    xml.etree.ElementTree.fromstring(text.encode())
    document = junitparser.JUnitXml.fromstring(text.encode())
    counts = lambda one: (one.tests, one.failures, one.errors, one.skipped)
    before = [counts(document)] + [counts(suite) for suite in document]
    document.update_statistics()
    if before != [counts(document)] + [counts(suite) for suite in document]:
        yield f"counts {before} are not those of the cases"
    if [suite.name for suite in document] != ["five steps", "account baseline", "report"]:
        yield "other suites"
    cases = {case.name: case for suite in document for case in suite}
    by_control = {name.rsplit("(", 1)[1].rstrip(")"): outcome(case) for name, case in cases.items() if name.endswith(")")}
    expected = {control: "skipped" for control in report.get("left_out", [])}
    for control, finding in known(report).items():
        of_status = {"passed": "passed", "failed": "failure", "unknown": "error", "not_applicable": "skipped"}
        expected[control] = "skipped" if is_suppressed(finding) else of_status[finding["status"]]
    if by_control != expected:
        yield f"outcomes: {set(by_control.items()) ^ set(expected.items())}"
    whole = outcome(cases["The report can be read completely"])
    if not known(report) and whole != "error":
        yield "a report without findings is no error"
    for name, case in cases.items():
        for result in case.result:
            if not result.message or any(unicodedata.category(char) in ("Cc", "Cf") for char in result.message):
                yield f"{name}: message {result.message!r}"
            steps = {"failure": "Remediation: 1. ", "error": "How to make it readable: "}.get(outcome(case), "")
            if name.endswith(")") and steps not in (result.text or ""):
                yield f"{name}: does not say what to do"


MODEL = botocore.session.get_session().get_service_model("securityhub")
IMPORT = MODEL.operation_model("BatchImportFindings").input_shape


def value_faults(value, shape, at):
    """What botocore leaves to the service: its enumerations and patterns."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name in shape.members:
                yield from value_faults(inner, shape.members[name], f"{at}.{name}")
    elif shape.type_name == "list":
        for number, inner in enumerate(value):
            yield from value_faults(inner, shape.member, f"{at}[{number}]")
    elif shape.type_name == "map":
        for name, inner in value.items():
            yield from value_faults(inner, shape.value, f"{at}.{name}")
    elif shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{at}: {value!r} is none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.fullmatch(pattern, value, re.DOTALL):
            yield f"{at}: {value!r} does not match {pattern}"


def hub_faults(text, report):
    body = json.loads(text)
    errors = botocore.validate.ParamValidator().validate(body, IMPORT)
    if errors.has_errors():
        yield errors.generate_report()
    yield from value_faults(body, IMPORT, "")
    findings, expected = body.get("Findings", []), known(report)
    account = report["account"]["id"]
    if [finding.get("Id") for finding in findings] != [f"rootwatch/{account}/eu-west-1/{control}" for control in expected]:
        yield "other ids than one a control"
    for finding, evaluated in zip(findings, expected.values()):
        of_it = finding.get("Id")
        if len(json.dumps(finding)) > 240_000:
            yield f"{of_it}: longer than 240 KB"
        for name, most in LONGEST.items():
            if not 1 <= len(finding.get(name, "")) <= most:
                yield f"{of_it}: {name} has {len(finding.get(name, ''))} characters of {most}"
        if len(finding["Remediation"]["Recommendation"]["Text"]) > 512 or len(finding["Resources"]) > 32:
            yield f"{of_it}: too long"
        if any(len(value) > 2048 for value in finding["ProductFields"].values()) or len(finding["ProductFields"]) > 50:
            yield f"{of_it}: product fields"
        if finding.get("AwsAccountId") != account or finding["Resources"][0]["Id"] != f"AWS::::Account:{account}":
            yield f"{of_it}: of another account"
        if OF_THE_CUSTOMER & set(finding):
            yield f"{of_it}: {OF_THE_CUSTOMER & set(finding)} is the customer's"
        stands = (finding["Compliance"]["Status"], finding["RecordState"])
        of_status = {
            "passed": ("PASSED", "ARCHIVED"),
            "failed": ("FAILED", "ACTIVE"),
            "unknown": ("WARNING", "ACTIVE"),
            "not_applicable": ("NOT_AVAILABLE", "ARCHIVED"),
        }
        if stands != of_status[evaluated["status"]]:
            yield f"{of_it}: {stands} of what {evaluated['status']}"
        if finding["FindingProviderFields"]["Severity"]["Label"] != evaluated["severity"].upper():
            yield f"{of_it}: severity"


CHECKS = {
    "report.json": report_faults,
    "latest.csv": csv_faults,
    "latest.ocsf.json": ocsf_faults,
    "latest.junit.xml": junit_faults,
    "security-hub-1.json": hub_faults,
}


def faults(name, text, report):
    try:
        return list(CHECKS[name](text, report))
    except Exception as error:  # A parser that gives up has found a fault.
        return [f"{type(error).__name__}: {error}"]


def changed(change):
    """A break of a JSON text: of its first finding."""

    def broken(text):
        document = copy.deepcopy(json.loads(text))
        change(document["Findings"][0] if isinstance(document, dict) else document[0])
        return json.dumps(document)

    return broken


def of_report(change):
    """A break of a report."""

    def broken(text):
        report = json.loads(text)
        change(report)
        return json.dumps(report)

    return broken


# One thing a line; each must be found.
BREAKS = {
    "report.json": {
        "a required field is missing": of_report(lambda report: report.pop("findings")),
        "a severity of none": of_report(lambda report: report["findings"][0].update(severity="bad")),
        "a status of none": of_report(lambda report: report["findings"][0].update(status="good")),
        "a time as number": of_report(lambda report: report.update(taken_at=1)),
        "a number as text": of_report(lambda report: report.update(unsent="0")),
    },
    "latest.csv": {
        "a formula": lambda text: text.replace('"0.2.0"', '" =0.1.0"', 1),
        "a formula in full width": lambda text: text.replace('"IAM.', '"＝IAM.', 1),
        "a formula after a semicolon": lambda text: text.replace('"0.2.0"', '"0; =1"', 1),
        "a hidden character": lambda text: text.replace('"0.2.0"', '"0\u202e1"', 1),
        "a line break in a cell": lambda text: text.replace("Root ", "Root\n", 1),
        "a number": lambda text: text.replace('"CIS 1.', '"1.', 1),
        "a long cell": lambda text: text.replace('"0.2.0"', f'"{"x" * 32_768}"', 1),
        "a row too few": lambda text: "".join(text.splitlines(True)[:-1]),
        "a cell too many": lambda text: text.replace('"failed"', '"failed","x"', 1),
        "another status": lambda text: text.replace('"failed"', '"passed"', 1),
    },
    "latest.ocsf.json": {
        "an unknown attribute": changed(lambda one: one.update(foo=1)),
        "an unknown attribute further in": changed(lambda one: one["compliance"].update(foo=1)),
        "a required attribute is missing": changed(lambda one: one["finding_info"].pop("uid")),
        "a profile's attribute is missing": changed(lambda one: one["cloud"].pop("provider")),
        "a number of no enumeration": changed(lambda one: one.update(severity_id=7)),
        "a compliance status of none": changed(lambda one: one["compliance"].update(status_id=4)),
        "a caption of another number": changed(lambda one: one.update(activity_name="Close")),
        "something deprecated": changed(lambda one: one.update(resource={"name": "a"})),
        "a time in seconds": changed(lambda one: one.update(time=one["time"] // 1000)),
        "a time as text": changed(lambda one: one.update(time=str(one["time"]))),
        "an account without a name": changed(lambda one: one["cloud"].update(account={"type_id": 10})),
        "another version": changed(lambda one: one["metadata"].update(version="1.0.0")),
        "another outcome": changed(lambda one: one["compliance"].update(status_id=1, status="Pass")),
    },
    "latest.junit.xml": {
        "another outcome": lambda text: text.replace("<failure", "<error").replace("</failure", "</error"),
        "other counts": lambda text: text.replace('failures="', 'failures="1', 1),
        "a control character": lambda text: text.replace('message="', 'message="&#8;', 1),
        "no XML": lambda text: text.replace("</testcase>", "", 1),
        "a case too few": lambda text: re.sub(r"<testcase[^>]*/>|<testcase.*?</testcase>", "", text, count=1, flags=re.DOTALL),
        "nothing to do": lambda text: text.replace("Remediation: 1.", "", 1),
    },
    "security-hub-1.json": {
        "an unknown field": changed(lambda one: one.update(Foo="a")),
        "a required field is missing": changed(lambda one: one.pop("Title")),
        "a status of none": changed(lambda one: one["Compliance"].update(Status="RED")),
        "a severity of none": changed(lambda one: one["FindingProviderFields"]["Severity"].update(Label="BAD")),
        "a number for a text": changed(lambda one: one.update(Title=1)),
        "a blank text": changed(lambda one: one.update(Description=" ")),
        "a long title": changed(lambda one: one.update(Title="x" * 257)),
        "a workflow": changed(lambda one: one.update(Workflow={"Status": "RESOLVED"})),
        "another id": changed(lambda one: one.update(Id="1")),
        "a failure that is archived": changed(lambda one: one.update(RecordState="ARCHIVED")),
    },
}


def main(folder):
    bad = 0
    samples = sorted(sample for sample in folder.iterdir() if (sample / "report.json").exists())
    for sample in samples:
        report = json.loads((sample / "report.json").read_text("utf-8"))
        for name in CHECKS:
            file = sample / name
            if name == "report.json" and report.get("schema") != "rootwatch.report/1":
                # Of another version, or of no version.
                found, size = [], 0
            elif name == "security-hub-1.json" and not known(report):
                found = ["findings of nothing"] if file.exists() else []
                size = 0
            elif not file.exists():
                found, size = ["it is not there"], 0
            else:
                text = file.read_bytes().decode("utf-8")
                found, size = faults(name, text, report), len(text)
            bad += len(found)
            print(f"{sample.name + '/' + name:<28} {len(known(report)):>3} findings {size:>8} characters  {'; '.join(found[:5]) or 'well'}")
    broken = 0
    report = json.loads((folder / "bad" / "report.json").read_text("utf-8"))
    for name, breaks in BREAKS.items():
        text = (folder / "bad" / name).read_bytes().decode("utf-8")
        for what, change in breaks.items():
            broken += 1
            if change(text) == text or not faults(name, change(text), report):
                bad += 1
                print(f"bad/{name}: {what} is not found")
    print(f"{len(samples)} reports, {broken} breaks, {bad} faults")
    return 1 if bad or not samples else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(pathlib.Path(sys.argv[1])))
