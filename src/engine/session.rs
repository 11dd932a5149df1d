//! A session: one lake, one set of limits, any number of questions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider, TableProvider,
};
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::MemTable;
use datafusion::execution::registry::FunctionRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;

use super::alike::Alike;
use super::binding::{self, Bindings, Value};
use super::bytes_read::{BytesRead, CountingRegistry};
use super::catalog::{LakeSchema, Log};
use super::compacting::compact;
use super::effective_access::{self, States};
use super::footers::Footers;
use super::held::Held;
use super::memory::SharedPool;
use super::named::WithQueries;
#[cfg(target_os = "linux")]
use super::page_cache;
use super::prepared::Prepared;
use super::query::NamedQuery;
use super::reading::Meter;
use super::yielding::Yielding;
use super::{
    Error, Result, bounded, careful, count_distinct, dialect, functions, json_text, meanings, newest_caller, planner,
    postgres, read_only,
};
use crate::coverage::Assumption;
use crate::lake::{Location, schema, snapshots};
use crate::model::Instant;

const CATALOG: &str = "keytrail";
const SCHEMA: &str = "public";

/// Memory a session may use when nobody says otherwise.
const MEMORY_BYTES_DEFAULT: usize = 2 << 30;

/// Footers of files, with page statistics where they are needed, are kept beside that: at most this part of it, or the
/// engine's own default where that is more.
const FOOTERS_SHARE: usize = 16;
const FOOTERS_BYTES_MIN: usize = 50 << 20;

/// Limits of a session.
#[derive(Debug, Clone, Default)]
pub struct SessionSettings {
    /// Memory that queries may use; what sorts and groups need beyond it goes to temporary files.
    pub memory_bytes: Option<usize>,
    /// What the user vouches for, where the lake cannot.
    pub assumed: Vec<Assumption>,
    /// The questions name no table but the records ([`super::names_records_alone`]): the ledger beside them is not opened,
    /// which takes a fifth of the time of a small one.
    pub records_alone: bool,
}

/// The lake, open for questions.
pub struct Session {
    /// For the program's own queries, in the engine's dialect.
    pub(super) own: SessionContext,
    /// For what people type and paste, in Trino's.
    pasted: SessionContext,
    /// For questions about the catalogue that PostgreSQL's clients ask; made when one does.
    catalogue: OnceLock<SessionContext>,
    location: Location,
    /// The log as it was when the session began.
    log: Log,
    lake: Arc<LakeSchema>,
    footers: Footers,
    read: BytesRead,
    relations: Arc<WithQueries>,
    catalog: Arc<MemoryCatalogProvider>,
}

/// An answer: its columns and a stream of its rows.
pub struct Rows {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in batches.
    pub stream: SendableRecordBatchStream,
    pub(super) meter: Meter,
}

impl Rows {
    /// What counts what is read for these rows.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }
}

impl Session {
    /// Opens the lake for reading.
    ///
    /// # Errors
    /// There is no lake at the location, or it cannot be reached.
    pub async fn open(location: &Location, settings: &SessionSettings) -> Result<Session> {
        let place = location
            .folder()
            .map_or(location.root().to_string(), |folder| folder.display().to_string());
        let place = place.trim_end_matches('/');
        if location.folder().is_some_and(|folder| !folder.is_dir()) {
            let reason = if Path::new(place).exists() {
                "is not a folder"
            } else {
                "does not exist"
            };
            return Err(Error::NoLake(place.to_owned(), reason.to_owned()));
        }
        let bytes = settings.memory_bytes.unwrap_or(MEMORY_BYTES_DEFAULT);
        let read = BytesRead::default();
        // To register some hundred functions three times takes a tenth of the time of a small question: once, while the
        // log is opened.
        let engine = SpawnedTask::spawn_blocking({
            let read = read.clone();
            move || Engine::new(bytes, &read)
        });
        let log = match settings.records_alone {
            true => Log::open_records(location).await?,
            false => Log::open(location).await?,
        };
        if !log.has_records() && !LakeSchema::is_lake(location).await? {
            return Err(Error::NoLake(
                place.to_owned(),
                "is not a lake: it holds no table".to_owned(),
            ));
        }
        let engine = engine.join().await.map_err(|error| Error::Run(error.to_string()))??;
        let states = Arc::new(States::new(location.clone()));
        let lake = Arc::new(LakeSchema::new(
            location.clone(),
            engine.reader,
            log.clone(),
            states.clone(),
            settings.assumed.clone(),
        ));
        let context = |state: SessionState, schema: Arc<dyn SchemaProvider>| {
            let catalog = Arc::new(MemoryCatalogProvider::new());
            catalog.register_schema(SCHEMA, schema)?;
            let context = SessionContext::new_with_state(state);
            context.register_udtf(effective_access::AT, Arc::new(effective_access::At(states.clone())));
            let without_mfa = effective_access::WithoutMfaAt(states.clone());
            context.register_udtf(effective_access::WITHOUT_MFA_AT, Arc::new(without_mfa));
            let rights = effective_access::RightsAt(states.clone());
            context.register_udtf(effective_access::RIGHTS_AT, Arc::new(rights));
            let withheld = effective_access::WithheldAt(states.clone());
            context.register_udtf(effective_access::WITHHELD_AT, Arc::new(withheld));
            let guards = effective_access::GuardsAt(states.clone());
            context.register_udtf(effective_access::GUARDS_AT, Arc::new(guards));
            for function in json_text::functions() {
                context.register_udf(function);
            }
            context.register_catalog(CATALOG, catalog.clone());
            Ok::<_, Error>((context, catalog))
        };
        let (own, _) = context(engine.own, lake.clone())?;
        let relations = Arc::new(WithQueries::new(lake.clone(), location.clone(), own.clone()));
        let (pasted, catalog) = context(engine.pasted, relations.clone())?;
        Ok(Session {
            own,
            pasted,
            catalogue: OnceLock::new(),
            location: location.clone(),
            log,
            lake,
            footers: engine.footers,
            read,
            relations,
            catalog,
        })
    }

