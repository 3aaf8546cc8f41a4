//! `ArrowStream`: any number of arrays of one schema.

use core::ffi::CStr;

use super::{Data, View, instance};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult};
use crate::state::State;

pub(crate) struct ArrowStream(pub(super) Data);

impl ArrowStream {
    fn schema_capsule<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.0.schema_capsule(cx)
    }

    fn stream_capsule<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.0.stream_capsule(cx, args)
    }

    fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.0.length())
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let count = self.0.view.table.chunks.len();
        let chunks = format!(" in {count} chunk{}", if count == 1 { "" } else { "s" });
        cx.str(&self.0.text("ArrowStream", &chunks))
    }

    fn format<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.0.format(cx)
    }

    fn nbytes<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.0.nbytes(cx)
    }

    fn chunks<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let view = &self.0.view;
        let tuple = cx.tuple(view.table.chunks.len())?;
        for place in view.chunks() {
            let chunk = View {
                chunk: Some(place),
                ..view.clone()
            };
            tuple.get().fill(place, instance(cx, self.0.of(chunk))?);
        }
        Ok(tuple)
    }
}

impl Class for ArrowStream {
    const NAME: &'static CStr = c"interlane.ArrowStream";
    const DOC: &'static CStr = c"A table, or a column, of another interpreter, in that interpreter's own memory.

Whatever takes a stream of Arrow data takes it, as often as wanted and without a copy: pyarrow.table(it),
polars.DataFrame(it). What was sent is an object with __arrow_c_stream__, of which all chunks were taken when it was
sent. Nobody may write to the memory, which is kept until this object and all that was made of it have gone. len() is
the number of items, or rows, in all chunks.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"__arrow_c_schema__",
                Self::schema_capsule,
                c"__arrow_c_schema__($self, /)\n--\n\nReturn a capsule 'arrow_schema'.",
            ),
            method::keywords(
                c"__arrow_c_stream__",
                Self::stream_capsule,
                c"__arrow_c_stream__($self, /, requested_schema=None)\n--\n\nReturn a capsule 'arrow_array_stream' of all chunks, from the first on. Any number of times.\n\nThe data has the schema that it has, whatever is requested.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"format",
                Self::format,
                c"The type, in the language of the Arrow C data interface: '+s' for a table.",
            ),
            getset::getter(
                c"nbytes",
                Self::nbytes,
                c"Bytes of all buffers in it, as far as the format tells their lengths. What several chunks use is counted\nwith each of them.",
            ),
            getset::getter(c"chunks", Self::chunks, c"The arrays, as a tuple of ArrowArray."),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const { &[slot::repr(Self::repr), slot::length(Self::length)] };

    fn home(state: &State) -> &Global {
        &state.arrow_stream
    }
}
