//! `_LockWait`: a call on a lock or one of its kin that an event loop waits in.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use interlane_core::{Arrival, Outcome, Passage, Place, Taking, Who};

use super::acquire::{Taken, failed, give_back_all, is_owned, try_take_as};
use super::barrier::{act, broken};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::slot::Slot;
use crate::py::{Args, Class, Cx, Global, Owned, PyResult, Raised, Signature, class};
use crate::runtime::Interpreter;
use crate::runtime::awaited::{Await, Awaited};
use crate::runtime::interpreter::Close;
use crate::runtime::loop_bell::Ring;
use crate::runtime::primitive::{Body, Permit, Primitive, caller, is_task, mark_thread, task};
use crate::runtime::slab::Key;
use crate::runtime::waiting::Subject;
use crate::state::State;
use crate::types::choice::BEGIN;
use crate::types::loop_bell::Bell;

/// What an interpreter that ends gives up, so that what has just come goes to others.
struct Call {
    primitive: Arc<Primitive>,
    who: Who,
    /// Of an `RLock`, how often it is held afterwards; of an `AtomicInt`, what it is now.
    argument: i64,
    stage: Mutex<Stage>,
    awaited: Awaited,
}

enum Stage {
    /// Not begun, or over.
    Idle,
    /// Begun, and there was nothing to wait for.
    Met(Met),
    Waiting(Place, Arc<Ring>),
}

/// What came of a call.
#[derive(Clone, Copy)]
enum Met {
    Yes,
    /// The so-manieth at a barrier.
    Passed(u64),
    Gone,
    Broken,
}

/// What a look at a call that is in line finds.
enum Look {
    Waiting,
    /// It has waited for others to get through a barrier: now it has to come itself.
    Again,
    Over(Met),
}

/// See the module's documentation. Dropped, it gives up.
pub(crate) struct LockWait {
    call: Arc<Call>,
    interpreter: Arc<Interpreter>,
    key: Mutex<Option<Key>>,
    /// Of a condition, how often its lock was held when the wait began.
    depth: Mutex<u64>,
}

const NEW: Signature<3> = Signature {
    function: "_lock_wait",
    names: [c"primitive", c"argument", c"task"],
    required: 1,
    positional: 3,
    positional_only: 3,
};

/// `_lock_wait(primitive, argument=1, task=0)`.
pub(crate) fn new<'py>(cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
    let [primitive, argument, number] = args.parse(cx.py(), &NEW)?;
    let Some(primitive) = primitive.and_then(|it| super::of(cx, it)) else {
        return Err(Raised::type_error(cx.py(), "_lock_wait() takes a lock"));
    };
    let argument = argument.map_or(Ok(1), |it| it.index(cx.py()))? as i64;
    let number = number.map_or(Ok(0), |it| it.index(cx.py()))? as u64;
    let mut who = caller(cx);
    // A thread that has the lock has it for all of its tasks.
    if number != 0 && !matches!(&primitive.body, Body::RLock(lock) if lock.is_held_by(who)) {
        who = task(cx, number);
    }
    class::instantiate(
        cx,
        LockWait {
            call: Arc::new(Call {
                primitive,
                who,
                argument,
                stage: Mutex::new(Stage::Idle),
                awaited: Awaited::default(),
            }),
            interpreter: Arc::clone(cx.state.interpreter()),
            key: Mutex::new(None),
            depth: Mutex::new(0),
        },
    )
}

