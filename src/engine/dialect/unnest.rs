//! `CROSS JOIN UNNEST(array) AS t(x)`: becomes a subquery that selects `unnest(array)`, the form the planner can run.
//!
//! Several arrays are read in step, an array of structs fills as many columns as are named, a map its key and value;
//! `LEFT JOIN UNNEST` keeps rows whose array is empty, `WITH ORDINALITY` numbers the elements.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, DataType, ExactNumberInfo, Expr, Ident, Join, JoinOperator, Query, Select, SelectItem,
    SetExpr, Statement, Subscript, TableAlias, TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor,
    VisitorMut,
};

use super::build::{arguments, call, case, cast, column, ident};
use super::casts;
use crate::lake::schema;

/// Rewrites every UNNEST that stands beside a table.
pub(super) fn flatten(statement: &mut Statement) {
    let _ = VisitMut::visit(statement, &mut Flattener);
}

struct Flattener;

impl VisitorMut for Flattener {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if let SetExpr::Select(select) = query.body.as_mut() {
            let renamed = flatten_tables(select);
            if !renamed.is_empty() {
                let _ = VisitMut::visit(&mut query.order_by, &mut Renamer(renamed));
            }
        }
        ControlFlow::Continue(())
    }

    // The sides of a union, which have no order of their own.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        flatten_tables(select);
        ControlFlow::Continue(())
    }
}

/// Puts every UNNEST of a query into the table before it, and says how its columns are called now.
fn flatten_tables(select: &mut Select) -> Vec<Renamed> {
    comma_to_cross_join(&mut select.from);
    let mut renamed = Vec::new();
    for table in &mut select.from {
        alone(&mut table.relation);
        while let Some(at) = table.joins.iter().position(is_unnest) {
            let Some(owner) = owner(table, at, &renamed) else {
                break;
            };
            let join = table.joins.remove(at);
            let relation = match owner.checked_sub(1).and_then(|joined| table.joins.get_mut(joined)) {
                Some(joined) => &mut joined.relation,
                None => &mut table.relation,
            };
            renamed.extend(fold(relation, join));
        }
    }
    if !renamed.is_empty() {
        let _ = VisitMut::visit(select, &mut Renamer(renamed.clone()));
    }
    renamed
}

fn is_unnest(join: &Join) -> bool {
    matches!(join.relation, TableFactor::UNNEST { .. })
}

/// The table whose array is read by the join at this place: 0 is the first, 1 the first that is joined to it. To read it
/// before the tables between are joined comes to the same where none of them makes up rows for that table.
fn owner(table: &TableWithJoins, at: usize, renamed: &[Renamed]) -> Option<usize> {
    if matches!(table.relation, TableFactor::UNNEST { .. }) {
        return None;
    }
    let before = table.joins.get(..at)?;
    if before.is_empty() {
        return Some(0);
    }
    let is_inner = |join: &Join| {
        matches!(
            join.join_operator,
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
        )
    };
    let is_left = |join: &Join| matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
    if !before.iter().all(|join| is_inner(join) || is_left(join)) {
        return None;
    }
    let TableFactor::UNNEST { array_exprs, .. } = &table.joins.get(at)?.relation else {
        return None;
    };
    let mut named = Tables(Vec::new());
    let _ = Visit::visit(array_exprs, &mut named);
    let relations: Vec<&TableFactor> = [&table.relation]
        .into_iter()
        .chain(before.iter().map(|join| &join.relation))
        .collect();
    let of = named.0.first().map(|name| {
        let read = renamed.iter().find(|renamed| renamed.table == *name);
        read.and_then(|renamed| renamed.to.first()).unwrap_or(name)
    });
    let owner = match of {
        Some(name) => relations.iter().position(|relation| name_of(relation) == *name)?,
        // A column without a table's name is most likely the log's.
        None => relations.iter().position(|relation| is_log(relation)).unwrap_or(0),
    };
    let joined = owner.checked_sub(1).and_then(|joined| before.get(joined));
    joined.is_none_or(is_inner).then_some(owner)
}

fn is_log(relation: &TableFactor) -> bool {
    match relation {
        TableFactor::Table { name, .. } => {
            let last = name.0.last().and_then(|part| part.as_ident());
            last.is_some_and(|name| name.value.eq_ignore_ascii_case(schema::CLOUDTRAIL))
        }
        _ => false,
    }
}

/// What stands before the first point of columns' names.
struct Tables(Vec<String>);

impl Visitor for Tables {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expression
            && let Some(first) = parts.first()
        {
            self.0.push(first.value.to_ascii_lowercase());
        }
        ControlFlow::Continue(())
    }
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

/// What no table stands before, and the planner does not know: numbered, or of several columns out of one value.
fn alone(relation: &mut TableFactor) {
    let TableFactor::UNNEST {
        alias: Some(alias),
        array_exprs,
        with_ordinality,
        ..
    } = &*relation
    else {
        return;
    };
    if !with_ordinality && array_exprs.len() >= alias.columns.len() {
        return;
    }
    let cross = JoinOperator::CrossJoin(datafusion::sql::sqlparser::ast::JoinConstraint::None);
    let name = alias.name.value.to_ascii_lowercase();
    let join = Join {
        relation: relation.clone(),
        global: false,
        join_operator: cross,
    };
    // Named as itself, so that nothing that names it has to be changed.
    *relation = unnested(None, &name, join).0;
}

