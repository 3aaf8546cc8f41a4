//! What both ends of a channel have in common.

use std::ffi::CStr;
use std::sync::{Arc, Weak};

use crate::convert::{Message, Packing, pack, pack_buffer};
use crate::errors::{Error, raise, refused};
use crate::py::{Args, Cx, Global, Owned, PyResult, Raised, Ref, Signature, record};
use crate::runtime::Interpreter;
use crate::runtime::interpreter::Close;
use crate::runtime::lane::{self, Lane, LaneReceiver, LaneSender, Terms};
use crate::runtime::slab::Key;

/// The handle inside an end: a sender or a receiver of interlane-core.
pub(crate) trait Handle: Close + Sized + 'static {
    const SENDING: bool;
    const NAME: &'static str;
    fn close(&self) -> bool;
    fn is_closed(&self) -> bool;
    fn try_clone(&self) -> Option<Self>;
    fn channel(&self) -> &Lane;
    /// A new handle on a channel; `None` when that side of it has ended.
    fn of(lane: &Lane) -> Option<Self>;
}

impl Handle for LaneSender {
    const SENDING: bool = true;
    const NAME: &'static str = "SendChannel";

    fn close(&self) -> bool {
        LaneSender::close(self)
    }

    fn is_closed(&self) -> bool {
        LaneSender::is_closed(self)
    }

    fn try_clone(&self) -> Option<Self> {
        LaneSender::try_clone(self)
    }

    fn channel(&self) -> &Lane {
        LaneSender::channel(self)
    }

    fn of(lane: &Lane) -> Option<Self> {
        lane.sender()
    }
}

impl Handle for LaneReceiver {
    const SENDING: bool = false;
    const NAME: &'static str = "RecvChannel";

    fn close(&self) -> bool {
        LaneReceiver::close(self)
    }

    fn is_closed(&self) -> bool {
        LaneReceiver::is_closed(self)
    }

    fn try_clone(&self) -> Option<Self> {
        LaneReceiver::try_clone(self)
    }

    fn channel(&self) -> &Lane {
        LaneReceiver::channel(self)
    }

    fn of(lane: &Lane) -> Option<Self> {
        lane.receiver()
    }
}

impl Close for LaneSender {
    fn close(&self) {
        LaneSender::close(self);
    }
}

impl Close for LaneReceiver {
    fn close(&self) {
        LaneReceiver::close(self);
    }
}

/// One open end that belongs to an interpreter, which closes it when it ends.
pub(crate) struct End<H: Handle> {
    pub(crate) core: Arc<H>,
    interpreter: Arc<Interpreter>,
    /// How items are packed; `None`: as buffers.
    packing: Option<Packing>,
    key: Option<Key>,
}

impl<H: Handle> End<H> {
    pub(crate) fn new(cx: Cx<'_>, handle: H) -> Self {
        let core = Arc::new(handle);
        let interpreter = Arc::clone(cx.state.interpreter());
        let weak: Weak<H> = Arc::downgrade(&core);
        let key = interpreter.register(weak);
        let terms = core.channel().context();
        let packing = (!terms.buffers).then(|| Packing::with_fallback(terms.fallback));
        if key.is_none() {
            Handle::close(&*core); // the interpreter is ending: born closed
        }
        Self {
            core,
            interpreter,
            packing,
            key,
        }
    }

    /// Are items packed, and not taken as buffers?
    pub(crate) fn packs(&self) -> bool {
        self.packing.is_some()
    }

    /// Makes a message of an item, after releasing what borrowers have given back.
    #[inline(always)]
    pub(crate) fn pack(&self, cx: Cx<'_>, item: Ref<'_>) -> PyResult<Message> {
        self.interpreter.poll(cx.py());
        let packed = match self.packing {
            Some(packing) => pack(cx, item, packing),
            None => pack_buffer(cx, item),
        };
        packed.map_err(|raised| self.interpreter.poll_raised(cx.py(), raised))
    }

    pub(crate) fn lane(&self) -> &Lane {
        self.core.channel()
    }

    pub(crate) fn terms(&self) -> &Terms {
        self.lane().context()
    }

    /// From the argument of `from_id`.
    pub(crate) fn find(cx: Cx<'_>, id: Ref<'_>) -> PyResult<H> {
        let number = id.clipped_index(cx.py())?;
        let lane = u64::try_from(number).ok().and_then(lane::find);
        let lane = lane.ok_or_else(|| {
            let message = format!("no channel has the id {}", id.brief_repr(cx.py()));
            raise(cx, Error::NotFound, &message)
        })?;
        H::of(&lane).ok_or_else(|| {
            let message = format!(
                "channel {number} has ended: no new {} can be opened",
                H::NAME
            );
            raise(cx, Error::NotFound, &message)
        })
    }

