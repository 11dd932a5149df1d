//! Expressions whose meaning depends on the types beneath: fields of structs and JSON texts in any case, and
//! comparisons of instants, booleans and numbers with texts.

use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Column, DFSchema, Result, ScalarValue, TableReference, plan_err};
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, Operator, TryCast, binary_expr, lit};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::functions;
use crate::lake::schema;
use crate::model::Instant;

/// The planner of typed meaning, asked before the engine's own.
#[derive(Debug)]
pub(super) struct Typed;

impl ExprPlanner for Typed {
    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let mut expression = Expr::Column(Column::from((qualifier, field)));
        let mut kind = field.data_type().clone();
        for name in names {
            match member(expression, &kind, name) {
                Some((inner, inner_kind)) => (expression, kind) = (inner, inner_kind),
                None => return Ok(PlannerResult::Original(vec![])),
            }
        }
        let last = names.last().map_or(field.name(), |name| name);
        Ok(PlannerResult::Planned(expression.alias(last)))
    }

    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        columns: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        // The planner would look for a key of exactly the map's type of text.
        if matches!(access.expr.get_type(columns)?, DataType::Map(..)) {
            let key = match &access.field_access {
                GetFieldAccess::NamedStructField { name } => Some(lit(name.clone())),
                GetFieldAccess::ListIndex { key } => Some(key.as_ref().clone()),
                GetFieldAccess::ListRange { .. } => None,
            };
            if let Some(value) = key.and_then(|key| call("element_at", vec![access.expr.clone(), key])) {
                return Ok(PlannerResult::Planned(value));
            }
        }
        if let GetFieldAccess::ListIndex { key } = &access.field_access
            && let DataType::Struct(fields) = access.expr.get_type(columns)?
        {
            return by_number(access.expr, &fields, key).map(PlannerResult::Planned);
        }
        if let GetFieldAccess::NamedStructField { name } = &access.field_access
            && let Some(Some(name)) = name.try_as_str()
            && let Some((inner, _)) = member(access.expr.clone(), &access.expr.get_type(columns)?, name)
        {
            return Ok(PlannerResult::Planned(inner));
        }
        Ok(PlannerResult::Original(access))
    }

    fn plan_binary_op(&self, raw: RawBinaryExpr, columns: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let Some(operator) = comparison(&raw.op) else {
            return Ok(PlannerResult::Original(raw));
        };
        if (is_address(&raw.left) || is_address(&raw.right))
            && let (Some(left), Some(right)) = (
                call(functions::IP_ORDER, vec![raw.left.clone()]),
                call(functions::IP_ORDER, vec![raw.right.clone()]),
            )
        {
            return Ok(PlannerResult::Planned(binary_expr(left, operator, right)));
        }
        let (left, right) = (raw.left.get_type(columns)?, raw.right.get_type(columns)?);
        let planned = match (literal_text(&raw.left), literal_text(&raw.right)) {
            (None, Some(text)) => with_text(raw.left.clone(), &left, operator, text),
            (Some(text), None) => operator
                .swap()
                .and_then(|operator| with_text(raw.right.clone(), &right, operator, text)),
            _ => with_span(&raw, &left, &right, operator).or_else(|| with_value(&raw, &left, &right, operator)),
        };
        Ok(planned.map_or(PlannerResult::Original(raw), PlannerResult::Planned))
    }
}

/// A member of a struct, a map or a JSON text.
fn member(of: Expr, kind: &DataType, name: &str) -> Option<(Expr, DataType)> {
    match kind {
        DataType::Struct(fields) => {
            let exact = fields.iter().find(|field| field.name() == name);
            let field = exact.or_else(|| fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)))?;
            Some((get_field(of, field.name().as_str()), field.data_type().clone()))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            Some((call(functions::JSON_MEMBER, vec![of, lit(name)])?, DataType::Utf8))
        }
        DataType::Dictionary(_, values) => member(of, values, name),
        _ => None,
    }
}

