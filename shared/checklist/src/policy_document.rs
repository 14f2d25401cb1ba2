//! Policy documents: what of them a control asks
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).
//!
//! Of a document only these few answers are kept: an account may hold thousands, of kilobytes each.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::account::AccountId;

/// How much a policy allows whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Not everything.
    Limited,
    /// Nobody can tell: the document cannot be read.
    Unreadable,
    /// Everything but what a `NotAction` or `NotResource` names; IAM is not wholly among that, so that the holder can take the rest.
    AllBut,
    /// Every action on every resource.
    Everything,
}

/// Whom a role lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Principals that are named.
    Named,
    /// Every principal under a condition.
    EveryoneIf,
    /// Nobody can tell: the document cannot be read.
    Unreadable,
    /// Every principal of every account.
    Everyone,
}

/// What a service control policy denies the root user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// Nothing of note.
    Nothing,
    /// Nobody can tell: the document cannot be read.
    Unreadable,
    /// Every action.
    Everything,
}

/// A policy document as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: OneOrMore<Statement>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore<T> {
    One(T),
    More(Vec<T>),
}

impl<T> OneOrMore<T> {
    fn all(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: String,
    action: Option<OneOrMore<String>>,
    not_action: Option<OneOrMore<String>>,
    resource: Option<OneOrMore<String>>,
    not_resource: Option<OneOrMore<String>>,
    principal: Option<Value>,
    not_principal: Option<Value>,
    /// Operators with their keys.
    #[serde(default)]
    condition: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Breadth {
    /// Of an identity's policy, URL-encoded as IAM gives it. A condition does not narrow: it says when, not how much.
    pub fn of_encoded(document: &str) -> Self {
        decoded(document).map_or(Self::Unreadable, |document| {
            let statements = document.statement.all().iter().filter(|statement| statement.allows());
            statements.map(Statement::breadth).max().unwrap_or(Self::Limited)
        })
    }
}

impl Trust {
    /// Of a role's trust policy, URL-encoded as IAM gives it.
    pub fn of_encoded(document: &str) -> Self {
        decoded(document).map_or(Self::Unreadable, |document| {
            let statements = document.statement.all().iter().filter(|statement| statement.allows());
            statements.map(Statement::trust).max().unwrap_or(Self::Named)
        })
    }
}

impl Denial {
    /// Of a service control policy, as JSON, for the root user with the ARN `root`.
    pub fn of(document: &str, root: &str) -> Self {
        serde_json::from_str::<Document>(document).map_or(Self::Unreadable, |document| {
            let denies = document.statement.all().iter().any(|statement| statement.denies_everything(root));
            if denies { Self::Everything } else { Self::Nothing }
        })
    }
}

fn decoded(document: &str) -> Option<Document> {
    let text = percent_encoding::percent_decode_str(document).decode_utf8().ok()?;
    serde_json::from_str(&text).ok()
}

impl Statement {
    fn allows(&self) -> bool {
        self.effect.eq_ignore_ascii_case("Allow")
    }

    fn breadth(&self) -> Breadth {
        let actions = match (&self.action, &self.not_action) {
            (Some(_), _) if any(&self.action, is_every_action) => Breadth::Everything,
            (None, Some(_)) if !any(&self.not_action, closes_iam_actions) => Breadth::AllBut,
            _ => Breadth::Limited,
        };
        let resources = match (&self.resource, &self.not_resource) {
            (Some(_), _) if any(&self.resource, is_every_resource) => Breadth::Everything,
            (None, Some(_)) if !any(&self.not_resource, closes_iam_resources) => Breadth::AllBut,
            _ => Breadth::Limited,
        };
        actions.min(resources)
    }

    fn trust(&self) -> Trust {
        let everyone = self.not_principal.is_some() || self.principal.as_ref().is_some_and(is_everyone);
        match (everyone, self.condition.values().all(BTreeMap::is_empty)) {
            (true, true) => Trust::Everyone,
            (true, false) => Trust::EveryoneIf,
            (false, _) => Trust::Named,
        }
    }

    /// `Deny` of `*` on `*`, under no condition that lets the root user out, or might.
    fn denies_everything(&self, root: &str) -> bool {
        let mut conditions = self.condition.iter().flat_map(|(operator, keys)| {
            keys.iter().map(|(key, value)| (operator.to_lowercase(), key.to_lowercase(), value))
        });
        self.effect.eq_ignore_ascii_case("Deny")
            && any(&self.action, is_every_action)
            // What AWS makes of an ARN with fewer fields is documented for the policies of identities alone.
            && any(&self.resource, |pattern| is_stars(pattern) || pattern == "arn:*:*:*:*:*")
            && conditions.all(|(operator, key, value)| match key.as_str() {
                "aws:principalarn" => holds_for(root, &operator, value),
                // Only the sessions of centralized root access are exempted, as Control Tower's `ExemptAssumeRoot` does.
                "aws:assumedroot" => operator == "null" && (value == "true" || value == true),
                _ => false,
            })
    }
}

fn any(patterns: &Option<OneOrMore<String>>, is: fn(&str) -> bool) -> bool {
    patterns.as_ref().is_some_and(|patterns| patterns.all().iter().any(|pattern| is(pattern)))
}

/// Whether a condition on `aws:PrincipalArn` surely holds for this ARN
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).
fn holds_for(arn: &str, operator: &str, value: &Value) -> bool {
    let values = match value {
        Value::Array(values) => values,
        value => std::slice::from_ref(value),
    };
    let any = |matches: fn(&str, &str) -> bool| {
        values.iter().any(|value| value.as_str().is_some_and(|pattern| matches(pattern, arn)))
    };
    // What is no text, or has a policy variable in it, might be this ARN.
    let none = |matches: fn(&str, &str) -> bool| {
        let differs = |value: &str| !value.contains("${") && !matches(value, arn);
        values.iter().all(|value| value.as_str().is_some_and(differs))
    };
    match operator {
        "stringequals" => any(|value, arn| value == arn),
        "stringlike" => any(glob),
        // These two are one.
        "arnlike" | "arnequals" => any(glob_by_field),
        "stringnotequals" => none(|value, arn| value == arn),
        // Across the fields, which matches no less than field by field.
        "stringnotlike" | "arnnotlike" | "arnnotequals" => none(glob),
        _ => false,
    }
}

/// Whether `text` is what `pattern` says, in which `*` is any text and `?` any one character.
fn glob(pattern: &str, text: &str) -> bool {
    // Of every beginning of the text, the empty one first: whether the pattern matches it, as far as it has been read.
    let mut matched: Vec<bool> = std::iter::once(true).chain(text.chars().map(|_| false)).collect();
    for wanted in pattern.chars() {
        let mut any = false;
        matched = if wanted == '*' {
            let reach = matched.iter().map(|matched| {
                any |= matched;
                any
            });
            reach.collect()
        } else {
            let next = matched.iter().zip(text.chars());
            let next = next.map(|(matched, char)| *matched && (wanted == '?' || wanted == char));
            std::iter::once(false).chain(next).collect()
        };
    }
    matched.last() == Some(&true)
}

/// As [`glob`], of ARNs: no `*` reaches across one of the first five colons.
fn glob_by_field(pattern: &str, arn: &str) -> bool {
    let fields = || pattern.splitn(ARN_FIELDS, ':').zip(arn.splitn(ARN_FIELDS, ':'));
    fields().count() == ARN_FIELDS && fields().all(|(pattern, text)| glob(pattern, text))
}

/// `arn`, partition, service, Region, account, resource.
const ARN_FIELDS: usize = 6;

fn is_stars(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char == '*')
}

