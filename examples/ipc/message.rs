//! What goes through the link, in either way of streaming.

use annulet::link::Entry;
use annulet::region::Offer;

/// Bytes of a piece: a vector of 768 numbers of 32 bits.
pub const PIECE: usize = 3072;
/// Offers that can be under way.
pub const DEPTH: usize = 64;
/// Inline messages that can be under way.
pub const INLINE_DEPTH: usize = 16;

const WORDS: usize = PIECE / 4;

annulet::entry! {
    /// A piece of a file, in the message itself.
    #[derive(Clone, Copy, Debug)]
    pub struct Inline {
        length: u32,
        sent_at: u32,
        words: [u32; WORDS],
    }
    const ABI: u32 = 0x494e_4c4e;
}

impl Inline {
    /// At most `PIECE` bytes.
    pub fn new(bytes: &[u8], sent_at: u32) -> Self {
        let mut words = [0; WORDS];
        for (word, part) in words.iter_mut().zip(bytes.chunks(4)) {
            let mut four = [0; 4];
            four[..part.len()].copy_from_slice(part);
            *word = u32::from_le_bytes(four);
        }
        Self { length: bytes.len() as u32, sent_at, words }
    }

    /// The bytes, copied out; `None` if the length is more than a piece.
    pub fn bytes<'b>(&self, to: &'b mut [u8; PIECE]) -> Option<&'b [u8]> {
        for (place, word) in to.chunks_exact_mut(4).zip(self.words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        to.get(..self.length as usize)
    }
}

/// When a message was sent, by the sender's word.
pub trait Sent: Entry {
    /// The low 32 bits of the monotonic clock, in nanoseconds: enough for latencies of up to four seconds.
    fn sent_at(&self) -> u32;
}

impl Sent for Offer {
    fn sent_at(&self) -> u32 {
        self.descriptor.tag()
    }
}

impl Sent for Inline {
    fn sent_at(&self) -> u32 {
        self.sent_at
    }
}

/// The low 32 bits of the monotonic clock, which all processes share.
pub fn now() -> u32 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // The truncation is wanted: differences are taken modulo 2^32.
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64) as u32
}
