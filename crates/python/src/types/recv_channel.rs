//! `RecvChannel`: the end that items come out of.

use std::collections::VecDeque;
use std::ffi::CStr;

use interlane_core::Refused;

use super::end::{self, End};
use crate::convert::{Message, unpack};
use crate::errors::{self, Error};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::lane::LaneReceiver;
use crate::runtime::waiting::Deadline;
use crate::state::State;

/// One handle of that end.
pub(crate) type RecvChannel = End<LaneReceiver>;

pub(crate) fn make<'py>(cx: Cx<'py>, receiver: LaneReceiver) -> PyResult<Owned<'py>> {
    class::instantiate(cx, End::new(cx, receiver))
}

const RECV: Signature<1> = Signature {
    function: "recv",
    names: [c"timeout"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

const RECV_NOWAIT: Signature<1> = Signature {
    function: "recv_nowait",
    names: [c"default"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

const RECV_MANY: Signature<2> = Signature {
    function: "recv_many",
    names: [c"max_items", c"timeout"],
    required: 0,
    positional: 2,
    positional_only: 0,
};

impl RecvChannel {
    fn recv<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [timeout] = args.parse(cx.py(), &RECV)?;
        self.take(cx, Deadline::from_timeout(cx, timeout)?)
    }

    fn take<'py>(&self, cx: Cx<'py>, deadline: Deadline) -> PyResult<Owned<'py>> {
        cx.state.interpreter().poll(cx.py());
        let receiver = &self.core;
        // With the GIL: to give it up and to take it again costs as much as a quick answer takes.
        let outcome = match receiver.recv_soon() {
            Err(Refused::Empty) => deadline.at(self.lane().id(), false).wait(
                cx,
                |wait| receiver.recv(wait),
                |reason| *reason,
            )?,
            outcome => outcome,
        };
        match outcome {
            Ok(message) => unpack(cx, message),
            Err(reason) => Err(self.refused(cx, reason)),
        }
    }

    fn recv_nowait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [default] = args.parse(cx.py(), &RECV_NOWAIT)?;
        cx.state.interpreter().poll(cx.py());
        match (self.core.try_recv(), default) {
            (Ok(message), _) => unpack(cx, message),
            (Err(Refused::Empty), Some(default)) => Ok(default.to_owned(cx.py())),
            (Err(reason), _) => Err(self.refused(cx, reason)),
        }
    }

    fn recv_many<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [max_items, timeout] = args.parse(cx.py(), &RECV_MANY)?;
        let deadline = Deadline::from_timeout(cx, timeout)?;
        let max = match max_items.filter(|value| !value.is_none()) {
            None => usize::MAX,
            Some(value) => {
                let max = value.clipped_index(cx.py())?;
                usize::try_from(max)
                    .ok()
                    .filter(|&max| max > 0)
                    .ok_or_else(|| {
                        Raised::value_error(
                            cx.py(),
                            &format!("max_items must be None or at least 1, not {max}"),
                        )
                    })?
            }
        };
        cx.state.interpreter().poll(cx.py());
        let receiver = &self.core;
        let mut messages = receiver.try_recv_many(max);
        if messages.is_empty() {
            let outcome = deadline.at(self.lane().id(), false).wait(
                cx,
                |wait| receiver.recv_many(max, wait),
                |reason| *reason,
            )?;
            messages = outcome.map_err(|reason| self.refused(cx, reason))?;
        }
        self.unpack_all(cx, messages)
    }

    /// A list of what was received. Where one can't be made into an object, those before it are in the exception and
    /// those behind it in the channel again.
    fn unpack_all<'py>(
        &self,
        cx: Cx<'py>,
        mut messages: VecDeque<Message>,
    ) -> PyResult<Owned<'py>> {
        let items = cx.list_for(messages.len())?;
        while let Some(message) = messages.pop_front() {
            match unpack(cx, message) {
                Ok(item) => items.get().push(cx.py(), item)?,
                Err(raised) => {
                    self.core.unrecv(messages);
                    let exception = raised.take(cx.py());
                    exception
                        .get()
                        .set_attribute(cx.py(), c"received", items.get())?;
                    return Err(Raised::restore(cx.py(), exception));
                }
            }
        }
        Ok(items)
    }

    fn next<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        match self.take(cx, Deadline::NEVER) {
            Ok(item) => Ok(Some(item)),
            Err(raised) if errors::is(cx, &raised, Error::End) => {
                raised.ignore(cx.py());
                Ok(None)
            }
            Err(raised) => Err(raised),
        }
    }

    fn clone<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        make(cx, self.try_clone(cx)?)
    }
}

