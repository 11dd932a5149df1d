//! The only room that names the AWS SDK: credentials, Region and endpoint, what is read from S3, and the collector of
//! permission snapshots. It holds no rule about logs or permissions, and calls nothing that changes AWS.

pub mod collect;
pub mod config;
pub mod credentials;
pub mod role;
pub mod s3;

/// What can go wrong before a collection's first answer. Later refusals are rows of the snapshot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the credentials are not accepted.
    #[error("aws: cannot tell who is calling: {0}")]
    Credentials(String),
    /// The accounts to collect cannot be found out.
    #[error("aws organizations: cannot list the accounts: {0}")]
    Accounts(String),
    /// The record of an interrupted collection cannot be read or written.
    #[error("`{path}`: {reason}")]
    Journal {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}
