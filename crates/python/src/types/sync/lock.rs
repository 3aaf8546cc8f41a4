//! `Lock` and `RLock`.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::{Lock as CoreLock, ReentrantLock};

use super::acquire::{acquire, enter, exit, give_back_all, is_owned, release, take};
use super::{Handle, coroutines, id, no_arguments, unpicklable};
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::primitive::{Body, Primitive, is_task};
use crate::runtime::waiting::Deadline;
use crate::state::State;

pub(crate) struct Lock(Arc<Primitive>);
pub(crate) struct RLock(Arc<Primitive>);

impl Handle for Lock {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Handle for RLock {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Lock {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

impl Identity for RLock {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

fn new_lock<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "Lock")?;
    let body = Body::Lock(CoreLock::new());
    class::instantiate(cx, Lock(Primitive::new(body)))
}

fn new_rlock<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "RLock")?;
    let body = Body::RLock(ReentrantLock::new());
    class::instantiate(cx, RLock(Primitive::new(body)))
}

fn locked<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let is_held = match &handle.primitive().body {
        Body::Lock(lock) => lock.is_held(),
        Body::RLock(lock) => lock.is_held(),
        _ => false,
    };
    Ok(cx.bool(is_held))
}

fn recover<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let recovered = match &handle.primitive().body {
        Body::Lock(lock) => lock.recover(),
        Body::RLock(lock) => lock.recover(),
        _ => false,
    };
    Ok(cx.bool(recovered))
}

/// `<locked interlane.Lock object 7 of interpreter 0, thread 139 at 0x7f12a8>`, in `threading`'s order.
fn repr<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let primitive = handle.primitive();
    let holder = primitive.holder();
    let place = match holder {
        Some(who) => format!(
            " held in interpreter {}, {} {}",
            who.runtime,
            if is_task(who) { "task" } else { "thread" },
            who.thread
        ),
        None => String::new(),
    };
    let depth = match &primitive.body {
        Body::RLock(lock) => format!(
            " owner={} count={}",
            holder.map_or(0, |who| who.thread),
            lock.depth()
        ),
        _ => String::new(),
    };
    cx.str(&format!(
        "<{} interlane.{} object {}{place}{depth} at {:p}>",
        primitive.state(),
        primitive.kind(),
        primitive.id(),
        handle
    ))
}

const RESTORE: Signature<1> = Signature {
    function: "_acquire_restore",
    names: [c"state"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

impl RLock {
    fn is_owned<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(is_owned(cx, &self.0)?))
    }

    fn recursion_count<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match &self.0.body {
            Body::RLock(lock) if is_owned(cx, &self.0)? => cx.size(lock.depth() as usize),
            _ => cx.size(0),
        }
    }

    fn release_save<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(give_back_all(cx, &self.0)? as usize)
    }

    fn acquire_restore<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [depth] = args.parse(cx.py(), &RESTORE)?;
        let depth = depth.map_or(Ok(1), |depth| depth.index(cx.py()))?;
        let depth = u64::try_from(depth)
            .ok()
            .filter(|&depth| depth > 0)
            .ok_or_else(|| Raised::value_error(cx.py(), "not what _release_save() returned"))?;
        let taken = take(cx, &self.0, Deadline::NEVER, depth)?;
        match taken {
            super::acquire::Taken::Yes => Ok(cx.none()),
            failure => Err(super::acquire::failed(cx, &self.0, failure)),
        }
    }
}

const ACQUIRE: &CStr = c"acquire($self, /, blocking=True, timeout=-1)\n--\n\nAcquire the lock and return True; False when it isn't free and blocking is false, or not within timeout seconds.\n\nRaises OwnerGoneError when the interpreter (or, for an RLock, the thread) that holds it has ended.";
const ACQUIRE_ASYNC: &CStr = c"acquire_async($self, /)\n--\n\nAcquire the lock, awaiting it, and return True. Cancelled, it has not acquired it.\n\nAn RLock is the current task's then: that task alone may acquire it again, and releases it. Raises what acquire() does.";
const AENTER: &CStr = c"__aenter__($self, /)\n--\n\nAcquire the lock, awaiting it.";
const AEXIT: &CStr = c"__aexit__($self, /, *args)\n--\n\nRelease the lock.";
const RELEASE: &CStr =
    c"release($self, /)\n--\n\nRelease the lock; raises RuntimeError when it isn't held.";
