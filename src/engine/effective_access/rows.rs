//! Classes of equals as rows, a batch at a time. A text that follows itself is held once: most do.

use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, ListBuilder, RecordBatch, StringBuilder, StringViewArray, TimestampMicrosecondBuilder, make_view,
};
use arrow::buffer::{Buffer, NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::PartitionStream;
use tokio::sync::mpsc::Sender;

use super::seen::Seen;
use super::state::Decided;
use crate::lake::schema::timestamp;
use crate::policy::caller::Caller;
use crate::policy::kms::ActionSet;
use crate::policy::scene::Target;
use crate::policy::{kms, naming};

const BATCH_ROWS: usize = 8_192;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let text = |name: &str| Field::new(name, DataType::Utf8View, true);
    let texts = |name: &str| {
        let element = Arc::new(Field::new("element", DataType::Utf8, true));
        Field::new(name, DataType::List(element), true)
    };
    Arc::new(Schema::new(vec![
        text("snapshot_id"),
        Field::new("collected_at", timestamp(), true),
        text("principal_arn"),
        text("principal_type"),
        text("principal_id"),
        text("key_arn"),
        text("account_id"),
        text("region"),
        text("action"),
        text("decision"),
        texts("paths"),
        text("reason"),
        text("condition"),
        text("condition_kind"),
        Field::new("first_seen_at", timestamp(), true),
        Field::new("last_seen_at", timestamp(), true),
        texts("limits"),
    ]))
});

/// The columns: those of the public contract, the key's account and Region, the kind of condition, when snapshots
/// showed the right (its own only, unless others were asked), and what narrows or withholds it.
pub(super) fn schema() -> SchemaRef {
    SCHEMA.clone()
}

static SCHEMA_OF_RIGHTS: LazyLock<SchemaRef> = LazyLock::new(|| {
    let fields = SCHEMA.fields().iter().map(|field| match field.name().as_str() {
        "action" => {
            let element = Arc::new(Field::new("element", DataType::Utf8, true));
            Arc::new(Field::new("actions", DataType::List(element), true))
        }
        _ => field.clone(),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
});

/// The columns of rights that stand together: those of [`schema`], with a list of actions in the place of one.
pub(super) fn schema_of_rights() -> SchemaRef {
    SCHEMA_OF_RIGHTS.clone()
}

/// The rows of one state.
#[derive(Debug)]
pub(super) struct Rows {
    decided: Option<Arc<Decided>>,
    named: Named,
    without_roles: bool,
    together: bool,
    seen: Option<Arc<Seen>>,
}

/// Which columns of names are read: they are put together for nobody otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Named {
    /// The statements and grants a right comes from.
    pub(super) paths: bool,
    /// What limits it.
    pub(super) limits: bool,
}

impl Rows {
    pub(super) fn new(decided: Arc<Decided>, named: Named) -> Rows {
        Rows {
            decided: Some(decided),
            named,
            without_roles: false,
            together: false,
            seen: None,
        }
    }

    /// The same, one row for the actions that nothing tells apart.
    pub(super) fn together(self) -> Rows {
        Rows { together: true, ..self }
    }

    /// The same, less the rights of roles.
    pub(super) fn except_roles(self) -> Rows {
        Rows {
            without_roles: true,
            ..self
        }
    }

    /// The same, with the times at which other states show each right.
    pub(super) fn seen_by(self, state: &Decided, others: Vec<Arc<Decided>>) -> Rows {
        Rows {
            seen: Some(Arc::new(Seen::of(state, &others))),
            ..self
        }
    }

    pub(super) fn none() -> Rows {
        Rows {
            decided: None,
            named: Named::default(),
            without_roles: false,
            together: false,
            seen: None,
        }
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        if self.together { &SCHEMA_OF_RIGHTS } else { &SCHEMA }
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema().clone(), 4);
        if let Some(decided) = self.decided.clone() {
            let out = stream.tx();
            let (named, without_roles, together) = (self.named, self.without_roles, self.together);
            let seen = self.seen.clone();
            stream.spawn_blocking(move || {
                let unrolling = Unrolling {
                    decided: &decided,
                    named,
                    without_roles,
                    together,
                    seen: seen.as_deref(),
                };
                unrolling.send(&out)
            });
        }
        stream.build()
    }
}

