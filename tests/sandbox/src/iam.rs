//! IAM over the query protocol.

mod details;

use std::collections::HashMap;
use std::fmt::Write;

use base64::Engine;
use serde_json::Value;

use crate::fault::ServiceError;
use crate::members;
use crate::server::State;
use crate::story::ReportEncoding;

pub(crate) type Form = HashMap<String, String>;

pub(crate) fn answer(state: &mut State, action: &str, form: &Form) -> Result<String, ServiceError> {
    if form.get("Version").map(String::as_str) != Some("2010-05-08") {
        return Err(ServiceError::new(400, "InvalidAction", "no such version"));
    }
    let result = match action {
        "GenerateCredentialReport" => {
            let states = &mut state.story.report_states;
            let next = if states.len() > 1 { states.remove(0) } else { states[0].clone() };
            state.report_complete = next == "COMPLETE";
            format!("<State>{next}</State>")
        }
        "GetCredentialReport" => credential_report(state)?,
        "GetAccountSummary" => {
            let entries = state.story.account_summary.iter().fold(String::new(), |mut xml, (key, value)| {
                let _ = write!(xml, "<entry><key>{}</key><value>{value}</value></entry>", escape(key));
                xml
            });
            format!("<SummaryMap>{entries}</SummaryMap>")
        }
        "GetAccountPasswordPolicy" => {
            let policy = state.story.password_policy.as_ref().ok_or_else(|| {
                ServiceError::new(
                    404,
                    "NoSuchEntity",
                    "The Password Policy with domain name 111122223333 cannot be found.",
                )
            })?;
            let settings = policy.iter().fold(String::new(), |mut xml, (key, value)| {
                let value = match value {
                    Value::String(text) => escape(text),
                    other => other.to_string(),
                };
                let _ = write!(xml, "<{key}>{value}</{key}>");
                xml
            });
            format!("<PasswordPolicy>{settings}</PasswordPolicy>")
        }
        "GetAccountAuthorizationDetails" => details::answer(state, form)?,
        "ListVirtualMFADevices" => {
            let devices = state.story.virtual_mfa_devices.iter().map(|device| {
                let user = device.owner_arn.as_ref().map(|arn| {
                    format!(
                        "<User><UserId>1</UserId><Arn>{}</Arn><CreateDate>2020-01-05T12:00:00Z</CreateDate></User>",
                        escape(arn)
                    )
                });
                let serial = escape(&device.serial_number);
                format!("<member><SerialNumber>{serial}</SerialNumber>{}</member>", user.unwrap_or_default())
            });
            let (members, rest) = page(state, form, devices.collect())?;
            format!("<VirtualMFADevices>{members}</VirtualMFADevices>{rest}")
        }
        "ListEntitiesForPolicy" => holders(state, form)?,
        "ListSAMLProviders" => saml_providers(state),
        "ListOpenIDConnectProviders" => open_id_connect_providers(state),
        "ListOrganizationsFeatures" => match &state.organization {
            Some(organization) => members::features(state, organization)?,
            None => organizations_features(state)?,
        },
        "ListAccountAliases" => {
            let alias = state.story.alias.as_deref().map(|alias| format!("<member>{}</member>", escape(alias)));
            format!("<IsTruncated>false</IsTruncated><AccountAliases>{}</AccountAliases>", alias.unwrap_or_default())
        }
        _ => return Err(ServiceError::new(400, "InvalidAction", format!("Could not find operation {action}"))),
    };
    Ok(word(action, &result))
}

/// `result` in the envelope of the query services.
pub(crate) fn word(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>00000000-0000-4000-8000-000000000000</RequestId></ResponseMetadata></{action}Response>"
    )
}

/// The service's messages for these errors are just `Unknown`.
fn credential_report(state: &mut State) -> Result<String, ServiceError> {
    if !state.story.report_errors.is_empty() {
        let code = state.story.report_errors.remove(0);
        return Err(ServiceError::new(if code == "ReportInProgress" { 404 } else { 410 }, &code, "Unknown"));
    }
    if !state.report_complete && !state.report_asked {
        return Err(ServiceError::new(410, "ReportNotPresent", "Unknown"));
    }
    if !state.report_complete && state.story.report_states != ["COMPLETE"] {
        return Err(ServiceError::new(404, "ReportInProgress", "Unknown"));
    }
    let content = match state.story.report_encoding {
        ReportEncoding::None => escape(&String::from_utf8_lossy(&state.story.credential_report)),
        _ => base64::engine::general_purpose::STANDARD.encode(&state.story.credential_report),
    };
    let generated_at = state.story.report_generated_at;
    Ok(format!(
        "<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{generated_at}</GeneratedTime>"
    ))
}

