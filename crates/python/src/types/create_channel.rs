//! `create_channel`: a function that can be subscripted with the type of the items, which only a class can be.

use core::ffi::CStr;

use crate::functions::create_channel;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Class, Global, subscript};
use crate::state::State;

/// Nobody ever has an instance: calling the class returns a channel's two ends.
pub(super) struct CreateChannel(());

impl Class for CreateChannel {
    const NAME: &'static CStr = c"interlane.create_channel";
    const DOC: &'static CStr = c"create_channel(capacity=None, *, fallback=None)
--

Creates a channel and returns its two ends: `send, recv = create_channel(capacity)`.

`capacity` is the number of items that wait in the channel: `None` for any number, 0 for none (a send
returns once its item was received), else at least 1. `fallback=\"pickle\"` pickles what has no other
way to be shared, where `NotShareableError` would be raised otherwise.

`create_channel[int](3)` says what the items are, for type checkers; at run time it is the same.

Raises `ValueError` for a negative capacity or an unknown fallback.

    send, recv = interlane.create_channel(64)
    send.send({\"pixels\": memoryview(frame)})    # the pixels are shared, not copied
    recv.recv()[\"pixels\"]                       # in any interpreter, on any thread
";
    const METHODS: &'static [Method] = const { &[method::class_getitem(), method::END] };
    const GETSET: &'static [GetSet] = const { &[getset::END] };
    const SLOTS: &'static [Slot] = const { &[subscript::new(create_channel)] };

    fn home(state: &State) -> &Global {
        &state.create_channel
    }
}
