//! Collecting a permission snapshot from AWS: every account, every Region, and a row for whatever is refused.
//!
//! Refuses to change anything ([`guard`]), and to leave a hole unsaid: what could not be read is in the bundle's failures.

mod ask;
pub mod guard;
mod iam;
mod journal;
mod kms;
mod organization;
mod regions;
mod trails;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use tokio::sync::Semaphore;

use self::ask::{Pace, Refusal};
use self::kms::Kms;
use self::organization::Organizations;
use self::trails::Trails;
use super::Error;
use super::role::{self, Role};
use crate::snapshot::bundle::{Bundle, Trail, iam as read_iam};
use crate::snapshot::json as members;
use crate::snapshot::scope::{ACCOUNT, CLOUDTRAIL, Failure, IAM, KMS, ORGANIZATIONS, Scope, State};

pub use ask::Meter;
pub use journal::Journal;

/// Accounts at once.
const ACCOUNTS: usize = 8;
/// Regions of one account at once.
const REGIONS: usize = 8;
/// Keys of one Region at once; each is asked about seven ways.
const KEYS: usize = 24;
/// Requests at once, everywhere.
const REQUESTS: usize = 256;

/// Tries of the SDK per call; throttled calls are tried again beyond, more slowly.
const ATTEMPTS: u32 = 4;

/// Whose permissions to collect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Accounts {
    /// The caller's own account.
    #[default]
    Caller,
    /// These.
    Listed(Vec<String>),
    /// Every account of the caller's organization.
    Organization,
}

/// What to collect, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The accounts.
    pub accounts: Accounts,
    /// The role to take on in each.
    pub role: Option<Role>,
    /// The Regions; every enabled one where none is named.
    pub regions: Vec<String>,
    /// Continue an interrupted collection.
    pub resume: bool,
    /// Where what was read is noted until the snapshot is kept.
    pub journal: Option<PathBuf>,
}

/// What happens while collecting, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The accounts are known.
    Accounts(usize),
    /// An account is done.
    Account(String),
    /// A Region has so many keys.
    Keys(usize),
    /// A key is done.
    Key,
    /// A Region is done.
    Region(String, String),
    /// So many parts were there from an interrupted collection.
    Resumed(usize),
    /// Another collection writes the notes: this one cannot be continued if it is interrupted.
    Unnoted,
}

/// An account and Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) account_id: String,
    pub(crate) region: String,
}

fn failure(place: &Place, service: &str, operation: &str, resource: Option<&str>, refusal: Refusal) -> Failure {
    Failure {
        account_id: place.account_id.clone(),
        region: place.region.clone(),
        service: service.to_owned(),
        operation: operation.to_owned(),
        resource: resource.map(str::to_owned),
        code: refusal.code,
        message: refusal.message,
        skipped: false,
    }
}

/// A collected snapshot.
#[derive(Debug)]
pub struct Collected {
    /// Everything that was read, and what was not.
    pub bundle: Bundle,
    /// How the requests went.
    pub meter: Arc<Meter>,
    /// What it noted on disk, to be forgotten once the bundle is kept.
    pub journal: Option<Journal>,
}

/// A part of a collection, on its way.
type Part<'p> = BoxFuture<'p, Result<Bundle, Error>>;

/// Everything a part of the collection needs.
struct Collector<'c> {
    base: SdkConfig,
    partition: String,
    caller: String,
    caller_region: String,
    request: &'c Request,
    journal: Option<Journal>,
    in_flight: Arc<Semaphore>,
    meter: Arc<Meter>,
    say: &'c (dyn Fn(Event) + Sync),
}

