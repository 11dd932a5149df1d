//! Aggregates of Trino that are another of the planner's, or several, or one whose gathered rows a function reads.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, DuplicateTreatment, ExactNumberInfo, Expr, Function, FunctionArgumentClause,
    FunctionArguments, ObjectName,
};

use super::build::{arguments, binary, call, case, cast, column, function, ident, number, order, text};
use super::lambdas;

/// The names of aggregates that are rewritten, or called otherwise.
pub(super) const NAMES: [&str; 25] = [
    "any_value",
    "approx_most_frequent",
    "approx_percentile",
    "arbitrary",
    "bitwise_and_agg",
    "bitwise_or_agg",
    "bitwise_xor_agg",
    "bool_and",
    "bool_or",
    "count_if",
    "entropy",
    "every",
    "geometric_mean",
    "histogram",
    "listagg",
    "map_agg",
    "map_union",
    "max_by",
    "min_by",
    "multimap_agg",
    "reduce_agg",
    "set_agg",
    "set_union",
    "variance",
    "approx_distinct",
];

/// Another name for the same arguments.
pub(super) fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "any_value" | "arbitrary" => "min",
        "bitwise_and_agg" => "bit_and",
        "bitwise_or_agg" => "bit_or",
        "bitwise_xor_agg" => "bit_xor",
        "every" => "bool_and",
        "listagg" => "string_agg",
        "variance" => "var_samp",
        _ => return None,
    })
}

/// What a call means, if it is one of these; FILTER and OVER are kept.
pub(super) fn translate(name: &str, call_of: &mut Function, values: &[Expr]) -> Option<Expr> {
    let replacement = match (name, values) {
        ("approx_percentile", [value, Expr::Array(shares)]) => {
            let each = shares.elem.iter().map(|share| percentile(call_of, value, None, share));
            return Some(call("make_array", each));
        }
        ("approx_percentile", [value, weight, Expr::Array(shares)]) => {
            let shares = shares.elem.iter();
            let each = shares.map(|share| percentile(call_of, value, Some(weight), share));
            return Some(call("make_array", each));
        }
        ("approx_percentile", [value, share]) => return Some(percentile(call_of, value, None, share)),
        ("approx_percentile", [value, weight, share]) => {
            return Some(percentile(call_of, value, Some(weight), share));
        }
        ("max_by" | "min_by", [value, by, count]) => {
            let all = gathered(call_of, value.clone(), Some((by.clone(), name == "min_by")));
            return Some(call("slice", [all, number(1), count.clone()]));
        }
        ("max" | "min", [value, count]) => {
            present(call_of, value);
            let all = gathered(call_of, value.clone(), Some((value.clone(), name == "min")));
            return Some(call("slice", [all, number(1), count.clone()]));
        }
        ("map_agg" | "multimap_agg", [key, value]) => {
            present(call_of, key);
            let pair = call("named_struct", [text("key"), key.clone(), text("value"), value.clone()]);
            let made = if name == "map_agg" {
                "map_of_entries"
            } else {
                "multimap_of_entries"
            };
            return Some(call(made, [gathered(call_of, pair, None)]));
        }
        // Of a key that is in several maps, the value that comes first.
        ("map_union", [map]) => {
            present(call_of, map);
            let all = gathered(call_of, call("map_entries", [map.clone()]), None);
            return Some(call("map_of_entries", [call("flatten", [all])]));
        }
        // States are made one after the other, so nothing is left for the second lambda to bring together.
        ("reduce_agg", [value, start, merge @ Expr::Lambda(_), Expr::Lambda(_)]) => {
            present(call_of, value);
            let all = gathered(call_of, value.clone(), None);
            let state = lambdas::of_one("state", column("state"));
            return Some(call("reduce", [all, start.clone(), merge.clone(), state]));
        }
        ("histogram", [value]) => {
            present(call_of, value);
            return Some(call("frequencies", [gathered(call_of, value.clone(), None)]));
        }
        ("approx_most_frequent", [count, value, _]) => {
            present(call_of, value);
            return Some(call(
                "frequencies",
                [gathered(call_of, value.clone(), None), count.clone()],
            ));
        }
        ("geometric_mean", [value]) => {
            let mut mean = function("avg", [call("ln", [value.clone()])], vec![]);
            (mean.filter, mean.over) = (call_of.filter.take(), call_of.over.take());
            return Some(call("exp", [Expr::Function(mean)]));
        }
        // Of counts: how many bits tell which of them one is of. Nothing is told where there is none.
        ("entropy", [counted]) => {
            let sum = |value: Expr| {
                let mut sum = function("sum", [value], vec![]);
                (sum.filter, sum.over) = (call_of.filter.clone(), call_of.over.clone());
                Expr::Function(sum)
            };
            let counted = cast(counted.clone(), DataType::Double(ExactNumberInfo::None));
            let is_some = binary(counted.clone(), BinaryOperator::Gt, number(0));
            let bits = binary(
                counted.clone(),
                BinaryOperator::Multiply,
                call("log2", [counted.clone()]),
            );
            let (all, weighed) = (sum(counted), sum(case(is_some, bits, Some(number(0)))));
            let told = binary(
                call("log2", [all.clone()]),
                BinaryOperator::Minus,
                binary(weighed, BinaryOperator::Divide, all.clone()),
            );
            return Some(case(binary(all, BinaryOperator::Gt, number(0)), told, Some(number(0))));
        }
        ("set_union", [value]) => {
            let all = gathered(call_of, value.clone(), None);
            return Some(call("array_distinct", [call("flatten", [all])]));
        }
        ("count_if", [condition]) => function("count", [case(condition.clone(), number(1), None)], vec![]),
        ("approx_distinct", [value, _]) => function("approx_distinct", [value.clone()], vec![]),
        ("max_by", [value, by]) => function(
            "last_value",
            [value.clone()],
            vec![FunctionArgumentClause::OrderBy(vec![order(by.clone(), true)])],
        ),
        ("min_by", [value, by]) => function(
            "first_value",
            [value.clone()],
            vec![FunctionArgumentClause::OrderBy(vec![order(by.clone(), false)])],
        ),
        ("string_agg", [value, rest @ ..]) => {
            let sorting = std::mem::take(&mut call_of.within_group);
            let clauses = match sorting.as_slice() {
                [] => vec![],
                _ => vec![FunctionArgumentClause::OrderBy(sorting)],
            };
            let between = rest.first().cloned().unwrap_or_else(|| text(""));
            let mut joined = function("string_agg", [value.clone(), between], clauses);
            if let (FunctionArguments::List(new), FunctionArguments::List(old)) = (&mut joined.args, &call_of.args) {
                new.duplicate_treatment = old.duplicate_treatment;
                // Texts have no greatest length here, so none is too long.
                let has_meaning =
                    |clause: &&FunctionArgumentClause| !matches!(clause, FunctionArgumentClause::OnOverflow(_));
                new.clauses.extend(old.clauses.iter().filter(has_meaning).cloned());
            }
            joined
        }
        ("set_agg", [value]) => {
            let mut set = function("array_agg", [value.clone()], vec![]);
            if let FunctionArguments::List(list) = &mut set.args {
                list.duplicate_treatment = Some(DuplicateTreatment::Distinct);
            }
            set
        }
        _ => return None,
    };
    Some(Expr::Function(Function {
        filter: call_of.filter.take(),
        over: call_of.over.take(),
        ..replacement
    }))
}

