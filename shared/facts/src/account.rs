//! Which account is looked at.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A twelve-digit AWS account id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
pub struct AccountId(String);

impl TryFrom<String> for AccountId {
    type Error = AccountIdError;

    fn try_from(text: String) -> Result<Self, AccountIdError> {
        Self::parse(&text)
    }
}

/// `text` is not an account id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an account id has twelve digits, not `{found}`")]
pub struct AccountIdError {
    found: String,
}

impl AccountId {
    /// Parses exactly twelve ASCII digits.
    pub fn parse(text: &str) -> Result<Self, AccountIdError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(AccountIdError { found: crate::text::bounded(text) })
        }
    }

    /// The account that owns `arn`, its fifth field.
    pub fn from_arn(arn: &str) -> Result<Self, AccountIdError> {
        Self::parse(arn.split(':').nth(4).unwrap_or_default())
    }

    /// ARN of its root user in `partition`.
    pub fn root_arn(&self, partition: Partition) -> String {
        format!("arn:{}:iam::{self}:root", partition.as_str())
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A group of Regions with its own accounts, endpoints and ARNs
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Partition {
    /// The commercial Regions.
    #[serde(rename = "aws")]
    Aws,
    /// The Regions in China.
    #[serde(rename = "aws-cn")]
    China,
    /// AWS GovCloud (US).
    #[serde(rename = "aws-us-gov")]
    GovCloud,
}

impl Partition {
    /// The partition that `region` belongs to.
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::China
        } else if region.starts_with("us-gov-") {
            Self::GovCloud
        } else {
            Self::Aws
        }
    }

    /// As it stands in an ARN.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
        }
    }

    /// Where CloudTrail records a root sign-in: any of these, so all are always swept
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html>).
    pub fn sign_in_regions(self) -> &'static [&'static str] {
        match self {
            Self::Aws => &["us-east-1", "us-east-2", "us-west-2"],
            Self::China => &["cn-north-1"],
            Self::GovCloud => &["us-gov-west-1"],
        }
    }

    /// Host name suffix of services.
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
        }
    }

    /// Host name suffix of the management console.
    pub fn console_domain(self) -> &'static str {
        match self {
            Self::Aws => "console.aws.amazon.com",
            Self::China => "console.amazonaws.cn",
            Self::GovCloud => "console.amazonaws-us-gov.com",
        }
    }
}

/// The account a snapshot was taken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// The name people know; `null` when none is set or it could not be read.
    pub alias: Option<String>,
    /// The partition the function runs in.
    pub partition: Partition,
}

impl Account {
    /// ARN of the root user.
    pub fn root_arn(&self) -> String {
        self.id.root_arn(self.partition)
    }
}

/// `acme-prod (111122223333)`, or the id alone.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.alias {
            Some(alias) => write!(f, "{alias} ({})", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits_and_nothing_else() {
        assert!(AccountId::parse("111122223333").is_ok());
        for text in ["", "11112222333", "1111222233334", "11112222333x", "１１１１２２２２３３３３"] {
            assert!(AccountId::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            AccountId::from_arn("arn:aws:lambda:eu-west-1:111122223333:function:x").map(|id| id.to_string()),
            Ok("111122223333".to_owned())
        );
        assert!(AccountId::from_arn("no arn").is_err());
    }

    #[test]
    fn a_region_tells_its_partition() {
        for (region, partition) in
            [("eu-west-1", Partition::Aws), ("cn-north-1", Partition::China), ("us-gov-west-1", Partition::GovCloud)]
        {
            assert_eq!(Partition::of_region(region), partition);
            assert!(partition.sign_in_regions().iter().all(|region| Partition::of_region(region) == partition));
        }
    }
}
