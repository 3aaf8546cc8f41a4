//! The fallback of a channel that was created with `fallback="pickle"`: protocol 5, with large memory beside the
//! pickle as areas of the sender's own, which are not copied.

use interlane_core::Fate;

use super::{Area, Message, Packing, both, pack, unpack};
use crate::py::error::Builtin;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};

/// A pickle and what goes beside it.
pub(crate) struct Pickled {
    data: Message,
    aside: Box<[Message]>,
}

impl Pickled {
    fn parts(&self) -> impl Iterator<Item = &Message> {
        core::iter::once(&self.data).chain(&self.aside)
    }

    pub(super) fn try_clone(&self, cx: Cx<'_>) -> PyResult<Self> {
        let aside = self.aside.iter().map(|message| message.try_clone(cx));
        Ok(Self {
            data: self.data.try_clone(cx)?,
            aside: aside.collect::<PyResult<_>>()?,
        })
    }

    pub(super) fn orphan(&self) -> Fate {
        self.parts().map(Message::orphan).fold(Fate::Adopted, both)
    }

    pub(super) fn each_area(&self, found: &mut dyn FnMut(Area<'_>)) {
        self.parts().for_each(|part| part.each_area(found));
    }
}

/// Pickles an object, as the packing says with `definitions`. The result, `bytes`, is shared like any other.
pub(super) fn dump(cx: Cx<'_>, object: Ref<'_>, definitions: bool) -> PyResult<Message> {
    let py = cx.py();
    let module = cx.ours(c"interlane._pickling")?;
    let dumps = module.get().attribute(
        py,
        match definitions {
            true => c"dumps_with_definitions",
            false => c"dumps",
        },
    )?;
    let pair = dumps.get().call(py, [object])?;
    let Some([data, aside]) = pair.get().pair() else {
        return Err(Raised::builtin(
            py,
            Builtin::System,
            "dumps returned no pair",
        ));
    };
    let items = (0..aside.size(py)?).filter_map(|place| aside.tuple_item(place));
    let messages = items.map(|item| pack(cx, item, Packing::PLAIN));
    let messages = messages.collect::<PyResult<Box<_>>>()?;
    Ok(Message::Pickle(Box::new(Pickled {
        data: pack(cx, data, Packing::PLAIN)?,
        aside: messages,
    })))
}

pub(super) fn load(cx: Cx<'_>, pickled: Pickled) -> PyResult<Owned<'_>> {
    let aside = cx.tuple(pickled.aside.len())?;
    for (index, message) in pickled.aside.into_iter().enumerate() {
        aside.get().fill(index, unpack(cx, message)?);
    }
    let data = unpack(cx, pickled.data)?;
    let loads = cx
        .ours(c"interlane._pickling")?
        .get()
        .attribute(cx.py(), c"loads")?;
    loads.get().call(cx.py(), [data.get(), aside.get()])
}
