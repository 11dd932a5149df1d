//! Writes records straight into bytes, in the order in which AWS writes the fields, and counts them.

use super::identity::Who;
use super::mix::{self, Call};
use super::plan::{self, File};
use super::truth::Truth;
use super::world::{Principal, World};
use super::{Corpus, kms};
use crate::generator::rng::Rng;
use std::collections::BTreeMap;

/// Whoever writes: it holds the dice, and counts what it writes.
pub struct Pen<'a> {
    /// What to write.
    pub corpus: &'a Corpus,
    /// Who lives in it.
    pub world: &'a World,
    /// The dice of the object at hand.
    pub rng: Rng,
    /// The object's account.
    pub account: usize,
    /// The object's Region.
    pub region: usize,
    /// The record's time.
    pub time: i64,
    /// Which things the record is about: the same wherever it names one.
    pub chosen: u64,
    /// The record being written.
    pub out: Vec<u8>,
    /// Records for the logs of other accounts.
    pub abroad: BTreeMap<usize, Vec<Vec<u8>>>,
    /// Counts of successful uses, failed uses and administration by key.
    pub by_key: Vec<[u64; 3]>,
    counts: Truth,
    calls: Vec<u64>,
    tallies: BTreeMap<(&'static str, &'static str), u64>,
    odds: Vec<u32>,
}

impl<'a> Pen<'a> {
    /// A pen for some of the objects of a corpus.
    pub fn new(corpus: &'a Corpus, world: &'a World) -> Self {
        let odds = mix::CALLS.iter().scan(0, |sum, call| {
            *sum += call.weight;
            Some(*sum)
        });
        Self {
            corpus,
            world,
            rng: Rng::seeded(0),
            account: 0,
            region: 0,
            time: 0,
            chosen: 0,
            out: Vec::new(),
            abroad: BTreeMap::new(),
            by_key: vec![[0; 3]; world.keys.len()],
            counts: Truth::default(),
            calls: vec![0; mix::CALLS.len()],
            tallies: BTreeMap::new(),
            odds: odds.collect(),
        }
    }

