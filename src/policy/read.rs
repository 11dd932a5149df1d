//! Reads a snapshot bundle: every part in the shape of the AWS API it came from. Unreadable parts become faults and gaps, never rights.

use super::bundle::{Entity, Key, Level, Organization, Policy, Seat, Snapshot};
use super::document::{Document, Fault, Place};
use super::instant;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

impl Snapshot {
    /// Reads a bundle (`organization`, `iam`, `kms`, `collected_at`). Faults name the policy and the place in it.
    pub fn from_bundle(bundle: &Value) -> (Self, Vec<Fault>) {
        let mut reader = Reader::default();
        reader.snapshot.collected_at = text(bundle, "collected_at").and_then(|t| instant::parse(&t));
        reader.iam(&bundle["iam"]);
        reader.organization(&bundle["organization"]);
        for key in list(&bundle["kms"], "keys") {
            reader.key(key);
        }
        for error in list(bundle, "Errors") {
            reader.refused(error);
        }
        (reader.snapshot, reader.faults)
    }
}

/// Reads a bundle part by part.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) snapshot: Snapshot,
    faults: Vec<Fault>,
    compiled: HashMap<(Place, String), Arc<Document>>,
}

pub(super) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// Tags by lower-case key: IAM compares tag keys without case, and so do condition keys.
pub(super) fn tags(list: &[Value], key: &str, value: &str) -> BTreeMap<String, String> {
    let pairs = list
        .iter()
        .filter_map(|t| Some((text(t, key)?.to_ascii_lowercase(), text(t, value).unwrap_or_default())));
    pairs.collect()
}

