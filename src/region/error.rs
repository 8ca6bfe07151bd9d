//! The errors of regions and of descriptors.

use core::fmt;

use super::Policy;
use crate::cap::CapError;

/// Why a region could not be registered, changed or revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionError {
    /// The handle is another table's, another slab's, or made up.
    Foreign,
    /// Nothing was ever registered in that slot.
    BadHandle,
    /// The region is gone. Perhaps another one is in its slot.
    Stale,
    /// So many views, or writers, of the region exist. Once it is revoked, no new one is made.
    InUse(u32),
    /// Every slot of the table is taken or retired.
    TableFull,
    /// Every slot of the table, or of the slab, has used up its generations. None will ever come free.
    Retired,
    /// This process has made so many tables that no number is left to tell this one from the others: give it one by
    /// [`RegionTable::numbered`](super::RegionTable::numbered).
    NoNumber,
    /// The memory overlaps that of another region, or memory that was reserved.
    Overlap,
    /// Another thread is registering a region, or was faster to change this one at each of the tries. Try again.
    Contended,
    /// The region has another policy.
    WrongPolicy {
        /// The policy it has.
        found: Policy,
    },
    /// A region of no bytes, or a slab of no slots.
    Empty,
    /// The bytes do not fit behind the committed part.
    RegionFull {
        /// Bytes left.
        left: usize,
    },
    /// No slot of the slab is free.
    SlabFull,
    /// No such slot of the slab is handed out.
    InvalidSlot,
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the handle is another table's, or another slab's"),
            Self::BadHandle => f.write_str("no such region"),
            Self::Stale => f.write_str("the region's handle is stale"),
            Self::InUse(count) => write!(f, "the region is in use by {count}"),
            Self::TableFull => f.write_str("the region table is full"),
            Self::Retired => f.write_str("every slot has used up its generations"),
            Self::NoNumber => f.write_str("no number is left for the region table"),
            Self::Overlap => f.write_str("the memory overlaps another region's"),
            Self::Contended => f.write_str("the region table is being changed"),
            Self::WrongPolicy { found } => write!(f, "the region's policy is {found:?}"),
            Self::Empty => f.write_str("a region needs memory"),
            Self::RegionFull { left } => write!(f, "the region is full: {left} bytes are left"),
            Self::SlabFull => f.write_str("the slab is full"),
            Self::InvalidSlot => f.write_str("no such slot is handed out"),
        }
    }
}

impl core::error::Error for RegionError {}

/// Why memory was not registered. It carries the memory back, so that the caller can try again.
pub struct RegisterError<'m> {
    /// The reason.
    pub why: RegionError,
    /// The memory that was refused: as it was, or zeroed if [`RegionTable::register_slab`] says so.
    ///
    /// [`RegionTable::register_slab`]: super::RegionTable::register_slab
    pub memory: &'m mut [u8],
}

impl From<RegisterError<'_>> for RegionError {
    fn from(refused: RegisterError<'_>) -> Self {
        refused.why
    }
}

impl fmt::Debug for RegisterError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegisterError").field("why", &self.why).finish_non_exhaustive()
    }
}

impl fmt::Display for RegisterError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.why, f)
    }
}

impl core::error::Error for RegisterError<'_> {}

/// Why a descriptor was refused: the first reason that applies, in the order of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The region's handle is another table's, or made up.
    Foreign,
    /// No such region was ever registered.
    BadHandle,
    /// As many views of the region exist as can be counted.
    TooManyViews,
    /// Other threads were faster to change the region at each of the tries. Try again.
    Contended,
    /// The region's policy admits no descriptors here.
    WrongPolicy {
        /// The policy.
        found: Policy,
    },
    /// The capability does not allow it.
    Denied(CapError),
    /// The region, or the capability's region, is gone. Perhaps another one is in its slot.
    Stale,
    /// The first byte is not aligned as the reader needs it.
    Misaligned {
        /// Bytes.
        required: usize,
    },
    /// The bytes end beyond what the region holds, or has committed.
    OutOfRange {
        /// Offset of the end, at most `u64::MAX`.
        end: u64,
        /// Bytes the region holds, or has committed.
        limit: u64,
    },
    /// More bytes than the reader takes in one piece.
    TooLong {
        /// Bytes.
        length: u64,
        /// The most the reader takes.
        limit: u64,
    },
    /// A chain has more links than allowed, as one that goes in circles has.
    ChainTooLong {
        /// The most links allowed.
        limit: usize,
    },
    /// A chain leads to a link that does not exist.
    BrokenChain {
        /// The link.
        link: u32,
    },
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("the region is another table's"),
            Self::BadHandle => f.write_str("no such region"),
            Self::TooManyViews => f.write_str("too many views of the region"),
            Self::Contended => f.write_str("the region is being changed"),
            Self::WrongPolicy { found: Policy::Slab } => f.write_str("a slab region admits no descriptors"),
            Self::WrongPolicy { found } => {
                write!(f, "a region of policy {found:?} admits no descriptors here")
            }
            Self::Denied(why) => fmt::Display::fmt(why, f),
            Self::Stale => f.write_str("stale generation: that region is gone"),
            Self::Misaligned { required } => write!(f, "the bytes are not aligned to {required}"),
            Self::OutOfRange { end, limit } => write!(f, "out of range: the bytes end at {end} of {limit}"),
            Self::TooLong { length, limit } => write!(f, "too long: {length} bytes, {limit} allowed"),
            Self::ChainTooLong { limit } => write!(f, "the chain has more than {limit} links"),
            Self::BrokenChain { link } => write!(f, "the chain leads to link {link}, which does not exist"),
        }
    }
}

impl core::error::Error for DescriptorError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Denied(why) => Some(why),
            _ => None,
        }
    }
}
