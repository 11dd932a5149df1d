//! Uses over time and verdicts side by side, as shapes. Never by colour alone: failures hang below the line, what the
//! log cannot see is dashed, each part of the bar carries its number.

use serde::Serialize;

use super::facts::UseOverTime;
use super::{Report, VERDICTS};
use crate::model::Instant;
use crate::model::instant::DAY;
use crate::report::grounds::Gap;

/// The picture's size.
const WIDTH: f64 = 184.0;
const ABOVE: f64 = 24.0;
const BELOW: f64 = 8.0;

/// Uses of one key over the window.
#[derive(Debug, Serialize)]
pub(super) struct Spark {
    bars: String,
    failed: String,
    blind: Vec<[String; 2]>,
    says: String,
}

/// Draws the uses of a key; heights grow with the square root, so that one use is seen beside a thousand.
pub(super) fn spark(uses: &UseOverTime, gaps: &[Gap]) -> Spark {
    let count = uses.uses.len().max(1) as f64;
    let step = WIDTH / count;
    let most = uses.uses.iter().chain(&uses.failed).copied().max().unwrap_or(0).max(1) as f64;
    let bars = |numbers: &[u64], base: f64, height: f64| {
        let mut path = String::new();
        for (at, number) in numbers.iter().enumerate().filter(|(_, number)| **number > 0) {
            let tall = ((*number as f64 / most).sqrt() * height.abs()).max(2.0) * height.signum();
            path.push_str(&format!(
                "M{:.1} {base}v{tall:.1}h{:.1}v{:.1}z",
                at as f64 * step,
                (step * 0.8).max(1.0),
                -tall
            ));
        }
        path
    };
    let first = Instant::parse(&uses.first_day).map_or(0, |first| first.0);
    let each = i64::from(uses.days_each) * DAY;
    let x = |at: i64| (((at - first) as f64 / each as f64) * step).clamp(0.0, WIDTH);
    let blind = gaps.iter().map(|gap| {
        let (from, to) = (x(gap.since.0.0), x(gap.until.0.0));
        [format!("{from:.1}"), format!("{:.1}", (to - from).max(1.0))]
    });
    let (total, failed): (u64, u64) = (uses.uses.iter().sum(), uses.failed.iter().sum());
    let busy = uses.uses.iter().filter(|number| **number > 0).count();
    Spark {
        bars: bars(&uses.uses, ABOVE, -ABOVE),
        failed: bars(&uses.failed, ABOVE + 1.0, BELOW - 1.0),
        blind: blind.collect(),
        says: format!(
            "{total} uses in {busy} of {} stretches of {} day(s), {failed} denied or failed",
            uses.uses.len(),
            uses.days_each
        ),
    }
}

/// A part of the bar of verdicts.
#[derive(Debug, Serialize)]
pub(super) struct Segment {
    class: String,
    x: String,
    width: String,
    label_x: String,
    keys: usize,
    has_room: bool,
    verdict: &'static str,
    title: &'static str,
}

/// Keys by verdict as one bar.
pub(super) fn segments(report: &Report) -> Vec<Segment> {
    const BAR: f64 = 940.0;
    let whole = report.summary.keys.max(1) as f64;
    let mut reached = 0.0;
    let mut segments = Vec::new();
    for (place, (count, (_, title, _))) in report.summary.verdicts.iter().zip(VERDICTS).enumerate() {
        let width = count.keys as f64 / whole * BAR;
        if count.keys > 0 {
            segments.push(Segment {
                class: format!("s{place}"),
                x: format!("{reached:.1}"),
                width: format!("{width:.1}"),
                label_x: format!("{:.1}", reached + width / 2.0),
                keys: count.keys,
                has_room: width > 22.0,
                verdict: count.verdict,
                title,
            });
        }
        reached += width;
    }
    segments
}
