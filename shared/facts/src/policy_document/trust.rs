//! Whom a role's trust policy lets in.

use super::condition::{Condition, Fact};
use super::glob::glob;
use super::{ARN_FIELDS, Effect, Principals, Statement};
use crate::account::AccountId;

/// Whom a role lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// How far it is open.
    pub openness: Openness,
    /// Who can be among those.
    pub assumers: Assumers,
}

/// How far a role is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Openness {
    /// To principals that are named.
    Named,
    /// To every principal, and a condition or a `Deny` keeps strangers out.
    EveryoneIf,
    /// To every principal; it is unknown here whether a condition or a `Deny` keeps strangers out.
    Unclear,
    /// Unknown: the document cannot be read.
    Unreadable,
    /// To anyone with an account at this identity provider, which is public.
    EveryoneOf(&'static str),
    /// To every principal of every account.
    Everyone,
}

/// Who can take on a role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assumers {
    /// Whoever another account lets, or people who come by a SAML provider.
    pub people: bool,
    /// Of these, by a SAML provider.
    pub federated: bool,
    /// Whoever this account lets.
    pub own_account: bool,
    /// Users of this account that are named.
    pub users: Vec<String>,
    /// Roles of this account that are named.
    pub roles: Vec<String>,
    /// Others who may be people or programs.
    pub unclear: bool,
}

/// The actions by which a principal assumes a role, in lower case; `sts:TagSession` and `sts:SetSourceIdentity` go with them and let in
/// nobody (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html>).
const ASSUMING: [&str; 3] = ["sts:assumerole", SAML, WEB_IDENTITY];
const SAML: &str = "sts:assumerolewithsaml";
const WEB_IDENTITY: &str = "sts:assumerolewithwebidentity";

/// OpenID Connect providers that serve everybody, each with the claims of which any tells one customer from another
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html>,
/// <https://github.com/aws-samples/data-perimeter-policy-examples>, its sample `Shared-Issuers.json`).
const SHARED: [(&str, &[&str]); 19] = [
    ("token.actions.githubusercontent.com", &["sub"]),
    ("vstoken.actions.githubusercontent.com", &["sub"]),
    ("oidc-configuration.audit-log.githubusercontent.com", &["sub"]),
    ("gitlab.com", &["sub"]),
    ("app.terraform.io", &["sub"]),
    ("agent.buildkite.com", &["sub"]),
    ("api.pulumi.com", &["aud", "sub"]),
    ("api.pulumi.com/oidc", &["aud", "sub"]),
    ("oidc.codefresh.io", &["sub"]),
    ("oidc.vercel.com", &["aud", "sub"]),
    ("proidc.upbound.io", &["sub"]),
    ("sandboxes.cloud", &["aud", "sub"]),
    ("scalr.io", &["sub"]),
    ("studio.datachain.ai/api", &["sub"]),
    ("tokens.cloud.shisho.dev", &["sub"]),
    ("cognito-identity.amazonaws.com", &["aud"]),
    ("accounts.google.com", &["aud", "sub"]),
    ("www.amazon.com", &["app_id"]),
    ("graph.facebook.com", &["app_id"]),
];
/// Of these, the first are of programs.
const OF_PROGRAMS: usize = 15;
/// The audience that everybody's tokens for AWS have.
const AUDIENCE: &str = "sts.amazonaws.com";

/// Conditions under one of these do not say whether people or programs are meant. Another one, as `aws:PrincipalArn` or
/// `sts:ExternalId`, may leave programs alone.
const OF_ANYBODY: [&str; 9] = [
    "aws:currenttime",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:securetransport",
    "aws:sourceip",
    "sts:rolesessionname",
    "sts:sourceidentity",
];

impl Trust {
    /// When it is unknown.
    pub const UNREADABLE: Self = Self { openness: Openness::Unreadable, assumers: Assumers::UNCLEAR };

    /// Of a role's trust policy in `account`, URL-encoded as IAM gives it.
    pub fn of_encoded(document: &str, account: &AccountId) -> Self {
        Statement::all_encoded(document)
            .and_then(|statements| Self::of(&statements, account))
            .unwrap_or(Self::UNREADABLE)
    }

