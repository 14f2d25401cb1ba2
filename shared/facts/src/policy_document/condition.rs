//! Conditions: whether one surely holds, or surely does not, of a request of which something is known
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).

use serde_json::Value;

use super::glob::{glob, glob_by_field, is_stars};
use super::texts;

/// A key under an operator.
#[derive(Debug)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case.
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

#[derive(Debug)]
struct Operator {
    /// In lower case, without what is said beside it.
    base: String,
    /// It holds where the key is missing: `…IfExists`.
    is_if_exists: bool,
    /// `ForAnyValue:`, `ForAllValues:`.
    set: Set,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    No,
    Any,
    All,
}

/// What is known of a key in a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fact<'a> {
    /// The request has it not.
    Absent,
    /// It has this one value.
    Is(&'a str),
    /// It has a value that is nobody's in this policy: of a stranger's account or organization.
    Foreign,
    /// Whoever asks can choose, so that some request does not meet the condition.
    Varies,
    /// Nothing is known.
    Unknown,
}

impl Condition {
    pub(super) fn of(operator: &str, key: &str, value: &Value) -> Option<Self> {
        let operator = operator.to_lowercase();
        let (set, rest) = match operator.split_once(':') {
            Some(("foranyvalue", rest)) => (Set::Any, rest),
            Some(("forallvalues", rest)) => (Set::All, rest),
            Some(_) => return None,
            None => (Set::No, operator.as_str()),
        };
        let base = rest.strip_suffix("ifexists");
        let operator = Operator { base: base.unwrap_or(rest).to_owned(), is_if_exists: base.is_some(), set };
        let values = texts(value).into_iter().collect::<Option<_>>()?;
        Some(Self { operator, key: key.to_lowercase(), values })
    }

    /// Whether it holds only where the key has one of the values, and so not where the key is missing.
    pub(super) fn needs_its_key(&self) -> bool {
        !self.operator.is_if_exists
            && self.operator.set != Set::All
            && !self.operator.base.contains("not")
            && (self.operator.base != "null" || self.values.iter().all(|value| value == "false"))
    }

    /// Whether it asks only whether the key is there.
    pub(super) fn is_of_null(&self) -> bool {
        self.operator.base == "null"
    }

    /// Whether its values are patterns.
    pub(super) fn is_pattern(&self) -> bool {
        ["like", "arn"].iter().any(|pattern| self.operator.base.contains(pattern))
    }

    /// Whether it holds, of a request of which this is known; `None`: unknown.
    pub(super) fn holds(&self, fact: Fact<'_>) -> Option<bool> {
        let Operator { base, is_if_exists, set } = &self.operator;
        // A set of operators over a key that has one value is no policy that AWS recommends, and AWS does not document what it means.
        let is_set = *set != Set::No;
        match fact {
            Fact::Unknown => None,
            Fact::Varies => Some(false),
            Fact::Absent if base == "null" => Some(self.values.iter().any(|value| value == "true")),
            Fact::Absent if *set == Set::Any => Some(*is_if_exists),
            Fact::Absent => Some(*is_if_exists || *set == Set::All || base.contains("not")),
            Fact::Is(_) | Fact::Foreign if base == "null" => {
                (!is_set).then(|| self.values.iter().any(|value| value == "false"))
            }
            Fact::Is(_) if is_set => None,
            Fact::Is(text) => self.compares(|value| is_value(base, value, text)),
            Fact::Foreign => self.compares(is_foreign),
        }
    }

    /// Whether one of the values matches, or none of them where the operator says so.
    fn compares(&self, matches: impl Fn(&str) -> Option<bool>) -> Option<bool> {
        let base = self.operator.base.as_str();
        let is_known = ["string", "arn", "bool"].iter().any(|known| base.starts_with(known));
        let matches = |value: &String| if value.contains("${") { None } else { matches(value) };
        let found: Vec<Option<bool>> = self.values.iter().map(matches).collect();
        let any = if found.contains(&Some(true)) { Some(true) } else { (!found.contains(&None)).then_some(false) };
        any.filter(|_| is_known).map(|any| any != base.contains("not"))
    }
}

