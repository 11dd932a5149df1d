//! Rows of `cloudtrail` back to the JSON records they came from. Pure; the inverse of `batch`.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::{Error, Result};
use crate::model::Instant;
use crate::trail::field::{FIELDS, Field, Kind};
use crate::trail::identity::{ATTRIBUTES, IN_SCOPE_OF, INVOKED_BY_DELEGATE, ISSUER, ON_BEHALF_OF};
use crate::trail::json;
use crate::trail::record::members;

/// The columns a record is restored from, as read from the table's files (plain strings, no views or dictionaries).
pub struct Restorer<'a> {
    columns: Vec<Column<'a>>,
    extra: &'a StringArray,
    null_fields: &'a arrow::array::Int64Array,
}

enum Column<'a> {
    Text(&'a StringArray),
    Json(&'a StringArray),
    Flag(&'a BooleanArray),
    Time(&'a arrow::array::TimestampMicrosecondArray),
    Identity(&'a StructArray),
    Resources(&'a arrow::array::ListArray),
    Tls(&'a StructArray),
}

const IDENTITY: [&str; 9] = [
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "identityProvider",
    "credentialId",
];
const SESSION: [&str; 4] = ["sourceIdentity", "ec2RoleDelivery", "ec2IssuedInVpc", "assumedRoot"];
const RESOURCE: [&str; 4] = ["ARN", "accountId", "type", "ARNPrefix"];

/// The columns `Restorer` needs, by name.
pub fn columns() -> Vec<String> {
    let mut names: Vec<String> = FIELDS.iter().map(|(_, name, _)| name.to_ascii_lowercase()).collect();
    names.extend(["extra", "null_fields"].map(str::to_owned));
    names
}

impl<'a> Restorer<'a> {
    /// Prepares a batch that has [`columns`].
    ///
    /// # Errors
    /// A column is missing or has another type.
    pub fn new(batch: &'a RecordBatch) -> Result<Restorer<'a>> {
        let column = |name: &str| {
            let found = FIELDS.iter().find(|(_, delivered, _)| *delivered == name);
            let lower = found.map_or(name.to_owned(), |(_, name, _)| name.to_ascii_lowercase());
            batch
                .column_by_name(&lower)
                .ok_or_else(|| Error::Inconsistent(format!("column `{lower}` of `cloudtrail` is missing")))
        };
        let mismatch = |name: &str| Error::Inconsistent(format!("column `{name}` of `cloudtrail` has another type"));
        let mut columns = Vec::with_capacity(FIELDS.len());
        for (field, name, kind) in FIELDS {
            let array = column(name)?;
            let typed = match (kind, field) {
                (Kind::Text, _) => array.as_string_opt().map(Column::Text),
                (Kind::Json, _) => array.as_string_opt().map(Column::Json),
                (Kind::Flag, _) => array.as_boolean_opt().map(Column::Flag),
                (Kind::Time, _) => array.as_primitive_opt::<TimestampMicrosecondType>().map(Column::Time),
                (Kind::Nested, Field::UserIdentity) => array.as_struct_opt().map(Column::Identity),
                (Kind::Nested, Field::Resources) => array.as_list_opt().map(Column::Resources),
                (Kind::Nested, _) => array.as_struct_opt().map(Column::Tls),
            };
            columns.push(typed.ok_or_else(|| mismatch(name))?);
        }
        Ok(Restorer {
            columns,
            extra: column("extra")?.as_string_opt().ok_or_else(|| mismatch("extra"))?,
            null_fields: column("null_fields")?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| mismatch("null_fields"))?,
        })
    }

    /// The record in a row, as compact JSON.
    pub fn record(&self, row: usize) -> String {
        let mut out = Object::new();
        let nulls = if self.null_fields.is_valid(row) {
            self.null_fields.value(row)
        } else {
            0
        };
        let extra = text_at(self.extra, row).and_then(members).unwrap_or_default();
        for ((field, name, _), column) in FIELDS.iter().zip(&self.columns) {
            // What the column could not hold exactly stands in `extra` and is written in its place.
            if let Some((_, raw)) = extra.iter().find(|(known, _)| known == name) {
                out.raw(name, raw);
            } else if nulls & field.bit() != 0 {
                out.raw(name, "null");
            } else {
                write(&mut out, name, column, row);
            }
        }
        for (name, raw) in extra.iter().filter(|(name, _)| Field::named(name).is_none()) {
            out.raw(name, raw);
        }
        out.finish()
    }
}

fn write(out: &mut Object, name: &str, column: &Column<'_>, row: usize) {
    match column {
        Column::Text(array) => out.text(name, text_at(array, row)),
        Column::Json(array) => {
            if let Some(raw) = text_at(array, row) {
                out.raw(name, raw);
            }
        }
        Column::Flag(array) if array.is_valid(row) => out.raw(name, if array.value(row) { "true" } else { "false" }),
        Column::Time(array) if array.is_valid(row) => out.text(name, Some(&Instant(array.value(row)).to_string())),
        Column::Identity(array) if array.is_valid(row) => out.raw(name, &identity(array, row)),
        Column::Tls(array) => {
            if let Some(raw) = texts(array, row, &super::batch::TLS_MEMBERS) {
                out.raw(name, &raw);
            }
        }
        Column::Resources(array) if array.is_valid(row) => {
            let list = array.value(row);
            let elements = list.as_struct();
            let all: Vec<String> = (0..elements.len())
                .filter_map(|at| texts(elements, at, &RESOURCE))
                .collect();
            out.raw(name, &format!("[{}]", all.join(",")));
        }
        _ => {}
    }
}

fn text_at(array: &StringArray, row: usize) -> Option<&str> {
    array.is_valid(row).then(|| array.value(row))
}

/// A struct of texts as an object, members named by position; `None` where the struct is null.
fn texts(array: &StructArray, row: usize, names: &[&str]) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    let mut out = Object::new();
    for (name, column) in names.iter().zip(array.columns()) {
        out.text(
            name,
            column.as_string_opt::<i32>().and_then(|column| text_at(column, row)),
        );
    }
    Some(out.finish())
}

fn part<'a>(array: &'a StructArray, name: &str) -> Option<&'a StructArray> {
    array.column_by_name(name).and_then(|column| column.as_struct_opt())
}

fn identity(array: &StructArray, row: usize) -> String {
    let mut out = Object::new();
    for (name, column) in IDENTITY.iter().zip(array.columns()) {
        out.text(
            name,
            column.as_string_opt::<i32>().and_then(|column| text_at(column, row)),
        );
    }
    if let Some(context) = part(array, "sessioncontext").filter(|context| context.is_valid(row)) {
        let mut session = Object::new();
        for (delivered, column, names) in [
            ("sessionIssuer", "sessionissuer", &ISSUER[..]),
            ("attributes", "attributes", &ATTRIBUTES[..]),
        ] {
            if let Some(raw) = part(context, column).and_then(|part| texts(part, row, names)) {
                session.raw(delivered, &raw);
            }
        }
        if let Some(web_id) = part(context, "webidfederationdata").filter(|web_id| web_id.is_valid(row)) {
            let mut federation = Object::new();
            let column = |at: usize| {
                web_id
                    .columns()
                    .get(at)
                    .and_then(|column| column.as_string_opt::<i32>())
            };
            federation.text("federatedProvider", column(0).and_then(|column| text_at(column, row)));
            if let Some(raw) = column(1).and_then(|column| text_at(column, row)) {
                federation.raw("attributes", raw);
            }
            session.raw("webIdFederationData", &federation.finish());
        }
        for name in SESSION {
            let column = context
                .column_by_name(&name.to_ascii_lowercase())
                .and_then(|column| column.as_string_opt::<i32>());
            session.text(name, column.and_then(|column| text_at(column, row)));
        }
        out.raw("sessionContext", &session.finish());
    }
    for (delivered, column, names) in [
        ("onBehalfOf", "onbehalfof", &ON_BEHALF_OF[..]),
        ("inScopeOf", "inscopeof", &IN_SCOPE_OF[..]),
        ("invokedByDelegate", "invokedbydelegate", &INVOKED_BY_DELEGATE[..]),
    ] {
        if let Some(raw) = part(array, column).and_then(|part| texts(part, row, names)) {
            out.raw(delivered, &raw);
        }
    }
    out.finish()
}

/// A JSON object being written.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object("{".to_owned())
    }

    fn raw(&mut self, name: &str, raw: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        json::push_string(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(raw);
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            let mut raw = String::with_capacity(text.len() + 2);
            json::push_string(&mut raw, text);
            self.raw(name, &raw);
        }
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::BatchBuilder;
    use super::*;
    use crate::trail::record::Record;

    fn plain(batch: &RecordBatch) -> RecordBatch {
        let table = super::super::schema::cloudtrail();
        let columns = table.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).unwrap();
            arrow::compute::cast(column, field.data_type()).unwrap()
        });
        let columns = columns.collect();
        RecordBatch::try_new(table.clone(), columns).unwrap()
    }

    fn round_trip(raws: &[&str]) {
        let mut builder = BatchBuilder::new(false);
        for (index, raw) in raws.iter().enumerate() {
            builder.push("object", index as u64, &Record::parse(raw).unwrap());
        }
        let batch = plain(&builder.finish().unwrap());
        let restorer = Restorer::new(&batch).unwrap();
        for (row, raw) in raws.iter().enumerate() {
            let expected: serde_json::Value = serde_json::from_str(raw).unwrap();
            let restored: serde_json::Value = serde_json::from_str(&restorer.record(row)).unwrap();
            assert_eq!(restored, expected, "{raw}");
        }
    }

    #[test]
    fn records_come_back_as_they_were() {
        round_trip(&[
            "{}",
            r#"{"eventTime":"2023-07-10T12:15:59Z","eventName":"Decrypt","readOnly":true,"managementEvent":false}"#,
            r#"{"eventTime":"2023-07-10T12:15:59.123Z","readOnly":"true","eventID":null,"requestParameters":null}"#,
            r#"{"eventTime":5,"eventName":7,"errorCode":{"a":1},"readOnly":1,"apiVersion":[],"userIdentity":"x"}"#,
            r#"{"userIdentity":{},"resources":[],"tlsDetails":{},"requestParameters":{},"additionalEventData":"{\"a\":1}"}"#,
            r#"{"userIdentity":{"sessionContext":{"sessionIssuer":{},"webIdFederationData":{"attributes":{}},"attributes":{}}}}"#,
            r#"{"userIdentity":{"type":"Root","x":1,"arn":null,"sessionContext":null,"onBehalfOf":{"userId":"a"},"inScopeOf":{},"invokedByDelegate":{"accountId":"1"}}}"#,
            r#"{"resources":[{"ARN":"a","accountId":"1","type":"t"},{"arn":"b"},"c",{"x":1}],"tlsDetails":{"tlsVersion":null}}"#,
            r#"{"resources":{"ARN":"a"},"unknown field":{"n":12345678901234567890,"f":1.50},"":"","\u0000":"\u0001"}"#,
            r#"{"eventSource":"kms.amazonaws.com","resources":[{"ARN":"arn:aws:kms:us-east-1:111122223333:key/a"}],"userAgent":"\ud83d\ude00 \"q\" \\"}"#,
        ]);
    }

    #[test]
    fn session_tokens_are_blanked_unless_kept() {
        let raw = r#"{"eventSource":"sts.amazonaws.com","responseElements":{"credentials":{"sessionToken":"secret","accessKeyId":"ASIA"}}}"#;
        for (keep, expected) in [(false, false), (true, true)] {
            let mut builder = BatchBuilder::new(keep);
            builder.push("o", 0, &Record::parse(raw).unwrap());
            let batch = plain(&builder.finish().unwrap());
            let restored = Restorer::new(&batch).unwrap().record(0);
            assert_eq!(restored.contains("secret"), expected);
            assert!(restored.contains("ASIA"));
        }
    }

    fn json_value() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
        use proptest::prelude::*;
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<u64>().prop_map(serde_json::Value::from),
            "[a-zA-Z0-9\"\\\\\u{0}-\u{ff}]{0,8}".prop_map(serde_json::Value::from),
            Just(serde_json::Value::from("2023-07-10T12:15:59Z")),
        ];
        let names = prop_oneof![
            proptest::sample::select(FIELDS.map(|(_, name, _)| name.to_owned()).to_vec()),
            proptest::sample::select(
                [
                    "type",
                    "arn",
                    "ARN",
                    "accountId",
                    "principalId",
                    "sessionContext",
                    "sessionIssuer",
                    "attributes",
                    "webIdFederationData",
                    "mfaAuthenticated",
                    "tlsVersion",
                    "credentials",
                    "sessionToken"
                ]
                .map(str::to_owned)
                .to_vec()
            ),
            "[a-z]{0,4}",
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::vec((names.clone(), inner), 0..8)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest::proptest! {
        #[test]
        fn any_object_comes_back(members in proptest::collection::vec((proptest::sample::select(FIELDS.map(|(_, name, _)| name).to_vec()), json_value()), 0..20)) {
            let mut object = serde_json::Map::new();
            for (name, value) in members {
                object.insert(name.to_owned(), value);
            }
            let object = serde_json::Value::Object(object);
            if object.get("eventSource") != Some(&serde_json::Value::from("sts.amazonaws.com")) {
                round_trip(&[&object.to_string()]);
            }
        }
    }
}