    fn of(statements: &[Statement], account: &AccountId) -> Option<Self> {
        // A trust policy names principals.
        if statements.iter().any(|statement| statement.principals.is_none()) {
            return None;
        }
        let (allows, denies): (Vec<&Statement>, Vec<&Statement>) =
            statements.iter().partition(|statement| statement.effect == Effect::Allow);
        let mut trust = Self { openness: Openness::Named, assumers: Assumers::default() };
        for action in ASSUMING {
            let denies: Vec<&Statement> =
                denies.iter().copied().filter(|deny| deny.actions.mean(action, glob)).collect();
            for allow in allows.iter().filter(|allow| allow.actions.mean(action, glob)) {
                trust.openness = trust.openness.max(openness(action, allow, &denies)?);
                trust.assumers = trust.assumers.and(Assumers::of(action, allow, &denies, account)?);
            }
        }
        Some(trust)
    }
}

/// How far one statement opens the role to one action.
fn openness(action: &str, allow: &Statement, denies: &[&Statement]) -> Option<Openness> {
    let principals = allow.principals.as_ref()?;
    if principals.are_everybody() {
        // A stranger may be of another organization, or of none.
        let lets_in = [Fact::Absent, Fact::Foreign].map(|organization| {
            let stranger = |condition: &Condition| holds_for_stranger(condition, organization);
            passes(allow, denies, stranger)
        });
        return Some(match lets_in {
            _ if lets_in.contains(&Some(true)) => Openness::Everyone,
            _ if lets_in.contains(&None) => Openness::Unclear,
            _ => Openness::EveryoneIf,
        });
    }
    let shared = principals.named.iter().filter(|_| action == WEB_IDENTITY && !principals.is_negated);
    let shared = shared.filter_map(|(kind, name)| {
        let host = open_id_connect_host(kind, name)?;
        SHARED.iter().find(|(shared, _)| *shared == host)
    });
    let openness = shared.map(|(host, claims)| {
        match passes(allow, denies, |condition| holds_for_customer(condition, host, claims)) {
            Some(true) => Openness::EveryoneOf(host),
            Some(false) => Openness::Named,
            None => Openness::Unclear,
        }
    });
    Some(openness.max().unwrap_or(Openness::Named))
}

/// Whether somebody of whom each condition is judged so gets in by `allow`; `None`: unknown.
fn passes(allow: &Statement, denies: &[&Statement], holds: impl Fn(&Condition) -> Option<bool>) -> Option<bool> {
    let all_hold = |conditions: &[Condition]| {
        let held: Vec<Option<bool>> = conditions.iter().map(&holds).collect();
        if held.contains(&Some(false)) { Some(false) } else { (!held.contains(&None)).then_some(true) }
    };
    let denied = denies.iter().map(|deny| {
        let principals = deny.principals.as_ref()?;
        match all_hold(&deny.conditions) {
            holds if principals.are_everybody() => holds,
            // Who is named by account is no stranger; another `Deny` for some may be for this one.
            _ if !principals.is_negated && principals.named.iter().all(|(kind, _)| kind == "AWS") => Some(false),
            holds => holds.filter(|holds| !holds),
        }
    });
    let denied: Vec<Option<bool>> = denied.collect();
    match all_hold(&allow.conditions) {
        Some(false) => Some(false),
        _ if denied.contains(&Some(true)) => Some(false),
        Some(true) if denied.iter().all(|denied| *denied == Some(false)) => Some(true),
        _ => None,
    }
}

/// Whether a condition holds for a principal of an account that has nothing to do with this one
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>). What it can choose, as the name of its
/// session, or may know, as an external id, cannot be evaluated here.
fn holds_for_stranger(condition: &Condition, organization: Fact<'_>) -> Option<bool> {
    let fact = match condition.key.as_str() {
        "aws:principalorgid" | "aws:principalorgpaths" => organization,
        "aws:principalaccount" | "aws:principalarn" | "aws:userid" => Fact::Foreign,
        "aws:viaawsservice" | "aws:principalisawsservice" => Fact::Is("false"),
        // The endpoints of STS take nothing else.
        "aws:securetransport" => Fact::Is("true"),
        "aws:sourcearn"
        | "aws:sourceaccount"
        | "aws:sourceorgid"
        | "aws:sourceorgpaths"
        | "aws:principalservicename" => Fact::Absent,
        // Own ones are named; a stranger comes from others, or from the internet.
        "aws:sourcevpc" | "aws:sourcevpce" => {
            let both = [Fact::Absent, Fact::Foreign].map(|fact| condition.holds(fact));
            let [absent, foreign] = both;
            return absent.filter(|_| absent == foreign);
        }
        _ => Fact::Unknown,
    };
    condition.holds(fact)
}

