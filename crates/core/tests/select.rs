//! One call in several channels.
#![cfg(not(loom))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "outside of the crate, threads share what the standard library has"
)]

mod support;

use interlane_core::{
    Abandon, Notify, Op, Parked, Receiver, Refused, Select, SelectError, Selected, Sender, Wait,
    channel,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use support::{LONG, eventually};

type Ends<T> = (Arc<Sender<T>>, Arc<Receiver<T>>);

fn ends<T: Send + 'static>(capacity: Option<usize>) -> Ends<T> {
    let (sender, receiver) = channel(capacity);
    (Arc::new(sender), Arc::new(receiver))
}

fn recv<T: Send + 'static>(receiver: &Arc<Receiver<T>>) -> Op<'static, T> {
    Op::recv(Arc::clone(receiver))
}

fn send<T: Send + 'static>(sender: &Arc<Sender<T>>, item: T) -> Op<'static, T> {
    Op::send(Arc::clone(sender), item)
}

fn waiting<T: Send + 'static>((sender, _): &Ends<T>) -> usize {
    let figures = sender.channel().statistics();
    figures.waiting_senders + figures.waiting_receivers
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Notify for Count {
    fn notify(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Parked for Count {
    fn parked(&self, _: Arc<dyn Abandon>, _: Option<Instant>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn unparked(&self) {}
}

#[test]
fn what_is_possible_is_done_and_nothing_else() {
    let (a, b, c) = (ends(None), ends(None), ends(Some(1)));
    b.0.try_send(2).unwrap();
    c.0.try_send(3).unwrap();
    let mut select = Select::new([recv(&a.1), recv(&b.1), send(&c.0, 4)]);
    let selected = select.wait(&Wait::forever());
    let (index, item) = (1, Some(2));
    assert_eq!(selected, Ok(Selected { index, item }));
    assert!(matches!(select.ops()[2], Op::Send(_, Some(4))));
    assert_eq!(c.1.try_recv(), Ok(3));
    assert_eq!(c.1.try_recv(), Err(Refused::Empty));
}

#[test]
fn each_of_those_that_are_possible_gets_its_turn() {
    let ready: Vec<Ends<u32>> = (0..3).map(|_| ends(None)).collect();
    let never = ends(None);
    let mut turns = [0; 3];
    for _ in 0..3000 {
        ready.iter().for_each(|it| it.0.try_send(0).unwrap());
        // Two that are never possible before the last: a rotation would favour that.
        let order = [&ready[0], &ready[1], &never, &never, &ready[2]];
        let selected = Select::new(order.map(|it| recv(&it.1))).wait(&Wait::forever());
        let index = selected.unwrap().index;
        turns[if index == 4 { 2 } else { index }] += 1;
        ready.iter().for_each(|it| _ = it.1.try_recv());
    }
    // A thousand each on average, twenty standard deviations off is a bug.
    assert!(
        turns.iter().all(|turns| (480..1520).contains(turns)),
        "{turns:?}"
    );
}

#[test]
fn the_first_to_come_ends_the_wait_and_the_others_keep_no_trace() {
    for capacity in [None, Some(0), Some(1)] {
        let (a, b, full) = (ends(capacity), ends(capacity), ends(Some(1)));
        full.0.try_send(0).unwrap();
        let mut select = Select::new([recv(&a.1), recv(&b.1), send(&full.0, 9), recv(&a.1)]);
        thread::scope(|scope| {
            let selecting = scope.spawn(|| select.wait(&Wait::within(LONG)));
            eventually("waits everywhere", || {
                (waiting(&a), waiting(&b), waiting(&full)) == (2, 1, 1)
            });
            b.0.try_send(5).unwrap();
            let (index, item) = (1, Some(5));
            assert_eq!(selecting.join().unwrap(), Ok(Selected { index, item }));
        });
        assert!(matches!(select.ops()[2], Op::Send(_, Some(9))));
        assert_eq!((waiting(&a), waiting(&b), waiting(&full)), (0, 0, 0));
        assert_eq!(full.1.channel().len(), 1);
    }
}

#[test]
fn room_ends_the_wait_too() {
    let (a, full) = (ends(None), ends(Some(1)));
    full.0.try_send(1).unwrap();
    let mut select = Select::new([recv(&a.1), send(&full.0, 2)]);
    thread::scope(|scope| {
        let selecting = scope.spawn(|| select.wait(&Wait::within(LONG)));
        eventually("waits", || waiting(&full) == 1);
        assert_eq!(full.1.try_recv(), Ok(1));
        let (index, item) = (1, None);
        assert_eq!(selecting.join().unwrap(), Ok(Selected { index, item }));
    });
    assert_eq!(full.1.try_recv(), Ok(2));
}

#[test]
fn a_deadline_passes_and_leaves_no_trace() {
    let (a, full) = (ends(None), ends(Some(1)));
    full.0.try_send(1).unwrap();
    let mut select = Select::new([recv(&a.1), send(&full.0, 2)]);
    for patience in [0, 5] {
        let patience = Duration::from_millis(patience);
        let began = Instant::now();
        let (index, reason) = (None, Refused::TimedOut);
        let result = select.wait(&Wait::within(patience));
        assert_eq!(result, Err(SelectError { index, reason }));
        assert!(began.elapsed() >= patience);
        assert_eq!((waiting(&a), waiting(&full)), (0, 0));
        assert!(matches!(select.ops()[1], Op::Send(_, Some(2))));
    }
}

#[test]
fn what_can_never_be_done_ends_the_call_and_is_named() {
    let (open, ended, broken, closed) = (ends::<u32>(None), ends(None), ends(None), ends(None));
    ended.0.close();
    broken.1.close();
    closed.1.close();
    for (op, reason) in [
        (recv(&ended.1), Refused::Ended),
        (send(&broken.0, 1), Refused::Broken),
        (recv(&closed.1), Refused::Closed),
    ] {
        let result = Select::new([recv(&open.1), op]).wait(&Wait::forever());
        let index = Some(1);
        assert_eq!(result, Err(SelectError { index, reason }));
    }
    assert_eq!(waiting(&open), 0);
}

/// Closes one of the ends of `a` and `b` while a call waits to receive from `a`
/// or to send to `b`.
fn closing(close: impl FnOnce(&Ends<u32>, &Ends<u32>) -> bool) -> SelectError {
    let (a, b) = (ends(None), ends(Some(0)));
    let mut select = Select::new([recv(&a.1), send(&b.0, 7)]);
    let result = thread::scope(|scope| {
        let selecting = scope.spawn(|| select.wait(&Wait::within(LONG)));
        eventually("waits", || waiting(&b) == 1);
        assert!(close(&a, &b));
        selecting.join().unwrap()
    });
    assert!(matches!(select.ops()[1], Op::Send(_, Some(7))));
    assert_eq!((waiting(&a), waiting(&b)), (0, 0));
    result.unwrap_err()
}

#[test]
fn a_close_ends_the_wait_and_gives_the_items_back() {
    let error = |index, reason| SelectError {
        index: Some(index),
        reason,
    };
    assert_eq!(closing(|a, _| a.0.close()), error(0, Refused::Ended));
    assert_eq!(closing(|a, _| a.1.close()), error(0, Refused::Closed));
    assert_eq!(closing(|_, b| b.0.close()), error(1, Refused::Closed));
    assert_eq!(closing(|_, b| b.1.close()), error(1, Refused::Broken));
}

#[test]
fn a_call_does_not_meet_itself() {
    let it = ends(Some(0));
    let mut select = Select::new([recv(&it.1), send(&it.0, 1), recv(&it.1), send(&it.0, 2)]);
    let result = select.wait(&Wait::within(Duration::from_millis(5)));
    assert_eq!(result.unwrap_err().reason, Refused::TimedOut);
    thread::scope(|scope| {
        let selecting = scope.spawn(|| select.wait(&Wait::within(LONG)));
        let item = it.1.recv(&Wait::within(LONG)).unwrap();
        let selected = selecting.join().unwrap().unwrap();
        assert_eq!(
            (selected.index, selected.item),
            (item as usize * 2 - 1, None)
        );
    });
    assert_eq!(waiting(&it), 0);
}

#[test]
fn two_calls_that_face_each_other_meet() {
    const ROUNDS: usize = 2_000;
    let (a, b) = (ends(Some(0)), ends(Some(0)));
    let (a2, b2) = (ends_of(&a), ends_of(&b));
    let meet = |out: &Ends<usize>, back: &Ends<usize>| {
        let (mut sent, mut received) = (0, 0);
        while sent + received < ROUNDS {
            let ops = [send(&out.0, sent), recv(&back.1)];
            match Select::new(ops).wait(&Wait::within(LONG)).unwrap() {
                Selected { index: 0, .. } => sent += 1,
                Selected { item, .. } => {
                    assert_eq!(item, Some(received));
                    received += 1;
                }
            }
        }
        (sent, received)
    };
    thread::scope(|scope| {
        let there = scope.spawn(|| meet(&a, &b));
        let here = meet(&b2, &a2);
        let there = there.join().unwrap();
        assert_eq!((there.1, there.0), here);
    });
}

fn ends_of<T: Send + 'static>((sender, receiver): &Ends<T>) -> Ends<T> {
    let (sender, receiver) = (sender.try_clone(), receiver.try_clone());
    (Arc::new(sender.unwrap()), Arc::new(receiver.unwrap()))
}

#[test]
fn many_calls_in_many_channels_lose_and_repeat_nothing() {
    const ITEMS: usize = 2_000;
    for capacity in [None, Some(0), Some(1)] {
        let lanes: Vec<Ends<usize>> = (0..4).map(|_| ends(capacity)).collect();
        let got: Vec<usize> = thread::scope(|scope| {
            let receiving: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| drain(&lanes, ITEMS)))
                .collect();
            let sending: Vec<_> = (0..2)
                .map(|part| {
                    let lanes = &lanes;
                    scope.spawn(move || {
                        for item in (part..ITEMS).step_by(2) {
                            let ops = lanes.iter().map(|it| send(&it.0, item));
                            Select::new(ops).wait(&Wait::within(LONG)).unwrap();
                        }
                    })
                })
                .collect();
            sending.into_iter().for_each(|it| it.join().unwrap());
            lanes.iter().for_each(|it| _ = it.0.close());
            let got = receiving.into_iter().map(|it| it.join().unwrap());
            got.flatten().collect()
        });
        let mut sorted = got.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, Vec::from_iter(0..ITEMS), "capacity {capacity:?}");
        assert!(lanes.iter().all(|it| waiting(it) == 0));
    }
}

