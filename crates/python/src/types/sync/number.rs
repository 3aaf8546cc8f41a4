//! `AtomicInt`.

use core::ffi::CStr;
use std::sync::Arc;

use interlane_core::{Number as Core, Refused};

use super::{Handle, abandoned, coroutines, id, limit, unpicklable};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::identity::{self, Identity};
use crate::py::method::{self, Method};
use crate::py::slot::{self, Slot};
use crate::py::subscript;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Ref, Signature, class};
use crate::runtime::primitive::{Body, Primitive, caller};
use crate::state::State;

pub(crate) struct Number(Arc<Primitive>);

impl Handle for Number {
    fn wrap(primitive: Arc<Primitive>) -> Self {
        Self(primitive)
    }

    fn primitive(&self) -> &Arc<Primitive> {
        &self.0
    }
}

impl Identity for Number {
    fn number(&self) -> u64 {
        self.0.id()
    }
}

const fn one(function: &'static str, name: &'static CStr, required: usize) -> Signature<1> {
    Signature {
        function,
        names: [name],
        required,
        positional: 1,
        positional_only: 0,
    }
}

const fn two(function: &'static str, second: &'static CStr, required: usize) -> Signature<2> {
    Signature {
        function,
        names: [c"expected", second],
        required,
        positional: 2,
        positional_only: 0,
    }
}

const NEW: Signature<1> = one("AtomicInt", c"value", 0);
const STORE: Signature<1> = one("store", c"value", 1);
const ADD: Signature<1> = one("add", c"n", 0);
const EXCHANGE: Signature<1> = one("exchange", c"value", 1);
const COMPARE_EXCHANGE: Signature<2> = two("compare_exchange", c"desired", 2);
const WAIT: Signature<2> = two("wait", c"timeout", 1);

fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [value] = args.parse(cx.py(), &NEW)?;
    let body = Body::Number(Core::new(given(cx, value, 0)?));
    class::instantiate(cx, Number(Primitive::new(body)))
}

fn given(cx: Cx<'_>, value: Option<Ref<'_>>, default: i64) -> PyResult<i64> {
    match value {
        None => Ok(default),
        Some(value) => Ok(value.index(cx.py())? as i64),
    }
}

impl Number {
    fn core(&self) -> &Core {
        match &self.0.body {
            Body::Number(number) => number,
            _ => unreachable!("made of a number"),
        }
    }

    fn load<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.int(self.core().load())
    }

    fn store<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [value] = args.parse(cx.py(), &STORE)?;
        self.core().swap(given(cx, value, 0)?);
        Ok(cx.none())
    }

    fn exchange<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [value] = args.parse(cx.py(), &EXCHANGE)?;
        cx.int(self.core().swap(given(cx, value, 0)?))
    }

    fn add<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let count = if args.is_empty() {
            1
        } else {
            let [count] = args.parse(cx.py(), &ADD)?;
            given(cx, count, 1)?
        };
        match self.core().add(count) {
            Some(sum) => cx.int(sum),
            None => {
                let message = format!("{} + {count} does not fit into 64 bits", self.core().load());
                Err(Raised::builtin(cx.py(), Builtin::Overflow, &message))
            }
        }
    }

    fn compare_exchange<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [expected, desired] = args.parse(cx.py(), &COMPARE_EXCHANGE)?;
        let (expected, desired) = (given(cx, expected, 0)?, given(cx, desired, 0)?);
        Ok(cx.bool(self.core().exchange(expected, desired).is_ok()))
    }

    fn wait<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [expected, timeout] = args.parse(cx.py(), &WAIT)?;
        let (expected, deadline) = (given(cx, expected, 0)?, limit(cx, timeout)?);
        let Some(waiting) = self.core().wait(caller(cx), expected) else {
            return Ok(cx.bool(true));
        };
        let settled =
            deadline
                .on(&self.0)
                .wait(cx, |wait| waiting.settle(wait), |reason| *reason)?;
        match settled {
            Ok(_) => Ok(cx.bool(true)),
            Err(Refused::TimedOut) => Ok(cx.bool(false)),
            Err(_) => Err(abandoned(cx, &self.0)),
        }
    }

    fn repr<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.str(&format!("AtomicInt({})", self.core().load()))
    }
}

impl Class for Number {
    const NAME: &'static CStr = c"interlane.AtomicInt";
    const DOC: &'static CStr = c"AtomicInt(value=0)
--

A signed integer of 64 bits that interpreters share and change atomically.

Sent to another interpreter, the same number arrives. int(x) is its value; two are equal when they are the same.
Results that do not fit raise OverflowError and change nothing.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"load", Self::load, c"load($self, /)\n--\n\nReturn the value."),
            method::keywords(c"store", Self::store, c"store($self, /, value)\n--\n\nSet the value."),
            method::keywords(c"add", Self::add, c"add($self, /, n=1)\n--\n\nAdd n, which may be negative, and return the new value."),
            method::keywords(c"exchange", Self::exchange, c"exchange($self, /, value)\n--\n\nSet the value and return the one before."),
            method::keywords(c"compare_exchange", Self::compare_exchange, c"compare_exchange($self, /, expected, desired)\n--\n\nSet the value to desired if it is expected; return whether it was."),
            method::keywords(c"wait", Self::wait, c"wait($self, /, expected, timeout=None)\n--\n\nWait until the value is anything but expected, and return True; False after timeout seconds.\n\nA change that is taken back at once may go unnoticed."),
            method::of_object(c"wait_async", coroutines::wait_number, c"wait_async($self, /, expected)\n--\n\nAwait that the value is anything but expected, and return True."),
            unpicklable::<Self>(),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(c"id", id::<Self>, c"The number's own number, the same in all interpreters; never used twice in a process."),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = const {
        &[
            subscript::new(new),
            identity::equal::<Self>(),
            identity::hash::<Self>(),
            identity::index(Self::load),
            identity::int(Self::load),
            slot::repr(Self::repr),
        ]
    };

    fn home(state: &State) -> &Global {
        &state.sync.number
    }
}
