//! One record per interpreter, from the first import of the module to the interpreter's end.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use interlane_core::{AnyShare, Held, Host, Owner};

use super::awaited::Await;
use super::blocked;
use super::interrupt;
use super::keepers::Keepers;
use super::objects::Objects;
use super::primitive::Primitive;
use super::slab::{Key, Slab};
use super::visits::Left;
use crate::convert::item;
use crate::py::guard::View;
use crate::py::interp::{self, Handle, ThreadState};
use crate::py::{Attached, PyResult, Raised};

/// Kept by a capsule in the interpreter's state dict, by the module's state and by every open end.
#[derive(Debug)]
pub(crate) struct Interpreter {
    pub(crate) owner: Arc<Owner>,
    pub(super) handle: Handle,
    /// What gives guards, which protect where the gate does not. Shared with the reaper.
    pub(super) view: Arc<View>,
    id: i64,
    /// Is it another interpreter that has the main one's GIL?
    has_main_gil: bool,
    /// Is the hook in place that runs before this interpreter's threads are joined? Relaxed: two
    /// threads may both put it there, which is an import.
    hooked: AtomicBool,
    ends: Mutex<Ends>,
    objects: Objects,
    keepers: Keepers,
    resident: Mutex<Option<ThreadState>>,
    pub(super) left: Left,
    /// The thread that ends the interpreter (`blocked::ident`), 0 before.
    ender: AtomicU64,
}

/// Open ends of this interpreter, to be closed when it ends.
#[derive(Default)]
struct Ends {
    open: Slab<Weak<dyn Close>>,
    closing: bool,
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends")
            .field("open", &self.open.iter().count())
            .finish_non_exhaustive()
    }
}

/// Something that is closed when its interpreter ends.
pub(crate) trait Close: Send + Sync {
    fn close(&self);

    /// What one of its event loops waits for with this.
    fn awaited(&self) -> Option<Await> {
        None
    }
}

/// The records that may still exist. Plain Rust records, reached under the lock, which is held for single
/// operations only.
static RECORDS: Mutex<Vec<Record>> = Mutex::new(Vec::new());

/// An interpreter that may still exist, with what can be told of it without a count of it.
struct Record {
    id: i64,
    /// Has it the main one's GIL? Also so for the main one itself.
    on_main_gil: bool,
    interpreter: Weak<Interpreter>,
}

/// Has there been an interpreter, other than the main one, that has the main one's GIL? Relaxed: who learns of it
/// late shares by value, as ever.
static MATES: AtomicBool = AtomicBool::new(false);

/// Enters the interpreter from a reaper thread.
struct Visitor {
    handle: Handle,
    view: Arc<View>,
    id: i64,
    on_main_gil: bool,
}

// SAFETY: `enter` attaches the thread to the interpreter, which means holding its GIL, for as long as `work`
// runs. Core calls it inside the owner's gate, which `Interpreter::close` shuts, and waits for, before the
// interpreter starts to come apart. `is_held`: attached to another interpreter with the main one's GIL, the thread holds
// that GIL, which is the owner's.
unsafe impl Host for Visitor {
    fn enter(&self, work: &mut dyn FnMut()) {
        // None: too late, its end releases what is left.
        let Some(_guard) = self.view.guard() else {
            return;
        };
        // Found when it is needed only: the owner's record has this one, and the interpreter's has both.
        let lost = || {
            let all = Interpreter::all();
            if let Some(interpreter) = all.iter().find(|one| one.handle == self.handle) {
                interpreter.owner.forfeit();
            }
        };
        // SAFETY: see above: the gate keeps the interpreter from ending; a reaper thread is attached nowhere.
        unsafe { self.handle.enter(lost, |_| work()) }
    }

    fn is_held(&self) -> bool {
        if !(self.on_main_gil && MATES.load(Ordering::Relaxed)) {
            return false;
        }
        // In the owner itself, it goes the way of all releases: locks of the owner may be held around a drop.
        let Some(here) = Handle::attached_id().filter(|&here| here != self.id) else {
            return false;
        };
        // A drop waits for nobody. Numbers are never used again, so it is the same interpreter.
        RECORDS.try_lock().is_ok_and(|records| {
            let mut known = records.iter();
            known.any(|record| record.id == here && record.on_main_gil)
        })
    }

    fn id(&self) -> u64 {
        self.id as u64
    }
}

