//! Findings in Security Hub: made, updated in place and resolved by ids that stay the same
//! (<https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html>).

use std::collections::BTreeMap;
use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_securityhub::Client;
use aws_sdk_securityhub::operation::batch_import_findings::BatchImportFindingsError;
use aws_sdk_securityhub::operation::batch_import_findings::BatchImportFindingsOutput;
use aws_sdk_securityhub::types::{
    AwsSecurityFinding, Compliance as SdkCompliance, ComplianceStatus, FindingProviderFields, FindingProviderSeverity,
    Partition as SdkPartition, Recommendation, RecordState as SdkRecordState, Remediation as SdkRemediation,
    Resource as SdkResource, SeverityLabel,
};
use checklist::finding::ControlId;
use facts::source::Cause;
use facts::text::bounded;
use facts::{AccountId, Partition, Severity};
use jiff::Timestamp;

use crate::failure;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["securityhub:BatchImportFindings"];

/// Most findings of a call
/// (<https://docs.aws.amazon.com/securityhub/latest/partnerguide/guidelines-batchimportfindings.html>).
const MAX_FINDINGS: usize = 100;
/// Of the format's taxonomy; Security Hub refuses a finding without a type.
const TYPE: &str = "Software and Configuration Checks/AWS Security Best Practices";
const SCHEMA_VERSION: &str = "2018-10-08";

/// Imports findings into Security Hub of one account and Region.
#[derive(Debug)]
pub struct SecurityHub {
    client: Client,
    account: AccountId,
    region: String,
    partition: Partition,
}

/// How a control stands, in what Security Hub can hold. Texts are one line each and not empty; lengths are in bytes, so
/// that they hold however Security Hub counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityFinding {
    /// The finding's id is made of it, and what makes findings is called so.
    pub control: ControlId,
    /// At most [`SecurityFinding::MAX_TITLE`].
    pub title: String,
    /// At most [`SecurityFinding::MAX_DESCRIPTION`].
    pub description: String,
    /// How bad a failure is.
    pub severity: Severity,
    /// How it stands.
    pub compliance: Compliance,
    /// Whether there is still something to do.
    pub record: RecordState,
    /// What it is about, beside the account itself; at most [`SecurityFinding::MAX_RESOURCES`].
    pub resources: Vec<Resource>,
    /// How to fix it; at most [`SecurityFinding::MAX_REMEDIATION`].
    pub remediation: String,
    /// Where to read more.
    pub url: Option<String>,
    /// What standards ask, as `CIS AWS Foundations 5.0/1.4`; at most [`SecurityFinding::MAX_REQUIREMENTS`], of at most
    /// [`SecurityFinding::MAX_REQUIREMENT`].
    pub requirements: Vec<String>,
    /// What only we have, by name; at most 50, of at most [`SecurityFinding::MAX_FIELD`].
    pub fields: BTreeMap<String, String>,
    /// Since when it stands so.
    pub created_at: Timestamp,
    /// When it was evaluated. Security Hub ignores what is not younger than what it has.
    pub updated_at: Timestamp,
}

/// How a control stands, in the words of Security Hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compliance {
    /// As it should be.
    Passed,
    /// Not as it should be.
    Failed,
    /// It could not be seen.
    Warning,
    /// There is nothing to evaluate.
    NotAvailable,
}

/// Whether a finding is shown as one of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// It is.
    Active,
    /// It is resolved, or there is nothing to do.
    Archived,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// In the words of the format, as `AwsIamUser`; `Other` for what has none.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

/// What Security Hub took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// So many findings; also those that it has already.
    pub findings: usize,
}

/// A finding that Security Hub did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The finding's id.
    pub id: String,
    /// As `InvalidInput`.
    pub code: String,
    /// In the words of Security Hub.
    pub message: String,
}

