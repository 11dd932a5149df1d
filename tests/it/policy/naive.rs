//! A second evaluator of concrete requests, written straight from AWS's flow and from the raw JSON, without any thought of speed.
//! It shares no code with the first, so that the two can be held against each other.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Keys in lower case; a single value is a list of one, marked as single.
pub type Context = BTreeMap<String, (Vec<String>, bool)>;

/// `allow`, `implicit_deny` or `explicit_deny`.
pub fn decide(bundle: &Value, request: &Value) -> &'static str {
    let ask = Ask::new(bundle, request);
    let layers = ask.layers();
    if layers
        .iter()
        .any(|(_, policies)| policies.iter().any(|policy| ask.speaks(policy, "Deny").is_some()))
    {
        return "explicit_deny";
    }
    let allows = |wanted: &str| -> Vec<How> {
        let chosen = layers
            .iter()
            .filter(|(name, _)| name == wanted)
            .flat_map(|(_, policies)| policies);
        chosen
            .filter_map(|policy| ask.speaks(policy, "Allow"))
            .flatten()
            .collect()
    };
    let identity = ask.kind() == "root" || !allows("identity").is_empty();
    let boundary = !layers.iter().any(|(name, _)| name == "boundary") || !allows("boundary").is_empty();
    let scps = layers.iter().filter(|(name, _)| name.starts_with("scp"));
    let scps = scps
        .into_iter()
        .all(|(_, policies)| policies.iter().any(|p| ask.speaks(p, "Allow").is_some()));
    if !scps {
        return "implicit_deny";
    }
    let key = allows("key");
    let is = |how: How| key.contains(&how);
    let cross = ask.account != ask.owner && ask.kind() != "service";
    const CROSS: [&str; 7] = [
        "decrypt",
        "encrypt",
        "creategrant",
        "describekey",
        "listgrants",
        "revokegrant",
        "generatedatakey",
    ];
    let supported = !cross || CROSS.contains(&ask.action.trim_start_matches("kms:"));
    let policies = if cross {
        !key.is_empty() && identity && boundary
    } else if ask.kind() == "service" {
        !key.is_empty()
    } else {
        is(How::Itself) || (is(How::Role) || is(How::Account) && identity) && boundary
    };
    let granted = ask.granted() && (!cross || identity && boundary);
    if supported && (policies || granted) {
        "allow"
    } else {
        "implicit_deny"
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum How {
    Itself,
    Role,
    Account,
}

struct Ask<'v> {
    bundle: &'v Value,
    principal: String,
    account: String,
    owner: String,
    action: String,
    resource: String,
    entity: Option<&'v Value>,
    key: &'v Value,
    context: Context,
}

type Layers = Vec<(String, Vec<Value>)>;

fn strings(value: &Value) -> Vec<String> {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    value
        .as_array()
        .map_or_else(|| vec![text(value)], |list| list.iter().map(text).collect())
}

fn document(value: &Value) -> Value {
    value
        .as_str()
        .map_or_else(|| value.clone(), |text| serde_json::from_str(text).unwrap())
}

fn items<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    value[name]
        .as_array()
        .map(|list| list.iter().collect())
        .unwrap_or_default()
}

/// A wildcard pattern as a regular expression.
pub fn glob(pattern: &str, text: &str) -> bool {
    let expression: String = pattern
        .chars()
        .map(|c| match c {
            '*' => "(?s:.)*".to_owned(),
            '?' => "(?s:.)".to_owned(),
            other => regex::escape(&other.to_string()),
        })
        .collect();
    regex::Regex::new(&format!(r"\A(?:{expression})\z"))
        .unwrap()
        .is_match(text)
}

