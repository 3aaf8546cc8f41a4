//! What every flavour of channel does. Each function is one behaviour, for a
//! channel of any capacity; `full_*` need one that can be full.

use super::{LONG, eventually};
use interlane_core::{Abandon, Parked, Receiver, Refused, Sender, Wait, channel};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

type Capacity = Option<usize>;

/// Makes a test of each behaviour that is named.
#[macro_export]
macro_rules! behaviours {
    ($capacity:expr; $($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                support::flavour::$name($capacity);
            }
        )*
    };
}

pub(crate) fn items_arrive_in_fifo_order(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    thread::scope(|scope| {
        scope.spawn(move || {
            for item in 0..10_000 {
                sender.send(item, &Wait::forever()).unwrap();
            }
        });
        for item in 0..10_000 {
            assert_eq!(receiver.recv(&Wait::forever()), Ok(item));
        }
        assert_eq!(receiver.recv(&Wait::forever()), Err(Refused::Ended));
    });
}

pub(crate) fn recv_after_the_last_sender_closed_drains_then_ends(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let other = sender.try_clone().unwrap();
    let sending = thread::spawn(move || {
        sender.send(1, &Wait::forever()).unwrap();
        sender.close();
        other.send(2, &Wait::forever()).unwrap();
        other.close();
    });
    assert_eq!(receiver.recv(&Wait::forever()), Ok(1));
    assert_eq!(receiver.recv(&Wait::forever()), Ok(2));
    assert_eq!(receiver.recv(&Wait::forever()), Err(Refused::Ended));
    assert_eq!(receiver.try_recv(), Err(Refused::Ended));
    sending.join().unwrap();
}

pub(crate) fn send_after_the_last_receiver_closed_gives_the_item_back(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    drop(receiver);
    let error = sender.send("item", &Wait::forever()).unwrap_err();
    assert_eq!((error.item, error.reason), ("item", Refused::Broken));
    let error = sender.try_send("item").unwrap_err();
    assert_eq!((error.item, error.reason), ("item", Refused::Broken));
    let mut items = VecDeque::from(["a", "b"]);
    let result = sender.send_many(&mut items, &Wait::forever());
    assert_eq!((result, items.len()), (Err(Refused::Broken), 2));
}

pub(crate) fn a_waiting_receiver_ends_when_the_last_sender_closes(capacity: Capacity) {
    let (sender, receiver) = channel::<()>(capacity);
    let waiting = receive_on_thread(&receiver);
    sender.close();
    assert_eq!(waiting.join().unwrap(), Err(Refused::Ended));
}

pub(crate) fn a_receiver_that_times_out_loses_nothing(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let began = Instant::now();
    let wait = Wait::within(Duration::from_millis(5));
    assert_eq!(receiver.recv(&wait), Err(Refused::TimedOut));
    assert!(began.elapsed() >= Duration::from_millis(5));
    assert_eq!(sender.channel().statistics().waiting_receivers, 0);
    let waiting = receive_on_thread(&receiver);
    sender.send(7, &Wait::within(LONG)).unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(7));
}

pub(crate) fn a_deadline_that_has_passed_is_one_try(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let now = || Wait::until(Instant::now());
    assert_eq!(receiver.recv(&now()), Err(Refused::TimedOut));
    let waiting = receive_on_thread(&receiver);
    sender.send(1, &now()).unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(1));
}

pub(crate) fn close_wakes_only_its_own_waits(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let other = Arc::new(receiver.try_clone().unwrap());
    let receiver = Arc::new(receiver);
    let spawn = |receiver: &Arc<Receiver<i32>>| {
        let receiver = Arc::clone(receiver);
        thread::spawn(move || receiver.recv(&Wait::forever()))
    };
    let (closed, open) = (spawn(&receiver), spawn(&other));
    eventually("both wait", || {
        sender.channel().statistics().waiting_receivers == 2
    });
    assert!(receiver.close());
    assert_eq!(closed.join().unwrap(), Err(Refused::Closed));
    assert_eq!(sender.channel().statistics().waiting_receivers, 1);
    sender.try_send(3).unwrap();
    assert_eq!(open.join().unwrap(), Ok(3));
}

