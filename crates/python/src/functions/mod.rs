//! The module's functions.

mod sharing;
mod tables;

use core::sync::atomic::Ordering;

use crate::convert::THRESHOLD;
use crate::convert::text::SMALLEST_SHARE;
use crate::py::method::{self, Method};
use crate::py::{Args, Cx, Owned, PyResult, Raised, Signature, foreign, record, xidata};
use crate::runtime::blocked;
use crate::runtime::interpreter::listed_threads;
use crate::runtime::lane::{Fallback, Lane};
use crate::types::{recv_channel, remote, send_channel};

pub(crate) const TABLE: &[Method] = const {
    &[
        method::function(
            c"create_channel",
            create_channel,
            c"create_channel(capacity=None, *, fallback=None)\n--\n\nSee interlane.create_channel.",
        ),
        method::function(
            c"stats",
            stats,
            c"stats()\n--\n\nCounters of all shares of this process, as a record. Owners that have ended are included.",
        ),
        method::function(
            c"collect",
            collect,
            c"collect()\n--\n\nRelease now what borrowers have given back to this interpreter; return how many.\n\nNeeded by nobody: the same happens by itself within 10 ms.",
        ),
        method::function(
            c"share",
            sharing::share,
            c"share(obj, /, *, writable=False, on_release=None)
--

Share an object: acquire its memory, pin it, and return a Share of it.

Sending the Share, or the object itself, adds a holder. When the last one anywhere has gone, the object is
released in this interpreter, and on_release(obj) is called once; what that raises goes to
sys.unraisablehook. Containers are shared as they are now. Buffers arrive read-only unless writable is true.

Raises NotShareableError with the path to what can't be shared, BufferError when writable is asked for and
the memory is not.",
        ),
        method::function(
            c"is_shareable",
            sharing::is_shareable,
            c"is_shareable(obj, /)
--

Tell whether the object, with everything in it, can be shared without pickling.",
        ),
        method::function(
            c"explain",
            sharing::explain,
            c"explain(obj, /)
--

Return why the object can't be shared, with the path to the part that can't; None if it can.",
        ),
        method::function(
            c"register",
            sharing::register,
            c"register(cls, share_function, /)
--

Say how instances of a class, and of its subclasses, are shared in this interpreter.

share_function(obj) returns (rebuild, parts): borrowers import rebuild and call rebuild(*parts). A class's
own __share__ goes first. Registering a class again replaces its function.",
        ),
        method::function(
            c"unregister",
            sharing::unregister,
            c"unregister(cls, /)
--

Forget what was registered for the class; raise KeyError when nothing was.",
        ),
        method::function(
            c"shares",
            tables::shares,
            c"shares(owner=None)
--

Return a list of records of all shares of the process, or of those of one owner, by its interpreter id.",
        ),
        method::function(
            c"wait_released",
            tables::wait_released,
            c"wait_released(timeout=None)
--

Wait until no other interpreter, and no channel, holds anything of this one.

Raises TimeoutError after timeout seconds.",
        ),
        method::function(
            c"get_share_threshold",
            get_share_threshold,
            c"get_share_threshold()\n--\n\nFrom how many bytes on str and bytes are shared instead of copied: 4096 unless set.",
        ),
        method::function(
            c"set_share_threshold",
            set_share_threshold,
            c"set_share_threshold(nbytes, /)\n--\n\nSet, for the whole process, from how many bytes on str and bytes are shared. At least 1024.",
        ),
        method::function(c"_remote", remote::new, c"_remote(obj, /)\n--\n\nReturn what stands behind a proxy of the object."),
        method::function(c"_carry", carry, c"_carry(cls, /)\n--\n\nLet instances of the class through the standard library's own Queue, prepare_main and call."),
        method::function(c"_c_layout", c_layout, c"_c_layout()\n--\n\nReturn what interlane.h must say, to be compared with it."),
        method::function(c"_at_exit", at_exit, c"_at_exit()\n--\n\nClose this interpreter's record."),
        method::function(
            c"_expel_daemons",
            expel_daemons,
            c"_expel_daemons()\n--\n\nEnd the waits of this interpreter's daemon threads in other interpreters.",
        ),
        method::function(
            c"_watch_threads",
            watch_threads,
            c"_watch_threads()\n--\n\nEnd the waits of this interpreter's threads once nobody can wake them.",
        ),
        method::END,
    ]
};