impl<'v> Ask<'v> {
    fn new(bundle: &'v Value, request: &Value) -> Self {
        let principal = request["principal"].as_str().unwrap().to_owned();
        let resource = request["resource"].as_str().unwrap().to_owned();
        let account = principal.split(':').nth(4).unwrap_or("").to_owned();
        let iam = &bundle["iam"][&account];
        let name = principal.split('/').nth(1).unwrap_or("");
        let entity = if principal.contains(":assumed-role/") {
            items(iam, "RoleDetailList").into_iter().find(|r| r["RoleName"] == name)
        } else {
            let all = items(iam, "RoleDetailList")
                .into_iter()
                .chain(items(iam, "UserDetailList"));
            all.into_iter().find(|e| e["Arn"] == principal.as_str())
        };
        let key = items(&bundle["kms"], "keys")
            .into_iter()
            .find(|k| k["KeyMetadata"]["Arn"] == resource.as_str())
            .unwrap();
        let mut ask = Self {
            bundle,
            account,
            owner: resource.split(':').nth(4).unwrap().to_owned(),
            action: request["action"].as_str().unwrap().to_lowercase(),
            entity,
            key,
            context: Context::new(),
            principal,
            resource,
        };
        ask.derive();
        for (name, value) in request["context"].as_object().unwrap() {
            ask.context
                .insert(name.to_lowercase(), (strings(value), !value.is_array()));
        }
        ask
    }

