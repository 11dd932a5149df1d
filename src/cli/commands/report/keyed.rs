//! Rows by key: an answer in the order of its keys is put into a temporary file, so that the next question finds all the
//! memory there is, and several such answers are read side by side, a key's rows of each at a time.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Seek};
use std::path::Path;

use anyhow::Context;
use futures::TryStreamExt;
use serde::de::DeserializeOwned;

use crate::engine::{Error, Rows};
use crate::report::evidence::OfKey;
use crate::report::{Format, Writer};

/// An answer in the order of its keys.
pub(super) struct Keyed<T> {
    /// A row a line, as JSON.
    lines: BufReader<File>,
    line: Vec<u8>,
    next: Option<T>,
}

impl<T: DeserializeOwned + OfKey> Keyed<T> {
    /// Takes all rows; the file has no name, and goes when this does or the program ends.
    ///
    /// # Errors
    /// The question fails, or the folder cannot take the file.
    pub(super) async fn new(rows: Rows, folder: &Path) -> anyhow::Result<Keyed<T>> {
        let cannot = || format!("cannot write a temporary file into `{}`", folder.display());
        let file = tempfile::tempfile_in(folder).with_context(cannot)?;
        let Rows { schema, mut stream, .. } = rows;
        let mut writer = Writer::new(Format::Jsonl, &schema, BufWriter::with_capacity(1 << 16, file))?;
        while let Some(batch) = stream.try_next().await.map_err(Error::from)? {
            writer.write(&batch).with_context(cannot)?;
        }
        let (_, out) = writer.finish().with_context(cannot)?;
        let mut file = out
            .into_inner()
            .map_err(|error| error.into_error())
            .with_context(cannot)?;
        file.rewind().with_context(cannot)?;
        Ok(Keyed {
            lines: BufReader::with_capacity(1 << 16, file),
            line: Vec::new(),
            next: None,
        })
    }

    /// The rows of a key, which must not come before one asked for earlier; `pass` gets those of keys nobody asked for.
    pub(super) fn of(&mut self, key_arn: &str, mut pass: impl FnMut(T)) -> anyhow::Result<Vec<T>> {
        let mut found = Vec::new();
        while let Some(row) = self.take()? {
            match row.key_arn().cmp(key_arn) {
                std::cmp::Ordering::Less => pass(row),
                std::cmp::Ordering::Equal => found.push(row),
                std::cmp::Ordering::Greater => {
                    self.next = Some(row);
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Every row that is left.
    pub(super) fn rest(&mut self, mut pass: impl FnMut(T)) -> anyhow::Result<()> {
        while let Some(row) = self.take()? {
            pass(row);
        }
        Ok(())
    }

    fn take(&mut self) -> anyhow::Result<Option<T>> {
        if let Some(row) = self.next.take() {
            return Ok(Some(row));
        }
        self.line.clear();
        let length = self
            .lines
            .read_until(b'\n', &mut self.line)
            .context("cannot read a temporary file")?;
        Ok(if length == 0 {
            None
        } else {
            Some(serde_json::from_slice(&self.line)?)
        })
    }
}
