//! Who an event is by: root of this account, a session that root issued, or another principal.
//!
//! By AWS's page on the
//! [userIdentity element](https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html).

use serde_json::Value;

use crate::account::{Account, AccountId};
use crate::record::{Fields, TrailEvent};

/// The account whose event `event` is, when its record names another one than `account`: who acted, or who was given the record.
pub fn other_account(event: &TrailEvent, account: &Account) -> Option<AccountId> {
    Fields(&serde_json::from_str(event.record.as_deref()?).ok()?).other_account(&account.id)
}

impl Fields<'_> {
    /// `type` is `Root`, or `FederatedUser` in a session that root issued by `GetFederationToken`. Identity Center logs failed
    /// directory sign-ins as `Root` with an empty ARN: those are not root.
    pub(super) fn is_root(&self) -> bool {
        self.is_issued_by_root()
            || self.text("/userIdentity/type").as_deref() == Some("Root")
                && self.0.pointer("/userIdentity/arn").is_none_or(|arn| arn.as_str() != Some(""))
    }

    /// The name of the federated user in whose session root's rights were used.
    pub(super) fn federated_user(&self) -> Option<String> {
        let arn = self.text("/userIdentity/arn").filter(|_| self.is_issued_by_root())?;
        arn.split_once("federated-user/").map(|(_, name)| name.to_owned())
    }

    fn is_issued_by_root(&self) -> bool {
        self.text("/userIdentity/sessionContext/sessionIssuer/type").as_deref() == Some("Root")
    }

    /// The other account that the record names: of who acted, or of whose record it is. What is no account id names none.
    pub(super) fn other_account(&self, own: &AccountId) -> Option<AccountId> {
        let actor = self.text("/userIdentity/accountId").and_then(|id| AccountId::parse(&id).ok());
        let arn = self.text("/userIdentity/arn").and_then(|arn| AccountId::from_arn(&arn).ok());
        [actor, arn, self.recipient()].into_iter().flatten().find(|id| id != own)
    }

    /// `signin.amazonaws.com` stands for a person at the console in older records, and the mark of a console session for one
    /// whatever `invokedBy` says
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).
    pub(super) fn is_by_a_service(&self) -> bool {
        self.text("/userIdentity/invokedBy").is_some_and(|service| service != "signin.amazonaws.com")
            && self.truth("/sessionCredentialFromConsole") != Some(true)
    }

    /// The IAM user that the request names; `None`: the one who asks, root itself. What the answer names is not asked: for a request
    /// without a name IAM acts on the caller
    /// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>). A name that no user can have, as the
    /// `AWS ROOT USER` of MFA devices, is root's (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>).
    pub(super) fn user(&self) -> Option<String> {
        let can_be_in_a_name = |char: char| char.is_ascii_alphanumeric() || "+=,.@_-".contains(char);
        let name = self.0.pointer("/requestParameters/userName").and_then(Value::as_str)?;
        // Cut to its length for people only after it was looked at.
        name.chars().all(can_be_in_a_name).then(|| self.text("/requestParameters/userName"))?
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{account, classify, sample};
    use super::*;
    use crate::root_activity::{Effect, Kind};
    use crate::severity::Severity;

    /// `number` as done in a session of the federated user bob, which an identity of `issuer` issued.
    fn of_bob(number: u8, issuer: &str) -> Value {
        sample(
            number,
            json!({"userIdentity": {
                "type": "FederatedUser",
                "principalId": "111122223333:bob",
                "arn": "arn:aws:sts::111122223333:federated-user/bob",
                "sessionContext": {"sessionIssuer": {"type": issuer, "accountId": "111122223333"}},
            }}),
        )
    }

    #[test]
    fn a_session_that_root_issued_is_root_and_one_of_a_user_or_a_role_is_not() {
        for (number, kind) in
            [(1, Kind::SignInSucceeded), (4, Kind::SignInFailed), (17, Kind::WriteCall), (18, Kind::ReadOnlyCall)]
        {
            let act = classify(&of_bob(number, "Root")).unwrap();
            assert_eq!((act.kind, act.federated_user.as_deref()), (kind, Some("bob")));
            for issuer in ["IAMUser", "Role"] {
                assert_eq!(classify(&of_bob(number, issuer)), None, "{issuer}");
            }
        }
        assert_eq!(classify(&sample(17, json!({}))).unwrap().federated_user, None);
    }

    #[test]
    fn the_call_by_which_root_issues_a_session_is_high_and_urgent() {
        for (name, whose) in [("GetFederationToken", " of federated user bob"), ("GetSessionToken", "")] {
            let mut record = sample(
                17,
                json!({
                    "eventSource": "sts.amazonaws.com",
                    "eventName": name,
                    "responseElements": {"credentials": {"accessKeyId": "ASIAEXAMPLE000000010"}},
                }),
            );
            record["requestParameters"] = json!({});
            if !whose.is_empty() {
                record["requestParameters"]["name"] = json!("bob");
                record["responseElements"]["federatedUser"] =
                    json!({"arn": "arn:aws:sts::111122223333:federated-user/bob"});
            }
            let act = classify(&record).unwrap();
            assert_eq!(
                (act.kind, act.effect, act.severity),
                (Kind::WriteCall, Some(Effect::SessionIssued), Severity::High)
            );
            assert_eq!(act.target, Some(format!("ASIAEXAMPLE000000010{whose}")));
            assert_eq!((act.is_urgent(), act.headline()), (true, format!("session issued by root: {name}")));
        }
    }

    #[test]
    fn what_names_another_account_is_not_root_of_this_one() {
        let another = "999900001111";
        let of = |patch| TrailEvent { record: Some(sample(3, patch).to_string()), ..TrailEvent::default() };
        for patch in [
            json!({"recipientAccountId": another}),
            json!({"userIdentity": {"accountId": another}}),
            json!({"userIdentity": {"accountId": null, "arn": format!("arn:aws:iam::{another}:root")}}),
        ] {
            let event = of(patch);
            assert_eq!(super::super::RootActivity::classify(&event, &account(), None), None, "{event:?}");
            assert_eq!(other_account(&event, &account()).unwrap().as_str(), another);
        }
        for own in [
            json!({"recipientAccountId": null}),
            json!({"userIdentity": {"accountId": null}}),
            json!({"recipientAccountId": "?"}),
        ] {
            let event = of(own);
            assert!(super::super::RootActivity::classify(&event, &account(), None).is_some(), "{event:?}");
            assert_eq!(other_account(&event, &account()), None);
        }
        assert_eq!(other_account(&TrailEvent::default(), &account()), None);
    }

    #[test]
    fn a_console_session_is_root_whatever_service_passed_the_call_on() {
        let by = |service: &str, console| {
            let record =
                sample(17, json!({"userIdentity": {"invokedBy": service}, "sessionCredentialFromConsole": console}));
            let act = classify(&record).unwrap();
            (act.kind, act.is_root_use())
        };
        for console in [json!("true"), json!(true)] {
            assert_eq!(by("AWS Internal", console.clone()), (Kind::WriteCall, true));
            assert_eq!(by("lambda.amazonaws.com", console), (Kind::WriteCall, true));
        }
        assert_eq!(by("signin.amazonaws.com", json!(null)), (Kind::WriteCall, true), "a person in older records");
        for service in ["AWS Internal", "elasticloadbalancing.amazonaws.com"] {
            assert_eq!(by(service, json!(null)), (Kind::Service, false), "{service}");
        }
    }

    #[test]
    fn the_request_says_whose_it_is_and_the_answer_does_not() {
        let key = |request: Value, answer: &str| {
            let mut record = sample(5, json!({"responseElements": {"accessKey": {"userName": answer}}}));
            record["requestParameters"] = request;
            let act = classify(&record).unwrap();
            (act.kind, act.severity)
        };
        let of_root = (Kind::RootAccessKeyCreated, Severity::Critical);
        for answer in ["Root", "root", "acme-prod", "AWS ROOT USER", "alice", ""] {
            for request in [
                json!(null),
                json!({}),
                json!({"userName": null}),
                json!({"userName": ""}),
                json!({"userName": "AWS ROOT USER"}),
            ] {
                assert_eq!(key(request.clone(), answer), of_root, "{request} {answer}");
            }
        }
        assert_eq!(key(json!({"userName": "alice"}), "alice"), (Kind::UserAccessKeyCreated, Severity::High));
        assert_eq!(key(json!({"userName": "root"}), "root").0, Kind::UserAccessKeyCreated, "a user may be called so");
    }
}
