//! `report evidence`: asks about every key, reads the answers side by side in the order of the keys, and writes the pack.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::PeriodArgs;
use super::folder::{Folder, Growing, write};
use super::keyed::Keyed;
use super::lake::Lake;
use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::Printer;
use crate::model::Instant;
use crate::report::evidence::{
    self as pack, Activity, Common, Event, FileEntry, Index, IndexRow, Key, KeyFacts, LIMITS, LastUse, Limit, METHOD,
    Manifest, ObjectSet, Policy, Removed, Right, SnapshotEntry, SourceObject, TABLES, Tables, Unexplained, Usage,
    UserRight, Withheld,
};
use crate::report::grounds::{Place, SnapshotPart, Stretch, places};
use crate::report::unused_keys::{Grant, Key as Verdict, VERDICTS};

/// Keys whose pages are made at once.
const CHUNK: usize = 128;

/// Memory of the queries when nobody says otherwise: the pages need some beside them.
const MEMORY_BYTES: usize = 1536 << 20;

/// Periods shown side by side.
const PERIODS: &str = "4";

/// Rights' verdicts.
const RIGHT_VERDICTS: [&str; 4] = ["exercised", "unexercised", "unobservable", "too_new"];

/// Arguments of `report evidence`.
#[derive(Debug, Args)]
pub(super) struct EvidenceArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// The folder to write; must be new or empty
    #[arg(short, long, value_name = "DIR", required = true)]
    output: PathBuf,
    /// Only these keys: ids, ARNs or aliases, separated by commas; all of them when not given
    #[arg(long, value_name = "KEY", value_delimiter = ',', num_args = 1..)]
    keys: Vec<String>,
    /// The forms of the keys' evidence
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["html", "json", "csv"])]
    format: Vec<Form>,
    /// Exit with 1 where a key or a right has one of these verdicts (`any`: any that asks for action)
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', value_parser = verdict)]
    fail_on: Vec<String>,
}

/// A form of the pack's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page per key, and the index
    Html,
    /// A JSON file per key, and the index
    Json,
    /// Tables over all keys
    Csv,
    /// A text per key
    Markdown,
}

fn verdict(text: &str) -> Result<String, String> {
    super::verdict(
        text,
        VERDICTS.iter().map(|(verdict, ..)| *verdict).chain(RIGHT_VERDICTS),
    )
}

/// Runs `report evidence`.
pub(super) async fn run(args: &EvidenceArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let folder = Folder::begin(&args.output)?;
    let lake = Lake::open_within(&args.period, MEMORY_BYTES, globals, printer).await?;
    let inventory: Vec<Key> = lake.rows("key-inventory").await?;
    let chosen = chosen(&inventory, &args.keys)?;
    let stretches: Vec<Stretch> = lake.rows("coverage-in-window").await?;
    let limits: Vec<Limit> = lake.rows("permission-limits").await?;
    let snapshot_parts: Vec<SnapshotPart> = lake.rows("snapshots-in-force").await?;
    let common = common(&lake, &chosen, &stretches, &limits);
    let mut writing = Writing::begin(folder.path(), &args.format)?;
    let (rows, elsewhere) = write_keys(&lake, &chosen, &common, &mut writing).await?;
    for limit in &limits {
        writing.policy(limit.sha256.as_deref(), limit.policy.as_deref())?;
    }
    let source_objects = write_objects(&lake, &mut writing).await?;
    writing.coverage(&stretches)?;
    let index = Index {
        schema: Index::SCHEMA,
        version: Index::VERSION,
        as_of: crate::trace::facts::At(lake.period.until),
        since: crate::trace::facts::At(lake.period.since),
        window_days: lake.period.days(),
        asked: args.keys.clone(),
        assumed: lake.assumed.clone(),
        population: lake.rows("population").await?,
        use_coverage: common.use_places.values().cloned().collect(),
        admin_coverage: common.admin_places.values().cloned().collect(),
        snapshots: snapshots(&snapshot_parts),
        snapshot_parts,
        control_policies: limits.into_iter().filter(|limit| limit.kind != "boundary").collect(),
        source_objects,
        activity: lake
            .rows_with::<Activity>("activity-per-period", &[("periods", PERIODS.to_owned())])
            .await?,
        keys: rows,
        elsewhere,
        queries: writing.queries(&lake)?,
        method: METHOD.to_vec(),
        limits: LIMITS.to_vec(),
        frameworks: Index::frameworks(),
    };
    let files = writing.finish(&index)?;
    folder.finish()?;
    printer.note(&format!(
        "`{}`: evidence of {} keys in {files} files; check it with `sha256sum -c SHA256SUMS`",
        args.output.display(),
        index.keys.len()
    ));
    let found = args.fail_on.iter().any(|verdict| index.has(verdict));
    Ok(super::exit(found, index.is_too_thin(), printer))
}

