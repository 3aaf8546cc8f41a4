//! Frozen values are read as they were written, found by what is equal to
//! their keys, and copied from one arena into another.

#![cfg(not(loom))]

use interlane_core::frozen::{Arena, Big, Container, FrozenError, Node, Text, Value, Writer};

/// A value as a plain tree.
#[derive(Clone, Debug, PartialEq)]
enum Plain {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Big(bool, Vec<u8>),
    Float(f64),
    Complex(f64, f64),
    Text(bool, u8, Vec<u8>),
    Bytes(Vec<u8>),
    Tuple(Vec<Plain>),
    List(Vec<Plain>),
    Dict(Vec<(Plain, Plain)>),
    Set(Vec<Plain>),
    FrozenSet(Vec<Plain>),
}

fn text(text: &str) -> Plain {
    Plain::Text(true, 1, text.as_bytes().to_vec())
}

fn write(writer: &mut Writer, plain: &Plain) -> Result<Node, FrozenError> {
    let (kind, len, parts) = match plain {
        Plain::None => return Ok(Node::NONE),
        Plain::Ellipsis => return Ok(Node::ELLIPSIS),
        Plain::Bool(false) => return Ok(Node::FALSE),
        Plain::Bool(true) => return Ok(Node::TRUE),
        Plain::Int(value) => return writer.int(*value),
        Plain::Big(negative, magnitude) => {
            return writer.big(Big {
                negative: *negative,
                magnitude,
            });
        }
        Plain::Float(value) => return writer.float(*value),
        Plain::Complex(re, im) => return writer.complex(*re, *im),
        Plain::Text(ascii, width, data) => {
            return writer.text(Text {
                ascii: *ascii,
                width: *width,
                data,
            });
        }
        Plain::Bytes(data) => return writer.bytes(data),
        Plain::Tuple(items) => (Container::Tuple, items.len(), items.clone()),
        Plain::List(items) => (Container::List, items.len(), items.clone()),
        Plain::Set(keys) => (Container::Set, keys.len(), keys.clone()),
        Plain::FrozenSet(keys) => (Container::FrozenSet, keys.len(), keys.clone()),
        Plain::Dict(entries) => {
            let parts = entries.iter().cloned().flat_map(|(k, v)| [k, v]);
            (Container::Dict, entries.len(), parts.collect())
        }
    };
    let mut open = writer.open(kind, len)?;
    for part in &parts {
        let node = write(writer, part)?;
        writer.put(&mut open, node);
    }
    assert_eq!(writer.room(&open), 0);
    writer.close(open)
}

fn freeze(plain: &Plain) -> Arena {
    let mut writer = Writer::new();
    let root = write(&mut writer, plain).unwrap();
    writer.finish(root)
}

fn thaw(value: Value<'_>) -> Plain {
    match value {
        Value::None => Plain::None,
        Value::Ellipsis => Plain::Ellipsis,
        Value::Bool(value) => Plain::Bool(value),
        Value::Int(value) => Plain::Int(value),
        Value::Big(big) => Plain::Big(big.negative, big.magnitude.to_vec()),
        Value::Float(value) => Plain::Float(value),
        Value::Complex(re, im) => Plain::Complex(re, im),
        Value::Text(text) => Plain::Text(text.ascii, text.width, text.data.to_vec()),
        Value::Bytes(data) => Plain::Bytes(data.to_vec()),
        Value::Tuple(items) => {
            Plain::Tuple((0..items.len()).map(|i| thaw(items.read(i))).collect())
        }
        Value::List(items) => Plain::List((0..items.len()).map(|i| thaw(items.read(i))).collect()),
        Value::Set(keys) => Plain::Set((0..keys.len()).map(|i| thaw(keys.read_key(i))).collect()),
        Value::FrozenSet(keys) => {
            Plain::FrozenSet((0..keys.len()).map(|i| thaw(keys.read_key(i))).collect())
        }
        Value::Dict(table) => Plain::Dict(
            (0..table.len())
                .map(|i| (thaw(table.read_key(i)), thaw(table.read_value(i))))
                .collect(),
        ),
    }
}