const CREATE: Signature<2> = Signature {
    function: "create_channel",
    names: [c"capacity", c"fallback"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

fn create_channel<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [capacity, fallback] = args.parse(cx.py(), &CREATE)?;
    let capacity = match capacity.filter(|value| !value.is_none()) {
        None => None,
        Some(value) => {
            let size = value.index(cx.py())?;
            let size = usize::try_from(size).map_err(|_| {
                Raised::value_error(
                    cx.py(),
                    &format!("capacity must be None or at least 0, not {size}"),
                )
            })?;
            Some(size)
        }
    };
    let fallback = match fallback.filter(|value| !value.is_none()) {
        None => Fallback::Refuse,
        Some(value) => {
            crate::py::text::expect_str(cx.py(), value, "fallback")?;
            match value.display(cx.py()).as_str() {
                "pickle" => Fallback::Pickle,
                other => {
                    return Err(Raised::value_error(
                        cx.py(),
                        &format!("fallback must be None or 'pickle', not '{other}'"),
                    ));
                }
            }
        }
    };
    let (lane, sender, receiver) = Lane::create(capacity, fallback);
    let send = send_channel::make(cx, lane.clone(), sender)?;
    let recv = recv_channel::make(cx, lane, receiver)?;
    let pair = cx.tuple(2)?;
    pair.get().fill(0, send);
    pair.get().fill(1, recv);
    Ok(pair)
}

fn stats<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    let totals = interlane_core::totals();
    let count = |value: u64| cx.size(value as usize);
    let oldest = match totals.oldest_pending {
        Some(age) => cx.float(age.as_secs_f64())?,
        None => cx.none(),
    };
    let values = [
        count(totals.live)?,
        count(totals.created)?,
        count(totals.released)?,
        count(totals.pending)?,
        count(totals.orphaned)?,
        count(totals.nbytes)?,
        count(totals.entries)?,
        oldest,
    ];
    record::make(cx, &cx.state.stats, values)
}

fn collect<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    cx.size(cx.state.interpreter().drain(cx.py()))
}

fn get_share_threshold<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    cx.size(THRESHOLD.load(Ordering::Relaxed))
}

const SET_THRESHOLD: Signature<1> = Signature {
    function: "set_share_threshold",
    names: [c"nbytes"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

fn set_share_threshold<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    if let [Some(nbytes)] = args.parse(cx.py(), &SET_THRESHOLD)? {
        let nbytes = nbytes.index(cx.py())?;
        let valid = usize::try_from(nbytes)
            .ok()
            .filter(|&n| n >= SMALLEST_SHARE)
            .ok_or_else(|| {
                Raised::value_error(
                    cx.py(),
                    &format!("the threshold must be at least {SMALLEST_SHARE} bytes, not {nbytes}"),
                )
            })?;
        THRESHOLD.store(valid, Ordering::Relaxed);
    }
    Ok(cx.none())
}

const CARRY: Signature<1> = Signature {
    function: "_carry",
    names: [c"cls"],
    required: 1,
    positional: 1,
    positional_only: 1,
};

fn carry<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    if let [Some(class)] = args.parse(cx.py(), &CARRY)? {
        xidata::register(cx.py(), class)?;
    }
    Ok(cx.none())
}

fn c_layout<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    let py = cx.py();
    let layout = cx.dict()?;
    let insert = |name: &str, value: Owned<'_>| {
        let name = cx.str(name)?;
        layout.get().insert(py, name.get(), value.get())
    };
    let (version, strings) = foreign::CONSTANTS;
    insert("INTERLANE_API_VERSION", cx.int(i64::from(version))?)?;
    for (name, value) in strings {
        insert(name, cx.str(&value.to_string_lossy())?)?;
    }
    for (name, size, fields) in foreign::LAYOUT {
        insert(name, cx.size(size)?)?;
        for (field, offset, size) in fields {
            insert(&format!("{name}.{field}"), cx.size(*offset)?)?;
            insert(&format!("sizeof {name}.{field}"), cx.size(*size)?)?;
        }
    }
    Ok(layout)
}

fn at_exit<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    let interpreter = cx.state.interpreter();
    if interpreter.is_main() {
        blocked::halt(daemons(cx));
    }
    interpreter.close(cx.py());
    Ok(cx.none())
}

/// The daemon threads of this interpreter; those that can't be told any more are none.
fn daemons(cx: Cx<'_>) -> Vec<u64> {
    listed_threads(cx.py(), c"daemons").unwrap_or_else(|raised| {
        raised.ignore(cx.py());
        Vec::new()
    })
}

fn expel_daemons<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    blocked::expel(&daemons(cx));
    Ok(cx.none())
}

fn watch_threads<'py>(cx: Cx<'py>, _: Args<'py>) -> PyResult<Owned<'py>> {
    blocked::watch(cx.state.interpreter());
    Ok(cx.none())
}
