//! `kms_events` and the wider `kms_records`: views over `cloudtrail`, and the function in them that resolves an alias as of
//! its event.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::catalog::{TableProvider, view::ViewTable};
use datafusion::common::cast::{as_boolean_array, as_list_array, as_string_array, as_struct_array};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use futures::{TryStreamExt, try_join};

use super::alias_history::{AliasHistory, Change, Happening};
use super::fetch::Fetched;
use crate::lake::schema;

/// The view of the public contract.
pub(super) const NAME: &str = "kms_events";

/// The view it is made of: the same rows with what only the record itself tells.
pub(super) const RECORDS: &str = "kms_records";

/// `kms_events` as SQL over `kms_records`.
pub(super) const EVENTS: &str = "\
    SELECT eventtime, eventid, sharedeventid, operation, class, key_ref, key_arn, key_id, account_id, region, \
    recipient_account_id, principal_arn, principal_id, session_arn, caller_account_id, via_service, source_ip, \
    user_agent, mfa, outcome, error_code, source_object, source_index, event_date, alias_arn, call_id FROM kms_records";

/// The aliases snapshots have seen.
pub(super) const ALIASES: &str = "kms_aliases";

const VIEW: &str = include_str!("kms_events.sql");

/// Stands in the view for whether a record names two keys although it has a flat one.
const FLAT_PAIRS: &str = "$flat_pairs";

/// Changes of aliases, in the log of the account whose alias it is; and, since the names of all KMS records are read for
/// them, every ReEncrypt with a flat key. More columns in its condition would be read for every ReEncrypt.
const CHANGES: &str = "\
    SELECT eventname, eventtime, awsregion, recipientaccountid, requestparameters, resources, kms, errorcode \
    FROM cloudtrail \
    WHERE eventsource = 'kms.amazonaws.com' AND eventname IN ('CreateAlias', 'UpdateAlias', 'DeleteAlias', 'ReEncrypt') \
    AND (eventname <> 'ReEncrypt' OR kms_key_arn IS NOT NULL)";

/// What snapshots say about aliases: since when each stands for its key, as far as KMS tells.
const LISTED: &str = "\
    SELECT DISTINCT alias_arn, target_key_arn, date_trunc('second', coalesce(last_updated_date, creation_date)) AS at \
    FROM kms_aliases WHERE alias_arn IS NOT NULL AND target_key_arn IS NOT NULL";

/// What the log and the snapshots below `context` tell of the names of keys.
pub(super) async fn told(context: &SessionContext) -> Result<Told> {
    let changes = gathered(context, CHANGES, collect);
    let listed = gathered(context, LISTED, collect_listed);
    let (mut changed, listed, unresolved) = try_join!(changes, listed, Fetched::of(context, UNRESOLVED))?;
    changed.changes.extend(listed);
    let history = seen(context, AliasHistory::new(changed.changes), &unresolved).await?;
    Ok(Told {
        history: Arc::new(history),
        flat_pairs: changed.flat_pairs,
    })
}

/// `kms_records` over the `cloudtrail` that `context` knows, where names mean what was told.
pub(super) async fn view(context: &SessionContext, told: &Told) -> Result<Arc<dyn TableProvider>> {
    context.register_udf(ScalarUDF::from(AliasTarget::new(told.history.clone())));
    let view = VIEW.replace(FLAT_PAIRS, if told.flat_pairs { "TRUE" } else { "FALSE" });
    let plan = context.sql(&view).await?.into_unoptimized_plan();
    Ok(Arc::new(ViewTable::new(plan, Some(view))))
}

/// What the records themselves do not tell of the keys they name.
#[derive(Debug, Default)]
pub(super) struct Told {
    history: Arc<AliasHistory>,
    /// Whether a record names two keys although it has a flat one.
    flat_pairs: bool,
}

/// Whether one of these records of `cloudtrail` names a key by nothing but an alias, whose history tells which it was.
pub(super) fn names_alias_alone(records: &RecordBatch) -> Result<bool> {
    let Some(keys) = records.column_by_name("kms") else {
        return Ok(false);
    };
    let keys = as_struct_array(as_list_array(keys)?.values())?;
    let (Some(aliases), Some(arns)) = (keys.column_by_name("alias_arn"), keys.column_by_name("key_arn")) else {
        return Ok(false);
    };
    Ok((0..keys.len()).any(|at| aliases.is_valid(at) && arns.is_null(at)))
}

