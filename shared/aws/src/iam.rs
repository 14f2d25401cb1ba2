//! The other facts of IAM, one call or a few pages each, never one call a user.

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_password_policy::GetAccountPasswordPolicyError;
use aws_sdk_iam::types::{EntityType, PolicyUsageType};
use checklist::account_summary::AccountSummary;
use checklist::identities::{Administrators, IamUser, Identities, VirtualMfaDevice};
use checklist::password_policy::PasswordPolicy;
use checklist::snapshot::Cause;
use checklist::{Partition, Source, Unavailable, text};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &[
    "iam:GetAccountAuthorizationDetails",
    "iam:GetAccountPasswordPolicy",
    "iam:GetAccountSummary",
    "iam:ListAccountAliases",
    "iam:ListEntitiesForPolicy",
    "iam:ListVirtualMFADevices",
];

/// Largest page that IAM gives.
const PAGE: i32 = 1_000;

/// The live counters.
pub async fn account_summary(client: &Client) -> Result<AccountSummary, Unavailable> {
    let answer = client.get_account_summary().send().await;
    let answer = answer.map_err(|error| unavailable(Source::AccountSummary, "iam:GetAccountSummary", &error))?;
    let counters = answer.summary_map().cloned().unwrap_or_default();
    Ok(AccountSummary::from_counters(|key| counters.get(&key.into()).copied()))
}

/// The password policy; `None` when the account has none of its own.
pub async fn password_policy(client: &Client) -> Result<Option<PasswordPolicy>, Unavailable> {
    let operation = "iam:GetAccountPasswordPolicy";
    let answer = match client.get_account_password_policy().send().await {
        Ok(answer) => answer,
        Err(error) => {
            return match error.as_service_error() {
                Some(GetAccountPasswordPolicyError::NoSuchEntityException(_)) => Ok(None),
                _ => Err(unavailable(Source::PasswordPolicy, operation, &error)),
            };
        }
    };
    let malformed = |detail: &str| Unavailable {
        source: Source::PasswordPolicy,
        operation: operation.into(),
        cause: Cause::Malformed { detail: detail.into() },
    };
    let policy = answer.password_policy().ok_or_else(|| malformed("PasswordPolicy is missing"))?;
    let length = policy.minimum_password_length().ok_or_else(|| malformed("MinimumPasswordLength is missing"))?;
    Ok(Some(PasswordPolicy {
        minimum_length: length,
        require_uppercase: policy.require_uppercase_characters(),
        require_lowercase: policy.require_lowercase_characters(),
        require_numbers: policy.require_numbers(),
        require_symbols: policy.require_symbols(),
        // 0 means the same as absent: never, off.
        max_age_days: policy.max_password_age().filter(|days| *days > 0),
        hard_expiry: policy.hard_expiry().unwrap_or(false),
        users_may_change: policy.allow_users_to_change_password(),
        reuse_prevention: policy.password_reuse_prevention().filter(|count| *count > 0),
    }))
}

/// All users with their groups and policies, and all groups.
pub async fn identities(client: &Client) -> Result<Identities, Unavailable> {
    let mut pages = client
        .get_account_authorization_details()
        .filter(EntityType::User)
        .filter(EntityType::Group)
        .max_items(PAGE)
        .into_paginator()
        .send();
    let mut identities = Identities::default();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| unavailable(Source::Identities, "iam:GetAccountAuthorizationDetails", &error))?;
        identities.users.extend(page.user_detail_list().iter().map(|user| IamUser {
            name: text::bounded(user.user_name().unwrap_or_default()),
            groups: user.group_list().to_vec(),
            attached_policies: names(user.attached_managed_policies().iter().map(|policy| policy.policy_name())),
            inline_policies: names(user.user_policy_list().iter().map(|policy| policy.policy_name())),
        }));
        identities.groups.extend(names(page.group_detail_list().iter().map(|group| group.group_name())));
    }
    Ok(identities)
}

/// Every virtual MFA device, assigned or not.
pub async fn virtual_mfa_devices(client: &Client) -> Result<Vec<VirtualMfaDevice>, Unavailable> {
    let mut pages = client.list_virtual_mfa_devices().max_items(PAGE).into_paginator().send();
    let mut devices = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::VirtualMfaDevices, "iam:ListVirtualMFADevices", &error))?;
        devices.extend(page.virtual_mfa_devices().iter().map(|device| VirtualMfaDevice {
            serial_number: text::bounded(device.serial_number()),
            owner_arn: device.user().map(|user| user.arn().to_owned()).filter(|arn| !arn.is_empty()),
        }));
    }
    Ok(devices)
}

/// Who holds the AWS managed policy AdministratorAccess; permissions boundaries do not count.
pub async fn administrators(client: &Client, partition: Partition) -> Result<Administrators, Unavailable> {
    let mut pages = client
        .list_entities_for_policy()
        .policy_arn(format!("arn:{}:iam::aws:policy/AdministratorAccess", partition.as_str()))
        .policy_usage_filter(PolicyUsageType::PermissionsPolicy)
        .max_items(PAGE)
        .into_paginator()
        .send();
    let mut administrators = Administrators::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(Source::Administrators, "iam:ListEntitiesForPolicy", &error))?;
        administrators.users.extend(names(page.policy_users().iter().map(|user| user.user_name())));
        administrators.groups.extend(names(page.policy_groups().iter().map(|group| group.group_name())));
        administrators.roles.extend(names(page.policy_roles().iter().map(|role| role.role_name())));
    }
    Ok(administrators)
}

/// The account's alias; an account has one at most.
pub async fn account_alias(client: &Client) -> Result<Option<String>, Unavailable> {
    let answer = client.list_account_aliases().send().await;
    let answer = answer.map_err(|error| unavailable(Source::AccountAlias, "iam:ListAccountAliases", &error))?;
    Ok(answer.account_aliases().first().map(|alias| text::bounded(alias)))
}

fn names<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
    names.flatten().map(text::bounded).collect()
}
