//! `trace`: the story of a key, from the lake to a person.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use clap::{Args, ValueEnum};
use futures::future::try_join_all;
use futures::{TryStreamExt, try_join};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::query::named;
use crate::cli::args::Globals;
use crate::cli::error::hinted;
use crate::cli::exit::Exit;
use crate::cli::printer::{Output, Printer};
use crate::cli::settings;
use crate::engine::query::{Bindings, Kind, Value};
use crate::engine::{Error, Rows, Session};
use crate::model::nearest::nearest;
use crate::model::{Arn, Instant};
use crate::report::trace as pages;
use crate::report::{Format, Writer};
use crate::trace::chain;
use crate::trace::facts::{
    At, Change, Context, Dependent, Elsewhere, Facts, Firsts, Issue, Issues, LOGIN_MAX, LogReach, Login, Snapshot, Uses,
};
use crate::trace::{sql, state, story};

const HOUR: i64 = 3_600_000_000;

/// No session lasts longer: GetSessionToken and GetFederationToken give 36 hours at most
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>).
const SESSION_MAX: i64 = 36 * HOUR;

/// Access keys followed at most; a key with more actors shows the others without their origin.
const KEYS_MAX: usize = 2_000;

/// Records of one key that are held in memory; of a key with more the log is read for every question.
const HELD_BYTES_MAX: usize = 512 << 20;

/// Changes whose first appearances are looked up.
const FIRSTS_MAX: usize = 6;

/// Arguments of `trace`.
#[derive(Debug, Args)]
pub(in crate::cli) struct TraceArgs {
    /// The key: id, ARN, alias or alias ARN; also of a key that no longer exists
    key: String,
    /// The first instant to tell of; earlier changes still count for the key's state
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    since: Option<Instant>,
    /// The instant to stop before
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    until: Option<Instant>,
    /// The instant the story is told at: how long is left to cancel counts from here (now, or `--until`)
    #[arg(long, value_name = "TIME", value_parser = settings::instant)]
    as_of: Option<Instant>,
    /// How long before and after to look at what the same hands did
    #[arg(long, value_name = "DURATION", default_value = "2h", value_parser = settings::duration)]
    around: i64,
    /// The form of the story; `table` unless the file's name says otherwise
    #[arg(long, value_enum)]
    format: Option<StoryFormat>,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A form of a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoryFormat {
    /// Read from top to bottom, in a terminal
    Table,
    /// One object, for programs
    Json,
    /// One page, for a browser
    Html,
}

/// Runs `trace`.
pub(in crate::cli) async fn run(args: &TraceArgs, globals: &Globals, printer: &Printer) -> anyhow::Result<Exit> {
    let lake = Lake {
        session: Arc::new(settings::session(globals, None).await?),
        args,
    };
    lake.session.will_ask_often().await?;
    let facts = lake.facts(lake.meant().await?).await?;
    let story = story::tell(&facts);
    let bytes = match format(args) {
        StoryFormat::Table => {
            let to_terminal = args.output.is_none() && std::io::stdout().is_terminal();
            pages::text(&story, to_terminal && printer.has_color())
        }
        StoryFormat::Json => pages::json(&story)?,
        StoryFormat::Html => pages::html(&story)?,
    };
    let mut output = Output::open(args.output.as_deref())?;
    output.write_all(bytes.as_bytes())?;
    output.finish()?;
    if printer.is_verbose() {
        let (read, held) = (lake.session.bytes_read(), lake.session.lake_bytes().await?);
        printer.say(&format!("read {read} bytes of a lake of {held}"));
    }
    Ok(Exit::Done)
}

fn format(args: &TraceArgs) -> StoryFormat {
    let extension = args.output.as_deref().and_then(|path| path.extension()?.to_str());
    args.format.unwrap_or(match extension {
        Some("json") => StoryFormat::Json,
        Some("html" | "htm") => StoryFormat::Html,
        _ => StoryFormat::Table,
    })
}

struct Lake<'a> {
    session: Arc<Session>,
    args: &'a TraceArgs,
}

