//! Items and parts of an array: read, written, listed.

use super::select::{Selection, select, within};
use super::shape::Side;
use super::{SharedBuffer, element, shape};
use crate::py::buffer::{Acquired, Window};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, text};

impl SharedBuffer {
    pub(super) fn length(&self, cx: Cx<'_>) -> PyResult<usize> {
        match self.seen(cx)?.shape() {
            [] => Err(Raised::type_error(
                cx.py(),
                "an array of no dimensions has no length",
            )),
            [length, ..] => Ok(*length as usize),
        }
    }

    pub(super) fn get<'py>(&self, cx: Cx<'py>, key: Ref<'py>) -> PyResult<Owned<'py>> {
        let window = self.seen(cx)?;
        let selection = select(cx, window.shape(), window.strides(), key)?;
        // The last thing before the memory is used: what the key does may move it away.
        let _used = self.enter(cx)?;
        if selection.is_item {
            // SAFETY: an item of the array, which stays where it is while it is used.
            return unsafe {
                let item = window.data().offset(selection.offset);
                element::read(cx, &self.array.format, item)
            };
        }
        self.part(cx, &selection)
    }

    /// A part as an array of its own.
    fn part<'py>(&self, cx: Cx<'py>, part: &Selection) -> PyResult<Owned<'py>> {
        let window = self.window();
        let data = window.data().wrapping_offset(part.offset);
        let format = self.array.format.clone();
        let array = self.array.seen_as(
            data,
            format,
            &part.shape,
            &part.strides,
            window.is_readonly(),
        );
        self.derive(cx, array)
    }

    /// For iteration and `in`.
    pub(super) fn item<'py>(&self, cx: Cx<'py>, index: isize) -> PyResult<Option<Owned<'py>>> {
        let window = self.window();
        let (Some((&length, shape)), Some((&stride, strides))) =
            (window.shape().split_first(), window.strides().split_first())
        else {
            return Err(Raised::type_error(
                cx.py(),
                "an array of no dimensions has no items to go through",
            ));
        };
        let Some(place) = within(index, length).filter(|_| index >= 0) else {
            return Ok(None);
        };
        let part = Selection {
            offset: place * stride,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            is_item: shape.is_empty(),
        };
        let _used = self.enter(cx)?;
        if !part.is_item {
            return self.part(cx, &part).map(Some);
        }
        // SAFETY: as in `get`.
        let item =
            unsafe { element::read(cx, &self.array.format, window.data().offset(part.offset)) };
        item.map(Some)
    }

    pub(super) fn set<'py>(
        &self,
        cx: Cx<'py>,
        key: Ref<'py>,
        value: Option<Ref<'py>>,
    ) -> PyResult<()> {
        let window = self.seen(cx)?;
        let Some(value) = value else {
            return Err(Raised::type_error(
                cx.py(),
                "items of a SharedBuffer cannot be deleted",
            ));
        };
        let part = select(cx, window.shape(), window.strides(), key)?;
        if !part.is_item {
            return self.assign(cx, &part, value);
        }
        // Early, so that it is not the value that is complained about.
        drop(self.write(cx)?);
        let size = window.itemsize();
        let (mut short, mut long) = ([0; 64], Vec::new());
        let bytes = match short.get_mut(..size) {
            Some(bytes) => bytes,
            None => {
                long.resize(size, 0);
                long.as_mut_slice()
            }
        };
        element::write(cx, &self.array.format, value, bytes)?;
        // The value may have run anything: only now.
        let (_used, _write) = (self.enter(cx)?, self.write(cx)?);
        // SAFETY: an item of the array, which stays where it is while it is used. Others may read or write it at the
        // same time, and then see any mixture: that is what sharing memory means.
        unsafe {
            let item = window.data().offset(part.offset);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), item, size);
        }
        Ok(())
    }

    /// Assigns the contents of a buffer of the same shape to a part.
    fn assign(&self, cx: Cx<'_>, part: &Selection, value: Ref<'_>) -> PyResult<()> {
        drop(self.write(cx)?);
        if !Acquired::possible(value) {
            let message = format!(
                "a part of an array takes the contents of a buffer, not {}",
                value.class_name(cx.py())
            );
            return Err(Raised::type_error(cx.py(), &message));
        }
        let source = Acquired::new(cx.py(), value, false)?;
        let done = self.assign_from(cx, part, &source);
        // SAFETY: acquired above, in this interpreter.
        unsafe { source.release() };
        done
    }

    fn assign_from(&self, cx: Cx<'_>, part: &Selection, source: &Acquired) -> PyResult<()> {
        let from = Window::of(source.layout());
        let size = self.window().itemsize();
        let format = super::Format::of_exporter(from.format(), from.itemsize());
        if from.shape() != part.shape || !format.is_like(&self.array.format) {
            let message = format!(
                "items of format {:?} in shape {} cannot become items of format {:?} in shape {}",
                from.format(),
                shape::text(from.shape()),
                self.window().format(),
                shape::text(&part.shape)
            );
            return Err(Raised::value_error(cx.py(), &message));
        }
        let (_used, _write) = (self.enter(cx)?, self.write(cx)?);
        let to = Side {
            data: self.window().data().wrapping_offset(part.offset),
            strides: &part.strides,
        };
        let apart = match (from.span(), self.window().span()) {
            (Some(a), Some(b)) => a.end <= b.start || b.end <= a.start,
            _ => true, // one of them has no bytes
        };
        let plain = |strides| shape::is_contiguous(&part.shape, strides, size);
        if !from.has_suboffsets() && (apart || plain(&part.strides) && plain(from.strides())) {
            let from = Side {
                data: from.data(),
                strides: from.strides(),
            };
            // SAFETY: of the same shape and size of items, both in use; where they overlap, without gaps.
            unsafe { shape::copy_large(cx, &part.shape, size, to, from) };
            return Ok(());
        }
        let mut copied = Vec::new();
        copied.try_reserve_exact(from.nbytes()).map_err(|_| {
            Raised::builtin(cx.py(), Builtin::Memory, "no memory for what overlaps")
        })?;
        let copy: *mut u8 = copied.as_mut_ptr();
        let strides = shape::strides(&part.shape, size);
        // SAFETY: so much room; then of the same shape and size of items, elsewhere.
        unsafe {
            source.copy_to(cx.py(), copy)?;
            let from = Side {
                data: copy,
                strides: &strides,
            };
            shape::copy(&part.shape, size, to, from);
        }
        Ok(())
    }
}

