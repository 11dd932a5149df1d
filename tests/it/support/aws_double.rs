//! A double of AWS over HTTP: it answers in the documented wire shapes of KMS, Organizations and CloudTrail (JSON 1.1),
//! IAM and STS (query, XML) and Account Management (REST), page by page, and can throttle, refuse and forget. It is no emulator: what it holds is
//! computed from numbers, and it checks no signature.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What the double holds and how it behaves.
#[derive(Debug, Clone)]
pub struct World {
    /// Keys in each account and Region.
    pub keys: usize,
    /// Grants on each key.
    pub grants: usize,
    /// Roles in each account.
    pub roles: usize,
    /// Accounts; the first is the caller's and the organization's management account.
    pub accounts: Vec<&'static str>,
    /// Regions that answer.
    pub regions: Vec<&'static str>,
    /// Whether callers may list the enabled Regions.
    pub lists_regions: bool,
    /// No page holds more.
    pub page: usize,
    /// Every so many requests one is throttled; 0 never.
    pub throttle_every: u64,
    /// The key whose policy and grants nobody may read, by its number, in the first account and Region.
    pub denied: Option<usize>,
    /// The key that is deleted after it was listed.
    pub gone: Option<usize>,
    /// The key with another policy than the rest.
    pub changed: Option<usize>,
}

impl Default for World {
    fn default() -> World {
        World {
            keys: 12,
            grants: 3,
            roles: 9,
            accounts: vec!["111122223333", "444455556666"],
            regions: vec!["eu-west-1", "us-east-1"],
            lists_regions: true,
            page: 5,
            throttle_every: 0,
            denied: None,
            gone: None,
            changed: None,
        }
    }
}

/// A running double.
pub struct Double {
    pub url: String,
    pub asked: Arc<Asked>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
}

/// What was asked of it.
#[derive(Debug, Default)]
pub struct Asked {
    total: AtomicU64,
    by_operation: Mutex<BTreeMap<String, u64>>,
}

impl Asked {
    pub fn of(&self, operation: &str) -> u64 {
        self.by_operation.lock().unwrap().get(operation).copied().unwrap_or(0)
    }

