//! Single items, as objects.

use super::format::{Field, Format, Kind};
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};

/// The item at an address: its value, or a tuple of them where it has several.
///
/// # Safety
/// So many bytes are there. Others may write to them meanwhile, then what is read may be of several of their writes.
pub(super) unsafe fn read<'py>(
    cx: Cx<'py>,
    format: &Format,
    item: *const u8,
) -> PyResult<Owned<'py>> {
    if let Some(field) = format.single() {
        // SAFETY: forwarded to the caller.
        return unsafe { read_value(cx, field, item.add(field.offset)) };
    }
    let fields = known(cx, format)?;
    let tuple = cx.tuple(fields.iter().map(|field| field.count).sum())?;
    let mut place = 0;
    for field in fields {
        for index in 0..field.count {
            // SAFETY: forwarded to the caller: the field is within the item.
            let value =
                unsafe { read_value(cx, *field, item.add(field.offset + index * field.size)) };
            tuple.get().fill(place, value?);
            place += 1;
        }
    }
    Ok(tuple)
}

/// The bytes of an item of this value, or of this tuple of values. What is padding is left as it is in `item`.
pub(super) fn write(cx: Cx<'_>, format: &Format, value: Ref<'_>, item: &mut [u8]) -> PyResult<()> {
    if let Some(field) = format.single() {
        let bytes = &mut item[field.offset..][..field.size];
        return write_value(cx, format, field, value, bytes);
    }
    let fields = known(cx, format)?;
    let expected: usize = fields.iter().map(|field| field.count).sum();
    let values = value.tuple_items().filter(|items| items.len() == expected);
    let Some(values) = values else {
        let message = format!(
            "an item of format {:?} is a tuple of {expected} values",
            format.text()
        );
        return Err(Raised::type_error(cx.py(), &message));
    };
    let mut values = values.into_iter();
    for field in fields {
        for (index, value) in (0..field.count).zip(values.by_ref()) {
            let bytes = &mut item[field.offset + index * field.size..][..field.size];
            write_value(cx, format, *field, value, bytes)?;
        }
    }
    Ok(())
}

fn known<'a>(cx: Cx<'_>, format: &'a Format) -> PyResult<&'a [Field]> {
    format.fields().ok_or_else(|| {
        let message = format!("items of format {:?} cannot be looked into", format.text());
        Raised::builtin(cx.py(), Builtin::NotImplemented, &message)
    })
}

/// # Safety
/// As for [`read`], for one value.
unsafe fn read_value<'py>(cx: Cx<'py>, field: Field, value: *const u8) -> PyResult<Owned<'py>> {
    let size = field.size;
    // SAFETY: forwarded to the caller; the bytes of a fresh object are elsewhere.
    let copied = |skip: usize, length: usize| unsafe {
        cx.bytes_with(length, |to| {
            core::ptr::copy_nonoverlapping(value.add(skip), to, length)
        })
    };
    match field.kind {
        Kind::Char => return copied(0, 1),
        Kind::Bytes => return copied(0, size),
        Kind::Pascal if size == 0 => return cx.bytes(b""),
        Kind::Pascal => {
            // SAFETY: there is one byte at least.
            let length = usize::from(unsafe { value.read() });
            return copied(1, length.min(size - 1));
        }
        _ => {}
    }
    let mut bytes = [0; 16];
    // SAFETY: forwarded to the caller; no value is longer than that.
    unsafe { core::ptr::copy_nonoverlapping(value, bytes.as_mut_ptr(), size) };
    let bytes = &mut bytes[..size];
    to_little_end(field, bytes);
    match field.kind {
        Kind::Bool => Ok(cx.bool(bytes.iter().any(|&byte| byte != 0))),
        Kind::Float => cx.float(float(cx, bytes)?),
        Kind::Complex => {
            let (re, im) = bytes.split_at(size / 2);
            cx.complex(float(cx, re)?, float(cx, im)?)
        }
        Kind::Signed => {
            let negative = bytes[size - 1] & 0x80 != 0;
            let mut wide = [if negative { 0xff } else { 0 }; 8];
            wide[..size].copy_from_slice(bytes);
            cx.int(i64::from_le_bytes(wide))
        }
        _ => {
            let mut wide = [0; 8];
            wide[..size].copy_from_slice(bytes);
            cx.unsigned(u64::from_le_bytes(wide))
        }
    }
}

