"""An organization, which the local AWS lacks: its list, `sts:AssumeRoot`, and root's credentials in a member's session.

The account of the stack is its delegated administrator. Texts of errors are those that AWS answers.
"""

import json
import re
import sys
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.core.responses import json_response
from ministack.core.router import extract_access_key_id
from ministack.services import iam, organizations, sts

from described_organization import ACCOUNTS, ID, MANAGEMENT, REFUSING, SUSPENDED, WITH_A_KEY

TASK = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"

AUDITED = set(ACCOUNTS) - SUSPENDED
sessions = {}


def account(number, state="ACTIVE", name=None):
    return {
        "Id": number, "Name": name or f"account-{number[-3:]}", "State": state, "Status": state,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:account/{ID}/{number}",
        "Paths": [f"{ID}/r-ab12/ou-ab12-{'prod' if int(number) % 2 else 'test'}0000/{number}/"],
    }


LISTED = [account(MANAGEMENT, name="management")] + [
    account(number, "SUSPENDED" if number in SUSPENDED else "ACTIVE") for number in ACCOUNTS
]


async def of_organizations(method, path, headers, body, query_params):
    operation = next(value for name, value in headers.items() if name.lower() == "x-amz-target").split(".")[1]
    asked = json.loads(body or b"{}")
    if operation == "DescribeOrganization":
        return json_response({"Organization": {"Id": ID, "FeatureSet": "ALL", "MasterAccountId": MANAGEMENT,
                                               "MasterAccountArn": f"arn:aws:organizations::{MANAGEMENT}:account/{ID}/{MANAGEMENT}"}})
    if operation == "ListAccounts":
        at = int(asked.get("NextToken") or 0)
        more = {"NextToken": str(at + 20)} if at + 20 < len(LISTED) else {}
        return json_response({"Accounts": LISTED[at : at + 20], **more})
    return await before[organizations](method, path, headers, body, query_params)


def form(body, query_params):
    text = body.decode() if isinstance(body, bytes) else body or ""
    asked = {name: value[0] if isinstance(value, list) else value for name, value in (query_params or {}).items()}
    return asked | {name: values[0] for name, values in parse_qs(text).items()}


async def of_sts(method, path, headers, body, query_params):
    asked = form(body, query_params)
    if asked.get("Action") != "AssumeRoot":
        return await before[sts](method, path, headers, body, query_params)
    target = asked["TargetPrincipal"]
    if asked.get("TaskPolicyArn.arn") != TASK:
        return sts._error(400, "ValidationError", "Request must contain valid AWS managed task policy ARN", ns="sts")
    if target not in AUDITED:
        said = f"User: caller is not authorized to perform: sts:AssumeRoot on resource: arn:aws:iam::{target}:root"
        return sts._error(403, "AccessDenied", said, ns="sts")
    key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    duration = int(asked.get("DurationSeconds", 900))
    sessions[key] = target
    sts.register_session(key, {
        "Arn": f"arn:aws:iam::{target}:root", "UserId": target, "SecretAccessKey": secret, "SessionToken": token,
        "Expiration": time.time() + duration, "AccountId": target, "PrincipalType": "Root",
    })
    credentials = (f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
                   f"<SessionToken>{token}</SessionToken><Expiration>{sts._future(duration)}</Expiration>")
    return sts._xml(200, "AssumeRootResponse", f"<AssumeRootResult><Credentials>{credentials}</Credentials></AssumeRootResult>", ns="sts")


def entries(values):
    return "".join(f"<entry><key>{name}</key><value>{value}</value></entry>" for name, value in values.items())


def in_session(account, action):
    """What root of `account` is answered; `None`: the task policy denies it."""
    has_key = account in WITH_A_KEY
    created = datetime(2026, 1, 1, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    key = f"<member><AccessKeyId>AKIAEXAMPLE000000001</AccessKeyId><Status>Active</Status><CreateDate>{created}</CreateDate></member>"
    counters = {"AccountPasswordPresent": 0, "AccountAccessKeysPresent": int(has_key), "AccountSigningCertificatesPresent": 0,
                "AccountMFAEnabled": 0, "Users": 0, "Providers": 0}
    return {
        "GetAccountSummary": f"<SummaryMap>{entries(counters)}</SummaryMap>",
        "GetUser": f"<User><UserId>{account}</UserId><Arn>arn:aws:iam::{account}:root</Arn><Path>/</Path><UserName></UserName>"
                   f"<CreateDate>{created}</CreateDate></User>",
        "ListAccessKeys": f"<AccessKeyMetadata>{key if has_key else ''}</AccessKeyMetadata><IsTruncated>false</IsTruncated>",
        "GetAccessKeyLastUsed": "<AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>",
        "ListMFADevices": "<MFADevices></MFADevices><IsTruncated>false</IsTruncated>",
        "ListSigningCertificates": "<Certificates></Certificates><IsTruncated>false</IsTruncated>",
    }.get(action)


async def of_iam(method, path, headers, body, query_params):
    action = form(body, query_params).get("Action")
    target = sessions.get(extract_access_key_id(headers, query_params))
    if target is None:
        if action == "ListOrganizationsFeatures":
            features = "<EnabledFeatures><member>RootCredentialsManagement</member></EnabledFeatures>"
            answer = f"<ListOrganizationsFeaturesResult><OrganizationId>{ID}</OrganizationId>{features}</ListOrganizationsFeaturesResult>"
            return iam._xml(200, "ListOrganizationsFeaturesResponse", answer, ns="iam")
        return await before[iam](method, path, headers, body, query_params)
    if target in REFUSING:
        said = (f"User: arn:aws:iam::{target}:root is not authorized to perform: iam:{action} on resource: * with an explicit deny in a "
                "service control policy")
        return iam._error(403, "AccessDenied", said, ns="iam")
    if action == "GetLoginProfile":
        return iam._error(404, "NoSuchEntity", "Login Profile for User null cannot be found.", ns="iam")
    answer = in_session(target, action)
    if answer is None:
        return iam._error(403, "AccessDenied", f"iam:{action} is denied by the task policy", ns="iam")
    return iam._xml(200, f"{action}Response", f"<{action}Result>{answer}</{action}Result>", ns="iam")


# The condition that makes the function's role read-only.
tags_of, resource_of = iam_actions.request_tag_context, iam_actions.extract_resource_arn


def keys(service, action, body, query_params):
    found = tags_of(service, action, body, query_params)
    if service == "sts" and action == "sts:AssumeRoot":
        found = dict(found or {}) | {"sts:TaskPolicyArn": form(body, query_params).get("TaskPolicyArn.arn", "")}
    return found


def resource(service, method, path, headers, body, query_params, region, account_id):
    if service == "sts" and b"Action=AssumeRoot&" in (body or b""):
        target = re.search(rb"TargetPrincipal=(\d+)", body)[1].decode()
        return f"arn:aws:iam::{target}:root"
    return resource_of(service, method, path, headers, body, query_params, region, account_id)


before = {module: module.handle_request for module in (iam, organizations, sts)}


def install():
    iam.handle_request, organizations.handle_request, sts.handle_request = of_iam, of_organizations, of_sts
    for module in [module for path, module in sys.modules.items() if path.startswith("ministack.")]:
        for name, old, new in [("request_tag_context", tags_of, keys), ("extract_resource_arn", resource_of, resource)]:
            if getattr(module, name, None) is old:
                setattr(module, name, new)
