//! The fallback of a channel that was created with `fallback="pickle"`.

use super::{Message, Packing, pack, unpack};
use crate::py::{Cx, Owned, PyResult, Ref};

/// Pickles with protocol 5. The result, `bytes`, is shared like any other.
pub(super) fn dump(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Message> {
    let dumps = cx.import(c"pickle")?.get().attribute(cx.py(), c"dumps")?;
    let protocol = cx.int(5)?;
    let data = dumps.get().call(cx.py(), [object, protocol.get()])?;
    Ok(Message::Pickle(Box::new(pack(
        cx,
        data.get(),
        Packing::PLAIN,
    )?)))
}

pub(super) fn load(cx: Cx<'_>, data: Message) -> PyResult<Owned<'_>> {
    let data = unpack(cx, data)?;
    let loads = cx.import(c"pickle")?.get().attribute(cx.py(), c"loads")?;
    loads.get().call(cx.py(), [data.get()])
}
