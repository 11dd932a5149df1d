//! Conditions evaluated once, and not at all where no row can meet them or every row does.
//!
//! The table format's scan and the engine's own rule both hand a query's condition to the files' scan, which would decode
//! and compare the column for each of them. And a view of two kinds of rows that is asked for one kind asks the other's
//! scan for a column that is null and equals something: a hundred files were opened to find nothing. And who asks for a week
//! has the time of each of its records read and compared, though the log of the files says that they lie in it.

use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{ColumnStatistics, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, IsNotNullExpr, IsNullExpr, Literal, lit};
use datafusion::physical_expr::{PhysicalExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;

use super::scan;

/// The rule that drops a scan's repeated conditions, and the files of one whose conditions contradict each other.
#[derive(Debug)]
pub(super) struct Once;

impl PhysicalOptimizerRule for Once {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let once = plan.transform_up(|node| match without_repeats(node.as_ref()) {
            Some(scan) => Ok(Transformed::yes(scan)),
            None => Ok(Transformed::no(node)),
        })?;
        Ok(once.data)
    }

    fn name(&self) -> &str {
        "ConditionsOnce"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

fn without_repeats(node: &dyn ExecutionPlan) -> Option<Arc<dyn ExecutionPlan>> {
    let (config, source) = scan::of(node)?;
    let condition = source.filter()?;
    let conditions = split_conjunction(&condition);
    let mut kept: Vec<Arc<dyn PhysicalExpr>> = Vec::with_capacity(conditions.len());
    for condition in &conditions {
        if !kept.contains(condition) && !is_met_by_all(condition, config) {
            kept.push(Arc::clone(condition));
        }
    }
    let is_empty = contradict(&kept);
    if kept.len() == conditions.len() && !is_empty {
        return None;
    }
    if kept.is_empty() {
        // A scan cannot be told to have no condition any more.
        kept.push(lit(true));
    }
    let source = Arc::new(source.with_predicate(conjunction(kept)));
    let mut builder = FileScanConfigBuilder::from(config.clone()).with_source(source);
    if is_empty {
        builder = builder.with_file_groups(vec![FileGroup::default(); config.file_groups.len()]);
    }
    Some(DataSourceExec::from_data_source(builder.build()))
}

/// Whether every row of every file lies on the right side of an instant, by what the table's log says of the files.
fn is_met_by_all(condition: &Arc<dyn PhysicalExpr>, config: &FileScanConfig) -> bool {
    let Some(comparison) = condition.downcast_ref::<BinaryExpr>() else {
        return false;
    };
    let (Some(column), Some(literal)) = (
        comparison.left().downcast_ref::<Column>(),
        comparison.right().downcast_ref::<Literal>(),
    ) else {
        return false;
    };
    let ScalarValue::TimestampMicrosecond(Some(instant), _) = literal.value() else {
        return false;
    };
    let is_that = config
        .file_schema()
        .fields()
        .get(column.index())
        .is_some_and(|field| field.name() == column.name());
    is_that
        && config.file_groups.iter().flat_map(FileGroup::iter).all(|file| {
            let known = file
                .statistics
                .as_ref()
                .and_then(|known| known.column_statistics.get(column.index()));
            known.is_some_and(|known| lies(known, *comparison.op(), *instant))
        })
}

/// Whether all instants of a column lie on that side of an instant. Statistics in a table's log are cut to milliseconds,
/// downwards by some writers.
fn lies(known: &ColumnStatistics, side: Operator, instant: i64) -> bool {
    const CUT: i64 = 999;
    let bound = |bound: &Precision<ScalarValue>| match bound.get_value() {
        Some(ScalarValue::TimestampMicrosecond(bound, _)) => *bound,
        _ => None,
    };
    known.null_count == Precision::Exact(0)
        && match side {
            Operator::GtEq => bound(&known.min_value).is_some_and(|least| least >= instant),
            Operator::Gt => bound(&known.min_value).is_some_and(|least| least > instant),
            Operator::LtEq => bound(&known.max_value).is_some_and(|most| most.saturating_add(CUT) <= instant),
            Operator::Lt => bound(&known.max_value).is_some_and(|most| most.saturating_add(CUT) < instant),
            _ => false,
        }
}

/// Whether one condition wants a column to be null that another wants to be something, or to be what another does not want.
fn contradict(conditions: &[Arc<dyn PhysicalExpr>]) -> bool {
    let nulls: Vec<&Column> = conditions
        .iter()
        .filter_map(|condition| condition.downcast_ref::<IsNullExpr>()?.arg().downcast_ref())
        .collect();
    let is_null =
        |operand: &Arc<dyn PhysicalExpr>| operand.downcast_ref().is_some_and(|column| nulls.contains(&column));
    let comparisons = || {
        conditions
            .iter()
            .filter_map(|condition| condition.downcast_ref::<BinaryExpr>())
    };
    let wants = |left, right| {
        comparisons().any(|wanted| *wanted.op() == Operator::Eq && wanted.left() == left && wanted.right() == right)
    };
    let is_unwanted = comparisons().any(|comparison| {
        matches!(comparison.op(), Operator::NotEq | Operator::IsDistinctFrom)
            && wants(comparison.left(), comparison.right())
    });
    let is_null_wanted = conditions.iter().any(|condition| {
        if let Some(present) = condition.downcast_ref::<IsNotNullExpr>() {
            return is_null(present.arg());
        }
        // What compares with a null is not known, and not met.
        condition.downcast_ref::<BinaryExpr>().is_some_and(|comparison| {
            let is_unknown = matches!(
                comparison.op(),
                Operator::Eq | Operator::NotEq | Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq
            );
            is_unknown && (is_null(comparison.left()) || is_null(comparison.right()))
        })
    });
    is_unwanted || is_null_wanted
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::physical_expr::expressions::{binary, col, is_not_null, is_null, lit};

    use super::*;

    #[test]
    fn an_instant_lies_on_the_side_where_all_do() {
        let at = |micros: i64| Precision::Inexact(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
        let known = ColumnStatistics {
            null_count: Precision::Exact(0),
            min_value: at(5_000),
            max_value: at(9_000),
            ..ColumnStatistics::new_unknown()
        };
        let sides = [Operator::GtEq, Operator::Gt, Operator::LtEq, Operator::Lt, Operator::Eq];
        let on = |known: &ColumnStatistics, instant: i64| sides.map(|side| lies(known, side, instant));
        assert_eq!(on(&known, 4_999), [true, true, false, false, false]);
        assert_eq!(on(&known, 5_000), [true, false, false, false, false]);
        assert_eq!(on(&known, 5_001), [false; 5]);
        // What was cut from 9,999.
        assert_eq!(on(&known, 9_998), [false; 5]);
        assert_eq!(on(&known, 9_999), [false, false, true, false, false]);
        assert_eq!(on(&known, 10_000), [false, false, true, true, false]);
        let nulls = ColumnStatistics {
            null_count: Precision::Exact(1),
            ..known.clone()
        };
        assert_eq!(on(&nulls, 0), [false; 5], "a record without a time is in no week");
        assert_eq!(on(&ColumnStatistics::new_unknown(), 0), [false; 5]);
    }

    #[test]
    fn a_null_that_equals_something_and_what_is_unwanted_are_no_row() {
        let fields = ["a", "b"].map(|name| Field::new(name, DataType::Int64, true));
        let schema = Schema::new(fields.to_vec());
        let column = |name: &str| col(name, &schema).unwrap();
        let compared = |name: &str, operator| binary(column(name), operator, lit(1_i64), &schema).unwrap();
        let null = is_null(column("a")).unwrap();
        for other in [
            compared("a", Operator::Eq),
            compared("a", Operator::NotEq),
            binary(lit(1_i64), Operator::Lt, column("a"), &schema).unwrap(),
            is_not_null(column("a")).unwrap(),
        ] {
            assert!(contradict(&[null.clone(), other.clone()]), "{other}");
            assert!(
                contradict(&[other.clone(), compared("b", Operator::Gt), null.clone()]),
                "{other}"
            );
            assert!(!contradict(std::slice::from_ref(&other)), "{other}");
        }
        let other_value = binary(column("a"), Operator::IsDistinctFrom, lit(2_i64), &schema).unwrap();
        for unwanted in [compared("a", Operator::NotEq), compared("a", Operator::IsDistinctFrom)] {
            assert!(
                contradict(&[compared("a", Operator::Eq), unwanted.clone()]),
                "{unwanted}"
            );
            assert!(
                !contradict(&[compared("b", Operator::Eq), unwanted.clone()]),
                "{unwanted}"
            );
            assert!(
                !contradict(&[compared("a", Operator::Lt), unwanted.clone()]),
                "{unwanted}"
            );
            assert!(!contradict(&[compared("a", Operator::Eq), other_value.clone()]));
        }
        for other in [
            compared("b", Operator::Eq),
            compared("a", Operator::IsDistinctFrom),
            is_not_null(column("b")).unwrap(),
            binary(
                compared("a", Operator::Eq),
                Operator::Or,
                compared("b", Operator::Eq),
                &schema,
            )
            .unwrap(),
        ] {
            assert!(!contradict(&[null.clone(), other.clone()]), "{other}");
        }
    }
}
