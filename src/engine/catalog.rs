//! The names a session knows: the lake's tables, opened when first named and then fixed, and the views over them.
//!
//! INVARIANT: within one session a name always means the same rows, however long the session lives.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::config::Dialect;
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableType};
use datafusion::prelude::SessionContext;
use deltalake::DeltaTable;
use deltalake::kernel::Snapshot;
use futures::future::{BoxFuture, try_join_all};
use futures::try_join;
use tokio::sync::OnceCell;

use super::effective_access::{self, AccessTable, States, Which};
use super::kms_events::Told;
use super::named::relation_name;
use super::replay::ReplayTable;
use super::{coverage, held, kms_events, query, replay};
use crate::coverage::Assumption;
use crate::lake::{Location, ledger, schema, snapshots, table};

/// The tables `ingest` writes.
const LOG_TABLES: [&str; 5] = [
    schema::CLOUDTRAIL,
    schema::INGEST_OBJECTS,
    schema::INGEST_FAULTS,
    schema::DIGESTS,
    schema::INGEST_LISTINGS,
];

/// The tables `ingest` writes, all as of one moment. What the ledger vouches for must be among the records: so they are
/// never older than it, and a session that lives on learns of neither.
#[derive(Debug, Clone)]
pub(super) enum Log {
    /// All of them, where they are.
    Whole(BTreeMap<&'static str, Option<DeltaTable>>),
    /// The records alone, where there are any.
    Records(Option<table::Glance>),
}

impl Log {
    /// The log at a location.
    ///
    /// # Errors
    /// Storage cannot be reached, or what is there is no table this program can read.
    pub(super) async fn open(location: &Location) -> crate::lake::Result<Log> {
        let ledger = async || {
            let names = LOG_TABLES.into_iter().filter(|name| *name != schema::CLOUDTRAIL);
            try_join_all(names.map(async |name| Ok((name, table::open(location, name).await?)))).await
        };
        let records = async {
            let records = table::open(location, schema::CLOUDTRAIL).await?;
            // A writer that was killed may have left the ledger one commit behind the records. Where this reader may not
            // write, it reads what is there.
            let was_behind = match &records {
                Some(records) => matches!(ledger::settle(location, records).await, Ok(true)),
                None => false,
            };
            crate::lake::Result::Ok((records, was_behind))
        };
        let ((mut records, was_behind), mut opened) = try_join!(records, ledger())?;
        if was_behind {
            opened = ledger().await?;
        }
        let mut log: BTreeMap<&'static str, Option<DeltaTable>> = opened.into_iter().collect();
        // Whoever committed meanwhile may be in the ledger already.
        match &mut records {
            Some(records) => table::catch_up(records, schema::CLOUDTRAIL).await?,
            None => records = table::open(location, schema::CLOUDTRAIL).await?,
        }
        log.insert(schema::CLOUDTRAIL, records);
        Ok(Log::Whole(log))
    }

    /// The records alone, for questions that name nothing else.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub(super) async fn open_records(location: &Location) -> crate::lake::Result<Log> {
        Ok(Log::Records(table::glance(location, schema::CLOUDTRAIL).await?))
    }

    /// Whether there are any records.
    pub(super) fn has_records(&self) -> bool {
        match self {
            Log::Whole(tables) => tables.get(schema::CLOUDTRAIL).is_some_and(Option::is_some),
            Log::Records(records) => records.is_some(),
        }
    }

    /// The files the records are in, and the bytes of each.
    ///
    /// # Errors
    /// Storage cannot be reached.
    pub(super) async fn record_files(&self) -> crate::lake::Result<Vec<(String, u64)>> {
        match self {
            Log::Whole(tables) => match tables.get(schema::CLOUDTRAIL) {
                Some(Some(records)) => {
                    let files = ledger::files(records, schema::CLOUDTRAIL)?.into_iter();
                    Ok(files.map(|file| (file.path, file.size.unsigned_abs())).collect())
                }
                _ => Ok(Vec::new()),
            },
            Log::Records(Some(records)) => records.files(schema::CLOUDTRAIL).await,
            Log::Records(None) => Ok(Vec::new()),
        }
    }

    /// The rows of one of them, empty with these columns where there is none; `None` of any other table.
    async fn rows(
        &self,
        name: &str,
        columns: &SchemaRef,
        reader: Arc<SessionState>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        let (table, snapshot) = match self {
            Log::Whole(tables) => match tables.get(name) {
                Some(opened) => (opened.as_ref(), None),
                None => return Ok(None),
            },
            Log::Records(records) if name == schema::CLOUDTRAIL => (
                records.as_ref().map(|records| &records.table),
                records.as_ref().map(|records| records.snapshot.clone()),
            ),
            // It would be newer than the records.
            Log::Records(_) if LOG_TABLES.contains(&name) => {
                return datafusion::common::plan_err!("the lake was opened for its records alone, without `{name}`");
            }
            Log::Records(_) => return Ok(None),
        };
        rows(table, snapshot, columns, reader).await.map(Some)
    }
}