pub(crate) fn a_closed_handle_refuses_everything(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let (sender2, receiver2) = (sender.try_clone().unwrap(), receiver.try_clone().unwrap());
    assert!(sender.close() && receiver.close());
    assert!(sender.is_closed() && receiver.is_closed());
    assert!(!sender.close() && !receiver.close(), "only once");
    assert!(sender.try_clone().is_none() && receiver.try_clone().is_none());

    assert_eq!(sender.try_send(1).unwrap_err().reason, Refused::Closed);
    assert_eq!(
        sender.send(1, &Wait::forever()).unwrap_err().reason,
        Refused::Closed
    );
    let many = sender.send_many(&mut VecDeque::new(), &Wait::forever());
    assert_eq!(many, Err(Refused::Closed));
    assert_eq!(receiver.try_recv(), Err(Refused::Closed));
    assert_eq!(receiver.recv(&Wait::forever()), Err(Refused::Closed));
    let many = receiver.recv_many(9, &Wait::forever());
    assert_eq!(many, Err(Refused::Closed));

    assert!(!sender2.is_closed() && !receiver2.is_closed());
    assert_eq!(receiver2.try_recv(), Err(Refused::Empty));
}

pub(crate) fn handles_are_made_from_the_channel_while_it_is_open(capacity: Capacity) {
    let (sender, receiver) = channel::<i32>(capacity);
    let line = sender.channel().clone();
    assert_eq!(line.capacity(), capacity);
    assert_eq!(line.id(), receiver.channel().id());

    let (sender2, receiver2) = (line.sender().unwrap(), line.receiver().unwrap());
    drop((sender, receiver));
    let waiting = receive_on_thread(&receiver2);
    sender2.send(5, &Wait::within(LONG)).unwrap();
    assert_eq!(waiting.join().unwrap(), Ok(5));

    drop(sender2);
    assert!(line.sender().is_none());
    assert!(line.receiver().is_some());
    drop(receiver2);
    assert!(line.receiver().is_none());
    let figures = line.statistics();
    assert_eq!((figures.open_senders, figures.open_receivers), (0, 0));
}

pub(crate) fn waiting_receivers_are_served_in_turn(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let waiting: Vec<_> = (0..4).map(|_| receive_on_thread(&receiver)).collect();
    for item in 0..4 {
        sender.try_send(item).unwrap();
    }
    let got: Vec<_> = waiting.into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(got, [Ok(0), Ok(1), Ok(2), Ok(3)]);
}

pub(crate) fn recv_many_takes_what_is_there_at_most_max(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let sending = thread::spawn(move || {
        let mut items: VecDeque<_> = (0..100).collect();
        sender.send_many(&mut items, &Wait::forever()).unwrap();
        assert!(items.is_empty());
    });
    let none = receiver.recv_many(0, &Wait::forever());
    assert_eq!(none, Ok(VecDeque::new()));
    let mut all = Vec::new();
    loop {
        match receiver.recv_many(7, &Wait::forever()) {
            Ok(items) => {
                assert!((1..=7).contains(&items.len()));
                all.extend(items);
            }
            Err(reason) => {
                assert_eq!(reason, Refused::Ended);
                break;
            }
        }
    }
    assert_eq!(all, Vec::from_iter(0..100));
    sending.join().unwrap();
}

pub(crate) fn unrecv_puts_an_item_back_to_the_front(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let sending = thread::spawn(move || {
        sender.send(1, &Wait::forever()).unwrap();
        sender.send(2, &Wait::forever()).unwrap();
    });
    let first = receiver.recv(&Wait::forever()).unwrap();
    let line = receiver.channel().clone();
    receiver.unrecv([first]);
    assert_eq!(line.statistics().received, 0);
    assert_eq!(receiver.recv(&Wait::forever()), Ok(1));
    assert_eq!(receiver.recv(&Wait::forever()), Ok(2));
    sending.join().unwrap();

    receiver.close();
    receiver.unrecv([9]);
    assert_eq!(line.len(), 0, "nobody can receive it any more");
}