/// Findings that Security Hub did not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecurityHubError {
    /// Nothing was taken.
    #[error(
        "securityhub:BatchImportFindings in {region} failed (InvalidAccess): Security Hub CSPM is not enabled in this \
         account and Region, or does not accept findings of custom products; enable it, or choose not to send findings"
    )]
    NotEnabled {
        /// Where.
        region: String,
    },
    /// The call failed after retries; Security Hub may have taken findings all the same.
    #[error("securityhub:BatchImportFindings in {region} {cause}")]
    Failed {
        /// Where.
        region: String,
        /// What happened.
        cause: Cause,
    },
    /// These were not taken; all others were.
    #[error(
        "securityhub:BatchImportFindings in {region} refused {} of {sent} findings: {}",
        .refused.len(),
        listed(.refused)
    )]
    Refused {
        /// Where.
        region: String,
        /// How many were sent.
        sent: usize,
        /// Each one that was not taken.
        refused: Vec<Refused>,
    },
}

fn listed(refused: &[Refused]) -> String {
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: {})", self.id, self.code, self.message)
    }
}

impl SecurityFinding {
    /// Bytes of a title.
    pub const MAX_TITLE: usize = 256;
    /// Bytes of a description.
    pub const MAX_DESCRIPTION: usize = 1024;
    /// Bytes of a recommendation.
    pub const MAX_REMEDIATION: usize = 512;
    /// Resources beside the account.
    pub const MAX_RESOURCES: usize = 31;
    /// Bytes of a resource's name.
    pub const MAX_RESOURCE: usize = 512;
    /// Requirements.
    pub const MAX_REQUIREMENTS: usize = 32;
    /// Bytes of a requirement.
    pub const MAX_REQUIREMENT: usize = 64;
    /// Bytes of a field's value.
    pub const MAX_FIELD: usize = 2048;
}

impl SecurityHub {
    /// Security Hub of `account` in `region`.
    pub fn new(config: &SdkConfig, account: AccountId, region: impl Into<String>, partition: Partition) -> Self {
        Self { client: Client::new(config), account, region: region.into(), partition }
    }

    /// Makes each of `findings`, or updates the one that is there. Sending the same once more changes nothing.
    ///
    /// # Errors
    /// See [`SecurityHubError`].
    pub async fn import(&self, findings: &[SecurityFinding]) -> Result<Imported, SecurityHubError> {
        let mut refused = Vec::new();
        for batch in findings.chunks(MAX_FINDINGS) {
            let batch = batch.iter().map(|finding| self.in_their_format(finding)).collect();
            let answer = self.client.batch_import_findings().set_findings(Some(batch)).send().await;
            let answer = answer.map_err(|error| match error.as_service_error() {
                Some(BatchImportFindingsError::InvalidAccessException(_)) => self.not_enabled(),
                _ => self.failed(failure::cause(&error)),
            })?;
            refused.extend(self.refused(&answer)?);
        }
        if !refused.is_empty() {
            let region = self.region.clone();
            return Err(SecurityHubError::Refused { region, sent: findings.len(), refused });
        }
        Ok(Imported { findings: findings.len() })
    }

    /// What `answer` names as not taken.
    fn refused(&self, answer: &BatchImportFindingsOutput) -> Result<Vec<Refused>, SecurityHubError> {
        let failed = answer.failed_findings();
        if usize::try_from(answer.failed_count().unwrap_or(0)).ok() != Some(failed.len()) {
            let detail = "FailedCount is not the number of FailedFindings".into();
            return Err(self.failed(Cause::Malformed { detail }));
        }
        // So it is answered too, by finding and not by call.
        if failed.iter().any(|error| error.error_code() == Some("InvalidAccess")) {
            return Err(self.not_enabled());
        }
        let text = |text: Option<&str>| bounded(text.unwrap_or("-"));
        let refused = failed.iter().map(|error| Refused {
            id: text(error.id()),
            code: text(error.error_code()),
            message: text(error.error_message()),
        });
        Ok(refused.collect())
    }

    fn not_enabled(&self) -> SecurityHubError {
        SecurityHubError::NotEnabled { region: self.region.clone() }
    }

    fn failed(&self, cause: Cause) -> SecurityHubError {
        SecurityHubError::Failed { region: self.region.clone(), cause }
    }

    /// The same for every run, so that a finding is updated in place.
    fn id(&self, control: ControlId) -> String {
        format!("rootwatch/{}/{}/{control}", self.account, self.region)
    }

