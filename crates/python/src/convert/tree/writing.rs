//! From objects to the text: what has parts.

use super::super::plan::{Apart, Make, Parts, Plan};
use super::super::{Message, Packing, buffer, capsule, foreign, leaf, object, pickle};
use super::code;
use super::draft::{Draft, Written};
use super::stack::{Frame, Role, Stack};
use crate::convert::protocol;
use crate::errors::{self, Error, raise};
use crate::py::buffer::Acquired;
use crate::py::container::{Next, Steps};
use crate::py::error::Builtin;
use crate::py::object::Kind;
use crate::py::{Cx, Owned, PyResult, Raised, Ref};
use crate::runtime::lane::Fallback;

struct Writer<'py> {
    cx: Cx<'py>,
    packing: Packing,
    draft: Draft<'py>,
    stack: Stack<'py>,
    /// For the classes met so far.
    plans: Vec<(Owned<'py>, Plan<'py>)>,
    /// Was there a data frame that is to stay one?
    has_frames: bool,
}

/// How many objects that were just made may be parts of each other, before it counts as endless.
const DEEPEST: usize = 1000;

pub(in super::super) fn pack(cx: Cx<'_>, object: Ref<'_>, packing: Packing) -> PyResult<Message> {
    let mut writer = Writer {
        cx,
        packing,
        draft: Draft::new(cx, packing),
        stack: Stack::default(),
        plans: Vec::new(),
        has_frames: false,
    };
    let packed = writer.write_all(object);
    match packed {
        Ok(()) => Ok(writer.draft.into_message()),
        // What can't be shared in place is pickled as a whole, so that identities inside are kept.
        Err(raised)
            if packing.fallback.pickles() && errors::is(cx, &raised, Error::NotShareable) =>
        {
            let refusal = raised.take(cx.py());
            let has_frames = writer.has_frames;
            drop(writer);
            let raised = match pickle::dump(cx, object, packing.definitions) {
                Err(raised) if raised.is_ordinary(cx.py()) => raised,
                answer => return answer,
            };
            if has_frames {
                raised.ignore(cx.py());
                let packing = Packing {
                    frames: false, // their columns are better than nothing
                    ..packing
                };
                return pack(cx, object, packing);
            }
            let reason = raised.take(cx.py());
            refusal
                .get()
                .set_attribute(cx.py(), c"__cause__", reason.get())?;
            Err(Raised::restore(cx.py(), refusal))
        }
        Err(raised) => Err(raised),
    }
}

