//! `SendChannel`: the end that items go in at.

use std::collections::VecDeque;
use std::ffi::CStr;

use interlane_core::{Refused, SendError};

use super::end::{self, End};
use crate::convert::{Message, pack_buffer};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::lane::LaneSender;
use crate::runtime::waiting::Deadline;
use crate::state::State;

/// How many items of an iterable are converted before they are sent together.
const BATCH: usize = 1024;

/// One handle of that end.
pub(crate) type SendChannel = End<LaneSender>;

pub(crate) fn make<'py>(cx: Cx<'py>, sender: LaneSender) -> PyResult<Owned<'py>> {
    class::instantiate(cx, End::new(cx, sender))
}

const SEND: Signature<2> = with_timeout("send", c"obj");
const SEND_BUFFER: Signature<2> = with_timeout("send_buffer", c"obj");
const SEND_MANY: Signature<2> = with_timeout("send_many", c"iterable");

const fn with_timeout(function: &'static str, name: &'static CStr) -> Signature<2> {
    Signature {
        function,
        names: [name, c"timeout"],
        required: 1,
        positional: 2,
        positional_only: 0,
    }
}

const SEND_NOWAIT: Signature<1> = item_alone("send_nowait");
const SEND_BUFFER_NOWAIT: Signature<1> = item_alone("send_buffer_nowait");

const fn item_alone(function: &'static str) -> Signature<1> {
    Signature {
        function,
        names: [c"obj"],
        required: 1,
        positional: 1,
        positional_only: 0,
    }
}

impl SendChannel {
    fn send<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let (item, deadline) = match args.only() {
            Some(item) => (item, Deadline::NEVER),
            None => {
                let [item, timeout] = args.parse(cx.py(), &SEND)?;
                (required(cx, item)?, Deadline::from_timeout(cx, timeout)?)
            }
        };
        let message = self.pack(cx, item)?;
        self.post(cx, message, deadline)
    }

    fn send_nowait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [item] = args.parse(cx.py(), &SEND_NOWAIT)?;
        let message = self.pack(cx, required(cx, item)?)?;
        self.post_now(cx, message)
    }

    fn post_now<'py>(&self, cx: Cx<'py>, message: Message) -> PyResult<Owned<'py>> {
        match self.core.try_send(message) {
            Ok(()) => Ok(cx.none()),
            Err(SendError { item, reason }) => {
                drop(item);
                Err(self.refused(cx, reason))
            }
        }
    }

    fn send_buffer<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [item, timeout] = args.parse(cx.py(), &SEND_BUFFER)?;
        let deadline = Deadline::from_timeout(cx, timeout)?;
        cx.state.interpreter().poll(cx.py());
        let message = pack_buffer(cx, required(cx, item)?)?;
        self.post(cx, message, deadline)
    }

    fn send_buffer_nowait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [item] = args.parse(cx.py(), &SEND_BUFFER_NOWAIT)?;
        cx.state.interpreter().poll(cx.py());
        let message = pack_buffer(cx, required(cx, item)?)?;
        self.post_now(cx, message)
    }

    fn send_many<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [items, timeout] = args.parse(cx.py(), &SEND_MANY)?;
        let deadline = Deadline::from_timeout(cx, timeout)?;
        let iterator = required(cx, items)?.iterate(cx.py())?;
        let batch_size = self.lane().capacity().map_or(BATCH, |n| n.clamp(1, BATCH));
        let mut sent = 0;
        // Objects stay here until their messages have gone, so that none is lost with an error: but for an int's,
        // which is as good as it.
        let mut objects = Vec::new();
        let mut messages = VecDeque::new();
        loop {
            cx.state.interpreter().poll(cx.py());
            let plainly = self.packs() && !cx.state.interpreter().has_mates();
            let (mut failure, mut refused) = (None, None);
            while messages.len() < batch_size {
                let object = match iterator.get().next(cx.py()) {
                    Ok(Some(object)) => object,
                    Ok(None) => break,
                    Err(raised) => {
                        failure = Some(raised.take(cx.py()));
                        break;
                    }
                };
                if let Some(value) = object.get().exact_int(cx.py()).filter(|_| plainly) {
                    messages.push_back(Message::Int(value));
                    continue;
                }
                match self.pack(cx, object.get()) {
                    Ok(Message::Int(value)) => messages.push_back(Message::Int(value)),
                    Ok(message) => {
                        messages.push_back(message);
                        objects.push(object);
                    }
                    Err(raised) => {
                        failure = Some(raised.take(cx.py()));
                        refused = Some(object);
                        break;
                    }
                }
            }
            let (batch, at_end) = (messages.len(), messages.len() < batch_size);
            let outcome = if batch == 0 && failure.is_none() {
                self.expect_open(cx) // no item would tell
            } else if batch == 0 {
                Ok(())
            } else {
                self.post_many(cx, &mut messages, deadline)
            };
            sent += batch - messages.len();
            let failure = match (outcome, failure) {
                (Err(raised), _) => Some(raised.take(cx.py())),
                (Ok(()), failure) => failure,
            };
            if let Some(exception) = failure {
                let unsent = unsent(cx, &messages, objects, refused)?;
                drop(messages);
                cx.state.interpreter().poll(cx.py());
                exception
                    .get()
                    .set_attribute(cx.py(), c"sent", cx.size(sent)?.get())?;
                exception
                    .get()
                    .set_attribute(cx.py(), c"unsent", unsent.get())?;
                return Err(Raised::restore(cx.py(), exception));
            }
            if at_end {
                return cx.size(sent);
            }
            objects.clear();
        }
    }

    pub(crate) fn post<'py>(
        &self,
        cx: Cx<'py>,
        message: Message,
        deadline: Deadline,
    ) -> PyResult<Owned<'py>> {
        match self.core.try_send(message) {
            Ok(()) => Ok(cx.none()),
            Err(error) => self.post_later(cx, error, deadline),
        }
    }

    /// After a first try that was refused.
    #[inline(never)]
    fn post_later<'py>(
        &self,
        cx: Cx<'py>,
        SendError { item, reason }: SendError<Message>,
        deadline: Deadline,
    ) -> PyResult<Owned<'py>> {
        if reason != Refused::Full {
            drop(item);
            return Err(self.refused(cx, reason));
        }
        let sender = &self.core;
        let mut message = Some(item);
        let outcome = deadline.at(self.lane().id(), true).wait(
            cx,
            |wait| match message.take() {
                None => Ok(()),
                Some(item) => sender.send(item, wait).map_err(|error| {
                    message = Some(error.item);
                    error.reason
                }),
            },
            |reason| *reason,
        )?;
        drop(message);
        match outcome {
            Ok(()) => Ok(cx.none()),
            Err(reason) => Err(self.refused(cx, reason)),
        }
    }

    fn post_many(
        &self,
        cx: Cx<'_>,
        messages: &mut VecDeque<Message>,
        deadline: Deadline,
    ) -> PyResult<()> {
        let sender = &self.core;
        if let Err(reason) = sender.try_send_many(messages) {
            return Err(self.refused(cx, reason));
        }
        if messages.is_empty() {
            return Ok(());
        }
        deadline
            .at(self.lane().id(), true)
            .wait(
                cx,
                |wait| sender.send_many(messages, wait),
                |reason| *reason,
            )?
            .map_err(|reason| self.refused(cx, reason))
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

/// The objects of messages that have not gone, of which those that are kept are the last ones of `objects`, and the one
/// that has none.
fn unsent<'py>(
    cx: Cx<'py>,
    messages: &VecDeque<Message>,
    mut objects: Vec<Owned<'py>>,
    refused: Option<Owned<'py>>,
) -> PyResult<Owned<'py>> {
    let list = cx.list()?;
    let is_kept = |message: &&Message| !matches!(message, Message::Int(_));
    let gone = objects.len() - messages.iter().filter(is_kept).count();
    let mut kept = objects.drain(gone..);
    for message in messages {
        let object = match message {
            Message::Int(value) => cx.int(*value)?,
            _ => match kept.next() {
                Some(object) => object,
                None => unreachable!("each has one"),
            },
        };
        list.get().append(cx.py(), object.get())?;
    }
    if let Some(object) = refused {
        list.get().append(cx.py(), object.get())?;
    }
    Ok(list)
}