const FROM_ID: Signature<1> = Signature {
    function: "from_id",
    names: [c"id"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

fn from_id<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [id] = args.parse(cx.py(), &FROM_ID)?;
    let Some(id) = id else {
        unreachable!("the signature requires it")
    };
    make(cx, End::find(cx, id)?)
}

impl Class for RecvChannel {
    const NAME: &'static CStr = c"interlane.RecvChannel";
    const DOC: &'static CStr = c"The end of a channel that items come out of; one open handle of it. Made by create_channel().\n\nIterating receives until the channel ends.";
    const METHODS: &'static [Method] = const {
        &[
        method::keywords(c"recv", Self::recv, c"recv($self, /, timeout=None)\n--\n\nReceive the next item, waiting at most timeout seconds for it.\n\nRaises TimeoutError, EndOfChannel when all senders are closed and nothing is left, ClosedError after close()."),
        method::of_object(c"arecv", end::arecv, c"arecv($self, /)\n--\n\nReceive the next item, awaiting it. Cancelled, it has lost none.\n\nRaises what recv() does."),
        method::keywords(c"recv_nowait", Self::recv_nowait, c"recv_nowait($self, /, default=...)\n--\n\nReceive the next item without waiting; when there is none, return the default or raise ChannelEmpty."),
        method::keywords(c"recv_many", Self::recv_many, c"recv_many($self, /, max_items=None, timeout=None)\n--\n\nReceive at least one item, and what else is there, as a list of at most max_items.\n\nRaises what recv() does. If an item can't be rebuilt here, the exception has those before it in its attribute\nreceived, and those behind it stay in the channel."),
        method::noargs(c"close", Self::close, c"close($self, /)\n--\n\nClose this handle. Closing twice is harmless."),
        method::noargs(c"clone", Self::clone, c"clone($self, /)\n--\n\nOpen another handle on the same end."),
        method::noargs(c"statistics", Self::statistics, c"statistics($self, /)\n--\n\nReturn the channel at this moment, as a frozen record."),
        method::enter(Self::expect_open),
        method::keywords(c"__exit__", Self::exit, c"__exit__($self, /, *args)\n--\n\nClose this handle."),
        method::of_object(c"__aenter__", end::async_enter, c"__aenter__($self, /)\n--\n\nReturn self; leaving the block closes this handle."),
        method::of_object(c"__aexit__", end::async_exit, c"__aexit__($self, /, *args)\n--\n\nClose this handle."),
        method::noargs(c"__reduce__", Self::refuse_pickling, c"__reduce__($self, /)\n--\n\nRaise TypeError: an end means something in this process only."),
        method::class(c"from_id", from_id, c"from_id($type, /, id)\n--\n\nOpen a new handle on the channel with this id, in any interpreter.\n\nRaises ChannelNotFoundError when there is no such channel, or that side of it has ended."),
        method::class_getitem(),
        method::END,
    ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"closed", Self::closed, c"Is this handle closed?"),
            getset::getter(
                c"id",
                Self::id,
                c"The number of the channel, the same in all interpreters.",
            ),
            getset::getter(
                c"capacity",
                Self::capacity,
                c"How many items it holds: None is unbounded, 0 a rendezvous.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            slot::repr(Self::repr),
            slot::length(Self::length),
            slot::always_true(),
            slot::finalize(Self::warn_if_open),
            slot::async_iter_self(),
            slot::async_next(end::async_next),
            slot::iter_self(),
            slot::next(Self::next),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.recv_channel
    }
}
