//! Scans of Parquet files, as the rules that change them see them.

use std::sync::Arc;

use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

/// The scan of Parquet files that a node is.
pub(super) fn of(node: &dyn ExecutionPlan) -> Option<(&FileScanConfig, &ParquetSource)> {
    node.downcast_ref::<DataSourceExec>()?.downcast_to_file_source()
}

/// The same files read in another way.
pub(super) fn with_source(config: &FileScanConfig, source: ParquetSource) -> Arc<dyn ExecutionPlan> {
    let builder = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(source));
    DataSourceExec::from_data_source(builder.build())
}
