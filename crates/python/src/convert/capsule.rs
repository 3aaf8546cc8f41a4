//! Objects that give their memory away in capsules, by DLPack or the Arrow C data interface: taken in the owner. What
//! borrowers get exports the same again.

use std::borrow::Cow;
use std::sync::Arc;

use interlane_core::{AnyShare, Fate, Resource};

use super::shared_buffer::Transit;
use super::text::Life;
use super::{Message, Packing};
use crate::errors::{Error, raise};
use crate::py::arrow::{self, Failed, Table};
use crate::py::buffer::{Acquired, Window};
use crate::py::dlpack;
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};
use crate::runtime::lane::Fallback;
use crate::types::arrow::View;
use crate::types::shared_buffer::Array;

/// Libraries whose data frames are more than what is in capsules: an index, types of their own. Where what cannot be
/// shared may be pickled, their objects arrive as what they are, and their columns are not copied either.
const FRAMES: [&str; 3] = ["pandas", "polars", "pyarrow"];

/// How instances of a class give their memory away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// `__arrow_c_array__`
    Array,
    /// `__arrow_c_stream__`
    Stream,
    /// `__dlpack__`
    Tensor,
}

/// The protocol of a class, and whether its instances are of one of the [`FRAMES`].
pub(super) fn protocol(
    cx: Cx<'_>,
    class: Ref<'_>,
    module: &str,
) -> PyResult<Option<(Protocol, bool)>> {
    for (name, protocol) in [
        (&cx.state.arrow_c_array, Protocol::Array),
        (&cx.state.arrow_c_stream, Protocol::Stream),
        (&cx.state.dunder_dlpack, Protocol::Tensor),
    ] {
        let said = class.optional_attribute(cx.py(), name.get(cx.py())?)?;
        if said.is_some_and(|method| !method.get().is_none()) {
            let library = module.split('.').next().unwrap_or_default();
            return Ok(Some((protocol, FRAMES.contains(&library))));
        }
    }
    Ok(None)
}

/// What was taken from a producer, to go back to it.
struct Given {
    what: What,
    life: Life,
    /// The name of the producer's class.
    kind: String,
}

enum What {
    Tensor(dlpack::Taken),
    Arrays(arrow::Taken),
}

impl Resource for Given {
    fn release(self) {
        if self.life.is_over() {
            return;
        }
        // SAFETY: in the owner, under its GIL: nowhere else is the last share of it dropped while the owner lives.
        unsafe {
            match self.what {
                What::Tensor(taken) => taken.release(),
                What::Arrays(taken) => taken.release(),
            }
        }
    }

    fn orphan(&self) -> Fate {
        // Nobody could run the producer's release any more, so it is never run.
        self.life.end(Fate::Pinned)
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Owned(self.kind.clone())
    }
}

/// The owner of a whole ends, of which `keeper` keeps a part: see [`Message::orphan`]. A share with an owner of its own
/// is somebody else's matter.
pub(super) fn orphan(keeper: &AnyShare) -> Fate {
    match (keeper.owner(), keeper.downcast_ref::<Given>()) {
        (None, Some(given)) => given.orphan(),
        _ => Fate::Adopted,
    }
}

/// The message of an object whose class has this protocol. `None`: it goes as if it had none.
pub(super) fn share(
    cx: Cx<'_>,
    object: Ref<'_>,
    (protocol, is_frame): (Protocol, bool),
    packing: Packing,
    path: impl Fn() -> String,
) -> PyResult<Option<Message>> {
    if packing.fallback == Fallback::PickleBuffers || (is_frame && packing.keeps_frames()) {
        return Ok(None);
    }
    let giver = Giver {
        cx,
        object,
        packing,
        path,
    };
    if is_frame {
        giver.expect_no_objects()?;
    }
    match protocol {
        // What may be used up by that is not asked for it in vain.
        Protocol::Stream if packing.only_asks => Ok(Some(Message::None)),
        Protocol::Array | Protocol::Stream => giver.arrow(protocol).map(Some),
        Protocol::Tensor => match giver.tensor() {
            // DLPack has words for less than the buffer protocol.
            Err(raised) if Acquired::possible(object) && raised.is_ordinary(cx.py()) => {
                raised.ignore(cx.py());
                Ok(None)
            }
            answer => answer.map(Some),
        },
    }
}

