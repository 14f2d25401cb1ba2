//! How much the policies of an identity allow.
//!
//! AWS combines every statement of every policy of an identity. To add up without keeping documents, a policy is asked about a few
//! requests: of services that do not exist, which only a policy allows that allows whatever it does not name, and of IAM, by which a
//! holder takes the rest.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use super::glob::{glob, is_stars};
use super::{ARN_FIELDS, Effect, Patterns, Statement};
use crate::account::AccountId;

/// How much a policy, or several together, allow an identity that has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// Not everything.
    Limited,
    /// Unknown: a document cannot be read.
    Unreadable,
    /// Everything, or everything but what is named; IAM is not wholly among that, so that the holder can take the rest.
    AllBut,
    /// Every action on every resource.
    Everything,
}

/// What a policy allows of the requests that it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grants {
    /// A bit for each of [`REQUESTS`], and [`STAR`].
    allowed: u64,
    /// The same, of what it denies under no condition.
    denied: u64,
    is_unreadable: bool,
}

/// A statement that allows every action on every resource.
const STAR: u64 = 1 << 63;
/// What stands for the account: no account has it.
const ACCOUNT: &str = "000000000000";

/// Actions with resources that they are for, in lower case. The first [`STRANGE`] are of no service.
static REQUESTS: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    // A service for every letter: who lists all letters allows everything, who leaves one out allows nearly everything.
    let letters = ('a'..='z').zip(('a'..='z').cycle().skip(13));
    let strange = letters.map(|(service, action)| {
        (format!("{service}0q:{action}0q"), format!("arn:aws:{service}0q:0q-0q-0:{ACCOUNT}:0q/0q"))
    });
    let of_iam = TAKING.iter().flat_map(|(kind, actions)| {
        actions.iter().map(move |action| (format!("iam:{action}"), format!("arn:aws:iam::{ACCOUNT}:{kind}")))
    });
    strange.chain(of_iam).collect()
});
const STRANGE: u32 = 26;

