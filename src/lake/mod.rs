//! The lake: Delta tables of Parquet under one root, a folder or an S3 prefix.
//!
//! Refuses to know SQL: it opens, creates, writes and commits tables; `engine` asks them questions.

pub mod batch;
pub mod compact;
pub mod duplicates;
pub mod export;
pub mod file;
pub mod intake;
pub mod ledger;
pub mod location;
pub mod restore;
pub mod schema;
pub mod snapshots;
pub mod sort;
pub mod table;

use deltalake::DeltaTableError;

pub use location::Location;

/// What can go wrong between the program and its tables.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake's address cannot be understood.
    #[error("lake `{0}`: not a folder or an `s3://bucket/prefix` address: {1}")]
    Address(String, String),
    /// There is something at the address, but it is not a lake.
    #[error("lake `{0}`: {1}")]
    NotALake(String, String),
    /// A table could not be read or written.
    #[error("table `{table}`: {source}")]
    Table {
        /// The table's name.
        table: String,
        /// What the table format said.
        source: DeltaTableError,
    },
    /// Parquet could not be written or read.
    #[error("parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch could not be built.
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Storage refused.
    #[error("storage: {0}")]
    Storage(#[from] object_store::Error),
    /// The rows and the ledger disagree: the run must not be believed.
    #[error("internal: {0}")]
    Inconsistent(String),
}

/// Results of this room.
pub type Result<T> = std::result::Result<T, Error>;
