//! What a query read: counted by the scans of its plan.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileGroup;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricValue;

use super::scan;

/// Counts what a query reads, while it runs and after, beside what was read to plan it.
#[derive(Clone)]
pub struct Meter(pub(super) Arc<dyn ExecutionPlan>, pub(super) Reading);

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Files of tables.
    pub files: usize,
    /// Bytes of them.
    pub bytes: usize,
    /// Row groups in the files.
    pub row_groups: usize,
    /// Row groups that could not hold an answer, and were not read.
    pub row_groups_skipped: usize,
}

/// As it is said to people: `12 kB of 3 files (2 of 9 row groups)`.
impl fmt::Display for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bytes {
            bytes if bytes >= 10_000_000 => write!(formatter, "{} MB", bytes / 1_000_000)?,
            bytes if bytes >= 10_000 => write!(formatter, "{} kB", bytes / 1_000)?,
            bytes => write!(formatter, "{bytes} bytes")?,
        }
        let files = if self.files == 1 { "file" } else { "files" };
        let read = self.row_groups.saturating_sub(self.row_groups_skipped);
        write!(
            formatter,
            " of {} {files} ({read} of {} row groups)",
            self.files, self.row_groups
        )
    }
}

impl Meter {
    /// What was read so far.
    pub fn reading(&self) -> Reading {
        let mut reading = self.1;
        add(self.0.as_ref(), &mut reading);
        reading
    }
}

fn add(plan: &dyn ExecutionPlan, reading: &mut Reading) {
    let mut opened = 0;
    for metric in plan.metrics().iter().flat_map(|metrics| metrics.iter()) {
        match metric.value() {
            MetricValue::Count { name, count } => match name.as_ref() {
                "bytes_scanned" => reading.bytes += count.value(),
                "files_opened" => opened += count.value(),
                _ => {}
            },
            MetricValue::PruningMetrics { name, pruning_metrics } => {
                let (pruned, matched) = (pruning_metrics.pruned(), pruning_metrics.matched());
                match name.as_ref() {
                    "row_groups_pruned_statistics" => {
                        reading.row_groups += pruned + matched;
                        reading.row_groups_skipped += pruned;
                    }
                    "row_groups_pruned_bloom_filter" => reading.row_groups_skipped += pruned,
                    _ => {}
                }
            }
            _ => {}
        }
    }
    // A large file is read in pieces, and opened for each.
    reading.files += opened.min(files(plan).unwrap_or(opened));
    for child in plan.children() {
        add(child.as_ref(), reading);
    }
}

/// How many files a scan is of.
fn files(plan: &dyn ExecutionPlan) -> Option<usize> {
    let (config, _) = scan::of(plan)?;
    let files = config.file_groups.iter().flat_map(FileGroup::iter);
    Some(files.map(PartitionedFile::path).collect::<HashSet<_>>().len())
}
