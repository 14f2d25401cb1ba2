//! Secrets out of the SSM Parameter Store.

use aws::delivery::webhook::Secret;
use aws::failure;
use aws_config::SdkConfig;
use facts::source::Cause;

/// The IAM actions that are called here; a `SecureString` also needs `kms:Decrypt` of its key.
pub const ACTIONS: &[&str] = &["ssm:GetParameter"];

/// Reads parameters.
#[derive(Debug)]
pub struct Parameters {
    client: aws_sdk_ssm::Client,
}

/// The parameter could not be read. Its value is in no error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("ssm:GetParameter of {name} {cause}")]
pub struct ParameterError {
    /// The parameter's name.
    pub name: String,
    /// What happened.
    pub cause: Cause,
}

impl Parameters {
    /// Those of the account and the Region of `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: aws_sdk_ssm::Client::new(config) }
    }

    /// The value of the parameter called `name`, decrypted, without white space around it.
    ///
    /// # Errors
    /// After retries.
    pub async fn read(&self, name: &str) -> Result<Secret, ParameterError> {
        let failed = |cause| ParameterError { name: name.to_owned(), cause };
        let answer = self.client.get_parameter().name(name).with_decryption(true).send().await;
        let answer = answer.map_err(|error| failed(failure::cause(&error)))?;
        let value = answer.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
        match value.trim() {
            "" => Err(failed(Cause::Malformed { detail: "it has no value".into() })),
            value => Ok(Secret::new(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::retry::RetryConfig;
    use aws_config::{BehaviorVersion, Region};
    use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use serde_json::{Value, json};

    use super::*;

    const NAME: &str = "/rootwatch/slack-webhook";

    /// Reads the parameter where SSM answers so.
    async fn read(status: u16, answer: Value) -> Result<Secret, ParameterError> {
        let http = infallible_client_fn(move |request: http::Request<SdkBody>| {
            assert_eq!(request.headers()["x-amz-target"], "AmazonSSM.GetParameter");
            let asked: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
            assert_eq!(asked, json!({"Name": NAME, "WithDecryption": true}));
            http::Response::builder().status(status).body(answer.to_string()).unwrap()
        });
        let credentials = Credentials::new("AKIAEXAMPLE", "s", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        Parameters::new(&config).read(NAME).await
    }

    #[tokio::test]
    async fn a_parameter_is_read_decrypted_and_without_white_space_around_it() {
        let found = json!({"Parameter": {"Name": NAME, "Type": "SecureString", "Value": " secret\n"}});
        assert_eq!(read(200, found).await.unwrap().reveal(), "secret");
    }

    #[tokio::test]
    async fn a_parameter_without_a_value_is_an_error_and_not_an_empty_secret() {
        for parameter in [json!({}), json!({"Value": ""}), json!({"Value": " \n"})] {
            let error = read(200, json!({"Parameter": parameter})).await.unwrap_err();
            assert_eq!(
                error.to_string(),
                "ssm:GetParameter of /rootwatch/slack-webhook gave an answer that cannot be used: it has no value"
            );
        }
    }

    #[tokio::test]
    async fn sl_6_a_parameter_that_is_missing_or_denied_is_named_with_the_code() {
        for (code, words) in [
            ("ParameterNotFound", "failed (ParameterNotFound)"),
            ("AccessDeniedException", "was denied (AccessDeniedException)"),
        ] {
            let error = read(400, json!({"__type": code})).await.unwrap_err();
            assert_eq!(error.to_string(), format!("ssm:GetParameter of /rootwatch/slack-webhook {words}"));
        }
    }
}
