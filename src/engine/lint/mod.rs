//! What is wrong with a query although it runs: it knows CloudTrail's names, and conditions that no record can meet.
//!
//! A finding is either sure or not made: a name that is merely unknown is none, because AWS adds new ones every week.

mod conditions;
mod names;
mod spelling;

use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Select, SetExpr, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::{Error, dialect};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It is slower than it need be.
    Note,
    /// It probably does not answer what was asked.
    Warning,
    /// It cannot be run.
    Error,
}

impl Severity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// Something found in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1; 0 where no place is known.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// How much it matters.
    pub severity: Severity,
    /// What kind it is, in a word that does not change.
    pub code: &'static str,
    /// What it is.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What is wrong with one statement.
pub fn lint(sql: &str) -> Vec<Finding> {
    let statement = match dialect::parse_pasted(sql) {
        Ok(statement) => statement,
        Err(error) => return vec![broken(&error)],
    };
    let mut inner = &statement;
    while let Statement::Explain(explain) = inner {
        inner = &explain.statement;
    }
    let mut findings = Vec::new();
    if let Err(error) = super::read_only::check(&statement) {
        findings.push(Finding {
            line: 0,
            column: 0,
            severity: Severity::Error,
            code: "not-read-only",
            message: error.to_string(),
            hint: None,
        });
        return findings;
    }
    if let Statement::Statement(inner) = inner {
        let mut linter = Linter {
            findings: &mut findings,
        };
        let _ = inner.visit(&mut linter);
    }
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings.dedup();
    findings
}

fn broken(error: &Error) -> Finding {
    let (message, hint) = match error {
        Error::Broken { message, hint } => (message.clone(), Some(hint.clone())),
        other => (other.to_string(), None),
    };
    // `line 3, column 7: ...`
    let place = |text: &str| {
        let (line, rest) = text.strip_prefix("line ")?.split_once(", column ")?;
        Some((line.parse().ok()?, rest.split(':').next()?.parse().ok()?))
    };
    let (line, column) = hint
        .as_deref()
        .and_then(place)
        .or_else(|| place(&message))
        .unwrap_or((0, 0));
    Finding {
        line,
        column,
        severity: Severity::Error,
        code: "broken",
        message,
        hint,
    }
}

struct Linter<'a> {
    findings: &'a mut Vec<Finding>,
}

impl Linter<'_> {
    fn add(&mut self, span: Span, severity: Severity, code: &'static str, message: String, hint: Option<String>) {
        self.findings.push(Finding {
            line: span.start.line,
            column: span.start.column,
            severity,
            code,
            message,
            hint,
        });
    }
}

impl Visitor for Linter<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if let Some(condition) = &select.selection {
            conditions::check(self, condition);
            let tables = tables(select);
            self.not_in(condition, &tables);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        names::check(self, expression);
        ControlFlow::Continue(())
    }
}

impl Linter<'_> {
    /// `x NOT IN (SELECT x FROM the same table)`, in the conditions of one select.
    fn not_in(&mut self, condition: &Expr, tables: &[String]) {
        for part in conditions::conjuncts(condition) {
            if let Expr::InSubquery {
                expr,
                subquery,
                negated: true,
            } = part
                && let SetExpr::Select(inner) = subquery.body.as_ref()
                && self::tables(inner).iter().any(|table| tables.contains(table))
            {
                let message = "NOT IN over the same table matches nothing as soon as the inner query finds one NULL";
                let hint = "use NOT EXISTS, or GROUP BY with HAVING count_if(..) = 0, which also reads the table once";
                let span = conditions::span(expr);
                self.add(
                    span,
                    Severity::Warning,
                    "not-in-same-table",
                    message.to_owned(),
                    Some(hint.to_owned()),
                );
            }
        }
    }
}

/// The tables a select reads from directly.
fn tables(select: &Select) -> Vec<String> {
    let relations = select
        .from
        .iter()
        .flat_map(|table| std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation)));
    relations
        .filter_map(|relation| match relation {
            TableFactor::Table { name, .. } => Some(name.to_string().to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
