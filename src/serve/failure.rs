//! Errors as PostgreSQL's clients know them: a code, a message, a hint.

use datafusion_postgres::pgwire::error::{ErrorInfo, PgWireError};

use crate::engine::Error;

/// An error that ends a statement.
pub(super) fn error(code: &str, message: impl Into<String>) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(
        "ERROR".to_owned(),
        code.to_owned(),
        message.into(),
    )))
}

/// An error that ends a connection.
pub(super) fn fatal(code: &str, message: &str) -> PgWireError {
    PgWireError::UserError(Box::new(ErrorInfo::new(
        "FATAL".to_owned(),
        code.to_owned(),
        message.to_owned(),
    )))
}

/// An error of the engine, with the code that says what kind it is
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(super) fn of_engine(failed: &Error) -> PgWireError {
    let (code, hint) = match failed {
        Error::NotReadOnly(_) => ("25006", None),
        Error::Broken { hint, .. } => ("42601", Some(hint.clone())),
        Error::Unknown { what, nearest, .. } => {
            let code = match *what {
                "table" => "42P01",
                "function" => "42883",
                _ => "42703",
            };
            (code, nearest.as_ref().map(|near| format!("did you mean `{near}`?")))
        }
        Error::Sql(_) => ("42601", None),
        Error::Parameter { .. } | Error::NoSnapshot { .. } => ("22023", None),
        Error::Memory(_) => ("53200", Some("ask for a shorter time or fewer columns".to_owned())),
        Error::Lake(_) | Error::NoLake(..) => ("58000", None),
        Error::Header { .. } | Error::Run(_) => ("22000", None),
    };
    let mut info = ErrorInfo::new("ERROR".to_owned(), code.to_owned(), failed.to_string());
    info.hint = hint;
    PgWireError::UserError(Box::new(info))
}