#[derive(Debug, Deserialize)]
struct Candidate {
    key_arn: String,
    first_seen: Option<At>,
    last_seen: Option<At>,
    in_snapshot: Option<i64>,
}

/// A row of the ledger's account of the log.
#[derive(Debug, Deserialize)]
struct Told {
    account_id: Option<String>,
    first_event_at: Option<At>,
    last_event_at: Option<At>,
}

impl Told {
    fn reach(self) -> Option<LogReach> {
        Some(LogReach {
            account_id: self.account_id?,
            first_event_at: self.first_event_at,
            last_event_at: self.last_event_at,
        })
    }
}

/// The key that was meant, and what is asked of every key.
struct Meant {
    key_arn: String,
    /// The same lake, with only the key's own records in `kms_records` and `kms_events`, unless they are too many.
    held: Arc<Session>,
    snapshot: Option<Snapshot>,
    log: Vec<LogReach>,
}

/// What broke with the key.
#[derive(Default)]
struct Broken {
    dependents: Vec<Dependent>,
    elsewhere: Vec<Elsewhere>,
    contexts: Vec<Context>,
}

/// A day with changes of the key.
#[derive(Debug, Deserialize)]
struct Day {
    day: Option<String>,
    /// Whether they name the key, and no other, by its ARN.
    is_flat: bool,
}

#[derive(Debug, Deserialize)]
struct Name {
    name: String,
}

