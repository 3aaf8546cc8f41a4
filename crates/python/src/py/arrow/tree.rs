//! Structures with children, as consumers get them: each node can be taken out and outlives the others.

use core::ffi::c_void;

use super::raw::{RawArray, RawSchema, Release, Structure};

/// What schemas and arrays have in common beside that.
pub(super) trait Tree: Structure {
    fn fields(&mut self) -> Fields<'_, Self>;
}

pub(super) struct Fields<'a, S> {
    pub(super) n_children: &'a mut i64,
    pub(super) children: &'a mut *mut *mut S,
    pub(super) dictionary: &'a mut *mut S,
    pub(super) release: &'a mut Release<S>,
    pub(super) private_data: &'a mut *mut c_void,
}

impl Tree for RawSchema {
    fn fields(&mut self) -> Fields<'_, Self> {
        Fields {
            n_children: &mut self.n_children,
            children: &mut self.children,
            dictionary: &mut self.dictionary,
            release: &mut self.release,
            private_data: &mut self.private_data,
        }
    }
}

impl Tree for RawArray {
    fn fields(&mut self) -> Fields<'_, Self> {
        Fields {
            n_children: &mut self.n_children,
            children: &mut self.children,
            dictionary: &mut self.dictionary,
            release: &mut self.release,
            private_data: &mut self.private_data,
        }
    }
}

/// What is behind `private_data`.
struct Private<S, K> {
    /// Boxes, whatever has become of what is in them.
    children: Box<[*mut S]>,
    dictionary: *mut S,
    _keeper: K,
}

/// Makes a node of what has been filled in so far. `keeper` keeps what it points to until it is released.
pub(super) fn node<S: Tree, K: Send + 'static>(
    mut structure: S,
    children: impl Iterator<Item = S>,
    dictionary: Option<S>,
    keeper: K,
) -> S {
    let boxed = |structure: S| Box::into_raw(Box::new(structure));
    let mut private = Box::new(Private {
        children: children.map(boxed).collect(),
        dictionary: dictionary.map_or(core::ptr::null_mut(), boxed),
        _keeper: keeper,
    });
    let fields = structure.fields();
    *fields.n_children = private.children.len() as i64;
    if !private.children.is_empty() {
        *fields.children = private.children.as_mut_ptr(); // stays where it is on the heap
    }
    *fields.dictionary = private.dictionary;
    *fields.release = Some(release::<S, K>);
    *fields.private_data = Box::into_raw(private).cast();
    structure
}

/// The `release` of a node: of those of its children too that nobody has taken out. Needs no interpreter.
unsafe extern "C-unwind" fn release<S: Tree, K>(structure: *mut S) {
    // SAFETY: consumers call it once, with a structure that `node` has made, wherever they have moved that.
    unsafe {
        let fields = (*structure).fields();
        *fields.release = None;
        let private = Box::from_raw((*fields.private_data).cast::<Private<S, K>>());
        let dictionary = (!private.dictionary.is_null()).then_some(&private.dictionary);
        for &child in private.children.iter().chain(dictionary) {
            let mut child = Box::from_raw(child);
            if let Some(release) = *child.release() {
                release(&mut *child);
            }
        }
    }
}