    pub fn operations(&self) -> Vec<String> {
        self.by_operation.lock().unwrap().keys().cloned().collect()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

struct Server {
    world: World,
    asked: Arc<Asked>,
}

/// Starts a double on a free port of the loopback address.
pub async fn start(world: World) -> Double {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Asked> = Arc::default();
    let server = Arc::new(Server {
        world,
        asked: asked.clone(),
    });
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let app = Router::new().fallback(answer).with_state(server);
    tokio::spawn(async move {
        axum::serve(listener, app)
            .with_graceful_shutdown(async { drop(stopped.await) })
            .await
            .unwrap();
    });
    Double {
        url,
        asked,
        stop: Some(stop),
    }
}

struct Caller {
    account: String,
    region: String,
}

/// The account and Region in the signature's scope: the double issues access keys that hold the account.
fn caller(headers: &HeaderMap, world: &World) -> Caller {
    let text = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let scope: Vec<&str> = text
        .split("Credential=")
        .nth(1)
        .unwrap_or_default()
        .split(['/', ','])
        .collect();
    let key = scope.first().copied().unwrap_or_default();
    let account = key
        .strip_prefix("ASIA")
        .filter(|rest| rest.len() == 12)
        .unwrap_or(world.accounts[0]);
    Caller {
        account: account.to_owned(),
        region: scope.get(2).copied().unwrap_or("us-east-1").to_owned(),
    }
}

async fn answer(State(server): State<Arc<Server>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let caller = caller(&headers, &server.world);
    let number = server.asked.total.fetch_add(1, Ordering::SeqCst) + 1;
    let target = headers
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let lists_regions = uri.path() == "/listRegions";
    let form: BTreeMap<String, String> = if target.is_empty() && !lists_regions {
        url::form_urlencoded::parse(&body).into_owned().collect()
    } else {
        BTreeMap::new()
    };
    let operation = target
        .rsplit('.')
        .next()
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    let operation = if lists_regions {
        "ListRegions".to_owned()
    } else {
        operation.or_else(|| form.get("Action").cloned()).unwrap_or_default()
    };
    *server
        .asked
        .by_operation
        .lock()
        .unwrap()
        .entry(operation.clone())
        .or_default() += 1;
    let world = &server.world;
    if world.throttle_every > 0 && number.is_multiple_of(world.throttle_every) && !target.is_empty() {
        return refuse("ThrottlingException", "Rate exceeded");
    }
    if !form.is_empty() {
        return query(world, &caller, &operation, &form);
    }
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    let result = if lists_regions {
        list_regions(world, &input)
    } else if target.starts_with("TrentService") {
        kms(world, &caller, &operation, &input)
    } else if target.contains("Organizations") {
        organizations(world, &caller, &operation, &input)
    } else {
        cloudtrail(world, &caller, &operation, &input)
    };
    match result {
        Ok(value) => (
            StatusCode::OK,
            [("content-type", "application/x-amz-json-1.1")],
            value.to_string(),
        )
            .into_response(),
        Err((code, message)) => refuse(code, &message),
    }
}

fn refuse(code: &str, message: &str) -> Response {
    let body = json!({"__type": code, "message": message}).to_string();
    (
        StatusCode::BAD_REQUEST,
        [("content-type", "application/x-amz-json-1.1")],
        body,
    )
        .into_response()
}

type Answer = Result<Value, (&'static str, String)>;

/// One page of a list: `Marker` or `NextToken` are positions.
fn page(
    world: &World,
    all: usize,
    position: Option<&str>,
    limit: Option<u64>,
) -> (std::ops::Range<usize>, Option<String>) {
    let from: usize = position.and_then(|text| text.parse().ok()).unwrap_or(0);
    let size = world
        .page
        .min(limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)));
    let to = (from + size).min(all);
    (from.min(all)..to, (to < all).then(|| to.to_string()))
}

/// The Regions that answer, and one that the account has not enabled, where the request asks for such.
fn list_regions(world: &World, input: &Value) -> Answer {
    let wanted: Vec<&str> = input["RegionOptStatusContains"]
        .as_array()
        .map(|wanted| wanted.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if !world.lists_regions {
        return Err((
            "AccessDeniedException",
            "not authorized to perform account:ListRegions".to_owned(),
        ));
    }
    let all = world.regions.iter().map(|region| (*region, "ENABLED_BY_DEFAULT"));
    let all: Vec<Value> = all
        .chain([("ap-nowhere-1", "DISABLED")])
        .filter(|(_, state)| wanted.contains(state))
        .map(|(name, state)| json!({"RegionName": name, "RegionOptStatus": state}))
        .collect();
    // One a page: nobody has so many Regions that a whole page would not hold them.
    let (range, next) = page(world, all.len(), input["NextToken"].as_str(), Some(1));
    Ok(json!({"Regions": all[range], "NextToken": next}))
}

pub fn key_id(number: usize) -> String {
    format!("{number:08x}-0000-4000-8000-0123456789ab")
}

fn kms(world: &World, caller: &Caller, operation: &str, input: &Value) -> Answer {
    let Caller { account, region } = caller;
    if !world.regions.contains(&region.as_str()) {
        return Err((
            "UnrecognizedClientException",
            "The security token included in the request is invalid.".to_owned(),
        ));
    }
    let arn = |number: usize| format!("arn:aws:kms:{region}:{account}:key/{}", key_id(number));
    let marked = |list: &str, items: Vec<Value>, next: Option<String>| {
        let mut value = json!({list: items, "Truncated": next.is_some()});
        if let Some(next) = next {
            value["NextMarker"] = next.into();
        }
        value
    };
    let cut = |all: usize| page(world, all, input["Marker"].as_str(), input["Limit"].as_u64());
    if operation == "ListKeys" {
        let (range, next) = cut(world.keys);
        let keys = range
            .map(|number| json!({"KeyId": key_id(number), "KeyArn": arn(number)}))
            .collect();
        return Ok(marked("Keys", keys, next));
    }
    if operation == "ListAliases" {
        let (range, next) = cut(world.keys);
        let alias = |number: usize| {
            json!({"AliasName": format!("alias/k{number}"), "AliasArn": format!("arn:aws:kms:{region}:{account}:alias/k{number}"),
                   "TargetKeyId": key_id(number), "CreationDate": 1_700_000_000.25, "LastUpdatedDate": 1_700_000_000.25})
        };
        return Ok(marked("Aliases", range.map(alias).collect(), next));
    }
    if operation == "DescribeCustomKeyStores" {
        let store = json!({"CustomKeyStoreId": "cks-1234567890abcdef0", "CustomKeyStoreName": "hsm", "ConnectionState": "CONNECTED"});
        return Ok(marked("CustomKeyStores", vec![store], None));
    }
    let id = input["KeyId"]
        .as_str()
        .unwrap_or_default()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let number = usize::from_str_radix(id.split('-').next().unwrap_or_default(), 16).unwrap_or(usize::MAX);
    if number >= world.keys {
        return Err(("NotFoundException", format!("Key '{id}' does not exist")));
    }
    let first = account == world.accounts[0] && region == world.regions[0];
    if first && world.gone == Some(number) {
        return Err(("NotFoundException", format!("Key '{}' does not exist", arn(number))));
    }
    if first && world.denied == Some(number) && ["GetKeyPolicy", "ListGrants", "ListKeyPolicies"].contains(&operation) {
        let message = format!(
            "User: arn:aws:iam::{account}:user/ana is not authorized to perform: kms:{operation} on resource: {}",
            arn(number)
        );
        return Err(("AccessDeniedException", message));
    }
    let asymmetric = number % 4 == 3;
    match operation {
        "DescribeKey" => Ok(json!({"KeyMetadata": {
            "AWSAccountId": account, "KeyId": key_id(number), "Arn": arn(number), "CreationDate": 1_600_000_000.123,
            "Enabled": true, "Description": format!("key {number}"), "KeyUsage": if asymmetric { "SIGN_VERIFY" } else { "ENCRYPT_DECRYPT" },
            "KeyState": "Enabled", "Origin": "AWS_KMS", "KeyManager": "CUSTOMER", "KeySpec": if asymmetric { "ECC_NEXT_999" } else { "SYMMETRIC_DEFAULT" },
            "MultiRegion": false, "SomethingNew": {"Kept": true}}})),
        "ListKeyPolicies" => {
            let names = if number.is_multiple_of(5) {
                json!(["default", "AWS_RAM"])
            } else {
                json!(["default"])
            };
            Ok(json!({"PolicyNames": names, "Truncated": false}))
        }
        "GetKeyPolicy" => {
            let name = input["PolicyName"].as_str().unwrap_or("default");
            let action = if first && world.changed == Some(number) {
                "kms:Describe*"
            } else {
                "kms:*"
            };
            let policy = format!(
                "{{\n  \"Version\" : \"2012-10-17\",\n  \"Id\" : \"{name}-{number}\",\n  \"Statement\" : [ {{ \"Effect\" : \"Allow\",\n\
                 \"Principal\" : {{ \"AWS\" : \"arn:aws:iam::{account}:root\" }}, \"Action\" : \"{action}\", \"Resource\" : \"*\" }} ]\n}}"
            );
            Ok(json!({"Policy": policy, "PolicyName": name}))
        }
        "ListGrants" => {
            let (range, next) = cut(world.grants);
            let grant = |grant: usize| {
                json!({"KeyId": arn(number), "GrantId": format!("{number:060x}{grant:04x}"), "CreationDate": 1_650_000_000.0,
                       "GranteePrincipal": format!("arn:aws:iam::{account}:role/app/role-{grant}"), "IssuingAccount": format!("arn:aws:iam::{account}:root"),
                       "Operations": ["Decrypt", "GenerateDataKey"], "Constraints": {"EncryptionContextSubset": {"k": "v"}}})
            };
            Ok(marked("Grants", range.map(grant).collect(), next))
        }
        "ListResourceTags" => {
            let (range, next) = cut(7);
            let tags = range
                .map(|tag| json!({"TagKey": format!("t{tag}"), "TagValue": number.to_string()}))
                .collect();
            Ok(marked("Tags", tags, next))
        }
        "GetKeyRotationStatus" | "ListKeyRotations" if asymmetric => Err((
            "UnsupportedOperationException",
            "asymmetric keys do not rotate".to_owned(),
        )),
        "GetKeyRotationStatus" => Ok(
            json!({"KeyId": arn(number), "KeyRotationEnabled": number.is_multiple_of(2), "RotationPeriodInDays": 365, "NextRotationDate": 1_800_000_000.0}),
        ),
        "ListKeyRotations" => {
            let (range, next) = cut(6);
            let rotation = |at: usize| json!({"KeyId": arn(number), "RotationDate": 1_700_000_000.0 + at as f64, "RotationType": "AUTOMATIC"});
            Ok(marked("Rotations", range.map(rotation).collect(), next))
        }
        "GetKeyLastUsage" => {
            let last = if number.is_multiple_of(2) {
                json!({"Operation": "Decrypt", "Timestamp": 1_780_000_000.5, "CloudTrailEventId": format!("event-{number}"), "KmsRequestId": "r"})
            } else {
                json!({})
            };
            Ok(
                json!({"KeyId": arn(number), "KeyCreationDate": 1_600_000_000.123, "TrackingStartDate": 1_776_902_400.0, "KeyLastUsage": last}),
            )
        }
        _ => Err(("UnknownOperationException", operation.to_owned())),
    }
}

fn organizations(world: &World, caller: &Caller, operation: &str, input: &Value) -> Answer {
    if caller.account != world.accounts[0] && operation != "DescribeOrganization" {
        return Err((
            "AccessDeniedException",
            "You don't have permissions to access this resource.".to_owned(),
        ));
    }
    let management = world.accounts[0];
    let token = input["NextToken"].as_str();
    let listed = |name: &str, items: Vec<Value>| {
        // An empty page with a token comes first: it is documented and must not end the list.
        if token.is_none() {
            return Ok(json!({name: [], "NextToken": "0"}));
        }
        let (range, next) = page(world, items.len(), token, None);
        let mut value = json!({name: items[range].to_vec()});
        if let Some(next) = next {
            value["NextToken"] = next.into();
        }
        Ok(value)
    };
    let account = |id: &&str| {
        json!({"Id": id, "Arn": format!("arn:aws:organizations::{management}:account/o-exampleorgid/{id}"), "Name": format!("account {id}"),
               "Status": "ACTIVE", "JoinedTimestamp": 1_600_000_000.0})
    };
    let parent = input["ParentId"].as_str().unwrap_or_default();
    match operation {
        "DescribeOrganization" => Ok(
            json!({"Organization": {"Id": "o-exampleorgid", "Arn": format!("arn:aws:organizations::{management}:organization/o-exampleorgid"),
            "FeatureSet": "ALL", "MasterAccountId": management, "MasterAccountArn": format!("arn:aws:organizations::{management}:account/o-exampleorgid/{management}")}}),
        ),
        "ListRoots" => listed(
            "Roots",
            vec![
                json!({"Id": "r-ab12", "Name": "Root", "Arn": "arn:aws:organizations::111122223333:root/o-exampleorgid/r-ab12"}),
            ],
        ),
        "ListOrganizationalUnitsForParent" => {
            let units = if parent == "r-ab12" { 7 } else { 0 };
            listed(
                "OrganizationalUnits",
                (0..units)
                    .map(|unit| json!({"Id": format!("ou-ab12-{unit:08}"), "Name": format!("unit {unit}")}))
                    .collect(),
            )
        }
        "ListAccountsForParent" => {
            let held: Vec<Value> = match parent {
                "r-ab12" => world.accounts.iter().take(1).map(account).collect(),
                "ou-ab12-00000006" => world.accounts.iter().skip(1).map(account).collect(),
                _ => Vec::new(),
            };
            listed("Accounts", held)
        }
        "ListAccounts" => listed("Accounts", world.accounts.iter().map(account).collect()),
        "ListPolicies" => {
            let kind = input["Filter"].as_str().unwrap_or_default().to_owned();
            let policy = |number: usize| json!({"Id": format!("p-{}{number:08}", &kind[..1].to_ascii_lowercase()), "Name": format!("policy {number}"), "Type": kind, "AwsManaged": false});
            listed("Policies", (0..6).map(policy).collect())
        }
        "DescribePolicy" => {
            let id = input["PolicyId"].as_str().unwrap_or_default();
            let kind = if id.starts_with("p-s") {
                "SERVICE_CONTROL_POLICY"
            } else {
                "RESOURCE_CONTROL_POLICY"
            };
            Ok(
                json!({"Policy": {"PolicySummary": {"Id": id, "Type": kind, "AwsManaged": false},
                "Content": format!("{{ \"Version\": \"2012-10-17\", \"Id\": \"{id}\", \"Statement\": [] }}")}}),
            )
        }
        "ListTargetsForPolicy" => {
            let target = |unit: usize| json!({"TargetId": format!("ou-ab12-{unit:08}"), "Type": "ORGANIZATIONAL_UNIT"});
            listed("Targets", (0..6).map(target).collect())
        }
        _ => Err(("UnknownOperationException", operation.to_owned())),
    }
}

fn cloudtrail(world: &World, caller: &Caller, operation: &str, input: &Value) -> Answer {
    let Caller { account, region } = caller;
    let management = world.accounts[0];
    let everywhere = format!("arn:aws:cloudtrail:eu-west-1:{management}:trail/everywhere");
    let local = format!("arn:aws:cloudtrail:{region}:{account}:trail/local");
    match operation {
        "DescribeTrails" => Ok(json!({"trailList": [
            {"Name": "everywhere", "TrailARN": everywhere, "HomeRegion": "eu-west-1", "IsMultiRegionTrail": true, "IsOrganizationTrail": true, "S3BucketName": "logs"},
            {"Name": "local", "TrailARN": local, "HomeRegion": region, "IsMultiRegionTrail": false, "IsOrganizationTrail": false, "S3BucketName": "logs-local"}]})),
        "GetTrailStatus" => {
            Ok(json!({"IsLogging": true, "StartLoggingTime": 1_700_000_000.0, "LatestDeliveryTime": 1_780_000_000.0}))
        }
        "GetEventSelectors" if input["TrailName"] == everywhere.as_str() => {
            Ok(json!({"TrailARN": everywhere, "AdvancedEventSelectors": [
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]}))
        }
        "GetEventSelectors" => Ok(
            json!({"TrailARN": local, "EventSelectors": [{"ReadWriteType": "WriteOnly", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}]}),
        ),
        _ => Err(("UnknownOperationException", operation.to_owned())),
    }
}

fn query(world: &World, caller: &Caller, operation: &str, form: &BTreeMap<String, String>) -> Response {
    let body = match operation {
        "GetCallerIdentity" => format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{0}:user/ana</Arn><UserId>AIDAEXAMPLE</UserId><Account>{0}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
            caller.account
        ),
        "AssumeRole" => {
            let arn = form.get("RoleArn").cloned().unwrap_or_default();
            let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
            if form.get("ExternalId").is_none_or(|id| id != "outside") || !world.accounts.contains(&account.as_str()) {
                return xml_error(
                    "AccessDenied",
                    &format!(
                        "User: arn:aws:iam::{}:user/ana is not authorized to perform: sts:AssumeRole on resource: {arn}",
                        caller.account
                    ),
                );
            }
            format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASIA{account}</AccessKeyId>\
                 <SecretAccessKey>EXAMPLE</SecretAccessKey><SessionToken>EXAMPLE</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>\
                 <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:s</AssumedRoleId><Arn>{arn}</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
            )
        }
        "GetAccountAuthorizationDetails" => details(world, caller, form),
        _ => return xml_error("InvalidAction", operation),
    };
    (StatusCode::OK, [("content-type", "text/xml")], body).into_response()
}