fn required<'a>(cx: Cx<'_>, item: Option<Ref<'a>>) -> PyResult<Ref<'a>> {
    item.ok_or_else(|| Raised::type_error(cx.py(), "an item is required"))
}

impl Class for SendChannel {
    const NAME: &'static CStr = c"interlane.SendChannel";
    const DOC: &'static CStr = c"The end of a channel that items go in at; one open handle of it. Made by create_channel().";
    const METHODS: &'static [Method] = const {
        &[
        method::keywords(c"send", Self::send, c"send($self, /, obj, timeout=None)\n--\n\nSend an item, waiting at most timeout seconds for room.\n\nRaises TimeoutError, BrokenChannel when nobody can receive any more, ClosedError after close(), and\nNotShareableError for what can't be shared. Nothing has been sent then. Large str and buffers aren't copied."),
        method::of_object(c"asend", end::asend, c"asend($self, /, obj)\n--\n\nSend an item, awaiting room. Cancelled, it has either sent the item or will never.\n\nRaises what send() does. The CancelledError of a wait has the attribute sent, which says what happened."),
        method::keywords(c"send_nowait", Self::send_nowait, c"send_nowait($self, /, obj)\n--\n\nSend an item without waiting, or raise ChannelFull."),
        method::keywords(c"send_many", Self::send_many, c"send_many($self, /, iterable, timeout=None)\n--\n\nSend all items of an iterable and return how many; timeout is for the whole call, in seconds.\n\nAn exception has the attributes sent, how many went, and unsent, those taken from the iterable that did not."),
        method::keywords(c"send_buffer", Self::send_buffer, c"send_buffer($self, /, obj, timeout=None)\n--\n\nSend the memory of any buffer exporter without copying it; a read-only memoryview arrives."),
        method::keywords(c"send_buffer_nowait", Self::send_buffer_nowait, c"send_buffer_nowait($self, /, obj)\n--\n\nAs send_buffer, without waiting, or raise ChannelFull."),
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
        ]
    };

    fn home(state: &State) -> &Global {
        &state.send_channel
    }
}