/// The keys that were asked for, in their order.
fn chosen(inventory: &[Key], asked: &[String]) -> anyhow::Result<Vec<Key>> {
    if asked.is_empty() {
        return Ok(inventory.to_vec());
    }
    let mut found: BTreeMap<&str, &Key> = BTreeMap::new();
    for name in asked {
        let before = found.len();
        let meant = inventory.iter().filter(|key| is_meant(key, name));
        found.extend(meant.map(|key| (key.key_arn.as_str(), key)));
        if found.len() == before && !found.values().any(|key| is_meant(key, name)) {
            return Err(hinted(
                format!("key `{name}`: is in no snapshot at or before the end of the period"),
                "`keytrail query key-inventory` lists them; name a key by its id, ARN or alias",
            ));
        }
    }
    Ok(found.into_values().cloned().collect())
}

fn is_meant(key: &Key, name: &str) -> bool {
    let alias = |alias: &String| {
        alias == name
            || name
                .strip_suffix(alias.as_str())
                .and_then(|lead| lead.strip_suffix(':'))
                .is_some_and(|lead| {
                    lead.split(':')
                        .skip(3)
                        .eq([key.region.as_str(), key.account_id.as_str()])
                })
    };
    key.key_arn == name || key.key_id == name || key.aliases.iter().flatten().any(alias)
}

fn common(lake: &Lake, keys: &[Key], stretches: &[Stretch], limits: &[Limit]) -> Common {
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for key in keys {
        *counts.entry((key.account_id.clone(), key.region.clone())).or_default() += 1;
    }
    let of = |kind: &str| -> BTreeMap<(String, String), Place> {
        let places = places(lake.period, kind, stretches, &counts).into_iter();
        places
            .map(|place| ((place.account_id.clone(), place.region.clone()), place))
            .collect()
    };
    let by_account = |kind: &str| {
        let mut all: BTreeMap<String, Vec<Limit>> = BTreeMap::new();
        for limit in limits.iter().filter(|limit| limit.kind == kind) {
            let bare = Limit {
                policy: None,
                ..limit.clone()
            };
            all.entry(limit.account_id.clone()).or_default().push(bare);
        }
        all
    };
    let boundaries = limits.iter().filter(|limit| limit.kind == "boundary");
    let boundaries = boundaries.filter_map(|limit| {
        Some((
            limit.principal_arn.clone()?,
            Limit {
                policy: None,
                ..limit.clone()
            },
        ))
    });
    Common {
        period: lake.period,
        use_places: of("use"),
        admin_places: of("admin"),
        boundaries: boundaries.collect(),
        scps: by_account("scp"),
        rcps: by_account("rcp"),
    }
}

/// Asks about all keys, one question after another, and then writes key by key. Returns the index's rows, and the
/// administrative calls of the period that belong to none of the keys.
async fn write_keys(
    lake: &Lake,
    keys: &[Key],
    common: &Common,
    writing: &mut Writing<'_>,
) -> anyhow::Result<(Vec<IndexRow>, Vec<Event>)> {
    let answers = Answers::ask(lake, writing.folder).await?;
    tokio::task::block_in_place(|| write_answers(answers, lake.period.since, keys, common, writing))
}

/// What there is to say of the keys, each in the order of the keys.
struct Answers {
    verdicts: Keyed<Verdict>,
    policies: Keyed<Policy>,
    rights: Keyed<Right>,
    withheld: Keyed<Withheld>,
    users: Keyed<UserRight>,
    usage: Keyed<Usage>,
    grants: Keyed<Grant>,
    events: Keyed<Event>,
    last_uses: Keyed<LastUse>,
    unexplained: Keyed<Unexplained>,
    removed: Keyed<Removed>,
}

impl Answers {
    async fn ask(lake: &Lake, folder: &Path) -> anyhow::Result<Answers> {
        let by_key = async |name, order| lake.by_key(name, order, &[]).await;
        let timeline = "eventtime, eventid, source_object, source_index";
        let held_back = "principal_arn, array_to_string(actions, chr(44)), array_to_string(limits, chr(10))";
        let users = "principal_arn, decision, condition, array_to_string(actions, chr(44))";
        Ok(Answers {
            verdicts: Keyed::new(by_key("unused-keys", "key_arn").await?, folder).await?,
            policies: Keyed::new(by_key("key-policies", "policy_name").await?, folder).await?,
            rights: Keyed::new(lake.rights_by_key("full").await?, folder).await?,
            withheld: Keyed::new(by_key("withheld-admin-rights", held_back).await?, folder).await?,
            users: Keyed::new(by_key("key-users", users).await?, folder).await?,
            usage: Keyed::new(by_key("key-usage", "principal_arn, operation").await?, folder).await?,
            grants: Keyed::new(by_key("key-grants", "creation_date, grant_id").await?, folder).await?,
            events: Keyed::new(lake.by_key("key-admin-timeline", timeline, &["since"]).await?, folder).await?,
            last_uses: Keyed::new(by_key("key-last-use", "eventid").await?, folder).await?,
            unexplained: Keyed::new(
                by_key("unexplained-admin-use", "action, principal_arn, principal_id").await?,
                folder,
            )
            .await?,
            removed: Keyed::new(by_key("removed-admin-rights", "principal_arn, action").await?, folder).await?,
        })
    }
}

