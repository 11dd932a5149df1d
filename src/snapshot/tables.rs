//! The tables a snapshot is kept in: their names, columns and cells. No storage format is named here.

/// The kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// True or false.
    Flag,
    /// Microseconds since 1970 in UTC.
    Instant,
    /// A list of texts.
    Texts,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// No value.
    Null,
    /// UTF-8 text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// True or false.
    Flag(bool),
    /// Microseconds since 1970 in UTC.
    Instant(i64),
    /// A list of texts.
    Texts(Vec<String>),
}

impl Cell {
    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        if let Cell::Text(text) = self { Some(text) } else { None }
    }

    /// The instant, if this is one.
    pub fn instant(&self) -> Option<i64> {
        if let Cell::Instant(micros) = self {
            Some(*micros)
        } else {
            None
        }
    }

    /// The number, if this is one.
    pub fn int(&self) -> Option<i64> {
        if let Cell::Int(number) = self {
            Some(*number)
        } else {
            None
        }
    }

    /// The answer, if this is one.
    pub fn flag(&self) -> Option<bool> {
        if let Cell::Flag(flag) = self { Some(*flag) } else { None }
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Cell {
        text.map_or(Cell::Null, Cell::Text)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Cell {
        text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Cell {
        number.map_or(Cell::Null, Cell::Int)
    }
}

impl From<Option<bool>> for Cell {
    fn from(flag: Option<bool>) -> Cell {
        flag.map_or(Cell::Null, Cell::Flag)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Cell {
        Cell::Flag(flag)
    }
}

impl From<Vec<String>> for Cell {
    fn from(texts: Vec<String>) -> Cell {
        Cell::Texts(texts)
    }
}

/// An instant or nothing.
pub fn instant(micros: Option<i64>) -> Cell {
    micros.map_or(Cell::Null, Cell::Instant)
}

/// One row: a cell per column of its table.
pub type Row = Vec<Cell>;

/// A table as it is stored: without the snapshot's own columns, which the index of snapshots adds.
#[derive(Debug)]
pub struct Table {
    /// The name of the table that people query.
    pub name: &'static str,
    /// Columns in order. The first `key_columns` order the rows and name them within a snapshot.
    pub columns: &'static [(&'static str, Kind)],
    /// How many leading columns name a row.
    pub key_columns: usize,
    /// The column that holds the SHA-256 of a policy text, with the name the text gets when queried.
    pub text: Option<(&'static str, &'static str)>,
}

impl Table {
    /// The position of a column.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|(name, _)| *name == column)
    }

    /// The cell of a column in one of the table's rows.
    pub fn cell<'r>(&self, row: &'r Row, column: &str) -> &'r Cell {
        self.position(column).and_then(|at| row.get(at)).unwrap_or(&Cell::Null)
    }

    /// The text of a column in one of the table's rows.
    pub fn text_of<'r>(&self, row: &'r Row, column: &str) -> Option<&'r str> {
        self.cell(row, column).text()
    }
}

use Kind::{Flag, Instant, Int, Text, Texts};

/// Keys with the metadata of `describe-key` and their rotation; `raw` and `rotation` are the answers themselves.
pub static KMS_KEYS: Table = Table {
    name: "kms_keys",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("key_arn", Text),
        ("key_id", Text),
        ("key_manager", Text),
        ("key_state", Text),
        ("enabled", Flag),
        ("creation_date", Instant),
        ("deletion_date", Instant),
        ("pending_deletion_window_days", Int),
        ("description", Text),
        ("key_spec", Text),
        ("key_usage", Text),
        ("origin", Text),
        ("multi_region", Flag),
        ("multi_region_key_type", Text),
        ("primary_key_arn", Text),
        ("replica_key_arns", Texts),
        ("custom_key_store_id", Text),
        ("valid_to", Instant),
        ("expiration_model", Text),
        ("current_key_material_id", Text),
        ("rotation_enabled", Flag),
        ("rotation_period_days", Int),
        ("next_rotation_date", Instant),
        ("on_demand_rotation_start_date", Instant),
        ("last_rotation_date", Instant),
        ("rotations", Text),
        ("metadata_read", Flag),
        ("policies_read", Flag),
        ("grants_read", Flag),
        ("tags_read", Flag),
        ("unreadable", Texts),
        ("rotation_status", Text),
        ("raw", Text),
    ],
    key_columns: 4,
    text: None,
};

