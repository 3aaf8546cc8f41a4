//! The classes of the module, one file each.

pub(crate) mod area;
pub(crate) mod end;
pub(crate) mod keeper;
pub(crate) mod records;
pub(crate) mod recv_channel;
pub(crate) mod remote;
pub(crate) mod send_channel;
pub(crate) mod share;

use crate::py::{Cx, PyResult, Ref, class, shared_text, xidata};

/// Builds all classes for this interpreter.
pub(crate) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    class::add::<send_channel::SendChannel>(cx, module)?;
    class::add::<recv_channel::RecvChannel>(cx, module)?;
    class::add::<area::Area>(cx, module)?;
    class::add::<keeper::Keeper>(cx, module)?;
    class::add::<share::Share>(cx, module)?;
    class::add::<remote::Remote>(cx, module)?;
    shared_text::add(cx, module)?;
    for class in [
        &cx.state.send_channel,
        &cx.state.recv_channel,
        &cx.state.shared_str,
        &cx.state.share,
        &cx.state.remote,
    ] {
        xidata::register(cx.py(), class.get(cx.py())?)?;
    }
    records::add(cx, module)
}