    fn in_their_format(&self, finding: &SecurityFinding) -> AwsSecurityFinding {
        let Self { account, region, partition, .. } = self;
        let partition_name = partition.as_str();
        // Severity and types of the provider stand here; those of the finding itself are the customer's to change.
        let provided = FindingProviderFields::builder()
            .severity(FindingProviderSeverity::builder().label(label(finding.severity)).build())
            .types(TYPE)
            .build();
        let compliance = SdkCompliance::builder()
            .status(finding.compliance.status())
            .set_related_requirements(Some(finding.requirements.clone()).filter(|some| !some.is_empty()))
            .build();
        let recommendation = Recommendation::builder().text(&finding.remediation).set_url(finding.url.clone()).build();
        let resource = |kind: &str, id: &str| {
            SdkResource::builder().r#type(kind).id(id).partition(SdkPartition::from(partition_name)).build()
        };
        let named = finding.resources.iter().map(|named| resource(named.kind, &named.name));
        let whole = resource("AwsAccount", &format!("AWS::::Account:{account}"));
        AwsSecurityFinding::builder()
            .schema_version(SCHEMA_VERSION)
            .id(self.id(finding.control))
            .product_arn(format!("arn:{partition_name}:securityhub:{region}:{account}:product/{account}/default"))
            .product_name("rootwatch")
            .company_name("rootwatch")
            .generator_id(format!("rootwatch/{}", finding.control))
            .aws_account_id(account.as_str())
            .created_at(finding.created_at.to_string())
            .updated_at(finding.updated_at.to_string())
            .title(&finding.title)
            .description(&finding.description)
            .finding_provider_fields(provided)
            .compliance(compliance)
            .record_state(finding.record.state())
            .set_resources(Some([whole].into_iter().chain(named).collect()))
            .remediation(SdkRemediation::builder().recommendation(recommendation).build())
            .set_product_fields(Some(finding.fields.clone().into_iter().collect()))
            .build()
    }
}

impl Compliance {
    fn status(self) -> ComplianceStatus {
        match self {
            Self::Passed => ComplianceStatus::Passed,
            Self::Failed => ComplianceStatus::Failed,
            Self::Warning => ComplianceStatus::Warning,
            Self::NotAvailable => ComplianceStatus::NotAvailable,
        }
    }
}

impl RecordState {
    fn state(self) -> SdkRecordState {
        match self {
            Self::Active => SdkRecordState::Active,
            Self::Archived => SdkRecordState::Archived,
        }
    }
}

