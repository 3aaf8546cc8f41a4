//! The classes of the module, one file each.

pub(crate) mod area;
pub(crate) mod arrow;
mod awaitable;
pub(crate) mod choice;
mod create_channel;
pub(crate) mod end;
pub(crate) mod frozen;
pub(crate) mod keeper;
pub(crate) mod loop_bell;
mod loop_wait;
pub(crate) mod records;
pub(crate) mod recv_channel;
pub(crate) mod remote;
pub(crate) mod send_channel;
pub(crate) mod share;
pub(crate) mod shared_buffer;
pub(crate) mod sync;
pub(crate) mod task_worker;
pub(crate) mod tasks;
pub(crate) mod ticket;

use crate::py::{Cx, PyResult, Ref, class, shared_bytes, shared_text, xidata};

/// Builds all classes for this interpreter.
pub(crate) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    class::add::<send_channel::SendChannel>(cx, module)?;
    class::add::<recv_channel::RecvChannel>(cx, module)?;
    class::add::<create_channel::CreateChannel>(cx, module)?;
    class::add::<area::Area>(cx, module)?;
    class::add::<choice::Choice>(cx, module)?;
    class::add::<loop_bell::Bell>(cx, module)?;
    class::add::<keeper::Keeper>(cx, module)?;
    class::add::<share::Share>(cx, module)?;
    class::add::<remote::Remote>(cx, module)?;
    shared_bytes::add(cx, module)?;
    class::add::<tasks::Tasks>(cx, module)?;
    class::add::<task_worker::TaskWorker>(cx, module)?;
    class::add::<ticket::Ticket>(cx, module)?;
    class::add::<shared_buffer::SharedBuffer>(cx, module)?;
    class::add::<shared_buffer::guard::Guard>(cx, module)?;
    class::add::<loop_wait::LoopWait<shared_buffer::guard_wait::GuardCall>>(cx, module)?;
    class::add::<shared_buffer::moving::Move>(cx, module)?;
    class::add::<arrow::ArrowArray>(cx, module)?;
    class::add::<arrow::ArrowStream>(cx, module)?;
    shared_text::add(cx, module)?;
    for class in [
        &cx.state.send_channel,
        &cx.state.recv_channel,
        &cx.state.shared_bytes,
        &cx.state.shared_str,
        &cx.state.share,
        &cx.state.remote,
        &cx.state.shared_buffer,
        &cx.state.moved,
        &cx.state.arrow_array,
        &cx.state.arrow_stream,
    ] {
        xidata::register(cx.py(), class.get(cx.py())?)?;
    }
    sync::add(cx, module)?;
    frozen::add(cx, module)?;
    records::add(cx, module)
}