/// The rows of a table, as it is or as it was; none where there is no table.
async fn rows(
    table: Option<&DeltaTable>,
    snapshot: Option<Arc<Snapshot>>,
    columns: &SchemaRef,
    reader: Arc<SessionState>,
) -> Result<Arc<dyn TableProvider>> {
    let Some(table) = table else {
        return Ok(Arc::new(MemTable::try_new(columns.clone(), vec![vec![]])?));
    };
    table.update_datafusion_session(reader.as_ref())?;
    let provider = table.table_provider().with_session(reader);
    match snapshot {
        Some(snapshot) => provider.with_snapshot(snapshot).await,
        None => provider.await,
    }
}

/// Where the rows of a name come from.
#[derive(Debug)]
enum Origin {
    /// A Delta table, empty with this schema where the lake has none yet.
    Stored(SchemaRef),
    /// SQL over other names.
    Sql(String),
    /// `kms_records`, whose function holds the history of aliases.
    KmsRecords,
    /// What the log can vouch for, computed from the ledger, the trails and their changes.
    Coverage,
    /// What snapshots allow.
    Access(Which),
    /// Recorded calls asked again of them.
    Replay,
}

#[derive(Debug)]
struct Relation {
    origin: Origin,
    opened: OnceCell<Arc<dyn TableProvider>>,
}

/// The lake as a schema of SQL.
#[derive(Debug)]
pub(super) struct LakeSchema {
    location: Location,
    reader: Arc<SessionState>,
    /// The log and its ledger as they were when the session began.
    log: Log,
    relations: BTreeMap<String, Relation>,
    states: Arc<States>,
    /// What the user vouches for.
    assumed: Vec<Assumption>,
    /// What the whole log tells of the names of keys.
    told: OnceCell<Told>,
}

impl LakeSchema {
    /// The lake at `location`, read with the settings and the memory of `reader`.
    pub(super) fn new(
        location: Location,
        reader: SessionState,
        log: Log,
        states: Arc<States>,
        assumed: Vec<Assumption>,
    ) -> LakeSchema {
        let relations = origins().map(|(name, origin)| {
            let opened = OnceCell::new();
            (name, Relation { origin, opened })
        });
        LakeSchema {
            location,
            reader: Arc::new(reader),
            log,
            relations: relations.collect(),
            states,
            assumed,
            told: OnceCell::new(),
        }
    }

