//! Containers to any depth, and small `str`, `bytes`, `complex` and large `int`: a compact text of what to
//! build, with the shared leaves beside it.
//!
//! Both directions keep their own stack, so depth is bounded by memory only. An object that could be met twice
//! gets a number the first time; from then on the number stands for it, which also closes cycles.

mod reading;
mod writing;

pub(super) use reading::unpack;
pub(super) use writing::pack;

use super::Message;
use crate::py::{Cx, PyResult};

/// What to build, and the leaves to put in.
pub(crate) struct Tree {
    code: Vec<u8>,
    leaves: Vec<Message>,
}

impl Tree {
    /// A leaf that is alone needs no tree around it.
    fn into_message(mut self) -> Message {
        match (self.leaves.pop(), &self.code[..]) {
            (Some(leaf), [byte, 0]) if byte & !code::NOTED == code::LEAF => leaf,
            (leaf, _) => {
                self.leaves.extend(leaf);
                Message::Tree(Box::new(self))
            }
        }
    }

    pub(super) fn leaves(&self) -> &[Message] {
        &self.leaves
    }

    pub(super) fn try_clone(&self, cx: Cx<'_>) -> PyResult<Self> {
        let leaves = self.leaves.iter().map(|leaf| leaf.try_clone(cx));
        Ok(Self {
            code: self.code.clone(),
            leaves: leaves.collect::<PyResult<_>>()?,
        })
    }
}

/// What comes next in the text. A `*Noted` code gives the next number to the object.
mod code {
    pub(super) const NONE: u8 = 0;
    pub(super) const FALSE: u8 = 1;
    pub(super) const TRUE: u8 = 2;
    pub(super) const ELLIPSIS: u8 = 3;
    pub(super) const NOT_IMPLEMENTED: u8 = 4;
    /// 8 bytes.
    pub(super) const INT: u8 = 5;
    /// Length, base-16 text, NUL.
    pub(super) const BIG_INT: u8 = 6;
    pub(super) const FLOAT: u8 = 7;
    pub(super) const COMPLEX: u8 = 8;
    /// Width (0 for ASCII), number of bytes, data.
    pub(super) const STR: u8 = 9;
    pub(super) const BYTES: u8 = 10;
    /// Number of the object met before.
    pub(super) const AGAIN: u8 = 11;
    /// Index of the leaf.
    pub(super) const LEAF: u8 = 12;
    /// Number of items, then the items.
    pub(super) const TUPLE: u8 = 13;
    pub(super) const LIST: u8 = 14;
    pub(super) const DICT: u8 = 15;
    pub(super) const SET: u8 = 16;
    pub(super) const FROZENSET: u8 = 17;
    /// Number of parts, module, name and owner of the rebuild function, then the parts.
    pub(super) const REBUILD: u8 = 18;
    /// Set in the code of an object that has a number.
    pub(super) const NOTED: u8 = 0x80;
}