impl Lake<'_> {
    /// The key that was meant, its records at hand.
    async fn meant(&self) -> anyhow::Result<Meant> {
        let typed = self.args.key.as_str();
        let arn = Arn::parse(typed);
        let alias = arn.and_then(|arn| arn.kms_alias());
        let place = |part: Option<&str>| part.map_or(Value::Null(Kind::Text), |part| Value::Text(part.to_owned()));
        let bindings = Bindings::from([
            ("name".to_owned(), Value::Text(typed.to_owned())),
            ("alias".to_owned(), place(alias)),
            ("account".to_owned(), place(arn.map(|arn| arn.account))),
            ("region".to_owned(), place(arn.map(|arn| arn.region))),
            ("since".to_owned(), instant(self.args.since)),
            ("until".to_owned(), instant(self.args.until)),
        ]);
        let of_id = match arn {
            Some(arn) => arn.kms_key_id().map(|_| typed.to_owned()),
            None => self.of_id(typed).await?,
        };
        if let Some(key_arn) = of_id {
            let mut bindings = bindings.clone();
            bindings.retain(|name, _| matches!(name.as_str(), "since" | "until"));
            bindings.insert("name".to_owned(), Value::Text(key_arn.clone()));
            let about = self.about(&key_arn).await?;
            let exact: Vec<Candidate> = rows(&about.held, sql::EXACT, &bindings).await?;
            if !exact.is_empty() {
                return Ok(about);
            }
        }
        let mut found: Vec<Candidate> = self.ask(sql::CANDIDATES, &bindings).await?;
        if let Some(place) = found.iter().position(|candidate| candidate.key_arn == typed) {
            found = vec![found.swap_remove(place)];
        }
        match found.len() {
            1 => self.about(&found.remove(0).key_arn).await,
            0 => Err(self.unknown(typed).await?),
            _ => Err(ambiguous(typed, &found)),
        }
    }

    /// The ARN of the one key with this id, where the id is one that no other key has in any account or Region: such a name
    /// needs no history.
    async fn of_id(&self, typed: &str) -> anyhow::Result<Option<String>> {
        let is_unique = typed.len() == 36 && typed.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if !is_unique {
            return Ok(None);
        }
        let bindings = Bindings::from([("id".to_owned(), Value::Text(typed.to_owned()))]);
        let mut arns: Vec<Name> = self.ask(sql::ARNS, &bindings).await?;
        let arn = arns.pop().map(|arn| arn.name);
        Ok(arn.filter(|_| arns.is_empty()))
    }

    /// A key, its records at hand, and what else can be asked beside them.
    async fn about(&self, key_arn: &str) -> anyhow::Result<Meant> {
        let of_key = Bindings::from([("key".to_owned(), Value::Text(key_arn.to_owned()))]);
        let snapshots = self.ask::<Snapshot>(sql::KEY, &of_key);
        let (held, snapshots, log) = try_join!(self.holding(&of_key), snapshots, self.reach())?;
        Ok(Meant {
            key_arn: key_arn.to_owned(),
            held: held.unwrap_or_else(|| self.session.clone()),
            snapshot: snapshots.into_iter().next(),
            log,
        })
    }

    /// Reads the key's records once for all the questions about them: all columns of its changes, and what is asked about
    /// uses of the others.
    async fn holding(&self, of_key: &Bindings) -> anyhow::Result<Option<Arc<Session>>> {
        let (session, none) = (&*self.session, Bindings::new());
        let Some(narrow) = session
            .holding_log(sql::NARROW, &aliased(of_key), HELD_BYTES_MAX)
            .await?
        else {
            return Ok(None);
        };
        let narrow = session
            .holding(&[(&narrow, sql::OF_KEY, of_key)], HELD_BYTES_MAX)
            .await?;
        let Some(narrow) = narrow.map(Arc::new) else {
            return Ok(None);
        };
        let days: Vec<Day> = rows(&narrow, sql::DAYS, &none).await?;
        let on = |is_flat: bool| {
            let days = days.iter().filter(|day| day.is_flat == is_flat);
            // No record is of the day that stands for none.
            listed(days.filter_map(|day| day.day.clone()).collect(), "0001-01-01")
        };
        let mut of_changes = of_key.clone();
        of_changes.insert("days".to_owned(), on(true));
        of_changes.insert("days_of_others".to_owned(), on(false));
        let Some(wide) = session.holding_log(sql::WIDE, &of_changes, HELD_BYTES_MAX).await? else {
            return Ok(None);
        };
        let questions = [(&wide, sql::CHANGES, of_key), (&*narrow, sql::MERE, &none)];
        let Some(held) = session.holding(&questions, HELD_BYTES_MAX).await?.map(Arc::new) else {
            return Ok(None);
        };
        let stores: Vec<Name> = rows(&held, sql::STORES, of_key).await?;
        if stores.is_empty() {
            return Ok(Some(held));
        }
        let Some(stores) = session.holding_log(sql::STORE_LOG, &none, HELD_BYTES_MAX).await? else {
            return Ok(None);
        };
        let questions = [(&*held, sql::HELD, &none), (&stores, sql::HELD, &none)];
        Ok(session.holding(&questions, HELD_BYTES_MAX).await?.map(Arc::new))
    }

    async fn unknown(&self, typed: &str) -> anyhow::Result<anyhow::Error> {
        let names: Vec<Name> = self.ask(sql::NAMES, &Bindings::new()).await?;
        let id = |name: &str| name.rsplit_once("key/").map_or(name, |(_, id)| id).to_owned();
        let typed_id = id(typed);
        let ids: Vec<String> = names.iter().map(|name| id(&name.name)).collect();
        let near = nearest(typed, names.iter().map(|name| name.name.as_str()))
            .map(str::to_owned)
            .or_else(|| nearest(&typed_id, ids.iter().map(String::as_str)).map(str::to_owned));
        let message = format!("key `{typed}`: neither the log nor a snapshot knows it");
        Ok(match near {
            Some(near) => hinted(message, format!("did you mean `{near}`?")),
            None => {
                let some: Vec<&str> = names.iter().take(20).map(|name| name.name.as_str()).collect();
                let known = if some.is_empty() {
                    "the lake names no key at all".to_owned()
                } else {
                    format!("known are, among {}: {}", names.len(), some.join(", "))
                };
                hinted(message, known)
            }
        })
    }

    async fn facts(&self, meant: Meant) -> anyhow::Result<Facts> {
        let of_uses = Bindings::from([
            ("key".to_owned(), Value::Text(meant.key_arn.clone())),
            ("until".to_owned(), instant(self.args.until)),
        ]);
        let timeline = named("key-timeline")?;
        let mut of_timeline = of_uses.clone();
        of_timeline.insert("since".to_owned(), Value::Null(Kind::Instant));
        let (changes, uses) = try_join!(
            rows::<Change>(&meant.held, &timeline.sql, &of_timeline),
            rows::<Uses>(&meant.held, sql::USES, &of_uses),
        )?;
        let mut facts = Facts {
            key_arn: meant.key_arn.clone(),
            as_of: self
                .args
                .as_of
                .or(self.args.until)
                .or_else(|| Some(Instant(settings::now().0.div_euclid(1_000_000) * 1_000_000))),
            since: self.args.since,
            snapshot: meant.snapshot.clone(),
            log: meant.log.clone(),
            uses: uses.into_iter().next().unwrap_or_default(),
            changes,
            ..Facts::default()
        };
        state::order(&mut facts.changes);
        let broken = self.broken(&meant, first_blow(&facts.changes));
        let hands = async {
            facts.issues = self.issues(&facts.changes).await?;
            facts.logins = self.logins(&facts).await?;
            self.around(&mut facts).await
        };
        let (broken, ()) = try_join!(broken, hands)?;
        facts.dependents = broken.dependents;
        facts.elsewhere = broken.elsewhere;
        facts.contexts = broken.contexts;
        Ok(facts)
    }

    /// How far the log reaches: by the ledger, unless an object in it does not say whose log it is.
    async fn reach(&self) -> anyhow::Result<Vec<LogReach>> {
        let told: Vec<Told> = self.ask(sql::LEDGER, &Bindings::new()).await?;
        let told: Option<Vec<LogReach>> = told.into_iter().map(Told::reach).collect();
        match told {
            Some(told) if !told.is_empty() => Ok(told),
            _ => self.ask(sql::LOG, &Bindings::new()).await,
        }
    }

    /// Follows every caller's access key to the call that issued it, hop by hop.
    async fn issues(&self, changes: &[Change]) -> anyhow::Result<Issues> {
        let mut issues = Issues::new();
        let mut asked = BTreeSet::new();
        let asked_since = self.args.since.map_or(i64::MIN, |since| since.0);
        let followed: Vec<&Change> = changes
            .iter()
            .filter(|change| {
                change.eventtime.0.0 >= asked_since
                    || matches!(
                        change.operation.as_str(),
                        "ScheduleKeyDeletion" | "ImportKeyMaterial" | "EnableKeyRotation" | "RotateKeyOnDemand"
                    )
            })
            .collect();
        for depth in 1..=chain::DEPTH_MAX {
            let mut wanted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
            for change in &followed {
                if let Some(key) = chain::next_key(&change.caller, &issues).filter(|key| !asked.contains(key)) {
                    wanted.entry(key).or_default().push(change.eventtime.0.0);
                }
            }
            // Long-term keys are issued by no session.
            wanted.retain(|key, _| !key.starts_with("AKIA"));
            let wanted: Vec<(String, Vec<i64>)> = wanted.into_iter().take(KEYS_MAX).collect();
            if wanted.is_empty() {
                break;
            }
            let hops = i64::try_from(depth).unwrap_or(1);
            let times = wanted.iter().flat_map(|(_, times)| times);
            let spans = Spans(times.map(|at| (at - SESSION_MAX * hops, at + HOUR)).collect());
            let mut keys: Vec<String> = wanted.into_iter().map(|(key, _)| key).collect();
            asked.extend(keys.iter().cloned());
            // A list of one is an equality, and an equality on what a window is partitioned by cannot be planned over no
            // rows (DataFusion takes the sorted column for a constant). No access key is empty.
            keys.push(String::new());
            let mut bindings = spans.bindings();
            bindings.insert("keys".to_owned(), Value::List(keys));
            let found: Vec<Issue> = self.ask(sql::ISSUED, &bindings).await?;
            issues.extend(found.into_iter().map(|issue| (issue.issued_key.clone(), issue)));
        }
        Ok(issues)
    }

    /// The sign-ins to the console at the ends of the chains.
    async fn logins(&self, facts: &Facts) -> anyhow::Result<Vec<Login>> {
        let (mut arns, mut spans) = (BTreeSet::new(), Spans::default());
        for change in &facts.changes {
            let chain = chain::follow(&change.caller, &facts.issues);
            if let Some((arn, at)) = chain::signed_in(&chain, change.eventtime) {
                arns.insert(arn.to_owned());
                spans
                    .0
                    .push((at.0.0.saturating_sub(LOGIN_MAX), at.0.0.saturating_add(1)));
            }
        }
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let mut bindings = spans.bindings();
        bindings.insert("arns".to_owned(), listed(arns, ""));
        self.ask(sql::LOGINS, &bindings).await
    }

    /// What the hands that hit the key did around the time, and what the log had never seen before.
    async fn around(&self, facts: &mut Facts) -> anyhow::Result<()> {
        let asked_since = self.args.since.map_or(i64::MIN, |since| since.0);
        let hits = |change: &&Change| {
            change.succeeded()
                && change.eventtime.0.0 >= asked_since
                && (story::is_blow(&change.operation) && !change.is_by_itself() || change.operation == "PutKeyPolicy")
        };
        let blows: Vec<Change> = facts.changes.iter().filter(hits).cloned().collect();
        let latest: Vec<&Change> = blows.iter().rev().take(FIRSTS_MAX).collect();
        let Some(last) = latest.first() else { return Ok(()) };
        let (mut keys, mut arns) = (BTreeSet::new(), BTreeSet::new());
        let mut from = last.eventtime.0.0;
        for blow in &latest {
            // One incident, not a year: what lies further back than a session may last is another one.
            if last.eventtime.0.0 - blow.eventtime.0.0 > SESSION_MAX {
                continue;
            }
            from = from.min(blow.eventtime.0.0);
            for hop in chain::follow(&blow.caller, &facts.issues).hops {
                from = from.min(hop.at.map_or(i64::MAX, |at| at.0.0));
                keys.extend(hop.access_key);
                arns.extend(
                    hop.identity_arn
                        .filter(|arn| arn.contains(":user/") || arn.contains(":assumed-role/")),
                );
            }
        }
        let since = Instant(from.saturating_sub(self.args.around));
        let until = self.ending(last.eventtime.0.0.saturating_add(self.args.around));
        let (keys, arns) = (listed(keys, ""), listed(arns, ""));
        let span = [
            ("since".to_owned(), Value::Instant(since)),
            ("until".to_owned(), Value::Instant(until)),
        ];
        let mut bindings = Bindings::from(span.clone());
        bindings.extend([("keys".to_owned(), keys), ("arns".to_owned(), arns)]);
        let mut of_account = Bindings::from(span);
        of_account.insert("account".to_owned(), Value::Null(Kind::Text));
        let tampering = named("kms-log-tampering")?;
        // The same hands strike more than once. Their last blow comes first here, and what is known until then tells of the
        // others too.
        let mut asked: BTreeMap<(Vec<String>, At), Instant> = BTreeMap::new();
        let hands_of = |blow: &Change| {
            let text = |value: &Option<String>| value.clone().unwrap_or_default();
            let chain = chain::follow(&blow.caller, &facts.issues);
            let who = vec![
                text(&blow.caller.principal_arn),
                text(&blow.caller.source_ip),
                text(&blow.caller.user_agent),
                blow.operation.clone(),
                text(&chain.origin.name),
            ];
            (who, chain.began(blow.eventtime))
        };
        for blow in &latest {
            asked.entry(hands_of(blow)).or_insert(blow.eventtime.0);
        }
        let firsts = try_join_all(asked.iter().map(|((who, began), last)| self.firsts(who, *began, *last)));
        let (deeds, tampering, firsts) = try_join!(
            self.ask(sql::AROUND, &bindings),
            self.ask(&tampering.sql, &of_account),
            firsts
        )?;
        let known: BTreeMap<(Vec<String>, At), Firsts> = asked.into_keys().zip(firsts).collect();
        let of_blows = latest.iter().filter_map(|blow| {
            let firsts = known.get(&hands_of(blow))?;
            Some((blow.eventid.clone(), firsts.until(blow.eventtime)))
        });
        facts.firsts = of_blows.collect();
        facts.deeds = deeds;
        facts.tampering = tampering;
        Ok(())
    }

    /// What the log first saw when this session began or later, and what it knew before.
    async fn firsts(&self, who: &[String], began: At, last: Instant) -> anyhow::Result<Firsts> {
        let names = ["principal", "ip", "agent", "operation", "person"];
        let values = who.iter().cloned().map(Value::Text);
        let mut bindings: Bindings = names.map(str::to_owned).into_iter().zip(values).collect();
        bindings.insert("since".to_owned(), Value::Instant(began.0));
        let only = |names: &[&str]| {
            let mut bindings = bindings.clone();
            bindings.retain(|name, _| name == "since" || names.contains(&name.as_str()));
            bindings
        };
        let of_before = only(&["principal", "ip", "agent", "operation"]);
        let mut of_since = bindings.clone();
        of_since.insert("until".to_owned(), Value::Instant(Instant(last.0 + 1)));
        let (mut since, mut before): (Vec<Firsts>, Vec<Firsts>) =
            try_join!(self.ask(sql::FIRSTS, &of_since), self.ask(sql::BEFORE, &of_before))?;
        let since = since.pop().unwrap_or_default();
        let mut before = before.pop().unwrap_or_default();
        // Where the address is new the person's way to it is told by that; and this question reads the most.
        if before.ip_first_at.is_some() && since.person_first_at.is_some() {
            let found: Vec<Firsts> = self.ask(sql::PERSON_BEFORE, &only(&["ip", "person"])).await?;
            if let Some(person) = found.into_iter().next() {
                before.person_first_at = person.person_first_at;
                before.person_ip_first_at = person.person_ip_first_at;
            }
        }
        let firsts = since.after(&before);
        Ok(Firsts {
            began: Some(began),
            ..firsts
        })
    }

    /// Who failed since the first blow, and who will.
    async fn broken(&self, meant: &Meant, first_blow: Option<Instant>) -> anyhow::Result<Broken> {
        let (radius, key_arn) = (named("blast-radius")?, meant.key_arn.as_str());
        let mut bindings = radius.bind(&[("key".to_owned(), key_arn.to_owned())], None)?;
        bindings.insert("until".to_owned(), instant(self.args.until));
        if let Some(at) = first_blow {
            bindings.insert("at".to_owned(), Value::Instant(at));
        }
        let dependents: Vec<Dependent> = rows(&meant.held, &radius.sql, &bindings).await?;
        let broken_at = dependents.iter().find_map(|caller| caller.broken_at);
        let Some(broken_at) = broken_at.or(first_blow.map(At)) else {
            return Ok(Broken {
                dependents,
                ..Broken::default()
            });
        };
        let text = |text: Option<&str>| Value::Text(text.unwrap_or_default().to_owned());
        let arn = Arn::parse(key_arn);
        let until = Value::Instant(self.ending(broken_at.0.0 + 30 * 24 * HOUR));
        let of_failures = Bindings::from([
            ("key_id".to_owned(), text(arn.and_then(|arn| arn.kms_key_id()))),
            ("account".to_owned(), text(arn.map(|arn| arn.account))),
            ("since".to_owned(), Value::Instant(broken_at.0)),
            ("until".to_owned(), until.clone()),
        ]);
        let before = Value::Instant(Instant(broken_at.0.0 - 90 * 24 * HOUR));
        let of_contexts = Bindings::from([
            ("key".to_owned(), text(Some(key_arn))),
            ("since".to_owned(), before),
            ("until".to_owned(), until),
        ]);
        let (elsewhere, contexts) = try_join!(
            self.ask(sql::ELSEWHERE, &of_failures),
            rows(&meant.held, sql::CONTEXTS, &of_contexts)
        )?;
        Ok(Broken {
            dependents,
            elsewhere,
            contexts,
        })
    }

    /// An end of a span, but not beyond the time asked for.
    fn ending(&self, at: i64) -> Instant {
        self.args.until.map_or(Instant(at), |until| until.min(Instant(at)))
    }

    async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        sql: &str,
        bindings: &Bindings,
    ) -> anyhow::Result<Vec<T>> {
        rows(&self.session, sql, bindings).await
    }
}

