//! Formats of items, in the language of the `struct` module.

use std::ffi::{CStr, CString};

/// What the bytes of an item mean.
#[derive(Debug)]
pub(crate) struct Format {
    text: CString,
    itemsize: usize,
    /// `None`: an exporter's own language. Such items can be moved about, but not looked into.
    fields: Option<Box<[Field]>>,
}

/// A run of values of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) kind: Kind,
    /// Of the first one, in bytes.
    pub(super) offset: usize,
    /// Of each, in bytes.
    pub(super) size: usize,
    pub(super) count: usize,
    /// Are the bytes in the other order than this machine's?
    pub(super) swapped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Char,
    Signed,
    Unsigned,
    Bool,
    Float,
    Complex,
    /// One `bytes` of the whole size.
    Bytes,
    /// The same with its length in the first byte.
    Pascal,
}

impl Format {
    /// The format of which `text` speaks; the error says what is wrong with it.
    pub(crate) fn parse(text: &CStr) -> Result<Self, String> {
        let wrong = |what: &str| format!("format {text:?} {what}");
        let (fields, itemsize) = parse(text.to_bytes()).map_err(wrong)?;
        if itemsize == 0 {
            return Err(wrong("has items of no bytes"));
        }
        Ok(Self {
            text: text.to_owned(),
            itemsize,
            fields: Some(fields.into()),
        })
    }

    /// The format of an exporter's items, which may be one that only others know.
    pub(crate) fn of_exporter(text: &CStr, itemsize: usize) -> Self {
        match Self::parse(text) {
            Ok(format) if format.itemsize == itemsize => format,
            _ => Self {
                text: text.to_owned(),
                itemsize,
                fields: None,
            },
        }
    }

    pub(crate) fn text(&self) -> &CStr {
        &self.text
    }

    pub(crate) fn itemsize(&self) -> usize {
        self.itemsize
    }

    pub(super) fn fields(&self) -> Option<&[Field]> {
        self.fields.as_deref()
    }

    /// The only value of an item, where there is only one.
    pub(super) fn single(&self) -> Option<Field> {
        match self.fields() {
            Some([field]) if field.count == 1 => Some(*field),
            _ => None,
        }
    }

    /// The same, where it takes all of the item.
    pub(super) fn whole(&self) -> Option<Field> {
        self.single().filter(|field| field.size == self.itemsize)
    }

    /// Do equal values have equal bytes, in both of these formats, and the other way round?
    pub(super) fn compares_bytes(&self, other: &Self) -> bool {
        let plain = |format: &Self| {
            let plain =
                |field: &Field| matches!(field.kind, Kind::Char | Kind::Signed | Kind::Unsigned);
            format.whole().filter(plain)
        };
        matches!((plain(self), plain(other)), (Some(a), Some(b)) if a == b)
    }

    /// Is an item one byte, whatever it means?
    pub(super) fn is_byte(&self) -> bool {
        self.itemsize == 1
            && self
                .single()
                .is_some_and(|field| !matches!(field.kind, Kind::Bool | Kind::Bytes | Kind::Pascal))
    }

    /// Are items of both the same?
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.itemsize == other.itemsize
            && match (&self.fields, &other.fields) {
                (Some(a), Some(b)) => a == b || (self.is_byte() && other.is_byte()),
                (None, None) => self.text == other.text,
                _ => false,
            }
    }
}

