//! Memory files as a hostile peer would send them.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::os::fd::AsRawFd;

use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, CheckError, Expect, Seals};
use rustix::fs::{
    FallocateFlags, MemfdFlags, Mode, OFlags, SeekFrom, fallocate, fstat, ftruncate, memfd_create, open,
    seek, tell,
};
use rustix::io::{Errno, pwrite};

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;
#[path = "common/kinds.rs"]
mod kinds;

const FIXED: Seals = Seals::from_bits(Seals::SHRINK.bits() | Seals::GROW.bits());
const ANY: Expect = Expect::AtMost(1 << 20);

#[test]
fn g01_truncating_a_sealed_file_fails_and_the_mapping_stays_readable() {
    let fd = common::good_memfd();
    assert_eq!(memfd::check(&fd, FIXED, Expect::Exactly(4096)), Ok(4096));
    let mapping = Mapping::read_write(&fd, 4096).unwrap();
    // The peer's own copy of the descriptor, opened anew for writing.
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let peer = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    for size in [0, 1, 4095, 4097, 1 << 30] {
        assert_eq!(ftruncate(&peer, size), Err(Errno::PERM), "size {size}");
    }
    for offset in [0, 4095] {
        let byte = mapping.as_ptr().as_ptr().wrapping_add(offset);
        // SAFETY: inside the mapping of 4096 bytes, which lives; nobody in this test writes to the file.
        assert_eq!(unsafe { byte.read_volatile() }, 0);
    }
    assert_eq!(memfd::check(&fd, FIXED, Expect::Exactly(4096)), Ok(4096));
}

#[test]
fn g02_unsealed_is_named_with_what_is_missing() {
    let fd = memfd::create(c"annulet-g02", 4096).unwrap();
    assert_eq!(memfd::check(&fd, FIXED, ANY), Err(CheckError::Unsealed { missing: FIXED }));
    memfd::add_seals(&fd, Seals::SHRINK).unwrap();
    assert_eq!(memfd::check(&fd, FIXED, ANY), Err(CheckError::Unsealed { missing: Seals::GROW }));
    memfd::add_seals(&fd, Seals::GROW).unwrap();
    assert_eq!(memfd::check(&fd, FIXED, ANY), Ok(4096));
    let needs = FIXED | Seals::SEAL | Seals::FUTURE_WRITE;
    let missing = Seals::SEAL | Seals::FUTURE_WRITE;
    assert_eq!(memfd::check(&fd, needs, ANY), Err(CheckError::Unsealed { missing }));
}

#[test]
fn g03_a_sealed_file_of_huge_pages_is_not_tmpfs() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let fd = match memfd_create(c"annulet-huge", flags) {
        Ok(fd) => fd,
        Err(errno) => {
            println!("SKIPPED: this kernel makes no huge page memory file: {errno}");
            return;
        }
    };
    ftruncate(&fd, 2 << 20).unwrap();
    memfd::add_seals(&fd, FIXED | Seals::SEAL).unwrap();
    assert!(memfd::seals(&fd).unwrap().contains(FIXED | Seals::SEAL));
    let error = memfd::check(&fd, FIXED, Expect::Exactly(2 << 20)).unwrap_err();
    assert_eq!(error, CheckError::NotTmpfs { found: 0x9584_58f6 });
}

#[test]
fn g04_every_wrong_kind_has_its_error() {
    for (name, fd, verdict) in kinds::wrong_kinds() {
        let error = memfd::check(&fd, FIXED, ANY).expect_err(name);
        assert!(verdict.holds(error), "{name}: {error:?}, not {verdict:?}");
    }
}

/// What is no memory file may be of a filesystem that never answers: it is refused without a question to it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn g04_a_strangers_filesystem_is_not_asked() {
    let kinds = kinds::wrong_kinds();
    let good = common::good_memfd();
    filter::without(filter::ASKING, libc::EIO, move || {
        for (name, fd, verdict) in &kinds {
            if matches!(verdict, kinds::Verdict::WrongKind) {
                assert_eq!(memfd::check(fd, FIXED, ANY), Err(CheckError::WrongKind), "{name}");
            }
        }
        let asked = memfd::check(&good, FIXED, ANY);
        assert!(matches!(asked, Err(CheckError::Io { raw: libc::EIO, .. })), "the control: {asked:?}");
    });
}

