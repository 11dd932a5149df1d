//! The lake for PostgreSQL's clients: `psql`, drivers, dashboards. It reads, and refuses everything that would not.
//!
//! On a loopback address anybody may ask; elsewhere only who has the password, over TLS. Every query has its own limits
//! of memory, time and rows, and what one client asks can end without another noticing.

mod answer;
mod cancel;
mod commands;
mod compute;
mod connection;
mod failure;
mod lake;
mod limits;
mod login;
mod parameters;
mod statements;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use datafusion_postgres::pgwire::tokio::{TlsAcceptor, process_socket};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::engine::SessionSettings;
use crate::lake::Location;
use connection::{Handlers, Shared};
pub use limits::Limits;

/// How long queries may go on after the server was told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// What can keep a server from serving.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is open to others, and something that protects it is missing.
    #[error("`{address}` is not a loopback address: {missing}")]
    Unprotected {
        /// The address.
        address: SocketAddr,
        /// What is missing.
        missing: &'static str,
    },
    /// The address cannot be listened on.
    #[error("`{0}`: {1}")]
    Address(SocketAddr, std::io::Error),
    /// Threads cannot be started.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
    /// A certificate or a key cannot be used.
    #[error("{}: {reason}", .path.display())]
    Tls {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] crate::engine::Error),
}

/// Results of this room.
pub type Result<T> = std::result::Result<T, Error>;

/// A name and its password.
#[derive(Clone)]
pub struct Login {
    /// Who may ask.
    pub user: String,
    /// With what.
    pub password: String,
}

/// The files of a certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How to serve.
pub struct Settings {
    /// Where to listen.
    pub address: SocketAddr,
    /// Who may ask; anybody where nobody is named, which only a loopback address may be.
    pub login: Option<Login>,
    /// The certificate to show; with one, every connection must be encrypted.
    pub tls: Option<TlsFiles>,
    /// Limits of every query.
    pub limits: Limits,
    /// How many clients at once.
    pub clients_max: usize,
    /// How long the lake is taken to be as it was.
    pub fresh_for: Duration,
}

/// A server that listens.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    address: SocketAddr,
}

impl Server {
    /// Opens the lake and the address.
    ///
    /// # Errors
    /// There is no lake, the address is taken, or it is open to others and not protected.
    pub async fn open(location: &Location, session: SessionSettings, settings: &Settings) -> Result<Server> {
        let address = settings.address;
        let unprotected = |missing| Err(Error::Unprotected { address, missing });
        match (&settings.login, &settings.tls) {
            (None, _) if !address.ip().is_loopback() => return unprotected("a password is missing"),
            (_, None) if !address.ip().is_loopback() => return unprotected("a certificate is missing"),
            _ => {}
        }
        let acceptor = settings.tls.as_ref().map(tls::acceptor).transpose()?;
        let lake = lake::Lake::open(location.clone(), session, settings.fresh_for).await?;
        let failed = |error| Error::Address(address, error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let login = settings.login.as_ref().map(login::Known::new);
        let compute = compute::Compute::new().map_err(Error::Threads)?;
        let shared = Shared::new(lake, compute, settings.limits.clone(), login, acceptor.is_some());
        Ok(Server {
            listener,
            tls: acceptor,
            shared: Arc::new(shared),
            places: Arc::new(Semaphore::new(settings.clients_max)),
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is over; then takes no more clients, and gives the queries that run a moment to end.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut clients = JoinSet::new();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = clients.join_next() => {}
                accepted = self.listener.accept() => {
                    let Ok((socket, _)) = accepted else {
                        // Out of files: clients that leave give some back.
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    };
                    // Beyond the places, a client is turned away and may try again.
                    let Ok(place) = self.places.clone().try_acquire_owned() else { continue };
                    let (tls, shared) = (self.tls.clone(), self.shared.clone());
                    clients.spawn(async move {
                        // A connection that breaks is the client's to notice.
                        let _ = process_socket(socket, tls, Handlers::new(shared)).await;
                        drop(place);
                    });
                }
            }
        }
        drop(self.listener);
        self.shared.stop();
        let _ = tokio::time::timeout(GRACE, async { while clients.join_next().await.is_some() {} }).await;
        clients.shutdown().await;
    }
}
