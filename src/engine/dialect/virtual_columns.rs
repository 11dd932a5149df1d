//! Columns that AWS's own table definitions have beside a record's fields: partition columns and the record's JSON.
//!
//! `region`, `account`, `year`, `month`, `day`, `hour` and `"timestamp"` are the parts of an object's key in Athena's
//! tables; here they are computed from the record. `eventjson` is Lake's. A name the statement gives itself wins. What
//! selects all columns of the table, in a subquery or in `WITH`, has these too.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, ObjectName, ObjectNamePart, OrderByKind, Query, Select, SelectItem, SetExpr, Statement,
    TableFactor, Value, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::build::{call, column, ident, text};
use crate::lake::restore;
use crate::lake::schema::CLOUDTRAIL;

/// Puts what they mean in the place of virtual columns.
pub(super) fn fill(statement: &mut Statement) {
    let _ = statement.visit(&mut Filler::default());
}

#[derive(Default)]
struct Filler {
    /// What `WITH` calls all columns of `cloudtrail`, in lower case.
    whole: HashSet<String>,
}

impl VisitorMut for Filler {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for given in query.with.iter().flat_map(|with| &with.cte_tables) {
            if given.alias.columns.is_empty() && is_whole(&given.query, &self.whole) {
                self.whole.insert(given.alias.name.value.to_ascii_lowercase());
            }
        }
        if let SetExpr::Select(select) = query.body.as_ref()
            && let Some(from) = From::of(select, &self.whole)
            && let Some(order_by) = &mut query.order_by
            && let OrderByKind::Expressions(keys) = &mut order_by.kind
        {
            let given = given_names(select);
            keys.iter_mut().for_each(|key| from.replace(&mut key.expr, &given));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let Some(from) = From::of(select, &self.whole) else {
            return ControlFlow::Continue(());
        };
        for item in &mut select.projection {
            match item {
                SelectItem::UnnamedExpr(expression) => {
                    let before = expression.clone();
                    from.replace(expression, &[]);
                    if let Expr::Identifier(name) = &before
                        && *expression != before
                    {
                        let (expr, alias) = (expression.clone(), ident(&name.value.to_ascii_lowercase()));
                        *item = SelectItem::ExprWithAlias { expr, alias };
                    }
                }
                SelectItem::ExprWithAlias { expr, .. } => from.replace(expr, &[]),
                _ => {}
            }
        }
        let given = given_names(select);
        for join in select.from.iter_mut().flat_map(|table| &mut table.joins) {
            from.replace(join, &[]);
        }
        if let Some(condition) = &mut select.selection {
            from.replace(condition, &[]);
        }
        if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
            // A key that is a virtual column has by now become an alias of the projection, or is replaced here.
            keys.iter_mut().for_each(|key| from.replace(key, &given));
        }
        for condition in select.having.iter_mut().chain(&mut select.qualify) {
            from.replace(condition, &given);
        }
        ControlFlow::Continue(())
    }
}

/// Whether a query answers rows of `cloudtrail` with all columns, and gives none of these names itself.
fn is_whole(query: &Query, whole: &HashSet<String>) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    let has_all = select.projection.iter().any(|item| match item {
        SelectItem::Wildcard(options) => *options == WildcardAdditionalOptions::default(),
        _ => false,
    });
    has_all
        && given_names(select).iter().all(|name| meaning(name, None).is_none())
        && From::of(select, whole).is_some_and(|from| from.alone)
}

fn given_names(select: &Select) -> Vec<String> {
    let named = select.projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_ascii_lowercase()),
        _ => None,
    });
    named.collect()
}

