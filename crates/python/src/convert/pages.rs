//! `SharedBytes`: bytes that no interpreter owns, in pages that each maps for itself.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::sync::Arc;

use interlane_core::frozen::Arena;
use interlane_core::{AnyShare, Fate, Filling, LEAST_ALIAS, Pages, Resource, Share};

use super::Message;
use crate::py::buffer::{self, Simple};
use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, shared_bytes};

/// From how many bytes on copying is done without the GIL.
const LONG: usize = 1 << 20;

/// How many bytes are read at once.
const CHUNK: usize = 1 << 20;

/// The pages behind any number of `SharedBytes`.
#[derive(Debug)]
pub(crate) struct Memory(Pages);

impl Resource for Memory {
    fn release(self) {}

    fn orphan(&self) -> Fate {
        Fate::Adopted
    }

    fn discard(self) {}

    fn kind(&self) -> Cow<'static, str> {
        Cow::Borrowed("SharedBytes")
    }
}

/// A range of some pages, and what keeps them.
#[derive(Clone)]
pub(crate) struct Piece {
    source: Source,
    start: usize,
    length: usize,
    /// What the pages are a part of.
    whole: Option<AnyShare>,
}

/// What the pages are of.
#[derive(Clone)]
enum Source {
    Own(Share<Memory>),
    /// Those of a number, and what keeps the arena that they belong to.
    Frozen(Arc<Arena>, usize, AnyShare),
}

impl Piece {
    fn of(pages: Pages) -> Self {
        let length = pages.len();
        Self::whole(Source::Own(Share::unowned(Memory(pages), length)), length)
    }

    /// The pages of this number of an arena that `keeper` keeps.
    pub(crate) fn of_frozen(arena: Arc<Arena>, number: usize, keeper: AnyShare) -> Self {
        let length = arena.page(number).len();
        Self::whole(Source::Frozen(arena, number, keeper), length)
    }

    fn whole(source: Source, length: usize) -> Self {
        Self {
            source,
            start: 0,
            length,
            whole: None,
        }
    }

    fn source(&self) -> &Pages {
        match &self.source {
            Source::Own(memory) => &memory.0,
            Source::Frozen(arena, number, _) => arena.page(*number),
        }
    }

    /// A part of it.
    fn part(&self, start: usize, length: usize) -> Self {
        Self {
            start: self.start + start,
            length,
            ..self.clone()
        }
    }

    pub(crate) fn nbytes(&self) -> usize {
        self.length
    }

    /// Where its bytes are for whoever has no mapping of his own.
    pub(crate) fn data(&self) -> *const u8 {
        self.source().data().wrapping_add(self.start)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: within the pages, which the share keeps.
        unsafe { core::slice::from_raw_parts(self.data(), self.length) }
    }

    pub(crate) fn pages(&self) -> (&Pages, core::ops::Range<usize>) {
        (self.source(), self.start..self.start + self.length)
    }

    /// What has to be kept for as long as it is used.
    pub(crate) fn keeper(&self) -> AnyShare {
        match (&self.whole, &self.source) {
            (Some(whole), _) => whole.clone(),
            (None, Source::Own(memory)) => memory.clone().erase(),
            (None, Source::Frozen(_, _, keeper)) => keeper.clone(),
        }
    }

    /// The object, in the interpreter that received it.
    pub(super) fn open<'py>(
        mut self,
        cx: Cx<'py>,
        whole: Option<&AnyShare>,
    ) -> PyResult<Owned<'py>> {
        self.whole = self.whole.or_else(|| whole.cloned());
        shared_bytes::over(cx, self)
    }
}

/// The message of a `SharedBytes`: the same pages once more. One without pages is copied.
pub(super) fn forward(cx: Cx<'_>, object: Ref<'_>) -> Option<Message> {
    if !shared_bytes::is_one(cx, object) {
        return None;
    }
    let piece = shared_bytes::piece_of(cx, object)
        .cloned()
        .unwrap_or_else(|| Piece::of(Pages::heap(object.as_bytes().into())));
    Some(Message::Piece(Box::new(piece)))
}

