"""`make verify-account`: what only a real account can answer, as a page of facts to send to us. It reads, and changes nothing.

No name, address or id of a person is in it, and account ids are cut to their last four digits unless --full is given. A fact that
could not be read says which call failed and why: it is neither good nor bad.

usage: verify.py STACK [--full]
"""

import concurrent.futures
import json
import re
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import boto3
import botocore.exceptions
from botocore.config import Config

# LookupEvents: two calls a second in an account and Region, for everybody together; half of it stays for the stack itself.
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
PACE = 1.0
# Of everybody's sign-ins the newest so many pages of 50 are read in a Region, of everybody's calls of IAM, and of the stack's own calls.
SIGN_IN_PAGES, IAM_PAGES, OWN_PAGES = 20, 20, 4
# IAM is global: one Region of a partition records its calls.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
IAM_REGION = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# No answer has more pages than that, unless somebody fills the account; no line of the page has more characters.
MAX_PAGES, MAX_LINE = 100, 1_000
# Where the session of a role is looked for.
CREDENTIAL_PAGES = 4
DENIALS = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException")
# By the sentences of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIED_BY = (
    ("service control policy", "a service control policy (SCP)"),
    ("resource control policy", "a resource control policy (RCP)"),
    ("permissions boundary", "a permissions boundary"),
    ("session policy", "a session policy"),
    ("resource-based policy", "a resource policy"),
    ("identity-based policy", "the role's own policy"),
)
# A Region that is not enabled knows no credentials of the account.
# https://docs.aws.amazon.com/general/latest/gr/rande-manage.html
NOT_ENABLED = ("UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired")


def denied_by(code, message):
    """Who refuses, by what the answer says; only words of this file are returned."""
    if code in NOT_ENABLED:
        return "the Region (is it enabled?)"
    return next((who for part, who in DENIED_BY if part in (message or "")), "nobody that the answer names")


class Unread(Exception):
    """A call that failed."""

    def __init__(self, operation, region, error):
        response = getattr(error, "response", {}).get("Error", {})
        self.code = re.sub(r"[^A-Za-z0-9.]", "", response.get("Code") or type(error).__name__)
        reason = f", denied by {denied_by(self.code, response.get('Message'))}" if self.is_denial() else ""
        super().__init__(f"could not be read: {operation} in {region}: {self.code}{reason}")

    def is_denial(self):
        return self.code in DENIALS + NOT_ENABLED


class TooMuch(Exception):
    """There are more pages than an account has."""


class Account:
    """The account of the caller's credentials. Every call goes through `call`, `pages` or `lookup`: they say which one failed."""

    def __init__(self, session):
        self.session = session
        self.home = session.region_name
        self.last_lookup, self.lock, self.clients = {}, threading.Lock(), {}

    def client(self, service, region):
        with self.lock:
            if (service, region) not in self.clients:
                config = Config(retries={"mode": "standard", "total_max_attempts": 8})
                self.clients[service, region] = self.session.client(service, region_name=region, config=config)
            return self.clients[service, region]

    def call(self, service, operation, region=None, **request):
        region = region or self.home
        try:
            return getattr(self.client(service, region), operation)(**request)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise Unread(f"{service}:{operation.title().replace('_', '')}", region, error) from error

    def pages(self, service, operation, items, region=None, **request):
        for _ in range(MAX_PAGES):
            answer = self.call(service, operation, region, **request)
            yield from answer.get(items, [])
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]
        raise TooMuch

    def s3_objects(self, bucket, prefix):
        request = {"Bucket": bucket, "Prefix": prefix}
        for _ in range(MAX_PAGES):
            answer = self.call("s3", "list_objects_v2", **request)
            yield from answer.get("Contents", [])
            if not answer.get("NextContinuationToken"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]
        raise TooMuch

    def lookup(self, region, most_pages, days=90, **attribute):
        """Events of CloudTrail's history, the newest first: each with its record. The last thing yielded is None if some are left out."""
        ((key, value),) = attribute.items()
        request = {
            "LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}],
            "StartTime": datetime.now(UTC) - timedelta(days=days),
            "MaxResults": 50,
        }
        for _ in range(most_pages):
            self.wait_for_turn(region)
            answer = self.call("cloudtrail", "lookup_events", region, **request)
            for event in answer.get("Events", []):
                yield event, record(event)
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]
        yield None

    def wait_for_turn(self, region):
        with self.lock:
            turn = max(time.monotonic(), self.last_lookup.get(region, 0) + PACE)
            self.last_lookup[region] = turn
        time.sleep(max(0, turn - time.monotonic()))


