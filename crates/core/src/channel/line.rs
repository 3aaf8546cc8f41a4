//! Those who wait at one end, in a list that needs no memory but theirs.

use super::waiter::{Place, Waiter};
use std::iter;

/// Waiters, the longest-waiting first. Each has the one behind it, and is in one line at the most. Under the channel's
/// lock.
///
/// A ring: behind the last one comes the first, but nobody behind one that is alone. So it takes two words.
#[derive(Debug)]
pub(super) struct Line<T> {
    last: Option<Waiter<T>>,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        Self { last: None }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(super) fn push_front(&mut self, waiter: Waiter<T>) {
        match &self.last {
            None => self.last = Some(waiter),
            Some(last) => link(last, waiter),
        }
    }

    /// Puts a waiter behind the last; says whether it is the first.
    pub(super) fn push_back(&mut self, waiter: Waiter<T>) -> bool {
        let last = self.last.replace(waiter.clone());
        last.inspect(|last| link(last, waiter)).is_none()
    }

    /// Puts a waiter before those whose calls began later; says whether it is the first.
    pub(super) fn push_back_in_time(&mut self, waiter: Waiter<T>) -> bool {
        let before = self
            .iter()
            .take_while(|other| other.since() <= waiter.since())
            .last()
            .cloned();
        match before {
            None => {
                self.push_front(waiter);
                true
            }
            Some(before) if self.last.as_ref().is_some_and(|last| last.is(&before)) => {
                self.push_back(waiter)
            }
            Some(before) => {
                link(&before, waiter);
                false
            }
        }
    }

    pub(super) fn pop_front(&mut self) -> Option<Waiter<T>> {
        let last = self.last.take()?;
        let first = cut_behind(&last);
        if first.is_some() {
            self.last = Some(last);
            first
        } else {
            Some(last)
        }
    }

    /// Takes out the waiter in this place, if it is there.
    pub(super) fn remove(&mut self, place: &Place<T>) {
        let is_last = self.last.as_ref().is_some_and(|last| last.is(place));
        if is_last && after(place).is_none() {
            self.last = None;
            return;
        }
        let before = self
            .iter()
            .find(|other| after(other).is_some_and(|behind| behind.is(place)));
        if let Some(before) = before.cloned() {
            cut_behind(&before);
            if is_last {
                self.last = Some(before);
            }
        }
    }

    /// Takes out those for which `stays` says false, and gives each to `gone`.
    pub(super) fn retain(
        &mut self,
        mut stays: impl FnMut(&Waiter<T>) -> bool,
        mut gone: impl FnMut(Waiter<T>),
    ) {
        let mut all = std::mem::replace(self, Self::new());
        while let Some(waiter) = all.pop_front() {
            if stays(&waiter) {
                self.push_back(waiter);
            } else {
                gone(waiter);
            }
        }
    }

    /// From the first to the last.
    fn iter(&self) -> impl Iterator<Item = &Waiter<T>> {
        let last = self.last.as_ref();
        let first = last.and_then(|last| after(last)).or(last);
        iter::successors(first, move |waiter| {
            after(waiter).filter(|_| last.is_some_and(|last| !last.is(waiter)))
        })
    }
}

/// The waiter behind one that is in a line, for as long as the line is borrowed.
fn after<T>(place: &Place<T>) -> Option<&Waiter<T>> {
    // SAFETY: in a line that the caller has borrowed.
    unsafe { place.next() }
}

/// Sets the waiter behind one that is in a line, or comes into it or out of it.
fn set_after<T>(place: &Place<T>, next: Option<Waiter<T>>) -> Option<Waiter<T>> {
    // SAFETY: of that line, the caller has the only reference.
    unsafe { place.set_next(next) }
}

/// Puts a waiter into the ring, behind one that is there.
fn link<T>(before: &Waiter<T>, waiter: Waiter<T>) {
    let behind = after(before).unwrap_or(before).clone();
    let none = set_after(&waiter, Some(behind));
    debug_assert!(none.is_none(), "a waiter is in one line at the most");
    set_after(before, Some(waiter));
}

/// Takes the waiter behind this one out of the ring; `None` when this one is alone.
fn cut_behind<T>(before: &Waiter<T>) -> Option<Waiter<T>> {
    let cut = set_after(before, None)?;
    let behind = set_after(&cut, None);
    set_after(before, behind.filter(|behind| !behind.is(before)));
    Some(cut)
}

