//! Records of interpreters and of channels: the traits of interlane-core, played by CPython.

pub(crate) mod blocked;
#[cfg(unix)]
mod fork;
pub(crate) mod interpreter;
pub(crate) mod keepers;
pub(crate) mod lane;
pub(crate) mod objects;
mod visits;
pub(crate) mod waiting;

pub(crate) use interpreter::Interpreter;
