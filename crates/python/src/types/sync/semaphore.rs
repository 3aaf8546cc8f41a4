//! `Semaphore` and `BoundedSemaphore`.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::Semaphore as Core;

use super::acquire::{acquire, enter};
use super::{EXIT, Handle, coroutines, id, repr, unpicklable};
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::primitive::{Body, Primitive};
use crate::state::State;

pub(crate) struct Semaphore(Arc<Primitive>);
pub(crate) struct Bounded(Arc<Primitive>);

impl Handle for Semaphore {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Handle for Bounded {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Semaphore {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

impl Identity for Bounded {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

const fn one(function: &'static str, name: &'static CStr) -> Signature<1> {
    Signature {
        function,
        names: [name],
        required: 0,
        positional: 1,
        positional_only: 0,
    }
}

const NEW: Signature<1> = one("Semaphore", c"value");
const NEW_BOUNDED: Signature<1> = one("BoundedSemaphore", c"value");
const RELEASE: Signature<1> = one("release", c"n");

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [value] = args.parse(cx.py(), &NEW)?;
    class::instantiate(cx, Semaphore(create(cx, value, false)?))
}

fn new_bounded<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [value] = args.parse(cx.py(), &NEW_BOUNDED)?;
    class::instantiate(cx, Bounded(create(cx, value, true)?))
}

fn create(cx: Cx<'_>, value: Option<Ref<'_>>, bounded: bool) -> PyResult<Arc<Primitive>> {
    let value = value.map_or(Ok(1), |value| value.index(cx.py()))?;
    let value = u64::try_from(value)
        .ok()
        .filter(|&value| value <= Core::MOST)
        .ok_or_else(|| {
            let message = format!("semaphore initial value must be >= 0, not {value}");
            Raised::value_error(cx.py(), &message)
        })?;
    Ok(Primitive::new(Body::Semaphore(Core::new(value, bounded))))
}

fn core<H: Handle>(handle: &H) -> &Core {
    match &handle.primitive().body {
        Body::Semaphore(semaphore) => semaphore,
        _ => unreachable!("made of a semaphore"),
    }
}

fn release<'py, H: Handle>(handle: &H, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let count = if args.is_empty() {
        1
    } else {
        let [count] = args.parse(cx.py(), &RELEASE)?;
        count.map_or(Ok(1), |count| count.index(cx.py()))?
    };
    let count = u64::try_from(count)
        .ok()
        .filter(|&count| count > 0)
        .ok_or_else(|| Raised::value_error(cx.py(), "n must be one or more"))?;
    let semaphore = core(handle);
    if semaphore.release(count).is_err() {
        let message = format!(
            "{} {} released too many times",
            handle.primitive().kind(),
            handle.primitive().id()
        );
        return Err(Raised::value_error(cx.py(), &message));
    }
    Ok(cx.none())
}

fn exit<'py, H: Handle>(handle: &H, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &EXIT)?;
    // Err: it was released by others as well, which is their mistake.
    if core(handle).release(1).is_err() {
        return Err(Raised::value_error(
            cx.py(),
            "semaphore released too many times",
        ));
    }
    Ok(cx.none())
}

fn value<'py, H: Handle>(handle: &H, cx: Cx<'py>) -> PyResult<Owned<'py>> {
    cx.size(core(handle).value() as usize)
}

const ACQUIRE: &CStr = c"acquire($self, /, blocking=True, timeout=None)\n--\n\nTake one and return True; False when it stands at zero and blocking is false, or for timeout seconds.";
const ACQUIRE_ASYNC: &CStr = c"acquire_async($self, /)\n--\n\nTake one, awaiting it, and return True. Cancelled, it has taken none.";
const AENTER: &CStr = c"__aenter__($self, /)\n--\n\nTake one, awaiting it.";
const AEXIT: &CStr = c"__aexit__($self, /, *args)\n--\n\nAdd one.";
const RELEASE_DOC: &CStr = c"release($self, /, n=1)\n--\n\nAdd n, at least one.\n\nRaises ValueError when a BoundedSemaphore would get beyond its first value.";
const ENTER: &CStr = c"__enter__($self, /)\n--\n\nTake one.";
const EXIT_DOC: &CStr = c"__exit__($self, /, *args)\n--\n\nAdd one.";
const ID: &CStr =
    c"The number of the semaphore, the same in all interpreters; never used twice in a process.";
const VALUE: &CStr = c"What it stands at now.";

impl Class for Semaphore {
    const NAME: &'static CStr = c"interlane.Semaphore";
    const DOC: &'static CStr = c"Semaphore(value=1)
--

threading.Semaphore across interpreters.

Sent to another interpreter, the same semaphore arrives. What an interpreter has taken when it ends is gone.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"acquire", acquire::<Self>, ACQUIRE),
            method::keywords(c"release", release::<Self>, RELEASE_DOC),
            method::noargs(c"__enter__", enter::<Self>, ENTER),
            method::keywords(c"__exit__", exit::<Self>, EXIT_DOC),
            method::of_object(c"acquire_async", coroutines::acquire, ACQUIRE_ASYNC),
            method::of_object(c"__aenter__", coroutines::acquire, AENTER),
            method::of_object(c"__aexit__", coroutines::release, AEXIT),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, ID),
            getset::getter(c"value", value::<Self>, VALUE),
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
        &state.sync.semaphore
    }
}

impl Class for Bounded {
    const NAME: &'static CStr = c"interlane.BoundedSemaphore";
    const DOC: &'static CStr = c"BoundedSemaphore(value=1)
--

threading.BoundedSemaphore across interpreters: a Semaphore that never gets beyond its first value.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"acquire", acquire::<Self>, ACQUIRE),
            method::keywords(c"release", release::<Self>, RELEASE_DOC),
            method::noargs(c"__enter__", enter::<Self>, ENTER),
            method::keywords(c"__exit__", exit::<Self>, EXIT_DOC),
            method::of_object(c"acquire_async", coroutines::acquire, ACQUIRE_ASYNC),
            method::of_object(c"__aenter__", coroutines::acquire, AENTER),
            method::of_object(c"__aexit__", coroutines::release, AEXIT),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, ID),
            getset::getter(c"value", value::<Self>, VALUE),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(new_bounded),
            identity::equal::<Self>(),
            identity::hash::<Self>(),
            slot::repr(repr::<Self>),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.sync.bounded
    }
}
