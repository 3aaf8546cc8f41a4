//! What is read from an arena, without a copy.

use super::node::Node;
use super::store::Store;
use super::{DEEPEST, FrozenError, equal, hash};

/// A value: of an arena, or one that is looked for in one.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Nothing.
    None,
    /// `...`
    Ellipsis,
    /// Equal to 0 or 1.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that does not fit into 64 bits.
    Big(Big<'a>),
    /// A number.
    Float(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
    /// Characters.
    Text(Text<'a>),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Values that are no different when all of them are equal.
    Tuple(Items<'a>),
    /// As a tuple, and never equal to one.
    List(Items<'a>),
    /// Keys with a value each.
    Dict(Table<'a>),
    /// Keys.
    Set(Table<'a>),
    /// Keys. Can be a key.
    FrozenSet(Table<'a>),
}

/// A whole number of any size.
#[derive(Clone, Copy, Debug)]
pub struct Big<'a> {
    /// Is it less than 0?
    pub negative: bool,
    /// Its bytes without the sign, the lowest first, the highest not 0.
    pub magnitude: &'a [u8],
}

/// Characters, in the narrowest width that all of them fit into.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Are all of them below 128? Then the width is 1.
    pub ascii: bool,
    /// Bytes of each: 1, 2 or 4.
    pub width: u8,
    /// The characters, as numbers of this machine.
    pub data: &'a [u8],
}

/// The items of a tuple or list.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    store: &'a Store,
    /// Where the first one is.
    at: usize,
    len: usize,
}

/// The entries of a dict or set.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    store: &'a Store,
    /// Where the first one is, behind the header.
    at: usize,
    len: usize,
    /// How many words an entry has.
    stride: usize,
}

/// Words in front of the entries of a table.
pub(super) const TABLE_HEADER: usize = 3;

/// How many keys a dict may have that has no index.
pub(super) const SMALL: usize = 8;

/// The part of a slot that is the number of an entry.
pub(super) const ENTRY: u64 = (1 << 40) - 1;

impl<'a> Value<'a> {
    /// The whole number of these bytes, the lowest first.
    pub fn int(negative: bool, magnitude: &'a [u8]) -> Self {
        let used = magnitude.iter().rposition(|&byte| byte != 0);
        let magnitude = &magnitude[..used.map_or(0, |last| last + 1)];
        let mut low = [0; 8];
        if let Some(fits) = low.get_mut(..magnitude.len()) {
            fits.copy_from_slice(magnitude);
            let low = i128::from(u64::from_le_bytes(low));
            if let Ok(value) = i64::try_from(if negative { -low } else { low }) {
                return Self::Int(value);
            }
        }
        Self::Big(Big {
            negative,
            magnitude,
        })
    }

    /// Fails as hashing it would; what has no parts need not be hashed for that.
    pub(super) fn check_key(&self) -> Result<(), FrozenError> {
        match self {
            Value::Tuple(items) => hash::of(items.seed(), self, DEEPEST).map(|_| ()),
            Value::List(_) | Value::Dict(_) => Err(FrozenError::Unhashable),
            _ => Ok(()),
        }
    }

    /// Whether both are equal, in the way of Python.
    ///
    /// # Errors
    ///
    /// [`FrozenError::TooDeep`].
    pub fn equals(&self, other: &Value<'_>) -> Result<bool, FrozenError> {
        equal::equal(self, other, DEEPEST)
    }
}

impl Text<'_> {
    #[inline]
    pub(super) fn equals(&self, other: &Text<'_>) -> bool {
        self.width == other.width && self.data == other.data
    }
}

impl<'a> Items<'a> {
    pub(super) fn new(store: &'a Store, at: usize) -> Self {
        Self {
            store,
            at: at + 1,
            len: store.words[at] as usize,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One of them.
    ///
    /// # Panics
    ///
    /// There are not so many.
    pub fn get(&self, index: usize) -> Node {
        assert!(index < self.len, "no item {index} of {}", self.len);
        self.store.node(self.at + index)
    }

    /// The value of one of them.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    pub fn read(&self, index: usize) -> Value<'a> {
        self.store.read(self.get(index))
    }

    fn seed(&self) -> hash::Seed {
        self.store.seed
    }

    pub(super) fn is(&self, other: &Items<'_>) -> bool {
        std::ptr::eq(self.store, other.store) && self.at == other.at
    }
}

impl<'a> Table<'a> {
    pub(super) fn new(store: &'a Store, at: usize, has_values: bool) -> Self {
        Self {
            store,
            at: at + TABLE_HEADER,
            len: store.words[at] as usize,
            stride: 1 + usize::from(has_values),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The key of an entry.
    ///
    /// # Panics
    ///
    /// There are not so many.
    pub fn key(&self, entry: usize) -> Node {
        assert!(entry < self.len, "no entry {entry} of {}", self.len);
        self.store.node(self.at + entry * self.stride)
    }

    /// The value of an entry of a dict.
    ///
    /// # Panics
    ///
    /// There are not so many, or it is a set.
    pub fn value(&self, entry: usize) -> Node {
        assert!(self.stride == 2, "a set has no values");
        assert!(entry < self.len, "no entry {entry} of {}", self.len);
        self.store.node(self.at + entry * 2 + 1)
    }

    /// What a key is.
    ///
    /// # Panics
    ///
    /// As [`key`](Self::key).
    pub fn read_key(&self, entry: usize) -> Value<'a> {
        self.store.read(self.key(entry))
    }

    /// What a value is.
    ///
    /// # Panics
    ///
    /// As [`value`](Self::value).
    pub fn read_value(&self, entry: usize) -> Value<'a> {
        self.store.read(self.value(entry))
    }

    /// The entry whose key is equal to this.
    ///
    /// # Errors
    ///
    /// [`FrozenError::TooDeep`] and [`FrozenError::Unhashable`].
    pub fn find(&self, key: &Value<'_>) -> Result<Option<usize>, FrozenError> {
        self.find_within(key, DEEPEST)
    }

    pub(super) fn find_within(
        &self,
        key: &Value<'_>,
        depth: usize,
    ) -> Result<Option<usize>, FrozenError> {
        let index = self.index();
        if index.is_empty() {
            return self.find_among_few(key, depth);
        }
        let hash = hash::of(self.store.seed, key, depth)?;
        let mut slot = hash as usize & (index.len() - 1);
        loop {
            let word = index[slot];
            if word == 0 {
                return Ok(None);
            }
            if (word ^ hash) & !ENTRY == 0 {
                let entry = (word & ENTRY) as usize - 1;
                if self.has_key(entry, key, depth)? {
                    return Ok(Some(entry));
                }
            }
            slot = (slot + 1) & (index.len() - 1);
        }
    }

    /// As [`find_within`](Self::find_within), without an index.
    fn find_among_few(&self, key: &Value<'_>, depth: usize) -> Result<Option<usize>, FrozenError> {
        key.check_key()?;
        for entry in 0..self.len {
            if self.has_key(entry, key, depth)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    #[inline]
    fn has_key(&self, entry: usize, key: &Value<'_>, depth: usize) -> Result<bool, FrozenError> {
        match (key, &self.read_key(entry)) {
            // The most common case, without what others take.
            (Value::Text(one), Value::Text(other)) => Ok(one.equals(other)),
            (_, other) => equal::equal(key, other, depth),
        }
    }

    /// The hash of the whole, if it is known under this seed. 0 is not.
    pub(super) fn known_hash(&self, seed: hash::Seed) -> Option<u64> {
        let known = self.store.words[self.at - 1];
        (known != 0 && self.store.seed == seed).then_some(known)
    }

    pub(super) fn is(&self, other: &Table<'_>) -> bool {
        std::ptr::eq(self.store, other.store) && self.at == other.at
    }

    /// Never full: it has an empty slot, unless it has none at all.
    fn index(&self) -> &'a [u64] {
        let start = self.at + self.len * self.stride;
        let size = self.store.words[self.at - 2] as usize;
        &self.store.words[start..start + size]
    }
}
