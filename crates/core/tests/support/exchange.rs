//! What the model checks of each flavour of channel try.

use interlane_core::{Abandon, Parked, Receiver, Refused, Wait, channel};
use loom::alloc::Track;
use loom::thread;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// An item that must not be lost: loom fails the model if it is never dropped.
type Item = Track<u32>;

/// A wait whose deadline passes at a moment of the model's choice.
fn impatient() -> Wait<'static> {
    Wait::until(Instant::now() + std::time::Duration::from_secs(3600))
}

fn receive(receiver: &Receiver<Item>) -> Result<u32, Refused> {
    receiver.recv(&Wait::forever()).map(|item| *item.get_ref())
}

pub(crate) fn an_item_meets_a_receiver(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let receiving = thread::spawn(move || receive(&receiver));
        sender.send(Track::new(1), &Wait::forever()).unwrap();
        assert_eq!(receiving.join().unwrap(), Ok(1));
    });
}

pub(crate) fn a_receiver_in_a_hurry_loses_nothing(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel::<Item>(capacity);
        let receiving = thread::spawn(move || match receiver.recv_soon() {
            Ok(item) => Ok(*item.get_ref()),
            Err(Refused::Empty) => receive(&receiver),
            Err(reason) => Err(reason),
        });
        sender.send(Track::new(1), &Wait::forever()).unwrap();
        drop(sender);
        assert_eq!(receiving.join().unwrap(), Ok(1));
    });
}

pub(crate) fn a_seat_goes_from_one_receiver_to_the_next(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel::<Item>(capacity);
        let (other, next) = (sender.try_clone().unwrap(), receiver.try_clone().unwrap());
        // Handles come back, to be closed where no thread is in the way.
        let sending = [(sender, 1), (other, 2)].map(|(sender, item)| {
            thread::spawn(move || (sender.try_send(Track::new(item)).is_ok(), sender))
        });
        let receiving = thread::spawn(move || (next.recv_soon(), next));
        let first = receiver.recv_soon();
        let (second, _next) = receiving.join().unwrap();
        let sent = sending.map(|it| it.join().unwrap());
        let got: Vec<_> = [first, second].into_iter().flatten().collect();
        let sum = |items: &[Item]| items.iter().map(|it| *it.get_ref()).sum::<u32>();
        match got.as_slice() {
            [] => {}
            [one] => assert!(sent[*one.get_ref() as usize - 1].0),
            both => assert!(sum(both) == 3 && sent[0].0 && sent[1].0),
        }
    });
}

pub(crate) fn a_handle_closes_against_a_receiver_in_a_hurry(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel::<Item>(capacity);
        let receiver = Arc::new(receiver);
        let closing = Arc::clone(&receiver);
        let closing = thread::spawn(move || closing.close());
        let result = receiver.recv_soon().map(|item| *item.get_ref());
        assert!(matches!(result, Err(Refused::Empty | Refused::Closed)));
        closing.join().unwrap();
        let error = sender.try_send(Track::new(1)).unwrap_err();
        assert_eq!(error.reason, Refused::Broken);
    });
}

pub(crate) fn two_items_meet_two_receivers(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let other = receiver.try_clone().unwrap();
        let receiving = [
            thread::spawn(move || receive(&receiver)),
            thread::spawn(move || receive(&other)),
        ];
        for item in 1..=2 {
            sender.send(Track::new(item), &Wait::forever()).unwrap();
        }
        let sum: u32 = receiving.map(|it| it.join().unwrap().unwrap()).iter().sum();
        assert_eq!(sum, 3);
    });
}

pub(crate) fn the_last_sender_closes_against_a_receiver(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let receiving = thread::spawn(move || {
            let first = receive(&receiver);
            (first, receive(&receiver))
        });
        sender.send(Track::new(1), &Wait::forever()).unwrap();
        drop(sender);
        assert_eq!(receiving.join().unwrap(), (Ok(1), Err(Refused::Ended)));
    });
}

