//! SNS: what it takes and what it refuses.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::fault::ServiceError;
use crate::iam::{Form, escape};
use crate::server::State;
use crate::story::Subscription;

const TOKEN: &str = "after-";

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The route of an organization whose topic it was sent to; `None`: the stack's own topic.
    pub route: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its bodies by protocol; `default` is the e-mail.
    pub bodies: BTreeMap<String, String>,
}

/// The topic is in one Region. With the name of the route that it is of.
fn find_topic(state: &State, region: &str, form: &Form) -> Result<(String, Option<String>), ServiceError> {
    let main = state.story.topic_arn();
    let wanted = form.get("TopicArn").cloned().unwrap_or_default();
    let prefix = format!("arn:aws:sns:{region}:{}:rootwatch-route-", state.story.account);
    let route = wanted.strip_prefix(&prefix).filter(|route| state.routes().any(|(name, _)| name == *route));
    match route {
        Some(route) => Ok((wanted.clone(), Some(route.to_owned()))),
        None if wanted == main && main.contains(&format!(":sns:{region}:")) => Ok((main, None)),
        None => Err(ServiceError::new(404, "NotFound", "Topic does not exist")),
    }
}

/// `ListSubscriptionsByTopic`: 100 a page.
pub(crate) fn list_subscriptions(state: &State, region: &str, form: &Form) -> Result<String, ServiceError> {
    let (topic, route) = find_topic(state, region, form)?;
    let of_route = route.map(|route| {
        let confirmed = state.routes().any(|(name, confirmed)| *name == route && confirmed);
        vec![Subscription { protocol: "email".into(), confirmed }]
    });
    let (subscriptions, account) = (of_route.as_ref().unwrap_or(&state.story.subscriptions), &state.story.account);
    let start = match form.get("NextToken").map(|token| token.strip_prefix(TOKEN).map(str::parse::<usize>)) {
        None => 0,
        Some(Some(Ok(start))) if start < subscriptions.len() => start,
        Some(_) => {
            return Err(ServiceError::new(400, "InvalidParameter", "Invalid parameter: NextToken"));
        }
    };
    let end = subscriptions.len().min(start.saturating_add(state.story.page_size.min(100)));
    let mut members = String::new();
    for (number, Subscription { protocol, confirmed }) in subscriptions.iter().enumerate().take(end).skip(start) {
        let arn = if *confirmed {
            format!("{topic}:00000000-0000-4000-a000-{number:012}")
        } else {
            "PendingConfirmation".to_owned()
        };
        let endpoint = match protocol.as_str() {
            "email" | "email-json" => format!("receiver-{number}@example.com"),
            "http" | "https" => format!("{protocol}://receiver-{number}.example.com/"),
            "lambda" => format!("arn:aws:lambda:eu-west-1:{account}:function:receiver-{number}"),
            _ => format!("arn:aws:{protocol}:eu-west-1:{account}:receiver-{number}"),
        };
        let _ = write!(
            members,
            "<member><SubscriptionArn>{arn}</SubscriptionArn><Owner>{account}</Owner><Protocol>{}</Protocol>\
             <Endpoint>{}</Endpoint><TopicArn>{topic}</TopicArn></member>",
            escape(protocol),
            escape(&endpoint)
        );
    }
    let next = if end < subscriptions.len() { format!("<NextToken>{TOKEN}{end}</NextToken>") } else { String::new() };
    Ok(format!(
        "<ListSubscriptionsByTopicResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
         <ListSubscriptionsByTopicResult><Subscriptions>{members}</Subscriptions>{next}</ListSubscriptionsByTopicResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></ListSubscriptionsByTopicResponse>"
    ))
}

pub(crate) fn publish(state: &mut State, region: &str, form: &Form) -> Result<String, ServiceError> {
    let invalid = |what: String| ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {what}"));
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    if form.get("TopicArn") == Some(&state.story.chat_topic_arn()) {
        return publish_to_chat(state, form);
    }
    let (_, route) = find_topic(state, region, form)?;
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
    state.published.push(Published { route, subject, bodies });
    Ok(taken(state.published.len()))
}

impl State {
    /// The topics of routes, and whether somebody has confirmed a subscription.
    fn routes(&self) -> impl Iterator<Item = (&String, bool)> {
        let organization = self.organization.as_ref();
        organization.into_iter().flat_map(|organization| organization.routes.iter().map(|(name, heard)| (name, *heard)))
    }
}

/// What Amazon Q draws: a custom notification, the same for every protocol.
fn publish_to_chat(state: &mut State, form: &Form) -> Result<String, ServiceError> {
    let invalid = |what: &str| ServiceError::new(400, "InvalidParameter", format!("Invalid parameter: {what}"));
    if form.contains_key("MessageStructure") {
        return Err(invalid("Amazon Q wants the message as it is"));
    }
    let message = form.get("Message").filter(|message| message.len() <= 262_144).ok_or_else(|| invalid("Message"))?;
    let message: Value = serde_json::from_str(message).map_err(|_| invalid("not JSON"))?;
    let text = |at: &str| message.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let is_right = text("/version") == "1.0"
        && text("/source") == "custom"
        && text("/content/textType") == "client-markdown"
        && text("/content/title").chars().count() <= 250
        && (1..=8_000).contains(&text("/content/description").chars().count());
    if !is_right {
        return Err(invalid("no custom notification"));
    }
    state.chats.push(message);
    Ok(taken(state.chats.len()))
}

fn taken(number: usize) -> String {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}</MessageId>\
         </PublishResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></PublishResponse>"
    )
}
