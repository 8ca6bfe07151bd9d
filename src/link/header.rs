//! The header before a window that crosses a process or a kernel boundary, and its one check.
//!
//! The header is read once, as a whole, into private memory, and only that copy is used. Its numbers decide nothing: they must
//! equal what this side expects, or the window is refused.
//!
//! ```text
//!   0        8     12       16          24         32       36    40          44          128
//!   ┌────────┬─────┬────────┬───────────┬──────────┬────────┬─────┬───────────┬── ─ ─ ─ ──┐
//!   │ magic  │ ver │ header │ total     │ abi      │ capac. │ mask│ entry     │ zero      │
//!   │ u64    │ u32 │ u32    │ u64 bytes │ u64      │ u32    │ u32 │ u32 words │           │
//!   └────────┴─────┴────────┴───────────┴──────────┴────────┴─────┴───────────┴── ─ ─ ─ ──┘
//!   all little-endian; the window follows at byte 128
//! ```

use super::window::{LINE, Window};
use super::{Entry, HeaderError, Image, index_word};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 128;

/// "ANNULET", and a byte that is not text.
const MAGIC: u64 = u64::from_le_bytes(*b"ANNULET\x97");
const VERSION: u32 = 1;

/// What both sides of a link must agree on: the capacity, the entries, and their layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    capacity: u32,
    entry_words: u32,
    window_bytes: u64,
    abi: u64,
}

impl Geometry {
    /// Returns the geometry of `Window<E, N>`.
    #[allow(clippy::cast_possible_truncation)]
    #[must_use]
    pub const fn of<E: Entry, const N: usize>() -> Self {
        let () = Window::<E, N>::CHECKED;
        let words = <E::Image as Image>::WORDS;
        let parts = [VERSION, E::ABI, words as u32, N as u32, LINE as u32, index_word::MAX_POSITION];
        // FNV-1a, over words: it finds differences by accident, and keeps no attacker out.
        let (mut abi, mut i) = (0xcbf2_9ce4_8422_2325_u64, 0);
        while i < parts.len() {
            abi = (abi ^ parts[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
        Self {
            capacity: N as u32,
            entry_words: words as u32,
            window_bytes: Window::<E, N>::BYTES as u64,
            abi,
        }
    }

    /// Returns the bytes of a header and a window.
    #[must_use]
    pub const fn total_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + self.window_bytes
    }
}

/// The 128 bytes before a window.
///
/// # Examples
///
/// ```
/// use annulet::link::{Geometry, HeaderError, WindowHeader};
///
/// let geometry = Geometry::of::<u64, 8>();
/// let header = WindowHeader::new(&geometry);
/// let size = geometry.total_bytes();
/// assert_eq!(WindowHeader::check(header.as_bytes(), &geometry, size), Ok(()));
///
/// let other = Geometry::of::<u64, 16>();
/// let refused = WindowHeader::check(header.as_bytes(), &other, size);
/// assert!(matches!(refused, Err(HeaderError::BadAbi { .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowHeader([u8; HEADER_BYTES]);

impl WindowHeader {
    /// Makes the header of a window with this geometry.
    #[must_use]
    pub fn new(geometry: &Geometry) -> Self {
        let mut bytes = [0; HEADER_BYTES];
        let mut at = 0;
        let mut put = |field: &[u8]| {
            if let Some(place) = bytes.get_mut(at..at + field.len()) {
                place.copy_from_slice(field);
            }
            at += field.len();
        };
        put(&MAGIC.to_le_bytes());
        put(&VERSION.to_le_bytes());
        put(&(HEADER_BYTES as u32).to_le_bytes());
        put(&geometry.total_bytes().to_le_bytes());
        put(&geometry.abi.to_le_bytes());
        put(&geometry.capacity.to_le_bytes());
        put(&(geometry.capacity - 1).to_le_bytes());
        put(&geometry.entry_words.to_le_bytes());
        Self(bytes)
    }

    /// Returns its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HEADER_BYTES] {
        &self.0
    }

    /// Checks a header that was read once, from memory of `size` bytes, against what this side expects.
    ///
    /// # Errors
    ///
    /// The first that applies, in this order: [`BadMagic`](HeaderError::BadMagic), [`BadVersion`](HeaderError::BadVersion),
    /// [`BadAbi`](HeaderError::BadAbi), [`BadGeometry`](HeaderError::BadGeometry),
    /// [`SizeMismatch`](HeaderError::SizeMismatch), [`ReservedBits`](HeaderError::ReservedBits).
    pub fn check(snapshot: &[u8; HEADER_BYTES], expected: &Geometry, size: u64) -> Result<(), HeaderError> {
        let magic = u64_at(snapshot, 0);
        if magic != MAGIC {
            return Err(HeaderError::BadMagic { found: magic });
        }
        let version = u32_at(snapshot, 8);
        if version != VERSION {
            return Err(HeaderError::BadVersion { found: version });
        }
        let abi = u64_at(snapshot, 24);
        if abi != expected.abi {
            return Err(HeaderError::BadAbi { expected: expected.abi, found: abi });
        }
        if u32_at(snapshot, 12) != HEADER_BYTES as u32
            || u32_at(snapshot, 32) != expected.capacity
            || u32_at(snapshot, 36) != expected.capacity - 1
            || u32_at(snapshot, 40) != expected.entry_words
        {
            return Err(HeaderError::BadGeometry);
        }
        let total = u64_at(snapshot, 16);
        if total != expected.total_bytes() {
            return Err(HeaderError::SizeMismatch { expected: expected.total_bytes(), found: total });
        }
        if size < total {
            return Err(HeaderError::SizeMismatch { expected: total, found: size });
        }
        if snapshot.iter().skip(44).any(|byte| *byte != 0) {
            return Err(HeaderError::ReservedBits);
        }
        Ok(())
    }
}

/// Returns the four bytes at `at`, which is in bounds by the callers' constants.
fn u32_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |field| u32::from_le_bytes(*field))
}

/// Returns the eight bytes at `at`, which is in bounds by the callers' constants.
fn u64_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |field| u64::from_le_bytes(*field))
}
