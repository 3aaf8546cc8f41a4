//! The binding layer: the only code that may name `pyo3_ffi`.
//!
//! Everything above it is written against a few types:
//!
//! * [`Attached`] proves that this thread holds the GIL of *one* interpreter, [`Cx`] adds this
//!   module's state in that interpreter. Both are `Copy` and can't leave the call.
//! * [`Owned`] is a strong reference, [`Ref`] a borrowed one; neither outlives the token.
//! * [`Raised`] says that the error indicator is set; [`PyResult`] carries it with `?`.
//! * A Python class is a plain Rust type that implements [`Class`]; its methods are ordinary
//!   functions, put into the tables by the `const fn`s of [`method`], [`getset`] and [`slot`].
//!   A function item is a zero-sized type, so the C entry can be generic over the function itself
//!   and no macros are needed.
//!
//! [`boundary`] is the one way in from C.

pub(crate) mod args;
pub(crate) mod arrow;
pub(crate) mod attached;
pub(crate) mod boundary;
pub(crate) mod buffer;
pub(crate) mod class;
pub(crate) mod collection;
pub(crate) mod container;
pub(crate) mod dlpack;
pub(crate) mod error;
pub(crate) mod export;
#[cfg(not(Py_3_13))]
pub(crate) mod finish;
pub(crate) mod foreign;
pub(crate) mod getset;
pub(crate) mod guard;
pub(crate) mod identity;
pub(crate) mod instance;
pub(crate) mod interp;
pub(crate) mod keys;
#[cfg(not(Py_3_14))]
pub(crate) mod made;
pub(crate) mod method;
pub(crate) mod module;
pub(crate) mod names;
pub(crate) mod number;
pub(crate) mod object;
pub(crate) mod owned;
pub(crate) mod record;
mod running;
pub(crate) mod shared_bytes;
pub(crate) mod shared_text;
pub(crate) mod signals;
pub(crate) mod slot;
pub(crate) mod subscript;
pub(crate) mod text;
pub(crate) mod xidata;

pub(crate) use args::{Args, Signature};
pub(crate) use attached::{Attached, Cx};
pub(crate) use class::Class;
pub(crate) use error::{PyResult, Raised};
pub(crate) use owned::{Global, Owned, Ref};
