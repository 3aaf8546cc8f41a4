//! What an array is, and the same memory seen as another array.

use std::sync::Arc;

use super::{SharedBuffer, create, shape};
use crate::py::{Args, Cx, Owned, PyResult, Raised, Signature};

const CAST: Signature<2> = Signature {
    function: "cast",
    names: [c"format", c"shape"],
    required: 1,
    positional: 2,
    positional_only: 0,
};

impl SharedBuffer {
    pub(super) fn cast<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [format, shape] = args.parse(cx.py(), &CAST)?;
        let format = create::given_format(cx, format)?;
        let nbytes = self.seen(cx)?.nbytes();
        if !self.array.is_contiguous() {
            let message = "only an array without gaps, in the order of C, can be cast";
            return Err(Raised::type_error(cx.py(), message));
        }
        let itemsize = format.itemsize();
        let shape = match shape.filter(|shape| !shape.is_none()) {
            Some(shape) => shape::of(cx, shape)?,
            None => vec![(nbytes / itemsize) as isize],
        };
        if shape::nbytes(cx, &shape, itemsize)? != nbytes {
            let message = format!(
                "{nbytes} bytes are no array of shape {} with items of {itemsize}",
                shape::text(&shape)
            );
            return Err(Raised::type_error(cx.py(), &message));
        }
        let strides = shape::strides(&shape, itemsize);
        let (data, readonly) = (self.window().data(), self.window().is_readonly());
        let array = self
            .array
            .seen_as(data, Arc::new(format), &shape, &strides, readonly);
        self.derive(cx, array)
    }

    pub(super) fn reshape<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let lengths = args.positional_only(cx.py(), "reshape")?;
        let mut shape = match lengths.as_slice() {
            [shape] => shape::of(cx, *shape)?,
            lengths => {
                let mut shape = Vec::with_capacity(lengths.len());
                for length in lengths {
                    shape.push(length.index(cx.py())?);
                }
                shape
            }
        };
        let window = self.seen(cx)?;
        let count: isize = window.shape().iter().product();
        if let Some(unknown) = shape.iter().position(|length| *length == -1) {
            shape[unknown] = 1;
            let known = shape::nbytes(cx, &shape, 1)? as isize;
            shape[unknown] = count.checked_div(known).unwrap_or(0);
        }
        if shape::nbytes(cx, &shape, 1)? as isize != count {
            let message = format!(
                "an array of shape {} cannot have shape {}",
                shape::text(window.shape()),
                shape::text(&shape)
            );
            return Err(Raised::value_error(cx.py(), &message));
        }
        if !self.array.is_contiguous() {
            let message = "only an array without gaps, in the order of C, can have another shape";
            return Err(Raised::value_error(cx.py(), message));
        }
        let strides = shape::strides(&shape, window.itemsize());
        let format = Arc::clone(&self.array.format);
        let array = self.array.seen_as(
            window.data(),
            format,
            &shape,
            &strides,
            window.is_readonly(),
        );
        self.derive(cx, array)
    }

    pub(super) fn to_readonly<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let window = self.window();
        let format = Arc::clone(&self.array.format);
        let array = self.array.seen_as(
            window.data(),
            format,
            window.shape(),
            window.strides(),
            true,
        );
        self.derive(cx, array)
    }

    pub(super) fn shape<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        shape::tuple(cx, self.seen(cx)?.shape())
    }

    pub(super) fn strides<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        shape::tuple(cx, self.seen(cx)?.strides())
    }

    pub(super) fn format<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&self.seen(cx)?.format().to_string_lossy())
    }

    pub(super) fn itemsize<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.seen(cx)?.itemsize())
    }

    pub(super) fn nbytes<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.seen(cx)?.nbytes())
    }

    pub(super) fn ndim<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.seen(cx)?.shape().len())
    }

    pub(super) fn readonly<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.seen(cx)?;
        Ok(cx.bool(self.array.is_readonly()))
    }

    pub(super) fn c_contiguous<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.seen(cx)?;
        Ok(cx.bool(self.array.is_contiguous()))
    }

    pub(super) fn f_contiguous<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.seen(cx)?;
        Ok(cx.bool(self.is_fortran()))
    }

    pub(super) fn contiguous<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.seen(cx)?;
        Ok(cx.bool(self.array.is_contiguous() || self.is_fortran()))
    }

    /// Are the items next to each other, in the order of Fortran?
    pub(super) fn is_fortran(&self) -> bool {
        let window = self.window();
        let reversed = |numbers: &[isize]| numbers.iter().rev().copied().collect::<Vec<_>>();
        shape::is_contiguous(
            &reversed(window.shape()),
            &reversed(window.strides()),
            window.itemsize(),
        )
    }
}
