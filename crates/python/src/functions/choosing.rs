//! `select`: one of several operations on channels.

use std::sync::Arc;

use interlane_core::{Op, Select};

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
    let mut select = prepare(cx, &ops)?;
    let result = match select.attempt() {
        Some(result) => result,
        None => deadline.wait(cx, |wait| select.wait(wait), |error| error.reason)?,
    };
    match result {
        Ok(selected) => {
            let index = selected.index;
            drop(select);
            let pair = choice::pair(cx, selected)?;
            cx.state.interpreter().poll(cx.py());
            let Some([place, item]) = pair.get().pair() else {
                unreachable!("a pair")
            };
            let end = end_of(ops[index]).to_owned(cx.py());
            let (place, item) = (place.to_owned(cx.py()), item.to_owned(cx.py()));
            record::make(cx, &cx.state.selected, [place, end, item])
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
    let mut select = prepare(cx, &ops)?;
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
fn prepare(cx: Cx<'_>, ops: &[Ref<'_>]) -> PyResult<Select<Message, Terms>> {
    if ops.is_empty() {
        let message = "select() needs at least one operation";
        return Err(Raised::value_error(cx.py(), message));
    }
    cx.state.interpreter().poll(cx.py());
    let mut prepared = Vec::with_capacity(ops.len());
    for (index, &op) in ops.iter().enumerate() {
        prepared.push(operation(cx, index, op)?);
    }
    Ok(Select::new(prepared))
}

fn operation(cx: Cx<'_>, index: usize, op: Ref<'_>) -> PyResult<Op<Message, Terms>> {
    if let Some(recv) = class::downcast::<RecvChannel>(cx, op) {
        return Ok(Op::Recv(Arc::clone(&recv.core)));
    }
    if let Some([end, item]) = op.pair() {
        if let Some(send) = class::downcast::<SendChannel>(cx, end) {
            return Ok(Op::Send(Arc::clone(&send.core), Some(send.pack(cx, item)?)));
        }
    }
    let message = format!(
        "operation {index} must be a RecvChannel or a tuple (SendChannel, item), not {}",
        op.class_name(cx.py())
    );
    Err(Raised::type_error(cx.py(), &message))
}

/// The end that an operation is about.
fn end_of(op: Ref<'_>) -> Ref<'_> {
    match op.pair() {
        Some([end, _]) => end,
        None => op,
    }
}
