//! Expressions of the parsed language, built by hand.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName, OrderByExpr, OrderByOptions, Query,
    Select, SelectFlavor, SetExpr, TableAlias, UnaryOperator, Value,
};
use datafusion::sql::sqlparser::tokenizer::Span;

/// A text literal.
pub(in crate::engine) fn text(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
}

/// A whole number.
pub(super) fn number(number: i64) -> Expr {
    let size = Expr::value(Value::Number(number.unsigned_abs().to_string(), false));
    if number < 0 {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(size),
        }
    } else {
        size
    }
}

/// A column, by its name alone.
pub(in crate::engine) fn column(name: &str) -> Expr {
    Expr::Identifier(Ident::new(name))
}

/// A call of a function.
pub(in crate::engine) fn call(name: &str, arguments: impl IntoIterator<Item = Expr>) -> Expr {
    Expr::Function(function(name, arguments, vec![]))
}

/// A function with clauses among its arguments.
pub(in crate::engine) fn function(
    name: &str,
    arguments: impl IntoIterator<Item = Expr>,
    clauses: Vec<FunctionArgumentClause>,
) -> Function {
    let args = arguments
        .into_iter()
        .map(|value| FunctionArg::Unnamed(FunctionArgExpr::Expr(value)))
        .collect();
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses,
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    }
}

/// `CASE WHEN condition THEN result [ELSE otherwise] END`.
pub(super) fn case(condition: Expr, result: Expr, otherwise: Option<Expr>) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: otherwise.map(Box::new),
    }
}

/// Two values and what stands between them.
pub(super) fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(Expr::Nested(Box::new(left))),
        op,
        right: Box::new(Expr::Nested(Box::new(right))),
    }
}

/// A value as another type.
pub(super) fn cast(value: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(value),
        data_type,
        array: false,
        format: None,
    }
}

/// A sort key.
pub(super) fn order(by: Expr, nulls_first: bool) -> OrderByExpr {
    OrderByExpr {
        expr: by,
        options: OrderByOptions {
            asc: None,
            nulls_first: Some(nulls_first),
        },
        with_fill: None,
    }
}

/// The plain arguments of a call, if it has no others.
pub(super) fn arguments(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let plain = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Some(value.clone()),
        _ => None,
    });
    plain.collect()
}

/// An unquoted, lower-case name.
pub(super) fn ident(name: &str) -> Ident {
    Ident {
        value: name.to_owned(),
        quote_style: None,
        span: Span::empty(),
    }
}

/// A name that keeps its spelling.
pub(in crate::engine) fn quoted_ident(name: &str) -> Ident {
    Ident {
        value: name.to_owned(),
        quote_style: Some('"'),
        span: Span::empty(),
    }
}

/// A select of nothing from nowhere.
pub(super) fn empty_select() -> Select {
    Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: vec![],
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![],
        exclude: None,
        into: None,
        from: vec![],
        lateral_views: vec![],
        prewhere: None,
        selection: None,
        connect_by: vec![],
        group_by: GroupByExpr::Expressions(vec![], vec![]),
        cluster_by: vec![],
        distribute_by: vec![],
        sort_by: vec![],
        having: None,
        named_window: vec![],
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}

/// A query that is only its body.
pub(super) fn query_of(body: SetExpr) -> Query {
    Query {
        with: None,
        body: Box::new(body),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: vec![],
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: vec![],
    }
}

/// The alias by which what replaces a name is still called that name.
pub(in crate::engine) fn as_called(name: &Ident) -> TableAlias {
    let name = match name.quote_style {
        Some(_) => quoted_ident(&name.value),
        None => Ident::new(&name.value),
    };
    TableAlias {
        explicit: true,
        name,
        columns: vec![],
        at: None,
    }
}