    fn kind(&self) -> &'static str {
        match self.principal.split(':').nth(5) {
            None => "service",
            Some("root") => "root",
            Some(rest) if rest.starts_with("user/") => "user",
            Some(rest) if rest.starts_with("role/") => "role",
            Some(_) => "session",
        }
    }

    fn role(&self) -> String {
        self.entity
            .map_or_else(|| self.principal.clone(), |e| e["Arn"].as_str().unwrap().to_owned())
    }

    fn derive(&mut self) {
        let mut context = Context::new();
        let mut put = |key: &str, value: &str| {
            context.insert(key.to_owned(), (vec![value.to_owned()], true));
        };
        put("aws:resourceaccount", &self.owner);
        put("aws:requestedregion", self.resource.split(':').nth(3).unwrap());
        for tag in items(self.key, "Tags") {
            let name = format!("aws:resourcetag/{}", tag["TagKey"].as_str().unwrap().to_lowercase());
            put(&name, tag["TagValue"].as_str().unwrap());
        }
        let service = self.principal.split(':').nth(5).is_none();
        put("aws:principalisawsservice", if service { "true" } else { "false" });
        let aliases: Vec<String> = items(self.key, "Aliases")
            .iter()
            .map(|a| a["AliasName"].as_str().unwrap().to_owned())
            .collect();
        if service {
            put("aws:principalservicename", &self.principal);
        } else {
            let arn = self
                .entity
                .map_or(self.principal.clone(), |e| e["Arn"].as_str().unwrap().to_owned());
            put("aws:principalarn", &arn);
            put("aws:principalaccount", &self.account);
            put("kms:calleraccount", &self.account);
            for tag in self.entity.map(|e| items(e, "Tags")).unwrap_or_default() {
                let name = format!("aws:principaltag/{}", tag["Key"].as_str().unwrap().to_lowercase());
                put(&name, tag["Value"].as_str().unwrap());
            }
            if let Some(name) = self.principal.split(":user/").nth(1) {
                put("aws:username", name.rsplit('/').next().unwrap());
            }
            if self.seat(&self.account).is_some() {
                put(
                    "aws:principalorgid",
                    self.bundle["organization"]["Organization"]["Id"].as_str().unwrap(),
                );
            }
        }
        if !aliases.is_empty() {
            context.insert("kms:resourcealiases".to_owned(), (aliases, false));
        }
        self.context = context;
    }

    fn seat(&self, account: &str) -> Option<Vec<String>> {
        let accounts = items(&self.bundle["organization"], "Accounts");
        let seat = accounts.into_iter().find(|a| a["Id"] == account)?;
        Some(strings(&seat["Path"]).into_iter().chain([account.to_owned()]).collect())
    }

    fn attached(&self, target: &str, kind: &str) -> Vec<Value> {
        let organization = &self.bundle["organization"];
        let policies = items(organization, "Policies")
            .into_iter()
            .filter(|p| p["PolicySummary"]["Type"] == kind);
        let here = policies.filter(|p| {
            let id = p["PolicySummary"]["Id"].as_str().unwrap();
            organization["Targets"][id]
                .as_array()
                .is_some_and(|t| t.iter().any(|t| t == target))
        });
        here.map(|p| document(&p["Content"])).collect()
    }

    /// Every policy that can deny, by layer.
    fn layers(&self) -> Layers {
        let mut layers = vec![("key".to_owned(), vec![document(&self.key["Policy"])])];
        let iam = &self.bundle["iam"][&self.account];
        let managed = |arn: &Value| {
            let policy = items(iam, "Policies").into_iter().find(|p| p["Arn"] == *arn).unwrap();
            let versions = items(policy, "PolicyVersionList");
            document(&versions.into_iter().find(|v| v["IsDefaultVersion"] == true).unwrap()["Document"])
        };
        if let Some(entity) = self.entity {
            let mut holders = vec![entity];
            let groups = items(iam, "GroupDetailList");
            holders.extend(
                groups
                    .into_iter()
                    .filter(|g| items(entity, "GroupList").contains(&&g["GroupName"])),
            );
            let mut policies = Vec::new();
            for holder in holders {
                for list in ["UserPolicyList", "RolePolicyList", "GroupPolicyList"] {
                    policies.extend(items(holder, list).iter().map(|p| document(&p["PolicyDocument"])));
                }
                policies.extend(
                    items(holder, "AttachedManagedPolicies")
                        .iter()
                        .map(|a| managed(&a["PolicyArn"])),
                );
            }
            layers.push(("identity".to_owned(), policies));
            if let Some(arn) = entity["PermissionsBoundary"].get("PermissionsBoundaryArn") {
                layers.push(("boundary".to_owned(), vec![managed(arn)]));
            }
        }
        let management = &self.bundle["organization"]["Organization"]["MasterAccountId"];
        if let Some(levels) = self
            .seat(&self.account)
            .filter(|_| *management != self.account.as_str())
        {
            let scps = levels
                .iter()
                .map(|l| (format!("scp {l}"), self.attached(l, "SERVICE_CONTROL_POLICY")));
            layers.extend(scps);
        }
        if let Some(levels) = self.seat(&self.owner).filter(|_| *management != self.owner.as_str()) {
            layers.extend(
                levels
                    .iter()
                    .map(|l| ("rcp".to_owned(), self.attached(l, "RESOURCE_CONTROL_POLICY"))),
            );
        }
        layers
    }

    /// How the statements of an effect in a policy name the caller; nothing when none matches.
    fn speaks(&self, policy: &Value, effect: &str) -> Option<Vec<How>> {
        let variables = policy["Version"] == "2012-10-17";
        let statements = policy["Statement"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![policy["Statement"].clone()]);
        let mut found = None;
        for statement in statements.iter().filter(|s| s["Effect"] == effect) {
            let Some(how) = self.named(statement) else { continue };
            if self.action(statement) && self.on_resource(statement, variables) && self.conditions(statement, variables)
            {
                found.get_or_insert_with(Vec::new).extend(how);
            }
        }
        found
    }

    fn named(&self, statement: &Value) -> Option<Vec<How>> {
        // Identity policies and SCPs name nobody: they are attached to the caller or its account.
        let Some(principal) = statement.get("Principal") else {
            return Some(vec![How::Itself]);
        };
        let mut how = Vec::new();
        let aws = if *principal == "*" {
            vec!["*".to_owned()]
        } else {
            principal.get("AWS").map(strings).unwrap_or_default()
        };
        let service = principal.get("Service").map(strings).unwrap_or_default();
        if service.contains(&self.principal) {
            how.push(How::Itself);
        }
        for name in aws {
            let root = format!("arn:aws:iam::{}:root", self.account);
            if name == "*" || (name == self.principal && self.kind() != "role" && self.kind() != "root") {
                how.push(How::Itself);
            } else if name == root || name == self.account {
                how.push(How::Account);
            } else if name == self.role() {
                how.push(How::Role);
            }
        }
        if how.is_empty() { None } else { Some(how) }
    }

    fn action(&self, statement: &Value) -> bool {
        let any = |list: &Value| strings(list).iter().any(|p| glob(&p.to_lowercase(), &self.action));
        statement
            .get("Action")
            .map_or_else(|| !any(&statement["NotAction"]), any)
    }

    fn on_resource(&self, statement: &Value, variables: bool) -> bool {
        let any = |list: &Value| {
            let filled = strings(list).into_iter().filter_map(|p| self.fill(&p, variables));
            filled.into_iter().any(|p| glob_marked(&p, &self.resource))
        };
        statement
            .get("Resource")
            .map_or_else(|| !any(&statement["NotResource"]), any)
    }

    /// Puts values in place of variables; wildcards that came from a value are marked as literal.
    fn fill(&self, text: &str, variables: bool) -> Option<String> {
        if !variables {
            return Some(text.to_owned());
        }
        let (mut out, mut rest) = (String::new(), text);
        while let Some(at) = rest.find("${") {
            out.push_str(&rest[..at]);
            let (inside, after) = rest[at + 2..].split_once('}').unwrap();
            rest = after;
            if matches!(inside, "*" | "?" | "$") {
                out.push('\u{1}');
                out.push_str(inside);
                continue;
            }
            let (key, default) = inside
                .split_once(',')
                .map_or((inside, None), |(k, d)| (k, Some(d.trim().trim_matches('\''))));
            let value = self
                .context
                .get(&key.trim().to_lowercase())
                .filter(|(_, single)| *single)
                .map(|(v, _)| v[0].clone());
            let value = value.or_else(|| default.map(str::to_owned))?;
            value.chars().for_each(|c| out.extend(['\u{1}', c]));
        }
        out.push_str(rest);
        Some(out)
    }

    fn conditions(&self, statement: &Value, variables: bool) -> bool {
        let empty = Map::new();
        let blocks = statement.get("Condition").and_then(Value::as_object).unwrap_or(&empty);
        blocks.iter().all(|(operator, block)| {
            block
                .as_object()
                .unwrap()
                .iter()
                .all(|(key, values)| self.condition(operator, key, values, variables))
        })
    }

    fn condition(&self, operator: &str, key: &str, values: &Value, variables: bool) -> bool {
        let given = self
            .context
            .get(&key.to_lowercase())
            .filter(|_| self.carries(&key.to_lowercase()));
        if operator == "Null" {
            return strings(values).iter().any(|v| (v == "true") == given.is_none());
        }
        let (set, operator) = operator.split_once(':').map_or(("", operator), |(s, o)| (s, o));
        let bare = operator.trim_end_matches("IfExists");
        let negated = bare.contains("Not");
        let Some((given, single)) = given else {
            return operator.ends_with("IfExists") || set == "ForAllValues" || (negated && set.is_empty());
        };
        let wanted: Vec<Option<String>> = strings(values)
            .iter()
            .map(|v| {
                if bare.starts_with("String") || bare.starts_with("Arn") {
                    self.fill(v, variables)
                } else {
                    Some(v.clone())
                }
            })
            .collect();
        let one = |value: &String| wanted.iter().flatten().any(|w| compare(bare, w, value)) != negated;
        match (set, single) {
            ("ForAllValues", _) => given.iter().all(one),
            ("ForAnyValue", _) => given.iter().any(one),
            (_, true) => one(&given[0]),
            (_, false) => false,
        }
    }

    /// Some keys are only in the requests of some operations.
    fn carries(&self, key: &str) -> bool {
        let action = self.action.trim_start_matches("kms:");
        match key {
            "kms:grantisforawsresource" => matches!(action, "creategrant" | "listgrants" | "revokegrant"),
            "aws:requesttag/team" => false,
            "kms:schedulekeydeletionpendingwindowindays" => action == "schedulekeydeletion",
            "kms:encryptioncontext:dept" => matches!(action, "decrypt" | "encrypt" | "creategrant" | "generatedatakey"),
            _ => true,
        }
    }

    fn granted(&self) -> bool {
        let action = self.action.trim_start_matches("kms:");
        items(self.key, "Grants").into_iter().any(|grant| {
            let grantee = &grant["GranteePrincipal"];
            let mine = *grantee == self.principal.as_str() || *grantee == self.role().as_str();
            let listed = strings(&grant["Operations"]).iter().any(|o| o.to_lowercase() == action);
            let given: Vec<(String, String)> = self
                .context
                .iter()
                .filter_map(|(k, v)| Some((k.strip_prefix("kms:encryptioncontext:")?.to_owned(), v.0[0].clone())))
                .collect();
            let free = matches!(action, "describekey" | "creategrant");
            let none = Map::new();
            let pairs = |name: &str| grant["Constraints"].get(name).and_then(Value::as_object);
            let holds = |map: &Map<String, Value>| {
                map.iter()
                    .all(|(k, v)| given.contains(&(k.to_lowercase(), v.as_str().unwrap().to_owned())))
            };
            let exact = pairs("EncryptionContextEquals").is_none_or(|m| holds(m) && m.len() == given.len());
            mine && listed && (free || exact && holds(pairs("EncryptionContextSubset").unwrap_or(&none)))
        })
    }
}

