//! Notes: what is torn off a pad can be read anywhere, until it goes.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]
#![cfg(not(loom))]

use interlane_core::{Note, Pad, Slip};
use std::sync::{Arc, mpsc};
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

#[test]
fn a_slip_has_its_values_until_they_are_taken() {
    let mut pad = Pad::default();
    let value = Arc::new("value");
    let slips: Vec<Slip<Option<Arc<&str>>>> = (0..100)
        .map(|number| {
            let mut values = vec![Some(value.clone()); number % 20];
            let slip = pad.tear_with(5, 6, &vec![7; number], &mut values);
            assert!(values.is_empty());
            slip.unwrap()
        })
        .collect();
    drop(pad);
    let all: usize = (0..100).map(|number| number % 20).sum();
    assert_eq!(Arc::strong_count(&value), all + 1);
    let reader = thread::spawn(move || {
        let mut kept = Vec::new();
        for (number, mut slip) in slips.into_iter().enumerate() {
            assert_eq!((slip.label(), slip.tag()), (5, 6));
            assert_eq!(slip.read().0, vec![7; number]);
            assert_eq!(slip.read().1.len(), number % 20);
            // Of the rest, the slip takes care.
            kept.extend(slip.read_mut().1.iter_mut().step_by(2).map(Option::take));
        }
        kept
    });
    let kept = reader.join().unwrap();
    assert!(kept.iter().all(|value| value.as_deref() == Some(&"value")));
    assert_eq!(Arc::strong_count(&value), kept.len() + 1);
}

#[test]
fn values_that_are_too_many_stay_where_they_are() {
    let mut pad = Pad::default();
    let mut values = vec![7_u64; Pad::LONGEST / 8 + 1];
    assert!(pad.tear_with(1, 0, &[], &mut values).is_none());
    assert_eq!(values.len(), Pad::LONGEST / 8 + 1);
    values.pop();
    assert!(pad.tear_with(1, 0, &[1], &mut values).is_none());
    let slip = pad.tear_with(1, 0, &[], &mut values).unwrap();
    assert_eq!(slip.read(), (&[][..], &[7; Pad::LONGEST / 8][..]));
}
