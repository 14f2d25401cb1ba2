//! What service control policies deny the root user of a member.
//!
//! AWS adds up what every statement of every policy in force denies
//! (<https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>).

use std::collections::BTreeSet;

use super::condition::{Condition, Fact};
use super::glob::{glob, instance, is_stars};
use super::{ARN_FIELDS, Effect, Patterns, Statement};

/// What policies deny the root user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// Not everything.
    Nothing,
    /// Everything, under a condition that cannot be evaluated here.
    Unclear,
    /// Unknown: a document cannot be read.
    Unreadable,
    /// Every action but those that unlock a bucket or a queue whose policy locks out every principal.
    AllButUnlocking,
    /// Every action.
    Everything,
}

/// The statements of a service control policy that deny root something, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denials {
    /// `None`: the document cannot be read.
    statements: Option<Vec<Denying>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Denying {
    actions: Patterns,
    resources: Patterns,
    /// Whether its conditions surely hold for root.
    is_sure: bool,
}

/// What only root can do in a member where a policy has locked out every principal, in lower case
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>); AWS's sample of a guardrail leaves it to
/// root (<https://github.com/aws-samples/service-control-policy-examples/tree/main/Privileged-access-controls>).
const UNLOCKING: [&str; 8] = [
    "s3:deletebucketpolicy",
    "s3:getbucketpolicy",
    "s3:listallmybuckets",
    "s3:putbucketpolicy",
    "sqs:getqueueattributes",
    "sqs:getqueueurl",
    "sqs:listqueues",
    "sqs:setqueueattributes",
];

impl Denials {
    /// Of a service control policy, as JSON, for the root user with the ARN `root`.
    pub fn of(document: &str, root: &str) -> Self {
        let denying = |statement: Statement| {
            let Statement { actions, resources, conditions, .. } = statement;
            let holds: Vec<Option<bool>> = conditions.iter().map(|condition| holds_for_root(condition, root)).collect();
            (!holds.contains(&Some(false))).then(|| {
                let is_sure = holds.iter().all(|holds| *holds == Some(true));
                // Without a resource it is unknown what it is about; AWS refuses such a policy.
                let resources = resources.unwrap_or(Patterns { patterns: Vec::new(), is_negated: false });
                Denying { actions, resources, is_sure }
            })
        };
        let statements = Statement::all(document).map(|statements| {
            let denies = statements.into_iter().filter(|statement| statement.effect == Effect::Deny);
            denies.filter_map(denying).collect()
        });
        Self { statements }
    }

    /// What these policies deny together.
    pub fn together<'a>(policies: impl IntoIterator<Item = &'a Self>) -> Denial {
        let policies: Vec<&Self> = policies.into_iter().collect();
        let statements: Vec<&Denying> = policies.iter().flat_map(|policy| policy.statements.iter().flatten()).collect();
        let sure: Vec<&Denying> = statements.iter().copied().filter(|statement| statement.is_sure).collect();
        match (left_open(&sure), left_open(&statements)) {
            (Open::Nothing, _) => Denial::Everything,
            (Open::Unlocking, _) => Denial::AllButUnlocking,
            (Open::More, Open::Nothing | Open::Unlocking) => Denial::Unclear,
            (Open::More, Open::More) if policies.iter().any(|policy| policy.statements.is_none()) => Denial::Unreadable,
            (Open::More, Open::More) => Denial::Nothing,
        }
    }
}

/// What is not denied.
enum Open {
    Nothing,
    Unlocking,
    More,
}

/// Asks for an action and a resource that no statement names, and for one of each pattern that a statement leaves out.
fn left_open(statements: &[&Denying]) -> Open {
    let left_out = |part: fn(&Denying) -> &Patterns, nobodys: &str| {
        let negated = statements.iter().map(|statement| part(statement)).filter(|patterns| patterns.is_negated);
        let mut asked: BTreeSet<String> =
            negated.flat_map(|patterns| &patterns.patterns).map(|pattern| instance(pattern)).collect();
        asked.insert(nobodys.to_owned());
        asked
    };
    let actions = left_out(|statement| &statement.actions, "0q:0q");
    let resources = left_out(|statement| &statement.resources, "arn:aws:0q:0q:000000000000:0q");
    let mut open = Open::Nothing;
    for action in &actions {
        let denying: Vec<&&Denying> =
            statements.iter().filter(|statement| statement.actions.mean(action, glob)).collect();
        let is_denied = |resource: &String| denying.iter().any(|statement| statement.resources.mean(resource, covers));
        if !resources.iter().all(is_denied) {
            if !UNLOCKING.contains(&action.as_str()) {
                return Open::More;
            }
            open = Open::Unlocking;
        }
    }
    open
}

/// Everything, or what matches. What AWS makes of an ARN with fewer fields is documented for the policies of identities alone.
fn covers(pattern: &str, resource: &str) -> bool {
    is_stars(pattern) || (pattern.splitn(ARN_FIELDS, ':').count() == ARN_FIELDS && glob(pattern, resource))
}

