//! Words: what people and programs read.
//!
//! [`Alert`](alerts::Alert)s go in, a [`Message`] comes out: a subject, an email, and a [`Notification`] for programs, of which Slack and chats are
//! made. A report becomes the function's [`Answer`]. This crate sends nothing, and knows no AWS client, no clock and no
//! environment.

pub mod answer;
mod message;

pub use answer::{Answer, Answered, TestAlertAnswer};
pub use message::{
    Bulletin, Delivery, KNOCK, Links, MAX_BYTES, Message, Notification, RUNBOOK, Recipients, ReportLink, RunBulletin,
    SCHEMA, Session, TestAlert, chat, is_test_alert, knock, run_status, runbook, slack,
};