/// Somebody who gives memory away.
struct Giver<'py, 'a, P> {
    cx: Cx<'py>,
    object: Ref<'a>,
    packing: Packing,
    path: P,
}

impl<'py, P: Fn() -> String> Giver<'py, '_, P> {
    fn refuse(&self, what: &str) -> Raised {
        let kind = self.object.class_name(self.cx.py());
        let message = format!("{}: {kind} {what}", (self.path)());
        raise(self.cx, Error::NotShareable, &message)
    }

    /// The same exception, with a line about what was being done.
    fn told(&self, raised: Raised, name: &str) -> Raised {
        let py = self.cx.py();
        raised.with_note(py, || {
            let kind = self.object.class_name(py);
            format!("interlane was sharing {}: {name} of {kind}", (self.path)())
        })
    }

    /// A library may give away what means something to its own interpreter only.
    fn expect_no_objects(&self) -> PyResult<()> {
        let py = self.cx.py();
        let module = self.cx.ours(c"interlane._frames")?;
        let refusal = module.get().attribute(py, c"refusal")?;
        let why = refusal.get().call(py, [self.object])?;
        if why.get().is_none() {
            return Ok(());
        }
        Err(self.refuse(&why.get().display(py)))
    }

    fn call(&self, name: &core::ffi::CStr) -> PyResult<Owned<'py>> {
        let py = self.cx.py();
        self.object
            .attribute(py, name)
            .and_then(|method| method.get().call(py, []))
            .map_err(|raised| self.told(raised, &name.to_string_lossy()))
    }

    /// A share of what was taken, which goes back at once if there can be none.
    fn keep(&self, what: What, nbytes: usize) -> PyResult<AnyShare> {
        let given = Given {
            what,
            life: Life::default(),
            kind: self.object.class_name(self.cx.py()),
        };
        match self.packing.share(self.cx, given, nbytes) {
            Ok(share) => Ok(share.erase()),
            Err(given) => {
                given.release(); // attached to the interpreter that it was just taken in
                Err(self.refuse("can't be shared: this interpreter is ending"))
            }
        }
    }

    fn arrow(&self, protocol: Protocol) -> PyResult<Message> {
        let py = self.cx.py();
        if self.packing.writable {
            let message = format!("{}: nobody may write to memory of Arrow", (self.path)());
            return Err(Raised::builtin(py, Builtin::Buffer, &message));
        }
        let (taken, name) = if protocol == Protocol::Array {
            let name = c"__arrow_c_array__";
            let answer = self.call(name)?;
            let Some([schema, array]) = answer.get().pair() else {
                let got = answer.get().brief_repr(py);
                return Err(self.refuse(&format!(
                    "must return two capsules from __arrow_c_array__, not {got}"
                )));
            };
            let taken = Table::from_array(py, schema, array);
            (taken.map_err(Failed::Wrong), name)
        } else {
            let name = c"__arrow_c_stream__";
            let capsule = self.call(name)?;
            (Table::from_stream(py, capsule.get()), name)
        };
        let name = name.to_string_lossy();
        let (table, taken) = match taken {
            Ok(taken) => taken,
            Err(Failed::Raised(raised)) => return Err(self.told(raised, &name)),
            Err(Failed::Wrong(what)) => {
                return Err(self.refuse(&format!("can't be shared: its {name} {what}")));
            }
        };
        let keeper = self.keep(What::Arrays(taken), table.nbytes())?;
        let view = View::whole(Arc::new(table), protocol == Protocol::Stream);
        Ok(Message::Arrow(Box::new(Columns { view, keeper })))
    }

    fn tensor(&self) -> PyResult<Message> {
        let py = self.cx.py();
        let class = self.object.class(py);
        let name = self.cx.str("__dlpack_device__")?;
        if class.get().optional_attribute(py, name.get())?.is_some() {
            let answer = self.call(c"__dlpack_device__")?;
            let Some([kind, id]) = answer.get().pair() else {
                let got = answer.get().brief_repr(py);
                return Err(self.refuse(&format!(
                    "must return two numbers from __dlpack_device__, not {got}"
                )));
            };
            let (kind, id) = (kind.index(py)?, id.index(py)?);
            self.expect_cpu(kind as i32, id as i32)?;
        }
        let capsule = self.capsule()?;
        let wrong = |what: String| self.refuse(&format!("can't be shared: its tensor {what}"));
        let taken = dlpack::Taken::from_capsule(py, capsule.get()).map_err(wrong)?;
        let described = self.describe(&taken);
        let window = match described {
            Ok(window) => window,
            Err(raised) => {
                // SAFETY: attached to the interpreter that it was just taken in.
                unsafe { taken.release() };
                return Err(raised);
            }
        };
        let keeper = self.keep(What::Tensor(taken), window.nbytes())?;
        let array = Array::new(Arc::new(window), Arc::default());
        Ok(Message::SharedBuffer(Box::new(Transit { array, keeper })))
    }

    fn describe(&self, taken: &dlpack::Taken) -> PyResult<Window> {
        let (kind, id) = taken.device();
        self.expect_cpu(kind, id)?;
        if self.packing.writable && taken.is_readonly() {
            let kind = self.object.class_name(self.cx.py());
            let message = format!("{}: the memory of {kind} is read-only", (self.path)());
            return Err(Raised::builtin(self.cx.py(), Builtin::Buffer, &message));
        }
        taken
            .describe(self.packing.writable)
            .map_err(|what| self.refuse(&format!("can't be shared: its tensor {what}")))
    }

    /// The capsule, with everything in it that can be told if the producer knows how.
    fn capsule(&self) -> PyResult<Owned<'py>> {
        let (cx, py) = (self.cx, self.cx.py());
        let method = self.object.attribute(py, c"__dlpack__")?;
        let version = cx.tuple_of([cx.int(1)?, cx.int(0)?])?;
        let keywords = cx.dict()?;
        let name = cx.str("max_version")?;
        keywords.get().insert(py, name.get(), version.get())?;
        let none = cx.tuple(0)?;
        match method
            .get()
            .call_with_keywords(py, none.get(), keywords.get())
        {
            Err(raised) if raised.is_builtin(py, Builtin::Type) => {
                raised.ignore(py); // older ones know no such argument
                self.call(c"__dlpack__")
            }
            answer => answer.map_err(|raised| self.told(raised, "__dlpack__")),
        }
    }

    fn expect_cpu(&self, kind: i32, id: i32) -> PyResult<()> {
        if kind == dlpack::CPU {
            return Ok(());
        }
        let device = dlpack::device_name(kind);
        Err(self.refuse(&format!(
            "is in memory of the device {device} {id}: only memory of the CPU can be shared"
        )))
    }
}

/// Arrays of Arrow on their way: which, and a share that keeps the memory.
#[derive(Clone)]
pub(crate) struct Columns {
    pub(crate) view: View,
    pub(crate) keeper: AnyShare,
}

impl Columns {
    /// The object, in the interpreter that received it. `whole`: what it is a part of, which it keeps then.
    pub(super) fn open<'py>(self, cx: Cx<'py>, whole: Option<&AnyShare>) -> PyResult<Owned<'py>> {
        let keeper = whole.cloned().unwrap_or(self.keeper);
        crate::types::arrow::make(cx, self.view, keeper)
    }
}