impl Call {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        lock(&self.stage)
    }

    fn taking(&self) -> Option<Taking<'_>> {
        match &self.primitive.body {
            Body::Lock(lock) => Some(lock.acquire(self.who)),
            Body::RLock(lock) => Some(lock.acquire(self.who)),
            Body::Semaphore(semaphore) => Some(semaphore.acquire(self.who)),
            _ => None,
        }
    }

    /// Gets in line; with what came of it at once if there is nothing to wait for.
    fn enlist(&self, cx: Cx<'_>, ring: &Arc<Ring>) -> PyResult<Result<Place, Met>> {
        let ring = Arc::clone(ring);
        let place = match &self.primitive.body {
            Body::Event(event) => event.begin(self.who, ring),
            Body::Number(number) => number.begin(self.who, self.argument, ring),
            Body::Condition(condition, _) => Some(condition.begin(self.who, ring)),
            Body::Barrier(gathering) => match gathering.barrier.begin(self.who, ring) {
                Arrival::Waiting(place) => Some(place),
                Arrival::Broken => return Ok(Err(Met::Broken)),
                Arrival::Last(trip) => {
                    // Dropped with an exception, the trip breaks the barrier.
                    act(cx, gathering)?;
                    return Ok(Err(Met::Passed(trip.finish())));
                }
            },
            _ => match self.taking().map(|taking| taking.begin(ring)) {
                Some(Err(outcome)) => return Ok(Err(self.taken(outcome))),
                begun => begun.and_then(Result::ok),
            },
        };
        Ok(place.ok_or(Met::Yes))
    }

    fn look(&self, place: &Place) -> Look {
        let met = match &self.primitive.body {
            Body::Barrier(gathering) => match gathering.barrier.passage(place) {
                Some(Passage::Again) => return Look::Again,
                Some(Passage::Passed(number)) => Some(Met::Passed(number)),
                Some(Passage::Broken) => Some(Met::Broken),
                None => None,
            },
            _ => match self.taking() {
                Some(taking) => taking.look(place).map(|it| self.taken(it)),
                None => place.outcome().map(|_| Met::Yes),
            },
        };
        met.map_or(Look::Waiting, Look::Over)
    }

    /// The lock is the caller's, or lost.
    fn taken(&self, outcome: Outcome) -> Met {
        match (outcome, &self.primitive.body) {
            (Outcome::Gone, _) => return Met::Gone,
            (Outcome::Served, Body::RLock(lock)) => lock.restore(self.argument as u64),
            _ => {}
        }
        Met::Yes
    }

    /// Gives up; says whether it had been called. What came to it goes to others.
    fn give_up(&self) -> bool {
        self.awaited.end();
        // Not under the lock: others are told.
        let stage = std::mem::replace(&mut *self.stage(), Stage::Idle);
        let place = match stage {
            Stage::Waiting(place, _) => place,
            Stage::Met(Met::Yes) => {
                drop(Permit::new(&self.primitive, self.who));
                return true;
            }
            _ => return false,
        };
        match &self.primitive.body {
            Body::Event(event) => event.leave(&place).is_some(),
            Body::Number(number) => number.leave(&place).is_some(),
            Body::Barrier(gathering) => gathering.barrier.leave(&place).is_some(),
            Body::Condition(condition, _) => {
                let was_called = condition.leave(&place).is_some();
                if was_called {
                    condition.notify(1); // it was meant for somebody who would do something about it
                }
                was_called
            }
            _ => {
                let was_called = place.outcome().is_some();
                if let Some(taking) = self.taking() {
                    taking.leave(&place);
                }
                was_called
            }
        }
    }
}

impl Close for Call {
    fn close(&self) {
        self.give_up();
    }

    fn awaited(&self) -> Option<Await> {
        self.awaited.get()
    }
}

