//! Iterators over what is frozen.

use core::ffi::CStr;
use core::sync::atomic::{AtomicUsize, Ordering};

use interlane_core::frozen::Value;

use super::View;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Class, Cx, Global, Owned, PyResult, class};
use crate::state::State;

pub(super) struct FrozenIterator {
    view: View,
    parts: Parts,
    backwards: bool,
    /// How many were given out, or more. Relaxed: nothing depends on it but what comes next.
    given: AtomicUsize,
}

/// What is iterated over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// Items, or keys.
    Plain,
    Values,
    /// Pairs of key and value.
    Entries,
}

pub(super) fn make<'py>(
    cx: Cx<'py>,
    view: &View,
    parts: Parts,
    backwards: bool,
) -> PyResult<Owned<'py>> {
    let iterator = FrozenIterator {
        view: view.again(cx),
        parts,
        backwards,
        given: AtomicUsize::new(0),
    };
    class::instantiate(cx, iterator)
}

impl FrozenIterator {
    fn len(&self) -> usize {
        match self.view.value() {
            Value::Tuple(items) | Value::List(items) => items.len(),
            _ => self.view.table().len(),
        }
    }

    fn next<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        let len = self.len();
        let given = self.given.load(Ordering::Relaxed);
        if given >= len {
            return Ok(None);
        }
        // Without a GIL, two threads may be here at once: each gets one of its own.
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        if given >= len {
            return Ok(None);
        }
        let at = if self.backwards {
            len - 1 - given
        } else {
            given
        };
        let view = &self.view;
        let part = match view.value() {
            Value::Tuple(items) | Value::List(items) => view.part(cx, items.get(at))?,
            _ => {
                let table = view.table();
                match self.parts {
                    Parts::Plain => view.part(cx, table.key(at))?,
                    Parts::Values => view.part(cx, table.value(at))?,
                    Parts::Entries => {
                        let key = view.part(cx, table.key(at))?;
                        cx.tuple_of([key, view.part(cx, table.value(at))?])?
                    }
                }
            }
        };
        Ok(Some(part))
    }

    fn length_hint<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let given = self.given.load(Ordering::Relaxed);
        cx.size(self.len().saturating_sub(given))
    }
}

impl Class for FrozenIterator {
    const NAME: &'static CStr = c"interlane._core._FrozenIterator";
    const DOC: &'static CStr = c"Iterates over something frozen.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"__length_hint__",
                Self::length_hint,
                c"__length_hint__($self, /)\n--\n\nReturn how many are left.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = const { &[slot::iter_self(), slot::next(Self::next)] };

    fn home(state: &State) -> &Global {
        &state.frozen.iterator
    }
}
