//! Containers and instances that are being filled.

use super::super::plan::{Make, Rest};
use crate::py::{Cx, Owned, PyResult};

/// What is done with the next object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    Tuple,
    List,
    Dict,
    Set,
    /// It makes the instance.
    Callable,
    /// It is an argument of what makes the instance.
    Argument,
    Attributes,
    Items,
    Pairs,
}

/// One of them.
pub(super) struct Frame<'py> {
    /// Of an instance that has not been made: the arguments.
    pub(super) object: Owned<'py>,
    pub(super) fill: Fill,
    /// How many objects are still to come.
    pub(super) left: usize,
    /// The place of the next item in a tuple.
    filled: usize,
    key: Option<Owned<'py>>,
    pub(super) number: Option<usize>,
}

/// How an instance is made, and what is put into it afterwards. Those whose frames wait for it are on a stack.
pub(super) struct Instance<'py> {
    pub(super) make: Make,
    pub(super) arguments: usize,
    pub(super) rest: Fill,
    /// How many objects that are.
    pub(super) more: usize,
    pub(super) callable: Option<Owned<'py>>,
}

impl<'py> Frame<'py> {
    pub(super) fn new(object: Owned<'py>, fill: Fill, left: usize) -> Self {
        Self {
            object,
            fill,
            left,
            filled: 0,
            key: None,
            number: None,
        }
    }

    /// Is the next object a key, or the name of an attribute?
    #[inline]
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.fill, Fill::Dict | Fill::Attributes | Fill::Pairs) && self.key.is_none()
    }

    /// Puts the next object where it belongs.
    #[inline]
    pub(super) fn take(&mut self, cx: Cx<'py>, item: Owned<'py>) -> PyResult<()> {
        let py = cx.py();
        let object = self.object.get();
        self.left -= 1;
        match self.fill {
            Fill::Tuple | Fill::Argument => {
                object.fill(self.filled, item);
                self.filled += 1;
            }
            Fill::List => object.push(py, item)?,
            Fill::Set => object.add(py, item.get())?,
            Fill::Items => {
                object
                    .attribute(py, c"append")?
                    .get()
                    .call(py, [item.get()])?;
            }
            Fill::Callable => {}
            Fill::Dict | Fill::Attributes | Fill::Pairs => match self.key.take() {
                None => self.key = Some(item),
                Some(key) => match self.fill {
                    Fill::Dict => object.insert(py, key.get(), item.get())?,
                    Fill::Pairs => object.set_item(py, key.get(), item.get())?,
                    _ => object.set_plainly(py, key.get(), item.get())?,
                },
            },
        }
        Ok(())
    }
}

impl<'py> Instance<'py> {
    pub(super) fn make(
        &self,
        cx: Cx<'py>,
        arguments: &Owned<'py>,
        owner: i64,
    ) -> PyResult<Owned<'py>> {
        let py = cx.py();
        let Some(callable) = &self.callable else {
            return Err(super::reading::corrupt(cx));
        };
        let callable = callable.get();
        let made = match self.make {
            Make::Call => callable.call_with(py, arguments.get()),
            Make::New => callable.new_instance(py, arguments.get()),
            Make::Tuple => callable.new_tuple(py, arguments.get()),
        };
        made.map_err(|raised| {
            raised.with_note(py, || {
                let name = callable.import_name(py);
                format!("interlane was rebuilding, with {name}, what interpreter {owner} shared")
            })
        })
    }
}

impl Fill {
    /// What is put into an instance, from the text.
    pub(super) fn of_rest(code: u8) -> Option<Self> {
        const ATTRIBUTES: u8 = Rest::Attributes as u8 + 1;
        const ITEMS: u8 = Rest::Items as u8 + 1;
        const PAIRS: u8 = Rest::Pairs as u8 + 1;
        match code {
            0 | ATTRIBUTES => Some(Self::Attributes),
            ITEMS => Some(Self::Items),
            PAIRS => Some(Self::Pairs),
            _ => None,
        }
    }
}
