//! Opening, creating and committing one Delta table.
//!
//! Every commit of every table carries the same application transaction id with the next number, because blind
//! appends do not conflict in Delta and two compactions of one snapshot would both succeed and double rows: with the
//! id, the second of two commits from one snapshot is refused and its writer looks again.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use deltalake::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, Remove, Snapshot, StructType, Transaction};
use deltalake::protocol::checkpoints::create_checkpoint;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt};
use url::Url;

use super::{Error, Location, Result};

/// The application id in every commit.
const WRITER: &str = "keytrail";

/// Commits between checkpoints: opening and committing cost grows with every commit since the last one.
const CHECKPOINT_INTERVAL: &str = "20";

/// What a commit did.
#[derive(Debug)]
pub enum Committed {
    /// The table's new state.
    Done(DeltaTable),
    /// Somebody else committed since the snapshot was read: look again.
    Raced,
}

fn at(table: &str) -> impl Fn(DeltaTableError) -> Error + '_ {
    move |source| Error::Table {
        table: table.to_owned(),
        source,
    }
}

/// A table's builder on the lake's own store, where it has one.
fn builder(lake: &Location, url: Url) -> std::result::Result<DeltaTableBuilder, DeltaTableError> {
    let builder = DeltaTableBuilder::from_url(url.clone())?
        .with_storage_options(lake.options().clone())
        .with_allow_http(true);
    Ok(match lake.store() {
        Some(store) => builder.with_storage_backend(store, url),
        None => builder,
    })
}

/// Whether there may be a table: of a folder it is known without a list.
fn may_be(lake: &Location, name: &str) -> bool {
    lake.folder()
        .is_none_or(|folder| folder.join(name).join("_delta_log").is_dir())
}

/// Opens a table, or `None` where there is none yet.
///
/// # Errors
/// Storage cannot be reached, or what is there is not a Delta table this program can read.
pub async fn open(lake: &Location, name: &str) -> Result<Option<DeltaTable>> {
    if !may_be(lake, name) {
        return Ok(None);
    }
    match builder(lake, lake.table(name)?).map_err(at(name))?.load().await {
        Ok(table) => Ok(Some(table)),
        Err(DeltaTableError::NotATable(_)) => Ok(None),
        Err(source) => Err(at(name)(source)),
    }
}

/// A table as it was at a moment, of whose log only the end was read: its columns are known, its files are not. Who asks one
/// question reads of them what that question needs, which takes a tenth of the time of a small one less.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The table, without a state.
    pub table: DeltaTable,
    /// What it was.
    pub snapshot: Arc<Snapshot>,
}

/// Glances at a table, or `None` where there is none yet.
///
/// # Errors
/// As [`open`].
pub async fn glance(lake: &Location, name: &str) -> Result<Option<Glance>> {
    if !may_be(lake, name) {
        return Ok(None);
    }
    let table = builder(lake, lake.table(name)?)
        .and_then(DeltaTableBuilder::build)
        .map_err(at(name))?;
    match Snapshot::try_new(table.log_store().as_ref(), None).await {
        Ok(snapshot) => Ok(Some(Glance {
            table,
            snapshot: Arc::new(snapshot),
        })),
        Err(DeltaTableError::NotATable(_)) => Ok(None),
        Err(source) => Err(at(name)(source)),
    }
}

impl Glance {
    /// The files, and the bytes of each.
    ///
    /// # Errors
    /// Storage cannot be reached.
    pub async fn files(&self, name: &str) -> Result<Vec<(String, u64)>> {
        let log = self.table.log_store();
        let views = self.snapshot.file_views(log.as_ref(), None);
        let files = views.map_ok(|view| (view.path().into_owned(), view.size().unsigned_abs()));
        files.try_collect().await.map_err(at(name))
    }
}

/// Brings an opened table up to what is there now.
///
/// # Errors
/// As [`open`].
pub async fn refresh(table: &mut DeltaTable, name: &str) -> Result<()> {
    table.update_state().await.map_err(at(name))
}

/// The same, of a table opened a moment ago: where there is no next commit, nothing is listed and read again.
///
/// # Errors
/// As [`open`].
pub async fn catch_up(table: &mut DeltaTable, name: &str) -> Result<()> {
    let version = table.snapshot().map_err(at(name))?.version();
    let next = Path::from(format!("_delta_log/{:020}.json", version + 1));
    match table.object_store().head(&next).await {
        Err(StoreError::NotFound { .. }) => Ok(()),
        _ => refresh(table, name).await,
    }
}

