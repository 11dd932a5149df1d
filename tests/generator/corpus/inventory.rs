//! The permission snapshot of a corpus: every key and principal of its world, as one bundle collected on its last day.

use super::Corpus;
use super::world::{Account, Key, Kind, Principal, World};
use crate::generator::instant::iso;
use crate::generator::rng::Rng;
use serde_json::{Map, Value, json};

const DAY: i64 = 86_400;

impl Corpus {
    /// The instant the snapshot is of: midnight after the last day.
    pub fn collected_at(&self) -> String {
        iso(self.start + i64::from(self.days) * DAY)
    }

    /// The snapshot. Each account has a trail that delivers everything; one principal in twenty administers the
    /// account's keys, half of the others may use them, and each key's policy names two roles besides the account.
    pub fn bundle(&self) -> Value {
        let world = World::new(self);
        let (mut iam, mut trails, mut scope) = (Map::new(), Map::new(), Vec::new());
        for account in &world.accounts {
            iam.insert(account.id.clone(), self.iam(account));
            trails.insert(account.id.clone(), json!([trail(&account.id, world.regions[0])]));
            for region in &world.regions {
                scope.push(json!({"AccountId": account.id, "Region": region, "Service": "kms", "State": "complete"}));
            }
        }
        let keys: Vec<Value> = world
            .keys
            .iter()
            .enumerate()
            .map(|(n, key)| self.key_of(&world, n, key))
            .collect();
        json!({"collected_at": self.collected_at(), "iam": iam, "kms": {"keys": keys}, "trails": trails, "Scope": scope})
    }

    fn born(&self, days_before: i64) -> String {
        iso(self.start - days_before * DAY)
    }

    fn iam(&self, account: &Account) -> Value {
        let (mut users, mut roles) = (Vec::new(), Vec::new());
        for (n, principal) in account.principals.iter().enumerate() {
            let actions = match n % 20 {
                0 => "kms:*",
                n if n % 2 == 1 => "kms:Decrypt",
                _ => "s3:GetObject",
            };
            let policy = json!({"PolicyName": "work", "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Sid": "Work",
                "Effect": "Allow", "Action": actions, "Resource": "*"}}});
            match principal.kind {
                Kind::Root => {}
                Kind::User => users.push(
                    json!({"Arn": principal.arn, "UserName": principal.name, "UserId": principal.id,
                    "Path": "/", "CreateDate": self.born(400), "UserPolicyList": [policy]}),
                ),
                Kind::Role => roles.push(
                    json!({"Arn": principal.arn, "RoleName": principal.name, "RoleId": principal.id,
                    "Path": "/service/", "CreateDate": self.born(400), "RolePolicyList": [policy]}),
                ),
            }
        }
        json!({"UserDetailList": users, "RoleDetailList": roles})
    }

    fn key_of(&self, world: &World, n: usize, key: &Key) -> Value {
        let mut rng = Rng::seeded(self.seed ^ 0x1a5e_0000 ^ (n as u64) << 20);
        let account = &world.accounts[key.account];
        let roles: Vec<&Principal> = account.principals.iter().filter(|one| one.kind == Kind::Role).collect();
        let (admin, user) = (rng.pick(&roles).arn.clone(), rng.pick(&roles).arn.clone());
        let policy = json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{}:root", account.id)},
             "Action": "kms:*", "Resource": "*"},
            {"Sid": "Admin", "Effect": "Allow", "Principal": {"AWS": admin},
             "Action": ["kms:Put*", "kms:Enable*", "kms:Disable*", "kms:ScheduleKeyDeletion"], "Resource": "*"},
            {"Sid": "Use", "Effect": "Allow", "Principal": {"AWS": user},
             "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}]});
        let grants = if rng.chance(0.1) {
            json!([{"KeyId": key.arn, "GrantId": format!("{:064x}", n), "CreationDate": self.born(200), "GranteePrincipal": user,
                "IssuingAccount": format!("arn:aws:iam::{}:root", account.id), "Operations": ["Decrypt"]}])
        } else {
            json!([])
        };
        let place = key.arn.split(":key/").next().unwrap_or_default();
        let mut held = json!({
            "KeyMetadata": {"AWSAccountId": account.id, "KeyId": key.id, "Arn": key.arn, "CreationDate": self.born(300),
                "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER", "KeySpec": "SYMMETRIC_DEFAULT", "MultiRegion": false},
            "Policy": policy.to_string(), "PolicyName": "default", "Grants": grants,
            "Tags": [{"TagKey": "owner", "TagValue": format!("team-{}", n % 40)}],
            "Aliases": [{"AliasName": key.alias, "AliasArn": format!("{place}:{}", key.alias), "TargetKeyId": key.id}]
        });
        // The busiest come first; of the last, most are idle.
        if n > world.keys.len() / 3 * 2 {
            held["LastUsage"] = json!({"KeyId": key.arn, "TrackingStartDate": self.born(60), "KeyLastUsage": {}});
        }
        held
    }
}

fn trail(account: &str, region: &str) -> Value {
    json!({
        "Trail": {"Name": "all", "TrailARN": format!("arn:aws:cloudtrail:{region}:{account}:trail/all"), "S3BucketName": "logs",
            "HomeRegion": region, "IsMultiRegionTrail": true, "IsOrganizationTrail": false},
        "Status": {"IsLogging": true, "StartLoggingTime": "2020-01-01T00:00:00Z"},
        "EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}]
    })
}
