//! Who may use the memory of a `SharedBuffer`, and for how long.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use interlane_core::{AnyShare, Held, Pins, ReadWriteLock};

use super::guard::Hold;
use crate::runtime::primitive::{Body, Primitive};

/// What all handles on one block of memory have in common, wherever they are.
#[derive(Default)]
pub(crate) struct Access {
    /// Has a pin for each consumer that may write. Closed once the memory is frozen.
    pub(super) writers: Pins,
    /// A lock, from the first guard on.
    guards: OnceLock<Arc<Primitive>>,
}

impl Access {
    pub(super) fn is_frozen(&self) -> bool {
        self.writers.is_closed()
    }

    /// `None`: it is frozen.
    pub(super) fn write(&self) -> Option<Write<'_>> {
        self.writers.pin().then(|| Write(self))
    }

    /// What guards are held of.
    pub(super) fn guards(&self) -> &Arc<Primitive> {
        self.guards
            .get_or_init(|| Primitive::new(Body::Guards(ReadWriteLock::new())))
    }
}

/// One object's hold on the memory. It outlives the object while the memory is on its way to somebody else, who may
/// never get it.
pub(super) struct Handle {
    /// Has a pin for each use, and for each part that was made of it. Closed once the memory was moved away, or the
    /// guard has ended.
    pins: Arc<Pins>,
    /// Empty once closed. Locked for single operations only.
    kept: Mutex<Option<Kept>>,
    /// Does it end with a guard?
    guarded: bool,
}

/// What a handle keeps.
pub(super) struct Kept {
    /// The guard that it ends with.
    hold: Option<Hold>,
    /// A pin of the handle that it was made of.
    whole: Option<Pinned>,
    /// The share that keeps the memory.
    keeper: Held,
}

impl Kept {
    pub(super) fn share(&self) -> AnyShare {
        AnyShare::clone(&self.keeper)
    }
}

/// A use of the memory, for as long as it exists.
pub(super) struct Use<'a>(&'a Handle);

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// A pin that anybody may keep.
pub(super) struct Pinned(Arc<Pins>);

impl Drop for Pinned {
    fn drop(&mut self) {
        // What is pinned this way is closed only while nobody has a pin.
        self.0.unpin();
    }
}

/// Leave to write to the memory.
pub(super) struct Write<'a>(&'a Access);

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.0.writers.unpin();
    }
}

impl Handle {
    pub(super) fn new(keeper: Held, whole: Option<Pinned>) -> Arc<Self> {
        Self::keeping(Kept {
            hold: None,
            whole,
            keeper,
        })
    }

    /// A handle that ends with the guard.
    pub(super) fn guarded(keeper: Held, whole: Pinned, hold: Hold) -> Arc<Self> {
        Self::keeping(Kept {
            hold: Some(hold),
            whole: Some(whole),
            keeper,
        })
    }

    fn keeping(kept: Kept) -> Arc<Self> {
        Arc::new(Self {
            pins: Arc::default(),
            guarded: kept.hold.is_some(),
            kept: Mutex::new(Some(kept)),
        })
    }

    /// `None`: the memory was moved away, or the guard has ended.
    pub(super) fn enter(&self) -> Option<Use<'_>> {
        self.pins.pin().then(|| Use(self))
    }

    /// The end of a use that was forgotten.
    pub(super) fn give_back(&self) {
        if self.pins.unpin() {
            self.let_go();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.pins.is_closed()
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// How many uses and parts there are.
    pub(super) fn uses(&self) -> usize {
        self.pins.count()
    }

    /// One more share of the memory. `None`: as [`enter`](Self::enter).
    pub(super) fn keeper(&self) -> Option<AnyShare> {
        self.lock().as_ref().map(Kept::share)
    }

    /// For something that is made of this one: a pin of what this one was made of, if it was. So they are all parts of
    /// one whole, however they came about. `None`: as [`enter`](Self::enter).
    pub(super) fn pin_whole(&self) -> Option<Pinned> {
        let kept = self.lock();
        let whole = kept.as_ref()?.whole.as_ref();
        let pins = whole.map_or(&self.pins, |whole| &whole.0);
        pins.pin().then(|| Pinned(Arc::clone(pins)))
    }

    /// The guard has ended: nobody gets to the memory this way any more. `false`: somebody is still there, and the last
    /// one will let go of it.
    pub(super) fn end(&self) -> bool {
        let idle = self.pins.close();
        if idle {
            self.let_go();
        }
        idle
    }

    fn let_go(&self) {
        let kept = self.lock().take();
        drop(kept); // without the lock
    }

    /// Closes it and takes the memory away, unless somebody uses it.
    pub(super) fn take(&self) -> Option<Kept> {
        if !self.pins.close_if_idle() {
            return None;
        }
        self.lock().take()
    }

    /// Brings back what was taken away.
    pub(super) fn restore(&self, kept: Kept) {
        *self.lock() = Some(kept);
        self.pins.reopen();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
