//! Functions with lambdas that the planner lacks, put together from those it has: `zip_with`, `map_filter`,
//! `transform_values`, `transform_keys`, `map_zip_with`.
//!
//! A lambda of several parameters becomes one of a row whose fields they are.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, LambdaFunction, LambdaFunctionParameter, LambdaSyntax, OneOrManyWithParens, Subscript,
    VisitMut, VisitorMut,
};

use super::build::{call, column, ident, text};

/// The one parameter's name.
const PAIR: &str = "lambda_pair";

/// What a call means, if it is one of these.
pub(super) fn translate(name: &str, values: &[Expr]) -> Option<Expr> {
    let entries = |map: &Expr| call("map_entries", [map.clone()]);
    let pairs = |keys: Expr, values: Expr| call("map_from_entries", [call("arrays_zip", [keys, values])]);
    Some(match (name, values) {
        ("zip_with", [left, right, Expr::Lambda(lambda)]) => {
            let zipped = call("arrays_zip", [left.clone(), right.clone()]);
            call("array_transform", [zipped, of_fields(lambda, &["1", "2"])?])
        }
        ("map_filter", [map, Expr::Lambda(lambda)]) => {
            let kept = call("array_filter", [entries(map), of_fields(lambda, &["key", "value"])?]);
            call("map_from_entries", [kept])
        }
        ("transform_values", [map, Expr::Lambda(lambda)]) => {
            let made = call("array_transform", [entries(map), of_fields(lambda, &["key", "value"])?]);
            pairs(call("map_keys", [map.clone()]), made)
        }
        ("transform_keys", [map, Expr::Lambda(lambda)]) => {
            let made = call("array_transform", [entries(map), of_fields(lambda, &["key", "value"])?]);
            pairs(made, call("map_values", [map.clone()]))
        }
        // Of both maps' keys each once, with its two values.
        ("map_zip_with", [left, right, Expr::Lambda(lambda)]) => {
            let zipped = call("map_zip", [left.clone(), right.clone()]);
            let made = of_fields(lambda, &["key", "left", "right"])?;
            let key = Expr::CompoundFieldAccess {
                root: Box::new(column(PAIR)),
                access_chain: vec![AccessExpr::Subscript(Subscript::Index { index: text("key") })],
            };
            pairs(
                call("array_transform", [zipped.clone(), of_one(PAIR, key)]),
                call("array_transform", [zipped, made]),
            )
        }
        _ => return None,
    })
}

/// A lambda of one parameter.
pub(super) fn of_one(parameter: &str, body: Expr) -> Expr {
    Expr::Lambda(LambdaFunction {
        params: OneOrManyWithParens::One(LambdaFunctionParameter {
            name: ident(parameter),
            data_type: None,
        }),
        body: Box::new(body),
        syntax: LambdaSyntax::Arrow,
    })
}

fn parameters(lambda: &LambdaFunction) -> &[LambdaFunctionParameter] {
    match &lambda.params {
        OneOrManyWithParens::One(parameter) => std::slice::from_ref(parameter),
        OneOrManyWithParens::Many(parameters) => parameters,
    }
}

/// The lambda with its parameters read from the fields of a row, if it has one for each.
fn of_fields(lambda: &LambdaFunction, fields: &[&str]) -> Option<Expr> {
    let names: Vec<String> = parameters(lambda)
        .iter()
        .map(|parameter| parameter.name.value.to_ascii_lowercase())
        .collect();
    if names.len() != fields.len() {
        return None;
    }
    let mut body = lambda.body.as_ref().clone();
    let _ = body.visit(&mut Fields { names, fields });
    Some(of_one(PAIR, body))
}

struct Fields<'a> {
    names: Vec<String>,
    fields: &'a [&'a str],
}

impl Fields<'_> {
    fn access(&self, name: &Ident, rest: &[Ident]) -> Option<Expr> {
        let name = name.value.to_ascii_lowercase();
        let (_, field) = self.names.iter().zip(self.fields).find(|(held, _)| **held == name)?;
        let names = std::iter::once(*field).chain(rest.iter().map(|name| name.value.as_str()));
        let access_chain = names.map(|name| AccessExpr::Subscript(Subscript::Index { index: text(name) }));
        Some(Expr::CompoundFieldAccess {
            root: Box::new(Expr::Identifier(ident(PAIR))),
            access_chain: access_chain.collect(),
        })
    }
}

impl VisitorMut for Fields<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        let access = match expression {
            Expr::Identifier(name) => self.access(name, &[]),
            Expr::CompoundIdentifier(parts) => parts.split_first().and_then(|(name, rest)| self.access(name, rest)),
            // `x.a` of a parameter `x` is by now `x['a']`: the two chains become one.
            Expr::CompoundFieldAccess { root, access_chain } => match root.as_ref() {
                Expr::CompoundFieldAccess {
                    root: inner,
                    access_chain: first,
                } if matches!(inner.as_ref(), Expr::Identifier(name) if name.value == PAIR) => {
                    let chain = first.iter().chain(access_chain.iter()).cloned().collect();
                    Some(Expr::CompoundFieldAccess {
                        root: inner.clone(),
                        access_chain: chain,
                    })
                }
                _ => None,
            },
            _ => None,
        };
        if let Some(access) = access {
            *expression = access;
        }
        ControlFlow::Continue(())
    }
}
