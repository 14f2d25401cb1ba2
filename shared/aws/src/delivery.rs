//! What is sent: messages to SNS, posts to a webhook, findings to Security Hub, heartbeats to a watcher.

pub mod notifier;
pub mod security_hub;
mod watcher;
pub mod webhook;

pub use notifier::{Notifier, PublishError, Relays};
pub use security_hub::{SecurityHub, SecurityHubError};
pub use watcher::{HeartbeatError, send_heartbeat};
