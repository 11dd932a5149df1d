//! Casts to types only Trino has: `ARRAY(..)`, `MAP(..)`, `ROW(..)`, `JSON`, `IPADDRESS`; and casts of JSON to scalars.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, Statement, Value, VisitMut, VisitorMut};

use super::build::{arguments, call, text};

/// Rewrites casts the planner does not know.
pub(super) fn translate(statement: &mut Statement) {
    let _ = statement.visit(&mut Casts);
}

struct Casts;

impl VisitorMut for Casts {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Cast {
                kind, expr, data_type, ..
            } => {
                if let Some(translated) = cast(kind, expr, data_type) {
                    *expression = translated;
                }
            }
            // TRY(x) is x with NULL for what cannot be: nearly always a cast that fails.
            Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("try") => {
                if let Some([inner]) = arguments(function).as_deref() {
                    let mut inner = inner.clone();
                    let _ = inner.visit(&mut Lenient);
                    *expression = Expr::Nested(Box::new(inner));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn cast(kind: &CastKind, value: &mut Box<Expr>, target: &DataType) -> Option<Expr> {
    match target {
        DataType::JSON => Some(call("cast_to_json", [value.as_ref().clone()])),
        DataType::Uuid => {
            let read = if *kind == CastKind::Cast {
                "as_uuid"
            } else {
                "try_as_uuid"
            };
            Some(call(read, [value.as_ref().clone()]))
        }
        DataType::Varbinary(_) => Some(call("arrow_cast", [value.as_ref().clone(), text("Binary")])),
        DataType::Custom(name, _) => {
            let name = name.0.first()?.as_ident()?.value.to_ascii_uppercase();
            let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
            match (name.split('(').next()?, inner) {
                ("ARRAY", Some(element)) => {
                    let array = call("cast_to_array", [value.as_ref().clone()]);
                    Some(match element.split('(').next().map(str::trim) {
                        Some("BIGINT" | "INTEGER" | "INT" | "SMALLINT" | "TINYINT") => {
                            call("arrow_cast", [array, text("List(Int64)")])
                        }
                        Some("DOUBLE" | "REAL" | "DECIMAL") => call("arrow_cast", [array, text("List(Float64)")]),
                        Some("BOOLEAN") => call("arrow_cast", [array, text("List(Boolean)")]),
                        _ => array,
                    })
                }
                ("ROW", Some(fields)) if row_of(value, fields).is_some() => row_of(value, fields),
                ("MAP" | "ROW", Some(_)) => Some(call("cast_to_json", [value.as_ref().clone()])),
                ("IPADDRESS" | "IPPREFIX", None) => Some(call("ipaddress", [value.as_ref().clone()])),
                _ => None,
            }
        }
        // In Trino a JSON text casts to the text it holds, not to its quoted form.
        _ => {
            if let Expr::Function(function) = value.as_mut()
                && function.name.to_string().eq_ignore_ascii_case("json_extract")
            {
                function.name =
                    datafusion::sql::sqlparser::ast::ObjectName::from(vec![super::build::ident("json_extract_scalar")]);
            }
            None
        }
    }
}

/// `CAST(ROW(1, 'x') AS ROW(a INTEGER, b VARCHAR))`: the same values under these names; so are rows in it.
fn row_of(value: &Expr, fields: &str) -> Option<Expr> {
    let Expr::Function(function) = value else {
        return None;
    };
    let (fields, values) = (row_fields(fields), arguments(function)?);
    let is_row = function.name.to_string().eq_ignore_ascii_case("row") && fields.len() == values.len();
    let members = fields.into_iter().zip(values).flat_map(|((name, kind), value)| {
        let inner = inside(kind, "ROW").and_then(|fields| row_of(&value, fields));
        [text(&name), inner.unwrap_or(value)]
    });
    is_row.then(|| call("named_struct", members))
}

/// The fields of a row's type, each with its own type: of `a INTEGER, b ROW(c VARCHAR)` what `a` and `b` are.
pub(super) fn row_fields(fields: &str) -> Vec<(String, &str)> {
    let mut depth = 0_usize;
    let parts = fields.split(|letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    parts
        .map(|part| {
            let part = part.trim();
            let (name, kind) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            (name.to_ascii_lowercase(), kind.trim())
        })
        .collect()
}

/// What stands in the parentheses of a type of this name.
pub(super) fn inside<'a>(kind: &'a str, name: &str) -> Option<&'a str> {
    let (written, rest) = kind.trim().split_once('(')?;
    let is_named = written.trim().eq_ignore_ascii_case(name);
    rest.strip_suffix(')').filter(|_| is_named)
}

struct Lenient;

impl VisitorMut for Lenient {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Cast { kind, .. } => *kind = CastKind::TryCast,
            // Division by zero is the other thing TRY is used for.
            Expr::BinaryOp {
                op: datafusion::sql::sqlparser::ast::BinaryOperator::Divide,
                right,
                ..
            } => {
                let zero = Expr::value(Value::Number("0".to_owned(), false));
                let divisor = call("nullif", [right.as_ref().clone(), zero]);
                **right = divisor;
            }
            Expr::Function(function) => {
                let name = function.name.to_string().to_ascii_lowercase();
                let lenient = match name.as_str() {
                    "from_iso8601_timestamp" | "date_parse" | "parse_datetime" | "json_parse" | "as_uuid" => {
                        format!("try_{name}")
                    }
                    _ => return ControlFlow::Continue(()),
                };
                function.name = datafusion::sql::sqlparser::ast::ObjectName::from(vec![super::build::ident(&lenient)]);
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
