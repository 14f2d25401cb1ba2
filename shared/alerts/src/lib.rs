//! What is sent, given what was sent before.
//!
//! Memory and [`Report`](checklist::Report) go in, [`Alert`]s and the next memory come out. This crate stores and sends nothing itself, and
//! knows no AWS client, no clock and no environment.
//!
//! # Layout
//! - `alert`: [`decide`], with the life of a [`Condition`], the [`Digest`], and which items of the state table count;
//! - [`sweep`]: what has been looked through of CloudTrail;
//! - [`outbox`]: in which order alerts are sent.

mod alert;
pub mod outbox;
pub mod sweep;

pub use alert::{
    Acknowledge, AcknowledgeError, Acknowledged, Acknowledgement, Alert, BASELINE, Condition, ConditionAlert, Decision,
    Digest, FLAPPING_WITHIN, Failure, Fault, JOURNAL, Journal, LATE, Memory, NotAcknowledged, OUTAGE, Observation,
    OpenCondition, Policy, Reason, Rhythm, SCHEMA, STREAK, Seen, Transition, What, acknowledged, announce, decide,
    decide_with, follow, note_denials, observe, of_root, of_tampering, renewed,
};
