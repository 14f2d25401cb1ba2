"""What `make verify-account` prints, over an invented account. usage: verify_test.py"""

import datetime
import io
import json
import pathlib
import unittest

import botocore.exceptions
import verify

NOW = datetime.datetime.now(datetime.UTC)
OWN, ALIAS = "111122223333", "acme-prod"
BUS = f"arn:aws:events:eu-west-1:{OWN}:event-bus/default"
QUEUE = f"arn:aws:sqs:eu-west-1:{OWN}:rootwatch-EventsQueue-1"
RESOURCES = {
    "Checker": "rootwatch-Checker-1",
    "CheckerRole": "rootwatch-CheckerRole-1",
    "Dashboard": "rootwatch",
    "EventsQueue": f"https://sqs.eu-west-1.amazonaws.com/{OWN}/rootwatch-EventsQueue-1",
    "Forwarders": "rootwatch-forwarders:0a1b",
    "ForwarderRole": "rootwatch-ForwarderRole-1",
    "ReportBucket": "rootwatch-reportbucket-1",
    "NoHeartbeatAlarm": "rootwatch-NoHeartbeatAlarm-1",
    "Topic": f"arn:aws:sns:eu-west-1:{OWN}:rootwatch-Topic-1",
}
PATTERN = json.dumps({"detail": {"userIdentity": {"type": ["Root"]}}})


def event(name, username, days=1, **record):
    return {
        "EventName": name,
        "Username": username,
        "EventTime": NOW - datetime.timedelta(days=days),
        "CloudTrailEvent": json.dumps(record),
    }


def refused(code, message=""):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "x")


def rule(name, pattern=PATTERN, state="ENABLED"):
    return {"Name": name, "EventPattern": pattern, "State": state}


def at_home(name, **changed):
    role = f"arn:aws:iam::{OWN}:role/rootwatch-ForwarderRole-1"
    return {"Arn": BUS, "RoleArn": role, "DeadLetterConfig": {"Arn": "q"}, **changed}