/// A column of the unnested table: how the statement calls it, and what it is called from now on.
#[derive(Clone)]
struct Renamed {
    table: String,
    column: Option<String>,
    to: Vec<String>,
}

/// Puts the relation and the join into one subquery under the relation's name.
fn fold(relation: &mut TableFactor, join: Join) -> Vec<Renamed> {
    let base = name_of(relation);
    let (folded, called, columns) = unnested(Some(relation.clone()), &base, join);
    *relation = folded;
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

/// A subquery of this name: the columns of the table before, where there is one, and those of the UNNEST that is joined; the
/// UNNEST's name, and its columns.
fn unnested(before: Option<TableFactor>, base: &str, join: Join) -> (TableFactor, String, Vec<String>) {
    let keeps_empty = matches!(join.join_operator, JoinOperator::Left(_) | JoinOperator::LeftOuter(_));
    let (alias, array_exprs, with_ordinality) = match join.relation {
        TableFactor::UNNEST {
            alias,
            array_exprs,
            with_ordinality,
            ..
        } => (alias, array_exprs, with_ordinality),
        other => return (before.unwrap_or(other), base.to_owned(), Vec::new()),
    };
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
    let mut selected = Vec::new();
    if before.is_some() {
        selected.push(SelectItem::Wildcard(Default::default()));
    }
    let number = ordinal.map(|name| (name, numbers(arrays.first())));
    let mut fields = Vec::new();
    match arrays.as_slice() {
        [array] if columns.len() > 1 && row_type(array).is_some() => {
            selected.push(item(call("unnest", [array.clone()]), UNNESTED));
            let of_row = row_type(array).unwrap_or_default();
            for (name, (of, kind)) in columns.iter().zip(of_row) {
                fields.push(item(typed(field(UNNESTED, &of), kind), name));
            }
        }
        [array] if columns.len() > 1 && is_struct_array(array) => {
            selected.push(item(call("unnest", [array.clone()]), UNNESTED));
            for (index, name) in columns.iter().enumerate() {
                fields.push(item(field(UNNESTED, &struct_field(name, index)), name));
            }
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
    let is_alone = before.is_none();
    let mut inner = subquery(selected, before, base);
    if !fields.is_empty() {
        let outer = if is_alone {
            let number = columns.iter().skip(fields.len()).map(|name| item(column(name), name));
            fields.into_iter().chain(number).collect()
        } else {
            let all = SelectItem::Wildcard(Default::default());
            [all].into_iter().chain(fields).collect()
        };
        inner = subquery(outer, Some(inner), base);
    }
    (inner, called, columns)
}

/// The row of an array of rows, before its fields are columns.
const UNNESTED: &str = "unnested_row";

/// The fields of the rows of `CAST(x AS ARRAY(ROW(a BIGINT, b VARCHAR)))`, with their types.
fn row_type(array: &Expr) -> Option<Vec<(String, String)>> {
    match array {
        Expr::Cast {
            data_type: DataType::Custom(name, _),
            ..
        } => {
            let name = &name.0.first()?.as_ident()?.value;
            let fields = casts::row_fields(casts::inside(casts::inside(name, "ARRAY")?, "ROW")?);
            Some(
                fields
                    .into_iter()
                    .map(|(name, kind)| (name, kind.to_ascii_uppercase()))
                    .collect(),
            )
        }
        Expr::Nested(inner) => row_type(inner),
        Expr::Case { conditions, .. } => conditions.iter().find_map(|when| row_type(&when.result)),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("try") => {
            arguments(function)?.first().and_then(row_type)
        }
        _ => None,
    }
}

/// A member of a JSON object, as the type it is cast to: those are texts, or JSON, unless they are counted with.
fn typed(member: Expr, kind: String) -> Expr {
    let data_type = match kind.split('(').next().map(str::trim) {
        Some("BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT") => DataType::BigInt(None),
        Some("DOUBLE" | "REAL" | "DECIMAL") => DataType::Double(ExactNumberInfo::None),
        Some("BOOLEAN") => DataType::Boolean,
        _ => return member,
    };
    cast(member, data_type)
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

fn subquery(projection: Vec<SelectItem>, from: Option<TableFactor>, alias: &str) -> TableFactor {
    let select = Select {
        projection,
        from: from
            .into_iter()
            .map(|relation| TableWithJoins {
                relation,
                joins: vec![],
            })
            .collect(),
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

/// `t.x['y']` is read as what is in `t`: as what is in `t.x` it can be renamed.
pub(super) fn name_at_once(expression: &mut Expr) {
    if let Expr::CompoundFieldAccess { root, access_chain } = expression
        && let Expr::Identifier(table) = root.as_ref()
        && let Some(AccessExpr::Dot(Expr::Identifier(column))) = access_chain.first()
    {
        **root = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
        access_chain.remove(0);
    }
}

/// Points `t.x` at the subquery that now holds `x`.
struct Renamer(Vec<Renamed>);

impl VisitorMut for Renamer {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        name_at_once(expression);
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
