//! Taking on a role in an account, with an external id and a source identity.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::operation::assume_role::{AssumeRoleError, AssumeRoleOutput};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

/// A role to take on in an account.
#[derive(Debug, Clone, Default)]
pub struct Role {
    /// Its name, with its path where it has one.
    pub name: String,
    /// The external id its trust policy asks for.
    pub external_id: Option<String>,
    /// The session's name.
    pub session_name: String,
    /// The source identity of the session.
    pub source_identity: Option<String>,
}

/// The configuration with the credentials of a role in an account, fetched anew before they expire.
///
/// # Errors
/// The role cannot be taken on.
pub async fn assume(
    base: &SdkConfig,
    partition: &str,
    account: &str,
    role: &Role,
) -> Result<SdkConfig, SdkError<AssumeRoleError, HttpResponse>> {
    let provider = Assumed {
        client: aws_sdk_sts::Client::new(base),
        arn: format!(
            "arn:{partition}:iam::{account}:role/{}",
            role.name.trim_start_matches('/')
        ),
        role: role.clone(),
    };
    // Asked once here, because a refusal inside the provider reaches callers without its code.
    provider.ask().await?;
    let provider = SharedCredentialsProvider::new(provider);
    Ok(base.clone().into_builder().credentials_provider(provider).build())
}

/// The SDK's own provider has no source identity, hence this one.
#[derive(Debug)]
struct Assumed {
    client: aws_sdk_sts::Client,
    arn: String,
    role: Role,
}

impl Assumed {
    async fn ask(&self) -> Result<AssumeRoleOutput, SdkError<AssumeRoleError, HttpResponse>> {
        self.client
            .assume_role()
            .role_arn(&self.arn)
            .role_session_name(&self.role.session_name)
            .set_external_id(self.role.external_id.clone())
            .set_source_identity(self.role.source_identity.clone())
            .send()
            .await
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let answer = self.ask().await.map_err(CredentialsError::provider_error)?;
        let held = answer
            .credentials
            .ok_or_else(|| CredentialsError::provider_error("no credentials in the answer"))?;
        let expires = std::time::SystemTime::try_from(held.expiration).ok();
        let (key, secret) = (held.access_key_id, held.secret_access_key);
        Ok(Credentials::new(
            key,
            secret,
            Some(held.session_token),
            expires,
            "assumed role",
        ))
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.fetch())
    }
}
