//! Fewer files: each snapshot leaves a small one in some tables, and whoever asks reads them all.
//!
//! Files of one size are merged as soon as there are many of them, into one of the next size, so that a row is written a
//! few times only and the number of files grows with the logarithm of the number of snapshots. What is superseded is
//! deleted after a while, for readers of older versions and of running commands.

use deltalake::kernel::Add;

use super::schema;
use super::store;
use crate::lake::table::{self, Commit, Committed};
use crate::lake::{Location, Result, compact, ledger};
use crate::model::Instant;
use crate::snapshot::tables::Table;

/// So many files of one size are merged.
const FILES: usize = 24;
/// The largest files of the smallest size.
const SMALL_BYTES: i64 = 64 << 10;
/// Each size is so many times the one before.
const FACTOR: i64 = 8;
/// Larger files stay as they are: bounds the memory of a merge.
const FILE_BYTES: i64 = 32 << 20;
/// How long superseded files stay, in microseconds: as long as `compact` leaves them by default.
const RETENTION: i64 = 7 * 86_400_000_000;

/// What a merge did.
#[derive(Debug, Default, Clone, Copy)]
pub(in crate::lake) struct Merged {
    pub(in crate::lake) files_before: usize,
    pub(in crate::lake) files_after: usize,
    pub(in crate::lake) bytes_before: i64,
    pub(in crate::lake) bytes_after: i64,
}

impl Merged {
    /// Both together.
    pub(in crate::lake) fn add(&mut self, other: Merged) {
        self.files_before += other.files_before;
        self.files_after += other.files_after;
        self.bytes_before += other.bytes_before;
        self.bytes_after += other.bytes_after;
    }
}

/// Merges files of one size, where there are many; what was superseded long ago is deleted then.
pub(super) async fn tidy(lake: &Location, of: &'static Table, now: i64) -> Result<()> {
    let merged = merge(lake, of, now, crowded).await?;
    if merged.files_before > 0 {
        compact::sweep(lake, &schema::stored_name(of), Instant(now.saturating_sub(RETENTION))).await?;
    }
    Ok(())
}

/// Merges all files of a table that are not large.
pub(in crate::lake) async fn compact(lake: &Location, of: &'static Table, now: i64) -> Result<Merged> {
    merge(lake, of, now, |adds| Some(adds).filter(|adds| adds.len() > 1)).await
}

/// The files of a size that has too many.
fn crowded(adds: Vec<Add>) -> Option<Vec<Add>> {
    let size = |add: &Add| {
        let mut bound = SMALL_BYTES;
        while add.size > bound {
            bound = bound.saturating_mul(FACTOR);
        }
        bound
    };
    let mut sizes: Vec<i64> = adds.iter().map(size).collect();
    sizes.sort_unstable();
    let many = sizes
        .chunk_by(|one, other| one == other)
        .find(|alike| alike.len() >= FILES)?;
    let bound = *many.first()?;
    Some(adds.into_iter().filter(|add| size(add) == bound).collect())
}

async fn merge(
    lake: &Location,
    of: &'static Table,
    now: i64,
    choose: impl Fn(Vec<Add>) -> Option<Vec<Add>>,
) -> Result<Merged> {
    let name = schema::stored_name(of);
    let Some(table) = table::open(lake, &name).await? else {
        return Ok(Merged::default());
    };
    let mut adds = ledger::files(&table, &name)?;
    adds.retain(|add| add.size < FILE_BYTES / 2);
    let Some(mut chosen) = choose(adds) else {
        return Ok(Merged::default());
    };
    // Older first: files are named at random, but their commits are in order.
    chosen.sort_by(|one, two| (one.modification_time, &one.path).cmp(&(two.modification_time, &two.path)));
    let groups = compact::packed(chosen, FILE_BYTES);
    let mut merged = Merged::default();
    let mut commit = Commit {
        is_rewrite: true,
        ..Commit::default()
    };
    for group in &groups {
        for mut add in store::rewrite(&table, of, group).await? {
            add.data_change = false;
            merged.files_after += 1;
            merged.bytes_after += add.size;
            commit.adds.push(add);
        }
        for add in group {
            merged.files_before += 1;
            merged.bytes_before += add.size;
            commit.removes.push(ledger::removal(add, Instant(now), false));
        }
    }
    if commit.adds.is_empty() {
        return Ok(Merged::default());
    }
    Ok(match table::commit(table, &name, commit, None).await? {
        Committed::Done(_) => merged,
        // Somebody keeps a snapshot: the next one finds the files again.
        Committed::Raced => Merged::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adds(sizes: &[i64]) -> Vec<Add> {
        let add = |(number, size): (usize, &i64)| Add {
            path: number.to_string(),
            size: *size,
            ..Add::default()
        };
        sizes.iter().enumerate().map(add).collect()
    }

    #[test]
    fn files_of_one_size_are_merged_when_they_are_many() {
        let mut sizes = vec![5_000; FILES - 1];
        sizes.extend([100_000; 3]);
        assert!(crowded(adds(&sizes)).is_none());
        sizes.push(9_000);
        let chosen = crowded(adds(&sizes)).unwrap();
        assert!(chosen.len() == FILES && chosen.iter().all(|add| add.size < SMALL_BYTES));
        assert_eq!(crowded(adds(&[200_000; FILES])).unwrap().len(), FILES);
    }
}
