//! Credentials for a store that is not the SDK's own, from the SDK's provider chain, asked for again before they expire.
//! It decides nothing about who signs in, and keeps credentials in memory only.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

/// Credentials are renewed so long before they expire: a request that waits its turn is still signed with valid ones.
const MARGIN: Duration = Duration::from_secs(300);
/// Credentials that do not say when they expire may have been replaced where they come from.
/// The SDK's own clients ask again after as long.
const WITHOUT_EXPIRY: Duration = Duration::from_secs(900);
/// After a refusal the chain is left alone for so long, as long as what is held is still valid.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);

/// The provider chain of an SDK configuration, as an object store asks for credentials: before every request.
#[derive(Debug)]
pub struct Chain {
    provider: SharedCredentialsProvider,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    credential: Arc<AwsCredential>,
    /// When they end, where they say so.
    expires: Option<SystemTime>,
    /// When to ask again.
    renew: Instant,
}

impl Chain {
    /// The chain of a provider.
    pub fn new(provider: SharedCredentialsProvider) -> Chain {
        Chain {
            provider,
            held: Mutex::default(),
        }
    }

    /// Asks for credentials now, to find out whether there are any.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn sign_in(&self) -> Result<(), CredentialsError> {
        self.credential().await.map(|_| ())
    }

    async fn credential(&self) -> Result<Arc<AwsCredential>, CredentialsError> {
        // Held while asking: of many requests at once, one asks and the others wait for its answer.
        let mut held = self.held.lock().await;
        if let Some(held) = held.as_ref()
            && Instant::now() < held.renew
        {
            return Ok(held.credential.clone());
        }
        match self.provider.provide_credentials().await {
            Ok(given) => {
                let fresh = Held::of(&given);
                let credential = fresh.credential.clone();
                *held = Some(fresh);
                Ok(credential)
            }
            // What is valid still serves, and the source may be back before it is not.
            Err(error) => match held.as_mut() {
                Some(held) if held.expires.is_none_or(|at| at > SystemTime::now()) => {
                    let left = held.expires.and_then(|at| at.duration_since(SystemTime::now()).ok());
                    held.renew = Instant::now() + left.map_or(AFTER_REFUSAL, |left| AFTER_REFUSAL.min(left));
                    Ok(held.credential.clone())
                }
                _ => Err(error),
            },
        }
    }
}

impl Held {
    fn of(given: &Credentials) -> Held {
        let left = given
            .expiry()
            .map(|at| at.duration_since(SystemTime::now()).unwrap_or_default());
        // Of a short life a quarter is kept back, so that it is not asked for anew with every request.
        let good = left.map_or(WITHOUT_EXPIRY, |left| left.saturating_sub(MARGIN.min(left / 4)));
        Held {
            credential: Arc::new(AwsCredential {
                key_id: given.access_key_id().to_owned(),
                secret_key: given.secret_access_key().to_owned(),
                token: given.session_token().map(str::to_owned),
            }),
            expires: given.expiry(),
            renew: Instant::now() + good,
        }
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.credential().await.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: Box::new(error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::provider::future;

    use super::*;

    /// Gives credentials of one life each, as often as it may.
    #[derive(Debug)]
    struct Source {
        life: Option<Duration>,
        times: u32,
        asked: Arc<AtomicU32>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let asked = self.asked.fetch_add(1, Ordering::Relaxed);
            let answer = if asked < self.times {
                let expires = self.life.map(|life| SystemTime::now() + life);
                Ok(Credentials::new(
                    format!("AKIA{asked}"),
                    "EXAMPLE",
                    None,
                    expires,
                    "test",
                ))
            } else {
                Err(CredentialsError::not_loaded("gone"))
            };
            future::ProvideCredentials::ready(answer)
        }
    }

    fn chain(life: Option<Duration>, times: u32) -> (Chain, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let source = Source {
            life,
            times,
            asked: asked.clone(),
        };
        (Chain::new(SharedCredentialsProvider::new(source)), asked)
    }

    async fn key(chain: &Chain) -> Option<String> {
        let held = chain.get_credential().await.ok()?;
        Some(held.key_id.clone())
    }

    #[tokio::test]
    async fn what_lasts_is_asked_for_once_however_many_requests_there_are() {
        for life in [None, Some(Duration::from_secs(3_600))] {
            let (chain, asked) = chain(life, 9);
            let all = futures::future::join_all((0..50).map(|_| key(&chain))).await;
            assert!(all.iter().all(|key| key.as_deref() == Some("AKIA0")));
            assert_eq!(asked.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn what_is_about_to_end_is_renewed_before_it_does() {
        let (chain, asked) = chain(Some(Duration::from_millis(400)), 9);
        assert_eq!(key(&chain).await.as_deref(), Some("AKIA0"));
        assert_eq!(key(&chain).await.as_deref(), Some("AKIA0"));
        tokio::time::sleep(Duration::from_millis(310)).await;
        assert_eq!(key(&chain).await.as_deref(), Some("AKIA1"), "90 ms before the end");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_source_that_fails_is_bridged_by_what_is_still_valid_and_no_longer() {
        let (chain, _) = chain(Some(Duration::from_millis(400)), 1);
        assert_eq!(key(&chain).await.as_deref(), Some("AKIA0"));
        tokio::time::sleep(Duration::from_millis(310)).await;
        assert_eq!(key(&chain).await.as_deref(), Some("AKIA0"));
        let held = chain.held.lock().await.as_ref().unwrap().expires.unwrap();
        tokio::time::sleep(held.duration_since(SystemTime::now()).unwrap_or_default() + Duration::from_millis(20))
            .await;
        assert!(key(&chain).await.is_none(), "nothing valid is left");
    }
}
