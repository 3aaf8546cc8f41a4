//! `_inspect`: who waits for whom, as plain tuples.

use std::collections::BTreeMap;

use crate::py::{Args, Cx, Owned, PyResult};
use crate::runtime::lane;
use crate::runtime::primitive::Primitive;
use crate::runtime::waiting::Subject;
use crate::runtime::{Interpreter, blocked};

/// `_inspect()`: lists of interpreters (id, shares, pending, seconds of the oldest pending), channels (id, capacity, buffered,
/// open senders, open receivers, waiting senders, waiting receivers, sent, received), primitives (id, kind, state,
/// holder's interpreter and thread, waiting), waits of threads (interpreter, thread, kind, id, seconds, whether without a deadline) and
/// those of tasks (interpreter, thread, kind, id, seconds, the task's name, as whom it waits for a lock).
pub(super) fn inspect<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    let count = |value: usize| cx.size(value);
    let interpreters = cx.list()?;
    let owners: BTreeMap<_, _> = interlane_core::owners()
        .iter()
        .map(|owner| (owner.id(), owner.counters()))
        .collect();
    for (id, counters) in owners {
        let row = [
            count(id as usize)?,
            count(counters.live as usize)?,
            count(counters.pending as usize)?,
            match counters.oldest_pending {
                Some(age) => cx.float(age.as_secs_f64())?,
                None => cx.none(),
            },
        ];
        interpreters.get().append(cx.py(), tuple(cx, row)?.get())?;
    }

    let channels = cx.list()?;
    for lane in lane::all() {
        let now = lane.statistics();
        let row = [
            count(lane.id() as usize)?,
            now.capacity.map_or_else(|| Ok(cx.none()), count)?,
            count(now.buffered)?,
            count(now.open_senders)?,
            count(now.open_receivers)?,
            count(now.waiting_senders)?,
            count(now.waiting_receivers)?,
            count(now.sent as usize)?,
            count(now.received as usize)?,
        ];
        channels.get().append(cx.py(), tuple(cx, row)?.get())?;
    }

    let locks = cx.list()?;
    for primitive in Primitive::all() {
        let (interpreter, thread) = match primitive.holder() {
            Some(who) => (count(who.runtime as usize)?, count(who.thread as usize)?),
            None => (cx.none(), cx.none()),
        };
        let row = [
            count(primitive.id() as usize)?,
            cx.str(primitive.kind())?,
            cx.str(&primitive.state())?,
            interpreter,
            thread,
            count(primitive.waiting())?,
        ];
        locks.get().append(cx.py(), tuple(cx, row)?.get())?;
    }

    let waits = cx.list()?;
    for sleep in blocked::sleepers() {
        let (kind, id) = named(cx, sleep.subject)?;
        let row = [
            cx.int(sleep.interpreter)?,
            count(sleep.thread as usize)?,
            kind,
            id,
            cx.float(sleep.since.elapsed().as_secs_f64())?,
            cx.bool(sleep.unlimited),
        ];
        waits.get().append(cx.py(), tuple(cx, row)?.get())?;
    }

    let awaits = cx.list()?;
    for interpreter in Interpreter::all() {
        for it in interpreter.awaits() {
            let (kind, id) = named(cx, it.subject)?;
            let row = [
                cx.int(interpreter.id())?,
                count(it.thread as usize)?,
                kind,
                id,
                cx.float(it.since.elapsed().as_secs_f64())?,
                cx.str(&it.task)?,
                it.who
                    .map_or_else(|| Ok(cx.none()), |who| count(who as usize))?,
            ];
            awaits.get().append(cx.py(), tuple(cx, row)?.get())?;
        }
    }
    tuple(cx, [interpreters, channels, locks, waits, awaits])
}

/// The kind of what is waited for, and its number.
fn named(cx: Cx<'_>, subject: Subject) -> PyResult<(Owned<'_>, Owned<'_>)> {
    let (kind, id) = match subject {
        Subject::Other => ("other", None),
        Subject::Primitive(id) => ("lock", Some(id)),
        Subject::Send(id) => ("send", Some(id)),
        Subject::Receive(id) => ("receive", Some(id)),
    };
    let id = id.map_or_else(|| Ok(cx.none()), |id| cx.size(id as usize))?;
    Ok((cx.str(kind)?, id))
}

fn tuple<'py, const N: usize>(cx: Cx<'py>, items: [Owned<'py>; N]) -> PyResult<Owned<'py>> {
    let tuple = cx.tuple(N)?;
    for (place, item) in items.into_iter().enumerate() {
        tuple.get().fill(place, item);
    }
    Ok(tuple)
}
