//! `CROSS JOIN UNNEST(array) AS t(x)`: becomes a subquery that selects `unnest(array)`, the form the planner can run.
//!
//! Several arrays are read in step, an array of structs fills as many columns as are named, a map its key and value;
//! `LEFT JOIN UNNEST` keeps rows whose array is empty, `WITH ORDINALITY` numbers the elements.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Ident, Join, JoinConstraint, JoinOperator,
    LambdaFunction, OneOrManyWithParens, Query, Select, SelectItem, SetExpr, Statement, Subscript, TableAlias,
    TableFactor, TableWithJoins, Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::build::{arguments, binary, call, case, cast, column, ident, number};
use super::casts;
use crate::lake::schema;

/// Rewrites every UNNEST that stands beside a table.
pub(super) fn flatten(statement: &mut Statement) {
    let _ = VisitMut::visit(statement, &mut Flattener);
}

struct Flattener;

impl VisitorMut for Flattener {
    type Break = ();

    // From within: what a query below calls `t` is no longer called so when this one is looked at.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let renamed = flatten_sides(&mut query.body);
        if !renamed.is_empty() {
            let _ = VisitMut::visit(&mut query.order_by, &mut Renamer::of(renamed));
        }
        ControlFlow::Continue(())
    }
}

/// Of a union each side; a union's order names no column of a side.
fn flatten_sides(body: &mut SetExpr) -> Vec<Renamed> {
    match body {
        SetExpr::Select(select) => flatten_tables(select),
        SetExpr::SetOperation { left, right, .. } => {
            flatten_sides(left);
            flatten_sides(right);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Puts every UNNEST of a query into the table before it, and says how its columns are called now.
fn flatten_tables(select: &mut Select) -> Vec<Renamed> {
    comma_to_cross_join(&mut select.from);
    let (mut renamed, mut conditions) = (Vec::new(), Vec::new());
    for table in &mut select.from {
        alone(&mut table.relation);
        while let Some(at) = table.joins.iter().position(is_unnest) {
            let (Some(owner), Some(held)) = (owner(table, at, &renamed), condition(&table.joins, at)) else {
                break;
            };
            let join = table.joins.remove(at);
            conditions.extend(held);
            let relation = match owner.checked_sub(1).and_then(|joined| table.joins.get_mut(joined)) {
                Some(joined) => &mut joined.relation,
                None => &mut table.relation,
            };
            renamed.extend(fold(relation, join));
        }
    }
    for condition in conditions {
        select.selection = Some(match select.selection.take() {
            Some(before) => binary(before, BinaryOperator::And, condition),
            None => condition,
        });
    }
    if !renamed.is_empty() {
        let _ = VisitMut::visit(select, &mut Renamer::of(renamed.clone()));
    }
    renamed
}

/// An UNNEST that keeps all rows of the table before it, or leaves out what no element meets the condition of. What else
/// there may be is the planner's to refuse, as Trino does.
fn is_unnest(join: &Join) -> bool {
    let is_free = |constraint: &JoinConstraint| match constraint {
        JoinConstraint::None => true,
        JoinConstraint::On(Expr::Value(held)) => held.value == Value::Boolean(true),
        _ => false,
    };
    let can_be = match &join.join_operator {
        JoinOperator::Join(JoinConstraint::On(_)) | JoinOperator::Inner(JoinConstraint::On(_)) => true,
        JoinOperator::CrossJoin(constraint)
        | JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint) => is_free(constraint),
        _ => false,
    };
    can_be && matches!(join.relation, TableFactor::UNNEST { .. })
}

/// The condition of the join at this place, where it has one; `None` where a join behind it makes up rows that do not meet it.
fn condition(joins: &[Join], at: usize) -> Option<Option<Expr>> {
    let condition = match &joins.get(at)?.join_operator {
        JoinOperator::Join(JoinConstraint::On(condition)) | JoinOperator::Inner(JoinConstraint::On(condition)) => {
            condition
        }
        _ => return Some(None),
    };
    let keeps = |join: &Join| {
        matches!(
            join.join_operator,
            JoinOperator::Join(_)
                | JoinOperator::Inner(_)
                | JoinOperator::CrossJoin(_)
                | JoinOperator::Left(_)
                | JoinOperator::LeftOuter(_)
        )
    };
    joins.iter().skip(at).all(keeps).then(|| Some(condition.clone()))
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
    // What is joined by names could be joined by the names of the elements then.
    let is_inner = |join: &Join| match &join.join_operator {
        JoinOperator::Join(how) | JoinOperator::Inner(how) | JoinOperator::CrossJoin(how) => {
            matches!(how, JoinConstraint::On(_) | JoinConstraint::None)
        }
        _ => false,
    };
    let is_left = |join: &Join| {
        matches!(
            &join.join_operator,
            JoinOperator::Left(JoinConstraint::On(_)) | JoinOperator::LeftOuter(JoinConstraint::On(_))
        )
    };
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
    let position = |name: &String| {
        let read = renamed.iter().find(|renamed| renamed.table == *name);
        let name = read.and_then(|renamed| renamed.to.first()).unwrap_or(name);
        relations.iter().position(|relation| name_of(relation) == *name)
    };
    // A column without a table's name is most likely the log's.
    let log = || relations.iter().position(|relation| is_log(relation));
    let owner = named.0.iter().find_map(position).or_else(log).unwrap_or(0);
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
                let operator = JoinOperator::CrossJoin(JoinConstraint::None);
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
    let is_known =
        array_exprs.len() >= alias.columns.len() && !array_exprs.iter().any(|array| row_type(array).is_some());
    if !with_ordinality && is_known {
        return;
    }
    let cross = JoinOperator::CrossJoin(JoinConstraint::None);
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
    let number = ordinal.map(|name| (name, numbers(&arrays)));
    let mut fields = Vec::new();
    let of_row = match arrays.as_slice() {
        [array] => row_type(array).filter(|(_, of)| of.len() == columns.len()),
        _ => None,
    };
    match (arrays.as_slice(), of_row) {
        ([array], Some((is_lenient, of_row))) => {
            selected.push(item(call("unnest", [array.clone()]), UNNESTED));
            for (name, (of, kind)) in columns.iter().zip(of_row) {
                fields.push(item(typed(field(UNNESTED, &of), &kind, is_lenient), name));
            }
        }
        ([array], None) if columns.len() > 1 && is_struct_array(array) => {
            selected.push(item(call("unnest", [array.clone()]), UNNESTED));
            for (index, name) in columns.iter().enumerate() {
                fields.push(item(field(UNNESTED, &struct_field(name, index)), name));
            }
        }
        ([map], None) if columns.len() == 2 => {
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

/// The fields of the rows of `CAST(x AS ARRAY(ROW(a BIGINT, b VARCHAR)))`, with their types, and whether what does not fit
/// is NULL.
fn row_type(array: &Expr) -> Option<(bool, Vec<(String, String)>)> {
    match array {
        Expr::Cast {
            kind,
            data_type: DataType::Custom(name, _),
            ..
        } => {
            let name = &name.0.first()?.as_ident()?.value;
            let fields = casts::row_fields(casts::inside(casts::inside(name, "ARRAY")?, "ROW")?);
            let fields = fields.into_iter().map(|(name, kind)| (name, kind.to_ascii_uppercase()));
            Some((*kind != CastKind::Cast, fields.collect()))
        }
        Expr::Nested(inner) => row_type(inner),
        Expr::Case { conditions, .. } => conditions.iter().find_map(|when| row_type(&when.result)),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("try") => {
            let (_, fields) = arguments(function)?.first().and_then(row_type)?;
            Some((true, fields))
        }
        _ => None,
    }
}

/// A member of a JSON object, as the type it is cast to: those are texts, or JSON, unless they are counted with.
fn typed(member: Expr, kind: &str, is_lenient: bool) -> Expr {
    let data_type = match kind.split('(').next().map(str::trim) {
        Some("BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT") => DataType::BigInt(None),
        Some("DOUBLE" | "REAL" | "DECIMAL") => DataType::Double(ExactNumberInfo::None),
        Some("BOOLEAN") => DataType::Boolean,
        _ => return member,
    };
    let mut made = cast(member, data_type);
    if let Expr::Cast { kind, .. } = &mut made
        && is_lenient
    {
        *kind = CastKind::TryCast;
    }
    made
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
    let filled = Expr::BinaryOp {
        left: Box::new(call("cardinality", [array.clone()])),
        op: BinaryOperator::Gt,
        right: Box::new(number(0)),
    };
    case(filled, array, Some(call("make_array", [Expr::value(Value::Null)])))
}

/// As many numbers as the longest has elements.
fn numbers(arrays: &[Expr]) -> Expr {
    let length = |array: &Expr| call("coalesce", [call("cardinality", [array.clone()]), number(0)]);
    let longest = match arrays {
        [only] => length(only),
        several => call("greatest", several.iter().map(length)),
    };
    call("generate_series", [number(1), longest])
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
struct Renamer {
    renamed: Vec<Renamed>,
    /// The parameters of the lambdas around: what they name is no table.
    parameters: Vec<String>,
}

impl Renamer {
    fn of(renamed: Vec<Renamed>) -> Renamer {
        Renamer {
            renamed,
            parameters: Vec::new(),
        }
    }
}

fn parameters(lambda: &LambdaFunction) -> Vec<String> {
    let names = match &lambda.params {
        OneOrManyWithParens::One(only) => std::slice::from_ref(only),
        OneOrManyWithParens::Many(several) => several.as_slice(),
    };
    names.iter().map(|name| name.name.value.to_ascii_lowercase()).collect()
}

impl VisitorMut for Renamer {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Lambda(lambda) = expression {
            self.parameters.extend(parameters(lambda));
        }
        name_at_once(expression);
        if let Expr::CompoundIdentifier(parts) = expression
            && let [table, column, ..] = parts.as_slice()
            && !self.parameters.contains(&table.value.to_ascii_lowercase())
        {
            let (table, column) = (table.value.to_ascii_lowercase(), column.value.to_ascii_lowercase());
            let of_table = |renamed: &&Renamed| renamed.table == table;
            let exact = self
                .renamed
                .iter()
                .filter(of_table)
                .find(|renamed| renamed.column.as_ref() == Some(&column));
            if let Some(renamed) = exact {
                parts.splice(..2, renamed.to.iter().map(|name| ident(name)));
            } else if let Some(renamed) = self
                .renamed
                .iter()
                .filter(of_table)
                .find(|renamed| renamed.column.is_none())
            {
                let to: Vec<Ident> = renamed.to.iter().map(|name| ident(name)).collect();
                parts.splice(..1, to);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::Lambda(lambda) = expression {
            let left = self.parameters.len() - parameters(lambda).len();
            self.parameters.truncate(left);
        }
        ControlFlow::Continue(())
    }
}