/// A generator of numbers (xorshift64*), so that failures come again.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most))
            .map(|_| self.below(256) as u8)
            .collect()
    }

    fn scalar(&mut self) -> Plain {
        match self.below(12) {
            0 => Plain::None,
            1 => Plain::Ellipsis,
            2 => Plain::Bool(self.below(2) == 1),
            3 => Plain::Int(self.below(5) as i64 - 2),
            4 => Plain::Int((self.below(1 << 30) as i64) << self.below(34)),
            5 => Plain::Int([i64::MIN, i64::MAX, 1 << 59, -(1 << 59) - 1][self.below(4)]),
            6 => {
                let mut magnitude = self.bytes(30);
                magnitude.extend([1; 9]);
                Plain::Big(self.below(2) == 1, magnitude)
            }
            7 => Plain::Float(self.below(9) as f64 / 2.0 - 2.0),
            8 => Plain::Float([1e300, -1e25, 0.1, f64::INFINITY, -0.0][self.below(5)]),
            9 => Plain::Complex(self.below(3) as f64, self.below(3) as f64),
            10 => Plain::Bytes(self.bytes(20)),
            _ => {
                let width = [1, 2, 4][self.below(3)];
                let mut data = self.bytes(20);
                data.truncate(data.len() / usize::from(width) * usize::from(width));
                Plain::Text(width == 1 && data.is_ascii(), width, data)
            }
        }
    }

    fn key(&mut self, depth: usize) -> Plain {
        match self.below(if depth == 0 { 8 } else { 10 }) {
            8 => Plain::Tuple((0..self.below(4)).map(|_| self.key(depth - 1)).collect()),
            9 => Plain::FrozenSet(self.keys(depth - 1)),
            _ => self.scalar(),
        }
    }

    /// Keys of which no two are equal.
    fn keys(&mut self, depth: usize) -> Vec<Plain> {
        let mut keys: Vec<Plain> = Vec::new();
        for _ in 0..self.below(12) {
            let key = self.key(depth);
            if !keys.iter().any(|known| same(known, &key)) {
                keys.push(key);
            }
        }
        keys
    }

    fn value(&mut self, depth: usize) -> Plain {
        match self.below(if depth == 0 { 4 } else { 9 }) {
            4 => Plain::Tuple((0..self.below(5)).map(|_| self.value(depth - 1)).collect()),
            5 => Plain::List((0..self.below(5)).map(|_| self.value(depth - 1)).collect()),
            6 => Plain::Set(self.keys(depth - 1)),
            7 => Plain::FrozenSet(self.keys(depth - 1)),
            8 => {
                let keys = self.keys(depth - 1);
                Plain::Dict(
                    keys.into_iter()
                        .map(|key| (key, self.value(depth - 1)))
                        .collect(),
                )
            }
            _ => self.scalar(),
        }
    }
}

/// Equality as Python has it, in the plainest way.
fn same(one: &Plain, other: &Plain) -> bool {
    let number = |plain: &Plain| match *plain {
        Plain::Bool(value) => Some((f64::from(u8::from(value)), 0.0)),
        Plain::Int(value) if (value as f64) as i128 == i128::from(value) => {
            Some((value as f64, 0.0))
        }
        Plain::Float(value) => Some((value, 0.0)),
        Plain::Complex(re, im) => Some((re, im)),
        _ => None,
    };
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return one == other;
    }
    let all = |one: &[Plain], other: &[Plain]| {
        one.len() == other.len()
            && one
                .iter()
                .all(|key| other.iter().any(|other| same(key, other)))
    };
    match (one, other) {
        (Plain::Tuple(one), Plain::Tuple(other)) | (Plain::List(one), Plain::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Plain::Set(one) | Plain::FrozenSet(one), Plain::Set(other) | Plain::FrozenSet(other)) => {
            all(one, other)
        }
        (Plain::Dict(one), Plain::Dict(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.iter().any(|(k, v)| same(key, k) && same(value, v)))
        }
        (Plain::Text(_, width, one), Plain::Text(_, other_width, other)) => {
            width == other_width && one == other
        }
        _ => one == other,
    }
}