/// `ROW(1, 'a')[2]`: the field of that number, counted from 1.
fn by_number(of: Expr, fields: &Fields, key: &Expr) -> Result<Expr> {
    let number = match key {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) => Some(*number),
        _ => None,
    };
    let place = number.and_then(|number| usize::try_from(number).ok()?.checked_sub(1));
    match (number, place.and_then(|place| fields.get(place))) {
        (_, Some(field)) => Ok(get_field(of, field.name().as_str())),
        (Some(number), None) => {
            let last = fields.len();
            plan_err!("a row of {last} fields has no field {number}: they are counted from 1")
        }
        (None, None) => plan_err!("a row's field is taken by a number that is written out, or by its name"),
    }
}

fn call(name: &str, arguments: Vec<Expr>) -> Option<Expr> {
    let function = functions::named(name)?;
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(function, arguments)))
}

fn comparison(operator: &BinaryOperator) -> Option<Operator> {
    Some(match operator {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

/// A value of type IPADDRESS: addresses are compared as numbers, not as their texts.
fn is_address(expression: &Expr) -> bool {
    match expression {
        Expr::ScalarFunction(function) => function.name() == "ipaddress",
        Expr::Alias(alias) => is_address(&alias.expr),
        _ => false,
    }
}

/// What two instants lie apart, compared with an interval literal.
fn with_span(raw: &RawBinaryExpr, left: &DataType, right: &DataType, operator: Operator) -> Option<Expr> {
    match (left, right) {
        (DataType::Duration(_), _) => Some(binary_expr(raw.left.clone(), operator, lit(span(&raw.right)?))),
        (_, DataType::Duration(_)) => Some(binary_expr(lit(span(&raw.left)?), operator, raw.right.clone())),
        _ => None,
    }
}

/// An interval literal of days and less, as what two instants lie apart. The engine makes an interval of that instead, of
/// nanoseconds alone, and compares days with days first: thirty-nine days apart were less than `INTERVAL '30' DAY`.
fn span(expression: &Expr) -> Option<ScalarValue> {
    const DAY: i64 = 86_400_000_000;
    let microseconds = match expression {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) if interval.months == 0 => {
            i64::from(interval.days) * DAY + interval.nanoseconds / 1_000
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => {
            i64::from(interval.days) * DAY + i64::from(interval.milliseconds) * 1_000
        }
        Expr::Alias(alias) => return span(&alias.expr),
        _ => return None,
    };
    Some(ScalarValue::DurationMicrosecond(Some(microseconds)))
}

fn literal_text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Alias(alias) => literal_text(&alias.expr),
        _ => None,
    }
}

/// A value compared with a text literal: the literal is read as the value's type, where it can be.
fn with_text(value: Expr, kind: &DataType, operator: Operator, text: &str) -> Option<Expr> {
    match kind {
        DataType::Timestamp(..) => match Instant::parse(text) {
            Some(instant) => {
                let utc = Some("UTC".into());
                let instant = ScalarValue::TimestampMicrosecond(Some(instant.0), utc);
                Some(binary_expr(value, operator, lit(instant)))
            }
            // A part of an instant (`2026-01`) compares as text, as it does where instants are texts.
            None => Some(binary_expr(call("as_text", vec![value])?, operator, lit(text))),
        },
        DataType::Boolean => {
            let flag = match text.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return None,
            };
            Some(binary_expr(value, operator, lit(flag)))
        }
        _ => None,
    }
}

/// A text compared with a number or a boolean: the text is read as that, and is no match where it is none.
fn with_value(raw: &RawBinaryExpr, left: &DataType, right: &DataType, operator: Operator) -> Option<Expr> {
    let read = |text: &Expr, kind: DataType| Expr::TryCast(TryCast::new(Box::new(text.clone()), kind));
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let target = |kind: &DataType| match kind {
        DataType::Boolean => Some(DataType::Boolean),
        kind if kind.is_integer() => Some(DataType::Int64),
        kind if kind.is_floating() => Some(DataType::Float64),
        DataType::Timestamp(..) => Some(schema::timestamp()),
        _ => None,
    };
    if is_text(left) {
        return Some(binary_expr(
            read(&raw.left, target(right)?),
            operator,
            raw.right.clone(),
        ));
    }
    if is_text(right) {
        return Some(binary_expr(raw.left.clone(), operator, read(&raw.right, target(left)?)));
    }
    None
}