    /// Says that the same files will be asked of again and again: what tells their pages apart is read once, at the first
    /// question, also where that one would do without.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub async fn will_ask_often(&self) -> Result<()> {
        self.footers.with_index();
        #[cfg(target_os = "linux")]
        if let Some(folder) = self.location.folder() {
            let folder = folder.join(schema::CLOUDTRAIL);
            let files = self.log.record_files().await?.into_iter();
            let files = files.map(move |(path, size)| (folder.join(path), size));
            tokio::task::spawn_blocking(|| page_cache::fetch_ends(files));
        }
        Ok(())
    }

    /// Leaves what the session holds to the end of the process, which is near: to give it back piece by piece takes a tenth of
    /// the time of a small question. What it wrote to temporary files is removed.
    pub fn leave(self) {
        if self.own.runtime_env().disk_manager.temp_dir_paths().is_empty() {
            std::mem::forget(self);
        }
    }

    /// Bytes that questions have read from the lake's tables so far.
    pub fn bytes_read(&self) -> u64 {
        self.read.so_far()
    }

    /// Bytes of the records in the lake.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub async fn lake_bytes(&self) -> Result<u64> {
        Ok(self.log.record_files().await?.iter().map(|(_, size)| size).sum())
    }

    /// How many files the records in the lake are in.
    ///
    /// # Errors
    /// The lake cannot be read.
    pub async fn lake_files(&self) -> Result<usize> {
        Ok(self.log.record_files().await?.len())
    }

    /// Answers a named query, which may need what the lake does not hold.
    ///
    /// # Errors
    /// As [`Session::query`], and when it needs a snapshot and there is none at or before its `as_of`.
    pub async fn ask(&self, named: &NamedQuery, bindings: &Bindings) -> Result<Rows> {
        if named.needs_snapshot {
            self.require_snapshot(bindings).await?;
        }
        self.query(&named.statement()?, bindings).await
    }

    async fn require_snapshot(&self, bindings: &Bindings) -> Result<()> {
        let as_of = match bindings.get("as_of") {
            Some(Value::Instant(instant)) => Some(*instant),
            _ => None,
        };
        let headers = snapshots::list(&self.location).await?;
        if headers
            .iter()
            .any(|header| as_of.is_none_or(|as_of| header.collected_at <= as_of.0))
        {
            return Ok(());
        }
        Err(Error::NoSnapshot {
            as_of: as_of.map_or_else(|| "any time".to_owned(), |as_of| as_of.to_string()),
            first: headers
                .iter()
                .map(|header| header.collected_at)
                .min()
                .map(|at| Instant(at).to_string()),
        })
    }

    /// Answers a query in the engine's own dialect; `$name` in it stands for the value bound to the name.
    ///
    /// # Errors
    /// The text is not one statement that reads, names what does not exist, or leaves a parameter unbound.
    pub async fn query(&self, sql: &str, bindings: &Bindings) -> Result<Rows> {
        let statement = dialect::parse(sql)?;
        read_only::check(&statement)?;
        run(&self.own, statement, bindings).await
    }

    /// A session over the same lake whose `kms_records` and `kms_events` are what `questions` answer, each asked of its own
    /// session, held in memory: for many questions about the same few records. `None` where the rows are more than
    /// `bytes_max`.
    ///
    /// # Errors
    /// As [`Session::query`], of questions that do not answer rows of `kms_records`.
    pub async fn holding(
        &self,
        questions: &[(&Session, &str, &Bindings)],
        bytes_max: usize,
    ) -> Result<Option<Session>> {
        match answers(questions, bytes_max).await? {
            Some((columns, rows)) => {
                let records = Arc::new(MemTable::try_new(columns, vec![rows])?);
                Ok(Some(self.with_records(records).await?))
            }
            None => Ok(None),
        }
    }

    /// A session over the same lake whose `kms_records` and `kms_events` are made of nothing but the records of `cloudtrail`
    /// that `question` answers, held in memory; null are the columns it does not ask for. Aliases mean what they mean in the
    /// whole lake; a record with a flat key is taken to name no other. `None` where the rows are more than `bytes_max`.
    ///
    /// # Errors
    /// As [`Session::query`], of questions that do not answer rows of `cloudtrail`.
    pub async fn holding_log(&self, question: &str, bindings: &Bindings, bytes_max: usize) -> Result<Option<Session>> {
        match answers(&[(self, question, bindings)], bytes_max).await? {
            Some((columns, rows)) => {
                let records = self.lake.kms_records_over(&columns, rows).await?;
                Ok(Some(self.with_records(records).await?))
            }
            None => Ok(None),
        }
    }

    /// A session over the same lake with these `kms_records`.
    async fn with_records(&self, records: Arc<dyn TableProvider>) -> Result<Session> {
        let catalog = Arc::new(MemoryCatalogProvider::new());
        catalog.register_schema(SCHEMA, Arc::new(Held::over(self.lake.clone(), records).await?))?;
        let state = SessionStateBuilder::new_from_existing(self.own.state())
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .build();
        let own = SessionContext::new_with_state(state);
        own.register_catalog(CATALOG, catalog);
        Ok(Session {
            own,
            pasted: self.pasted.clone(),
            catalogue: OnceLock::new(),
            location: self.location.clone(),
            log: self.log.clone(),
            lake: self.lake.clone(),
            footers: self.footers.clone(),
            read: self.read.clone(),
            relations: self.relations.clone(),
            catalog: self.catalog.clone(),
        })
    }

    /// Answers a query that somebody typed or pasted, in Athena's and CloudTrail Lake's dialect.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn pasted(&self, sql: &str, bindings: &Bindings) -> Result<Rows> {
        let mut statement = dialect::parse_pasted(sql)?;
        read_only::check(&statement)?;
        binding::bind(&mut statement, bindings)?;
        self.prepared(statement).await?.run(None, None).await
    }

    /// Plans a query that somebody typed or pasted; `$1`, `$2` are parameters to be given when it is run.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn prepare(&self, sql: &str) -> Result<Prepared> {
        let statement = dialect::parse_pasted(sql)?;
        read_only::check(&statement)?;
        self.prepared(statement).await
    }

    async fn prepared(&self, statement: Statement) -> Result<Prepared> {
        Prepared::pasted(self.pasted.state(), self.relations.clone(), statement).await
    }

    /// Plans a question that PostgreSQL's clients ask about the catalogue.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn prepare_catalogue(&self, sql: &str) -> Result<Prepared> {
        let statement = postgres::parse(sql)?;
        read_only::check(&statement)?;
        let context = match self.catalogue.get() {
            Some(context) => context.clone(),
            None => {
                let state = state(
                    self.pasted.state().config().clone(),
                    self.pasted.runtime_env(),
                    &self.footers,
                )?;
                let context = postgres::context(state, CATALOG, self.catalog.clone())?;
                self.catalogue.get_or_init(|| context).clone()
            }
        };
        Prepared::new(context.state(), statement).await
    }

    /// The names of all relations: the lake's, and the named queries.
    pub fn relations(&self) -> Vec<String> {
        self.relations.table_names()
    }

    /// The columns of a relation, if there is one of this name.
    ///
    /// # Errors
    /// The relation cannot be opened.
    pub async fn columns(&self, relation: &str) -> Result<Option<SchemaRef>> {
        let table = self.relations.table(relation).await?;
        Ok(table.map(|table| table.schema()))
    }

    /// The names of all functions a query may call.
    pub fn functions(&self) -> Vec<String> {
        let state = self.pasted.state();
        let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.extend(dialect::translated_calls().map(str::to_owned));
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The catalogue's schema knows the list of catalogs that it is in.
        if self.catalogue.get().is_some() {
            let _ = self.catalog.deregister_schema("pg_catalog", true);
        }
    }
}

