//! A story for a terminal: read from top to bottom, like a report.

use crate::report::value::visible;
use crate::trace::chain::{Chain, Hop};
use crate::trace::facts::Login;
use crate::trace::session;
use crate::trace::story::{Actor, Entry, Story};
use crate::trace::wording::{length, short};

/// Lines are broken here.
const WIDTH: usize = 108;

/// Rows of a list shown at most; the JSON has them all.
const ROWS_MAX: usize = 40;

struct Page {
    out: String,
    color: bool,
}

impl Page {
    fn paint(&self, color: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{color}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn heading(&mut self, text: &str) {
        let painted = self.paint("1;4", text);
        self.out.push_str(&format!("\n{painted}\n"));
    }

    /// A paragraph after a mark, broken at words; later lines stand under the first.
    fn line(&mut self, mark: &str, text: &str, color: Option<&str>) {
        let indent = mark.chars().count();
        let mut at = indent;
        let mut lines = vec![String::new()];
        for word in visible(text).split(' ') {
            let length = word.chars().count();
            if at + length + 1 > WIDTH && at > indent {
                lines.push(String::new());
                at = indent;
            }
            if let Some(line) = lines.last_mut() {
                if !line.is_empty() {
                    line.push(' ');
                    at += 1;
                }
                line.push_str(word);
            }
            at += length;
        }
        for (number, line) in lines.iter().enumerate() {
            let lead = if number == 0 {
                mark.to_owned()
            } else {
                " ".repeat(indent)
            };
            let line = color.map_or_else(|| line.clone(), |color| self.paint(color, line));
            self.out.push_str(&lead);
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }
}

/// The story as lines of text, in colours where the reader has them.
pub fn text(story: &Story, color: bool) -> String {
    let mut page = Page {
        out: String::new(),
        color,
    };
    head(&mut page, story);
    timeline(&mut page, story);
    actors(&mut page, story);
    blast(&mut page, story);
    around(&mut page, story);
    steps(&mut page, story);
    unknown(&mut page, story);
    page.out
}

fn head(page: &mut Page, story: &Story) {
    let name = story.key.aliases.join(", ");
    let name = if name.is_empty() { story.key.id.clone() } else { name };
    let title = page.paint("1", &visible(&format!("Key {name}")));
    page.out.push_str(&title);
    page.out.push('\n');
    page.line("", &story.key.arn, None);
    page.out.push('\n');
    for (number, said) in story.summary.iter().enumerate() {
        let color = match story.key.state.as_deref() {
            _ if number > 0 => None,
            Some("Enabled") => Some("1;32"),
            Some(_) => Some("1;31"),
            None => Some("1"),
        };
        page.line("  ", said, color);
    }
}

fn timeline(page: &mut Page, story: &Story) {
    page.heading("What happened to the key (UTC)");
    if story.timeline.is_empty() {
        page.line("  ", "no change of it is in the log", None);
    }
    let mut day = String::new();
    for entry in &story.timeline {
        let at = entry.at.to_string();
        let (date, clock) = at.split_once('T').unwrap_or((&at, ""));
        if date != day {
            let painted = page.paint("2", date);
            page.out.push_str(&format!("  {painted}\n"));
            day = date.to_owned();
        }
        let (mark, color) = match entry.weight {
            "blow" => ("!!", Some("1;31")),
            "repair" => ("ok", Some("32")),
            "attempt" => ("no", Some("33")),
            _ => ("  ", None),
        };
        let state = match (&entry.state_before, &entry.state_after) {
            (before, after) if before == after => String::new(),
            (before, after) => format!(
                "  [{} -> {}]",
                before.as_deref().unwrap_or("?"),
                after.as_deref().unwrap_or("?")
            ),
        };
        let line = format!("{}{state}", entry.title);
        page.line(&format!("  {} {mark} ", clock.trim_end_matches('Z')), &line, color);
        let indent = " ".repeat(14);
        page.line(&indent, &who(entry, story), None);
        for detail in &entry.details {
            page.line(&indent, detail, None);
        }
        for alarm in &entry.alarms {
            page.line(&format!("{}>> ", " ".repeat(11)), alarm, Some("1;31"));
        }
        for line in entry.policy_diff.iter().flat_map(|diff| &diff.lines) {
            let color = match line.sign {
                '+' => Some("32"),
                '-' => Some("31"),
                _ => None,
            };
            page.line(&format!("{indent}{} ", line.sign), &line.text, color);
        }
    }
}

/// Who made a change, in words.
pub(super) fn who(entry: &Entry, story: &Story) -> String {
    let origin = entry.actor.and_then(|place| Some((place, story.actors.get(place)?)));
    let named = origin.map(|(place, actor)| {
        let name = actor.chain.origin.name.as_deref().unwrap_or("unknown");
        format!("{name} [actor {}]", place + 1)
    });
    match (&entry.attributed_actor_arn, &entry.actor_arn) {
        (Some(asked), _) => format!(
            "KMS by itself, as asked for by {} (event {})",
            named.unwrap_or_else(|| short(asked)),
            entry.attributed_eventid.as_deref().unwrap_or_default()
        ),
        (None, None) => "KMS by itself".to_owned(),
        (None, Some(actor)) => {
            let ip = entry.source_ip.as_deref().unwrap_or("an unknown address");
            match named {
                Some(named) => format!("by {named} as {}, from {ip}", short(actor)),
                None => format!("by {}, from {ip}", short(actor)),
            }
        }
    }
}

fn actors(page: &mut Page, story: &Story) {
    let mut shown: Vec<(usize, &Actor)> = story.actors.iter().enumerate().collect();
    shown.sort_by_key(|(place, actor)| (!actor.is_harmful, *place));
    if shown.is_empty() {
        return;
    }
    page.heading("Who stood behind it, from the origin to the key");
    for (place, actor) in shown.iter().take(ROWS_MAX) {
        let origin = &actor.chain.origin;
        let label = if actor.is_harmful { " - hit the key" } else { "" };
        let line = format!(
            "{} ({}){}{label}",
            origin.name.as_deref().unwrap_or("unknown"),
            kind(&origin.kind),
            origin.ip.as_deref().map(|ip| format!(" from {ip}")).unwrap_or_default(),
        );
        let color = if actor.is_harmful { Some("1;31") } else { Some("1") };
        page.line(&format!("  actor {}: ", place + 1), &line, color);
        if let Some(login) = &actor.login {
            page.line("    -> ", &login_line(login), None);
        }
        chain(page, &actor.chain);
        if let Some(missing) = &actor.chain.missing {
            page.line("    ?? ", &format!("the chain is incomplete: {missing}"), Some("33"));
        }
        for first in &actor.firsts {
            page.line("    new: ", first, Some("33"));
        }
    }
}

/// What kind of origin, in words.
pub(super) fn kind(kind: &str) -> &str {
    match kind {
        "user" => "IAM user",
        "root" => "root user",
        "identity_center" => "person signed in through IAM Identity Center",
        "saml" => "person federated through SAML",
        "web_identity" => "workload or person federated through a web identity",
        "service" => "workload of an AWS service",
        "role" => "role session, opened by whom is not known",
        "account" => "someone in another account",
        _ => "unknown",
    }
}

fn chain(page: &mut Page, chain: &Chain) {
    for hop in chain.hops.iter().rev() {
        let text = hop_line(hop);
        page.line("    -> ", &text, None);
    }
}

/// `2026-10-08T02:10:00Z signed in to the console from 192.0.2.77 with MFA`.
pub(super) fn login_line(login: &Login) -> String {
    let from = login
        .source_ip
        .as_deref()
        .map(|ip| format!(" from {ip}"))
        .unwrap_or_default();
    let mfa = match login.mfa {
        Some(true) => " with MFA",
        _ => ", no MFA that AWS saw",
    };
    format!("{} signed in to the console{from}{mfa}", login.eventtime)
}

/// `02:17:06 as assumed role X from 192.0.2.77: AssumeRole`.
pub(super) fn hop_line(hop: &Hop) -> String {
    let who = hop.identity_arn.as_deref().or(hop.principal_arn.as_deref());
    let who = who.map_or_else(|| "unknown".to_owned(), short);
    let who = match (&hop.name, hop.identity_type.as_deref()) {
        (Some(name), Some("SAMLUser" | "WebIdentityUser")) => name.clone(),
        (Some(name), Some("AWSService")) => format!("the service {name}"),
        _ => who,
    };
    let mut text = match (&hop.at, &hop.operation) {
        (Some(at), Some(operation)) => format!("{at} {who}: {operation}"),
        _ => format!("{who}: the call to KMS"),
    };
    if let Some(ip) = &hop.source_ip {
        text.push_str(&format!(", from {ip}"));
    }
    match hop.mfa {
        Some(true) => text.push_str(", with MFA"),
        Some(false) => text.push_str(", without MFA in the session"),
        None => {}
    }
    if let Some(source) = &hop.source_identity {
        text.push_str(&format!(", source identity {source}"));
    }
    if let Some(key) = &hop.access_key {
        text.push_str(&format!(", key {key}"));
    }
    if let Some(agent) = &hop.user_agent {
        text.push_str(&format!(", {}", agent.split(' ').next().unwrap_or(agent)));
    }
    text
}

fn blast(page: &mut Page, story: &Story) {
    let radius = &story.blast_radius;
    if radius.callers.is_empty() && radius.elsewhere.is_empty() {
        return;
    }
    page.heading("What broke, and who depends on the key");
    for (broke, line) in caller_lines(story).iter().take(ROWS_MAX) {
        page.line(if *broke { "  !! " } else { "     " }, line, None);
    }
    if !radius.contexts.is_empty() {
        page.line("  ", "What the encryption contexts of its uses name:", None);
        for context in radius.contexts.iter().take(10) {
            page.line("     ", &format!("{} ({} uses)", context.context, context.uses), None);
        }
    }
}

/// Who broke, and who will: each on a line, with whether it did.
pub(super) fn caller_lines(story: &Story) -> Vec<(bool, String)> {
    let radius = &story.blast_radius;
    let is_whole = matches!(story.key.state.as_deref(), Some("Enabled"));
    let mut lines = Vec::new();
    for caller in &radius.callers {
        let who = caller
            .principal_arn
            .as_deref()
            .map_or_else(|| "unknown".to_owned(), short);
        let again = match caller.used_again_at {
            Some(at) => format!("; works again since {at}"),
            None if caller.failures > 0 => "; has not succeeded since".to_owned(),
            None => String::new(),
        };
        let before = match caller.last_used_before {
            Some(last) => format!(
                "{} use(s) in the 90 days before, the last at {last}",
                caller.uses_before
            ),
            None => "no use in the 90 days before".to_owned(),
        };
        if let (Some(first), Some(after)) = (caller.first_failure_at, caller.seconds_to_failure) {
            let line = format!(
                "{who}: {} failure(s), first at {first} ({} after the blow): {}{again}; {before}",
                caller.failures,
                length(after),
                caller.error_codes.as_deref().unwrap_or_default(),
            );
            lines.push((true, line));
        } else {
            let next = match caller.used_again_at {
                Some(_) => "",
                None if is_whole => "; has not tried since",
                None => "; has not tried since: will fail next",
            };
            lines.push((false, format!("{who}: {before}{again}{next}")));
        }
    }
    for failure in &radius.elsewhere {
        let line = format!(
            "{} {} {}: {}",
            failure.eventtime,
            failure.eventsource,
            failure.operation,
            failure.error_code.as_deref().unwrap_or_default()
        );
        lines.push((true, line));
    }
    lines
}

fn around(page: &mut Page, story: &Story) {
    if !story.session.is_empty() {
        page.heading("What else the hands that hit the key did");
        for entry in story.session.iter().take(ROWS_MAX) {
            page.line("  ", &deed(entry), entry.error_code.as_ref().map(|_| "33"));
        }
        if story.session.len() > ROWS_MAX {
            let rest = story.session.len() - ROWS_MAX;
            page.line("  ", &format!("... and {rest} more (--format json has them)"), None);
        }
    }
    if !story.tampering.is_empty() {
        page.heading("Tampering with the log around that time");
        for row in story.tampering.iter().take(ROWS_MAX) {
            let who = row.principal_arn.as_deref().map_or_else(|| "unknown".to_owned(), short);
            let line = format!(
                "{} {} ({}): {}, by {who} from {}",
                row.eventtime,
                row.operation,
                row.outcome,
                row.effect,
                row.source_ip.as_deref().unwrap_or("an unknown address")
            );
            page.line("  >> ", &line, Some("33"));
        }
    }
}

/// A deed on one line.
pub(super) fn deed(entry: &session::Entry) -> String {
    let times = if entry.count > 1 {
        format!(" x{}", entry.count)
    } else {
        String::new()
    };
    let failed = entry
        .error_code
        .as_deref()
        .map(|code| format!(" -> {code}"))
        .unwrap_or_default();
    let of_key = if entry.is_of_key { " (this key)" } else { "" };
    let who = entry
        .identity_arn
        .as_deref()
        .map_or_else(|| "unknown".to_owned(), short);
    format!(
        "{} {}:{}{times}{failed}{of_key}, as {who}",
        entry.at, entry.service, entry.operation
    )
}

fn steps(page: &mut Page, story: &Story) {
    page.heading("What to do now (printed, never run)");
    for step in &story.next_steps {
        page.line("  # ", &step.why, None);
        if let Some(command) = &step.command {
            // A command is copied, so it is not broken.
            let painted = page.paint("36", &visible(command));
            page.out.push_str(&format!("  {painted}\n"));
        }
    }
}

fn unknown(page: &mut Page, story: &Story) {
    if story.unknown.is_empty() {
        return;
    }
    page.heading("What this story cannot know");
    for said in &story.unknown {
        page.line("  - ", said, None);
    }
}