/// Fields and size of an item.
fn parse(text: &[u8]) -> Result<(Vec<Field>, usize), &'static str> {
    let (native, swapped, text) = match text.split_first() {
        Some((b'@', rest)) => (true, false, rest),
        Some((b'=', rest)) => (false, false, rest),
        Some((b'<', rest)) => (false, cfg!(target_endian = "big"), rest),
        Some((b'>' | b'!', rest)) => (false, cfg!(target_endian = "little"), rest),
        _ => (true, false, text),
    };
    let too_large = "has items that are too large";
    let (mut fields, mut end): (Vec<Field>, usize) = (Vec::new(), 0);
    let mut rest = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .peekable();
    while let Some(mut code) = rest.next() {
        let mut count = None;
        while code.is_ascii_digit() {
            let digit = usize::from(code - b'0');
            let more = count.unwrap_or(0_usize).checked_mul(10);
            count = Some(
                more.and_then(|more| more.checked_add(digit))
                    .ok_or(too_large)?,
            );
            code = rest.next().ok_or("ends with a number")?;
        }
        let count = count.unwrap_or(1);
        let complex = code == b'Z';
        if complex {
            code = rest
                .next_if(|part| matches!(part, b'f' | b'd'))
                .ok_or("has a Z without f or d")?;
        }
        if code == b'x' {
            end = end.checked_add(count).ok_or(too_large)?;
            continue;
        }
        let (kind, mut size, mut align) = item(code, native).ok_or("is not known")?;
        let mut count = count;
        match kind {
            Kind::Bytes | Kind::Pascal => (size, count) = (count, 1),
            Kind::Complex => {}
            _ if complex => size *= 2,
            _ => {}
        }
        if !native {
            align = 1;
        }
        let kind = if complex { Kind::Complex } else { kind };
        let offset = end.checked_next_multiple_of(align).ok_or(too_large)?;
        end = size
            .checked_mul(count)
            .and_then(|bytes| offset.checked_add(bytes))
            .filter(|&end| isize::try_from(end).is_ok())
            .ok_or(too_large)?;
        if count > 0 {
            fields.push(Field {
                kind,
                offset,
                size,
                count,
                swapped,
            });
        }
    }
    if fields.is_empty() && end == 0 {
        return Err("has no values");
    }
    Ok((fields, end))
}

/// Kind, size and alignment of what a letter stands for.
fn item(code: u8, native: bool) -> Option<(Kind, usize, usize)> {
    use core::ffi::{c_int, c_long, c_longlong, c_short, c_void};

    let (kind, standard, own, align) = match code {
        b'c' => (Kind::Char, 1, 1, 1),
        b'b' => (Kind::Signed, 1, 1, 1),
        b'B' => (Kind::Unsigned, 1, 1, 1),
        b'?' => (Kind::Bool, 1, 1, 1),
        b'h' => (Kind::Signed, 2, size_of::<c_short>(), align_of::<c_short>()),
        b'H' => (
            Kind::Unsigned,
            2,
            size_of::<c_short>(),
            align_of::<c_short>(),
        ),
        b'i' => (Kind::Signed, 4, size_of::<c_int>(), align_of::<c_int>()),
        b'I' => (Kind::Unsigned, 4, size_of::<c_int>(), align_of::<c_int>()),
        b'l' => (Kind::Signed, 4, size_of::<c_long>(), align_of::<c_long>()),
        b'L' => (Kind::Unsigned, 4, size_of::<c_long>(), align_of::<c_long>()),
        b'q' => (Kind::Signed, 8, 8, align_of::<c_longlong>()),
        b'Q' => (Kind::Unsigned, 8, 8, align_of::<c_longlong>()),
        b'n' if native => (Kind::Signed, 8, size_of::<isize>(), align_of::<isize>()),
        b'N' if native => (Kind::Unsigned, 8, size_of::<usize>(), align_of::<usize>()),
        b'P' if native => (
            Kind::Unsigned,
            8,
            size_of::<*const c_void>(),
            align_of::<*const c_void>(),
        ),
        b'e' => (Kind::Float, 2, 2, 2),
        b'f' => (Kind::Float, 4, 4, align_of::<f32>()),
        b'd' => (Kind::Float, 8, 8, align_of::<f64>()),
        b'F' => (Kind::Complex, 8, 8, align_of::<f32>()),
        b'D' => (Kind::Complex, 16, 16, align_of::<f64>()),
        b's' => (Kind::Bytes, 1, 1, 1),
        b'p' => (Kind::Pascal, 1, 1, 1),
        _ => return None,
    };
    Some((kind, if native { own } else { standard }, align))
}
