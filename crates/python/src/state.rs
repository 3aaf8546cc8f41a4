//! What the module keeps per interpreter. All zeroes, as CPython allocates it, is valid and empty.

use core::cell::OnceCell;
use std::sync::Arc;

use crate::errors::Errors;
use crate::py::Global;
use crate::runtime::Interpreter;

#[repr(C)]
pub(crate) struct State {
    pub(crate) send_channel: Global,
    pub(crate) recv_channel: Global,
    pub(crate) shared_str: Global,
    pub(crate) area: Global,
    pub(crate) share: Global,
    pub(crate) remote: Global,
    /// The function for each registered class.
    pub(crate) registry: Global,
    /// The capsule with its table for each type that an extension has registered.
    pub(crate) tables: Global,
    /// The name `__share__`.
    pub(crate) dunder_share: Global,
    /// The name `__interlane_c_share__`.
    pub(crate) dunder_c_share: Global,
    pub(crate) keeper: Global,
    pub(crate) share_record: Global,
    pub(crate) statistics: Global,
    pub(crate) stats: Global,
    pub(crate) errors: Errors,
    /// `None` is all zeroes: the null-pointer form of `Option<Arc<_>>`.
    pub(crate) interpreter: InterpreterSlot,
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
            &self.shared_str,
            &self.area,
            &self.share,
            &self.remote,
            &self.registry,
            &self.tables,
            &self.dunder_share,
            &self.dunder_c_share,
            &self.keeper,
            &self.share_record,
            &self.statistics,
            &self.stats,
        ]
        .into_iter()
        .chain(self.errors.globals())
    }
}