pub(crate) fn the_last_receiver_closes_against_a_sender(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let sending = thread::spawn(move || {
            // The second has no room, whatever the flavour, unless there is
            // always room.
            for item in 1..=2 {
                if let Err(error) = sender.send(Track::new(item), &Wait::forever()) {
                    assert_eq!(error.reason, Refused::Broken);
                    assert_eq!(*error.item.get_ref(), item);
                }
            }
        });
        drop(receiver);
        sending.join().unwrap();
    });
}

pub(crate) fn a_handle_closes_against_its_own_wait(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let receiver = Arc::new(receiver);
        let receiving = {
            let receiver = Arc::clone(&receiver);
            thread::spawn(move || receive(&receiver))
        };
        let sent = sender.try_send(Track::new(1)).is_ok();
        receiver.close();
        match receiving.join().unwrap() {
            Ok(item) => assert!(sent && item == 1),
            Err(reason) => assert_eq!(reason, Refused::Closed),
        }
    });
}

pub(crate) fn a_receiver_gives_up_against_a_sender(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel::<Item>(capacity);
        let receiving = thread::spawn(move || {
            let first = receiver.recv(&impatient());
            (first.map(|item| *item.get_ref()), receiver)
        });
        let sent = sender.try_send(Track::new(1)).is_ok();
        let (first, receiver) = receiving.join().unwrap();
        // Either it had come, or it is still there.
        let second = receiver.try_recv().map(|item| *item.get_ref());
        match (first, second) {
            (Ok(1), Err(Refused::Empty)) | (Err(Refused::TimedOut), Ok(1)) => assert!(sent),
            (Err(Refused::TimedOut), Err(Refused::Empty)) => assert!(!sent),
            other => panic!("{other:?}"),
        }
    });
}

pub(crate) fn a_sender_gives_up_against_a_receiver(capacity: Option<usize>) {
    loom::model(move || {
        let (sender, receiver) = channel(capacity);
        let full = sender.try_send(Track::new(0)).is_ok();
        let sending = thread::spawn(move || {
            let result = sender.send(Track::new(1), &impatient());
            (result.is_ok(), sender)
        });
        if full {
            assert_eq!(receive(&receiver), Ok(0));
        }
        let early = receiver.try_recv().is_ok();
        let (sent, _sender) = sending.join().unwrap();
        let late = receiver.try_recv().is_ok();
        assert!(!(early && late));
        assert_eq!(sent, early || late);
    });
}

pub(crate) fn a_wait_is_abandoned_against_a_sender(capacity: Option<usize>) {
    /// Keeps what can end the wait.
    #[derive(Default)]
    struct Kept(Mutex<Option<Arc<dyn Abandon>>>);
    impl Parked for Kept {
        fn parked(&self, waker: Arc<dyn Abandon>, _: Option<std::time::Instant>) {
            *self.0.lock().unwrap() = Some(waker);
        }
        fn unparked(&self) {}
    }

    loom::model(move || {
        let (sender, receiver) = channel::<Item>(capacity);
        let kept = Arc::new(Kept::default());
        let receiving = {
            let kept = Arc::clone(&kept);
            thread::spawn(move || {
                let wait = Wait {
                    parked: Some(&*kept),
                    ..Wait::forever()
                };
                receiver.recv(&wait).map(|item| *item.get_ref())
            })
        };
        let waker = kept.0.lock().unwrap().take();
        let abandoned = waker.is_some();
        if let Some(waker) = waker {
            waker.abandon();
        }
        // Without a wait that could be ended, only the item ends it.
        if !abandoned {
            let _ = sender.send(Track::new(1), &Wait::forever());
        } else {
            drop(sender.try_send(Track::new(1)));
        }
        match receiving.join().unwrap() {
            Ok(item) => assert_eq!(item, 1),
            Err(reason) => assert!(abandoned && reason == Refused::Abandoned),
        }
    });
}
