//! Locks and their kin with what Python adds to them: a number, and the table in which all of them are found.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use interlane_core::{
    Barrier, Condition, Event, Lock, Number, ReadWriteLock, ReentrantLock, ReleaseError, Semaphore,
    Who,
};

use super::blocked;
use crate::convert::Message;
use crate::py::Cx;

/// One of them. Lives as long as any object in any interpreter that stands for it, or is on its way.
pub(crate) struct Primitive {
    id: u64,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    Lock(Lock),
    RLock(ReentrantLock),
    Semaphore(Semaphore),
    Event(Event),
    /// With its lock, which is one of the first two.
    Condition(Condition, Arc<Primitive>),
    Barrier(Gathering),
    Number(Number),
    /// The guards of the memory of `SharedBuffer`s.
    Guards(ReadWriteLock),
}

/// A barrier, what is done when it trips, and how long one waits at it.
pub(crate) struct Gathering {
    pub(crate) barrier: Barrier,
    pub(crate) action: Mutex<Option<Message>>,
    /// Seconds.
    pub(crate) timeout: Option<f64>,
}

/// All of them by number. Holds no counts: each takes itself out when it goes.
static PRIMITIVES: Mutex<BTreeMap<u64, Weak<Primitive>>> = Mutex::new(BTreeMap::new());

/// The newest one's number.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// There once the thread has had an `RLock`: see `HasRLocks`.
    static HAS_RLOCKS: HasRLocks = const { HasRLocks };
}

/// Loses the locks that only this thread could give back, when the thread ends.
struct HasRLocks;

impl Drop for HasRLocks {
    fn drop(&mut self) {
        let thread = blocked::ident();
        for primitive in Primitive::all() {
            if let Body::RLock(lock) = &primitive.body {
                lock.lose_thread(thread);
            }
        }
    }
}

impl Primitive {
    pub(crate) fn new(body: Body) -> Arc<Self> {
        let id = NUMBERS.fetch_add(1, Ordering::Relaxed) + 1;
        let primitive = Arc::new(Self { id, body });
        primitives().insert(id, Arc::downgrade(&primitive));
        primitive
    }

    /// All that exist.
    pub(crate) fn all() -> Vec<Arc<Self>> {
        primitives().values().filter_map(Weak::upgrade).collect()
    }

    /// The interpreter has ended: what its threads held they will not give back.
    pub(super) fn lose(interpreter: u64) {
        for primitive in Self::all() {
            match &primitive.body {
                Body::Lock(lock) => lock.lose(interpreter),
                Body::RLock(lock) => lock.lose(interpreter),
                Body::Guards(lock) => lock.lose(interpreter),
                _ => false,
            };
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self.body {
            Body::Lock(_) => "Lock",
            Body::RLock(_) => "RLock",
            Body::Semaphore(ref semaphore) if semaphore.bound().is_some() => "BoundedSemaphore",
            Body::Semaphore(_) => "Semaphore",
            Body::Event(_) => "Event",
            Body::Condition(..) => "Condition",
            Body::Barrier(_) => "Barrier",
            Body::Number(_) => "AtomicInt",
            Body::Guards(_) => "SharedBuffer",
        }
    }

    /// Who has the lock, of those that somebody has.
    pub(crate) fn holder(&self) -> Option<Who> {
        match &self.body {
            Body::Lock(lock) => lock.holder(),
            Body::RLock(lock) => lock.holder(),
            Body::Condition(_, lock) => lock.holder(),
            Body::Guards(lock) => lock.writer(),
            _ => None,
        }
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        match &self.body {
            Body::Lock(lock) => lock.waiting(),
            Body::RLock(lock) => lock.waiting(),
            Body::Semaphore(semaphore) => semaphore.waiting(),
            Body::Event(event) => event.waiting(),
            Body::Condition(condition, _) => condition.waiting(),
            Body::Barrier(gathering) => gathering.barrier.waiting(),
            Body::Number(number) => number.waiting(),
            Body::Guards(lock) => lock.waiting(),
        }
    }

    /// What it stands at: free, held and lost for locks, a number or a word for the others.
    pub(crate) fn state(&self) -> String {
        let held = |is_gone, is_held| match (is_gone, is_held) {
            (true, _) => "lost",
            (_, true) => "locked",
            _ => "unlocked",
        };
        match &self.body {
            Body::Lock(lock) => held(lock.is_gone(), lock.is_held()).to_owned(),
            Body::RLock(lock) => held(lock.is_gone(), lock.is_held()).to_owned(),
            Body::Semaphore(semaphore) => match semaphore.bound() {
                Some(bound) => format!("value={}/{bound}", semaphore.value()),
                None => format!("value={}", semaphore.value()),
            },
            Body::Event(event) if event.is_set() => "set".to_owned(),
            Body::Event(_) => "unset".to_owned(),
            Body::Condition(condition, lock) => {
                format!("lock={}, waiters={}", lock.id, condition.waiting())
            }
            Body::Barrier(Gathering { barrier, .. }) if barrier.is_broken() => "broken".to_owned(),
            Body::Barrier(Gathering { barrier, .. }) => {
                format!("waiters={}/{}", barrier.waiting(), barrier.parties())
            }
            Body::Number(number) => format!("value={}", number.load()),
            Body::Guards(lock) if lock.writer().is_some() => "writing".to_owned(),
            Body::Guards(lock) => format!("readers={}", lock.readers()),
        }
    }

    /// Gives a permit back that the caller has just got and nobody will use.
    fn undo(&self, who: Who) {
        let _: Result<(), ReleaseError> = match &self.body {
            Body::Lock(lock) => lock.release(),
            Body::RLock(lock) => lock.release_all(who).map(drop),
            Body::Semaphore(semaphore) => semaphore.release(1),
            _ => Ok(()),
        };
    }
}

impl Drop for Primitive {
    fn drop(&mut self) {
        primitives().remove(&self.id);
    }
}

/// A permit that was got without a GIL, by a thread that might not get back to Python: dropped, it is given back.
pub(crate) struct Permit<'a> {
    primitive: &'a Primitive,
    who: Who,
}

impl<'a> Permit<'a> {
    pub(crate) fn new(primitive: &'a Primitive, who: Who) -> Self {
        Self { primitive, who }
    }

    /// The thread is back: Python has it now.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.primitive.undo(self.who);
    }
}

/// The calling thread in the interpreter that it is attached to.
pub(crate) fn caller(cx: Cx<'_>) -> Who {
    Who {
        runtime: cx.state.interpreter().id() as u64,
        thread: blocked::ident(),
    }
}

/// A task of an event loop of this interpreter, by its number, as a holder. Those are odd, which the address that
/// identifies a thread never is.
pub(crate) fn task(cx: Cx<'_>, number: u64) -> Who {
    Who {
        thread: number,
        ..caller(cx)
    }
}

/// Is the holder a task?
pub(crate) fn is_task(who: Who) -> bool {
    who.thread % 2 == 1
}

/// The calling thread has an `RLock`: it is lost when the thread ends.
pub(crate) fn mark_thread() {
    // Err: the thread is ending already, and runs Python code in some other destructor.
    let _ = HAS_RLOCKS.try_with(|_| ());
}

fn primitives() -> MutexGuard<'static, BTreeMap<u64, Weak<Primitive>>> {
    PRIMITIVES.lock().unwrap_or_else(PoisonError::into_inner)
}
