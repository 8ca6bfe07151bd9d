//! Channels that their ends keep: over rings of a capacity that is chosen, over lanes, and over broadcasts.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use annulet::channel::{RecvError, SendError, TrySendError};
use annulet::ring::broadcast::{Gated, JoinError};
use annulet::ring::lanes::{Priority, RegisterError, RoundRobin};
use annulet::ring::{CapacityError, HeapRing, Multi, Sides, Single};
use annulet::{Broadcast, Channel, Lanes, Spsc};

use crate::common::{Lot, over, rounds};

#[test]
fn rv01_a_capacity_is_rounded_up_and_checked() {
    for (asked, capacity) in [(0, 1), (1, 1), (2, 2), (3, 4), (17, 32)] {
        assert_eq!(HeapRing::<u8>::new(asked).capacity(), capacity);
    }
    let too_large = HeapRing::<u8, Sides<Multi, Single>>::try_new(usize::MAX).unwrap_err();
    assert!(matches!(too_large, CapacityError::TooLarge { capacity: usize::MAX, .. }));
    assert!(too_large.to_string().contains("too large"));
    if !cfg!(annulet_narrow) {
        // Twice as many bytes as there are addresses.
        let capacity = 1 << (usize::BITS - 22);
        let no_memory = HeapRing::<[u64; 1 << 20]>::try_new(capacity).unwrap_err();
        assert_eq!(no_memory, CapacityError::OutOfMemory { capacity });
        assert!(no_memory.to_string().contains("no memory"));
    }
}

/// What has no size, and what needs an alignment of its own.
#[test]
fn any_item_is_on_the_heap() {
    #[derive(Debug, PartialEq)]
    #[repr(align(64))]
    struct Wide(u8);
    let (mut tx, mut rx) = HeapRing::<Wide>::new_split(2);
    tx.try_push(Wide(7)).unwrap();
    assert_eq!(std::ptr::from_ref(rx.peek().unwrap()).addr() % 64, 0);
    assert_eq!(rx.try_pop(), Ok(Wide(7)));
    let (mut tx, mut rx) = HeapRing::<()>::new_split(2);
    assert_eq!(tx.push_slice(&[(); 3]), 2);
    assert_eq!((rx.try_pop(), rx.len()), (Ok(()), 1));
}