/// Collects. `now` gives the time in microseconds; `say` hears how it goes.
///
/// # Errors
/// Nobody is signed in, the organization's accounts cannot be listed, or the journal cannot be used.
pub async fn collect(
    base: &SdkConfig,
    request: &Request,
    now: &(dyn Fn() -> i64 + Sync),
    say: &(dyn Fn(Event) + Sync),
) -> Result<Collected, Error> {
    let base = &patient(base);
    let identity = aws_sdk_sts::Client::new(base).get_caller_identity().send().await;
    let identity = identity.map_err(|error| {
        let refusal = Refusal::of(&error);
        Error::Credentials(format!("{}: {}", refusal.code, refusal.message))
    })?;
    let arn = identity.arn().unwrap_or_default().to_owned();
    let wanted = json!({
        "caller": arn, "accounts": format!("{:?}", request.accounts), "regions": request.regions,
        "role": request.role.as_ref().map(|role| role.name.clone()), "endpoint": base.endpoint_url(),
    });
    let began = now();
    let journal = match request.journal.as_deref() {
        Some(path) => Journal::open(path, &wanted, request.resume, began)?,
        None => None,
    };
    if request.journal.is_some() && journal.is_none() {
        say(Event::Unnoted);
    }
    let collector = Collector {
        partition: members::arn(&arn).map_or("aws", |parts| parts[0]).to_owned(),
        caller: identity.account().unwrap_or_default().to_owned(),
        caller_region: base.region().map(ToString::to_string).unwrap_or_default(),
        base: base.clone(),
        request,
        in_flight: Arc::new(Semaphore::new(REQUESTS)),
        meter: Arc::default(),
        say,
        journal,
    };
    let mut bundle = collector.run().await?;
    bundle.started_at = Some(collector.journal.as_ref().map_or(began, |journal| journal.started_at));
    bundle.collected_at = Some(now());
    bundle.collected_by = Some(arn);
    bundle.source = Some(
        base.endpoint_url()
            .map_or_else(|| "aws".to_owned(), |url| format!("aws at {url}")),
    );
    bundle.tool = Some(concat!("keytrail ", env!("CARGO_PKG_VERSION")).to_owned());
    Ok(Collected {
        bundle,
        meter: collector.meter,
        journal: collector.journal,
    })
}

/// The configuration with retries and time limits fit for thousands of small calls.
fn patient(base: &SdkConfig) -> SdkConfig {
    // The SDK's adaptive mode slows a whole client down when one operation is throttled; `Pace` adapts each by itself.
    let retry = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(Duration::from_millis(100))
        .with_max_backoff(Duration::from_secs(10));
    let timeout = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(10))
        .operation_attempt_timeout(Duration::from_secs(60))
        .build();
    base.clone()
        .into_builder()
        .retry_config(retry)
        .timeout_config(timeout)
        .build()
}

