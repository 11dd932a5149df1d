//! `serve`: the lake for PostgreSQL's clients.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;

use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::coverage::Assumption;
use crate::engine::SessionSettings;
use crate::serve::{self, Limits, Login, Server, Settings, TlsFiles};

/// The variable that may hold the password.
const PASSWORD: &str = "KEYTRAIL_PASSWORD";

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServeArgs {
    /// Speak PostgreSQL's protocol at this address (127.0.0.1:5432); read-only
    #[arg(long, value_name = "ADDR", value_parser = address)]
    postgres: SocketAddr,
    /// Who may ask, once there is a password
    #[arg(long, default_value = "keytrail")]
    user: String,
    /// The file whose first line is the password; else the variable KEYTRAIL_PASSWORD
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The certificate to show, in PEM, with those that vouch for it; every connection must then be encrypted
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Memory for all queries together (512MiB, 2GB)
    #[arg(long, value_name = "SIZE", value_parser = settings::bytes, default_value = "2GiB")]
    memory_limit: usize,
    /// Memory for one query
    #[arg(long, value_name = "SIZE", value_parser = settings::bytes, default_value = "512MiB")]
    query_memory: usize,
    /// Time for one query, to its last row
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = settings::duration)]
    query_time: i64,
    /// Rows of one answer
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    max_rows: usize,
    /// Clients at once
    #[arg(long, value_name = "N", default_value_t = 200)]
    max_clients: usize,
    /// How old what queries see of the lake may be
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = settings::duration)]
    refresh: i64,
    /// Vouch for the log in a span, for some accounts and Regions or all: `SINCE..UNTIL[,ACCOUNT|REGION]...`
    #[arg(long, value_name = "SPAN", value_parser = Assumption::parse)]
    assume_coverage: Vec<Assumption>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let wanted = || format!("`{text}` is not an address such as 127.0.0.1:5432");
    let mut found: Vec<SocketAddr> = text.to_socket_addrs().map_err(|_| wanted())?.collect();
    found.sort_by_key(|address| !address.is_ipv4());
    found.into_iter().next().ok_or_else(wanted)
}

/// Runs `serve`.
pub(in crate::cli) async fn run(args: &ServeArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let location = settings::location(globals).await?;
    let session = SessionSettings {
        memory_bytes: Some(args.memory_limit),
        assumed: args.assume_coverage.clone(),
        ..SessionSettings::default()
    };
    let settings = Settings {
        address: args.postgres,
        login: login(args)?,
        tls: args
            .tls_cert
            .clone()
            .zip(args.tls_key.clone())
            .map(|(certificate, key)| TlsFiles { certificate, key }),
        limits: Limits {
            memory_bytes: args.query_memory.min(args.memory_limit),
            time: length(args.query_time),
            rows: args.max_rows,
        },
        clients_max: args.max_clients,
        fresh_for: length(args.refresh),
    };
    let server = match Server::open(&location, session, &settings).await {
        Ok(server) => server,
        Err(error @ serve::Error::Unprotected { .. }) => {
            return Err(hinted(
                error.to_string(),
                "beyond loopback, give --password-file (or KEYTRAIL_PASSWORD), --tls-cert and --tls-key",
            ));
        }
        Err(serve::Error::Lake(error)) => return Err(error.into()),
        Err(error) => return Err(error.into()),
    };
    printer.note(&format!("listening on {}", server.address()));
    server.run(stopped()).await;
    printer.note("stopped");
    Ok(Exit::Done)
}

fn length(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

fn login(args: &ServeArgs) -> anyhow::Result<Option<Login>> {
    let password = match &args.password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
            Some(text.lines().next().unwrap_or_default().to_owned())
        }
        None => std::env::var(PASSWORD).ok(),
    };
    let Some(password) = password else { return Ok(None) };
    if password.is_empty() {
        anyhow::bail!("the password is empty");
    }
    let user = args.user.clone();
    Ok(Some(Login { user, password }))
}

/// Is over when the process is told to stop, from the keyboard or by whoever started it.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
