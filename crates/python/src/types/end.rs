//! What both ends of a channel have in common.

use std::sync::{Arc, Weak};

use interlane_core::{Receiver, Sender};

use crate::convert::Message;
use crate::errors::{Error, raise, refused};
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, record};
use crate::runtime::Interpreter;
use crate::runtime::interpreter::Close;
use crate::runtime::lane::Lane;

/// The handle inside an end: a sender or a receiver of interlane-core.
pub(crate) trait Handle: Send + Sync + Sized + 'static {
    const SENDING: bool;
    const NAME: &'static str;
    fn close(&self) -> bool;
    fn is_closed(&self) -> bool;
    fn try_clone(&self) -> Option<Self>;
    /// A new handle on a channel; `None` when that side of it has ended.
    fn of(lane: &Lane) -> Option<Self>;
}

impl Handle for Sender<Message> {
    const SENDING: bool = true;
    const NAME: &'static str = "SendChannel";

    fn close(&self) -> bool {
        Sender::close(self)
    }

    fn is_closed(&self) -> bool {
        Sender::is_closed(self)
    }

    fn try_clone(&self) -> Option<Self> {
        Sender::try_clone(self)
    }

    fn of(lane: &Lane) -> Option<Self> {
        lane.channel.sender()
    }
}

impl Handle for Receiver<Message> {
    const SENDING: bool = false;
    const NAME: &'static str = "RecvChannel";

    fn close(&self) -> bool {
        Receiver::close(self)
    }

    fn is_closed(&self) -> bool {
        Receiver::is_closed(self)
    }

    fn try_clone(&self) -> Option<Self> {
        Receiver::try_clone(self)
    }

    fn of(lane: &Lane) -> Option<Self> {
        lane.channel.receiver()
    }
}

struct Closer<H>(Arc<H>);

impl<H: Handle> Close for Closer<H> {
    fn close(&self) {
        Handle::close(&*self.0);
    }
}

/// One open end that belongs to an interpreter, which closes it when it ends.
pub(crate) struct End<H: Handle> {
    pub(crate) core: Arc<H>,
    pub(crate) lane: Arc<Lane>,
    interpreter: Arc<Interpreter>,
    key: Option<u64>,
    _closer: Arc<Closer<H>>,
}

impl<H: Handle> End<H> {
    pub(crate) fn new(cx: Cx<'_>, lane: Arc<Lane>, handle: H) -> Self {
        let core = Arc::new(handle);
        let closer = Arc::new(Closer(Arc::clone(&core)));
        let interpreter = Arc::clone(cx.state.interpreter());
        let weak: Weak<Closer<H>> = Arc::downgrade(&closer);
        let key = interpreter.register(weak);
        if key.is_none() {
            Handle::close(&*core); // the interpreter is ending: born closed
        }
        Self {
            core,
            lane,
            interpreter,
            key,
            _closer: closer,
        }
    }

    /// From the argument of `from_id`.
    pub(crate) fn find(cx: Cx<'_>, id: Ref<'_>) -> PyResult<(Arc<Lane>, H)> {
        let id = id.index(cx.py())?;
        let missing = || raise(cx, Error::NotFound, &format!("no channel has the id {id}"));
        let lane = u64::try_from(id)
            .ok()
            .and_then(Lane::find)
            .ok_or_else(missing)?;
        match H::of(&lane) {
            Some(handle) => Ok((lane, handle)),
            None => Err(raise(
                cx,
                Error::Closed,
                &format!("channel {id} has ended: no new {} can be opened", H::NAME),
            )),
        }
    }

    pub(crate) fn refused(&self, cx: Cx<'_>, reason: interlane_core::Refused) -> Raised {
        refused(
            cx,
            reason,
            self.lane.id(),
            self.lane.channel.capacity(),
            H::SENDING,
        )
    }

    pub(crate) fn try_clone(&self, cx: Cx<'_>) -> PyResult<H> {
        self.core
            .try_clone()
            .ok_or_else(|| self.refused(cx, interlane_core::Refused::Closed))
    }

    pub(crate) fn close<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Handle::close(&*self.core);
        Ok(cx.none())
    }

    pub(crate) fn closed<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(Handle::is_closed(&*self.core)))
    }

    pub(crate) fn id<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.lane.id() as usize)
    }

    pub(crate) fn capacity<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.lane.channel.capacity() {
            Some(capacity) => cx.size(capacity),
            None => Ok(cx.none()),
        }
    }

    pub(crate) fn exit<'py>(&self, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
        self.close(cx)
    }

    pub(crate) fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.lane.channel.len())
    }

    /// `<SendChannel 7 open 3/64>`: never the contents.
    pub(crate) fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let state = if Handle::is_closed(&*self.core) {
            "closed"
        } else {
            "open"
        };
        let channel = &self.lane.channel;
        let room = channel
            .capacity()
            .map_or_else(String::new, |capacity| format!("/{capacity}"));
        cx.str(&format!(
            "<{} {} {state} {}{room}>",
            H::NAME,
            channel.id(),
            channel.len()
        ))
    }

    pub(crate) fn statistics<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let now = self.lane.channel.statistics();
        let values = [
            cx.size(now.buffered)?,
            self.capacity(cx)?,
            cx.size(now.open_senders)?,
            cx.size(now.open_receivers)?,
            cx.size(now.waiting_senders)?,
            cx.size(now.waiting_receivers)?,
            cx.size(now.sent as usize)?,
            cx.size(now.received as usize)?,
        ];
        record::make(cx, &cx.state.statistics, values)
    }
}

impl<H: Handle> Drop for End<H> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.interpreter.forget(key);
        }
        Handle::close(&*self.core);
    }
}
