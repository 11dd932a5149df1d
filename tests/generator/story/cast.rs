//! Who and what the story is about: accounts, Regions, principals and keys of the sample organization.
//!
//! Account ids, names, addresses and domains are those AWS and the RFCs 2606, 5737 reserve for documentation.

use crate::generator::rng::Rng;

/// Payments: a workload account.
pub const PAY: &str = "111122223333";
/// Analytics: a workload account, whose trail stops for a day.
pub const DATA: &str = "444455556666";
/// The management account of the organization; it has no trail.
pub const ORG: &str = "123456789012";
/// A vendor, outside the organization.
pub const VENDOR: &str = "999999999999";
/// The home Region of both trails.
pub const US: &str = "us-east-1";
/// The other Region in use.
pub const EU: &str = "eu-west-1";
/// The bucket both trails deliver to.
pub const BUCKET: &str = "amzn-s3-demo-central-logs";

/// An IAM role.
#[derive(Debug, PartialEq, Eq)]
pub struct Role {
    /// The account that owns it.
    pub account: &'static str,
    /// Its path, with both slashes.
    pub path: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The distinguishing part of its unique id.
    pub tag: &'static str,
    /// When it was created.
    pub created: &'static str,
}

impl Role {
    /// Its unique id, which a role of the same name created later does not share.
    pub fn id(&self) -> String {
        format!("AROA{:A<10}EXAMPLE", self.tag)
    }

    /// Its ARN, with the path.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.name)
    }
}

macro_rules! roles {
    ($($constant:ident: $account:ident $path:literal $name:literal $tag:literal $created:literal;)*) => {
        $(#[doc = concat!("`", $name, "`.")]
        pub static $constant: Role = Role { account: $account, path: $path, name: $name, tag: $tag, created: $created };)*
        /// Every role there ever was, the deleted one included.
        pub static ROLES: &[&Role] = &[$(&$constant),*];
    };
}

roles! {
    ORDERS_API: PAY "/service/" "orders-api" "ORDERSAPI" "2024-02-12T09:00:00Z";
    LEDGER_WORKER: PAY "/service/" "ledger-worker" "LEDGERWRK" "2024-02-12T09:05:00Z";
    SETTLEMENT_BATCH: PAY "/service/" "settlement-batch" "SETTLEMENT" "2024-05-02T10:00:00Z";
    SESSION_SERVICE: PAY "/service/" "session-service" "SESSIONSVC" "2024-02-12T09:10:00Z";
    DOCUMENT_SERVICE: PAY "/service/" "document-service" "DOCUMENTS" "2024-03-01T09:00:00Z";
    RELEASE_PIPELINE: PAY "/" "release-pipeline" "RELEASE" "2024-03-11T08:00:00Z";
    BACKUP_JOB: PAY "/service/" "backup-job" "BACKUPJOB" "2023-09-04T07:30:00Z";
    HR_EXPORT: PAY "/service/" "hr-export" "HREXPORT" "2023-06-19T12:00:00Z";
    REPORT_INTERN: PAY "/" "report-intern" "INTERN" "2026-06-01T08:00:00Z";
    KEY_ADMIN: PAY "/security/" "KeyAdmin" "KEYADMIN" "2023-01-16T09:00:00Z";
    KEY_MAINTENANCE: PAY "/security/" "KeyMaintenance" "KEYMAINT" "2025-03-03T09:00:00Z";
    KEY_CUSTODIAN_OLD: PAY "/" "KeyCustodian" "CUSTODIAN1" "2023-04-03T09:00:00Z";
    KEY_CUSTODIAN: PAY "/" "KeyCustodian" "CUSTODIAN2" "2026-08-10T13:04:41Z";
    PAY_SECURITY: PAY "/aws-reserved/sso.amazonaws.com/" "AWSReservedSSO_SecurityAdmin_0123456789abcdef" "SSOSECPAY" "2024-01-08T08:00:00Z";
    PAY_COLLECTOR: PAY "/" "KeytrailCollector" "COLLECTPAY" "2026-06-15T08:00:00Z";
    WAREHOUSE_ETL: DATA "/service/" "warehouse-etl" "WAREHOUSE" "2024-04-15T09:00:00Z";
    REPORT_READER: DATA "/service/" "report-reader" "REPORTREAD" "2024-04-15T09:05:00Z";
    NOTEBOOK_USER: DATA "/" "notebook-user" "NOTEBOOK" "2024-06-03T09:00:00Z";
    BUILD_AUTOMATION: DATA "/" "BuildAutomation" "BUILDAUTO" "2024-07-01T09:00:00Z";
    TRAIL_ADMIN: DATA "/security/" "TrailAdmin" "TRAILADMIN" "2023-01-16T09:00:00Z";
    DATA_PLATFORM: DATA "/aws-reserved/sso.amazonaws.com/" "AWSReservedSSO_PlatformEngineer_fedcba9876543210" "SSOPLATFRM" "2024-01-08T08:00:00Z";
    DATA_SECURITY: DATA "/aws-reserved/sso.amazonaws.com/" "AWSReservedSSO_SecurityAdmin_0011223344556677" "SSOSECDATA" "2024-01-08T08:00:00Z";
    DATA_COLLECTOR: DATA "/" "KeytrailCollector" "COLLECTDAT" "2026-06-15T08:00:00Z";
    ORG_ADMIN: ORG "/aws-reserved/sso.amazonaws.com/" "AWSReservedSSO_OrgAdmin_8899aabbccddeeff" "SSOORGADM" "2024-01-08T08:00:00Z";
    ORG_COLLECTOR: ORG "/" "KeytrailCollector" "COLLECTORG" "2026-06-15T08:00:00Z";
}

