//! Those who wait at one end, in a list that needs no memory but theirs.

use super::waiter::Waiter;
use crate::primitive::Arc;

/// Waiters, the longest-waiting first. Each has the one behind it, and is in one line at the most. Under the channel's
/// lock.
#[derive(Debug)]
pub(super) struct Line<T> {
    first: Option<Arc<Waiter<T>>>,
    last: Option<Arc<Waiter<T>>>,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            last: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(super) fn len(&self) -> usize {
        let mut count = 0;
        let mut next = self.first.as_ref();
        while let Some(waiter) = next {
            count += 1;
            next = after(waiter);
        }
        count
    }

    pub(super) fn push_front(&mut self, waiter: &Arc<Waiter<T>>) {
        self.insert(None, waiter);
    }

    /// Puts a waiter behind the last; says whether it is the first.
    pub(super) fn push_back(&mut self, waiter: &Arc<Waiter<T>>) -> bool {
        let last = self.last.clone();
        self.insert(last.as_ref(), waiter);
        last.is_none()
    }

    /// Puts a waiter before those whose calls began later; says whether it is the first.
    pub(super) fn push_back_in_time(&mut self, waiter: &Arc<Waiter<T>>) -> bool {
        let mut before = None;
        let mut next = self.first.as_ref();
        while let Some(other) = next.filter(|other| other.since <= waiter.since) {
            before = Some(other);
            next = after(other);
        }
        let before = before.cloned();
        self.insert(before.as_ref(), waiter);
        before.is_none()
    }

    pub(super) fn pop_front(&mut self) -> Option<Arc<Waiter<T>>> {
        let first = self.first.take()?;
        self.first = unlink(&first);
        if self.first.is_none() {
            self.last = None;
        }
        Some(first)
    }

    /// Takes a waiter out, if it is there.
    pub(super) fn remove(&mut self, waiter: &Arc<Waiter<T>>) {
        let mut before = None;
        let mut next = self.first.as_ref();
        while let Some(other) = next.filter(|other| !Arc::ptr_eq(other, waiter)) {
            before = Some(other);
            next = after(other);
        }
        if next.is_none() {
            return;
        }
        let before = before.cloned();
        let behind = unlink(waiter);
        if behind.is_none() {
            self.last.clone_from(&before);
        }
        match before {
            None => self.first = behind,
            // SAFETY: in this line, of which the caller has the only reference.
            Some(before) => drop(unsafe { before.set_next(behind) }),
        }
    }

    /// Takes out those for which `stays` says false, and gives each to `gone`.
    pub(super) fn retain(
        &mut self,
        mut stays: impl FnMut(&Arc<Waiter<T>>) -> bool,
        mut gone: impl FnMut(Arc<Waiter<T>>),
    ) {
        let mut all = std::mem::replace(self, Self::new());
        while let Some(waiter) = all.pop_front() {
            if stays(&waiter) {
                self.push_back(&waiter);
            } else {
                gone(waiter);
            }
        }
    }

    fn insert(&mut self, before: Option<&Arc<Waiter<T>>>, waiter: &Arc<Waiter<T>>) {
        let behind = match before {
            // SAFETY: in this line, of which the caller has the only reference.
            Some(before) => unsafe { before.set_next(Some(Arc::clone(waiter))) },
            None => self.first.replace(Arc::clone(waiter)),
        };
        if behind.is_none() {
            self.last = Some(Arc::clone(waiter));
        }
        // SAFETY: as above, as of now.
        let none = unsafe { waiter.set_next(behind) };
        debug_assert!(none.is_none(), "a waiter is in one line at the most");
    }
}

/// The waiter behind one that is in a line, for as long as the line is borrowed.
fn after<T>(waiter: &Arc<Waiter<T>>) -> Option<&Arc<Waiter<T>>> {
    // SAFETY: in a line that the caller has borrowed.
    unsafe { waiter.next() }
}

/// The waiter behind one that was just taken out of a line, and then no longer is.
fn unlink<T>(waiter: &Arc<Waiter<T>>) -> Option<Arc<Waiter<T>>> {
    // SAFETY: it was in the line, of which the caller has the only reference.
    unsafe { waiter.set_next(None) }
}

impl<T> Drop for Line<T> {
    fn drop(&mut self) {
        // One after the other, not each within the one before.
        while self.pop_front().is_some() {}
    }
}
