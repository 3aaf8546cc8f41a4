//! Containers to any depth, instances of classes, and small `str`, `bytes`, `complex` and large `int`: a compact text of
//! what to build, with the shared leaves beside it.
//!
//! Both directions keep their own stack, so depth is bounded by memory only. An object that could be met twice
//! gets a number the first time; from then on the number stands for it, which also closes cycles.

mod building;
pub(crate) mod desk;
mod draft;
pub(super) mod met;
mod reading;
pub(super) mod stack;
mod writing;

pub(super) use reading::{unpack, unpack_note, unpack_slip};
pub(super) use writing::pack;

use interlane_core::Slip;

use super::Message;
use crate::py::{Cx, PyResult};

/// What to build, and the leaves to put in. A short one is a note, or a slip with the leaves.
pub(crate) struct Tree {
    code: Vec<u8>,
    leaves: Vec<Option<Message>>,
    /// The interpreter that it is from, for messages.
    owner: i64,
    /// Is any object in it met again? Else nobody needs their numbers.
    again: bool,
}

impl Tree {
    pub(super) fn leaves(&self) -> impl Iterator<Item = &Message> {
        self.leaves.iter().flatten()
    }

    pub(super) fn try_clone(&self, cx: Cx<'_>) -> PyResult<Self> {
        Ok(Self {
            code: self.code.clone(),
            leaves: clones(cx, &self.leaves)?,
            owner: self.owner,
            again: self.again,
        })
    }

    /// The same as a slip says.
    pub(super) fn of(cx: Cx<'_>, slip: &Slip<Option<Message>>) -> PyResult<Self> {
        let (code, leaves) = slip.read();
        Ok(Self {
            code: code.to_vec(),
            leaves: clones(cx, leaves)?,
            owner: slip.label(),
            again: slip.tag() != 0,
        })
    }
}

fn clones(cx: Cx<'_>, leaves: &[Option<Message>]) -> PyResult<Vec<Option<Message>>> {
    let clone = |leaf: &Message| leaf.try_clone(cx);
    leaves
        .iter()
        .map(|leaf| leaf.as_ref().map(clone).transpose())
        .collect()
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
    /// 1 byte.
    pub(super) const SMALL_INT: u8 = 6;
    /// Length, base-16 text, NUL.
    pub(super) const BIG_INT: u8 = 7;
    pub(super) const FLOAT: u8 = 8;
    pub(super) const COMPLEX: u8 = 9;
    /// Width (0 for ASCII), number of bytes, data.
    pub(super) const STR: u8 = 10;
    pub(super) const BYTES: u8 = 11;
    /// Number of the object met before.
    pub(super) const AGAIN: u8 = 12;
    /// Index of the leaf.
    pub(super) const LEAF: u8 = 13;
    /// Number of items, then the items.
    pub(super) const TUPLE: u8 = 14;
    pub(super) const LIST: u8 = 15;
    pub(super) const DICT: u8 = 16;
    pub(super) const SET: u8 = 17;
    pub(super) const FROZENSET: u8 = 18;
    /// Module and name of a function or class, each after its length.
    pub(super) const NAMED: u8 = 19;
    /// How it is made and what it gets afterwards, the number of arguments and that of the rest; then what makes it, the
    /// arguments, and the rest.
    pub(super) const INSTANCE: u8 = 20;
    /// Number of a name.
    pub(super) const NAME: u8 = 21;
    /// 4 bytes.
    pub(super) const INT_OF_4: u8 = 22;
    /// Set in the code of an object that has a number.
    pub(super) const NOTED: u8 = 0x80;
}