/// The IAM user kept for emergencies in the payments account.
pub const BREAK_GLASS: &str = "break-glass";

/// The ARN of [`BREAK_GLASS`].
pub fn break_glass_arn() -> String {
    format!("arn:aws:iam::{PAY}:user/{BREAK_GLASS}")
}

/// A KMS key.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// The name the story gives it; also its alias, unless `alias` says otherwise.
    pub name: &'static str,
    /// The account that owns it.
    pub account: &'static str,
    /// Its Region.
    pub region: &'static str,
    /// When it was created.
    pub created: &'static str,
    /// `KeySpec`.
    pub spec: &'static str,
    /// `KeyUsage`.
    pub usage: &'static str,
    /// `Enabled`, `Disabled`, `PendingDeletion`, `PendingImport`, or `gone` when the log's end finds it deleted.
    pub state: &'static str,
    /// Days between automatic rotations; 0 for none.
    pub rotation: u32,
    /// Value of the tag `owner`; empty for AWS managed keys.
    pub owner: &'static str,
    /// What it protects.
    pub description: &'static str,
}

impl Key {
    /// True for the two halves of the multi-Region key.
    pub fn multi_region(&self) -> bool {
        self.name.starts_with("sessions")
    }

    /// True for `aws/...` keys.
    pub fn aws_managed(&self) -> bool {
        self.name.starts_with("aws/")
    }

    /// The key id; related multi-Region keys share it.
    pub fn id(&self) -> String {
        if self.multi_region() {
            return format!("mrk-{}", Rng::named("key sessions").hex(32));
        }
        Rng::named(&format!("key {} {} {}", self.account, self.region, self.name)).uuid()
    }

    /// The key ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id())
    }

    /// `alias/...`, as callers write it; none when nothing points to the key at the end.
    pub fn alias(&self) -> Option<String> {
        match self.name {
            "ledger-2025" | "legacy-tokens" | "partner-import" => None,
            "ledger-2026" => Some("alias/payments-ledger".to_owned()),
            "sessions-replica" => Some("alias/sessions".to_owned()),
            name => Some(format!("alias/{name}")),
        }
    }

    /// The ARN of an alias in the key's account and Region.
    pub fn alias_arn(&self, alias: &str) -> String {
        format!("arn:aws:kms:{}:{}:{alias}", self.region, self.account)
    }
}

macro_rules! keys {
    ($($constant:ident: $account:ident $region:ident $name:literal $created:literal $spec:literal $usage:literal $state:literal
        $rotation:literal $owner:literal $description:literal;)*) => {
        $(#[doc = concat!("`", $name, "`: ", $description, ".")]
        pub static $constant: Key = Key {
            name: $name, account: $account, region: $region, created: $created, spec: $spec, usage: $usage, state: $state,
            rotation: $rotation, owner: $owner, description: $description,
        };)*
        /// Every key of the story, the deleted one included.
        pub static KEYS: &[&Key] = &[$(&$constant),*];
    };
}

