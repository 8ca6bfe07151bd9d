//! The four arities of a ring, by name.

use super::body::Ring;
#[cfg(compare_and_swap)]
use crate::index::Multi;
use crate::index::{Sides, Single};
use crate::stats::Off;

/// One producer, one consumer: both wait-free.
///
/// ```
/// use annulet::Spsc;
///
/// static BYTES: Spsc<u8, 64> = Spsc::new();
///
/// let (mut tx, mut rx) = BYTES.try_split().unwrap();
/// tx.try_push(7).unwrap();
/// assert_eq!(rx.try_pop(), Ok(7));
/// ```
pub type Spsc<T, const N: usize, S = Off> = Ring<T, N, Sides<Single, Single, S>>;
/// Many producers, one consumer.
///
/// ```
/// let mut ring = annulet::Mpsc::<u32, 4>::new();
/// let (tx, mut rx) = ring.split();
/// let another = tx.clone();
/// for mut tx in [tx, another] {
///     tx.try_push(7).unwrap();
/// }
/// assert_eq!(rx.drain(8, |item| assert_eq!(item, 7)), 2);
/// ```
#[cfg(compare_and_swap)]
pub type Mpsc<T, const N: usize, S = Off> = Ring<T, N, Sides<Multi, Single, S>>;

/// One producer, many consumers: each item goes to one of them.
///
/// ```
/// let mut ring = annulet::Spmc::<u32, 4>::new();
/// let (mut tx, rx) = ring.split();
/// tx.push_slice(&[1, 2]);
/// let numbers = [rx.clone(), rx].map(|mut rx| rx.try_pop());
/// assert_eq!(numbers, [Ok(1), Ok(2)]); // each item goes to one of them
/// ```
#[cfg(compare_and_swap)]
pub type Spmc<T, const N: usize, S = Off> = Ring<T, N, Sides<Single, Multi, S>>;

/// Many producers, many consumers: each item goes to one of them.
///
/// ```
/// let mut ring = annulet::Mpmc::<u32, 4>::new();
/// let (tx, rx) = ring.split();
/// tx.clone().try_push(1).unwrap();
/// assert_eq!(rx.clone().try_pop(), Ok(1));
/// ```
#[cfg(compare_and_swap)]
pub type Mpmc<T, const N: usize, S = Off> = Ring<T, N, Sides<Multi, Multi, S>>;
