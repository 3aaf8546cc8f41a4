//! `ArrowArray`: one array, or one batch of records.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::AnyShare;

use super::{ARRAY, Data, View, expect_schema, instance};
use crate::py::arrow::{self, Array};
use crate::py::buffer::Window;
use crate::py::error::Builtin;
use crate::py::export::{self, CountedExporter, Export};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised};
use crate::state::State;
use crate::types::area::{self, Memory};

pub(crate) struct ArrowArray {
    pub(super) data: Data,
    /// What the buffer protocol can tell of it.
    pub(super) items: Option<Window>,
}

impl ArrowArray {
    pub(super) fn of(data: Data) -> Self {
        let array = data.view.arrays().next();
        let items = array.and_then(|array| array.items(data.view.schema()));
        Self { data, items }
    }

    fn array(&self) -> &Array {
        match self.data.view.arrays().next() {
            Some(array) => array,
            None => unreachable!("it is of one chunk"),
        }
    }

    fn schema_capsule<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.data.schema_capsule(cx)
    }

    fn capsules<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        expect_schema(cx, args, &ARRAY)?;
        let View { table, path, .. } = &self.data.view;
        let chunk = self.data.view.chunks().start;
        let array = arrow::array_capsule(cx.py(), table, chunk, path, &self.data.keeper)?;
        cx.tuple_of([self.data.schema_capsule(cx)?, array])
    }

    fn stream_capsule<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        self.data.stream_capsule(cx, args)
    }

    fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.data.length())
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&self.data.text("ArrowArray", ""))
    }

    fn format<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.data.format(cx)
    }

    fn name<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.data.view.schema().name() {
            None => Ok(cx.none()),
            Some(name) => cx.str(&name.to_string_lossy()),
        }
    }

    fn nbytes<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.data.nbytes(cx)
    }

    fn null_count<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.array().null_count {
            -1 => Ok(cx.none()),
            count => cx.int(count),
        }
    }

    fn offset<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.array().offset)
    }

    fn buffers<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let buffers = self.array().own_buffers(self.data.view.schema());
        let tuple = cx.tuple(buffers.len())?;
        for (place, buffer) in buffers.into_iter().enumerate() {
            let view = match buffer {
                None => cx.none(),
                Some(buffer) => {
                    let memory = Memory::Window(Arc::new(buffer.window()));
                    area::view(cx, memory, AnyShare::clone(&self.data.keeper))?
                }
            };
            tuple.get().fill(place, view);
        }
        Ok(tuple)
    }

    fn part<'py>(&self, cx: Cx<'py>, place: usize) -> PyResult<Owned<'py>> {
        instance(cx, self.data.of(self.data.view.part(place)))
    }

    fn children<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let count = self.array().children().len();
        let tuple = cx.tuple(count)?;
        for place in 0..count {
            tuple.get().fill(place, self.part(cx, place)?);
        }
        Ok(tuple)
    }

    fn dictionary<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let array = self.array();
        match array.dictionary() {
            None => Ok(cx.none()),
            Some(_) => self.part(cx, array.children().len()),
        }
    }
}

impl CountedExporter for ArrowArray {
    fn acquire(&self, cx: Cx<'_>) -> PyResult<Export<'_>> {
        match &self.items {
            Some(items) => Ok(Export {
                layout: items.layout(),
                readonly: true,
                token: 1,
            }),
            None => {
                let message = "only values of one size, without nulls, are a buffer: see buffers";
                Err(Raised::builtin(cx.py(), Builtin::Buffer, message))
            }
        }
    }

    fn give_back(&self, _: usize) {}
}

impl Class for ArrowArray {
    const NAME: &'static CStr = c"interlane.ArrowArray";
    const DOC: &'static CStr = c"An array, or a record batch, of another interpreter, in that interpreter's own memory.

Whatever takes Arrow data takes it, without a copy: pyarrow.array(it), pyarrow.record_batch(it), polars.Series(it).
What was sent is an object with __arrow_c_array__. Values of one size, without nulls, are a buffer too: memoryview(it),
numpy.asarray(it). Nobody may write to the memory, which is kept until this object
and all that was made of it have gone. len() is the number of items, or rows.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(
                c"__arrow_c_schema__",
                Self::schema_capsule,
                c"__arrow_c_schema__($self, /)\n--\n\nReturn a capsule 'arrow_schema'.",
            ),
            method::keywords(
                c"__arrow_c_array__",
                Self::capsules,
                c"__arrow_c_array__($self, /, requested_schema=None)\n--\n\nReturn a pair of capsules, 'arrow_schema' and 'arrow_array', of the same memory. Any number of times.\n\nThe data has the schema that it has, whatever is requested.",
            ),
            method::keywords(
                c"__arrow_c_stream__",
                Self::stream_capsule,
                c"__arrow_c_stream__($self, /, requested_schema=None)\n--\n\nReturn a capsule 'arrow_array_stream' of this one array. Any number of times.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"format",
                Self::format,
                c"The type, in the language of the Arrow C data interface: 'l' are int64, 'u' text, '+s' records.",
            ),
            getset::getter(c"name", Self::name, c"The name of the field, or None."),
            getset::getter(
                c"nbytes",
                Self::nbytes,
                c"Bytes of all buffers in it, as far as the format tells their lengths.",
            ),
            getset::getter(
                c"null_count",
                Self::null_count,
                c"The number of nulls; None when nobody has counted them.",
            ),
            getset::getter(
                c"offset",
                Self::offset,
                c"How many items of the buffers, and of children, come before the first one of the array.",
            ),
            getset::getter(
                c"buffers",
                Self::buffers,
                c"The array's own memory as read-only memoryviews, in the order that Arrow has for the format; None for a buffer\nthat is not there or whose length the format does not tell. Not sliced: see offset.",
            ),
            getset::getter(
                c"children",
                Self::children,
                c"The arrays in it, as a tuple of ArrowArray: the columns of a record batch. Not sliced: see offset.",
            ),
            getset::getter(
                c"dictionary",
                Self::dictionary,
                c"The values that the items are numbers of, as an ArrowArray; or None.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            slot::repr(Self::repr),
            slot::length(Self::length),
            export::get_buffer::<Self>(),
            export::release_buffer::<Self>(),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.arrow_array
    }
}
