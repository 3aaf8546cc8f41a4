//! What `interlane.compat` needs of a channel beyond what one of ours does: items that know their sender, receipts,
//! and a table of all such channels.

use std::sync::atomic::{AtomicU8, Ordering};

use interlane_core::{Refused, channel};

use crate::convert::Message;
use crate::convert::item::{self, Item};
use crate::errors::{Error, raise};
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::lane::{self, Fallback, Lane, Mailbox};
use crate::runtime::waiting::Deadline;
use crate::types::send_channel::SendChannel;
use crate::types::{recv_channel, send_channel};

const CREATE: Signature<3> = plain("_mailbox_create", [c"kind", c"unbound", c"maxsize"]);

const fn plain<const N: usize>(
    function: &'static str,
    names: [&'static core::ffi::CStr; N],
) -> Signature<N> {
    Signature {
        function,
        names,
        required: N,
        positional: N,
        positional_only: N,
    }
}

/// A number that our own Python code gave.
fn number(cx: Cx<'_>, value: Option<Ref<'_>>) -> PyResult<i64> {
    match value {
        Some(value) => Ok(value.index(cx.py())? as i64),
        None => unreachable!("the signature requires it"),
    }
}

pub(super) fn create<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [kind, unbound, maxsize] = args.parse(cx.py(), &CREATE)?;
    let maxsize = number(cx, maxsize)?;
    let mailbox = Mailbox {
        kind: number(cx, kind)? as u8,
        unbound: number(cx, unbound)? as u8,
        maxsize,
        state: AtomicU8::new(0),
    };
    let capacity = usize::try_from(maxsize).ok().filter(|&size| size > 0);
    let (sender, receiver) = lane::create(capacity, Fallback::PickleBuffers, false, Some(mailbox));
    let pair = cx.tuple(2)?;
    pair.get().fill(0, send_channel::make(cx, sender)?);
    pair.get().fill(1, recv_channel::make(cx, receiver)?);
    Ok(pair)
}

const OPEN: Signature<2> = plain("_mailbox_open", [c"kind", c"id"]);

pub(super) fn open<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [kind, id] = args.parse(cx.py(), &OPEN)?;
    let kind = number(cx, kind)?;
    let lane = u64::try_from(number(cx, id)?).ok().and_then(lane::find);
    let Some((lane, mailbox)) = lane.as_ref().and_then(|lane| mailbox_of(lane, kind)) else {
        return Ok(cx.none());
    };
    // None: somebody closes the last ones at this moment.
    let (Some(sender), Some(receiver)) = (lane.sender(), lane.receiver()) else {
        return Ok(cx.none());
    };
    let found = cx.tuple(4)?;
    let parts = [
        send_channel::make(cx, sender)?,
        recv_channel::make(cx, receiver)?,
        cx.int(i64::from(mailbox.unbound))?,
        cx.int(mailbox.maxsize)?,
    ];
    for (place, part) in parts.into_iter().enumerate() {
        found.get().fill(place, part);
    }
    Ok(found)
}

fn mailbox_of(lane: &Lane, kind: i64) -> Option<(&Lane, &Mailbox)> {
    let mailbox = lane.context().mailbox.as_deref()?;
    (i64::from(mailbox.kind) == kind).then_some((lane, mailbox))
}

const LIST: Signature<1> = plain("_mailbox_list", [c"kind"]);

pub(super) fn list<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [kind] = args.parse(cx.py(), &LIST)?;
    let kind = number(cx, kind)?;
    let list = cx.list()?;
    for lane in lane::all() {
        if let Some((lane, mailbox)) = mailbox_of(&lane, kind) {
            let row = cx.tuple(2)?;
            row.get().fill(0, cx.size(lane.id() as usize)?);
            let state = mailbox.state.load(Ordering::Relaxed);
            row.get().fill(1, cx.int(i64::from(state))?);
            list.get().append(cx.py(), row.get())?;
        }
    }
    Ok(list)
}

const STATE: Signature<2> = Signature {
    required: 1,
    ..plain("_mailbox_state", [c"send", c"new"])
};

/// The state until now; with `new`, goes on to that one, and never back.
pub(super) fn state<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [send, new] = args.parse(cx.py(), &STATE)?;
    let (_, mailbox) = sender(cx, send)?;
    let state = match new {
        None => mailbox.state.load(Ordering::Relaxed),
        Some(new) => {
            let new = number(cx, Some(new))? as u8;
            mailbox.state.fetch_max(new, Ordering::Relaxed)
        }
    };
    cx.int(i64::from(state))
}

const END: Signature<1> = plain("_mailbox_end", [c"send"]);

/// Puts in the mark that nothing follows, which wakes whoever waits.
pub(super) fn end<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [send] = args.parse(cx.py(), &END)?;
    let (end, _) = sender(cx, send)?;
    // Err: nobody is left who could be told.
    let _ = end.core.try_send(Message::Unbound(item::CLOSED.into()));
    Ok(cx.none())
}

fn sender<'a>(cx: Cx<'a>, send: Option<Ref<'a>>) -> PyResult<(&'a SendChannel, &'a Mailbox)> {
    let end = send.and_then(|send| class::downcast::<SendChannel>(cx, send));
    end.and_then(|end| Some((end, end.terms().mailbox.as_deref()?)))
        .ok_or_else(|| Raised::type_error(cx.py(), "not the end of a mailbox"))
}

const PUT: Signature<5> = plain(
    "_mailbox_put",
    [c"send", c"obj", c"unbound", c"timeout", c"receipt"],
);

/// Sends an item; with `receipt`, returns when it was received.
pub(super) fn put<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [send, obj, unbound, timeout, receipt] = args.parse(cx.py(), &PUT)?;
    let (end, mailbox) = sender(cx, send)?;
    let (Some(obj), Some(receipt)) = (obj, receipt) else {
        unreachable!("the signature requires them")
    };
    let deadline = Deadline::from_timeout(cx, timeout)?;
    let unbound = u8::try_from(number(cx, unbound)?).unwrap_or(mailbox.unbound);
    let (told, tells) = if receipt.is_true(cx.py())? {
        let (tells, told) = channel(Some(1));
        (Some(told), Some(tells))
    } else {
        (None, None)
    };
    let number = told.as_ref().map(|told| told.channel().id());
    let item = Item {
        message: end.pack(cx, obj)?,
        sender: cx.state.interpreter().owner.generation(),
        unbound,
        receipt: tells,
    };
    let done = end.post(cx, Message::Item(Box::new(item)), deadline)?;
    let Some(told) = told else {
        return Ok(done);
    };
    let outcome = deadline.wait(cx, |wait| told.recv(wait), |reason| *reason);
    if matches!(outcome, Ok(Ok(()))) || !withdraw(end, number) && told.try_recv().is_ok() {
        return Ok(done);
    }
    match outcome? {
        Ok(()) | Err(Refused::TimedOut) => Err(end.refused(cx, Refused::TimedOut)),
        Err(_) => {
            let message = format!("channel {} lost the item unreceived", end.lane().id());
            Err(raise(cx, Error::Broken, &message))
        }
    }
}

/// Takes the item with this receipt out of the queue, if it still is in there.
fn withdraw(end: &SendChannel, number: Option<u64>) -> bool {
    let mut taken = None;
    end.lane().revise(|message| {
        let ours = matches!(message, Message::Item(item)
            if item.receipt.as_ref().map(|receipt| receipt.channel().id()) == number);
        if ours {
            taken = Some(std::mem::replace(message, Message::None));
        }
        !ours
    });
    taken.is_some()
}