/// The call with these arguments, of the rows that the other is of.
pub(super) fn asked_of(digest: &Function, name: &str, values: impl IntoIterator<Item = Expr>) -> Option<Expr> {
    let mut asked = function(name, values, vec![]);
    (asked.filter, asked.over) = (digest.filter.clone(), digest.over.clone());
    let values = arguments(&asked)?;
    translate(name, &mut asked, &values).or(Some(Expr::Function(asked)))
}

/// A percentile, of the kind its values have; the least of them says which. Each value counts once, or by its weight.
fn percentile(call_of: &Function, value: &Expr, weight: Option<&Expr>, share: &Expr) -> Expr {
    let mut found = match weight {
        None => function("approx_percentile_cont", [share.clone()], vec![]),
        Some(weight) => {
            let arguments = [weight.clone(), share.clone()];
            function("approx_percentile_cont_with_weight", arguments, vec![])
        }
    };
    found.within_group = vec![order(value.clone(), false)];
    let of_group = |aggregate: Function| {
        Expr::Function(Function {
            filter: call_of.filter.clone(),
            over: call_of.over.clone(),
            ..aggregate
        })
    };
    let least = function("min", [value.clone()], vec![]);
    call("as_kind", [of_group(found), of_group(least)])
}

/// All of a group's values as an array, in an order or as they come.
fn gathered(call_of: &mut Function, value: Expr, by: Option<(Expr, bool)>) -> Expr {
    let sorting = by.map(|(by, ascending)| {
        let mut key = order(by, false);
        key.options.asc = Some(ascending);
        FunctionArgumentClause::OrderBy(vec![key])
    });
    let mut all = function("array_agg", [value], sorting.into_iter().collect());
    all.name = ObjectName::from(vec![ident("array_agg")]);
    (all.filter, all.over) = (call_of.filter.take(), call_of.over.take());
    Expr::Function(all)
}

/// Leaves out rows where the value is NULL, as Trino's maps and sets of extremes do.
fn present(call_of: &mut Function, value: &Expr) {
    let there = Expr::IsNotNull(Box::new(Expr::Nested(Box::new(value.clone()))));
    call_of.filter = Some(Box::new(match call_of.filter.take() {
        Some(before) => Expr::BinaryOp {
            left: Box::new(Expr::Nested(before)),
            op: BinaryOperator::And,
            right: Box::new(there),
        },
        None => there,
    }));
}