/// `*`, `*:*`.
fn is_every_action(pattern: &str) -> bool {
    is_stars(pattern) || pattern.split_once(':').is_some_and(|(service, action)| is_stars(service) && is_stars(action))
}

/// Names every action of IAM, and not a few.
fn closes_iam_actions(pattern: &str) -> bool {
    let is_iam = |(service, action): (&str, &str)| service.eq_ignore_ascii_case("iam") && is_stars(action);
    is_every_action(pattern) || pattern.split_once(':').is_some_and(is_iam)
}

/// `*`, and ARNs in which everything after the partition is a star.
fn is_every_resource(pattern: &str) -> bool {
    after_partition(pattern).is_some_and(|mut fields| fields.all(is_stars))
}

/// Names every resource of IAM, in any account or in one, and not a few.
fn closes_iam_resources(pattern: &str) -> bool {
    let is_account = |text: &str| is_stars(text) || AccountId::parse(text).is_ok();
    after_partition(pattern).is_some_and(|mut fields| {
        fields.next().is_none_or(|service| service == "iam" || is_stars(service))
            && fields.next().is_none_or(|region| region.is_empty() || is_stars(region))
            && fields.next().is_none_or(is_account)
            && fields.next().is_none_or(is_stars)
    })
}

/// Service, Region, account and resource of an ARN. Those that it lacks are stars: AWS completes it so in the policy of an identity
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
fn after_partition(pattern: &str) -> Option<impl Iterator<Item = &str>> {
    let mut fields = pattern.splitn(ARN_FIELDS, ':');
    fields.next().filter(|first| *first == "arn" || is_stars(first))?;
    Some(fields.skip(1))
}

