//! Routes of an organization: each has a topic of its own, and the URL of its webhook in a parameter of its own.

use facts::text::bounded;

/// Where the topics of routes lead, by the names that a stack gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routes {
    stack: String,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name of its topic.
    pub topic: String,
    /// Name of the parameter that holds the URL of its webhook.
    pub parameter: String,
}

/// The message is of a topic that is no route's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the message is of the topic `{topic}`, which is no route's: subscribe this function only to topics named {stack}-route-<name>, where \
     <name> is 1 to 64 letters, digits, hyphens and underscores; nothing was called"
)]
pub struct TopicError {
    topic: String,
    stack: String,
}

impl Routes {
    /// The routes whose parameters begin with `prefix`, which is `/<stack>/routes/`. The topics' names follow from the same stack.
    pub fn parse(prefix: &str) -> Option<Self> {
        let stack = prefix.strip_prefix('/')?.strip_suffix("/routes/")?;
        let is_stack = !stack.is_empty() && stack.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_stack.then(|| Self { stack: stack.to_owned() })
    }

    /// The route whose topic has this ARN.
    ///
    /// # Errors
    /// For any other topic, and without one.
    pub fn of(&self, topic_arn: Option<&str>) -> Result<Route, TopicError> {
        let topic_arn = topic_arn.unwrap_or_default();
        let parts: Vec<&str> = topic_arn.split(':').collect();
        let name = match parts.as_slice() {
            ["arn", _, "sns", _, _, topic] => {
                topic.strip_prefix(&self.stack).and_then(|rest| rest.strip_prefix("-route-"))
            }
            _ => None,
        };
        match name.filter(|name| is_name(name)) {
            Some(name) => {
                let Self { stack } = self;
                Ok(Route { topic: format!("{stack}-route-{name}"), parameter: format!("/{stack}/routes/{name}") })
            }
            None => Err(TopicError { topic: bounded(topic_arn), stack: self.stack.clone() }),
        }
    }
}

/// Nothing that would lead to another parameter.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topic: &str) -> Result<Route, TopicError> {
        Routes::parse("/root-watch/routes/").unwrap().of(Some(&format!("arn:aws:sns:eu-west-1:111122223333:{topic}")))
    }

    #[test]
    fn the_end_of_a_topics_name_is_the_name_of_its_route_and_of_its_parameter() {
        for name in ["payments", "A_b-9", "-route-", "x".repeat(64).as_str()] {
            let topic = format!("root-watch-route-{name}");
            let route = Route { topic: topic.clone(), parameter: format!("/root-watch/routes/{name}") };
            assert_eq!(of(&topic), Ok(route), "{name}");
        }
    }

    #[test]
    fn a_topic_of_another_form_is_an_error_that_names_it_and_says_which_are_accepted() {
        let long = format!("root-watch-route-{}", "x".repeat(65));
        for topic in [
            "root-watch",
            "root-watch-chat",
            "root-watch-route-",
            "root-watch-routes-payments",
            "root-watch-2-route-payments",
            "other-root-watch-route-payments",
            "root-watch-route-a.fifo",
            "root-watch-route-a/b",
            "root-watch-route-ä",
            "root-watch-route-a:b",
            "",
            &long,
        ] {
            let error = of(topic).unwrap_err().to_string();
            let named = topic.chars().take(40).collect::<String>();
            assert!(error.contains(&named) && error.contains("named root-watch-route-<name>"), "{topic}: {error}");
        }
        let routes = Routes::parse("/root-watch/routes/").unwrap();
        for arn in
            [None, Some("root-watch-route-payments"), Some("arn:aws:sqs:eu-west-1:111122223333:root-watch-route-a")]
        {
            assert!(routes.of(arn).is_err(), "{arn:?}");
        }
    }

    #[test]
    fn a_prefix_is_of_a_stack_and_ends_with_its_routes() {
        for wrong in [
            "",
            "/",
            "/routes/",
            "//routes/",
            "rootwatch/routes/",
            "/rootwatch/routes",
            "/rootwatch/",
            "/a/b/routes/",
            "/a*/routes/",
        ] {
            assert_eq!(Routes::parse(wrong), None, "{wrong}");
        }
    }
}
