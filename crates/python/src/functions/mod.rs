//! The module's functions.

mod choosing;
mod inspecting;
#[cfg(not(Py_3_14))]
mod made;
mod mailbox;
mod sharing;
mod tables;

use core::sync::atomic::Ordering;

use crate::convert::THRESHOLD;
use crate::convert::text::SMALLEST_SHARE;
use crate::py::error::Builtin;
use crate::py::method::{self, Method};
use crate::py::{Args, Cx, Owned, PyResult, Raised, Ref, Signature, foreign, record, xidata};
use crate::runtime::blocked;
use crate::runtime::interpreter::listed_threads;
use crate::runtime::lane::{self, Fallback, LaneReceiver, LaneSender};
use crate::types::{
    area, loop_bell, recv_channel, remote, send_channel, shared_buffer, sync, task_worker, tasks,
};

pub(crate) const TABLE: &[Method] = const {
    &[
        method::function(
            c"create_buffer_channel",
            create_buffer_channel,
            c"create_buffer_channel(capacity=None)
--

Create a channel for buffer exporters only and return its two ends; everything arrives as a memoryview.

See create_channel. Sending anything else raises NotShareableError.",
        ),
        method::function(
            c"select",
            choosing::select,
            c"select(*ops, timeout=None)
--

Do one of several operations, waiting until one is possible: a RecvChannel receives from it, (SendChannel, item)
sends. Return (index, end, item) of the one that was done; item is None after a send.

Fair among those that are possible. The others leave no trace: nothing is received or sent. Raises TimeoutError
after timeout seconds (0 is one try). An operation whose channel has ended, or whose end is closed, counts as
possible: EndOfChannel, BrokenChannel or ClosedError is raised, with the attributes index and end.",
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
            c"share(obj, *, writable=False, on_release=None)
--

Share an object: acquire its memory, pin it, and return a Share of it.

Sending the Share, or the object itself, adds a holder. When the last one anywhere has gone, the object is
released in this interpreter, and on_release(obj) is called once; what that raises goes to
sys.unraisablehook. Containers are shared as they are now. Buffers arrive read-only unless writable is true.

Raises NotShareableError with the path to what can't be shared, BufferError when writable is asked for and
the memory is not.",
        ),
        method::function(
            c"move",
            shared_buffer::moving::new,
            c"move(buf)
--

Return what gives a SharedBuffer away when it is sent, through a channel, prepare_main or call: a SharedBuffer arrives, and
this one then raises ClosedError whatever is done with it.

A send that fails, or whose item nobody ever receives, leaves the buffer with its sender. Raises BufferError, here and
when it is sent, while memoryviews, arrays, slices or guards of it exist in this interpreter. Other SharedBuffers of the
same memory, elsewhere or made before it, are not affected.",
        ),
        method::function(
            c"freeze",
            sharing::freeze,
            c"freeze(obj)
--

Return a deep copy of plain data that every interpreter reads in place: sending it copies nothing, whatever its size.

dict, list, tuple, set and frozenset become FrozenDict, FrozenList, FrozenTuple and FrozenSet, views of one block of
memory that no interpreter owns, which is freed with the last of them anywhere. str, bytes, numbers, bool, None and
Ellipsis, and what is frozen already, are returned as they are. thaw() makes plain objects of it again.

Raises NotShareableError with the path to what is no plain data (instances of subclasses included), or is a part of
itself, and MemoryError.",
        ),
        method::function(
            c"is_shareable",
            sharing::is_shareable,
            c"is_shareable(obj)
--

Tell whether the object, with everything in it, can be shared without pickling.",
        ),
        method::function(
            c"explain",
            sharing::explain,
            c"explain(obj)
--

Return why the object can't be shared, with the path to the part that can't; None if it can.",
        ),
        method::function(
            c"register",
            sharing::register,
            c"register(cls, share_function)
--

Say how instances of a class, and of its subclasses, are shared in this interpreter.

share_function(obj) returns (rebuild, parts): borrowers import rebuild and call rebuild(*parts). A class's
own __share__ goes first. Registering a class again replaces its function.",
        ),
        method::function(
            c"unregister",
            sharing::unregister,
            c"unregister(cls)
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
            c"set_share_threshold(nbytes)\n--\n\nSet, for the whole process, from how many bytes on str and bytes are shared. At least 1024.",
        ),
        method::function(c"_attempt", choosing::attempt, c"_attempt(*ops)\n--\n\nAs select(timeout=0), but return (index, item), or a _Choice when nothing was possible."),
        method::function(c"_loop_bell", loop_bell::new, c"_loop_bell()\n--\n\nReturn a new _LoopBell."),
        method::function(c"_lock_wait", sync::lock_wait::new, c"_lock_wait(primitive, argument=1, task=0, /)\n--\n\nReturn a _LockWait: for an RLock, to hold it argument times; of an AtomicInt, to wait until it is not argument."),
        method::function(c"_lose_task", sync::lose_task, c"_lose_task(lock, task, /)\n--\n\nTell an RLock that a task has ended."),
        method::function(c"_remote", remote::new, c"_remote(obj, /)\n--\n\nReturn what stands behind a proxy of the object."),
        method::function(c"_tasks", tasks::new, c"_tasks(*, definitions=False)\n--\n\nReturn the queues of a new pool; whether definitions of `__main__` go along in pickles."),
        method::function(c"_task_worker", task_worker::new, c"_task_worker(id, /)\n--\n\nReturn a new worker of a pool, in this interpreter."),
        method::function(
            c"_array_of",
            shared_buffer::foreign::array_of,
            c"_array_of(view, dtype, /)\n--\n\nReturn the memory as a SharedBuffer that arrives as an array where NumPy is loaded; dtype is text.",
        ),
        method::function(
            c"_part_of",
            part_of,
            c"_part_of(view, base, /)\n--\n\nReturn view, or a view of the same memory of the share that base is a view of.",
        ),
        method::function(c"_carry", carry, c"_carry(cls, /)\n--\n\nLet instances of the class through the standard library's own Queue, prepare_main and call."),
        method::function(c"_mailbox_create", mailbox::create, c"_mailbox_create(kind, unbound, maxsize, /)\n--\n\nReturn the two ends of a channel that interlane.compat makes something of."),
        method::function(c"_mailbox_open", mailbox::open, c"_mailbox_open(kind, id, /)\n--\n\nReturn new ends of one, its unbound and its maxsize; None when there is none."),
        method::function(c"_mailbox_list", mailbox::list, c"_mailbox_list(kind, /)\n--\n\nReturn the ids and states of all."),
        method::function(c"_mailbox_state", mailbox::state, c"_mailbox_state(send, new=<unrepresentable>, /)\n--\n\nReturn the state of one; then move it on to new."),
        method::function(c"_mailbox_end", mailbox::end, c"_mailbox_end(send, /)\n--\n\nPut in the mark that nothing follows."),
        method::function(c"_mailbox_put", mailbox::put, c"_mailbox_put(send, obj, unbound, timeout, receipt, /)\n--\n\nSend an item; with receipt, return when it was received."),
        method::function(
            c"_rebuild_buffer",
            shared_buffer::pickled::rebuild,
            c"_rebuild_buffer(data, format, itemsize, shape, /)\n--\n\nReturn the SharedBuffer of a pickle.",
        ),
        method::function(c"_c_layout", c_layout, c"_c_layout()\n--\n\nReturn what interlane.h must say, to be compared with it."),
        method::function(c"_inspect", inspecting::inspect, c"_inspect()\n--\n\nReturn what interlane.inspect() makes records of."),
        method::function(c"_at_exit", at_exit, c"_at_exit()\n--\n\nClose this interpreter's record."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_create", made::create, c"_made_create()\n--\n\nCreate an isolated interpreter, with one reference to it; return its id."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_ids", made::ids, c"_made_ids()\n--\n\nReturn the ids of the interpreters that we have made."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_in_use", made::in_use, c"_made_in_use(id, /)\n--\n\nReturn whether somebody runs code in an interpreter of ours, or ends it; None for another."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_refer", made::refer, c"_made_refer(id, /)\n--\n\nAdd a reference to an interpreter of ours, unless it is about to end; return whether, None for another."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_release", made::release, c"_made_release(id, /)\n--\n\nGive a reference up; the interpreter ends with the last one."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_run", made::run, c"_made_run(id, script, /)\n--\n\nRun a script in an interpreter of ours; return what it raised as text, None for another interpreter."),
        #[cfg(not(Py_3_14))]
        method::function(c"_made_destroy", made::destroy, c"_made_destroy(id, /)\n--\n\nEnd an interpreter of ours; return whether it was one."),
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

pub(crate) fn create_channel<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [capacity, fallback] = args.parse(cx.py(), &CREATE)?;
    let capacity = capacity_from(cx, capacity)?;
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
    ends(cx, lane::create(capacity, fallback, false, None))
}

const CREATE_BUFFERS: Signature<1> = Signature {
    function: "create_buffer_channel",
    names: [c"capacity"],
    required: 0,
    positional: 1,
    positional_only: 0,
};

fn create_buffer_channel<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [capacity] = args.parse(cx.py(), &CREATE_BUFFERS)?;
    let capacity = capacity_from(cx, capacity)?;
    ends(cx, lane::create(capacity, Fallback::Refuse, true, None))
}

