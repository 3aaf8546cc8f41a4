//! What `interlane.interpreters` is made of on CPython 3.12 and 3.13.

use crate::py::{Args, Cx, Owned, PyResult, Ref, Signature};
use crate::runtime::made;

pub(super) fn create<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("_made_create"))?;
    cx.int(made::create(cx.py())?)
}

pub(super) fn ids<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("_made_ids"))?;
    let list = cx.list()?;
    for id in made::ids() {
        list.get().append(cx.py(), cx.int(id)?.get())?;
    }
    Ok(list)
}

fn id(cx: Cx<'_>, id: Option<Ref<'_>>) -> PyResult<i64> {
    id.map_or(Ok(-1), |id| Ok(id.index(cx.py())? as i64))
}

const fn of_id(function: &'static str) -> Signature<1> {
    Signature {
        function,
        names: [c"id"],
        required: 1,
        positional: 1,
        positional_only: 1,
    }
}

pub(super) fn in_use<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number] = args.parse(cx.py(), &const { of_id("_made_in_use") })?;
    Ok(made::in_use(id(cx, number)?).map_or_else(|| cx.none(), |in_use| cx.bool(in_use)))
}

pub(super) fn refer<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number] = args.parse(cx.py(), &const { of_id("_made_refer") })?;
    Ok(made::refer(id(cx, number)?).map_or_else(|| cx.none(), |counted| cx.bool(counted)))
}

pub(super) fn release<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number] = args.parse(cx.py(), &const { of_id("_made_release") })?;
    made::release(cx.py(), id(cx, number)?)?;
    Ok(cx.none())
}

pub(super) fn destroy<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number] = args.parse(cx.py(), &const { of_id("_made_destroy") })?;
    Ok(cx.bool(made::destroy(cx.py(), id(cx, number)?)?))
}

const RUN: Signature<2> = Signature {
    function: "_made_run",
    names: [c"id", c"script"],
    required: 2,
    positional: 2,
    positional_only: 2,
};

pub(super) fn run<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [number, script] = args.parse(cx.py(), &RUN)?;
    let script = script.map(|script| script.display(cx.py()));
    match made::run(cx.py(), id(cx, number)?, &script.unwrap_or_default())? {
        None => Ok(cx.none()),
        Some(Ok(())) => cx.str(""),
        Some(Err(raised)) => cx.str(&raised),
    }
}
