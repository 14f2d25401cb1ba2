//! A secret out of the SSM Parameter Store.

use aws_config::SdkConfig;
use checklist::snapshot::Cause;

use crate::failure;

/// The IAM actions that are called here; a `SecureString` also needs `kms:Decrypt` of its key.
pub const ACTIONS: &[&str] = &["ssm:GetParameter"];

/// Reads one parameter.
#[derive(Debug)]
pub struct Parameter {
    client: aws_sdk_ssm::Client,
    name: String,
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

/// A value that stays out of logs and errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// `value`, hidden from now on.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Parameter {
    /// The parameter called `name`.
    pub fn new(config: &SdkConfig, name: impl Into<String>) -> Self {
        Self { client: aws_sdk_ssm::Client::new(config), name: name.into() }
    }

    /// Its value, decrypted, without white space around it.
    ///
    /// # Errors
    /// After retries.
    pub async fn read(&self) -> Result<Secret, ParameterError> {
        let failed = |cause| ParameterError { name: self.name.clone(), cause };
        let answer = self.client.get_parameter().name(&self.name).with_decryption(true).send().await;
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
    use aws_sdk_ssm::Client;
    use aws_sdk_ssm::operation::get_parameter::{GetParameterError, GetParameterOutput};
    use aws_sdk_ssm::types::Parameter as Found;
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const NAME: &str = "/rootwatch/slack-webhook";

    async fn read(rule: &Rule) -> Result<Secret, ParameterError> {
        let client = mock_client!(aws_sdk_ssm, RuleMode::MatchAny, [rule]);
        Parameter { client, name: NAME.into() }.read().await
    }

    fn found(value: Option<&'static str>) -> Rule {
        mock!(Client::get_parameter)
            .match_requests(|request| request.name() == Some(NAME) && request.with_decryption() == Some(true))
            .then_output(move || {
                let parameter = Found::builder().set_value(value.map(str::to_owned)).build();
                GetParameterOutput::builder().parameter(parameter).build()
            })
    }

    #[tokio::test]
    async fn a_parameter_is_read_decrypted_and_without_white_space_around_it() {
        assert_eq!(read(&found(Some(" secret\n"))).await.unwrap().reveal(), "secret");
    }

    #[tokio::test]
    async fn a_parameter_without_a_value_is_an_error_and_not_an_empty_secret() {
        for value in [None, Some(""), Some(" \n")] {
            let error = read(&found(value)).await.unwrap_err();
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
            let rule = mock!(Client::get_parameter)
                .then_error(move || GetParameterError::generic(ErrorMetadata::builder().code(code).build()));
            let error = read(&rule).await.unwrap_err();
            assert_eq!(error.to_string(), format!("ssm:GetParameter of /rootwatch/slack-webhook {words}"));
        }
    }

    #[test]
    fn se_1_a_secret_is_not_in_its_debug_output() {
        assert_eq!(format!("{:?}", Secret::new("hidden")), "Secret(..)");
    }
}
