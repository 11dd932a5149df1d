//! Joins that hold the fewer rows: what computes its rows while it is read says nothing of how many they are, and the
//! engine would keep whatever stands first in memory, which in our queries is every right there is.

use std::sync::Arc;

use datafusion::common::JoinType;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::streaming::StreamingTableExec;

use super::scan;

/// What the folders of the log's records, and no others, begin with.
const DAY: &str = "event_date=";

/// Rows at most of a side that is always held rather than the other.
const HANDFUL: usize = 64;

/// The rule that lets rights stream past what they are joined with, where that is grouped or not of the log, and the log past
/// a few rows or chosen groups.
#[derive(Debug)]
pub(super) struct BuildSide;

impl PhysicalOptimizerRule for BuildSide {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| match better(&node)? {
            Some(join) => Ok(Transformed::yes(join)),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "build_side"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The join with its sides the other way round, or held as a whole, where that is better.
fn better(node: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = node.downcast_ref::<CrossJoinExec>() {
        let is_better = is_handful_alone(join.right(), join.left())?;
        return is_better.then(|| join.swap_inputs()).transpose();
    }
    if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
        let is_better = join.join_type().supports_swap() && is_handful_alone(join.right(), join.left())?;
        return is_better.then(|| join.swap_inputs()).transpose();
    }
    let Some(join) = node.downcast_ref::<HashJoinExec>() else {
        return Ok(None);
    };
    Ok(match join.join_type() {
        JoinType::Left | JoinType::Inner
            if is_streamed(join.left())? && !is_streamed(join.right())? && is_few(join.right())? =>
        {
            Some(join.swap_inputs(PartitionMode::CollectLeft)?)
        }
        // The other side, the log, would be parted by the condition's columns, each row copied.
        JoinType::Right if chooses_groups(join.left()) => {
            let whole = join.builder().with_partition_mode(PartitionMode::CollectLeft).build()?;
            Some(Arc::new(whole))
        }
        _ => None,
    })
}

/// Whether it is what `HAVING` leaves of groups.
fn chooses_groups(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if let Some(projection) = plan.downcast_ref::<ProjectionExec>() {
        return chooses_groups(projection.input());
    }
    plan.downcast_ref::<FilterExec>()
        .is_some_and(|filter| filter.input().downcast_ref::<AggregateExec>().is_some())
}

fn is_handful_alone(side: &Arc<dyn ExecutionPlan>, other: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    Ok(is_handful(side)? && !is_handful(other)?)
}

/// Whether it is known to be a few rows: the bounds of a window, say, or a list in the query's own text.
///
/// A cross join makes a batch for each row that it holds: of ten thousand rows beside one, ten thousand batches of one row,
/// which took 0.35 of the 2.5 s of `unused-keys`. With a condition that is no equality it holds its left side whole:
/// `dormant-principals` held every call to put four numbers beside it, and ran out of memory.
fn is_handful(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
    Ok(matches!(statistics.num_rows, Precision::Exact(rows) if rows <= HANDFUL))
}

/// Whether rows of it are computed while they are read, and not grouped since.
fn is_streamed(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    finds(plan, |node| node.downcast_ref::<StreamingTableExec>().is_some())
}

/// Whether it is grouped, or reads no records of the log.
fn is_few(plan: &Arc<dyn ExecutionPlan>) -> Result<bool> {
    let is_log = |node: &dyn ExecutionPlan| {
        scan::of(node).is_some_and(|(scan, _)| {
            let mut files = scan.file_groups.iter().flat_map(|group| group.files());
            files.any(|file| file.path().parts().any(|part| part.as_ref().starts_with(DAY)))
        })
    };
    Ok(!finds(plan, is_log)?)
}

/// Whether something in the plan, but for what is below a grouping, is so.
fn finds(plan: &Arc<dyn ExecutionPlan>, is_so: impl Fn(&dyn ExecutionPlan) -> bool) -> Result<bool> {
    let mut found = false;
    plan.apply(|node| {
        found = is_so(node.as_ref());
        Ok(match node.downcast_ref::<AggregateExec>() {
            _ if found => TreeNodeRecursion::Stop,
            Some(_) => TreeNodeRecursion::Jump,
            None => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}