impl Reader {
    pub(super) fn fault(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault {
            place: place.into(),
            message: message.into(),
        });
    }

    pub(super) fn policy(&mut self, name: String, document: &Value, place: Place) -> Policy {
        let key = (
            place,
            document.as_str().map_or_else(|| document.to_string(), str::to_owned),
        );
        if let Some(document) = self.compiled.get(&key) {
            return Policy {
                name,
                document: Arc::clone(document),
            };
        }
        let document = Arc::new(Document::parse(document, place));
        for fault in &document.faults {
            let place = if fault.place.is_empty() {
                name.clone()
            } else {
                format!("{name}, {}", fault.place)
            };
            self.faults.push(Fault {
                place,
                message: fault.message.clone(),
            });
        }
        self.compiled.insert(key, Arc::clone(&document));
        Policy { name, document }
    }

    fn iam(&mut self, iam: &Value) {
        let Some(accounts) = iam.as_object() else { return };
        for (account, details) in accounts {
            if !["UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"]
                .iter()
                .any(|part| details[*part].is_array())
            {
                if !details.as_object().is_some_and(Map::is_empty) {
                    self.fault(
                        format!("iam of account {account}"),
                        "not an answer of get-account-authorization-details",
                    );
                }
                continue;
            }
            self.snapshot.accounts.insert(account.clone());
            let managed = self.managed(details);
            let groups: HashMap<String, &Value> = list(details, "GroupDetailList")
                .iter()
                .filter_map(|g| Some((text(g, "GroupName")?, g)))
                .collect();
            for user in list(details, "UserDetailList") {
                self.entity(account, user, false, &managed, &groups);
            }
            for role in list(details, "RoleDetailList") {
                self.entity(account, role, true, &managed, &groups);
            }
        }
    }

    /// The default version of every managed policy by ARN.
    fn managed<'v>(&mut self, details: &'v Value) -> HashMap<String, Option<&'v Value>> {
        let mut found = HashMap::new();
        for policy in list(details, "Policies") {
            let Some(arn) = text(policy, "Arn") else { continue };
            let versions = list(policy, "PolicyVersionList");
            let default = versions
                .iter()
                .find(|v| v["IsDefaultVersion"] == true)
                .and_then(|v| v.get("Document"));
            if default.is_none() {
                self.fault(arn.clone(), "no default version with a document");
            }
            found.insert(arn, default);
        }
        found
    }

    fn entity(
        &mut self,
        account: &str,
        value: &Value,
        is_role: bool,
        managed: &HashMap<String, Option<&Value>>,
        groups: &HashMap<String, &Value>,
    ) {
        let (name, id, inline) = if is_role {
            ("RoleName", "RoleId", "RolePolicyList")
        } else {
            ("UserName", "UserId", "UserPolicyList")
        };
        let Some(arn) = text(value, "Arn") else {
            return self.fault(
                format!("iam of account {account}"),
                "a user or role without ARN was left out",
            );
        };
        let mut entity = Entity {
            account: account.to_owned(),
            is_role,
            name: text(value, name).unwrap_or_else(|| arn.rsplit('/').next().unwrap_or_default().to_owned()),
            id: text(value, id),
            tags: tags(list(value, "Tags"), "Key", "Value"),
            policies: Vec::new(),
            boundary: None,
            gap: None,
            arn,
        };
        let owner = entity.arn.clone();
        self.inline(&mut entity, &owner, list(value, inline));
        self.attached(&mut entity, value, managed);
        for group in list(value, "GroupList").iter().filter_map(Value::as_str) {
            let Some(group) = groups.get(group) else {
                let reason = format!("group `{group}` was not collected");
                self.fault(owner.clone(), reason.clone());
                entity.gap.get_or_insert(reason);
                continue;
            };
            let group_arn = text(group, "Arn").unwrap_or_default();
            self.inline(&mut entity, &group_arn, list(group, "GroupPolicyList"));
            self.attached(&mut entity, group, managed);
        }
        if let Some(arn) = value["PermissionsBoundary"]
            .get("PermissionsBoundaryArn")
            .and_then(Value::as_str)
        {
            entity.boundary = Some(self.managed_policy(&mut entity, arn, managed, Place::Boundary));
        }
        let index = self.snapshot.entities.len();
        self.snapshot.by_arn.insert(entity.arn.clone(), index);
        if is_role {
            self.snapshot
                .roles_by_name
                .insert((account.to_owned(), entity.name.clone()), index);
        }
        self.snapshot.entities.push(entity);
    }

    fn inline(&mut self, entity: &mut Entity, owner: &str, policies: &[Value]) {
        for policy in policies {
            let name = format!("{owner}/{}", text(policy, "PolicyName").unwrap_or_default());
            entity
                .policies
                .push(self.policy(name, &policy["PolicyDocument"], Place::Identity));
        }
    }

    fn attached(&mut self, entity: &mut Entity, owner: &Value, managed: &HashMap<String, Option<&Value>>) {
        for attached in list(owner, "AttachedManagedPolicies") {
            let Some(arn) = text(attached, "PolicyArn") else {
                continue;
            };
            let policy = self.managed_policy(entity, &arn, managed, Place::Identity);
            entity.policies.push(policy);
        }
    }

    /// A managed policy, or an empty unreadable one when its text was not collected.
    fn managed_policy(
        &mut self,
        entity: &mut Entity,
        arn: &str,
        managed: &HashMap<String, Option<&Value>>,
        place: Place,
    ) -> Policy {
        if let Some(Some(document)) = managed.get(arn) {
            return self.policy(arn.to_owned(), document, place);
        }
        let reason = "attached, but its text was not collected";
        self.fault(format!("{arn} on {}", entity.arn), reason);
        let document = Document {
            unreadable: Some(format!("{arn} is {reason}")),
            ..Document::default()
        };
        Policy {
            name: arn.to_owned(),
            document: Arc::new(document),
        }
    }

    fn organization(&mut self, value: &Value) {
        let Some(id) = value["Organization"].get("Id").and_then(Value::as_str) else {
            if !value.is_null() {
                let reason = "the organization was not collected".to_owned();
                self.fault("organization", reason.clone());
                self.snapshot.organization_gap = Some(reason);
            }
            return;
        };
        let mut attached: HashMap<(String, Place), Vec<Policy>> = HashMap::new();
        let mut has_scps = false;
        for policy in list(value, "Policies") {
            let summary = &policy["PolicySummary"];
            let Some(policy_id) = text(summary, "Id") else { continue };
            let place = match summary["Type"].as_str() {
                Some("SERVICE_CONTROL_POLICY") => Place::Scp,
                Some("RESOURCE_CONTROL_POLICY") => Place::Rcp,
                _ => continue,
            };
            let compiled = self.policy(policy_id.clone(), &policy["Content"], place);
            for target in value["Targets"]
                .get(&policy_id)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                // Targets are ids, or whole answers of list-targets-for-policy.
                let Some(target) = target.as_str().or_else(|| target["TargetId"].as_str()) else {
                    continue;
                };
                has_scps |= place == Place::Scp;
                attached
                    .entry((target.to_owned(), place))
                    .or_default()
                    .push(compiled.clone());
            }
        }
        let mut seats = HashMap::new();
        for account in list(value, "Accounts") {
            let Some(account_id) = text(account, "Id") else {
                continue;
            };
            let path: Vec<String> = list(account, "Path")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let level = |target: &String, place| -> Level {
                (
                    target.clone(),
                    attached.get(&(target.clone(), place)).cloned().unwrap_or_default(),
                )
            };
            let levels = |place| path.iter().chain([&account_id]).map(|t| level(t, place)).collect();
            let seat = Seat {
                org_path: vec![format!("{id}/{}/", path.join("/"))],
                scps: levels(Place::Scp),
                rcps: levels(Place::Rcp),
            };
            seats.insert(account_id, seat);
        }
        self.snapshot.organization = Some(Organization {
            id: id.to_owned(),
            management_account: text(&value["Organization"], "MasterAccountId").unwrap_or_default(),
            seats,
            has_scps,
        });
    }

    /// Something that the collector was refused: a gap where it bears on permissions.
    fn refused(&mut self, error: &Value) {
        let field = |name: &str| error[name].as_str().unwrap_or_default();
        let (operation, code, resource) = (field("Operation"), field("Code"), field("Resource"));
        let reason = || format!("{}:{operation} was refused ({code})", field("Service"));
        let is_place = |key: &Key| key.account == field("AccountId") && key.region == field("Region");
        match operation {
            "GetKeyPolicy" | "ListKeyPolicies" | "ListGrants" | "ListResourceTags" if field("Code") != "NotOffered" => {
                let Some(index) = self.snapshot.keys_by_arn.get(resource) else {
                    return;
                };
                let key = &mut self.snapshot.keys[*index];
                match operation {
                    "ListGrants" => key.grants_gap = Some(reason()),
                    "ListResourceTags" => key.tags = None,
                    "GetKeyPolicy" => key.policy_gap = Some(reason()),
                    // Without the list, the collector asks for the names there are.
                    _ => {}
                }
            }
            "ListAliases" => self
                .snapshot
                .keys
                .iter_mut()
                .filter(|k| is_place(k))
                .for_each(|key| key.aliases = None),
            // The text of the policy is missing then, which says the same with more precision.
            "DescribePolicy" => {}
            _ if field("Service") == "organizations" && code != "AWSOrganizationsNotInUseException" => {
                self.snapshot.organization_gap.get_or_insert_with(reason);
            }
            _ => {}
        }
    }
}
