//! `Condition`.

use core::ffi::CStr;
use std::sync::Arc;
use std::time::Instant;

use interlane_core::{Condition as Core, ReentrantLock, Refused};

use super::acquire::{self, Taken, failed, give_back, give_back_all, is_owned, take};
use super::{EXIT, Handle, abandoned, after, coroutines, id, limit, lock, repr, unpicklable};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::primitive::{Body, Primitive, caller};
use crate::runtime::waiting::Deadline;
use crate::state::State;

pub(crate) struct Condition(Arc<Primitive>);

impl Handle for Condition {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Condition {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

const fn signature(function: &'static str, name: &'static CStr) -> Signature<1> {
    Signature {
        function,
        names: [name],
        required: 0,
        positional: 1,
        positional_only: 0,
    }
}

const NEW: Signature<1> = signature("Condition", c"lock");
const WAIT: Signature<1> = signature("wait", c"timeout");
const NOTIFY: Signature<1> = signature("notify", c"n");
const WAIT_FOR: Signature<2> = Signature {
    function: "wait_for",
    names: [c"predicate", c"timeout"],
    required: 1,
    positional: 2,
    positional_only: 0,
};

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [given] = args.parse(cx.py(), &NEW)?;
    let lock = match given.filter(|value| !value.is_none()) {
        None => Primitive::new(Body::RLock(ReentrantLock::new())),
        Some(given) => super::of(cx, given)
            .filter(|it| matches!(it.body, Body::Lock(_) | Body::RLock(_)))
            .ok_or_else(|| {
                let message = format!(
                    "lock must be an interlane.Lock or interlane.RLock, not {}",
                    given.class_name(cx.py())
                );
                Raised::type_error(cx.py(), &message)
            })?,
    };
    let body = Body::Condition(Core::new(), lock);
    class::instantiate(cx, Condition(Primitive::new(body)))
}

impl Condition {
    fn parts(&self) -> (&Core, &Arc<Primitive>) {
        match &self.0.body {
            Body::Condition(condition, lock) => (condition, lock),
            _ => unreachable!("made of a condition"),
        }
    }

    /// The lock as the object that the methods of locks are made for.
    fn acquire<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        acquire::acquire(&lock::RLock::wrap(Arc::clone(self.parts().1)), cx, args)
    }

    fn release<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        give_back(cx, self.parts().1)?;
        Ok(cx.none())
    }

    fn locked<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.parts().1.state() != "unlocked"))
    }

    fn enter<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        acquire::enter(&lock::RLock::wrap(Arc::clone(self.parts().1)), cx)
    }

    fn exit<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        args.parse(cx.py(), &EXIT)?;
        self.release(cx)
    }

    fn check_owned(&self, cx: Cx<'_>, what: &str) -> PyResult<()> {
        if is_owned(cx, self.parts().1)? {
            return Ok(());
        }
        let message = format!("cannot {what} on un-acquired lock");
        Err(Raised::builtin(cx.py(), Builtin::Runtime, &message))
    }

    fn wait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &WAIT)?;
        let deadline = limit(cx, timeout)?;
        Ok(cx.bool(self.sleep(cx, deadline)?))
    }

    /// Waits without the lock, and has it again afterwards, come what may.
    fn sleep(&self, cx: Cx<'_>, deadline: Deadline) -> PyResult<bool> {
        self.check_owned(cx, "wait")?;
        let (condition, lock) = self.parts();
        let waiting = condition.enlist(caller(cx));
        let depth = give_back_all(cx, lock)?;
        let settled = deadline
            .on(&self.0)
            .wait(cx, |wait| waiting.settle(wait), |reason| *reason);
        // What a signal's handler has raised is raised once the lock is there again.
        let mut raised = None;
        let settled = match settled {
            Ok(settled) => Some(settled),
            Err(error) => {
                raised = Some(error.take(cx.py()));
                if waiting.leave() {
                    condition.notify(1); // it was meant for somebody who would do something about it
                }
                None
            }
        };
        let taken = loop {
            match take(cx, lock, Deadline::NEVER, depth) {
                Ok(taken) => break taken,
                Err(error) => {
                    let error = error.take(cx.py());
                    raised.get_or_insert(error);
                }
            }
        };
        if let Some(exception) = raised {
            return Err(Raised::restore(cx.py(), exception));
        }
        if taken != Taken::Yes {
            return Err(failed(cx, lock, taken));
        }
        match settled {
            Some(Ok(_)) => Ok(true),
            Some(Err(Refused::TimedOut)) => Ok(false),
            _ => Err(abandoned(cx, &self.0)),
        }
    }

    fn wait_for<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(predicate), timeout] = args.parse(cx.py(), &WAIT_FOR)? else {
            unreachable!("the signature requires it")
        };
        let seconds = match timeout.filter(|value| !value.is_none()) {
            None => None,
            Some(timeout) => {
                let seconds = timeout.as_float(cx.py())?;
                after(cx, seconds)?;
                Some(seconds.max(0.0))
            }
        };
        let began = Instant::now();
        loop {
            let result = predicate.call(cx.py(), [])?;
            if result.get().is_true(cx.py())? {
                return Ok(result);
            }
            let left = seconds.map(|seconds| seconds - began.elapsed().as_secs_f64());
            let deadline = match left {
                None => Deadline::NEVER,
                Some(left) if left > 0.0 => after(cx, left)?,
                Some(_) => return Ok(result),
            };
            self.sleep(cx, deadline)?;
        }
    }

    fn notify<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [count] = args.parse(cx.py(), &NOTIFY)?;
        let count = count.map_or(Ok(1), |count: Ref<'_>| count.index(cx.py()))?;
        self.check_owned(cx, "notify")?;
        self.parts().0.notify(usize::try_from(count).unwrap_or(0));
        Ok(cx.none())
    }

    fn notify_all<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.check_owned(cx, "notify")?;
        self.parts().0.notify(usize::MAX);
        Ok(cx.none())
    }

    fn lock<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        super::make(cx, Arc::clone(self.parts().1))
    }
}