struct Unrolling<'a> {
    decided: &'a Decided,
    named: Named,
    without_roles: bool,
    together: bool,
    seen: Option<&'a Seen>,
}

impl Unrolling<'_> {
    /// The actions of each row, and the first and last time they were seen: one a row, or together those seen alike.
    fn rows_of(&self, actions: ActionSet, principal: u32, key: u32, own: i64) -> Vec<(ActionSet, (i64, i64))> {
        let mut rows: Vec<(ActionSet, (i64, i64))> = Vec::new();
        for action in each(actions) {
            let seen = self.seen.and_then(|seen| seen.when(principal, key, action));
            let (first, last) = seen.unwrap_or((own, own));
            let when = (first.min(own), last.max(own));
            let alike = if self.together {
                rows.iter_mut().find(|(_, same)| *same == when)
            } else {
                None
            };
            match alike {
                Some((held, _)) => *held |= 1 << action,
                None => rows.push((1 << action, when)),
            }
        }
        rows
    }

    /// Sends every row. Ends early, without an error, where nobody listens any more.
    fn send(&self, out: &Sender<Result<RecordBatch>>) -> Result<()> {
        let decided = self.decided;
        let mut batch = Batch::of(self.together);
        for cell in &decided.cells {
            let outcomes = decided
                .outcomes
                .get(cell.outcomes as usize)
                .map(Vec::as_slice)
                .unwrap_or_default();
            let principals = decided.principal_classes.members.get(cell.principals as usize);
            let keys = decided.key_classes.members.get(cell.keys as usize);
            for at in principals.into_iter().flatten() {
                let Some(principal) = decided.principals.get(*at as usize) else {
                    continue;
                };
                if self.without_roles && principal.kind == "role" {
                    continue;
                }
                let caller = if self.named.paths || self.named.limits {
                    Caller::resolve(&decided.snapshot, &principal.arn).ok()
                } else {
                    None
                };
                for key_at in keys.into_iter().flatten() {
                    let Some(key) = decided.snapshot.keys.get(*key_at as usize) else {
                        continue;
                    };
                    let (snapshot_id, collected_at) = decided.origin(&key.account, &key.region);
                    for outcome in outcomes {
                        let target = Target::Key(key);
                        let paths = caller
                            .as_ref()
                            .filter(|_| self.named.paths)
                            .map_or_else(Vec::new, |caller| {
                                naming::names(&decided.snapshot, caller, &target, &outcome.paths)
                            });
                        let limits = caller
                            .as_ref()
                            .filter(|_| self.named.limits)
                            .map_or_else(Vec::new, |caller| {
                                naming::limits(&decided.snapshot, caller, &target, &outcome.limits)
                            });
                        for (actions, (first, last)) in self.rows_of(outcome.actions, *at, *key_at, collected_at) {
                            let action = actions.trailing_zeros() as usize;
                            batch.list(actions);
                            batch.collected_at.append_value(collected_at);
                            batch.first_seen_at.append_value(first);
                            batch.last_seen_at.append_value(last);
                            let texts = [
                                Some(snapshot_id),
                                Some(principal.arn.as_str()),
                                Some(principal.kind),
                                principal.id.as_deref(),
                                Some(key.arn.as_str()),
                                Some(key.account.as_str()),
                                Some(key.region.as_str()),
                                Some(NAMES.get(action).map_or("", String::as_str)),
                                Some(outcome.verdict.as_str()),
                                Some(&*outcome.reason).filter(|reason| !reason.is_empty()),
                                outcome.condition.as_deref(),
                                outcome.condition_kind.map(|kind| kind.as_str()),
                            ];
                            batch.push(texts, &paths, &limits);
                            if batch.rows == BATCH_ROWS && out.blocking_send(batch.take()).is_err() {
                                return Ok(());
                            }
                        }
                    }
                }
            }
        }
        if batch.rows > 0 {
            let _ = out.blocking_send(batch.take());
        }
        Ok(())
    }
}

fn each(actions: ActionSet) -> impl Iterator<Item = usize> {
    (0..kms::ACTIONS.len()).filter(move |action| actions >> action & 1 == 1)
}

