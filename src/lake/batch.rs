//! Records to Arrow columns of the `cloudtrail` table. Pure: takes records, gives a batch.
//!
//! INVARIANT: what the typed columns cannot hold of a record goes to `extra` and `null_fields`, so that `record`
//! (the room that writes records back) restores it JSON-equal.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, ListArray, NullBufferBuilder, RecordBatch, StringBuilder,
    StringDictionaryBuilder, StructArray, TimestampMicrosecondBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Fields, Int32Type};

use super::schema;
use crate::model::Instant;
use crate::trail::field::{FIELDS, Field, Kind};
use crate::trail::identity::{self, Identity};
use crate::trail::record::{Record, elements};
use crate::trail::{json, kms};

/// What stands in place of a session token.
pub const REDACTED: &str = "REDACTED_BY_KEYTRAIL";

/// Collects records of one or more objects, in order.
pub struct BatchBuilder {
    keep_session_tokens: bool,
    event_date: Date32Builder,
    event_time: TimestampMicrosecondBuilder,
    kms_key_arn: StringBuilder,
    principal_arn: StringBuilder,
    principal_id: StringBuilder,
    original_event_id: StringBuilder,
    source_object: StringDictionaryBuilder<Int32Type>,
    source_index: Int64Builder,
    flags: [BooleanBuilder; 2],
    texts: Vec<StringBuilder>,
    extra: StringBuilder,
    null_fields: Int64Builder,
    identity: IdentityBuilder,
    resources: ListOfTexts,
    tls: TextsBuilder,
    kms: ListOfTexts,
    rows: usize,
    bytes: usize,
}

