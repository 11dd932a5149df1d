//! The memory of a session, shared so that what can spill never starves what cannot.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A pool of a fixed size. Three quarters of it are for consumers that can spill: one half of that is shared evenly, the
/// other goes to whoever asks first, because a query of sixty consumers has three that need much, and an even share would
/// make them spill beside free memory (`unused-keys` did, twice, with 1.5 GB free). The last quarter is kept for those that
/// cannot spill (merges of spilled runs above all), which may also take what the others left.
#[derive(Debug)]
pub(super) struct SharedPool {
    bytes: usize,
    state: Mutex<State>,
}

/// The consumer that is never refused. When several of its inputs spill at once, it can wait for the oldest spilled file
/// while what it needs is in a newer one, and then a query never ends (apache/datafusion issue 24883). What it holds is
/// counted, so that the others spill or give up earlier.
const NEVER_REFUSED: &str = "RepartitionExec";

/// The consumer that must not learn that memory is short, neither its own nor that of what it reads: the engine would then
/// read the side that the join holds a second time, and panic where rows are handed out once (`RepartitionExec`: "partition
/// not used yet", DataFusion 55).
const READS_TWICE: &str = "NestedLoopJoinLoad";

/// Not enough memory, said so that the engine does nothing about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Refused(String);

/// The error as one that the engine only hands on.
pub(super) fn handed_on(error: DataFusionError) -> DataFusionError {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(reason) => DataFusionError::External(Box::new(Refused(reason.clone()))),
        _ => error,
    }
}

/// Whether a consumer shares what is for those that can spill.
fn is_spiller(consumer: &MemoryConsumer) -> bool {
    consumer.can_spill() && !consumer.name().starts_with(NEVER_REFUSED)
}

#[derive(Debug, Default)]
struct State {
    spillers: usize,
    spillable: usize,
    fixed: usize,
}

impl SharedPool {
    pub(super) fn new(bytes: usize) -> SharedPool {
        SharedPool {
            bytes,
            state: Mutex::default(),
        }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // The numbers stay true even where a panic poisoned the lock: each change is one step.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn refuse(reservation: &MemoryReservation, wanted: usize, left: usize) -> DataFusionError {
        let name = reservation.consumer().name();
        let refusal =
            DataFusionError::ResourcesExhausted(format!("{name} asks for {wanted} bytes more and {left} are left"));
        if name.starts_with(READS_TWICE) {
            handed_on(refusal)
        } else {
            refusal
        }
    }
}

impl std::fmt::Display for SharedPool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "shared({} bytes)", self.bytes)
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.with(|state| state.spillers += usize::from(is_spiller(consumer)));
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.with(|state| state.spillers = state.spillers.saturating_sub(usize::from(is_spiller(consumer))));
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.with(|state| match is_spiller(reservation.consumer()) {
            true => state.spillable += additional,
            false => state.fixed += additional,
        });
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.with(|state| match is_spiller(reservation.consumer()) {
            true => state.spillable = state.spillable.saturating_sub(shrink),
            false => state.fixed = state.fixed.saturating_sub(shrink),
        });
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.with(|state| {
            if is_spiller(reservation.consumer()) {
                let for_spillers = (self.bytes / 4 * 3).min(self.bytes.saturating_sub(state.fixed));
                let to_all = for_spillers / 2;
                let share = to_all / state.spillers.max(1);
                let to_first = (for_spillers - to_all).saturating_sub(state.spillable);
                if reservation.size() + additional > share && additional > to_first {
                    let left = share.saturating_sub(reservation.size()).max(to_first);
                    return Err(Self::refuse(reservation, additional, left));
                }
                state.spillable += additional;
            } else {
                let left = self.bytes.saturating_sub(state.spillable + state.fixed);
                if additional > left && !reservation.consumer().name().starts_with(NEVER_REFUSED) {
                    return Err(Self::refuse(reservation, additional, left));
                }
                state.fixed += additional;
            }
            Ok(())
        })
    }

    fn reserved(&self) -> usize {
        self.with(|state| state.spillable + state.fixed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

/// A part of a pool: one query's, beside others'.
#[derive(Debug)]
pub(super) struct PartOf {
    whole: Arc<dyn MemoryPool>,
    part: SharedPool,
}

impl PartOf {
    /// At most `bytes` of `whole`.
    pub(super) fn new(whole: Arc<dyn MemoryPool>, bytes: usize) -> PartOf {
        PartOf {
            whole,
            part: SharedPool::new(bytes),
        }
    }
}

impl std::fmt::Display for PartOf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} of {}", self.part, self.whole)
    }
}

impl MemoryPool for PartOf {
    fn name(&self) -> &str {
        "part"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.part.register(consumer);
        self.whole.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.part.unregister(consumer);
        self.whole.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.part.grow(reservation, additional);
        self.whole.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.part.shrink(reservation, shrink);
        self.whole.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.part.try_grow(reservation, additional)?;
        self.whole
            .try_grow(reservation, additional)
            .inspect_err(|_| self.part.shrink(reservation, additional))
    }

    fn reserved(&self) -> usize {
        self.part.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.part.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spiller(pool: &Arc<dyn MemoryPool>, name: &str) -> MemoryReservation {
        MemoryConsumer::new(name).with_can_spill(true).register(pool)
    }

    #[test]
    fn one_of_many_takes_what_is_free_and_leaves_each_its_share() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(800));
        let all: Vec<MemoryReservation> = (0..10).map(|n| spiller(&pool, &format!("sort {n}"))).collect();
        let fixed = MemoryConsumer::new("merge").register(&pool);
        // 600 are for spillers: 300 for whoever asks first, and 30 for each of the ten.
        all[0].try_grow(300).unwrap();
        assert!(all[0].try_grow(1).is_err());
        assert!(all[1].try_grow(31).is_err());
        for each in &all[1..] {
            each.try_grow(30).unwrap();
        }
        fixed.try_grow(200).unwrap();
        all[0].free();
        all[1].try_grow(30).unwrap();
        assert!(pool.reserved() <= 800);
    }
}