static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| (0..kms::ACTIONS.len()).map(kms::full_name).collect());

/// Columns in the making.
struct Batch {
    rows: usize,
    collected_at: TimestampMicrosecondBuilder,
    first_seen_at: TimestampMicrosecondBuilder,
    last_seen_at: TimestampMicrosecondBuilder,
    texts: [Texts; 12],
    paths: ListBuilder<StringBuilder>,
    limits: ListBuilder<StringBuilder>,
    actions: Option<ListBuilder<StringBuilder>>,
}

impl Batch {
    fn of(together: bool) -> Batch {
        let list = || ListBuilder::new(StringBuilder::new()).with_field(Field::new("element", DataType::Utf8, true));
        Batch {
            rows: 0,
            collected_at: TimestampMicrosecondBuilder::new().with_data_type(timestamp()),
            first_seen_at: TimestampMicrosecondBuilder::new().with_data_type(timestamp()),
            last_seen_at: TimestampMicrosecondBuilder::new().with_data_type(timestamp()),
            texts: std::array::from_fn(|_| Texts::default()),
            paths: list(),
            limits: list(),
            actions: together.then(list),
        }
    }

    /// The actions of the next row, by name, where there is a column for them.
    fn list(&mut self, actions: ActionSet) {
        let Some(column) = &mut self.actions else { return };
        let mut names: Vec<&str> = each(actions)
            .filter_map(|action| NAMES.get(action).map(String::as_str))
            .collect();
        names.sort_unstable();
        names.into_iter().for_each(|name| column.values().append_value(name));
        column.append(true);
    }

    fn push(&mut self, texts: [Option<&str>; 12], paths: &[String], limits: &[String]) {
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text);
        }
        for (column, names) in [(&mut self.paths, paths), (&mut self.limits, limits)] {
            names.iter().for_each(|name| column.values().append_value(name));
            column.append(true);
        }
        self.rows += 1;
    }

    /// The rows so far, in the order of the schema.
    fn take(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let mut texts = Vec::with_capacity(self.texts.len());
        for column in &mut self.texts {
            texts.push(column.take()?);
        }
        let mut texts = texts.into_iter();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(SCHEMA.fields().len());
        columns.extend(texts.next());
        columns.push(Arc::new(self.collected_at.finish()));
        columns.extend(texts.by_ref().take(8));
        columns.push(Arc::new(self.paths.finish()));
        columns.extend(texts);
        columns.push(Arc::new(self.first_seen_at.finish()));
        columns.push(Arc::new(self.last_seen_at.finish()));
        columns.push(Arc::new(self.limits.finish()));
        let Some(actions) = &mut self.actions else {
            return Ok(RecordBatch::try_new(schema(), columns)?);
        };
        let schema = schema_of_rights();
        let at = schema.index_of("actions")?;
        if let Some(column) = columns.get_mut(at) {
            *column = Arc::new(actions.finish());
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// A column of texts in the making.
#[derive(Default)]
struct Texts {
    views: Vec<u128>,
    valid: Vec<bool>,
    bytes: Vec<u8>,
    /// Where the last text lies that was held: it is the next one, more often than not.
    last: Option<(u128, std::ops::Range<usize>)>,
}

impl Texts {
    fn push(&mut self, text: Option<&str>) {
        self.valid.push(text.is_some());
        let Some(text) = text else {
            self.views.push(0);
            return;
        };
        if let Some((view, range)) = &self.last
            && self.bytes.get(range.clone()) == Some(text.as_bytes())
        {
            self.views.push(*view);
            return;
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        let view = make_view(text.as_bytes(), 0, u32::try_from(start).unwrap_or(u32::MAX));
        self.last = Some((view, start..self.bytes.len()));
        self.views.push(view);
    }

    fn take(&mut self) -> Result<ArrayRef> {
        let Texts {
            views, valid, bytes, ..
        } = std::mem::take(self);
        let nulls = NullBuffer::from(valid);
        let views = ScalarBuffer::from(views);
        Ok(Arc::new(StringViewArray::try_new(
            views,
            vec![Buffer::from(bytes)],
            Some(nulls),
        )?))
    }
}
