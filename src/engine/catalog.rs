//! The names a session knows: the lake's tables, opened when first named and then fixed, and the views over them.
//!
//! INVARIANT: within one session a name always means the same rows, however long the session lives.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use super::effective_access::{self, AccessTable, States, Which};
use super::{coverage, kms_events};
use crate::coverage::Assumption;
use crate::lake::{Location, schema, snapshots, table};

/// The tables a lake may hold.
const TABLES: [&str; 5] = [
    schema::CLOUDTRAIL,
    schema::INGEST_OBJECTS,
    schema::INGEST_FAULTS,
    schema::DIGESTS,
    schema::INGEST_LISTINGS,
];

/// The views over them.
const VIEWS: [&str; 1] = [kms_events::NAME];

/// What is computed from them.
const COMPUTED: [&str; 3] = [coverage::NAME, effective_access::NAME, effective_access::HISTORY];

/// The lake as a schema of SQL.
#[derive(Debug)]
pub(super) struct LakeSchema {
    location: Location,
    reader: Arc<SessionState>,
    relations: BTreeMap<String, OnceCell<Arc<dyn TableProvider>>>,
    states: Arc<States>,
    /// What the user vouches for.
    assumed: Vec<Assumption>,
    /// Views whose text the lake brings along, by name.
    snapshot_views: BTreeMap<&'static str, String>,
}

impl LakeSchema {
    /// The lake at `location`, read with the settings and the memory of `reader`.
    pub(super) fn new(location: Location, reader: SessionState, states: Arc<States>, assumed: Vec<Assumption>) -> LakeSchema {
        let snapshot_views: BTreeMap<&'static str, String> = snapshots::views().into_iter().collect();
        let own = TABLES.iter().chain(&VIEWS).chain(&COMPUTED).chain(snapshot_views.keys()).map(|name| (*name).to_owned());
        let names = own.chain(snapshots::stored().into_iter().map(|(name, _)| name));
        let relations = names.map(|name| (name, OnceCell::new())).collect();
        LakeSchema {
            location,
            reader: Arc::new(reader),
            relations,
            states,
            assumed,
            snapshot_views,
        }
    }

    /// Whether there is any table of ours at the location.
    pub(super) async fn is_lake(location: &Location) -> crate::lake::Result<bool> {
        for name in TABLES {
            if table::open(location, name).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(!snapshots::list(location).await?.is_empty())
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        match name {
            kms_events::NAME => {
                let context = self.below_views();
                context.register_table(schema::CLOUDTRAIL, self.relation(schema::CLOUDTRAIL).await?)?;
                kms_events::view(&context).await
            }
            effective_access::NAME => Ok(Arc::new(AccessTable::new(self.states.clone(), Which::Newest(None)))),
            effective_access::HISTORY => Ok(Arc::new(AccessTable::new(self.states.clone(), Which::Each))),
            coverage::NAME => {
                let context = self.below_views();
                for below in coverage::BELOW {
                    context.register_table(below, self.relation(below).await?)?;
                }
                coverage::table(&context, self.assumed.clone()).await
            }
            name => match self.snapshot_views.get(name) {
                Some(sql) => self.open_view(name, sql).await,
                None => self.open_table(name).await,
            },
        }
    }

    /// A view over whichever relations its text names.
    async fn open_view(&self, name: &str, sql: &str) -> Result<Arc<dyn TableProvider>> {
        let context = self.below_views();
        let words = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
        for below in self.relations.keys().filter(|below| *below != name && sql.split(words).any(|word| word == *below)) {
            context.register_table(below.as_str(), self.relation(below).await?)?;
        }
        Ok(context.sql(sql).await?.into_view())
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

    async fn open_table(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let opened = table::open(&self.location, name).await;
        if let Some(table) = opened.map_err(|error| DataFusionError::External(Box::new(error)))? {
            table.update_datafusion_session(self.reader.as_ref())?;
            return table.table_provider().with_session(self.reader.clone()).await;
        }
        let of_snapshots = || snapshots::stored().into_iter().find(|(held, _)| held == name).map(|(_, columns)| columns);
        let Some(columns) = schema::by_name(name).or_else(of_snapshots) else {
            return datafusion::common::internal_err!("table `{name}` has no schema");
        };
        Ok(Arc::new(MemTable::try_new(columns, vec![vec![]])?))
    }

    /// The relation of this name. Boxed, because a view opens the tables under it.
    fn relation<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn TableProvider>>> {
        Box::pin(async move {
            let Some((name, cell)) = self.relations.get_key_value(name) else {
                return datafusion::common::plan_err!("table `{name}` not found");
            };
            cell.get_or_try_init(|| self.open(name)).await.cloned()
        })
    }
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
        let kind = if VIEWS.contains(&name) || self.snapshot_views.contains_key(name) {
            TableType::View
        } else {
            TableType::Base
        };
        Ok(self.relations.contains_key(name).then_some(kind))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.relations.contains_key(name)
    }
}
