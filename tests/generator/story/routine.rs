//! The ordinary days: workloads that use their keys, and everything else an account logs beside them.
//!
//! Activity comes in short bursts, so that a hundred days fit into few objects.

use super::caller::{Caller, Session, service};
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
/// The user agent of the systems manager agent.
const AGENT: &str = "aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.2299.0";

/// Five minutes of one account in one Region.
struct Burst<'a> {
    scene: &'a mut Scene,
    rng: Rng,
    account: &'static str,
    region: &'static str,
    now: i64,
}

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

impl Burst<'_> {
    fn tick(&mut self) -> i64 {
        self.now += self.rng.range(1, 13);
        self.now
    }

    fn workload(&mut self, role: &'static Role, by: &'static str) -> Session {
        let t = self.tick();
        self.scene.workload(role, t, by, self.region)
    }

    fn direct(&mut self, role: &'static Role, by: &'static str, agent: &str) -> Caller {
        // One address for each role and Region.
        let host = Rng::named(&format!("address {} {}", role.name, self.region)).range(10, 90);
        self.workload(role, by).from(&format!("198.51.100.{host}"), agent)
    }

    fn tell(&mut self, call: (&'static str, &'static str), who: &Caller, shape: impl FnOnce(Event, &mut Rng) -> Event) {
        let t = self.tick();
        let event = Event::new(t, self.account, self.region, call, who, &mut self.rng);
        let event = shape(event, &mut self.rng);
        self.scene.tell(event);
    }

    fn crypto(&mut self, op: &'static str, key: &'static Key, who: &Caller, key_ref: &str, context: Value) {
        let t = self.tick();
        self.scene.crypto(t, op, key, who, key_ref, context);
    }

    /// A parameter read with decryption: the call, and what Systems Manager then asks of KMS.
    fn parameter(&mut self, role: &'static Role, by: &'static str, agent: &str, name: &str, key: &'static Key) {
        let arn = format!("arn:aws:ssm:{}:{}:parameter{name}", self.region, self.account);
        let (who, account) = (self.direct(role, by, agent), self.account);
        self.tell(("ssm", "GetParameter"), &who, |event, _| {
            let event = event.request(json!({"name": name, "withDecryption": true}));
            event.resource(&arn, account, "AWS::SSM::Parameter")
        });
        let session = self.workload(role, by);
        self.crypto(
            "Decrypt",
            key,
            &session.via("AWS Internal"),
            "",
            json!({"PARAMETER_ARN": arn}),
        );
    }

    /// A secret read: the call, and what Secrets Manager then asks of KMS.
    fn secret(&mut self, role: &'static Role, by: &'static str, agent: &str, name: &str, key: &'static Key) {
        let mut fixed = Rng::named(name);
        let arn = format!(
            "arn:aws:secretsmanager:{}:{}:secret:{name}-{}",
            self.region,
            self.account,
            fixed.hex(6)
        );
        let version = fixed.uuid();
        let who = self.direct(role, by, agent);
        self.tell(("secretsmanager", "GetSecretValue"), &who, |event, _| {
            event.request(json!({"secretId": arn}))
        });
        let session = self.workload(role, by);
        let context = json!({"SecretARN": arn, "SecretVersionId": version});
        self.crypto(
            "Decrypt",
            key,
            &session.via("secretsmanager.amazonaws.com"),
            "",
            context,
        );
    }

    /// CloudTrail looks whether it may still write to its bucket, and asks for a key to encrypt its log with.
    fn trail_housekeeping(&mut self) {
        let who = service("cloudtrail.amazonaws.com");
        self.tell(("s3", "GetBucketAcl"), &who, |event, rng| {
            let host = format!("{BUCKET}.s3.{US}.amazonaws.com");
            event
                .request(json!({"bucketName": BUCKET, "Host": host, "acl": ""}))
                .additional(
                    json!({"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256",
                    "bytesTransferredIn": 0, "AuthenticationMethod": "AuthHeader", "bytesTransferredOut": 480}),
                )
                .resource(&format!("arn:aws:s3:::{BUCKET}"), ORG, "AWS::S3::Bucket")
                .shared(&rng.uuid())
        });
    }

    fn instance_report(&mut self, role: &'static Role) {
        let zone = format!("{}a", self.region);
        let session = self.workload(role, "ec2.amazonaws.com");
        let host = Rng::named(&format!("address {} {}", role.name, self.region)).range(10, 90);
        let who = session.from(&format!("198.51.100.{host}"), AGENT);
        self.tell(("ssm", "UpdateInstanceInformation"), &who, |event, _| {
            event
                .mutating()
                .request(json!({"instanceId": session.name, "agentVersion": "3.3.2299.0",
                "agentStatus": "Active", "platformType": "Linux", "platformName": "Amazon Linux",
                "platformVersion": "2023", "iPAddress": format!("192.0.2.{host}"),
                "computerName": format!("host-{host}.internal.example.com"), "agentName": "amazon-ssm-agent",
                "availabilityZone": zone}))
        });
    }

    /// Calls that have nothing to do with keys.
    fn noise(&mut self, who: &Caller, calls: i64) {
        for _ in 0..calls {
            // IAM logs in its home Region only; the last two entries are its.
            let here = if self.region == US {
                NOISE.len()
            } else {
                NOISE.len() - 2
            };
            let (service, name, request) = self.rng.pick(&NOISE[..here]).to_owned();
            let request = serde_json::from_str(request).unwrap_or(Value::Null);
            let throttled = service == "ec2" && self.rng.chance(0.04);
            let missing = service == "s3" && name == "GetBucketPolicy";
            self.tell((service, name), who, |event, _| {
                let event = event.request(request);
                if throttled {
                    event.fails("Client.RequestLimitExceeded", "Request limit exceeded.")
                } else if missing {
                    event.fails("NoSuchBucketPolicy", "The bucket policy does not exist")
                } else {
                    event
                }
            });
        }
    }
}

