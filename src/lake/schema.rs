//! The Arrow schemas of the lake's tables, in the column order of their files. No I/O.
//!
//! Flat columns stand first: only they prune files and row groups. Timestamps are microseconds in `UTC` and every
//! partition column is real, so that other engines read the tables without help.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

/// The tables `ingest` writes, by name.
pub const CLOUDTRAIL: &str = "cloudtrail";
/// One row per source object.
pub const INGEST_OBJECTS: &str = "ingest_objects";
/// One row per record that could not be kept.
pub const INGEST_FAULTS: &str = "ingest_faults";
/// One row per log object a digest lists (or one without object for an empty digest).
pub const DIGESTS: &str = "digests";
/// One row per listing of a source: what was looked at, so that absence can be told from not having looked.
pub const INGEST_LISTINGS: &str = "ingest_listings";

/// The column every large table is partitioned by.
pub const EVENT_DATE: &str = "event_date";

/// Microseconds since 1970 in UTC.
pub fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn whole(name: &str) -> Field {
    Field::new(name, DataType::Int64, true)
}

fn flag(name: &str) -> Field {
    Field::new(name, DataType::Boolean, true)
}

fn instant(name: &str) -> Field {
    Field::new(name, timestamp(), true)
}

fn record(name: &str, fields: Fields) -> Field {
    Field::new(name, DataType::Struct(fields), true)
}

fn list_of(name: &str, fields: Fields) -> Field {
    // Delta and Parquet name a list's child `element`.
    Field::new(
        name,
        DataType::List(Arc::new(Field::new("element", DataType::Struct(fields), true))),
        true,
    )
}

fn texts(names: &[&str]) -> Fields {
    names.iter().map(|name| text(name)).collect()
}

/// Fields of `useridentity.sessioncontext.sessionissuer`.
pub const SESSION_ISSUER: [&str; 5] = ["type", "principalid", "arn", "accountid", "username"];
/// Fields of an element of `resources`.
pub const RESOURCE: [&str; 4] = ["arn", "accountid", "type", "arnprefix"];
/// Fields of `tlsdetails`.
pub const TLS_DETAILS: [&str; 4] = ["tlsversion", "ciphersuite", "clientprovidedhostheader", "keyexchange"];
/// Fields of an element of `kms`: a key the record names, as typed by the caller and as resolved from the record alone.
pub const KMS_KEY: [&str; 6] = ["key_ref", "key_arn", "key_id", "account_id", "region", "alias_arn"];

/// Fields of `useridentity`.
pub fn user_identity() -> Fields {
    let mut fields: Vec<Field> = [
        "type",
        "principalid",
        "arn",
        "accountid",
        "accesskeyid",
        "username",
        "invokedby",
        "identityprovider",
        "credentialid",
    ]
    .iter()
    .map(|name| text(name))
    .collect();
    fields.push(record("onbehalfof", texts(&["userid", "identitystorearn"])));
    fields.push(record(
        "inscopeof",
        texts(&["sourcearn", "sourceaccount", "issuertype", "credentialsissuedto"]),
    ));
    fields.push(record("invokedbydelegate", texts(&["accountid"])));
    fields.push(record("sessioncontext", session_context()));
    fields.into()
}

/// Fields of `useridentity.sessioncontext`.
pub fn session_context() -> Fields {
    let mut fields = vec![
        record("sessionissuer", texts(&SESSION_ISSUER)),
        // `attributes` holds claims whose names the provider chooses, hence JSON text.
        record("webidfederationdata", texts(&["federatedprovider", "attributes"])),
        record("attributes", texts(&["creationdate", "mfaauthenticated"])),
    ];
    fields.extend(
        ["sourceidentity", "ec2roledelivery", "ec2issuedinvpc", "assumedroot"]
            .iter()
            .map(|name| text(name)),
    );
    fields.into()
}

/// Columns of `cloudtrail` that hold JSON text.
pub const DOCUMENTS: [&str; 9] = [
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "serviceeventdetails",
    "addendum",
    "edgedevicedetails",
    "eventcontext",
    "insightdetails",
    "extra",
];

