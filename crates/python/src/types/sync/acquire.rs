//! What all that can be acquired has in common.

use interlane_core::{Outcome, ReentrantLock, Refused, ReleaseError, Taking, Wait, Who};

use super::{EXIT, Handle, TIMEOUT_MAX, abandoned};
use crate::errors::{Error, raise};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Signature};
use crate::runtime::primitive::{Body, Permit, Primitive, caller, is_task, mark_thread, task};
use crate::runtime::waiting::Deadline;

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// Not in the time that there was.
    No,
    /// Its holder has ended.
    Gone,
    Abandoned,
}

const ACQUIRE: Signature<2> = Signature {
    function: "acquire",
    names: [c"blocking", c"timeout"],
    required: 0,
    positional: 2,
    positional_only: 0,
};

/// `acquire(blocking=True, timeout=-1)`: -1 and `None` are for as long as it takes.
pub(super) fn acquire<'py, H: Handle>(
    handle: &H,
    cx: Cx<'py>,
    args: Args<'py>,
) -> PyResult<Owned<'py>> {
    let primitive = handle.primitive();
    if args.is_empty() {
        return enter(handle, cx);
    }
    let [blocking, timeout] = args.parse(cx.py(), &ACQUIRE)?;
    let blocking = match blocking {
        None => true,
        Some(value) => value.is_true(cx.py())?,
    };
    // Semaphores take any negative number for no time at all, as threading's do.
    let is_lock = !matches!(primitive.body, Body::Semaphore(_));
    let seconds = match timeout.filter(|value| !value.is_none()) {
        None => None,
        Some(value) => Some(value.as_float(cx.py())?).filter(|&it| !(is_lock && it == -1.0)),
    };
    let deadline = match seconds {
        Some(_) if !blocking => {
            let message = "can't specify a timeout for a non-blocking call";
            return Err(Raised::value_error(cx.py(), message));
        }
        Some(seconds) if is_lock && seconds < 0.0 => {
            let message = "timeout value must be a non-negative number";
            return Err(Raised::value_error(cx.py(), message));
        }
        Some(seconds) if seconds > TIMEOUT_MAX => {
            let message = "timeout value is too large";
            return Err(Raised::builtin(cx.py(), Builtin::Overflow, message));
        }
        Some(seconds) if seconds > 0.0 => Some(super::after(cx, seconds)?),
        Some(seconds) if seconds.is_nan() => Some(super::after(cx, seconds)?),
        None if blocking => Some(Deadline::NEVER),
        _ => None,
    };
    let taken = match deadline {
        Some(deadline) => take(cx, primitive, deadline, 1)?,
        None => try_take(cx, primitive, 1)?,
    };
    answer(cx, primitive, taken)
}

/// `__enter__`, and `acquire()` without arguments.
pub(super) fn enter<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    let primitive = handle.primitive();
    let taken = take(cx, primitive, Deadline::NEVER, 1)?;
    answer(cx, primitive, taken)
}

fn answer<'py>(cx: Cx<'py>, primitive: &Primitive, taken: Taken) -> PyResult<Owned<'py>> {
    match taken {
        Taken::Yes => Ok(cx.bool(true)),
        Taken::No => Ok(cx.bool(false)),
        failure => Err(failed(cx, primitive, failure)),
    }
}

pub(super) fn failed(cx: Cx<'_>, primitive: &Primitive, failure: Taken) -> Raised {
    if failure == Taken::Abandoned {
        return abandoned(cx, primitive);
    }
    lost(cx, primitive)
}

fn lost(cx: Cx<'_>, primitive: &Primitive) -> Raised {
    let message = format!(
        "{} {} is lost: its holder has ended; recover() makes it free again",
        primitive.kind(),
        primitive.id()
    );
    raise(cx, Error::OwnerGone, &message)
}

/// As whom the caller has an `RLock`, if it has it: as its thread, or as the task that it runs.
pub(super) fn owner(cx: Cx<'_>, lock: &ReentrantLock) -> PyResult<Who> {
    let thread = caller(cx);
    let holder = lock.holder();
    let Some(holder) = holder.filter(|it| is_task(*it) && it.runtime == thread.runtime) else {
        return Ok(thread);
    };
    let module = cx.ours(c"interlane._async_locks")?;
    let number = module.get().attribute(cx.py(), c"task_number")?;
    let number = number.get().call(cx.py(), [])?.get().index(cx.py())?;
    let task = task(cx, number as u64);
    Ok(if task == holder { task } else { thread })
}

