"""`make verify-organization`: whether this account can audit the members of its organization, and what to do where it cannot.

It reads, and changes nothing. One look into a member opens a session of its root user with AWS's read-only task policy, which the member's
CloudTrail records: MEMBER=<account id> names the account, and MEMBER=none leaves it out; otherwise it is the first active member.
Account ids are cut to their last four digits unless --full is given.

usage: verify_organization.py [MEMBER] [--full]
"""

import re
import sys
import time
from collections import Counter

import boto3
import botocore.exceptions
from botocore.config import Config

IAM = "iam.amazonaws.com"
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/IAMAuditRootUserCredentials.html
TASK = "policy/root-task/IAMAuditRootUserCredentials"
IN_SESSION = ("get_account_summary", "get_user", "get_login_profile", "list_access_keys", "list_mfa_devices", "list_signing_certificates")
# States in which an account cannot be used; what AWS answers for them is asked for once each.
UNUSABLE = ("SUSPENDED", "CLOSED", "PENDING_ACTIVATION")
# https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
MAX_PAGES, MAX_TEXT = 2_500, 300
ENABLE = (
    "in the management account: aws organizations enable-aws-service-access --service-principal iam.amazonaws.com; "
    "aws iam enable-organizations-root-credentials-management"
)
DELEGATE = (
    "in the management account: aws organizations register-delegated-administrator --service-principal iam.amazonaws.com "
    "--account-id <this account>"
)


class Refused(Exception):
    """A call that AWS refused: its code and its words, bounded and without control characters."""

    def __init__(self, operation, error):
        answer = getattr(error, "response", {}).get("Error", {})
        self.code = re.sub(r"[^A-Za-z0-9.]", "", answer.get("Code") or type(error).__name__)
        self.text = "".join(char if char.isprintable() else " " for char in answer.get("Message") or "")[:MAX_TEXT]
        super().__init__(f"{operation}: {self.code}{f': {self.text}' if self.text else ''}")


class Organization:
    """The organization of the caller's account."""

    def __init__(self, session):
        self.session = session
        self.config = Config(retries={"mode": "standard", "total_max_attempts": 8})

    def call(self, service, operation, session=None, **request):
        # AssumeRoot has no global endpoint (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html).
        region = self.session.region_name
        at = {"endpoint_url": f"https://sts.{region}.amazonaws.com"} if service == "sts" and region else {}
        client = (session or self.session).client(service, region_name=region, config=self.config, **at)
        try:
            return getattr(client, operation)(**request)
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise Refused(f"{service}:{operation.title().replace('_', '')}", error) from error

    def accounts(self):
        request = {}
        for _ in range(MAX_PAGES):
            answer = self.call("organizations", "list_accounts", **request)
            yield from answer["Accounts"]
            if not answer.get("NextToken"):
                return
            request = {"NextToken": answer["NextToken"]}

    def session_of(self, account, partition):
        answer = self.call(
            "sts", "assume_root", TargetPrincipal=account, DurationSeconds=900,
            TaskPolicyArn={"arn": f"arn:{partition}:iam::aws:{TASK}"},
        )["Credentials"]
        return boto3.Session(
            aws_access_key_id=answer["AccessKeyId"], aws_secret_access_key=answer["SecretAccessKey"],
            aws_session_token=answer["SessionToken"], region_name=self.session.region_name,
        )


class Page:
    """Lines, each good, bad or unknown, with what to do."""

    def __init__(self, is_full, show=print):
        self.is_full, self.show, self.bad = is_full, show, 0

    def line(self, state, subject, text, fix=None):
        if not self.is_full:
            text = re.sub(r"\b\d{8}(\d{4})\b", r"...\1", text)
        self.bad += state == "bad"
        self.show(f"{state:<8} {subject:<12} {text}")
        if fix and state != "good":
            self.show(f"{'':<21} fix: {fix}")

    def asked(self, subject, ask, fix):
        """What `ask` answers; `None` where it is refused, which is said."""
        try:
            return ask()
        except Refused as refused:
            denied = refused.code.startswith("AccessDenied")
            self.line("unknown" if denied else "bad", subject, str(refused), fix)
            return None