class Invented:
    """A session whose clients answer from `answers`: by service, operation and, where it matters, Region."""

    region_name = "eu-west-1"

    def __init__(self):
        self.calls = []
        root = {"userIdentity": {"type": "Root", "userName": ALIAS}, "readOnly": False}
        by_root = {"userIdentity": {"type": "Root"}, "readOnly": True}
        alice = {"userIdentity": {"type": "IAMUser", "userName": "alice"}, "readOnly": False}
        scp = "User is not authorized to perform: cloudtrail:LookupEvents with an explicit deny in a service control policy"
        sign_ins = [event("ConsoleLogin", "root", 3, **root), event("ConsoleLogin", ALIAS, 9, **root), event("ConsoleLogin", "alice", **alice)]
        iam_calls = [event("GetUser", "alice", **alice), event("ListMFADevices", "root", 2, **by_root), event("GetAccountSummary", "root", 4, **by_root)]
        own = [event("LookupEvents", "c", eventSource="cloudtrail.amazonaws.com", errorCode="AccessDenied", errorMessage=scp), event("GetSchedule", "c")]
        expires = (NOW - datetime.timedelta(days=1) + datetime.timedelta(hours=12)).strftime("%b %d, %Y %I:%M:%S %p")
        self.lookups = {
            "signin.amazonaws.com": {"us-east-1": sign_ins},
            "iam.amazonaws.com": {"us-east-1": iam_calls},
            "Username": {"us-east-1": own},
            "ResourceName": {"eu-west-1": [event("AssumeRole", "", responseElements={"credentials": {"expiration": expires}})]},
        }
        widget = lambda *names: {"properties": {"metrics": [["rootwatch", name] for name in names]}}
        report = {
            "findings": [
                {"control": "alert-path", "status": "passed", "evidence": [{"fact": "canary", "value": "arrived after 4 s"}, {"fact": "trail alice", "value": "x"}]}
            ]
        }
        self.answers = {
            "get_caller_identity": {"Account": OWN, "Arn": f"arn:aws:sts::{OWN}:assumed-role/Admin/alice"},
            "describe_stacks": {
                "Stacks": [
                    {
                        "StackStatus": "UPDATE_COMPLETE",
                        "CreationTime": NOW,
                        "Parameters": [
                            {"ParameterKey": "ForwardRegions", "ParameterValue": "us-east-1,us-east-2"},
                            {"ParameterKey": "Architecture", "ParameterValue": "x86_64"},
                            {"ParameterKey": "AlertEmail", "ParameterValue": "alice@example.com"},
                        ],
                    }
                ]
            },
            "list_stack_resources": {
                "StackResourceSummaries": [{"LogicalResourceId": name, "PhysicalResourceId": id} for name, id in RESOURCES.items()]
            },
            "list_regions": {"Regions": [{"RegionName": name} for name in ("eu-west-1", "us-east-1", "us-east-2")]},
            "list_account_aliases": {"AccountAliases": [ALIAS]},
            "list_rules": {"Rules": [rule("rootwatch-eu-west-1-root"), rule("rootwatch-eu-west-1-tampering")]},
            "list_targets_by_rule": {"Targets": [{"Arn": QUEUE, "DeadLetterConfig": {"Arn": "q"}}]},
            "list_targets_by_rule us-east-1": {"Targets": [at_home("root")]},
            "list_rules us-east-2": {"Rules": [rule("rootwatch-eu-west-1-root", "{}", "DISABLED")]},
            "list_targets_by_rule us-east-2": {"Targets": [at_home("root", Arn="arn:aws:events:eu-west-1:999900001111:event-bus/default")]},
            "list_stack_instances": {
                "Summaries": [
                    {"Region": "us-east-1", "Status": "CURRENT", "StackInstanceStatus": {"DetailedStatus": "SUCCEEDED"}},
                    {
                        "Region": "us-east-2",
                        "Status": "OUTDATED",
                        "StackInstanceStatus": {"DetailedStatus": "FAILED"},
                        "StatusReason": f"arn:aws:iam::{OWN}:user/alice is not authorized, with an explicit deny",
                    },
                ]
            },
            "get_metric_statistics": {"Datapoints": [{"Sum": 4.0}]},
            "list_objects_v2": {"Contents": [{"Key": "reports/1"}, {"Key": "reports/2"}]},
            "get_object": lambda: {"Body": io.BytesIO(json.dumps(report).encode())},
            "get_dashboard": {"DashboardBody": json.dumps({"widgets": [widget("Heartbeat", "AlertsTold"), {"properties": {}}]})},
            "list_metrics": {"Metrics": [{"Namespace": "rootwatch", "MetricName": "Heartbeat"}]},
            "describe_alarms": {"MetricAlarms": [{"AlarmName": "rootwatch-NoHeartbeatAlarm-1", "StateValue": "OK"}]},
            "list_subscriptions_by_topic": {
                "Subscriptions": [
                    {"Protocol": "email", "SubscriptionArn": "PendingConfirmation", "Endpoint": "alice@example.com"},
                    {"Protocol": "lambda", "SubscriptionArn": "arn:aws:sns:1", "Endpoint": "x"},
                ]
            },
        }

    def client(self, service, region_name, config):
        return Client(self, region_name)


class Client:
    def __init__(self, invented, region):
        self.invented, self.region = invented, region

    def __getattr__(self, operation):
        def answer(**request):
            self.invented.calls.append((operation, self.region, request))
            if operation == "lookup_events":
                (by,) = request["LookupAttributes"]
                kind = by["AttributeValue"] if by["AttributeKey"] == "EventSource" else by["AttributeKey"]
                found = self.invented.lookups[kind].get(self.region, [])
                if isinstance(found, Exception):
                    raise found
                return {"Events": found}
            found = self.invented.answers.get(f"{operation} {self.region}", self.invented.answers.get(operation))
            found = found() if callable(found) else found
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def printed(invented=None, is_full=False):
    account = verify.Account(invented or Invented())
    return [verify.cut(line, is_full) for line in verify.page(account, "rootwatch")]