    /// Whether there is any table of ours at the location.
    pub(super) async fn is_lake(location: &Location) -> crate::lake::Result<bool> {
        for (name, origin) in origins() {
            if matches!(origin, Origin::Stored(_)) && table::open(location, &name).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn open(&self, name: &str, origin: &Origin) -> Result<Arc<dyn TableProvider>> {
        match origin {
            Origin::Stored(columns) => self.open_table(name, columns).await,
            Origin::Sql(sql) => {
                let plan = self.over(sql).await?;
                Ok(Arc::new(ViewTable::new(plan, Some(sql.clone()))))
            }
            Origin::KmsRecords => {
                let context = self.below_views();
                context.register_table(schema::CLOUDTRAIL, self.relation(schema::CLOUDTRAIL).await?)?;
                kms_events::view(&context, self.told().await?).await
            }
            Origin::Replay => {
                let records = self.relation(kms_events::RECORDS).await?;
                Ok(Arc::new(ReplayTable::new(self.location.clone(), records)))
            }
            Origin::Access(which) => Ok(Arc::new(AccessTable::new(self.states.clone(), *which))),
            Origin::Coverage => {
                let context = self.below_views();
                for below in coverage::BELOW {
                    context.register_table(below, self.relation(below).await?)?;
                }
                coverage::table(&context, self.assumed.clone()).await
            }
        }
    }

    /// What the whole log tells of the names of keys.
    async fn told(&self) -> Result<&Told> {
        let tell = async || {
            let context = self.below_views();
            for below in [schema::CLOUDTRAIL, kms_events::ALIASES] {
                context.register_table(below, self.relation(below).await?)?;
            }
            kms_events::told(&context).await
        };
        self.told.get_or_try_init(tell).await
    }

    /// `kms_records` over these records of `cloudtrail` alone, of which some columns were read. The history of aliases takes
    /// long to read, and is read only if one of them names a key by nothing else; so is whether a flat key is all that a
    /// record names, which only lakes of the first days leave in doubt.
    pub(super) async fn kms_records_over(
        &self,
        columns: &SchemaRef,
        records: Vec<RecordBatch>,
    ) -> Result<Arc<dyn TableProvider>> {
        let mut is_alias_alone = false;
        for batch in &records {
            is_alias_alone = is_alias_alone || kms_events::names_alias_alone(batch)?;
        }
        let log = self.relation(schema::CLOUDTRAIL).await?.schema();
        let context = self.below_views();
        context.register_table(schema::CLOUDTRAIL, Arc::new(held::widened(columns, records, &log)?))?;
        if is_alias_alone {
            kms_events::view(&context, self.told().await?).await
        } else {
            kms_events::view(&context, &Told::default()).await
        }
    }

    /// The plan of a view's SQL over the relations it names.
    async fn over(&self, sql: &str) -> Result<LogicalPlan> {
        let context = self.below_views();
        let state = context.state();
        let statement = state.sql_to_statement(sql, &Dialect::Generic)?;
        for below in state.resolve_table_references(&statement)? {
            context.register_table(below.table(), self.relation(below.table()).await?)?;
        }
        context.state().statement_to_plan(statement).await
    }

    /// An empty context in which a view is planned over the tables it is given.
    fn below_views(&self) -> SessionContext {
        let config = self
            .reader
            .config()
            .clone()
            .with_create_default_catalog_and_schema(true);
        SessionContext::new_with_config_rt(config, self.reader.runtime_env().clone())
    }

    async fn open_table(&self, name: &str, columns: &SchemaRef) -> Result<Arc<dyn TableProvider>> {
        if let Some(rows) = self.log.rows(name, columns, self.reader.clone()).await? {
            return Ok(rows);
        }
        let opened = table::open(&self.location, name).await;
        let opened = opened.map_err(|error| DataFusionError::External(Box::new(error)))?;
        rows(opened.as_ref(), None, columns, self.reader.clone()).await
    }

    /// The relation of this name. Boxed, because a view opens the tables under it.
    fn relation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn TableProvider>>> {
        Box::pin(async move {
            let Some(relation) = self.relations.get(name) else {
                return datafusion::common::plan_err!("table `{name}` not found");
            };
            let open = || self.open(name, &relation.origin);
            relation.opened.get_or_try_init(open).await.cloned()
        })
    }
}

/// Whether SQL names nothing of the lake but its records, as far as its words tell: a word that is also the name of
/// something else counts as that.
pub fn names_records_alone(sql: &str) -> bool {
    let words: HashSet<String> = sql
        .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .map(str::to_lowercase)
        .collect();
    let is_query = sql
        .split_whitespace()
        .next()
        .is_some_and(|first| first.eq_ignore_ascii_case("select") || first.eq_ignore_ascii_case("with"));
    let others = names().into_iter().filter(|name| name != schema::CLOUDTRAIL);
    let queries = query::names().map(relation_name);
    let catalogues = ["information_schema", "pg_catalog"].map(str::to_owned);
    is_query
        && !others
            .chain(queries)
            .chain(catalogues)
            .any(|name| words.contains(&name))
}

/// Every name.
pub(super) fn names() -> Vec<String> {
    origins().map(|(name, _)| name).collect()
}

/// Every name with its origin.
fn origins() -> impl Iterator<Item = (String, Origin)> {
    let logs = LOG_TABLES.into_iter().filter_map(|name| {
        let columns = schema::by_name(name)?;
        Some((name.to_owned(), Origin::Stored(columns)))
    });
    let parts = snapshots::stored().into_iter();
    let parts = parts.map(|(name, columns)| (name, Origin::Stored(columns)));
    let whole = snapshots::views().into_iter();
    let whole = whole.map(|(name, sql)| (name.to_owned(), Origin::Sql(sql)));
    let events = [
        (kms_events::RECORDS.to_owned(), Origin::KmsRecords),
        (kms_events::NAME.to_owned(), Origin::Sql(kms_events::EVENTS.to_owned())),
        (coverage::NAME.to_owned(), Origin::Coverage),
        (replay::NAME.to_owned(), Origin::Replay),
        (effective_access::NAME.to_owned(), Origin::Access(Which::Newest(None))),
        (effective_access::HISTORY.to_owned(), Origin::Access(Which::Each)),
    ];
    logs.chain(parts).chain(whole).chain(events)
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        self.relations.keys().cloned().collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if self.relations.contains_key(name) {
            self.relation(name).await.map(Some)
        } else {
            Ok(None)
        }
    }

    // Listing the names must not open everything.
    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.relations.get(name).map(|relation| match relation.origin {
            Origin::Stored(_) | Origin::Coverage | Origin::Access(_) | Origin::Replay => TableType::Base,
            Origin::Sql(_) | Origin::KmsRecords => TableType::View,
        }))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.relations.contains_key(name)
    }
}
