//! Scans that read only the fields a query asks for: `useridentity.arn` without the other thirty of `useridentity`.
//!
//! The table format's scan hands on whole columns. Where it changes nothing in them, the files' own scan takes its place,
//! and the engine moves the choice of fields into that. It stays where it adds a partition's column, reads a column of the
//! files under another name or type, or leaves out rows that were deleted.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{Distribution, ExecutionPlan};

/// The rule that puts the files' scan in the place of the table's.
#[derive(Debug)]
pub(super) struct Direct;

impl PhysicalOptimizerRule for Direct {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let direct = plan.transform_up(|node| {
            Ok(match columns(&node)? {
                Some(columns) => Transformed::yes(columns),
                None => Transformed::no(node),
            })
        })?;
        Ok(direct.data)
    }

    fn name(&self) -> &str {
        "DirectScan"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The columns of a table's scan, taken from the files' scan below it, where they are the same.
fn columns(scan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    // A scan that leaves out deleted rows counts them in one stream.
    let is_plain = scan.name() == "DeltaScanExec"
        && scan
            .input_distribution_requirements()
            .into_per_child()
            .iter()
            .all(|wanted| matches!(wanted, Distribution::UnspecifiedDistribution));
    let children = scan.children();
    let (true, [files]) = (is_plain, children.as_slice()) else {
        return Ok(None);
    };
    let held = files.schema();
    let mut taken: Vec<(Arc<dyn PhysicalExpr>, String)> = Vec::new();
    for field in scan.schema().fields() {
        match held.column_with_name(field.name()) {
            Some((index, same)) if same.data_type() == field.data_type() => {
                taken.push((Arc::new(Column::new(field.name(), index)), field.name().clone()));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Arc::new(ProjectionExec::try_new(taken, Arc::clone(files))?)))
}
