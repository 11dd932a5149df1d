//! The ordinary days: workloads that use their keys, and everything else an account logs beside them.
//!
//! Activity comes in short bursts, so that a hundred days fit into few objects.

use super::burst::Burst;
use super::caller::service;
use super::cast::*;
use super::event::Event;
use super::scene::Scene;
use crate::generator::instant::{self, DAY};
use crate::generator::rng::Rng;
use crate::generator::story;
use serde_json::{Value, json};

/// The user agent of workloads written in Java.
const JAVA: &str = "aws-sdk-java/2.31.9 Linux/6.1.141-155.222.amzn2023.x86_64 OpenJDK_64-Bit_Server_VM/21.0.8+9-LTS Java/21.0.8 exec-env/AWS_ECS_EC2 io/sync http/Apache cfg/retry-mode/standard";

/// The user agent of workloads written in Python.
const PYTHON: &str = "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#6.1.141-155.222.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.11 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 cfg/retry-mode#legacy";

/// Plays every ordinary day.
pub fn play(scene: &mut Scene) {
    let last = story::as_of() / DAY * DAY;
    for n in 0..=100 {
        let midnight = story::begins() + n * DAY;
        // The last day is short: the snapshot is taken at six in the morning.
        let slot = |rng: &mut Rng, from: i64, to: i64| {
            midnight
                + if midnight == last {
                    5 * 3600 + 600
                } else {
                    rng.range(from * 12, to * 12) * 300
                }
        };
        let mut burst = |account: &'static str, region: &'static str, from: i64, to: i64, fill: fn(&mut Burst, i64)| {
            let mut rng = Rng::named(&format!("burst {account} {region} {n} {from}"));
            let now = slot(&mut rng, from, to) + rng.range(3, 15);
            fill(
                &mut Burst {
                    scene,
                    rng,
                    account,
                    region,
                    now,
                },
                n,
            );
        };
        burst(PAY, US, 8, 16, payments_day);
        if midnight != last {
            burst(PAY, US, 17, 23, payments_evening);
        }
        if n % 2 == 0 {
            burst(PAY, EU, 9, 18, payments_europe);
        }
        burst(DATA, US, 8, 20, analytics_day);
        if n % 3 == 1 {
            burst(DATA, EU, 9, 18, analytics_europe);
        }
    }
}

fn payments_day(b: &mut Burst, n: i64) {
    let orders = b.direct(&ORDERS_API, "ec2.amazonaws.com", JAVA);
    b.instance_report(&ORDERS_API);
    let table = json!({"service": "orders", "table": "orders-2026"});
    b.crypto(
        "GenerateDataKey",
        &ORDERS,
        &orders,
        "alias/payments-orders",
        table.clone(),
    );
    for _ in 0..b.rng.range(1, 4) {
        b.crypto("Decrypt", &ORDERS, &orders, "", table.clone());
    }
    // The ledger names its key by alias; which key that is changes on the third of August.
    let ledger = b.direct(&LEDGER_WORKER, "ecs-tasks.amazonaws.com", JAVA);
    let key = if b.now < super::changes::alias_swap() {
        &LEDGER_2025
    } else {
        &LEDGER_2026
    };
    b.crypto(
        "GenerateDataKey",
        key,
        &ledger,
        "alias/payments-ledger",
        json!({"ledger": "general"}),
    );
    if n % 4 == 0 && n < 75 {
        b.crypto("Decrypt", &LEDGER_2025, &ledger, "", json!({"ledger": "general"}));
    }
    let session = b.direct(&SESSION_SERVICE, "ecs-tasks.amazonaws.com", JAVA);
    let (encrypts, by_arn) = (b.rng.chance(0.5), b.rng.chance(0.3));
    let key_ref = if by_arn { SESSIONS.arn() } else { SESSIONS.id() };
    b.crypto(
        if encrypts { "Encrypt" } else { "Decrypt" },
        &SESSIONS,
        &session,
        &key_ref,
        Value::Null,
    );
    b.trail_housekeeping();
    let trail = service("cloudtrail.amazonaws.com");
    let day = instant::path(b.now);
    b.crypto(
        "GenerateDataKey",
        &TRAIL_LOGS,
        &trail,
        &TRAIL_LOGS.arn(),
        json!({
            "aws:cloudtrail:arn": format!("arn:aws:cloudtrail:{US}:{PAY}:trail/payments-trail"),
            "aws:s3:arn": format!("arn:aws:s3:::{BUCKET}/AWSLogs/{PAY}/CloudTrail/{US}/{day}"),
        }),
    );
    if n % 7 == 2 {
        let pipeline = b.direct(&RELEASE_PIPELINE, "codebuild.amazonaws.com", PYTHON);
        b.crypto("Sign", &CODE_SIGNING, &pipeline, "alias/code-signing", Value::Null);
        b.crypto("Verify", &CODE_SIGNING, &pipeline, "alias/code-signing", Value::Null);
    }
    let noisy = b.direct(&BACKUP_JOB, "lambda.amazonaws.com", PYTHON);
    let calls = b.rng.range(2, 6);
    b.noise(&noisy, calls);
}

