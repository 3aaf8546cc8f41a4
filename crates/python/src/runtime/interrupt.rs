//! Ctrl-C while the main thread is in another interpreter.
//!
//! CPython runs signal handlers in the main interpreter only, and the main thread is not there. In a blocking call of
//! ours it looks after signals itself, by a short visit home.
//!
//! Everywhere else in a call through a proxy, CPython's C handler writes to a pipe of ours, and a thread that reads it,
//! the listener, has `KeyboardInterrupt` raised in the called code, if that is what the main interpreter would do. Back
//! home the handler itself runs, and what it raises is what the caller gets.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Interpreter;
use super::blocked::ident;
use crate::convert::{Packing, pack, unpack};
use crate::py::text::Address;
use crate::py::{Attached, Cx, PyResult, Raised, Ref, interp, signals};

/// What the main thread and the listener know of each other. Locked for single operations, none of which is CPython's:
/// that has a lock of its own around a fork, when this one is taken, too. Between the two it is the owner's GIL that
/// keeps the other one out.
static ABROAD: Mutex<Abroad> = Mutex::new(Abroad {
    calls: Vec::new(),
    newest: 0,
    pipe: None,
});

/// The main thread's identifier while it is in a call; 0 otherwise. Only that thread writes to it and compares.
static VISITOR: AtomicU64 = AtomicU64::new(0);

/// The main thread's identifier; 0 until that thread has been here. Spares the others two system calls.
static MAIN: AtomicU64 = AtomicU64::new(0);

pub(super) struct Abroad {
    /// The calls that the main thread is in, the innermost one last.
    calls: Vec<Call>,
    newest: u64,
    /// Its reading end is the listener's, and open as long as that lives: for ever.
    pipe: Option<Pipe>,
}

struct Pipe {
    reader: RawFd,
    writer: OwnedFd,
}

struct Call {
    number: u64,
    owner: Arc<Interpreter>,
    stage: Stage,
    from_main: bool,
    /// `KeyboardInterrupt` is to be raised, or was.
    struck: bool,
    /// What a handler has raised meanwhile, a reference of the main interpreter's: that is where this call comes from.
    raised: Option<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not attached to the owner yet.
    Coming,
    /// In the owner: may be struck.
    Inside,
    /// Has heard of the signal in another way, or is out of the owner.
    Deaf,
}

impl std::fmt::Debug for Abroad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Abroad")
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}

/// A call of the main thread into another interpreter, from before it leaves until it is back.
#[derive(Debug)]
pub(crate) struct Excursion {
    number: u64,
    /// CPython tells the listener on behalf of this one: the outermost, unless somebody else wants to be told.
    telling: Option<RawFd>,
}

impl Excursion {
    /// `None` on all threads but the main one, and where it cannot be told which that is.
    pub(crate) fn begin(cx: Cx<'_>, owner: &Arc<Interpreter>) -> PyResult<Option<Self>> {
        if !is_main_thread() {
            return Ok(None);
        }
        let (number, pipe) = {
            let mut abroad = abroad();
            abroad.newest += 1;
            let number = abroad.newest;
            abroad.calls.push(Call {
                number,
                owner: Arc::clone(owner),
                stage: Stage::Coming,
                from_main: cx.state.interpreter().is_main(),
                struck: false,
                raised: None,
            });
            let outermost = abroad.calls.len() == 1;
            (number, outermost.then(|| abroad.descriptor()).flatten())
        };
        let telling = pipe.filter(|&descriptor| signals::tell(cx.py(), descriptor));
        VISITOR.store(ident(), Ordering::Relaxed);
        let excursion = Self { number, telling };
        if cx.state.interpreter().is_main() {
            // Of those that came earlier nobody is told.
            if let Err(raised) = cx.check_signals() {
                let exception = raised.take(cx.py());
                excursion.hush(cx.py());
                return Err(Raised::restore(cx.py(), exception));
            }
        }
        Ok(Some(excursion))
    }

    /// The thread is attached to the owner.
    pub(crate) fn enter(&self, py: Attached<'_>) {
        let mut abroad = abroad();
        let struck = abroad.call(self.number).is_some_and(|call| {
            call.stage = Stage::Inside;
            call.struck
        });
        drop(abroad);
        if struck {
            signals::interrupt(py, ident());
        }
    }

    /// The thread is about to detach from the owner, where nothing is raised from now on. Raises what a signal handler
    /// does if the owner is the main interpreter: the way home may lead through others.
    pub(crate) fn leave(&self, cx: Cx<'_>) -> PyResult<()> {
        let struck = abroad().call(self.number).is_some_and(Call::deafen);
        if struck {
            signals::spare(cx.py(), ident());
        }
        cx.check_signals()
    }

