//! `FETCH FIRST n ROWS ONLY`, which is `LIMIT n` (WITH TIES and PERCENT stay for the planner to refuse), and `TABLESAMPLE`,
//! which the planner would pass over in silence.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Fetch, LimitClause, Query, Select, SelectItem, SetExpr, Statement, TableFactor,
    TableSampleKind, TableWithJoins, VisitMut, VisitorMut,
};

use super::build::{as_called, call, empty_select, number, query_of};

/// Rewrites every FETCH.
pub(super) fn translate(statement: &mut Statement) {
    let _ = statement.visit(&mut Limits);
}

/// Reads a share of a table's rows where TABLESAMPLE asks for it.
pub(super) fn sample(statement: &mut Statement) {
    let _ = statement.visit(&mut Samples);
}

struct Samples;

impl VisitorMut for Samples {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table {
            name, alias, sample, ..
        } = factor
        else {
            return ControlFlow::Continue(());
        };
        let Some(TableSampleKind::BeforeTableAlias(asked) | TableSampleKind::AfterTableAlias(asked)) = sample.take()
        else {
            return ControlFlow::Continue(());
        };
        let called = alias
            .take()
            .or_else(|| name.0.last().and_then(|part| part.as_ident()).map(as_called));
        let Some(quantity) = asked.quantity else {
            return ControlFlow::Continue(());
        };
        let chance = Expr::BinaryOp {
            left: Box::new(call("random", [])),
            op: BinaryOperator::Multiply,
            right: Box::new(number(100)),
        };
        let select = Select {
            projection: vec![SelectItem::Wildcard(Default::default())],
            from: vec![TableWithJoins {
                relation: factor.clone(),
                joins: vec![],
            }],
            selection: Some(Expr::BinaryOp {
                left: Box::new(chance),
                op: BinaryOperator::Lt,
                right: Box::new(Expr::Nested(Box::new(quantity.value))),
            }),
            ..empty_select()
        };
        *factor = TableFactor::Derived {
            lateral: false,
            subquery: Box::new(query_of(SetExpr::Select(Box::new(select)))),
            alias: called,
            sample: None,
        };
        ControlFlow::Continue(())
    }
}

struct Limits;

impl VisitorMut for Limits {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let Some(Fetch {
            with_ties: false,
            percent: false,
            quantity,
        }) = &query.fetch
        else {
            return ControlFlow::Continue(());
        };
        let rows = quantity.clone().unwrap_or_else(|| number(1));
        match &mut query.limit_clause {
            Some(LimitClause::LimitOffset {
                limit: limit @ None, ..
            }) => *limit = Some(rows),
            Some(_) => return ControlFlow::Continue(()),
            none => {
                *none = Some(LimitClause::LimitOffset {
                    limit: Some(rows),
                    offset: None,
                    limit_by: vec![],
                })
            }
        }
        query.fetch = None;
        ControlFlow::Continue(())
    }
}
