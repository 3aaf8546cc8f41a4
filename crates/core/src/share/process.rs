//! Shares that no owner has, but that are counted and listed all the same.

use super::block::Header;
use super::live::Live;
use crate::owner::{Counters, ShareInfo};
use crate::primitive::process::{Mutex, MutexGuard, lock};
use std::ptr::NonNull;

/// The blocks. Sound as a static: plain records of this crate, reached under
/// the lock, which is held for single operations only. A last drop takes it
/// too: it frees memory on the spot, which takes the allocator's lock as well.
static LISTED: Mutex<Live> = Mutex::new(Live::new());

/// Puts a block into the list.
///
/// # Safety
///
/// The block is in no list. It exists until [`forget`] was called.
pub(super) unsafe fn list(block: NonNull<Header>) {
    // SAFETY: forwarded to the caller.
    let listed = unsafe { lock_listed().add(block) };
    debug_assert!(listed, "this list is never closed");
}

/// Takes a block, which is about to be freed, out of the list.
///
/// # Safety
///
/// The block is in the list.
pub(super) unsafe fn forget(block: NonNull<Header>) {
    // SAFETY: forwarded to the caller. Nobody watches a block without owner.
    unsafe { lock_listed().release(block) };
}

/// The figures of these shares.
pub(crate) fn counters() -> Counters {
    let live = lock_listed();
    Counters {
        live: live.len,
        created: live.created,
        released: live.released,
        nbytes: live.nbytes,
        ..Counters::default()
    }
}

/// What there is of them, the oldest first.
pub(crate) fn shares() -> Vec<ShareInfo> {
    let live = lock_listed();
    let (mut infos, mut blocks) = (Vec::new(), live.blocks());
    // SAFETY: under the lock, nobody changes the list, and a block is taken
    // out of it before it is freed.
    while let Some(block) = unsafe { blocks.next() } {
        // SAFETY: as above.
        let header = unsafe { block.as_ref() };
        // One that is about to be freed is not shared any more.
        if header.count.get() > 0 {
            infos.push(ShareInfo::live(header));
        }
    }
    drop(live);
    infos.reverse();
    infos
}

/// Locks the list.
pub(crate) fn lock_listed() -> MutexGuard<'static, Live> {
    lock(&LISTED)
}