/// What the answer to [`CHANGES`] tells.
#[derive(Default)]
struct Changed {
    changes: Vec<Change>,
    /// Whether a record names two keys although it has a flat one.
    flat_pairs: bool,
}

/// What `collect` makes of an answer's batches.
async fn gathered<T: Default>(
    context: &SessionContext,
    sql: &str,
    collect: fn(&RecordBatch, &mut T) -> Result<()>,
) -> Result<T> {
    let mut gathered = T::default();
    let mut batches = context.sql(sql).await?.execute_stream().await?;
    while let Some(batch) = batches.try_next().await? {
        collect(&batch, &mut gathered)?;
    }
    Ok(gathered)
}

/// Refused calls that name only an alias, whose key the history may not tell.
const UNRESOLVED: &str = "\
    SELECT k['alias_arn'] AS alias_arn, min(eventtime) AS at FROM (\
    SELECT eventtime, unnest(kms) AS k FROM cloudtrail \
    WHERE eventsource = 'kms.amazonaws.com' AND kms_key_arn IS NULL AND coalesce(errorcode, '') <> '') AS refused \
    WHERE k['alias_arn'] IS NOT NULL AND k['key_arn'] IS NULL GROUP BY k['alias_arn']";

/// Asks the calls that went through, where the changes of an alias do not tell what it was.
async fn seen(context: &SessionContext, history: AliasHistory, unresolved: &Fetched) -> Result<AliasHistory> {
    let mut words: Vec<String> = Vec::new();
    for row in unresolved.rows() {
        if let (Some(alias), Some(at)) = (row.text(0), row.instant(1))
            && history.key_at(alias, at, false).is_none()
        {
            // By its ARN or, inside its account and Region, by its name.
            words.extend([alias, alias.splitn(6, ':').last().unwrap_or(alias)].map(|word| word.replace('\'', "''")));
        }
    }
    if words.is_empty() {
        return Ok(history);
    }
    let sql = format!(
        "SELECT k['key_ref'] AS key_ref, k['key_arn'] AS key_arn, min(eventtime) AS first, max(eventtime) AS last FROM (\
         SELECT eventtime, unnest(kms) AS k FROM cloudtrail \
         WHERE eventsource = 'kms.amazonaws.com' AND coalesce(errorcode, '') = '' AND kms IS NOT NULL) AS done \
         WHERE k['key_ref'] IN ('{}') AND k['key_arn'] IS NOT NULL GROUP BY k['key_ref'], k['key_arn']",
        words.join("', '")
    );
    let mut calls = Vec::new();
    for row in Fetched::of(context, &sql).await?.rows() {
        let (Some(word), Some(key_arn)) = (row.text(0), row.text(1)) else {
            continue;
        };
        // An alias lives where its key lives.
        let alias = match (word.starts_with("arn:"), key_arn.rsplit_once(":key/")) {
            (true, _) => word.to_owned(),
            (false, Some((place, _))) => format!("{place}:{word}"),
            (false, None) => continue,
        };
        let at = row.instant(2).into_iter().chain(row.instant(3));
        calls.extend(at.map(|at| (alias.clone(), at, key_arn.to_owned())));
    }
    Ok(history.seeing(calls))
}

fn collect(batch: &RecordBatch, changed: &mut Changed) -> Result<()> {
    let text = |index: usize| -> Result<StringArray> {
        Ok(as_string_array(&cast(batch.column(index), &DataType::Utf8)?)?.clone())
    };
    let (name, region, account, parameters) = (text(0)?, text(2)?, text(3)?, text(4)?);
    let time = cast(batch.column(1), &schema::timestamp())?;
    let time = time.as_primitive::<TimestampMicrosecondType>();
    let resources = texts_of(batch.column(5), "arn")?;
    let keys = texts_of(batch.column(6), "key_arn")?;
    let references = as_list_array(batch.column(6))?;
    for row in 0..batch.num_rows() {
        let happening = match name.value(row) {
            "CreateAlias" => Happening::Created,
            "UpdateAlias" => Happening::Updated,
            "DeleteAlias" => Happening::Deleted,
            _ => {
                changed.flat_pairs |= references.is_valid(row) && references.value_length(row) > 1;
                continue;
            }
        };
        if time.is_null(row) || batch.column(7).is_valid(row) {
            continue;
        }
        let key_arn = keys.get(row).and_then(|arns| arns.first()).cloned();
        let named = resources
            .get(row)
            .and_then(|arns| arns.iter().find(|arn| arn.contains(":alias/")).cloned());
        let built = || {
            alias_arn(
                parameters.value(row),
                region.value(row),
                account.value(row),
                key_arn.as_deref(),
            )
        };
        if let Some(alias_arn) = named.or_else(built) {
            changed.changes.push(Change {
                alias_arn,
                at: Some(time.value(row)),
                happening,
                key_arn,
            });
        }
    }
    Ok(())
}