/// A pattern in which a character after U+0001 is literal.
fn glob_marked(pattern: &str, text: &str) -> bool {
    let mut expression = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        expression.push_str(&match c {
            '\u{1}' => regex::escape(&chars.next().unwrap().to_string()),
            '*' => ".*".to_owned(),
            '?' => ".".to_owned(),
            other => regex::escape(&other.to_string()),
        });
    }
    regex::Regex::new(&format!(r"\A(?:{expression})\z"))
        .unwrap()
        .is_match(text)
}

fn compare(operator: &str, wanted: &str, given: &str) -> bool {
    let plain = wanted.replace('\u{1}', "");
    match operator.replace("Not", "").as_str() {
        "StringEquals" => plain == given,
        "StringEqualsIgnoreCase" => plain.to_lowercase() == given.to_lowercase(),
        "StringLike" => glob_marked(wanted, given),
        "ArnEquals" | "ArnLike" => {
            let (w, g): (Vec<_>, Vec<_>) = (wanted.splitn(6, ':').collect(), given.splitn(6, ':').collect());
            w.len() == 6 && g.len() == 6 && w.iter().zip(g).all(|(w, g)| glob_marked(w, g))
        }
        "Bool" => plain.to_lowercase() == given.to_lowercase(),
        "IpAddress" => {
            let bits = |text: &str| -> Option<String> {
                let parts: Option<Vec<u8>> = text.split('.').map(|p| p.parse().ok()).collect();
                parts
                    .filter(|p| p.len() == 4)
                    .map(|p| p.iter().map(|b| format!("{b:08b}")).collect())
            };
            let (network, length) = plain.split_once('/').unwrap_or((&plain, "32"));
            let length: usize = length.parse().unwrap();
            matches!((bits(network), bits(given)), (Some(n), Some(g)) if n[..length] == g[..length])
        }
        "NumericLessThan" => given.parse::<i64>().unwrap() < plain.parse().unwrap(),
        "NumericGreaterThanEquals" => given.parse::<i64>().unwrap() >= plain.parse().unwrap(),
        "NumericEquals" => given.parse::<i64>().unwrap() == plain.parse::<i64>().unwrap(),
        // The generator writes dates in one form only, which sorts as text.
        "DateLessThan" => given < plain.as_str(),
        "DateGreaterThanEquals" => given >= plain.as_str(),
        other => panic!("{other}"),
    }
}
