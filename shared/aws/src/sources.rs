//! What is read, one module a service.
//!
//! - For the five steps [`credential_report`], [`iam`], [`regions`], [`root_events`] with [`root_sessions`], [`trails`], [`watch`];
//! - for the account baseline [`analyzers`], [`billing_alarms`], [`buckets`], [`budgets`], [`contacts`], [`cost_reports`], [`data_exports`],
//!   [`federation`], [`identity_center`], [`organization`], [`root_password`].

use std::collections::BTreeSet;

use facts::Source;

pub mod analyzers;
pub mod billing_alarms;
pub mod buckets;
pub mod budgets;
pub mod contacts;
pub mod cost_reports;
pub mod credential_report;
pub mod data_exports;
pub mod federation;
pub mod iam;
pub mod identity_center;
pub mod organization;
pub mod regions;
pub mod root_events;
pub mod root_password;
pub mod root_sessions;
pub mod trails;
pub mod watch;

/// Every IAM action that is needed to read an account, each once, in the order of the alphabet: the policy for a dry run.
pub fn read_actions() -> Vec<&'static str> {
    let baseline = baseline_actions().into_iter().flat_map(|(_, actions)| actions).copied();
    let actions: BTreeSet<&str> = core_actions().into_iter().chain(baseline).collect();
    actions.into_iter().collect()
}

/// Every IAM action that is needed to watch over root, whichever controls are chosen.
pub fn core_actions() -> Vec<&'static str> {
    [credential_report::ACTIONS, iam::ACTIONS, regions::ACTIONS, root_events::ACTIONS, trails::ACTIONS].concat()
}

/// The sources that root monitoring does without, each with the IAM actions that it needs. Some of these the five steps need too.
pub fn baseline_actions() -> Vec<(Source, &'static [&'static str])> {
    vec![
        (Source::RolesAndPolicies, iam::ROLES_AND_POLICIES_ACTIONS),
        (Source::SupportAccess, iam::HOLDERS_ACTIONS),
        (Source::IdentityProviders, federation::ACTIONS),
        (Source::IdentityCenter, identity_center::ACTIONS),
        (Source::RootPasswordChange, root_password::ACTIONS),
        (Source::TrailBuckets, buckets::ACTIONS),
        (Source::CostReports, cost_reports::ACTIONS),
        (Source::DataExports, data_exports::ACTIONS),
        (Source::Budgets, budgets::ACTIONS),
        (Source::BillingAlarms, billing_alarms::ACTIONS),
        (Source::PrimaryContact, contacts::PRIMARY_ACTIONS),
        (Source::AlternateContacts, contacts::ALTERNATE_ACTIONS),
        (Source::Organization, organization::ACTIONS),
        (Source::CentralRootAccess, organization::CENTRAL_ROOT_ACCESS_ACTIONS),
        (Source::ServiceControlPolicies, organization::POLICIES_ACTIONS),
        (Source::Analyzers, analyzers::ACTIONS),
    ]
}