#[test]
fn g05_a_size_other_than_expected_is_refused() {
    for size in [1, 63, 4095, 4097, 8192 + 1] {
        let fd = memfd::create(c"annulet-g05", size).unwrap();
        memfd::add_seals(&fd, FIXED).unwrap();
        let expected = CheckError::SizeMismatch { expected: 4096, found: size };
        assert_eq!(memfd::check(&fd, FIXED, Expect::Exactly(4096)), Err(expected));
        assert_eq!(memfd::check(&fd, FIXED, ANY), Ok(size));
        assert_eq!(memfd::check(&fd, FIXED, Expect::AtMost(size)), Ok(size));
    }
}

#[test]
fn g05_zero_bytes_are_never_acceptable() {
    let fd = memfd::create(c"annulet-zero", 0).unwrap();
    memfd::add_seals(&fd, FIXED).unwrap();
    for (size, expected) in [(Expect::Exactly(0), 0), (Expect::Exactly(4096), 4096), (Expect::AtMost(9), 9)] {
        let error = CheckError::SizeMismatch { expected, found: 0 };
        assert_eq!(memfd::check(&fd, FIXED, size), Err(error));
    }
    let error = CheckError::SizeMismatch { expected: 0, found: 4096 };
    assert_eq!(memfd::check(common::good_memfd(), FIXED, Expect::Exactly(0)), Err(error));
}

#[test]
fn g06_a_huge_sparse_file_is_refused_unmapped() {
    let huge = 1 << 40;
    let fd = memfd::create(c"annulet-g06-sparse", huge).unwrap();
    memfd::add_seals(&fd, FIXED).unwrap();
    let too_big = CheckError::TooBig { limit: 1 << 20, found: huge };
    assert_eq!(memfd::check(&fd, FIXED, ANY), Err(too_big));
    let mismatch = CheckError::SizeMismatch { expected: 4096, found: huge };
    assert_eq!(memfd::check(&fd, FIXED, Expect::Exactly(4096)), Err(mismatch));
    assert!(!std::fs::read_to_string("/proc/self/maps").unwrap().contains("annulet-g06-sparse"));
}

