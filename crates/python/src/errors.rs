//! The package's exception classes.

use std::ffi::CStr;

use interlane_core::Refused;

use crate::py::error::{self, Builtin};
use crate::py::{Cx, Global, Owned, PyResult, Raised, Ref};

/// Those that Rust raises itself, one each.
#[repr(C)]
pub(crate) struct Errors {
    closed: Global,
    broken: Global,
    end: Global,
    not_found: Global,
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
    OwnerGone,
    BufferBusy,
    NotShareable,
    Full,
    Empty,
}

/// Where the class is.
enum Place<'a> {
    Here(&'a Global),
    /// In a Python module, imported when it is needed: that of its base takes long, at least as long as ours.
    There(&'static CStr, &'static CStr),
}

impl Errors {
    fn place(&self, error: Error) -> Place<'_> {
        match error {
            Error::Closed => Place::Here(&self.closed),
            Error::Broken => Place::Here(&self.broken),
            Error::End => Place::Here(&self.end),
            Error::NotFound => Place::Here(&self.not_found),
            Error::OwnerGone => Place::Here(&self.owner_gone),
            Error::BufferBusy => Place::Here(&self.buffer_busy),
            Error::NotShareable => Place::There(c"interlane._not_shareable", c"NotShareableError"),
            Error::Full => Place::There(c"interlane._full", c"ChannelFull"),
            Error::Empty => Place::There(c"interlane._empty", c"ChannelEmpty"),
        }
    }

    /// Builds the classes for this interpreter.
    pub(crate) fn add(&self, cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
        let add = |name, doc, bases: &[Ref<'_>]| error::add(cx.py(), module, name, doc, bases);
        let any = Builtin::Exception.class();
        let channel = add(
            c"interlane.ChannelError",
            c"Something about a channel prevents what was asked of it; the base of all that is raised for one.",
            &[any],
        )?;
        let channel = channel.get();
        self.closed.set(add(
            c"interlane.ClosedError",
            c"This handle was used after its own `close()`.",
            &[channel],
        )?);
        self.broken.set(add(
            c"interlane.BrokenChannel",
            c"All receivers have closed: nobody could ever get the item, which its sender keeps.",
            &[channel],
        )?);
        self.end.set(add(
            c"interlane.EndOfChannel",
            c"All senders have closed and every item has been received.",
            &[channel],
        )?);
        self.not_found.set(add(
            c"interlane.ChannelNotFoundError",
            c"No channel of that id has an open end.",
            &[channel, Builtin::Lookup.class()],
        )?);
        self.owner_gone.set(add(
            c"interlane.OwnerGoneError",
            c"The interpreter that this needs has ended.",
            &[channel],
        )?);
        self.buffer_busy.set(add(
            c"interlane.BufferBusyError",
            c"Others use the memory, and did not stop in the time that there was.

A `TimeoutError`, as of every wait, and a `BufferError`, as of everything that memory in use prevents.",
            &[Builtin::Timeout.class(), Builtin::Buffer.class()],
        )?);
        add(
            c"interlane.WouldBlock",
            c"It could only be done by waiting.",
            &[channel],
        )?;
        add(
            c"interlane.RemoteError",
            c"Stands for an exception of another interpreter whose class cannot be imported here.",
            &[any],
        )?;
        Ok(())
    }

    pub(crate) fn globals(&self) -> [&Global; 6] {
        [
            &self.closed,
            &self.broken,
            &self.end,
            &self.not_found,
            &self.owner_gone,
            &self.buffer_busy,
        ]
    }
}

pub(crate) fn raise(cx: Cx<'_>, error: Error, message: &str) -> Raised {
    let class = match cx.state.errors.place(error) {
        Place::Here(class) => class.get(cx.py()).map(|class| class.to_owned(cx.py())),
        Place::There(module, class) => attribute(cx, cx.ours(module), class),
    };
    match class {
        Ok(class) => Raised::new(cx.py(), class.get(), message),
        Err(raised) => raised,
    }
}

/// Is the exception that was raised, by whomever, one of these?
pub(crate) fn is(cx: Cx<'_>, raised: &Raised, error: Error) -> bool {
    match cx.state.errors.place(error) {
        Place::Here(class) => class
            .try_get(cx.py())
            .is_some_and(|class| raised.is(cx.py(), class)),
        Place::There(module, class) => raised.is_found(cx.py(), || {
            // Nobody has raised one without it.
            match cx.loaded_module(&module.to_string_lossy())? {
                None => Ok(None),
                Some(module) => attribute(cx, Ok(module), class).map(Some),
            }
        }),
    }
}

fn attribute<'py>(cx: Cx<'py>, module: PyResult<Owned<'py>>, name: &CStr) -> PyResult<Owned<'py>> {
    module?.get().attribute(cx.py(), name)
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
            (Error::Full, message)
        }
        Refused::Empty => (Error::Empty, format!("channel {id} is empty")),
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
