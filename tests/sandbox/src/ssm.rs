//! SSM's Parameter Store, as far as the functions call it.

use serde_json::{Value, json};

use crate::fault::ServiceError;
use crate::server::State;

/// `GetParameter`: a secret is readable only with decryption, and only in its own Region.
pub(crate) fn get_parameter(state: &State, region: &str, body: &[u8]) -> Result<String, ServiceError> {
    let request: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let name = request["Name"].as_str().unwrap_or_default();
    let value = state.story.parameters.get(name).filter(|_| region == "eu-west-1");
    let value = value.ok_or_else(|| ServiceError::new(400, "ParameterNotFound", ""))?;
    let value = if request["WithDecryption"] == true {
        value.replace("{sandbox}", &state.url)
    } else {
        "AQICAHexample-of-what-is-encrypted".to_owned()
    };
    let arn = format!("arn:aws:ssm:eu-west-1:{}:parameter/{}", state.story.account, name.trim_start_matches('/'));
    let parameter = json!({"Name": name, "Type": "SecureString", "Value": value, "Version": 1, "ARN": arn});
    Ok(json!({"Parameter": parameter}).to_string())
}