fn collect_listed(batch: &RecordBatch, changes: &mut Vec<Change>) -> Result<()> {
    let text = |index: usize| cast(batch.column(index), &DataType::Utf8);
    let (aliases, keys, since) = (text(0)?, text(1)?, cast(batch.column(2), &schema::timestamp())?);
    let (aliases, keys) = (as_string_array(&aliases)?, as_string_array(&keys)?);
    let since = since.as_primitive::<TimestampMicrosecondType>();
    for row in 0..batch.num_rows() {
        changes.push(Change {
            alias_arn: aliases.value(row).to_owned(),
            at: since.is_valid(row).then(|| since.value(row)),
            happening: Happening::Listed,
            key_arn: Some(keys.value(row).to_owned()),
        });
    }
    Ok(())
}

/// Records of before 2023 may lack `resources`: then the alias is the caller's own, in the Region of the call.
fn alias_arn(parameters: &str, region: &str, account: &str, key_arn: Option<&str>) -> Option<String> {
    let parameters: serde_json::Value = serde_json::from_str(parameters).ok()?;
    let name = parameters.get("aliasName")?.as_str()?;
    if name.starts_with("arn:") {
        return Some(name.to_owned());
    }
    let partition = key_arn
        .and_then(|arn| arn.split(':').nth(1))
        .unwrap_or_else(|| partition_of(region));
    Some(format!("arn:{partition}:kms:{region}:{account}:{name}"))
}

fn partition_of(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The non-null texts of one field of each row's list of structs.
fn texts_of(column: &ArrayRef, field: &str) -> Result<Vec<Vec<String>>> {
    let lists = as_list_array(column)?;
    (0..lists.len())
        .map(|row| {
            if lists.is_null(row) {
                return Ok(Vec::new());
            }
            let elements = lists.value(row);
            let Some(texts) = as_struct_array(&elements)?.column_by_name(field).cloned() else {
                return Ok(Vec::new());
            };
            let texts = cast(&texts, &DataType::Utf8)?;
            Ok(as_string_array(&texts)?.iter().flatten().map(str::to_owned).collect())
        })
        .collect()
}

/// `kms_alias_target(alias_arn, at, just_before)`: the ARN of the key the alias stood for.
#[derive(Debug)]
struct AliasTarget {
    history: Arc<AliasHistory>,
    signature: Signature,
}

impl AliasTarget {
    fn new(history: Arc<AliasHistory>) -> AliasTarget {
        let arguments = vec![DataType::Utf8, schema::timestamp(), DataType::Boolean];
        // Stable, not immutable: the answer belongs to one state of the lake.
        AliasTarget {
            history,
            signature: Signature::new(TypeSignature::Exact(arguments), Volatility::Stable),
        }
    }
}

// Two sessions may hold different histories: only the same object is the same function.
impl PartialEq for AliasTarget {
    fn eq(&self, other: &AliasTarget) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for AliasTarget {}

impl std::hash::Hash for AliasTarget {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        std::ptr::from_ref(self).hash(state);
    }
}

impl ScalarUDFImpl for AliasTarget {
    fn name(&self) -> &str {
        "kms_alias_target"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let columns = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [alias, at, before] = columns.as_slice() else {
            return datafusion::common::exec_err!("kms_alias_target takes an alias, an instant and a boolean");
        };
        let (alias, before): (_, &BooleanArray) = (as_string_array(alias)?, as_boolean_array(before)?);
        let at = at.as_primitive::<TimestampMicrosecondType>();
        let mut keys = StringBuilder::with_capacity(rows, 0);
        for row in 0..alias.len() {
            let key = (alias.is_valid(row) && at.is_valid(row))
                .then(|| {
                    let just_before = before.is_valid(row) && before.value(row);
                    self.history.key_at(alias.value(row), at.value(row), just_before)
                })
                .flatten();
            keys.append_option(key);
        }
        Ok(ColumnarValue::Array(Arc::new(keys.finish())))
    }
}