/// What questions answer, each asked of its own session, and the columns of the first; `None` where it is more than
/// `bytes_max`.
async fn answers(
    questions: &[(&Session, &str, &Bindings)],
    bytes_max: usize,
) -> Result<Option<(SchemaRef, Vec<RecordBatch>)>> {
    let (mut columns, mut rows, mut bytes) = (None, Vec::new(), 0);
    for (asked, sql, bindings) in questions {
        let Rows { schema, mut stream, .. } = asked.query(sql, bindings).await?;
        while let Some(batch) = stream.try_next().await? {
            let batch = compact(batch)?;
            bytes += batch.get_array_memory_size();
            if bytes > bytes_max {
                return Ok(None);
            }
            rows.push(batch);
        }
        columns.get_or_insert(schema);
    }
    let columns = columns.unwrap_or_else(|| Arc::new(Schema::empty()));
    Ok(Some((columns, rows)))
}

async fn run(context: &SessionContext, mut statement: Statement, bindings: &Bindings) -> Result<Rows> {
    binding::bind(&mut statement, bindings)?;
    Prepared::new(context.state(), statement).await?.run(None, None).await
}

fn runtime(bytes: usize, read: &BytesRead) -> Result<Arc<RuntimeEnv>> {
    let pool = SharedPool::new(bytes);
    Ok(RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_metadata_cache_limit((bytes / FOOTERS_SHARE).max(FOOTERS_BYTES_MIN))
        .with_object_store_registry(Arc::new(CountingRegistry::new(read.clone())))
        .build_arc()?)
}

