//! Small texts that one thread writes and others read once: notes, torn off a pad.
//!
//! A note of its own from the general allocator costs both sides more than
//! its text: who reads it gives the memory back to where somebody else is
//! allocating. Here they share pages, of which the writer knows how far they
//! are full, and of which the readers count how many notes have gone; no word
//! is written to by both sides until a page is full.
//!
//! # The count of a page
//!
//! | | `count` |
//! |---|---|
//! | the pad tears notes off it | `OPEN` - notes dropped + notes cloned |
//! | it is full, or the pad has gone | notes torn + notes cloned - notes dropped |
//! | 0 | nobody has it: freed by who got there |
//!
//! No more than `ROOM / LINE` notes are torn off a page, so that an open one
//! is never at 0. A slip counts as the note that it is made of.

use crate::primitive::{AtomicU32, Ordering, UnsafeCell, fence};
use std::alloc::{Layout, alloc, dealloc};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::slice;

/// A page. One note that stays keeps all of it, so it is not larger than it has
/// to be: notes of a page of twice the size take about a twentieth less time.
const PAGE: usize = 2048;
/// Notes start at a line of the processor's caches: so who reads one is not
/// disturbed by the next being written.
const LINE: usize = 64;
/// What notes may take of a page.
const ROOM: usize = PAGE - LINES_OF_HEAD * LINE;
const LINES_OF_HEAD: usize = size_of::<Page>().div_ceil(LINE);
const OPEN: u32 = u32::MAX / 2;

/// What is at the start of a page.
#[derive(Debug)]
struct Page {
    count: AtomicU32,
    label: i64,
    /// Stands for the notes in it: nothing but loom looks at it.
    notes: UnsafeCell<()>,
}

/// What is before the text of a note.
#[derive(Debug)]
#[repr(C)]
struct Head {
    /// How far it is from the start of the page.
    offset: u16,
    tag: u16,
    length: u16,
    /// Of the values behind the text.
    count: u16,
}

/// Where notes come from.
#[derive(Debug, Default)]
pub struct Pad {
    page: Option<NonNull<Page>>,
    /// How much of the page is used, its head included.
    used: usize,
    torn: u32,
}

/// A text, with a label that it has in common with its neighbours, and a tag of
/// its own. Eight bytes.
pub struct Note(NonNull<Head>);

/// A note with values that belong to its text, for whoever has it. Eight bytes.
pub struct Slip<T> {
    /// Never cloned: the values are this slip's.
    note: Note,
    values: PhantomData<T>,
}

// SAFETY: the page is the pad's, as far as it is not torn off, and counts.
unsafe impl Send for Pad {}
// SAFETY: a note can only be read, and counts.
unsafe impl Send for Note {}
// SAFETY: as above.
unsafe impl Sync for Note {}

impl Pad {
    /// What a note may be long, in bytes.
    pub const LONGEST: usize = 760;

    /// A note of this text. `None`: it is longer than [`LONGEST`](Self::LONGEST),
    /// or there is no memory.
    pub fn tear(&mut self, label: i64, tag: u16, text: &[u8]) -> Option<Note> {
        self.tear_off(label, tag, text, size_of::<Head>() + text.len(), 0)
    }

    /// A slip of this text and the values, which are moved there. `None`, and
    /// they stay where they are: together they are longer than
    /// [`LONGEST`](Self::LONGEST), or there is no memory.
    pub fn tear_with<T>(
        &mut self,
        label: i64,
        tag: u16,
        text: &[u8],
        values: &mut Vec<T>,
    ) -> Option<Slip<T>> {
        const { assert!(align_of::<T>() <= LINE) };
        let count = u16::try_from(values.len()).ok()?;
        let size = values_at::<T>(text.len()) + size_of_val(&values[..]);
        let note = self.tear_off(label, tag, text, size, count)?;
        let slip = Slip {
            note,
            values: PhantomData,
        };
        // SAFETY: there is so much room behind the text, aligned for them, that
        // nobody knows yet. They are moved: the vector has none of them any more.
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), slip.values().as_ptr(), values.len());
            values.set_len(0);
        }
        Some(slip)
    }

    /// A note that takes `size` bytes, its head included.
    fn tear_off(
        &mut self,
        label: i64,
        tag: u16,
        text: &[u8],
        size: usize,
        count: u16,
    ) -> Option<Note> {
        if size > size_of::<Head>() + Self::LONGEST {
            return None;
        }
        let size = size.next_multiple_of(LINE);
        let page = match self.page {
            // SAFETY: the pad keeps its page; the label does not change.
            Some(page) if self.used + size <= PAGE && unsafe { page.as_ref().label } == label => {
                page
            }
            _ => self.turn(label)?,
        };
        // SAFETY: within the page, as was made sure of, and aligned for a head.
        // Nobody knows this part of it yet.
        let head = unsafe {
            let head = page.byte_add(self.used).cast::<Head>();
            head.write(Head {
                offset: self.used as u16,
                tag,
                length: text.len() as u16,
                count,
            });
            ptr::copy_nonoverlapping(text.as_ptr(), head.add(1).cast().as_ptr(), text.len());
            head
        };
        self.used += size;
        self.torn += 1;
        Some(Note(head))
    }

    /// A new page.
    fn turn(&mut self, label: i64) -> Option<NonNull<Page>> {
        self.let_go();
        // SAFETY: the size is not zero.
        let page = NonNull::new(unsafe { alloc(LAYOUT) })?.cast::<Page>();
        // SAFETY: fresh memory, large enough and aligned.
        unsafe {
            page.write(Page {
                count: AtomicU32::new(OPEN),
                label,
                notes: UnsafeCell::new(()),
            });
        }
        *self = Self {
            page: Some(page),
            used: LINES_OF_HEAD * LINE,
            torn: 0,
        };
        Some(page)
    }

    fn let_go(&mut self) {
        if let Some(page) = self.page.take() {
            // SAFETY: open until now. What `OPEN` stands for becomes what it is.
            unsafe { give_up(page, OPEN - self.torn) }
        }
    }
}

