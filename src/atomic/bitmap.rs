//! Up to 32 numbers, each claimed by at most one holder: the ends of a ring, lanes, the places of readers.

#[cfg(compare_and_swap)]
use super::TRIES;
#[cfg(compare_and_swap)]
use super::site::{Site, order};
#[cfg(compare_and_swap)]
use crate::sync::Ordering;
use crate::sync::{AtomicU32, const_fn};

/// Up to 32 numbers; a set bit is a claimed number.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Bitmap(AtomicU32);

/// Why no number was claimed.
#[cfg(compare_and_swap)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoNumber {
    /// Each that was wanted is claimed.
    Taken,
    /// Other parties were faster at each of the tries.
    Contended,
}

impl Bitmap {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(AtomicU32::new(0))
        }
    }

    /// Claims every number of `wanted`, or none of them. Returns true when they are the caller's.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn claim(&self, wanted: u32) -> bool {
        self.claim_by(|claimed| (claimed & wanted == 0).then_some(wanted)).is_ok()
    }

    /// Claims the lowest number of `among` that is free. Returns it.
    #[cfg(compare_and_swap)]
    pub(crate) fn claim_any(&self, among: u32) -> Result<u32, NoNumber> {
        let lowest = |free: u32| (free != 0).then_some(free & free.wrapping_neg());
        self.claim_by(|claimed| lowest(among & !claimed)).map(u32::trailing_zeros)
    }

    /// Claims the numbers that `choose` gives for those that are claimed. Returns them.
    ///
    /// Acquire: pairs with [`give_back`](Self::give_back), so what the last holder did is seen.
    #[cfg(compare_and_swap)]
    #[inline]
    fn claim_by(&self, choose: impl Fn(u32) -> Option<u32>) -> Result<u32, NoNumber> {
        // Relaxed: only a first guess; the exchange decides.
        let mut claimed = self.0.load(Ordering::Relaxed);
        for _ in 0..TRIES {
            let wanted = choose(claimed).ok_or(NoNumber::Taken)?;
            let acquire = order(Site::BitmapClaim, Ordering::Acquire);
            match self.0.compare_exchange(claimed, claimed | wanted, acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(wanted),
                Err(now) => claimed = now,
            }
        }
        Err(NoNumber::Contended)
    }

    /// Gives claimed numbers back.
    ///
    /// Release: pairs with the [`claim`](Self::claim) of the next holder.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn give_back(&self, numbers: u32) {
        self.0.fetch_and(!numbers, order(Site::BitmapGiveBack, Ordering::Release));
    }

    /// The numbers that are claimed.
    ///
    /// Acquire: pairs with [`give_back`](Self::give_back), so what the last holder of a number that is free did
    /// is seen, and of a number that was claimed anew what the holder before did.
    #[cfg(compare_and_swap)]
    #[inline]
    pub(crate) fn claimed(&self) -> u32 {
        self.0.load(order(Site::BitmapHeld, Ordering::Acquire))
    }

    /// Forgets every claim, by exclusive access: no holder is left.
    pub(crate) fn clear(&mut self) {
        self.set_claimed(0);
    }

    /// Claims `numbers` and forgets every other claim, by exclusive access.
    pub(crate) fn set_claimed(&mut self, numbers: u32) {
        #[cfg(not(loom))]
        {
            *self.0.get_mut() = numbers;
        }
        #[cfg(loom)]
        self.0.with_mut(|word| *word = numbers);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Bitmap;
    #[cfg(compare_and_swap)]
    use super::NoNumber;

    #[test]
    fn a_number_has_one_holder_and_a_partial_claim_takes_nothing() {
        let mut ends = Bitmap::new();
        assert!(ends.claim(0b01));
        assert!(!ends.claim(0b11));
        assert!(ends.claim(0b10), "the failed claim of both must not have taken the free one");
        ends.give_back(0b01);
        assert!(ends.claim(0b01));
        ends.clear();
        assert!(ends.claim(0b11));
    }

    #[cfg(compare_and_swap)]
    #[test]
    fn the_lowest_free_number_is_claimed() {
        let places = Bitmap::new();
        assert!(places.claim(0b10));
        assert_eq!([0, 1, 2].map(|_| places.claim_any(0b1011)), [Ok(0), Ok(3), Err(NoNumber::Taken)]);
        assert_eq!(places.claim_any(0), Err(NoNumber::Taken));
        places.give_back(0b10);
        assert_eq!(places.claim_any(u32::MAX), Ok(1));
        assert_eq!(places.claim_any(1 << 31), Ok(31));
    }
}
