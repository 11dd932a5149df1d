//! `CROSS JOIN UNNEST(array) AS t(x)`: becomes a subquery that selects `unnest(array)`, the form the planner can run.
//!
//! Several arrays are read in step, an array of structs fills as many columns as are named, a map its key and value;
//! `LEFT JOIN UNNEST` keeps rows whose array is empty, `WITH ORDINALITY` numbers the elements.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Ident, Join, JoinOperator, Query, Select, SelectItem, SetExpr, Statement,
    Subscript, TableAlias, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};

use super::build::{call, case, column, ident};

/// Rewrites every UNNEST that stands beside a table.
pub(super) fn flatten(statement: &mut Statement) {
    let _ = statement.visit(&mut Flattener);
}

struct Flattener;

impl VisitorMut for Flattener {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        comma_to_cross_join(&mut select.from);
        let mut renamed = Vec::new();
        for table in &mut select.from {
            while let Some(at) = table.joins.iter().position(is_unnest) {
                if at > 0 || matches!(table.relation, TableFactor::UNNEST { .. }) {
                    break;
                }
                let join = table.joins.remove(at);
                renamed.extend(fold(&mut table.relation, join));
            }
        }
        if !renamed.is_empty() {
            let _ = select.visit(&mut Renamer(renamed));
        }
        ControlFlow::Continue(())
    }
}

fn is_unnest(join: &Join) -> bool {
    matches!(join.relation, TableFactor::UNNEST { .. })
}

/// `FROM a, UNNEST(..)` is `FROM a CROSS JOIN UNNEST(..)`.
fn comma_to_cross_join(from: &mut Vec<TableWithJoins>) {
    let mut tables: Vec<TableWithJoins> = Vec::with_capacity(from.len());
    for table in from.drain(..) {
        match tables.last_mut() {
            Some(last) if matches!(table.relation, TableFactor::UNNEST { .. }) => {
                let operator = JoinOperator::CrossJoin(datafusion::sql::sqlparser::ast::JoinConstraint::None);
                last.joins.push(Join {
                    relation: table.relation,
                    global: false,
                    join_operator: operator,
                });
                last.joins.extend(table.joins);
            }
            _ => tables.push(table),
        }
    }
    *from = tables;
}

/// A column of the unnested table: how the statement calls it, and what it is called from now on.
struct Renamed {
    table: String,
    column: Option<String>,
    to: Vec<String>,
}

/// Puts the relation and the join into one subquery under the relation's name.
fn fold(relation: &mut TableFactor, join: Join) -> Vec<Renamed> {
    let keeps_empty = matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
    let TableFactor::UNNEST {
        alias,
        array_exprs,
        with_ordinality,
        ..
    } = join.relation
    else {
        return Vec::new();
    };
    let base = name_of(relation);
    let called = alias
        .as_ref()
        .map_or("unnest".to_owned(), |alias| alias.name.value.to_ascii_lowercase());
    let mut columns: Vec<String> = match &alias {
        Some(alias) => alias
            .columns
            .iter()
            .map(|column| column.name.value.to_ascii_lowercase())
            .collect(),
        None => Vec::new(),
    };
    let ordinal = if with_ordinality { columns.pop() } else { None };
    let arrays: Vec<Expr> = array_exprs
        .into_iter()
        .map(|array| if keeps_empty { or_one_null(array) } else { array })
        .collect();
    if columns.is_empty() {
        columns = vec![called.clone(); 1];
    }
    let mut selected = vec![SelectItem::Wildcard(Default::default())];
    let number = ordinal.map(|name| (name, numbers(arrays.first())));
    let mut structs = Vec::new();
    match arrays.as_slice() {
        [array] if columns.len() > 1 && is_struct_array(array) => {
            selected.push(item(call("unnest", [array.clone()]), "unnested_row"));
            structs.clone_from(&columns);
        }
        [map] if columns.len() == 2 => {
            for (name, part) in columns.iter().zip(["map_keys", "map_values"]) {
                selected.push(item(call("unnest", [call(part, [map.clone()])]), name));
            }
        }
        _ => {
            for (array, name) in arrays.iter().zip(&columns) {
                selected.push(item(call("unnest", [array.clone()]), name));
            }
        }
    }
    if let Some((name, numbers)) = number {
        selected.push(item(call("unnest", [numbers]), &name));
        columns.push(name);
    }
    let mut inner = subquery(selected, relation.clone(), &base);
    if !structs.is_empty() {
        let mut outer = vec![SelectItem::Wildcard(Default::default())];
        for (index, name) in structs.iter().enumerate() {
            outer.push(item(field("unnested_row", &struct_field(name, index)), name));
        }
        inner = subquery(outer, inner, &base);
    }
    *relation = inner;
    let mut renamed: Vec<Renamed> = columns
        .into_iter()
        .map(|name| Renamed {
            table: called.clone(),
            to: vec![base.clone(), name.clone()],
            column: Some(name),
        })
        .collect();
    // `r.arn` where `r` is the table's only name: the table is its only column.
    if let [only] = renamed.as_slice()
        && only.column.as_ref() == Some(&called)
    {
        renamed.push(Renamed {
            table: called.clone(),
            column: None,
            to: vec![base, called],
        });
    }
    renamed
}