impl Drop for Pad {
    fn drop(&mut self) {
        self.let_go();
    }
}

impl Note {
    fn head(&self) -> &Head {
        // SAFETY: written before there was a note, and kept by it.
        unsafe { self.0.as_ref() }
    }

    fn page(&self) -> NonNull<Page> {
        // SAFETY: that is how far it is.
        unsafe { self.0.byte_sub(self.head().offset.into()).cast() }
    }

    /// The label that it was torn off with.
    pub fn label(&self) -> i64 {
        // SAFETY: the note keeps the page.
        unsafe { self.page().as_ref().label }
    }

    /// The tag that it was torn off with.
    pub fn tag(&self) -> u16 {
        self.head().tag
    }
}

impl Deref for Note {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the text comes behind the head, and is not written to any more.
        unsafe {
            self.page().as_ref().notes.with(|_| ());
            let text = self.0.add(1).cast().as_ptr();
            slice::from_raw_parts(text, self.head().length.into())
        }
    }
}

impl Clone for Note {
    /// The same text.
    fn clone(&self) -> Self {
        // SAFETY: the note keeps the page. Relaxed: this one keeps it meanwhile.
        let before = unsafe { self.page().as_ref().count.fetch_add(1, Ordering::Relaxed) };
        assert!(before < u32::MAX - OPEN / 2, "a note has too many clones");
        Self(self.0)
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        // SAFETY: this was one of those counted.
        unsafe { give_up(self.page(), 1) }
    }
}

/// How far the values are from the head.
fn values_at<T>(length: usize) -> usize {
    (size_of::<Head>() + length).next_multiple_of(align_of::<T>())
}

impl<T> Slip<T> {
    fn values(&self) -> NonNull<T> {
        // SAFETY: within the page, as was made sure of.
        unsafe { self.note.0.byte_add(values_at::<T>(self.note.len())).cast() }
    }

    fn count(&self) -> usize {
        self.note.head().count.into()
    }

    /// See [`Note::label`].
    pub fn label(&self) -> i64 {
        self.note.label()
    }

    /// See [`Note::tag`].
    pub fn tag(&self) -> u16 {
        self.note.tag()
    }

    /// The text and the values.
    pub fn read(&self) -> (&[u8], &[T]) {
        // SAFETY: so many were moved there, and they are the slip's.
        let values = unsafe { slice::from_raw_parts(self.values().as_ptr(), self.count()) };
        (&self.note, values)
    }

    /// The text and the values, which may be changed.
    pub fn read_mut(&mut self) -> (&[u8], &mut [T]) {
        // SAFETY: as above, and whoever has the slip to himself has them.
        let values = unsafe { slice::from_raw_parts_mut(self.values().as_ptr(), self.count()) };
        (&self.note, values)
    }
}

impl<T> Drop for Slip<T> {
    fn drop(&mut self) {
        // SAFETY: theirs is this slip, which goes now; the note keeps the page meanwhile.
        unsafe { ptr::drop_in_place(self.read_mut().1) }
    }
}

impl<T> fmt::Debug for Slip<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slip")
            .field(&self.note.len())
            .field(&self.count())
            .finish()
    }
}

// SAFETY: the note can be sent, and the values are only reached through the slip.
unsafe impl<T: Send> Send for Slip<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Slip<T> {}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Note").field(&self.len()).finish()
    }
}

const LAYOUT: Layout = match Layout::from_size_align(PAGE, LINE) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

/// # Safety
///
/// So many of the page's count were the caller's.
unsafe fn give_up(page: NonNull<Page>, count: u32) {
    // SAFETY: the caller has kept the page until now.
    let before = unsafe { page.as_ref().count.fetch_sub(count, Ordering::Release) };
    if before == count {
        // Acquire: pairs with the Release of everybody else who gave up, so that
        // they are done with the page.
        fence(Ordering::Acquire);
        // SAFETY: nobody has the page any more.
        unsafe {
            page.as_ref().notes.with_mut(|_| ());
            page.drop_in_place();
            dealloc(page.cast().as_ptr(), LAYOUT);
        }
    }
}

// A page's room is not counted past what `OPEN` allows, and offsets fit.
const _: () = assert!(ROOM / LINE < OPEN as usize && PAGE <= u16::MAX as usize + 1);
const _: () = assert!(size_of::<Head>() + Pad::LONGEST <= ROOM);