/// Whether a condition holds for another customer of the identity provider `host`.
fn holds_for_customer(condition: &Condition, host: &str, claims: &[&str]) -> Option<bool> {
    let of_host = condition.key.strip_prefix(host).and_then(|rest| rest.strip_prefix(':'))?;
    if !condition.needs_its_key() {
        return None;
    }
    if claims.contains(&of_host) {
        let each: Vec<_> =
            condition.values.iter().map(|value| is_other_customers(value, condition.is_pattern())).collect();
        return if each.contains(&Some(true)) { Some(true) } else { (!each.contains(&None)).then_some(false) };
    }
    // Whoever asks for a token chooses whom it is for.
    (of_host == "aud").then_some(true)
}

/// Whether the value of a claim may be another customer's: `repo:acme/…` is that of one, `repo:*` is everybody's, and of `repo:acme*`
/// nobody knows who else is called so.
fn is_other_customers(value: &str, is_pattern: bool) -> Option<bool> {
    if value.contains("${") {
        return None;
    }
    if value == AUDIENCE {
        return Some(true);
    }
    let named = match value.find(['*', '?']).filter(|_| is_pattern) {
        Some(length) => value.get(..length)?,
        None => return Some(false),
    };
    let owner = named.split_once(':').map_or("", |(_, owner)| owner);
    match owner.find(['/', ':']) {
        Some(length) => (length > 0).then_some(false),
        None => (named.is_empty() || named.ends_with(':')).then_some(true),
    }
}

impl Assumers {
    const UNCLEAR: Self = Self {
        people: false,
        federated: false,
        own_account: false,
        users: Vec::new(),
        roles: Vec::new(),
        unclear: true,
    };

    /// Who can take on the role by one action and one statement.
    fn of(action: &str, allow: &Statement, denies: &[&Statement], account: &AccountId) -> Option<Self> {
        let principals = allow.principals.as_ref()?;
        let is_shut = denies
            .iter()
            .any(|deny| deny.conditions.is_empty() && deny.principals.as_ref().is_some_and(Principals::are_everybody));
        if is_shut {
            return Some(Self::UNCLEAR);
        }
        let is_of_anybody = allow.conditions.iter().all(|condition| OF_ANYBODY.contains(&condition.key.as_str()));
        if principals.are_everybody() {
            return Some(if is_of_anybody { Self { people: true, ..Self::default() } } else { Self::UNCLEAR });
        }
        let each = principals.named.iter().map(|(kind, name)| match kind.as_str() {
            "AWS" => Self::of_account(name, account, is_of_anybody),
            "Federated" if action == SAML && name.contains(":saml-provider/") => {
                Self { people: true, federated: true, ..Self::default() }
            }
            "Federated" if action == WEB_IDENTITY && !name.contains(":saml-provider/") => {
                let host = open_id_connect_host(kind, name).unwrap_or(name);
                if is_of_programs(host) { Self::default() } else { Self::UNCLEAR }
            }
            _ => Self::default(),
        });
        Some(each.fold(Self::default(), Self::and))
    }

    /// Who is meant by an account or a principal of one.
    fn of_account(name: &str, account: &AccountId, is_of_anybody: bool) -> Self {
        // The id of a principal that was deleted.
        let Some(of) = account_of(name) else { return Self::default() };
        let is_own = of == account.as_str();
        let resource = name.splitn(ARN_FIELDS, ':').nth(5).unwrap_or("root");
        let last = || resource.rsplit('/').next().unwrap_or_default().to_owned();
        match resource.split_once('/').map(|(kind, _)| kind) {
            // A service alone takes on such a role
            // (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>).
            Some("role") if resource.starts_with("role/aws-service-role/") => Self::default(),
            // People have the roles that IAM Identity Center makes
            // (<https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>).
            Some("role") if resource.starts_with("role/aws-reserved/sso.amazonaws.com/") => {
                Self { people: true, ..Self::default() }
            }
            Some("user") if is_own => Self { users: vec![last()], ..Self::default() },
            Some("role") if is_own => Self { roles: vec![last()], ..Self::default() },
            None if resource == "root" && is_of_anybody => {
                Self { people: !is_own, own_account: is_own, ..Self::default() }
            }
            _ => Self::UNCLEAR,
        }
    }

