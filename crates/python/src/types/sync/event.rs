//! `Event`.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::{Event as Core, Refused};

use super::{Handle, abandoned, coroutines, id, limit, no_arguments, repr, unpicklable};
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Signature, class};
use crate::runtime::primitive::{Body, Primitive, caller};
use crate::state::State;

pub(crate) struct Event(Arc<Primitive>);

impl Handle for Event {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Event {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

const WAIT: Signature<1> = Signature {
    function: "wait",
    names: [c"timeout"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    no_arguments(cx, args, "Event")?;
    class::instantiate(cx, Event(Primitive::new(Body::Event(Core::new()))))
}

impl Event {
    fn core(&self) -> &Core {
        match &self.0.body {
            Body::Event(event) => event,
            _ => unreachable!("made of an event"),
        }
    }

    fn is_set<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.core().is_set()))
    }

    fn set<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.core().set();
        Ok(cx.none())
    }

    fn clear<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.core().clear();
        Ok(cx.none())
    }

    fn wait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &WAIT)?;
        let deadline = limit(cx, timeout)?;
        let Some(waiting) = self.core().wait(caller(cx)) else {
            return Ok(cx.bool(true));
        };
        let settled =
            deadline
                .on(&self.0)
                .wait(cx, |wait| waiting.settle(wait), |reason| *reason)?;
        match settled {
            Ok(_) => Ok(cx.bool(true)),
            Err(Refused::TimedOut) => Ok(cx.bool(false)),
            Err(_) => Err(abandoned(cx, &self.0)),
        }
    }
}

impl Class for Event {
    const NAME: &'static CStr = c"interlane.Event";
    const DOC: &'static CStr = c"Event()
--

threading.Event across interpreters.

Sent to another interpreter, the same event arrives.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"is_set", Self::is_set, c"is_set($self, /)\n--\n\nTell whether the event is set."),
            method::noargs(c"set", Self::set, c"set($self, /)\n--\n\nSet the event, and wake everybody who waits for it."),
            method::noargs(c"clear", Self::clear, c"clear($self, /)\n--\n\nMake the event unset again."),
            method::keywords(c"wait", Self::wait, c"wait($self, /, timeout=None)\n--\n\nWait until the event is set, and return True; False after timeout seconds.\n\nRaises OwnerGoneError when the process ends and nobody is left who could set it."),
            method::of_object(c"wait_async", coroutines::wait, c"wait_async($self, /)\n--\n\nAwait that the event is set, and return True."),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, c"The number of the event, the same in all interpreters; never used twice in a process."),
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
        &state.sync.event
    }
}
