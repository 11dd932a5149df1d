//! Joins that let others run, and hand on no more than their rows: what makes many rows of few would otherwise keep its
//! thread until it is done, and nobody could end it.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::execution_plan::replace_children_if_necessary;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::Stream;

use super::compacting::compact;
use super::footers::Footers;
use super::memory::handed_on;

/// How long a thread is kept.
const TURN: Duration = Duration::from_millis(10);

/// The last rule: it puts a turnstile over every join and every operator that makes many rows of one, and lets scans keep
/// footers. One pass, because each makes most of the plan anew.
#[derive(Debug)]
pub(super) struct Yielding(pub(super) Footers);

impl PhysicalOptimizerRule for Yielding {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let multiplies =
            |name: &str| name.ends_with("JoinExec") || name == "UnnestExec" || name == "RecursiveQueryExec";
        plan.transform_up(|node| {
            Ok(if multiplies(node.name()) {
                let node = if node.name() == "NestedLoopJoinExec" {
                    with_errors_handed_on(node)?
                } else {
                    node
                };
                Transformed::yes(Arc::new(Turnstile::over(node)) as Arc<dyn ExecutionPlan>)
            } else if let Some(scan) = self.0.kept(node.as_ref()) {
                Transformed::yes(scan)
            } else {
                Transformed::no(node)
            })
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "yielding"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The join, unable to see that what it holds ran out of memory.
fn with_errors_handed_on(join: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let mut children: Vec<Arc<dyn ExecutionPlan>> = join.children().into_iter().cloned().collect();
    if let Some(held) = children.first_mut() {
        *held = Arc::new(Turnstile {
            input: held.clone(),
            hands_on: true,
        });
    }
    replace_children_if_necessary(join, children)
}

/// An operator that hands on what comes, and lets others run when its turn is over.
#[derive(Debug)]
struct Turnstile {
    input: Arc<dyn ExecutionPlan>,
    /// Whether errors become such as the engine does nothing about.
    hands_on: bool,
}

impl Turnstile {
    fn over(input: Arc<dyn ExecutionPlan>) -> Turnstile {
        Turnstile { input, hands_on: false }
    }
}

impl DisplayAs for Turnstile {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Turnstile")
    }
}

impl ExecutionPlan for Turnstile {
    fn name(&self) -> &'static str {
        "Turnstile"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.len()) {
            (Some(input), 0) => Ok(Arc::new(Turnstile {
                input,
                hands_on: self.hands_on,
            })),
            _ => datafusion::common::internal_err!("a turnstile has one child"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let inner = self.input.execute(partition, context)?;
        Ok(Box::pin(Turns {
            inner,
            turn_began: None,
            hands_on: self.hands_on,
        }))
    }
}

struct Turns {
    inner: SendableRecordBatchStream,
    turn_began: Option<Instant>,
    hands_on: bool,
}

impl Stream for Turns {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let began = *self.turn_began.get_or_insert_with(Instant::now);
        if began.elapsed() > TURN {
            self.turn_began = None;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.inner.as_mut().poll_next(context);
        if polled.is_pending() {
            self.turn_began = None;
        }
        let hands_on = self.hands_on;
        polled.map(|next| {
            next.map(|batch| {
                let compacted = batch.and_then(compact);
                if hands_on {
                    compacted.map_err(handed_on)
                } else {
                    compacted
                }
            })
        })
    }
}

impl RecordBatchStream for Turns {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }
}
