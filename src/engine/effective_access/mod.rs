//! `effective_access`: what snapshots allow, as rows. Decided by classes of equals when first read, kept as classes for
//! the life of the session, and unrolled while it is read.
//!
//! - `effective_access`: the newest snapshot of every account and Region.
//! - `effective_access_at(AS_OF)`: the same, as it was at an instant.
//! - `effective_access_without_mfa_at(AS_OF)`: the same, of requests that show no second factor.
//! - `effective_rights_at(AS_OF, 'core' | 'full' | 'use' [, SINCE])`: the same, one row for the actions that nothing tells
//!   apart.
//! - `withheld_rights_at(AS_OF, 'core' | 'full' | 'use')`: what policies and grants give there, and a Deny, a boundary or a
//!   control policy takes, in rows of the same form.
//! - `deletion_guards_at(AS_OF)`: what denies disabling or deleting a key, in the newest snapshots at an instant.
//! - `effective_access_history`: every snapshot by itself.

mod actions;
mod guards;
mod rows;
mod seen;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::streaming::PartitionStream;

use crate::policy::access::single_key_actions;
use crate::policy::kms::{self, ActionSet};

pub(super) use guards::GuardsAt;
use rows::{Named, Rows};
use state::SecondFactor;
pub(super) use state::States;

/// The table of the newest snapshot.
pub(super) const NAME: &str = "effective_access";
/// The table of all snapshots.
pub(super) const HISTORY: &str = "effective_access_history";
/// The function of what guards keys.
pub(super) const GUARDS_AT: &str = "deletion_guards_at";
/// The function of an instant.
pub(super) const AT: &str = "effective_access_at";
/// The function of an instant, for requests that show no second factor.
pub(super) const WITHOUT_MFA_AT: &str = "effective_access_without_mfa_at";

/// The function of an instant, for rights whose actions stand together.
pub(super) const RIGHTS_AT: &str = "effective_rights_at";
/// The function of an instant, for rights that are given and withheld.
pub(super) const WITHHELD_AT: &str = "withheld_rights_at";

/// Which snapshots a table is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Which {
    /// The newest of every account and Region, at or before an instant if one is given.
    Newest(Option<i64>),
    /// Each by itself.
    Each,
}

/// A table of rights.
#[derive(Debug)]
pub(super) struct AccessTable {
    states: Arc<States>,
    which: Which,
    without_mfa: bool,
    withheld: bool,
    /// These actions alone, and those that nothing tells apart in one row.
    together: Option<ActionSet>,
    /// Since when earlier snapshots are asked for the rights of the newest.
    seen_since: Option<i64>,
}

impl AccessTable {
    pub(super) fn new(states: Arc<States>, which: Which) -> AccessTable {
        AccessTable {
            states,
            which,
            without_mfa: false,
            withheld: false,
            together: None,
            seen_since: None,
        }
    }

    /// The rights at an instant of requests without a second factor. Those of long-term credentials lack the condition
    /// key, those of temporary ones say `false`; a role has temporary ones only.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthpresent>
    async fn without_mfa(&self, as_of: Option<i64>, wanted: ActionSet, named: Named) -> Result<Vec<Rows>> {
        let temporary = self.states.newest(as_of, wanted, SecondFactor::NotGiven).await?;
        let long_term = self.states.newest(as_of, wanted, SecondFactor::Absent).await?;
        let temporary = temporary.map(|state| Rows::new(state, named));
        let long_term = long_term.map(|state| Rows::new(state, named).except_roles());
        Ok(temporary.into_iter().chain(long_term).collect())
    }
}

#[async_trait]
impl TableProvider for AccessTable {
    fn schema(&self) -> SchemaRef {
        match self.together {
            None => rows::schema(),
            Some(_) => rows::schema_of_rights(),
        }
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // What is not asked for is not decided; the filter is still applied to the rows.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = self.together.unwrap_or_else(|| actions::wanted(filters));
        let (since, until) = actions::collected(filters);
        let is_read = |column: &str| {
            let at = self.schema().index_of(column).ok();
            projection.is_none_or(|projection| at.is_some_and(|at| projection.contains(&at)))
        };
        let named = Named {
            paths: is_read("paths"),
            limits: is_read("limits"),
        };
        let decided: Vec<Rows> = match self.which {
            Which::Newest(as_of) if self.withheld => {
                let state = self.states.withheld(as_of, wanted).await?;
                state.map(|state| Rows::new(state, named)).into_iter().collect()
            }
            Which::Newest(as_of) if self.without_mfa => self.without_mfa(as_of, wanted, named).await?,
            Which::Newest(as_of) => match self.states.newest(as_of, wanted, SecondFactor::Unknown).await? {
                None => Vec::new(),
                Some(state) => {
                    let rows = Rows::new(state.clone(), named);
                    let is_seen_read = is_read("first_seen_at") || is_read("last_seen_at");
                    vec![match self.seen_since.filter(|_| is_seen_read) {
                        None => rows,
                        Some(since) => {
                            let until = as_of.unwrap_or(i64::MAX);
                            let others = self.states.each(since, until, wanted).await?;
                            rows.seen_by(&state, others)
                        }
                    }]
                }
            },
            Which::Each => {
                let states = self.states.each(since, until, wanted).await?;
                states.into_iter().map(|state| Rows::new(state, named)).collect()
            }
        };
        let decided = if decided.is_empty() {
            vec![Rows::none()]
        } else {
            decided
        };
        let parts = decided.into_iter().map(|rows| -> Arc<dyn PartitionStream> {
            Arc::new(if self.together.is_some() { rows.together() } else { rows })
        });
        StreamingTable::try_new(self.schema(), parts.collect())?
            .scan(session, projection, &[], limit)
            .await
    }
}

