//! Tables of what is shared.

use super::{Owner, owners};
use crate::share::block::Header;
use crate::share::process;
use crate::sync::clock;
use std::borrow::Cow;
use std::time::Duration;

/// One resource that is shared, or was until its owner's end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShareInfo {
    /// The number of what is shared, see [`AnyShare::id`](crate::AnyShare::id).
    pub id: u64,
    /// The embedder's number for the owner, see [`Host::id`](crate::Host::id);
    /// `None` for what belongs to the process.
    pub owner: Option<u64>,
    /// The owner's own number, see [`Owner::generation`]; 0 without one.
    pub generation: u64,
    /// What it is, see [`Resource::kind`](crate::Resource::kind).
    pub kind: Cow<'static, str>,
    /// What it keeps in memory.
    pub nbytes: usize,
    /// Who holds shares of it, and how many.
    pub holders: Vec<(u32, u32)>,
    /// Shares that nobody holds: in a queue, say.
    pub in_transit: usize,
    /// For how long it has been shared.
    pub age: Duration,
    /// What becomes of it.
    pub state: ShareState,
}

/// Where a resource is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShareState {
    /// There are shares of it.
    Live,
    /// The last share has gone; it has not been released yet.
    Pending,
    /// Its owner has ended, there are shares of it.
    Orphaned,
}

impl Owner {
    /// What the owner shares, the oldest first; after its end, what it has
    /// left behind and is still in use.
    ///
    /// Each entry is of one moment, but for its counts: what changes meanwhile
    /// may or may not be in them.
    pub fn shares(&self) -> Vec<ShareInfo> {
        // Embedder's code: not under the lock.
        let owner = self.id();
        let mut infos = self.with_live(|live| {
            let (mut infos, mut blocks) = (Vec::new(), live.blocks());
            // SAFETY: under the lock, nobody changes the list, and a block is
            // taken out of it before it is freed.
            while let Some(block) = unsafe { blocks.next() } {
                // SAFETY: as above. Nothing is read that whoever has taken the
                // last count writes to.
                let header = unsafe { block.as_ref() };
                infos.extend(self.info(owner, header, live.abandoned));
            }
            infos
        });
        infos.reverse();
        infos
    }

    /// An entry; `None` for an orphan that is about to be discarded.
    fn info(&self, owner: u64, header: &Header, orphan: bool) -> Option<ShareInfo> {
        let state = match (header.count.get(), orphan) {
            (0, true) => return None,
            (_, true) => ShareState::Orphaned,
            (0, false) => ShareState::Pending,
            (_, false) => ShareState::Live,
        };
        Some(ShareInfo {
            owner: Some(owner),
            generation: self.generation,
            state,
            ..ShareInfo::live(header)
        })
    }
}

impl ShareInfo {
    /// An entry for what nobody owns and is in use.
    pub(crate) fn live(header: &Header) -> Self {
        // The shares after those of them that are held: who comes or goes in
        // between is in transit rather than missing.
        let holders = header.holders.snapshot();
        let held: usize = holders.iter().map(|&(_, count)| count as usize).sum();
        let count = header.count.get();
        Self {
            id: header.id,
            owner: None,
            generation: 0,
            kind: header.kind.clone(),
            nbytes: header.nbytes,
            holders,
            in_transit: count.saturating_sub(held),
            age: Duration::from_nanos(clock::now().saturating_sub(header.born)),
            state: ShareState::Live,
        }
    }
}

/// What all owners of this process share, past ones included: see
/// [`Owner::shares`]. First what the process owns, then by owner, in the order
/// of their generations.
pub fn shares() -> Vec<ShareInfo> {
    let mut infos = process::shares();
    infos.extend(owners().iter().flat_map(|owner| owner.shares()));
    infos
}
