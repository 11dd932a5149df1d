//! Cutting a table's rows into chunks named by their content, so that snapshots that agree share them.
//!
//! Where a chunk ends is decided by the rows themselves: a row added, changed or removed alters its own chunk and no
//! other, and two snapshots of ten thousand keys that differ in one differ in one chunk.

use sha2::{Digest, Sha256};

use super::tables::{Cell, Row, Table};

/// One row in so many ends a chunk.
const ROWS_MEAN: u8 = 48;
/// A chunk never holds more.
const ROWS_MAX: usize = 256;
/// Changes when the meaning of a table's columns changes, so that old and new rows never share a chunk.
const LAYOUT: u8 = 1;

/// Consecutive rows of one table, account and Region.
#[derive(Debug)]
pub struct Chunk<'r> {
    /// 128 bits of the SHA-256 of the rows, in hexadecimal.
    pub id: String,
    /// The account of its rows.
    pub account_id: Option<&'r str>,
    /// The Region of its rows.
    pub region: Option<&'r str>,
    /// The rows.
    pub rows: &'r [Row],
}

/// Cuts sorted rows into chunks.
pub fn cut<'r>(table: &Table, rows: &'r [Row]) -> Vec<Chunk<'r>> {
    let mut chunks = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let length = length(table, rest);
        let (rows, after) = rest.split_at(length);
        chunks.push(Chunk {
            id: id(table, rows),
            account_id: rows.first().and_then(|row| table.text_of(row, "account_id")),
            region: rows.first().and_then(|row| table.text_of(row, "region")),
            rows,
        });
        rest = after;
    }
    chunks
}

fn length(table: &Table, rows: &[Row]) -> usize {
    for (index, pair) in rows.windows(2).take(ROWS_MAX - 1).enumerate() {
        if let [row, next] = pair
            && (place(table, row) != place(table, next) || ends(table, row))
        {
            return index + 1;
        }
    }
    rows.len().min(ROWS_MAX)
}

fn place<'r>(table: &Table, row: &'r Row) -> (Option<&'r str>, Option<&'r str>) {
    (table.text_of(row, "account_id"), table.text_of(row, "region"))
}

fn ends(table: &Table, row: &Row) -> bool {
    let mut hash = Sha256::new();
    row.iter()
        .take(table.key_columns)
        .for_each(|cell| feed(&mut hash, cell));
    hash.finalize().first().is_some_and(|byte| byte % ROWS_MEAN == 0)
}

fn id(table: &Table, rows: &[Row]) -> String {
    use std::fmt::Write as _;
    let mut hash = Sha256::new();
    hash.update([LAYOUT]);
    feed(&mut hash, &Cell::Text(table.name.to_owned()));
    rows.iter().flatten().for_each(|cell| feed(&mut hash, cell));
    let mut id = String::with_capacity(32);
    for byte in hash.finalize().iter().take(16) {
        let _ = write!(id, "{byte:02x}");
    }
    id
}

fn feed(hash: &mut Sha256, cell: &Cell) {
    let mut text = |tag: u8, text: &str| {
        hash.update([tag]);
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    match cell {
        Cell::Null => hash.update([0]),
        Cell::Text(held) => text(1, held),
        Cell::Int(number) | Cell::Instant(number) => {
            hash.update([2]);
            hash.update(number.to_le_bytes());
        }
        Cell::Flag(flag) => hash.update([3, u8::from(*flag)]),
        Cell::Texts(texts) => {
            text(4, "");
            texts.iter().for_each(|held| text(5, held));
            text(6, "");
        }
    }
}

/// A hash of a whole snapshot's contents: of its chunks, which name their rows, which name their texts.
pub fn content_hash<'c>(chunks: impl Iterator<Item = (&'c str, &'c str)>) -> String {
    let mut all: Vec<(&str, &str)> = chunks.collect();
    all.sort_unstable();
    let mut text = String::new();
    for (table, chunk) in all {
        text.push_str(table);
        text.push(' ');
        text.push_str(chunk);
        text.push('\n');
    }
    super::document::sha256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::snapshot::tables::KMS_TAGS;

    fn tags(count: usize, changed: Option<usize>) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..count)
            .map(|index| {
                let value = if changed == Some(index) { "other" } else { "same" };
                let account = if index % 2 == 0 { "111122223333" } else { "444455556666" };
                let key = format!("key-{index:05}");
                [account, "eu-west-1", &key, "tag", &key, value]
                    .iter()
                    .map(|text| Cell::from(*text))
                    .collect()
            })
            .collect();
        rows.sort();
        rows
    }

    #[test]
    fn one_changed_row_changes_one_chunk() {
        let (before, after) = (tags(5_000, None), tags(5_000, Some(1_234)));
        let ids = |rows| {
            cut(&KMS_TAGS, rows)
                .into_iter()
                .map(|chunk| chunk.id)
                .collect::<BTreeSet<String>>()
        };
        let (before, after) = (ids(&before), ids(&after));
        assert!(before.len() > 50, "{}", before.len());
        assert_eq!(before.difference(&after).count(), 1);
        assert_eq!(after.difference(&before).count(), 1);
    }

    #[test]
    fn chunks_hold_every_row_once_and_one_account() {
        let rows = tags(2_000, None);
        let chunks = cut(&KMS_TAGS, &rows);
        assert_eq!(chunks.iter().map(|chunk| chunk.rows.len()).sum::<usize>(), rows.len());
        for chunk in &chunks {
            assert!(chunk.rows.len() <= ROWS_MAX);
            assert!(
                chunk
                    .rows
                    .iter()
                    .all(|row| KMS_TAGS.text_of(row, "account_id") == chunk.account_id)
            );
        }
    }

    #[test]
    fn removing_a_row_leaves_far_chunks_alone() {
        let rows = tags(3_000, None);
        let mut fewer = rows.clone();
        fewer.remove(700);
        let ids = |rows| {
            cut(&KMS_TAGS, rows)
                .into_iter()
                .map(|chunk| chunk.id)
                .collect::<BTreeSet<String>>()
        };
        assert!(ids(&rows).difference(&ids(&fewer)).count() <= 2);
    }
}
