//! Waiting until everything that is shared has come back.
//!
//! The waiting thread looks through the list for a block that keeps it
//! waiting. It marks the first that it finds as [watched](crate::share::count),
//! looks at it once more, and sleeps until the owner's news change. Whoever
//! changes a watched block tells the news:
//!
//! | change | who tells |
//! |---|---|
//! | a share is dropped, not the last | `Header::uncount` |
//! | a share in transit is held | `AnyShare::hold` |
//! | the block is released | `Owner::release` |
//! | the owner ends | `Owner::abandon` |
//!
//! No wake-up is lost. Of a change and the mark, one comes first in the order
//! of the block's count. If the change does, the second look sees it. If the
//! mark does, the change sees it and tells the news, which by then differ from
//! what the thread read before its look; so it does not fall asleep.
//!
//! One block at a time, since all of them must come back: a thousand drops of
//! other blocks wake nobody.

use super::Owner;
use crate::channel::Refused;
use crate::primitive::{Arc, AtomicBool, AtomicU32, Ordering};
use crate::share::block::Header;
use crate::sync::futex::Woke;
use crate::sync::wait::{Abandon, Sleeper, Wait, sleep};
use std::time::Instant;

/// One call that waits.
#[derive(Debug)]
struct Waiting {
    owner: Arc<Owner>,
    /// Whose shares do not matter.
    holder: u32,
    /// The news before the last look.
    news: AtomicU32,
    /// At the last look, all was back.
    back: AtomicBool,
    abandoned: AtomicBool,
}

impl Owner {
    /// Blocks until this owner shares nothing any more but with itself: each of
    /// its resources has been released, or all shares of it are
    /// [held](crate::Held) by `holder`, the owner's own number among
    /// borrowers, and none is in transit.
    ///
    /// To be called without the owner's lock, so that the reaper gets in, and
    /// before the gate is closed. What other threads of the owner share
    /// meanwhile is waited for too.
    ///
    /// # Errors
    ///
    /// [`Refused::TimedOut`], [`Interrupted`](Refused::Interrupted) or
    /// [`Abandoned`](Refused::Abandoned) as the wait says;
    /// [`Closed`](Refused::Closed) when the owner has ended, before or
    /// meanwhile: what it has left behind does not come back.
    pub fn wait_released(self: &Arc<Self>, holder: u32, wait: &Wait<'_>) -> Result<(), Refused> {
        if let Some(result) = self.look_for_shares(holder) {
            return result;
        }
        if wait.is_over() {
            return Err(Refused::TimedOut);
        }
        let waiting = Arc::new(Waiting {
            owner: Arc::clone(self),
            holder,
            news: AtomicU32::new(0),
            back: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
        });
        let reason = sleep(&waiting, wait);
        if waiting.back.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Whatever the reason: if it is over by now, it has succeeded.
        self.look_for_shares(holder).unwrap_or(Err(reason))
    }

    /// Tells whoever waits that something has changed. Allocates nothing and
    /// waits for nobody.
    pub(crate) fn tell_news(&self) {
        // Release: the change before the news (Acquire in `park`).
        self.news.word().fetch_add(1, Ordering::Release);
        self.news.wake_all();
    }

    /// How the wait has ended; `None` when it goes on, and then the next change
    /// of what keeps it waiting will be told.
    fn look_for_shares(&self, holder: u32) -> Option<Result<(), Refused>> {
        self.with_live(|live| {
            if live.abandoned {
                return Some(Err(Refused::Closed));
            }
            let mut blocks = live.blocks();
            // SAFETY: under the lock, nobody changes the list, and a block is
            // taken out of it before it is freed.
            while let Some(block) = unsafe { blocks.next() } {
                // SAFETY: as above.
                let header = unsafe { block.as_ref() };
                if is_back(header, holder) {
                    continue;
                }
                header.count.watch();
                if !is_back(header, holder) {
                    return None;
                }
            }
            Some(Ok(()))
        })
    }
}

/// Whether `holder` has all the shares. Counted twice: one may go and another
/// come in between.
fn is_back(header: &Header, holder: u32) -> bool {
    let count = header.count.get();
    // None at all: in the inbox, not released yet.
    count > 0 && header.holders.only(holder) == Some(count) && header.count.get() == count
}

impl Sleeper for Waiting {
    fn park(&self) -> bool {
        // Acquire: pairs with the Release in `tell_news`. Before the look, see
        // the module's documentation.
        let news = self.owner.news.word().load(Ordering::Acquire);
        // Relaxed, all of these: read by the same thread, but for `abandoned`,
        // which is followed by news.
        self.news.store(news, Ordering::Relaxed);
        if self.abandoned.load(Ordering::Relaxed) {
            return false;
        }
        let result = self.owner.look_for_shares(self.holder);
        self.back.store(result == Some(Ok(())), Ordering::Relaxed);
        result.is_none()
    }

    fn sleep(&self, until: Option<Instant>) -> Woke {
        let news = self.news.load(Ordering::Relaxed);
        self.owner.news.wait(news, until)
    }
}

impl Abandon for Waiting {
    fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.owner.tell_news();
    }
}
