//! A story for a browser: one file that loads nothing, light or dark as the reader is, wide or on a phone.

use serde::Serialize;
use serde_json::json;

use super::drawing;
use super::text::{caller_lines, deed, hop_line, kind, login_line, who};
use crate::report::Result;
use crate::report::pages;
use crate::report::value::visible;
use crate::trace::story::{Actor, Entry, Story};
use crate::trace::wording::short;

#[derive(Serialize)]
struct Line {
    class: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Change {
    number: usize,
    date: String,
    clock: String,
    title: String,
    weight: &'static str,
    states: Option<[String; 2]>,
    who: String,
    details: Vec<String>,
    alarms: Vec<String>,
    diff: Vec<Line>,
    eventid: String,
}

#[derive(Serialize)]
struct Person {
    number: usize,
    name: String,
    kind: String,
    ip: Option<String>,
    is_harmful: bool,
    hops: Vec<String>,
    missing: Option<String>,
    firsts: Vec<String>,
}

/// The story as one page that needs nothing else.
///
/// # Errors
/// The page cannot be made.
pub fn html(story: &Story) -> Result<String> {
    let changes: Vec<Change> = story
        .timeline
        .iter()
        .enumerate()
        .map(|(at, entry)| change(at, entry, story))
        .collect();
    let mut people: Vec<Person> = story
        .actors
        .iter()
        .enumerate()
        .map(|(at, actor)| person(at, actor))
        .collect();
    people.sort_by_key(|person| (!person.is_harmful, person.number));
    let lines = |texts: Vec<String>| texts.iter().map(|text| visible(text)).collect::<Vec<_>>();
    let tampering = story.tampering.iter().map(|row| {
        let who = row.principal_arn.as_deref().map_or_else(|| "unknown".to_owned(), short);
        let ip = row.source_ip.as_deref().unwrap_or("an unknown address");
        format!(
            "{} {} ({}): {}, by {who} from {ip}",
            row.eventtime, row.operation, row.outcome, row.effect
        )
    });
    let contexts = story.blast_radius.contexts.iter().take(10);
    let aliases = story.key.aliases.join(", ");
    let held = json!({
        "name": visible(if aliases.is_empty() { &story.key.id } else { &aliases }),
        "arn": visible(&story.key.arn),
        "state": visible(story.key.state.as_deref().unwrap_or("state not in the log")),
        "mood": mood(story),
        "as_of": story.as_of.map(|at| at.to_string()),
        "summary": lines(story.summary.clone()),
        "drawing": drawing::draw(story),
        "steps": story.next_steps.iter().map(|step| json!({ "why": visible(&step.why), "command": step.command.as_deref().map(visible) })).collect::<Vec<_>>(),
        "changes": changes,
        "people": people,
        "callers": caller_lines(story).into_iter().map(|(broke, text)| Line { class: if broke { "blow" } else { "" }, text: visible(&text) }).collect::<Vec<_>>(),
        "contexts": lines(contexts.map(|context| format!("{} ({} uses)", context.context, context.uses)).collect()),
        "session": story.session.iter().map(|entry| Line { class: if entry.error_code.is_some() { "attempt" } else if entry.is_of_key { "blow" } else { "" }, text: visible(&deed(entry)) }).collect::<Vec<_>>(),
        "tampering": lines(tampering.collect()),
        "unknown": lines(story.unknown.clone()),
    });
    pages::render("trace.html", &held)
}

fn mood(story: &Story) -> &'static str {
    match story.key.state.as_deref() {
        Some("Enabled") => "good",
        Some("Disabled" | "Unavailable" | "PendingImport") => "weak",
        Some("Deleted") => "gone",
        Some(_) => "bad",
        None => "open",
    }
}

fn change(at: usize, entry: &Entry, story: &Story) -> Change {
    let time = entry.at.to_string();
    let (date, clock) = time.split_once('T').unwrap_or((&time, ""));
    let state = |state: &Option<String>| visible(state.as_deref().unwrap_or("?"));
    let differs = entry.state_before != entry.state_after;
    let diff = entry.policy_diff.iter().flat_map(|diff| &diff.lines);
    Change {
        number: at + 1,
        date: date.to_owned(),
        clock: clock.trim_end_matches('Z').to_owned(),
        title: visible(&entry.title),
        weight: entry.weight,
        states: differs.then(|| [state(&entry.state_before), state(&entry.state_after)]),
        who: visible(&who(entry, story)),
        details: entry.details.iter().map(|detail| visible(detail)).collect(),
        alarms: entry.alarms.iter().map(|alarm| visible(alarm)).collect(),
        diff: diff
            .map(|line| Line {
                class: match line.sign {
                    '+' => "given",
                    '-' => "taken",
                    _ => "",
                },
                text: visible(&format!("{} {}", line.sign, line.text)),
            })
            .collect(),
        eventid: visible(&entry.eventid),
    }
}

fn person(at: usize, actor: &Actor) -> Person {
    let origin = &actor.chain.origin;
    Person {
        number: at + 1,
        name: visible(origin.name.as_deref().unwrap_or("unknown")),
        kind: kind(&origin.kind).to_owned(),
        ip: origin.ip.as_deref().map(visible),
        is_harmful: actor.is_harmful,
        hops: actor
            .login
            .iter()
            .map(|login| visible(&login_line(login)))
            .chain(actor.chain.hops.iter().rev().map(|hop| visible(&hop_line(hop))))
            .collect(),
        missing: actor.chain.missing.as_deref().map(visible),
        firsts: actor.firsts.iter().map(|first| visible(first)).collect(),
    }
}