class Page(unittest.TestCase):
    def setUp(self):
        verify.PACE = 0

    def says(self, line, invented=None):
        lines = printed(invented)
        self.assertIn(f"  {line}", lines, "\n".join(lines))

    def test_each_question_is_answered(self):
        lines = printed()
        for question in verify.QUESTIONS:
            self.assertIn(question, lines)
            self.assertTrue(lines[lines.index(question) + 1].startswith("  "), question)
        self.assertFalse([line for line in lines if "could not" in line])

    def test_nobodys_name_address_or_id_is_on_the_page(self):
        text = "\n".join(printed())
        for secret in ("alice", "Admin", ALIAS, "example.com", OWN, "999900001111"):
            self.assertNotIn(secret, text)
        self.assertIn("account ...3333", text)
        self.assertIn(f"account {OWN}", "\n".join(printed(is_full=True)))

    def test_a_sign_in_of_root_is_counted_by_region_and_by_how_it_is_spelled_and_those_of_others_are_not(self):
        self.says("us-east-1: 1 x ConsoleLogin, Username root, userIdentity.userName the account's alias, readOnly False; the newest 3 days ago")
        self.says(
            "us-east-1: 1 x ConsoleLogin, Username the account's alias, userIdentity.userName the account's alias, readOnly False; the newest 9 days ago"
        )
        self.assertEqual(len([line for line in printed() if "x ConsoleLogin" in line]), 2)

    def test_how_many_sign_in_events_everybody_makes_a_day_is_said_by_region(self):
        invented = Invented()
        invented.lookups["signin.amazonaws.com"]["us-east-1"].append(event("UserAuthentication", "bob", 10, userIdentity={"type": "IAMUser"}))
        self.says("us-east-1: of everybody 0.4 a day, 1 of 4 are no ConsoleLogin", invented)
        invented.lookups["signin.amazonaws.com"] = {"us-east-2": [event("ConsoleLogin", "bob", userIdentity={"type": "IAMUser"})]}
        self.says("us-east-2: of everybody 1.0 a day, 0 of 1 are no ConsoleLogin", invented)
        self.says("no Region recorded a sign-in of root within 90 days", invented)

    def test_a_call_of_iam_by_root_is_counted_by_how_it_is_spelled_whatever_its_username_is(self):
        self.says("us-east-1: 2 x call of IAM, Username root, userIdentity.userName (none), readOnly True; the newest 2 days ago")
        invented = Invented()
        by_root = {"userIdentity": {"type": "Root", "userName": ALIAS, "accountId": OWN}, "readOnly": True}
        central = {"userIdentity": {"type": "Root", "sessionContext": {"assumedRoot": "true"}}, "readOnly": True}
        invented.lookups["iam.amazonaws.com"] = {
            "us-east-1": [event("ListUsers", name, days, **by_root) for days, name in enumerate((ALIAS, OWN, "Bob's company", ""), 1)]
            + [event("ListUsers", "root", 5, **central), event("ListUsers", "root", 6, userIdentity={"type": "IAMUser", "userName": "root"})]
        }
        lines = [line for line in printed(invented) if "x call of IAM" in line]
        spelled = "userIdentity.userName the account's alias, readOnly True; the newest"
        self.assertEqual(
            lines,
            [
                f"  us-east-1: 1 x call of IAM, Username (none), {spelled} 4 days ago",
                f"  us-east-1: 2 x call of IAM, Username another name, {spelled} 2 days ago",
                f"  us-east-1: 1 x call of IAM, Username the account's alias, {spelled} 1 days ago",
                "  us-east-1: 1 x call of IAM in a central root session, Username root, userIdentity.userName (none), readOnly True; the newest 5 days ago",
            ],
        )

    def test_calls_of_iam_are_looked_up_once_where_the_partition_records_them_and_in_turn(self):
        for partition, region in [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]:
            invented = Invented()
            invented.answers["get_caller_identity"]["Arn"] = f"arn:{partition}:sts::{OWN}:assumed-role/Admin/alice"
            turns = []
            account = verify.Account(invented)
            account.wait_for_turn = turns.append
            list(verify.page(account, "rootwatch"))
            asked = [region for operation, region, request in invented.calls if "iam.amazonaws.com" in str(request.get("LookupAttributes"))]
            self.assertEqual(asked, [region])
            self.assertEqual(len(turns), len([operation for operation, _, _ in invented.calls if operation == "lookup_events"]))

    def test_no_call_of_iam_by_root_is_no_answer_and_a_refused_look_up_says_so(self):
        why = "which is no answer: open the IAM console as root, and ask again"
        invented = Invented()
        invented.lookups["iam.amazonaws.com"] = {"us-east-1": [event("GetUser", "alice", userIdentity={"type": "IAMUser"})]}
        self.says(f"us-east-1: none of everybody's 1 calls of IAM within 90 days is root's own, {why}", invented)
        central = {"userIdentity": {"type": "Root", "sessionContext": {"assumedRoot": "true"}}}
        invented.lookups["iam.amazonaws.com"] = {"us-east-1": [event("ListUsers", "root", **central)]}
        self.says(f"us-east-1: none of everybody's 1 calls of IAM within 90 days is root's own, {why}", invented)
        invented.lookups["iam.amazonaws.com"] = {}
        self.says(f"us-east-1: none of everybody's 0 calls of IAM within 90 days is root's own, {why}", invented)
        invented.lookups["iam.amazonaws.com"] = {"us-east-1": refused("AccessDeniedException", "explicit deny in a service control policy")}
        lines = printed(invented)
        place = lines.index("Under which Username are root's API calls recorded?")
        denied = "could not be read: cloudtrail:LookupEvents in us-east-1: AccessDeniedException, denied by a service control policy (SCP)"
        self.assertEqual(lines[place + 1], f"  us-east-1: {denied}")

    def test_a_rule_or_target_that_differs_stands_out(self):
        self.says(
            "eu-west-1: rule root is ENABLED, its pattern is the one that others are held against; target: the stack's queue with a dead-letter queue"
        )
        self.says("us-east-1: rule root is ENABLED, the same pattern as at home; target: the home bus by its role with a dead-letter queue")
        self.says("us-east-2: rule root is DISABLED, ANOTHER PATTERN than at home; target: SOMETHING ELSE by its role with a dead-letter queue")
        invented = Invented()
        invented.answers["list_rules us-east-2"] = {"Rules": []}
        self.says("us-east-2: NO RULE", invented)
        invented.answers["list_rules us-east-2"] = {"Rules": [rule("rootwatch-eu-west-1-root"), rule("rootwatch-root"), rule("rootwatch-rooting")]}
        self.says("us-east-2: 1 RULES OF AN EARLIER TEMPLATE ARE LEFT", invented)
        invented.answers["list_targets_by_rule us-east-1"] = {"Targets": []}
        self.says("us-east-1: rule root is ENABLED, the same pattern as at home; target: NO TARGET", invented)

    def test_rules_are_asked_for_by_the_names_of_this_stack(self):
        invented = Invented()
        printed(invented)
        asked = {request["NamePrefix"] for operation, _, request in invented.calls if operation == "list_rules"} - {"rootwatch-"}
        self.assertEqual(asked, {"rootwatch-eu-west-1-"})
        named = Invented()
        named.answers["describe_stacks"]["Stacks"][0]["Parameters"].append({"ParameterKey": "Name", "ParameterValue": "guard"})
        printed(named)
        asked = {request["NamePrefix"] for operation, _, request in named.calls if operation == "list_rules"} - {"rootwatch-"}
        self.assertEqual(asked, {"guard-eu-west-1-"})

    def test_an_instance_that_failed_says_why_in_words_of_ours(self):
        self.says("us-east-2: OUTDATED, FAILED, explicit deny, not authorized")

    def test_the_canary_is_that_of_the_newest_report_and_other_evidence_stays_there(self):
        invented = Invented()
        self.says("canary: arrived after 4 s", invented)
        self.assertIn("reports/2", [request["Key"] for operation, _, request in invented.calls if operation == "get_object"])

    def test_a_denied_call_names_who_denies(self):
        self.says("us-east-1: cloudtrail:LookupEvents denied 1 times, by a service control policy (SCP)")
        for message, who in [
            ("because no identity-based policy allows", "the role's own policy"),
            ("because no permissions boundary allows", "a permissions boundary"),
            ("access denied", "nobody that the answer names"),
        ]:
            self.assertEqual(verify.denied_by("AccessDenied", message), who)
        self.assertEqual(verify.denied_by("UnrecognizedClientException", None), "the Region (is it enabled?)")

    def test_credentials_alarms_subscriptions_and_metrics(self):
        self.says("1 sessions of the role: 12.0 to 12.0 hours")
        self.says("NoHeartbeatAlarm: OK")
        self.says("subscriptions by email: 1 not confirmed")
        self.says("subscriptions by lambda: 1 confirmed")
        self.says("1 of 2 metrics had data within three hours")
        self.says("without data: rootwatch AlertsTold")

    def test_what_cannot_be_read_says_which_call_and_why_and_the_rest_is_answered(self):
        invented = Invented()
        scp = refused("AccessDeniedException", f"User alice of {OWN}: explicit deny in a service control policy")
        invented.lookups["signin.amazonaws.com"]["us-east-2"] = scp
        invented.answers["get_dashboard"] = refused("ResourceNotFound")
        invented.answers["describe_alarms"] = {"odd": 1}
        lines = printed(invented)
        why = "could not be read: cloudtrail:LookupEvents in us-east-2: AccessDeniedException, denied by a service control policy (SCP)"
        self.assertIn(f"  us-east-2: {why}", lines)
        self.assertIn("  could not be read: cloudwatch:GetDashboard in eu-west-1: ResourceNotFound", lines)
        self.assertIn("  could not be answered: KeyError", lines)
        self.assertIn("  us-east-2: OUTDATED, FAILED, explicit deny, not authorized", lines)

    def test_without_the_list_of_regions_those_of_the_stack_are_asked(self):
        invented = Invented()
        invented.answers["list_regions"] = refused("AccessDenied")
        text = "\n".join(printed(invented))
        self.assertIn("only those of the stack are asked", text)
        self.assertIn("us-east-1: 1 x ConsoleLogin", text)

    def test_the_checklist_in_docs_asks_the_same_questions(self):
        text = pathlib.Path(__file__).parents[2].joinpath("docs/first-deployment.md").read_text()
        self.assertEqual([line[2:].split(" |")[0] for line in text.splitlines() if line.startswith("| ") and "?" in line], list(verify.QUESTIONS))

    def test_what_others_write_moves_no_terminal_and_ends(self):
        invented = Invented()
        report = {"findings": [{"control": "alert-path", "evidence": [{"fact": "canary", "value": "\x1b[2J\u202e" + "x" * 5_000}]}]}
        invented.answers["get_object"] = lambda: {"Body": io.BytesIO(json.dumps(report).encode())}
        invented.answers["list_subscriptions_by_topic"] = {"Subscriptions": [], "NextToken": "more"}
        lines = printed(invented)
        line = next(line for line in lines if line.startswith("  canary: "))
        self.assertTrue(line.startswith("  canary: ?[2J?xxx") and len(line) == verify.MAX_LINE, line)
        self.assertIn("  could not be answered: TooMuch", lines)

    def test_it_only_reads(self):
        invented = Invented()
        printed(invented)
        for operation, _, _ in invented.calls:
            self.assertTrue(operation.startswith(("get_", "list_", "describe_", "lookup_")), operation)

    def test_a_busy_region_is_read_to_its_bound_and_says_so(self):
        invented = Invented()
        endless = event("ConsoleLogin", "bob", userIdentity={"type": "IAMUser"})

        original = invented.client

        def client(service, region_name, config):
            made = original(service, region_name, config)
            if service == "cloudtrail":
                return type("Endless", (), {"lookup_events": staticmethod(lambda **_: {"Events": [endless] * 50, "NextToken": "more"})})()
            return made

        invented.client = client
        self.says("us-east-2: only the newest 1000 sign-ins of everybody were read", invented)
        self.says("us-east-1: only the newest 1000 calls of IAM by everybody were read, those of 1.0 days", invented)
        why = "which is no answer: open the IAM console as root, and ask again"
        self.says(f"us-east-1: none of everybody's 1000 calls of IAM within 1.0 days is root's own, {why}", invented)


if __name__ == "__main__":
    unittest.main()