/// Every twentieth of these is refused for coming too fast; a bucket without a policy says so.
const NOISE: [(&str, &str, &str); 24] = [
    (
        "ec2",
        "DescribeInstances",
        r#"{"maxResults":1000,"instancesSet":{},"filterSet":{}}"#,
    ),
    (
        "ec2",
        "DescribeInstanceStatus",
        r#"{"instancesSet":{},"filterSet":{},"includeAllInstances":false}"#,
    ),
    ("ec2", "DescribeVolumes", r#"{"volumeSet":{},"filterSet":{}}"#),
    ("ec2", "DescribeRouteTables", r#"{"routeTableIdSet":{},"filterSet":{}}"#),
    (
        "ec2",
        "DescribeSecurityGroups",
        r#"{"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{}}"#,
    ),
    ("ec2", "DescribeSubnets", r#"{"subnetSet":{},"filterSet":{}}"#),
    (
        "ec2",
        "DescribeNetworkInterfaces",
        r#"{"networkInterfaceIdSet":{},"filterSet":{}}"#,
    ),
    ("rds", "DescribeDBInstances", r#"{}"#),
    ("s3", "ListBuckets", r#"{"Host":"s3.amazonaws.com"}"#),
    (
        "s3",
        "GetBucketLocation",
        r#"{"bucketName":"amzn-s3-demo-documents","location":""}"#,
    ),
    (
        "s3",
        "GetBucketVersioning",
        r#"{"bucketName":"amzn-s3-demo-documents","versioning":""}"#,
    ),
    (
        "s3",
        "GetBucketPolicy",
        r#"{"bucketName":"amzn-s3-demo-scratch","policy":""}"#,
    ),
    ("sts", "GetCallerIdentity", "null"),
    ("ssm", "DescribeParameters", r#"{"maxResults":50}"#),
    ("ssm", "DescribeInstanceInformation", r#"{"maxResults":50}"#),
    ("secretsmanager", "ListSecrets", r#"{"maxResults":100}"#),
    ("lambda", "ListFunctions20150331", r#"{"maxItems":50}"#),
    ("monitoring", "DescribeAlarms", r#"{"maxRecords":100}"#),
    ("elasticloadbalancing", "DescribeLoadBalancers", r#"{"pageSize":400}"#),
    ("autoscaling", "DescribeAutoScalingGroups", r#"{"maxRecords":100}"#),
    ("ec2", "DescribeVpcs", r#"{"vpcSet":{},"filterSet":{}}"#),
    (
        "ec2",
        "DescribeAvailabilityZones",
        r#"{"availabilityZoneSet":{},"availabilityZoneIdSet":{}}"#,
    ),
    ("iam", "GetRole", r#"{"roleName":"orders-api"}"#),
    ("iam", "ListAttachedRolePolicies", r#"{"roleName":"orders-api"}"#),
];

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