/// `ListEntitiesForPolicy`, of the managed policies that a story tells of.
fn holders(state: &State, form: &Form) -> Result<String, ServiceError> {
    let arn = form.get("PolicyArn").map(String::as_str).unwrap_or_default();
    let holders = match arn.strip_prefix("arn:aws:iam::aws:policy/") {
        Some("AdministratorAccess") => &state.story.administrators,
        Some("AWSSupportAccess") => &state.story.baseline.support_access,
        _ => return Err(ServiceError::new(404, "NoSuchEntity", format!("Policy {arn} does not exist"))),
    };
    let entries = |names: &[String], kind: &str| {
        names
            .iter()
            .map(|name| {
                format!("{kind}:<member><{kind}Name>{}</{kind}Name><{kind}Id>1</{kind}Id></member>", escape(name))
            })
            .collect::<Vec<_>>()
    };
    let all =
        [entries(&holders.groups, "Group"), entries(&holders.users, "User"), entries(&holders.roles, "Role")].concat();
    let (start, end, rest) = bounds(state, form, all.len())?;
    let of = |kind: &str| {
        let prefix = format!("{kind}:");
        all[start..end].iter().filter_map(|entry| entry.strip_prefix(&prefix)).collect::<String>()
    };
    Ok(format!(
        "<PolicyGroups>{}</PolicyGroups><PolicyUsers>{}</PolicyUsers><PolicyRoles>{}</PolicyRoles>{rest}",
        of("Group"),
        of("User"),
        of("Role")
    ))
}

fn saml_providers(state: &State) -> String {
    let providers = state.story.baseline.identity_providers.saml.iter().fold(String::new(), |mut xml, provider| {
        let until = provider.valid_until.map(|until| format!("<ValidUntil>{until}</ValidUntil>")).unwrap_or_default();
        let (account, name) = (&state.story.account, escape(&provider.name));
        let arn = format!("<Arn>arn:aws:iam::{account}:saml-provider/{name}</Arn>");
        let _ = write!(xml, "<member>{arn}{until}<CreateDate>2024-02-01T08:00:00Z</CreateDate></member>");
        xml
    });
    format!("<SAMLProviderList>{providers}</SAMLProviderList>")
}

fn open_id_connect_providers(state: &State) -> String {
    let hosts = state.story.baseline.identity_providers.open_id_connect.iter().fold(String::new(), |mut xml, host| {
        let arn = format!("arn:aws:iam::{}:oidc-provider/{}", state.story.account, escape(host));
        let _ = write!(xml, "<member><Arn>{arn}</Arn></member>");
        xml
    });
    format!("<OpenIDConnectProviderList>{hosts}</OpenIDConnectProviderList>")
}

/// `ListOrganizationsFeatures`: only the management account gets an answer.
fn organizations_features(state: &State) -> Result<String, ServiceError> {
    let account = state.story.account.as_str();
    let refused = |code: &str, what: String| ServiceError::new(400, code, what);
    let organization = state.story.baseline.organization.as_ref().ok_or_else(|| {
        refused("OrganizationNotFoundException", format!("Input account {account} is in no organization."))
    })?;
    let id = &organization.id;
    if organization.manager(account) != account {
        let what = format!("Input account {account} is neither management account nor delegated admin.");
        return Err(refused("AccountNotManagementOrDelegatedAdministratorException", what));
    }
    if organization.feature_set != "ALL" {
        let what = format!("Organization {id} is not in all features mode.");
        return Err(refused("OrganizationNotInAllFeaturesModeException", what));
    }
    let features = organization.central_root_access.as_ref().ok_or_else(|| {
        let what = format!("Trusted Access for IAM not enabled by organization of input account {account}");
        refused("ServiceAccessNotEnabledException", what)
    })?;
    let features: String = features.iter().map(|feature| format!("<member>{}</member>", escape(feature))).collect();
    Ok(format!("<OrganizationId>{id}</OrganizationId><EnabledFeatures>{features}</EnabledFeatures>"))
}

/// A page of `entries`, and the fields that tell whether there is another.
fn page(state: &State, form: &Form, entries: Vec<String>) -> Result<(String, String), ServiceError> {
    let (start, end, rest) = bounds(state, form, entries.len())?;
    Ok((entries[start..end].concat(), rest))
}

/// A marker is bound to the request that it came from.
fn bounds(state: &State, form: &Form, total: usize) -> Result<(usize, usize, String), ServiceError> {
    let invalid = |what: &str| ServiceError::new(400, "ValidationError", what);
    let size = match form.get("MaxItems").map(|size| size.parse::<usize>()) {
        Some(Ok(size @ 1..=1000)) => size,
        Some(_) => return Err(invalid("MaxItems is 1 to 1000")),
        None => 100,
    };
    let size = size.min(state.story.page_size);
    let mut bound: Vec<String> =
        form.iter().filter(|(key, _)| *key != "Marker").map(|(key, value)| format!("{key}={value}")).collect();
    bound.sort();
    let bound = bound.join("&");
    let start = match form.get("Marker") {
        Some(marker) => match marker.split_once('|') {
            Some((start, of)) if of == bound => start.parse().map_err(|_| invalid("Invalid Marker"))?,
            _ => return Err(invalid("Invalid Marker")),
        },
        None => 0,
    };
    let end = total.min(start + size);
    let rest = if end < total {
        format!("<IsTruncated>true</IsTruncated><Marker>{}</Marker>", escape(&format!("{end}|{bound}")))
    } else {
        "<IsTruncated>false</IsTruncated>".to_owned()
    };
    Ok((start, end, rest))
}

/// For element content. XML 1.0 cannot hold most control characters, and neither can IAM's names.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