/// `cloudtrail`: one row per delivered record, columns named as in Athena's table of AWS's documentation, lower case.
///
/// Derived columns, for pruning: `principal_arn`, `principal_id`, `accesskeyid`, `kms_key_arn` (the key of a record that names
/// one by itself; null where it names several, or an alias alone). `kms` holds the keys a
/// KMS record names (one element without a key where it names none; null on records of other services).
/// `extra` (JSON text) and `null_fields` (bits) keep whatever the typed columns cannot, so that every record can be
/// written back as it was delivered.
pub fn cloudtrail() -> SchemaRef {
    let mut fields = vec![Field::new(EVENT_DATE, DataType::Date32, true), instant("eventtime")];
    for name in [
        "eventsource",
        "eventname",
        "kms_key_arn",
        "eventid",
        "recipientaccountid",
        "awsregion",
    ] {
        fields.push(text(name));
    }
    for name in [
        "principal_arn",
        "principal_id",
        "accesskeyid",
        "sourceipaddress",
        "errorcode",
        "source_object",
    ] {
        fields.push(text(name));
    }
    fields.push(whole("source_index"));
    fields.push(flag("readonly"));
    fields.push(flag("managementevent"));
    for name in [
        "eventtype",
        "eventcategory",
        "eventversion",
        "apiversion",
        "useragent",
        "errormessage",
        "requestid",
        "sharedeventid",
        "original_event_id",
        "vpcendpointid",
        "vpcendpointaccountid",
        "sessioncredentialfromconsole",
    ]
    .iter()
    .chain(&DOCUMENTS)
    {
        fields.push(text(name));
    }
    fields.push(whole("null_fields"));
    fields.push(record("useridentity", user_identity()));
    fields.push(list_of("resources", texts(&RESOURCE)));
    fields.push(record("tlsdetails", texts(&TLS_DETAILS)));
    fields.push(list_of("kms", texts(&KMS_KEY)));
    Arc::new(Schema::new(fields))
}

/// `ingest_objects`: one row per source object taken or tried.
///
/// `records_read = kept + duplicate + faulted` in every row; `error` is set on an object that could not be read to its
/// end and will be tried again. `account_id`, `region`, `delivered_at` and `kind` come from the object's key.
pub fn ingest_objects() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("source_object"),
        text("etag"),
        whole("bytes"),
        whole("records_read"),
        whole("kept"),
        whole("duplicate"),
        whole("faulted"),
        text("error"),
        instant("ingested_at"),
        text("source"),
        text("kind"),
        text("account_id"),
        text("region"),
        instant("delivered_at"),
        instant("first_event_at"),
        instant("last_event_at"),
        text("trail_arn"),
    ]))
}

/// `ingest_faults`: one row per record that could not be kept, with its place and the reason.
pub fn ingest_faults() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("source_object"),
        whole("source_index"),
        whole("byte_offset"),
        text("reason"),
        text("excerpt"),
        text("account_id"),
        text("region"),
        instant("delivered_at"),
        instant("ingested_at"),
    ]))
}

/// `digests`: what each digest file says was delivered in its hour. Signatures are not verified.
pub fn digests() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("source_object"),
        text("account_id"),
        text("region"),
        text("trail_arn"),
        instant("digest_start_time"),
        instant("digest_end_time"),
        text("digest_bucket"),
        text("digest_object"),
        instant("oldest_event_time"),
        instant("newest_event_time"),
        text("previous_digest_object"),
        text("log_bucket"),
        text("log_object"),
        text("log_hash"),
        instant("log_oldest_event_time"),
        instant("log_newest_event_time"),
    ]))
}

/// `ingest_listings`: one row per finished listing of a source by one run.
///
/// `complete` says that every object under the source was seen (for the delivery dates in `[since, until)`, where the
/// run was limited to some); only then does "no object" mean "nothing delivered".
pub fn ingest_listings() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("source"),
        text("trail_arn"),
        instant("started_at"),
        instant("finished_at"),
        instant("since"),
        instant("until"),
        flag("complete"),
        whole("objects"),
        whole("unreadable"),
    ]))
}

/// The schema of a table `ingest` writes, by its name.
pub fn by_name(name: &str) -> Option<SchemaRef> {
    match name {
        CLOUDTRAIL => Some(cloudtrail()),
        INGEST_OBJECTS => Some(ingest_objects()),
        INGEST_FAULTS => Some(ingest_faults()),
        DIGESTS => Some(digests()),
        INGEST_LISTINGS => Some(ingest_listings()),
        _ => None,
    }
}
