//! How many items may be queued.

/// A number, or any: the largest of all stands for that, so that it takes one
/// word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity(usize);

impl Capacity {
    pub(super) fn new(most: Option<usize>) -> Self {
        Self(most.unwrap_or(usize::MAX))
    }

    pub(super) fn get(self) -> Option<usize> {
        (!self.is_unbounded()).then_some(self.0)
    }

    pub(super) fn is_unbounded(self) -> bool {
        self.0 == usize::MAX
    }

    /// Whether one more item may be queued, when so many are.
    pub(super) fn has_room(self, queued: usize) -> bool {
        queued < self.0
    }
}