keys! {
    ORDERS: PAY US "payments-orders" "2024-02-12T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "payments" "Order records";
    LEDGER_2025: PAY US "ledger-2025" "2025-01-07T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "payments" "Ledger entries up to July 2026";
    LEDGER_2026: PAY US "ledger-2026" "2026-08-03T09:02:11Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "payments" "Ledger entries since August 2026";
    SHARED_EXPORTS: PAY US "shared-exports" "2024-09-02T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "payments" "Exports read by the analytics account";
    TRAIL_LOGS: PAY US "trail-logs" "2023-01-16T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "security" "CloudTrail log objects";
    SESSIONS: PAY US "sessions" "2025-11-04T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "identity" "Session tokens, primary";
    SESSIONS_REPLICA: PAY EU "sessions-replica" "2026-07-05T10:12:40Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "identity" "Session tokens, replica";
    CODE_SIGNING: PAY US "code-signing" "2024-03-11T10:00:00Z" "RSA_2048" "SIGN_VERIFY" "Enabled" 0 "release" "Release artifacts";
    DOCUMENTS_EU: PAY EU "documents-eu" "2024-03-01T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "documents" "Customer documents";
    HR_ARCHIVE: PAY US "hr-archive" "2023-06-19T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "people" "Personnel archive";
    EBS_DATA: PAY US "ebs-data" "2024-01-22T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "platform" "EBS volumes";
    FEATURE_FLAGS: PAY US "feature-flags" "2023-10-10T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "web" "Feature flag snapshots";
    VENDOR_EXCHANGE: PAY US "vendor-exchange" "2024-11-18T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "partners" "Files exchanged with a vendor";
    REPORTS_2024: PAY US "reports-2024" "2024-01-09T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Disabled" 0 "finance" "Yearly reports of 2024";
    LOYALTY_PILOT: PAY US "loyalty-pilot" "2026-09-22T14:20:05Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "marketing" "Loyalty pilot";
    OLD_BACKUP: PAY US "old-backup" "2022-12-05T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "PendingDeletion" 0 "platform" "Backups of the first platform";
    PARTNER_IMPORT: PAY US "partner-import" "2026-03-17T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "PendingImport" 0 "partners" "Waiting for imported key material";
    LEGACY_TOKENS: PAY US "legacy-tokens" "2022-03-21T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "gone" 0 "identity" "Tokens of the first platform";
    PAY_S3: PAY US "aws/s3" "2022-03-01T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "" "Default key that protects my S3 objects when no other key is defined";
    PAY_SSM: PAY US "aws/ssm" "2022-03-01T10:05:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "" "Default key that protects my SSM parameters when no other key is defined";
    PAY_SECRETS: PAY US "aws/secretsmanager" "2022-03-01T10:06:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "" "Default key that protects my Secrets Manager data when no other key is defined";
    WAREHOUSE: DATA US "warehouse" "2024-04-15T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "analytics" "Warehouse tables";
    WAREHOUSE_EU: DATA EU "warehouse-eu" "2024-08-20T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "analytics" "Warehouse tables, Europe";
    TOKENS_HMAC: DATA US "tokens-hmac" "2025-02-11T10:00:00Z" "HMAC_256" "GENERATE_VERIFY_MAC" "Enabled" 0 "analytics" "Message authentication of tokens";
    TABLES: DATA US "tables" "2025-06-02T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "analytics" "DynamoDB tables";
    QUARTERLY_CLOSE: DATA US "quarterly-close" "2024-12-16T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "finance" "Quarterly closing figures";
    LEGACY_ARCHIVE: DATA US "legacy-archive" "2023-02-06T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "analytics" "Archive of the first warehouse";
    SANDBOX: DATA US "sandbox" "2025-09-15T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "analytics" "Experiments";
    LAB_NOTEBOOK: DATA EU "lab-notebook" "2026-09-30T11:41:19Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "research" "Lab notebooks";
    DATA_S3: DATA US "aws/s3" "2022-05-01T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "" "Default key that protects my S3 objects when no other key is defined";
    ORG_ARTIFACTS: ORG US "org-artifacts" "2023-01-10T10:00:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 365 "platform" "Shared build artifacts";
    ORG_RECOVERY: ORG US "org-recovery" "2023-01-10T10:05:00Z" "SYMMETRIC_DEFAULT" "ENCRYPT_DECRYPT" "Enabled" 0 "security" "Recovery media";
}