fn config(bytes: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        // Merging spilled runs holds a batch of each run, so a small limit needs small batches.
        .with_batch_size((bytes / (32 << 10)).clamp(256, 8_192))
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    // What a sort sets aside for merging its spilled runs must fit into a small limit several times.
    options.execution.sort_spill_reservation_bytes = (bytes / 32).min(10 << 20);
    options.execution.sort_in_place_threshold_bytes = (bytes / 64).min(1 << 20);
    config
}

/// The engine's states of a session, each with a list of catalogs of its own.
struct Engine {
    /// For the lake's own tables and views.
    reader: SessionState,
    /// For the program's own queries.
    own: SessionState,
    /// For what people type and paste.
    pasted: SessionState,
    footers: Footers,
}

impl Engine {
    fn new(bytes: usize, read: &BytesRead) -> Result<Engine> {
        let runtime = runtime(bytes, read)?;
        let footers = Footers::of(&runtime);
        let reader = state(config(bytes), runtime, &footers)?;
        let apart = || {
            SessionStateBuilder::new_from_existing(reader.clone())
                .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
        };
        Ok(Engine {
            own: apart().build(),
            pasted: querying(apart())?,
            reader,
            footers,
        })
    }
}

fn state(config: SessionConfig, runtime: Arc<RuntimeEnv>, footers: &Footers) -> Result<SessionState> {
    let mut rules = careful::rules(&PhysicalOptimizer::new().rules);
    rules.push(Arc::new(Alike));
    rules.push(Arc::new(Yielding(footers.clone())));
    let mut state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_physical_optimizer_rules(rules)
        .build();
    count_distinct::register(&mut state)?;
    newest_caller::register(&mut state)?;
    Ok(state)
}

/// A state for what people paste: the engine's own, with JSON operators and Trino's functions and typed meanings first.
fn querying(builder: SessionStateBuilder) -> Result<SessionState> {
    let mut state = builder.build();
    datafusion_functions_json::register_all(&mut state)?;
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(planner::Typed)];
    planners.extend(state.expr_planners().iter().cloned());
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_expr_planners(planners)
        .build();
    // Last, because some of the engine's own have aliases of these names.
    for function in functions::all() {
        state.register_udf(function)?;
    }
    for aggregate in functions::aggregates() {
        state.register_udaf(Arc::new(aggregate))?;
    }
    state.register_higher_order_function(Arc::new(functions::reduce()))?;
    state.register_function_rewrite(Arc::new(meanings::Meanings))?;
    bounded::register(&mut state)?;
    Ok(state)
}