impl Class for Condition {
    const NAME: &'static CStr = c"interlane.Condition";
    const DOC: &'static CStr = c"Condition(lock=None)
--

threading.Condition across interpreters, over an interlane.Lock or RLock; a new RLock unless one is given.

Sent to another interpreter, the same condition with the same lock arrives.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"acquire", Self::acquire, c"acquire($self, /, blocking=True, timeout=-1)\n--\n\nAcquire the lock, as its own acquire() does."),
            method::noargs(c"release", Self::release, c"release($self, /)\n--\n\nRelease the lock."),
            method::noargs(c"locked", Self::locked, c"locked($self, /)\n--\n\nTell whether the lock is held."),
            method::keywords(c"wait", Self::wait, c"wait($self, /, timeout=None)\n--\n\nRelease the lock, wait to be notified, acquire the lock again; return False after timeout seconds, else True.\n\nRaises RuntimeError when the lock isn't held. An exception is raised with the lock held again, unless it is the\nOwnerGoneError that says that this cannot be."),
            method::keywords(c"wait_for", Self::wait_for, c"wait_for($self, /, predicate, timeout=None)\n--\n\nWait until predicate() is true, and return what it returned last; the timeout, in seconds, is for all waits together."),
            method::keywords(c"notify", Self::notify, c"notify($self, /, n=1)\n--\n\nWake at most n of those who wait. Raises RuntimeError when the lock isn't held."),
            method::noargs(c"notify_all", Self::notify_all, c"notify_all($self, /)\n--\n\nWake everybody who waits. Raises RuntimeError when the lock isn't held."),
            method::of_object(c"acquire_async", coroutines::acquire, c"acquire_async($self, /)\n--\n\nAcquire the lock, as its own acquire_async() does."),
            method::of_object(c"wait_async", coroutines::wait_condition, c"wait_async($self, /)\n--\n\nRelease the lock, await to be notified, acquire the lock again, and return True: wait() for coroutines.\n\nCancelled, it has the lock again too, and a notification that had come goes to the next one that waits."),
            method::of_object(c"wait_for_async", coroutines::wait_for, c"wait_for_async($self, /, predicate)\n--\n\nAwait until predicate() is true, and return what it returned last."),
            method::of_object(c"__aenter__", coroutines::acquire, c"__aenter__($self, /)\n--\n\nAcquire the lock, awaiting it."),
            method::of_object(c"__aexit__", coroutines::release, c"__aexit__($self, /, *args)\n--\n\nRelease the lock."),
            method::noargs(c"__enter__", Self::enter, c"__enter__($self, /)\n--\n\nAcquire the lock."),
            method::keywords(c"__exit__", Self::exit, c"__exit__($self, /, *args)\n--\n\nRelease the lock."),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, c"The number of the condition, the same in all interpreters; never used twice in a process."),
            getset::getter(c"lock", Self::lock, c"The lock that goes with it."),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(new),
            identity::equal::<Self>(),
            identity::hash::<Self>(),
            slot::repr(repr::<Self>),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.sync.condition
    }
}