/// Answers of `get-key-last-usage`; stored apart from the keys because they change with every use.
pub static KMS_LAST_USAGE: Table = Table {
    name: "kms_last_usage",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("key_arn", Text),
        ("last_used_at", Instant),
        ("last_usage_operation", Text),
        ("last_usage_event_id", Text),
        ("last_usage_request_id", Text),
        ("tracking_start_date", Instant),
        ("last_usage", Text),
    ],
    key_columns: 3,
    text: None,
};

/// Key policies, one row per key and policy name.
pub static KMS_KEY_POLICIES: Table = Table {
    name: "kms_key_policies",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("key_arn", Text),
        ("policy_name", Text),
        ("key_id", Text),
        ("policy_sha256", Text),
        ("verbatim", Flag),
        ("error", Text),
    ],
    key_columns: 4,
    text: Some(("policy_sha256", "policy")),
};

/// Grants as `list-grants` shows them.
pub static KMS_GRANTS: Table = Table {
    name: "kms_grants",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("key_arn", Text),
        ("grant_id", Text),
        ("key_id", Text),
        ("name", Text),
        ("creation_date", Instant),
        ("grantee_principal", Text),
        ("retiring_principal", Text),
        ("issuing_account", Text),
        ("operations", Texts),
        ("constraints", Text),
        ("grantee_service_principal", Text),
        ("retiring_service_principal", Text),
        ("raw", Text),
    ],
    key_columns: 4,
    text: None,
};

/// Aliases; the predefined ones of AWS services may point at no key.
pub static KMS_ALIASES: Table = Table {
    name: "kms_aliases",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("alias_arn", Text),
        ("alias_name", Text),
        ("target_key_id", Text),
        ("target_key_arn", Text),
        ("creation_date", Instant),
        ("last_updated_date", Instant),
        ("raw", Text),
    ],
    key_columns: 4,
    text: None,
};

/// Tags of keys.
pub static KMS_TAGS: Table = Table {
    name: "kms_tags",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("key_arn", Text),
        ("tag_key", Text),
        ("key_id", Text),
        ("tag_value", Text),
    ],
    key_columns: 4,
    text: None,
};

/// Custom key stores.
pub static KMS_CUSTOM_KEY_STORES: Table = Table {
    name: "kms_custom_key_stores",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("custom_key_store_id", Text),
        ("custom_key_store_name", Text),
        ("connection_state", Text),
        ("custom_key_store_type", Text),
        ("creation_date", Instant),
        ("raw", Text),
    ],
    key_columns: 3,
    text: None,
};

/// Users, groups and roles; `trust_policy` is the text of a role's trust policy.
pub static IAM_PRINCIPALS: Table = Table {
    name: "iam_principals",
    columns: &[
        ("account_id", Text),
        ("principal_type", Text),
        ("principal_arn", Text),
        ("principal_id", Text),
        ("name", Text),
        ("path", Text),
        ("create_date", Instant),
        ("permissions_boundary_arn", Text),
        ("group_names", Texts),
        ("attached_policy_arns", Texts),
        ("inline_policy_names", Texts),
        ("tags", Text),
        ("trust_policy_sha256", Text),
        ("raw", Text),
    ],
    key_columns: 4,
    text: Some(("trust_policy_sha256", "trust_policy")),
};

/// When roles and console users were last active; stored apart because it changes with every use.
pub static IAM_LAST_USED: Table = Table {
    name: "iam_last_used",
    columns: &[
        ("account_id", Text),
        ("principal_arn", Text),
        ("last_used_at", Instant),
        ("last_used_region", Text),
        ("last_used", Text),
    ],
    key_columns: 2,
    text: None,
};

/// Policies of IAM: managed (one row per version), inline and trust policies.
pub static IAM_POLICIES: Table = Table {
    name: "iam_policies",
    columns: &[
        ("account_id", Text),
        ("policy_kind", Text),
        ("owner_arn", Text),
        ("policy_arn", Text),
        ("policy_name", Text),
        ("version_id", Text),
        ("owner_type", Text),
        ("policy_id", Text),
        ("is_default_version", Flag),
        ("create_date", Instant),
        ("document_sha256", Text),
        ("verbatim", Flag),
        ("error", Text),
        ("version", Text),
        ("raw", Text),
    ],
    key_columns: 6,
    text: Some(("document_sha256", "document")),
};