#[test]
fn what_was_written_is_read() {
    let mut random = Random(1);
    for _ in 0..2000 {
        let plain = random.value(4);
        let arena = freeze(&plain);
        assert_eq!(thaw(arena.read(arena.root())), plain);
    }
}

#[test]
fn a_key_is_found_by_whatever_is_equal_to_it() {
    let mut random = Random(2);
    let mut found = 0;
    for _ in 0..2000 {
        let keys = random.keys(2);
        let arena = freeze(&if random.below(2) == 0 {
            Plain::FrozenSet(keys.clone())
        } else {
            let entries = keys.iter().map(|key| (key.clone(), Plain::None));
            Plain::Dict(entries.collect())
        });
        let (Value::FrozenSet(table) | Value::Dict(table)) = arena.read(arena.root()) else {
            panic!("a set or dict was written");
        };
        for wanted in keys.iter().cloned().chain((0..10).map(|_| random.key(2))) {
            let other = freeze(&wanted);
            let entry = table.find(&other.read(other.root())).unwrap();
            assert_eq!(
                entry,
                keys.iter().position(|key| same(key, &wanted)),
                "{wanted:?} in {keys:?}"
            );
            found += usize::from(entry.is_some());
        }
    }
    assert!(found > 5000);
}

#[test]
fn values_of_two_arenas_are_equal_if_they_are() {
    let mut random = Random(3);
    for round in 0..2000 {
        let one = random.value(3);
        let other = if round % 2 == 0 {
            one.clone()
        } else {
            random.value(3)
        };
        let (a, b) = (freeze(&one), freeze(&other));
        let (a, b) = (a.read(a.root()), b.read(b.root()));
        assert_eq!(a.equals(&b), Ok(same(&one, &other)), "{one:?} == {other:?}");
        assert_eq!(b.equals(&a), a.equals(&b));
    }
}

#[test]
fn a_copy_is_equal_and_of_the_same_kinds() {
    let mut random = Random(4);
    for _ in 0..1000 {
        let plain = random.value(4);
        let arena = freeze(&plain);
        let mut writer = Writer::new();
        let root = writer.copy(&arena, arena.root(), false).unwrap();
        let copy = writer.finish(root);
        assert_eq!(thaw(copy.read(copy.root())), plain);
    }
}

#[test]
fn a_set_that_is_copied_into_a_key_is_frozen() {
    let arena = freeze(&Plain::Tuple(vec![Plain::Set(vec![Plain::Int(1)])]));
    let mut writer = Writer::new();
    let root = writer.copy(&arena, arena.root(), true).unwrap();
    let copy = writer.finish(root);
    let frozen = Plain::Tuple(vec![Plain::FrozenSet(vec![Plain::Int(1)])]);
    assert_eq!(thaw(copy.read(copy.root())), frozen);
}

#[test]
fn parts_in_common_are_copied_once() {
    let mut writer = Writer::new();
    let mut node = write(&mut writer, &text("x")).unwrap();
    for _ in 0..60 {
        let mut open = writer.open(Container::List, 2).unwrap();
        writer.put(&mut open, node);
        let again = writer.share(node);
        writer.put(&mut open, again);
        node = writer.close(open).unwrap();
    }
    let arena = writer.finish(node);
    assert!(arena.has_shared_parts());
    let mut writer = Writer::new();
    let root = writer.copy(&arena, arena.root(), false).unwrap();
    assert_eq!(writer.finish(root).nbytes(), arena.nbytes());
}

