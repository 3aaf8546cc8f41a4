//! The package's exception classes, as Rust sees them.

use std::ffi::CStr;

use interlane_core::Refused;

use crate::py::error::Builtin;
use crate::py::{Cx, Global, PyResult, Raised, Ref};

/// Classes of `interlane._errors`, one each.
#[repr(C)]
pub(crate) struct Errors {
    closed: Global,
    broken: Global,
    end: Global,
    not_found: Global,
    not_shareable: Global,
    owner_gone: Global,
    buffer_busy: Global,
}

/// Which of them to raise.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Error {
    Closed,
    Broken,
    End,
    NotFound,
    NotShareable,
    OwnerGone,
    BufferBusy,
}

impl Errors {
    fn place(&self, error: Error) -> &Global {
        match error {
            Error::Closed => &self.closed,
            Error::Broken => &self.broken,
            Error::End => &self.end,
            Error::NotFound => &self.not_found,
            Error::NotShareable => &self.not_shareable,
            Error::OwnerGone => &self.owner_gone,
            Error::BufferBusy => &self.buffer_busy,
        }
    }

    pub(crate) fn load(&self, cx: Cx<'_>) -> PyResult<()> {
        let module = cx.import(c"interlane._errors")?;
        for (error, name) in [
            (Error::Closed, c"ClosedError"),
            (Error::Broken, c"BrokenChannel"),
            (Error::End, c"EndOfChannel"),
            (Error::NotFound, c"ChannelNotFoundError"),
            (Error::NotShareable, c"NotShareableError"),
            (Error::OwnerGone, c"OwnerGoneError"),
            (Error::BufferBusy, c"BufferBusyError"),
        ] {
            self.place(error)
                .set(module.get().attribute(cx.py(), name)?);
        }
        Ok(())
    }

    pub(crate) fn globals(&self) -> [&Global; 7] {
        [
            &self.closed,
            &self.broken,
            &self.end,
            &self.not_found,
            &self.not_shareable,
            &self.owner_gone,
            &self.buffer_busy,
        ]
    }
}

pub(crate) fn class(cx: Cx<'_>, error: Error) -> PyResult<Ref<'_>> {
    cx.state.errors.place(error).get(cx.py())
}

pub(crate) fn raise(cx: Cx<'_>, error: Error, message: &str) -> Raised {
    match class(cx, error) {
        Ok(class) => Raised::new(cx.py(), class, message),
        Err(raised) => raised,
    }
}

/// `ChannelFull` and `ChannelEmpty` are looked up when they are raised: to import the modules of their bases takes long.
fn of_queue(cx: Cx<'_>, module: &CStr, class: &CStr, message: &str) -> Raised {
    let class = cx
        .ours(module)
        .and_then(|module| module.get().attribute(cx.py(), class));
    match class {
        Ok(class) => Raised::new(cx.py(), class.get(), message),
        Err(raised) => raised,
    }
}

/// The exception for a call that has done none of `count` operations. `channel`: the id, the capacity and the direction
/// (is it sending?) of the one that it is about.
pub(crate) fn not_chosen(
    cx: Cx<'_>,
    reason: Refused,
    channel: Option<(u64, Option<usize>, bool)>,
    count: usize,
    only_sends: bool,
) -> Raised {
    if let Some((id, capacity, sending)) = channel {
        return refused(cx, reason, id, capacity, sending);
    }
    if reason == Refused::TimedOut {
        let message = format!("timed out waiting for one of {count} operations");
        return Raised::builtin(cx.py(), Builtin::Timeout, &message);
    }
    let message =
        format!("none of {count} operations can be done: nobody is left who could wake this call");
    raise(
        cx,
        if only_sends {
            Error::Broken
        } else {
            Error::End
        },
        &message,
    )
}

/// The exception for an operation that a channel refused.
pub(crate) fn refused(
    cx: Cx<'_>,
    reason: Refused,
    id: u64,
    capacity: Option<usize>,
    sending: bool,
) -> Raised {
    let error = match reason {
        Refused::Closed => (
            Error::Closed,
            format!("this handle of channel {id} is closed"),
        ),
        Refused::Broken => (
            Error::Broken,
            format!("channel {id} is broken: all its receivers are closed"),
        ),
        Refused::Ended => (
            Error::End,
            format!("channel {id} has ended: all its senders are closed and nothing is left"),
        ),
        Refused::Full => {
            let capacity = capacity.map_or_else(|| "unbounded".to_owned(), |n| n.to_string());
            let message = format!("channel {id} is full (capacity {capacity})");
            return of_queue(cx, c"interlane._full", c"ChannelFull", &message);
        }
        Refused::Empty => {
            let message = format!("channel {id} is empty");
            return of_queue(cx, c"interlane._empty", c"ChannelEmpty", &message);
        }
        Refused::TimedOut => {
            let what = if sending { "room in" } else { "an item from" };
            return Raised::builtin(
                cx.py(),
                Builtin::Timeout,
                &format!("timed out waiting for {what} channel {id}"),
            );
        }
        Refused::Abandoned | Refused::Interrupted => (
            if sending { Error::Broken } else { Error::End },
            format!("channel {id} has ended: nobody is left who could wake this call"),
        ),
    };
    raise(cx, error.0, &error.1)
}
