//! Where the writer is: the containers that it is inside of.

use super::super::plan::Rest;
use crate::py::Attached;
use crate::py::container::Steps;

/// How many characters of a path are shown.
const LONGEST_PATH: usize = 300;

/// How many keys a dict has at the most that is taken for a record of something.
const RECORD: usize = 64;

/// What the objects of a frame are to their container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Role {
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
    /// Items of a named tuple.
    Fields,
    /// What `__share__`, or a function in its place, has returned as parts.
    Parts,
    /// Arguments of what makes the object.
    Arguments,
    /// What is put into an object that has been made.
    Rest(Rest),
}

/// A container, or the arguments or the content of an instance, that is being written.
pub(in super::super) struct Frame<'py> {
    pub(in super::super) steps: Steps<'py>,
    pub(in super::super) role: Role,
    pub(in super::super) expected: usize,
    /// How many objects were taken out.
    pub(in super::super) taken: usize,
}

impl Frame<'_> {
    /// Is every other object, from the first on, a key that other items are likely to have, too? Large dicts have keys of
    /// their own.
    #[inline]
    pub(in super::super) fn has_names(&self) -> bool {
        matches!(self.role, Role::Dict | Role::Rest(Rest::Attributes))
            && self.expected <= 2 * RECORD
    }
}

#[derive(Default)]
pub(in super::super) struct Stack<'py> {
    frames: Vec<Frame<'py>>,
    /// Objects that do not exist, or not whole, before a frame is done: their number, and the frame's place. Both grow.
    unmade: Vec<(usize, usize)>,
    /// How many frames there are whose objects a function has just made.
    pub(in super::super) parts: usize,
}

impl<'py> Stack<'py> {
    /// `number`: that of the object, if it has one.
    pub(in super::super) fn push(&mut self, frame: Frame<'py>, number: Option<usize>) {
        use Role::{Arguments, Fields, FrozenSet, Parts, Tuple};
        self.parts += usize::from(frame.role == Parts);
        let later = matches!(frame.role, Arguments | Fields | FrozenSet | Parts | Tuple);
        if let Some(number) = number.filter(|_| later) {
            self.unmade.push((number, self.frames.len()));
        }
        self.frames.push(frame);
    }

    pub(in super::super) fn pop(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.parts -= usize::from(frame.role == Role::Parts);
            while matches!(self.unmade.last(), Some((_, place)) if *place >= self.frames.len()) {
                self.unmade.pop();
            }
        }
    }

    #[inline]
    pub(in super::super) fn last_mut(&mut self) -> Option<&mut Frame<'py>> {
        self.frames.last_mut()
    }

    /// Would a reference to the object with this number be needed before there is an object? A tuple can be referred to
    /// while it is incomplete, but nobody may look into it then: no hash, no argument.
    #[inline]
    pub(in super::super) fn is_unmade(&self, number: usize) -> bool {
        !self.unmade.is_empty() && self.is_in_the_making(number)
    }

    fn is_in_the_making(&self, number: usize) -> bool {
        let found = self
            .unmade
            .binary_search_by_key(&number, |(number, _)| *number);
        let Some((_, place)) = found.ok().and_then(|at| self.unmade.get(at)) else {
            return false;
        };
        self.frames[*place..].iter().any(|frame| match frame.role {
            Role::Tuple | Role::List => false,
            Role::Dict | Role::Rest(Rest::Pairs) => frame.taken % 2 == 1,
            Role::Rest(_) => false,
            _ => true,
        })
    }

    /// Where the object that is being written is, seen from the root: `item[3]['handle']`.
    pub(in super::super) fn path(&self, py: Attached<'py>) -> String {
        let mut path = "item".to_owned();
        for frame in self.frames.iter().filter(|frame| frame.taken > 0) {
            let place = frame.taken - 1;
            let key = || frame.steps.key(py, place / 2);
            let shown = || match key() {
                Some(key) => key.get().brief_repr(py),
                None => "?".to_owned(),
            };
            path += &match frame.role {
                Role::Dict | Role::Rest(Rest::Pairs) if place % 2 == 0 => {
                    format!(" key {}", shown())
                }
                Role::Dict | Role::Rest(Rest::Pairs) => format!("[{}]", shown()),
                Role::Set | Role::FrozenSet => " element".to_owned(),
                Role::Parts => format!(".__share__()[1][{place}]"),
                Role::Arguments => format!(".__reduce__()[1][{place}]"),
                Role::Rest(Rest::Attributes) => match key() {
                    Some(name) => format!(".{}", name.get().display(py)),
                    None => ".?".to_owned(),
                },
                Role::Tuple | Role::List | Role::Fields | Role::Rest(Rest::Items) => {
                    format!("[{place}]")
                }
            };
            if path.len() > 4 * LONGEST_PATH {
                break;
            }
        }
        match path.char_indices().nth(LONGEST_PATH) {
            None => path,
            Some((end, _)) => format!("{}...", &path[..end]),
        }
    }
}
