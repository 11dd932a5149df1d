//! What PostgreSQL's clients ask about the catalogue (`pg_catalog`, `version()`, `::regclass`), which they do in
//! PostgreSQL's own SQL. Only `psql`, drivers and dashboards speak it; people's queries are in Athena's dialect.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow::datatypes::DataType;
use datafusion::catalog::CatalogProvider;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::setup_pg_catalog;
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use super::{Error, Result, bounded, dialect};

static PARSER: LazyLock<PostgresCompatibilityParser> = LazyLock::new(PostgresCompatibilityParser::new);

/// Words that only a question about the catalogue has.
const WORDS: [&str; 25] = [
    "information_schema",
    "current_schema",
    "current_schemas",
    "current_database",
    "current_catalog",
    "current_setting",
    "current_user",
    "session_user",
    "version",
    "format_type",
    "has_table_privilege",
    "has_schema_privilege",
    "has_database_privilege",
    "has_any_column_privilege",
    "quote_ident",
    "obj_description",
    "col_description",
    "shobj_description",
    "regclass",
    "regtype",
    "regproc",
    "set_config",
    "pg_is_in_recovery",
    "txid_current",
    "inet_server_addr",
];

/// Whether a statement asks about the catalogue and not about the lake.
pub fn is_of_catalogue(sql: &str) -> bool {
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else {
        return false;
    };
    let mut has_from = false;
    let mut is_of_it = false;
    for token in &tokens {
        if let Token::Word(word) = token {
            let word = word.value.to_ascii_lowercase();
            has_from |= word == "from";
            is_of_it |= word.starts_with("pg_") || WORDS.contains(&word.as_str());
        }
    }
    is_of_it || !has_from
}

/// Reads the one statement of a text in PostgreSQL's SQL, rewritten to what can be planned.
///
/// # Errors
/// The text is not one statement.
pub(super) fn parse(sql: &str) -> Result<Statement> {
    dialect::bound(sql, &PostgreSqlDialect {})?;
    let mut statements = PARSER.parse(sql).map_err(|error| Error::Sql(error.to_string()))?;
    match (statements.pop(), statements.len()) {
        (Some(statement), 0) => Ok(Statement::Statement(Box::new(statement))),
        (Some(_), _) => Err(Error::Sql("there is more than one statement".to_owned())),
        (None, _) => Err(Error::Sql("there is no statement".to_owned())),
    }
}

/// A context that answers such questions about a catalog.
///
/// # Errors
/// The catalogue's tables cannot be made.
pub(super) fn context(
    mut state: SessionState,
    name: &str,
    catalog: Arc<dyn CatalogProvider>,
) -> Result<SessionContext> {
    bounded::register(&mut state)?;
    let context = SessionContext::new_with_state(state);
    context.register_catalog(name, catalog);
    setup_pg_catalog(&context, name, EmptyContextProvider).map_err(|error: Box<DataFusionError>| *error)?;
    for function in FIXED.iter() {
        context.register_udf(ScalarUDF::from(function.clone()));
    }
    Ok(context)
}

/// The version of PostgreSQL whose catalogue is shown.
const VERSION: &str = "16.6";

/// Functions of the catalogue that answer the same for everything there is here.
static FIXED: LazyLock<Vec<Fixed>> = LazyLock::new(|| {
    let text = |name, answer: fn(Option<&str>) -> Option<String>| Fixed::new(name, DataType::Utf8, answer);
    let mut all = vec![
        text("version", |_| {
            Some(format!("PostgreSQL {VERSION} (keytrail {})", env!("CARGO_PKG_VERSION")))
        }),
        text("current_setting", |name| setting(name?)),
        Fixed::new("pg_is_in_recovery", DataType::Boolean, |_| Some("false".to_owned())),
        Fixed::new("pg_function_is_visible", DataType::Boolean, |_| Some("true".to_owned())),
        Fixed::new("pg_type_is_visible", DataType::Boolean, |_| Some("true".to_owned())),
        Fixed::new("has_column_privilege", DataType::Boolean, |_| Some("true".to_owned())),
        Fixed::new("has_function_privilege", DataType::Boolean, |_| Some("true".to_owned())),
    ];
    let nothing = [
        "obj_description",
        "col_description",
        "shobj_description",
        "pg_get_viewdef",
        "pg_get_indexdef",
        "pg_get_triggerdef",
        "pg_get_ruledef",
        "pg_get_functiondef",
        "pg_get_function_arguments",
        "pg_get_function_identity_arguments",
        "pg_get_function_result",
        "pg_get_serial_sequence",
        "inet_server_addr",
        "inet_client_addr",
    ];
    all.extend(nothing.map(|name| text(name, |_| None)));
    all
});

fn setting(name: &str) -> Option<String> {
    let value = match name.to_ascii_lowercase().as_str() {
        "server_version" => VERSION,
        "server_version_num" => "160006",
        "search_path" => "public",
        "timezone" => "UTC",
        "client_encoding" | "server_encoding" => "UTF8",
        "default_transaction_read_only" | "transaction_read_only" | "standard_conforming_strings" => "on",
        "is_superuser" => "off",
        "max_identifier_length" => "63",
        "max_index_keys" => "32",
        "lc_collate" | "lc_ctype" => "C.UTF-8",
        _ => return None,
    };
    Some(value.to_owned())
}

/// A function whose answer hangs on the text of its first argument at most.
#[derive(Debug, Clone)]
struct Fixed {
    name: &'static str,
    kind: DataType,
    answer: fn(Option<&str>) -> Option<String>,
    signature: Signature,
}

impl Fixed {
    fn new(name: &'static str, kind: DataType, answer: fn(Option<&str>) -> Option<String>) -> Fixed {
        Fixed {
            name,
            kind,
            answer,
            signature: Signature::one_of(
                vec![TypeSignature::Nullary, TypeSignature::VariadicAny],
                Volatility::Stable,
            ),
        }
    }
}

impl PartialEq for Fixed {
    fn eq(&self, other: &Fixed) -> bool {
        self.name == other.name
    }
}

impl Eq for Fixed {}

impl Hash for Fixed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Fixed {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.kind.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::error::Result<ColumnarValue> {
        let first = match arguments.args.first() {
            Some(ColumnarValue::Scalar(value)) => value.try_as_str().flatten(),
            _ => None,
        };
        let answer = ScalarValue::Utf8((self.answer)(first));
        Ok(ColumnarValue::Scalar(answer.cast_to(&self.kind)?))
    }
}
