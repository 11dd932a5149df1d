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
            Some(scope) => bundle.scope.push(scope),
            None => bundle.failures.push(failure_of(row)),
        }
    }
}

fn text(row: &Row, column: &str) -> String {
    SNAPSHOT_SCOPE.text_of(row, column).unwrap_or_default().to_owned()
}

/// The attempt a row of `snapshot_scope` tells of; none where it tells of a failed call within one.
pub(crate) fn scope_of(row: &Row) -> Option<Scope> {
    let optional = |column: &str| SNAPSHOT_SCOPE.text_of(row, column).map(str::to_owned);
    optional("operation").is_none().then(|| Scope {
        account_id: text(row, "account_id"),
        region: text(row, "region"),
        service: text(row, "service"),
        state: State::of_word(&text(row, "state")),
        items: SNAPSHOT_SCOPE.cell(row, "item_count").int(),
        organization_id: optional("organization_id"),
    })
}

fn failure_of(row: &Row) -> Failure {
    Failure {
        account_id: text(row, "account_id"),
        region: text(row, "region"),
        service: text(row, "service"),
        operation: text(row, "operation"),
        resource: SNAPSHOT_SCOPE.text_of(row, "resource").map(str::to_owned),
        code: text(row, "error_code"),
        message: text(row, "error_message"),
        skipped: State::of_word(&text(row, "state")) == State::Skipped,
    }
}
