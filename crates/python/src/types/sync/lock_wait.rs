//! `_LockWait`: a call on a lock or one of its kin that an event loop waits in.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, MutexGuard};

use interlane_core::{Arrival, Outcome, Passage, Place, Taking, Who};

use super::acquire::{Taken, failed, give_back_all, is_owned, try_take_as};
use super::barrier::{act, broken};
use crate::py::error::Builtin;
use crate::py::getset::{self, GetSet};
use crate::py::method::{self, Method};
use crate::py::{Args, Cx, Global, Owned, PyResult, Raised, Signature};
use crate::runtime::loop_bell::Ring;
use crate::runtime::primitive::{Body, Permit, Primitive, caller, is_task, mark_thread, task};
use crate::runtime::waiting::Subject;
use crate::state::State;
use crate::types::loop_wait::{self, Call, LoopWait, lock};

/// See the module's documentation.
pub(crate) struct LockCall {
    primitive: Arc<Primitive>,
    who: Who,
    /// Of an `RLock`, how often it is held afterwards; of an `AtomicInt`, what it is now.
    argument: i64,
    stage: Mutex<Stage>,
    /// Of a condition, how often its lock was held when the wait began.
    depth: Mutex<u64>,
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
    loop_wait::make(
        cx,
        LockCall {
            primitive,
            who,
            argument,
            stage: Mutex::new(Stage::Idle),
            depth: Mutex::new(0),
        },
    )
}

impl LockCall {
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

    /// Gets in line, or notes what came of it at once.
    fn start(&self, cx: Cx<'_>, ring: Arc<Ring>) -> PyResult<()> {
        let stage = match self.enlist(cx, &ring)? {
            Ok(place) => Stage::Waiting(place, ring),
            Err(met) => Stage::Met(met),
        };
        *self.stage() = stage;
        Ok(())
    }

    fn met<'py>(&self, cx: Cx<'py>, met: Met) -> PyResult<Owned<'py>> {
        match met {
            Met::Gone => return Err(failed(cx, &self.primitive, Taken::Gone)),
            Met::Broken => return Err(broken(cx)),
            Met::Passed(number) => return cx.size(number as usize),
            Met::Yes => {}
        }
        if matches!(self.primitive.body, Body::RLock(_)) && self.who == caller(cx) {
            mark_thread();
        }
        Ok(cx.bool(true))
    }
}

impl Call for LockCall {
    const NAME: &'static CStr = c"interlane._core._LockWait";
    const DOC: &'static CStr = c"A call on a lock or one of its kin that an event loop waits in.";
    const METHOD: Method = method::END;
    const ATTRIBUTE: GetSet = getset::getter(
        c"depth",
        LoopWait::<Self>::depth,
        c"How often the condition's lock was held before; 0 if it was not given back.",
    );

    fn home(state: &State) -> &Global {
        &state.lock_wait
    }

    fn attempt<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        let met = match &self.primitive.body {
            Body::Event(event) => event.is_set(),
            Body::Number(number) => number.load() != self.argument,
            Body::Condition(..) | Body::Barrier(_) => false,
            _ => match try_take_as(&self.primitive, self.who, self.argument as u64) {
                Taken::Yes => true,
                Taken::No => false,
                failure => return Err(failed(cx, &self.primitive, failure)),
            },
        };
        met.then(|| self.met(cx, Met::Yes)).transpose()
    }

    fn begin(&self, cx: Cx<'_>, ring: Arc<Ring>) -> PyResult<bool> {
        if let Body::Condition(_, its_lock) = &self.primitive.body {
            if !is_owned(cx, its_lock)? {
                let message = "cannot wait on un-acquired lock";
                return Err(Raised::builtin(cx.py(), Builtin::Runtime, message));
            }
        }
        self.start(cx, ring)?;
        if let Body::Condition(_, its_lock) = &self.primitive.body {
            // In this order, so that no notification is missed.
            match give_back_all(cx, its_lock) {
                Ok(depth) => *lock(&self.depth) = depth,
                Err(raised) => {
                    self.give_up();
                    return Err(raised);
                }
            }
        }
        Ok(matches!(*self.stage(), Stage::Waiting(..)))
    }

    fn result<'py>(&self, cx: Cx<'py>) -> PyResult<Option<Owned<'py>>> {
        loop {
            let mut stage = self.stage();
            let met = match &*stage {
                // Its interpreter has ended it.
                Stage::Idle => None,
                Stage::Met(met) => Some(*met),
                Stage::Waiting(place, ring) => match self.look(place) {
                    Look::Waiting => return Ok(None),
                    Look::Over(met) => Some(met),
                    Look::Again => {
                        let ring = Arc::clone(ring);
                        drop(stage);
                        self.start(cx, ring)?;
                        continue;
                    }
                },
            };
            *stage = Stage::Idle;
            drop(stage);
            return match met {
                Some(met) => self.met(cx, met).map(Some),
                None => Err(super::abandoned(cx, &self.primitive)),
            };
        }
    }

    fn give_up(&self) -> bool {
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

    fn subject(&self) -> (Option<u64>, Subject) {
        let who = Some(self.who.thread).filter(|_| is_task(self.who));
        (who, Subject::Primitive(self.primitive.id()))
    }
}

impl LoopWait<LockCall> {
    fn depth<'py>(&self, cx: Cx<'py>) -> PyResult<Owned<'py>> {
        cx.size(*lock(&self.call().depth) as usize)
    }
}
