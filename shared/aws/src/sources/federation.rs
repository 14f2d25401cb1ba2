//! Identity providers of IAM.

use aws_sdk_iam::Client;
use facts::federation::{IdentityProviders, SamlProvider};
use facts::text::bounded;
use facts::{Source, Unavailable};

use crate::failure::unavailable;

/// The IAM actions that are called here.
pub const ACTIONS: &[&str] = &["iam:ListOpenIDConnectProviders", "iam:ListSAMLProviders"];

/// All SAML and OpenID Connect providers, a call each: IAM gives neither in pages
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSAMLProviders.html>).
///
/// # Errors
/// When either list could not be read.
pub async fn identity_providers(client: &Client) -> Result<IdentityProviders, Unavailable> {
    let (saml, open_id_connect) =
        tokio::join!(client.list_saml_providers().send(), client.list_open_id_connect_providers().send());
    let saml = saml.map_err(|error| unavailable(Source::IdentityProviders, "iam:ListSAMLProviders", &error))?;
    let open_id_connect = open_id_connect
        .map_err(|error| unavailable(Source::IdentityProviders, "iam:ListOpenIDConnectProviders", &error))?;
    let providers = saml.saml_provider_list().iter();
    Ok(IdentityProviders {
        saml: providers
            .map(|provider| SamlProvider {
                name: saml_name(provider.arn().unwrap_or_default()),
                valid_until: provider.valid_until().and_then(crate::timestamp),
            })
            .collect(),
        open_id_connect: open_id_connect
            .open_id_connect_provider_list()
            .iter()
            .map(|provider| open_id_connect_host(provider.arn().unwrap_or_default()))
            .collect(),
    })
}

/// `Okta` of `arn:aws:iam::111122223333:saml-provider/Okta`.
fn saml_name(arn: &str) -> String {
    bounded(arn.rsplit_once('/').map_or(arn, |(_, name)| name))
}

/// `token.actions.githubusercontent.com` of `arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com`. It may go
/// on with a path, by which the clusters of EKS differ.
fn open_id_connect_host(arn: &str) -> String {
    bounded(arn.split_once("oidc-provider/").map_or(arn, |(_, host)| host))
}

#[cfg(test)]
mod tests {
    use aws_sdk_iam::error::ErrorMetadata;
    use aws_sdk_iam::operation::list_open_id_connect_providers::{
        ListOpenIDConnectProvidersError, ListOpenIdConnectProvidersOutput,
    };
    use aws_sdk_iam::operation::list_saml_providers::{ListSAMLProvidersError, ListSamlProvidersOutput};
    use aws_sdk_iam::primitives::DateTime;
    use aws_sdk_iam::types::{OpenIdConnectProviderListEntry, SamlProviderListEntry};
    use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};

    use super::*;

    fn saml(entries: Vec<SamlProviderListEntry>) -> Rule {
        mock!(Client::list_saml_providers).then_output(move || {
            ListSamlProvidersOutput::builder().set_saml_provider_list(Some(entries.clone())).build()
        })
    }

    fn open_id_connect(arns: &'static [&'static str]) -> Rule {
        mock!(Client::list_open_id_connect_providers).then_output(move || {
            let entry = |arn: &&str| OpenIdConnectProviderListEntry::builder().arn(*arn).build();
            let entries = arns.iter().map(entry).collect();
            ListOpenIdConnectProvidersOutput::builder().set_open_id_connect_provider_list(Some(entries)).build()
        })
    }

    async fn read(rules: &[&Rule]) -> Result<IdentityProviders, Unavailable> {
        identity_providers(&mock_client!(aws_sdk_iam, RuleMode::MatchAny, rules)).await
    }

    fn denied() -> ErrorMetadata {
        ErrorMetadata::builder().code("AccessDenied").build()
    }

    #[tokio::test]
    async fn providers_are_known_by_name_and_host() {
        let entry = SamlProviderListEntry::builder().arn("arn:aws:iam::111122223333:saml-provider/Okta");
        let entries = vec![entry.clone().valid_until(DateTime::from_secs(1_800_000_000)).build(), entry.build()];
        let hosts = &[
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
            "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
        ];
        let providers = read(&[&saml(entries), &open_id_connect(hosts)]).await.unwrap();
        let until = jiff::Timestamp::from_second(1_800_000_000).ok();
        let expected = [until, None].map(|valid_until| SamlProvider { name: "Okta".into(), valid_until });
        assert_eq!(providers.saml, expected);
        assert_eq!(
            providers.open_id_connect,
            ["token.actions.githubusercontent.com", "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"]
        );
    }

    #[tokio::test]
    async fn no_providers_are_an_answer() {
        let none = read(&[&saml(Vec::new()), &open_id_connect(&[])]).await;
        assert_eq!(none, Ok(IdentityProviders::default()));
    }

    #[tokio::test]
    async fn one_list_of_two_is_no_answer() {
        let rule = mock!(Client::list_saml_providers).then_error(|| ListSAMLProvidersError::generic(denied()));
        assert_eq!(
            read(&[&rule, &open_id_connect(&[])]).await.unwrap_err().to_string(),
            "identity providers: iam:ListSAMLProviders was denied (AccessDenied)"
        );
        let rule = mock!(Client::list_open_id_connect_providers)
            .then_error(|| ListOpenIDConnectProvidersError::generic(denied()));
        assert_eq!(
            read(&[&saml(Vec::new()), &rule]).await.unwrap_err().to_string(),
            "identity providers: iam:ListOpenIDConnectProviders was denied (AccessDenied)"
        );
    }
}
