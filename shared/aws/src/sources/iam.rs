//! The other facts of IAM, one call or a few pages each, never one call a user.

use aws_sdk_iam::Client;
use aws_sdk_iam::error::SdkError;
use aws_sdk_iam::operation::get_account_password_policy::GetAccountPasswordPolicyError;
use aws_sdk_iam::operation::get_account_summary::GetAccountSummaryError;
use aws_sdk_iam::types::{
    AttachedPolicy as SdkAttachedPolicy, EntityType, ManagedPolicyDetail, PolicyDetail, PolicyUsageType,
};
use facts::account_summary::AccountSummary;
use facts::identities::{
    AttachedPolicy, Group, Holders, IamUser, Identities, InlinePolicy, ManagedPolicy, Role, RolesAndPolicies,
    VirtualMfaDevice,
};
use facts::password_policy::PasswordPolicy;
use facts::policy_document::{Grants, Trust};
use facts::source::Cause;
use facts::{AccountId, Partition, Source, Unavailable, text};

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

/// Of these, what [`roles_and_policies`] calls.
pub const ROLES_AND_POLICIES_ACTIONS: &[&str] = &["iam:GetAccountAuthorizationDetails"];

/// Of these, what [`holders`] calls.
pub const HOLDERS_ACTIONS: &[&str] = &["iam:ListEntitiesForPolicy"];

/// The AWS managed policy that allows everything.
pub const ADMINISTRATOR_ACCESS: &str = "AdministratorAccess";
/// The AWS managed policy that allows to open cases with AWS Support.
pub const SUPPORT_ACCESS: &str = "AWSSupportAccess";

/// Largest page that IAM gives.
const PAGE: i32 = 1_000;
/// Page of roles and policies: each brings its documents, a policy up to five versions of up to 6,144 characters, URL-encoded. A
/// larger page would need memory that the function has not.
const DOCUMENTS_PAGE: i32 = 100;

/// The live counters.
pub async fn account_summary(client: &Client) -> Result<AccountSummary, Unavailable> {
    let summary = summary(client).await;
    summary.map_err(|error| unavailable(Source::AccountSummary, "iam:GetAccountSummary", &error))
}

/// The same, with what AWS said.
pub(crate) async fn summary(client: &Client) -> Result<AccountSummary, SdkError<GetAccountSummaryError>> {
    let answer = client.get_account_summary().send().await?;
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
pub async fn identities(client: &Client, account: &AccountId) -> Result<Identities, Unavailable> {
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
            attached_policies: attached_policies(user.attached_managed_policies()),
            inline_policies: inline_policies(user.user_policy_list(), account),
        }));
        identities.groups.extend(page.group_detail_list().iter().map(|group| Group {
            name: text::bounded(group.group_name().unwrap_or_default()),
            attached_policies: attached_policies(group.attached_managed_policies()),
            inline_policies: inline_policies(group.group_policy_list(), account),
        }));
    }
    Ok(identities)
}

/// All roles with whom they let in, and all customer-managed policies by their default version. Documents are evaluated page by page and
/// not kept (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>).
///
/// # Errors
/// When any page could not be read: half of the roles is no answer.
pub async fn roles_and_policies(client: &Client, account: &AccountId) -> Result<RolesAndPolicies, Unavailable> {
    let mut pages = client
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .filter(EntityType::LocalManagedPolicy)
        .max_items(DOCUMENTS_PAGE)
        .into_paginator()
        .send();
    let mut all = RolesAndPolicies::default();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| unavailable(Source::RolesAndPolicies, "iam:GetAccountAuthorizationDetails", &error))?;
        all.roles.extend(page.role_detail_list().iter().map(|role| Role {
            name: text::bounded(role.role_name().unwrap_or_default()),
            trust: Trust::of_encoded(role.assume_role_policy_document().unwrap_or_default(), account),
            attached_policies: attached_policies(role.attached_managed_policies()),
            inline_policies: inline_policies(role.role_policy_list(), account),
        }));
        all.policies.extend(page.policies().iter().map(|policy| managed_policy(policy, account)));
    }
    Ok(all)
}

