//! Rows alike, counted before they are grouped. `GROUP BY eventname` with `count(*)` is what analysts ask most, and half of
//! its time went into hashing and comparing every row's text anew. But a column of few values lies in a file as numbers of a
//! list of them, and every row with the same number becomes the same view of the same bytes: rows are alike where their
//! views are, which is a comparison of numbers, and most stand next to each other.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::HashMap;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::FileSource;
use datafusion::error::Result;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::functions_aggregate::count::Count;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, Operator, Signature, Volatility,
};
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNotNullExpr, Literal};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr, split_conjunction};
use datafusion::physical_expr_common::physical_expr::{is_volatile, snapshot_generation};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties};
use futures::{Stream, StreamExt};

use super::scan;

/// Columns that rows are compared by, at most.
const COLUMNS_MAX: usize = 3;

/// Rows after which it is seen whether any are alike.
const ROWS_TRIED: usize = 32_768;

/// The rule that counts rows alike below a grouping that only counts rows.
#[derive(Debug)]
pub(super) struct Alike;

impl PhysicalOptimizerRule for Alike {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            Ok(
                match node.downcast_ref::<AggregateExec>().map(counted).transpose()?.flatten() {
                    Some(grouping) => Transformed::yes(grouping),
                    None => Transformed::no(node),
                },
            )
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "alike"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The same grouping of rows counted before; nothing where it groups by anything but columns of text or does anything but
/// count rows.
fn counted(grouping: &AggregateExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let by = grouping.group_expr();
    let is_plain = *grouping.mode() == AggregateMode::Partial
        // What comes in order is grouped as it comes, and what stands above may count on the order.
        && *grouping.input_order_mode() == InputOrderMode::Linear
        && by.is_single()
        && (1..=COLUMNS_MAX).contains(&by.expr().len())
        && grouping.limit_options().is_none()
        && grouping.filter_expr().iter().all(Option::is_none)
        && !grouping.aggr_expr().is_empty()
        && grouping.aggr_expr().iter().all(|aggregate| counts_rows(aggregate));
    if !is_plain {
        return Ok(None);
    }
    let below = grouping.input().schema();
    let texts = by.expr().iter().map(|(expression, _)| {
        let at = expression.downcast_ref::<Column>()?.index();
        (*below.fields().get(at)?.data_type() == DataType::Utf8View).then_some(at)
    });
    let Some(columns) = texts.collect::<Option<Vec<usize>>>() else {
        return Ok(None);
    };
    let input: Arc<dyn ExecutionPlan> = match (columns.as_slice(), filtered(grouping.input())) {
        ([_], Some((scan, condition))) => {
            let counted = Arc::new(CountAlike::over(scan, columns)?);
            Arc::new(FilterExec::try_new(condition, counted)?)
        }
        _ => Arc::new(CountAlike::over(grouping.input().clone(), columns)?),
    };
    let schema = input.schema();
    let column = |at: usize| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(schema.field(at).name(), at)) };
    let groups = by
        .expr()
        .iter()
        .enumerate()
        .map(|(at, (_, name))| (column(at), name.clone()));
    let count = Arc::new(AggregateUDF::from(Counted(Count::new(), of_one())));
    let counts = grouping.aggr_expr().iter().map(|aggregate| {
        let built = AggregateExprBuilder::new(count.clone(), vec![column(schema.fields().len() - 1)])
            .schema(schema.clone())
            .alias(aggregate.name())
            .build()?;
        Ok(Arc::new(built))
    });
    let counts: Vec<Arc<AggregateFunctionExpr>> = counts.collect::<Result<_>>()?;
    let filters = vec![None; counts.len()];
    let groups = PhysicalGroupBy::new_single(groups.collect());
    let replaced = AggregateExec::try_new(AggregateMode::Partial, groups, counts, filters, input, schema)?;
    // What stands above reads the columns by their places and types.
    let is_same = replaced.schema() == grouping.schema();
    Ok(is_same.then(|| Arc::new(replaced) as Arc<dyn ExecutionPlan>))
}

