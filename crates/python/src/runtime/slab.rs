//! Things by number, where a number is used again once its thing is gone: a place each and nothing else, since there may be
//! hundreds of thousands.

use std::num::NonZeroU32;
use std::sync::Weak;

/// The number of a thing in its slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(NonZeroU32);

#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<Place<T>>,
    /// The first place that is free; each says which is the next.
    free: Option<Key>,
}

#[derive(Debug)]
enum Place<T> {
    Taken(T),
    Free(Option<Key>),
}

const _: () = assert!(size_of::<Place<Weak<dyn Send>>>() == size_of::<Weak<dyn Send>>());

impl Key {
    /// Of a place; `None` beyond four thousand million.
    fn of(place: usize) -> Option<Self> {
        let number = u32::try_from(place).ok()?.checked_add(1)?;
        NonZeroU32::new(number).map(Self)
    }

    fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: None,
        }
    }
}

impl<T> Slab<T> {
    /// Keeps a thing; `None` when there are too many.
    pub(super) fn insert(&mut self, thing: T) -> Option<Key> {
        let Some(key) = self.free else {
            let key = Key::of(self.places.len())?;
            self.places.push(Place::Taken(thing));
            return Some(key);
        };
        let place = &mut self.places[key.place()];
        if let Place::Free(next) = *place {
            self.free = next;
        }
        *place = Place::Taken(thing);
        Some(key)
    }

    /// Takes a thing out, if the slab has not been emptied meanwhile.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.place())?;
        if matches!(place, Place::Free(_)) {
            return None;
        }
        let Place::Taken(thing) = std::mem::replace(place, Place::Free(self.free)) else {
            unreachable!("just looked at");
        };
        self.free = Some(key);
        Some(thing)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| match place {
            Place::Taken(thing) => Some(thing),
            Place::Free(_) => None,
        })
    }
}
