//! Column names in any case, nested fields too, quoted or not.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use arrow::datatypes::{DataType, Fields};
use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, OneOrManyWithParens, Select, SelectItem, Statement, Subscript, Value, VisitMut, VisitorMut,
};

use crate::lake::schema;

/// Every name of a column or nested field of the tables of a log.
static NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let mut names = HashSet::new();
    collect(schema::cloudtrail().fields(), &mut names);
    names
});

/// The names of all columns and nested fields of a log's table.
pub(in crate::engine) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(String::as_str)
}

/// Whether a log's table has a column or nested field of this name, in any case.
pub(super) fn is_name(name: &str) -> bool {
    NAMES.contains(&name.to_ascii_lowercase())
}

fn collect(fields: &Fields, names: &mut HashSet<String>) {
    for field in fields {
        names.insert(field.name().clone());
        match field.data_type() {
            DataType::Struct(inner) => collect(inner, names),
            DataType::List(element) => {
                if let DataType::Struct(inner) = element.data_type() {
                    collect(inner, names);
                }
            }
            _ => {}
        }
    }
}

/// Writes quoted names of known columns in their own letters, and fields of lambdas' parameters so that the planner finds them.
pub(super) fn normalise(statement: &mut Statement) {
    let mut aliases = HashSet::new();
    let _ = statement.visit(&mut Aliases(&mut aliases));
    let _ = statement.visit(&mut Normaliser { aliases });
}

/// `resources[1].arn`: the planner takes a field after a subscript as a subscript only, and it is no column's name.
pub(super) fn subscript(statement: &mut Statement) {
    let _ = statement.visit(&mut Dots);
}

struct Dots;

impl VisitorMut for Dots {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundFieldAccess { root, access_chain } = expression {
            // `t.resources[1]`: what leads up to the first subscript is a column's name, its table's before it.
            let named = match root.as_ref() {
                Expr::Identifier(_) => {
                    let is_dot = |access: &&AccessExpr| matches!(access, AccessExpr::Dot(_));
                    access_chain.iter().take_while(is_dot).count()
                }
                _ => 0,
            };
            for access in access_chain.iter_mut().skip(named) {
                if let AccessExpr::Dot(Expr::Identifier(name)) = access {
                    let index = Expr::value(Value::SingleQuotedString(name.value.clone()));
                    *access = AccessExpr::Subscript(Subscript::Index { index });
                }
            }
        }
        ControlFlow::Continue(())
    }
}

struct Aliases<'a>(&'a mut HashSet<String>);

impl VisitorMut for Aliases<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item
                && alias.quote_style.is_some()
            {
                self.0.insert(alias.value.clone());
            }
        }
        ControlFlow::Continue(())
    }
}

struct Normaliser {
    /// Names the statement itself gives, in the letters it gives them.
    aliases: HashSet<String>,
}

impl Normaliser {
    fn lower(&self, name: &mut Ident) {
        let lower = name.value.to_ascii_lowercase();
        if name.quote_style.is_some()
            && lower != name.value
            && !self.aliases.contains(&name.value)
            && NAMES.contains(&lower)
        {
            name.value = lower;
        }
    }
}

impl VisitorMut for Normaliser {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(name) => self.lower(name),
            Expr::CompoundIdentifier(names) => names.iter_mut().for_each(|name| self.lower(name)),
            Expr::Lambda(lambda) => {
                let parameters = match &lambda.params {
                    OneOrManyWithParens::One(parameter) => std::slice::from_ref(parameter),
                    OneOrManyWithParens::Many(parameters) => parameters.as_slice(),
                };
                let names = parameters
                    .iter()
                    .map(|parameter| parameter.name.value.to_ascii_lowercase())
                    .collect();
                let _ = lambda.body.visit(&mut Parameters(names));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `r -> r.arn`: the planner takes `r.arn` for a column of a table `r`, a subscript of `r` for what it is.
struct Parameters(Vec<String>);

impl VisitorMut for Parameters {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expression
            && let Some((first, rest)) = parts.split_first()
            && self.0.contains(&first.value.to_ascii_lowercase())
        {
            let field = |name: &Ident| {
                let index = Expr::value(Value::SingleQuotedString(name.value.clone()));
                AccessExpr::Subscript(Subscript::Index { index })
            };
            let access_chain = rest.iter().map(field).collect();
            let root = Box::new(Expr::Identifier(first.clone()));
            *expression = Expr::CompoundFieldAccess { root, access_chain };
        }
        ControlFlow::Continue(())
    }
}
