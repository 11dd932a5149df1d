//! Five minutes of one account in one Region, and what any account logs in them.

use super::caller::{Caller, Session, service};
use super::cast::*;
use super::event::Event;
use super::scene::Scene;
use crate::generator::rng::Rng;
use serde_json::{Value, json};

/// The user agent of the systems manager agent.
const AGENT: &str = "aws-sdk-go/1.55.5 (go1.22.7; linux; amd64) amazon-ssm-agent/3.3.2299.0";

/// Five minutes of one account in one Region.
pub struct Burst<'a> {
    /// The stage.
    pub scene: &'a mut Scene,
    /// Its dice.
    pub rng: Rng,
    /// The account.
    pub account: &'static str,
    /// The Region.
    pub region: &'static str,
    /// The time of the last record.
    pub now: i64,
}

impl Burst<'_> {
    /// Moves on by a few seconds.
    pub fn tick(&mut self) -> i64 {
        self.now += self.rng.range(1, 13);
        self.now
    }

    /// The session of a workload.
    pub fn workload(&mut self, role: &'static Role, by: &'static str) -> Session {
        let t = self.tick();
        self.scene.workload(role, t, by, self.region)
    }

    /// A workload calling by itself, from its one address.
    pub fn direct(&mut self, role: &'static Role, by: &'static str, agent: &str) -> Caller {
        // One address for each role and Region.
        let host = Rng::named(&format!("address {} {}", role.name, self.region)).range(10, 90);
        self.workload(role, by).from(&format!("198.51.100.{host}"), agent)
    }

    /// One record that names no key of the story.
    pub fn tell(
        &mut self,
        call: (&'static str, &'static str),
        who: &Caller,
        shape: impl FnOnce(Event, &mut Rng) -> Event,
    ) {
        let t = self.tick();
        let event = Event::new(t, self.account, self.region, call, who, &mut self.rng);
        let event = shape(event, &mut self.rng);
        self.scene.tell(event);
    }

    /// One use of a key.
    pub fn crypto(&mut self, op: &'static str, key: &'static Key, who: &Caller, key_ref: &str, context: Value) {
        let t = self.tick();
        self.scene.crypto(t, op, key, who, key_ref, context);
    }

    /// A parameter read with decryption: the call, and what Systems Manager then asks of KMS.
    pub fn parameter(&mut self, role: &'static Role, by: &'static str, agent: &str, name: &str, key: &'static Key) {
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
    pub fn secret(&mut self, role: &'static Role, by: &'static str, agent: &str, name: &str, key: &'static Key) {
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
    pub fn trail_housekeeping(&mut self) {
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

    /// An instance reports to Systems Manager.
    pub fn instance_report(&mut self, role: &'static Role) {
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
    pub fn noise(&mut self, who: &Caller, calls: i64) {
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
