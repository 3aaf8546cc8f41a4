//! Which objects have been met in a message, by address.

use crate::py::{Attached, Owned, Ref};

/// How many places there are before any memory is allocated. Half of them are used at the most.
const FEW: usize = 32;

/// The objects, numbered as they come. They are kept, so that no address is used twice.
pub(in super::super) struct Met<'py> {
    few: [Place<'py>; FEW],
    many: Vec<Place<'py>>,
    count: usize,
}

type Place<'py> = Option<(Owned<'py>, usize)>;

impl<'py> Met<'py> {
    pub(in super::super) fn new() -> Self {
        Self {
            few: [const { None }; FEW],
            many: Vec::new(),
            count: 0,
        }
    }

    /// The number of the object, if it has been met: from now on it has.
    #[inline]
    pub(in super::super) fn again(&mut self, py: Attached<'py>, object: Ref<'_>) -> Option<usize> {
        let places = match &mut self.many[..] {
            [] => &mut self.few[..],
            many => many,
        };
        let place = place_of(places, object.address());
        match &mut places[place] {
            Some((_, number)) => return Some(*number),
            empty => *empty = Some((object.to_owned(py), self.count)),
        }
        self.count += 1;
        if self.count * 2 > places.len() {
            self.grow();
        }
        None
    }

    /// The number of the object that was met last.
    pub(in super::super) fn last(&self) -> usize {
        self.count - 1
    }

    #[cold]
    fn grow(&mut self) {
        let size = 4 * self.many.len().max(FEW);
        let mut places = Vec::new();
        places.resize_with(size, || None);
        let old = self.few.iter_mut().chain(&mut self.many);
        for (object, number) in old.filter_map(Option::take) {
            let place = place_of(&places, object.get().address());
            places[place] = Some((object, number));
        }
        self.many = places;
    }
}

/// Where the object at this address is, or belongs. A power of two of places, not all of them taken.
#[inline]
fn place_of(places: &[Place<'_>], address: usize) -> usize {
    // The upper bits of the product depend on all bits of the address.
    let spread = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let mut place = spread as usize & (places.len() - 1);
    loop {
        match &places[place] {
            Some((object, _)) if object.get().address() != address => {
                place = (place + 1) & (places.len() - 1);
            }
            _ => return place,
        }
    }
}
