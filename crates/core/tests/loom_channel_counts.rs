//! Model checks of how a channel's memory is counted. `make loom` runs it.
#![cfg(loom)]

use interlane_core::{WeakChannel, channel_with};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::sync::Arc;

/// Says once that it was dropped.
struct Context(Arc<AtomicBool>);

impl Drop for Context {
    fn drop(&mut self) {
        assert!(!self.0.swap(true, Ordering::Relaxed), "dropped twice");
    }
}

#[test]
fn whoever_looks_finds_the_channel_whole_or_not_at_all() {
    loom::model(|| {
        let gone = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel_with::<u8, _>(None, |_| Context(Arc::clone(&gone)));
        let weak: WeakChannel<_, _> = sender.channel().downgrade();
        drop(receiver);
        let looking = thread::spawn(move || {
            weak.upgrade().is_some_and(|channel| {
                assert!(!channel.context().0.load(Ordering::Relaxed));
                true
            })
        });
        drop(sender);
        let _found = looking.join().unwrap();
        assert!(gone.load(Ordering::Relaxed), "nobody has it any more");
    });
}

#[test]
fn the_last_of_several_drops_the_channel() {
    loom::model(|| {
        let gone = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = channel_with::<u8, _>(None, |_| Context(Arc::clone(&gone)));
        let channel = sender.channel().clone();
        drop((sender, receiver));
        let other = channel.clone();
        let dropping = thread::spawn(move || drop(other));
        drop(channel);
        dropping.join().unwrap();
        assert!(gone.load(Ordering::Relaxed), "nobody has it any more");
    });
}