const TO_BYTES: Signature<1> = Signature {
    function: "tobytes",
    names: [c"order"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

impl SharedBuffer {
    pub(super) fn to_bytes<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [order] = args.parse(cx.py(), &TO_BYTES)?;
        let window = self.window();
        let (shape, size) = (window.shape(), window.itemsize());
        let order = match order.filter(|order| !order.is_none()) {
            None => "C".to_owned(),
            Some(order) => {
                text::expect_str(cx.py(), order, "order")?;
                order.display(cx.py())
            }
        };
        let strides = match order.as_str() {
            "C" => shape::strides(shape, size),
            "F" => shape::fortran_strides(shape, size),
            "A" if self.is_fortran() && !self.array.is_contiguous() => {
                shape::fortran_strides(shape, size)
            }
            "A" => shape::strides(shape, size),
            other => {
                let message = format!("order must be 'C', 'F' or 'A', not '{other}'");
                return Err(Raised::value_error(cx.py(), &message));
            }
        };
        self.copied_as(cx, &strides)
    }

    /// The items as `bytes`, in the order of C.
    pub(super) fn copied<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let strides = shape::strides(self.window().shape(), self.window().itemsize());
        self.copied_as(cx, &strides)
    }

    fn copied_as<'py>(&self, cx: Cx<'py>, strides: &[isize]) -> PyResult<Owned<'py>> {
        let window = self.window();
        let _used = self.enter(cx)?;
        cx.bytes_with(window.nbytes(), |data| {
            let to = Side { data, strides };
            let from = Side {
                data: window.data(),
                strides: window.strides(),
            };
            // SAFETY: the new bytes are as many, and nobody else knows of them; the memory is in use.
            unsafe { shape::copy(window.shape(), window.itemsize(), to, from) };
        })
    }

    pub(super) fn to_list<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let _used = self.enter(cx)?;
        let window = self.window();
        // SAFETY: the whole array, in use.
        unsafe { self.list(cx, window.data(), window.shape(), window.strides()) }
    }

    /// # Safety
    /// An array of items of this format, in use.
    unsafe fn list<'py>(
        &self,
        cx: Cx<'py>,
        data: *const u8,
        shape: &[isize],
        strides: &[isize],
    ) -> PyResult<Owned<'py>> {
        let (Some((&length, shape)), Some((&stride, strides))) =
            (shape.split_first(), strides.split_first())
        else {
            // SAFETY: forwarded to the caller.
            return unsafe { element::read(cx, &self.array.format, data) };
        };
        let list = cx.list()?;
        for index in 0..length {
            // SAFETY: forwarded to the caller.
            let item =
                unsafe { self.list(cx, data.wrapping_offset(index * stride), shape, strides)? };
            list.get().append(cx.py(), item.get())?;
        }
        Ok(list)
    }
}