def record(event):
    try:
        parsed = json.loads(event.get("CloudTrailEvent") or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def at(data, *path):
    """What lies at the path, or None."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


class Stack:
    """The deployed stack: its parameters, and what is in it."""

    def __init__(self, account, name):
        self.account, self.name = account, name
        (stack,) = account.call("cloudformation", "describe_stacks", StackName=name)["Stacks"]
        self.status = stack["StackStatus"]
        self.age = datetime.now(UTC) - (stack.get("LastUpdatedTime") or stack["CreationTime"])
        self.parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])}
        found = account.pages("cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=name)
        self.resources = {each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in found}
        # As the template names them; another stack's name may begin as this one's.
        self.rules = f"{self.parameters.get('Name') or name}-{account.home}-"
        named = self.parameters.get("ForwardRegions", "").split(",")
        self.forward_regions = [region.strip() for region in named if region.strip()]

    def arn(self, service, resource, region=None):
        region = self.account.home if region is None else region
        return f"arn:{self.account.partition}:{service}:{region}:{self.account.id}:{resource}"


def each_region(stack, regions, ask):
    """The answers of `ask` for each Region, side by side; a Region that cannot be read says so."""

    def answer(region):
        try:
            return list(ask(stack, region))
        except Unread as unread:
            return [f"{region}: {unread}"]

    with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, len(regions))) as pool:
        return [line for lines in pool.map(answer, regions) for line in lines]


class Roots:
    """Events of root, counted by how they are spelled. No name is kept but `root`."""

    def __init__(self, aliases):
        self.known = {"root": "root", **dict.fromkeys(aliases, "the account's alias")}
        self.seen, self.newest = Counter(), {}

    def spelled(self, name):
        return "(none)" if name in (None, "") else self.known.get(name, "another name")

    def add(self, what, event, record):
        if at(record, "userIdentity", "type") != "Root":
            return
        key = (
            what,
            f"Username {self.spelled(event.get('Username'))}",
            f"userIdentity.userName {self.spelled(at(record, 'userIdentity', 'userName'))}",
            f"readOnly {record.get('readOnly')}",
        )
        self.seen[key] += 1
        self.newest.setdefault(key, event.get("EventTime"))

    def lines(self, region):
        for key, count in sorted(self.seen.items()):
            yield f"{region}: {count} x {', '.join(key)}; the newest {days_since(self.newest[key])} days ago"


def which_regions_recorded_root_sign_ins(stack):
    """And under which `Username`. They are found by their source too; root's API calls by it alone: the next question."""
    aliases = stack.account.call("iam", "list_account_aliases")["AccountAliases"]
    yield f"the account has {'an alias' if aliases else 'no alias'}"

    def ask(stack, region):
        roots, is_cut, all_of_them, times = Roots(aliases), False, Counter(), []
        for found in stack.account.lookup(region, SIGN_IN_PAGES, EventSource="signin.amazonaws.com"):
            if found is None:
                is_cut = True
                continue
            event, record = found
            all_of_them["ConsoleLogin" if event.get("EventName") == "ConsoleLogin" else "others"] += 1
            times.append(event.get("EventTime"))
            roots.add(re.sub(r"[^A-Za-z0-9]", "", event.get("EventName", "")), event, record)
        yield from roots.lines(region)
        # The sweep reads everybody's: so many a day decide how long a check takes.
        if times := list(filter(None, times)):
            days = max((datetime.now(UTC) - min(times)).total_seconds() / 86_400, 1)
            yield f"{region}: of everybody {all_of_them.total() / days:.1f} a day, {all_of_them['others']} of {all_of_them.total()} are no ConsoleLogin"
        if is_cut:
            yield f"{region}: only the newest {SIGN_IN_PAGES * 50} sign-ins of everybody were read"

    lines = each_region(stack, stack.account.regions, ask)
    yield from lines
    if not any("Username" in line for line in lines):
        yield "no Region recorded a sign-in of root within 90 days"


def under_which_username_are_root_calls(stack):
    """The sweep finds root's API calls by `root` and the account's alias alone: under another `Username` it would miss them."""
    aliases = stack.account.call("iam", "list_account_aliases")["AccountAliases"]

    def ask(stack, region):
        roots, is_cut, count, oldest = Roots(aliases), False, 0, None
        for found in stack.account.lookup(region, IAM_PAGES, EventSource="iam.amazonaws.com"):
            if found is None:
                is_cut = True
                continue
            event, record = found
            count, oldest = count + 1, event.get("EventTime") or oldest
            # A privileged task of the organization on this account may be spelled in another way, and answers nothing.
            is_central = at(record, "userIdentity", "sessionContext", "assumedRoot") in (True, "true")
            roots.add("call of IAM in a central root session" if is_central else "call of IAM", event, record)
        yield from roots.lines(region)
        since = f"{(datetime.now(UTC) - oldest).total_seconds() / 86_400:.1f}" if is_cut and oldest else "90"
        if not any(what == "call of IAM" for what, *_ in roots.seen):
            none = f"none of everybody's {count} calls of IAM within {since} days is root's own, which is no answer"
            yield f"{region}: {none}: open the IAM console as root, and ask again"
        if is_cut:
            yield f"{region}: only the newest {count} calls of IAM by everybody were read, those of {since} days"

    yield from each_region(stack, [IAM_REGION.get(stack.account.partition, stack.account.home)], ask)


def days_since(time_of):
    return (datetime.now(UTC) - time_of).days if time_of else "?"


def are_rules_and_targets_as_the_template_made_them(stack):
    """Of each Region that hears; the patterns of other Regions are held against those at home."""
    account, home = stack.account, stack.account.home
    bus, queue = stack.arn("events", "event-bus/default"), stack.resources.get("EventsQueue", "").rsplit("/", 1)[-1]
    patterns = {}

    def rules(region):
        return list(account.pages("events", "list_rules", "Rules", region, NamePrefix=stack.rules))

    def kind(name):
        return next((kind for kind in ("root", "tampering", "direct", "canary") if name.endswith(kind)), "other")

    def pattern(rule):
        try:
            return json.loads(rule.get("EventPattern") or "null")
        except ValueError:
            return None

    def target(each):
        arn, parts = each.get("Arn", ""), []
        parts.append(
            "the home bus" if arn == bus else "the stack's queue" if arn == stack.arn("sqs", queue)
            else "the stack's topic" if arn == stack.resources.get("Topic") else "SOMETHING ELSE"
        )
        if each.get("RoleArn"):
            name = each["RoleArn"].rsplit("/", 1)[-1]
            own = {stack.resources.get("ForwarderRole"), stack.resources.get("DirectRole")}
            parts.append("by its role" if name in own else "by ANOTHER ROLE")
        parts.append("with a dead-letter queue" if each.get("DeadLetterConfig") else "without a dead-letter queue")
        return " ".join(parts)

    def ask(_, region):
        found = rules(region)
        if not found:
            yield f"{region}: NO RULE"
        # Before rules had the home Region in their names.
        former = {f"{stack.name}-root", f"{stack.name}-tampering"}
        if left := former & {rule["Name"] for rule in account.pages("events", "list_rules", "Rules", region, NamePrefix=f"{stack.name}-")}:
            yield f"{region}: {len(left)} RULES OF AN EARLIER TEMPLATE ARE LEFT"
        for rule in sorted(found, key=lambda rule: rule["Name"]):
            name = kind(rule["Name"])
            if region == home:
                patterns[name] = pattern(rule)
                same = "its pattern is the one that others are held against"
            else:
                same = "the same pattern as at home" if pattern(rule) == patterns.get(name) else "ANOTHER PATTERN than at home"
            targets = account.pages("events", "list_targets_by_rule", "Targets", region, Rule=rule["Name"])
            shown = "; ".join(target(each) for each in targets) or "NO TARGET"
            yield f"{region}: rule {name} is {rule.get('State')}, {same}; target: {shown}"

    yield from each_region(stack, [home], ask)
    yield from each_region(stack, [region for region in stack.forward_regions if region != home], ask)


def what_became_of_the_forwarders(stack):
    """The stack set's instances, as CloudFormation sees them."""
    if not stack.resources.get("Forwarders"):
        yield "the stack forwards from no Region"
        return
    name = stack.resources["Forwarders"].rsplit(":", 1)[0]
    for each in stack.account.pages("cloudformation", "list_stack_instances", "Summaries", StackSetName=name):
        detail = at(each, "StackInstanceStatus", "DetailedStatus")
        reason = (each.get("StatusReason") or "").lower()
        words = ("explicit deny", "trust relationship", "not authorized", "is not enabled", "already exists")
        shown = [word for word in words if word in reason] or (["another reason"] if reason else [])
        yield f"{each.get('Region')}: {each.get('Status')}, {detail}{''.join(f', {word}' for word in shown)}"


def what_events_did_the_rules_hand_on(stack):
    """Of the last seven days, by EventBridge's own metrics."""
    now = datetime.now(UTC)

    def ask(_, region):
        for rule in stack.account.pages("events", "list_rules", "Rules", region, NamePrefix=stack.rules):
            counts = {}
            for metric in ("MatchedEvents", "Invocations", "FailedInvocations", "InvocationsSentToDlq"):
                answer = stack.account.call(
                    "cloudwatch",
                    "get_metric_statistics",
                    region,
                    Namespace="AWS/Events",
                    MetricName=metric,
                    Dimensions=[{"Name": "RuleName", "Value": rule["Name"]}],
                    StartTime=now - timedelta(days=7),
                    EndTime=now,
                    Period=7 * 86_400,
                    Statistics=["Sum"],
                )
                counts[metric] = int(sum(point["Sum"] for point in answer["Datapoints"]))
            shown = ", ".join(f"{metric} {count}" for metric, count in counts.items())
            yield f"{region}: rule {rule['Name'].rsplit('-', 1)[-1]}: {shown}"

    regions = [stack.account.home, *(region for region in stack.forward_regions if region != stack.account.home)]
    yield from each_region(stack, regions, ask)


def did_the_canary_arrive(stack):
    """By the newest report: the control `alert-path` holds it."""
    report = newest_report(stack)
    found = next((each for each in report.get("findings", []) if each.get("control") == "alert-path"), None)
    if not found:
        yield "the newest report has no control alert-path"
        return
    yield f"alert-path is {found.get('status')}"
    canary = [each for each in found.get("evidence", []) if "canary" in str(each.get("fact"))]
    yield from (f"{each['fact']}: {each.get('value')}" for each in canary)
    if not canary:
        yield "its evidence has no canary"


def newest_report(stack):
    bucket = stack.resources.get("ReportBucket", "")
    now = datetime.now(UTC)
    for day in (now, now - timedelta(days=1)):
        # As the reporter names them; at most 1,440 a day, two pages.
        prefix = f"reports/{stack.account.id}/{day:%Y/%m/%d}/"
        found = stack.account.s3_objects(bucket, prefix)
        if keys := [each["Key"] for each in found]:
            stored = json.loads(stack.account.call("s3", "get_object", Bucket=bucket, Key=max(keys))["Body"].read())
            return stored if isinstance(stored, dict) else {}
    return {}


def which_calls_were_denied(stack):
    """Of the newest calls of the stack's function in each Region: by whom, as far as the answer says."""
    function = stack.resources.get("Checker", "")

    def ask(_, region):
        calls, denied, is_cut = 0, Counter(), False
        for found in stack.account.lookup(region, OWN_PAGES, days=7, Username=function):
            if found is None:
                is_cut = True
                continue
            event, record = found
            calls += 1
            code = re.sub(r"[^A-Za-z0-9.]", "", record.get("errorCode") or "")
            if code in DENIALS + NOT_ENABLED:
                service = re.sub(r"[^a-z0-9-]", "", (record.get("eventSource") or "").removesuffix(".amazonaws.com"))
                name = re.sub(r"[^A-Za-z0-9]", "", event.get("EventName", ""))
                denied[f"{service}:{name}", denied_by(code, record.get("errorMessage"))] += 1
        for (operation, who), count in sorted(denied.items()):
            yield f"{region}: {operation} denied {count} times, by {who}"
        if calls and not denied:
            yield f"{region}: none of {calls}{' (the newest)' if is_cut else ''}"

    yield from each_region(stack, stack.account.regions, ask) or ["no call of the function is in CloudTrail's history"]


def how_old_become_the_credentials_of_the_link(stack):
    """A link to the report ends with the credentials that signed it: those of the function's role."""
    role = stack.arn("iam", f"role/{stack.resources.get('CheckerRole', '')}", region="")
    lasted = []
    for found in stack.account.lookup(stack.account.home, CREDENTIAL_PAGES, days=7, ResourceName=role):
        expiration = at(found[1], "responseElements", "credentials", "expiration") if found else None
        if expiration:
            # CloudTrail's own form: https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
            ends = datetime.strptime(expiration, "%b %d, %Y %I:%M:%S %p").replace(tzinfo=UTC)
            lasted.append((ends - found[0]["EventTime"]).total_seconds() / 3600)
    if lasted:
        yield f"{len(lasted)} sessions of the role: {min(lasted):.1f} to {max(lasted):.1f} hours"
    else:
        yield "CloudTrail's history shows no session of the role by its ARN"


def what_did_cloudwatch_make_of_the_dashboard(stack):
    """Which of its metrics had data within a day."""
    answer = stack.account.call("cloudwatch", "get_dashboard", DashboardName=stack.resources.get("Dashboard", stack.name))
    widgets = json.loads(answer["DashboardBody"])["widgets"]
    yield f"{len(widgets)} widgets"
    names = set()
    for row in (row for widget in widgets for row in widget["properties"].get("metrics", [])):
        names.add((row[0], row[1]))
    known = {
        (each["Namespace"], each["MetricName"])
        for namespace in sorted({namespace for namespace, _ in names})
        for each in stack.account.pages("cloudwatch", "list_metrics", "Metrics", Namespace=namespace, RecentlyActive="PT3H")
    }
    without = sorted(f"{namespace} {name}" for namespace, name in names - known)
    yield f"{len(names) - len(without)} of {len(names)} metrics had data within three hours"
    if without:
        yield f"without data: {', '.join(without)}"


def how_are_the_alarms(stack):
    """And whether somebody hears of them."""
    logical = {physical: name for name, physical in stack.resources.items()}
    names = [physical for physical, name in logical.items() if name.endswith("Alarm")]
    answer = stack.account.call("cloudwatch", "describe_alarms", AlarmNames=names) if names else {"MetricAlarms": []}
    for alarm in sorted(answer["MetricAlarms"], key=lambda alarm: logical[alarm["AlarmName"]]):
        yield f"{logical[alarm['AlarmName']]}: {alarm['StateValue']}"
    found = stack.account.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=stack.resources["Topic"])
    states = Counter(
        (each["Protocol"], "confirmed" if each["SubscriptionArn"].startswith("arn:") else "not confirmed") for each in found
    )
    for (protocol, state), count in sorted(states.items()):
        yield f"subscriptions by {protocol}: {count} {state}"


