//! From the text to objects.

use interlane_core::AnyShare;

use super::super::{Message, protocol, unpack_kept};
use super::{Tree, code};
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised};

struct Reader<'py, 'a> {
    cx: Cx<'py>,
    /// What the tree is the content of.
    whole: Option<&'a AnyShare>,
    code: Vec<u8>,
    at: usize,
    leaves: Vec<Option<Message>>,
    /// Objects with a number, by number. `None` while a frozenset is still open.
    noted: Vec<Option<Owned<'py>>>,
    open: Vec<Frame<'py>>,
}

/// A container that is being filled.
struct Frame<'py> {
    object: Owned<'py>,
    code: u8,
    size: usize,
    filled: usize,
    key: Option<Owned<'py>>,
    number: Option<usize>,
    rebuild: Option<Rebuild>,
}

/// What makes an object of parts.
struct Rebuild {
    module: String,
    qualname: String,
    owner: i64,
}

pub(in super::super) fn unpack<'py>(
    cx: Cx<'py>,
    tree: Tree,
    whole: Option<&AnyShare>,
) -> PyResult<Owned<'py>> {
    let leaves = tree.leaves.into_iter().map(Some).collect();
    let mut reader = Reader {
        cx,
        whole,
        code: tree.code,
        at: 0,
        leaves,
        noted: Vec::new(),
        open: Vec::new(),
    };
    loop {
        let mut object = match reader.read()? {
            Some(object) => object,
            None => continue,
        };
        // Hand it to the container it belongs to, and that one to the next when it is full now.
        loop {
            let Some(frame) = reader.open.last_mut() else {
                return Ok(object);
            };
            frame.take(cx, object)?;
            if frame.filled < frame.size {
                break;
            }
            let Some(full) = reader.open.pop() else { break };
            object = reader.close(full)?;
        }
    }
}

impl<'py> Reader<'py, '_> {
    /// The next object, or `None` when a container was opened.
    fn read(&mut self) -> PyResult<Option<Owned<'py>>> {
        let cx = self.cx;
        let byte = self.bytes(1)?[0];
        let noted = byte & code::NOTED != 0;
        let object = match byte & !code::NOTED {
            code::NONE => cx.none(),
            code::FALSE => cx.bool(false),
            code::TRUE => cx.bool(true),
            code::ELLIPSIS => cx.ellipsis(),
            code::NOT_IMPLEMENTED => cx.not_implemented(),
            code::INT => cx.int(i64::from_le_bytes(self.word()?))?,
            code::FLOAT => cx.float(f64::from_le_bytes(self.word()?))?,
            code::COMPLEX => {
                let re = f64::from_le_bytes(self.word()?);
                let im = f64::from_le_bytes(self.word()?);
                cx.complex(re, im)?
            }
            code::BIG_INT => {
                let length = self.size()?;
                let text = core::ffi::CStr::from_bytes_with_nul(self.bytes(length)?);
                cx.int_from_hex(text.map_err(|_| corrupt(cx))?)?
            }
            code::STR => {
                let width = self.bytes(1)?[0];
                let length = self.size()?;
                let data = self.bytes(length)?;
                cx.text(width == 0, width.max(1), data)?
            }
            code::BYTES => {
                let length = self.size()?;
                cx.bytes(self.bytes(length)?)?
            }
            code::AGAIN => {
                let number = self.size()?;
                let object = self
                    .noted
                    .get(number)
                    .and_then(Option::as_ref)
                    .ok_or_else(|| corrupt(cx))?;
                object.get().to_owned(cx.py())
            }
            code::LEAF => {
                let index = self.size()?;
                let leaf = self
                    .leaves
                    .get_mut(index)
                    .and_then(Option::take)
                    .ok_or_else(|| corrupt(cx))?;
                unpack_kept(cx, leaf, self.whole)?
            }
            container => return self.enter(container, noted),
        };
        if noted {
            self.noted.push(Some(object.get().to_owned(cx.py())));
        }
        Ok(Some(object))
    }

    fn enter(&mut self, code: u8, noted: bool) -> PyResult<Option<Owned<'py>>> {
        let cx = self.cx;
        let size = self.size()?;
        let mut rebuild = None;
        let (object, size) = match code {
            code::TUPLE => (cx.tuple(size)?, size),
            code::LIST => (cx.list()?, size),
            code::DICT => (cx.dict()?, 2 * size),
            code::SET => (cx.set()?, size),
            code::FROZENSET => (cx.frozenset()?, size),
            code::REBUILD => {
                let module = self.name()?;
                let qualname = self.name()?;
                let owner = i64::from_le_bytes(self.word()?);
                rebuild = Some(Rebuild {
                    module,
                    qualname,
                    owner,
                });
                (cx.tuple(size)?, size)
            }
            _ => return Err(corrupt(cx)),
        };
        let mut frame = Frame {
            object,
            code,
            size,
            filled: 0,
            key: None,
            number: None,
            rebuild,
        };
        if noted {
            frame.number = Some(self.noted.len());
            // A frozenset can only be filled while nobody else has it; it can't contain itself. What is rebuilt
            // exists only afterwards.
            let early = !matches!(code, code::FROZENSET | code::REBUILD);
            self.noted
                .push(early.then(|| frame.object.get().to_owned(cx.py())));
        }
        if size == 0 {
            return self.close(frame).map(Some);
        }
        self.open.push(frame);
        Ok(None)
    }

    fn close(&mut self, mut frame: Frame<'py>) -> PyResult<Owned<'py>> {
        if let Some(rebuild) = frame.rebuild.take() {
            let py = self.cx.py();
            let Rebuild {
                module,
                qualname,
                owner,
            } = rebuild;
            let function = protocol::import(self.cx, &module, &qualname, owner)?;
            frame.object = function
                .get()
                .call_with(py, frame.object.get())
                .map_err(|raised| {
                    raised.with_note(py, || {
                        format!(
                            "interlane was rebuilding, with {module}.{qualname}, what interpreter {owner} shared"
                        )
                    })
                })?;
        }
        if let Some(number) = frame.number {
            let place = &mut self.noted[number];
            if place.is_none() {
                *place = Some(frame.object.get().to_owned(self.cx.py()));
            }
        }
        Ok(frame.object)
    }

    fn name(&mut self) -> PyResult<String> {
        let length = self.size()?;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    fn bytes(&mut self, count: usize) -> PyResult<&[u8]> {
        let start = self.at;
        self.at = start.saturating_add(count);
        let cx = self.cx;
        self.code.get(start..self.at).ok_or_else(|| corrupt(cx))
    }

    fn word(&mut self) -> PyResult<[u8; 8]> {
        let cx = self.cx;
        self.bytes(8)?.try_into().map_err(|_| corrupt(cx))
    }

    fn size(&mut self) -> PyResult<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.bytes(1)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
            if shift > 63 {
                return Err(corrupt(self.cx));
            }
        }
    }
}

impl<'py> Frame<'py> {
    fn take(&mut self, cx: Cx<'py>, item: Owned<'py>) -> PyResult<()> {
        let object = self.object.get();
        match self.code {
            code::TUPLE | code::REBUILD => object.fill(self.filled, item),
            code::LIST => object.append(cx.py(), item.get())?,
            code::DICT => match self.key.take() {
                None => self.key = Some(item),
                Some(key) => object.insert(cx.py(), key.get(), item.get())?,
            },
            _ => object.add(cx.py(), item.get())?,
        }
        self.filled += 1;
        Ok(())
    }
}

fn corrupt(cx: Cx<'_>) -> Raised {
    Raised::builtin(cx.py(), Builtin::System, "a message could not be read back")
}
