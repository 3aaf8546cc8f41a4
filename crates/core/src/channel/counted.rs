//! A counted pointer as `Arc` is one, for something that begins at a cache line: an `Arc` of that would have its
//! counts on a line of their own, which is a fifth of a channel. Here they come last, and no padding after them.

use crate::primitive::process::AtomicPtr;
use crate::primitive::{AtomicUsize, Ordering, fence};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::process::abort;
use std::ptr::NonNull;

/// What is laid out by lines starts at one.
const LINE: usize = 64;
/// A bit that no address of a line has.
const MARK: usize = 1;
/// As `Arc` does it: so many are a leak that would wrap around.
const MOST: usize = isize::MAX as usize;

#[repr(C)]
struct Block<T> {
    content: ManuallyDrop<T>,
    /// Who keeps the content. Zero for good: it was dropped.
    strong: AtomicUsize,
    /// Who keeps the memory: the feeble ones, and one for all the strong ones together.
    feeble: AtomicUsize,
}

/// Keeps the content. It can have a mark, of its own: its clones have none. That takes no room, since it is a bit of the
/// address, and is not for telling others anything: to change it and to read it is up to a lock.
pub(super) struct Counted<T>(AtomicPtr<Block<T>>, PhantomData<Block<T>>);

/// Keeps the memory only.
pub(super) struct Feeble<T>(NonNull<Block<T>>, PhantomData<Block<T>>);

// SAFETY: as for `Arc`: it is shared between threads, and the last one drops it.
unsafe impl<T: Send + Sync> Send for Counted<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Counted<T> {}
// SAFETY: as above; it becomes a `Counted`.
unsafe impl<T: Send + Sync> Send for Feeble<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Feeble<T> {}

impl<T> Block<T> {
    /// Unlike the type, which has no padding to a multiple of it, aligned to a line.
    fn layout() -> Layout {
        let layout = Layout::new::<Self>().align_to(LINE);
        layout.unwrap_or_else(|_| unreachable!("some hundred bytes at the most"))
    }
}

impl<T> Counted<T> {
    pub(super) fn new(content: T) -> Self {
        let layout = Block::<T>::layout();
        // SAFETY: it is not of size zero, the counts alone are more.
        let memory = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(memory.cast::<Block<T>>()) else {
            handle_alloc_error(layout)
        };
        let whole = Block {
            content: ManuallyDrop::new(content),
            strong: AtomicUsize::new(1),
            feeble: AtomicUsize::new(1),
        };
        // SAFETY: fresh memory of that layout.
        unsafe { block.write(whole) };
        Self::of(block)
    }

    fn of(block: NonNull<Block<T>>) -> Self {
        Self(AtomicPtr::new(block.as_ptr()), PhantomData)
    }

    pub(super) fn mark(&self) {
        let block = self.pointer().as_ptr();
        // Relaxed: see the type.
        self.0
            .store(block.map_addr(|address| address | MARK), Ordering::Relaxed);
    }

    pub(super) fn is_marked(&self) -> bool {
        // Relaxed: see the type.
        self.0.load(Ordering::Relaxed).addr() & MARK != 0
    }

    pub(super) fn feeble(&self) -> Feeble<T> {
        // Relaxed: whoever has one makes another.
        if self.block().feeble.fetch_add(1, Ordering::Relaxed) > MOST {
            abort();
        }
        Feeble(self.pointer(), PhantomData)
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.pointer() == other.pointer()
    }

    fn pointer(&self) -> NonNull<Block<T>> {
        // Relaxed: nothing but the mark ever changes.
        let block = self.0.load(Ordering::Relaxed);
        // SAFETY: that of `new`, without the mark.
        unsafe { NonNull::new_unchecked(block.map_addr(|address| address & !MARK)) }
    }

    fn block(&self) -> &Block<T> {
        // SAFETY: a strong count keeps the memory.
        unsafe { self.pointer().as_ref() }
    }
}

impl<T> Clone for Counted<T> {
    fn clone(&self) -> Self {
        // Relaxed: whoever has one makes another.
        if self.block().strong.fetch_add(1, Ordering::Relaxed) > MOST {
            abort();
        }
        Self::of(self.pointer())
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.block().content
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        // Release: what this one did with the content, before it is dropped (Acquire below).
        if self.block().strong.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Acquire: pairs with the Release of all the others.
        fence(Ordering::Acquire);
        // After the content, and also if that panics.
        let block = self.pointer();
        let _memory = Feeble(block, PhantomData);
        // SAFETY: the last one, and a feeble one makes none of zero.
        unsafe { ManuallyDrop::drop(&mut (*block.as_ptr()).content) };
    }
}

impl<T> Feeble<T> {
    /// A strong one, unless the content was dropped.
    pub(super) fn upgrade(&self) -> Option<Counted<T>> {
        // SAFETY: a feeble count keeps the memory.
        let strong = unsafe { &self.0.as_ref().strong };
        let mut count = strong.load(Ordering::Relaxed);
        while count != 0 {
            if count > MOST {
                abort();
            }
            // Acquire: the content was written before (whoever handed this over has seen to it); as `Arc` does it.
            match strong.compare_exchange_weak(
                count,
                count + 1,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(Counted::of(self.0)),
                Err(now) => count = now,
            }
        }
        None
    }
}

impl<T> Drop for Feeble<T> {
    fn drop(&mut self) {
        // SAFETY: a feeble count keeps the memory.
        let feeble = unsafe { &self.0.as_ref().feeble };
        // Release: what this one did with the memory, before it is freed (Acquire below).
        if feeble.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Acquire: pairs with the Release of all the others.
        fence(Ordering::Acquire);
        // SAFETY: nobody is left, and the content was dropped before the last strong one gave back its feeble count;
        // allocated with this layout.
        unsafe {
            self.0.drop_in_place();
            dealloc(self.0.as_ptr().cast(), Block::<T>::layout());
        }
    }
}