/// `effective_access_at(AS_OF [, SINCE])`: with `SINCE`, `first_seen_at` and `last_seen_at` say which snapshots from then
/// on show the right.
#[derive(Debug)]
pub(super) struct At(pub(super) Arc<States>);

impl TableFunctionImpl for At {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let (as_of, since) = match arguments.exprs() {
            [as_of] => (instant(AT, as_of)?, None),
            [as_of, since] => (instant(AT, as_of)?, instant(AT, since)?),
            _ => return plan_err!("{AT} takes one instant or two"),
        };
        Ok(Arc::new(AccessTable {
            seen_since: since,
            ..AccessTable::new(self.0.clone(), Which::Newest(as_of))
        }))
    }
}

/// `effective_access_without_mfa_at(AS_OF)`.
#[derive(Debug)]
pub(super) struct WithoutMfaAt(pub(super) Arc<States>);

impl TableFunctionImpl for WithoutMfaAt {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [as_of] = arguments.exprs() else {
            return plan_err!("{WITHOUT_MFA_AT} takes one instant");
        };
        let which = Which::Newest(instant(WITHOUT_MFA_AT, as_of)?);
        Ok(Arc::new(AccessTable {
            without_mfa: true,
            ..AccessTable::new(self.0.clone(), which)
        }))
    }
}

/// `effective_rights_at(AS_OF, KIND [, SINCE])`.
#[derive(Debug)]
pub(super) struct RightsAt(pub(super) Arc<States>);

impl TableFunctionImpl for RightsAt {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let (as_of, kind, since) = match arguments.exprs() {
            [as_of, kind] => (as_of, kind, None),
            [as_of, kind, since] => (as_of, kind, instant(RIGHTS_AT, since)?),
            _ => {
                return plan_err!("{RIGHTS_AT} takes an instant, `core`, `full` or `use`, and perhaps another instant");
            }
        };
        Ok(Arc::new(AccessTable {
            together: Some(actions_of(RIGHTS_AT, kind)?),
            seen_since: since,
            ..AccessTable::new(self.0.clone(), Which::Newest(instant(RIGHTS_AT, as_of)?))
        }))
    }
}

/// `withheld_rights_at(AS_OF, KIND)`.
#[derive(Debug)]
pub(super) struct WithheldAt(pub(super) Arc<States>);

impl TableFunctionImpl for WithheldAt {
    fn call_with_args(&self, arguments: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [as_of, kind] = arguments.exprs() else {
            return plan_err!("{WITHHELD_AT} takes an instant, and `core`, `full` or `use`");
        };
        Ok(Arc::new(AccessTable {
            together: Some(actions_of(WITHHELD_AT, kind)?),
            withheld: true,
            ..AccessTable::new(self.0.clone(), Which::Newest(instant(WITHHELD_AT, as_of)?))
        }))
    }
}

/// An argument of a table function that is a kind of action.
fn actions_of(function: &str, argument: &Expr) -> Result<ActionSet> {
    let kind = match argument {
        Expr::Literal(kind, _) => kind.try_as_str().flatten(),
        _ => None,
    };
    Ok(match kind {
        Some("core") => kms::set(&kms::CORE),
        Some("full") => kms::set(&kms::FULL),
        Some("use") => kms::cryptographic() & single_key_actions(),
        _ => return plan_err!("{function} takes `core`, `full` or `use` after its instant"),
    })
}

/// An argument of a table function that is an instant: a literal, a parameter, or one less a duration.
fn instant(function: &str, argument: &Expr) -> Result<Option<i64>> {
    let Expr::Literal(value, _) = argument else {
        return plan_err!("{function} takes an instant that stands in the query, or a parameter");
    };
    let instant = value
        .cast_to(&crate::lake::schema::timestamp())
        .map_err(|_| DataFusionError::Plan(format!("{function} takes an instant, not `{value}`")))?;
    Ok(match instant {
        ScalarValue::TimestampMicrosecond(micros, _) => micros,
        _ => None,
    })
}
