//! Whether two arrays have the same values.

use super::format::Format;
use super::shape::{self, Side};
use super::{SharedBuffer, element};
use crate::py::buffer::{Acquired, Window};
use crate::py::{Cx, PyResult, Ref};

impl SharedBuffer {
    /// As `memoryview` compares: the same shape, and equal values, whatever their formats. `None`: no buffer.
    pub(super) fn equal(&self, cx: Cx<'_>, other: Ref<'_>) -> PyResult<Option<bool>> {
        let Some(_used) = self.handle.enter().filter(|_| Acquired::possible(other)) else {
            return Ok(None);
        };
        let acquired = match Acquired::new(cx.py(), other, false) {
            Ok(acquired) => acquired,
            Err(raised) if raised.is_ordinary(cx.py()) => {
                raised.ignore(cx.py());
                return Ok(None);
            }
            Err(raised) => return Err(raised),
        };
        let same = self.equals(cx, &acquired);
        // SAFETY: acquired above, in this interpreter.
        unsafe { acquired.release() };
        same.map(Some)
    }

    fn equals(&self, cx: Cx<'_>, other: &Acquired) -> PyResult<bool> {
        let (this, that) = (self.window(), Window::of(other.layout()));
        if this.shape() != that.shape() {
            return Ok(false);
        }
        let format = Format::of_exporter(that.format(), that.itemsize());
        let by_bytes = self.array.format.compares_bytes(&format);
        if !by_bytes && (self.array.format.fields().is_none() || format.fields().is_none()) {
            return Ok(false); // nobody here knows what the values are
        }
        let shape = this.shape();
        let mut copied = Vec::new();
        let mut strides = Vec::new();
        let mut data = that.data();
        if that.has_suboffsets() {
            copied.resize(that.nbytes(), 0_u8);
            data = copied.as_mut_ptr();
            // SAFETY: so much room.
            unsafe { other.copy_to(cx.py(), data)? };
            strides = shape::strides(shape, that.itemsize());
        }
        let sides = [
            Side {
                data: this.data(),
                strides: this.strides(),
            },
            Side {
                data,
                strides: if that.has_suboffsets() {
                    &strides
                } else {
                    that.strides()
                },
            },
        ];
        let formats = [&*self.array.format, &format];
        // SAFETY: two arrays of this shape, in use.
        unsafe { same(cx, by_bytes, shape, sides, formats) }
    }
}

/// # Safety
/// Two arrays of this shape and these formats, in use.
unsafe fn same(
    cx: Cx<'_>,
    by_bytes: bool,
    shape: &[isize],
    sides: [Side<'_>; 2],
    formats: [&Format; 2],
) -> PyResult<bool> {
    if shape.contains(&0) {
        return Ok(true);
    }
    let size = formats[0].itemsize();
    let plain = |side: Side<'_>| shape::is_contiguous(shape, side.strides, size);
    if by_bytes && plain(sides[0]) && plain(sides[1]) {
        let count = shape.iter().product::<isize>() as usize * size;
        // SAFETY: so many bytes, which are there. Others may write to them: hence no slices of them.
        let order = unsafe { libc::memcmp(sides[0].data.cast(), sides[1].data.cast(), count) };
        return Ok(order == 0);
    }
    let Some((&length, inner)) = shape.split_first() else {
        // SAFETY: an item each, forwarded to the caller.
        let [a, b] = unsafe {
            [
                element::read(cx, formats[0], sides[0].data)?,
                element::read(cx, formats[1], sides[1].data)?,
            ]
        };
        return a.get().equals(cx.py(), b.get());
    };
    for index in 0..length {
        let parts = sides.map(|side| Side {
            data: side.data.wrapping_offset(index * side.strides[0]),
            strides: &side.strides[1..],
        });
        // SAFETY: forwarded to the caller.
        if !unsafe { same(cx, by_bytes, inner, parts, formats)? } {
            return Ok(false);
        }
    }
    Ok(true)
}
