//! A subquery that reads nothing but an array of the row around it, `EXISTS (SELECT 1 FROM UNNEST(resources) AS t(r) WHERE
//! r.type = 'AWS::KMS::Key')`: becomes what is asked of the array, `any_match(resources, r -> r.type = 'AWS::KMS::Key')`. The
//! planner cannot read a row's own array in a query below it.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, GroupByExpr, Ident, LimitClause, Query, Select, SelectItem,
    SetExpr, Statement, TableFactor, UnaryOperator, Value, Visit, VisitMut, Visitor, VisitorMut, visit_expressions,
};

use super::aggregates;
use super::build::{arguments, binary, call, case, column, number};
use super::lambdas::of_one;
use super::unnest::name_at_once;

/// Rewrites every such subquery.
pub(super) fn ask(statement: &mut Statement) {
    let _ = VisitMut::visit(statement, &mut Subqueries);
}

struct Subqueries;

impl VisitorMut for Subqueries {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let asked = match &*expression {
            Expr::Exists { subquery, negated } => Elements::of(subquery)
                .filter(|elements| elements.is_row)
                .map(|elements| (elements.exist(), *negated)),
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => Elements::of(subquery)
                .and_then(|elements| elements.contain(expr))
                .map(|asked| (asked, *negated)),
            Expr::Subquery(query) => Elements::of(query)
                .and_then(|elements| elements.value())
                .map(|asked| (asked, false)),
            _ => None,
        };
        if let Some((asked, negated)) = asked {
            *expression = Expr::Nested(Box::new(match negated {
                true => Expr::UnaryOp {
                    op: UnaryOperator::Not,
                    expr: Box::new(Expr::Nested(Box::new(asked))),
                },
                false => asked,
            }));
        }
        ControlFlow::Continue(())
    }
}

/// The elements of an array that meet a condition, and what is selected of them.
struct Elements<'a> {
    array: &'a Expr,
    /// What an element is called.
    element: String,
    /// What the table of the elements is called.
    table: Option<String>,
    condition: Option<&'a Expr>,
    /// `None` for all there is.
    selected: Option<&'a Expr>,
    /// Only the first is asked for.
    is_first: bool,
    /// Each is a row, and not all of them one.
    is_row: bool,
}

impl Elements<'_> {
    fn of(query: &Query) -> Option<Elements<'_>> {
        let SetExpr::Select(select) = query.body.as_ref() else {
            return None;
        };
        let is_first = match &query.limit_clause {
            None => false,
            Some(LimitClause::LimitOffset {
                limit: Some(Expr::Value(limit)),
                offset: None,
                ..
            }) if limit.value == Value::Number("1".to_owned(), false) => true,
            Some(_) => return None,
        };
        if query.with.is_some() || query.order_by.is_some() || query.fetch.is_some() || !is_plain(select) {
            return None;
        }
        let selected = match select.projection.as_slice() {
            [SelectItem::UnnamedExpr(selected) | SelectItem::ExprWithAlias { expr: selected, .. }] => Some(selected),
            [SelectItem::Wildcard(_)] => None,
            _ => return None,
        };
        let [from] = select.from.as_slice() else {
            return None;
        };
        let TableFactor::UNNEST {
            alias,
            array_exprs,
            with_ordinality: false,
            ..
        } = &from.relation
        else {
            return None;
        };
        let ([array], []) = (array_exprs.as_slice(), from.joins.as_slice()) else {
            return None;
        };
        let names = alias.as_ref().map(|alias| (&alias.name, alias.columns.as_slice()));
        let (element, table) = match names {
            None => ("unnested_element", None),
            Some((table, [])) => (table.value.as_str(), None),
            Some((table, [column])) => (column.name.value.as_str(), Some(table.value.to_ascii_lowercase())),
            Some(_) => return None,
        };
        let condition = select.selection.as_ref();
        let is_simple = !condition.into_iter().chain(selected).any(has_subquery);
        // Of an aggregate there is one row, whatever the elements are.
        let is_row = !selected.is_some_and(is_aggregate);
        (names_column(array) && is_simple).then_some(Elements {
            array,
            element: element.to_ascii_lowercase(),
            table,
            condition,
            selected,
            is_first,
            is_row,
        })
    }

    /// A lambda of the element with this body.
    fn lambda(&self, body: &Expr) -> Expr {
        let mut body = body.clone();
        let _ = VisitMut::visit(&mut body, &mut WithoutTable(self));
        of_one(&self.element, body)
    }

    /// Those that meet the condition.
    fn kept(&self) -> Expr {
        match self.condition {
            Some(condition) => call("filter", [self.array.clone(), self.lambda(condition)]),
            None => self.array.clone(),
        }
    }

    fn count(&self) -> Expr {
        call("coalesce", [call("cardinality", [self.kept()]), number(0)])
    }

    fn selected(&self, selected: &Expr) -> Expr {
        call("transform", [self.kept(), self.lambda(selected)])
    }

    fn exist(&self) -> Expr {
        binary(self.count(), BinaryOperator::Gt, number(0))
    }

    /// Whether the value is among what is selected.
    fn contain(&self, value: &Expr) -> Option<Expr> {
        let sought = "unnested_value";
        let is_it = of_one(sought, binary(column(sought), BinaryOperator::Eq, value.clone()));
        let contains = call("any_match", [self.selected(self.selected?), is_it]);
        let is_sought = self.is_row && !self.is_first && !has_subquery(value);
        is_sought.then(|| case(self.exist(), contains, Some(Expr::value(Value::Boolean(false)))))
    }

    /// The one value that is selected: an aggregate's, or the first's.
    fn value(&self) -> Option<Expr> {
        if self.is_first && self.is_row {
            return Some(call("element_at", [self.selected(self.selected?), number(1)]));
        }
        let Some(Expr::Function(function)) = self.selected else {
            return None;
        };
        let is_bare = match &function.args {
            FunctionArguments::List(list) => list.duplicate_treatment.is_none() && list.clauses.is_empty(),
            _ => false,
        };
        let has_more = function.filter.is_some()
            || function.over.is_some()
            || function.null_treatment.is_some()
            || !function.within_group.is_empty();
        if has_more || !is_bare {
            return None;
        }
        if function.to_string().eq_ignore_ascii_case("count(*)") {
            return Some(self.count());
        }
        self.aggregate(function)
    }

    fn aggregate(&self, function: &Function) -> Option<Expr> {
        let values = arguments(function)?;
        let [value] = values.as_slice() else {
            return None;
        };
        let is_there = of_one("value", Expr::IsNotNull(Box::new(column("value"))));
        let known = || call("filter", [self.selected(value), is_there.clone()]);
        Some(match function.name.to_string().to_ascii_lowercase().as_str() {
            "count" => call("coalesce", [call("cardinality", [known()]), number(0)]),
            "array_agg" => case(self.exist(), self.selected(value), None),
            "max" => call("array_max", [known()]),
            "min" => call("array_min", [known()]),
            _ => return None,
        })
    }
}

