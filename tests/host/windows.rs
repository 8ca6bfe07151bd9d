//! Windows in sealed memory files: what is refused before it is mapped.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use annulet::host::{AttachError, CheckError, Segment, attach};
use annulet::link::HeaderError;
use annulet::words::ReadWords;
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, Seals};

use crate::common::{Window, all_seals, forged, genuine, refusal, soon, words};

/// The peer can do nothing to a window's size, and nothing to its bytes.
#[test]
fn g01_a_window_cannot_be_truncated_or_written_by_the_peer() {
    let window = Window::create().unwrap();
    let words = attach::<u64, 8>(window.fd()).unwrap();
    let peers = File::from(window.fd().try_clone_to_owned().unwrap());
    for size in [0, 128, 1 << 20] {
        assert_eq!(peers.set_len(size).unwrap_err().raw_os_error(), Some(1), "EPERM");
    }
    assert_eq!(peers.write_all_at(&[1], 0).unwrap_err().raw_os_error(), Some(1));
    assert!(annulet_platform::mapping::Mapping::read_write(&peers, 4096).is_err());
    assert_eq!(words.read(0), 0, "still there, still zero");
}

#[test]
fn g02_each_missing_seal_is_named() {
    let bytes = genuine();
    for missing in [Seals::SHRINK, Seals::GROW, Seals::FUTURE_WRITE, Seals::SEAL] {
        let fd = forged(&bytes, all_seals().without(missing));
        match refusal(&fd) {
            AttachError::File(CheckError::Unsealed { missing: named }) => assert_eq!(named, missing),
            other => panic!("{other}"),
        }
    }
    assert!(attach::<u64, 8>(forged(&bytes, all_seals()).as_fd()).is_ok(), "the control: all of them");
}

#[test]
fn g05_another_size_is_refused_before_anything_is_mapped() {
    let bytes = genuine();
    for size in [1, 127, 128, 4095, 4097, 8192] {
        let mut other = bytes.clone();
        other.resize(size, 0);
        assert!(matches!(
            refusal(&forged(&other, all_seals())),
            AttachError::File(CheckError::SizeMismatch { expected: 4096, .. })
        ));
    }
}

#[test]
fn a08_a_header_with_any_bit_flipped_is_refused() {
    let bytes = genuine();
    for bit in 0..128 * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        let why = refusal(&forged(&other, all_seals()));
        let named = match bit / 8 {
            0..8 => matches!(why, AttachError::Header(HeaderError::BadMagic { .. })),
            8..12 => matches!(why, AttachError::Header(HeaderError::BadVersion { .. })),
            24..32 => matches!(why, AttachError::Header(HeaderError::BadAbi { .. })),
            16..24 => matches!(why, AttachError::Header(HeaderError::SizeMismatch { .. })),
            12..16 | 32..44 => matches!(why, AttachError::Header(HeaderError::BadGeometry)),
            _ => matches!(why, AttachError::Header(HeaderError::ReservedBits)),
        };
        assert!(named, "bit {bit}: {why}");
    }
}

/// A header that changes all the time, by a mapping that its owner made before it sealed the file: what is refused is
/// exactly what was read, and once attached, nothing asks for the header again.
#[test]
fn a09_a_header_that_flickers_is_looked_at_once() {
    let bytes = genuine();
    let file = File::from(memfd::create(c"flickers", bytes.len() as u64).unwrap());
    file.write_all_at(&bytes, 0).unwrap();
    let hostile = Mapping::read_write(&file, bytes.len()).unwrap();
    memfd::add_seals(&file, all_seals()).unwrap();
    let magic = u64::from_le_bytes(bytes[..8].try_into().unwrap());
    // SAFETY: the first word of a live mapping; all accesses to it here are atomic and of this width.
    let word = unsafe { std::sync::atomic::AtomicU32::from_ptr(words(&hostile).next().unwrap()) };
    let good = word.load(Ordering::Relaxed);
    let over = AtomicBool::new(false);
    let (mut attached, mut refused) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for flipped in [good ^ 1, good] {
                    word.store(flipped, Ordering::Relaxed);
                    // For about as long as an attach takes.
                    (0..500).for_each(|_| std::hint::spin_loop());
                }
            }
        });
        let deadline = soon();
        while (attached < 100 || refused < 100) && !deadline.is_past() {
            match attach::<u64, 8>(file.as_fd()) {
                // Whatever it says by now.
                Ok(window) => attached += u32::from(window.read(0) == 0 && window.observe(0) == 0),
                Err(AttachError::Header(HeaderError::BadMagic { found })) => {
                    assert_eq!(found, magic ^ 1);
                    refused += 1;
                }
                Err(why) => panic!("{why}"),
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(attached >= 100 && refused >= 100, "attached {attached} times, refused {refused} times");
}

/// Memory straight from the kernel is no window: nobody made it one.
#[test]
fn a13_a_file_of_zeroes_is_refused() {
    let zeroes = forged(&vec![0; 4096], all_seals());
    assert!(matches!(refusal(&zeroes), AttachError::Header(HeaderError::BadMagic { found: 0 })));
}

#[test]
fn a_window_for_other_entries_or_another_capacity_is_refused() {
    let other = Segment::<u32, 8>::create().unwrap();
    assert!(matches!(attach::<u64, 8>(other.fd()), Err(AttachError::Header(HeaderError::BadAbi { .. }))));
    let other = Segment::<u64, 16>::create().unwrap();
    assert!(matches!(attach::<u64, 8>(other.fd()), Err(AttachError::Header(HeaderError::BadAbi { .. }))));
}