    /// What the caller wanted to send has been dropped: its owner, which this is, has it back at once.
    pub(crate) fn refused(&self, cx: Cx<'_>, reason: interlane_core::Refused) -> Raised {
        cx.state.interpreter().poll(cx.py());
        refused(
            cx,
            reason,
            self.lane().id(),
            self.lane().capacity(),
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

    /// Before `with` enters it.
    pub(crate) fn expect_open(&self, cx: Cx<'_>) -> PyResult<()> {
        if Handle::is_closed(&*self.core) {
            return Err(self.refused(cx, interlane_core::Refused::Closed));
        }
        Ok(())
    }

    pub(crate) fn closed<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(Handle::is_closed(&*self.core)))
    }

    pub(crate) fn id<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.lane().id() as usize)
    }

    pub(crate) fn capacity<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        match self.lane().capacity() {
            Some(capacity) => cx.size(capacity),
            None => Ok(cx.none()),
        }
    }

    pub(crate) fn exit<'py>(&self, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
        self.close(cx)
    }

    /// Under `-X dev`, as for files. What its interpreter's end has closed doesn't count, and the standard library's
    /// queues are never closed.
    pub(crate) fn warn_if_open(&self, cx: Cx<'_>, this: Ref<'_>) {
        if cx.state.dev_mode.get()
            && !Handle::is_closed(&*self.core)
            && self.terms().mailbox.is_none()
        {
            Raised::warn_unclosed(cx.py(), this, &format!("unclosed {}", self.text()));
            // Whoever keeps the warning keeps the end, which is dropped again later.
            Handle::close(&*self.core);
        }
    }

    pub(crate) fn length(&self, _: Cx<'_>) -> PyResult<usize> {
        Ok(self.lane().len())
    }

    pub(crate) fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&self.text())
    }

    /// `<SendChannel 7 open 3/64>`: never the contents.
    fn text(&self) -> String {
        let state = if Handle::is_closed(&*self.core) {
            "closed"
        } else {
            "open"
        };
        let channel = self.lane();
        let room = channel
            .capacity()
            .map_or_else(String::new, |capacity| format!("/{capacity}"));
        format!(
            "<{} {} {state} {}{room}>",
            H::NAME,
            channel.id(),
            channel.len()
        )
    }

    pub(crate) fn refuse_pickling<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let name = H::NAME;
        Err(Raised::type_error(
            cx.py(),
            &format!(
                "cannot pickle '{name}' object: send it through a channel, prepare_main or call, or send its id and \
                 open another with {name}.from_id(id) in the same process"
            ),
        ))
    }

    pub(crate) fn statistics<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let now = self.lane().statistics();
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

/// What `interlane._async` does: `function(end, *arguments)`.
fn awaitable<'py, const N: usize>(
    cx: Cx<'py>,
    home: &Global,
    function: &CStr,
    arguments: [Ref<'_>; N],
) -> PyResult<Owned<'py>> {
    super::awaitable::call_kept(cx, home, c"interlane._async", function, arguments)
}

const ASEND: Signature<1> = Signature {
    function: "asend",
    names: [c"obj"],
    required: 1,
    positional: 1,
    positional_only: 0,
};

pub(crate) fn asend<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    match args.parse(cx.py(), &ASEND)? {
        [Some(item)] => awaitable(cx, &cx.state.coroutines.asend, c"asend", [this, item]),
        [None] => unreachable!("the signature requires it"),
    }
}

pub(crate) fn arecv<'py>(this: Ref<'py>, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("arecv"))?;
    awaitable(cx, &cx.state.coroutines.arecv, c"arecv", [this])
}

/// `__anext__`.
pub(crate) fn async_next<'py>(cx: Cx<'py>, this: Ref<'py>) -> PyResult<Owned<'py>> {
    awaitable(cx, &cx.state.coroutines.next_item, c"next_item", [this])
}

/// `__aenter__`.
pub(crate) fn async_enter<'py>(this: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    awaitable(cx, &cx.state.coroutines.aenter, c"aenter", [this])
}

/// `__aexit__`.
pub(crate) fn async_exit<'py>(this: Ref<'py>, cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    awaitable(cx, &cx.state.coroutines.aexit, c"aexit", [this])
}

impl<H: Handle> Drop for End<H> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.interpreter.forget(key);
        }
        Handle::close(&*self.core);
    }
}