pub(crate) fn unrecv_goes_to_a_receiver_that_waits(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let first = receive_on_thread(&receiver);
    sender.try_send(1).unwrap();
    let item = first.join().unwrap().unwrap();
    let second = receive_on_thread(&receiver);
    receiver.unrecv([item]);
    assert_eq!(second.join().unwrap(), Ok(1));
    let figures = sender.channel().statistics();
    assert_eq!((figures.sent, figures.received), (1, 1));
}

pub(crate) fn an_abandoned_wait_ends(capacity: Capacity) {
    let (sender, receiver) = channel::<i32>(capacity);
    let watcher = Watcher::default();
    let wait = Wait {
        parked: Some(&watcher),
        ..Wait::forever()
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| receiver.recv(&wait));
        eventually("asleep", || watcher.parked.load(Ordering::SeqCst) == 1);
        watcher.wakers.lock().unwrap()[0].abandon();
        assert_eq!(waiting.join().unwrap(), Err(Refused::Abandoned));
    });
    assert_eq!(watcher.unparked.load(Ordering::SeqCst), 1);
    assert_eq!(sender.channel().statistics().waiting_receivers, 0);
    // Late: nothing to end any more.
    watcher.wakers.lock().unwrap()[0].abandon();
}

pub(crate) fn a_wait_abandoned_from_within_the_hook_ends(capacity: Capacity) {
    struct AtOnce;
    impl Parked for AtOnce {
        fn parked(&self, waker: Arc<dyn Abandon>, _: Option<Instant>) {
            waker.abandon();
        }
        fn unparked(&self) {}
    }
    let (_sender, receiver) = channel::<i32>(capacity);
    let wait = Wait {
        parked: Some(&AtOnce),
        ..Wait::forever()
    };
    assert_eq!(receiver.recv(&wait), Err(Refused::Abandoned));
}

pub(crate) fn a_wait_is_reported_with_its_deadline(capacity: Capacity) {
    let (_sender, receiver) = channel::<i32>(capacity);
    // Where the deadline has passed before the call there is no sleep: a machine may be that busy.
    for patience in [20, 200, 2_000, 10_000] {
        let watcher = Watcher::default();
        let wait = Wait {
            parked: Some(&watcher),
            ..Wait::within(Duration::from_millis(patience))
        };
        assert_eq!(receiver.recv(&wait), Err(Refused::TimedOut));
        if watcher.parked.load(Ordering::SeqCst) > 0 {
            assert_eq!(watcher.parked.load(Ordering::SeqCst), 1);
            assert_eq!(watcher.unparked.load(Ordering::SeqCst), 1);
            assert_eq!(*watcher.deadline.lock().unwrap(), wait.deadline);
            return;
        }
    }
    panic!("never reported");
}

pub(crate) fn an_interruptible_wait_returns_now_and_then(capacity: Capacity) {
    let (_sender, receiver) = channel::<i32>(capacity);
    let wait = |deadline| Wait {
        deadline,
        interruptible: true,
        ..Wait::forever()
    };
    assert_eq!(receiver.recv(&wait(None)), Err(Refused::Interrupted));
    let far = Instant::now() + LONG;
    assert_eq!(receiver.recv(&wait(Some(far))), Err(Refused::Interrupted));
    let near = Instant::now() + Duration::from_millis(5);
    assert_eq!(receiver.recv(&wait(Some(near))), Err(Refused::TimedOut));
}