    /// The thread is back where it came from. Gives what signal handlers have raised in the meantime.
    pub(crate) fn end(self, cx: Cx<'_>) -> Option<Raised> {
        self.hush(cx.py());
        if !cx.state.interpreter().is_main() {
            return None;
        }
        let (struck, raised) = {
            let mut abroad = abroad();
            let call = abroad.call(self.number)?;
            (call.struck, call.raised.take())
        };
        let Some(raised) = raised else {
            return if struck {
                cx.check_signals().err()
            } else {
                None
            };
        };
        // SAFETY: attached to the main interpreter, whose reference this is, and which gives it up.
        unsafe {
            let exception = interp::borrow(cx.py(), raised);
            interp::drop_reference(raised);
            Some(Raised::restore(cx.py(), exception))
        }
    }

    fn hush(&self, py: Attached<'_>) {
        if let Some(descriptor) = self.telling {
            signals::hush(py, descriptor);
        }
    }
}

impl Drop for Excursion {
    fn drop(&mut self) {
        let last = {
            let mut abroad = abroad();
            let place = abroad.calls.iter().position(|c| c.number == self.number);
            // The record may be the last one to know the owner: it is dropped outside of the lock.
            let call = place.map(|place| abroad.calls.remove(place));
            let last = abroad.calls.is_empty();
            drop(abroad);
            drop(call);
            last
        };
        if last {
            VISITOR.store(0, Ordering::Relaxed);
        }
    }
}

impl Call {
    /// Was it struck, perhaps to no effect yet?
    fn deafen(&mut self) -> bool {
        let before = std::mem::replace(&mut self.stage, Stage::Deaf);
        before == Stage::Inside && self.struck
    }
}

impl Abroad {
    fn call(&mut self, number: u64) -> Option<&mut Call> {
        self.calls.iter_mut().find(|call| call.number == number)
    }

    /// Where CPython has to write to; the first time, the listener is started. `None` where that fails: then Ctrl-C
    /// is for when the call is over.
    fn descriptor(&mut self) -> Option<RawFd> {
        if self.pipe.is_none() {
            let mut ends = [-1; 2];
            // SAFETY: room for two descriptors, which are nobody else's.
            let [reader, writer] = unsafe {
                if libc::pipe(ends.as_mut_ptr()) < 0 {
                    return None;
                }
                ends.map(|fd| OwnedFd::from_raw_fd(fd))
            };
            for fd in [&reader, &writer] {
                // SAFETY: an open descriptor; no pointers.
                unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
            }
            // SAFETY: as above. CPython insists on it: its handler must not block.
            unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
            let pipe = Pipe {
                reader: reader.as_raw_fd(),
                writer,
            };
            let started = std::thread::Builder::new()
                .name("interlane-signals".to_owned())
                .spawn(move || listen(&reader));
            started.ok()?;
            self.pipe = Some(pipe);
        }
        self.pipe.as_ref().map(|pipe| pipe.writer.as_raw_fd())
    }
}

/// Is the calling thread the main one, as far as can be told?
pub(super) fn is_main_thread() -> bool {
    match MAIN.load(Ordering::Relaxed) {
        0 => {
            let is = super::interpreter::is_main_thread();
            if is {
                MAIN.store(ident(), Ordering::Relaxed);
            }
            is
        }
        main => main == ident(),
    }
}

/// Does the calling thread, which is in this interpreter, have to look after signals while it waits? Where nobody knows
/// which thread is the main one, all of the main interpreter do.
pub(crate) fn looks_after_signals(here: &Interpreter) -> bool {
    let known = cfg!(any(target_os = "linux", target_os = "macos"));
    if known {
        is_main_thread()
    } else {
        here.is_main()
    }
}

/// Runs pending signal handlers in the main interpreter, on the main thread, which is in another one now; what they
/// raise is raised here.
pub(crate) fn check_signals(cx: Cx<'_>) -> PyResult<()> {
    let here = cx.state.interpreter();
    if here.is_main() {
        let checked = cx.check_signals();
        if checked.is_err() {
            heard(cx.py());
        }
        return checked;
    }
    let Some(main) = main() else { return Ok(()) };
    let mut exception = None;
    main.visit(here, cx.py(), |cx| {
        let packed = cx.check_signals().map_err(|raised| {
            let exception = raised.take(cx.py());
            keep(cx, exception.get());
            pack(cx, exception.get(), Packing::PROXIES)
        });
        match packed {
            Ok(()) => (),
            Err(Ok(message)) => exception = Some(message),
            Err(Err(raised)) => raised.report_alone(cx.py()),
        }
    });
    let Some(message) = exception else {
        return Ok(());
    };
    heard(cx.py());
    Err(Raised::restore(cx.py(), unpack(cx, message)?))
}