/// Counts its drops.
#[derive(Clone)]
struct Item(Arc<AtomicUsize>);
impl Drop for Item {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What is queued is dropped when the last receiver goes, and not before; what is sent after that is refused.
#[test]
fn what_nobody_can_receive_is_dropped() {
    let drops = Arc::new(AtomicUsize::new(0));
    let dropped = || drops.load(Ordering::Relaxed);
    let item = || Item(Arc::clone(&drops));

    let (mut tx, rx) = over(HeapRing::<Item>::new(4)).into_split();
    tx.send(item()).unwrap();
    assert_eq!(dropped(), 0);
    drop(rx);
    assert_eq!(dropped(), 1);
    let refused = tx.send(item()).unwrap_err();
    assert!(refused.is_closed());
    drop(refused);
    assert_eq!(dropped(), 2);

    let rx = over(Lanes::<Item, 4, 2>::new()).into_receiver(Priority);
    let (mut one, mut two) = (rx.register().unwrap(), rx.register().unwrap());
    one.send(item()).unwrap();
    two.send(item()).unwrap();
    one.send(item()).unwrap();
    drop(rx);
    assert_eq!(dropped(), 5, "of every lane");
    assert!(one.send(item()).is_err() && two.try_send(item()).is_err());
    assert_eq!(dropped(), 7);

    // Whoever else has the channel may receive it.
    let channel = Arc::new(over(Spsc::<Item, 4>::new()));
    let (mut tx, rx) = channel.try_split_arc().unwrap();
    assert!(channel.try_split_arc().is_none());
    tx.send(item()).unwrap();
    drop((tx, rx));
    assert_eq!(dropped(), 7);
    drop(channel.try_split_arc().unwrap().1.recv().unwrap());
    assert_eq!(dropped(), 8);
}

/// A request that carries the sender of its reply, and nobody answers it.
#[test]
fn a_client_of_lanes_hears_that_its_server_is_gone() {
    let server = over(Lanes::<_, 4, 2>::new()).into_receiver(RoundRobin::default());
    let mut requests = server.register().unwrap();
    let (reply, mut replies) = over(HeapRing::<u32>::new(1)).into_split();
    requests.send(reply).unwrap();
    drop(server);
    assert_eq!(replies.recv(), Err(RecvError::Closed));
}

#[test]
fn lanes_are_kept_by_each_of_their_ends() {
    let mut rx = over(Lanes::<usize, 4, 3>::new()).into_receiver(Priority);
    let mut first = rx.register_at(2).unwrap();
    assert_eq!(first.register_at(2).unwrap_err(), RegisterError::Taken);
    assert_eq!(first.register_at(3).unwrap_err(), RegisterError::NoSuchLane);
    let second = first.register().unwrap();
    let count = rounds(2000);
    let senders = [second, first.register().unwrap()]
        .map(|mut tx| thread::spawn(move || (0..count).for_each(|item| tx.send(item).unwrap())));
    first.send(0).unwrap();
    assert_eq!(first.register().unwrap_err(), RegisterError::Taken, "there are three");
    drop(first);
    let sum: usize = rx.iter().sum();
    assert_eq!(sum, count * (count - 1));
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    drop(rx);
}

#[test]
fn receivers_subscribe_early_and_late() {
    let mut tx = over(Broadcast::<u32, 4>::new()).into_sender();
    let mut early = tx.subscribe();
    tx.send(1).unwrap();
    let (mut late, mut all, mut copy) = (tx.subscribe(), tx.subscribe_at_oldest(), early.clone());
    tx.send(2).unwrap();
    assert_eq!(tx.receivers(), 4);
    drop(tx);
    assert!(early.iter().eq([1, 2]) && all.iter().eq([1, 2]) && copy.iter().eq([1, 2]));
    drop((early, all, copy));
    // The last end has the channel for itself.
    assert!(late.iter().eq([2]));
    assert_eq!(late.recv(), Err(RecvError::Closed));
}

#[test]
fn a_sender_waits_for_who_has_subscribed() {
    let mut tx = over(Broadcast::<u32, 1, Gated<1>>::new()).into_sender();
    tx.send(1).unwrap();
    let mut rx = tx.subscribe_at_oldest().unwrap();
    assert_eq!(tx.subscribe().unwrap_err(), JoinError::NoPlace);
    assert_eq!(tx.try_send(2), Err(TrySendError::Full(2)));
    let receiver = thread::spawn(move || (rx.recv(), rx.recv()));
    tx.send(2).unwrap();
    assert_eq!(receiver.join().unwrap(), (Ok(1), Ok(2)));
    assert_eq!(tx.send(3), Err(SendError::Closed(3)), "it has gone");
    let mut rx = tx.subscribe().unwrap();
    tx.send(4).unwrap();
    assert_eq!(rx.recv(), Ok(4));
    drop((tx, rx));
}

/// Of a channel that is borrowed, too.
#[test]
fn receivers_subscribe_to_a_borrowed_channel() {
    let channel = over(Broadcast::<u32, 4>::new());
    let mut tx = channel.try_sender().unwrap();
    tx.send(1).unwrap();
    let (mut late, mut all) = (tx.subscribe(), tx.subscribe_at_oldest());
    tx.send(2).unwrap();
    drop(tx);
    assert!(late.iter().eq([2]) && all.iter().eq([1, 2]));
    let channel = over(Broadcast::<u32, 4, Gated<2>>::new());
    let mut tx = channel.try_sender().unwrap();
    tx.send(1).unwrap();
    let (mut late, mut all) = (tx.subscribe().unwrap(), tx.subscribe_at_oldest().unwrap());
    tx.send(2).unwrap();
    drop(tx);
    assert!(late.iter().eq([2]) && all.iter().eq([1, 2]));
}

/// The ends of a channel that they keep know how full it is; those of a raw ring, whether they are alone.
#[test]
fn ends_know_their_channel_and_each_other() {
    let (mut tx, rx) = over(HeapRing::<u32>::new(2)).into_split();
    assert_eq!((tx.capacity(), tx.len(), tx.is_empty(), tx.is_full()), (2, 0, true, false));
    tx.send(1).unwrap();
    tx.send(2).unwrap();
    assert_eq!((rx.capacity(), rx.len(), rx.is_empty(), rx.is_full()), (2, 2, false, true));
    let (tx, rx) = Spsc::<u32, 2>::new_split();
    assert!(!tx.is_abandoned() && !rx.is_abandoned());
    drop(rx);
    assert!(tx.is_abandoned());
    let (tx, rx) = HeapRing::<u32>::new_split(2);
    drop(tx);
    assert!(rx.is_abandoned());
}

/// A channel that was used is opened when it goes to the heap.
#[test]
fn a_channel_that_was_used_is_moved() {
    let channel = over(HeapRing::<u32>::new(2));
    let (mut tx, rx) = channel.try_split().unwrap();
    tx.send(1).unwrap();
    std::mem::forget(rx);
    drop(tx);
    channel.close();
    let (mut tx, mut rx) = channel.into_split();
    tx.send(2).unwrap();
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(2)));
}

/// Items that stay in a ring are dropped with it, between slots that were given up.
#[test]
fn what_is_left_is_dropped_with_the_ring() {
    struct Counted<'c>(&'c Cell<u32>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Cell::new(0);
    let mut ring = HeapRing::<Counted<'_>, Sides<Multi, Single>>::new(4);
    let (mut tx, rx) = ring.split();
    assert!(tx.try_push(Counted(&drops)).is_ok());
    drop(tx.try_claim(1));
    assert!(tx.try_push(Counted(&drops)).is_ok());
    drop((tx, rx));
    assert_eq!(drops.get(), 0);
    drop(ring);
    assert_eq!(drops.get(), 2);
}

#[allow(unused)]
fn names_that_a_person_can_write() {
    struct Service {
        lanes: annulet::channel::OwnedLaneReceiver<Channel<Lanes<u32, 4, 2>, Lot>, Priority>,
        news: annulet::channel::Receiver<Arc<Channel<Broadcast<u32, 4>, Lot>>>,
    }
}
