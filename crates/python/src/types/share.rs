//! `Share`: one counted hold on an object that some interpreter has shared.

use core::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use interlane_core::{AnyShare, Held, Share as CoreShare};

use super::area;
use crate::convert::object::{self, Object};
use crate::errors::{Error, raise};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Ref, class};
use crate::state::State;

pub(crate) struct Share {
    id: u64,
    owner: i64,
    nbytes: usize,
    /// `None` once closed. Locked for single operations only.
    held: Mutex<Option<Held>>,
}

pub(crate) fn make(cx: Cx<'_>, share: CoreShare<Object>) -> PyResult<Owned<'_>> {
    let handle = Share {
        id: share.as_any().id(),
        owner: share.interpreter().id(),
        nbytes: share.nbytes(),
        held: Mutex::new(Some(cx.state.interpreter().hold(share.erase()))),
    };
    class::instantiate(cx, handle)
}

/// The share itself when `object` is a `Share`.
pub(crate) fn of(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<CoreShare<Object>>> {
    class::downcast::<Share>(cx, object)
        .map(|handle| handle.core(cx))
        .transpose()
}

impl Share {
    fn core(&self, cx: Cx<'_>) -> PyResult<CoreShare<Object>> {
        let any = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|held| AnyShare::clone(held));
        any.and_then(|any| any.downcast::<Object>().ok())
            .ok_or_else(|| raise(cx, Error::Closed, &format!("share {} is closed", self.id)))
    }

    fn get<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        object::value(cx, &self.core(cx)?)
    }

    fn close<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let held = self
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(held);
        cx.state.interpreter().poll(cx.py());
        Ok(cx.none())
    }

    fn expect_open(&self, cx: Cx<'_>) -> PyResult<()> {
        self.core(cx).map(drop)
    }

    fn exit<'py>(&self, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
        self.close(cx)
    }

    fn id<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.id as i64)
    }

    fn owner<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.owner)
    }

    fn nbytes<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.nbytes)
    }

    fn holders<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let share = self.core(cx)?;
        cx.size(share.as_any().count() - 1) // without the one in `share`
    }

    fn areas<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let share = self.core(cx)?;
        let mut memories = Vec::new();
        share
            .content()
            .each_area(&mut |area| memories.push(area.memory()));
        let areas = cx.tuple(memories.len())?;
        for (index, memory) in memories.into_iter().enumerate() {
            areas
                .get()
                .fill(index, area::view(cx, memory, share.as_any().clone())?);
        }
        Ok(areas)
    }

    fn closed<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(cx.bool(held.is_none()))
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let text = match held.as_ref() {
            None => format!("<Share {} closed>", self.id),
            Some(held) => format!(
                "<Share {} of {} open, owner {}, {} bytes, {} holders>",
                self.id,
                held.kind(),
                self.owner,
                self.nbytes,
                held.count()
            ),
        };
        drop(held);
        cx.str(&text)
    }
}

impl Class for Share {
    const NAME: &'static CStr = c"interlane.Share";
    const DOC: &'static CStr = c"One counted hold on an object that an interpreter has shared: see interlane.share().

Sending it through a channel, prepare_main or call gives the other side a Share of its own. The object is released
in its owner when the last one anywhere, and the last value that uses its memory, has gone. Leaving a `with` block
closes it.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"get",
                Self::get,
                c"get($self, /)\n--\n\nReturn the value for this interpreter: in the owner the object itself, elsewhere what would have\narrived through a channel. Memory is not copied; the value keeps the share as long as it uses some.\n\nRaises ClosedError, and ImportError when what rebuilds the value cannot be imported here.",
            ),
            method::noargs(
                c"close",
                Self::close,
                c"close($self, /)\n--\n\nGive up this hold; closing it twice is harmless.",
            ),
            method::enter(Self::expect_open),
            method::keywords(c"__exit__", Self::exit, c"__exit__($self, /, *args)\n--\n\nClose this hold."),
            method::class_getitem(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", Self::id, c"The share's number, never used twice in a process."),
            getset::getter(c"owner", Self::owner, c"The id of the interpreter that owns the object."),
            getset::getter(
                c"holders",
                Self::holders,
                c"How many hold the share now, in all interpreters and on the way between them.",
            ),
            getset::getter(c"nbytes", Self::nbytes, c"Bytes of memory that the share exposes, all areas together."),
            getset::getter(
                c"areas",
                Self::areas,
                c"The memory that the share exposes, as a tuple of memoryviews: format, shape, strides and readonly\nare the original's. Each of them keeps the share.",
            ),
            getset::getter(c"closed", Self::closed, c"Whether this hold was given up."),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr)] };

    fn home(state: &State) -> &Global {
        &state.share
    }
}