/// A scan of one column under a condition on that column, without the condition, and the condition on what it hands on. To
/// look at every row's text, to remember which met it, and to read those again took as long as all the rest, where it can be
/// asked of one row of each kind.
fn filtered(input: &Arc<dyn ExecutionPlan>) -> Option<(Arc<dyn ExecutionPlan>, Arc<dyn PhysicalExpr>)> {
    let (config, source) = scan::of(input.as_ref())?;
    let (condition, projection) = (source.filter()?, source.projection()?);
    let [projected] = projection.as_ref() else {
        return None;
    };
    let column = projected.expr.downcast_ref::<Column>()?;
    let read = collect_columns(&condition);
    // What is still being learnt while the rows are read is the scan's to ask.
    let is_fixed = snapshot_generation(&condition) == 0 && !is_volatile(&condition);
    if !is_fixed || config.limit.is_some() || read.len() != 1 || !read.contains(column) {
        return None;
    }
    let handed_on = Arc::new(Column::new(&projected.alias, 0));
    let condition = condition
        .transform(|node| {
            Ok(match node.downcast_ref::<Column>() {
                Some(_) => Transformed::yes(handed_on.clone() as Arc<dyn PhysicalExpr>),
                None => Transformed::no(node),
            })
        })
        .data()
        .ok()?;
    let mut source = source.clone().with_pushdown_filters(false);
    if split_conjunction(&condition).into_iter().all(leaves_out_little) {
        // To learn which pages could be left out takes longer than to read them.
        source = source.with_enable_page_index(false);
    }
    Some((scan::with_source(config, source), condition))
}

/// Whether it asks for any text, or any but one.
fn leaves_out_little(condition: &Arc<dyn PhysicalExpr>) -> bool {
    condition.downcast_ref::<IsNotNullExpr>().is_some()
        || condition
            .downcast_ref::<BinaryExpr>()
            .is_some_and(|comparison| *comparison.op() == Operator::NotEq)
}

/// Whether it is `count(*)`.
fn counts_rows(aggregate: &AggregateFunctionExpr) -> bool {
    let is_present = |argument: &Arc<dyn PhysicalExpr>| {
        argument
            .downcast_ref::<Literal>()
            .is_some_and(|literal| !literal.value().is_null())
    };
    aggregate.fun().name() == "count" && !aggregate.is_distinct() && aggregate.expressions().iter().all(is_present)
}

fn of_one() -> Signature {
    Signature::any(1, Volatility::Immutable)
}

/// A count of rows that were counted before: its state is that of `count`, and it is never asked for more.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted(Count, Signature);

impl AggregateUDFImpl for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn signature(&self) -> &Signature {
        &self.1
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.0.state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        sum_udaf().accumulator(arguments)
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        sum_udaf().create_groups_accumulator(arguments)
    }
}

/// The operator: of its input's columns those that rows are compared by, each kind of row once in a batch, and how many
/// there were.
#[derive(Debug)]
struct CountAlike {
    input: Arc<dyn ExecutionPlan>,
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
}

impl CountAlike {
    fn over(input: Arc<dyn ExecutionPlan>, columns: Vec<usize>) -> Result<CountAlike> {
        let chosen = input.schema().project(&columns)?;
        let counts = Arc::new(Field::new("alike", DataType::Int64, false));
        let fields: Vec<FieldRef> = chosen.fields().iter().cloned().chain([counts]).collect();
        let schema = Arc::new(Schema::new(fields));
        let before = input.properties();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(before.output_partitioning().partition_count()),
            before.emission_type,
            before.boundedness,
        );
        Ok(CountAlike {
            input,
            columns,
            properties: Arc::new(properties),
        })
    }
}

impl DisplayAs for CountAlike {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CountAlike")
    }
}

impl ExecutionPlan for CountAlike {
    fn name(&self) -> &'static str {
        "CountAlike"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
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
            (Some(input), 0) => Ok(Arc::new(CountAlike::over(input, self.columns.clone())?)),
            _ => datafusion::common::internal_err!("rows alike come from one child"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(Counting {
            inner: self.input.execute(partition, context)?,
            columns: self.columns.clone(),
            schema: self.schema(),
            seen: Seen::default(),
        }))
    }
}

/// How many rows came, and how many were left of them.
#[derive(Default)]
struct Seen {
    rows: usize,
    left: usize,
}

impl Seen {
    /// Whether it is worth looking: texts of which nearly every row has its own are handed on as they are.
    fn is_worth_it(&self) -> bool {
        self.rows < ROWS_TRIED || self.left * 2 < self.rows
    }
}

struct Counting {
    inner: SendableRecordBatchStream,
    columns: Vec<usize>,
    schema: SchemaRef,
    seen: Seen,
}