impl LockWait {
    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        let call = &self.call;
        let met = match &call.primitive.body {
            Body::Event(event) => event.is_set(),
            Body::Number(number) => number.load() != call.argument,
            Body::Condition(..) | Body::Barrier(_) => false,
            _ => match try_take_as(&call.primitive, call.who, call.argument as u64) {
                Taken::Yes => true,
                Taken::No => false,
                failure => return Err(failed(cx, &call.primitive, failure)),
            },
        };
        if met {
            return self.met(cx, Met::Yes);
        }
        Ok(cx.none())
    }

    fn begin<'py>(&self, cx: Cx<'py>, args: Args<'py>) -> PyResult<Owned<'py>> {
        let [bell, number, name] = args.parse(cx.py(), &BEGIN)?;
        let bell = bell.and_then(|bell| class::downcast::<Bell>(cx, bell));
        let (Some(Bell(bell)), Some(number), Some(name)) = (bell, number, name) else {
            return Err(Raised::type_error(cx.py(), "begin() takes a _LoopBell"));
        };
        let ring = Arc::new(Ring {
            bell: Arc::clone(bell),
            number: number.index(cx.py())? as u64,
        });
        let call = &self.call;
        if let Body::Condition(_, its_lock) = &call.primitive.body {
            if !is_owned(cx, its_lock)? {
                let message = "cannot wait on un-acquired lock";
                return Err(Raised::builtin(cx.py(), Builtin::Runtime, message));
            }
        }
        self.enlist(cx, ring)?;
        if let Body::Condition(_, its_lock) = &call.primitive.body {
            // In this order, so that no notification is missed.
            match give_back_all(cx, its_lock) {
                Ok(depth) => *lock(&self.depth) = depth,
                Err(raised) => {
                    call.give_up();
                    return Err(raised);
                }
            }
        }
        let waits = matches!(*call.stage(), Stage::Waiting(..));
        if waits {
            let who = Some(call.who.thread).filter(|_| is_task(call.who));
            let subject = Subject::Primitive(call.primitive.id());
            call.awaited.begin(name.display(cx.py()), who, subject);
        }
        Ok(cx.bool(waits))
    }

    fn enlist(&self, cx: Cx<'_>, ring: Arc<Ring>) -> PyResult<()> {
        let stage = match self.call.enlist(cx, &ring)? {
            Ok(place) => Stage::Waiting(place, ring),
            Err(met) => Stage::Met(met),
        };
        *self.call.stage() = stage;
        let mut key = lock(&self.key);
        if key.is_none() {
            let weak: Weak<Call> = Arc::downgrade(&self.call);
            *key = self.interpreter.register(weak);
        }
        Ok(())
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        loop {
            let mut stage = self.call.stage();
            let met = match &*stage {
                // Its interpreter has ended it.
                Stage::Idle => None,
                Stage::Met(met) => Some(*met),
                Stage::Waiting(place, ring) => match self.call.look(place) {
                    Look::Waiting => return Ok(cx.none()),
                    Look::Over(met) => Some(met),
                    Look::Again => {
                        let ring = Arc::clone(ring);
                        drop(stage);
                        self.enlist(cx, ring)?;
                        continue;
                    }
                },
            };
            *stage = Stage::Idle;
            drop(stage);
            self.call.awaited.end();
            return match met {
                Some(met) => self.met(cx, met),
                None => Err(super::abandoned(cx, &self.call.primitive)),
            };
        }
    }

    fn met<'py>(&self, cx: Cx<'py>, met: Met) -> PyResult<Owned<'py>> {
        let call = &self.call;
        match met {
            Met::Gone => return Err(failed(cx, &call.primitive, Taken::Gone)),
            Met::Broken => return Err(broken(cx)),
            Met::Passed(number) => return cx.size(number as usize),
            Met::Yes => {}
        }
        if matches!(call.primitive.body, Body::RLock(_)) && call.who == caller(cx) {
            mark_thread();
        }
        Ok(cx.bool(true))
    }

    fn cancel<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        Ok(cx.bool(self.call.give_up()))
    }

    fn depth<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(*lock(&self.depth) as usize)
    }
}

impl Drop for LockWait {
    fn drop(&mut self) {
        if let Some(key) = lock(&self.key).take() {
            self.interpreter.forget(key);
        }
        self.call.give_up();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Class for LockWait {
    const NAME: &'static CStr = c"interlane._core._LockWait";
    const DOC: &'static CStr = c"A call on a lock or one of its kin that an event loop waits in.";
    const METHODS: &'static [Method] = const {
        &[
            method::noargs(c"attempt", Self::attempt, c"attempt($self, /)\n--\n\nReturn True if there is nothing to wait for, and the lock is the caller's; else None."),
            method::keywords(c"begin", Self::begin, c"begin($self, bell, number, task, /)\n--\n\nGet in line, and return whether that is needed: then the bell will ring with this number, once or more.\nOf a condition, the lock is given back. The task's name is for people."),
            method::noargs(c"result", Self::result, c"result($self, /)\n--\n\nReturn what came of it, or raise; None when it still waits."),
            method::noargs(c"cancel", Self::cancel, c"cancel($self, /)\n--\n\nGive up; what has come goes to others. Return whether something had."),
            method::END,
        ]
    };
    const GETSET: &'static [GetSet] = const {
        &[
            getset::getter(
                c"depth",
                Self::depth,
                c"How often the condition's lock was held before; 0 if it was not given back.",
            ),
            getset::END,
        ]
    };
    const SLOTS: &'static [Slot] = &[];

    fn home(state: &State) -> &Global {
        &state.lock_wait
    }
}
