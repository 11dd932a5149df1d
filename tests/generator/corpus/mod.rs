//! A corpus of any size: seeded logs whose sizes, frequencies and odds are those measured on real trail files.
//!
//! Objects are made one by one and handed on, so that memory does not grow with the corpus; the same [`Corpus`] gives the
//! same objects in any number of threads. What was written is counted while it is written ([`Truth`]).

mod aside;
pub mod huge;
mod identity;
mod inventory;
mod kms;
mod mix;
mod plan;
mod record;
mod template;
pub mod truth;
mod world;

use super::instant::at;
use super::objects;
use super::rng::Rng;
use plan::File;
use record::Pen;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use truth::Truth;
use world::World;

/// Keys below the bucket, and the bytes of each.
pub type Objects = Vec<(String, Vec<u8>)>;

/// What to write.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// Everything follows from it.
    pub seed: u64,
    /// Records, before copies that faults add.
    pub records: u64,
    /// The first day, at midnight.
    pub start: i64,
    /// Days over which records are spread.
    pub days: u32,
    /// Accounts; each has a record on every day as long as there are objects enough.
    pub accounts: usize,
    /// Regions; the first is the busiest. Eight at most.
    pub regions: usize,
    /// KMS keys in all accounts together.
    pub keys: usize,
    /// Principals in all accounts together.
    pub principals: usize,
    /// Share of KMS among all records.
    pub kms_share: f64,
    /// Share of records with an error.
    pub error_share: f64,
    /// How many times the usual number of records an object holds.
    pub file_scale: f64,
    /// Level of gzip.
    pub level: u32,
    /// What goes wrong or is unusual.
    pub faults: Faults,
}

/// What a bucket holds beyond the plain case. Everything is off by default.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// A prefix before `AWSLogs/`, which may itself contain `AWSLogs`; ends with a slash unless empty.
    pub prefix: String,
    /// The organization's layout: `AWSLogs/o-.../<account>/`.
    pub organization: bool,
    /// A second trail delivers every record again, in the organization's layout, with the same event ids.
    pub two_trails: bool,
    /// Share of objects delivered days late.
    pub late_share: f64,
    /// By how many days.
    pub late_days: i64,
    /// Share of KMS uses that cross accounts: a record in each log, one `sharedEventID`.
    pub cross_account_share: f64,
    /// Share of objects written as several gzip members.
    pub multi_member_share: f64,
    /// Digest objects for every hour. Their signatures are made up: nothing here holds a private key.
    pub digests: bool,
    /// Insight, network activity and aggregated objects, one a day each.
    pub asides: bool,
    /// Zero-byte objects whose keys end with a slash (not written to folders, which have directories of their own).
    pub markers: bool,
}

impl Default for Corpus {
    fn default() -> Self {
        Self {
            seed: 1,
            records: 10_000,
            start: at("2026-07-01"),
            days: 30,
            accounts: 3,
            regions: 2,
            keys: 120,
            principals: 240,
            kms_share: mix::KMS_SHARE,
            error_share: mix::ERROR_SHARE,
            file_scale: 1.0,
            level: 6,
            faults: Faults::default(),
        }
    }
}