impl<T> Drop for Line<T> {
    fn drop(&mut self) {
        // Each has the next one: in a ring, nothing would ever be dropped.
        while self.pop_front().is_some() {}
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::call::Call;
    use super::super::channel;
    use super::super::handle::HandleId;
    use super::super::waiter::{Alone, Group};
    use super::{Line, Place, Waiter};
    use crate::primitive::Arc;
    use std::time::{Duration, Instant};

    /// The waiters' places, in order, and whether the line agrees.
    fn order(line: &Line<u32>) -> Vec<*const Place<u32>> {
        let order: Vec<_> = line.iter().map(|waiter| &raw const **waiter).collect();
        assert_eq!(line.len(), order.len());
        assert_eq!(line.is_empty(), order.is_empty());
        order
    }

    /// Half of them alone, half of them those of one call, and all of different ages.
    fn waiters(count: u32, handle: HandleId, born: Instant) -> Vec<Waiter<u32>> {
        let place = || Place::new(handle, None);
        let group = Group::new(Call::new(), born, (0..count).map(|_| place()));
        (0..count)
            .map(|number| match number % 2 {
                0 => Waiter::Among(Arc::clone(&group), number),
                _ => {
                    let since = born + Duration::from_secs(u64::from(number));
                    Waiter::Alone(Alone::new(handle, since, None))
                }
            })
            .collect()
    }

    #[test]
    fn a_line_is_a_list() {
        let (_sender, receiver) = channel::<u32>(None);
        let born = Instant::now();
        let mut seed = 1_u32;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as usize % below
        };
        for count in 1..8 {
            let mut out = waiters(count, receiver.handle(), born);
            let mut line = Line::new();
            let mut list: Vec<Waiter<u32>> = Vec::new();
            for _ in 0..3000 {
                match random(6) {
                    0 if !out.is_empty() => {
                        let waiter = out.swap_remove(random(out.len()));
                        line.push_front(waiter.clone());
                        list.insert(0, waiter);
                    }
                    1 if !out.is_empty() => {
                        let waiter = out.swap_remove(random(out.len()));
                        assert_eq!(line.push_back(waiter.clone()), list.is_empty());
                        list.push(waiter);
                    }
                    2 if !out.is_empty() => {
                        let waiter = out.swap_remove(random(out.len()));
                        let earlier = |other: &Waiter<u32>| other.since() <= waiter.since();
                        let place = list.iter().take_while(|other| earlier(other)).count();
                        assert_eq!(line.push_back_in_time(waiter.clone()), place == 0);
                        list.insert(place, waiter);
                    }
                    3 => {
                        let first = (!list.is_empty()).then(|| list.remove(0));
                        let popped = line.pop_front();
                        assert_eq!(popped.is_some(), first.is_some());
                        if let Some((popped, first)) = popped.zip(first) {
                            assert!(popped.is(&first));
                            out.push(first);
                        }
                    }
                    4 if !list.is_empty() => {
                        let waiter = list.remove(random(list.len()));
                        line.remove(&waiter);
                        line.remove(&waiter); // which is not there any more
                        out.push(waiter);
                    }
                    5 if random(10) == 0 => {
                        let kept: Vec<_> = list.iter().map(|_| random(2) == 0).collect();
                        let mut keep = kept.iter();
                        let before = list.len();
                        let mut gone = Vec::new();
                        line.retain(|_| keep.next() == Some(&true), |waiter| gone.push(waiter));
                        let mut keep = kept.iter();
                        list.retain(|_| keep.next() == Some(&true));
                        assert_eq!(list.len() + gone.len(), before);
                        out.append(&mut gone);
                    }
                    _ => {}
                }
                let expected: Vec<_> = list.iter().map(|waiter| &raw const **waiter).collect();
                assert_eq!(order(&line), expected);
            }
            drop(line);
            for waiter in list.iter().chain(&out) {
                // The list's own, or `out`'s: the line has let go of all.
                if let Waiter::Alone(alone) = waiter {
                    assert_eq!(Arc::strong_count(alone), 1);
                }
            }
        }
    }
}