/// The organization itself, its roots and organizational units. `account_id` is the management account.
pub static ORG_UNITS: Table = Table {
    name: "org_units",
    columns: &[
        ("account_id", Text),
        ("unit_kind", Text),
        ("unit_id", Text),
        ("organization_id", Text),
        ("name", Text),
        ("parent_id", Text),
        ("raw", Text),
    ],
    key_columns: 3,
    text: None,
};

/// Accounts of the organization; `path` is the way from the root, without the account itself.
pub static ORG_ACCOUNTS: Table = Table {
    name: "org_accounts",
    columns: &[
        ("account_id", Text),
        ("organization_id", Text),
        ("management_account_id", Text),
        ("is_management", Flag),
        ("name", Text),
        ("state", Text),
        ("joined_at", Instant),
        ("path", Texts),
        ("raw", Text),
    ],
    key_columns: 1,
    text: None,
};

/// Service and resource control policies with what they are attached to. `account_id` is the management account.
pub static ORG_POLICIES: Table = Table {
    name: "org_policies",
    columns: &[
        ("account_id", Text),
        ("policy_id", Text),
        ("organization_id", Text),
        ("policy_arn", Text),
        ("policy_name", Text),
        ("policy_type", Text),
        ("aws_managed", Flag),
        ("targets", Texts),
        ("targets_read", Flag),
        ("content_sha256", Text),
        ("verbatim", Flag),
        ("error", Text),
        ("raw", Text),
    ],
    key_columns: 2,
    text: Some(("content_sha256", "content")),
};

/// Trails as set, with what their selectors mean for KMS. `account_id` and `region` are where the trail was read.
///
/// `delivers_kms_read` and `delivers_kms_write` are null where the selectors are unknown. A delivering trail covers
/// `region = home_region` only, unless `is_multi_region`, and its own account only, unless `is_organization_trail`.
pub static TRAILS: Table = Table {
    name: "trails",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("trail_arn", Text),
        ("name", Text),
        ("trail_account_id", Text),
        ("home_region", Text),
        ("s3_bucket_name", Text),
        ("s3_key_prefix", Text),
        ("is_multi_region", Flag),
        ("is_organization_trail", Flag),
        ("log_file_validation_enabled", Flag),
        ("kms_key_id", Text),
        ("is_logging", Flag),
        ("start_logging_time", Instant),
        ("stop_logging_time", Instant),
        ("latest_delivery_time", Instant),
        ("latest_delivery_error", Text),
        ("latest_digest_delivery_time", Instant),
        ("latest_digest_delivery_error", Text),
        ("selectors_known", Flag),
        ("delivers_kms_read", Flag),
        ("delivers_kms_write", Flag),
        ("event_selectors", Text),
        ("advanced_event_selectors", Text),
        ("raw", Text),
    ],
    key_columns: 3,
    text: None,
};

/// What was tried in each account and Region, and what failed: one row per service with `operation` null, and one
/// row per failed call. `state` is `complete`, `partial`, `failed` or `skipped`.
pub static SNAPSHOT_SCOPE: Table = Table {
    name: "snapshot_scope",
    columns: &[
        ("account_id", Text),
        ("region", Text),
        ("service", Text),
        ("operation", Text),
        ("resource", Text),
        ("state", Text),
        ("error_code", Text),
        ("error_message", Text),
        ("item_count", Int),
        ("organization_id", Text),
    ],
    key_columns: 5,
    text: None,
};

/// Every table, in the order of the list of the public contract, then the ones that only serve them.
pub static ALL: [&Table; 15] = [
    &KMS_KEYS,
    &KMS_KEY_POLICIES,
    &KMS_GRANTS,
    &KMS_ALIASES,
    &KMS_TAGS,
    &IAM_PRINCIPALS,
    &IAM_POLICIES,
    &ORG_ACCOUNTS,
    &ORG_POLICIES,
    &TRAILS,
    &SNAPSHOT_SCOPE,
    &KMS_LAST_USAGE,
    &KMS_CUSTOM_KEY_STORES,
    &IAM_LAST_USED,
    &ORG_UNITS,
];

/// A table by its name.
pub fn by_name(name: &str) -> Option<&'static Table> {
    ALL.iter().copied().find(|table| table.name == name)
}
