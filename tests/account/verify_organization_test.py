"""What `make verify-organization` prints, over an invented organization. usage: verify_organization_test.py"""

import unittest

import botocore.exceptions
import verify_organization as subject

OWN, MANAGEMENT, MEMBER, SUSPENDED = "111122223333", "999900001111", "444455556666", "777788889999"


def refused(code, message=""):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message}}, "x")


class Invented(subject.Organization):
    """Answers by operation: a value, or an error; calls in a member's session are noted."""

    def __init__(self, **changed):
        self.session = type("Session", (), {"region_name": "eu-west-1"})()
        self.calls = []
        account = lambda number, state: {"Id": number, "State": state, "Paths": [f"o-a/r-b/{number}/"]}
        self.answers = {
            "get_caller_identity": {"Account": OWN, "Arn": f"arn:aws:sts::{OWN}:assumed-role/Admin/alice"},
            "describe_organization": {"Organization": {"Id": "o-exampleorg1", "MasterAccountId": MANAGEMENT, "FeatureSet": "ALL"}},
            "list_organizations_features": {"OrganizationId": "o-exampleorg1", "EnabledFeatures": ["RootCredentialsManagement"]},
            "list_accounts": {"Accounts": [account(MANAGEMENT, "ACTIVE"), account(OWN, "ACTIVE"), account(MEMBER, "ACTIVE"), account(SUSPENDED, "SUSPENDED")]},
            "get_account_summary": {"SummaryMap": {}},
            "get_user": {"User": {"PasswordLastUsed": "2026"}},
            "get_login_profile": refused("NoSuchEntity"),
            "list_access_keys": {"AccessKeyMetadata": [{"AccessKeyId": "AKIAEXAMPLE000000001"}]},
            "list_mfa_devices": {},
            "list_signing_certificates": {},
            "get_access_key_last_used": {},
        } | changed

    def call(self, service, operation, session=None, **request):
        self.calls.append((operation, session))
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise subject.Refused(f"{service}:{operation}", answer) from answer
        return answer

    def session_of(self, account, partition):
        self.calls.append(("assume_root", account))
        answer = self.answers.get(account)
        if answer:
            raise subject.Refused("sts:AssumeRoot", answer)
        return account


def printed(member=None, is_full=False, **changed):
    lines, organization = [], Invented(**changed)
    page = subject.Page(is_full, lines.append)
    subject.verify(organization, page, member)
    return "\n".join(lines), page.bad, organization.calls


class Verifying(unittest.TestCase):
    def test_a_delegated_administrator_that_can_audit_is_good_and_ids_are_cut(self):
        text, bad, calls = printed(**{SUSPENDED: refused("AccessDenied", "suspended")})
        self.assertEqual(bad, 0, text)
        self.assertIn("OrganizationId=o-exampleorg1", text)
        self.assertIn("a session in ...6666", text)
        self.assertIn("SUSPENDED", text)
        for account in (OWN, MANAGEMENT, MEMBER, SUSPENDED):
            self.assertNotIn(account, text)
        self.assertIn(MEMBER, printed(is_full=True)[0])

    def test_it_reads_and_does_nothing_else(self):
        names = {operation for operation, _ in printed()[2]}
        self.assertLessEqual({name.split("_")[0] for name in names}, {"get", "list", "describe", "assume"})

    def test_each_missing_step_is_named_with_its_command(self):
        denied = refused("AccessDeniedException", "no")
        cases = {
            "list_organizations_features": (refused("ServiceAccessNotEnabledException"), "enable-aws-service-access"),
            "list_accounts": (denied, "register-delegated-administrator"),
            MEMBER: (refused("AccessDenied", "not authorized to perform: sts:AssumeRoot"), "register-delegated-administrator"),
            "get_account_summary": (refused("AccessDenied", "explicit deny in a service control policy"), "aws:AssumedRoot"),
        }
        for operation, (error, fix) in cases.items():
            text, _, _ = printed(**{operation: error})
            self.assertIn(fix, text, operation)
            self.assertIn(error.response["Error"]["Code"], text, operation)

    def test_features_that_are_off_are_bad(self):
        text, bad, _ = printed(list_organizations_features={"OrganizationId": "o-exampleorg1", "EnabledFeatures": ["RootSessions"]})
        self.assertEqual(bad, 1, text)
        self.assertIn("enable-organizations-root-credentials-management", text)

    def test_no_member_is_entered_where_the_owner_says_so(self):
        text, _, calls = printed(member="none")
        self.assertNotIn("assume_root", [operation for operation, _ in calls], text)

    def test_hostile_text_of_an_answer_stays_on_its_line(self):
        text, _, _ = printed(list_accounts=refused("AccessDenied", "a\x1b[2J\nb" + "x" * 1000))
        self.assertNotIn("\x1b", text)
        self.assertTrue(all(len(line) < 700 for line in text.splitlines()), text)


if __name__ == "__main__":
    unittest.main()
