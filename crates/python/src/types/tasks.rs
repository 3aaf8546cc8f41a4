//! `_Tasks`: the queues of an executor, as its own interpreter sees them.

use core::ffi::CStr;
use std::collections::VecDeque;
use std::sync::Arc;

use interlane_core::Refused;

use super::task_worker::packing;
use super::ticket;
use crate::convert::{Packing, pack, unpack};
use crate::errors::{Error, raise};
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::object::Kind;
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::tasks::{Claims, Done, Job, Outcome, Tasks as Queues};
use crate::runtime::waiting::Deadline;
use crate::state::State;

/// How many outcomes are collected at once: while they are unpacked, others may be taken by whoever waits too.
const BATCH: usize = 256;

pub(crate) struct Tasks {
    queues: Arc<Queues>,
}

/// `_tasks()`: the queues of a new pool.
pub(crate) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [definitions] = args.parse(cx.py(), &NEW)?;
    let definitions = definitions.map_or(Ok(false), |it| it.is_true(cx.py()))?;
    let queues = Queues::create(definitions);
    class::instantiate(cx, Tasks { queues })
}

const NEW: Signature<1> = Signature {
    function: "_tasks",
    names: [c"definitions"],
    required: 0,
    positional: 0,
    positional_only: 0,
};
const POST: Signature<2> = number_and("post", c"call");
const POST_MANY: Signature<2> = number_and("post_many", c"calls");

const fn number_and(function: &'static str, name: &'static CStr) -> Signature<2> {
    Signature {
        function,
        names: [c"number", name],
        required: 2,
        positional: 2,
        positional_only: 2,
    }
}

const COLLECT: Signature<2> = Signature {
    function: "collect",
    names: [c"into", c"timeout"],
    required: 1,
    positional: 2,
    positional_only: 1,
};

impl Tasks {
    fn post<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let (number, call) = numbered(cx, args.parse(cx.py(), &POST)?)?;
        cx.state.interpreter().poll(cx.py());
        let message = pack(cx, call, packing(self.queues.definitions))?;
        let claims = Claims::new(1);
        let ticket = ticket::make(cx, &self.queues, claims.clone())?;
        self.queues.count(1);
        match self
            .queues
            .jobs
            .try_send(Job::new(number, &claims, 0, message))
        {
            Ok(()) => Ok(ticket),
            Err(_) => Err(self.refused(cx, 1)),
        }
    }

    /// A call that can't be packed has failed: that is its outcome, and the others go on.
    fn post_many<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let (first, calls) = numbered(cx, args.parse(cx.py(), &POST_MANY)?)?;
        if !matches!(calls.kind(), Kind::List | Kind::Tuple) {
            let message = "calls must be a list or a tuple";
            return Err(Raised::type_error(cx.py(), message));
        }
        cx.state.interpreter().poll(cx.py());
        let claims = Claims::new(calls.size(cx.py())?);
        let calls = calls.iterate(cx.py())?;
        let mut jobs = VecDeque::with_capacity(claims.len());
        let mut failed = Vec::new();
        // By number, should the list shrink or grow meanwhile.
        for index in 0..claims.len() {
            let Some(call) = calls.get().next(cx.py())? else {
                break;
            };
            let number = first + index as u64;
            match pack(cx, call.get(), packing(self.queues.definitions)) {
                Ok(message) => jobs.push_back(Job::new(number, &claims, index, message)),
                Err(raised) if raised.is_ordinary(cx.py()) => {
                    let exception = raised.take(cx.py());
                    let message = pack(cx, exception.get(), Packing::PLAIN)?;
                    failed.push((index, message));
                }
                Err(raised) => return Err(raised),
            }
        }
        let ticket = ticket::make(cx, &self.queues, claims.clone())?;
        let count = jobs.len() as i64;
        self.queues.count(count);
        let sent = Deadline::NEVER.wait(
            cx,
            |wait| self.queues.jobs.send_many(&mut jobs, wait),
            |r| *r,
        )?;
        if sent.is_err() {
            return Err(self.refused(cx, count));
        }
        for (index, message) in failed {
            claims.cancel(index);
            self.queues.add(Done {
                number: first + index as u64,
                outcome: Outcome::Raised(message),
            });
        }
        Ok(ticket)
    }

    fn refused(&self, cx: Cx<'_>, count: i64) -> Raised {
        self.queues.count(-count);
        let message = format!("pool {} is closed", self.queues.id());
        raise(cx, Error::Closed, &message)
    }

    /// Appends `(number, returned, value)` for each outcome. `returned` is None for a lost one, and the number is
    /// -1 for a ring. They are in the list before anything here can be interrupted.
    fn collect<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [into, timeout] = args.parse(cx.py(), &COLLECT)?;
        let into = match into {
            Some(list) if list.kind() == Kind::List => list,
            _ => return Err(Raised::type_error(cx.py(), "into must be a list")),
        };
        let deadline = Deadline::from_timeout(cx, timeout)?;
        cx.state.interpreter().poll(cx.py());
        let results = &self.queues.results;
        let outcome = deadline.wait(cx, |wait| results.recv_many(BATCH, wait), |reason| *reason)?;
        let found = match outcome {
            Ok(found) => found,
            Err(Refused::TimedOut) => VecDeque::new(),
            Err(_) => {
                let message = "nobody is left who could finish a task";
                return Err(raise(cx, Error::End, message));
            }
        };
        let count = found.len();
        let mut interrupted = None;
        for Done { number, outcome } in found {
            let (number, returned, message) = match outcome {
                Outcome::Returned(message) => (number as i64, cx.bool(true), Some(message)),
                Outcome::Raised(message) => (number as i64, cx.bool(false), Some(message)),
                Outcome::Lost => (number as i64, cx.none(), None),
                Outcome::Rung => (-1, cx.none(), None),
            };
            let opened = message.map_or_else(|| Ok(cx.none()), |message| unpack(cx, message));
            let (returned, value) = match opened {
                Ok(value) => (returned, value),
                // A result that can't be built here: that is what its task has come to.
                Err(raised) => {
                    let ordinary = raised.is_ordinary(cx.py());
                    let exception = raised.take(cx.py());
                    if !ordinary && interrupted.is_none() {
                        interrupted = Some(exception.get().to_owned(cx.py()));
                    }
                    (cx.bool(false), exception)
                }
            };
            let row = cx.tuple(3)?;
            row.get().fill(0, cx.int(number)?);
            row.get().fill(1, returned);
            row.get().fill(2, value);
            into.append(cx.py(), row.get())?;
        }
        match interrupted {
            Some(exception) => Err(Raised::restore(cx.py(), exception)),
            None => cx.size(count),
        }
    }

    fn drain<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let numbers = cx.list()?;
        for number in self.queues.drain() {
            numbers
                .get()
                .append(cx.py(), cx.size(number as usize)?.get())?;
        }
        Ok(numbers)
    }

    fn ring<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let (number, outcome) = (0, Outcome::Rung);
        self.queues.add(Done { number, outcome });
        Ok(cx.none())
    }

    fn close<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        self.queues.close();
        Ok(cx.none())
    }

    fn closed<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.queues.is_closed()))
    }

    fn id<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.queues.id() as usize)
    }

    fn outstanding<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.queues.outstanding())
    }

    fn finished<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(self.queues.results.channel().len())
    }
}

