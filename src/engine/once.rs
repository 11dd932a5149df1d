//! Conditions evaluated once: the table format's scan and the engine's own rule both hand a query's condition to the files'
//! scan, which would decode and compare the column for each of them.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::{FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

/// The rule that drops a scan's repeated conditions.
#[derive(Debug)]
pub(super) struct Once;

impl PhysicalOptimizerRule for Once {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let once = plan.transform_up(
            |node| match node.downcast_ref::<DataSourceExec>().and_then(without_repeats) {
                Some(scan) => Ok(Transformed::yes(scan)),
                None => Ok(Transformed::no(node)),
            },
        )?;
        Ok(once.data)
    }

    fn name(&self) -> &str {
        "ConditionsOnce"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn without_repeats(scan: &DataSourceExec) -> Option<Arc<dyn ExecutionPlan>> {
    let (config, source) = scan.downcast_to_file_source::<ParquetSource>()?;
    let condition = source.filter()?;
    let conditions = split_conjunction(&condition);
    let mut kept: Vec<Arc<dyn PhysicalExpr>> = Vec::with_capacity(conditions.len());
    for condition in &conditions {
        if !kept.contains(condition) {
            kept.push(Arc::clone(condition));
        }
    }
    if kept.len() == conditions.len() {
        return None;
    }
    let source = Arc::new(source.with_predicate(conjunction(kept)));
    let config = FileScanConfigBuilder::from(config.clone()).with_source(source).build();
    Some(DataSourceExec::from_data_source(config))
}
