//! A test alert: one message to every subscriber, on demand. It is no check: it reads who receives alerts and the account's alias, and
//! neither decides nor records anything about the account. What waits in the outbox keeps waiting.

use ::aws::{Ledger, Notifier};
use facts::{Account, AccountId};
use jiff::Timestamp;
use messages::answer::{Sending, TestAlertAnswer};
use messages::{Message, TestAlert};

use crate::{Error, Settings};

/// A test alert that is asked for.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) account: AccountId,
    /// The answer shows what would be sent.
    pub(crate) is_dry: bool,
    pub(crate) now: Timestamp,
}

impl Asked<'_> {
    /// Sends it, unless it is known that no one would get it. Where the subscriptions cannot be read, it is sent all the same.
    pub(crate) async fn send(self, ledger: &Ledger, notifier: &Notifier) -> Result<TestAlertAnswer, Error> {
        let Self { settings, account, is_dry, now } = self;
        let (recalled, functions) = tokio::join!(ledger.recall(now), notifier.subscribers());
        // Without the table the message names the account by its number.
        let alias = recalled.ok().and_then(|recalled| recalled.memory.journal.alias);
        let account = Account { id: account, alias, partition: settings.partition };
        let test = TestAlert::new(&settings.links, notifier.recipients());
        let message = Message::test_alert(&account, now, &test, &settings.runbook, &settings.links);
        let (functions, unread) = match functions {
            Ok(functions) => (functions, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let (sending, arrived) = match test.recipients {
            _ if is_dry => (Sending::Dry, Vec::new()),
            Some(recipients) if !recipients.are_any() => (Sending::NoSubscriber, Vec::new()),
            _ => {
                let (id, arrived) = notifier.publish_test(&message, &functions).await.map_err(Error::TestAlert)?;
                (Sending::Sent(id), arrived)
            }
        };
        let topic = &settings.topic_arn;
        let answer = TestAlertAnswer::new(account, test, message, topic, sending, &arrived, unread);
        tracing::info!(message_id = answer.message_id, problems = ?answer.problems, "test alert: {}", answer.summary);
        Ok(answer)
    }
}
