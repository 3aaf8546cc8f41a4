//! Notes: what is torn off a pad can be read anywhere, until it goes.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]
#![cfg(not(loom))]

use interlane_core::{Note, Pad};
use std::sync::mpsc;
use std::thread;

fn text(number: usize) -> Vec<u8> {
    vec![number as u8; number * 37 % (Pad::LONGEST + 1)]
}

#[test]
fn a_note_has_its_text_label_and_tag() {
    let mut pad = Pad::default();
    let notes: Vec<Note> = (0..1000)
        .map(|n| pad.tear(n as i64 / 300, n as u16, &text(n)).unwrap())
        .collect();
    drop(pad);
    for (number, note) in notes.iter().enumerate() {
        assert_eq!(note[..], text(number));
        assert_eq!(note.label(), number as i64 / 300);
        assert_eq!(note.tag(), number as u16);
    }
}

#[test]
fn a_text_that_is_too_long_is_refused_and_nothing_else_changes() {
    let mut pad = Pad::default();
    assert!(pad.tear(1, 0, &[0; Pad::LONGEST + 1]).is_none());
    let longest = pad.tear(1, 0, &[7; Pad::LONGEST]).unwrap();
    let empty = pad.tear(1, 0, &[]).unwrap();
    assert_eq!((longest.len(), empty.len()), (Pad::LONGEST, 0));
}

#[test]
fn a_clone_outlives_the_note_and_the_pad() {
    let mut pad = Pad::default();
    let note = pad.tear(3, 4, b"text").unwrap();
    let clone = note.clone();
    drop((note, pad));
    assert_eq!(
        (&clone[..], clone.label(), clone.tag()),
        (&b"text"[..], 3, 4)
    );
}

#[test]
fn many_threads_read_what_several_write() {
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (sender, receiver) = mpsc::channel::<(usize, Note)>();
            let reader = thread::spawn(move || {
                let mut kept = Vec::new();
                for (number, note) in receiver {
                    assert_eq!(note[..], text(number));
                    assert_eq!(note.label(), 9);
                    if number % 10 == 0 {
                        kept.push((number, note.clone()));
                    }
                }
                for (number, note) in kept {
                    assert_eq!(note[..], text(number));
                }
            });
            (sender, reader)
        })
        .collect();
    let senders: Vec<_> = readers.iter().map(|(sender, _)| sender.clone()).collect();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            let senders = senders.clone();
            thread::spawn(move || {
                let mut pad = Pad::default();
                for number in 0..20_000 {
                    let note = pad.tear(9, 0, &text(number)).unwrap();
                    senders[number % senders.len()]
                        .send((number, note))
                        .unwrap();
                }
            })
        })
        .collect();
    drop(senders);
    for writer in writers {
        writer.join().unwrap();
    }
    for (sender, reader) in readers {
        drop(sender);
        reader.join().unwrap();
    }
}
