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
    )
}
