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
use datafusion::datasource::listing::{FileRange, PartitionedFile};
use datafusion::datasource::physical_plan::parquet::{
    ParquetAccessPlan, ParquetFileReaderFactory, ParquetRowSelection, RowGroupAccess,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::parquet::basic::Type;
use datafusion::parquet::bloom_filter::Sbbf;
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, InListExpr, Literal};
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::{StreamExt, stream};

use super::reading::Reading;
use super::scan;
use crate::lake::file::CLOUDTRAIL;

/// Files that a scan has at least for this to be worth its while.
const FILES_MIN: usize = 4;

/// Values that a column is asked for, at most.
const VALUES_MAX: usize = 32;

/// Files looked at together, as from S3 it is waiting; and how many are looked at where none can be left out.
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
    let mut scans: Vec<(Arc<dyn ExecutionPlan>, Sought)> = Vec::new();
    plan.apply(|node| {
        if let Some(sought) = sought_by(node.as_ref()) {
            scans.push((node.clone(), sought));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    let (mut narrower, mut read) = (Vec::new(), Reading::default());
    for (scan, sought) in scans {
        if let Some(narrow) = narrowed(scan.as_ref(), sought, &mut read).await {
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

/// What a scan of many files seeks, if there are filters that can tell.
fn sought_by(node: &dyn ExecutionPlan) -> Option<Sought> {
    let (config, source) = scan::of(node)?;
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
async fn narrowed(scan: &dyn ExecutionPlan, sought: Sought, read: &mut Reading) -> Option<Arc<dyn ExecutionPlan>> {
    let (config, source) = scan::of(scan)?;
    let factory = source.parquet_file_reader_factory()?.clone();
    let (sought, metrics) = (Arc::new(sought), ExecutionPlanMetricsSet::new());
    let mut files: Vec<(usize, PartitionedFile)> = Vec::new();
    for (group, of_group) in config.file_groups.iter().enumerate() {
        files.extend(of_group.iter().map(|file| (group, file.clone())));
    }
    let looks = stream::iter(files.clone()).map(|(_, file)| {
        let (factory, sought, metrics) = (factory.clone(), sought.clone(), metrics.clone());
        SpawnedTask::spawn(async move { looked_at(file, factory, sought, metrics).await })
    });
    let mut looks = looks.buffered(TOGETHER);
    let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); config.file_groups.len()];
    let (mut looked, mut out) = (0, 0);
    for (group, file) in files {
        // What is in each of the first is not rare, and a few rows of it may be all that is wanted.
        let look = match looked < TOGETHER || out > 0 {
            true => looks.next().await?.ok()?,
            false => Look {
                file: Some(file),
                out: 0,
            },
        };
        looked += 1;
        out += look.out;
        groups.get_mut(group)?.extend(look.file);
    }
    drop(looks);
    read.row_groups += out;
    read.row_groups_skipped += out;
    let bytes = metrics.clone_inner().sum_by_name("bytes_scanned");
    read.bytes += bytes.map_or(0, |bytes| bytes.as_usize());
    if out == 0 {
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
    /// How many of its row groups are left out.
    out: usize,
}

/// Looks at a file's filters; what cannot be read there is left to the scan.
async fn looked_at(
    file: PartitionedFile,
    factory: Arc<dyn ParquetFileReaderFactory>,
    sought: Arc<Sought>,
    metrics: ExecutionPlanMetricsSet,
) -> Look {
    match access(&file, factory.as_ref(), &sought, &metrics).await {
        Some((access, out)) if out > 0 => {
            let is_read = access.iter().any(RowGroupAccess::should_scan);
            let file = is_read.then(|| file.with_extension(ParquetAccessPlan::new(access)));
            Look { file, out }
        }
        _ => Look {
            file: Some(file),
            out: 0,
        },
    }
}

/// Which row groups of a file are to be read, and how many are left out for what they lack.
async fn access(
    file: &PartitionedFile,
    factory: &dyn ParquetFileReaderFactory,
    sought: &Sought,
    metrics: &ExecutionPlanMetricsSet,
) -> Option<(Vec<RowGroupAccess>, usize)> {
    // Somebody else chose the rows already.
    if file.extension::<ParquetAccessPlan>().is_some() || file.extension::<ParquetRowSelection>().is_some() {
        return None;
    }
    let reader = factory.create_reader(0, file.clone(), file.metadata_size_hint, metrics);
    let mut reader = reader.ok()?;
    let footer = reader.get_metadata(None).await.ok()?;
    let (mut access, mut out) = (Vec::with_capacity(footer.num_row_groups()), 0);
    for group in footer.row_groups() {
        // Of a file that is read in pieces, each has its own row groups.
        access.push(if !is_within(group, file.range.as_ref()) {
            RowGroupAccess::Skip
        } else if may_hold(group, sought, reader.as_mut()).await {
            RowGroupAccess::Scan
        } else {
            out += 1;
            RowGroupAccess::Skip
        });
    }
    Some((access, out))
}

/// Whether a row group is of a piece of its file: that in which it begins, as the engine's scan has it.
fn is_within(group: &RowGroupMetaData, piece: Option<&FileRange>) -> bool {
    let (Some(piece), Some(first)) = (piece, group.columns().first()) else {
        return true;
    };
    let begins = first
        .dictionary_page_offset()
        .unwrap_or_else(|| first.data_page_offset());
    (piece.start..piece.end).contains(&begins)
}

/// Whether a row group may have one of the values in each of the columns.
async fn may_hold(group: &RowGroupMetaData, sought: &Sought, reader: &mut (dyn AsyncFileReader + Send)) -> bool {
    for (name, values) in sought {
        let mut columns = group.columns().iter();
        let Some(column) = columns.find(|column| column.column_path().parts() == std::slice::from_ref(name)) else {
            continue;
        };
        // Whatever else a file has there, the scan makes texts of it.
        if column.column_type() != Type::BYTE_ARRAY {
            continue;
        }
        let values: Vec<&String> = values.iter().filter(|value| lies_within(column, value)).collect();
        if values.is_empty() {
            return false;
        }
        if let Some(filter) = filter(column, reader).await
            && !values.iter().any(|value| filter.check(value.as_str()))
        {
            return false;
        }
    }
    true
}

/// Whether a value lies between the least and the greatest, as far as they are known. They may be cut, but to bounds.
fn lies_within(column: &ColumnChunkMetaData, value: &str) -> bool {
    // The deprecated ones are in another order.
    let Some(known) = column.statistics().filter(|known| !known.is_min_max_deprecated()) else {
        return true;
    };
    let is = |bound: Option<&[u8]>, unwanted| bound.is_none_or(|bound| bound.cmp(value.as_bytes()) != unwanted);
    is(known.min_bytes_opt(), Ordering::Greater) && is(known.max_bytes_opt(), Ordering::Less)
}

/// The filter of a column's values.
async fn filter(column: &ColumnChunkMetaData, reader: &mut (dyn AsyncFileReader + Send)) -> Option<Sbbf> {
    let start = u64::try_from(column.bloom_filter_offset()?).ok()?;
    let length = u64::try_from(column.bloom_filter_length()?).ok()?;
    if length > FILTER_BYTES_MAX {
        return None;
    }
    let read = reader.get_bytes(start..start.checked_add(length)?).await.ok()?;
    // A filter without a block cannot be asked.
    Sbbf::from_bytes(&read).ok().filter(|filter| filter.num_blocks() > 0)
}

#[cfg(test)]
mod tests {
    use arrow::array::{RecordBatch, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::datasource::physical_plan::parquet::DefaultParquetFileReaderFactory;
    use datafusion::parquet::arrow::ArrowWriter;
    use datafusion::parquet::file::properties::WriterProperties;
    use datafusion::physical_expr::expressions::{binary, col, in_list, lit, not};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};

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

    /// A file of row groups of a hundred ids each, `0-0` to `0-99`, `1-0` to `1-99` and so on, in memory.
    async fn file(groups: usize) -> (Arc<dyn ObjectStore>, PartitionedFile) {
        let schema = Arc::new(Schema::new(vec![Field::new("eventid", DataType::Utf8, true)]));
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(100))
            .set_bloom_filter_enabled(true)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties)).unwrap();
        for group in 0..groups {
            // Each begins with the least and ends with the greatest, so that only filters can tell.
            let ids = (0..100).map(|id| match id {
                0 => "0-".to_owned(),
                99 => "~".to_owned(),
                id => format!("{group}-{id}"),
            });
            let ids: StringArray = ids.map(Some).collect();
            writer
                .write(&RecordBatch::try_new(schema.clone(), vec![Arc::new(ids)]).unwrap())
                .unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let (store, path) = (Arc::new(InMemory::new()), Path::from("f.parquet"));
        let file = PartitionedFile::new(path.to_string(), bytes.len() as u64);
        store.put(&path, bytes.into()).await.unwrap();
        (store, file)
    }

    #[tokio::test]
    async fn each_row_group_is_left_out_once_in_whichever_piece_of_its_file_it_is() {
        let (store, file) = file(7).await;
        let factory = DefaultParquetFileReaderFactory::new(store);
        let metrics = ExecutionPlanMetricsSet::new();
        let bytes = i64::try_from(file.object_meta.size).unwrap();
        for (id, holds) in [("3-50", Some(3)), ("6-1", Some(6)), ("8-1", None), ("zz", None)] {
            let sought = Sought::from([("eventid".to_owned(), vec![id.to_owned()])]);
            for pieces in 1..5 {
                let (mut scanned, mut left_out) = (Vec::new(), 0);
                for piece in 0..pieces {
                    let file = match pieces {
                        1 => file.clone(),
                        _ => file
                            .clone()
                            .with_range(bytes * piece / pieces, bytes * (piece + 1) / pieces),
                    };
                    let (access, out) = access(&file, &factory, &sought, &metrics).await.unwrap();
                    assert_eq!(access.len(), 7, "what a plan has to have");
                    scanned.extend((0..7).filter(|&at| access[at].should_scan()));
                    left_out += out;
                }
                assert_eq!(scanned, Vec::from_iter(holds), "{id} in {pieces} pieces");
                assert_eq!(left_out, 7 - scanned.len(), "{id} in {pieces} pieces");
            }
        }
        // A column that the file does not have says nothing, and neither does a filter that is not there.
        let sought = Sought::from([("accesskeyid".to_owned(), vec!["x".to_owned()])]);
        let (access, out) = access(&file, &factory, &sought, &metrics).await.unwrap();
        assert!(out == 0 && access.iter().all(RowGroupAccess::should_scan));
    }
}