/// Keeps what a handler has raised, in the main interpreter, for when the thread is back there.
fn keep(cx: Cx<'_>, exception: Ref<'_>) {
    let mut before = None;
    let mut abroad = abroad();
    if let Some(outermost) = abroad.calls.first_mut().filter(|call| call.from_main) {
        before = outermost.raised.replace(exception.keep(cx.py()));
    }
    drop(abroad);
    if let Some(before) = before {
        // SAFETY: attached to the main interpreter, whose reference it was.
        unsafe { interp::drop_reference(before) }
    }
}

/// The innermost call has heard of the signal.
fn heard(py: Attached<'_>) {
    let struck = abroad().calls.last_mut().is_some_and(Call::deafen);
    if struck {
        signals::spare(py, ident());
    }
}

fn main() -> Option<Arc<Interpreter>> {
    Interpreter::all()
        .into_iter()
        .find(|interpreter| interpreter.is_main())
}

/// The listener.
fn listen(reader: &OwnedFd) {
    let mut numbers = [0_u8; 64];
    loop {
        // SAFETY: an open descriptor, and room for what is read.
        let count = unsafe {
            libc::read(
                reader.as_raw_fd(),
                numbers.as_mut_ptr().cast(),
                numbers.len(),
            )
        };
        match usize::try_from(count) {
            Ok(count) if numbers[..count].contains(&(libc::SIGINT as u8)) => strike(),
            Ok(0) => return, // nobody can write to it any more
            _ => (),         // another signal, or the read was interrupted by one
        }
    }
}

/// Raises `KeyboardInterrupt` in the innermost call, if it would be raised at home.
fn strike() {
    let innermost = {
        let abroad = abroad();
        let innermost = abroad.calls.last();
        innermost.map(|call| (call.number, Arc::clone(&call.owner)))
    };
    let Some((number, owner)) = innermost else {
        return;
    };
    // On 3.12 CPython runs the handler itself there, and two would raise; later it tells another thread state.
    if cfg!(not(Py_3_13)) && owner.is_main() {
        return;
    }
    let thread = VISITOR.load(Ordering::Relaxed);
    if !raises() {
        return;
    }
    // SAFETY: the listener is attached nowhere.
    unsafe {
        owner.enter(|py| {
            // Under the owner's GIL, which whoever is in that call needs for leaving it.
            let mut abroad = abroad();
            let call = abroad.calls.last_mut();
            let inside = call
                .filter(|call| call.number == number)
                .is_some_and(|call| {
                    call.struck |= call.stage != Stage::Deaf;
                    call.stage == Stage::Inside
                });
            drop(abroad);
            if inside {
                signals::interrupt(py, thread);
            }
        });
    }
}

/// Is Python's own handler of Ctrl-C in place? What another one does can only be told by running it.
fn raises() -> bool {
    let mut raises = false;
    let Some(main) = main() else { return false };
    // SAFETY: the listener is attached nowhere.
    unsafe {
        main.enter(|py| match is_default(py) {
            Ok(is) => raises = is,
            Err(raised) => raised.report_alone(py),
        });
    }
    raises
}

fn is_default(py: Attached<'_>) -> PyResult<bool> {
    let signal = py.import(c"_signal")?;
    let default = signal.get().attribute(py, c"default_int_handler")?;
    let number = py.int(libc::SIGINT.into())?;
    let current = signal.get().attribute(py, c"getsignal")?;
    let current = current.get().call(py, [number.get()])?;
    Ok(current.get().address() == default.get().address())
}

/// Locks what is known of the main thread's calls.
pub(super) fn abroad() -> MutexGuard<'static, Abroad> {
    ABROAD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In the child of a fork, which has no listener: the next call starts one.
pub(super) fn begin_anew(abroad: &mut Abroad) {
    MAIN.store(ident(), Ordering::Relaxed);
    let pipe = abroad.pipe.take();
    if VISITOR.load(Ordering::Relaxed) == ident() {
        // CPython may be writing to it, until the call is over.
        std::mem::forget(pipe);
        return;
    }
    if let Some(pipe) = pipe {
        // SAFETY: the child's copy, which only the listener, a thread of the parent, would have used.
        unsafe { libc::close(pipe.reader) };
    }
    // Calls of a thread that the child does not have. Forgotten, since nothing may be dropped here.
    std::mem::forget(std::mem::take(&mut abroad.calls));
    VISITOR.store(0, Ordering::Relaxed);
}
