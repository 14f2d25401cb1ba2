"""What neither cfn-lint nor checkov sees: the template as AWS would take it, with every value at its longest, and twice in one account.

usage: python as_deployed.py build/template.json build/forwarders.json build/member-rules.json build/member-roles.json      (needs cfn-lint, for the schemas of CloudFormation's registry)
"""

import json
import re
import sys

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

# https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
BY_DEFAULT = """ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-north-1
eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2""".split()
OPT_IN = """af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-west-1
eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1""".split()
PARTITION_OF = {"cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov"}
ACCOUNT, MEMBER = "111122223333", "222233334444"
# Of a Region's code and of a stack's name (STACK_MAX in the Makefile).
REGION_MAX, STACK_MAX = "ap-southeast-1", 39

NAMES = {
    "AWS::CloudFormation::StackSet": ("StackSetName", 128),
    "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
    "AWS::Chatbot::SlackChannelConfiguration": ("ConfigurationName", 128),
    "AWS::Events::EventBus": ("Name", 256),
    "AWS::Events::Rule": ("Name", 64),
    "AWS::SQS::Queue": ("QueueName", 80),
    "AWS::Scheduler::Schedule": ("Name", 64),
    "AWS::StepFunctions::StateMachine": ("StateMachineName", 80),
}
# Of the account, not of a Region of it.
GLOBAL = ["AWS::CloudWatch::Dashboard", "AWS::Chatbot::SlackChannelConfiguration"]
# What is lost with them is not created again by the next check.
MEMORY = ["Ledger", "LogGroup", "ReportBucket", "Topic"]
# The same in every partition (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html).
PRINCIPALS = {f"{name}.amazonaws.com" for name in ["chatbot", "cloudformation", "cloudwatch", "events", "lambda", "scheduler", "sns", "states"]}
LEFT_OUT = object()


class Stack:
    """A template with values: what each part of it then is. Names that CloudFormation makes are as long as they may be."""

    def __init__(self, template, name="rootwatch", region="eu-west-1", **chosen):
        self.template, self.name, self.region = template, name, region
        self.parameters = {key: str(parameter.get("Default", "")) for key, parameter in template.get("Parameters", {}).items()} | chosen
        self.pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": LEFT_OUT,
            "AWS::Partition": PARTITION_OF.get(region, "aws"),
            "AWS::Region": region,
            "AWS::StackName": name,
            "AWS::URLSuffix": "amazonaws.com",
        }

    def physical(self, name):
        if "Arn" in name:
            return f"arn:{self.pseudo['AWS::Partition']}:service:{self.region}:{ACCOUNT}:{self.physical(name.split('.')[0])}"
        return f"{self.name}-{name.split('.')[0]}-{'0' * 12}"

    def ref(self, name):
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            is_list = self.template["Parameters"][name]["Type"] == "CommaDelimitedList"
            return self.parameters[name].split(",") if is_list else self.parameters[name]
        return self.physical(name)

    def holds(self, name):
        return self.value(self.template["Conditions"][name])

    def value(self, part):
        match part:
            case {"Ref": name}:
                return self.ref(name)
            case {"Condition": str(name)} if len(part) == 1:
                return self.holds(name)
            case {"Fn::GetAtt": [name, attribute]}:
                return self.physical(f"{name}.{attribute}")
            case {"Fn::If": [name, yes, no]}:
                return self.value(yes if self.holds(name) else no)
            case {"Fn::Sub": [text, own]}:
                own = {name: self.value(value) for name, value in own.items()}
                return re.sub(r"\$\{([^}!]+)\}", lambda found: own.get(found[1]) or str(self.ref(found[1])), text)
            case {"Fn::Sub": text}:
                return self.value({"Fn::Sub": [text, {}]})
            case {"Fn::Join": [by, values]}:
                return by.join(self.value(values))
            case {"Fn::Split": [by, text]}:
                return self.value(text).split(by)
            case {"Fn::Equals": [one, other]}:
                return self.value(one) == self.value(other)
            case {"Fn::Not": [other]}:
                return not self.value(other)
            case {"Fn::And": all_of}:
                return all(map(self.value, all_of))
            case {"Fn::Or": any_of}:
                return any(map(self.value, any_of))
            case dict():
                values = {name: self.value(inner) for name, inner in part.items()}
                return {name: value for name, value in values.items() if value is not LEFT_OUT}
            case list():
                return [value for value in map(self.value, part) if value is not LEFT_OUT]
        return part

    def resources(self):
        """Those that are there, resolved."""
        for name, resource in self.template["Resources"].items():
            if "Condition" not in resource or self.holds(resource["Condition"]):
                yield name, resource["Type"], self.value(resource.get("Properties", {}))

    def names(self, kinds=NAMES):
        """The names that the template gives: of what, and which."""
        for logical, kind, properties in self.resources():
            if kind in kinds and NAMES[kind][0] in properties:
                yield logical, kind, properties[NAMES[kind][0]]


