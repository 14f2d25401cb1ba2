//! Whom AWS reaches when something is wrong: whether a person is named. Who it is, is neither kept nor logged.

use aws_sdk_account::Client;
use aws_sdk_account::operation::get_alternate_contact::GetAlternateContactError;
use aws_sdk_account::operation::get_contact_information::GetContactInformationError;
use aws_sdk_account::types::{AlternateContactType, PhoneNumberVerificationStatus as Status};
use facts::contacts::{AlternateContacts, PhoneVerification, PrimaryContact};
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that [`primary`] calls.
pub const PRIMARY_ACTIONS: &[&str] = &["account:GetContactInformation"];

/// The IAM actions that [`alternate`] calls.
pub const ALTERNATE_ACTIONS: &[&str] = &["account:GetAlternateContact"];

/// The primary contact; `None`: there is none. The account's own id is left out of the request, as the service wants; `client` must be
/// of [`crate::sources::regions::endpoint_region`]
/// (<https://docs.aws.amazon.com/accounts/latest/reference/API_GetContactInformation.html>).
pub async fn primary(client: &Client) -> Result<Option<PrimaryContact>, Unavailable> {
    match client.get_contact_information().send().await {
        Ok(answer) => Ok(Some(PrimaryContact { phone: verification(answer.verification_status()) })),
        Err(error) => match error.as_service_error() {
            Some(GetContactInformationError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(unavailable(Source::PrimaryContact, "account:GetContactInformation", &error)),
        },
    }
}

fn verification(status: Option<&Status>) -> PhoneVerification {
    match status {
        Some(Status::Verified) => PhoneVerification::Verified,
        Some(Status::Unverified) => PhoneVerification::Unverified,
        Some(Status::Pending) => PhoneVerification::Pending,
        Some(Status::NotSupported) => PhoneVerification::NotSupported,
        _ => PhoneVerification::NotTold,
    }
}

/// Which of the three alternate contacts are set, a call each
/// (<https://docs.aws.amazon.com/accounts/latest/reference/API_GetAlternateContact.html>).
///
/// # Errors
/// When any of the three could not be read.
pub async fn alternate(client: &Client) -> Result<AlternateContacts, Unavailable> {
    // All of them, so that of several failures always the same one is reported.
    let (security, operations, billing) = tokio::join!(
        is_set(client, AlternateContactType::Security),
        is_set(client, AlternateContactType::Operations),
        is_set(client, AlternateContactType::Billing),
    );
    Ok(AlternateContacts { security: security?, operations: operations?, billing: billing? })
}

async fn is_set(client: &Client, kind: AlternateContactType) -> Result<bool, Unavailable> {
    let operation = format!("account:GetAlternateContact of {kind}");
    match client.get_alternate_contact().alternate_contact_type(kind).send().await {
        Ok(answer) => Ok(answer.alternate_contact().is_some()),
        Err(error) => match error.as_service_error() {
            Some(GetAlternateContactError::ResourceNotFoundException(_)) => Ok(false),
            _ => Err(unavailable(Source::AlternateContacts, &operation, &error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_account::error::ErrorMetadata;
    use aws_sdk_account::operation::get_alternate_contact::GetAlternateContactOutput;
    use aws_sdk_account::operation::get_contact_information::GetContactInformationOutput;
    use aws_sdk_account::types::error::ResourceNotFoundException;
    use aws_sdk_account::types::{AlternateContact, ContactInformation};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    fn not_found() -> ResourceNotFoundException {
        ResourceNotFoundException::builder()
            .message("No contact of the inputted alternate contact type found.")
            .build()
            .expect("an error")
    }

    fn denied() -> ErrorMetadata {
        ErrorMetadata::builder().code("AccessDeniedException").build()
    }

    async fn primary_by(rule: Rule) -> Result<Option<PrimaryContact>, Unavailable> {
        primary(&mock_client!(aws_sdk_account, [&rule])).await
    }

    fn answers(status: Option<Status>) -> Rule {
        mock!(Client::get_contact_information).match_requests(|request| request.account_id().is_none()).then_output(
            move || {
                let contact = ContactInformation::builder()
                    .full_name("Alice")
                    .address_line1("1 Main Street")
                    .city("Springfield")
                    .postal_code("12345")
                    .country_code("US")
                    .phone_number("+15550100")
                    .build()
                    .expect("a contact");
                GetContactInformationOutput::builder()
                    .contact_information(contact)
                    .set_verification_status(status.clone())
                    .build()
            },
        )
    }

    #[tokio::test]
    async fn of_the_primary_contact_only_the_state_of_its_phone_is_kept() {
        let cases = [
            (Some(Status::Verified), PhoneVerification::Verified),
            (Some(Status::Unverified), PhoneVerification::Unverified),
            (Some(Status::Pending), PhoneVerification::Pending),
            (Some(Status::NotSupported), PhoneVerification::NotSupported),
            (Some(Status::from("NEWER")), PhoneVerification::NotTold),
            (None, PhoneVerification::NotTold),
        ];
        for (status, phone) in cases {
            assert_eq!(primary_by(answers(status)).await, Ok(Some(PrimaryContact { phone })));
        }
    }

    #[tokio::test]
    async fn no_primary_contact_is_an_answer_and_a_denial_is_not() {
        let none = mock!(Client::get_contact_information)
            .then_error(|| GetContactInformationError::ResourceNotFoundException(not_found()));
        assert_eq!(primary_by(none).await, Ok(None));
        let denied =
            mock!(Client::get_contact_information).then_error(|| GetContactInformationError::generic(denied()));
        assert_eq!(
            primary_by(denied).await.unwrap_err().to_string(),
            "primary contact: account:GetContactInformation was denied (AccessDeniedException)"
        );
    }

    /// `found`: answers for this kind, as if a person were set.
    fn set(kind: AlternateContactType) -> Rule {
        mock!(Client::get_alternate_contact)
            .match_requests(move |request| {
                request.account_id().is_none() && request.alternate_contact_type() == Some(&kind)
            })
            .then_output(|| {
                let contact = AlternateContact::builder().name("Alice").email_address("alice@example.com").build();
                GetAlternateContactOutput::builder().alternate_contact(contact).build()
            })
    }

    fn not_set() -> Rule {
        mock!(Client::get_alternate_contact)
            .then_error(|| GetAlternateContactError::ResourceNotFoundException(not_found()))
    }

    async fn alternate_by(rules: &[&Rule]) -> Result<AlternateContacts, Unavailable> {
        alternate(&mock_client!(aws_sdk_account, RuleMode::MatchAny, rules)).await
    }

    #[tokio::test]
    async fn each_alternate_contact_is_asked_for_alone() {
        let contacts = |security, operations, billing| AlternateContacts { security, operations, billing };
        let not_set = not_set();
        let cases = [
            (AlternateContactType::Security, contacts(true, false, false)),
            (AlternateContactType::Operations, contacts(false, true, false)),
            (AlternateContactType::Billing, contacts(false, false, true)),
        ];
        for (kind, expected) in cases {
            assert_eq!(alternate_by(&[&set(kind), &not_set]).await, Ok(expected));
        }
        assert_eq!(alternate_by(&[&not_set]).await, Ok(contacts(false, false, false)));
        assert_eq!(not_set.num_calls(), 9);
    }

    #[tokio::test]
    async fn two_contacts_of_three_are_no_answer() {
        let denied = mock!(Client::get_alternate_contact)
            .match_requests(|request| request.alternate_contact_type() == Some(&AlternateContactType::Operations))
            .then_error(|| GetAlternateContactError::generic(denied()));
        assert_eq!(
            alternate_by(&[&denied, &not_set()]).await.unwrap_err().to_string(),
            "alternate contacts: account:GetAlternateContact of OPERATIONS was denied (AccessDeniedException)"
        );
    }
}