impl Corpus {
    /// Makes every object and hands it on, with its key below the bucket. Objects come in no order when `threads` is
    /// more than one; their keys and bytes do not depend on it.
    pub fn generate(
        &self,
        threads: usize,
        sink: &(impl Fn(&str, &[u8]) -> io::Result<()> + Sync),
    ) -> io::Result<Truth> {
        let world = World::new(self);
        let files = plan::files(self);
        let (next, truth) = (AtomicUsize::new(0), Mutex::new((Truth::default(), Vec::new())));
        let work = || -> io::Result<()> {
            let mut pen = Pen::new(self, &world);
            let mut listed = Vec::new();
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.deliver(file, &mut pen, &mut listed, sink)?;
            }
            let mut all = truth.lock().map_err(|_| io::Error::other("a thread died"))?;
            all.0.add(&pen.truth(&world));
            all.1.append(&mut listed);
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
            let mine = work();
            others.into_iter().fold(mine, |all, other| {
                all.and(other.join().unwrap_or_else(|_| Err(io::Error::other("a thread died"))))
            })
        })?;
        let (mut truth, listed) = truth.into_inner().map_err(|_| io::Error::other("a thread died"))?;
        aside::all(self, &world, listed, &mut |key, bytes| {
            truth.asides += 1;
            sink(key, bytes)
        })?;
        Ok(truth)
    }

    /// Writes the corpus below a folder, on two threads.
    pub fn write_to(&self, dir: &Path) -> io::Result<Truth> {
        let corpus = Self {
            faults: Faults {
                markers: false,
                ..self.faults.clone()
            },
            ..self.clone()
        };
        corpus.generate(2, &|key, bytes| {
            let path = dir.join(key);
            match std::fs::write(&path, bytes) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
                    std::fs::write(&path, bytes)
                }
                done => done,
            }
        })
    }

    /// The corpus as pairs of key and bytes, sorted by key, for a bucket.
    pub fn objects(&self) -> io::Result<(Objects, Truth)> {
        let objects = Mutex::new(Vec::new());
        let truth = self.generate(1, &|key, bytes| {
            let mut objects = objects.lock().map_err(|_| io::Error::other("a thread died"))?;
            objects.push((key.to_owned(), bytes.to_vec()));
            Ok(())
        })?;
        let mut objects = objects.into_inner().map_err(|_| io::Error::other("a thread died"))?;
        objects.sort();
        Ok((objects, truth))
    }

    /// The key of an object of one account.
    fn key(&self, organization: bool, account: &str, region: &str, stamp: i64, rng: &mut Rng) -> String {
        let folder = if organization {
            format!("{}/{account}", world::ORGANIZATION)
        } else {
            account.to_owned()
        };
        format!(
            "{}{}",
            self.faults.prefix,
            objects::log_key(&folder, account, region, stamp, rng)
        )
    }

    fn deliver(
        &self,
        file: &File,
        pen: &mut Pen,
        listed: &mut Vec<aside::Listed>,
        sink: &(impl Fn(&str, &[u8]) -> io::Result<()> + Sync),
    ) -> io::Result<()> {
        let mut rng = Rng::seeded(self.seed ^ 0x0b1e_c700 ^ file.number << 20);
        let late = if rng.chance(self.faults.late_share) {
            self.faults.late_days * 86_400
        } else {
            0
        };
        let stamp = file.stamp + late;
        for (account, records) in pen.write(file) {
            let region = pen.region(file);
            let members = if rng.chance(self.faults.multi_member_share) {
                3
            } else {
                1
            };
            let mut put = |organization: bool, records: &[&[u8]], rng: &mut Rng, pen: &mut Pen| {
                let key = self.key(organization, account, region, stamp, rng);
                let (bytes, raw) = pack(records, members, self.level)?;
                pen.note_object(records.len(), raw.len(), bytes.len());
                if self.faults.digests {
                    listed.push(aside::Listed::new(account, region, stamp, &key, &raw));
                }
                sink(&key, &bytes)
            };
            let mut views: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            put(self.faults.organization, &views, &mut rng, pen)?;
            if self.faults.two_trails {
                // The other trail packs the same records in another order.
                views.reverse();
                put(true, &views, &mut rng, pen)?;
            }
        }
        Ok(())
    }
}

/// `{"Records":[...]}` in so many gzip members, and the bytes before gzip.
fn pack(records: &[&[u8]], members: usize, level: u32) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut raw = Vec::with_capacity(records.iter().map(|r| r.len() + 1).sum::<usize>() + 16);
    raw.extend_from_slice(b"{\"Records\":[");
    raw.extend_from_slice(&records.join(&b","[..]));
    raw.extend_from_slice(b"]}");
    let mut bytes = Vec::with_capacity(raw.len() / 6);
    for part in raw.chunks(raw.len().div_ceil(members)) {
        let mut member = objects::gzip(bytes, level);
        member.write_all(part)?;
        bytes = member.finish()?;
    }
    Ok((bytes, raw))
}