/// The texts of one part of [`REQUESTS`], sorted, each with its bit.
struct Part(Vec<(&'static str, u64)>);

static ACTIONS: LazyLock<Part> = LazyLock::new(|| Part::of(|(action, _)| action));
static RESOURCES: LazyLock<Part> = LazyLock::new(|| Part::of(|(_, resource)| resource));

impl Part {
    fn of(part: fn(&'static (String, String)) -> &'static String) -> Self {
        let texts = REQUESTS.iter().enumerate().map(|(number, request)| (part(request).as_str(), 1 << number));
        let mut texts: Vec<(&str, u64)> = texts.collect();
        texts.sort_unstable();
        Self(texts)
    }

    /// The requests that `pattern` matches. Only those that begin with what stands before its first star or mark can be: nearly every
    /// pattern of an account names a service, and so not one of these.
    fn matched(&self, pattern: &str) -> u64 {
        let literal = pattern.find(['*', '?']).and_then(|end| pattern.get(..end)).unwrap_or(pattern);
        let first = self.0.partition_point(|(text, _)| *text < literal);
        let candidates =
            self.0.get(first..).unwrap_or_default().iter().take_while(|(text, _)| text.starts_with(literal));
        candidates.filter(|(text, _)| glob(pattern, text)).fold(0, |matched, (_, bit)| matched | bit)
    }
}

/// By each of these, on anything of its kind, a holder gets what the account has; the first is of IAM, and no action of it: it is
/// left open where IAM is not named. `iam:PassRole` is not among them: it gives what a role has that is there, and no more.
const TAKING: [(&str, &[&str]); 6] = [
    ("0q/0q", &["0q"]),
    ("user/0q", &["attachuserpolicy", "createaccesskey", "createloginprofile", "putuserpolicy", "updateloginprofile"]),
    // On oneself it is enough.
    ("user/${aws:username}", &["attachuserpolicy", "putuserpolicy"]),
    ("group/0q", &["addusertogroup", "attachgrouppolicy", "putgrouppolicy"]),
    ("role/0q", &["attachrolepolicy", "putrolepolicy", "updateassumerolepolicy"]),
    ("policy/0q", &["createpolicyversion"]),
];

/// Under a condition that names one of these, IAM changes only what already is limited
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html>). Another condition says when, and
/// not how much.
const BOUNDARY: &str = "iam:permissionsboundary";
const POLICY: &str = "iam:policyarn";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/administratoraccess";

/// The policies of AWS that are so wide that one more makes everything of them, by name
/// (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/about-managed-policy-reference.html>).
const WIDE: [(&str, &str); 4] = [
    ("AWSDenyAll", r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#),
    ("AdministratorAccess", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#),
    ("IAMFullAccess", r#"{"Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}"#),
    (
        "PowerUserAccess",
        r#"{"Statement":{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}}"#,
    ),
];

impl Grants {
    /// Nothing that matters.
    pub const LIMITED: Self = Self { allowed: 0, denied: 0, is_unreadable: false };
    /// What is unknown.
    pub const UNREADABLE: Self = Self { allowed: 0, denied: 0, is_unreadable: true };

    /// Of an identity's policy in `account`, URL-encoded as IAM gives it.
    pub fn of_encoded(document: &str, account: &AccountId) -> Self {
        Statement::all_encoded(document).map_or(Self::UNREADABLE, |statements| Self::of(&statements, account.as_str()))
    }

    /// Of the AWS managed policy called `name`; `None`: it is not so wide.
    pub fn of_aws_managed(name: &str) -> Option<Self> {
        // What AWS itself attaches when credentials leaked: it denies how a holder would get further
        // (<https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCompromisedKeyQuarantineV3.html>).
        if name.starts_with("AWSCompromisedKeyQuarantine") {
            return Some(Self { denied: every_request(), ..Self::LIMITED });
        }
        let (_, document) = WIDE.iter().find(|(wide, _)| *wide == name)?;
        Statement::all(document).map(|statements| Self::of(&statements, ACCOUNT))
    }

    fn of(statements: &[Statement], account: &str) -> Self {
        statements.iter().fold(Self::LIMITED, |all, statement| all.with(Self::of_one(statement, account)))
    }

    fn of_one(statement: &Statement, account: &str) -> Self {
        // The policy of an identity names no principal, and always a resource.
        let Some(resources) = statement.resources.as_ref().filter(|_| statement.principals.is_none()) else {
            return Self::UNREADABLE;
        };
        let star = is_named(&statement.actions, is_every_action) && is_named(resources, is_every_resource);
        let actions = requests(&statement.actions, |pattern| ACTIONS.matched(pattern));
        let resources = requests(resources, |pattern| RESOURCES.matched(&whole_arn(pattern, account)));
        let both = (actions & resources) | if star { STAR } else { 0 };
        match statement.effect {
            Effect::Allow if statement.conditions.iter().any(|condition| limits(condition, account)) => Self::LIMITED,
            Effect::Allow => Self { allowed: both, ..Self::LIMITED },
            Effect::Deny if statement.conditions.is_empty() => Self { denied: both, ..Self::LIMITED },
            Effect::Deny => Self::LIMITED,
        }
    }

    /// What both allow an identity that has both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            allowed: self.allowed | other.allowed,
            denied: self.denied | other.denied,
            is_unreadable: self.is_unreadable || other.is_unreadable,
        }
    }

    /// How much that is. A `Deny` does not count: it may be taken away as it was given.
    pub fn breadth(self) -> Breadth {
        if self.allowed & STAR != 0 {
            Breadth::Everything
        } else if is_wide(self.allowed) {
            Breadth::AllBut
        } else if self.is_unreadable {
            Breadth::Unreadable
        } else {
            Breadth::Limited
        }
    }

    /// Whether so much is denied that what remains is not everything, whatever is allowed.
    pub fn denies_much(self) -> bool {
        !is_wide(every_request() & !self.denied)
    }
}

impl Breadth {
    /// Everything, or so much that the holder can take the rest.
    pub fn is_everything(self) -> bool {
        matches!(self, Self::AllBut | Self::Everything)
    }
}

/// Most of what is of no service, and something of IAM.
fn is_wide(allowed: u64) -> bool {
    const OF_NO_SERVICE: u64 = (1 << STRANGE) - 1;
    (allowed & OF_NO_SERVICE).count_ones() > STRANGE / 2 && allowed & !STAR & !OF_NO_SERVICE != 0
}

/// The requests that are meant, by those that a pattern matches.
fn requests(patterns: &Patterns, matched: impl Fn(&str) -> u64) -> u64 {
    let matched = patterns.patterns.iter().fold(0, |all, pattern| all | matched(pattern));
    if patterns.is_negated { every_request() & !matched } else { matched }
}

fn every_request() -> u64 {
    (1 << REQUESTS.len()) - 1
}

fn is_named(patterns: &Patterns, is: fn(&str) -> bool) -> bool {
    !patterns.is_negated && patterns.patterns.iter().any(|pattern| is(pattern))
}

/// A boundary that the holder can choose is none, and neither is a policy that gives everything.
fn limits(condition: &super::Condition, account: &str) -> bool {
    let is_one = |value: &String| !value.contains(['*', '?', '$']);
    let gives_everything = |value: &String| {
        let value = value.to_lowercase();
        let pattern = whole_arn(&value, account);
        let own = format!("arn:aws:iam::{ACCOUNT}:policy/0q");
        value.contains('$') || [ADMINISTRATOR, &own].iter().any(|policy| glob(&pattern, policy))
    };
    condition.needs_its_key()
        && match condition.key.as_str() {
            _ if condition.is_of_null() => false,
            BOUNDARY => condition.values.iter().all(is_one),
            POLICY => !condition.values.iter().any(gives_everything),
            _ => false,
        }
}

/// `*`, `*:*`.
fn is_every_action(pattern: &str) -> bool {
    is_stars(pattern) || pattern.split_once(':').is_some_and(|(service, action)| is_stars(service) && is_stars(action))
}

/// `*`, and ARNs in which everything after the partition is a star: an account is in one partition. Fields that an ARN lacks are
/// stars: AWS completes it so in the policy of an identity
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>).
fn is_every_resource(pattern: &str) -> bool {
    let mut fields = pattern.splitn(ARN_FIELDS, ':');
    fields.next().is_some_and(|first| first == "arn" || is_stars(first)) && fields.skip(1).all(is_stars)
}

/// As AWS completes it, in the partition and of the account of [`REQUESTS`].
fn whole_arn<'a>(pattern: &'a str, account: &str) -> Cow<'a, str> {
    if pattern.contains("${") {
        completed(&spelled_out(pattern), account).into_owned().into()
    } else {
        completed(pattern, account)
    }
}

