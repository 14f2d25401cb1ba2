//! Policy documents: what of them a control asks
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).
//!
//! Of a document only these few answers are kept: an account may hold thousands, of kilobytes each.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

/// How much a policy allows whoever holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Not everything.
    Limited,
    /// Nobody can tell: the document cannot be read.
    Unreadable,
    /// Everything but what a `NotAction` or `NotResource` names; IAM is open, so that the holder can take the rest.
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
    #[serde(default)]
    condition: Map<String, Value>,
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
    /// Of a service control policy, as JSON.
    pub fn of(document: &str) -> Self {
        serde_json::from_str::<Document>(document).map_or(Self::Unreadable, |document| {
            let denies = document.statement.all().iter().any(Statement::denies_root_everything);
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
        let any = |patterns: &Option<OneOrMore<String>>, is: fn(&str) -> bool| {
            patterns.as_ref().is_some_and(|patterns| patterns.all().iter().any(|pattern| is(pattern)))
        };
        let actions = match (&self.action, &self.not_action) {
            (Some(_), _) if any(&self.action, is_every_action) => Breadth::Everything,
            (None, Some(_)) if !any(&self.not_action, names_iam) => Breadth::AllBut,
            _ => Breadth::Limited,
        };
        let resources = match (&self.resource, &self.not_resource) {
            (Some(_), _) if any(&self.resource, is_every_resource) => Breadth::Everything,
            (None, Some(_))
                if !any(&self.not_resource, |pattern| is_every_resource(pattern) || pattern.contains(":iam:")) =>
            {
                Breadth::AllBut
            }
            _ => Breadth::Limited,
        };
        actions.min(resources)
    }

    fn trust(&self) -> Trust {
        let everyone = self.not_principal.is_some() || self.principal.as_ref().is_some_and(is_everyone);
        match (everyone, self.condition.is_empty()) {
            (true, true) => Trust::Everyone,
            (true, false) => Trust::EveryoneIf,
            (false, _) => Trust::Named,
        }
    }

    /// `Deny` of `*` on `*` where `aws:PrincipalArn` is root's, under no condition that lets the root user out.
    fn denies_root_everything(&self) -> bool {
        let is = |patterns: &Option<OneOrMore<String>>, is: fn(&str) -> bool| {
            patterns.as_ref().is_some_and(|patterns| patterns.all().iter().any(|pattern| is(pattern)))
        };
        let mut names_root = false;
        let conditions = self.condition.iter().flat_map(|(operator, keys)| {
            let keys = keys.as_object().into_iter().flatten();
            keys.map(move |(key, value)| (operator.to_lowercase(), key, value))
        });
        self.effect.eq_ignore_ascii_case("Deny")
            && is(&self.action, is_every_action)
            && is(&self.resource, is_every_resource)
            && conditions.into_iter().all(|(operator, key, value)| match operator.as_str() {
                "stringlike" | "arnlike" | "stringequals" | "arnequals" => {
                    names_root |= is_root(key, value);
                    is_root(key, value)
                }
                "stringnotlike" | "arnnotlike" | "stringnotequals" | "arnnotequals" => spares_others(key, value),
                "null" => spares_central_sessions(key, value),
                _ => false,
            })
            && names_root
    }
}

/// Principals are exempted, and root is not among them: its ARN has no `/`, so that no pattern with one is its.
fn spares_others(key: &str, value: &Value) -> bool {
    let is_other = |value: &Value| value.as_str().is_some_and(|arn| arn.contains('/'));
    key.eq_ignore_ascii_case("aws:PrincipalArn")
        && match value {
            Value::Array(values) => values.iter().all(is_other),
            value => is_other(value),
        }
}

/// Only the sessions of centralized root access are exempted, as Control Tower's `ExemptAssumeRoot` does.
fn spares_central_sessions(key: &str, value: &Value) -> bool {
    key.eq_ignore_ascii_case("aws:AssumedRoot")
        && (value.as_str().is_some_and(|text| text == "true") || value.as_bool() == Some(true))
}

fn is_root(key: &str, value: &Value) -> bool {
    let names_root =
        |value: &Value| value.as_str().is_some_and(|arn| arn.starts_with("arn:") && arn.ends_with(":root"));
    key.eq_ignore_ascii_case("aws:PrincipalArn")
        && match value {
            Value::Array(values) => values.iter().any(names_root),
            value => names_root(value),
        }
}

/// `*`, `**`, `*:*`.
fn is_every_action(pattern: &str) -> bool {
    pattern.contains('*') && pattern.chars().all(|char| matches!(char, '*' | ':'))
}

/// `*`, and ARNs in which everything after the partition is a star.
fn is_every_resource(pattern: &str) -> bool {
    let rest = pattern.strip_prefix("arn:").map_or(pattern, |arn| arn.split_once(':').map_or(arn, |(_, rest)| rest));
    rest.contains('*') && rest.chars().all(|char| matches!(char, '*' | ':'))
}

fn names_iam(pattern: &str) -> bool {
    is_every_action(pattern) || pattern.to_lowercase().starts_with("iam:")
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
            Self::AllBut => "everything but what it names, and IAM is not among that",
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
        ] {
            assert_eq!(breadth(&statement(fields)), Breadth::AllBut, "{fields}");
        }
        assert_eq!(
            breadth(&statement(r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::*:*""#)),
            Breadth::Limited
        );
    }

    #[test]
    fn what_is_no_policy_is_unreadable_and_no_pass() {
        for text in ["", "no json", "{}", r#"{"Statement": [{"Action": "*"}]}"#, "[1]"] {
            assert_eq!(breadth(text), Breadth::Unreadable, "{text}");
        }
        assert_eq!(Breadth::of_encoded("%ff"), Breadth::Unreadable);
        assert_eq!(Trust::of_encoded("%7B"), Trust::Unreadable);
        assert_eq!(Denial::of("{"), Denial::Unreadable);
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

    #[test]
    fn a_guardrail_denies_root_everything_and_nothing_less() {
        let denial = |fields: &str| Denial::of(&statement(fields));
        for condition in [
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#"{"ArnLike": {"aws:principalarn": ["arn:*:iam::*:root"]}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": ["arn:*:iam::*:root"]}, "Null": {"aws:AssumedRoot": "true"}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci*"]}}"#,
        ] {
            let fields = format!(r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}"#);
            assert_eq!(denial(&fields), Denial::Everything, "{condition}");
        }
        for fields in [
            r#""Effect": "Allow", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*""#,
            r#""Effect": "Deny", "Action": "iam:CreateAccessKey", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "ArnNotLike": {"aws:PrincipalArn": ["arn:*:iam::*:role/ci", "arn:*:iam::111122223333:*"]}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:AssumedRoot": "false"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root"}, "Null": {"aws:SourceIp": "true"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:AssumedRoot": "true"}}"#,
            r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:root", "aws:SourceArn": "arn:aws:iam::1:root"}}"#,
        ] {
            assert_eq!(denial(fields), Denial::Nothing, "{fields}");
        }
    }
}
