//! Questions to the lake: the only room that plans SQL. It reads; it refuses every statement that would not.
//!
//! A [`Session`] sees the lake's tables and the views over them under their names, takes SQL or a [`query::NamedQuery`]
//! with bound parameters, and answers with a stream of rows.

mod alias_history;
mod binding;
mod catalog;
mod coverage;
mod effective_access;
mod fetch;
mod horizon;
mod kms_events;
mod memory;
pub mod query;
mod read_only;
mod session;

use datafusion::error::DataFusionError;

pub use horizon::Horizon;
pub use session::{Rows, Session, SessionSettings};

/// What can go wrong between a question and its answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake cannot be reached or read.
    #[error(transparent)]
    Lake(Box<crate::lake::Error>),
    /// There is no lake at the address.
    #[error("lake `{0}`: {1}")]
    NoLake(String, String),
    /// The statement would change something, or reach outside the lake.
    #[error("{0} is refused: queries only read the lake")]
    NotReadOnly(String),
    /// The SQL cannot be understood.
    #[error("{0}")]
    Sql(String),
    /// A query is about permission state, and there is none.
    #[error("no permission snapshot at or before {as_of}{}", .first.as_ref().map(|at| format!(": the first is of {at}")).unwrap_or_default())]
    NoSnapshot {
        /// The instant asked for.
        as_of: String,
        /// When the first one was collected, where there is one.
        first: Option<String>,
    },
    /// A parameter is missing, unknown, or not of its type.
    #[error("parameter `{name}`: {reason}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A query file's header cannot be read.
    #[error("query `{name}`: line {line}: {reason}")]
    Header {
        /// The query's name.
        name: String,
        /// Where in the file.
        line: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The query needs more memory than it was given, and cannot spill the rest.
    #[error("not enough memory: {0}")]
    Memory(String),
    /// The query failed while it ran.
    #[error("{0}")]
    Run(String),
}

/// Results of this room.
pub type Result<T> = std::result::Result<T, Error>;

impl From<crate::lake::Error> for Error {
    fn from(error: crate::lake::Error) -> Error {
        Error::Lake(Box::new(error))
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Error {
        let root = error.find_root();
        let message = root.strip_backtrace();
        let plain = [
            "Error during planning: ",
            "SQL error: ",
            "Execution error: ",
            "Schema error: ",
            "External error: ",
        ]
        .iter()
        .find_map(|prefix| message.strip_prefix(prefix))
        .unwrap_or(&message)
        .to_owned();
        match root {
            DataFusionError::ResourcesExhausted(_) => Error::Memory(message_of_memory(&message)),
            DataFusionError::Plan(_)
            | DataFusionError::SQL(..)
            | DataFusionError::SchemaError(..)
            | DataFusionError::NotImplemented(_)
            | DataFusionError::Diagnostic(..)
            | DataFusionError::Collection(_) => Error::Sql(plain),
            _ => Error::Run(plain),
        }
    }
}

/// The first line says which operator wanted how much; the rest lists every other one.
fn message_of_memory(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.strip_prefix("Resources exhausted: ").unwrap_or(line).to_owned()
}
