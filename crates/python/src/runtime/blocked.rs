//! Threads that sleep in a call of ours, and what becomes of them when an interpreter ends.
//!
//! When an interpreter ends, Python joins its threads. If all of them sleep in our calls, that takes for ever: a
//! watcher, started before the join, sees that and ends their waits. Until then, threads that work keep the
//! interpreter alive, as always in Python; for the main interpreter, whose end is the end of the process, that
//! goes for the threads of all interpreters.
//!
//! Daemon threads are not joined. Of those that sleep at the end of the process, none returns to Python: in a
//! sub-interpreter it would run while CPython takes that apart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use interlane_core::{Abandon, Parked};

use super::Interpreter;
use super::waiting::Subject;

/// The places of all threads that have ever slept. Its lock is held for single operations.
static PLACES: Mutex<Vec<Arc<Place>>> = Mutex::new(Vec::new());

thread_local! {
    /// The calling thread's own, in `PLACES` from its first sleep to its end.
    static PLACE: Own = Own::new();
}

/// The threads that must not return to Python; empty until the process ends. As above.
static HALTED: Mutex<Vec<u64>> = Mutex::new(Vec::new());

/// Spares the look at `HALTED` as long as that is empty.
static ENDING: AtomicBool = AtomicBool::new(false);

pub(super) type Places = Vec<Arc<Place>>;

/// What others can learn of a thread's sleep. A thread's own, so that getting up, for which somebody waits, costs it
/// one store to memory that nobody else writes to.
#[derive(Debug)]
pub(super) struct Place {
    /// `threading.get_ident()`.
    ident: u64,
    /// Relaxed: a hint. Whether a wait is over, the waker knows.
    asleep: AtomicBool,
    /// The last sleep. Its lock is taken while `PLACES` is locked, never the other way round.
    sleep: Mutex<Option<Sleep>>,
}

struct Sleep {
    /// Kept until the next sleep, so that its memory does not go while somebody waits for this thread.
    waker: Arc<dyn Abandon>,
    /// Has it no deadline?
    unlimited: bool,
    interpreter: i64,
    subject: Subject,
    since: Instant,
}

impl std::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleep").finish_non_exhaustive()
    }
}

/// A thread's hold on its place.
struct Own(Arc<Place>);

impl Own {
    fn new() -> Self {
        let place = Arc::new(Place {
            ident: ident(),
            asleep: AtomicBool::new(false),
            sleep: Mutex::new(None),
        });
        places().push(Arc::clone(&place));
        Self(place)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        places().retain(|place| !Arc::ptr_eq(place, &self.0));
    }
}

/// How often the watcher looks. It runs only while an interpreter ends and still has threads.
const LOOK: Duration = Duration::from_millis(10);

/// The calling thread, as core's waits see it.
#[derive(Debug)]
pub(crate) struct ThisThread {
    /// The interpreter that it is attached to.
    interpreter: i64,
    /// What it waits for.
    subject: Subject,
    /// Its own, from `parked` on: to look for it again takes time in which somebody waits. Relaxed, one thread's.
    place: AtomicPtr<Place>,
}

impl ThisThread {
    pub(crate) fn new(interpreter: i64, subject: Subject) -> Self {
        Self {
            interpreter,
            subject,
            place: AtomicPtr::default(),
        }
    }
}

impl Parked for ThisThread {
    fn parked(&self, waker: Arc<dyn Abandon>, deadline: Option<Instant>) {
        let sleep = Sleep {
            waker,
            unlimited: deadline.is_none(),
            interpreter: self.interpreter,
            subject: self.subject,
            since: Instant::now(),
        };
        // Err: the thread is being taken down. Nobody looks at it any more.
        let _ = PLACE.try_with(|Own(place)| {
            let before = lock(&place.sleep).replace(sleep);
            drop(before);
            place.asleep.store(true, Ordering::Relaxed);
            self.place
                .store(Arc::as_ptr(place).cast_mut(), Ordering::Relaxed);
        });
    }

    fn unparked(&self) {
        // SAFETY: null, or the calling thread's own, which the thread keeps: the wait ends before it does.
        if let Some(place) = unsafe { self.place.load(Ordering::Relaxed).as_ref() } {
            place.asleep.store(false, Ordering::Relaxed);
        }
    }
}

/// Ends the waits of these threads in sub-interpreters, so that those can be closed.
pub(crate) fn expel(threads: &[u64]) {
    for waker in wakers(threads, |sleep| sleep.interpreter != 0) {
        waker.abandon();
    }
}

/// Keeps these threads, daemons, in the calls in which they are, because the process ends.
pub(crate) fn halt(threads: Vec<u64>) {
    *lock(&HALTED) = threads;
    // Release: pairs with the Acquire in `is_halted`.
    ENDING.store(true, Ordering::Release);
}

