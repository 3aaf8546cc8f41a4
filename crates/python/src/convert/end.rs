//! Ends of channels on their way through a channel: each is a handle of its own.

use crate::errors::{Error, raise};
use crate::py::{Cx, Owned, PyResult, Ref, class};
use crate::runtime::lane::{LaneReceiver, LaneSender};
use crate::types::recv_channel::{self, RecvChannel};
use crate::types::send_channel::{self, SendChannel};

/// A handle that no interpreter has yet.
#[derive(Debug)]
pub(crate) enum Transit {
    Send(LaneSender),
    Recv(LaneReceiver),
}

impl Transit {
    pub(super) fn try_clone(&self, cx: Cx<'_>) -> PyResult<Self> {
        let clone = match self {
            Self::Send(sender) => sender.try_clone().map(Self::Send),
            Self::Recv(receiver) => receiver.try_clone().map(Self::Recv),
        };
        clone.ok_or_else(|| raise(cx, Error::Closed, "the end of a channel in it is closed"))
    }
}

/// A clone of the handle when `object` is an end.
pub(super) fn clone(cx: Cx<'_>, object: Ref<'_>) -> PyResult<Option<Transit>> {
    let transit = if let Some(end) = class::downcast::<SendChannel>(cx, object) {
        end.core.try_clone().map(Transit::Send)
    } else if let Some(end) = class::downcast::<RecvChannel>(cx, object) {
        end.core.try_clone().map(Transit::Recv)
    } else {
        return Ok(None);
    };
    match transit {
        Some(transit) => Ok(Some(transit)),
        None => Err(raise(
            cx,
            Error::Closed,
            &format!("{} can't be sent: it is closed", object.brief_repr(cx.py())),
        )),
    }
}

/// The handle, now this interpreter's.
pub(super) fn open(cx: Cx<'_>, transit: Transit) -> PyResult<Owned<'_>> {
    match transit {
        Transit::Send(sender) => send_channel::make(cx, sender),
        Transit::Recv(receiver) => recv_channel::make(cx, receiver),
    }
}
