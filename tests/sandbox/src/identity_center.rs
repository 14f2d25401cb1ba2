//! IAM Identity Center: an instance has a Region, and is listed there unless every Region is asked for.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::page::{FIELDS, Pages};
use crate::server::State;

const INSTANCES: Pages = Pages {
    list: "Instances",
    fields: FIELDS,
    sizes: 1..=100,
    usual: 100,
    errors: ("ValidationException", "ValidationException"),
};

/// `ListInstances`: those that the account owns or may see.
pub(crate) fn list_instances(state: &State, region: &str, request: &Value) -> Result<Value, ServiceError> {
    state.check_enabled(region)?;
    let everywhere = match request.get("RegionScope").map_or(Some("CURRENT_REGION"), Value::as_str) {
        Some("CURRENT_REGION") => false,
        Some("ALL_REGIONS") => true,
        _ => return Err(ServiceError::new(400, "ValidationException", "no such scope")),
    };
    let instances = state.story.baseline.identity_center.iter();
    let instances = instances.filter(|instance| everywhere || instance.region == region).map(|instance| {
        json!({
            "InstanceArn": format!("arn:aws:sso:::instance/ssoins-{}", instance.id),
            "IdentityStoreId": "d-1234567890",
            "OwnerAccountId": instance.owner.as_ref().unwrap_or(&state.story.account),
            "Status": "ACTIVE",
            "PrimaryRegion": instance.region
        })
    });
    INSTANCES.of(state, request, instances.collect())
}