fn payments_evening(b: &mut Burst, n: i64) {
    b.instance_report(&ORDERS_API);
    b.parameter(
        &ORDERS_API,
        "ec2.amazonaws.com",
        JAVA,
        "/orders/feature-toggles",
        &PAY_SSM,
    );
    if n % 2 == 1 {
        b.secret(
            &LEDGER_WORKER,
            "ecs-tasks.amazonaws.com",
            JAVA,
            "ledger/database",
            &PAY_SECRETS,
        );
    }
    if n % 3 == 0 {
        let session = b.workload(&BACKUP_JOB, "lambda.amazonaws.com");
        let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-backups"});
        b.crypto(
            "GenerateDataKey",
            &PAY_S3,
            &session.via("AWS Internal"),
            "alias/aws/s3",
            context,
        );
    }
    if n % 5 == 0 {
        let session = b.workload(&SETTLEMENT_BATCH, "ecs-tasks.amazonaws.com");
        let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-shared-exports"});
        b.crypto(
            "GenerateDataKey",
            &SHARED_EXPORTS,
            &session.via("AWS Internal"),
            &SHARED_EXPORTS.arn(),
            context,
        );
    }
    if b.rng.chance(0.3) {
        let orders = b.direct(&ORDERS_API, "ec2.amazonaws.com", JAVA);
        b.crypto(
            "Decrypt",
            &ORDERS,
            &orders,
            "",
            json!({"service": "orders", "table": "orders-2026"}),
        );
    }
    let noisy = b.direct(&BACKUP_JOB, "lambda.amazonaws.com", PYTHON);
    let calls = b.rng.range(2, 6);
    b.noise(&noisy, calls);
}

fn payments_europe(b: &mut Burst, n: i64) {
    let documents = b.workload(&DOCUMENT_SERVICE, "ecs-tasks.amazonaws.com");
    let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-documents"});
    let op = if b.rng.chance(0.4) {
        "GenerateDataKey"
    } else {
        "Decrypt"
    };
    b.crypto(
        op,
        &DOCUMENTS_EU,
        &documents.via("AWS Internal"),
        &DOCUMENTS_EU.arn(),
        context,
    );
    if n % 4 == 0 {
        let direct = b.direct(&DOCUMENT_SERVICE, "ecs-tasks.amazonaws.com", JAVA);
        b.crypto("Decrypt", &DOCUMENTS_EU, &direct, "", json!({"tenant": "example"}));
    }
    let noisy = b.direct(&DOCUMENT_SERVICE, "ecs-tasks.amazonaws.com", JAVA);
    let calls = b.rng.range(2, 5);
    b.noise(&noisy, calls);
}

fn analytics_day(b: &mut Burst, n: i64) {
    let etl = b.workload(&WAREHOUSE_ETL, "glue.amazonaws.com");
    let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-warehouse"});
    for _ in 0..b.rng.range(1, 4) {
        let op = if b.rng.chance(0.5) {
            "GenerateDataKey"
        } else {
            "Decrypt"
        };
        b.crypto(
            op,
            &WAREHOUSE,
            &etl.via("AWS Internal"),
            &WAREHOUSE.arn(),
            context.clone(),
        );
    }
    let direct = b.direct(&WAREHOUSE_ETL, "glue.amazonaws.com", PYTHON);
    b.crypto("GenerateMac", &TOKENS_HMAC, &direct, "alias/tokens-hmac", Value::Null);
    if n % 3 == 0 {
        b.crypto("VerifyMac", &TOKENS_HMAC, &direct, "alias/tokens-hmac", Value::Null);
    }
    if n % 6 == 0 {
        let session = b.workload(&REPORT_READER, "lambda.amazonaws.com");
        let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-scratch"});
        b.crypto("Decrypt", &DATA_S3, &session.via("AWS Internal"), "", context);
    }
    if n % 7 == 3 {
        read_abroad(b);
    }
    b.trail_housekeeping();
    b.instance_report(&NOTEBOOK_USER);
    let calls = b.rng.range(3, 7);
    b.noise(&direct, calls);
}

/// The analytics account reads an export under a key of the payments account: one action, a record in each log.
fn read_abroad(b: &mut Burst) {
    let session = b.workload(&REPORT_READER, "lambda.amazonaws.com");
    let who = session.from("198.51.100.41", PYTHON);
    let t = b.tick();
    let shared = b.rng.uuid();
    let owner = Event::new(t, PAY, US, ("kms", "Decrypt"), &session.abroad(&who), &mut b.rng)
        .request(json!({"encryptionAlgorithm": "SYMMETRIC_DEFAULT", "encryptionContext": {"export": "daily"}}))
        .on(&SHARED_EXPORTS)
        .shared(&shared);
    let caller = owner.copy_for(DATA, &who, &mut b.rng);
    b.scene.play(owner, &[&SHARED_EXPORTS]);
    b.scene.tell(caller);
}

fn analytics_europe(b: &mut Burst, _: i64) {
    let etl = b.workload(&WAREHOUSE_ETL, "glue.amazonaws.com");
    let context = json!({"aws:s3:arn": "arn:aws:s3:::amzn-s3-demo-warehouse-eu"});
    b.crypto(
        "GenerateDataKey",
        &WAREHOUSE_EU,
        &etl.via("AWS Internal"),
        "alias/warehouse-eu",
        context.clone(),
    );
    b.crypto("Decrypt", &WAREHOUSE_EU, &etl.via("AWS Internal"), "", context);
    let noisy = b.direct(&WAREHOUSE_ETL, "glue.amazonaws.com", PYTHON);
    let calls = b.rng.range(1, 4);
    b.noise(&noisy, calls);
}
