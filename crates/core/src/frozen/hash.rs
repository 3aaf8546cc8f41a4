//! Hashes of values: equal ones have the same.
//!
//! The rounds are those of SipHash-1-3 (J.-P. Aumasson and D. J. Bernstein,
//! "SipHash: a fast short-input PRF", 2012), over whole words, with lengths in
//! front of what they are the lengths of.

use super::FrozenError;
use super::number::Number;
use super::value::{Items, Table, Value};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// The key of the hashes of an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seed(u64, u64);

impl Seed {
    pub(super) fn random() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1))
    }
}

/// What comes first, so that values of different kinds differ.
#[derive(Clone, Copy)]
enum Mark {
    None,
    Ellipsis,
    Int,
    Positive,
    Negative,
    Float,
    Complex,
    Nan,
    Text,
    Bytes,
    Tuple,
    Set,
}

/// The hash of a value.
pub(super) fn of(seed: Seed, value: &Value<'_>, depth: usize) -> Result<u64, FrozenError> {
    match value {
        Value::None => Ok(State::new(seed, Mark::None, 0).finish()),
        Value::Ellipsis => Ok(State::new(seed, Mark::Ellipsis, 0).finish()),
        Value::Text(text) => {
            // The length is in bytes: text of another width is other text.
            let sized = (text.data.len() as u64) << 3 | u64::from(text.width);
            let mut state = State::new(seed, Mark::Text, sized);
            state.bytes(text.data);
            Ok(state.finish())
        }
        Value::Bytes(data) => {
            let mut state = State::new(seed, Mark::Bytes, data.len() as u64);
            state.bytes(data);
            Ok(state.finish())
        }
        Value::Tuple(items) => of_tuple(seed, items, depth),
        Value::Set(table) | Value::FrozenSet(table) => match table.known_hash(seed) {
            Some(hash) => Ok(hash),
            None => of_set(seed, table, depth),
        },
        _ => match Number::of(value) {
            Some(number) => Ok(of_number(seed, &number)),
            None => Err(FrozenError::Unhashable),
        },
    }
}

fn of_number(seed: Seed, number: &Number<'_>) -> u64 {
    let mut state;
    match number {
        Number::Int(value) => {
            state = State::new(seed, Mark::Int, 0);
            state.word(*value as u64);
        }
        Number::Big(negative, magnitude) => {
            let mark = if *negative {
                Mark::Negative
            } else {
                Mark::Positive
            };
            state = State::new(seed, mark, magnitude.len() as u64);
            state.bytes(magnitude);
        }
        Number::Float(bits) => {
            state = State::new(seed, Mark::Float, 0);
            state.word(*bits);
        }
        Number::Complex(re, im) => {
            state = State::new(seed, Mark::Complex, 0);
            state.word(*re);
            state.word(*im);
        }
        Number::Nan => state = State::new(seed, Mark::Nan, 0),
    }
    state.finish()
}

fn of_tuple(seed: Seed, items: &Items<'_>, depth: usize) -> Result<u64, FrozenError> {
    let depth = depth.checked_sub(1).ok_or(FrozenError::TooDeep)?;
    let mut state = State::new(seed, Mark::Tuple, items.len() as u64);
    for index in 0..items.len() {
        state.word(of(seed, &items.read(index), depth)?);
    }
    Ok(state.finish())
}

fn of_set(seed: Seed, table: &Table<'_>, depth: usize) -> Result<u64, FrozenError> {
    let depth = depth.checked_sub(1).ok_or(FrozenError::TooDeep)?;
    let mut sum = 0_u64;
    for entry in 0..table.len() {
        sum = sum.wrapping_add(of(seed, &table.read_key(entry), depth)?);
    }
    Ok(of_sum(seed, table.len(), sum))
}

/// The hash of a set of so many keys, by the sum of their hashes: in whatever
/// order. Never 0, which stands for not known.
pub(super) fn of_sum(seed: Seed, len: usize, sum: u64) -> u64 {
    let mut state = State::new(seed, Mark::Set, len as u64);
    state.word(sum);
    state.finish().max(1)
}

struct State([u64; 4]);

impl State {
    #[inline]
    fn new(seed: Seed, mark: Mark, len: u64) -> Self {
        let mut state = Self([
            seed.0 ^ 0x736f_6d65_7073_6575,
            seed.1 ^ 0x646f_7261_6e64_6f6d,
            seed.0 ^ 0x6c79_6765_6e65_7261,
            seed.1 ^ 0x7465_6462_7974_6573,
        ]);
        state.word(len << 4 | mark as u64);
        state
    }

    #[inline]
    fn word(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }

    /// Bytes whose number has been said.
    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            self.word(super::store::word_of(chunk));
        }
    }

    #[inline]
    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.0[0] ^ self.0[1] ^ self.0[2] ^ self.0[3]
    }

    #[inline]
    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }
}