impl Stream for Counting {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(batch) = ready!(self.inner.poll_next_unpin(context)) else {
            return Poll::Ready(None);
        };
        let counted = batch.and_then(|batch| {
            let columns = batch.project(&self.columns)?;
            let (mut columns, counts) = if self.seen.is_worth_it() {
                let (rows, counts) = alike(columns.columns());
                self.seen.rows += batch.num_rows();
                self.seen.left += rows.len();
                let columns = columns.columns().iter().map(|column| take(column, &rows, None));
                (columns.collect::<std::result::Result<Vec<_>, _>>()?, counts)
            } else {
                (columns.columns().to_vec(), vec![1; batch.num_rows()])
            };
            columns.push(Arc::new(Int64Array::from(counts)));
            Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
        });
        Poll::Ready(Some(counted))
    }
}

impl RecordBatchStream for Counting {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

/// The first row of each kind, and how many of that kind there are. Rows of one kind have the same texts; two kinds may
/// have the same texts too, which lie in two places.
fn alike(columns: &[ArrayRef]) -> (UInt32Array, Vec<i64>) {
    match columns {
        [one] => kinds([one]),
        [one, two] => kinds([one, two]),
        [one, two, three] => kinds([one, two, three]),
        _ => (UInt32Array::from(Vec::<u32>::new()), Vec::new()),
    }
}

/// The same of a number of columns that the compiler knows: a row takes a nanosecond or two then, and eight where it does
/// not, which was two fifths of counting ten million.
fn kinds<const N: usize>(columns: [&ArrayRef; N]) -> (UInt32Array, Vec<i64>) {
    /// No text is as long.
    const NULL: u128 = u128::MAX;
    let texts = columns.map(|column| column.as_string_view());
    let rows = texts.first().map_or(0, |texts| texts.len());
    let lists = texts.map(|texts| &texts.views()[..rows]);
    let nulls = texts.map(|texts| texts.nulls().filter(|nulls| nulls.null_count() > 0));
    let has_nulls = nulls.iter().any(Option::is_some);
    let kind_of = |row: usize| {
        let mut kind = lists.map(|views| views[row]);
        if has_nulls {
            for (view, nulls) in kind.iter_mut().zip(&nulls) {
                if nulls.is_some_and(|nulls| nulls.is_null(row)) {
                    *view = NULL;
                }
            }
        }
        kind
    };
    let (mut firsts, mut counts): (Vec<u32>, Vec<i64>) = (Vec::new(), Vec::new());
    let mut known: HashMap<[u128; N], usize> = HashMap::new();
    let mut row = 0;
    while row < rows {
        let (kind, first) = (kind_of(row), row);
        row += 1;
        while row < rows && kind_of(row) == kind {
            row += 1;
        }
        let at = *known.entry(kind).or_insert_with(|| {
            firsts.push(u32::try_from(first).unwrap_or(u32::MAX));
            counts.push(0);
            counts.len() - 1
        });
        if let Some(count) = counts.get_mut(at) {
            *count += i64::try_from(row - first).unwrap_or(i64::MAX);
        }
    }
    (UInt32Array::from(firsts), counts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::StringArray;
    use arrow::compute::cast;
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};
    use proptest::prelude::*;

    use super::*;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        cast(&StringArray::from(values.to_vec()), &DataType::Utf8View).unwrap()
    }

    /// Texts by the numbers of a few, as a file's dictionary gives them: long ones lie in one place.
    fn of_few(numbers: &[usize]) -> ArrayRef {
        let few = texts(&[
            None,
            Some(""),
            Some("short"),
            Some("a text longer than twelve bytes"),
            Some("another of those texts"),
        ]);
        let rows = numbers.iter().map(|number| u32::try_from(number % 5).unwrap());
        take(&few, &UInt32Array::from_iter_values(rows), None).unwrap()
    }

    #[test]
    fn rows_alike_become_one() {
        let column = of_few(&[3, 3, 4, 0, 3, 1, 0]);
        let (rows, counts) = alike(std::slice::from_ref(&column));
        assert_eq!(rows.values(), &[0, 2, 3, 5]);
        assert_eq!(counts, [3, 1, 2, 1]);
        let (rows, counts) = alike(&[column.clone(), of_few(&[1, 2, 1, 1, 1, 1, 1])]);
        assert_eq!(rows.values(), &[0, 1, 2, 3, 5]);
        assert_eq!(counts, [2, 1, 1, 2, 1]);
        assert_eq!(alike(&[texts(&[])]).1, [0_i64; 0]);
    }