#[test]
fn numbers_are_keys_by_what_they_are_worth() {
    let two_to_70 = Plain::Big(false, vec![0, 0, 0, 0, 0, 0, 0, 0, 64]);
    let equal = [
        (Plain::Int(1), Plain::Bool(true)),
        (Plain::Float(-0.0), Plain::Int(0)),
        (Plain::Complex(3.0, -0.0), Plain::Float(3.0)),
        (two_to_70, Plain::Float(2_f64.powi(70))),
        (
            Plain::Float(2_f64.powi(63)),
            Plain::Big(false, vec![0, 0, 0, 0, 0, 0, 0, 128]),
        ),
        (Plain::Float(-(2_f64.powi(63))), Plain::Int(i64::MIN)),
    ];
    for (one, other) in equal {
        let (a, b) = (freeze(&Plain::Set(vec![one])), freeze(&other));
        let Value::Set(table) = a.read(a.root()) else {
            panic!("a set was written");
        };
        assert_eq!(table.find(&b.read(b.root())), Ok(Some(0)), "{other:?}");
        assert_eq!(table.find(&Value::Int(1 << 40)), Ok(None));
    }
}

#[test]
fn nan_is_equal_to_nothing() {
    let arena = freeze(&Plain::Set(vec![Plain::Float(f64::NAN), Plain::Int(1)]));
    let Value::Set(table) = arena.read(arena.root()) else {
        panic!("a set was written");
    };
    assert_eq!(table.find(&Value::Float(f64::NAN)), Ok(None));
    assert_eq!(table.find(&Value::Float(1.0)), Ok(Some(1)));
}

#[test]
fn a_whole_number_is_big_only_if_it_has_to_be() {
    assert!(matches!(Value::int(true, &[1, 0, 0]), Value::Int(-1)));
    assert!(matches!(
        Value::int(true, &[0, 0, 0, 0, 0, 0, 0, 128, 0]),
        Value::Int(i64::MIN)
    ));
    assert!(matches!(
        Value::int(false, &[0, 0, 0, 0, 0, 0, 0, 128]),
        Value::Big(_)
    ));
    assert!(matches!(Value::int(false, &[]), Value::Int(0)));
}

#[test]
fn a_list_or_a_dict_is_no_key() {
    for plain in [Plain::List(vec![]), Plain::Dict(vec![])] {
        let key = Plain::Tuple(vec![plain]);
        let keys = Plain::Set(vec![key.clone()]);
        assert_eq!(
            write(&mut Writer::new(), &keys),
            Err(FrozenError::Unhashable)
        );
        let dict = Plain::Dict(vec![(key.clone(), Plain::None)]);
        assert_eq!(
            write(&mut Writer::new(), &dict),
            Err(FrozenError::Unhashable)
        );
        let (empty, key) = (freeze(&Plain::Dict(vec![])), freeze(&key));
        let Value::Dict(table) = empty.read(empty.root()) else {
            panic!("a dict was written");
        };
        assert_eq!(
            table.find(&key.read(key.root())),
            Err(FrozenError::Unhashable)
        );
    }
}

/// Nested to this depth, without a stack of ours.
fn nested(kind: Container, depth: usize) -> Result<Arena, FrozenError> {
    let mut writer = Writer::new();
    let mut node = writer.int(1)?;
    for _ in 0..depth {
        let mut open = writer.open(kind, 1)?;
        writer.put(&mut open, node);
        node = writer.close(open)?;
    }
    Ok(writer.finish(node))
}

#[test]
fn values_may_be_nested_to_any_depth() {
    for kind in [Container::List, Container::Tuple] {
        let (one, other) = (
            nested(kind, 200_000).unwrap(),
            nested(kind, 200_000).unwrap(),
        );
        let (a, b) = (one.read(one.root()), other.read(other.root()));
        assert_eq!(a.equals(&b), Ok(true));
        let mut writer = Writer::new();
        let root = writer.copy(&one, one.root(), false).unwrap();
        assert_eq!(writer.finish(root).nbytes(), one.nbytes());
    }
}