fn label(severity: Severity) -> SeverityLabel {
    match severity {
        Severity::Informational => SeverityLabel::Informational,
        Severity::Low => SeverityLabel::Low,
        Severity::Medium => SeverityLabel::Medium,
        Severity::High => SeverityLabel::High,
        Severity::Critical => SeverityLabel::Critical,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_securityhub::error::ErrorMetadata;
    use aws_sdk_securityhub::types::ImportFindingsError;
    use aws_sdk_securityhub::types::error::{
        InternalException, InvalidAccessException, InvalidInputException, LimitExceededException,
    };
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
    use checklist::CHECKLIST;

    use super::*;

    fn finding() -> SecurityFinding {
        SecurityFinding {
            control: CHECKLIST[0].id,
            title: "Root has no access key".into(),
            description: "Root has an access key.".into(),
            severity: Severity::Critical,
            compliance: Compliance::Failed,
            record: RecordState::Active,
            resources: vec![Resource { kind: "AwsIamUser", name: "alice".into() }],
            remediation: "Delete it.".into(),
            url: Some("https://docs.aws.amazon.com/".into()),
            requirements: vec!["CIS AWS Foundations 5.0/1.3".into()],
            fields: BTreeMap::from([("rootwatch/step".to_owned(), "1".to_owned())]),
            created_at: "2026-11-01T10:00:00Z".parse().unwrap(),
            updated_at: "2026-11-20T10:00:00Z".parse().unwrap(),
        }
    }

    fn hub(rules: &[&Rule]) -> SecurityHub {
        SecurityHub {
            client: mock_client!(aws_sdk_securityhub, RuleMode::Sequential, rules),
            account: AccountId::parse("111122223333").unwrap(),
            region: "eu-west-1".into(),
            partition: Partition::Aws,
        }
    }

    fn taken(count: i32) -> BatchImportFindingsOutput {
        BatchImportFindingsOutput::builder().failed_count(0).success_count(count).build()
    }

    fn refused(code: &'static str, message: &'static str) -> Rule {
        mock!(Client::batch_import_findings).then_output(move || {
            let error = ImportFindingsError::builder()
                .id("rootwatch/111122223333/eu-west-1/root-mfa")
                .error_code(code)
                .error_message(message)
                .build();
            BatchImportFindingsOutput::builder().failed_count(1).success_count(0).failed_findings(error).build()
        })
    }

    fn fails(error: impl Fn() -> BatchImportFindingsError + Send + Sync + 'static) -> Rule {
        mock!(Client::batch_import_findings).then_error(error)
    }

    async fn error_of(rule: Rule) -> String {
        hub(&[&rule]).import(&[finding()]).await.unwrap_err().to_string()
    }

    /// What is sent of `findings`, call by call.
    async fn sent(findings: &[SecurityFinding]) -> Vec<Vec<AwsSecurityFinding>> {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let rule = mock!(Client::batch_import_findings)
            .match_requests(move |request| {
                seen.lock().expect("one thread").push(request.findings().to_vec());
                true
            })
            .sequence()
            .output(|| taken(1))
            .repeatedly()
            .build();
        assert_eq!(hub(&[&rule]).import(findings).await, Ok(Imported { findings: findings.len() }));
        let calls = calls.lock().expect("one thread");
        calls.clone()
    }

    #[tokio::test]
    async fn a_finding_stands_in_their_format_with_an_id_of_account_region_and_control() {
        let calls = sent(&[finding()]).await;
        let sent = &calls[0][0];
        assert_eq!(sent.id(), Some("rootwatch/111122223333/eu-west-1/root-access-keys"));
        let product = "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default";
        assert_eq!((sent.product_arn(), sent.schema_version()), (Some(product), Some("2018-10-08")));
        assert_eq!(
            (sent.aws_account_id(), sent.generator_id()),
            (Some("111122223333"), Some("rootwatch/root-access-keys"))
        );
        assert_eq!(
            (sent.created_at(), sent.updated_at()),
            (Some("2026-11-01T10:00:00Z"), Some("2026-11-20T10:00:00Z"))
        );
        let provided = sent.finding_provider_fields().unwrap();
        assert_eq!(provided.severity().unwrap().label(), Some(&SeverityLabel::Critical));
        assert_eq!(provided.types(), [TYPE]);
        assert!(sent.severity().is_none() && sent.types().is_empty(), "those are the customer's");
        assert!(sent.workflow().is_none() && sent.note().is_none() && sent.user_defined_fields().is_none());
        assert_eq!(sent.record_state(), Some(&SdkRecordState::Active));
        let compliance = sent.compliance().unwrap();
        assert_eq!(compliance.status(), Some(&ComplianceStatus::Failed));
        assert_eq!(compliance.related_requirements(), ["CIS AWS Foundations 5.0/1.3"]);
        let resources: Vec<_> = sent.resources().iter().map(|resource| (resource.r#type(), resource.id())).collect();
        let account = (Some("AwsAccount"), Some("AWS::::Account:111122223333"));
        assert_eq!(resources, [account, (Some("AwsIamUser"), Some("alice"))]);
    }

    #[tokio::test]
    async fn a_product_of_another_partition_has_its_arn_there() {
        let hub = SecurityHub { region: "cn-north-1".into(), partition: Partition::China, ..hub(&[]) };
        let sent = hub.in_their_format(&finding());
        assert!(sent.product_arn().unwrap().starts_with("arn:aws-cn:securityhub:cn-north-1:"));
        assert_eq!(sent.resources()[0].partition(), Some(&SdkPartition::AwsCn));
    }

    #[tokio::test]
    async fn every_status_state_and_severity_has_a_word() {
        let of = |compliance, record, severity| {
            let sent = hub(&[]).in_their_format(&SecurityFinding { compliance, record, severity, ..finding() });
            let label = sent.finding_provider_fields().unwrap().severity().unwrap().label().unwrap().to_string();
            let status = sent.compliance().unwrap().status().unwrap().to_string();
            [status, sent.record_state().unwrap().to_string(), label]
        };
        assert_eq!(of(Compliance::Passed, RecordState::Archived, Severity::Low), ["PASSED", "ARCHIVED", "LOW"]);
        assert_eq!(of(Compliance::Failed, RecordState::Active, Severity::High), ["FAILED", "ACTIVE", "HIGH"]);
        assert_eq!(of(Compliance::Warning, RecordState::Active, Severity::Medium), ["WARNING", "ACTIVE", "MEDIUM"]);
        let none = of(Compliance::NotAvailable, RecordState::Archived, Severity::Informational);
        assert_eq!(none, ["NOT_AVAILABLE", "ARCHIVED", "INFORMATIONAL"]);
    }

    #[tokio::test]
    async fn a_call_has_at_most_a_hundred_findings_and_none_is_no_call() {
        let sizes = |calls: Vec<Vec<AwsSecurityFinding>>| calls.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(sent(&vec![finding(); 100]).await), [100]);
        assert_eq!(sizes(sent(&vec![finding(); 201]).await), [100, 100, 1]);
        assert_eq!(hub(&[]).import(&[]).await, Ok(Imported { findings: 0 }));
    }

    #[tokio::test]
    async fn findings_that_are_refused_are_named_and_the_next_batch_is_sent() {
        let first = refused("InvalidInput", "data.Title should NOT be longer\nthan 256 characters.");
        let second = mock!(Client::batch_import_findings).then_output(|| taken(1));
        let error = hub(&[&first, &second]).import(&vec![finding(); 101]).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "securityhub:BatchImportFindings in eu-west-1 refused 1 of 101 findings: \
             rootwatch/111122223333/eu-west-1/root-mfa \
             (InvalidInput: data.Title should NOT be longer than 256 characters.)"
        );
        assert_eq!(second.num_calls(), 1);
    }

    #[tokio::test]
    async fn security_hub_that_is_not_enabled_says_what_to_do_however_it_is_answered() {
        let exception = fails(|| {
            let message = "Account 111122223333 is not subscribed to AWS Security Hub";
            BatchImportFindingsError::InvalidAccessException(InvalidAccessException::builder().message(message).build())
        });
        for rule in [exception, refused("InvalidAccess", "Security Hub is not enabled")] {
            let error = hub(&[&rule]).import(&[finding()]).await.unwrap_err();
            assert_eq!(error, SecurityHubError::NotEnabled { region: "eu-west-1".into() });
            assert!(error.to_string().contains("is not enabled in this account and Region"), "{error}");
            assert!(error.to_string().ends_with("enable it, or choose not to send findings"), "{error}");
        }
    }

    #[tokio::test]
    async fn every_other_error_names_the_call_and_the_region() {
        let denied =
            fails(|| BatchImportFindingsError::generic(ErrorMetadata::builder().code("AccessDeniedException").build()));
        let prefix = "securityhub:BatchImportFindings in eu-west-1";
        assert_eq!(error_of(denied).await, format!("{prefix} was denied (AccessDeniedException)"));
        let metadata = |code: &str| ErrorMetadata::builder().code(code).build();
        let cases: [(Rule, &str); 3] = [
            (
                fails(move || {
                    let error = InternalException::builder().meta(metadata("InternalException")).build();
                    BatchImportFindingsError::InternalException(error)
                }),
                "InternalException",
            ),
            (
                fails(move || {
                    let error = InvalidInputException::builder().meta(metadata("InvalidInputException")).build();
                    BatchImportFindingsError::InvalidInputException(error)
                }),
                "InvalidInputException",
            ),
            (
                fails(move || {
                    let error = LimitExceededException::builder().meta(metadata("LimitExceededException")).build();
                    BatchImportFindingsError::LimitExceededException(error)
                }),
                "LimitExceededException",
            ),
        ];
        for (rule, code) in cases {
            assert_eq!(error_of(rule).await, format!("{prefix} failed ({code})"));
        }
    }

    #[tokio::test]
    async fn an_answer_that_counts_what_it_does_not_name_is_no_success() {
        let rule = mock!(Client::batch_import_findings)
            .then_output(|| BatchImportFindingsOutput::builder().failed_count(2).success_count(0).build());
        assert!(error_of(rule).await.contains("cannot be used: FailedCount is not the number of FailedFindings"));
    }
}