/// A `SharedBytes` with a copy of this.
fn copy<'py>(cx: Cx<'py>, data: &[u8]) -> PyResult<Owned<'py>> {
    if data.len() < LEAST_ALIAS {
        return shared_bytes::inline(cx, data);
    }
    let pages = if data.len() < LONG {
        Pages::copy_of(data)
    } else {
        let interpreter = cx.state.interpreter();
        interpreter.detach(cx.py(), || Pages::copy_of(data))
    };
    match pages.map_err(|error| Raised::io(cx.py(), &error))? {
        Some(pages) => shared_bytes::over(cx, Piece::of(pages)),
        None => shared_bytes::inline(cx, data),
    }
}

/// `SharedBytes(object)`. `None`: it is for `bytes` to say what that means.
pub(crate) fn of_object<'py>(cx: Cx<'py>, object: Ref<'_>) -> PyResult<Option<Owned<'py>>> {
    if shared_bytes::is_one(cx, object) {
        return Ok(Some(object.to_owned(cx.py())));
    }
    if object.is_exact_bytes() {
        return copy(cx, object.as_bytes()).map(Some);
    }
    let class = object.class(cx.py());
    let dunder = cx.str("__bytes__")?;
    if class
        .get()
        .optional_attribute(cx.py(), dunder.get())?
        .is_some()
    {
        return Ok(None);
    }
    let Some(simple) = Simple::of(cx.py(), object)? else {
        return Ok(None);
    };
    copy(cx, simple.bytes()).map(Some)
}

/// The same for what `bytes` has made.
pub(crate) fn of_bytes<'py>(cx: Cx<'py>, exact: Ref<'_>) -> PyResult<Owned<'py>> {
    copy(cx, exact.as_bytes())
}

/// `object[start:start + length]`.
pub(crate) fn slice<'py>(
    cx: Cx<'py>,
    object: Ref<'_>,
    start: usize,
    length: usize,
) -> PyResult<Owned<'py>> {
    let data = object.as_bytes();
    if length == data.len() {
        return Ok(object.to_owned(cx.py()));
    }
    if length >= LEAST_ALIAS {
        if let Some(piece) = shared_bytes::piece_of(cx, object) {
            if let Some(slice) = shared_bytes::alias(cx, piece.part(start, length))? {
                return Ok(slice);
            }
        }
    }
    copy(cx, &data[start..start + length])
}

const MAP_FILE: Signature<3> = Signature {
    function: "map_file",
    names: [c"path", c"offset", c"length"],
    required: 1,
    positional: 3,
    positional_only: 0,
};

/// `SharedBytes.map_file`.
pub(crate) fn map_file<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [path, offset, length] = args.parse(cx.py(), &MAP_FILE)?;
    let py = cx.py();
    let number = |value: Option<Ref<'_>>, name: &str| {
        let Some(value) = value.filter(|value| !value.is_none()) else {
            return Ok(None);
        };
        let value = value.index(py)?;
        usize::try_from(value).map(Some).map_err(|_| {
            Raised::value_error(py, &format!("{name} must be at least 0, not {value}"))
        })
    };
    let offset = number(offset, "offset")?.unwrap_or(0);
    let length = number(length, "length")?;
    let path = path.ok_or_else(|| Raised::type_error(py, "path is missing"))?;
    // Python's own `open` knows all kinds of paths, and asks the auditing hooks.
    let fspath = cx.import(c"os")?.get().attribute(py, c"fspath")?;
    let path = fspath.get().call(py, [path])?;
    let open = cx.import(c"io")?.get().attribute(py, c"open")?;
    let (mode, unbuffered) = (cx.str("rb")?, cx.int(0)?);
    let file = open
        .get()
        .call(py, [path.get(), mode.get(), unbuffered.get()])?;
    let mapped = map_open_file(cx, file.get(), path.get(), offset, length);
    let kept = mapped.map_err(|raised| raised.take(py));
    let closed = file
        .get()
        .attribute(py, c"close")
        .and_then(|close| close.get().call(py, []));
    match kept {
        Ok(object) => closed.map(|_none| object),
        Err(exception) => {
            if let Err(raised) = closed {
                raised.ignore(py);
            }
            Err(Raised::restore(py, exception))
        }
    }
}

