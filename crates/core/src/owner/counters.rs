//! What is counted.

use super::Owner;
use std::time::Duration;

/// Figures of one owner, or of all.
///
/// `created == live + released + orphaned`, at every moment for one owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Resources that are shared and have not been released yet.
    pub live: u64,
    /// Resources that were ever shared.
    pub created: u64,
    /// Resources that were released in their owner.
    pub released: u64,
    /// Of the live ones, those whose last share has gone.
    pub pending: u64,
    /// Resources that have outlived their owner, whether they still exist or
    /// not.
    pub orphaned: u64,
    /// What the live ones keep in memory.
    pub nbytes: u64,
    /// Visits of the reaper.
    pub entries: u64,
    /// For how long the oldest of the pending ones has waited.
    pub oldest_pending: Option<Duration>,
}

impl Counters {
    /// Nothing: the default, for constants.
    pub(super) const NONE: Self = Self {
        live: 0,
        created: 0,
        released: 0,
        pending: 0,
        orphaned: 0,
        nbytes: 0,
        entries: 0,
        oldest_pending: None,
    };

    /// Adds another's figures to these.
    pub(super) fn add(&mut self, other: &Self) {
        self.live += other.live;
        self.created += other.created;
        self.released += other.released;
        self.pending += other.pending;
        self.orphaned += other.orphaned;
        self.nbytes += other.nbytes;
        self.entries += other.entries;
        self.oldest_pending = self.oldest_pending.max(other.oldest_pending);
    }
}

impl Owner {
    /// The owner's figures.
    pub fn counters(&self) -> Counters {
        self.with_live(|live| Counters {
            live: live.len,
            created: live.created,
            released: live.released,
            pending: self.inbox.pending() as u64,
            orphaned: live.orphaned,
            nbytes: live.nbytes,
            entries: self.tally.entries(),
            oldest_pending: self.inbox.oldest(),
        })
    }
}