/// Where the text or JSON fields' builders stand in `texts`, by field.
fn text_slot(field: Field) -> usize {
    FIELDS
        .iter()
        .take(field.at())
        .filter(|(_, _, kind)| matches!(kind, Kind::Text | Kind::Json))
        .count()
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new(keep_session_tokens: bool) -> BatchBuilder {
        let texts = FIELDS
            .iter()
            .filter(|(_, _, kind)| matches!(kind, Kind::Text | Kind::Json))
            .count();
        BatchBuilder {
            keep_session_tokens,
            event_date: Date32Builder::new(),
            event_time: TimestampMicrosecondBuilder::new(),
            kms_key_arn: StringBuilder::new(),
            principal_arn: StringBuilder::new(),
            principal_id: StringBuilder::new(),
            original_event_id: StringBuilder::new(),
            source_object: StringDictionaryBuilder::new(),
            source_index: Int64Builder::new(),
            flags: [BooleanBuilder::new(), BooleanBuilder::new()],
            texts: (0..texts).map(|_| StringBuilder::new()).collect(),
            extra: StringBuilder::new(),
            null_fields: Int64Builder::new(),
            identity: IdentityBuilder::default(),
            resources: ListOfTexts::new(schema::RESOURCE.len()),
            tls: TextsBuilder::new(schema::TLS_DETAILS.len()),
            kms: ListOfTexts::new(schema::KMS_KEY.len()),
            rows: 0,
            bytes: 0,
        }
    }

    /// Records so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of JSON so far: a bound on the memory in hand.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes one record. Returns its event time, if it has one.
    pub fn push(&mut self, source_object: &str, source_index: u64, record: &Record<'_>) -> Option<Instant> {
        let mut extra = Extra::default();
        let mut nulls = 0_i64;
        let mut event_time = None;
        let mut slot = 0;
        let mut flag = 0;
        let mut identity = None;
        for (field, name, kind) in FIELDS {
            let raw = record.raw(field);
            self.bytes += raw.map_or(1, str::len);
            let value = match raw {
                Some("null") => {
                    nulls |= field.bit();
                    None
                }
                raw => raw,
            };
            match kind {
                Kind::Text => {
                    self.push_text(slot, value, name, &mut extra);
                    slot += 1;
                }
                Kind::Json => {
                    let value = value.map(|raw| self.json_text(field, record, raw));
                    self.texts[slot].append_option(value.as_deref());
                    slot += 1;
                }
                Kind::Flag => {
                    let value = value.and_then(|raw| match raw {
                        "true" => Some(true),
                        "false" => Some(false),
                        other => {
                            extra.push(name, other);
                            match json::string(other).as_deref() {
                                Some("true") => Some(true),
                                Some("false") => Some(false),
                                _ => None,
                            }
                        }
                    });
                    self.flags[flag].append_option(value);
                    flag += 1;
                }
                Kind::Time => event_time = value.and_then(|raw| read_time(raw, name, &mut extra)),
                Kind::Nested => match field {
                    Field::UserIdentity => identity = value,
                    Field::Resources => self.push_resources(value, &mut extra),
                    _ => self.push_tls(value, &mut extra),
                },
            }
        }
        self.push_identity(identity, &mut extra);
        self.push_keys(record);
        for (name, raw) in &record.unknown {
            self.bytes += raw.len();
            extra.push(name, raw);
        }
        self.original_event_id.append_option(original_event_id(record));
        self.event_time.append_option(event_time.map(|time| time.0));
        self.event_date.append_option(event_time.map(Instant::day));
        self.source_object.append_value(source_object);
        self.source_index
            .append_value(i64::try_from(source_index).unwrap_or(i64::MAX));
        self.extra.append_option(extra.finish());
        self.null_fields.append_option((nulls != 0).then_some(nulls));
        self.rows += 1;
        event_time
    }

    fn push_text(&mut self, slot: usize, value: Option<&str>, name: &str, extra: &mut Extra) {
        let text = value.and_then(|raw| {
            json::string(raw).or_else(|| {
                extra.push(name, raw);
                // A number where a text should be still answers queries.
                (!raw.starts_with(['{', '[', '"'])).then_some(Cow::Borrowed(raw))
            })
        });
        self.texts[slot].append_option(text.as_deref());
    }

    fn json_text<'a>(&self, field: Field, record: &Record<'_>, raw: &'a str) -> Cow<'a, str> {
        let raw = json::compact(raw);
        if field == Field::ResponseElements
            && !self.keep_session_tokens
            && record.raw(Field::EventSource) == Some("\"sts.amazonaws.com\"")
            && let Cow::Owned(blanked) = json::blank_member(&raw, "sessionToken", REDACTED)
        {
            return Cow::Owned(blanked);
        }
        raw
    }

    fn push_identity(&mut self, value: Option<&str>, extra: &mut Extra) {
        let Some(raw) = value else {
            self.principal_arn.append_null();
            self.principal_id.append_null();
            self.identity.push(None);
            return;
        };
        let identity = Identity::parse(raw);
        if !identity.exact {
            extra.push("userIdentity", raw);
        }
        self.principal_arn.append_option(identity.principal_arn());
        self.principal_id.append_option(identity.canonical_id());
        let is_object = raw.starts_with('{');
        self.identity.push(is_object.then_some(&identity));
    }

    fn push_resources(&mut self, value: Option<&str>, extra: &mut Extra) {
        let Some(raw) = value else {
            return self.resources.push_null();
        };
        let one = [raw];
        let many = elements(raw);
        let mut exact = many.is_some();
        for element in many.as_deref().unwrap_or(&one) {
            match json::string(element) {
                Some(text) => {
                    exact = false;
                    self.resources.push([Some(text), None, None, None]);
                }
                None => match identity::texts(element, RESOURCE_MEMBERS, &mut exact) {
                    Some([arn, lower, account, kind, prefix]) => {
                        exact &= lower.is_none();
                        self.resources.push([arn.or(lower), account, kind, prefix]);
                    }
                    None => self.resources.push([None::<&str>; 4]),
                },
            }
        }
        self.resources.close();
        if !exact {
            extra.push("resources", raw);
        }
    }

    fn push_tls(&mut self, value: Option<&str>, extra: &mut Extra) {
        let Some(raw) = value else {
            return self.tls.push(None::<[Option<&str>; 4]>);
        };
        let mut exact = true;
        let values = identity::texts(raw, TLS_MEMBERS, &mut exact);
        if !exact {
            extra.push("tlsDetails", raw);
        }
        self.tls.push(values);
    }

    fn push_keys(&mut self, record: &Record<'_>) {
        if record.raw(Field::EventSource) != Some("\"kms.amazonaws.com\"") {
            self.kms_key_arn.append_null();
            return self.kms.push_null();
        }
        let keys = kms::keys(record);
        // The flat column speaks for the whole record, or not at all: a question about the second key of a record must not
        // be led past it.
        let only = keys.first().filter(|_| keys.len() == 1);
        self.kms_key_arn
            .append_option(only.and_then(|key| key.key_arn.as_deref()));
        for key in &keys {
            let arn = key.key_arn.as_deref().and_then(crate::model::Arn::parse);
            // The key's id, account and Region come from its ARN alone; an alias's target may live elsewhere in time
            // only, so account and Region are those of the alias.
            let place = arn.or_else(|| key.alias_arn.as_deref().and_then(crate::model::Arn::parse));
            self.kms.push([
                key.key_ref.as_deref(),
                key.key_arn.as_deref(),
                arn.and_then(|arn| arn.kms_key_id()),
                place.map(|arn| arn.account),
                place.map(|arn| arn.region),
                key.alias_arn.as_deref(),
            ]);
        }
        self.kms.close();
    }

    /// The batch, in the table's schema but for `source_object`, which is a dictionary.
    ///
    /// # Errors
    /// The columns do not fit the schema: a defect.
    pub fn finish(mut self) -> Result<RecordBatch, arrow::error::ArrowError> {
        let table = schema::cloudtrail();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(table.fields().len());
        let mut fields = Vec::with_capacity(table.fields().len());
        for field in table.fields() {
            let column: ArrayRef = match field.name().as_str() {
                schema::EVENT_DATE => Arc::new(self.event_date.finish()),
                "eventtime" => Arc::new(self.event_time.finish().with_timezone("UTC")),
                "kms_key_arn" => Arc::new(self.kms_key_arn.finish()),
                "principal_arn" => Arc::new(self.principal_arn.finish()),
                "principal_id" => Arc::new(self.principal_id.finish()),
                "original_event_id" => Arc::new(self.original_event_id.finish()),
                "accesskeyid" => self.identity.access_key_id(),
                "source_object" => Arc::new(self.source_object.finish()),
                "source_index" => Arc::new(self.source_index.finish()),
                "extra" => Arc::new(self.extra.finish()),
                "null_fields" => Arc::new(self.null_fields.finish()),
                "readonly" => Arc::new(self.flags[0].finish()),
                "managementevent" => Arc::new(self.flags[1].finish()),
                "resources" => self.resources.finish(field.data_type())?,
                "kms" => self.kms.finish(field.data_type())?,
                "tlsdetails" => self.tls.finish(fields_of(field.data_type()))?,
                "useridentity" => self.identity.finish()?,
                name => match FIELDS
                    .iter()
                    .find(|(_, delivered, _)| delivered.eq_ignore_ascii_case(name))
                {
                    Some((known, _, _)) => Arc::new(self.texts[text_slot(*known)].finish()),
                    None => arrow::array::new_null_array(field.data_type(), self.rows),
                },
            };
            fields.push(field.as_ref().clone().with_data_type(column.data_type().clone()));
            columns.push(column);
        }
        RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns)
    }
}