/// Whether a value of a policy is what the request has.
fn is_value(base: &str, value: &str, text: &str) -> Option<bool> {
    match base {
        "stringequals" | "stringnotequals" => Some(value == text),
        "bool" | "stringequalsignorecase" | "stringnotequalsignorecase" => Some(value.eq_ignore_ascii_case(text)),
        "stringlike" | "stringnotlike" => Some(glob(value, text)),
        // `…Equals` and `…Like` are one. AWS does not document what matches across the fields.
        "arnlike" | "arnequals" | "arnnotlike" | "arnnotequals" => {
            match (glob_by_field(value, text), glob(value, text)) {
                (true, _) => Some(true),
                (false, true) => None,
                (false, false) => Some(false),
            }
        }
        _ => None,
    }
}

/// Whether a value of a policy may be a stranger's. What names nobody is everybody's; what names an account, or begins with so much
/// text that it names one thing, is not a stranger's.
fn is_foreign(value: &str) -> Option<bool> {
    /// Of ids of organizations, accounts and principals, enough to be one's own.
    const NAMING: usize = 6;

    if let Some(fields) = value.strip_prefix("arn:") {
        // Partition, service and Region; then the account.
        let account = fields.split(':').nth(3)?;
        let everything = || fields.splitn(5, ':').skip(3).all(is_stars);
        return if account.contains(['*', '?']) { everything().then_some(true) } else { Some(false) };
    }
    match value.find(['*', '?']) {
        None => Some(false),
        Some(_) if is_stars(value) => Some(true),
        Some(length) => (length >= NAMING).then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, values: &str, fact: Fact<'_>) -> Option<bool> {
        let value = serde_json::from_str(values).unwrap();
        Condition::of(operator, "aws:PrincipalOrgID", &value).unwrap().holds(fact)
    }

    #[test]
    fn a_missing_key_meets_what_is_negated_and_what_asks_only_if_it_exists() {
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringEqualsIfExists", true),
            ("StringNotEquals", true),
            ("StringNotEqualsIfExists", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAllValues:StringEquals", true),
            ("NotIpAddress", true),
            ("NumericLessThan", false),
        ] {
            assert_eq!(holds(operator, r#""o-1""#, Fact::Absent), Some(expected), "{operator}");
        }
        assert_eq!(holds("Null", "true", Fact::Absent), Some(true));
        assert_eq!(holds("Null", r#"["false"]"#, Fact::Absent), Some(false));
    }

    #[test]
    fn a_value_is_compared_as_its_operator_says_and_what_is_not_known_is_nobodys_guess() {
        let arn = Fact::Is("arn:aws:iam::111122223333:root");
        for (operator, value, expected) in [
            ("StringLike", "*:root", Some(true)),
            ("StringEquals", "*:root", Some(false)),
            ("ArnLike", "arn:*:iam::*:root", Some(true)),
            ("ArnLike", "*:root", None),
            ("ArnNotLike", "arn:aws:iam::*:role/*", Some(true)),
            ("StringNotEquals", "${aws:PrincipalArn}", None),
            ("StringEqualsIfExists", "x", Some(false)),
            ("ForAnyValue:StringLike", "*", None),
            ("IpAddress", "10.0.0.0/8", None),
            ("Null", "false", Some(true)),
        ] {
            assert_eq!(holds(operator, &format!("{value:?}"), arn), expected, "{operator} {value}");
        }
        assert_eq!(holds("Bool", "false", Fact::Is("false")), Some(true));
        assert_eq!(holds("StringEquals", "\"x\"", Fact::Unknown), None);
        assert_eq!(holds("StringEquals", "\"x\"", Fact::Varies), Some(false));
    }

    #[test]
    fn a_stranger_is_whom_no_value_names() {
        for (value, expected) in [
            ("o-exampleorgid", Some(false)),
            ("o-exampleorgid/r-exam/*", Some(false)),
            ("*", Some(true)),
            ("o-*", None),
            ("111122223333", Some(false)),
            ("arn:aws:iam::111122223333:*", Some(false)),
            ("arn:aws:iam::*:role/deploy", None),
            ("arn:*:*:*:*:*", Some(true)),
            ("${aws:ResourceAccount}", None),
        ] {
            assert_eq!(holds("StringLike", &format!("{value:?}"), Fact::Foreign), expected, "{value}");
            let not = holds("StringNotLike", &format!("{value:?}"), Fact::Foreign);
            assert_eq!(not, expected.map(|holds| !holds), "{value}");
        }
    }

    #[test]
    fn a_set_that_nobody_knows_is_no_condition() {
        assert!(Condition::of("ForSomeValues:StringEquals", "a", &Value::Null).is_none());
    }
}