QUESTIONS = {
    "Which Regions recorded root's sign-ins, and under which Username?": which_regions_recorded_root_sign_ins,
    "Under which Username are root's API calls recorded?": under_which_username_are_root_calls,
    "Are rules and targets as the template made them?": are_rules_and_targets_as_the_template_made_them,
    "What became of the forwarders' stack set?": what_became_of_the_forwarders,
    "How many events did the rules hand on, in seven days?": what_events_did_the_rules_hand_on,
    "Did the canary arrive, and after how many seconds?": did_the_canary_arrive,
    "Which calls of the check were denied, and by what?": which_calls_were_denied,
    "How old do the credentials become that sign the link to the report?": how_old_become_the_credentials_of_the_link,
    "What did CloudWatch make of the dashboard?": what_did_cloudwatch_make_of_the_dashboard,
    "How are the alarms, and who hears of them?": how_are_the_alarms,
}


def page(account, name):
    """The lines of the page. A question that fails says so in its own place."""
    identity = account.call("sts", "get_caller_identity")
    account.id, account.partition = identity["Account"], identity["Arn"].split(":")[1]
    stack = Stack(account, name)
    yield f"rootwatch: facts of account {account.id}, home Region {account.home}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    yield f"stack {stack.status}, changed {stack.age.days} days ago, architecture {stack.parameters.get('Architecture')}"
    try:
        listed = account.pages(
            "account", "list_regions", "Regions", "us-east-1" if account.partition == "aws" else None,
            RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"],
        )
        account.regions = sorted(each["RegionName"] for each in listed)
    except Unread as unread:
        account.regions = sorted({account.home, *stack.forward_regions})
        yield f"enabled Regions {unread}; only those of the stack are asked"
    for question, ask in QUESTIONS.items():
        yield ""
        yield question
        try:
            for line in ask(stack):
                yield f"  {line}"
        except Unread as unread:
            yield f"  {unread}"
        except Exception as error:
            # The next question may still be answered. The error's text could name somebody.
            yield f"  could not be answered: {type(error).__name__}"


def cut(line, is_full):
    """Account ids become their last four digits. Nothing that a terminal would follow, and nothing without end, is printed."""
    line = "".join(char if char.isprintable() else "?" for char in line[:MAX_LINE])
    return line if is_full else re.sub(r"(?<!\d)\d{8}(\d{4})(?!\d)", r"...\1", line)


def main(arguments):
    is_full = "--full" in arguments
    names = [argument for argument in arguments if not argument.startswith("--")]
    if len(names) != 1:
        print(__doc__.rsplit("usage: ", 1)[-1].strip(), file=sys.stderr)
        return 2
    account = Account(boto3.Session())
    if not account.home:
        print("No Region is configured: AWS_REGION=eu-west-1 make verify-account", file=sys.stderr)
        return 2
    try:
        for line in page(account, names[0]):
            print(cut(line, is_full), flush=True)
    except Unread as unread:
        print(f"The stack {names[0]} {unread}. Is it the right Region, and are there AWS credentials?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