/// Whether it holds for all that root does by itself; `None`: unknown
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>, and for the type and the id of root
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
fn holds_for_root(condition: &Condition, root: &str) -> Option<bool> {
    let account = root.split(':').nth(4).unwrap_or_default();
    let key = condition.key.as_str();
    let fact = match key {
        "aws:principalarn" => Fact::Is(root),
        "aws:principalaccount" | "aws:userid" => Fact::Is(account),
        "aws:principaltype" => Fact::Is("Account"),
        "aws:viaawsservice" | "aws:principalisawsservice" => Fact::Is("false"),
        "aws:securetransport" => Fact::Is("true"),
        // Only sessions of centralized root access have it, as the exemption of AWS's sample and of Control Tower implies.
        "aws:assumedroot" => Fact::Absent,
        "aws:username" | "aws:principalservicename" | "aws:sourcearn" | "aws:sourceaccount" | "aws:sourceorgid" => {
            Fact::Absent
        }
        // Root may sign in with MFA or use a key without it, and asks whatever Region it likes.
        "aws:multifactorauthpresent" | "aws:multifactorauthage" | "aws:requestedregion" => Fact::Varies,
        // Of what is asked for, not of who asks: other requests have no such key.
        _ if !key.starts_with("aws:")
            || ["aws:requesttag/", "aws:resourcetag/"].iter().any(|tag| key.starts_with(tag)) =>
        {
            return (condition.needs_its_key()).then_some(false);
        }
        _ => Fact::Unknown,
    };
    condition.holds(fact)
}

