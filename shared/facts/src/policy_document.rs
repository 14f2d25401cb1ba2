//! Policy documents: what of them a control asks
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).
//!
//! Of a document only these few answers are kept: an account may hold thousands, of kilobytes each. A document that breaks the
//! grammar, or has an element that is not known here, is unreadable: it is unknown what AWS makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

mod breadth;
mod condition;
mod denial;
mod glob;
mod trust;

pub use breadth::{Breadth, Grants};
pub use denial::{Denial, Denials};
pub use trust::{Assumers, Openness, Trust, is_of_programs};

use condition::Condition;

/// `arn`, partition, service, Region, account, resource.
const ARN_FIELDS: usize = 6;

/// A statement that keeps to the grammar.
#[derive(Debug)]
struct Statement {
    effect: Effect,
    actions: Patterns,
    /// `None`: a trust policy names none.
    resources: Option<Patterns>,
    /// `None`: the policy of an identity names none.
    principals: Option<Principals>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// `Action` or `Resource`, or its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Patterns {
    patterns: Vec<String>,
    /// What the patterns do not match is meant: `NotAction`, `NotResource`.
    is_negated: bool,
}

/// `Principal`, or its opposite.
#[derive(Debug)]
struct Principals {
    /// Kind, as `AWS`, and value; `*` alone is of every kind.
    named: Vec<(String, String)>,
    /// Everybody else is meant: `NotPrincipal`.
    is_negated: bool,
}

impl Statement {
    /// The statements of a document; `None`: it is unreadable.
    fn all(document: &str) -> Option<Vec<Self>> {
        let document: Document = serde_json::from_str(document).ok()?;
        document.statement.0.into_iter().map(Written::understood).collect()
    }

    /// As [`Self::all`], of a document that is URL-encoded, as IAM gives it.
    fn all_encoded(document: &str) -> Option<Vec<Self>> {
        Self::all(str::from_utf8(&percent_decoded(document)).ok()?)
    }
}

impl Patterns {
    /// Whether they mean `text`, by this way to match.
    fn mean(&self, text: &str, matches: impl Fn(&str, &str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern, text)) != self.is_negated
    }
}

impl Principals {
    /// All principals, or all but some who are named.
    fn are_everybody(&self) -> bool {
        self.is_negated != self.named.iter().any(|(_, name)| name == "*")
    }
}

/// A document as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    statement: OneOrMore<Written>,
}

/// One, or a list of them. By hand: what serde derives reads all of it into a tree first.
struct OneOrMore<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor(PhantomData))
    }
}

struct OneOrMoreVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMoreVisitor<T> {
    type Value = OneOrMore<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one, or a list")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(text.into_deserializer()).map(|one| OneOrMore(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMore(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut more = Vec::new();
        while let Some(one) = list.next_element()? {
            more.push(one);
        }
        Ok(OneOrMore(more))
    }
}

/// The bytes of a text in which some are written as `%` and two digits; a `%` before anything else is itself.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut chunks = text.split('%').map(str::as_bytes);
    let mut decoded = Vec::with_capacity(text.len());
    decoded.extend_from_slice(chunks.next().unwrap_or_default());
    for chunk in chunks {
        if let [high, low, rest @ ..] = chunk
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(16 * high + low);
            decoded.extend_from_slice(rest);
        } else {
            decoded.push(b'%');
            decoded.extend_from_slice(chunk);
        }
    }
    decoded
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    #[serde(default)]
    #[expect(dead_code, reason = "an element that is known, and says nothing")]
    sid: Option<Value>,
    effect: Effect,
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

impl Written {
    fn understood(self) -> Option<Statement> {
        let conditions = self
            .condition
            .iter()
            .flat_map(|(operator, keys)| keys.iter().map(move |(key, value)| Condition::of(operator, key, value)));
        Some(Statement {
            effect: self.effect,
            conditions: conditions.collect::<Option<_>>()?,
            actions: either(self.action, self.not_action, |text| text.to_lowercase())??,
            resources: either(self.resource, self.not_resource, |text| text)?,
            principals: match (self.principal, self.not_principal) {
                (Some(_), Some(_)) => return None,
                (Some(named), None) => Some(Principals { named: named_in(&named)?, is_negated: false }),
                (None, Some(named)) => Some(Principals { named: named_in(&named)?, is_negated: true }),
                (None, None) => None,
            },
        })
    }
}

