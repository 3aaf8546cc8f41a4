//! How long the buffers of an array are, which only its format tells.

use core::ffi::CStr;
use std::borrow::Cow;
use std::ffi::CString;

use super::array::Array;
use super::schema::Schema;
use crate::py::buffer::Window;

/// Memory of an array, from its first item on, whatever the array's offset.
pub(crate) struct Buffer {
    data: *const u8,
    count: usize,
    itemsize: usize,
    /// What an item is, in the language of the `struct` module.
    format: Cow<'static, CStr>,
}

impl Buffer {
    pub(crate) fn nbytes(&self) -> usize {
        self.count * self.itemsize
    }

    pub(crate) fn window(&self) -> Window {
        let itemsize = self.itemsize as isize;
        Window::described(
            self.data.cast_mut().cast(),
            itemsize,
            self.format.clone().into_owned(),
            &[self.count as isize],
            &[itemsize],
            true,
        )
    }
}

/// What one buffer has in it.
#[derive(Clone)]
enum Part {
    /// One bit for each item.
    Bits,
    /// Values of so many bytes.
    Items(usize, Cow<'static, CStr>),
    /// Where each item begins in the next buffer, and where the last one ends: numbers of so many bytes.
    Ends(usize),
    /// As many bytes as the last number of the buffer before it says.
    Data,
    /// Views, then any number of buffers, then the lengths of those.
    Views,
}

/// The buffers of a format; `None`: nobody here knows it.
fn parts(format: &[u8]) -> Option<Vec<Part>> {
    let values = |size: usize, code: &'static CStr| {
        Some(vec![Part::Bits, Part::Items(size, Cow::Borrowed(code))])
    };
    let number = |text: &[u8]| core::str::from_utf8(text).ok()?.parse::<usize>().ok();
    let opaque = |size: usize| {
        let format = CString::new(format!("{size}s")).ok()?;
        Some(vec![Part::Bits, Part::Items(size, Cow::Owned(format))])
    };
    let one = |size: usize, code| Part::Items(size, Cow::Borrowed(code));
    match format {
        b"n" | b"+r" => Some(Vec::new()),
        b"b" => Some(vec![Part::Bits, Part::Bits]),
        b"c" => values(1, c"b"),
        b"C" => values(1, c"B"),
        b"s" => values(2, c"h"),
        b"S" => values(2, c"H"),
        b"i" | b"tdD" | b"tts" | b"ttm" | b"tiM" => values(4, c"i"),
        b"I" => values(4, c"I"),
        b"l" | b"tdm" | b"ttu" | b"ttn" => values(8, c"q"),
        b"L" => values(8, c"Q"),
        b"e" => values(2, c"e"),
        b"f" => values(4, c"f"),
        b"g" => values(8, c"d"),
        b"tiD" => values(8, c"2i"),
        b"tin" => values(16, c"2iq"),
        [b't', b's' | b'D', ..] => values(8, c"q"),
        [b'd', b':', decimal @ ..] => match decimal.split(|&byte| byte == b',').nth(2) {
            None => opaque(16),
            Some(bits) => opaque(number(bits).filter(|bits| bits % 8 == 0)? / 8),
        },
        [b'w', b':', size @ ..] => match number(size)? {
            0 => None, // items without bytes are no matter of the buffer protocol
            size => opaque(size),
        },
        b"u" | b"z" => Some(vec![Part::Bits, Part::Ends(4), Part::Data]),
        b"U" | b"Z" => Some(vec![Part::Bits, Part::Ends(8), Part::Data]),
        b"vu" | b"vz" => Some(vec![Part::Bits, one(16, c"16s"), Part::Views]),
        b"+s" => Some(vec![Part::Bits]),
        [b'+', b'w', b':', ..] => Some(vec![Part::Bits]),
        b"+l" | b"+m" => Some(vec![Part::Bits, Part::Ends(4)]),
        b"+L" => Some(vec![Part::Bits, Part::Ends(8)]),
        b"+vl" => Some(vec![Part::Bits, one(4, c"i"), one(4, c"i")]),
        b"+vL" => Some(vec![Part::Bits, one(8, c"q"), one(8, c"q")]),
        [b'+', b'u', b'd', b':', ..] => Some(vec![one(1, c"b"), one(4, c"i")]),
        [b'+', b'u', b's', b':', ..] => Some(vec![one(1, c"b")]),
        _ => None,
    }
}

/// How many buffers an array of this format has at least.
pub(super) fn least_buffers(format: &[u8]) -> usize {
    parts(format).map_or(0, |parts| parts.len())
}