fn name_of(relation: &TableFactor) -> String {
    match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            alias.name.value.to_ascii_lowercase()
        }
        TableFactor::Table { name, .. } => name
            .0
            .last()
            .and_then(|part| part.as_ident())
            .map_or("base".to_owned(), |name| name.value.to_ascii_lowercase()),
        _ => "base".to_owned(),
    }
}

fn item(expr: Expr, alias: &str) -> SelectItem {
    SelectItem::ExprWithAlias {
        expr,
        alias: ident(alias),
    }
}

fn subquery(projection: Vec<SelectItem>, from: TableFactor, alias: &str) -> TableFactor {
    let select = Select {
        projection,
        from: vec![TableWithJoins {
            relation: from,
            joins: vec![],
        }],
        ..super::build::empty_select()
    };
    let query: Query = super::build::query_of(SetExpr::Select(Box::new(select)));
    TableFactor::Derived {
        lateral: false,
        subquery: Box::new(query),
        alias: Some(TableAlias {
            explicit: true,
            name: ident(alias),
            columns: vec![],
            at: None,
        }),
        sample: None,
    }
}

fn or_one_null(array: Expr) -> Expr {
    let number = |number: &str| Expr::value(Value::Number(number.to_owned(), false));
    let filled = Expr::BinaryOp {
        left: Box::new(call("cardinality", [array.clone()])),
        op: BinaryOperator::Gt,
        right: Box::new(number("0")),
    };
    case(filled, array, Some(call("make_array", [Expr::value(Value::Null)])))
}

fn numbers(array: Option<&Expr>) -> Expr {
    let number = |number: &str| Expr::value(Value::Number(number.to_owned(), false));
    let length = array.map_or_else(|| number("0"), |array| call("cardinality", [array.clone()]));
    call("generate_series", [number("1"), length])
}

/// `resources` is the only array of structs a log's table has.
fn is_struct_array(array: &Expr) -> bool {
    match array {
        Expr::Identifier(name) => name.value.eq_ignore_ascii_case("resources"),
        Expr::CompoundIdentifier(parts) => parts
            .last()
            .is_some_and(|name| name.value.eq_ignore_ascii_case("resources")),
        Expr::Case { conditions, .. } => conditions.iter().any(|when| is_struct_array(&when.result)),
        _ => false,
    }
}

/// The field a column of `UNNEST(resources) AS t(..)` means: the one of its name, else the one of its place in Athena's
/// table definition.
fn struct_field(name: &str, index: usize) -> String {
    let known = ["arn", "accountid", "type", "arnprefix"];
    let plain = name
        .trim_start_matches("resource")
        .trim_start_matches('_')
        .replace('_', "");
    match known.iter().find(|field| **field == plain).or_else(|| known.get(index)) {
        Some(field) => (*field).to_owned(),
        None => name.to_owned(),
    }
}

fn field(of: &str, name: &str) -> Expr {
    let index = Expr::value(Value::SingleQuotedString(name.to_owned()));
    let access_chain = vec![AccessExpr::Subscript(Subscript::Index { index })];
    Expr::CompoundFieldAccess {
        root: Box::new(column(of)),
        access_chain,
    }
}

/// Points `t.x` at the subquery that now holds `x`.
struct Renamer(Vec<Renamed>);

impl VisitorMut for Renamer {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expression
            && let [table, column, ..] = parts.as_slice()
        {
            let (table, column) = (table.value.to_ascii_lowercase(), column.value.to_ascii_lowercase());
            let of_table = |renamed: &&Renamed| renamed.table == table;
            let exact = self
                .0
                .iter()
                .filter(of_table)
                .find(|renamed| renamed.column.as_ref() == Some(&column));
            if let Some(renamed) = exact {
                parts.splice(..2, renamed.to.iter().map(|name| ident(name)));
            } else if let Some(renamed) = self.0.iter().filter(of_table).find(|renamed| renamed.column.is_none()) {
                let to: Vec<Ident> = renamed.to.iter().map(|name| ident(name)).collect();
                parts.splice(..1, to);
            }
        }
        ControlFlow::Continue(())
    }
}