/// The rows of a question, as values. Half of a small question's time is planning, which waits for nothing: each is a task
/// of its own, so that those asked together are planned side by side.
async fn rows<T: DeserializeOwned + Send + 'static>(
    session: &Arc<Session>,
    sql: &str,
    bindings: &Bindings,
) -> anyhow::Result<Vec<T>> {
    let (session, sql, bindings) = (session.clone(), sql.to_owned(), bindings.clone());
    let answered = tokio::spawn(async move {
        let Rows { schema, stream, .. } = session.query(&sql, &bindings).await?;
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(Error::from)?;
        let mut writer = Writer::new(Format::Jsonl, &schema, Vec::new())?;
        for batch in &batches {
            writer.write(batch)?;
        }
        let (_, bytes) = writer.finish()?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
    });
    answered.await?
}

/// The first blow of the last incident: since the key was last made whole before the last blow.
fn first_blow(changes: &[Change]) -> Option<Instant> {
    let effective: Vec<&Change> = changes.iter().filter(|change| change.succeeded()).collect();
    let last = effective.iter().rposition(|change| story::is_blow(&change.operation))?;
    let mends = |change: &&Change| {
        matches!(
            change.operation.as_str(),
            "EnableKey" | "ImportKeyMaterial" | "ConnectCustomKeyStore"
        )
    };
    let from = effective
        .iter()
        .take(last)
        .rposition(mends)
        .map_or(0, |place| place + 1);
    let incident = effective.iter().take(last + 1).skip(from);
    incident
        .filter(|change| story::is_blow(&change.operation))
        .map(|change| change.eventtime.0)
        .next()
}

