//! Channels on the heap by one call, whose capacity is chosen then: for services.

use super::{Channel, Receiver, Sender};
use crate::ring::{Broadcast, HeapRing, Multi, Sides, Single};
use crate::sync::Arc;
use crate::words::Entry;

/// What the threads of this system sleep with: `host::Futex` on Linux, and a [`ParkingLot`](crate::wait::ParkingLot) elsewhere.
#[cfg(target_os = "linux")]
pub type Threads = crate::host::Futex;
/// What the threads of this system sleep with: `host::Futex` on Linux, and a [`ParkingLot`](crate::wait::ParkingLot) elsewhere.
#[cfg(not(target_os = "linux"))]
pub type Threads = crate::wait::ParkingLot;

/// The sender that [`broadcast`] makes.
pub type BroadcastSender<T, const N: usize, W = Threads> = Sender<Arc<Channel<Broadcast<T, N>, W>>>;
/// The receivers that [`broadcast`] and its sender make.
pub type BroadcastReceiver<T, const N: usize, W = Threads> = Receiver<Arc<Channel<Broadcast<T, N>, W>>>;

/// Makes a channel on the heap: one sender, and each receiver gets each item, unless the sender overwrites it before that: then
/// the receiver is told how many it has missed.
///
/// It holds `N` items, a power of two. Further receivers come of `subscribe()` on the sender, or are clones.
///
/// ```
/// use annulet::channel::broadcast;
///
/// let (mut tx, mut rx) = broadcast::<u32, 16>();
/// let mut another = tx.subscribe();
/// tx.send(7).unwrap();
/// assert_eq!((rx.recv(), another.recv()), (Ok(7), Ok(7)));
/// ```
#[must_use = "its ends keep it"]
pub fn broadcast<T: Entry + 'static, const N: usize>() -> (BroadcastSender<T, N>, BroadcastReceiver<T, N>) {
    let sender: BroadcastSender<T, N> = Channel::sender_of_new(Channel::in_arc(Threads::new(), false));
    let receiver = sender.subscribe();
    (sender, receiver)
}

macro_rules! channels {
    ($($name:ident, $what:literal, <$producers:ident, $consumers:ident>, $example:literal;)*) => {$(
        #[doc = concat!("The types of what [`", stringify!($name), "`](fn@", stringify!($name), ") makes.")]
        pub mod $name {
            use super::{Arc, HeapRing, Sides, Threads};

            #[doc = concat!("The channel of what [`", stringify!($name), "`](fn@super::", stringify!($name), ") makes.")]
            pub type Channel<T, W = Threads> = super::Channel<HeapRing<T, Sides<super::$producers, super::$consumers>>, W>;
            #[doc = concat!("A sender that [`", stringify!($name), "`](fn@super::", stringify!($name), ") makes.")]
            pub type Sender<T, W = Threads> = super::Sender<Arc<Channel<T, W>>>;
            #[doc = concat!("A receiver that [`", stringify!($name), "`](fn@super::", stringify!($name), ") makes.")]
            pub type Receiver<T, W = Threads> = super::Receiver<Arc<Channel<T, W>>>;
        }

        #[doc = concat!("Makes a channel on the heap: ", $what, ".")]
        ///
        /// It holds at least `capacity` items: the next power of two, and at least one, as its `capacity()` says. If there is no
        /// memory for it, that is handled as for any allocation: [`HeapRing::try_new`] and [`Channel::into_split`] tell it. It
        /// goes with its last end, and what is queued is dropped when the last receiver goes.
        ///
        /// ```
        #[doc = $example]
        /// ```
        #[must_use = "its ends keep it"]
        pub fn $name<T>(capacity: usize) -> ($name::Sender<T>, $name::Receiver<T>) {
            Channel::new(HeapRing::new(capacity), Threads::new()).into_split()
        }
    )*};
}

channels! {
    spsc, "one sender, one receiver", <Single, Single>, "
use annulet::channel::spsc;

let (mut tx, mut rx) = spsc(1000);
assert_eq!(tx.capacity(), 1024);
std::thread::spawn(move || tx.send(\"done\").unwrap());
assert_eq!(rx.recv(), Ok(\"done\"));
";
    mpsc, "any number of senders, one receiver", <Multi, Single>, "
use annulet::channel::mpsc;

/// A job says where its answer goes.
struct Job {
    number: u32,
    answer: mpsc::Sender<u32>,
}

let (mut jobs, mut rx) = mpsc::<Job>(64);
std::thread::spawn(move || {
    for Job { number, mut answer } in rx.iter() {
        answer.send(number * number).unwrap();
    }
});
let (answer, mut answers) = mpsc(1);
jobs.send(Job { number: 7, answer }).unwrap();
assert_eq!(answers.recv(), Ok(49));
";
    spmc, "one sender, any number of receivers, of which each item goes to one", <Single, Multi>, "
use annulet::channel::spmc;

let (mut tx, rx) = spmc(64);
let workers = [rx.clone(), rx].map(|mut rx| std::thread::spawn(move || rx.iter().sum::<u32>()));
(0..9).for_each(|number| tx.send(number).unwrap());
drop(tx);
assert_eq!(workers.map(|worker| worker.join().unwrap()).iter().sum::<u32>(), 36);
";
    mpmc, "any number of senders, any number of receivers, of which each item goes to one", <Multi, Multi>, "
use annulet::channel::mpmc;

let (mut tx, rx) = mpmc(64);
let workers = [rx.clone(), rx].map(|mut rx| std::thread::spawn(move || rx.iter().sum::<u32>()));
(0..9).for_each(|number| tx.send(number).unwrap());
drop(tx);
assert_eq!(workers.map(|worker| worker.join().unwrap()).iter().sum::<u32>(), 36);
";
}