#[test]
fn a_new_file_is_empty_sealable_and_not_executable() {
    let fd = memfd::create(c"annulet-new", 12_345).unwrap();
    assert_eq!(rustix::fs::fstat(&fd).unwrap().st_size, 12_345);
    assert!(!memfd::seals(&fd).unwrap().contains(Seals::SEAL));
    assert!(rustix::io::fcntl_getfd(&fd).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    memfd::add_seals(&fd, Seals::SEAL).unwrap();
    let error = memfd::add_seals(&fd, Seals::SHRINK).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(memfd::create(c"annulet-too-big", u64::MAX).is_err());
    let long = std::ffi::CString::new(vec![b'x'; 300]).unwrap();
    assert_eq!(memfd::create(&long, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
}

/// A file that nobody may execute, now or later, where the kernel can promise that.
#[test]
fn a_new_file_can_never_be_executed() {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::NOEXEC_SEAL;
    if memfd_create(c"annulet-noexec", flags).is_err() {
        println!("SKIPPED: this kernel makes no memory file that is never executable");
        return;
    }
    for fd in [memfd::create(c"annulet-new", 1), memfd::create_whole(c"annulet-new", 1)] {
        let fd = fd.unwrap();
        assert_eq!(fstat(&fd).unwrap().st_mode & 0o111, 0);
        assert!(memfd::seals(&fd).unwrap().contains(Seals::EXEC));
        assert_eq!(rustix::fs::fchmod(&fd, Mode::RWXU), Err(Errno::PERM));
    }
}

/// As large as a page can be on the machines of today.
const PAGE: u64 = 1 << 16;

fn write_page(fd: &std::os::fd::OwnedFd, page: u64) {
    assert_eq!(pwrite(fd, &[1; PAGE as usize], page * PAGE), Ok(PAGE as usize));
}

#[test]
fn g06_a_hole_is_found_wherever_it_is() {
    for size in [1, 4095, 4096, 3 * PAGE, 3 * PAGE + 1] {
        let whole = memfd::create_whole(c"annulet-whole", size).unwrap();
        assert_eq!(memfd::check_whole(&whole, size), Ok(()));
        assert_eq!(fstat(&whole).unwrap().st_size as u64, size);
        let empty = memfd::create(c"annulet-empty", size).unwrap();
        assert_eq!(memfd::check_whole(&empty, size), Err(CheckError::Sparse { size, hole: 0 }));
    }
    let size = 3 * PAGE;
    for hole in 0..3 {
        let fd = memfd::create(c"annulet-hole", size).unwrap();
        (0..3).filter(|page| *page != hole).for_each(|page| write_page(&fd, page));
        assert_eq!(memfd::check_whole(&fd, size), Err(CheckError::Sparse { size, hole: hole * PAGE }));
        write_page(&fd, hole);
        assert_eq!(memfd::check_whole(&fd, size), Ok(()));
    }
}

/// Memory beyond the end counts for the file, and is not where its bytes are.
#[test]
fn g06_memory_behind_the_end_fills_no_hole() {
    let size = 16 * PAGE;
    let fd = memfd::create(c"annulet-behind", size).unwrap();
    fallocate(&fd, FallocateFlags::KEEP_SIZE, size, 2 * size).unwrap();
    assert!(fstat(&fd).unwrap().st_blocks as u64 * 512 >= size, "the control: the blocks would do");
    memfd::add_seals(&fd, FIXED | Seals::WRITE).unwrap();
    assert_eq!(memfd::check_whole(&fd, size), Err(CheckError::Sparse { size, hole: 0 }));
}

/// The last `close` would have to free it. What the largest pages add is allowed.
#[test]
fn i12_memory_behind_the_end_is_bounded() {
    let page = rustix::param::page_size() as u64;
    let huge = page * page / 8;
    let size = 3 * PAGE;
    let limit = size.next_multiple_of(huge);
    for (allocated, answer) in [
        (limit - size, Ok(())),
        (limit - size + page, Err(CheckError::Bloated { limit, found: limit + page })),
    ] {
        let fd = memfd::create_whole(c"annulet-bloated", size).unwrap();
        fallocate(&fd, FallocateFlags::KEEP_SIZE, size, allocated).unwrap();
        memfd::add_seals(&fd, FIXED | Seals::FUTURE_WRITE).unwrap();
        assert_eq!(memfd::check_whole(&fd, size), answer);
        // It is final.
        assert_eq!(fallocate(&fd, FallocateFlags::KEEP_SIZE, limit, 2 * huge), Err(Errno::PERM));
    }
}

/// A mapping is made before there is any memory, so that what it says of the memory comes first.
#[test]
fn a_file_is_allocated_after_it_was_mapped() {
    let size = 2 * PAGE + 5;
    let fd = memfd::create(c"annulet-allocated", size).unwrap();
    let mapping = Mapping::read_write(&fd, size as usize).unwrap();
    assert_eq!(fstat(&fd).unwrap().st_blocks, 0);
    memfd::allocate(&fd, size).unwrap();
    assert_eq!(memfd::check_whole(&fd, size), Ok(()));
    assert_eq!(fstat(&fd).unwrap().st_size as u64, size);
    drop(mapping);
    memfd::add_seals(&fd, FIXED | Seals::WRITE).unwrap();
    assert_eq!(memfd::allocate(&fd, size).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

/// Either seal of the two forbids to punch a hole, also through a mapping that was there before.
#[test]
fn g07_no_hole_can_be_made_once_the_seals_are_there() {
    for seal in [Seals::WRITE, Seals::FUTURE_WRITE] {
        let size = 2 * PAGE;
        let fd = memfd::create_whole(c"annulet-punch", size).unwrap();
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&fd, punch, 0, PAGE).unwrap();
        assert_eq!(memfd::check_whole(&fd, size), Err(CheckError::Sparse { size, hole: 0 }), "the control");
        write_page(&fd, 0);
        let early = (seal == Seals::FUTURE_WRITE).then(|| Mapping::read_write(&fd, size as usize).unwrap());
        memfd::add_seals(&fd, FIXED | seal).unwrap();
        assert_eq!(fallocate(&fd, punch, 0, PAGE), Err(Errno::PERM));
        if let Some(early) = &early {
            let start = early.as_ptr().as_ptr().cast();
            for (advice, refused) in
                [(libc::MADV_REMOVE, true), (libc::MADV_DONTNEED, false), (libc::MADV_PAGEOUT, false)]
            {
                // SAFETY: a live mapping of the length given, whose bytes nobody here reads.
                let status = unsafe { libc::madvise(start, early.len(), advice) };
                assert!(!refused || status != 0, "advice {advice}");
            }
        }
        assert_eq!(memfd::check_whole(&fd, size), Ok(()));
    }
}

/// The position of a descriptor belongs to its sender as well.
#[test]
fn looking_for_holes_moves_no_position() {
    let fd = memfd::create_whole(c"annulet-position", 2 * PAGE).unwrap();
    seek(&fd, SeekFrom::Start(77)).unwrap();
    assert_eq!(memfd::check_whole(&fd, 2 * PAGE), Ok(()));
    assert_eq!(tell(&fd), Ok(77));
    let (pipe, _) = rustix::pipe::pipe().unwrap();
    assert!(matches!(memfd::check_whole(&pipe, 1), Err(CheckError::Io { raw: libc::ESPIPE, .. })));
}

/// A lease lets its holder keep whoever opens the file waiting, for 45 seconds by default.
#[test]
fn looking_for_holes_waits_for_no_lease() {
    let fd = memfd::create_whole(c"annulet-lease", PAGE).unwrap();
    let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
    let holder = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    // The signal that comes when somebody opens it is one that is ignored.
    const F_SETSIG: libc::c_int = 10;
    for (command, value) in [(F_SETSIG, libc::SIGURG), (libc::F_SETLEASE, libc::F_WRLCK)] {
        // SAFETY: numbers only, and an open descriptor.
        assert_eq!(unsafe { libc::fcntl(holder.as_raw_fd(), command, value) }, 0);
    }
    let begun = std::time::Instant::now();
    let answer = memfd::check_whole(&fd, PAGE);
    assert!(matches!(answer, Err(CheckError::Io { raw: libc::EAGAIN, .. })), "{answer:?}");
    assert!(begun.elapsed() < core::time::Duration::from_secs(20));
}

#[test]
fn unknown_seals_and_files_without_seals_are_errors() {
    let fd = memfd::create(c"annulet-unknown", 1).unwrap();
    let error = memfd::add_seals(&fd, Seals::from_bits(1 << 31)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let file = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    assert_eq!(memfd::seals(&file).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(memfd::add_seals(&file, FIXED).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[test]
fn seals_print_their_names() {
    assert_eq!(format!("{:?}", Seals::EMPTY), "none");
    assert_eq!(format!("{FIXED:?}"), "SHRINK | GROW");
    let all = Seals::SEAL | Seals::WRITE | Seals::FUTURE_WRITE | Seals::EXEC | Seals::from_bits(0x100);
    assert_eq!(format!("{all:?}"), "SEAL | WRITE | FUTURE_WRITE | EXEC | 0x100");
    assert!(all.contains(Seals::EMPTY) && all.contains(all) && !all.contains(FIXED));
    let mut both = Seals::SHRINK;
    both |= Seals::GROW;
    assert_eq!(both, FIXED);
}

#[test]
fn errors_print_lower_case_without_full_stop() {
    let errors = [
        CheckError::WrongKind,
        CheckError::NotTmpfs { found: 0xef53 },
        CheckError::Unsealed { missing: FIXED },
        CheckError::SizeMismatch { expected: 1, found: 2 },
        CheckError::TooBig { limit: 1, found: 2 },
        CheckError::Sparse { size: 2, hole: 1 },
        CheckError::Bloated { limit: 1, found: 2 },
        CheckError::Io { kind: ErrorKind::NotFound, raw: 2 },
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.ends_with('.'), "{text}");
    }
    // What can happen without that seal is what the reader has to fear.
    let says = |missing| CheckError::Unsealed { missing }.to_string().contains("truncated");
    assert!(says(Seals::SHRINK) && says(FIXED) && !says(Seals::GROW));
}