/// The name of a table that has one part, quoted or not, in lower case.
fn only_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(only)] => Some(only.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// What a select reads: by which names it calls `cloudtrail`, and whether it reads nothing else.
struct From {
    names: Vec<String>,
    /// The names in their own letters.
    called: Vec<Ident>,
    /// What an UNNEST calls its columns: a name of these is no virtual column.
    unnested: Vec<String>,
    alone: bool,
}

impl From {
    fn of(select: &Select, whole: &HashSet<String>) -> Option<From> {
        let relations = select
            .from
            .iter()
            .flat_map(|table| std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)));
        let mut from = From {
            names: Vec::new(),
            called: Vec::new(),
            unnested: Vec::new(),
            alone: true,
        };
        for relation in relations {
            match relation {
                TableFactor::Table {
                    name,
                    alias,
                    args: None,
                    ..
                } => match only_name(name).filter(|name| name == CLOUDTRAIL || whole.contains(name)) {
                    Some(name) => from.push(alias.as_ref().map_or_else(|| ident(&name), |alias| alias.name.clone())),
                    None => from.alone = false,
                },
                TableFactor::Derived {
                    subquery,
                    alias: Some(alias),
                    ..
                } if alias.columns.is_empty() && is_whole(subquery, whole) => from.push(alias.name.clone()),
                TableFactor::UNNEST { alias, .. } => {
                    let names = alias.iter().flat_map(|alias| {
                        let columns = alias.columns.iter().map(|column| &column.name);
                        columns.chain(std::iter::once(&alias.name))
                    });
                    from.unnested.extend(names.map(|name| name.value.to_ascii_lowercase()));
                }
                _ => from.alone = false,
            }
        }
        from.alone &= from.names.len() == 1;
        (!from.names.is_empty()).then_some(from)
    }

    fn push(&mut self, called: Ident) {
        self.names.push(called.value.to_ascii_lowercase());
        self.called.push(called);
    }

    /// The table whose `useridentity.accesskeyid` this is: the same stands in a column of its own, by which files and
    /// row groups are passed over.
    fn table_of_access_key(&self, parts: &[Ident]) -> Option<Ident> {
        let is = |part: &Ident, name: &str| part.value.eq_ignore_ascii_case(name);
        let at = match parts {
            [identity, key] if self.alone && is(identity, "useridentity") && is(key, "accesskeyid") => 0,
            [table, identity, key] if is(identity, "useridentity") && is(key, "accesskeyid") => {
                self.names.iter().position(|name| is(table, name))?
            }
            _ => return None,
        };
        self.called.get(at).cloned()
    }

    fn replace(&self, part: &mut impl VisitMut, given: &[String]) {
        let _ = part.visit(&mut Replacer {
            from: self,
            given,
            depth: 0,
        });
    }
}

struct Replacer<'a> {
    from: &'a From,
    given: &'a [String],
    depth: usize,
}

impl VisitorMut for Replacer<'_> {
    type Break = ();

    // A subquery has a FROM of its own.
    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        if let Expr::CompoundIdentifier(parts) = expression
            && let Some(table) = self.from.table_of_access_key(parts)
        {
            *parts = vec![table, ident("accesskeyid")];
            return ControlFlow::Continue(());
        }
        // A name behind a table's is no name that the statement gives.
        let mut given = self.given;
        let mut of = None;
        let (name, fields) = match expression {
            Expr::Identifier(name) if self.from.alone => (&*name, [].as_slice()),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name, fields @ ..] if self.from.names.contains(&table.value.to_ascii_lowercase()) => {
                    given = &[];
                    of = Some(table);
                    (name, fields)
                }
                [name, fields @ ..] if self.from.alone => (name, fields),
                _ => return ControlFlow::Continue(()),
            },
            _ => return ControlFlow::Continue(()),
        };
        let name = name.value.to_ascii_lowercase();
        if of.is_none() && self.from.unnested.contains(&name) {
            return ControlFlow::Continue(());
        }
        if !given.contains(&name)
            && (fields.is_empty() || name == "eventdata")
            && let Some(meaning) = meaning(&name, of)
        {
            *expression = fields
                .iter()
                .fold(meaning, |of, field| call("json_member", [of, text(&field.value)]));
        }
        ControlFlow::Continue(())
    }
}

/// What a virtual column means, of this table where it is named.
fn meaning(name: &str, of: Option<&Ident>) -> Option<Expr> {
    let column = |name: &str| match of {
        Some(table) => Expr::CompoundIdentifier(vec![table.clone(), ident(name)]),
        None => column(name),
    };
    let written = |form: &str| call("to_char", [column("eventtime"), text(form)]);
    Some(match name {
        "region" | "region_partition" => column("awsregion"),
        "account" | "accountid" | "account_id" | "account_partition" => column("recipientaccountid"),
        "year" => written("%Y"),
        "month" => written("%m"),
        "day" => written("%d"),
        "hour" => written("%H"),
        "timestamp" | "date_partition" => written("%Y/%m/%d"),
        // Lake's fields that records of a trail do not have; what has no column of its own is held as JSON.
        "annotation" => call("json_member", [column("extra"), text("annotation")]),
        "eventdata" => call("json_member", [column("extra"), text("eventData")]),
        "eventjson" => call("event_json", restore::columns().iter().map(|name| column(name))),
        // Only Lake's store could compute it.
        "eventjsonchecksum" => call("arrow_cast", [Expr::value(Value::Null), text("Utf8")]),
        _ => return None,
    })
}