/// Without waiting; an `RLock` then counts `depth`.
#[inline]
pub(super) fn try_take(cx: Cx<'_>, primitive: &Primitive, depth: u64) -> PyResult<Taken> {
    let Body::RLock(lock) = &primitive.body else {
        return Ok(try_take_as(primitive, caller(cx), depth));
    };
    let who = owner(cx, lock)?;
    let taken = try_take_as(primitive, who, depth);
    if taken == Taken::Yes && !is_task(who) {
        mark_thread();
    }
    Ok(taken)
}

/// The same by whoever it may be.
#[inline]
pub(super) fn try_take_as(primitive: &Primitive, who: Who, depth: u64) -> Taken {
    let (taken, gone) = match &primitive.body {
        Body::Lock(lock) => (lock.try_acquire(who), lock.is_gone()),
        Body::RLock(lock) => {
            let taken = lock.try_acquire(who);
            if taken && depth > 1 {
                lock.restore(depth);
            }
            (taken, lock.is_gone())
        }
        Body::Semaphore(semaphore) => (semaphore.try_acquire(), false),
        _ => unreachable!("only what can be acquired gets here"),
    };
    match (taken, gone) {
        (true, _) => Taken::Yes,
        (_, true) => Taken::Gone,
        _ => Taken::No,
    }
}

/// Waits if need be.
#[inline]
pub(super) fn take(
    cx: Cx<'_>,
    primitive: &Primitive,
    deadline: Deadline,
    depth: u64,
) -> PyResult<Taken> {
    match try_take(cx, primitive, depth)? {
        Taken::No => wait(cx, primitive, deadline, depth),
        taken => Ok(taken),
    }
}

#[cold]
fn wait(cx: Cx<'_>, primitive: &Primitive, deadline: Deadline, depth: u64) -> PyResult<Taken> {
    let who = caller(cx);
    let mut taking: Taking<'_> = match &primitive.body {
        Body::Lock(lock) => lock.acquire(who),
        Body::RLock(lock) => lock.acquire(who),
        Body::Semaphore(semaphore) => semaphore.acquire(who),
        _ => unreachable!("only what can be acquired gets here"),
    };
    let settle = |wait: &Wait<'_>| match taking.settle(wait) {
        Ok(Outcome::Served) => Ok(Some(Permit::new(primitive, who))),
        Ok(Outcome::Gone) => Ok(None),
        Err(reason) => Err(reason),
    };
    match deadline.on(primitive).wait(cx, settle, |reason| *reason)? {
        Ok(Some(permit)) => {
            permit.keep();
            if let Body::RLock(lock) = &primitive.body {
                mark_thread();
                lock.restore(depth);
            }
            Ok(Taken::Yes)
        }
        Ok(None) => Ok(Taken::Gone),
        Err(Refused::TimedOut) => Ok(Taken::No),
        Err(_) => Ok(Taken::Abandoned),
    }
}

/// Gives a lock back once.
pub(super) fn give_back(cx: Cx<'_>, primitive: &Primitive) -> PyResult<()> {
    let given = match &primitive.body {
        Body::Lock(lock) => lock.release(),
        Body::RLock(lock) => lock.release(owner(cx, lock)?),
        _ => unreachable!("only locks get here"),
    };
    given.map_err(|error| not_given(cx, primitive, error))
}

/// Gives a lock back altogether; the answer is for `take`.
pub(super) fn give_back_all(cx: Cx<'_>, primitive: &Primitive) -> PyResult<u64> {
    let given = match &primitive.body {
        Body::Lock(lock) => lock.release().map(|()| 1),
        Body::RLock(lock) => lock.release_all(owner(cx, lock)?),
        _ => unreachable!("only locks get here"),
    };
    given.map_err(|error| not_given(cx, primitive, error))
}

fn not_given(cx: Cx<'_>, primitive: &Primitive, error: ReleaseError) -> Raised {
    let message = match (error, &primitive.body) {
        (ReleaseError::Gone, _) => return lost(cx, primitive),
        (ReleaseError::NotHeld, Body::RLock(_)) => "cannot release un-acquired lock",
        (ReleaseError::NotHeld, _) => "release unlocked lock",
    };
    Raised::builtin(cx.py(), Builtin::Runtime, message)
}

/// Does the caller have the lock? Of a `Lock`, which anybody may give back, it is enough that somebody has it.
pub(super) fn is_owned(cx: Cx<'_>, primitive: &Primitive) -> PyResult<bool> {
    Ok(match &primitive.body {
        Body::Lock(lock) => lock.is_held(),
        Body::RLock(lock) => lock.is_held_by(owner(cx, lock)?),
        _ => false,
    })
}

/// `release()` of a lock.
pub(super) fn release<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    give_back(cx, handle.primitive())?;
    Ok(cx.none())
}

/// `__exit__` of a lock.
pub(super) fn exit<'py, H: Handle>(
    handle: &H,
    cx: Cx<'py>,
    args: Args<'py>,
) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &EXIT)?;
    release(handle, cx)
}
