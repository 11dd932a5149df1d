//! Permission snapshots: what AWS answered about keys, policies, grants, principals and trails, and how it is kept.
//!
//! Pure: takes values and texts, gives rows. It reads no file, asks no clock and no API, and judges no policy.

pub mod bundle;
pub mod chunk;
pub mod diff;
pub mod document;
pub mod dump;
pub mod instant;
pub mod json;
pub mod rows;
pub mod scope;
pub mod tables;
pub mod trails;

pub use bundle::Bundle;

/// Why an input cannot be a snapshot at all. Parts that cannot be read are failures inside the snapshot instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bundle is not one.
    #[error("not a snapshot bundle: {0}")]
    Bundle(String),
    /// A file is not JSON.
    #[error("`{path}`: not JSON: {reason}")]
    Json {
        /// The file.
        path: String,
        /// What the parser said, with line and column.
        reason: String,
    },
    /// A file or folder cannot be read.
    #[error("`{path}`: {reason}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// No file of an import says anything about permissions.
    #[error("`{0}`: nothing in it is a snapshot bundle, an answer of the AWS CLI, an iam-collect or AWS Config file")]
    Nothing(String),
}
