//! `_Choice`: operations on channels of which one is awaited.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use interlane_core::{Op, Refused, Select, SelectError, Selected};

use super::loop_wait::ring_and_task;
use crate::convert::{Message, unpack};
use crate::errors::not_chosen;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, class};
use crate::runtime::Interpreter;
use crate::runtime::awaited::{Await, Awaited};
use crate::runtime::interpreter::Close;
use crate::runtime::lane::Terms;
use crate::runtime::slab::Key;
use crate::runtime::waiting::Subject;
use crate::state::State;

/// An interpreter that ends gives up what it awaits, so that an item that has just come goes to others.
struct Shared {
    select: Mutex<Select<'static, Message, Terms>>,
    awaited: Awaited,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Select<'static, Message, Terms>> {
        self.select.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Close for Shared {
    fn close(&self) {
        self.lock().cancel();
    }

    fn awaited(&self) -> Option<Await> {
        self.awaited.get()
    }
}

/// See the module's documentation. Dropped, it gives up.
pub(crate) struct Choice {
    shared: Arc<Shared>,
    interpreter: Arc<Interpreter>,
    key: Option<Key>,
}

pub(crate) fn make<'py>(
    cx: Cx<'py>,
    select: Select<'static, Message, Terms>,
) -> PyResult<Owned<'py>> {
    let shared = Arc::new(Shared {
        select: Mutex::new(select),
        awaited: Awaited::default(),
    });
    let interpreter = Arc::clone(cx.state.interpreter());
    let weak: Weak<Shared> = Arc::downgrade(&shared);
    let key = interpreter.register(weak);
    class::instantiate(
        cx,
        Choice {
            shared,
            interpreter,
            key,
        },
    )
}

/// What was received, or None.
pub(crate) fn item<'py>(cx: Cx<'py>, selected: Selected<Message>) -> PyResult<Owned<'py>> {
    match selected.item {
        Some(message) => unpack(cx, message),
        None => Ok(cx.none()),
    }
}

/// What was done, as `(index, item)`.
pub(crate) fn pair<'py>(cx: Cx<'py>, selected: Selected<Message>) -> PyResult<Owned<'py>> {
    let index = selected.index;
    let item = item(cx, selected)?;
    let pair = cx.tuple(2)?;
    pair.get().fill(0, cx.size(index)?);
    pair.get().fill(1, item);
    Ok(pair)
}

impl Choice {
    fn begin<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let (ring, task) = ring_and_task(cx, args)?;
        let mut select = self.shared.lock();
        let subject = subject(select.ops());
        let waits = select.begin(ring);
        drop(select);
        if waits {
            self.shared.awaited.begin(task, None, subject);
        }
        Ok(cx.bool(waits))
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.end(cx, Refused::Abandoned)
    }

    fn expire<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.end(cx, Refused::TimedOut)
    }

    /// `given_up`: why nothing was done, if nothing was.
    fn end<'py>(&self, cx: Cx<'py>, given_up: Refused) -> PyResult<Owned<'py>> {
        cx.state.interpreter().poll(cx.py());
        self.shared.awaited.end();
        let mut select = self.shared.lock();
        let result = select.finish();
        let mut error = match result {
            Ok(selected) => {
                drop(select);
                return pair(cx, selected);
            }
            Err(error) => error,
        };
        if error.reason == Refused::Abandoned {
            error.reason = given_up;
        }
        let culprit = Culprit::of(select.ops(), error);
        let_go(select);
        Err(culprit.raise(cx))
    }

    fn cancel<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.shared.awaited.end();
        let mut select = self.shared.lock();
        let sent = select.cancel();
        let_go(select);
        // What is not sent was acquired in vain.
        cx.state.interpreter().poll(cx.py());
        Ok(cx.bool(sent))
    }
}

/// What these operations wait for, for people who want to know.
fn subject(ops: &[Op<'_, Message, Terms>]) -> Subject {
    match ops {
        [op @ Op::Send(..)] => Subject::Send(op.channel().id()),
        [op @ Op::Recv(..)] => Subject::Receive(op.channel().id()),
        _ => Subject::Other,
    }
}

/// Drops the operations, with what was not sent: the object may live on in a traceback.
fn let_go(mut select: MutexGuard<'_, Select<'static, Message, Terms>>) {
    let over = core::mem::replace(&mut *select, Select::new([]));
    drop(select);
    drop(over);
}

/// What an error message needs to know, without the operations.
pub(crate) struct Culprit {
    error: SelectError,
    /// Id, capacity and direction of the channel, of those that one operation alone is about.
    channel: Option<(u64, Option<usize>, bool)>,
    count: usize,
    only_sends: bool,
}

impl Culprit {
    pub(crate) fn of(ops: &[Op<'_, Message, Terms>], error: SelectError) -> Self {
        let sends = |op: &Op<'_, Message, Terms>| matches!(op, Op::Send(..));
        let alone = if ops.len() == 1 { Some(0) } else { error.index };
        Self {
            error,
            channel: alone.and_then(|index| ops.get(index)).map(|op| {
                let channel = op.channel();
                (channel.id(), channel.capacity(), sends(op))
            }),
            count: ops.len(),
            only_sends: ops.iter().all(sends),
        }
    }

    /// Attached, with no lock held: makes an exception.
    pub(crate) fn raise(self, cx: Cx<'_>) -> Raised {
        let reason = self.error.reason;
        let raised = not_chosen(cx, reason, self.channel, self.count, self.only_sends);
        let Some(index) = self.error.index else {
            return raised;
        };
        raised.with_attribute(cx.py(), c"index", || cx.size(index))
    }
}

impl Drop for Choice {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.interpreter.forget(key);
        }
    }
}

impl Class for Choice {
    const NAME: &'static CStr = c"interlane._core._Choice";
    const DOC: &'static CStr = c"Operations on channels of which one is awaited.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(c"begin", Self::begin, c"begin($self, bell, number, task, /)\n--\n\nDo an operation that is possible, or wait for one, in which case the answer is True and the bell will ring\nwith this number. result() has what came of it. The task's name is for people."),
            method::noargs(c"result", Self::result, c"result($self, /)\n--\n\nReturn the index of the operation that was done and what was received, or raise."),
            method::noargs(c"expire", Self::expire, c"expire($self, /)\n--\n\nAs result(), for want of time: raise TimeoutError when nothing was done."),
            method::noargs(c"cancel", Self::cancel, c"cancel($self, /)\n--\n\nGive up; return whether something was sent. An item that was received is put back."),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = &[getset::END];
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.choice
    }
}
