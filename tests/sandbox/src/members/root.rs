//! What IAM answers of a member's root user.

use jiff::{SignedDuration, Timestamp};

use super::described::{Account, Key, Mfa};
use crate::fault::ServiceError;
use crate::iam::Form;

pub(super) fn answer(member: &Account, operation: &str, form: &Form, now: Timestamp) -> Result<String, ServiceError> {
    let (id, root) = (&member.id, &member.root);
    let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
    let list = |name: &str, members: Vec<String>| {
        format!("<{name}>{}</{name}><IsTruncated>false</IsTruncated>", members.concat())
    };
    let result = match operation {
        "GetAccountSummary" => {
            let counters = [
                ("AccountPasswordPresent", usize::from(root.password)),
                ("AccountAccessKeysPresent", usize::from(!root.keys.is_empty())),
                ("AccountSigningCertificatesPresent", usize::from(root.certificates > 0)),
                ("AccountMFAEnabled", usize::from(!root.mfa.is_empty())),
                ("MFADevices", root.mfa.len()),
                ("MFADevicesInUse", root.mfa.len()),
                ("Users", 0),
                ("Groups", 0),
                ("Providers", 1),
            ];
            let entry = |(name, count)| format!("<entry><key>{name}</key><value>{count}</value></entry>");
            format!("<SummaryMap>{}</SummaryMap>", counters.map(entry).concat())
        }
        "GetUser" => {
            let used = root.password_used.map(|days| format!("<PasswordLastUsed>{}</PasswordLastUsed>", ago(days)));
            format!(
                "<User>{}<UserId>{id}</UserId><Arn>arn:aws:iam::{id}:root</Arn><CreateDate>2024-02-01T08:00:00Z</CreateDate></User>",
                used.unwrap_or_default()
            )
        }
        "GetLoginProfile" if root.password => {
            "<LoginProfile><CreateDate>2024-02-01T08:00:00Z</CreateDate><PasswordResetRequired>false</PasswordResetRequired>\
             </LoginProfile>"
                .to_owned()
        }
        "GetLoginProfile" => {
            return Err(ServiceError::new(404, "NoSuchEntity", "Login Profile for User null cannot be found."));
        }
        "ListAccessKeys" => {
            let keys = root.keys.iter().enumerate().map(|(number, key)| {
                let status = if key.inactive { "Inactive" } else { "Active" };
                format!(
                    "<member><AccessKeyId>{}</AccessKeyId><Status>{status}</Status><CreateDate>{}</CreateDate></member>",
                    key_id(id, number),
                    ago(key.created)
                )
            });
            list("AccessKeyMetadata", keys.collect())
        }
        "GetAccessKeyLastUsed" => {
            let asked = form.get("AccessKeyId").map(String::as_str).unwrap_or_default();
            let key = root.keys.iter().enumerate().find(|(number, _)| key_id(id, *number) == asked);
            let Some((_, key)) = key else {
                // Of another account's key AWS says no more than that it is denied.
                let what = format!("User: arn:aws:iam::{id}:root is not authorized to perform: iam:GetAccessKeyLastUsed");
                return Err(ServiceError::new(403, "AccessDenied", what));
            };
            format!("<AccessKeyLastUsed>{}</AccessKeyLastUsed>", last_use(key, &ago))
        }
        "ListMFADevices" => {
            let devices = root.mfa.iter().enumerate().map(|(number, device)| {
                let serial = match device {
                    Mfa::Virtual => format!("arn:aws:iam::{id}:mfa/root-account-mfa-device-{number}"),
                    Mfa::Passkey => format!("arn:aws:iam::{id}:u2f/root/key-EXAMPLE{number:07}"),
                    Mfa::Hardware => format!("GAHT{number:08}"),
                };
                format!(
                    "<member><SerialNumber>{serial}</SerialNumber><EnableDate>2024-02-01T08:00:00Z</EnableDate></member>"
                )
            });
            list("MFADevices", devices.collect())
        }
        "ListSigningCertificates" => {
            let certificates = (0..root.certificates).map(|number| {
                format!(
                    "<member><CertificateId>EXAMPLECERTIFICATE{number:06}</CertificateId><CertificateBody>-</CertificateBody>\
                     <Status>Active</Status><UploadDate>2024-02-01T08:00:00Z</UploadDate></member>"
                )
            });
            list("Certificates", certificates.collect())
        }
        _ => return Err(ServiceError::new(400, "InvalidAction", format!("Could not find operation {operation}"))),
    };
    Ok(result)
}

/// Twenty characters, as AWS's.
fn key_id(account: &str, number: usize) -> String {
    format!("AKIA{account}{number:04}")
}

fn last_use(key: &Key, ago: &impl Fn(i64) -> Timestamp) -> String {
    match key.used {
        Some(days) => {
            format!("<LastUsedDate>{}</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-west-1</Region>", ago(days))
        }
        None => "<ServiceName>N/A</ServiceName><Region>N/A</Region>".to_owned(),
    }
}
