//! Account Management: Regions and contacts. It has one endpoint, and takes no id of the caller's own account.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::page::{FIELDS, Pages};
use crate::server::State;

const REGIONS: Pages = Pages {
    list: "Regions",
    fields: FIELDS,
    sizes: 1..=50,
    usual: 20,
    errors: ("ValidationException", "ValidationException"),
};

pub(crate) fn answer(state: &State, operation: &str, region: &str, request: &Value) -> Result<Value, ServiceError> {
    ServiceError::unless_in_us_east_1(region)?;
    if request.get("AccountId").is_some() {
        return Err(ServiceError::new(403, "AccessDeniedException", "not for the own account"));
    }
    match operation {
        "ListRegions" => {
            let wanted = request.get("RegionOptStatusContains").and_then(Value::as_array);
            let regions = state.enabled_regions().map(|(name, is_opt_in)| {
                let status = if is_opt_in { "ENABLED" } else { "ENABLED_BY_DEFAULT" };
                json!({"RegionName": name, "RegionOptStatus": status})
            });
            let is_wanted = |region: &Value| wanted.is_none_or(|wanted| wanted.contains(&region["RegionOptStatus"]));
            REGIONS.of(state, request, regions.filter(is_wanted).collect())
        }
        "GetContactInformation" => {
            let none = || ServiceError::new(404, "ResourceNotFoundException", "No contact information found.");
            let phone = state.story.baseline.contacts.phone.as_ref().ok_or_else(none)?;
            let contact = json!({
                "FullName": "Acme", "AddressLine1": "Any Street 1", "City": "Any Town", "PostalCode": "12345",
                "CountryCode": "DE", "PhoneNumber": "+49301234567"
            });
            Ok(json!({"ContactInformation": contact, "VerificationStatus": phone}))
        }
        "GetAlternateContact" => {
            let kind = request["AlternateContactType"].as_str().unwrap_or_default();
            // So it is, although a validation error is what one would expect.
            if !["BILLING", "OPERATIONS", "SECURITY"].contains(&kind) {
                return Err(ServiceError::new(403, "AccessDeniedException", "no such type of contact"));
            }
            if !state.story.baseline.contacts.alternates.iter().any(|there| there == kind) {
                let what = "No contact of the inputted alternate contact type found.";
                return Err(ServiceError::new(404, "ResourceNotFoundException", what));
            }
            Ok(json!({"AlternateContact": {
                "Name": "On Call", "Title": "Team", "EmailAddress": "team@example.com", "PhoneNumber": "+49301234567",
                "AlternateContactType": kind
            }}))
        }
        _ => Err(ServiceError::unknown_operation("account", operation)),
    }
}
