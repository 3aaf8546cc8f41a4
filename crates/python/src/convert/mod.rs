//! From objects to messages and back.
//!
//! A [`Message`] is what lies in a channel: it holds no Python object, so it can be made in one interpreter,
//! wait in none, and become objects in another.

pub(crate) mod binary;
pub(crate) mod end;
pub(crate) mod pickle;
pub(crate) mod text;
pub(crate) mod tree;

use core::sync::atomic::AtomicUsize;

use interlane_core::Share;

use crate::py::buffer::Acquired;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Ref};
use crate::runtime::lane::Fallback;

/// From how many bytes on `str` and `bytes` are shared instead of copied. One word, read and written whole:
/// relaxed, nothing else depends on it.
///
/// Sharing is cheaper from 1 KiB on, the least that can be shared (`benchmarks/threshold.py`); at 4 KiB the
/// difference is worth that a `SharedStr` arrives, and that the sender's object stays as long as it does.
pub(crate) static THRESHOLD: AtomicUsize = AtomicUsize::new(4 * 1024);

/// One item on its way. Sixteen bytes.
pub(crate) enum Message {
    None,
    Ellipsis,
    NotImplemented,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Share<text::Text>),
    Bytes(Share<binary::Bytes>),
    Buffer(Share<binary::Buffer>),
    End(Box<end::Transit>),
    Pickle(Box<Message>),
    Tree(Box<tree::Tree>),
}

/// Makes a message of an object. Nothing has happened to the object when this fails.
pub(crate) fn pack(cx: Cx<'_>, object: Ref<'_>, fallback: Fallback) -> PyResult<Message> {
    match object.kind() {
        Kind::None => Ok(Message::None),
        Kind::Bool(value) => Ok(Message::Bool(value)),
        Kind::Ellipsis => Ok(Message::Ellipsis),
        Kind::NotImplemented => Ok(Message::NotImplemented),
        Kind::Float => Ok(Message::Float(object.as_float(cx.py())?)),
        Kind::Int => match object.small_int(cx.py())? {
            Some(value) => Ok(Message::Int(value)),
            None => tree::pack(cx, object, fallback),
        },
        Kind::Other => match leaf(cx, object)? {
            Some(message) => Ok(message),
            None => tree::pack(cx, object, fallback),
        },
        Kind::Str | Kind::Bytes => match leaf(cx, object)? {
            Some(message) => Ok(message),
            None => tree::pack(cx, object, fallback),
        },
        _ => tree::pack(cx, object, fallback),
    }
}

/// The message of an object that is shared as a whole, alone or inside a container. `None`: it is copied, or
/// can't be shared.
fn leaf(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Message>> {
    match object.kind() {
        Kind::Str => Ok(text::share(cx, object).map(Message::Text)),
        Kind::Bytes => Ok(binary::share_bytes(cx, object).map(Message::Bytes)),
        Kind::Other => {
            if let Some(share) = crate::py::shared_text::share_of(cx, object) {
                return Ok(Some(Message::Text(share)));
            }
            if let Some(transit) = end::clone(cx, object)? {
                return Ok(Some(Message::End(Box::new(transit))));
            }
            if Acquired::possible(object) {
                return binary::share_buffer(cx, object).map(|share| Some(Message::Buffer(share)));
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

/// Makes the object of a message, in the interpreter that received it.
pub(crate) fn unpack(cx: Cx<'_>, message: Message) -> PyResult<Owned<'_>> {
    match message {
        Message::None => Ok(cx.none()),
        Message::Ellipsis => Ok(cx.ellipsis()),
        Message::NotImplemented => Ok(cx.not_implemented()),
        Message::Bool(value) => Ok(cx.bool(value)),
        Message::Int(value) => cx.int(value),
        Message::Float(value) => cx.float(value),
        Message::Text(share) => crate::py::shared_text::make(cx, share),
        Message::Bytes(share) => binary::copy(cx, &share),
        Message::Buffer(share) => binary::view(cx, share),
        Message::End(transit) => end::open(cx, *transit),
        Message::Pickle(data) => pickle::load(cx, *data),
        Message::Tree(tree) => tree::unpack(cx, *tree),
    }
}