const RESOURCE_MEMBERS: [&str; 5] = ["ARN", "arn", "accountId", "type", "ARNPrefix"];
/// Names of the members of `tlsDetails`, as delivered.
pub const TLS_MEMBERS: [&str; 4] = ["tlsVersion", "cipherSuite", "clientProvidedHostHeader", "keyExchange"];

fn fields_of(data_type: &DataType) -> Fields {
    match data_type {
        DataType::Struct(fields) => fields.clone(),
        DataType::List(element) => fields_of(element.data_type()),
        _ => Fields::empty(),
    }
}

fn read_time(raw: &str, name: &str, extra: &mut Extra) -> Option<Instant> {
    let text = json::string(raw);
    if let Some(time) = text.as_deref().and_then(Instant::parse_canonical) {
        return Some(time);
    }
    // Other spellings answer queries as instants and are written back as they were.
    extra.push(name, raw);
    text.as_deref().and_then(Instant::parse)
}

/// An `UPDATED_DATA` addendum repeats an event under another id.
///
/// Source: AWS CloudTrail User Guide, record contents, `addendum`.
fn original_event_id(record: &Record<'_>) -> Option<String> {
    let raw = record.raw(Field::Addendum)?;
    let members = crate::trail::record::members(raw)?;
    let (_, id) = members.iter().find(|(name, _)| name == "originalEventID")?;
    json::string(id).map(Cow::into_owned).filter(|id| !id.is_empty())
}

