//! Model checks of a call in several channels.
#![cfg(loom)]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

use interlane_core::{Notify, Op, Receiver, Refused, Select, Selected, Sender, Wait, channel};
use loom::alloc::Track;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An item that must not be lost: loom fails the model if it is never dropped.
type Item = Track<u32>;
type Ends = (Arc<Sender<Item>>, Arc<Receiver<Item>>);

fn ends(capacity: Option<usize>) -> Ends {
    let (sender, receiver) = channel(capacity);
    (Arc::new(sender), Arc::new(receiver))
}

fn recv(receiver: &Arc<Receiver<Item>>) -> Op<'static, Item> {
    Op::recv(Arc::clone(receiver))
}

fn send(sender: &Arc<Sender<Item>>, item: u32) -> Op<'static, Item> {
    Op::send(Arc::clone(sender), Track::new(item))
}

fn number(item: Result<Item, Refused>) -> Option<u32> {
    item.ok().map(|item| *item.get_ref())
}

/// Not modelled: this only counts.
#[derive(Default)]
struct Count(AtomicUsize);

impl Notify for Count {
    fn notify(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn two_items_in_two_channels_are_each_received_once() {
    loom::model(|| {
        let (a, b) = (ends(None), ends(Some(1)));
        let ops = [recv(&a.1), recv(&b.1)];
        let selecting = thread::spawn(move || {
            let selected = Select::new(ops).wait(&Wait::forever()).unwrap();
            (selected.index, *selected.item.unwrap().get_ref())
        });
        let sender = Arc::clone(&b.0);
        let sending = thread::spawn(move || sender.try_send(Track::new(1)).unwrap());
        a.0.try_send(Track::new(0)).unwrap();
        sending.join().unwrap();
        let (index, item) = selecting.join().unwrap();
        assert_eq!(index as u32, item);
        let left = [number(a.1.try_recv()), number(b.1.try_recv())];
        assert_eq!(
            left,
            if index == 0 {
                [None, Some(1)]
            } else {
                [Some(0), None]
            }
        );
    });
}

#[test]
fn two_calls_that_face_each_other_meet() {
    loom::model(|| {
        let (a, b) = (ends(Some(0)), ends(Some(0)));
        let ops = [send(&a.0, 1), recv(&b.1)];
        let other = thread::spawn(move || {
            let mut select = Select::new(ops);
            let Selected { index, item } = select.wait(&Wait::forever()).unwrap();
            (index, item.map(|item| *item.get_ref()))
        });
        let mut select = Select::new([recv(&a.1), send(&b.0, 2)]);
        let Selected { index, item } = select.wait(&Wait::forever()).unwrap();
        let item = item.map(|item| *item.get_ref());
        let met = (index, item, other.join().unwrap());
        assert!(met == (0, Some(1), (0, None)) || met == (1, None, (1, Some(2))));
    });
}

#[test]
fn a_close_in_one_channel_against_an_item_in_another() {
    loom::model(|| {
        let (a, b) = (ends(None), ends(Some(0)));
        let mut select = Select::new([recv(&a.1), send(&b.0, 5)]);
        let closing = thread::spawn(move || a.0.close());
        let receiver = Arc::clone(&b.1);
        let receiving = thread::spawn(move || number(receiver.try_recv()));
        match select.wait(&Wait::forever()) {
            Ok(selected) => assert_eq!((selected.index, receiving.join().unwrap()), (1, Some(5))),
            Err(error) => {
                assert_eq!((error.index, error.reason), (Some(0), Refused::Ended));
                assert!(matches!(select.ops()[1], Op::Send(_, Some(_))));
                assert_eq!(receiving.join().unwrap(), None);
            }
        }
        closing.join().unwrap();
    });
}

#[test]
fn a_wait_that_is_given_up_loses_nothing() {
    loom::model(|| {
        let (a, b) = (ends(None), ends(None));
        let count = Arc::new(Count::default());
        let mut select = Select::new([recv(&a.1), recv(&b.1)]);
        assert!(select.begin(count.clone()));
        let sender = Arc::clone(&a.0);
        let sending = thread::spawn(move || sender.try_send(Track::new(1)).unwrap());
        b.0.try_send(Track::new(2)).unwrap();
        drop(select);
        sending.join().unwrap();
        assert!(count.0.load(Ordering::SeqCst) <= 1);
        assert_eq!(number(a.1.try_recv()), Some(1));
        assert_eq!(number(b.1.try_recv()), Some(2));
    });
}
