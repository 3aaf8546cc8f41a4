//! Arrays in pickles: copies.

use std::ffi::CString;

use super::format::Format;
use super::{SharedBuffer, create, shape};
use crate::py::buffer::Acquired;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Signature};

const REDUCE: Signature<1> = Signature {
    function: "__reduce_ex__",
    names: [c"protocol"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

const REBUILD: Signature<4> = Signature {
    function: "_rebuild_buffer",
    names: [c"data", c"format", c"itemsize", c"shape"],
    required: 4,
    positional: 4,
    positional_only: 4,
};

impl SharedBuffer {
    /// From protocol 5 on the bytes may stay out of the pickle.
    pub(super) fn reduce<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [Some(protocol)] = args.parse(cx.py(), &REDUCE)? else {
            unreachable!("the signature requires it")
        };
        let data = if protocol.index(cx.py())? >= 5 && self.array.is_contiguous() {
            let array = self.derive(cx, self.array.clone())?;
            let class = cx
                .import(c"_pickle")?
                .get()
                .attribute(cx.py(), c"PickleBuffer")?;
            class.get().call(cx.py(), [array.get()])?
        } else {
            self.copied(cx)?
        };
        let parts = [data, self.format(cx)?, self.itemsize(cx)?, self.shape(cx)?];
        let arguments = cx.tuple(parts.len())?;
        for (place, part) in parts.into_iter().enumerate() {
            arguments.get().fill(place, part);
        }
        let module = cx.ours(c"interlane._core")?;
        let pair = cx.tuple(2)?;
        pair.get()
            .fill(0, module.get().attribute(cx.py(), c"_rebuild_buffer")?);
        pair.get().fill(1, arguments);
        Ok(pair)
    }
}

/// `_rebuild_buffer(data, format, itemsize, shape)`: the array of a pickle.
pub(crate) fn rebuild<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [Some(data), Some(format), Some(itemsize), Some(shape)] = args.parse(cx.py(), &REBUILD)?
    else {
        unreachable!("the signature requires them")
    };
    let wrong =
        |what: &str| Raised::value_error(cx.py(), &format!("the pickled SharedBuffer has {what}"));
    let text = CString::new(format.display(cx.py())).map_err(|_| wrong("a NUL in its format"))?;
    let itemsize = usize::try_from(itemsize.index(cx.py())?)
        .ok()
        .filter(|&size| size > 0)
        .ok_or_else(|| wrong("items of no bytes"))?;
    let format = Format::of_exporter(&text, itemsize);
    let shape = shape::of(cx, shape)?;
    let nbytes = shape::nbytes(cx, &shape, itemsize)?;
    let source = Acquired::new(cx.py(), data, false)?;
    let rebuilt = if source.nbytes() == nbytes {
        create::filled(cx, &source, format, &shape)
    } else {
        Err(wrong("more or fewer bytes than items"))
    };
    // SAFETY: acquired above, in this interpreter.
    unsafe { source.release() };
    rebuilt
}