fn map_open_file<'py>(
    cx: Cx<'py>,
    file: Ref<'_>,
    path: Ref<'_>,
    offset: usize,
    length: Option<usize>,
) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let refuse = |what: &str| Raised::value_error(py, &format!("{} {what}", path.brief_repr(py)));
    let fail = |error: io::Error| Raised::io(py, &error);
    let file = buffer::borrow_file(py, file)?;
    let size = size_of_file(&file).map_err(fail)?;
    let size = size.ok_or_else(|| refuse("is not a regular file: use SharedBytes.read_from"))?;
    let left = size.checked_sub(offset).ok_or_else(|| {
        refuse(&format!(
            "has {size} bytes: offset {offset} is behind its end"
        ))
    })?;
    let length = length.unwrap_or(left);
    if length > left {
        return Err(refuse(&format!(
            "has {left} bytes from offset {offset} on, not {length}"
        )));
    }
    #[cfg(target_os = "linux")]
    if offset % 16 == 0 {
        use std::os::fd::AsFd;
        let pages = Pages::map_file(file.as_fd(), offset as u64, length).map_err(fail)?;
        if let Some(pages) = pages {
            // Cut shorter since we asked for its size?
            if size_of_file(&file).map_err(fail)? < Some(offset + length) {
                return Err(refuse("was cut shorter while it was being mapped"));
            }
            return shared_bytes::over(cx, Piece::of(pages));
        }
    }
    let read = || read_file(&file, offset, length);
    let pages = cx.state.interpreter().detach(py, read).map_err(fail)?;
    let pages = pages.ok_or_else(|| refuse("was cut shorter while it was being read"))?;
    shared_bytes::over(cx, Piece::of(pages))
}

/// `None`: it is no regular file.
fn size_of_file(file: &File) -> io::Result<Option<usize>> {
    let about = file.metadata()?;
    Ok(about.is_file().then_some(about.len() as usize))
}

/// Copies a part of a file. `None`: it is not there any more.
fn read_file(mut file: &File, offset: usize, length: usize) -> io::Result<Option<Pages>> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset as u64))?;
    let (mut filling, mut left) = (Filling::new(), length);
    let mut chunk = vec![0; length.min(CHUNK)];
    while left > 0 {
        let room = left.min(chunk.len());
        let count = match file.read(&mut chunk[..room]) {
            Ok(0) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        filling.write(&chunk[..count])?;
        left -= count;
    }
    filling.finish().map(Some)
}

const READ_FROM: Signature<1> = Signature {
    function: "read_from",
    names: [c"fileobj"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

/// `SharedBytes.read_from`.
pub(crate) fn read_from<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [file] = args.parse(cx.py(), &READ_FROM)?;
    let py = cx.py();
    let file = file.ok_or_else(|| Raised::type_error(py, "fileobj is missing"))?;
    let read = file.attribute(py, c"read")?;
    let (size, mut filling) = (cx.size(CHUNK)?, Filling::new());
    loop {
        let chunk = read.get().call(py, [size.get()])?;
        if chunk.get().is_none() {
            let message = format!("{} has nothing to be read yet", file.brief_repr(py));
            return Err(Raised::builtin(py, Builtin::BlockingIo, &message));
        }
        let Some(simple) = Simple::of(py, chunk.get())? else {
            let got = chunk.get().class_name(py);
            let message = format!("fileobj.read() must return bytes, not {got}");
            return Err(Raised::type_error(py, &message));
        };
        if simple.bytes().is_empty() {
            break;
        }
        filling
            .write(simple.bytes())
            .map_err(|error| Raised::io(py, &error))?;
    }
    let pages = filling.finish().map_err(|error| Raised::io(py, &error))?;
    shared_bytes::over(cx, Piece::of(pages))
}