fn write_value(
    cx: Cx<'_>,
    format: &Format,
    field: Field,
    value: Ref<'_>,
    bytes: &mut [u8],
) -> PyResult<()> {
    let py = cx.py();
    match field.kind {
        Kind::Char => {
            let given = expect_bytes(cx, format, value)?;
            if given.len() != 1 {
                return Err(out_of_range(cx, format));
            }
            bytes.copy_from_slice(given);
            return Ok(());
        }
        Kind::Bytes | Kind::Pascal => {
            let mut given = expect_bytes(cx, format, value)?;
            let mut room = bytes;
            if field.kind == Kind::Pascal {
                let Some((length, rest)) = room.split_first_mut() else {
                    return Ok(());
                };
                given = &given[..given.len().min(rest.len()).min(255)];
                *length = given.len() as u8;
                room = rest;
            }
            let (text, padding) = room.split_at_mut(given.len().min(room.len()));
            text.copy_from_slice(&given[..text.len()]);
            padding.fill(0);
            return Ok(());
        }
        Kind::Bool => bytes.fill_with(Default::default),
        _ => {}
    }
    match field.kind {
        Kind::Bool => bytes[0] = u8::from(value.is_true(py)?),
        Kind::Float => write_float(cx, format, number(cx, format, value)?, bytes)?,
        Kind::Complex => {
            let (re, im) = if value.is_complex() {
                value.as_complex()
            } else {
                (number(cx, format, value)?, 0.0)
            };
            let (first, second) = bytes.split_at_mut(field.size / 2);
            write_float(cx, format, re, first)?;
            write_float(cx, format, im, second)?;
        }
        kind => {
            let whole = value
                .to_index(py)
                .map_err(|raised| of_type(cx, format, raised))?;
            let wide = if kind == Kind::Signed {
                whole.get().small_int(py)?.map(i64::to_le_bytes)
            } else {
                whole.get().small_unsigned(py).map(u64::to_le_bytes)
            };
            let wide = wide.ok_or_else(|| out_of_range(cx, format))?;
            let (kept, cut) = wide.split_at(field.size);
            let negative = kind == Kind::Signed && kept[field.size - 1] & 0x80 != 0;
            if cut
                .iter()
                .any(|&byte| byte != if negative { 0xff } else { 0 })
            {
                return Err(out_of_range(cx, format));
            }
            bytes.copy_from_slice(kept);
        }
    }
    to_little_end(field, bytes);
    Ok(())
}

/// From this order of bytes to the other, or back.
fn to_little_end(field: Field, bytes: &mut [u8]) {
    if field.swapped != cfg!(target_endian = "big") {
        let part = if field.kind == Kind::Complex {
            field.size / 2
        } else {
            field.size
        };
        bytes.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
}

fn float(cx: Cx<'_>, bytes: &[u8]) -> PyResult<f64> {
    match *bytes {
        [a, b] => cx.half_to_float([a, b]),
        [a, b, c, d] => Ok(f64::from(f32::from_le_bytes([a, b, c, d]))),
        [a, b, c, d, e, f, g, h] => Ok(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => unreachable!("no float has another size"),
    }
}

fn write_float(cx: Cx<'_>, format: &Format, value: f64, bytes: &mut [u8]) -> PyResult<()> {
    match bytes.len() {
        2 => {
            let half = cx.float_to_half(value).map_err(|raised| {
                raised.ignore(cx.py());
                out_of_range(cx, format)
            })?;
            bytes.copy_from_slice(&half);
        }
        4 => {
            let single = value as f32;
            if single.is_infinite() && value.is_finite() {
                return Err(out_of_range(cx, format));
            }
            bytes.copy_from_slice(&single.to_le_bytes());
        }
        _ => bytes.copy_from_slice(&value.to_le_bytes()),
    }
    Ok(())
}

fn number(cx: Cx<'_>, format: &Format, value: Ref<'_>) -> PyResult<f64> {
    value
        .as_float(cx.py())
        .map_err(|raised| of_type(cx, format, raised))
}

fn expect_bytes<'a>(cx: Cx<'_>, format: &Format, value: Ref<'a>) -> PyResult<&'a [u8]> {
    if value.is_bytes() {
        return Ok(value.as_bytes());
    }
    Err(invalid_type(cx, format))
}

/// The exception for a value that is no number: ours instead of a `TypeError` that does not know the format.
fn of_type(cx: Cx<'_>, format: &Format, raised: Raised) -> Raised {
    if raised.is_builtin(cx.py(), Builtin::Type) {
        raised.ignore(cx.py());
        return invalid_type(cx, format);
    }
    if raised.is_builtin(cx.py(), Builtin::Overflow) {
        raised.ignore(cx.py());
        return out_of_range(cx, format);
    }
    raised
}

fn invalid_type(cx: Cx<'_>, format: &Format) -> Raised {
    Raised::type_error(
        cx.py(),
        &format!("invalid type for format {:?}", format.text()),
    )
}

fn out_of_range(cx: Cx<'_>, format: &Format) -> Raised {
    Raised::value_error(
        cx.py(),
        &format!("invalid value for format {:?}", format.text()),
    )
}