/// Of an element and its opposite a statement has one at most; `None`: it has both.
fn either(
    these: Option<OneOrMore<String>>,
    others: Option<OneOrMore<String>>,
    written: fn(String) -> String,
) -> Option<Option<Patterns>> {
    let (patterns, is_negated) = match (these, others) {
        (Some(_), Some(_)) => return None,
        (Some(these), None) => (these, false),
        (None, Some(others)) => (others, true),
        (None, None) => return Some(None),
    };
    let patterns = patterns.0.into_iter().map(written).collect();
    Some(Some(Patterns { patterns, is_negated }))
}

/// `"*"`, `{"AWS": "…"}`, `{"AWS": ["…", …], "Service": "…"}`.
fn named_in(principal: &Value) -> Option<Vec<(String, String)>> {
    let Value::Object(kinds) = principal else {
        return (principal == "*").then(|| vec![("*".to_owned(), "*".to_owned())]);
    };
    let named =
        kinds.iter().flat_map(|(kind, names)| texts(names).into_iter().map(move |name| Some((kind.clone(), name?))));
    named.collect()
}

/// A text, a number or a flag, or a list of these; `None` for what is another thing.
fn texts(value: &Value) -> Vec<Option<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => vec![text(value)],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A document of one statement.
    pub(super) fn statement(fields: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{{{fields}}}]}}"#)
    }

    /// Any statement of `effect` over some of these.
    pub(super) fn any_statement(
        effect: &'static str,
        actions: &'static [&'static str],
        resources: &'static [&'static str],
        conditions: &'static [&'static str],
    ) -> impl Strategy<Value = String> {
        let actions = prop::sample::subsequence(actions.to_vec(), 1..4);
        let resources = prop::sample::subsequence(resources.to_vec(), 1..3);
        let conditions = prop::sample::select(conditions.to_vec());
        let names =
            prop::sample::select(vec![("Action", "Resource"), ("NotAction", "Resource"), ("Action", "NotResource")]);
        (actions, resources, conditions, names).prop_map(move |(actions, resources, conditions, (action, resource))| {
            format!(
                r#"{{"Effect": "{effect}", "{action}": {actions:?}, "{resource}": {resources:?}, "Condition": {conditions}}}"#
            )
        })
    }

    #[test]
    fn what_breaks_the_grammar_or_is_not_known_here_is_unreadable() {
        assert!(
            Statement::all(&statement(r#""Sid": "1", "Effect": "Allow", "Action": "*", "Resource": "*""#)).is_some()
        );
        for fields in [
            r#""Action": "*", "Resource": "*""#,
            r#""Effect": "Permit", "Action": "*", "Resource": "*""#,
            r#""Effect": "Allow", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "NotAction": "s3:*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "NotResource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Principal": "*", "NotPrincipal": "*""#,
            r#""Effect": "Allow", "Action": "*", "Principal": "alice""#,
            r#""Effect": "Allow", "Action": "*", "Principal": {"AWS": [{}]}"#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Until": "2026-01-01""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": "true"}"#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": {}}}"#,
        ] {
            assert!(Statement::all(&statement(fields)).is_none(), "{fields}");
        }
        for text in ["", "no json", "{}", "[1]"] {
            assert!(Statement::all(text).is_none(), "{text}");
        }
        assert!(Statement::all_encoded("%ff").is_none());
    }

    /// As serde would derive it.
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Derived {
        One(String),
        More(Vec<String>),
    }

    proptest! {
        #[test]
        fn one_or_more_is_what_serde_derives(json in r#""[a-z]{0,3}"|\[("[a-z]{0,3}"(,("[a-z]"|1|null))?)?\]|null|1|\{\}|true"#) {
            let derived = serde_json::from_str::<Derived>(&json).ok().map(|derived| match derived {
                Derived::One(one) => vec![one],
                Derived::More(more) => more,
            });
            prop_assert_eq!(serde_json::from_str::<OneOrMore<String>>(&json).ok().map(|more| more.0), derived);
        }

        #[test]
        fn percent_decoding_is_that_of_urls(text in "([ -~]|%[0-9a-fA-F]{2}|%|ä){0,20}") {
            let expected: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
            prop_assert_eq!(percent_decoded(&text), expected);
        }
    }
}
