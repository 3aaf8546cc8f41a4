//! The classes of the records that `statistics()` and `stats()` return.

use crate::py::{Cx, PyResult, Ref, record};

pub(super) fn add(cx: Cx<'_>, module: Ref<'_>) -> PyResult<()> {
    record::add(
        cx,
        module,
        &cx.state.statistics,
        c"interlane.Statistics",
        c"A channel at one moment: what is in it and who is at its ends.",
        [
            (c"buffered", c"items in the channel"),
            (c"capacity", c"how many it holds; None is unbounded"),
            (
                c"open_senders",
                c"open sending handles, those on their way through channels included",
            ),
            (
                c"open_receivers",
                c"open receiving handles, those on their way through channels included",
            ),
            (c"waiting_senders", c"calls that wait for room"),
            (c"waiting_receivers", c"calls that wait for an item"),
            (c"sent", c"items sent so far"),
            (c"received", c"items received so far"),
        ],
    )?;
    record::add(
        cx,
        module,
        &cx.state.selected,
        c"interlane.Selected",
        c"The operation that select() has done.",
        [
            (c"index", c"its place among the arguments"),
            (c"end", c"the end that it was done with"),
            (c"item", c"what was received; None after a send"),
        ],
    )?;
    record::add(
        cx,
        module,
        &cx.state.stats,
        c"interlane.Stats",
        c"Shares of this process since it started.",
        [
            (c"live", c"shares that exist now"),
            (c"created", c"shares made so far"),
            (
                c"released",
                c"originals released in their owner, after the last share had gone",
            ),
            (
                c"pending",
                c"originals that wait in their owner's inbox to be released",
            ),
            (c"orphaned", c"shares that outlived their owner"),
            (c"nbytes", c"bytes of memory that live shares expose"),
            (
                c"entries",
                c"visits of a background thread to an owner, to release what is pending",
            ),
            (
                c"oldest_pending",
                c"seconds since the oldest pending release; None when there is none",
            ),
        ],
    )?;
    record::add(
        cx,
        module,
        &cx.state.share_record,
        c"interlane.ShareRecord",
        c"One share at one moment.",
        [
            (c"id", c"the share's number, never used twice in a process"),
            (
                c"owner",
                c"id of the interpreter that owns the object; None for memory of the process",
            ),
            (c"type", c"name of the object's class"),
            (c"nbytes", c"bytes of memory that the share exposes"),
            (
                c"holders",
                c"how many objects hold it, by the id of their interpreter, as a dict",
            ),
            (c"age", c"seconds since it was made"),
            (c"in_transit", c"how many are on their way in channels"),
            (
                c"state",
                c"'live', 'pending' (waits to be released) or 'orphaned' (has outlived its owner)",
            ),
        ],
    )
}
