//! `_Remote`: what stands behind a `Proxy`. It does things with an object in the interpreter that owns it, on the
//! calling thread.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::{AnyShare, Held, OwnerState, Share};

use crate::convert::object::{self, Object};
use crate::convert::{Message, Packing, pack, unpack};
use crate::errors::{Error, raise};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::Interpreter;
use crate::runtime::interrupt::Excursion;
use crate::state::State;

pub(crate) struct Remote {
    held: Held,
}

pub(crate) fn make(cx: Cx<'_>, share: Share<Object>) -> PyResult<Owned<'_>> {
    let held = cx.state.interpreter().hold(share.erase());
    class::instantiate(cx, Remote { held })
}

/// The share when `object` is a `_Remote`.
pub(crate) fn of(cx: Cx<'_>, object: Ref<'_>) -> Option<Share<Object>> {
    class::downcast::<Remote>(cx, object).and_then(Remote::share)
}

/// What came of it, on its way back.
enum Outcome {
    Returned(Message),
    Raised(Message),
    Gone,
}

const PERFORM: Signature<3> = Signature {
    function: "perform",
    names: [c"operation", c"args", c"kwargs"],
    required: 3,
    positional: 3,
    positional_only: 3,
};

impl Remote {
    fn share(&self) -> Option<Share<Object>> {
        AnyShare::clone(&self.held).downcast::<Object>().ok()
    }

    fn object(&self) -> &Object {
        match self.held.downcast_ref::<Object>() {
            Some(object) => object,
            None => unreachable!("made of a share of an object"),
        }
    }

    fn perform<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(operation), Some(values), Some(keywords)] = args.parse(cx.py(), &PERFORM)? else {
            unreachable!("the signature requires them")
        };
        let here = cx.state.interpreter();
        let owner = self.object().interpreter();
        if owner.id() == here.id() {
            let original = self.original(cx)?;
            return serve(cx, original.get(), operation, values, keywords);
        }
        let call = cx.tuple(3)?;
        for (place, part) in [operation, values, keywords].into_iter().enumerate() {
            call.get().fill(place, part.to_owned(cx.py()));
        }
        let mut call = Some(pack(cx, call.get(), Packing::PROXIES)?);
        let mut outcome = Outcome::Gone;
        let excursion = Excursion::begin(cx, owner)?;
        owner.visit(here, cx.py(), |cx| {
            if let Some(call) = call.take() {
                outcome = self.run(cx, call, excursion.as_ref());
            }
        });
        let interrupted = excursion.and_then(|excursion| excursion.end(cx));
        match (interrupted, outcome) {
            // What the called code made of it says at most where it was.
            (Some(raised), Outcome::Raised(message)) => {
                Err(raised.with_attribute(cx.py(), c"__cause__", || unpack(cx, message)))
            }
            (Some(raised), Outcome::Returned(_) | Outcome::Gone) => Err(raised),
            (None, Outcome::Returned(message)) => unpack(cx, message),
            (None, Outcome::Raised(message)) => {
                let exception = unpack(cx, message)?;
                Err(Raised::restore(cx.py(), exception))
            }
            (None, Outcome::Gone) => Err(gone(cx, owner)),
        }
    }

    /// In the owner.
    fn run(&self, cx: Cx<'_>, call: Message, excursion: Option<&Excursion>) -> Outcome {
        excursion.inspect(|excursion| excursion.enter(cx.py()));
        let result = unpack(cx, call).and_then(|call| {
            let original = self.original(cx)?;
            let [operation, values, keywords] = call.get().three();
            let result = serve(cx, original.get(), operation, values, keywords)?;
            match pack(cx, result.get(), Packing::PROXIES) {
                // Too late for that by now.
                Err(raised) if cx.state.interpreter().owner.state() != OwnerState::Open => {
                    raised.ignore(cx.py());
                    Ok(Outcome::Gone)
                }
                packed => packed.map(Outcome::Returned),
            }
        });
        let result = result.map_err(|raised| raised.take(cx.py()));
        // Before the exception is packed, which is not to be interrupted in turn.
        let left = excursion.map_or(Ok(()), |excursion| excursion.leave(cx));
        let exception = match (left, result) {
            (Ok(()), Ok(outcome)) => return outcome,
            (Ok(()), Err(exception)) => exception,
            (Err(raised), _) => raised.take(cx.py()),
        };
        match pack(cx, exception.get(), Packing::PROXIES) {
            Ok(message) => Outcome::Raised(message),
            Err(raised) => {
                raised.report(cx.py(), exception.get());
                Outcome::Gone
            }
        }
    }

    fn original<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let object = self.object();
        object
            .original(cx)
            .ok_or_else(|| gone(cx, object.interpreter()))
    }

    fn owner<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.object().interpreter().id())
    }

    fn kind<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(self.held.kind())
    }

    fn local<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.object().original(cx) {
            Some(original) => Ok(original),
            None => Ok(cx.none()),
        }
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let object = self.object();
        cx.str(&format!(
            "<_Remote {} of {}, owner {}>",
            self.held.id(),
            self.held.kind(),
            object.interpreter().id()
        ))
    }
}

fn serve<'py>(
    cx: Cx<'py>,
    original: Ref<'_>,
    operation: Ref<'_>,
    values: Ref<'_>,
    keywords: Ref<'_>,
) -> PyResult<Owned<'py>> {
    let module = cx.ours(c"interlane._proxy")?;
    let serve = module.get().attribute(cx.py(), c"serve")?;
    serve
        .get()
        .call(cx.py(), [original, operation, values, keywords])
}

fn gone(cx: Cx<'_>, owner: &Arc<Interpreter>) -> Raised {
    let message = format!(
        "interpreter {}, which owns the object, has ended",
        owner.id()
    );
    raise(cx, Error::OwnerGone, &message)
}

const OBJECT: Signature<1> = Signature {
    function: "_remote",
    names: [c"obj"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

/// `_remote(obj)`: a remote hold on any object of this interpreter.
pub(crate) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(object)] = args.parse(cx.py(), &OBJECT)? else {
        unreachable!("the signature requires it")
    };
    cx.state.interpreter().poll(cx.py());
    make(cx, object::pin(cx, object)?)
}

impl Class for Remote {
    const NAME: &'static CStr = c"interlane._core._Remote";
    const DOC: &'static CStr =
        c"What stands behind a Proxy: performs operations on an object in its owner.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(
                c"perform",
                Self::perform,
                c"perform($self, operation, args, kwargs, /)\n--\n\nDo something with the object, in its owner, on this thread.",
            ),
            method::noargs(
                c"local",
                Self::local,
                c"local($self, /)\n--\n\nReturn the object itself in its owner, elsewhere None.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"owner",
                Self::owner,
                c"The id of the interpreter that owns the object.",
            ),
            getset::getter(c"kind", Self::kind, c"The name of the object's class."),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr)] };

    fn home(state: &State) -> &Global {
        &state.remote
    }
}
