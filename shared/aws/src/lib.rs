//! The adapters: an AWS account into a [`checklist::Snapshot`], what is remembered into a table, a [`checklist::Message`] into SNS.
//! SDK types end here.
//!
//! # Layout
//! - [`client`]: how every SDK client is built (time limits, retries, one shared connector);
//! - [`Collector`]: all sources at once; each module reads one service:
//!   - for the five steps [`credential_report`], [`iam`], [`regions`], [`root_events`], [`trails`], [`watch`];
//!   - for the account baseline [`analyzers`], [`billing_alarms`], [`buckets`], [`budgets`], [`contacts`], [`cost_reports`],
//!     [`data_exports`], [`federation`], [`identity_center`], [`organization`], [`root_password`];
//! - [`ledger`]: what was told, and what waits; [`drain()`]: tells it, through [`Notifier`];
//! - [`SecurityHub`]: findings for Security Hub;
//! - [`send_heartbeat`]: a watcher outside the account; [`webhook`]: Slack, at an address that [`parameter`] reads;
//! - [`report_link`]: a link to the report that the reporter keeps;
//! - [`ReportBucket`]: where reports are kept;
//! - [`failure`]: an SDK error in the words of the checklist.
//!
//! Each module that calls AWS lists the IAM actions it needs beside the calls, as `ACTIONS`; a test holds their unions and the
//! stack's roles together.

use std::collections::BTreeSet;

use checklist::Source;

pub mod analyzers;
pub mod billing_alarms;
pub mod buckets;
pub mod budgets;
mod calls;
pub mod client;
mod collector;
pub mod contacts;
pub mod cost_reports;
pub mod credential_report;
pub mod data_exports;
mod drain;
pub mod failure;
pub mod federation;
pub mod iam;
pub mod identity_center;
pub mod ledger;
mod notifier;
pub mod organization;
pub mod parameter;
pub mod regions;
pub mod report_bucket;
pub mod report_link;
mod room;
pub mod root_events;
pub mod root_password;
pub mod root_sessions;
pub mod security_hub;
pub mod trails;
pub mod watch;
mod watcher;
pub mod webhook;

pub use collector::{Collector, Look};
pub use drain::{Drained, drain};
pub use ledger::{Lease, Ledger, LedgerError};
pub use notifier::{Notifier, PublishError, Relays};
pub use report_bucket::{ReportBucket, ReportBucketError};
pub use security_hub::{SecurityHub, SecurityHubError};
pub use watcher::{HeartbeatError, send_heartbeat};

/// Every IAM action that is needed to read an account, each once, in the order of the alphabet: the policy for a dry run.
pub fn read_actions() -> Vec<&'static str> {
    let core = [credential_report::ACTIONS, iam::ACTIONS, regions::ACTIONS, root_events::ACTIONS, trails::ACTIONS];
    let baseline = baseline_actions().into_iter().map(|(_, actions)| actions);
    let actions: BTreeSet<&str> = core.into_iter().chain(baseline).flatten().copied().collect();
    actions.into_iter().collect()
}

/// The sources that the watch over root does without, each with the IAM actions that it needs. Some of these the five steps need too.
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

/// Every IAM action that is needed to write down what was seen, and to tell it.
pub fn telling_actions() -> Vec<&'static str> {
    [ledger::ACTIONS, notifier::ACTIONS].concat()
}

/// Every IAM action that a function needs to note what became of the messages that it passes on.
pub fn passing_actions() -> Vec<&'static str> {
    ledger::NOTE_ACTIONS.to_vec()
}

/// Every IAM action of a check: to read, to tell, and to let whoever is told open the report.
pub fn actions() -> Vec<&'static str> {
    [read_actions().as_slice(), watch::ACTIONS, &telling_actions(), report_link::ACTIONS].concat()
}

/// An SDK time in ours; `None` outside of years -9999 to 9999.
fn timestamp(time: &aws_smithy_types::DateTime) -> Option<jiff::Timestamp> {
    let nanoseconds = i32::try_from(time.subsec_nanos()).ok()?;
    jiff::Timestamp::new(time.secs(), nanoseconds).ok()
}
