//! The inhabitants of a corpus: accounts, what they own, principals, keys. Ids are made up; accounts are documentation ones
//! as long as there are any.

use super::Corpus;
use crate::generator::rng::Rng;

/// The organization of every corpus.
pub const ORGANIZATION: &str = "o-exampleorgid";

const REGIONS: [&str; 8] = [
    "us-east-1",
    "eu-west-1",
    "us-west-2",
    "eu-central-1",
    "ap-southeast-2",
    "ap-northeast-1",
    "us-east-2",
    "sa-east-1",
];

const ACCOUNTS: [&str; 12] = [
    "111122223333",
    "444455556666",
    "123456789012",
    "777788889999",
    "999999999999",
    "012345678901",
    "555555555555",
    "222222222222",
    "333333333333",
    "111111111111",
    "666666666666",
    "888888888888",
];

/// What kind of identity a principal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session of a role.
    Role,
    /// An IAM user with a long-term key.
    User,
    /// The root user.
    Root,
}

/// Somebody who calls.
#[derive(Debug)]
pub struct Principal {
    /// What it shows itself as.
    pub kind: Kind,
    /// The name of the user or role.
    pub name: String,
    /// The unique id.
    pub id: String,
    /// The ARN: of the role with its path, or of the user.
    pub arn: String,
    /// The session name, for roles.
    pub session: String,
    /// Where calls come from.
    pub ip: String,
    /// With which program.
    pub agent: usize,
    /// True for people in the console.
    pub console: bool,
}

/// A KMS key.
#[derive(Debug)]
pub struct Key {
    /// Index of its account.
    pub account: usize,
    /// The key id.
    pub id: String,
    /// The key ARN.
    pub arn: String,
    /// `alias/...`.
    pub alias: String,
}

/// An account and what it owns, as texts that records mention.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its principals, the busiest first.
    pub principals: Vec<Principal>,
    /// Indexes of its keys by Region, the busiest first.
    pub keys: Vec<Vec<usize>>,
    /// Ids of things: instances, volumes, VPCs, subnets, security groups, route tables.
    pub things: Vec<Vec<String>>,
    /// Names of buckets.
    pub buckets: Vec<String>,
    /// Names of parameters.
    pub parameters: Vec<String>,
    /// Names of secrets, with their suffix.
    pub secrets: Vec<String>,
}

/// All of them.
#[derive(Debug)]
pub struct World {
    /// Accounts.
    pub accounts: Vec<Account>,
    /// Regions in use.
    pub regions: Vec<&'static str>,
    /// Keys of all accounts.
    pub keys: Vec<Key>,
}

const THINGS: [(&str, usize); 6] = [
    ("i-0", 40),
    ("vol-0", 60),
    ("vpc-0", 4),
    ("subnet-0", 16),
    ("sg-0", 24),
    ("rtb-0", 12),
];
const STEMS: [&str; 12] = [
    "orders", "billing", "search", "ingest", "reports", "identity", "catalog", "media", "ledger", "mail", "build",
    "metrics",
];

impl World {
    /// The world of a corpus.
    pub fn new(corpus: &Corpus) -> Self {
        let regions: Vec<&'static str> = REGIONS.iter().take(corpus.regions.clamp(1, 8)).copied().collect();
        let count = corpus.accounts.max(1);
        let mut accounts: Vec<Account> = (0..count)
            .map(|n| account(corpus.seed, n, (corpus.principals / count).max(2), regions.len()))
            .collect();
        let mut keys = Vec::new();
        for n in 0..corpus.keys.max(count * regions.len()) {
            // Every account has a key in every Region before any has two.
            let (account, region) = (n % count, n / count % regions.len());
            let mut rng = Rng::seeded(corpus.seed ^ 0x6b65_7900 ^ (n as u64) << 24);
            let (id, owner) = (rng.uuid(), &accounts[account].id);
            let arn = format!("arn:aws:kms:{}:{owner}:key/{id}", regions[region]);
            let alias = format!("alias/{}-{n}", rng.pick(&STEMS));
            accounts[account].keys[region].push(keys.len());
            keys.push(Key {
                account,
                id,
                arn,
                alias,
            });
        }
        Self {
            accounts,
            regions,
            keys,
        }
    }
}

fn account(seed: u64, n: usize, principals: usize, regions: usize) -> Account {
    let mut rng = Rng::seeded(seed ^ 0xacc0 ^ (n as u64) << 32);
    let id = ACCOUNTS.get(n).map_or_else(
        || format!("{:012}", 100_000_000_000u64 + n as u64),
        |id| (*id).to_owned(),
    );
    let things = THINGS
        .iter()
        .map(|(prefix, count)| (0..*count).map(|_| format!("{prefix}{}", rng.hex(16))).collect());
    let things = things.collect();
    let names = |rng: &mut Rng, count: usize, form: &dyn Fn(&str, usize, &mut Rng) -> String| {
        (0..count)
            .map(|n| {
                let stem = *rng.pick(&STEMS);
                form(stem, n, rng)
            })
            .collect::<Vec<_>>()
    };
    let buckets = names(&mut rng, 16, &|stem, n, _| format!("amzn-s3-demo-{stem}-{n}"));
    let parameters = names(&mut rng, 48, &|stem, n, _| format!("/{stem}/service/setting-{n}"));
    let secrets = names(&mut rng, 24, &|stem, n, rng| {
        format!("{stem}/credentials-{n}-{}", rng.text(b"ABCDEFGHabcdefgh0123456", 6))
    });
    let principals = (0..principals).map(|n| principal(&id, n, &mut rng)).collect();
    Account {
        id,
        principals,
        keys: vec![Vec::new(); regions],
        things,
        buckets,
        parameters,
        secrets,
    }
}

fn principal(account: &str, n: usize, rng: &mut Rng) -> Principal {
    let stem = *rng.pick(&STEMS);
    let net = rng.pick(&["192.0.2", "198.51.100", "203.0.113"]);
    let ip = format!("{net}.{}", rng.range(1, 255));
    let tag = rng.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 10);
    let agent = rng.below(super::mix::AGENTS.len() as u64) as usize;
    // One principal in thirty is a root user at most, one in four a user; the rest are roles.
    let kind = match n % 30 {
        29 => Kind::Root,
        n if n % 4 == 3 => Kind::User,
        _ => Kind::Role,
    };
    let (name, id, arn) = match kind {
        Kind::Root => (
            String::new(),
            account.to_owned(),
            format!("arn:aws:iam::{account}:root"),
        ),
        Kind::User => {
            let name = format!("{stem}-user-{n}");
            let arn = format!("arn:aws:iam::{account}:user/{name}");
            (name, format!("AIDA{tag}EXAMPLE"), arn)
        }
        Kind::Role => {
            let name = format!("{stem}-role-{n}");
            let arn = format!("arn:aws:iam::{account}:role/service/{name}");
            (name, format!("AROA{tag}EXAMPLE"), arn)
        }
    };
    let session = if rng.chance(0.5) {
        format!("i-0{}", rng.hex(16))
    } else {
        format!("{stem}-{}", rng.hex(12))
    };
    Principal {
        kind,
        name,
        id,
        arn,
        session,
        ip,
        agent,
        console: n % 6 == 5,
    }
}
