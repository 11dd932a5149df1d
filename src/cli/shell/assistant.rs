//! What helps while typing: completion, and the knowledge whether a statement is whole.

use std::sync::{Arc, PoisonError, RwLock};

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper, Result};

use super::words::Words;

/// The helper of the line editor.
pub(super) struct Assistant {
    words: Arc<RwLock<Words>>,
    files: FilenameCompleter,
}

impl Assistant {
    /// A helper that knows these words.
    pub(super) fn new(words: Arc<RwLock<Words>>) -> Assistant {
        Assistant {
            words,
            files: FilenameCompleter::new(),
        }
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, context: &Context<'_>) -> Result<(usize, Vec<Pair>)> {
        if line.starts_with(".read ") || line.starts_with(".output ") {
            return self.files.complete(line, position, context);
        }
        let before = line.get(..position).unwrap_or(line);
        let words = self.words.read().unwrap_or_else(PoisonError::into_inner);
        let (start, found) = words.after(before);
        let pair = |word: String| Pair {
            display: word.clone(),
            replacement: word,
        };
        Ok((start, found.into_iter().map(pair).collect()))
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}
impl Validator for Assistant {}
impl Helper for Assistant {}