impl Interpreter {
    /// The record of the interpreter that this thread is attached to.
    pub(crate) fn current(py: Attached<'_>) -> PyResult<Arc<Self>> {
        #[cfg(unix)]
        super::fork::watch();
        interp::record(py, || {
            interrupt::is_main_thread(); // which it most often is, here
            let handle = Handle::current(py);
            let id = handle.id(py);
            let view = Arc::new(View::current(py));
            let has_main_gil = id != 0 && handle.shares_main_gil(py);
            if has_main_gil {
                MATES.store(true, Ordering::Relaxed);
            }
            let record = Arc::new(Self {
                owner: Owner::new(Box::new(Visitor {
                    handle,
                    view: Arc::clone(&view),
                    id,
                    on_main_gil: id == 0 || has_main_gil,
                })),
                handle,
                view,
                id,
                has_main_gil,
                hooked: AtomicBool::new(false),
                ends: Mutex::default(),
                objects: Objects::default(),
                keepers: Keepers::default(),
                resident: Mutex::new(if id == 0 {
                    None
                } else {
                    ThreadState::resident(py, handle)
                }),
                left: Left::default(),
                ender: AtomicU64::new(0),
            });
            let mut records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
            records.retain(|record| record.interpreter.strong_count() > 0);
            records.push(Record {
                id,
                on_main_gil: id == 0 || has_main_gil,
                interpreter: Arc::downgrade(&record),
            });
            record
        })
    }

    /// The records of all interpreters that have imported the module and still exist.
    pub(crate) fn all() -> Vec<Arc<Self>> {
        let records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
        let known = records.iter().map(|record| &record.interpreter);
        known.filter_map(Weak::upgrade).collect()
    }

    /// The interpreter's number, as CPython gives it: 0 is the main one, none is used twice.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    pub(crate) fn is_main(&self) -> bool {
        self.id == 0
    }

    /// Is there, or was there, another interpreter with this one's GIL?
    pub(crate) fn has_mates(&self) -> bool {
        MATES.load(Ordering::Relaxed) && (self.is_main() || self.has_main_gil)
    }

    /// Is the other one another interpreter with this one's GIL?
    pub(crate) fn is_mate_of(&self, other: &Self) -> bool {
        let with_main = |this: &Self| this.is_main() || this.has_main_gil;
        self.id != other.id && with_main(self) && with_main(other)
    }

    /// A count of a share that an object of this interpreter keeps.
    pub(crate) fn hold(&self, share: AnyShare) -> Held {
        share.hold(self.id as u32)
    }

    /// What this interpreter has shared with `interlane.share`.
    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    /// What the extensions' objects of this interpreter keep of others.
    pub(crate) fn keepers(&self) -> &Keepers {
        &self.keepers
    }

    /// Attaches a thread that is attached nowhere, runs `work`, and detaches it; nothing once the interpreter has begun
    /// to end.
    ///
    /// # Safety
    /// The thread is attached nowhere.
    pub(super) unsafe fn enter(&self, work: impl FnOnce(Attached<'_>)) {
        let (Some(_pass), Some(_guard)) = (self.owner.enter(), self.view.guard()) else {
            return;
        };
        // SAFETY: the pass keeps the interpreter from ending; the rest is forwarded to the caller.
        unsafe { self.handle.enter(|| self.owner.forfeit(), work) }
    }

    /// Identifiers of the threads that the interpreter's end would wait for; none once it is ending for good.
    ///
    /// # Safety
    /// Enters the interpreter: the calling thread is attached nowhere.
    pub(super) unsafe fn threads(&self) -> Vec<u64> {
        let mut threads = Vec::new();
        // SAFETY: forwarded to the caller.
        unsafe {
            self.enter(|py| match listed_threads(py, c"others") {
                Ok(found) => threads = found,
                Err(raised) => raised.ignore(py), // `threading` is being taken apart
            });
        }
        threads
    }

    /// Releases what borrowers have given back. One relaxed load when there is nothing.
    pub(crate) fn poll(&self, py: Attached<'_>) {
        if self.owner.has_pending() {
            self.drain(py);
        }
    }

    /// As [`poll`](Self::poll), after what raised an exception and let go of shares.
    pub(crate) fn poll_raised(&self, py: Attached<'_>, raised: Raised) -> Raised {
        if !self.owner.has_pending() {
            return raised;
        }
        let exception = raised.take(py);
        self.drain(py);
        Raised::restore(py, exception)
    }

    pub(crate) fn drain(&self, _py: Attached<'_>) -> usize {
        let mut released = 0;
        // What is released may have held shares of its own. A few rounds: others may go on for ever.
        for _ in 0..16 {
            // SAFETY: attached to this interpreter: the record is reached only through its module's state.
            match unsafe { self.owner.drain() } {
                0 => break,
                count => released += count,
            }
        }
        released
    }

    /// Remembers an open end; the key forgets it again. `None` once the interpreter has begun to end.
    pub(crate) fn register(&self, end: Weak<dyn Close>) -> Option<Key> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.closing {
            return None;
        }
        ends.open.insert(end)
    }

    pub(crate) fn forget(&self, key: Key) {
        self.ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .open
            .remove(key);
    }

    /// What its event loops wait for now.
    pub(crate) fn awaits(&self) -> Vec<Await> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<_> = ends.open.iter().filter_map(Weak::upgrade).collect();
        // The last holders of some of these may be we, by now.
        drop(ends);
        open.iter().filter_map(|end| end.awaited()).collect()
    }

    /// Has the interpreter's threads watched when it ends; for one without threads, once it gets some. The main
    /// interpreter's threads may block in any other one, so it has them from the start.
    pub(crate) fn watch_threads(&self, py: Attached<'_>) -> PyResult<()> {
        if self.hooked.load(Ordering::Relaxed)
            || !(self.is_main() || py.has_imported("threading")?)
        {
            return Ok(());
        }
        self.hooked.store(true, Ordering::Relaxed);
        if let Err(raised) = py.import(c"interlane._threads") {
            raised.ignore(py); // its threads are being joined already
        }
        Ok(())
    }

    /// Runs `f`, which may block, with the GIL released. When the interpreter or the process has ended meanwhile,
    /// the thread (a daemon, all others were joined) never comes back: attaching again would end it in the middle
    /// of Rust frames on 3.12 and 3.13, and hang it anyway on later versions.
    pub(crate) fn detach<R: Send>(&self, py: Attached<'_>, f: impl FnOnce() -> R + Send) -> R {
        let mut pass = None;
        // Attaching comes after a pass was taken, but for the thread that ends the interpreter, which is never lost.
        let lost = || self.owner.forfeit();
        let answer = py.detach(lost, || {
            let answer = f();
            if !blocked::is_halted() {
                pass = self.owner.enter();
                if pass.is_some() || self.is_ending_here() {
                    return answer;
                }
            }
            // Here, since it never gets out: what nobody will use may be of use to others.
            drop(answer);
            loop {
                std::thread::park();
            }
        });
        drop(pass);
        answer
    }

    /// The thread that finalizes may still make short calls after the gate has closed.
    fn is_ending_here(&self) -> bool {
        self.ender.load(Ordering::Relaxed) == blocked::ident()
    }

    /// At `atexit`: the last point where Python code may run. Closes the ends, so that everybody who waits on
    /// the other side wakes up, lets nobody in any more, and releases what has come back so far.
    pub(crate) fn close(&self, py: Attached<'_>) {
        // Relaxed: only the thread that stores its own number finds it there.
        self.ender.store(blocked::ident(), Ordering::Relaxed);
        let open = {
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.closing = true;
            std::mem::take(&mut ends.open)
        };
        for end in open.iter().filter_map(Weak::upgrade) {
            end.close();
        }
        item::unbind(self.owner.generation());
        self.owner.close_gate();
        py.detach(|| (), || self.owner.wait_until_empty());
        self.drain(py);
        self.objects.strip(py);
    }

    /// At `atexit`, after [`close`](Self::close): deletes the thread states that we have made here and nobody uses. Those
    /// that come later CPython clears and frees itself.
    pub(crate) fn delete_thread_states(&self, py: Attached<'_>) {
        let resident = self
            .resident
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(resident) = resident {
            resident.delete(py);
        }
        self.left.clear(py);
    }
}

