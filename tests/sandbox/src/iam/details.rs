//! `GetAccountAuthorizationDetails`: everybody in the account, with what they hold.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{Form, bounds, escape};
use crate::baseline::{InlinePolicy, Policy, Role};
use crate::fault::ServiceError;
use crate::server::State;
use crate::story::{Group, User};

/// RFC 3986 leaves these alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const MADE: &str = "<CreateDate>2024-02-01T08:00:00Z</CreateDate>";

enum Entity<'a> {
    User(&'a User),
    Role(&'a Role),
    Group(&'a Group),
    Policy(&'a Policy),
}

/// The four kinds share a page, in this order.
pub(super) fn answer(state: &State, form: &Form) -> Result<String, ServiceError> {
    let filters: Vec<&str> =
        form.iter().filter(|(key, _)| key.starts_with("Filter.member.")).map(|(_, value)| value.as_str()).collect();
    for filter in &filters {
        if !["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"].contains(filter) {
            return Err(ServiceError::new(400, "ValidationError", format!("{filter} is no entity type")));
        }
    }
    let (identities, baseline) = (&state.story.identities, &state.story.baseline);
    let mut entities: Vec<Entity<'_>> = Vec::new();
    let is_asked = |kind: &str| filters.is_empty() || filters.contains(&kind);
    if is_asked("User") {
        entities.extend(identities.users.iter().map(Entity::User));
    }
    if is_asked("Role") {
        entities.extend(baseline.roles.iter().map(Entity::Role));
    }
    if is_asked("Group") {
        entities.extend(identities.groups.iter().map(Entity::Group));
    }
    if is_asked("LocalManagedPolicy") {
        entities.extend(baseline.policies.iter().map(Entity::Policy));
    }
    let (start, end, rest) = bounds(state, form, entities.len())?;
    let account = state.story.account.as_str();
    let (mut users, mut roles, mut groups, mut policies) = Default::default();
    for entity in &entities[start..end] {
        match entity {
            Entity::User(user) => write_user(&mut users, user, state),
            Entity::Role(role) => write_role(&mut roles, role, state),
            Entity::Group(group) => write_group(&mut groups, group, state),
            Entity::Policy(policy) => write_policy(&mut policies, policy, account),
        }
    }
    Ok(format!(
        "<UserDetailList>{users}</UserDetailList><GroupDetailList>{groups}</GroupDetailList>\
         <RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies>{rest}"
    ))
}

fn write_user(xml: &mut String, user: &User, state: &State) {
    let account = state.story.account.as_str();
    let name = escape(&user.name);
    let groups: String = user.groups.iter().map(|group| format!("<member>{}</member>", escape(group))).collect();
    let _ = write!(
        xml,
        "<member><Path>/</Path><UserName>{name}</UserName><UserId>AIDAEXAMPLE</UserId>\
         <Arn>arn:aws:iam::{account}:user/{name}</Arn>{MADE}<GroupList>{groups}</GroupList>{}{}</member>",
        inline("UserPolicyList", &user.inline_policies, account),
        attached(&user.attached_policies, state),
    );
}

fn write_role(xml: &mut String, role: &Role, state: &State) {
    let account = state.story.account.as_str();
    let (name, path) = (escape(&role.name), escape(&role.path));
    let _ = write!(
        xml,
        "<member><Path>{path}</Path><RoleName>{name}</RoleName><RoleId>AROAEXAMPLE</RoleId>\
         <Arn>arn:aws:iam::{account}:role{path}{name}</Arn>{MADE}\
         <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument><InstanceProfileList/>{}{}</member>",
        encoded(&role.trust, account),
        inline("RolePolicyList", &role.inline_policies, account),
        attached(&role.attached_policies, state),
    );
}

fn write_group(xml: &mut String, group: &Group, state: &State) {
    let account = state.story.account.as_str();
    let name = escape(&group.name);
    let _ = write!(
        xml,
        "<member><Path>/</Path><GroupName>{name}</GroupName><GroupId>AGPAEXAMPLE</GroupId>\
         <Arn>arn:aws:iam::{account}:group/{name}</Arn>{MADE}{}{}</member>",
        inline("GroupPolicyList", &group.inline_policies, account),
        attached(&group.attached_policies, state),
    );
}

/// Each version, the newest first; that one is the default.
fn write_policy(xml: &mut String, policy: &Policy, account: &str) {
    let name = escape(&policy.name);
    let newest = policy.former.len() + 1;
    let documents = std::iter::once(&policy.document).chain(policy.former.iter().rev());
    let versions = (1..=newest).rev().zip(documents).fold(String::new(), |mut xml, (number, document)| {
        let _ = write!(
            xml,
            "<member><Document>{}</Document><VersionId>v{number}</VersionId>\
             <IsDefaultVersion>{}</IsDefaultVersion>{MADE}</member>",
            encoded(document, account),
            number == newest
        );
        xml
    });
    let _ = write!(
        xml,
        "<member><PolicyName>{name}</PolicyName><PolicyId>ANPAEXAMPLE</PolicyId>\
         <Arn>arn:aws:iam::{account}:policy/{name}</Arn><Path>/</Path><DefaultVersionId>v{newest}</DefaultVersionId>\
         <AttachmentCount>{}</AttachmentCount><PermissionsBoundaryUsageCount>0</PermissionsBoundaryUsageCount>\
         <IsAttachable>true</IsAttachable>{MADE}<PolicyVersionList>{versions}</PolicyVersionList></member>",
        policy.attachments
    );
}

/// Left out when there is none.
fn inline(tag: &str, policies: &[InlinePolicy], account: &str) -> String {
    if policies.is_empty() {
        return String::new();
    }
    let members = policies.iter().fold(String::new(), |mut xml, policy| {
        let (name, document) = (escape(&policy.name), encoded(&policy.document, account));
        let _ =
            write!(xml, "<member><PolicyName>{name}</PolicyName><PolicyDocument>{document}</PolicyDocument></member>");
        xml
    });
    format!("<{tag}>{members}</{tag}>")
}

/// A name that is no customer-managed policy of the story is one of AWS.
fn attached(policies: &[String], state: &State) -> String {
    let members = policies.iter().fold(String::new(), |mut xml, name| {
        let is_own = state.story.baseline.policies.iter().any(|policy| policy.name == *name);
        let owner = if is_own { state.story.account.as_str() } else { "aws" };
        let name = escape(name);
        let arn = format!("arn:aws:iam::{owner}:policy/{name}");
        let _ = write!(xml, "<member><PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn></member>");
        xml
    });
    format!("<AttachedManagedPolicies>{members}</AttachedManagedPolicies>")
}

/// A document as IAM gives it: URL-encoded.
fn encoded(document: &Value, account: &str) -> String {
    let text = document.as_str().map_or_else(|| document.to_string(), str::to_owned);
    utf8_percent_encode(&text.replace("{account}", account), RESERVED).to_string()
}
