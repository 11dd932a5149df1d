//! Questions to the lake: the only room that plans SQL. It reads; it refuses every statement that would not.
//!
//! A [`Session`] sees the lake's tables and the views over them under their names, takes SQL or a [`query::NamedQuery`]
//! with bound parameters, and answers with a stream of rows.

mod alias_history;
mod alike;
mod binding;
mod bounded;
mod build_side;
mod bytes_read;
mod careful;
mod catalog;
mod compacting;
mod count_distinct;
mod coverage;
mod dialect;
mod direct;
mod effective_access;
mod failure;
mod fetch;
mod footers;
mod functions;
mod held;
mod horizon;
mod json_text;
mod kms_events;
pub mod lint;
mod meanings;
mod membership;
mod memory;
mod named;
mod newest_caller;
mod once;
#[cfg(target_os = "linux")]
mod page_cache;
mod planner;
mod postgres;
mod prepared;
mod quantified;
pub mod query;
mod read_only;
mod reading;
mod replay;
mod scan;
mod session;
mod unlikely;
mod yielding;

use datafusion::error::DataFusionError;

pub use catalog::names_records_alone;
pub use horizon::Horizon;
pub use postgres::is_of_catalogue;
pub use prepared::Prepared;
pub use reading::{Meter, Reading};
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
    /// The SQL is broken at a place where it is plain what was meant.
    #[error("{message}")]
    Broken {
        /// What is wrong, and where.
        message: String,
        /// What was probably meant.
        hint: String,
    },
    /// The SQL names what is not there.
    #[error("there is no {what} `{name}`")]
    Unknown {
        /// A table, column or function.
        what: &'static str,
        /// The name, as the statement has it.
        name: String,
        /// The nearest name there is.
        nearest: Option<String>,
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
        failure::explain(&error)
    }
}
