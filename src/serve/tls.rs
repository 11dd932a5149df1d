//! The certificate and the key from their files.

use std::path::Path;
use std::sync::Arc;

use datafusion_postgres::pgwire::tokio::TlsAcceptor;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::ServerConfig;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::crypto::ring::default_provider;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::pem::PemObject;
use datafusion_postgres::pgwire::tokio::tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Error, Result, TlsFiles};

/// What takes encrypted connections.
///
/// # Errors
/// A file cannot be read, holds something else, or the key is not the certificate's.
pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor> {
    let fail = |path: &Path, reason: String| Error::Tls {
        path: path.to_owned(),
        reason,
    };
    let read = |path: &Path| std::fs::read(path).map_err(|error| fail(path, error.to_string()));
    let certificates: Vec<CertificateDer> = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| fail(&files.certificate, format!("is no certificate in PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(fail(&files.certificate, "holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| fail(&files.key, format!("is no private key in PEM: {error}")))?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(|error| fail(&files.key, error.to_string()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