/// Without a document of the default version it is unknown how much is allowed: an empty one is unreadable.
fn managed_policy(policy: &ManagedPolicyDetail, account: &AccountId) -> ManagedPolicy {
    let default = policy.policy_version_list().iter().find(|version| version.is_default_version());
    ManagedPolicy {
        name: text::bounded(policy.policy_name().unwrap_or_default()),
        // Without a number it may be attached, and so it is evaluated.
        attachments: policy.attachment_count().and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
        grants: Grants::of_encoded(default.and_then(|version| version.document()).unwrap_or_default(), account),
    }
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

/// Who holds the AWS managed policy `policy`, as [`ADMINISTRATOR_ACCESS`]; permissions boundaries do not count. `source` is what it
/// is read for.
pub async fn holders(
    client: &Client,
    partition: Partition,
    policy: &str,
    source: Source,
) -> Result<Holders, Unavailable> {
    let mut pages = client
        .list_entities_for_policy()
        .policy_arn(format!("arn:{}:iam::aws:policy/{policy}", partition.as_str()))
        .policy_usage_filter(PolicyUsageType::PermissionsPolicy)
        .max_items(PAGE)
        .into_paginator()
        .send();
    let mut holders = Holders::default();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| unavailable(source, "iam:ListEntitiesForPolicy", &error))?;
        holders.users.extend(names(page.policy_users().iter().map(|user| user.user_name())));
        holders.groups.extend(names(page.policy_groups().iter().map(|group| group.group_name())));
        holders.roles.extend(names(page.policy_roles().iter().map(|role| role.role_name())));
    }
    Ok(holders)
}

/// The account's alias; an account has one at most.
pub async fn account_alias(client: &Client) -> Result<Option<String>, Unavailable> {
    let answer = client.list_account_aliases().send().await;
    let answer = answer.map_err(|error| unavailable(Source::AccountAlias, "iam:ListAccountAliases", &error))?;
    Ok(answer.account_aliases().first().map(|alias| text::bounded(alias)))
}

/// AWS's own have `aws` in the place of the account
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html>).
fn attached_policies(policies: &[SdkAttachedPolicy]) -> Vec<AttachedPolicy> {
    let read = |policy: &SdkAttachedPolicy| AttachedPolicy {
        name: text::bounded(policy.policy_name().unwrap_or_default()),
        is_of_aws: policy.policy_arn().and_then(|arn| arn.split(':').nth(4)) == Some("aws"),
    };
    policies.iter().map(read).collect()
}

fn inline_policies(policies: &[PolicyDetail], account: &AccountId) -> Vec<InlinePolicy> {
    let read = |policy: &PolicyDetail| InlinePolicy {
        name: text::bounded(policy.policy_name().unwrap_or_default()),
        grants: Grants::of_encoded(policy.policy_document().unwrap_or_default(), account),
    };
    policies.iter().map(read).collect()
}

