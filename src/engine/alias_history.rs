//! Which key an alias stood for at an instant, from what the log says about it. Pure.
//!
//! An alias can be repointed (<https://docs.aws.amazon.com/kms/latest/developerguide/alias-update.html>), so that a
//! record that names only an alias means the key of that instant. The answer depends on the set of changes alone,
//! never on the order in which they were read.

use std::collections::HashMap;

/// What happened to an alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    // Declared in the order in which happenings of one second are taken: an alias is freed before it is given again.
    Deleted,
    Created,
    Updated,
    /// A snapshot saw it: what KMS itself says is the last word of its second.
    Listed,
}

/// One change of one alias.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) alias_arn: String,
    /// Microseconds since 1970; `None` where a snapshot does not say since when.
    pub(super) at: Option<i64>,
    pub(super) happening: Happening,
    /// The key it stands for from now on, or stood for until it was deleted.
    pub(super) key_arn: Option<String>,
}

/// All changes, by alias and time.
#[derive(Debug, Default)]
pub(super) struct AliasHistory {
    by_alias: HashMap<String, Vec<Change>>,
    /// Instants at which a call by the alias reached a key, by alias, in order.
    seen: HashMap<String, Vec<(i64, String)>>,
}

impl AliasHistory {
    pub(super) fn new(changes: impl IntoIterator<Item = Change>) -> AliasHistory {
        let mut by_alias: HashMap<String, Vec<Change>> = HashMap::new();
        for change in changes {
            by_alias.entry(change.alias_arn.clone()).or_default().push(change);
        }
        for changes in by_alias.values_mut() {
            // Without a date a listing speaks for all time, but only where nothing else speaks.
            if changes.iter().any(|change| change.at.is_some()) {
                changes.retain(|change| change.at.is_some());
            }
            changes.sort_by(|a, b| (a.at, a.happening, &a.key_arn).cmp(&(b.at, b.happening, &b.key_arn)));
        }
        AliasHistory {
            by_alias,
            seen: HashMap::new(),
        }
    }

    /// The same, knowing calls by an alias and the keys they reached: they tell what it was before its first change.
    pub(super) fn seeing(mut self, calls: impl IntoIterator<Item = (String, i64, String)>) -> AliasHistory {
        for (alias_arn, at, key_arn) in calls {
            self.seen.entry(alias_arn).or_default().push((at, key_arn));
        }
        for calls in self.seen.values_mut() {
            calls.sort();
        }
        self
    }

    /// The key that calls by the alias reached about the instant, of those before its first change.
    fn seen_at(&self, alias_arn: &str, at: i64, first_change: Option<i64>) -> Option<&str> {
        let calls = self.seen.get(alias_arn)?;
        let known = first_change.map_or(calls.len(), |first| calls.partition_point(|(seen, _)| *seen < first));
        let calls = calls.get(..known)?;
        let before = calls.partition_point(|(seen, _)| *seen <= at);
        let call = before.checked_sub(1).map_or(calls.first(), |last| calls.get(last))?;
        Some(&call.1)
    }

    /// The key the alias stood for at the instant or, for the record that frees it, just before.
    ///
    /// Before its first known change an alias is unknown, unless that change is its deletion: then it stood for the
    /// key it lost, because repointing it in between would be a change of its own. So do calls that reached a key by it.
    pub(super) fn key_at(&self, alias_arn: &str, at: i64, just_before: bool) -> Option<&str> {
        let Some(changes) = self.by_alias.get(alias_arn) else {
            return self.seen_at(alias_arn, at, None);
        };
        let known = changes.partition_point(|change| match change.at {
            Some(changed) if just_before => changed < at,
            Some(changed) => changed <= at,
            None => true,
        });
        let change = match known.checked_sub(1) {
            Some(last) => changes
                .get(last)
                .filter(|change| change.happening != Happening::Deleted),
            None => {
                let first = changes.first()?;
                match first.happening {
                    Happening::Deleted => Some(first),
                    Happening::Created => None,
                    Happening::Updated | Happening::Listed => return self.seen_at(alias_arn, at, first.at),
                }
            }
        };
        change?.key_arn.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at: i64, happening: Happening, key: &str) -> Change {
        Change {
            alias_arn: "a".to_owned(),
            at: Some(at),
            happening,
            key_arn: Some(key.to_owned()),
        }
    }

    #[test]
    fn an_alias_means_the_key_of_its_time() {
        let history = AliasHistory::new([
            change(30, Happening::Deleted, "k2"),
            change(10, Happening::Created, "k1"),
            change(20, Happening::Updated, "k2"),
        ]);
        let keys: Vec<_> = [9, 10, 19, 20, 29, 30, 99]
            .map(|at| history.key_at("a", at, false))
            .into();
        assert_eq!(keys, [None, Some("k1"), Some("k1"), Some("k2"), Some("k2"), None, None]);
        assert_eq!(history.key_at("a", 30, true), Some("k2"));
        assert_eq!(history.key_at("other", 15, false), None);
    }

    #[test]
    fn an_alias_known_by_its_deletion_stood_for_the_key_it_lost() {
        let history = AliasHistory::new([change(30, Happening::Deleted, "k")]);
        assert_eq!(history.key_at("a", 1, false), Some("k"));
        assert_eq!(history.key_at("a", 30, false), None);
        let history = AliasHistory::new([change(30, Happening::Updated, "k")]);
        assert_eq!(history.key_at("a", 1, false), None);
    }

    #[test]
    fn calls_tell_what_an_alias_was_before_its_first_change() {
        let call = |at: i64, key: &str| ("a".to_owned(), at, key.to_owned());
        let history = AliasHistory::new([change(30, Happening::Updated, "new")]);
        let history = history.seeing([call(10, "old"), call(40, "new")]);
        let keys: Vec<_> = [5, 20, 29, 30, 50].map(|at| history.key_at("a", at, false)).into();
        assert_eq!(keys, [Some("old"), Some("old"), Some("old"), Some("new"), Some("new")]);
        let created = AliasHistory::new([change(30, Happening::Created, "new")]).seeing([call(10, "old")]);
        assert_eq!(created.key_at("a", 20, false), None, "it was made anew");
        let never_changed = AliasHistory::new([]).seeing([call(10, "k"), call(20, "l")]);
        let keys: Vec<_> = [5, 15, 25].map(|at| never_changed.key_at("a", at, false)).into();
        assert_eq!(keys, [Some("k"), Some("k"), Some("l")]);
    }

    #[test]
    fn a_listing_speaks_from_its_date_or_for_all_time() {
        let listed = |at| Change {
            at,
            ..change(0, Happening::Listed, "k")
        };
        let dated = AliasHistory::new([listed(Some(20)), change(30, Happening::Deleted, "k")]);
        let keys: Vec<_> = [19, 20, 29, 30].map(|at| dated.key_at("a", at, false)).into();
        assert_eq!(keys, [None, Some("k"), Some("k"), None]);
        let undated = AliasHistory::new([listed(None)]);
        assert_eq!(undated.key_at("a", 1, false), Some("k"));
        let both = AliasHistory::new([listed(None), change(30, Happening::Created, "k")]);
        assert_eq!(both.key_at("a", 1, false), None, "it did not exist yet");
    }

    #[test]
    fn an_alias_swapped_within_a_second_stands_for_the_new_key() {
        let history = AliasHistory::new([
            change(30, Happening::Created, "new"),
            change(30, Happening::Deleted, "old"),
        ]);
        assert_eq!(history.key_at("a", 30, false), Some("new"));
        assert_eq!(history.key_at("a", 29, false), Some("old"));
    }
}
