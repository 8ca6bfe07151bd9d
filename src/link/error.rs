//! The errors of a link, and of a window that another process made.

use core::fmt;

/// Why an operation of a [`Link`](super::Link) did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkError {
    /// Nothing has arrived that was not received.
    Empty,
    /// The peer has not taken what was sent; try again when it has.
    Full,
    /// A side has closed, and everything that was sent before has been received.
    Closed,
    /// The peer lied, in this way. The link is poisoned from here on.
    Corrupt(Fault),
    /// The peer lied before. Nothing shared was touched.
    Poisoned,
    /// The peer has not yet followed a reset of mine; its words are of an older epoch.
    StaleEpoch,
    /// The peer has begun a new epoch. Follow with a reset, once for each epoch.
    PeerReset,
    /// The link has used up its epochs. Only [`reset`](super::Link::reset) answers this.
    Retired,
}

/// In which way a peer lied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Its tail is further from my head than there are slots, or went backwards.
    Tail,
    /// Its head passed what was sent, or went backwards.
    Head,
    /// Its epoch is later than mine, and not at its start, as it would be until I follow.
    Epoch,
    /// Bits are set that mean nothing.
    Reserved,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the link is empty",
            Self::Full => "the link is full",
            Self::Closed => "the link is closed",
            Self::Corrupt(Fault::Tail) => "corrupt: the peer's tail is impossible",
            Self::Corrupt(Fault::Head) => "corrupt: the peer's head is impossible",
            Self::Corrupt(Fault::Epoch) => "corrupt: the peer's epoch is impossible",
            Self::Corrupt(Fault::Reserved) => "corrupt: reserved bits are set",
            Self::Poisoned => "the link is poisoned",
            Self::StaleEpoch => "the peer is in an older epoch",
            Self::PeerReset => "the peer has reset the link",
            Self::Retired => "the link's epochs are used up",
        })
    }
}

impl core::error::Error for LinkError {}

/// Why a window that another process made was refused. Its header was read once, and nothing else was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// It is no annulet window.
    BadMagic {
        /// What stands in its place.
        found: u64,
    },
    /// Another version of the layout.
    BadVersion {
        /// The version.
        found: u32,
    },
    /// Its entries are of another type, or laid out differently.
    BadAbi {
        /// The fingerprint expected.
        expected: u64,
        /// The fingerprint found.
        found: u64,
    },
    /// Capacity, mask, entry size or header size are not the ones expected.
    BadGeometry,
    /// The memory is not as large as the header, or the geometry, says.
    SizeMismatch {
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Bytes that must be zero are not.
    ReservedBits,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic { found } => write!(f, "bad magic {found:#018x}"),
            Self::BadVersion { found } => write!(f, "version {found} of the layout is not known"),
            Self::BadAbi { expected, found } => {
                write!(f, "entries of another kind: fingerprint {found:#018x}, expected {expected:#018x}")
            }
            Self::BadGeometry => f.write_str("the geometry is not the one expected"),
            Self::SizeMismatch { expected, found } => write!(f, "size {found}, expected {expected}"),
            Self::ReservedBits => f.write_str("reserved bytes are not zero"),
        }
    }
}

impl core::error::Error for HeaderError {}
