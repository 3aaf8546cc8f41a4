//! One word that stands for a value.

/// A value in an arena: what it is, and the value itself or where it is.
///
/// Means something together with its own arena only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node(u64);

/// What it is, in the lowest four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(super) enum Kind {
    /// None, Ellipsis, False or True; the rest of the word says which.
    Constant,
    /// The rest of the word, signed.
    Small,
    /// From here on: at this word of the block.
    Int,
    Big,
    Float,
    Complex,
    Text,
    Bytes,
    /// In the pages of this number.
    Pages,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
}

const KINDS: [Kind; 14] = [
    Kind::Constant,
    Kind::Small,
    Kind::Int,
    Kind::Big,
    Kind::Float,
    Kind::Complex,
    Kind::Text,
    Kind::Bytes,
    Kind::Pages,
    Kind::Tuple,
    Kind::List,
    Kind::Dict,
    Kind::Set,
    Kind::FrozenSet,
];

const BITS: u32 = 4;

impl Node {
    /// `None`, and what a place has that was not filled yet.
    pub const NONE: Self = Self(0);
    /// `...`
    pub const ELLIPSIS: Self = Self(1 << BITS);
    /// `False`
    pub const FALSE: Self = Self(2 << BITS);
    /// `True`
    pub const TRUE: Self = Self(3 << BITS);

    pub(super) fn new(kind: Kind, place: usize) -> Self {
        Self((place as u64) << BITS | kind as u64)
    }

    /// `None`: it takes a word of its own.
    pub(super) fn small(value: i64) -> Option<Self> {
        let shifted = value << BITS;
        (shifted >> BITS == value).then_some(Self(shifted as u64 | Kind::Small as u64))
    }

    pub(super) fn kind(self) -> Kind {
        KINDS[(self.0 & ((1 << BITS) - 1)) as usize]
    }

    /// Is it a container?
    pub(super) fn has_parts(self) -> bool {
        matches!(
            self.kind(),
            Kind::Tuple | Kind::List | Kind::Dict | Kind::Set | Kind::FrozenSet
        )
    }

    /// Is it of any length, without parts?
    pub(super) fn is_worth_sharing(self) -> bool {
        matches!(self.kind(), Kind::Text | Kind::Bytes | Kind::Pages)
    }

    pub(super) fn place(self) -> usize {
        (self.0 >> BITS) as usize
    }

    pub(super) fn value(self) -> i64 {
        self.0 as i64 >> BITS
    }

    pub(super) fn word(self) -> u64 {
        self.0
    }

    pub(super) fn of_word(word: u64) -> Self {
        Self(word)
    }
}
