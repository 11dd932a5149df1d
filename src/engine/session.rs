//! A session: one lake, one set of limits, any number of questions.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, SchemaProvider};
use datafusion::execution::registry::FunctionRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;

use super::binding::{self, Bindings, Value};
use super::bytes_read::{BytesRead, CountingRegistry};
use super::catalog::LakeSchema;
use super::effective_access::{self, States};
use super::memory::SharedPool;
use super::query::NamedQuery;
use super::{Error, Result, careful, dialect, functions, json_text, planner, read_only};
use crate::coverage::Assumption;
use crate::lake::{Location, snapshots};
use crate::model::Instant;

const CATALOG: &str = "keytrail";
const SCHEMA: &str = "public";

/// Memory a session may use when nobody says otherwise.
const MEMORY_BYTES_DEFAULT: usize = 2 << 30;

/// Limits of a session.
#[derive(Debug, Clone, Default)]
pub struct SessionSettings {
    /// Memory that queries may use; what sorts and groups need beyond it goes to temporary files.
    pub memory_bytes: Option<usize>,
    /// What the user vouches for, where the lake cannot.
    pub assumed: Vec<Assumption>,
}

/// The lake, open for questions.
pub struct Session {
    /// For the program's own queries, in the engine's dialect.
    own: SessionContext,
    /// For what people type and paste, in Trino's.
    pasted: SessionContext,
    location: Location,
    lake: Arc<LakeSchema>,
    read: BytesRead,
}

/// An answer: its columns and a stream of its rows.
pub struct Rows {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows, in batches.
    pub stream: SendableRecordBatchStream,
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
        if !LakeSchema::is_lake(location).await? {
            return Err(Error::NoLake(
                place.to_owned(),
                "is not a lake: it holds no table".to_owned(),
            ));
        }
        // A writer that was killed may have left the ledger one commit behind the records. Where this reader may not
        // write, it reads what is there.
        if let Ok(Some(records)) = crate::lake::table::open(location, crate::lake::schema::CLOUDTRAIL).await {
            let _ = crate::lake::ledger::settle(location, &records).await;
        }
        let bytes = settings.memory_bytes.unwrap_or(MEMORY_BYTES_DEFAULT);
        let read = BytesRead::default();
        let runtime = runtime(bytes, &read)?;
        let reader = state(config(bytes), runtime.clone());
        let states = Arc::new(States::new(location.clone()));
        let lake = Arc::new(LakeSchema::new(
            location.clone(),
            reader,
            states.clone(),
            settings.assumed.clone(),
        ));
        let catalog = Arc::new(MemoryCatalogProvider::new());
        catalog.register_schema(SCHEMA, lake.clone())?;
        let context = |state: SessionState| {
            let context = SessionContext::new_with_state(state);
            context.register_udtf(effective_access::AT, Arc::new(effective_access::At(states.clone())));
            let without_mfa = effective_access::WithoutMfaAt(states.clone());
            context.register_udtf(effective_access::WITHOUT_MFA_AT, Arc::new(without_mfa));
            let guards = effective_access::GuardsAt(states.clone());
            context.register_udtf(effective_access::GUARDS_AT, Arc::new(guards));
            for function in json_text::functions() {
                context.register_udf(function);
            }
            context.register_catalog(CATALOG, catalog.clone());
            context
        };
        let own = context(state(config(bytes), runtime.clone()));
        let pasted = context(querying(config(bytes), runtime)?);
        Ok(Session {
            own,
            pasted,
            location: location.clone(),
            lake,
            read,
        })
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
        use crate::lake::{ledger, schema, table};
        let Some(records) = table::open(&self.location, schema::CLOUDTRAIL).await? else {
            return Ok(0);
        };
        let files = ledger::files(&records, schema::CLOUDTRAIL)?;
        Ok(files.iter().map(|file| file.size.unsigned_abs()).sum())
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

    /// Answers a query that somebody typed or pasted, in Athena's and CloudTrail Lake's dialect.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn pasted(&self, sql: &str, bindings: &Bindings) -> Result<Rows> {
        let mut statement = dialect::parse_pasted(sql)?;
        read_only::check(&statement)?;
        dialect::rewrite(&mut statement, &|name| self.lake.table_exist(name));
        run(&self.pasted, statement, bindings).await
    }
}

async fn run(context: &SessionContext, mut statement: Statement, bindings: &Bindings) -> Result<Rows> {
    binding::bind(&mut statement, bindings)?;
    let plan = context.state().statement_to_plan(statement).await?;
    let reading = SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false);
    reading.verify_plan(&plan)?;
    let stream = context.execute_logical_plan(plan).await?.execute_stream().await?;
    Ok(Rows {
        schema: stream.schema(),
        stream,
    })
}

fn runtime(bytes: usize, read: &BytesRead) -> Result<Arc<RuntimeEnv>> {
    let pool = SharedPool::new(bytes);
    Ok(RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
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

fn state(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionState {
    SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .build()
}

/// A state for what people paste: the engine's own, with JSON operators and Trino's functions and typed meanings first.
fn querying(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> Result<SessionState> {
    let mut state = state(config, runtime);
    datafusion_functions_json::register_all(&mut state)?;
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(planner::Typed)];
    planners.extend(state.expr_planners().iter().cloned());
    let rules = careful::rules(state.physical_optimizers());
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_expr_planners(planners)
        .with_physical_optimizer_rules(rules)
        .build();
    // Last, because some of the engine's own have aliases of these names.
    for function in functions::all() {
        state.register_udf(function)?;
    }
    Ok(state)
}
