//! `Barrier`.

use core::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError};

use interlane_core::{Arrival, Barrier as Core, Passage, Refused};

use super::{Handle, abandoned, after, coroutines, id, repr, unpicklable};
use crate::convert::{Packing, pack, unpack};
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::primitive::{Body, Gathering, Primitive, caller};
use crate::runtime::waiting::Deadline;
use crate::state::State;

pub(crate) struct Barrier(Arc<Primitive>);

impl Handle for Barrier {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Barrier {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

const NEW: Signature<3> = Signature {
    function: "Barrier",
    names: [c"parties", c"action", c"timeout"],
    required: 1,
    positional: 3,
    positional_only: 0,
};

const WAIT: Signature<1> = Signature {
    function: "wait",
    names: [c"timeout"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(parties), action, timeout] = args.parse(cx.py(), &NEW)? else {
        unreachable!("the signature requires it")
    };
    let parties = parties.index(cx.py())?;
    let parties = u64::try_from(parties)
        .ok()
        .filter(|&parties| parties > 0)
        .ok_or_else(|| {
            Raised::value_error(cx.py(), &format!("parties must be >= 1, not {parties}"))
        })?;
    let action = match action.filter(|value| !value.is_none()) {
        None => None,
        Some(action) if !action.is_callable() => {
            let message = format!(
                "action must be callable or None, not {}",
                action.class_name(cx.py())
            );
            return Err(Raised::type_error(cx.py(), &message));
        }
        Some(action) => Some(pack(cx, action, Packing::PROXIES)?),
    };
    let body = Body::Barrier(Gathering {
        barrier: Core::new(parties),
        action: Mutex::new(action),
        timeout: seconds(cx, timeout)?,
    });
    class::instantiate(cx, Barrier(Primitive::new(body)))
}

fn seconds(cx: Cx<'_>, timeout: Option<Ref<'_>>) -> PyResult<Option<f64>> {
    match timeout.filter(|value| !value.is_none()) {
        None => Ok(None),
        Some(timeout) => {
            let seconds = timeout.as_float(cx.py())?;
            after(cx, seconds)?;
            Ok(Some(seconds))
        }
    }
}

/// `threading`'s own.
pub(super) fn broken(cx: Cx<'_>) -> Raised {
    let class = cx
        .ours(c"threading")
        .and_then(|module| module.get().attribute(cx.py(), c"BrokenBarrierError"));
    match class {
        Ok(class) => Raised::new(cx.py(), class.get(), "the barrier is broken"),
        Err(raised) => raised,
    }
}

/// Does what the last one to come does.
pub(super) fn act(cx: Cx<'_>, gathering: &Gathering) -> PyResult<()> {
    let action = {
        let action = gathering.action.lock();
        let action = action.unwrap_or_else(PoisonError::into_inner);
        match &*action {
            None => return Ok(()),
            Some(action) => action.try_clone(cx)?,
        }
    };
    unpack(cx, action)?.get().call(cx.py(), []).map(drop)
}

impl Barrier {
    fn gathering(&self) -> &Gathering {
        match &self.0.body {
            Body::Barrier(gathering) => gathering,
            _ => unreachable!("made of a barrier"),
        }
    }

    fn wait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &WAIT)?;
        let gathering = self.gathering();
        let deadline = match seconds(cx, timeout)?.or(gathering.timeout) {
            None => Deadline::NEVER,
            Some(seconds) => after(cx, seconds)?,
        };
        loop {
            let party = match gathering.barrier.arrive(caller(cx)) {
                Arrival::Broken => return Err(broken(cx)),
                Arrival::Last(trip) => {
                    // Dropped with an exception, the trip breaks the barrier.
                    act(cx, gathering)?;
                    return cx.size(trip.finish() as usize);
                }
                Arrival::Waiting(party) => party,
            };
            let settled =
                deadline
                    .on(&self.0)
                    .wait(cx, |wait| party.settle(wait), |reason| *reason)?;
            match settled {
                Ok(Passage::Passed(place)) => return cx.size(place as usize),
                Ok(Passage::Again) => {}
                Ok(Passage::Broken) | Err(Refused::TimedOut) => return Err(broken(cx)),
                Err(_) => return Err(abandoned(cx, &self.0)),
            }
        }
    }

    fn reset<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.gathering().barrier.reset();
        Ok(cx.none())
    }

    fn abort<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.gathering().barrier.abort();
        Ok(cx.none())
    }

    fn parties<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.gathering().barrier.parties() as usize)
    }

    fn n_waiting<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.gathering().barrier.waiting())
    }

    fn broken<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.gathering().barrier.is_broken()))
    }
}

impl Class for Barrier {
    const NAME: &'static CStr = c"interlane.Barrier";
    const DOC: &'static CStr = c"Barrier(parties, action=None, timeout=None)
--

threading.Barrier across interpreters.

action() is called by the last one to come, before all go on: a function that can be imported in that one's
interpreter, anything else as a proxy in the interpreter that made the barrier. timeout, in seconds, is for
each wait() without one.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"wait", Self::wait, c"wait($self, /, timeout=None)\n--\n\nWait until all parties have come, and return the place in which this one came, from 0 on.\n\nRaises threading.BrokenBarrierError when the barrier is broken or reset, and when it takes longer than timeout\nseconds, which breaks it."),
            method::of_object(c"wait_async", coroutines::wait, c"wait_async($self, /)\n--\n\nAwait the other parties, and return the place in which this one came: wait() for coroutines.\n\nCancelled, it leaves the barrier as it was before it came. The barrier's own timeout is for wait(): here that is\nwhat asyncio.timeout is for."),
            method::noargs(c"reset", Self::reset, c"reset($self, /)\n--\n\nMake the barrier as new; whoever waits gets BrokenBarrierError."),
            method::noargs(c"abort", Self::abort, c"abort($self, /)\n--\n\nBreak the barrier: whoever waits or comes gets BrokenBarrierError, until reset()."),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, c"The number of the barrier, the same in all interpreters; never used twice in a process."),
            getset::getter(c"parties", Self::parties, c"How many it takes."),
            getset::getter(c"n_waiting", Self::n_waiting, c"How many wait now."),
            getset::getter(c"broken", Self::broken, c"Whether it is broken."),
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
        &state.sync.barrier
    }
}