/// The JSON object of what the columns cannot hold.
#[derive(Default)]
struct Extra(String);

impl Extra {
    fn push(&mut self, name: &str, raw: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        json::push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(&json::compact(raw));
    }

    fn finish(mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push('}');
        Some(self.0)
    }
}

/// A struct of texts.
struct TextsBuilder {
    columns: Vec<StringBuilder>,
    valid: NullBufferBuilder,
}

impl TextsBuilder {
    fn new(columns: usize) -> TextsBuilder {
        TextsBuilder {
            columns: (0..columns).map(|_| StringBuilder::new()).collect(),
            valid: NullBufferBuilder::new(0),
        }
    }

    fn push<T: AsRef<str>, const N: usize>(&mut self, values: Option<[Option<T>; N]>) {
        match values {
            Some(values) => {
                for (column, value) in self.columns.iter_mut().zip(values) {
                    column.append_option(value);
                }
                self.valid.append_non_null();
            }
            None => {
                self.columns.iter_mut().for_each(StringBuilder::append_null);
                self.valid.append_null();
            }
        }
    }

    fn push_all<const N: usize>(&mut self, values: Option<&[Option<Cow<'_, str>>; N]>) {
        self.push(values.map(|values| values.each_ref().map(Option::as_deref)));
    }

    fn len(&self) -> usize {
        self.valid.len()
    }

    fn finish(&mut self, fields: Fields) -> Result<ArrayRef, arrow::error::ArrowError> {
        let columns: Vec<ArrayRef> = self
            .columns
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef)
            .collect();
        Ok(Arc::new(StructArray::try_new(fields, columns, self.valid.finish())?))
    }
}

