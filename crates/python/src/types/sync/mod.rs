//! Locks and their kin: the classes, as `threading` has them.

mod acquire;
mod barrier;
mod condition;
mod coroutines;
mod event;
mod lock;
pub(crate) mod lock_wait;
mod number;
mod semaphore;

use std::sync::Arc;

use crate::errors::{Error, raise};
use crate::py::error::Builtin;
use crate::py::identity::Identity;
use crate::py::method::{self, Method};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class, xidata};
use crate::runtime::primitive::{Body, Primitive, task};
use crate::runtime::waiting::Deadline;
use crate::types::loop_wait::LoopWait;

/// The classes' places in the module's state.
#[repr(C)]
pub(crate) struct Classes {
    lock: Global,
    rlock: Global,
    semaphore: Global,
    bounded: Global,
    event: Global,
    condition: Global,
    barrier: Global,
    number: Global,
}

impl Classes {
    pub(crate) fn globals(&self) -> [&Global; 8] {
        [
            &self.lock,
            &self.rlock,
            &self.semaphore,
            &self.bounded,
            &self.event,
            &self.condition,
            &self.barrier,
            &self.number,
        ]
    }
}

/// The payload of each of the classes.
trait Handle: Class + Identity {
    fn wrap(primitive: Arc<Primitive>) -> Self;
    fn primitive(&self) -> &Arc<Primitive>;
}

pub(super) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    class::add::<lock::Lock>(cx, module)?;
    class::add::<lock::RLock>(cx, module)?;
    class::add::<semaphore::Semaphore>(cx, module)?;
    class::add::<semaphore::Bounded>(cx, module)?;
    class::add::<event::Event>(cx, module)?;
    class::add::<condition::Condition>(cx, module)?;
    class::add::<barrier::Barrier>(cx, module)?;
    class::add::<number::Number>(cx, module)?;
    class::add::<LoopWait<lock_wait::LockCall>>(cx, module)?;
    for class in cx.state.sync.globals() {
        xidata::register(cx.py(), class.get(cx.py())?)?;
    }
    Ok(())
}

const LOSE_TASK: Signature<2> = Signature {
    function: "_lose_task",
    names: [c"lock", c"task"],
    required: 2,
    positional: 2,
    positional_only: 2,
};

/// `_lose_task(lock, task)`.
pub(crate) fn lose_task<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    if let [Some(object), Some(number)] = args.parse(cx.py(), &LOSE_TASK)? {
        let who = task(cx, number.index(cx.py())? as u64);
        if let Some(Body::RLock(lock)) = of(cx, object).as_ref().map(|it| &it.body) {
            lock.lose_holder(who);
        }
    }
    Ok(cx.none())
}

/// The primitive when `object` stands for one.
pub(crate) fn of(cx: Cx<'_>, object: Ref<'_>) -> Option<Arc<Primitive>> {
    fn one<H: Handle>(cx: Cx<'_>, object: Ref<'_>) -> Option<Arc<Primitive>> {
        class::downcast::<H>(cx, object).map(|handle| Arc::clone(handle.primitive()))
    }
    one::<lock::Lock>(cx, object)
        .or_else(|| one::<lock::RLock>(cx, object))
        .or_else(|| one::<event::Event>(cx, object))
        .or_else(|| one::<semaphore::Semaphore>(cx, object))
        .or_else(|| one::<semaphore::Bounded>(cx, object))
        .or_else(|| one::<condition::Condition>(cx, object))
        .or_else(|| one::<barrier::Barrier>(cx, object))
        .or_else(|| one::<number::Number>(cx, object))
}

/// An object of this interpreter that stands for the primitive.
pub(crate) fn make(cx: Cx<'_>, primitive: Arc<Primitive>) -> PyResult<Owned<'_>> {
    match &primitive.body {
        Body::Lock(_) => instance::<lock::Lock>(cx, primitive),
        Body::RLock(_) => instance::<lock::RLock>(cx, primitive),
        Body::Semaphore(core) if core.bound().is_some() => {
            instance::<semaphore::Bounded>(cx, primitive)
        }
        Body::Semaphore(_) => instance::<semaphore::Semaphore>(cx, primitive),
        Body::Event(_) => instance::<event::Event>(cx, primitive),
        Body::Condition(..) => instance::<condition::Condition>(cx, primitive),
        Body::Barrier(_) => instance::<barrier::Barrier>(cx, primitive),
        Body::Number(_) => instance::<number::Number>(cx, primitive),
        Body::Guards(_) => unreachable!("it goes with its SharedBuffers"),
    }
}

fn instance<H: Handle>(cx: Cx<'_>, primitive: Arc<Primitive>) -> PyResult<Owned<'_>> {
    class::instantiate(cx, H::wrap(primitive))
}

fn id<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    cx.size(handle.primitive().id() as usize)
}

/// `<interlane.Event at 0x7f12a8 id 7: set>`, as `threading` words it.
fn repr<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let primitive = handle.primitive();
    cx.str(&format!(
        "<interlane.{} at {:p} id {}: {}>",
        primitive.kind(),
        handle,
        primitive.id(),
        primitive.state()
    ))
}

/// Their row in each class's table.
const fn unpicklable<H: Handle>() -> Method {
    method::noargs(
        c"__reduce__",
        refuse_pickling::<H>,
        c"__reduce__($self, /)\n--\n\nRaise TypeError: it means something in this process only.",
    )
}

fn refuse_pickling<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let message = format!(
        "cannot pickle '{}' object: send it through a channel, prepare_main or call, after which both interpreters have \
         the same one; another process can't have it",
        handle.primitive().kind()
    );
    Err(Raised::type_error(cx.py(), &message))
}

/// The most seconds that one can wait, as `threading.TIMEOUT_MAX`.
const TIMEOUT_MAX: f64 = 9_223_372_036.0;

/// From a number of seconds, or `None` for as long as it takes; below zero it is one try.
fn limit(cx: Cx<'_>, timeout: Option<Ref<'_>>) -> PyResult<Deadline> {
    match timeout.filter(|value| !value.is_none()) {
        None => Ok(Deadline::NEVER),
        Some(timeout) => after(cx, timeout.as_float(cx.py())?),
    }
}

fn after(cx: Cx<'_>, seconds: f64) -> PyResult<Deadline> {
    if seconds.is_nan() {
        return Err(Raised::value_error(
            cx.py(),
            "timeout must be a number, got nan",
        ));
    }
    if seconds > TIMEOUT_MAX {
        return Err(Raised::builtin(
            cx.py(),
            Builtin::Overflow,
            "timeout value is too large",
        ));
    }
    Ok(Deadline::after(seconds.max(0.0)))
}

/// Only an end of everything could have ended the wait.
pub(super) fn abandoned(cx: Cx<'_>, primitive: &Primitive) -> Raised {
    let message = format!(
        "{} {} waits for ever: nobody is left who could wake this call",
        primitive.kind(),
        primitive.id()
    );
    raise(cx, Error::OwnerGone, &message)
}

const EXIT: Signature<3> = Signature {
    function: "__exit__",
    names: [c"exc_type", c"exc_value", c"traceback"],
    required: 0,
    positional: 3,
    positional_only: 3,
};

fn no_arguments(cx: Cx<'_>, args: Args<'_>, function: &'static str) -> PyResult<()> {
    args.parse(cx.py(), &Signature::empty(function))
        .map(|[]| ())
}
