//! The organization: its tree, its accounts, and the policies that bound them with what they are attached to.

use std::sync::Arc;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::PolicyType;
use serde_json::Value;

use super::ask::{Pace, Refusal, ask};
use crate::snapshot::bundle::{Organization, OrganizationPolicy};
use crate::snapshot::document::Document;
use crate::snapshot::json;

/// Requests a second; the published limits are per operation and between 1 and 20.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>
pub(super) const QUOTAS: &[(&str, u32)] = &[
    ("DescribeOrganization", 5),
    ("ListRoots", 5),
    ("ListOrganizationalUnitsForParent", 8),
    ("ListAccountsForParent", 8),
    ("ListAccounts", 8),
    ("ListPolicies", 5),
    ("DescribePolicy", 5),
    ("ListTargetsForPolicy", 5),
];

/// No list has more pages; pages may be empty and still not be the last.
const PAGES_MAX: usize = 100_000;
/// Units nest five deep; more is a circle in the answers.
const DEPTH_MAX: usize = 16;

/// Every page of a list that is continued by `NextToken`.
macro_rules! pages {
    ($pace:expr, $operation:literal, $member:literal, $request:expr) => {{
        let mut all: Vec<Value> = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let (page, raw) = ask!($pace, $operation, $request.set_next_token(token.clone())).await?;
            all.extend(json::list(&raw, $member).iter().cloned());
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok::<Vec<Value>, Refusal>(all)
    }};
}

/// The client of the management account or a delegated administrator.
#[derive(Debug, Clone)]
pub(super) struct Organizations {
    pub(super) organizations: Client,
    pub(super) pace: Arc<Pace>,
}

/// What could not be read of an organization that could be seen.
pub(super) type Refusals = Vec<(&'static str, Option<String>, Refusal)>;

impl Organizations {
    /// The ids of all accounts with their states.
    pub(super) async fn accounts(&self) -> Result<Vec<Value>, Refusal> {
        pages!(
            self.pace,
            "ListAccounts",
            "Accounts",
            self.organizations.list_accounts().max_results(20)
        )
    }

    /// The organization the caller is in.
    pub(super) async fn describe(&self) -> Result<Value, Refusal> {
        let (_, raw) = ask!(
            self.pace,
            "DescribeOrganization",
            self.organizations.describe_organization()
        )
        .await?;
        Ok(raw.get("Organization").cloned().unwrap_or_default())
    }

    /// All of it. Policies that cannot be read leave refusals; without the tree there is nothing.
    pub(super) async fn read(&self, described: Value) -> Result<(Organization, Refusals), (&'static str, Refusal)> {
        let mut organization = Organization {
            organization: described,
            ..Organization::default()
        };
        organization.roots = self.roots().await.map_err(|refusal| ("ListRoots", refusal))?;
        let mut open: Vec<(String, Vec<String>)> = Vec::new();
        for root in &organization.roots {
            open.extend(json::text(root, "Id").map(|id| (id, Vec::new())));
        }
        while let Some((parent, above)) = open.pop() {
            let mut path = above;
            path.push(parent.clone());
            let accounts = self
                .accounts_of(&parent)
                .await
                .map_err(|refusal| ("ListAccountsForParent", refusal))?;
            for mut account in accounts {
                json::set(&mut account, "Path", path.clone().into());
                organization.accounts.push(account);
            }
            let units = self.units_of(&parent).await;
            for mut unit in units.map_err(|refusal| ("ListOrganizationalUnitsForParent", refusal))? {
                if let Some(id) = json::text(&unit, "Id").filter(|_| path.len() < DEPTH_MAX) {
                    open.push((id, path.clone()));
                }
                json::set(&mut unit, "ParentId", parent.clone().into());
                organization.units.push(unit);
            }
        }
        let mut refusals = Refusals::new();
        for kind in [PolicyType::ServiceControlPolicy, PolicyType::ResourceControlPolicy] {
            self.policies(kind, &mut organization, &mut refusals).await;
        }
        Ok((organization, refusals))
    }

    async fn roots(&self) -> Result<Vec<Value>, Refusal> {
        pages!(
            self.pace,
            "ListRoots",
            "Roots",
            self.organizations.list_roots().max_results(20)
        )
    }

    async fn accounts_of(&self, parent: &str) -> Result<Vec<Value>, Refusal> {
        pages!(
            self.pace,
            "ListAccountsForParent",
            "Accounts",
            self.organizations
                .list_accounts_for_parent()
                .parent_id(parent)
                .max_results(20)
        )
    }

    async fn units_of(&self, parent: &str) -> Result<Vec<Value>, Refusal> {
        pages!(
            self.pace,
            "ListOrganizationalUnitsForParent",
            "OrganizationalUnits",
            self.organizations
                .list_organizational_units_for_parent()
                .parent_id(parent)
                .max_results(20)
        )
    }

    async fn policies(&self, kind: PolicyType, organization: &mut Organization, refusals: &mut Refusals) {
        let summaries = match self.summaries(&kind).await {
            Ok(summaries) => summaries,
            Err(refusal) => return refusals.push(("ListPolicies", Some(kind.as_str().to_owned()), refusal)),
        };
        for summary in summaries {
            let Some(id) = json::text(&summary, "Id") else { continue };
            let call = ask!(
                self.pace,
                "DescribePolicy",
                self.organizations.describe_policy().policy_id(&id)
            );
            let content = match call.await {
                Ok((_, raw)) => raw
                    .get("Policy")
                    .and_then(|policy| Document::read(policy.get("Content")?)),
                Err(refusal) => {
                    refusals.push(("DescribePolicy", Some(id.clone()), refusal));
                    None
                }
            };
            let targets = match self.targets(&id).await {
                Ok(targets) => Some(targets),
                Err(refusal) => {
                    refusals.push(("ListTargetsForPolicy", Some(id.clone()), refusal));
                    None
                }
            };
            organization.policies.push(OrganizationPolicy {
                summary,
                content,
                targets,
            });
        }
    }

    async fn summaries(&self, kind: &PolicyType) -> Result<Vec<Value>, Refusal> {
        pages!(
            self.pace,
            "ListPolicies",
            "Policies",
            self.organizations.list_policies().filter(kind.clone()).max_results(20)
        )
    }

    async fn targets(&self, policy: &str) -> Result<Vec<String>, Refusal> {
        let targets = pages!(
            self.pace,
            "ListTargetsForPolicy",
            "Targets",
            self.organizations
                .list_targets_for_policy()
                .policy_id(policy)
                .max_results(20)
        )?;
        Ok(targets
            .iter()
            .filter_map(|target| json::text(target, "TargetId"))
            .collect())
    }
}