fn write_answers(
    mut answers: Answers,
    since: Instant,
    keys: &[Key],
    common: &Common,
    writing: &mut Writing<'_>,
) -> anyhow::Result<(Vec<IndexRow>, Vec<Event>)> {
    let is_known: BTreeSet<&str> = keys.iter().map(|key| key.key_arn.as_str()).collect();
    let mut elsewhere = Vec::new();
    let mut stray = |event: Event| {
        let is_within = Instant::parse(&event.eventtime).is_some_and(|at| at >= since);
        if is_within && !event.key_arn.as_deref().is_some_and(|key| is_known.contains(key)) {
            elsewhere.push(event);
        }
    };
    let mut rows = Vec::with_capacity(keys.len());
    let mut waiting = Vec::with_capacity(CHUNK);
    for key in keys {
        let arn = key.key_arn.as_str();
        waiting.push(KeyFacts {
            verdict: answers.verdicts.of(arn, drop)?.pop(),
            policies: answers.policies.of(arn, drop)?,
            administrators: answers.rights.of(arn, drop)?,
            withheld: answers.withheld.of(arn, drop)?,
            users: answers.users.of(arn, drop)?,
            usage: answers.usage.of(arn, drop)?,
            grants: answers.grants.of(arn, drop)?,
            events: answers.events.of(arn, &mut stray)?,
            last_use: answers.last_uses.of(arn, drop)?.pop(),
            unexplained: answers.unexplained.of(arn, drop)?,
            removed: answers.removed.of(arn, drop)?,
            key: key.clone(),
        });
        if waiting.len() == CHUNK {
            rows.extend(writing.keys(std::mem::take(&mut waiting), common)?);
        }
    }
    rows.extend(writing.keys(waiting, common)?);
    answers.events.rest(&mut stray)?;
    elsewhere.sort_by(|a, b| (&a.eventtime, &a.eventid, &a.key_arn).cmp(&(&b.eventtime, &b.eventid, &b.key_arn)));
    writing.elsewhere(&elsewhere)?;
    Ok((rows, elsewhere))
}

async fn write_objects(lake: &Lake, writing: &mut Writing<'_>) -> anyhow::Result<ObjectSet> {
    let mut set = ObjectSet::default();
    let mut table = writing.objects()?;
    let mut trouble = None;
    lake.each("source-objects", &[], |object: SourceObject| {
        set.add(&object);
        if let Err(error) = table.add(&pack::object_line(&object)) {
            trouble.get_or_insert(error);
        }
    })
    .await?;
    if let Some(error) = trouble {
        return Err(error);
    }
    writing.files.push(table.finish()?);
    Ok(set.finish())
}

fn snapshots(parts: &[SnapshotPart]) -> Vec<SnapshotEntry> {
    let all: BTreeSet<SnapshotEntry> = parts
        .iter()
        .map(|part| SnapshotEntry {
            snapshot_id: part.snapshot_id.clone(),
            collected_at: part.collected_at.to_string(),
            sha256: part.content_hash.clone(),
        })
        .collect();
    all.into_iter().collect()
}

/// The files of the pack so far.
struct Writing<'f> {
    folder: &'f Path,
    forms: &'f [Form],
    tables: Vec<Growing>,
    policies: BTreeSet<String>,
    files: Vec<FileEntry>,
}

