//! Sets of instants as sorted, disjoint, half-open intervals of microseconds.

/// A set of instants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<(i64, i64)>);

impl Spans {
    /// The union of intervals; empty ones count as nothing.
    pub(super) fn of(intervals: impl IntoIterator<Item = (i64, i64)>) -> Spans {
        let mut all: Vec<(i64, i64)> = intervals.into_iter().filter(|(since, until)| since < until).collect();
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (since, until) in all {
            match merged.last_mut() {
                Some(last) if last.1 >= since => last.1 = last.1.max(until),
                _ => merged.push((since, until)),
            }
        }
        Spans(merged)
    }

    pub(super) fn contains(&self, at: i64) -> bool {
        let after = self.0.partition_point(|(since, _)| *since <= at);
        after
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .is_some_and(|(_, until)| at < *until)
    }

    /// Every instant at which membership changes.
    pub(super) fn edges(&self) -> impl Iterator<Item = i64> {
        self.0.iter().flat_map(|(since, until)| [*since, *until])
    }

    pub(super) fn last(&self) -> Option<i64> {
        self.0.last().map(|(_, until)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touching_intervals_are_one_and_ends_are_open() {
        let spans = Spans::of([(10, 20), (0, 5), (5, 7), (15, 30), (40, 40)]);
        assert_eq!(spans, Spans(vec![(0, 7), (10, 30)]));
        let held: Vec<bool> = [-1, 0, 6, 7, 10, 29, 30, 40]
            .iter()
            .map(|at| spans.contains(*at))
            .collect();
        assert_eq!(held, [false, true, true, false, true, true, false, false]);
    }
}
