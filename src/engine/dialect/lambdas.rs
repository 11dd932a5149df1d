//! Functions with lambdas that the planner lacks, put together from those it has: `zip_with`, `map_filter`,
//! `transform_values`, `transform_keys`.
//!
//! A lambda of several parameters becomes one of a pair whose fields they are.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, LambdaFunction, LambdaFunctionParameter, OneOrManyWithParens, Subscript, VisitMut,
    VisitorMut,
};

use super::build::{call, ident, text};

/// The one parameter's name.
const PAIR: &str = "lambda_pair";

/// What a call means, if it is one of these.
pub(super) fn translate(name: &str, values: &[Expr]) -> Option<Expr> {
    let entries = |map: &Expr| call("map_entries", [map.clone()]);
    let pairs = |keys: Expr, values: Expr| call("map_from_entries", [call("arrays_zip", [keys, values])]);
    Some(match (name, values) {
        ("zip_with", [left, right, Expr::Lambda(lambda)]) => {
            let zipped = call("arrays_zip", [left.clone(), right.clone()]);
            call("array_transform", [zipped, of_pair(lambda, ["1", "2"])?])
        }
        ("map_filter", [map, Expr::Lambda(lambda)]) => {
            let kept = call("array_filter", [entries(map), of_pair(lambda, ["key", "value"])?]);
            call("map_from_entries", [kept])
        }
        ("transform_values", [map, Expr::Lambda(lambda)]) => {
            let made = call("array_transform", [entries(map), of_pair(lambda, ["key", "value"])?]);
            pairs(call("map_keys", [map.clone()]), made)
        }
        ("transform_keys", [map, Expr::Lambda(lambda)]) => {
            let made = call("array_transform", [entries(map), of_pair(lambda, ["key", "value"])?]);
            pairs(made, call("map_values", [map.clone()]))
        }
        _ => return None,
    })
}

fn parameters(lambda: &LambdaFunction) -> &[LambdaFunctionParameter] {
    match &lambda.params {
        OneOrManyWithParens::One(parameter) => std::slice::from_ref(parameter),
        OneOrManyWithParens::Many(parameters) => parameters,
    }
}

/// The lambda with its two parameters read from the fields of a pair.
fn of_pair(lambda: &LambdaFunction, fields: [&str; 2]) -> Option<Expr> {
    let [first, second] = parameters(lambda) else {
        return None;
    };
    let names = [first, second].map(|parameter| parameter.name.value.to_ascii_lowercase());
    let mut lambda = lambda.clone();
    let _ = lambda.body.visit(&mut Fields { names, fields });
    lambda.params = OneOrManyWithParens::One(LambdaFunctionParameter {
        name: ident(PAIR),
        data_type: None,
    });
    Some(Expr::Lambda(lambda))
}

struct Fields<'a> {
    names: [String; 2],
    fields: [&'a str; 2],
}

impl Fields<'_> {
    fn access(&self, name: &Ident, rest: &[Ident]) -> Option<Expr> {
        let name = name.value.to_ascii_lowercase();
        let (_, field) = self.names.iter().zip(self.fields).find(|(held, _)| **held == name)?;
        let names = std::iter::once(field).chain(rest.iter().map(|name| name.value.as_str()));
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