def length(value):
    """In characters without white space, as AWS counts policies and patterns."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def longest(template, parameter):
    """A value of the parameter as long as can be."""
    match template["Parameters"][parameter]:
        case {"AllowedValues": values}:
            return max(map(str, values), key=len)
        case {"MaxValue": number}:
            return str(number)
        case {"Type": "CommaDelimitedList"}:
            return ",".join(BY_DEFAULT + OPT_IN)
        case {"MaxLength": most, "Description": text} if "Example: " in text:
            # Quotes count twice where a text stands in JSON.
            return (text.split("Example: ")[1] * most)[:most]
        case {"MaxLength": most}:
            return "x" * most
    raise AssertionError(f"{parameter} has no limit")


class Checks:
    def __init__(self, template, forwarders, member_rules, member_roles):
        self.template, self.forwarders, self.member_rules, self.member_roles = template, forwarders, member_rules, member_roles

    def full(self, region="eu-west-1", **chosen):
        """Everything that parameters can bring, at its longest. The names begin with the stack's, which is as long as `Name` may be."""
        values = {name: longest(self.template, name) for name in self.template["Parameters"] if name != "Name"}
        switches = {"DirectAlerts": "yes", "SecurityHub": "yes", "Controls": "all", "Schedule": "rate(15 minutes)", "MemberAccess": "role"}
        switches |= {"OrganizationTargets": "r-exam,ou-exam-00000000"}
        return Stack(self.template, "s" * STACK_MAX, region, **values | switches | chosen)

    def instance(self, stack, stack_set, template, region):
        """The stack that the stack set of `stack` makes in `region`."""
        given = next(properties for name, _, properties in stack.resources() if name == stack_set)
        set_name, given = given["StackSetName"], {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in given["Parameters"]}
        return Stack(template, f"StackSet-{set_name}-{'0' * 36}", region, **given)

    def forwarding(self, stack, region):
        return self.instance(stack, "Forwarders", self.forwarders, region)

    def member(self, stack, region):
        """The stack of the rules in a member account."""
        return self.elsewhere(stack, "MemberRules", self.member_rules, region)

    def entered(self, stack):
        """The stack of the role by which a member account is entered."""
        return self.elsewhere(stack, "MemberRoles", self.member_roles, stack.region)

    def elsewhere(self, stack, stack_set, body, region):
        """The same, in a member account."""
        member = self.instance(stack, stack_set, body, region)
        member.pseudo["AWS::AccountId"] = MEMBER
        return member

    def every_name_fits_at_its_longest_and_the_limit_is_the_highest_that_does(self):
        def too_long(stack_max):
            stack = self.full(REGION_MAX)
            stack.name = stack.pseudo["AWS::StackName"] = "s" * stack_max
            named = [*stack.names(), *self.forwarding(stack, "us-east-1").names(), *self.member(stack, "us-east-1").names()]
            assert len(named) >= 15, named
            role = dict((name, properties) for name, _, properties in self.entered(stack).resources())["MemberRole"]["RoleName"]
            # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
            assert len(role) <= 64, role
            return [(logical, len(name)) for logical, kind, name in named if len(name) > NAMES[kind][1]]

        assert not too_long(STACK_MAX), too_long(STACK_MAX)
        assert too_long(STACK_MAX + 1), "a longer name of the stack works too"
        # What else could have a name of its own goes by the one that CloudFormation makes, which nothing else has.
        for template in (self.template, self.forwarders, self.member_rules):
            for name, resource in template["Resources"].items():
                own = resource["Type"].split("::")[-1] + "Name"
                assert resource["Type"] in NAMES or own not in resource.get("Properties", {}), f"the limit of {name} is not known here"

    def without_a_name_of_their_own_all_names_are_the_stacks_and_with_it_those_of_a_stack_of_that_name(self):
        assert self.template["Parameters"]["Name"]["Default"] == ""
        assert self.template["Parameters"]["Name"]["MaxLength"] == STACK_MAX, "as long as a stack's name may be"

        def resolved(stack):
            """What the template says with its given names; what only CloudFormation's or the functions' own names differ in is left out."""
            text = json.dumps([list(stack.resources()), stack.value(self.template["Outputs"])], sort_keys=True)
            text = re.sub(rf"{re.escape(stack.name)}-([A-Za-z]+)-0{{12}}", r"<\1>", text)
            text = re.sub(r', "ROOTWATCH_(NAME|STACK)": "[^"]*"', "", text)
            return text

        chosen = {"DirectAlerts": "yes", "ChatWorkspaceId": "T0", "ChatChannelId": "C0", "SlackWebhookParameter": "/webhook"}
        alone = Stack(self.template, "rootwatch", **chosen)
        # As they were before there was a parameter for them.
        before = {"RootRule": "rootwatch-eu-west-1-root", "TamperingRule": "rootwatch-eu-west-1-tampering",
                  "DirectRule": "rootwatch-eu-west-1-direct", "CheckerSchedule": "rootwatch-schedule",
                  "Forwarders": "rootwatch-forwarders", "Dashboard": "rootwatch-eu-west-1", "ChatChannel": "rootwatch-eu-west-1"}
        assert {logical: name for logical, _, name in alone.names()} == before, list(alone.names())
        away = {name for _, _, name in self.forwarding(alone, "us-east-1").names()}
        assert away == {f"rootwatch-eu-west-1-{name}" for name in ("root", "tampering", "undelivered")}, away
        of_a_set = Stack(self.template, f"StackSet-guard-{'5' * 36}", **chosen | {"Name": "rootwatch"})
        assert resolved(of_a_set) == resolved(alone)
        for stack in (alone, of_a_set):
            for name, _, properties in stack.resources():
                variables = properties.get("Environment", {}).get("Variables", {})
                assert variables.get("ROOTWATCH_STACK", stack.name) == stack.name, (name, "CloudFormation knows it by that name")

    def without_an_organization_nothing_of_it_is_there_and_with_one_the_rest_is_as_it_was(self):
        def made(**chosen):
            stack = Stack(self.template, **chosen)
            outputs = {name: o for name, o in self.template["Outputs"].items() if "Condition" not in o or stack.holds(o["Condition"])}
            return {name: (kind, properties) for name, kind, properties in stack.resources()}, stack.value(outputs)

        alone, outputs = made()
        members = {"MemberForwardRegions": "us-east-1,us-west-2", "OrganizationTargets": "r-exam", "OrganizationHome": "management"}
        assert made(OrganizationSchedule="rate(1 day)", AuditConcurrency="1000", MemberAccess="role", **members) == (alone, outputs)
        both, all_outputs = made(OrganizationId="o-exampleorgid")
        added = {name for name, r in self.template["Resources"].items() if "Organization" in name or name.startswith(("MemberAuditor", "Route"))}
        added = {name for name in added if self.template["Resources"][name].get("Condition") != "HasMemberRules"}
        assert set(both) - set(alone) == added and len(added) >= 10, added ^ (set(both) - set(alone))
        conditions = {self.template["Resources"][name].get("Condition") for name in added}
        assert conditions == {"HasOrganization"}, conditions
        assert set(all_outputs) - set(outputs) == {"OrganizationStateMachineArn", "RouteNotifierArn"}, set(all_outputs) - set(outputs)
        # How long the bucket keeps what it gets only then.
        rules = both["ReportBucket"][1]["LifecycleConfiguration"]["Rules"]
        assert all(not rule["Prefix"].startswith("organization/") for rule in alone["ReportBucket"][1]["LifecycleConfiguration"]["Rules"])
        rules[:] = [rule for rule in rules if not rule["Prefix"].startswith("organization/")]
        assert {name: both[name] for name in alone} == alone, [name for name in alone if both[name] != alone[name]]
        # Without Regions there is nothing in the member accounts, and nothing for what would come from there.
        assert made(OrganizationId="o-exampleorgid", **members | {"MemberForwardRegions": ""}) == made(OrganizationId="o-exampleorgid")
        forwarded, _ = made(OrganizationId="o-exampleorgid", **members)
        added = {name for name, r in self.template["Resources"].items() if r.get("Condition") == "HasMemberRules"}
        assert set(forwarded) - set(both) == added and len(added) == 7, added ^ (set(forwarded) - set(both))
        changed = {name for name in made(OrganizationId="o-exampleorgid")[0] if forwarded[name] != made(OrganizationId="o-exampleorgid")[0][name]}
        assert changed == {"Organization", "QueuePolicy", "RootActivity", "RootActivityRole"}, changed

    def rules_of_members_come_one_hop_to_a_bus_that_takes_only_the_organization_and_to_a_queue_of_their_own(self):
        chosen = {"OrganizationId": "o-exampleorgid", "OrganizationTargets": "r-exam,ou-exam-00000000", "MemberForwardRegions": "us-east-1"}
        stack = Stack(self.template, **chosen)
        here = {name: properties for name, _, properties in stack.resources()}
        bus = f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/rootwatch-organization"
        assert here["OrganizationBus"]["Name"] == bus.split("/")[1]
        [statement] = here["OrganizationBus"]["Policy"]["Statement"]
        del statement["Sid"]
        assert statement == {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus,
                             "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}}, statement
        rule, queue = here["OrganizationRule"], stack.physical("OrganizationQueue.Arn")
        assert (rule["EventBusName"], rule["EventPattern"]["source"]) == (stack.physical("OrganizationBus"), [{"prefix": "aws."}])
        assert rule["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "a root key that only reads"
        [target] = rule["Targets"]
        dead = stack.physical("DeadLetterQueue.Arn")
        assert target == {"Id": "queue", "Arn": queue, "DeadLetterConfig": {"Arn": dead}}, "an event arrives as it is"
        [statement] = here["OrganizationQueuePolicy"]["PolicyDocument"]["Statement"]
        source = {"ArnEquals": {"aws:SourceArn": stack.physical("OrganizationRule.Arn")}}
        assert (statement["Resource"], statement["Condition"]) == (queue, source), "nothing else is taken for a member's"
        assert here["OrganizationQueue"]["RedrivePolicy"]["deadLetterTargetArn"] == dead
        sources = here["QueuePolicy"]["PolicyDocument"]["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert stack.physical("OrganizationRule.Arn") in sources, "what could not be delivered is kept"
        variables = here["RootActivity"]["Environment"]["Variables"]
        assert here["OrganizationQueueMapping"]["EventSourceArn"] == variables["ROOTWATCH_ORGANIZATION_QUEUE_ARN"] == queue
        of_own = next(p for name, kind, p in stack.resources() if kind == "AWS::Lambda::EventSourceMapping" and name != "OrganizationQueueMapping" and "RootActivity" in name)
        for name in ("BatchSize", "FunctionResponseTypes", "MaximumBatchingWindowInSeconds", "ScalingConfig"):
            assert here["OrganizationQueueMapping"][name] == of_own[name], name
        rules = here["MemberRules"]
        assert (rules["PermissionModel"], rules["CallAs"]) == ("SERVICE_MANAGED", "DELEGATED_ADMIN")
        assert Stack(self.template, **chosen | {"OrganizationHome": "management"}).holds("IsDelegate") is False
        assert rules["AutoDeployment"]["Enabled"] is True and rules["ManagedExecution"] == {"Active": True}
        assert rules["OperationPreferences"]["ConcurrencyMode"] == "SOFT_FAILURE_TOLERANCE"
        assert rules["OperationPreferences"]["FailureTolerancePercentage"] == 100
        [group] = rules["StackInstancesGroup"]
        assert group == {"DeploymentTargets": {"OrganizationalUnitIds": ["r-exam", "ou-exam-00000000"]}, "Regions": ["us-east-1"]}, group
        member = self.member(stack, "us-east-1")
        there = {name: properties for name, _, properties in member.resources()}
        assert {name for _, _, name in member.names()} == {f"rootwatch-eu-west-1-org-{end}" for end in ("root", "trail", "undelivered")}
        statement = there["UndeliveredPolicy"]["PolicyDocument"]["Statement"][0]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [member.physical(f"{rule}.Arn") for rule in ("RootRule", "TamperingRule")]}}
        role = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": member.parameters["BusArn"]}
        assert there["ForwarderRole"]["Policies"][0]["PolicyDocument"]["Statement"] == [role], "it may do nothing else"
        for rule in ("RootRule", "TamperingRule"):
            [target] = there[rule]["Targets"]
            expected = {"Arn": member.parameters["BusArn"], "RoleArn": member.physical("ForwarderRole.Arn"), "DeadLetterConfig": {"Arn": member.physical("Undelivered.Arn")}}
            assert {name: value for name, value in target.items() if name != "Id"} == expected, "a second hop is not delivered"
        # The account of the stack is a member too, and has rules of its own.
        home = self.instance(stack, "MemberRules", self.member_rules, "us-east-1")
        assert [kind for _, kind, _ in home.resources()] == ["AWS::CloudFormation::WaitConditionHandle"]
        # Aliases in the text of a template would reach CloudFormation, which takes none.
        text = self.template["Resources"]["MemberRules"]["Properties"]["TemplateBody"]
        assert len(text.encode()) <= 51_200 and not re.search(r"[\[ ][&*][a-z]", text), "a template of a stack set"

    def without_a_member_role_nothing_of_it_is_there_and_with_one_the_auditor_alone_has_more(self):
        def made(**chosen):
            stack = Stack(self.template, OrganizationId="o-exampleorgid", **chosen)
            return {name: properties for name, _, properties in stack.resources()}

        by_root = made()
        assert made(OrganizationTargets="r-exam", OrganizationHome="management") == by_root
        assert "ROOTWATCH_MEMBER_ACCESS" not in json.dumps(by_root)
        by_role = made(MemberAccess="role", OrganizationTargets="r-exam,ou-exam-00000000")
        assert set(by_role) - set(by_root) == {"MemberRoles"}, set(by_role) - set(by_root)
        differ = {name for name in by_root if by_role[name] != by_root[name]}
        assert differ == {"MemberAuditor", "MemberAuditorRole", "Organization"}, differ
        assert by_role["MemberRoles"]["StackInstancesGroup"][0]["DeploymentTargets"]["OrganizationalUnitIds"] == ["r-exam", "ou-exam-00000000"]
        assert [made(MemberAccess="role", OrganizationTargets="r-exam", **home)["MemberRoles"]["CallAs"] for home in
                ({}, {"OrganizationHome": "management"})] == ["DELEGATED_ADMIN", "SELF"]
        # Who deploys the role in another way gives no targets.
        alone = made(MemberAccess="role")
        assert set(alone) == set(by_root) and alone["MemberAuditorRole"] == by_role["MemberAuditorRole"]
        assert set(made(MemberAccess="organization-role", OrganizationTargets="r-exam")) == set(by_root), "it deploys nothing"

        def assumed(resources):
            policies = resources["MemberAuditorRole"]["Policies"]
            statements = [s for policy in policies for s in policy["PolicyDocument"]["Statement"] if s["Action"] == "sts:AssumeRole"]
            assert [s["Condition"] for s in statements] == [{"StringEquals": {"aws:ResourceOrgID": "o-exampleorgid"}}], statements
            return statements[0]["Resource"]

        member = self.entered(Stack(self.template, OrganizationId="o-exampleorgid", MemberAccess="role", OrganizationTargets="r-exam"))
        role = dict((name, properties) for name, _, properties in member.resources())["MemberRole"]
        assert assumed(by_role) == f"arn:aws:iam::*:role/{role['RoleName']}", (assumed(by_role), role)
        assert by_role["MemberAuditor"]["Environment"]["Variables"]["ROOTWATCH_MEMBER_ROLE"] == role["RoleName"]
        assert assumed(made(MemberAccess="organization-role")) == "arn:aws:iam::*:role/OrganizationAccountAccessRole"
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        auditor = Stack(self.template).physical("MemberAuditorRole.Arn")
        assert (trust["Principal"], trust["Condition"]) == ({"AWS": auditor}, {"StringEquals": {"sts:ExternalId": "o-exampleorgid"}}), trust

    def a_second_stack_of_the_name_in_another_region_meets_nothing_of_the_first(self):
        one, other = Stack(self.template, region="eu-west-1"), Stack(self.template, region="us-west-2")

        def made(stack):
            everywhere = {("*", kind, name) for _, kind, name in self.full(stack.region).names(GLOBAL)}
            home = {(stack.region, kind, name) for _, kind, name in stack.names() if kind not in GLOBAL}
            regions = set(stack.ref("ForwardRegions"))
            away = {(region, kind, name) for region in regions for _, kind, name in self.forwarding(stack, region).names()}
            assert len(everywhere) == 2 and len(home) >= 4 and len(away) >= 6, (everywhere, home, away)
            member = {("*", kind, properties["RoleName"]) for _, kind, properties in self.entered(self.full(stack.region)).resources()}
            return everywhere | home | away | member

        assert not made(one) & made(other), made(one) & made(other)

    def every_policy_and_pattern_is_below_the_limits(self):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
        full = self.full()
        for stack in (full, self.forwarding(full, "us-east-1"), self.member(full, "us-east-1"), self.entered(full)):
            for name, kind, properties in stack.resources():
                if kind == "AWS::IAM::Role":
                    policies = sum(length(policy["PolicyDocument"]) for policy in properties.get("Policies", []))
                    assert policies <= 10_240, f"{name}: inline policies of {policies} characters"
                    trust = length(properties["AssumeRolePolicyDocument"])
                    assert trust <= 2_048, f"{name}: a trust policy of {trust} characters"
                if kind == "AWS::Events::Rule":
                    pattern = length(properties["EventPattern"])
                    assert pattern <= 2_048, f"{name}: a pattern of {pattern} characters"

    def every_service_principal_is_the_same_in_all_partitions_or_of_an_opt_in_region_that_is_used(self):
        def principals(part):
            if isinstance(part, dict):
                found = part.get("Principal", {})
                if isinstance(found, dict) and "Service" in found:
                    yield from [found["Service"]] if isinstance(found["Service"], str) else found["Service"]
                yield from (principal for inner in part.values() for principal in principals(inner))
            if isinstance(part, list):
                yield from (principal for inner in part for principal in principals(inner))

        for region, forwarding, opt_in in [
            ("eu-west-1", "us-east-1,us-east-2,us-west-2", []),
            ("eu-west-1", "us-east-1,af-south-1", ["af-south-1"]),
            ("ap-east-1", "us-east-1", ["ap-east-1"]),
            ("ap-east-1", "ap-east-1,ap-east-1,ap-east-2", ["ap-east-1", "ap-east-2"]),
            ("mx-central-1", "ap-southeast-3,mx-central-1", ["ap-southeast-3", "mx-central-1"]),
            ("eu-west-1", ",".join(OPT_IN), OPT_IN),
            ("cn-north-1", "cn-northwest-1", []),
            ("us-gov-west-1", "us-gov-east-1", []),
        ]:
            stack = self.full(region, ForwardRegions=forwarding)
            found = {principal for _, _, properties in stack.resources() for principal in principals(properties)}
            regional = {f"cloudformation.{region}.amazonaws.com" for region in opt_in}
            assert found - PRINCIPALS == regional, (region, forwarding, found)

    def what_is_not_in_other_partitions_is_left_out_there_and_links_lead_to_their_consoles(self):
        for region, domain in [
            ("eu-west-1", "console.aws.amazon.com"),
            ("cn-north-1", "console.amazonaws.cn"),
            ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ]:
            stack = self.full(region)
            kinds = {kind for _, kind, _ in stack.resources()} | {r["Type"] for r in self.forwarders["Resources"].values()}
            assert ("AWS::Chatbot::SlackChannelConfiguration" in kinds) == (region == "eu-west-1"), (region, kinds)
            for kind in kinds:
                try:
                    PROVIDER_SCHEMA_MANAGER.get_resource_schema(region, kind)
                except ResourceNotFoundError:
                    raise AssertionError(f"there is no {kind} in {region}") from None
            resources = dict((name, properties) for name, _, properties in stack.resources())
            for text in [json.dumps(resources["DirectRule"]), stack.value(self.template["Outputs"]["DashboardUrl"]["Value"])]:
                links = re.findall(r"https://[\w<>-]+\.([\w.-]*console[\w.-]*)/", text)
                assert links == [domain], (region, text)

    def the_environment_of_each_function_fits_with_any_parameter_at_its_longest_and_nearly_with_all(self):
        # Lambda measures it as JSON: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        def sizes(stack):
            functions = [(name, properties) for name, kind, properties in stack.resources() if kind == "AWS::Lambda::Function"]
            return {name: length(properties["Environment"]["Variables"]) for name, properties in functions}

        for parameter in self.template["Parameters"]:
            value = longest(self.template, parameter)
            alone = Stack(self.template, "s" * STACK_MAX, REGION_MAX, **{"Controls": "all"} | {parameter: value})
            assert max(sizes(alone).values()) <= 4_096, (parameter, sizes(alone))
            # Of a stack set that is named as docs/install.md names it.
            alone = Stack(self.template, f"StackSet-rootwatch-{'0' * 36}", REGION_MAX, **{"Name": "s" * STACK_MAX} | {parameter: value})
            assert max(sizes(alone).values()) <= 4_096, (parameter, sizes(alone))
        # Together they may be too many: make check-config counts them. Three exceptions and two statements fit beside everything else.
        values = {name: longest(self.template, name)[:most] for name, most in [("Exceptions", 390), ("Attestations", 150)]}
        together = self.full(REGION_MAX, **values)
        assert max(sizes(together).values()) <= 4_096, sizes(together)

    def no_parameter_replaces_or_removes_what_keeps_memory(self):
        for name in MEMORY:
            resource = self.template["Resources"][name]
            assert "Condition" not in resource, f"{name} is not always there"
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
            fixed = schema.get("createOnlyProperties", []) + schema.get("conditionalCreateOnlyProperties", [])
            for key in {path.split("/")[2] for path in fixed} & set(resource.get("Properties", {})):
                values = json.dumps(resource["Properties"][key])
                depends = [ref for ref in re.findall(r'"(?:Ref|Fn::If|Fn::Sub)": \[?"([^"]+)"', values)]
                assert not depends, f"{name}.{key} is fixed when it is made, and depends on {depends}"
        # The stack set keeps its name: one in its place could not remove the rules of the first.
        names = [properties["StackSetName"] for _, kind, properties in self.full().resources() if kind.endswith("StackSet")]
        assert names == [f"{'s' * STACK_MAX}-{end}" for end in ("forwarders", "members", "member-rules")], names

    def a_rollback_of_the_first_deployment_leaves_nothing_that_it_could_remove(self):
        kept = {name: r["DeletionPolicy"] for name, r in self.template["Resources"].items() if r.get("DeletionPolicy") != "Delete" and "DeletionPolicy" in r}
        once = "RetainExceptOnCreate"
        # DynamoDB deletes no table that is protected, and a rollback would end there.
        assert kept == {"Ledger": "Retain", "LogGroup": once, "ReportBucket": once, "ReportBucketPolicy": once}, kept
        assert self.template["Resources"]["Ledger"]["Properties"]["DeletionProtectionEnabled"] is True
        for name in kept:
            assert self.template["Resources"][name]["UpdateReplacePolicy"] == "Retain", name

    def the_role_that_makes_the_forwarders_may_do_what_their_types_need_and_no_more(self):
        needed = set()
        for resource in self.forwarders["Resources"].values():
            handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema.get("handlers", {})
            needed |= {action for verb, handler in handlers.items() if verb != "list" for action in handler["permissions"]}
        full = self.full()
        statements = {}
        for name, _, properties in full.resources():
            if name == "ForwardersExecutionRole":
                statements = {statement["Sid"]: statement for statement in properties["Policies"][0]["PolicyDocument"]["Statement"]}
        others = {"TheirStacks", "FindStacks", "ReadTheTemplate"}
        granted = {action for sid, s in statements.items() if sid not in others for action in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])}
        assert granted == needed, f"missing: {needed - granted}, too many: {granted - needed}"
        for _, kind, name in self.forwarding(full, "us-east-1").names():
            part = {"AWS::Events::Rule": f":rule/{name}", "AWS::SQS::Queue": f":{name}"}[kind]
            patterns = [statements["TheirRules"]["Resource"], statements["TheirQueue"]["Resource"]]
            assert any(re.fullmatch(re.escape(p).replace(r"\*", ".*"), f"arn:aws:{p.split(':')[2]}:us-east-1:{ACCOUNT}{part}") for p in patterns), name

    def a_region_that_refuses_does_not_end_the_deployment_and_loses_nothing_without_a_trace(self):
        stack_set = self.template["Resources"]["Forwarders"]
        assert stack_set["Properties"]["OperationPreferences"]["FailureTolerancePercentage"] == 100
        assert set(stack_set["DependsOn"]) >= {"ForwardersAdministrationPolicy", "Dashboard"}, "IAM needs time for the roles"
        away = self.forwarding(Stack(self.template), "us-east-1")
        resources = {name: properties for name, _, properties in away.resources()}
        queue = away.physical("Undelivered.Arn")
        statement = resources["UndeliveredPolicy"]["PolicyDocument"]["Statement"][0]
        assert (statement["Resource"], statement["Principal"]["Service"]) == (queue, "events.amazonaws.com")
        rules = [name for name, kind, _ in away.resources() if kind == "AWS::Events::Rule"]
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": [away.physical(f"{rule}.Arn") for rule in rules]}}
        for rule in rules:
            assert [target["DeadLetterConfig"]["Arn"] for target in resources[rule]["Targets"]] == [queue], rule
        home = [kind for _, kind, _ in self.forwarding(Stack(self.template), "eu-west-1").resources()]
        assert home == ["AWS::CloudFormation::WaitConditionHandle"], home


def main(*templates):
    checks = Checks(*(json.load(open(path, encoding="utf-8")) for path in templates))
    failed = 0
    for name in [name for name in vars(Checks) if "_" in name and not name.startswith("_")]:
        try:
            getattr(checks, name)()
        except (AssertionError, LookupError, StopIteration) as fault:
            failed += 1
            print(f"FAILED  {name.replace('_', ' ')}: {fault!r}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
