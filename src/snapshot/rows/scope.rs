//! What was tried and what failed as rows.

use super::{Draft, Rows, filled};
use crate::snapshot::bundle::Bundle;
use crate::snapshot::scope::{Failure, Scope, State};
use crate::snapshot::tables::{Row, SNAPSHOT_SCOPE};

pub(super) fn write(bundle: &Bundle, rows: &mut Rows) {
    for scope in &bundle.scope {
        let row = Draft::of(&SNAPSHOT_SCOPE)
            .set("account_id", filled(&scope.account_id))
            .set("region", filled(&scope.region))
            .set("service", scope.service.as_str())
            .set("state", scope.state.word())
            .set("item_count", scope.items)
            .set("organization_id", scope.organization_id.clone());
        rows.push(&SNAPSHOT_SCOPE, row);
    }
    for failure in &bundle.failures {
        let state = if failure.skipped { State::Skipped } else { State::Failed };
        let row = Draft::of(&SNAPSHOT_SCOPE)
            .set("account_id", filled(&failure.account_id))
            .set("region", filled(&failure.region))
            .set("service", filled(&failure.service))
            .set("operation", failure.operation.as_str())
            .set("resource", failure.resource.clone())
            .set("state", state.word())
            .set("error_code", filled(&failure.code))
            .set("error_message", filled(&failure.message));
        rows.push(&SNAPSHOT_SCOPE, row);
    }
}

pub(super) fn read(rows: &Rows, bundle: &mut Bundle) {
    for row in rows.of(&SNAPSHOT_SCOPE) {
        match scope_of(row) {
            Ok(scope) => bundle.scope.push(scope),
            Err(failure) => bundle.failures.push(failure),
        }
    }
}

/// A row of `snapshot_scope`: an attempt, or a failed call within one.
pub(crate) fn scope_of(row: &Row) -> Result<Scope, Failure> {
    let cell = |column: &str| SNAPSHOT_SCOPE.text_of(row, column).map(str::to_owned);
    let text = |column: &str| cell(column).unwrap_or_default();
    let state = State::of_word(&text("state"));
    match cell("operation") {
        None => Ok(Scope {
            account_id: text("account_id"),
            region: text("region"),
            service: text("service"),
            state,
            items: SNAPSHOT_SCOPE.cell(row, "item_count").int(),
            organization_id: cell("organization_id"),
        }),
        Some(operation) => Err(Failure {
            account_id: text("account_id"),
            region: text("region"),
            service: text("service"),
            operation,
            resource: cell("resource"),
            code: text("error_code"),
            message: text("error_message"),
            skipped: state == State::Skipped,
        }),
    }
}
