//! Rows by key, as they come: several answers in the order of the keys are read side by side, so that no more than a
//! key's rows of each are in memory.

use std::collections::VecDeque;

use futures::TryStreamExt;
use serde::de::DeserializeOwned;

use super::lake::typed;
use crate::engine::{Error, Rows};
use crate::report::evidence::OfKey;

/// An answer in the order of its keys.
pub(super) struct Keyed<T> {
    rows: Rows,
    held: VecDeque<T>,
}

impl<T: DeserializeOwned + OfKey> Keyed<T> {
    pub(super) fn new(rows: Rows) -> Keyed<T> {
        Keyed {
            rows,
            held: VecDeque::new(),
        }
    }

    /// The rows of a key, which must not come before one asked for earlier; `pass` gets those of keys nobody asked for.
    pub(super) async fn of(&mut self, key_arn: &str, mut pass: impl FnMut(T)) -> anyhow::Result<Vec<T>> {
        let mut found = Vec::new();
        loop {
            while let Some(row) = self.held.pop_front() {
                match row.key_arn().cmp(key_arn) {
                    std::cmp::Ordering::Less => pass(row),
                    std::cmp::Ordering::Equal => found.push(row),
                    std::cmp::Ordering::Greater => {
                        self.held.push_front(row);
                        return Ok(found);
                    }
                }
            }
            if !self.fill().await? {
                return Ok(found);
            }
        }
    }

    /// Every row that is left.
    pub(super) async fn rest(&mut self, mut pass: impl FnMut(T)) -> anyhow::Result<()> {
        loop {
            self.held.drain(..).for_each(&mut pass);
            if !self.fill().await? {
                return Ok(());
            }
        }
    }

    async fn fill(&mut self) -> anyhow::Result<bool> {
        let Some(batch) = self.rows.stream.try_next().await.map_err(Error::from)? else {
            return Ok(false);
        };
        self.held.extend(typed(&self.rows.schema, &batch)?);
        Ok(true)
    }
}

/// Every row of an answer.
pub(super) async fn all<T: DeserializeOwned>(rows: Rows) -> anyhow::Result<Vec<T>> {
    let Rows { schema, mut stream, .. } = rows;
    let mut found = Vec::new();
    while let Some(batch) = stream.try_next().await.map_err(Error::from)? {
        found.extend(typed(&schema, &batch)?);
    }
    Ok(found)
}