/// With what the ARN of an alias of the key begins: an alias lives in the account and the Region of its key.
fn aliased(of_key: &Bindings) -> Bindings {
    let mut aliased = of_key.clone();
    let place = match of_key.get("key") {
        Some(Value::Text(arn)) => arn.rsplit_once(":key/").map(|(place, _)| format!("{place}:alias/")),
        _ => None,
    };
    aliased.insert("aliases".to_owned(), Value::Text(place.unwrap_or_default()));
    aliased
}

/// Spans of time, each from an instant until before another. What befell a key in a year lies far apart, and the days between
/// are not looked at.
#[derive(Default)]
struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// From the first to the last, and the days that lie in any.
    fn bindings(&self) -> Bindings {
        const DAY: i64 = 24 * HOUR;
        let days = self
            .0
            .iter()
            .flat_map(|(from, until)| from.div_euclid(DAY)..=until.div_euclid(DAY));
        let days: BTreeSet<String> = days.map(|day| Instant(day * DAY).date()).collect();
        let since = self.0.iter().map(|(from, _)| *from).min().unwrap_or_default();
        let until = self.0.iter().map(|(_, until)| *until).max().unwrap_or_default();
        Bindings::from([
            ("days".to_owned(), listed(days, "0001-01-01")),
            ("since".to_owned(), Value::Instant(Instant(since))),
            ("until".to_owned(), Value::Instant(Instant(until))),
        ])
    }
}

fn instant(value: Option<Instant>) -> Value {
    value.map_or(Value::Null(Kind::Instant), Value::Instant)
}

/// A list for `IN`, which must hold something: `none`, which nothing is, where there is nothing.
fn listed(texts: BTreeSet<String>, none: &str) -> Value {
    let mut texts: Vec<String> = texts.into_iter().collect();
    if texts.is_empty() {
        texts.push(none.to_owned());
    }
    Value::List(texts)
}

fn ambiguous(typed: &str, found: &[Candidate]) -> anyhow::Error {
    let lines: Vec<String> = found
        .iter()
        .map(|candidate| {
            let seen = match (candidate.first_seen, candidate.last_seen) {
                (Some(first), Some(last)) => format!("seen under this name from {first} to {last}"),
                _ => "never seen in the log".to_owned(),
            };
            let held = if candidate.in_snapshot == Some(1) {
                ", in a snapshot"
            } else {
                ""
            };
            format!("{} ({seen}{held})", candidate.key_arn)
        })
        .collect();
    hinted(
        format!("key `{typed}`: means {} keys", found.len()),
        format!("name one of: {}", lines.join("; ")),
    )
}