def verify(organization, page, member=None):
    caller = page.asked("credentials", lambda: organization.call("sts", "get_caller_identity"), "sign in: aws sso login, or aws configure")
    if caller is None:
        return
    own, partition = caller["Account"], caller["Arn"].split(":")[1]
    page.line("good", "credentials", f"account {own}, Region {organization.session.region_name}")
    described = page.asked(
        "organization", lambda: organization.call("organizations", "describe_organization")["Organization"],
        "this account is in no organization, or the caller may not describe it",
    )
    if described is None:
        return
    is_management = described["MasterAccountId"] == own
    features = described.get("FeatureSet")
    state = "good" if features == "ALL" else "bad"
    page.line(state, "organization", f"{described['Id']}, features {features}: OrganizationId={described['Id']}",
              "in the management account: aws organizations enable-all-features")
    page.line("good", "account", "the management account" if is_management else f"a member of {described['MasterAccountId']}")

    enabled = page.asked("features", lambda: organization.call("iam", "list_organizations_features"), f"{ENABLE}; then {DELEGATE}")
    if enabled is not None:
        has = enabled.get("EnabledFeatures", [])
        page.line("good" if "RootCredentialsManagement" in has else "bad", "features", ", ".join(has) or "none", ENABLE)
        page.line("good" if enabled.get("OrganizationId") == described["Id"] else "bad", "features", f"of {enabled.get('OrganizationId')}")

    accounts = page.asked("accounts", lambda: list(organization.accounts()), f"allow organizations:ListAccounts; {DELEGATE}")
    if accounts is None:
        return
    states = Counter(account.get("State") or f"{account.get('Status')} (no State)" for account in accounts)
    page.line("good", "accounts", f"{len(accounts)}: " + ", ".join(f"{count} {state}" for state, count in states.most_common()))
    missing = sum(not account.get("Paths") for account in accounts)
    page.line("good" if not missing else "unknown", "units", "of every account" if not missing else f"{missing} accounts have no Paths")

    members = [account for account in accounts if account["Id"] not in (own, described["MasterAccountId"])]
    if member == "none":
        page.line("unknown", "audit", "left out by MEMBER=none")
        return
    active = [account["Id"] for account in members if (account.get("State") or account.get("Status")) == "ACTIVE"]
    chosen = member or next(iter(active), None)
    if chosen is None:
        page.line("unknown", "audit", "no active member")
        return
    audit(organization, page, chosen, partition)
    for state in UNUSABLE:
        unusable = next((account["Id"] for account in members if account.get("State") == state), None)
        if unusable and not member:
            try:
                organization.session_of(unusable, partition)
                page.line("good", state, f"{unusable}: AWS gives a session, rootwatch asks for none")
            except Refused as refused:
                page.line("good", state, f"{unusable}: {refused} (rootwatch asks for none)")


def audit(organization, page, account, partition):
    """One member, as the function member-auditor looks at it."""
    began = time.monotonic()
    fix = f"{ENABLE}; {DELEGATE}; and allow the caller sts:AssumeRoot with this task policy"
    session = page.asked("audit", lambda: organization.session_of(account, partition), fix)
    if session is None:
        return
    page.line("good", "audit", f"AWS gave a session in {account} after {time.monotonic() - began:.2f} s")
    keys = []
    for operation in IN_SESSION:
        began = time.monotonic()
        try:
            answer = organization.call("iam", operation, session)
            keys += [key["AccessKeyId"] for key in answer.get("AccessKeyMetadata", [])]
            shown = "PasswordLastUsed is there" if "PasswordLastUsed" in answer.get("User", {}) else "read"
            page.line("good", "audit", f"iam:{operation.title().replace('_', '')}: {shown}, {time.monotonic() - began:.2f} s")
        except Refused as refused:
            if refused.code == "NoSuchEntity":
                page.line("good", "audit", f"iam:{operation.title().replace('_', '')}: root has no password")
            elif "service control policy" in refused.text:
                page.line("bad", "audit", str(refused), 'exempt central sessions: "Null": {"aws:AssumedRoot": "true"} in the policy that denies root')
            else:
                page.line("bad", "audit", str(refused))
    for key in keys[:2]:
        used = page.asked("audit", lambda: organization.call("iam", "get_access_key_last_used", session, AccessKeyId=key), None)
        if used is not None:
            page.line("good", "audit", "iam:GetAccessKeyLastUsed: read")


def main(arguments):
    page = Page("--full" in arguments)
    member = next((argument for argument in arguments if not argument.startswith("--")), None)
    if member not in (None, "none") and not re.fullmatch(r"\d{12}", member):
        sys.exit("MEMBER is an account id of twelve digits, or none")
    verify(Organization(boto3.Session()), page, member)
    return 1 if page.bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
