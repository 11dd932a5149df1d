//! Who may ask: anybody on a loopback address, or who knows the password (SCRAM-SHA-256), over TLS where there is any.

use std::fmt::{self, Debug};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion_postgres::pgwire::api::auth::sasl::SASLAuthStartupHandler;
use datafusion_postgres::pgwire::api::auth::sasl::scram::{
    SCRAM_ITERATIONS, ScramAuth, gen_salted_password, random_nonce,
};
use datafusion_postgres::pgwire::api::auth::{
    AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler, finish_authentication,
    protocol_negotiation, save_startup_parameters_to_metadata,
};
use datafusion_postgres::pgwire::api::{ClientInfo, PidSecretKeyGenerator, RandomPidSecretKeyGenerator};
use datafusion_postgres::pgwire::error::{PgWireError, PgWireResult};
use datafusion_postgres::pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use futures::Sink;

use super::{Login, failure};

/// A name with its salted password: the password itself is not kept.
#[derive(Clone)]
pub(super) struct Known {
    user: String,
    password: Password,
    /// What a stranger's password is compared with, so that a name cannot be found out.
    nobody: Password,
}

impl Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("known")
    }
}

impl Known {
    /// Salts a login.
    pub(super) fn new(login: &Login) -> Known {
        let salted = |password: &str| {
            let salt = random_nonce().into_bytes();
            let salted = gen_salted_password(password, &salt, SCRAM_ITERATIONS);
            Password::new(Some(salt), salted)
        };
        Known {
            user: login.user.clone(),
            password: salted(&login.password),
            nobody: salted(&random_nonce()),
        }
    }
}

#[async_trait]
impl AuthSource for Known {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        Ok(if login.user() == Some(self.user.as_str()) {
            self.password.clone()
        } else {
            self.nobody.clone()
        })
    }
}

/// The start of one connection.
pub(super) struct Startup {
    needs_tls: bool,
    parameters: Arc<DefaultServerParameterProvider>,
    scram: Option<SASLAuthStartupHandler<DefaultServerParameterProvider>>,
}

impl Startup {
    /// A start for who is known, or for anybody.
    pub(super) fn new(known: Option<&Known>, needs_tls: bool) -> Startup {
        let mut parameters = DefaultServerParameterProvider::default();
        parameters.is_superuser = false;
        parameters.default_transaction_read_only = true;
        let parameters = Arc::new(parameters);
        Startup {
            needs_tls,
            scram: known.map(|known| {
                SASLAuthStartupHandler::new(parameters.clone()).with_scram(ScramAuth::new(Arc::new(known.clone())))
            }),
            parameters,
        }
    }
}

#[async_trait]
impl StartupHandler for Startup {
    async fn on_startup<C>(&self, client: &mut C, message: PgWireFrontendMessage) -> PgWireResult<()>
    where
        C: ClientInfo + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        if self.needs_tls && !client.is_secure() {
            return Err(failure::fatal("28000", "this server takes encrypted connections only"));
        }
        if let Some(scram) = &self.scram {
            return scram.on_startup(client, message).await;
        }
        if let PgWireFrontendMessage::Startup(startup) = &message {
            protocol_negotiation(client, startup).await?;
            save_startup_parameters_to_metadata(client, startup);
            let (process, secret) = RandomPidSecretKeyGenerator::default().generate(client);
            client.set_pid_and_secret_key(process, secret);
            finish_authentication(client, self.parameters.as_ref()).await?;
        }
        Ok(())
    }
}
