//! Files and row groups that hold nothing of what is sought, left out before they are opened.
//!
//! The log of a table knows of each file its least and greatest values, which is no help where they are spread over all
//! files: access keys, addresses, ids. The files have a filter of such columns' values in every row group. The engine reads
//! it last, when it has read and parsed the statistics of all pages of all columns and made a predicate of its own for each
//! file: of a question for one access key in a hundred files that was half the time, spent to open four.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{
    ParquetAccessPlan, ParquetFileReaderFactory, ParquetRowSelection, RowGroupAccess,
};
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::bloom_filter::Sbbf;
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{StreamExt, stream};

use super::reading::Reading;
use crate::lake::file::CLOUDTRAIL;

/// Files that a scan has at least for this to be worth its while.
const FILES_MIN: usize = 4;

/// Values that a column is asked for, at most.
const VALUES_MAX: usize = 32;

/// Files looked at together: from S3 it is waiting.
const TOGETHER: usize = 16;

/// Bytes of a filter at most; ours have 256 KiB.
const FILTER_BYTES_MAX: u64 = 4 << 20;

/// A column with filters, and the values one of which a row must have in it.
type Sought = BTreeMap<String, Vec<String>>;

/// The same plan without what holds nothing of what is sought, and what was read to know that.
///
/// # Errors
/// A plan that cannot be put together. Of files that cannot be read their scan will speak.
pub(super) async fn left_out(plan: Arc<dyn ExecutionPlan>) -> Result<(Arc<dyn ExecutionPlan>, Reading)> {
    let mut scans: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
    plan.apply(|node| {
        if sought_by(node).is_some() {
            scans.push(node.clone());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let (mut narrower, mut read) = (Vec::new(), Reading::default());
    for scan in scans {
        if let Some(narrow) = narrowed(&scan, &mut read).await {
            narrower.push((scan, narrow));
        }
    }
    if narrower.is_empty() {
        return Ok((plan, read));
    }
    let plan = plan
        .transform_up(
            |node| match narrower.iter().find(|(scan, _)| Arc::ptr_eq(scan, &node)) {
                Some((_, narrow)) => Ok(Transformed::yes(narrow.clone())),
                None => Ok(Transformed::no(node)),
            },
        )
        .data()?;
    Ok((plan, read))
}

/// The scan of Parquet files that a node is.
fn scan_of(node: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &ParquetSource)> {
    node.downcast_ref::<DataSourceExec>()?.downcast_to_file_source()
}

/// What a scan of many files seeks, if there are filters that can tell.
fn sought_by(node: &Arc<dyn ExecutionPlan>) -> Option<Sought> {
    let (config, source) = scan_of(node)?;
    let files: usize = config.file_groups.iter().map(FileGroup::len).sum();
    if files < FILES_MIN {
        return None;
    }
    let mut sought = Sought::new();
    for condition in split_conjunction(&source.filter()?) {
        if let Some((column, values)) = wanted(condition)
            && values.len() <= VALUES_MAX
            && (CLOUDTRAIL.filtered.contains(&column) || CLOUDTRAIL.unique.contains(&column))
        {
            sought.entry(column.to_owned()).or_insert(values);
        }
    }
    (!sought.is_empty()).then_some(sought)
}

/// The column of a condition, and the texts that it must be one of.
fn wanted(condition: &Arc<dyn PhysicalExpr>) -> Option<(&str, Vec<String>)> {
    let text = |value: &Arc<dyn PhysicalExpr>| {
        let value: &ScalarValue = value.downcast_ref::<Literal>()?.value();
        value.try_as_str().flatten().map(str::to_owned)
    };
    if let Some(list) = condition.downcast_ref::<InListExpr>() {
        let column = list.expr().downcast_ref::<Column>()?;
        let values = list.list().iter().map(text).collect::<Option<Vec<String>>>()?;
        return (!list.negated()).then_some((column.name(), values));
    }
    let comparison = condition.downcast_ref::<BinaryExpr>()?;
    match comparison.op() {
        Operator::Eq => {
            let (left, right) = (comparison.left(), comparison.right());
            let (column, value) = match left.downcast_ref::<Column>() {
                Some(column) => (column, right),
                None => (right.downcast_ref::<Column>()?, left),
            };
            Some((column.name(), vec![text(value)?]))
        }
        Operator::Or => {
            let (column, mut values) = wanted(comparison.left())?;
            let (other, more) = wanted(comparison.right())?;
            values.extend(more);
            (column == other && values.len() <= VALUES_MAX).then_some((column, values))
        }
        _ => None,
    }
}

/// The scan without files and row groups that hold nothing sought; nothing where all may.
async fn narrowed(scan: &Arc<dyn ExecutionPlan>, read: &mut Reading) -> Option<Arc<dyn ExecutionPlan>> {
    let sought = Arc::new(sought_by(scan)?);
    let (config, source) = scan_of(scan)?;
    let factory = source.parquet_file_reader_factory()?.clone();
    let mut files: Vec<(usize, PartitionedFile)> = Vec::new();
    for (group, of_group) in config.file_groups.iter().enumerate() {
        files.extend(of_group.iter().map(|file| (group, file.clone())));
    }
    let looked = stream::iter(files).map(move |(group, file)| {
        let (factory, sought) = (factory.clone(), sought.clone());
        SpawnedTask::spawn(async move { (group, looked_at(file, factory, sought).await) })
    });
    let mut looked = looked.buffered(TOGETHER);
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); config.file_groups.len()];
    let mut is_narrower = false;
    while let Some(Ok((group, look))) = looked.next().await {
        read.bytes += look.bytes;
        read.row_groups += look.row_groups_out;
        read.row_groups_skipped += look.row_groups_out;
        is_narrower |= look.row_groups_out > 0 || look.file.is_none();
        groups.get_mut(group)?.extend(look.file);
    }
    if !is_narrower {
        return None;
    }
    let groups = groups.into_iter().map(FileGroup::new).collect();
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(groups)
        .build();
    Some(DataSourceExec::from_data_source(config))
}

/// What a look at a file's filters told.
struct Look {
    /// The file, to be read where something may be; none where nothing is.
    file: Option<PartitionedFile>,
    bytes: usize,
    row_groups_out: usize,
}

/// Looks at a file's filters; what cannot be read there is left to the scan.
async fn looked_at(file: PartitionedFile, factory: Arc<dyn ParquetFileReaderFactory>, sought: Arc<Sought>) -> Look {
    let mut look = Look {
        file: Some(file),
        bytes: 0,
        row_groups_out: 0,
    };
    let Some(file) = &look.file else { return look };
    // Somebody else chose the rows already.
    if file.extension::<ParquetAccessPlan>().is_some() || file.extension::<ParquetRowSelection>().is_some() {
        return look;
    }
    let metrics = ExecutionPlanMetricsSet::new();
    let Ok(mut reader) = factory.create_reader(0, file.clone(), file.metadata_size_hint, &metrics) else {
        return look;
    };
    let Ok(footer) = reader.get_metadata(None).await else {
        return look;
    };
    let mut access = Vec::with_capacity(footer.num_row_groups());
    for group in footer.row_groups() {
        access.push(match may_hold(group, &sought, reader.as_mut(), &mut look.bytes).await {
            true => RowGroupAccess::Scan,
            false => RowGroupAccess::Skip,
        });
    }
    let is_read = |access: &RowGroupAccess| matches!(access, RowGroupAccess::Scan);
    look.row_groups_out = access.iter().filter(|access| !is_read(access)).count();
    if look.row_groups_out == access.len() {
        look.file = None;
    } else if look.row_groups_out > 0 {
        look.file = look
            .file
            .map(|file| file.with_extension(ParquetAccessPlan::new(access)));
    }
    look
}

/// Whether a row group may have one of the values in each of the columns.
async fn may_hold(
    group: &RowGroupMetaData,
    sought: &Sought,
    reader: &mut (dyn AsyncFileReader + Send),
    bytes: &mut usize,
) -> bool {
    for (name, values) in sought {
        let mut columns = group.columns().iter();
        let Some(column) = columns.find(|column| column.column_path().parts() == std::slice::from_ref(name)) else {
            continue;
        };
        let values: Vec<&String> = values.iter().filter(|value| lies_within(column, value)).collect();
        if values.is_empty() {
            return false;
        }
        if let Some(filter) = filter(column, reader, bytes).await
            && !values.iter().any(|value| filter.check(value.as_str()))
        {
            return false;
        }
    }
    true
}

/// Whether a value lies between the least and the greatest, as far as they are known. They may be cut, but to bounds.
fn lies_within(column: &ColumnChunkMetaData, value: &str) -> bool {
    let Some(known) = column.statistics() else {
        return true;
    };
    let is = |bound: Option<&[u8]>, unwanted| bound.is_none_or(|bound| bound.cmp(value.as_bytes()) != unwanted);
    is(known.min_bytes_opt(), Ordering::Greater) && is(known.max_bytes_opt(), Ordering::Less)
}

/// The filter of a column's values.
async fn filter(
    column: &ColumnChunkMetaData,
    reader: &mut (dyn AsyncFileReader + Send),
    bytes: &mut usize,
) -> Option<Sbbf> {
    let start = u64::try_from(column.bloom_filter_offset()?).ok()?;
    let length = u64::try_from(column.bloom_filter_length()?).ok()?;
    if length > FILTER_BYTES_MAX {
        return None;
    }
    let read = reader.get_bytes(start..start.checked_add(length)?).await.ok()?;
    *bytes += read.len();
    // A filter without a block cannot be asked.
    Sbbf::from_bytes(&read).ok().filter(|filter| filter.num_blocks() > 0)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_expr::expressions::{binary, col, in_list, lit, not};

    use super::*;

    #[test]
    fn only_what_must_be_one_of_some_texts_is_sought() {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Utf8, true));
        let schema = Schema::new(fields.to_vec());
        let column = |name: &str| col(name, &schema).unwrap();
        let is = |name: &str, text: &str| binary(column(name), Operator::Eq, lit(text), &schema).unwrap();
        let either = |left, right| binary(left, Operator::Or, right, &schema).unwrap();
        let list = |negated: &bool| in_list(column("a"), vec![lit("1"), lit("2")], negated, &schema).unwrap();
        let of = |condition| wanted(&condition).map(|(column, values)| (column.to_owned(), values.join(" ")));
        let a = |values: &str| Some(("a".to_owned(), values.to_owned()));
        assert_eq!(of(is("a", "1")), a("1"));
        assert_eq!(
            of(binary(lit("1"), Operator::Eq, column("a"), &schema).unwrap()),
            a("1")
        );
        assert_eq!(of(list(&false)), a("1 2"));
        assert_eq!(
            of(either(is("a", "3"), either(list(&false), is("a", "4")))),
            a("3 1 2 4")
        );
        for other in [
            list(&true),
            not(is("a", "1")).unwrap(),
            either(is("a", "1"), is("b", "1")),
            either(is("a", "1"), list(&true)),
            binary(column("a"), Operator::NotEq, lit("1"), &schema).unwrap(),
            binary(column("a"), Operator::Eq, column("b"), &schema).unwrap(),
            binary(column("a"), Operator::Eq, lit(ScalarValue::Utf8(None)), &schema).unwrap(),
        ] {
            assert_eq!(of(other.clone()), None, "{other}");
        }
        let many = (0..100)
            .map(|value| is("a", &value.to_string()))
            .reduce(either)
            .unwrap();
        assert_eq!(of(many), None, "a list without end is the engine's");
    }
}