/// Identifiers of threads of the interpreter that this one is attached to; `which` is a function of
/// `interlane._threads`.
pub(crate) fn listed_threads(py: Attached<'_>, which: &CStr) -> PyResult<Vec<u64>> {
    let mut idents = Vec::new();
    // Importing it here would make the visiting thread its main thread.
    if py.has_imported("threading")? {
        let module = py.import(c"interlane._threads")?;
        let list = module.get().attribute(py, which)?;
        let list = list.get().call(py, [])?.get().iterate(py)?;
        while let Some(ident) = list.get().next(py)? {
            idents.extend(ident.get().small_int(py)?.map(|ident| ident as u64));
        }
    }
    Ok(idents)
}

impl interp::Ending for Interpreter {
    /// The interpreter drops its state dict: no Python code runs any more, its memory is still there.
    fn end(&self, py: Attached<'_>) {
        self.close(py);
        Primitive::lose(self.id as u64);
        // SAFETY: attached to the ending interpreter; the gate is closed and empty.
        unsafe { self.owner.abandon() };
        #[cfg(not(Py_3_13))]
        if self.is_main() {
            crate::py::finish::stop_freeing(py);
        }
    }
}

#[cfg(target_os = "linux")]
pub(super) fn is_main_thread() -> bool {
    // SAFETY: two system calls without arguments.
    unsafe { libc::gettid() == libc::getpid() }
}

#[cfg(target_os = "macos")]
pub(super) fn is_main_thread() -> bool {
    // SAFETY: no arguments, can't fail.
    unsafe { libc::pthread_main_np() != 0 }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(super) fn is_main_thread() -> bool {
    false // nobody knows
}