/// A list of structs of texts.
struct ListOfTexts {
    elements: TextsBuilder,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl ListOfTexts {
    fn new(columns: usize) -> ListOfTexts {
        ListOfTexts {
            elements: TextsBuilder::new(columns),
            offsets: vec![0],
            valid: NullBufferBuilder::new(0),
        }
    }

    fn push<T: AsRef<str>, const N: usize>(&mut self, values: [Option<T>; N]) {
        self.elements.push(Some(values));
    }

    fn end(&mut self) {
        self.offsets
            .push(i32::try_from(self.elements.len()).unwrap_or(i32::MAX));
    }

    fn close(&mut self) {
        self.end();
        self.valid.append_non_null();
    }

    fn push_null(&mut self) {
        self.end();
        self.valid.append_null();
    }

    fn finish(&mut self, data_type: &DataType) -> Result<ArrayRef, arrow::error::ArrowError> {
        let DataType::List(element) = data_type else {
            return Err(arrow::error::ArrowError::SchemaError("not a list".to_owned()));
        };
        let values = self.elements.finish(fields_of(data_type))?;
        let offsets = OffsetBuffer::new(std::mem::take(&mut self.offsets).into());
        Ok(Arc::new(ListArray::try_new(
            element.clone(),
            offsets,
            values,
            self.valid.finish(),
        )?))
    }
}

/// `useridentity`.
struct IdentityBuilder {
    texts: TextsBuilder,
    on_behalf_of: TextsBuilder,
    in_scope_of: TextsBuilder,
    invoked_by_delegate: TextsBuilder,
    session: NullBufferBuilder,
    session_texts: TextsBuilder,
    issuer: TextsBuilder,
    web_id: TextsBuilder,
    attributes: TextsBuilder,
    access_key_id: StringBuilder,
}

impl Default for IdentityBuilder {
    fn default() -> IdentityBuilder {
        IdentityBuilder {
            texts: TextsBuilder::new(9),
            on_behalf_of: TextsBuilder::new(2),
            in_scope_of: TextsBuilder::new(4),
            invoked_by_delegate: TextsBuilder::new(1),
            session: NullBufferBuilder::new(0),
            session_texts: TextsBuilder::new(4),
            issuer: TextsBuilder::new(5),
            web_id: TextsBuilder::new(2),
            attributes: TextsBuilder::new(2),
            access_key_id: StringBuilder::new(),
        }
    }
}

impl IdentityBuilder {
    fn push(&mut self, identity: Option<&Identity<'_>>) {
        self.access_key_id
            .append_option(identity.and_then(|identity| identity.access_key_id.as_deref()));
        let texts = identity.map(|identity| {
            [
                identity.kind.as_deref(),
                identity.principal_id.as_deref(),
                identity.arn.as_deref(),
                identity.account_id.as_deref(),
                identity.access_key_id.as_deref(),
                identity.user_name.as_deref(),
                identity.invoked_by.as_deref(),
                identity.identity_provider.as_deref(),
                identity.credential_id.as_deref(),
            ]
        });
        self.texts.push(texts);
        self.on_behalf_of
            .push_all(identity.and_then(|identity| identity.on_behalf_of.as_ref()));
        self.in_scope_of
            .push_all(identity.and_then(|identity| identity.in_scope_of.as_ref()));
        self.invoked_by_delegate
            .push_all(identity.and_then(|identity| identity.invoked_by_delegate.as_ref()));
        let session = identity.and_then(|identity| identity.session.as_ref());
        self.session.append(session.is_some());
        self.session_texts.push(Some(match session {
            Some(session) => [
                session.source_identity.as_deref(),
                session.ec2_role_delivery.as_deref(),
                session.ec2_issued_in_vpc.as_deref(),
                session.assumed_root.as_deref(),
            ],
            None => [None; 4],
        }));
        self.issuer
            .push_all(session.and_then(|session| session.issuer.as_ref()));
        self.web_id
            .push_all(session.and_then(|session| session.web_id.as_ref()));
        self.attributes
            .push_all(session.and_then(|session| session.attributes.as_ref()));
    }

    fn access_key_id(&mut self) -> ArrayRef {
        Arc::new(self.access_key_id.finish())
    }

    fn finish(&mut self) -> Result<ArrayRef, arrow::error::ArrowError> {
        let fields = schema::user_identity();
        let session_fields = schema::session_context();
        let field_type = |fields: &Fields, name: &str| {
            fields
                .find(name)
                .map_or_else(Fields::empty, |(_, field)| fields_of(field.data_type()))
        };
        let valid: Option<NullBuffer> = self.texts.valid.finish_cloned();
        let mut columns: Vec<ArrayRef> = self
            .texts
            .columns
            .iter_mut()
            .map(|column| Arc::new(column.finish()) as ArrayRef)
            .collect();
        columns.push(self.on_behalf_of.finish(field_type(&fields, "onbehalfof"))?);
        columns.push(self.in_scope_of.finish(field_type(&fields, "inscopeof"))?);
        columns.push(
            self.invoked_by_delegate
                .finish(field_type(&fields, "invokedbydelegate"))?,
        );
        let mut session: Vec<ArrayRef> = vec![
            self.issuer.finish(field_type(&session_fields, "sessionissuer"))?,
            self.web_id.finish(field_type(&session_fields, "webidfederationdata"))?,
            self.attributes.finish(field_type(&session_fields, "attributes"))?,
        ];
        session.extend(
            self.session_texts
                .columns
                .iter_mut()
                .map(|column| Arc::new(column.finish()) as ArrayRef),
        );
        columns.push(Arc::new(StructArray::try_new(
            session_fields,
            session,
            self.session.finish(),
        )?));
        Ok(Arc::new(StructArray::try_new(fields, columns, valid)?))
    }
}
