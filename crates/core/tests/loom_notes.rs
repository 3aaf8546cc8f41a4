//! Model checks of notes: the last one to go against the pad that turns the page.
#![cfg(loom)]

use interlane_core::{Note, Pad};
use loom::sync::Arc;
use loom::thread;

/// A page is freed once, after everybody is done with it: loom's own count of allocations is not asked, but the count
/// is an atomic of loom's, and nobody may touch it after it was freed.
#[test]
fn two_readers_and_the_pad_let_go_of_a_page() {
    loom::model(|| {
        let mut pad = Pad::default();
        let readers: Vec<_> = (0..2_u8)
            .map(|number| {
                let note = pad.tear(1, 0, &[number; 3]).unwrap();
                thread::spawn(move || assert_eq!(note[..], [number; 3]))
            })
            .collect();
        drop(pad);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn a_clone_and_its_note_go_in_different_threads_while_the_page_turns() {
    loom::model(|| {
        let mut pad = Pad::default();
        let note = pad.tear(1, 0, b"one").unwrap();
        let reader = thread::spawn(move || {
            let clone = note.clone();
            drop(note);
            assert_eq!(clone[..], *b"one");
        });
        // Another label: another page.
        let other: Note = pad.tear(2, 0, b"two").unwrap();
        assert_eq!(other[..], *b"two");
        reader.join().unwrap();
    });
}

#[test]
fn what_a_slip_has_goes_once_wherever_that_is() {
    loom::model(|| {
        let mut pad = Pad::default();
        let value = Arc::new(());
        let mut slip = pad
            .tear_with(
                1,
                0,
                b"one",
                &mut vec![Some(value.clone()), Some(value.clone())],
            )
            .unwrap();
        let reader = thread::spawn(move || {
            let (text, values) = slip.read_mut();
            assert_eq!(text, b"one");
            values[0].take()
        });
        drop(pad);
        drop(reader.join().unwrap());
        assert_eq!(Arc::strong_count(&value), 1);
    });
}