/// Must the calling thread stay where it is?
pub(crate) fn is_halted() -> bool {
    ENDING.load(Ordering::Acquire) && lock(&HALTED).contains(&ident())
}

/// Starts the watcher for an interpreter whose threads are about to be joined.
pub(crate) fn watch(interpreter: &Arc<Interpreter>) {
    let interpreter = Arc::clone(interpreter);
    let started = std::thread::Builder::new()
        .name("interlane-exit".to_owned())
        .spawn(move || {
            let mut before = Vec::new();
            loop {
                std::thread::sleep(LOOK);
                // SAFETY: the watcher's thread is attached nowhere.
                let own = unsafe { interpreter.threads() };
                if own.is_empty() {
                    return;
                }
                let mut threads = own.clone();
                threads.extend(elsewhere(&interpreter));
                let all = asleep(&threads);
                // All asleep in the same waits as the last time: between the two looks there was a moment at
                // which all of them slept, so none of them will ever be woken.
                if all.len() == threads.len() && same(&all, &before) {
                    for waker in asleep(&own) {
                        waker.abandon();
                    }
                }
                before = all;
            }
        });
    // Without the watcher the join may wait for ever, as it does without interlane.
    drop(started);
}

/// Threads of other interpreters that could wake those of this one. When the main interpreter ends, the process
/// does, and it waits for them; whoever closes another interpreter does not want to.
fn elsewhere(interpreter: &Arc<Interpreter>) -> Vec<u64> {
    if !interpreter.is_main() {
        return Vec::new();
    }
    Interpreter::all()
        .iter()
        .filter(|other| !Arc::ptr_eq(other, interpreter))
        // SAFETY: the watcher's thread, which calls this, is attached nowhere.
        .flat_map(|other| unsafe { other.threads() })
        .collect()
}

/// The waits without a deadline in which these threads are.
fn asleep(threads: &[u64]) -> Vec<Arc<dyn Abandon>> {
    wakers(threads, |sleep| sleep.unlimited)
}

/// Of the sleeping ones among these threads that are `wanted`, what wakes them.
fn wakers(threads: &[u64], wanted: impl Fn(&Sleep) -> bool) -> Vec<Arc<dyn Abandon>> {
    let wakers: Vec<_> = {
        let places = places();
        let by_ident: HashMap<u64, &Arc<Place>> =
            places.iter().map(|place| (place.ident, place)).collect();
        threads
            .iter()
            .filter_map(|ident| by_ident.get(ident))
            .filter(|place| place.asleep.load(Ordering::Relaxed))
            .filter_map(|place| {
                let sleep = lock(&place.sleep);
                let sleep = sleep.as_ref().filter(|sleep| wanted(sleep))?;
                Some(Arc::clone(&sleep.waker))
            })
            .collect()
    };
    // Outside the locks: by now one of them may be all that is left of a sleep.
    wakers
        .into_iter()
        .filter(|waker| waker.is_waiting())
        .collect()
}

/// A sleep that goes on, for people who want to know.
#[derive(Debug)]
pub(crate) struct Sleeper {
    pub(crate) interpreter: i64,
    pub(crate) thread: u64,
    pub(crate) subject: Subject,
    pub(crate) since: Instant,
    pub(crate) unlimited: bool,
}

/// Who sleeps now.
pub(crate) fn sleepers() -> Vec<Sleeper> {
    let places = places();
    places
        .iter()
        .filter(|place| place.asleep.load(Ordering::Relaxed))
        .filter_map(|place| {
            let sleep = lock(&place.sleep);
            sleep.as_ref().map(|sleep| Sleeper {
                interpreter: sleep.interpreter,
                thread: place.ident,
                subject: sleep.subject,
                since: sleep.since,
                unlimited: sleep.unlimited,
            })
        })
        .collect()
}

fn same(now: &[Arc<dyn Abandon>], before: &[Arc<dyn Abandon>]) -> bool {
    now.len() == before.len() && now.iter().zip(before).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Locks the list of all threads' places.
pub(super) fn places() -> MutexGuard<'static, Places> {
    lock(&PLACES)
}

/// In the child of a fork, which has only the thread that forked: of the places, its own.
pub(super) fn keep_own(places: &mut Places) {
    let own = places.iter().find(|place| place.ident == ident()).cloned();
    // Forgotten, since nothing may be dropped before Python has seen to its locks; and those in it may be taken.
    std::mem::forget(std::mem::take(places));
    places.extend(own);
}

/// The calling thread's identifier.
pub(super) fn ident() -> u64 {
    // SAFETY: no arguments, can't fail.
    unsafe { libc::pthread_self() as u64 }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