/// With the value of each variable that the account shows, in lower case, as a variable may be written in any
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
fn spelled_out(pattern: &str) -> String {
    let pattern = pattern.to_lowercase().replace("${aws:principalaccount}", ACCOUNT).replace("${*}", "*");
    // An account is in one partition.
    pattern.replace("${aws:partition}", "aws")
}

fn completed<'a>(pattern: &'a str, account: &str) -> Cow<'a, str> {
    if is_stars(pattern) {
        return "*".into();
    }
    let changes = |(number, field): (usize, &str)| match number {
        1 => field != "aws" && field.starts_with("aws"),
        4 => field == account,
        _ => false,
    };
    let fields = || pattern.splitn(ARN_FIELDS, ':');
    if fields().count() == ARN_FIELDS && !fields().enumerate().any(changes) {
        return pattern.into();
    }
    let mut fields: Vec<&str> = pattern.splitn(ARN_FIELDS, ':').collect();
    fields.resize(ARN_FIELDS, "*");
    for (number, field) in fields.iter_mut().enumerate() {
        match number {
            1 if field.starts_with("aws") => *field = "aws",
            4 if *field == account => *field = ACCOUNT,
            _ => {}
        }
    }
    fields.join(":").into()
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

#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used, reason = "for tests alone")]
impl From<Breadth> for Grants {
    fn from(breadth: Breadth) -> Self {
        let document = match breadth {
            Breadth::Unreadable => return Self::UNREADABLE,
            Breadth::Limited => r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
            Breadth::AllBut => r#"{"Statement":{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}}"#,
            Breadth::Everything => r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
        };
        Self::of_encoded(document, &AccountId::parse("111122223333").unwrap())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy_document::tests::{any_statement, statement};

    fn grants(json: &str) -> Grants {
        let encoded = percent_encoding::utf8_percent_encode(json, percent_encoding::NON_ALPHANUMERIC).to_string();
        Grants::of_encoded(&encoded, &AccountId::parse("111122223333").unwrap())
    }

    fn breadth(json: &str) -> Breadth {
        grants(json).breadth()
    }

    /// Of several statements in one policy, and of as many policies with one each.
    fn breadth_of(statements: &[&str]) -> Breadth {
        let together: Vec<String> = statements.iter().map(|fields| format!("{{{fields}}}")).collect();
        let one = breadth(&format!(r#"{{"Statement": [{}]}}"#, together.join(",")));
        let many = statements.iter().map(|fields| grants(&statement(fields))).reduce(Grants::with).unwrap();
        assert_eq!(one, many.breadth(), "{statements:?}");
        one
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
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"iam:PermissionsBoundary": "x"}}"#,
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
            r#""Effect": "Allow", "Action": "iam:*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::bucket/*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam::111122223333:*""#,
            r#""Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "*", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "IAM:*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:::*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3""#,
            r#""Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:s3:::bucket""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"iam:PermissionsBoundary": "x"}}"#,
        ] {
            assert_eq!(breadth(&statement(fields)), Breadth::Limited, "{fields}");
        }
        assert_eq!(breadth(r#"{"Statement": []}"#), Breadth::Limited);
    }

    #[test]
    fn everything_but_something_leaves_iam_open() {
        for fields in [
            r#""Effect": "Allow", "NotAction": "s3:*", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "s*", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "example:action", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": ["aws-portal:*"], "Resource": ["*"]"#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*:111122223333:*""#,
            r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:*:*:${aws:PrincipalAccount}:*""#,
            r#""Effect": "Allow", "NotAction": "iam:DeleteAccountAlias", "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": ["iam:CreateUser", "iam:CreateAccessKey"], "Resource": "*""#,
            r#""Effect": "Allow", "NotAction": "iam:Create*", "Resource": "*""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::111122223333:role/protected""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::111122223333:user/*""#,
            r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::999988887777:*""#,
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

    const POWER: &str = r#""Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*""#;

    #[test]
    fn statements_add_up_to_everything_by_halves_of_actions_or_of_resources() {
        for statements in [
            [POWER, r#""Effect": "Allow", "Action": "iam:*", "Resource": "*""#],
            [POWER, r#""Effect": "Allow", "Action": ["iam:*", "organizations:*", "account:*"], "Resource": "*""#],
            [POWER, r#""Effect": "Allow", "Action": "iam:Put*", "Resource": "*""#],
            [POWER, r#""Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::111122223333:role/*""#],
            [POWER, r#""Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:iam::*:*""#],
            [POWER, r#""Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::${aws:PrincipalAccount}:*""#],
            [POWER, r#""Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:user/${aws:username}""#],
            [
                POWER,
                r#""Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "arn:aws:iam::111122223333:user/${aws:username}""#,
            ],
            [
                POWER,
                r#""Effect": "Allow", "Action": ["iam:AttachUserPolicy", "iam:AttachRolePolicy"], "Resource": "*", "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}}"#,
            ],
            [
                POWER,
                r#""Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*", "Condition": {"ArnLike": {"iam:PolicyARN": ["arn:aws:iam::*:policy/*"]}}"#,
            ],
            [
                POWER,
                r#""Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*", "Condition": {"Null": {"iam:PermissionsBoundary": "false"}}"#,
            ],
            [
                POWER,
                r#""Effect": "Allow", "Action": "iam:PutRolePolicy", "Resource": "*", "Condition": {"StringLike": {"iam:PermissionsBoundary": "arn:aws:iam::*:policy/*"}}"#,
            ],
            [
                r#""Effect": "Allow", "Action": "*", "NotResource": "arn:aws:iam::*:*""#,
                r#""Effect": "Allow", "Action": "*", "Resource": "arn:aws:iam::111122223333:*""#,
            ],
            [
                r#""Effect": "Allow", "Action": ["a*", "b*", "c*", "d*", "e*", "f*", "g*", "h*", "i*", "j*", "k*", "l*", "m*"], "Resource": "*""#,
                r#""Effect": "Allow", "Action": ["n*", "o*", "p*", "q*", "r*", "s*", "t*", "u*", "v*", "w*", "x*", "y*", "z*"], "Resource": "*""#,
            ],
        ] {
            assert_eq!(breadth_of(&statements), Breadth::AllBut, "{statements:?}");
        }
    }

    #[test]
    fn what_is_opened_of_iam_for_oneself_or_for_a_few_does_not_add_up_to_everything() {
        for further in [
            r#""Effect": "Allow", "Action": ["iam:CreateServiceLinkedRole", "iam:ListRoles", "organizations:DescribeOrganization"], "Resource": "*""#,
            r#""Effect": "Allow", "Action": "iam:PassRole", "Resource": "*""#,
            r#""Effect": "Allow", "Action": ["iam:CreateAccessKey", "iam:ChangePassword"], "Resource": "arn:aws:iam::*:user/${aws:username}""#,
            r#""Effect": "Allow", "Action": ["iam:AttachRolePolicy", "iam:PutRolePolicy"], "Resource": "arn:aws:iam::111122223333:role/app-*""#,
            r#""Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*", "Condition": {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::111122223333:policy/app-*"}}"#,
            r#""Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*", "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}"#,
            r#""Effect": "Allow", "Action": "iam:*", "Resource": "*", "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/edge"}}"#,
            r#""Effect": "Allow", "Action": ["iam:Get*", "iam:List*"], "Resource": "*""#,
            r#""Effect": "Allow", "Action": "s3:*", "Resource": "*""#,
            r#""Effect": "Deny", "NotAction": "iam:*", "Resource": "*""#,
        ] {
            assert_eq!(breadth_of(&[POWER, further]), Breadth::Limited, "{further}");
        }
    }

    #[test]
    fn wide_policies_of_aws_add_up_too() {
        let of = |name| Grants::of_aws_managed(name).unwrap();
        assert_eq!(of("AdministratorAccess").breadth(), Breadth::Everything);
        assert_eq!([of("PowerUserAccess").breadth(), of("IAMFullAccess").breadth()], [Breadth::Limited; 2]);
        assert_eq!(of("PowerUserAccess").with(of("IAMFullAccess")).breadth(), Breadth::AllBut);
        assert_eq!(Grants::of_aws_managed("ReadOnlyAccess"), None);
        for name in ["AWSDenyAll", "AWSCompromisedKeyQuarantine", "AWSCompromisedKeyQuarantineV3"] {
            let held = of("AdministratorAccess").with(of(name));
            assert_eq!((held.breadth(), held.denies_much()), (Breadth::Everything, true), "{name}");
        }
    }

    #[test]
    fn what_is_no_policy_of_an_identity_is_unreadable_and_hides_nothing_that_is_read() {
        let star = r#""Effect": "Allow", "Action": "*", "Resource": "*""#;
        for fields in [
            r#""Effect": "Allow", "Action": "s3:*""#,
            r#""Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*""#,
        ] {
            assert_eq!(breadth_of(&[fields]), Breadth::Unreadable, "{fields}");
            assert_eq!(breadth_of(&[fields, star]), Breadth::Everything, "{fields}");
        }
        assert_eq!(breadth("no json"), Breadth::Unreadable);
        assert_eq!(breadth(&statement(star)), Breadth::Everything);
    }

    #[test]
    fn what_is_denied_without_a_condition_is_seen_and_is_no_excuse() {
        let all = r#""Effect": "Allow", "Action": "*", "Resource": "*""#;
        for (deny, denies_much) in [
            (r#""Effect": "Deny", "Action": "*", "Resource": "*""#, true),
            (r#""Effect": "Deny", "Action": "iam:*", "Resource": "*""#, true),
            (r#""Effect": "Deny", "Action": "s3:*", "Resource": "*""#, false),
            (
                r#""Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#,
                false,
            ),
        ] {
            let both = grants(&statement(all)).with(grants(&statement(deny)));
            assert_eq!((both.breadth(), both.denies_much()), (Breadth::Everything, denies_much), "{deny}");
        }
    }

    /// Every request, one after the other.
    fn matched_by_each(pattern: &str, part: fn(&(String, String)) -> &String) -> u64 {
        let matches = REQUESTS.iter().enumerate().filter(|(_, request)| glob(pattern, part(request)));
        matches.fold(0, |all, (number, _)| all | 1 << number)
    }

    #[test]
    fn requests_fit_into_the_bits() {
        assert!(REQUESTS.len() < 63 && REQUESTS.len() > STRANGE as usize);
    }

    fn any(effect: &'static str) -> impl Strategy<Value = String> {
        any_statement(
            effect,
            &["*", "iam:*", "s3:*", "i*", "iam:Put*", "organizations:*", "sts:?*"],
            &["*", "arn:aws:iam::*:*", "arn:aws:s3:::*", "arn:*:*:*:111122223333:*"],
            &[
                "{}",
                r#"{"Bool": {"aws:MultiFactorAuthPresent": true}}"#,
                r#"{"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}"#,
            ],
        )
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_it_matches_of_each_request(
            pattern in "[a-z*?]{0,2}(0q)?[*?]?:[a-z*?]{0,2}(0q)?[*?]?|iam:[a-z*?]{0,18}|(iam:)?(put|create|attach|[*?])[a-z*?]{0,12}",
            arn in "(arn|[*?]{1,3}|arn:aws):(aws|aws-cn|[*?]|)(:[a-z*?]{0,2}(0q)?){0,2}:(000000000000|111122223333|[*?])?(:(user|role|[a-z*?]{0,3})/[0q*?]{0,3})?",
        ) {
            prop_assert_eq!(ACTIONS.matched(&pattern), matched_by_each(&pattern, |(action, _)| action));
            for arn in [arn.as_str(), &whole_arn(&arn, "111122223333")] {
                prop_assert_eq!(RESOURCES.matched(arn), matched_by_each(arn, |(_, resource)| resource));
            }
        }

        #[test]
        fn a_further_allow_narrows_nothing_and_a_further_deny_changes_nothing(
            before in prop::collection::vec(any("Allow"), 0..4),
            allow in any("Allow"),
            deny in any("Deny"),
        ) {
            let of = |more: &[&String]| {
                let all: Vec<&str> = before.iter().chain(more.iter().copied()).map(String::as_str).collect();
                breadth(&format!(r#"{{"Statement": [{}]}}"#, all.join(",")))
            };
            prop_assert!(of(&[&allow]) >= of(&[]));
            prop_assert_eq!(of(&[&deny]), of(&[]));
            prop_assert_eq!(of(&[&allow, &deny]), of(&[&deny, &allow]));
        }
    }
}