fn numbered<'a>(cx: Cx<'_>, args: [Option<Ref<'a>>; 2]) -> PyResult<(u64, Ref<'a>)> {
    let [Some(number), Some(value)] = args else {
        unreachable!("the signature requires them")
    };
    let number = number.index(cx.py())?;
    u64::try_from(number)
        .map(|number| (number, value))
        .map_err(|_| Raised::value_error(cx.py(), "number must not be negative"))
}

impl Class for Tasks {
    const NAME: &'static CStr = c"interlane._core._Tasks";
    const DOC: &'static CStr = c"The queues of an executor: tasks out, outcomes back.";
    const METHODS: &'static [Method] = const {
        &[
            method::keywords(
                c"post",
                Self::post,
                c"post($self, number, call, /)\n--\n\nQueue a task and return its ticket. Raises when it can be neither shared nor pickled.",
            ),
            method::keywords(
                c"post_many",
                Self::post_many,
                c"post_many($self, number, calls, /)\n--\n\nQueue tasks with numbers in a row and return their ticket. One that can't be sent fails by itself.",
            ),
            method::keywords(
                c"collect",
                Self::collect,
                c"collect($self, into, /, timeout=None)\n--\n\nWait for outcomes, append a tuple (number, returned, value) for each to a list, return how many.",
            ),
            method::noargs(
                c"drain",
                Self::drain,
                c"drain($self, /)\n--\n\nCancel every task that no worker has taken, and return their numbers.",
            ),
            method::noargs(
                c"ring",
                Self::ring,
                c"ring($self, /)\n--\n\nWake whoever collects, with the number -1.",
            ),
            method::noargs(
                c"close",
                Self::close,
                c"close($self, /)\n--\n\nQueue no more tasks: workers end when they have done those that are queued.",
            ),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", Self::id, c"The number by which workers find it."),
            getset::getter(c"closed", Self::closed, c"Was it closed?"),
            getset::getter(
                c"outstanding",
                Self::outstanding,
                c"Tasks that are neither done nor cancelled.",
            ),
            getset::getter(
                c"finished",
                Self::finished,
                c"Outcomes that nobody has collected.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.tasks
    }
}