pub(crate) fn no_item_is_lost_between_time_outs_and_hand_overs(capacity: Capacity) {
    const ITEMS: u64 = 3_000;
    let (sender, receiver) = channel(capacity);
    let sum = AtomicUsize::new(0);
    thread::scope(|scope| {
        for part in 0..2 {
            let sender = sender.try_clone().unwrap();
            scope.spawn(move || {
                for item in 0..ITEMS {
                    let mut item = 2 * item + part;
                    let mut patience = item % 60;
                    // Refused, it comes back and is tried again.
                    while let Err(error) =
                        sender.send(item, &Wait::within(Duration::from_micros(patience)))
                    {
                        assert_eq!(error.reason, Refused::TimedOut);
                        (item, patience) = (error.item, patience + 20);
                    }
                }
            });
        }
        sender.close();
        for patience in [10, 70] {
            let (receiver, sum) = (receiver.try_clone().unwrap(), &sum);
            scope.spawn(move || {
                loop {
                    match receiver.recv(&Wait::within(Duration::from_micros(patience))) {
                        Ok(item) => {
                            sum.fetch_add(usize::try_from(item).unwrap(), Ordering::Relaxed);
                        }
                        Err(Refused::TimedOut) => {}
                        Err(reason) => {
                            assert_eq!(reason, Refused::Ended);
                            return;
                        }
                    }
                }
            });
        }
    });
    let total = 2 * ITEMS;
    let figures = receiver.channel().statistics();
    assert_eq!((figures.sent, figures.received), (total, total));
    assert_eq!(sum.into_inner() as u64, total * (total - 1) / 2);
}

pub(crate) fn eight_by_eight_loses_nothing(capacity: Capacity) {
    const EACH: usize = 2_000;
    let (sender, receiver) = channel(capacity);
    let got = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for part in 0..8 {
            let sender = sender.try_clone().unwrap();
            scope.spawn(move || {
                for item in 0..EACH {
                    sender.send(part * EACH + item, &Wait::forever()).unwrap();
                }
            });
            let (receiver, got) = (receiver.try_clone().unwrap(), &got);
            scope.spawn(move || {
                let mut mine = Vec::new();
                while let Ok(item) = receiver.recv(&Wait::forever()) {
                    mine.push(item);
                }
                // One sender's items stay in their order at each receiver.
                for part in 0..8 {
                    let of = |item: &&usize| **item / EACH == part;
                    assert!(mine.iter().filter(of).is_sorted());
                }
                got.lock().unwrap().extend(mine);
            });
        }
        sender.close();
    });
    let mut got = got.into_inner().unwrap();
    got.sort_unstable();
    assert_eq!(got, Vec::from_iter(0..8 * EACH));
    let figures = receiver.channel().statistics();
    assert_eq!(figures.sent, 8 * EACH as u64);
    assert_eq!(figures.received, 8 * EACH as u64);
    assert_eq!(figures.waiting_receivers + figures.waiting_senders, 0);
}

pub(crate) fn full_a_sender_that_times_out_keeps_its_item(capacity: Capacity) {
    let (sender, _receiver) = channel(capacity);
    fill(&sender);
    let wait = Wait::within(Duration::from_millis(5));
    let error = sender.send(77, &wait).unwrap_err();
    assert_eq!((error.item, error.reason), (77, Refused::TimedOut));
    assert_eq!(sender.channel().statistics().waiting_senders, 0);
    let error = sender.try_send(78).unwrap_err();
    assert_eq!((error.item, error.reason), (78, Refused::Full));
}

pub(crate) fn full_a_waiting_sender_breaks_when_the_last_receiver_closes(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    fill(&sender);
    let waiting = send_on_thread(&sender, 77);
    receiver.close();
    assert_eq!(waiting.join().unwrap(), Err((77, Refused::Broken)));
}

pub(crate) fn full_close_wakes_only_its_own_senders(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let sender = Arc::new(sender);
    fill(&sender);
    let buffered = receiver.channel().len();
    let other = send_on_thread(&sender, 1); // through a clone
    let own = {
        let sender = Arc::clone(&sender);
        thread::spawn(move || sender.send(2, &Wait::forever()))
    };
    eventually("both wait", || {
        receiver.channel().statistics().waiting_senders == 2
    });
    sender.close();
    let error = own.join().unwrap().unwrap_err();
    assert_eq!((error.item, error.reason), (2, Refused::Closed));
    for _ in 0..buffered {
        receiver.try_recv().unwrap();
    }
    assert_eq!(receiver.recv(&Wait::forever()), Ok(1));
    assert_eq!(other.join().unwrap(), Ok(()));
}