#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used, reason = "for tests alone")]
impl Denials {
    /// One that denies so much.
    pub fn sample(denial: Denial) -> Self {
        let fields = match denial {
            Denial::Unreadable => return Self { statements: None },
            Denial::Nothing => r#""Action": "ec2:*""#,
            Denial::Unclear => r#""Action": "*", "Condition": {"StringEquals": {"aws:WhatIsNew": "x"}}"#,
            Denial::AllButUnlocking => r#""NotAction": "s3:PutBucketPolicy""#,
            Denial::Everything => r#""Action": "*""#,
        };
        let document = format!(r#"{{"Statement": {{"Effect": "Deny", "Resource": "*", {fields}}}}}"#);
        Self::of(&document, "arn:aws:iam::111122223333:root")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy_document::tests::{any_statement, statement};

    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn denial(document: &str) -> Denial {
        Denials::together([&Denials::of(document, ROOT)])
    }

    /// Of several statements in one policy, and of as many policies with one each.
    fn denial_of(statements: &[&str]) -> Denial {
        let together: Vec<String> = statements.iter().map(|fields| format!("{{{fields}}}")).collect();
        let one = denial(&format!(r#"{{"Statement": [{}]}}"#, together.join(",")));
        let many: Vec<Denials> = statements.iter().map(|fields| Denials::of(&statement(fields), ROOT)).collect();
        assert_eq!(one, Denials::together(&many), "{statements:?}");
        one
    }

    fn denied_if(condition: &str) -> Denial {
        denial_of(&[&format!(r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}"#)])
    }

    #[test]
    fn a_guardrail_denies_root_everything_and_nothing_less() {
        for fields in [
            r#""Effect": "Deny", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": ["*:*"], "Resource": "arn:*:*:*:*:*", "Condition": {"StringLike": {}}"#,
            r#""Effect": "Deny", "NotAction": [], "Resource": "*""#,
        ] {
            assert_eq!(denial_of(&[fields]), Denial::Everything, "{fields}");
        }
        for fields in [
            r#""Effect": "Allow", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": "iam:*", "Resource": "*""#,
            r#""Effect": "Deny", "NotAction": "iam:*", "Resource": "*""#,
            r#""Effect": "Deny", "NotAction": ["s3:PutBucketPolicy", "s3:PutObject"], "Resource": "*""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::*:*""#,
            r#""Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::logs""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws-cn:*:*:*:*""#,
            r#""Effect": "Deny", "Action": "*""#,
        ] {
            assert_eq!(denial_of(&[fields]), Denial::Nothing, "{fields}");
        }
        assert_eq!(denial("{"), Denial::Unreadable);
        assert_eq!(Denials::together([]), Denial::Nothing);
    }

    #[test]
    fn a_guardrail_may_leave_it_to_root_to_unlock_a_bucket_or_a_queue() {
        for actions in [
            r#"["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"]"#,
            r#"["sqs:SetQueueAttributes", "s3:deletebucketpolicy"]"#,
        ] {
            let fields = format!(
                r#""Effect": "Deny", "NotAction": {actions}, "Resource": "*", "Condition": {{"ArnLike": {{"aws:PrincipalArn": "arn:aws:iam::*:root"}}}}"#
            );
            assert_eq!(denial_of(&[&fields]), Denial::AllButUnlocking, "{actions}");
        }
    }

    #[test]
    fn statements_and_policies_add_up() {
        let all_but_s3 = r#""Effect": "Deny", "NotAction": "s3:*", "Resource": "*""#;
        let s3 = r#""Effect": "Deny", "Action": "s3:*", "Resource": "*""#;
        let some_s3 = r#""Effect": "Deny", "Action": ["s3:Get*", "s3:Put*"], "Resource": "*""#;
        let s3_perhaps = r#""Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#;
        assert_eq!(denial_of(&[all_but_s3, s3]), Denial::Everything);
        assert_eq!(denial_of(&[all_but_s3, some_s3]), Denial::Nothing);
        assert_eq!(denial_of(&[all_but_s3, s3_perhaps]), Denial::Unclear);
        let [one, other] =
            ["", "Not"].map(|not| format!(r#""Effect": "Deny", "Action": "*", "{not}Resource": "arn:aws:s3:::*""#));
        assert_eq!(denial_of(&[&one, &other]), Denial::Everything, "by halves of resources");
        let unreadable = Denials::of("{", ROOT);
        let everything = Denials::of(&statement(r#""Effect": "Deny", "Action": "*", "Resource": "*""#), ROOT);
        assert_eq!(Denials::together([&unreadable, &everything]), Denial::Everything);
    }

    #[test]
    fn a_guardrail_binds_root_by_every_condition_that_holds_for_it() {
        for condition in [
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "*:root"}}"#,
            r#"{"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:root"}}"#,
            r#"{"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::999988887777:root", "arn:aws:iam::11112222????:root"]}}"#,
            r#"{"ArnLike": {"aws:principalarn": ["arn:*:iam::*:root"]}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": ["arn:*:iam::*:root"]}, "Null": {"aws:AssumedRoot": "true"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci*"]}}"#,
            r#"{"ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci", "arn:aws:iam::*:role/admin/*"]}}"#,
            r#"{"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"Null": {"aws:AssumedRoot": true}}"#,
            r#"{"BoolIfExists": {"aws:AssumedRoot": "false"}}"#,
            r#"{"Bool": {"aws:ViaAWSService": "false", "aws:PrincipalIsAWSService": false}}"#,
            r#"{"StringEquals": {"aws:PrincipalType": "Account"}}"#,
            r#"{"StringEquals": {"aws:PrincipalType": ["Root", "Account"]}}"#,
            r#"{"StringNotEquals": {"aws:PrincipalType": ["AssumedRole", "User"]}}"#,
            r#"{"StringEquals": {"aws:PrincipalAccount": "111122223333", "aws:userid": "111122223333"}}"#,
            r#"{"StringNotLike": {"aws:PrincipalAccount": "99998888*"}}"#,
        ] {
            assert_eq!(denied_if(condition), Denial::Everything, "{condition}");
        }
    }

    #[test]
    fn a_condition_that_lets_root_out_is_no_guardrail() {
        for condition in [
            r#"{"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999988887777:root"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": []}}"#,
            r#"{"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:root"}}"#,
            r#"{"StringEquals": {"aws:PrincipalType": "Root"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci", "arn:*:iam::111122223333:*"]}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:AssumedRoot": "false"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Bool": {"aws:AssumedRoot": "true"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root", "aws:SourceArn": "arn:aws:iam::1:root"}}"#,
            r#"{"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}"#,
            r#"{"StringEquals": {"ec2:InstanceType": "t3.large"}}"#,
            r#"{"StringEquals": {"aws:ResourceTag/team": "ops"}}"#,
        ] {
            assert_eq!(denied_if(condition), Denial::Nothing, "{condition}");
        }
    }

    #[test]
    fn a_condition_that_nobody_can_judge_here_is_neither() {
        for condition in [
            r#"{"ArnLike": {"aws:PrincipalArn": "*:root"}}"#,
            r#"{"ArnNotEquals": {"aws:PrincipalArn": "*"}}"#,
            r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:root"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:SourceIp": "true"}}"#,
            r#"{"ForAnyValue:StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#"{"StringLooksLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"StringNotEquals": {"ec2:InstanceType": "t3.large"}}"#,
            r#"{"StringEquals": {"aws:WhatIsNew": "x"}}"#,
        ] {
            assert_eq!(denied_if(condition), Denial::Unclear, "{condition}");
        }
        let narrow = r#""Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:WhatIsNew": "x"}}"#;
        assert_eq!(denial_of(&[narrow]), Denial::Nothing, "whatever it says");
    }

    fn any(effect: &'static str) -> impl Strategy<Value = String> {
        any_statement(
            effect,
            &["*", "iam:*", "s3:*", "s3:PutBucketPolicy", "sts:?*"],
            &["*", "arn:aws:iam::*:*", "arn:aws:s3:::*"],
            &[
                "{}",
                r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
                r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#,
                r#"{"StringEquals": {"aws:PrincipalType": "Root"}}"#,
            ],
        )
    }

    proptest! {
        #[test]
        fn a_further_deny_opens_nothing_and_a_further_allow_changes_nothing(
            before in prop::collection::vec(any("Deny"), 0..4),
            deny in any("Deny"),
            allow in any("Allow"),
        ) {
            let of = |more: &[&String]| {
                let all: Vec<&str> = before.iter().chain(more.iter().copied()).map(String::as_str).collect();
                denial(&format!(r#"{{"Statement": [{}]}}"#, all.join(",")))
            };
            prop_assert!(of(&[&deny]) >= of(&[]));
            prop_assert_eq!(of(&[&allow]), of(&[]));
        }
    }
}