/// Whether what is selected is made of all rows: a call of a function that is no function of one.
fn is_aggregate(selected: &Expr) -> bool {
    holds(selected, |part| match part {
        Expr::Function(function) => {
            let name = function.name.to_string().to_ascii_lowercase();
            AGGREGATES.contains(&name.as_str()) || aggregates::NAMES.contains(&name.as_str())
        }
        _ => false,
    })
}

/// Aggregates that mean the same here and there.
const AGGREGATES: [&str; 12] = [
    "array_agg",
    "avg",
    "checksum",
    "count",
    "first_value",
    "last_value",
    "max",
    "min",
    "stddev",
    "string_agg",
    "sum",
    "var_samp",
];

/// Whether the query selects rows as they are.
fn is_plain(select: &Select) -> bool {
    let is_grouped = match &select.group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(keys, modifiers) => !keys.is_empty() || !modifiers.is_empty(),
    };
    let limits = [&select.having, &select.qualify, &select.prewhere];
    !is_grouped && select.distinct.is_none() && select.top.is_none() && limits.iter().all(|limit| limit.is_none())
}

fn has_subquery(expression: &Expr) -> bool {
    struct Finder(bool);
    impl Visitor for Finder {
        type Break = ();

        fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
            self.0 = true;
            ControlFlow::Break(())
        }
    }
    let mut finder = Finder(false);
    let _ = Visit::visit(expression, &mut finder);
    finder.0
}

fn names_column(expression: &Expr) -> bool {
    holds(expression, |part| {
        matches!(part, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
    })
}

/// Whether a part of the expression is such a one.
fn holds(expression: &Expr, is: impl Fn(&Expr) -> bool) -> bool {
    let found = visit_expressions(expression, |part| match is(part) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

/// `t.r` is `r` where `r` is what an element of `t` is called.
struct WithoutTable<'a>(&'a Elements<'a>);

impl VisitorMut for WithoutTable<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        name_at_once(expression);
        let Expr::CompoundIdentifier(parts) = expression else {
            return ControlFlow::Continue(());
        };
        let is_table = |name: &Ident| self.0.table.as_deref() == Some(name.value.to_ascii_lowercase().as_str());
        if let [table, element, ..] = parts.as_slice()
            && is_table(table)
            && element.value.eq_ignore_ascii_case(&self.0.element)
        {
            parts.remove(0);
        }
        if let [only] = parts.as_slice() {
            *expression = Expr::Identifier(only.clone());
        }
        ControlFlow::Continue(())
    }
}
