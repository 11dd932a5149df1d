//! Table names people paste: every name that can only mean the CloudTrail table means `cloudtrail`.
//!
//! `cloudtrail_logs`, `cloudtrail_111122223333`, `DATABASE.TABLE`, placeholders and the id of an event data store. A
//! plain name that looks like none of these is left alone, so that a slip is an error and not another table.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, Statement, TableFactor, VisitMut, VisitorMut};

use super::build::as_called;
use super::tokens::is_uuid;
use crate::lake::schema::CLOUDTRAIL;

/// Stands for a placeholder that was typed where a table should be.
pub(super) const PLACEHOLDER: &str = "event_data_store";

/// Schemas that are the planner's own.
const OWN_SCHEMAS: [&str; 5] = ["information_schema", "pg_catalog", "public", "keytrail", "datafusion"];

/// Points names at `cloudtrail`, each with the alias it was called by.
pub(super) fn resolve(statement: &mut Statement, is_known: &dyn Fn(&str) -> bool) {
    let mut names = Names {
        is_known,
        defined: HashSet::new(),
    };
    // Names defined anywhere are taken for defined everywhere: nobody calls two things by one name in one statement.
    let _ = statement.visit(&mut Definitions(&mut names.defined));
    let _ = statement.visit(&mut names);
}

struct Definitions<'a>(&'a mut HashSet<String>);

impl VisitorMut for Definitions<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let defined = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0
            .extend(defined.map(|table| table.alias.name.value.to_ascii_lowercase()));
        ControlFlow::Continue(())
    }
}

struct Names<'a> {
    is_known: &'a dyn Fn(&str) -> bool,
    defined: HashSet<String>,
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &mut Statement) -> ControlFlow<()> {
        if let Statement::ExplainTable { table_name, .. } = statement
            && let Some(target) = self.target(table_name)
        {
            *table_name = ObjectName::from(vec![Ident::new(target)]);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } = factor
            && let Some(target) = self.target(name)
        {
            let called = name.0.last().and_then(|part| part.as_ident()).cloned();
            if let (None, Some(called)) = (&alias, called) {
                *alias = Some(as_called(&called));
            }
            *name = ObjectName::from(vec![Ident::new(target)]);
        }
        ControlFlow::Continue(())
    }
}

impl Names<'_> {
    /// The table a name means, where that is not the name itself.
    fn target(&self, name: &ObjectName) -> Option<String> {
        let parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|part| part.as_ident())
            .map(|part| part.value.to_ascii_lowercase())
            .collect();
        match parts.as_slice() {
            [only] => {
                let written = name
                    .0
                    .first()
                    .and_then(|part| part.as_ident())
                    .map(|part| part.value.as_str());
                if self.defined.contains(only) {
                    return None;
                }
                if (self.is_known)(only) {
                    // A quoted name in other letters is still that table.
                    return (written != Some(only.as_str())).then(|| only.clone());
                }
                means_cloudtrail(only).then(|| CLOUDTRAIL.to_owned())
            }
            [.., schema, last] if !OWN_SCHEMAS.contains(&schema.as_str()) => {
                let target = if (self.is_known)(last) {
                    last.as_str()
                } else {
                    CLOUDTRAIL
                };
                Some(target.to_owned())
            }
            _ => None,
        }
    }
}

fn means_cloudtrail(name: &str) -> bool {
    let words: Vec<&str> = name.split(|letter: char| !letter.is_ascii_alphanumeric()).collect();
    name == PLACEHOLDER
        || is_uuid(name)
        || name.contains("cloudtrail")
        || name.contains("cloud_trail")
        || name.contains("eventdatastore")
        || name.contains("event_data_store")
        || name.ends_with(":eventdatastore")
        || words.contains(&"eds")
        || words.contains(&"trail")
        || (words.contains(&"table") && words.iter().any(|word| ["name", "your", "my"].contains(word)))
}