fn xml_error(code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    );
    (StatusCode::FORBIDDEN, [("content-type", "text/xml")], body).into_response()
}

/// Roles, then one managed policy per three roles; a document is percent-encoded, as the API's are.
fn details(world: &World, caller: &Caller, form: &BTreeMap<String, String>) -> String {
    let account = &caller.account;
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let (range, next) = page(world, world.roles, form.get("Marker").map(String::as_str), None);
    let mut roles = String::new();
    let mut policies = String::new();
    for role in range {
        let trust = encoded("{\n \"Version\": \"2012-10-17\", \"Statement\": [ ] }");
        let inline = encoded(&format!(
            "{{ \"Version\" : \"2012-10-17\", \"Id\" : \"{role}\", \"Statement\" : [] }}"
        ));
        roles.push_str(&format!(
            "<member><Path>/app/</Path><RoleName>role-{role}</RoleName><RoleId>AROAEXAMPLE{role:010}</RoleId><Arn>arn:aws:iam::{account}:role/app/role-{role}</Arn>\
             <CreateDate>2024-01-01T00:00:00Z</CreateDate><AssumeRolePolicyDocument>{trust}</AssumeRolePolicyDocument><InstanceProfileList/>\
             <RolePolicyList><member><PolicyName>inline</PolicyName><PolicyDocument>{inline}</PolicyDocument></member></RolePolicyList>\
             <AttachedManagedPolicies><member><PolicyName>p{0}</PolicyName><PolicyArn>arn:aws:iam::{account}:policy/p{0}</PolicyArn></member></AttachedManagedPolicies>\
             <Tags><member><Key>team</Key><Value>a&amp;b</Value></member></Tags><RoleLastUsed><LastUsedDate>2026-01-01T00:00:00Z</LastUsedDate><Region>eu-west-1</Region></RoleLastUsed></member>",
            role / 3
        ));
        if role.is_multiple_of(3) {
            let document = encoded("{ \"Version\" : \"2012-10-17\",\t\"Statement\" : [] }");
            policies.push_str(&format!(
                "<member><PolicyName>p{0}</PolicyName><PolicyId>ANPAEXAMPLE{0}</PolicyId><Arn>arn:aws:iam::{account}:policy/p{0}</Arn><Path>/</Path><DefaultVersionId>v1</DefaultVersionId>\
                 <AttachmentCount>3</AttachmentCount><IsAttachable>true</IsAttachable><PolicyVersionList><member><Document>{document}</Document><VersionId>v1</VersionId>\
                 <IsDefaultVersion>true</IsDefaultVersion></member></PolicyVersionList></member>",
                role / 3
            ));
        }
    }
    let more = next.map_or("<IsTruncated>false</IsTruncated>".to_owned(), |next| {
        format!("<IsTruncated>true</IsTruncated><Marker>{next}</Marker>")
    });
    format!(
        "<GetAccountAuthorizationDetailsResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetAccountAuthorizationDetailsResult>{more}\
         <UserDetailList/><GroupDetailList/><RoleDetailList>{roles}</RoleDetailList><Policies>{policies}</Policies></GetAccountAuthorizationDetailsResult>\
         </GetAccountAuthorizationDetailsResponse>"
    )
}