/// `"*"`, `{"AWS": "*"}`, `{"AWS": ["*", …]}`.
fn is_everyone(principal: &Value) -> bool {
    match principal {
        Value::String(text) => text == "*",
        Value::Array(values) => values.iter().any(is_everyone),
        Value::Object(kinds) => kinds.values().any(is_everyone),
        _ => false,
    }
}

/// As it stands in evidence.
impl fmt::Display for Breadth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Limited => "not everything",
            Self::Unreadable => "a document that cannot be read",
            Self::AllBut => "everything but what it names, which leaves IAM open",
            Self::Everything => "every action on every resource",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breadth(json: &str) -> Breadth {
        let encoded = percent_encoding::utf8_percent_encode(json, percent_encoding::NON_ALPHANUMERIC).to_string();
        Breadth::of_encoded(&encoded)
    }

    fn statement(fields: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{{{fields}}}]}}"#)
    }

    #[test]
    fn everything_is_a_star_on_a_star_as_text_or_in_a_list_and_under_a_condition_too() {
        for fields in [
            r#""Effect": "Allow", "Action": "*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": ["s3:GetObject", "*"], "Resource": ["arn:aws:s3:::x", "*"]"#,
            r#""Effect": "Allow", "Action": "*:*", "Resource": "arn:aws:*:*:*:*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws-cn:*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
        ] {
            assert_eq!(breadth(&statement(fields)), Breadth::Everything, "{fields}");
        }
        let single = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
        assert_eq!(breadth(single), Breadth::Everything, "a single statement needs no list");
    }

    #[test]
    fn limits_of_action_or_resource_and_denials_are_not_everything() {
        for fields in [
            r#""Effect": "Deny", "Action": "*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "s3:*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::bucket/*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam::111122223333:*""#,
            r#""Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "*", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "IAM:*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:::*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3""#,
            r#""Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:s3:::bucket""#,
        ] {
            assert_eq!(breadth(&statement(fields)), Breadth::Limited, "{fields}");
        }
        assert_eq!(breadth(r#"{"Statement": []}"#), Breadth::Limited);
    }

    #[test]
    fn everything_but_something_leaves_iam_open() {
        for fields in [
            r#""Effect": "Allow", "NotAction": "s3:*", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": ["aws-portal:*"], "Resource": ["*"]"#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret""#,
            r#""Effect": "Allow", "NotAction": "iam:DeleteAccountAlias", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": ["iam:CreateUser", "iam:CreateAccessKey"], "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "iam:Create*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::111122223333:role/protected""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::111122223333:user/*""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::logs:iam:*""#,
        ] {
            assert_eq!(breadth(&statement(fields)), Breadth::AllBut, "{fields}");
        }
        for not_resource in ["*", "arn:aws:iam::*:*", "arn:aws:iam::111122223333:*", "arn:*:iam:*:*:*", "arn:aws:iam"] {
            let fields =
                format!(r#""Effect": "Allow", "Action": "*", "NotResource": ["arn:aws:s3:::x", "{not_resource}"]"#);
            assert_eq!(breadth(&statement(&fields)), Breadth::Limited, "{fields}");
        }
    }

    #[test]
    fn what_is_no_policy_is_unreadable_and_no_pass() {
        let condition =
            r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": "true"}}]}"#;
        for text in ["", "no json", "{}", r#"{"Statement": [{"Action": "*"}]}"#, "[1]", condition] {
            assert_eq!(breadth(text), Breadth::Unreadable, "{text}");
        }
        assert_eq!(Breadth::of_encoded("%ff"), Breadth::Unreadable);
        assert_eq!(Trust::of_encoded("%7B"), Trust::Unreadable);
        assert_eq!(Denial::of("{", ROOT), Denial::Unreadable);
        assert_eq!(
            Breadth::of_encoded(&statement(r#""Effect": "Allow", "Action": "*", "Resource": "*""#)),
            Breadth::Everything
        );
    }

    #[test]
    fn a_role_trusts_everyone_by_a_star_without_a_condition() {
        let trust = |fields: &str| Trust::of_encoded(&statement(&format!(r#""Action": "sts:AssumeRole", {fields}"#)));
        for fields in [
            r#""Effect": "Allow", "Principal": "*""#,
            r#""Effect": "Allow", "Principal": {"AWS": "*"}"#,
            r#""Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "*"]}"#,
            r#""Effect": "Allow", "Principal": {"AWS": "*"}, "Condition": {}"#,
            r#""Effect": "Allow", "Principal": {"AWS": "*"}, "Condition": {"StringEquals": {}}"#,
            r#""Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/mallory"}"#,
        ] {
            assert_eq!(trust(fields), Trust::Everyone, "{fields}");
        }
        let condition =
            r#""Effect": "Allow", "Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#;
        assert_eq!(trust(condition), Trust::EveryoneIf);
        for fields in [
            r#""Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}"#,
            r#""Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}"#,
            r#""Effect": "Deny", "Principal": "*""#,
        ] {
            assert_eq!(trust(fields), Trust::Named, "{fields}");
        }
    }

    const ROOT: &str = "arn:aws:iam::111122223333:root";

    fn denied_if(condition: &str) -> Denial {
        let fields = format!(r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}"#);
        Denial::of(&statement(&fields), ROOT)
    }

    #[test]
    fn a_guardrail_denies_root_everything_and_nothing_less() {
        for fields in [
            r#""Effect": "Deny", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": ["*:*"], "Resource": "arn:*:*:*:*:*", "Condition": {"StringLike": {}}"#,
        ] {
            assert_eq!(Denial::of(&statement(fields), ROOT), Denial::Everything, "{fields}");
        }
        for fields in [
            r#""Effect": "Allow", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": "iam:*", "Resource": "*""#,
            r#""Effect": "Deny", "NotAction": "iam:*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws:iam::*:*""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "arn:aws-cn:*:*:*:*""#,
        ] {
            assert_eq!(Denial::of(&statement(fields), ROOT), Denial::Nothing, "{fields}");
        }
    }

    #[test]
    fn a_guardrail_binds_root_by_every_condition_that_holds_for_its_arn() {
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
        ] {
            assert_eq!(denied_if(condition), Denial::Everything, "{condition}");
        }
    }

    #[test]
    fn a_condition_that_lets_root_out_or_might_is_no_guardrail() {
        for condition in [
            r#"{"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::999988887777:root"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "*:root"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": []}}"#,
            r#"{"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"StringNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:root"}}"#,
            r#"{"ArnNotEquals": {"aws:PrincipalArn": "*"}}"#,
            r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:root"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci", "arn:*:iam::111122223333:*"]}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:AssumedRoot": "false"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:SourceIp": "true"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root", "aws:SourceArn": "arn:aws:iam::1:root"}}"#,
            r#"{"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}"#,
            r#"{"ForAnyValue:StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
        ] {
            assert_eq!(denied_if(condition), Denial::Nothing, "{condition}");
        }
    }

    #[test]
    fn a_pattern_matches_as_far_as_its_stars_and_marks_reach() {
        for (pattern, text, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("?", "", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*c", "ac", true),
            ("a?c", "ac", false),
            ("a**?c", "abbc", true),
            ("*b", "abc", false),
            ("*b*b", "abcb", true),
            ("ä?", "äö", true),
        ] {
            assert_eq!(glob(pattern, text), matches, "{pattern} {text}");
        }
        assert!(!glob(&"*a".repeat(5_000), ROOT), "a long pattern takes no long time");
    }
}