impl Array {
    /// Its own buffers, without those of its children. `None`: there is no memory, or nobody here knows how much.
    pub(crate) fn own_buffers(&self, schema: &Schema) -> Vec<Option<Buffer>> {
        let unknown = || self.buffers.iter().map(|_| None).collect();
        let Some(mut parts) = parts(schema.format().to_bytes()) else {
            return unknown();
        };
        let has_views = matches!(parts.last(), Some(Part::Views));
        if has_views {
            parts.pop();
            return match self.viewed(&parts) {
                Some(buffers) => buffers,
                None => unknown(),
            };
        }
        if parts.len() != self.buffers.len() {
            return unknown(); // older unions have one more
        }
        (0..parts.len())
            .map(|place| self.own_buffer(&parts, place))
            .collect()
    }

    /// The items themselves, where they are values one behind the other and none is null.
    pub(crate) fn items(&self, schema: &Schema) -> Option<Window> {
        let parts = parts(schema.format().to_bytes())?;
        let [Part::Bits, Part::Items(itemsize, format)] = parts.as_slice() else {
            return None;
        };
        let [nulls, data] = *self.buffers else {
            return None;
        };
        if self.dictionary().is_some() || (!nulls.is_null() && self.null_count != 0) {
            return None;
        }
        let first = self.offset.checked_mul(*itemsize)?;
        let (length, itemsize) = (self.length as isize, *itemsize as isize);
        length.checked_mul(itemsize)?;
        if data.is_null() && length > 0 {
            return None;
        }
        Some(Window::described(
            data.wrapping_byte_add(first).cast_mut(),
            itemsize,
            format.clone().into_owned(),
            &[length],
            &[itemsize],
            true,
        ))
    }

    fn own_buffer(&self, parts: &[Part], place: usize) -> Option<Buffer> {
        let items = self.length + self.offset;
        let (count, itemsize, format) = match &parts[place] {
            Part::Bits => (items.div_ceil(8), 1, Cow::Borrowed(c"B")),
            Part::Items(size, format) => (items, *size, format.clone()),
            // An array without items need not have the one number.
            Part::Ends(size) if items == 0 => (0, *size, code_of(*size)),
            Part::Ends(size) => (items + 1, *size, code_of(*size)),
            Part::Data => {
                let Some(Part::Ends(size)) = parts.get(place - 1) else {
                    return None;
                };
                let ends = self.buffers[place - 1];
                if items == 0 || ends.is_null() {
                    return None;
                }
                // SAFETY: a number of so many bytes for each item and one more, which the producer promises; the
                // caller keeps the memory.
                let end = unsafe {
                    match size {
                        4 => i64::from(ends.cast::<i32>().add(items).read_unaligned()),
                        _ => ends.cast::<i64>().add(items).read_unaligned(),
                    }
                };
                (usize::try_from(end).ok()?, 1, Cow::Borrowed(c"B"))
            }
            Part::Views => return None,
        };
        self.buffer(place, count, itemsize, format)
    }

    fn buffer(
        &self,
        place: usize,
        count: usize,
        itemsize: usize,
        format: Cow<'static, CStr>,
    ) -> Option<Buffer> {
        let data: *const u8 = self.buffers[place].cast();
        let fits = count.checked_mul(itemsize)? <= isize::MAX as usize;
        (fits && !data.is_null()).then_some(Buffer {
            data,
            count,
            itemsize,
            format,
        })
    }

    /// Views and what they are views of, whose lengths are in the last buffer.
    fn viewed(&self, parts: &[Part]) -> Option<Vec<Option<Buffer>>> {
        let last = self.buffers.len().checked_sub(1)?;
        let others = last.checked_sub(parts.len())?;
        let lengths: *const i64 = self.buffers[last].cast();
        if others > 0 && lengths.is_null() {
            return None;
        }
        let mut buffers: Vec<_> = (0..parts.len())
            .map(|place| self.own_buffer(parts, place))
            .collect();
        for place in 0..others {
            // SAFETY: a number for each of these buffers, which the producer promises; the caller keeps the memory.
            let length = unsafe { lengths.add(place).read_unaligned() };
            let length = usize::try_from(length).ok();
            buffers.push(length.and_then(|length| {
                self.buffer(parts.len() + place, length, 1, Cow::Borrowed(c"B"))
            }));
        }
        buffers.push(self.buffer(last, others, 8, Cow::Borrowed(c"q")));
        Some(buffers)
    }

    /// All buffers in it whose lengths are known.
    pub(crate) fn each_buffer(&self, schema: &Schema, found: &mut dyn FnMut(Buffer)) {
        self.own_buffers(schema)
            .into_iter()
            .flatten()
            .for_each(&mut *found);
        for (child, schema) in self.children().iter().zip(schema.children()) {
            child.each_buffer(schema, found);
        }
        if let (Some(dictionary), Some(schema)) = (self.dictionary(), schema.dictionary()) {
            dictionary.each_buffer(schema, found);
        }
    }
}

fn code_of(size: usize) -> Cow<'static, CStr> {
    Cow::Borrowed(if size == 4 { c"i" } else { c"q" })
}
