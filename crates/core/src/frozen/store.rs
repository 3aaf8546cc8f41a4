//! The block, as far as it is written, and how it is read.

use super::hash::Seed;
use super::node::{Kind, Node};
use super::value::{Big, Items, Table, Text, Value};
use crate::Pages;

#[derive(Debug)]
pub(super) struct Store {
    pub(super) words: Vec<u64>,
    /// Large bytes.
    pub(super) pages: Vec<Pages>,
    pub(super) seed: Seed,
    /// Has anything with parts been put in two places?
    pub(super) again: bool,
    /// Has anything else?
    pub(super) leaves_again: bool,
}

/// How many characters, and how they are stored, from one word.
pub(super) fn text_header(text: Text<'_>) -> u64 {
    let how = if text.ascii { 0 } else { u64::from(text.width) };
    (text.data.len() as u64) << 3 | how
}

/// Up to eight bytes as they are in memory, with zeroes behind.
#[inline]
pub(super) fn word_of(bytes: &[u8]) -> u64 {
    if let Ok(whole) = bytes.try_into() {
        return u64::from_ne_bytes(whole);
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_ne_bytes(word)
}

impl Store {
    #[inline]
    pub(super) fn read(&self, node: Node) -> Value<'_> {
        let at = node.place();
        match node.kind() {
            Kind::Constant => match node {
                Node::ELLIPSIS => Value::Ellipsis,
                Node::FALSE => Value::Bool(false),
                Node::TRUE => Value::Bool(true),
                _ => Value::None,
            },
            Kind::Small => Value::Int(node.value()),
            Kind::Int => Value::Int(self.words[at] as i64),
            Kind::Big => {
                let header = self.words[at];
                Value::Big(Big {
                    negative: header & 1 == 1,
                    magnitude: self.bytes(at + 1, (header >> 1) as usize),
                })
            }
            Kind::Float => Value::Float(f64::from_bits(self.words[at])),
            Kind::Complex => Value::Complex(
                f64::from_bits(self.words[at]),
                f64::from_bits(self.words[at + 1]),
            ),
            Kind::Text => {
                let header = self.words[at];
                let width = (header & 7) as u8;
                Value::Text(Text {
                    ascii: width == 0,
                    width: width.max(1),
                    data: self.bytes(at + 1, (header >> 3) as usize),
                })
            }
            Kind::Bytes => Value::Bytes(self.bytes(at + 1, self.words[at] as usize)),
            Kind::Pages => Value::Bytes(bytes_of_pages(&self.pages[at])),
            Kind::Tuple => Value::Tuple(Items::new(self, at)),
            Kind::List => Value::List(Items::new(self, at)),
            Kind::Dict => Value::Dict(Table::new(self, at, true)),
            Kind::Set => Value::Set(Table::new(self, at, false)),
            Kind::FrozenSet => Value::FrozenSet(Table::new(self, at, false)),
        }
    }

    pub(super) fn node(&self, at: usize) -> Node {
        Node::of_word(self.words[at])
    }

    pub(super) fn pages_of(&self, node: Node) -> Option<(usize, &Pages)> {
        let number = node.place();
        (node.kind() == Kind::Pages).then(|| (number, &self.pages[number]))
    }

    #[inline]
    fn bytes(&self, at: usize, len: usize) -> &[u8] {
        let words = &self.words[at..at + len.div_ceil(8)];
        // SAFETY: these words have at least so many bytes, all initialised, and
        // any byte is a `u8`.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), len) }
    }
}

fn bytes_of_pages(pages: &Pages) -> &[u8] {
    // SAFETY: the pages are there, and nobody writes to them: they are a copy
    // that the writer made.
    unsafe { std::slice::from_raw_parts(pages.data(), pages.len()) }
}
