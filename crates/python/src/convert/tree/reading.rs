//! From the text to objects.

use interlane_core::{AnyShare, Note, Slip};

use super::super::plan::Make;
use super::super::{Message, names, protocol, unpack_kept};
use super::building::{Fill, Frame, Instance};
use super::{Tree, code};
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised};

struct Reader<'py, 'a> {
    cx: Cx<'py>,
    /// What the tree is the content of.
    whole: Option<&'a AnyShare>,
    code: &'a [u8],
    at: usize,
    leaves: &'a mut [Option<Message>],
    owner: i64,
    /// Objects with a number, by number, if anything refers to them. `None` while the object cannot exist.
    noted: Option<Vec<Option<Owned<'py>>>>,
    open: Vec<Frame<'py>>,
    /// Of the frames that wait for it, in their order.
    instances: Vec<Instance<'py>>,
}

pub(in super::super) fn unpack<'py>(
    cx: Cx<'py>,
    mut tree: Tree,
    whole: Option<&AnyShare>,
) -> PyResult<Owned<'py>> {
    read(Reader {
        whole,
        leaves: &mut tree.leaves,
        ..Reader::new(cx, &tree.code, tree.owner, tree.again)
    })
}

pub(in super::super) fn unpack_note<'py>(cx: Cx<'py>, note: &Note) -> PyResult<Owned<'py>> {
    read(Reader::new(cx, note, note.label(), note.tag() != 0))
}

pub(in super::super) fn unpack_slip(
    cx: Cx<'_>,
    mut slip: Slip<Option<Message>>,
) -> PyResult<Owned<'_>> {
    let (owner, again) = (slip.label(), slip.tag() != 0);
    let (code, leaves) = slip.read_mut();
    read(Reader {
        leaves,
        ..Reader::new(cx, code, owner, again)
    })
}

fn read<'py>(mut reader: Reader<'py, '_>) -> PyResult<Owned<'py>> {
    let cx = reader.cx;
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
            if frame.fill == Fill::Callable {
                reader.set_callable(object)?;
            } else {
                frame.take(cx, object)?;
            }
            match reader.finished()? {
                Some(full) => object = full,
                None => break,
            }
        }
    }
}

impl<'py, 'a> Reader<'py, 'a> {
    fn new(cx: Cx<'py>, code: &'a [u8], owner: i64, again: bool) -> Self {
        Self {
            cx,
            whole: None,
            code,
            at: 0,
            leaves: &mut [],
            owner,
            noted: again.then(Vec::new),
            open: Vec::new(),
            instances: Vec::new(),
        }
    }

    /// The next object, or `None` when a container was opened.
    fn read(&mut self) -> PyResult<Option<Owned<'py>>> {
        let cx = self.cx;
        let byte = self.byte()?;
        let noted = byte & code::NOTED != 0;
        let object = match byte & !code::NOTED {
            code::NONE => cx.none(),
            code::FALSE => cx.bool(false),
            code::TRUE => cx.bool(true),
            code::ELLIPSIS => cx.ellipsis(),
            code::NOT_IMPLEMENTED => cx.not_implemented(),
            code::SMALL_INT => cx.int(i64::from(self.byte()? as i8))?,
            code::INT_OF_4 => {
                let value = self.bytes(4)?.try_into().map_err(|_| corrupt(cx))?;
                cx.int(i32::from_le_bytes(value).into())?
            }
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
            code::STR => self.text()?,
            code::BYTES => {
                let length = self.size()?;
                cx.bytes(self.bytes(length)?)?
            }
            code::AGAIN => {
                let number = self.size()?;
                let noted = self.noted.as_ref().and_then(|noted| noted.get(number));
                let object = noted.and_then(Option::as_ref).ok_or_else(|| corrupt(cx))?;
                object.get().to_owned(cx.py())
            }
            code::NAME => {
                let number = u16::from_le_bytes([self.byte()?, self.byte()?]);
                let name = cx.state.arrived.get(cx.py(), number, names::text)?;
                return name.map(Some).ok_or_else(|| corrupt(cx));
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
            code::NAMED => {
                let module = self.name()?;
                let qualname = self.name()?;
                protocol::import(cx, &module, &qualname, self.owner)?
            }
            container => return self.enter(container, noted),
        };
        if noted {
            self.note(Some(&object));
        }
        Ok(Some(object))
    }

    /// Gives the next number, to this object or to one that is still to be made.
    fn note(&mut self, object: Option<&Owned<'py>>) -> Option<usize> {
        let noted = self.noted.as_mut()?;
        noted.push(object.map(|object| object.get().to_owned(self.cx.py())));
        Some(noted.len() - 1)
    }