    fn and(mut self, other: Self) -> Self {
        let Self { people, federated, own_account, users, roles, unclear } = other;
        self.people |= people;
        self.federated |= federated;
        self.own_account |= own_account;
        self.unclear |= unclear;
        for (all, more) in [(&mut self.users, users), (&mut self.roles, roles)] {
            all.extend(more);
            all.sort();
            all.dedup();
        }
        self
    }
}

/// Whether programs alone have tokens of the OpenID Connect provider at `host`: what builds and deploys, and pods of EKS.
pub fn is_of_programs(host: &str) -> bool {
    SHARED.iter().take(OF_PROGRAMS).any(|(of_programs, _)| *of_programs == host) || host.starts_with("oidc.eks.")
}

/// `arn:aws:iam::111122223333:oidc-provider/HOST`, or the host alone of a provider that AWS knows.
fn open_id_connect_host<'a>(kind: &str, name: &'a str) -> Option<&'a str> {
    (kind == "Federated").then(|| name.split_once(":oidc-provider/").map_or(name, |(_, host)| host))
}

/// Twelve digits, alone or as a field of an ARN.
fn account_of(principal: &str) -> Option<&str> {
    let account = principal.split(':').nth(4).unwrap_or(principal);
    AccountId::parse(account).is_ok().then_some(account)
}

#[cfg(any(test, feature = "testing"))]
#[allow(clippy::unwrap_used, reason = "for tests alone")]
impl Trust {
    /// Of principals of this account alone.
    pub fn own_account() -> Self {
        Self::naming(r#"{"AWS": "arn:aws:iam::111122223333:root"}"#)
    }

    /// Of those principals, under no condition.
    pub fn naming(principal: &str) -> Self {
        let statement = |action| format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "{action}"}}"#);
        let document = format!(r#"{{"Statement": [{}]}}"#, ASSUMING.map(statement).join(","));
        Self::of_encoded(&document, &AccountId::parse("111122223333").unwrap())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trust_of(statements: &[&str]) -> Trust {
        let together: Vec<String> = statements.iter().map(|fields| format!("{{{fields}}}")).collect();
        let json = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, together.join(","));
        let encoded = percent_encoding::utf8_percent_encode(&json, percent_encoding::NON_ALPHANUMERIC).to_string();
        Trust::of_encoded(&encoded, &AccountId::parse("111122223333").unwrap())
    }

    fn openness_of(statements: &[&str]) -> Openness {
        trust_of(statements).openness
    }

    const ALL: &str = r#""Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole""#;

