//! Records of interpreters and of channels: the traits of interlane-core, played by CPython.

pub(crate) mod awaited;
pub(crate) mod blocked;
#[cfg(unix)]
mod fork;
pub(crate) mod interpreter;
pub(crate) mod interrupt;
pub(crate) mod keepers;
pub(crate) mod lane;
pub(crate) mod loop_bell;
#[cfg(not(Py_3_14))]
pub(crate) mod made;
pub(crate) mod objects;
pub(crate) mod primitive;
pub(crate) mod slab;
pub(crate) mod tasks;
mod visits;
pub(crate) mod waiting;

pub(crate) use interpreter::Interpreter;
