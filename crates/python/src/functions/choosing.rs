//! `select`: one of several operations on channels.

use std::sync::Arc;

use interlane_core::{Handle, Op, Receiver, Select, Sender};

use crate::convert::Message;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, class, record};
use crate::runtime::lane::Terms;
use crate::runtime::waiting::Deadline;
use crate::types::choice::{self, Culprit};
use crate::types::recv_channel::RecvChannel;
use crate::types::send_channel::SendChannel;

const SELECT: Signature<1> = Signature {
    function: "select",
    names: [c"timeout"],
    required: 0,
    positional: 0,
    positional_only: 0,
};

pub(super) fn select<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let (ops, keywords) = args.split();
    let [timeout] = keywords.parse(cx.py(), &SELECT)?;
    let deadline = Deadline::from_timeout(cx, timeout)?;
    let mut select = prepare(cx, &ops, |end| Handle::Lent(end), |end| Handle::Lent(end))?;
    // Before the wait: after it, somebody waits for this.
    let record = record::blank(cx, &cx.state.selected)?;
    let result = match select.attempt() {
        Some(result) => result,
        None => deadline.wait(cx, |wait| select.wait(wait), |error| error.reason)?,
    };
    match result {
        Ok(selected) => {
            let index = selected.index;
            drop(select);
            let item = choice::item(cx, selected)?;
            cx.state.interpreter().poll(cx.py());
            let end = end_of(ops[index]).to_owned(cx.py());
            Ok(record.fill([cx.int(index as i64)?, end, item]))
        }
        Err(error) => {
            let culprit = Culprit::of(select.ops(), error);
            drop(select);
            cx.state.interpreter().poll(cx.py());
            let raised = culprit.raise(cx);
            let Some(index) = error.index else {
                return Err(raised);
            };
            let end = || Ok(end_of(ops[index]).to_owned(cx.py()));
            Err(raised.with_attribute(cx.py(), c"end", end))
        }
    }
}

/// `_attempt(*ops)`: what was done, as `(index, item)`, or a `_Choice` to wait with.
pub(super) fn attempt<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let (ops, _) = args.split();
    let mut select = prepare(
        cx,
        &ops,
        |end| Arc::clone(end).into(),
        |end| Arc::clone(end).into(),
    )?;
    match select.attempt() {
        Some(Ok(selected)) => {
            drop(select);
            cx.state.interpreter().poll(cx.py());
            choice::pair(cx, selected)
        }
        Some(Err(error)) => {
            let culprit = Culprit::of(select.ops(), error);
            drop(select);
            cx.state.interpreter().poll(cx.py());
            Err(culprit.raise(cx))
        }
        None => choice::make(cx, select),
    }
}

/// The operations; what there is to send is packed, so that it can go from any thread.
fn prepare<'a, 'h>(
    cx: Cx<'_>,
    ops: &[Ref<'a>],
    receiving: impl Fn(&'a Arc<Receiver<Message, Terms>>) -> Handle<'h, Receiver<Message, Terms>>,
    sending: impl Fn(&'a Arc<Sender<Message, Terms>>) -> Handle<'h, Sender<Message, Terms>>,
) -> PyResult<Select<'h, Message, Terms>> {
    if ops.is_empty() {
        let message = "select() needs at least one operation";
        return Err(Raised::value_error(cx.py(), message));
    }
    cx.state.interpreter().poll(cx.py());
    let mut prepared = Vec::with_capacity(ops.len());
    for (index, &op) in ops.iter().enumerate() {
        let pair = op.pair();
        let send =
            pair.and_then(|[end, item]| Some((class::downcast::<SendChannel>(cx, end)?, item)));
        prepared.push(if let Some(recv) = class::downcast::<RecvChannel>(cx, op) {
            Op::recv(receiving(&recv.core))
        } else if let Some((send, item)) = send {
            Op::send(sending(&send.core), send.pack(cx, item)?)
        } else {
            let message = format!(
                "operation {index} must be a RecvChannel or a tuple (SendChannel, item), not {}",
                op.class_name(cx.py())
            );
            return Err(Raised::type_error(cx.py(), &message));
        });
    }
    Ok(Select::new(prepared))
}

/// The end that an operation is about.
fn end_of(op: Ref<'_>) -> Ref<'_> {
    match op.pair() {
        Some([end, _]) => end,
        None => op,
    }
}
