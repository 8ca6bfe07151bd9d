//! Chains: messages of several descriptors.

use core::fmt;

use super::{Descriptor, DescriptorError, Validator, View};
use crate::cap::Access;
use crate::handle::{Cap, Handle};

/// One link of a chain, as the sender claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLink {
    /// The bytes.
    pub descriptor: Descriptor,
    /// The capability under which they come.
    pub cap: Handle<Cap>,
    /// The number of the next link. `None` ends the chain.
    pub next: Option<u32>,
}

/// How far a chain is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainLimit {
    /// The most links. A chain that goes in circles ends here.
    pub links: usize,
    /// The most bytes, over all links.
    pub bytes: u64,
}

/// An iterator over the views of a chain of descriptors, made by [`Validator::check_chain`].
///
/// It checks each link when it comes to it, and yields its view, or the one error that ends the chain.
#[must_use = "a chain is checked as it is iterated"]
pub struct Chain<'t, 'm, 'a, A, const N: usize, F> {
    validator: Validator<'t, 'm, 'a, A, N>,
    fetch: F,
    next: Option<u32>,
    limit: ChainLimit,
    links: usize,
    bytes: u64,
}

impl<'t, 'm, 'a, A: Access, const N: usize> Validator<'t, 'm, 'a, A, N> {
    /// Follows the chain that begins with link `first`.
    ///
    /// `fetch` returns a copy of the link with a number, or `None` if there is none. It is called at most `limit.links` times,
    /// once for each link that is followed.
    ///
    /// # Errors
    ///
    /// The iterator's last item may be an error: that of [`check`](Self::check);
    /// [`ChainTooLong`](DescriptorError::ChainTooLong), also for a chain that goes in circles;
    /// [`TooLong`](DescriptorError::TooLong) for all its bytes together;
    /// [`BrokenChain`](DescriptorError::BrokenChain).
    pub fn check_chain<F>(&self, first: u32, limit: ChainLimit, fetch: F) -> Chain<'t, 'm, 'a, A, N, F>
    where
        F: FnMut(u32) -> Option<ChainLink>,
    {
        Chain { validator: *self, fetch, next: Some(first), limit, links: 0, bytes: 0 }
    }
}

impl<'t, A: Access, const N: usize, F> Chain<'t, '_, '_, A, N, F>
where
    F: FnMut(u32) -> Option<ChainLink>,
{
    fn follow(&mut self, number: u32) -> Result<View<'t>, DescriptorError> {
        if self.links >= self.limit.links {
            return Err(DescriptorError::ChainTooLong { limit: self.limit.links });
        }
        self.links += 1;
        let link = (self.fetch)(number).ok_or(DescriptorError::BrokenChain { link: number })?;
        // At most 2^64 / 2^32 links could get here without the limit; saturating says so in arithmetic.
        self.bytes = self.bytes.saturating_add(u64::from(link.descriptor.length()));
        if self.bytes > self.limit.bytes {
            return Err(DescriptorError::TooLong { length: self.bytes, limit: self.limit.bytes });
        }
        let view = self.validator.check(link.cap, &link.descriptor)?;
        self.next = link.next;
        Ok(view)
    }
}

impl<'t, A: Access, const N: usize, F> Iterator for Chain<'t, '_, '_, A, N, F>
where
    F: FnMut(u32) -> Option<ChainLink>,
{
    type Item = Result<View<'t>, DescriptorError>;

    fn next(&mut self) -> Option<Self::Item> {
        // Taken: an error ends the chain.
        let number = self.next.take()?;
        Some(self.follow(number))
    }
}

impl<A, const N: usize, F> fmt::Debug for Chain<'_, '_, '_, A, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("next", &self.next)
            .field("links", &self.links)
            .field("bytes", &self.bytes)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
