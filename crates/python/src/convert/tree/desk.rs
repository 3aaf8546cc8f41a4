//! What each item is written with: kept from one to the next.

use core::cell::Cell;

use interlane_core::Pad;

use super::super::Message;
use super::Tree;

/// A text that took more is not kept.
const KEPT: usize = 64 * 1024;

/// Part of the module's state: all zeroes, the null-pointer form of `Option<Box<_>>`, is empty. Not used without a GIL.
#[repr(transparent)]
#[derive(Default)]
pub(crate) struct Desk(Cell<Option<Box<Tools>>>);

/// Whoever writes has them; what is sent meanwhile, by the code of an object that is being written, uses new ones.
#[derive(Default)]
pub(super) struct Tools {
    pub(super) text: Vec<u8>,
    /// What is in the text by its place here: the leaves, for whoever reads it to take.
    pub(super) leaves: Vec<Option<Message>>,
    pad: Pad,
}

impl Desk {
    pub(super) fn take(&self) -> Box<Tools> {
        let tools = if cfg!(Py_GIL_DISABLED) {
            None
        } else {
            self.0.take()
        };
        tools.unwrap_or_default()
    }

    pub(super) fn put_back(&self, mut tools: Box<Tools>) {
        if !cfg!(Py_GIL_DISABLED) && tools.text.capacity() <= KEPT {
            tools.text.clear();
            self.0.set(Some(tools));
        }
    }
}

impl Tools {
    /// The message of what was written. `stays`: it is not on its way, but kept.
    pub(super) fn finish(&mut self, owner: i64, again: bool, stays: bool) -> Message {
        use super::code::{LEAF, NOTED};
        // A leaf that is alone needs no tree around it.
        if let [byte, 0] = self.text[..] {
            if byte & !NOTED == LEAF {
                if let Some(Some(leaf)) = self.leaves.pop() {
                    return leaf;
                }
            }
        }
        if !stays && !cfg!(Py_GIL_DISABLED) {
            let (tag, text) = (again.into(), &self.text[..]);
            let short = if self.leaves.is_empty() {
                self.pad.tear(owner, tag, text).map(Message::Note)
            } else {
                let slip = self.pad.tear_with(owner, tag, text, &mut self.leaves);
                slip.map(Message::Slip)
            };
            if let Some(message) = short {
                return message;
            }
        }
        let leaves = core::mem::take(&mut self.leaves);
        let mut code = core::mem::take(&mut self.text);
        if code.capacity() > 2 * code.len() + 64 {
            code.shrink_to_fit();
        }
        Message::Tree(Box::new(Tree {
            code,
            leaves,
            owner,
            again,
        }))
    }
}