    fn enter(&mut self, code: u8, noted: bool) -> PyResult<Option<Owned<'py>>> {
        let cx = self.cx;
        if code == code::INSTANCE {
            return self.enter_instance(noted);
        }
        let size = self.size()?;
        let mut frame = match code {
            code::TUPLE => Frame::new(cx.tuple(size)?, Fill::Tuple, size),
            code::LIST => Frame::new(cx.list_for(size)?, Fill::List, size),
            code::DICT => Frame::new(cx.dict()?, Fill::Dict, 2 * size),
            code::SET => Frame::new(cx.set()?, Fill::Set, size),
            code::FROZENSET => Frame::new(cx.frozenset()?, Fill::Set, size),
            _ => return Err(corrupt(cx)),
        };
        if noted {
            // A frozenset can only be filled while nobody else has it; it can't contain itself.
            let early = (code != code::FROZENSET).then_some(&frame.object);
            frame.number = self.note(early);
        }
        if size == 0 {
            return Ok(Some(self.close(frame)));
        }
        self.open.push(frame);
        Ok(None)
    }

    fn enter_instance(&mut self, noted: bool) -> PyResult<Option<Owned<'py>>> {
        let make = match self.byte()? {
            0 => Make::Call,
            1 => Make::New,
            2 => Make::Tuple,
            _ => return Err(corrupt(self.cx)),
        };
        let rest = Fill::of_rest(self.byte()?).ok_or_else(|| corrupt(self.cx))?;
        let (arguments, more) = (self.size()?, self.size()?);
        let mut frame = Frame::new(self.cx.tuple(arguments)?, Fill::Callable, 1);
        if noted {
            frame.number = self.note(None);
        }
        self.open.push(frame);
        self.instances.push(Instance {
            make,
            arguments,
            rest,
            more,
            callable: None,
        });
        Ok(None)
    }

    /// What makes the instance that is open has come.
    fn set_callable(&mut self, callable: Owned<'py>) -> PyResult<()> {
        let (Some(frame), Some(instance)) = (self.open.last_mut(), self.instances.last_mut())
        else {
            return Err(corrupt(self.cx));
        };
        instance.callable = Some(callable);
        frame.fill = Fill::Argument;
        frame.left = instance.arguments;
        Ok(())
    }

    /// The container that is open, if nothing more goes into it.
    fn finished(&mut self) -> PyResult<Option<Owned<'py>>> {
        loop {
            match self.open.last_mut() {
                Some(frame) if frame.left == 0 => {
                    if frame.fill != Fill::Argument {
                        let full = self.open.pop();
                        return Ok(full.map(|frame| self.close(frame)));
                    }
                }
                _ => return Ok(None),
            }
            self.make()?;
        }
    }

    /// Makes the instance that is open: all its arguments are there.
    fn make(&mut self) -> PyResult<()> {
        let (Some(frame), Some(instance)) = (self.open.last_mut(), self.instances.pop()) else {
            return Err(corrupt(self.cx));
        };
        frame.object = instance.make(self.cx, &frame.object, self.owner)?;
        frame.fill = instance.rest;
        frame.left = instance.more;
        let place = frame.number.zip(self.noted.as_mut());
        if let Some((number, noted)) = place {
            noted[number] = Some(frame.object.get().to_owned(self.cx.py()));
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame<'py>) -> Owned<'py> {
        let place = frame.number.zip(self.noted.as_mut());
        if let Some((number, noted)) = place {
            if noted[number].is_none() {
                noted[number] = Some(frame.object.get().to_owned(self.cx.py()));
            }
        }
        frame.object
    }

    fn text(&mut self) -> PyResult<Owned<'py>> {
        let cx = self.cx;
        let width = self.byte()?;
        let length = self.size()?;
        let frame = self.open.last();
        let key = width == 0 && frame.is_some_and(Frame::wants_key);
        let attribute = key && frame.is_some_and(|frame| frame.fill == Fill::Attributes);
        let data = self.bytes(length)?;
        if !key {
            return cx.text(width == 0, width.max(1), data);
        }
        let text = cx.state.keys.get(cx.py(), data)?;
        if attribute {
            return text.interned(cx.py());
        }
        Ok(text)
    }

    fn name(&mut self) -> PyResult<String> {
        let length = self.size()?;
        Ok(String::from_utf8_lossy(self.bytes(length)?).into_owned())
    }

    #[inline]
    fn byte(&mut self) -> PyResult<u8> {
        let byte = self.code.get(self.at).copied();
        self.at += 1;
        byte.ok_or_else(|| corrupt(self.cx))
    }

    #[inline]
    fn bytes(&mut self, count: usize) -> PyResult<&'a [u8]> {
        let start = self.at;
        self.at = start.saturating_add(count);
        let cx = self.cx;
        self.code.get(start..self.at).ok_or_else(|| corrupt(cx))
    }

    #[inline]
    fn word(&mut self) -> PyResult<[u8; 8]> {
        let cx = self.cx;
        self.bytes(8)?.try_into().map_err(|_| corrupt(cx))
    }

    /// A number in groups of seven bits, lowest first.
    #[inline]
    fn size(&mut self) -> PyResult<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
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

#[cold]
pub(super) fn corrupt(cx: Cx<'_>) -> Raised {
    Raised::builtin(cx.py(), Builtin::System, "a message could not be read back")
}