impl<'f> Writing<'f> {
    fn begin(folder: &'f Path, forms: &'f [Form]) -> anyhow::Result<Writing<'f>> {
        let heads = Tables::heads();
        let mut tables = Vec::new();
        if forms.contains(&Form::Csv) {
            for ((path, _), head) in TABLES.iter().zip(&heads.0) {
                tables.push(Growing::begin(folder, path, head)?);
            }
        }
        Ok(Writing {
            folder,
            forms,
            tables,
            policies: BTreeSet::new(),
            files: Vec::new(),
        })
    }

    /// Writes the evidence of some keys, on all cores.
    fn keys(&mut self, facts: Vec<KeyFacts>, common: &Common) -> anyhow::Result<Vec<IndexRow>> {
        let (folder, forms) = (self.folder, self.forms);
        let made: Vec<(pack::Sheet, Tables, Vec<FileEntry>)> = facts
            .into_par_iter()
            .map(|facts| -> anyhow::Result<_> {
                let sheet = pack::sheet(facts, common);
                let mut files = Vec::new();
                for form in forms {
                    let (extension, text) = match form {
                        Form::Html => ("html", pack::key_page(&sheet)?),
                        Form::Json => ("json", pack::json(&sheet)?),
                        Form::Markdown => ("md", pack::key_markdown(&sheet)),
                        Form::Csv => continue,
                    };
                    files.push(write(
                        folder,
                        &format!("keys/{}.{extension}", sheet.stem),
                        text.as_bytes(),
                    )?);
                }
                let tables = Tables::of(&sheet);
                Ok((sheet, tables, files))
            })
            .collect::<anyhow::Result<_>>()?;
        let mut rows = Vec::with_capacity(made.len());
        for (sheet, lines, files) in made {
            for (table, text) in self.tables.iter_mut().zip(&lines.0) {
                table.add(text)?;
            }
            for policy in &sheet.policies {
                self.policy(policy.policy_sha256.as_deref(), policy.policy.as_deref())?;
            }
            self.files.extend(files);
            rows.push(pack::index_row(&sheet));
        }
        Ok(rows)
    }

    /// Writes a policy's text, once.
    fn policy(&mut self, sha256: Option<&str>, text: Option<&str>) -> anyhow::Result<()> {
        if let (Some(path), Some(text)) = (pack::policy_file(sha256), text)
            && self.policies.insert(path.clone())
        {
            self.files.push(write(self.folder, &path, text.as_bytes())?);
        }
        Ok(())
    }

    /// Adds the calls of no key to the table of calls.
    fn elsewhere(&mut self, events: &[Event]) -> anyhow::Result<()> {
        let place = TABLES.iter().position(|(path, _)| *path == pack::EVENTS_TABLE);
        if let Some(table) = place.and_then(|place| self.tables.get_mut(place)) {
            for event in events {
                table.add(&pack::event_line(event))?;
            }
        }
        Ok(())
    }

    fn objects(&self) -> anyhow::Result<Growing> {
        Growing::begin(self.folder, "data/source-objects.csv", &pack::objects_head())
    }

    fn coverage(&mut self, stretches: &[Stretch]) -> anyhow::Result<()> {
        let text = pack::coverage_table(stretches);
        self.files
            .push(write(self.folder, "data/coverage.csv", text.as_bytes())?);
        Ok(())
    }

    /// Writes the SQL texts.
    fn queries(&mut self, lake: &Lake) -> anyhow::Result<Vec<pack::QueryEntry>> {
        let mut entries = Vec::new();
        for asked in lake.asked() {
            let file = write(
                self.folder,
                &format!("queries/{}.sql", asked.name),
                asked.sql.as_bytes(),
            )?;
            entries.push(pack::QueryEntry {
                path: file.path.clone(),
                sha256: file.sha256.clone(),
                parameters: asked.parameters,
            });
            self.files.push(file);
        }
        Ok(entries)
    }

    /// Writes the index, the manifest and the sums; returns how many files there are.
    fn finish(mut self, index: &Index) -> anyhow::Result<usize> {
        for table in std::mem::take(&mut self.tables) {
            self.files.push(table.finish()?);
        }
        self.files
            .push(write(self.folder, "index.json", pack::json(index)?.as_bytes())?);
        if self.forms.contains(&Form::Html) {
            self.files.push(write(
                self.folder,
                "index.html",
                pack::index_page(index, &self.files)?.as_bytes(),
            )?);
        }
        self.files.sort();
        let manifest = Manifest {
            schema: Manifest::SCHEMA,
            version: Manifest::VERSION,
            tool: concat!("keytrail ", env!("CARGO_PKG_VERSION")).to_owned(),
            as_of: index.as_of,
            since: index.since,
            window_days: index.window_days,
            keys: index.asked.clone(),
            assumed: index.assumed.clone(),
            snapshots: index.snapshots.clone(),
            source_objects: index.source_objects.clone(),
            queries: index.queries.clone(),
            files: self.files.clone(),
        };
        self.files
            .push(write(self.folder, "manifest.json", pack::json(&manifest)?.as_bytes())?);
        self.files.sort();
        write(self.folder, "SHA256SUMS", pack::sums(&self.files).as_bytes())?;
        Ok(self.files.len() + 1)
    }
}