pub(crate) fn full_waiting_senders_are_served_in_turn(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    fill(&sender);
    let buffered = receiver.channel().len();
    let waiting: Vec<_> = (100..104)
        .map(|item| send_on_thread(&sender, item))
        .collect();
    for _ in 0..buffered {
        receiver.try_recv().unwrap();
    }
    for item in 100..104 {
        assert_eq!(receiver.try_recv(), Ok(item));
    }
    for it in waiting {
        assert_eq!(it.join().unwrap(), Ok(()));
    }
}

pub(crate) fn full_send_many_keeps_the_rest_when_refused(capacity: Capacity) {
    let (sender, receiver) = channel(capacity);
    let room = capacity.unwrap();
    let mut items: VecDeque<_> = (0..10).collect();
    let wait = Wait::within(Duration::from_millis(5));
    assert_eq!(sender.send_many(&mut items, &wait), Err(Refused::TimedOut));
    let rest = i32::try_from(room).unwrap();
    assert_eq!(items, VecDeque::from_iter(rest..10));
    assert_eq!(receiver.channel().len(), room);
}

pub(crate) fn full_an_abandoned_send_gives_the_item_back(capacity: Capacity) {
    let (sender, _receiver) = channel(capacity);
    fill(&sender);
    let watcher = Watcher::default();
    let wait = Wait {
        parked: Some(&watcher),
        ..Wait::forever()
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sender.send(77, &wait));
        eventually("asleep", || watcher.parked.load(Ordering::SeqCst) == 1);
        watcher.wakers.lock().unwrap()[0].abandon();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!((error.item, error.reason), (77, Refused::Abandoned));
    });
}

/// Remembers who sleeps.
#[derive(Default)]
struct Watcher {
    parked: AtomicUsize,
    unparked: AtomicUsize,
    deadline: Mutex<Option<Instant>>,
    wakers: Mutex<Vec<Arc<dyn Abandon>>>,
}

impl Parked for Watcher {
    fn parked(&self, waker: Arc<dyn Abandon>, deadline: Option<Instant>) {
        self.wakers.lock().unwrap().push(waker);
        *self.deadline.lock().unwrap() = deadline;
        self.parked.fetch_add(1, Ordering::SeqCst);
    }

    fn unparked(&self) {
        self.unparked.fetch_add(1, Ordering::SeqCst);
    }
}

/// Sends until there is no room.
fn fill(sender: &Sender<i32>) {
    let mut item = 0;
    while sender.try_send(item).is_ok() {
        item += 1;
    }
}

/// Receives through a clone, on a thread that is known to wait.
fn receive_on_thread<T: Send + 'static>(
    receiver: &Receiver<T>,
) -> thread::JoinHandle<Result<T, Refused>> {
    let before = receiver.channel().statistics().waiting_receivers;
    let clone = receiver.try_clone().unwrap();
    let thread = thread::spawn(move || clone.recv(&Wait::forever()));
    eventually("a receiver waits", || {
        receiver.channel().statistics().waiting_receivers > before
    });
    thread
}

/// Sends through a clone, on a thread that is known to wait.
fn send_on_thread(
    sender: &Sender<i32>,
    item: i32,
) -> thread::JoinHandle<Result<(), (i32, Refused)>> {
    let before = sender.channel().statistics().waiting_senders;
    let clone = sender.try_clone().unwrap();
    let thread = thread::spawn(move || {
        let result = clone.send(item, &Wait::forever());
        result.map_err(|error| (error.item, error.reason))
    });
    eventually("a sender waits", || {
        sender.channel().statistics().waiting_senders > before
    });
    thread
}