impl<'py> Writer<'py> {
    fn write_all(&mut self, object: Ref<'_>) -> PyResult<()> {
        let written = self.draft.write(object, None, false)?;
        self.go_on(object, written)?;
        while let Some(frame) = self.stack.last_mut() {
            let draft = &mut self.draft;
            let names = frame.has_names();
            let next = frame.steps.next(self.cx.py(), |object, references| {
                frame.taken += 1;
                let is_key = names && frame.taken % 2 == 1;
                match draft.write(object, Some(references), is_key)? {
                    Written::Whole => Ok(None),
                    written => Ok(Some(written)),
                }
            })?;
            match next {
                Next::Stop(object, written) => self.go_on(object.get(), written)?,
                Next::End if frame.taken == frame.expected => self.stack.pop(),
                Next::End => {
                    return Err(Raised::builtin(
                        self.cx.py(),
                        Builtin::Runtime,
                        "a container changed size while it was being sent",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Goes on with an object that may not be written yet. A container is opened and goes on in `write_all`.
    fn go_on(&mut self, object: Ref<'_>, written: Written) -> PyResult<()> {
        let py = self.cx.py();
        let (kind, noted) = match written {
            Written::Whole => return Ok(()),
            Written::Again(number) if self.stack.is_unmade(number) => {
                return Err(self.refuse(object, "is a part of itself"));
            }
            Written::Again(_) => return Ok(()),
            Written::NotYet(kind, noted) => (kind, noted),
        };
        let (code, role, steps) = match kind {
            Kind::Tuple => {
                let steps = Steps::of_tuple(object.to_owned(py));
                (code::TUPLE, Role::Tuple, steps)
            }
            Kind::List => {
                let steps = Steps::of_list(object.to_owned(py));
                (code::LIST, Role::List, steps)
            }
            Kind::Dict => {
                let steps = Steps::of_dict(object.to_owned(py), object.size(py)?);
                (code::DICT, Role::Dict, steps)
            }
            Kind::Set => {
                let steps = Steps::Iterator(object.iterate(py)?);
                (code::SET, Role::Set, steps)
            }
            Kind::FrozenSet => {
                let steps = Steps::Iterator(object.iterate(py)?);
                (code::FROZENSET, Role::FrozenSet, steps)
            }
            _ => {
                return match self.plan_for(object) {
                    Some(plan) => self.write_instance(object, plan, noted),
                    None => self.write_first(object, noted),
                };
            }
        };
        let size = object.size(py)?;
        let objects = if kind == Kind::Dict { 2 * size } else { size };
        self.draft.container(code | noted, size, objects);
        self.push(role, steps, objects, self.draft.number(noted));
        Ok(())
    }

    /// Writes the first object of its class that is met.
    fn write_first(&mut self, object: Ref<'_>, noted: u8) -> PyResult<()> {
        if let Some(message) = leaf(self.cx, object, self.packing)? {
            self.draft.leaf(message, noted);
            return Ok(());
        }
        let path = || self.path();
        if let Some(share) = foreign::share(self.cx, object, self.packing, path)? {
            self.draft.leaf(Message::Foreign(share), noted);
            return Ok(());
        }
        let plan = Plan::of(self.cx, object, self.by_name(), || self.path())?;
        self.plans.push((object.class(self.cx.py()), plan));
        self.write_instance(object, self.plans.len() - 1, noted)
    }

    /// Does what our `__main__` has go by name? It is of more use as a proxy, or with its definition, where that is a
    /// way.
    fn by_name(&self) -> bool {
        self.packing.fallback != Fallback::Proxy && !self.packing.definitions
    }

    /// The place of the plan for the object's class. `None`: it has not been made.
    fn plan_for(&self, object: Ref<'_>) -> Option<usize> {
        let class = object.class_address();
        let mut plans = self.plans.iter();
        plans.rposition(|(known, _)| known.get().address() == class)
    }

    /// Writes an object of which nothing but its class says how.
    fn write_instance(&mut self, object: Ref<'_>, plan: usize, noted: u8) -> PyResult<()> {
        let plan = &self.plans[plan].1;
        if let Plan::Capsule(protocol, is_frame) = plan {
            let how = (*protocol, *is_frame);
            self.has_frames |= *is_frame && self.packing.keeps_frames();
            let path = || self.path();
            if let Some(message) = capsule::share(self.cx, object, how, self.packing, path)? {
                self.draft.leaf(message, noted);
                return Ok(());
            }
        }
        match plan.apply(self.cx, object, self.by_name(), || self.path())? {
            Apart::ByName(module, qualname) => {
                self.draft.named(&module, &qualname, noted);
                Ok(())
            }
            Apart::Parts(parts) => self.enter_instance(object, noted, parts),
            Apart::Unknown => {
                let message = if Acquired::possible(object) {
                    buffer(self.cx, object, self.packing)?
                } else {
                    match self.packing.fallback {
                        Fallback::Proxy => Message::Proxy(object::pin(self.cx, object)?),
                        Fallback::Refuse => return Err(self.refuse(object, "can't be shared")),
                        Fallback::Pickle | Fallback::PickleBuffers => {
                            return Err(self.refuse(object, "can be neither shared nor pickled"));
                        }
                    }
                };
                self.draft.leaf(message, noted);
                Ok(())
            }
        }
    }

    fn enter_instance(&mut self, object: Ref<'_>, noted: u8, parts: Parts<'py>) -> PyResult<()> {
        if parts.said.is_some() && self.stack.parts >= DEEPEST {
            return Err(self.refuse(object, "has parts without end"));
        }
        let number = self.draft.number(noted);
        let count = parts.arguments.get().size(self.cx.py())?;
        let (rest, more) = match &parts.rest {
            None => (0, 0),
            Some((rest, _, more)) => (*rest as u8 + 1, *more),
        };
        let how = [parts.make as u8, rest];
        self.draft.instance(noted, how, count, more);
        self.write_callable(object, &parts)?;
        if let Some((rest, steps, more)) = parts.rest {
            self.push(Role::Rest(rest), steps, more, None);
        }
        if count > 0 {
            let role = match (parts.make, parts.said) {
                (Make::Tuple, _) => Role::Fields,
                (_, Some(_)) => Role::Parts,
                (_, None) => Role::Arguments,
            };
            let steps = Steps::of_tuple(parts.arguments);
            self.push(role, steps, count, number);
        }
        Ok(())
    }

    /// Writes the name of what makes the object.
    fn write_callable(&mut self, object: Ref<'_>, parts: &Parts<'py>) -> PyResult<()> {
        let callable = parts.callable.get();
        if self.draft.again(callable).is_some() {
            return Ok(());
        }
        match protocol::import_path(self.cx, callable)? {
            Some((module, qualname)) if !self.packing.definitions || module != "__main__" => {
                self.draft.named(&module, &qualname, code::NOTED);
                return Ok(());
            }
            _ => {}
        }
        let got = callable.brief_repr(self.cx.py());
        let Some(name) = parts.said else {
            let why = format!("can't be shared: other interpreters cannot import {got}");
            return Err(self.refuse(object, &why));
        };
        let (path, class) = (self.path(), object.class_name(self.cx.py()));
        let message = format!(
            "{path}: {name} of {class} returned a rebuild function that other interpreters cannot import: {got}"
        );
        Err(raise(self.cx, Error::NotShareable, &message))
    }

    fn push(&mut self, role: Role, steps: Steps<'py>, expected: usize, number: Option<usize>) {
        let frame = Frame {
            steps,
            role,
            expected,
            taken: 0,
        };
        self.stack.push(frame, number);
    }

    fn refuse(&self, object: Ref<'_>, why: &str) -> Raised {
        let message = format!("{}: {} {why}", self.path(), object.class_name(self.cx.py()));
        raise(self.cx, Error::NotShareable, &message)
    }

    fn path(&self) -> String {
        self.stack.path(self.cx.py())
    }
}