    fn all_if(condition: &str) -> Openness {
        openness_of(&[&format!(r#"{ALL}, "Condition": {condition}"#)])
    }

    fn all_but(deny: &str) -> Openness {
        openness_of(&[ALL, &format!(r#""Effect": "Deny", {deny}"#)])
    }

    #[test]
    fn a_role_trusts_everyone_by_a_star_without_a_condition() {
        let openness =
            |fields: &str| openness_of(&[&format!(r#""Action": "sts:AssumeRole", "Effect": "Allow", {fields}"#)]);
        for fields in [
            r#""Principal": "*""#,
            r#""Principal": {"AWS": "*"}"#,
            r#""Principal": {"AWS": ["arn:aws:iam::111122223333:root", "*"]}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {"StringEquals": {}}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {"Bool": {"aws:SecureTransport": "true"}}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {"StringLike": {"aws:PrincipalArn": "*"}}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#""Principal": {"AWS": "*"}, "Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#""NotPrincipal": {"AWS": "arn:aws:iam::111122223333:user/mallory"}"#,
        ] {
            assert_eq!(openness(fields), Openness::Everyone, "{fields}");
        }
        for fields in [
            r#""Principal": {"AWS": "arn:aws:iam::999988887777:root"}"#,
            r#""Principal": {"Service": "lambda.amazonaws.com"}"#,
            r#""NotPrincipal": {"AWS": "*"}"#,
        ] {
            assert_eq!(openness(fields), Openness::Named, "{fields}");
        }
        assert_eq!(
            openness_of(&[r#""Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole""#]),
            Openness::Named
        );
        assert_eq!(openness_of(&[]), Openness::Named);
    }

    #[test]
    fn only_what_takes_on_the_role_lets_in() {
        let openness = |action: &str| openness_of(&[&format!(r#""Effect": "Allow", "Principal": "*", {action}"#)]);
        for action in [
            r#""Action": "*""#,
            r#""Action": "sts:*""#,
            r#""Action": ["sts:TagSession", "STS:assumerole"]"#,
            r#""Action": "sts:AssumeRoleWithSAML""#,
            r#""Action": "sts:Assume*""#,
            r#""NotAction": "sts:TagSession""#,
        ] {
            assert_eq!(openness(action), Openness::Everyone, "{action}");
        }
        for action in [
            r#""Action": ["sts:TagSession", "sts:SetSourceIdentity"]"#,
            r#""NotAction": "sts:*""#,
            r#""Action": "iam:*""#,
        ] {
            assert_eq!(openness(action), Openness::Named, "{action}");
        }
    }

    #[test]
    fn a_condition_that_names_whose_principals_they_are_keeps_strangers_out() {
        for condition in [
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#"{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-exampleorgid/r-exam/*"}}"#,
            r#"{"StringEquals": {"aws:PrincipalAccount": ["111122223333", "999988887777"]}}"#,
            r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::999988887777:role/*"}}"#,
            r#"{"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}"#,
            r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}, "StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
        ] {
            assert_eq!(all_if(condition), Openness::EveryoneIf, "{condition}");
        }
        for condition in [
            r#"{"StringEquals": {"sts:ExternalId": "x"}}"#,
            r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
            r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
            r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/deploy"}}"#,
            r#"{"StringEquals": {"aws:PrincipalTag/team": "ops"}}"#,
            r#"{"StringEquals": {"aws:WhatIsNew": "x"}}"#,
        ] {
            assert_eq!(all_if(condition), Openness::Unclear, "{condition}");
        }
    }

    #[test]
    fn a_deny_of_all_others_keeps_strangers_out_and_another_one_does_not() {
        for deny in [
            r#""Principal": {"AWS": "*"}, "Action": "sts:AssumeRole", "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#""Principal": "*", "Action": "*", "Condition": {"StringNotEqualsIfExists": {"aws:PrincipalAccount": "111122223333"}}"#,
            r#""Principal": "*", "NotAction": "sts:TagSession", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:*"}}"#,
            r#""NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "sts:*""#,
            r#""Principal": "*", "Action": "sts:AssumeRole""#,
        ] {
            assert_eq!(all_but(deny), Openness::EveryoneIf, "{deny}");
        }
        for deny in [
            r#""Principal": "*", "Action": "sts:TagSession""#,
            r#""Principal": {"AWS": "arn:aws:iam::111122223333:user/mallory"}, "Action": "sts:AssumeRole""#,
            r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"Bool": {"aws:SecureTransport": "false"}}"#,
            r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"Null": {"aws:PrincipalOrgID": "true"}}"#,
        ] {
            assert_eq!(all_but(deny), Openness::Everyone, "{deny}");
        }
        for deny in [
            r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#,
            r#""Principal": "*", "Action": "sts:AssumeRole", "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#,
            r#""Principal": {"Federated": "*"}, "Action": "sts:AssumeRole", "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "ops"}}"#,
        ] {
            assert_eq!(all_but(deny), Openness::Unclear, "{deny}");
        }
    }

    #[test]
    fn a_provider_that_serves_everybody_must_be_asked_for_ones_own_claim() {
        const HOST: &str = "token.actions.githubusercontent.com";
        let openness = |claims: &str| {
            openness_of(&[&format!(
                r#""Effect": "Allow", "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/{HOST}"}},
                   "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {}"#,
                claims.replace("HOST", HOST)
            )])
        };
        let audience = r#"{"StringEquals": {"HOST:aud": "sts.amazonaws.com"}}"#;
        for claims in [
            "{}",
            audience,
            r#"{"StringEquals": {"HOST:aud": "sts.amazonaws.com"}, "StringLike": {"HOST:sub": "repo:*"}}"#,
            r#"{"StringLike": {"HOST:sub": ["repo:acme/app:*", "*"]}}"#,
        ] {
            assert_eq!(openness(claims), Openness::EveryoneOf(HOST), "{claims}");
        }
        for claims in [
            r#"{"StringEquals": {"HOST:sub": "repo:acme/app:ref:refs/heads/main"}}"#,
            r#"{"StringLike": {"HOST:sub": ["repo:acme/*", "repo:acme/app:*"]}}"#,
            r#"{"ForAnyValue:StringLike": {"HOST:sub": "repo:acme/*"}}"#,
        ] {
            assert_eq!(openness(claims), Openness::Named, "{claims}");
        }
        for claims in [
            r#"{"StringLike": {"HOST:sub": "repo:acme*"}}"#,
            r#"{"StringLike": {"HOST:sub": "repo:*/app:*", "HOST:repository_owner": "acme"}}"#,
            r#"{"StringNotLike": {"HOST:sub": "repo:mallory/*"}}"#,
            r#"{"StringEqualsIfExists": {"HOST:sub": "repo:acme/app:ref:refs/heads/main"}}"#,
        ] {
            assert_eq!(openness(claims), Openness::Unclear, "{claims}");
        }
        for (host, _) in SHARED {
            let everybodys = format!(
                r#""Effect": "Allow", "Principal": {{"Federated": "arn:aws:iam::111122223333:oidc-provider/{host}"}},
                   "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {{"StringEquals": {{"{host}:aud": "sts.amazonaws.com"}}}}"#
            );
            assert_eq!(openness_of(&[&everybodys]), Openness::EveryoneOf(host), "{host}");
        }
        let own = r#""Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/login.example.com"}, "Action": "sts:AssumeRoleWithWebIdentity""#;
        assert_eq!(openness_of(&[own]), Openness::Named, "one's own provider");
        let pool = r#""Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity""#;
        assert_eq!(openness_of(&[pool]), Openness::EveryoneOf("cognito-identity.amazonaws.com"));
    }

    #[test]
    fn who_can_take_on_a_role_is_told_by_its_principals() {
        let people = Assumers { people: true, ..Assumers::default() };
        let own_account = Assumers { own_account: true, ..Assumers::default() };
        let role = Assumers { roles: vec!["other".into()], ..Assumers::default() };
        let user = Assumers { users: vec!["alice".into()], ..Assumers::default() };
        for (principal, expected) in [
            (r#"{"AWS": "arn:aws:iam::999988887777:root"}"#, people.clone()),
            (r#"{"AWS": "999988887777"}"#, people.clone()),
            (r#""*""#, people.clone()),
            (r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, own_account.clone()),
            (r#"{"AWS": "111122223333"}"#, own_account),
            (r#"{"AWS": "arn:aws:iam::111122223333:role/ops/other"}"#, role),
            (r#"{"AWS": "arn:aws:iam::111122223333:user/alice"}"#, user),
            (r#"{"AWS": "arn:aws:sts::111122223333:assumed-role/other/session"}"#, Assumers::UNCLEAR),
            (r#"{"AWS": "arn:aws:iam::999988887777:role/deploy"}"#, Assumers::UNCLEAR),
            (r#"{"AWS": "arn:aws:iam::999988887777:user/terraform"}"#, Assumers::UNCLEAR),
            (
                r#"{"AWS": "arn:aws:iam::999988887777:role/aws-service-role/stacksets.cloudformation.amazonaws.com/AWSServiceRoleForCloudFormationStackSetsOrgAdmin"}"#,
                Assumers::default(),
            ),
            (
                r#"{"AWS": "arn:aws:iam::999988887777:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"}"#,
                people.clone(),
            ),
            (r#"{"AWS": "AIDAEXAMPLEOFADELETED"}"#, Assumers::default()),
            (r#"{"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}"#, Assumers::default()),
            (r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"}"#, Assumers::default()),
            (
                r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/1"}"#,
                Assumers::default(),
            ),
            (r#"{"Federated": "arn:aws:iam::111122223333:oidc-provider/login.example.com"}"#, Assumers::UNCLEAR),
        ] {
            let fields = format!(
                r#""Effect": "Allow", "Principal": {principal}, "Action": ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity"]"#
            );
            assert_eq!(trust_of(&[&fields]).assumers, expected, "{principal}");
        }
        let saml = r#""Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:saml-provider/acme"}, "Action": "sts:AssumeRoleWithSAML""#;
        assert_eq!(trust_of(&[saml]).assumers, Assumers { federated: true, ..people.clone() });
        let vendor = r#""Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}"#;
        assert_eq!(trust_of(&[vendor]).assumers, Assumers::UNCLEAR);
        for (principal, condition, expected) in [
            (
                r#""*""#,
                r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci"}}"#,
                Assumers::UNCLEAR,
            ),
            (r#""*""#, r#"{"Bool": {"aws:PrincipalIsAWSService": "true"}}"#, Assumers::UNCLEAR),
            (r#""*""#, r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#, people.clone()),
            (
                r#"{"AWS": "111122223333"}"#,
                r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/ci-*"}}"#,
                Assumers::UNCLEAR,
            ),
            (r#"{"AWS": "999988887777"}"#, r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#, people),
        ] {
            let fields = format!(
                r#""Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole", "Condition": {condition}"#
            );
            assert_eq!(trust_of(&[&fields]).assumers, expected, "{fields}");
        }
        let shut = r#""Effect": "Deny", "Principal": "*", "Action": "sts:*""#;
        assert_eq!(trust_of(&[saml, shut]).assumers, Assumers::UNCLEAR, "whom the Deny leaves");
    }

    #[test]
    fn what_is_no_trust_policy_is_unreadable() {
        assert_eq!(Trust::of_encoded("%7B", &AccountId::parse("111122223333").unwrap()), Trust::UNREADABLE);
        assert_eq!(trust_of(&[r#""Effect": "Allow", "Action": "sts:AssumeRole""#]), Trust::UNREADABLE);
        assert_eq!(trust_of(&[ALL, r#""Effect": "Deny", "Action": "sts:AssumeRole""#]), Trust::UNREADABLE);
    }

    fn any_statement(effect: &'static str) -> impl Strategy<Value = String> {
        let principals = prop::sample::select(vec![
            r#""Principal": "*""#,
            r#""Principal": {"AWS": "arn:aws:iam::111122223333:root"}"#,
            r#""NotPrincipal": {"AWS": "arn:aws:iam::111122223333:root"}"#,
            r#""Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/gitlab.com"}"#,
        ]);
        let actions =
            prop::sample::subsequence(vec!["sts:AssumeRole", "sts:*", "sts:TagSession", "*WebIdentity"], 1..3);
        let conditions = prop::sample::select(vec![
            "{}",
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#"{"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}"#,
            r#"{"StringEquals": {"gitlab.com:sub": "project_path:acme/app:*"}}"#,
            r#"{"StringEquals": {"aws:WhatIsNew": "x"}}"#,
        ]);
        (principals, actions, conditions).prop_map(move |(principals, actions, conditions)| {
            format!(r#""Effect": "{effect}", {principals}, "Action": {actions:?}, "Condition": {conditions}"#)
        })
    }

    proptest! {
        #[test]
        fn a_further_allow_shuts_nothing_and_a_further_deny_opens_nothing(
            before in prop::collection::vec(prop_oneof![any_statement("Allow"), any_statement("Deny")], 0..4),
            allow in any_statement("Allow"),
            deny in any_statement("Deny"),
        ) {
            let of = |more: &[&String]| {
                let all: Vec<&str> = before.iter().chain(more.iter().copied()).map(String::as_str).collect();
                openness_of(&all)
            };
            prop_assert!(of(&[&allow]) >= of(&[]));
            prop_assert!(of(&[&deny]) <= of(&[]));
        }
    }
}