fn names<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Vec<String> {
    names.flatten().map(text::bounded).collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::error::ErrorMetadata;
    use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput as Details;
    use aws_sdk_iam::operation::get_account_password_policy::GetAccountPasswordPolicyOutput as PolicyOutput;
    use aws_sdk_iam::operation::get_account_summary::{GetAccountSummaryError, GetAccountSummaryOutput};
    use aws_sdk_iam::operation::list_account_aliases::ListAccountAliasesOutput;
    use aws_sdk_iam::operation::list_entities_for_policy::{
        ListEntitiesForPolicyError, ListEntitiesForPolicyOutput as Entities,
    };
    use aws_sdk_iam::operation::list_virtual_mfa_devices::{
        ListVirtualMFADevicesError, ListVirtualMfaDevicesOutput as Devices,
    };
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::error::NoSuchEntityException;
    use aws_sdk_iam::types::{
        GroupDetail, PasswordPolicy as SdkPolicy, PolicyGroup, PolicyRole, PolicyUser, PolicyVersion, RoleDetail,
        SummaryKeyType, User, UserDetail, VirtualMfaDevice as SdkDevice,
    };
    use aws_smithy_mocks::{RuleMode, mock, mock_client};

    use facts::policy_document::{Breadth, Openness};

    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").expect("an id")
    }

    fn denied() -> ErrorMetadata {
        ErrorMetadata::builder().code("AccessDenied").build()
    }

    #[tokio::test]
    async fn the_summary_is_read_by_its_keys() {
        let rule = mock!(Client::get_account_summary).then_output(|| {
            GetAccountSummaryOutput::builder()
                .summary_map(SummaryKeyType::AccountMfaEnabled, 1)
                .summary_map(SummaryKeyType::from("AccountPasswordPresent"), 1)
                .summary_map(SummaryKeyType::Users, 7)
                .build()
        });
        let summary = account_summary(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap();
        assert_eq!((summary.root_mfa, summary.root_password, summary.users), (Ok(1), Ok(1), Ok(7)));
        assert!(summary.root_access_keys.is_err(), "an absent key is unknown, not 0");
    }

    #[tokio::test]
    async fn a_denied_summary_names_the_operation() {
        let rule = mock!(Client::get_account_summary).then_error(|| GetAccountSummaryError::generic(denied()));
        let unavailable = account_summary(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap_err();
        assert_eq!(unavailable.to_string(), "account summary: iam:GetAccountSummary was denied (AccessDenied)");
    }

    #[tokio::test]
    async fn cr_19_no_policy_is_an_answer_and_a_denial_is_not() {
        let none = mock!(Client::get_account_password_policy).then_error(|| {
            GetAccountPasswordPolicyError::NoSuchEntityException(NoSuchEntityException::builder().build())
        });
        assert_eq!(password_policy(&mock_client!(aws_sdk_iam, [&none])).await, Ok(None));
        let denied =
            mock!(Client::get_account_password_policy).then_error(|| GetAccountPasswordPolicyError::generic(denied()));
        assert!(password_policy(&mock_client!(aws_sdk_iam, [&denied])).await.is_err());
        let empty = mock!(Client::get_account_password_policy).then_output(|| PolicyOutput::builder().build());
        assert!(password_policy(&mock_client!(aws_sdk_iam, [&empty])).await.is_err());
    }

    #[tokio::test]
    async fn all_nine_settings_are_read_and_zero_means_off() {
        let policy = |age, reuse| {
            SdkPolicy::builder()
                .minimum_password_length(14)
                .require_symbols(true)
                .require_numbers(false)
                .require_uppercase_characters(true)
                .require_lowercase_characters(false)
                .allow_users_to_change_password(true)
                .max_password_age(age)
                .password_reuse_prevention(reuse)
                .hard_expiry(true)
                .build()
        };
        let read = async |age, reuse| {
            let rule = mock!(Client::get_account_password_policy)
                .then_output(move || PolicyOutput::builder().password_policy(policy(age, reuse)).build());
            password_policy(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap().unwrap()
        };
        assert_eq!(
            read(90, 24).await,
            PasswordPolicy {
                minimum_length: 14,
                require_uppercase: true,
                require_lowercase: false,
                require_numbers: false,
                require_symbols: true,
                max_age_days: Some(90),
                hard_expiry: true,
                users_may_change: true,
                reuse_prevention: Some(24),
            }
        );
        let off = read(0, 0).await;
        assert_eq!((off.max_age_days, off.reuse_prevention), (None, None));
    }

    fn attached(arn: &str) -> SdkAttachedPolicy {
        let name = arn.rsplit('/').next().unwrap_or_default();
        SdkAttachedPolicy::builder().policy_name(name).policy_arn(arn).build()
    }

    #[tokio::test]
    async fn users_and_groups_come_from_all_pages_of_a_thousand() {
        let user = |name: &str| {
            UserDetail::builder()
                .user_name(name)
                .group_list("Administrators")
                .attached_managed_policies(attached("arn:aws-cn:iam::aws:policy/ReadOnlyAccess"))
                .attached_managed_policies(attached("arn:aws-cn:iam::111122223333:policy/team/deploy"))
                .user_policy_list(PolicyDetail::builder().policy_name("legacy").policy_document("%7B%7D").build())
                .build()
        };
        let first = mock!(Client::get_account_authorization_details)
            .match_requests(|request| {
                request.max_items() == Some(1_000)
                    && request.filter() == [EntityType::User, EntityType::Group]
                    && request.marker().is_none()
            })
            .then_output(move || {
                Details::builder().user_detail_list(user("alice")).is_truncated(true).marker("next").build()
            });
        let second = mock!(Client::get_account_authorization_details)
            .match_requests(|request| request.marker() == Some("next"))
            .then_output(|| {
                Details::builder()
                    .user_detail_list(UserDetail::builder().user_name("bob").build())
                    .group_detail_list(
                        GroupDetail::builder()
                            .group_name("Administrators")
                            .attached_managed_policies(attached("arn:aws:iam::aws:policy/PowerUserAccess"))
                            .build(),
                    )
                    .build()
            });
        let identities = identities(&mock_client!(aws_sdk_iam, [&first, &second]), &account()).await.unwrap();
        let power = AttachedPolicy { name: "PowerUserAccess".into(), is_of_aws: true };
        let administrators =
            Group { name: "Administrators".into(), attached_policies: vec![power], ..Group::default() };
        assert_eq!(identities.groups, [administrators]);
        assert_eq!(identities.users[1], IamUser { name: "bob".into(), ..IamUser::default() });
        assert_eq!(
            identities.users[0],
            IamUser {
                name: "alice".into(),
                groups: vec!["Administrators".into()],
                attached_policies: vec![
                    AttachedPolicy { name: "ReadOnlyAccess".into(), is_of_aws: true },
                    AttachedPolicy { name: "deploy".into(), is_of_aws: false },
                ],
                inline_policies: vec![InlinePolicy { name: "legacy".into(), grants: Grants::UNREADABLE }],
            }
        );
    }

    #[tokio::test]
    async fn half_of_the_users_is_no_answer() {
        let first = mock!(Client::get_account_authorization_details)
            .then_output(|| Details::builder().is_truncated(true).marker("next").build());
        let second = mock!(Client::get_account_authorization_details).then_error(|| {
            aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsError::generic(
                denied(),
            )
        });
        let unavailable = identities(&mock_client!(aws_sdk_iam, [&first, &second]), &account()).await.unwrap_err();
        assert_eq!(unavailable.source, Source::Identities);
    }

    #[tokio::test]
    async fn cr_20_a_device_carries_its_owner_by_arn() {
        let device =
            |serial: &str, user: Option<User>| SdkDevice::builder().serial_number(serial).set_user(user).build();
        let root = || {
            let user =
                User::builder().path("").user_name("").user_id("111122223333").create_date(DateTime::from_secs(0));
            user.arn("arn:aws:iam::111122223333:root").build()
        };
        let rule = mock!(Client::list_virtual_mfa_devices).then_output(move || {
            Devices::builder()
                .virtual_mfa_devices(device("arn:aws:iam::111122223333:mfa/phone", root().ok()).expect("a device"))
                .virtual_mfa_devices(device("arn:aws:iam::111122223333:mfa/spare", None).expect("a device"))
                .build()
                .expect("an answer")
        });
        let devices = virtual_mfa_devices(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap();
        let owners: Vec<_> = devices.iter().map(|device| device.owner_arn.as_deref()).collect();
        assert_eq!(owners, [Some("arn:aws:iam::111122223333:root"), None]);
    }

    #[tokio::test]
    async fn devices_come_from_all_pages_and_half_of_them_is_no_answer() {
        let page = |serial: &'static str, marker: Option<&'static str>| {
            let page = Devices::builder()
                .virtual_mfa_devices(SdkDevice::builder().serial_number(serial).build().expect("a device"));
            page.is_truncated(marker.is_some()).set_marker(marker.map(str::to_owned)).build().expect("an answer")
        };
        let first = || {
            mock!(Client::list_virtual_mfa_devices)
                .match_requests(|request| request.marker().is_none())
                .then_output(move || page("arn:aws:iam::111122223333:mfa/phone", Some("next")))
        };
        let rest =
            || mock!(Client::list_virtual_mfa_devices).match_requests(|request| request.marker() == Some("next"));
        let second = rest().then_output(move || page("arn:aws:iam::111122223333:mfa/spare", None));
        let devices = virtual_mfa_devices(&mock_client!(aws_sdk_iam, [&first(), &second])).await.unwrap();
        let serials: Vec<_> = devices.iter().map(|device| device.serial_number.as_str()).collect();
        assert_eq!(serials, ["arn:aws:iam::111122223333:mfa/phone", "arn:aws:iam::111122223333:mfa/spare"]);

        let second = rest().then_error(|| ListVirtualMFADevicesError::generic(denied()));
        let unavailable = virtual_mfa_devices(&mock_client!(aws_sdk_iam, [&first(), &second])).await.unwrap_err();
        assert_eq!(unavailable.source, Source::VirtualMfaDevices);
    }

    #[tokio::test]
    async fn holders_come_from_all_pages_by_permission_and_not_by_boundary() {
        let first = mock!(Client::list_entities_for_policy)
            .match_requests(|request| {
                request.policy_arn() == Some("arn:aws-cn:iam::aws:policy/AdministratorAccess")
                    && request.policy_usage_filter() == Some(&PolicyUsageType::PermissionsPolicy)
                    && request.marker().is_none()
            })
            .then_output(|| {
                Entities::builder()
                    .policy_users(PolicyUser::builder().user_name("alice").build())
                    .is_truncated(true)
                    .marker("next")
                    .build()
            });
        let second = mock!(Client::list_entities_for_policy).then_output(|| {
            Entities::builder()
                .policy_groups(PolicyGroup::builder().group_name("Administrators").build())
                .policy_roles(PolicyRole::builder().role_name("Admin").build())
                .build()
        });
        let client = mock_client!(aws_sdk_iam, RuleMode::Sequential, [&first, &second]);
        let read = holders(&client, Partition::China, ADMINISTRATOR_ACCESS, Source::Administrators).await.unwrap();
        let expected =
            Holders { users: vec!["alice".into()], groups: vec!["Administrators".into()], roles: vec!["Admin".into()] };
        assert_eq!(read, expected);
    }

    #[tokio::test]
    async fn a_denial_says_what_the_holders_were_asked_for() {
        let rule = mock!(Client::list_entities_for_policy)
            .match_requests(|request| request.policy_arn() == Some("arn:aws:iam::aws:policy/AWSSupportAccess"))
            .then_error(|| ListEntitiesForPolicyError::generic(denied()));
        let client = mock_client!(aws_sdk_iam, [&rule]);
        let unavailable = holders(&client, Partition::Aws, SUPPORT_ACCESS, Source::SupportAccess).await.unwrap_err();
        assert_eq!(unavailable.to_string(), "support access: iam:ListEntitiesForPolicy was denied (AccessDenied)");
    }

    const ALLOW_ALL: &str = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
    const ALLOW_ONE: &str = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22s3%3AGetObject%22%2C%22Resource%22%3A%22%2A%22%7D%7D";
    const TRUST_ALL: &str = "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%22%2A%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D";

    #[tokio::test]
    async fn roles_and_policies_come_from_all_pages_and_the_pages_are_small() {
        let first = mock!(Client::get_account_authorization_details)
            .match_requests(|request| {
                request.max_items() == Some(100)
                    && request.filter() == [EntityType::Role, EntityType::LocalManagedPolicy]
                    && request.marker().is_none()
            })
            .then_output(|| {
                let inline = PolicyDetail::builder().policy_name("all").policy_document(ALLOW_ALL).build();
                let role = RoleDetail::builder()
                    .role_name("Open")
                    .assume_role_policy_document(TRUST_ALL)
                    .attached_managed_policies(attached("arn:aws:iam::111122223333:policy/deploy"));
                Details::builder()
                    .role_detail_list(role.role_policy_list(inline).build())
                    .is_truncated(true)
                    .marker("next")
                    .build()
            });
        let second =
            mock!(Client::get_account_authorization_details).match_requests(|request| request.marker() == Some("next"));
        let second = second.then_output(|| {
            let version = |document: &str, is_default| {
                PolicyVersion::builder().document(document).is_default_version(is_default).build()
            };
            let policy = ManagedPolicyDetail::builder()
                .policy_name("deploy")
                .attachment_count(3)
                .permissions_boundary_usage_count(7)
                .policy_version_list(version(ALLOW_ALL, false))
                .policy_version_list(version(ALLOW_ONE, true));
            Details::builder()
                .policies(policy.build())
                .policies(ManagedPolicyDetail::builder().policy_name("empty").build())
                .role_detail_list(RoleDetail::builder().role_name("Bare").build())
                .build()
        });
        let read = roles_and_policies(&mock_client!(aws_sdk_iam, [&first, &second]), &account()).await.unwrap();
        let everything = Grants::of_encoded(ALLOW_ALL, &account());
        let inline = InlinePolicy { name: "all".into(), grants: everything };
        assert_eq!(everything.breadth(), Breadth::Everything);
        let open = Role {
            name: "Open".into(),
            trust: Trust::of_encoded(TRUST_ALL, &account()),
            attached_policies: vec![AttachedPolicy { name: "deploy".into(), is_of_aws: false }],
            inline_policies: vec![inline],
        };
        assert_eq!(open.trust.openness, Openness::Everyone);
        let bare = Role {
            name: "Bare".into(),
            trust: Trust::UNREADABLE,
            attached_policies: Vec::new(),
            inline_policies: Vec::new(),
        };
        assert_eq!(read.roles, [open, bare]);
        assert_eq!(
            read.policies,
            [
                ManagedPolicy { name: "deploy".into(), attachments: 3, grants: Grants::LIMITED },
                ManagedPolicy { name: "empty".into(), attachments: 1, grants: Grants::UNREADABLE },
            ]
        );
    }

    #[tokio::test]
    async fn half_of_the_roles_is_no_answer() {
        let first = mock!(Client::get_account_authorization_details)
            .then_output(|| Details::builder().is_truncated(true).marker("next").build());
        let second = mock!(Client::get_account_authorization_details).then_error(|| {
            aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsError::generic(
                denied(),
            )
        });
        let unavailable =
            roles_and_policies(&mock_client!(aws_sdk_iam, [&first, &second]), &account()).await.unwrap_err();
        assert_eq!(
            unavailable.to_string(),
            "roles and policies: iam:GetAccountAuthorizationDetails was denied (AccessDenied)"
        );
    }

    #[tokio::test]
    async fn an_account_has_an_alias_or_none() {
        let alias = async |answer: fn() -> ListAccountAliasesOutput| {
            let rule = mock!(Client::list_account_aliases).then_output(answer);
            account_alias(&mock_client!(aws_sdk_iam, [&rule])).await.unwrap()
        };
        let with = || ListAccountAliasesOutput::builder().account_aliases("acme-prod").build().expect("an answer");
        let without =
            || ListAccountAliasesOutput::builder().set_account_aliases(Some(Vec::new())).build().expect("an answer");
        assert_eq!((alias(with).await.as_deref(), alias(without).await), (Some("acme-prod"), None));
    }
}
