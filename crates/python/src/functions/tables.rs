//! What is shared, as a table; and waiting until it no longer is.

use std::time::Instant;

use interlane_core::{Refused, ShareInfo, ShareState};

use crate::py::error::Builtin;
use crate::py::{Args, Cx, Owned, PyResult, Raised, Signature, record};
use crate::runtime::waiting::Deadline;

const SHARES: Signature<1> = Signature {
    function: "shares",
    names: [c"owner"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

pub(super) fn shares<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [owner] = args.parse(cx.py(), &SHARES)?;
    let owner = match owner.filter(|value| !value.is_none()) {
        None => None,
        Some(owner) => Some(owner.clipped_index(cx.py())?),
    };
    cx.state.interpreter().poll(cx.py());
    let list = cx.list()?;
    for info in interlane_core::shares() {
        if owner.is_none_or(|owner| {
            info.owner
                .is_some_and(|id| i64::try_from(id) == Ok(owner as i64))
        }) {
            list.get().append(cx.py(), row(cx, &info)?.get())?;
        }
    }
    Ok(list)
}

fn row<'py>(cx: Cx<'py>, info: &ShareInfo) -> PyResult<Owned<'py>> {
    let holders = cx.dict()?;
    for &(holder, count) in &info.holders {
        let (holder, count) = (cx.size(holder as usize)?, cx.size(count as usize)?);
        holders.get().insert(cx.py(), holder.get(), count.get())?;
    }
    let state = match info.state {
        ShareState::Live => "live",
        ShareState::Pending => "pending",
        ShareState::Orphaned => "orphaned",
    };
    let values = [
        cx.size(info.id as usize)?,
        match info.owner {
            Some(owner) => cx.size(owner as usize)?,
            None => cx.none(),
        },
        cx.str(&info.kind)?,
        cx.size(info.nbytes)?,
        holders,
        cx.float(info.age.as_secs_f64())?,
        cx.size(info.in_transit)?,
        cx.str(state)?,
    ];
    record::make(cx, &cx.state.share_record, values)
}

const WAIT_RELEASED: Signature<1> = Signature {
    function: "wait_released",
    names: [c"timeout"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

pub(super) fn wait_released<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [timeout] = args.parse(cx.py(), &WAIT_RELEASED)?;
    let deadline = Deadline::from_timeout(cx, timeout)?;
    let interpreter = cx.state.interpreter();
    let began = Instant::now();
    interpreter.poll(cx.py());
    let outcome = deadline.wait(
        cx,
        |wait| {
            interpreter
                .owner
                .wait_released(interpreter.id() as u32, wait)
        },
        |reason| *reason,
    )?;
    interpreter.poll(cx.py());
    match outcome {
        Ok(()) => Ok(cx.none()),
        Err(Refused::TimedOut) => {
            let live = interpreter.owner.counters().live;
            let message = format!(
                "timed out after {:.3} s: others still hold shares of interpreter {} ({live} are live)",
                began.elapsed().as_secs_f64(),
                interpreter.id(),
            );
            Err(Raised::builtin(cx.py(), Builtin::Timeout, &message))
        }
        Err(_) => {
            let message =
                "shares of this interpreter are held for ever: nobody is left who could drop them";
            Err(Raised::builtin(cx.py(), Builtin::Runtime, message))
        }
    }
}