/// Opens a table, creating it empty where there is none.
///
/// `partition_columns` and `stats_columns` (top-level names only: the crate compares leaf names) matter at creation.
///
/// # Errors
/// Storage cannot be reached or written.
pub async fn open_or_create(
    lake: &Location,
    name: &str,
    schema: &SchemaRef,
    partition_columns: &[&str],
    stats_columns: &[&str],
) -> Result<DeltaTable> {
    if let Some(table) = open(lake, name).await? {
        return Ok(table);
    }
    if let Some(folder) = lake.folder() {
        std::fs::create_dir_all(folder.join(name))
            .map_err(|error| Error::NotALake(folder.display().to_string(), error.to_string()))?;
    }
    let columns: StructType = schema
        .as_ref()
        .try_into_kernel()
        .map_err(|error| at(name)(DeltaTableError::generic(format!("{error}"))))?;
    let table = builder(lake, lake.table(name)?)
        .and_then(DeltaTableBuilder::build)
        .map_err(at(name))?;
    let created = table
        .create()
        .with_columns(columns.fields().cloned())
        .with_partition_columns(partition_columns.iter().copied())
        .with_configuration([
            (
                "delta.checkpointInterval".to_owned(),
                Some(CHECKPOINT_INTERVAL.to_owned()),
            ),
            (
                "delta.dataSkippingStatsColumns".to_owned(),
                Some(stats_columns.join(",")),
            ),
        ])
        .with_raise_if_key_not_exists(false)
        .await;
    match created {
        Ok(table) => Ok(table),
        // Another process created it first.
        Err(error) => match open(lake, name).await? {
            Some(table) => Ok(table),
            None => Err(at(name)(error)),
        },
    }
}

/// Writes a checkpoint of the newest state, where there is none: who opens the table reads it instead of the commits since
/// the last one. With eighteen of them in two tables, every question took fifteen of its forty-five milliseconds longer.
///
/// # Errors
/// Storage refuses.
pub async fn checkpoint(lake: &Location, name: &str) -> Result<()> {
    let Some(table) = open(lake, name).await? else {
        return Ok(());
    };
    let version = table.snapshot().map_err(at(name))?.version();
    let place = Path::from(format!("_delta_log/{version:020}.checkpoint.parquet"));
    match table.object_store().head(&place).await {
        Ok(_) => Ok(()),
        Err(StoreError::NotFound { .. }) => create_checkpoint(&table, None).await.map_err(at(name)),
        Err(error) => Err(error.into()),
    }
}

/// The number of the newest commit of ours that the table's state has seen; 0 before the first.
///
/// # Errors
/// The log cannot be read.
pub async fn commit_number(table: &DeltaTable, name: &str) -> Result<i64> {
    let state = table.snapshot().map_err(at(name))?;
    let seen = state
        .transaction_version(table.log_store().as_ref(), WRITER)
        .await
        .map_err(at(name))?;
    Ok(seen.unwrap_or(0))
}

/// What one commit does.
#[derive(Debug, Default, Clone)]
pub struct Commit {
    /// Files that come in.
    pub adds: Vec<Add>,
    /// Files that go out.
    pub removes: Vec<Remove>,
    /// The rows stay the same (compaction), so that streaming readers skip the commit.
    pub is_rewrite: bool,
    /// Members of the commit's metadata.
    pub metadata: Vec<(String, serde_json::Value)>,
}

/// Commits on top of exactly the state that `table` holds, under the next number (or the one given), or says that
/// somebody was faster.
///
/// # Errors
/// Storage refuses, or the commit is invalid.
pub async fn commit(table: DeltaTable, name: &str, commit: Commit, number: Option<i64>) -> Result<Committed> {
    let number = match number {
        Some(number) => number,
        None => commit_number(&table, name).await? + 1,
    };
    let mut actions: Vec<Action> = commit.removes.into_iter().map(Action::Remove).collect();
    actions.extend(commit.adds.into_iter().map(Action::Add));
    let operation = if commit.is_rewrite {
        DeltaOperation::Optimize {
            predicate: None,
            target_size: 0,
        }
    } else {
        DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: None,
            predicate: None,
        }
    };
    let state = table.snapshot().map_err(at(name))?;
    let properties = CommitProperties::default()
        .with_metadata(commit.metadata)
        .with_application_transaction(Transaction::new(WRITER, number))
        .with_cleanup_expired_logs(Some(false));
    let result = CommitBuilder::from(properties)
        .with_actions(actions)
        .build(Some(state), table.log_store(), operation)
        .await;
    match result {
        Ok(_) => {
            let mut table = table;
            refresh(&mut table, name).await?;
            Ok(Committed::Done(table))
        }
        Err(DeltaTableError::VersionAlreadyExists(_)) => Ok(Committed::Raced),
        Err(DeltaTableError::Transaction { source }) if is_race(&source) => Ok(Committed::Raced),
        Err(source) => Err(at(name)(source)),
    }
}

fn is_race(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::CommitConflict(_)
            | TransactionError::MaxCommitAttempts(_)
            | TransactionError::VersionAlreadyExists(_)
    )
}