impl Collector<'_> {
    async fn run(&self) -> Result<Bundle, Error> {
        if let Some(journal) = &self.journal
            && journal.resumed > 0
        {
            (self.say)(Event::Resumed(journal.resumed));
        }
        let mut whole = Bundle::default();
        let accounts = self.accounts(&mut whole).await?;
        (self.say)(Event::Accounts(accounts.len()));
        let organization = self.unit("organizations", self.organization());
        let parts: Vec<Part<'_>> = accounts.iter().map(|account| self.account(account).boxed()).collect();
        let parts = futures::stream::iter(parts);
        let (organization, parts) = tokio::join!(
            organization,
            parts.buffer_unordered(ACCOUNTS).collect::<Vec<Result<Bundle, Error>>>()
        );
        absorb(&mut whole, organization?);
        for part in parts {
            absorb(&mut whole, part?);
        }
        whole.keys.sort_by(|a, b| a.arn.cmp(&b.arn));
        whole.failures.sort();
        // What a Region does not offer is said by each of its keys.
        whole.failures.dedup();
        Ok(whole)
    }

    /// A part that is read, unless it was read before an interruption.
    async fn unit(&self, name: &str, read: impl Future<Output = Bundle> + Send) -> Result<Bundle, Error> {
        let Some(journal) = &self.journal else {
            return Ok(read.await);
        };
        if let Some(held) = journal.take(name) {
            return Ok(held);
        }
        let bundle = read.await;
        journal.put(name, &bundle)?;
        Ok(bundle)
    }

    fn pace(&self, quotas: &'static [(&'static str, u32)]) -> Arc<Pace> {
        Arc::new(Pace::new(quotas, self.in_flight.clone(), self.meter.clone()))
    }

    fn organizations(&self) -> Organizations {
        // Organizations answers in one Region of each partition only.
        let config = aws_sdk_organizations::config::Builder::from(&self.base)
            .interceptor(guard::ReadOnly)
            .retry_partition(aws_sdk_organizations::config::retry::RetryPartition::new(
                "organizations",
            ));
        Organizations {
            organizations: aws_sdk_organizations::Client::from_conf(config.build()),
            pace: self.pace(organization::QUOTAS),
        }
    }

    async fn accounts(&self, whole: &mut Bundle) -> Result<Vec<String>, Error> {
        match &self.request.accounts {
            Accounts::Caller => Ok(vec![self.caller.clone()]),
            Accounts::Listed(accounts) => Ok(accounts.clone()),
            Accounts::Organization => {
                let listed = self.organizations().accounts().await;
                let listed =
                    listed.map_err(|refusal| Error::Accounts(format!("{}: {}", refusal.code, refusal.message)))?;
                let mut accounts = Vec::new();
                for account in &listed {
                    let Some(id) = members::text(account, "Id") else {
                        continue;
                    };
                    let state = members::any_text(account, &["State", "Status"]).unwrap_or_default();
                    if state == "ACTIVE" || state.is_empty() {
                        accounts.push(id);
                        continue;
                    }
                    // Nobody can sign in to a closed or suspended account.
                    let place = Place {
                        account_id: id,
                        region: String::new(),
                    };
                    let refusal = Refusal {
                        code: state,
                        message: "the account is not active".to_owned(),
                    };
                    whole.failures.push(Failure {
                        skipped: true,
                        ..failure(&place, IAM, "AssumeRole", None, refusal)
                    });
                }
                Ok(accounts)
            }
        }
    }

    async fn organization(&self) -> Bundle {
        let client = self.organizations();
        let place = Place {
            account_id: self.caller.clone(),
            region: String::new(),
        };
        let mut bundle = Bundle::default();
        let mut scope = Scope {
            account_id: self.caller.clone(),
            region: String::new(),
            service: ORGANIZATIONS.to_owned(),
            state: State::Complete,
            items: None,
            organization_id: None,
        };
        let described = match client.describe().await {
            Ok(described) => described,
            Err(refusal) => {
                scope.state = State::Skipped;
                let none = refusal.is(&["AWSOrganizationsNotInUseException"]);
                scope.state = if none { State::Skipped } else { State::Failed };
                let row = failure(&place, ORGANIZATIONS, "DescribeOrganization", None, refusal);
                // Only some accounts may read the organization; that is said, but breaks nothing that was asked for.
                let asked = self.request.accounts == Accounts::Organization;
                bundle.failures.push(Failure {
                    skipped: none || !asked,
                    ..row
                });
                bundle.scope.push(scope);
                return bundle;
            }
        };
        scope.organization_id = members::text(&described, "Id");
        match client.read(described).await {
            Ok((organization, refusals)) => {
                scope.items = i64::try_from(organization.accounts.len()).ok();
                if !refusals.is_empty() {
                    scope.state = State::Partial;
                }
                for (operation, resource, refusal) in refusals {
                    bundle
                        .failures
                        .push(failure(&place, ORGANIZATIONS, operation, resource.as_deref(), refusal));
                }
                bundle.organization = Some(organization);
            }
            Err((operation, refusal)) => {
                scope.state = State::Failed;
                let asked = self.request.accounts == Accounts::Organization;
                let row = failure(&place, ORGANIZATIONS, operation, None, refusal);
                bundle.failures.push(Failure { skipped: !asked, ..row });
            }
        }
        bundle.scope.push(scope);
        bundle
    }

    /// The configuration with which to ask about an account, or why there is none.
    async fn signed_in(&self, account: &str) -> Result<SdkConfig, Refusal> {
        let Some(role) = &self.request.role else {
            if account == self.caller {
                return Ok(self.base.clone());
            }
            let message = "another account than the caller's; name a role to assume there".to_owned();
            return Err(Refusal {
                code: "NoRole".to_owned(),
                message,
            });
        };
        let refused = match role::assume(&self.base, &self.partition, account, role).await {
            Ok(config) => match self.account_of(&config).await {
                Ok(held) if held == account => return Ok(config),
                // Rows would stand under an account they do not belong to.
                Ok(held) => {
                    let message = format!("the role's credentials are those of account {held}");
                    return Err(Refusal {
                        code: "OtherAccount".to_owned(),
                        message,
                    });
                }
                Err(refusal) => refusal,
            },
            Err(error) => Refusal::of(&error),
        };
        // The role for member accounts need not exist in the account one comes from.
        if account == self.caller {
            Ok(self.base.clone())
        } else {
            Err(refused)
        }
    }

    async fn account_of(&self, config: &SdkConfig) -> Result<String, Refusal> {
        let identity = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
        identity
            .map(|identity| identity.account().unwrap_or_default().to_owned())
            .map_err(|error| Refusal::of(&error))
    }

    async fn account(&self, account: &str) -> Result<Bundle, Error> {
        let global = Place {
            account_id: account.to_owned(),
            region: String::new(),
        };
        let mut whole = Bundle::default();
        let config = match self.signed_in(account).await {
            Ok(config) => config,
            Err(refusal) => {
                let named = self.request.regions.iter().map(|region| (KMS, region.clone()));
                let tried = [(IAM, String::new()), (CLOUDTRAIL, String::new())]
                    .into_iter()
                    .chain(named);
                for (service, region) in tried {
                    whole
                        .scope
                        .push(scope_of(account, &region, service, State::Failed, None));
                }
                whole.failures.push(failure(&global, IAM, "AssumeRole", None, refusal));
                return Ok(whole);
            }
        };
        let wanted = if self.request.regions.is_empty() {
            self.regions(&config, &global, &mut whole).await
        } else {
            self.request.regions.clone()
        };
        let iam_unit = format!("iam/{account}");
        let iam = self.unit(&iam_unit, self.iam(&config, &global));
        let parts: Vec<Part<'_>> = wanted
            .iter()
            .map(|region| self.region(&config, account, region).boxed())
            .collect();
        let parts = futures::stream::iter(parts);
        let (iam, parts) = tokio::join!(iam, parts.buffer_unordered(REGIONS).collect::<Vec<_>>());
        absorb(&mut whole, iam?);
        let mut trails: BTreeMap<String, Trail> = BTreeMap::new();
        let mut state = State::Complete;
        for part in parts {
            let mut part = part?;
            for trail in std::mem::take(&mut part.trails) {
                let arn = trail
                    .raw
                    .get("Trail")
                    .and_then(|trail| members::text(trail, "TrailARN"))
                    .unwrap_or_default();
                let held = trails.entry(arn).or_insert_with(|| trail.clone());
                if trails::is_read(&trail) {
                    *held = trail;
                }
            }
            if part
                .failures
                .iter()
                .any(|failure| failure.service == CLOUDTRAIL && !failure.skipped)
            {
                state = State::Partial;
            }
            absorb(&mut whole, part);
        }
        let unread = |(arn, trail): (&String, &Trail)| Some((arn.clone(), trail.raw.get("Trail")?.clone()));
        let seen = trails.iter().filter(|(_, trail)| !trails::is_read(trail));
        let seen: Vec<(String, serde_json::Value)> = seen.filter_map(unread).collect();
        if !seen.is_empty() {
            let unit = format!("cloudtrail/{account}/shadows");
            let part = self.unit(&unit, self.shadows(&config, &global, &seen)).await?;
            if !part.failures.is_empty() {
                state = State::Partial;
            }
            for trail in part.trails {
                let arn = trail
                    .raw
                    .get("Trail")
                    .and_then(|trail| members::text(trail, "TrailARN"));
                trails.insert(arn.unwrap_or_default(), trail);
            }
            whole.failures.extend(part.failures);
        }
        let asked = whole
            .scope
            .iter()
            .any(|scope| scope.service == KMS && scope.state != State::Skipped);
        if !asked || (trails.is_empty() && state == State::Partial) {
            state = State::Failed;
        }
        whole.scope.push(scope_of(
            account,
            "",
            CLOUDTRAIL,
            state,
            i64::try_from(trails.len()).ok(),
        ));
        whole.trails.extend(trails.into_values());
        (self.say)(Event::Account(account.to_owned()));
        Ok(whole)
    }

    /// The Regions to read of an account where none is named.
    async fn regions(&self, config: &SdkConfig, place: &Place, whole: &mut Bundle) -> Vec<String> {
        let client = aws_sdk_account::config::Builder::from(config)
            .interceptor(guard::ReadOnly)
            .retry_partition(aws_sdk_account::config::retry::RetryPartition::new(format!(
                "account/{}",
                place.account_id
            )));
        let client = aws_sdk_account::Client::from_conf(client.build());
        match regions::enabled(&client, &self.pace(regions::QUOTAS)).await {
            Ok(enabled) if !enabled.is_empty() => return enabled,
            Ok(_) => {}
            // Emulators have no such operation.
            Err(refusal) if refusal.is_unsupported() || refusal.is(&["Http404"]) => {}
            // Every Region known is tried instead: nothing is missing but one that is newer than this program.
            Err(refusal) => whole.failures.push(Failure {
                skipped: true,
                ..failure(place, ACCOUNT, "ListRegions", None, refusal)
            }),
        }
        regions::of(&self.partition, &self.caller_region)
    }

    async fn iam(&self, config: &SdkConfig, place: &Place) -> Bundle {
        let mut bundle = Bundle::default();
        let account = &place.account_id;
        let client = aws_sdk_iam::config::Builder::from(config)
            .interceptor(guard::ReadOnly)
            .retry_partition(aws_sdk_iam::config::retry::RetryPartition::new(format!(
                "iam/{account}"
            )));
        let client = aws_sdk_iam::Client::from_conf(client.build());
        match iam::details(&client, &self.pace(iam::QUOTAS)).await {
            Ok(details) => {
                let read = read_iam(account, &details, &Default::default(), &mut bundle.failures);
                let state = if bundle.failures.is_empty() {
                    State::Complete
                } else {
                    State::Partial
                };
                let items = i64::try_from(read.principals.len()).ok();
                bundle.scope.push(scope_of(account, "", IAM, state, items));
                bundle.iam.insert(account.clone(), read);
            }
            Err(refusal) => {
                bundle
                    .failures
                    .push(failure(place, IAM, "GetAccountAuthorizationDetails", None, refusal));
                bundle.scope.push(scope_of(account, "", IAM, State::Failed, None));
            }
        }
        bundle
    }

    async fn region(&self, config: &SdkConfig, account: &str, region: &str) -> Result<Bundle, Error> {
        let place = Place {
            account_id: account.to_owned(),
            region: region.to_owned(),
        };
        let config = config
            .clone()
            .into_builder()
            .region(Region::new(region.to_owned()))
            .build();
        let client = aws_sdk_kms::config::Builder::from(&config)
            .interceptor(guard::ReadOnly)
            .retry_partition(aws_sdk_kms::config::retry::RetryPartition::new(format!(
                "kms/{account}/{region}"
            )));
        let kms = Kms {
            kms: aws_sdk_kms::Client::from_conf(client.build()),
            pace: self.pace(kms::QUOTAS),
            place: place.clone(),
        };
        let mut whole = Bundle::default();
        let arns = match kms.list().await {
            Ok(arns) => arns,
            Err(refusal) => {
                // A Region nobody asked for by name and that the account has not enabled is not missing.
                let skipped = self.request.regions.is_empty() && refusal.is(&regions::NOT_ENABLED);
                let state = if skipped { State::Skipped } else { State::Failed };
                whole.scope.push(scope_of(account, region, KMS, state, None));
                whole.failures.push(Failure {
                    skipped,
                    ..failure(&place, KMS, "ListKeys", None, refusal)
                });
                (self.say)(Event::Region(account.to_owned(), region.to_owned()));
                return Ok(whole);
            }
        };
        (self.say)(Event::Keys(arns.len()));
        let listed = i64::try_from(arns.len()).ok();
        let unit = format!("kms/{account}/{region}");
        absorb(&mut whole, self.unit(&unit, kms.region()).await?);
        let read: Vec<Part<'_>> = arns.iter().map(|arn| self.key(&kms, arn).boxed()).collect();
        let read = futures::stream::iter(read);
        let trails_unit = format!("cloudtrail/{account}/{region}");
        let trails = self.unit(&trails_unit, self.trails(&config, &place));
        let (keys, trails) = tokio::join!(
            read.buffer_unordered(KEYS).collect::<Vec<Result<Bundle, Error>>>(),
            trails
        );
        for key in keys {
            absorb(&mut whole, key?);
        }
        let broken = whole.failures.iter().any(|failure| !failure.skipped);
        absorb(&mut whole, trails?);
        let state = if broken { State::Partial } else { State::Complete };
        whole.scope.push(scope_of(account, region, KMS, state, listed));
        (self.say)(Event::Region(account.to_owned(), region.to_owned()));
        Ok(whole)
    }

    async fn key(&self, kms: &Kms, arn: &str) -> Result<Bundle, Error> {
        let unit = format!("kms/{arn}");
        let key = self.unit(&unit, kms.key(arn)).await;
        (self.say)(Event::Key);
        key
    }

    /// A client of a Region for the trails of an account.
    fn cloudtrail(&self, config: &SdkConfig, account: &str, region: &str) -> aws_sdk_cloudtrail::Client {
        let config = config.clone().into_builder().region(Region::new(region.to_owned()));
        let client = aws_sdk_cloudtrail::config::Builder::from(&config.build())
            .interceptor(guard::ReadOnly)
            .retry_partition(aws_sdk_cloudtrail::config::retry::RetryPartition::new(format!(
                "cloudtrail/{account}/{region}"
            )));
        aws_sdk_cloudtrail::Client::from_conf(client.build())
    }

    async fn trails(&self, config: &SdkConfig, place: &Place) -> Bundle {
        let trails = Trails {
            client: &|region| self.cloudtrail(config, &place.account_id, region),
            pace: self.pace(trails::QUOTAS),
            place,
        };
        trails.read().await.unwrap_or_else(|refusal| Bundle {
            failures: vec![failure(place, CLOUDTRAIL, "DescribeTrails", None, refusal)],
            ..Bundle::default()
        })
    }

    async fn shadows(&self, config: &SdkConfig, place: &Place, seen: &[(String, serde_json::Value)]) -> Bundle {
        let trails = Trails {
            client: &|region| self.cloudtrail(config, &place.account_id, region),
            pace: self.pace(trails::QUOTAS),
            place,
        };
        trails.shadows(seen).await
    }
}

fn scope_of(account: &str, region: &str, service: &str, state: State, items: Option<i64>) -> Scope {
    Scope {
        account_id: account.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        state,
        items,
        organization_id: None,
    }
}

fn absorb(whole: &mut Bundle, part: Bundle) {
    whole.organization = part.organization.or(whole.organization.take());
    whole.iam.extend(part.iam);
    whole.keys.extend(part.keys);
    whole.aliases.extend(part.aliases);
    whole.key_stores.extend(part.key_stores);
    whole.trails.extend(part.trails);
    whole.scope.extend(part.scope);
    whole.failures.extend(part.failures);
}
