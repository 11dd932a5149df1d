//! The columns of `kms_replay`, and rows of them in the making.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;

use crate::lake::schema::timestamp;
use crate::replay::Replayed;

/// Columns as `kms_records` gives them, in its words.
pub(super) const RECORDED: [&str; 19] = [
    "eventtime",
    "event_date",
    "eventid",
    "sharedeventid",
    "operation",
    "class",
    "key_ref",
    "key_arn",
    "key_id",
    "account_id",
    "region",
    "principal_arn",
    "principal_id",
    "session_arn",
    "caller_account_id",
    "via_service",
    "outcome",
    "error_code",
    "error_message",
];

/// Texts that the replay adds.
const ADDED: [&str; 13] = [
    "action",
    "resource",
    "observed",
    "evaluated",
    "reason",
    "layers",
    "statements",
    "condition",
    "aws_effect",
    "aws_layer",
    "doubt",
    "obstacle",
    "snapshot_id",
];

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let recorded = RECORDED.iter().map(|name| match *name {
        "eventtime" => Field::new(*name, timestamp(), true),
        "event_date" => Field::new(*name, DataType::Date32, true),
        _ => Field::new(*name, DataType::Utf8, true),
    });
    let added = ADDED.iter().map(|name| Field::new(*name, DataType::Utf8, true));
    let instants = ["started_at", "collected_at"].map(|name| Field::new(name, timestamp(), true));
    Arc::new(Schema::new(recorded.chain(added).chain(instants).collect::<Vec<_>>()))
});

/// What the record tells; what was asked again, what AWS did, what the evaluator says and by which snapshot; or the
/// `obstacle` for which it was not asked.
pub(super) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// The columns that the replay adds, in the making.
#[derive(Default)]
pub(super) struct Added {
    texts: [StringBuilder; ADDED.len()],
    instants: [Vec<Option<i64>>; 2],
}

impl Added {
    /// A call that was asked again.
    pub(super) fn replayed(&mut self, found: &Replayed, doubt: Option<&str>, origin: &(String, i64, i64)) {
        let statements = (!found.answer.statements.is_empty()).then(|| found.answer.statements.join("; "));
        self.push(
            [
                Some(&found.action),
                Some(&found.resource),
                Some(found.observed.word()),
                Some(found.answer.verdict.as_str()),
                Some(&found.answer.reason),
                Some(found.layers.as_str()).filter(|layers| !layers.is_empty()),
                statements.as_deref(),
                found.answer.condition.as_deref(),
                found.aws_effect,
                found.aws_layer,
                doubt,
                None,
            ],
            Some(origin),
        );
    }

    /// A call that could not be.
    pub(super) fn obstacle(&mut self, observed: Option<&str>, reason: &str, origin: Option<&(String, i64, i64)>) {
        let mut texts = [None; 12];
        texts[2] = observed;
        texts[11] = Some(reason);
        self.push(texts, origin);
    }

    fn push(&mut self, texts: [Option<&str>; 12], origin: Option<&(String, i64, i64)>) {
        let snapshot = origin.map(|(id, ..)| id.as_str());
        for (column, text) in self.texts.iter_mut().zip(texts.into_iter().chain([snapshot])) {
            column.append_option(text);
        }
        let [started, collected] = &mut self.instants;
        started.push(origin.map(|(_, started, _)| *started));
        collected.push(origin.map(|(.., collected)| *collected));
    }

    /// Whole rows, with the columns of the record before them.
    pub(super) fn beside(mut self, mut columns: Vec<ArrayRef>) -> Result<RecordBatch> {
        columns.extend(
            self.texts
                .iter_mut()
                .map(|column| -> ArrayRef { Arc::new(column.finish()) }),
        );
        for instants in self.instants {
            let mut column = TimestampMicrosecondBuilder::new().with_data_type(timestamp());
            instants.into_iter().for_each(|instant| column.append_option(instant));
            columns.push(Arc::new(column.finish()));
        }
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}