const LOCKED: &CStr = c"locked($self, /)\n--\n\nTell whether the lock is held.";
const RECOVER: &CStr = c"recover($self, /)\n--\n\nMake a lock free again whose holder has ended, and return True; else return False and do nothing.\n\nFor whoever has seen to what the lock protects: its holder may have left that half done.";
const ENTER: &CStr = c"__enter__($self, /)\n--\n\nAcquire the lock.";
const EXIT: &CStr = c"__exit__($self, /, *args)\n--\n\nRelease the lock.";
const ID: &CStr =
    c"The number of the lock, the same in all interpreters; never used twice in a process.";

impl Class for Lock {
    const NAME: &'static CStr = c"interlane.Lock";
    const DOC: &'static CStr = c"Lock()
--

threading.Lock across interpreters: one thread of one interpreter holds it at a time.

Sent to another interpreter, the same lock arrives. Objects that stand for the same lock are equal.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"acquire", acquire::<Self>, ACQUIRE),
            method::noargs(c"release", release::<Self>, RELEASE),
            method::noargs(c"locked", locked::<Self>, LOCKED),
            method::noargs(c"recover", recover::<Self>, RECOVER),
            method::noargs(c"__enter__", enter::<Self>, ENTER),
            method::keywords(c"__exit__", exit::<Self>, EXIT),
            method::of_object(c"acquire_async", coroutines::acquire, ACQUIRE_ASYNC),
            method::of_object(c"__aenter__", coroutines::acquire, AENTER),
            method::of_object(c"__aexit__", coroutines::release, AEXIT),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] =
        const { &[getset::getter(c"id", id::<Self>, ID), getset::END] };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(new_lock),
            identity::equal::<Self>(),
            identity::hash::<Self>(),
            slot::repr(repr::<Self>),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.sync.lock
    }
}

impl Class for RLock {
    const NAME: &'static CStr = c"interlane.RLock";
    const DOC: &'static CStr = c"RLock()
--

threading.RLock across interpreters: the thread that holds it may acquire it again, in the same interpreter.

Only that thread, in that interpreter, can release it. With acquire_async() and async with, it is a task's instead
of a thread's.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"acquire", acquire::<Self>, ACQUIRE),
            method::noargs(c"release", release::<Self>, RELEASE),
            method::noargs(c"locked", locked::<Self>, LOCKED),
            method::noargs(c"recover", recover::<Self>, RECOVER),
            method::noargs(
                c"_is_owned",
                Self::is_owned,
                c"_is_owned($self, /)\n--\n\nFor threading.Condition.",
            ),
            method::noargs(
                c"_recursion_count",
                Self::recursion_count,
                c"_recursion_count($self, /)\n--\n\nAs that of threading.RLock.",
            ),
            method::noargs(
                c"_release_save",
                Self::release_save,
                c"_release_save($self, /)\n--\n\nFor threading.Condition.",
            ),
            method::keywords(
                c"_acquire_restore",
                Self::acquire_restore,
                c"_acquire_restore($self, state, /)\n--\n\nFor threading.Condition.",
            ),
            method::noargs(c"__enter__", enter::<Self>, ENTER),
            method::keywords(c"__exit__", exit::<Self>, EXIT),
            method::of_object(c"acquire_async", coroutines::acquire, ACQUIRE_ASYNC),
            method::of_object(c"__aenter__", coroutines::acquire, AENTER),
            method::of_object(c"__aexit__", coroutines::release, AEXIT),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] =
        const { &[getset::getter(c"id", id::<Self>, ID), getset::END] };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(new_rlock),
            identity::equal::<Self>(),
            identity::hash::<Self>(),
            slot::repr(repr::<Self>),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.sync.rlock
    }
}