fn capacity_from(cx: Cx<'_>, capacity: Option<Ref<'_>>) -> PyResult<Option<usize>> {
    let Some(value) = capacity.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    let size = match value.index_within(cx.py(), Builtin::Overflow) {
        Ok(size) => usize::try_from(size).ok(),
        Err(raised) if raised.is(cx.py(), Builtin::Overflow.class()) => {
            raised.ignore(cx.py());
            None
        }
        Err(raised) => return Err(raised),
    };
    if size.is_none() {
        let text = value
            .to_text(cx.py())
            .map(|text| text.get().display(cx.py()));
        let text = text.unwrap_or_else(|raised| {
            raised.ignore(cx.py()); // of a number with very many digits
            "this".to_owned()
        });
        let message = format!(
            "capacity must be None or from 0 to {}, not {text}",
            isize::MAX
        );
        return Err(Raised::value_error(cx.py(), &message));
    }
    Ok(size)
}

fn ends<'py>(cx: Cx<'py>, (sender, receiver): (LaneSender, LaneReceiver)) -> PyResult<Owned<'py>> {
    let send = send_channel::make(cx, sender)?;
    let recv = recv_channel::make(cx, receiver)?;
    let pair = cx.tuple(2)?;
    pair.get().fill(0, send);
    pair.get().fill(1, recv);
    Ok(pair)
}

fn stats<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("stats"))?;
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

fn collect<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("collect"))?;
    cx.size(cx.state.interpreter().drain(cx.py()))
}

fn get_share_threshold<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    args.parse(cx.py(), &Signature::empty("get_share_threshold"))?;
    cx.size(THRESHOLD.load(Ordering::Relaxed))
}

const SET_THRESHOLD: Signature<1> = Signature {
    function: "set_share_threshold",
    names: [c"nbytes"],
    required: 1,
    positional: 1,
    positional_only: 0,
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

const PART_OF: Signature<2> = Signature {
    function: "_part_of",
    names: [c"view", c"base"],
    required: 2,
    positional: 2,
    positional_only: 2,
};

fn part_of<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    match args.parse(cx.py(), &PART_OF)? {
        [Some(view), Some(base)] => area::part_of(cx, view, base),
        _ => Ok(cx.none()),
    }
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
    interpreter.delete_thread_states(cx.py());
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