#[test]
fn keys_may_be_nested_to_a_limited_depth() {
    let arena = nested(Container::FrozenSet, 100_000).unwrap();
    let other = nested(Container::FrozenSet, 100_000).unwrap();
    let (a, b) = (arena.read(arena.root()), other.read(other.root()));
    assert_eq!(a.equals(&b), Err(FrozenError::TooDeep));

    let deep = nested(Container::Tuple, 100_000).unwrap();
    let Value::FrozenSet(table) = a else {
        panic!("a set was written");
    };
    assert_eq!(
        table.find(&deep.read(deep.root())),
        Err(FrozenError::TooDeep)
    );
}

#[test]
fn a_size_that_no_memory_has_is_refused() {
    for kind in [Container::List, Container::Dict, Container::Set] {
        for len in [usize::MAX, usize::MAX / 16, 1 << 45] {
            assert_eq!(
                Writer::new().open(kind, len).err(),
                Some(FrozenError::OutOfMemory)
            );
        }
    }
}

#[test]
fn text_has_a_zero_character_behind() {
    for (width, len) in [(1_u8, 0), (1, 7), (1, 8), (2, 6), (2, 8), (4, 4), (4, 8)] {
        let plain = Plain::Text(false, width, vec![255; len]);
        let mut writer = Writer::new();
        let node = write(&mut writer, &plain).unwrap();
        writer.float(f64::from_bits(u64::MAX)).unwrap();
        let arena = writer.finish(node);
        let words = &arena.words()[1..];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(
            &bytes[len..len + usize::from(width)],
            &vec![0; usize::from(width)][..]
        );
    }
}

#[test]
fn entries_keep_their_order() {
    let keys: Vec<_> = (0..1000)
        .map(|i| text(&format!("{}", i * 7919 % 1000)))
        .collect();
    let entries = keys.iter().map(|key| (key.clone(), Plain::None)).collect();
    let arena = freeze(&Plain::Dict(entries));
    let Value::Dict(table) = arena.read(arena.root()) else {
        panic!("a dict was written");
    };
    let read: Vec<_> = (0..table.len())
        .map(|entry| thaw(table.read_key(entry)))
        .collect();
    assert_eq!(read, keys);
}

#[test]
fn large_bytes_are_in_pages_of_their_own_but_in_keys() {
    use interlane_core::{LEAST_ALIAS, Pages};

    let data: Vec<u8> = (0..2 * LEAST_ALIAS).map(|i| i as u8).collect();
    let mut writer = Writer::new();
    let mut tuple = writer.open(Container::Tuple, 2).unwrap();
    let node = match Pages::copy_of(&data).unwrap() {
        Some(pages) => writer.pages(pages).unwrap(),
        None => return, // not on this system
    };
    writer.put(&mut tuple, node);
    let none = Node::NONE;
    writer.put(&mut tuple, none);
    let root = writer.close(tuple).unwrap();
    let arena = writer.finish(root);
    assert!(arena.nbytes() > data.len());
    let plain = Plain::Tuple(vec![Plain::Bytes(data.clone()), Plain::None]);
    assert_eq!(thaw(arena.read(arena.root())), plain);

    for is_key in [false, true] {
        let mut writer = Writer::new();
        let root = writer.copy(&arena, arena.root(), is_key).unwrap();
        let copy = writer.finish(root);
        assert_eq!(thaw(copy.read(copy.root())), plain);
        let Value::Tuple(items) = copy.read(copy.root()) else {
            panic!("a tuple was written");
        };
        assert_eq!(copy.pages(items.get(0)).is_some(), !is_key);
        assert_eq!(
            copy.read(copy.root()).equals(&arena.read(arena.root())),
            Ok(true)
        );
    }
}
