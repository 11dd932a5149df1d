//! Which objects there are: how many records each holds, whose they are, when it was delivered.

use super::Corpus;
use crate::generator::instant::DAY;
use crate::generator::rng::Rng;

/// One object to be.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its number in the corpus.
    pub number: u64,
    /// Index of the account.
    pub account: usize,
    /// Index of the Region.
    pub region: usize,
    /// When it is delivered, unless late.
    pub stamp: i64,
    /// Records in it.
    pub records: u32,
}

/// Records in an object, by quantile, as measured: half of all objects hold 20 records or fewer, one in a hundred 400.
const RECORDS: [(f64, f64); 7] = [
    (0.0, 1.0),
    (0.25, 6.0),
    (0.5, 20.0),
    (0.75, 55.0),
    (0.9, 150.0),
    (0.99, 394.0),
    (1.0, 600.0),
];
/// Minutes between a record's time and its object's, by quantile.
const LAG: [(f64, f64); 5] = [(0.0, 0.1), (0.5, 3.4), (0.9, 7.0), (0.99, 8.4), (1.0, 9.9)];

/// A number drawn from quantiles.
fn draw(quantiles: &[(f64, f64)], rng: &mut Rng) -> f64 {
    let p = rng.below(1 << 24) as f64 / (1u64 << 24) as f64;
    let at = quantiles.windows(2).find(|w| p < w[1].0);
    at.map_or(1.0, |w| w[0].1 + (p - w[0].0) / (w[1].0 - w[0].0) * (w[1].1 - w[0].1))
}

/// Seconds from a record to the delivery of its object.
pub fn lag(rng: &mut Rng) -> i64 {
    (draw(&LAG, rng) * 60.0) as i64
}

/// All objects, in order of time.
pub fn files(corpus: &Corpus) -> Vec<File> {
    let mut rng = Rng::seeded(corpus.seed ^ 0x91a2);
    let mut sizes = Vec::new();
    let mut left = corpus.records;
    while left > 0 {
        let size = (draw(&RECORDS, &mut rng) * corpus.file_scale).max(1.0) as u64;
        sizes.push(size.min(left));
        left -= size.min(left);
    }
    let (count, days) = (sizes.len() as u64, u64::from(corpus.days.max(1)));
    let accounts = corpus.accounts.max(1);
    let (mut today, mut of_today) = (u64::MAX, 0usize);
    let files = sizes.into_iter().zip(0u64..);
    files
        .map(|(size, number)| {
            let day = number * days / count;
            of_today = if day == today { of_today + 1 } else { 0 };
            today = day;
            // Every account once a day; then the first ones more often than the last.
            let account = match of_today {
                n if n < accounts => n,
                _ => rng.below(rng.clone().below(accounts as u64) + 1) as usize,
            };
            let region = rng.below(rng.clone().below(corpus.regions.clamp(1, 8) as u64) + 1) as usize;
            // Five-minute steps of the day; the first ten minutes stay free, so that no record falls into the day before.
            let step = 3 + rng.below(285) as i64;
            File {
                number,
                account,
                region,
                stamp: corpus.start + day as i64 * DAY + step * 300,
                records: size as u32,
            }
        })
        .collect()
}
