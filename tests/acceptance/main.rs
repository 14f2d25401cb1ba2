//! The stories, against a loopback AWS account.
//!
//! - `stories`: each folder of `scenarios/` and what is sent;
//! - `function`: the real binary in a local Lambda Runtime API;
//! - `delivery`: what SNS may answer;
//! - `deployment`: template, events, documents and the actions that the code calls, held together;
//! - `documents`: what the documents and the workflow name exists, in the words of the glossary;
//! - `generated`: files that are written by `make bless`;
//! - `blind`: no channel reads as well while something was not seen;
//! - `account`: one account over several runs, for the next ones;
//! - `acknowledging`: no reminders of an alert until its acknowledgement ends;
//! - `series`: the four acts of the demo;
//! - `layers`: no circle among the files of a crate;
//! - `ledger`: runs that die, meet, and lose the table;
//! - `odd_items`: what somebody writes into the table;
//! - `publishing`: runs while SNS fails or nobody listens;
//! - `path`: the canary, the targets of rules, and Regions that deny;
//! - `passing_time`: runs one after the other, and a clock that jumps;
//! - `recording`: what a run writes down of an account, its own or another;
//! - `reporter`: what is kept of each run, and shown;
//! - `root_activity`: what EventBridge delivers;
//! - `rules`: by which rules it does;
//! - `slack`: from the topic to Slack or Amazon Q;
//! - `test_alerts`: a test alert, from the request to Slack;
//! - `organization`: runs over many accounts;
//! - `owner`: what the account's owner sets and sees;
//! - `faults`: every API in turn;
//! - `difference`: what a failing test prints of two texts or values: where they differ;
//! - `choosing`: which controls are judged, and what is read and permitted for them;
//! - `compat`: what 0.1.0 stored is read, and what is stored today 0.1.0 reads;
//! - `built_once`: the commands of the Makefile build each library in one form;
//! - `cases`: the table of cases and the tests that hold them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "every line here is a test"
)]

mod account;
mod acknowledging;
mod blind;
mod built_once;
mod cases;
mod choosing;
mod compat;
mod delivery;
mod deployment;
mod difference;
mod documents;
mod faults;
mod function;
mod generated;
mod layers;
mod ledger;
mod odd_items;
mod organization;
mod owner;
mod passing_time;
mod path;
mod publishing;
mod recording;
mod relays;
mod reporter;
mod root_activity;
mod rules;
mod series;
mod slack;
mod stories;
mod test_alerts;
