//! The marks of the matrix, those of cloudtracker and two more (<https://github.com/duo-labs/cloudtracker>): blank for
//! used, `-` for unused, `?` for unobservable, `+` for used without a right that is known.

use serde::Serialize;

use super::{Right, Unexplained};

/// What is said of a principal, a key and an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// Held and used.
    Used,
    /// Held and not used.
    Unused,
    /// Held, and whether it was used cannot be said.
    Unobservable,
    /// Held, too new to say.
    New,
    /// Used, and held by no snapshot.
    Unexplained,
    /// Not held.
    None,
}

impl Mark {
    /// All of them.
    pub const ALL: [Mark; 6] = [
        Mark::Used,
        Mark::Unused,
        Mark::Unobservable,
        Mark::New,
        Mark::Unexplained,
        Mark::None,
    ];

    /// Its sign.
    pub fn sign(self) -> &'static str {
        match self {
            Mark::Used => " ",
            Mark::Unused => "-",
            Mark::Unobservable => "?",
            Mark::New => "n",
            Mark::Unexplained => "+",
            Mark::None => ".",
        }
    }

    /// Its meaning.
    pub fn meaning(self) -> &'static str {
        match self {
            Mark::Used => "held and used",
            Mark::Unused => "held, never used in the window",
            Mark::Unobservable => "held, whether used cannot be said",
            Mark::New => "held, too new to say",
            Mark::Unexplained => "used, though no snapshot allows it",
            Mark::None => "not held",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Mark::Used => "used",
            Mark::Unused => "unused",
            Mark::Unobservable => "unobservable",
            Mark::New => "new",
            Mark::Unexplained => "unexplained",
            Mark::None => "none",
        }
    }
}

impl Serialize for Mark {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.sign())
    }
}

/// A place of the matrix.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The action, without its prefix.
    pub action: &'static str,
    /// The mark.
    pub mark: Mark,
    /// Whether the right depends on a condition, or the snapshot leaves it open.
    pub is_conditional: bool,
    /// The condition.
    pub condition: Option<String>,
    /// The verdict's reason, where there is more to say than the mark.
    pub reason: Option<String>,
    /// The last use in the window.
    pub last_exercised_at: Option<String>,
}

impl Cell {
    pub(super) fn of(action: &'static str, right: &Right) -> Cell {
        let mark = match right.verdict.as_str() {
            "exercised" => Mark::Used,
            "unexercised" => Mark::Unused,
            "too_new" => Mark::New,
            _ => Mark::Unobservable,
        };
        Cell {
            action,
            mark,
            is_conditional: right.decision != "allowed",
            condition: right.condition.clone(),
            reason: right
                .reason
                .clone()
                .filter(|_| matches!(mark, Mark::Unobservable | Mark::New)),
            last_exercised_at: right.last_exercised_at.clone(),
        }
    }

    pub(super) fn unexplained(action: &'static str, row: &Unexplained) -> Cell {
        Cell {
            mark: Mark::Unexplained,
            reason: row.reason.clone(),
            last_exercised_at: row.last_exercised_at.clone(),
            ..Cell::none(action)
        }
    }

    pub(super) fn none(action: &'static str) -> Cell {
        Cell {
            action,
            mark: Mark::None,
            is_conditional: false,
            condition: None,
            reason: None,
            last_exercised_at: None,
        }
    }

    pub(super) fn is_right(&self) -> bool {
        !matches!(self.mark, Mark::None | Mark::Unexplained)
    }
}