/// Receives from all lanes until all have ended, impatiently at times.
fn drain(lanes: &[Ends<usize>], most: usize) -> Vec<usize> {
    let mut open: Vec<_> = lanes.iter().map(|it| Arc::clone(&it.1)).collect();
    let mut got = Vec::new();
    while !open.is_empty() {
        let patience = Duration::from_micros(got.len() as u64 % 70);
        match Select::new(open.iter().map(recv)).wait(&Wait::within(patience)) {
            Ok(selected) => got.extend(selected.item),
            Err(SelectError {
                index: Some(index), ..
            }) => drop(open.remove(index)),
            Err(error) => assert_eq!(error.reason, Refused::TimedOut),
        }
        assert!(got.len() <= most);
    }
    got
}

#[test]
fn a_wait_that_has_begun_is_told_once() {
    let (a, b) = (ends(None), ends(Some(0)));
    let count = Arc::new(Count::default());
    let mut select = Select::new([recv(&a.1), send(&b.0, 3)]);
    assert_eq!(select.attempt(), None);
    assert!(select.begin(count.clone()));
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    assert_eq!(b.1.try_recv(), Ok(3));
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    // The other one no longer counts.
    a.0.try_send(8).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 1);
    let (index, item) = (1, None);
    assert_eq!(select.finish(), Ok(Selected { index, item }));
    assert_eq!(a.1.try_recv(), Ok(8));
    assert_eq!((waiting(&a), waiting(&b)), (0, 0));
}

