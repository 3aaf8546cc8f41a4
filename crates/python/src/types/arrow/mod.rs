//! Data that some library has given away by the Arrow C data interface, for any other.

mod array;
mod stream;

use std::sync::Arc;

use interlane_core::{AnyShare, Held};

pub(crate) use self::array::ArrowArray;
pub(crate) use self::stream::ArrowStream;
use crate::convert::capsule::Columns;
use crate::py::arrow::{self, Array, Buffer, Schema, Table};
use crate::py::buffer::Window;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, class};

/// All of a table, or an array in it.
#[derive(Clone)]
pub(crate) struct View {
    table: Arc<Table>,
    /// `None`: all of them, as a stream.
    chunk: Option<usize>,
    /// Where it is in the chunk, see `Schema::at`.
    path: Box<[usize]>,
}

impl View {
    pub(crate) fn whole(table: Arc<Table>, is_stream: bool) -> Self {
        Self {
            table,
            chunk: (!is_stream).then_some(0),
            path: Box::default(),
        }
    }

    fn schema(&self) -> &Schema {
        self.table.schema.at(&self.path)
    }

    fn chunks(&self) -> core::ops::Range<usize> {
        match self.chunk {
            None => 0..self.table.chunks.len(),
            Some(chunk) => chunk..chunk + 1,
        }
    }

    fn arrays(&self) -> impl Iterator<Item = &Array> {
        let chunks = &self.table.chunks[self.chunks()];
        chunks.iter().map(|chunk| chunk.at(&self.path))
    }

    pub(crate) fn each_buffer(&self, found: &mut dyn FnMut(Buffer)) {
        for array in self.arrays() {
            array.each_buffer(self.schema(), found);
        }
    }

    fn nbytes(&self) -> usize {
        let mut nbytes = 0;
        self.each_buffer(&mut |buffer| nbytes += buffer.nbytes());
        nbytes
    }

    /// One of its parts: a child, or, behind the last one, the dictionary.
    fn part(&self, place: usize) -> Self {
        Self {
            path: [&*self.path, &[place]].concat().into(),
            ..self.clone()
        }
    }
}

/// What both classes have: a view, and what keeps its memory.
struct Data {
    view: View,
    /// Of this interpreter. Consumers of capsules keep it too, and drop it wherever they are.
    keeper: Arc<Held>,
}

/// The object for a view of memory that `keeper` keeps.
pub(crate) fn make(cx: Cx<'_>, view: View, keeper: AnyShare) -> PyResult<Owned<'_>> {
    let keeper = Arc::new(cx.state.interpreter().hold(keeper));
    instance(cx, Data { view, keeper })
}

fn instance(cx: Cx<'_>, data: Data) -> PyResult<Owned<'_>> {
    match data.view.chunk {
        None => class::instantiate(cx, ArrowStream(data)),
        Some(_) => class::instantiate(cx, ArrowArray::of(data)),
    }
}

/// What is sent for `object` when it is one of these.
pub(crate) fn transit(cx: Cx<'_>, object: Ref<'_>) -> Option<Columns> {
    let array = class::downcast::<ArrowArray>(cx, object).map(|array| &array.data);
    let stream = || class::downcast::<ArrowStream>(cx, object).map(|stream| &stream.0);
    let data = array.or_else(stream)?;
    Some(Columns {
        view: data.view.clone(),
        keeper: AnyShare::clone(&data.keeper),
    })
}

/// The items of `exporter`, and the share that keeps them, when that is an `ArrowArray`.
pub(crate) fn behind<'a>(cx: Cx<'_>, exporter: Ref<'a>) -> Option<(&'a Window, AnyShare)> {
    let array = class::downcast::<ArrowArray>(cx, exporter)?;
    let items = array.items.as_ref()?;
    Some((items, AnyShare::clone(&array.data.keeper)))
}

const fn one(function: &'static str) -> Signature<1> {
    Signature {
        function,
        names: [c"requested_schema"],
        required: 0,
        positional: 1,
        positional_only: 0,
    }
}

const ARRAY: Signature<1> = one("__arrow_c_array__");
const STREAM: Signature<1> = one("__arrow_c_stream__");

/// What a consumer would rather have is its own to make of what it gets.
fn expect_schema(cx: Cx<'_>, args: Args<'_>, signature: &Signature<1>) -> PyResult<()> {
    let [wanted] = args.parse(cx.py(), signature)?;
    match wanted.filter(|wanted| !wanted.is_none() && !arrow::is_schema(*wanted)) {
        None => Ok(()),
        Some(other) => {
            let got = other.brief_repr(cx.py());
            let message =
                format!("requested_schema must be None or a capsule 'arrow_schema', not {got}");
            Err(Raised::type_error(cx.py(), &message))
        }
    }
}

impl Data {
    fn schema_capsule<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        arrow::schema_capsule(cx.py(), &self.view.table, &self.view.path)
    }

    fn stream_capsule<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        expect_schema(cx, args, &STREAM)?;
        let View { table, path, .. } = &self.view;
        arrow::stream_capsule(cx.py(), table, self.view.chunks(), path, &self.keeper)
    }

    fn of(&self, view: View) -> Self {
        Self {
            view,
            keeper: Arc::clone(&self.keeper),
        }
    }

    fn length(&self) -> usize {
        self.view.arrays().map(|array| array.length).sum()
    }

    fn format<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&self.view.schema().format().to_string_lossy())
    }

    fn nbytes<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.view.nbytes())
    }

    /// A description for `repr`.
    fn text(&self, class: &str, chunks: &str) -> String {
        let format = self.view.schema().format().to_string_lossy();
        let (length, nbytes) = (self.length(), self.view.nbytes());
        format!("<{class} format='{format}' {length} items{chunks}, {nbytes} bytes>")
    }
}