    /// The Region an object is of.
    pub fn region(&self, file: &File) -> &'static str {
        self.world.regions[file.region]
    }

    /// The records of one object, and of those that other accounts get because of it.
    pub fn write(&mut self, file: &File) -> Vec<(&'a str, Vec<Vec<u8>>)> {
        self.rng = Rng::seeded(self.corpus.seed.rotate_left(32) ^ file.number);
        (self.account, self.region) = (file.account, file.region);
        let mut times: Vec<i64> = (0..file.records)
            .map(|_| file.stamp - plan::lag(&mut self.rng))
            .collect();
        times.sort_unstable();
        // Three objects of five are not quite in order.
        if self.rng.chance(0.6) {
            self.rng.jostle(&mut times, 0.3);
        }
        let mut records = Vec::with_capacity(times.len());
        for time in times {
            (self.time, self.chosen) = (time, self.rng.next());
            if self.rng.chance(self.corpus.kms_share) {
                kms::record(self);
            } else {
                self.ordinary();
            }
            records.push(self.out.clone());
            self.out.clear();
        }
        let mut all = vec![(self.world.accounts[file.account].id.as_str(), records)];
        for (account, records) in std::mem::take(&mut self.abroad) {
            all.push((self.world.accounts[account].id.as_str(), records));
        }
        all
    }

    /// Counts an object.
    pub fn note_object(&mut self, records: usize, raw: usize, gz: usize) {
        self.counts.objects += 1;
        self.counts.records += records as u64;
        self.counts.raw_bytes += raw as u64;
        self.counts.gz_bytes += gz as u64;
    }

    /// Counts something about a distinct record.
    pub fn tally(&mut self, what: &'static str, name: &'static str) {
        *self.tallies.entry((what, name)).or_default() += 1;
    }

    /// What this pen wrote.
    pub fn truth(&self, world: &World) -> Truth {
        let mut truth = self.counts.clone();
        for (call, n) in mix::CALLS.iter().zip(&self.calls).filter(|(_, n)| **n > 0) {
            *truth
                .events
                .entry(format!("{}.amazonaws.com:{}", call.service, call.name))
                .or_default() += n;
        }
        for ((what, name), n) in &self.tallies {
            let (counts, name) = match *what {
                "kms" => (&mut truth.events, format!("kms.amazonaws.com:{name}")),
                "error" => (&mut truth.errors, (*name).to_owned()),
                _ => (&mut truth.identities, (*name).to_owned()),
            };
            *counts.entry(name).or_default() += n;
        }
        truth.distinct = truth.identities.values().sum();
        for (key, counts) in world.keys.iter().zip(&self.by_key) {
            for (map, n) in [&mut truth.uses, &mut truth.failed_uses, &mut truth.admin]
                .into_iter()
                .zip(counts)
            {
                if *n > 0 {
                    map.insert(key.arn.clone(), *n);
                }
            }
        }
        truth
    }

    /// A principal of the object's account; the first ones act far more often.
    pub fn principal(&mut self) -> &'a Principal {
        let all = &self.world.accounts[self.account].principals;
        let end = (0..3).fold(all.len() as u64, |end, _| self.rng.below(end) + 1);
        &all[self.rng.below(end) as usize]
    }

    fn service(&mut self) -> &'static str {
        mix::SERVICES[self.rng.below(mix::SERVICES.len() as u64) as usize]
    }

    fn ordinary(&mut self) {
        let sum = self.odds.last().copied().unwrap_or(1);
        let at = self.rng.below(u64::from(sum)) as u32;
        let index = self.odds.partition_point(|end| *end <= at);
        let call = &mix::CALLS[index];
        self.calls[index] += 1;
        let who = if call.read_only && self.rng.chance(mix::SERVICE_SHARE) {
            Who::Service(self.service())
        } else if self.rng.chance(0.05) {
            Who::Via(self.principal(), self.service())
        } else {
            Who::Direct(self.principal())
        };
        let failed = who.outside() && self.rng.chance(self.corpus.error_share * 1.12);
        let pick = self.rng.next();
        let error = failed.then(|| mix::error(call.service, pick));
        self.head(who, call.service, call.name, error);
        self.put("\"requestParameters\":");
        self.fill(call.request);
        self.put(",\"responseElements\":");
        self.fill(if failed { "null" } else { call.response });
        self.middle(who, call);
    }

    /// Everything up to `requestParameters`.
    pub fn head(&mut self, who: Who, service: &str, name: &str, error: Option<(&'static str, &'static str)>) {
        self.tally("identity", who.kind());
        self.put("{\"eventVersion\":\"");
        self.put(match service {
            "ssm" | "sts" | "logs" => "1.08",
            "s3" | "secretsmanager" | "rds" => "1.09",
            "ec2" => "1.10",
            _ => "1.11",
        });
        self.put("\",\"userIdentity\":");
        self.identity(who);
        self.put(",\"eventTime\":\"");
        self.instant(self.time);
        self.put("\",\"eventSource\":\"");
        self.put(service);
        self.put(".amazonaws.com\",\"eventName\":\"");
        self.put(name);
        self.put("\",\"awsRegion\":\"");
        self.put(self.world.regions[self.region]);
        self.put("\",\"sourceIPAddress\":\"");
        let (ip, agent) = match who {
            Who::Direct(p) | Who::Foreign(p, _) => (p.ip.as_str(), mix::AGENTS[p.agent]),
            Who::Via(_, service) | Who::Service(service) => (service, service),
            Who::Nobody => ("AWS Internal", "AWS Internal"),
        };
        self.put(ip);
        self.put("\",\"userAgent\":\"");
        self.put(agent);
        self.put("\",");
        if let Some((code, message)) = error {
            self.tally("error", code);
            self.put("\"errorCode\":\"");
            self.put(code);
            self.put("\",\"errorMessage\":\"");
            self.fill(message);
            self.put("\",");
        }
    }

    /// Everything after `responseElements`, for calls that are not KMS's.
    fn middle(&mut self, who: Who, call: &Call) {
        if call.service == "s3" {
            self.fill(",\"additionalEventData\":{\"SignatureVersion\":\"SigV4\",\"CipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"bytesTransferredIn\":0,\"AuthenticationMethod\":\"AuthHeader\",\"x-amz-id-2\":\"~x=\",\"bytesTransferredOut\":~n}");
            self.fill(",\"requestID\":\"~R\"");
        } else {
            self.fill(",\"requestID\":\"~u\"");
        }
        self.fill(",\"eventID\":\"~u\",\"readOnly\":");
        self.put(if call.read_only { "true" } else { "false" });
        match call.service {
            "s3" if call.name != "ListBuckets" => {
                self.fill(
                    ",\"resources\":[{\"accountId\":\"~a\",\"type\":\"AWS::S3::Bucket\",\"ARN\":\"arn:aws:s3:::~b\"}]",
                );
            }
            "ssm" if call.name.ends_with("Parameter") => {
                self.fill(",\"resources\":[{\"accountId\":\"~a\",\"ARN\":\"arn:aws:ssm:~r:~a:parameter~p\"}]");
            }
            "sts" if call.name == "AssumeRole" => {
                self.fill(",\"resources\":[{\"accountId\":\"~a\",\"type\":\"AWS::IAM::Role\",\"ARN\":\"arn:aws:iam::~a:role/service/~o\"}]");
            }
            _ => {}
        }
        self.fill(",\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"~a\"");
        if matches!(who, Who::Service(_)) && matches!(call.service, "sts" | "s3") {
            self.fill(",\"sharedEventID\":\"~u\"");
        }
        self.tail(who, call.service);
    }

    /// `eventCategory` and what follows it.
    pub fn tail(&mut self, who: Who, service: &str) {
        self.put(",\"eventCategory\":\"Management\"");
        if who.outside() {
            self.put(",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"");
            self.put(service);
            self.fill(".~r.amazonaws.com\"}");
        }
        if matches!(who, Who::Direct(p) if p.console) {
            self.put(",\"sessionCredentialFromConsole\":\"true\"");
        }
        self.put("}");
    }
}