#[test]
fn a_wait_that_is_given_up_puts_its_item_back() {
    for capacity in [None, Some(0), Some(1)] {
        let it = ends(capacity);
        let mut select = Select::new([recv(&it.1)]);
        assert!(select.begin(Arc::new(Count::default())));
        it.0.try_send(1).unwrap();
        assert_eq!(it.1.try_recv(), Err(Refused::Empty));
        drop(select);
        assert_eq!(it.1.try_recv(), Ok(1));

        let mut select = Select::new([recv(&it.1)]);
        assert!(select.begin(Arc::new(Count::default())));
        assert!(!select.cancel());
        assert_eq!(waiting(&it), 0);
    }
}

#[test]
fn a_send_that_is_given_up_has_happened_or_not() {
    let it = ends(Some(0));
    let mut select = Select::new([send(&it.0, 5)]);
    assert!(select.begin(Arc::new(Count::default())));
    assert_eq!(it.1.try_recv(), Ok(5));
    assert!(select.cancel());
    let mut select = Select::new([send(&it.0, 6)]);
    assert!(select.begin(Arc::new(Count::default())));
    assert!(!select.cancel());
    assert!(matches!(select.ops()[0], Op::Send(_, Some(6))));
    assert_eq!(it.1.try_recv(), Err(Refused::Empty));
}

#[test]
fn no_operations_wait_for_nothing() {
    let mut select = Select::<()>::new([]);
    let result = select.wait(&Wait::within(Duration::from_millis(5)));
    assert_eq!(result.unwrap_err().reason, Refused::TimedOut);
}

#[test]
fn a_call_that_goes_on_after_an_interruption_gets_its_place_back() {
    let it = ends(None);
    let began = Instant::now();
    let parked = Count::default();
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            let wait = Wait {
                parked: Some(&parked),
                ..Wait::within(LONG)
            };
            it.1.recv(&wait)
        });
        // In line, and not in the seat any more, where it may spin for long if it is stopped there.
        eventually("the second sleeps", || parked.0.load(Ordering::SeqCst) == 1);
        let first = scope.spawn(|| {
            let wait = Wait {
                since: Some(began),
                ..Wait::within(LONG)
            };
            it.1.recv(&wait)
        });
        eventually("both wait", || waiting(&it) == 2);
        it.0.try_send(1).unwrap();
        assert_eq!(first.join().unwrap(), Ok(1));
        it.0.try_send(2).unwrap();
        assert_eq!(second.join().unwrap(), Ok(2));
    });
}
