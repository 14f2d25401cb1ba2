//! Benchmarks and tools with controls like ours.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Somebody else's list of controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Framework {
    /// CIS Amazon Web Services Foundations Benchmark 3.0.
    #[serde(rename = "cis-3.0")]
    Cis3,
    /// The same, 5.0.
    #[serde(rename = "cis-5.0")]
    Cis5,
    /// The same, 6.0.
    #[serde(rename = "cis-6.0")]
    Cis6,
    /// The same, 7.0.
    #[serde(rename = "cis-7.0")]
    Cis7,
    /// AWS Security Hub CSPM, all its standards.
    #[serde(rename = "security-hub")]
    SecurityHub,
    /// Managed rules of AWS Config.
    #[serde(rename = "aws-config")]
    Config,
    /// Checks of Prowler.
    #[serde(rename = "prowler")]
    Prowler,
}

impl Framework {
    /// All of them, in the order of the columns of `CONTROLS.md`.
    pub const ALL: &[Self] =
        &[Self::Cis3, Self::Cis5, Self::Cis6, Self::Cis7, Self::SecurityHub, Self::Config, Self::Prowler];

    /// Its name in JSON.
    pub fn id(self) -> &'static str {
        match self {
            Self::Cis3 => "cis-3.0",
            Self::Cis5 => "cis-5.0",
            Self::Cis6 => "cis-6.0",
            Self::Cis7 => "cis-7.0",
            Self::SecurityHub => "security-hub",
            Self::Config => "aws-config",
            Self::Prowler => "prowler",
        }
    }

    /// Where to read about its control called `name`.
    pub fn url(self, name: &str) -> String {
        match self {
            Self::Cis3 | Self::Cis5 | Self::Cis6 | Self::Cis7 => {
                "https://www.cisecurity.org/benchmark/amazon_web_services".into()
            }
            Self::SecurityHub => {
                let name = name.to_lowercase().replace('.', "-");
                let page = name.split('-').next().unwrap_or_default();
                format!("https://docs.aws.amazon.com/securityhub/latest/userguide/{page}-controls.html#{name}")
            }
            Self::Config => format!("https://docs.aws.amazon.com/config/latest/developerguide/{name}.html"),
            Self::Prowler => format!("https://hub.prowler.com/check/{name}"),
        }
    }
}

/// Its title.
impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cis3 => "CIS AWS Foundations 3.0",
            Self::Cis5 => "CIS AWS Foundations 5.0",
            Self::Cis6 => "CIS AWS Foundations 6.0",
            Self::Cis7 => "CIS AWS Foundations 7.0",
            Self::SecurityHub => "Security Hub",
            Self::Config => "AWS Config",
            Self::Prowler => "Prowler",
        })
    }
}
