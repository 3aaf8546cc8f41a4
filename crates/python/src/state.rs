//! What the module keeps per interpreter. All zeroes, as CPython allocates it, is valid and empty.

use core::cell::{Cell, OnceCell};
use std::sync::Arc;

use crate::convert::tree::desk::Desk;
use crate::errors::Errors;
use crate::py::Global;
use crate::py::keys::Keys;
use crate::py::names::{Arrived, Sent};
use crate::runtime::Interpreter;
use crate::types::frozen;
use crate::types::sync::Classes;

#[repr(C)]
pub(crate) struct State {
    pub(crate) send_channel: Global,
    pub(crate) recv_channel: Global,
    pub(crate) shared_bytes: Global,
    pub(crate) shared_str: Global,
    pub(crate) create_channel: Global,
    pub(crate) area: Global,
    pub(crate) choice: Global,
    pub(crate) loop_bell: Global,
    pub(crate) lock_wait: Global,
    pub(crate) selected: Global,
    pub(crate) share: Global,
    pub(crate) remote: Global,
    pub(crate) tasks: Global,
    pub(crate) task_worker: Global,
    pub(crate) ticket: Global,
    pub(crate) shared_buffer: Global,
    pub(crate) guard: Global,
    pub(crate) guard_wait: Global,
    pub(crate) moved: Global,
    pub(crate) arrow_array: Global,
    pub(crate) arrow_stream: Global,
    /// The function for each registered class.
    pub(crate) registry: Global,
    /// The capsule with its table for each type that an extension has registered.
    pub(crate) tables: Global,
    /// The name `__share__`.
    pub(crate) dunder_share: Global,
    /// The name `__interlane_c_share__`.
    pub(crate) dunder_c_share: Global,
    /// The name `__arrow_c_array__`.
    pub(crate) arrow_c_array: Global,
    /// The name `__arrow_c_stream__`.
    pub(crate) arrow_c_stream: Global,
    /// The name `__dlpack__`.
    pub(crate) dunder_dlpack: Global,
    pub(crate) keeper: Global,
    pub(crate) share_record: Global,
    pub(crate) statistics: Global,
    pub(crate) stats: Global,
    pub(crate) coroutines: Coroutines,
    pub(crate) sync: Classes,
    pub(crate) frozen: frozen::Classes,
    /// Was Python started with `-X dev`?
    pub(crate) dev_mode: Cell<bool>,
    pub(crate) errors: Errors,
    /// Keys of dicts that have come before. `str` only, which the collector has nothing to do with.
    pub(crate) keys: Keys,
    /// Those of them that have numbers.
    pub(crate) sent: Sent,
    pub(crate) arrived: Arrived,
    pub(crate) desk: Desk,
    /// `None` is all zeroes: the null-pointer form of `Option<Arc<_>>`.
    pub(crate) interpreter: InterpreterSlot,
}

/// Functions of `interlane._async`, each from its first use on.
pub(crate) struct Coroutines {
    pub(crate) asend: Global,
    pub(crate) arecv: Global,
    pub(crate) next_item: Global,
    pub(crate) aenter: Global,
    pub(crate) aexit: Global,
}

impl Coroutines {
    fn globals(&self) -> [&Global; 5] {
        [
            &self.asend,
            &self.arecv,
            &self.next_item,
            &self.aenter,
            &self.aexit,
        ]
    }
}

/// The interpreter's record, set once by exec.
#[repr(transparent)]
pub(crate) struct InterpreterSlot(OnceCell<Arc<Interpreter>>);

impl State {
    pub(crate) fn interpreter(&self) -> &Arc<Interpreter> {
        match self.interpreter.0.get() {
            Some(interpreter) => interpreter,
            None => unreachable!("exec sets it before anything can be called"),
        }
    }

    pub(crate) fn set_interpreter(&self, interpreter: Arc<Interpreter>) {
        let _first = self.interpreter.0.set(interpreter);
    }

    /// The single list of Python references: traverse and clear both walk it.
    pub(crate) fn globals(&self) -> impl Iterator<Item = &Global> {
        [
            &self.send_channel,
            &self.recv_channel,
            &self.shared_bytes,
            &self.shared_str,
            &self.create_channel,
            &self.area,
            &self.choice,
            &self.loop_bell,
            &self.lock_wait,
            &self.selected,
            &self.share,
            &self.remote,
            &self.tasks,
            &self.task_worker,
            &self.ticket,
            &self.shared_buffer,
            &self.guard,
            &self.guard_wait,
            &self.moved,
            &self.arrow_array,
            &self.arrow_stream,
            &self.registry,
            &self.tables,
            &self.dunder_share,
            &self.dunder_c_share,
            &self.arrow_c_array,
            &self.arrow_c_stream,
            &self.dunder_dlpack,
            &self.keeper,
            &self.share_record,
            &self.statistics,
            &self.stats,
        ]
        .into_iter()
        .chain(self.coroutines.globals())
        .chain(self.sync.globals())
        .chain(self.frozen.globals())
        .chain(self.errors.globals())
    }
}