    fn counted_by(context: &SessionContext, columns: &str) -> (String, BTreeMap<String, i64>) {
        let sql = format!(
            "SELECT concat_ws('|', {columns}) AS k, n FROM (SELECT {columns}, count(*) AS n FROM t GROUP BY {columns})"
        );
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        runtime.block_on(async {
            let frame = context.sql(&sql).await.unwrap();
            let plan = frame.clone().create_physical_plan().await.unwrap();
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            let mut counts = BTreeMap::new();
            for batch in frame.collect().await.unwrap() {
                let keys = cast(batch.column(0), &DataType::Utf8).unwrap();
                let (keys, numbers) = (
                    keys.as_string::<i32>(),
                    batch.column(1).as_primitive::<arrow::datatypes::Int64Type>(),
                );
                for row in 0..batch.num_rows() {
                    *counts.entry(keys.value(row).to_owned()).or_insert(0) += numbers.value(row);
                }
            }
            (plan, counts)
        })
    }

    /// The same rows in contexts with the rule and without.
    fn contexts(batches: &[RecordBatch]) -> [SessionContext; 2] {
        [true, false].map(|has_rule| {
            let config = SessionConfig::new().with_target_partitions(2);
            let mut builder = SessionStateBuilder::new().with_default_features().with_config(config);
            if has_rule {
                builder = builder.with_physical_optimizer_rule(Arc::new(Alike));
            }
            let context = SessionContext::new_with_state(builder.build());
            let halves = batches
                .chunks(batches.len().div_ceil(2).max(1))
                .map(<[RecordBatch]>::to_vec)
                .collect();
            let table = MemTable::try_new(batches[0].schema(), halves).unwrap();
            context.register_table("t", Arc::new(table)).unwrap();
            context
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn counts_are_those_of_a_plain_grouping(
            batches in prop::collection::vec(prop::collection::vec((0..5_usize, 0..5_usize, any::<u16>()), 1..40), 1..6)
        ) {
            let schema = Arc::new(Schema::new(
                ["a", "b", "c"].map(|name| Field::new(name, DataType::Utf8View, true)).to_vec(),
            ));
            let batches: Vec<RecordBatch> = batches
                .iter()
                .map(|rows| {
                    let column = |of: fn(&(usize, usize, u16)) -> usize| of_few(&rows.iter().map(of).collect::<Vec<_>>());
                    let many: Vec<String> = rows.iter().map(|row| format!("text number {:05}", row.2)).collect();
                    let many: Vec<Option<&str>> = many.iter().map(|text| Some(text.as_str())).collect();
                    RecordBatch::try_new(schema.clone(), vec![column(|row| row.0), column(|row| row.1), texts(&many)]).unwrap()
                })
                .collect();
            let [with, without] = contexts(&batches);
            for columns in ["a", "a, b", "c", "b, c, a"] {
                let (plan, counts) = counted_by(&with, columns);
                prop_assert!(plan.contains("CountAlike"), "{}", plan);
                let (plain, expected) = counted_by(&without, columns);
                prop_assert!(!plain.contains("CountAlike"));
                prop_assert_eq!(counts, expected);
            }
        }
    }

    #[test]
    fn other_groupings_are_left_alone() {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Utf8View, true),
            Field::new("n", DataType::Int64, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            of_few(&[1, 2, 0]),
            Arc::new(Int64Array::from(vec![Some(1), None, Some(3)])),
        ];
        let [context, _] = contexts(&[RecordBatch::try_new(Arc::new(schema), columns).unwrap()]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for sql in [
            "SELECT a, count(n) FROM t GROUP BY a",
            "SELECT a, count(DISTINCT n) FROM t GROUP BY a",
            "SELECT a, count(*) FILTER (WHERE n > 1) FROM t GROUP BY a",
            "SELECT a, count(*), sum(n) FROM t GROUP BY a",
            "SELECT n, count(*) FROM t GROUP BY n",
            "SELECT a, count(*) FROM t GROUP BY ROLLUP (a)",
            "SELECT DISTINCT a FROM t",
            "SELECT count(*) FROM t",
        ] {
            let plan =
                runtime.block_on(async { context.sql(sql).await.unwrap().create_physical_plan().await.unwrap() });
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            assert!(!plan.contains("CountAlike"), "{sql}\n{plan}");
        }
    }

    #[test]
    fn texts_of_which_each_row_has_its_own_are_handed_on() {
        let mut seen = Seen::default();
        assert!(seen.is_worth_it());
        (seen.rows, seen.left) = (ROWS_TRIED, ROWS_TRIED - 5);
        assert!(!seen.is_worth_it());
        seen.left = ROWS_TRIED / 10;
        assert!(seen.is_worth_it());
    }
}
