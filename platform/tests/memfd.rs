//! Memory files as a hostile peer would send them.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::os::fd::AsRawFd;

use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, CheckError, Expect, Seals};
use rustix::fs::{MemfdFlags, Mode, OFlags, ftruncate, memfd_create, open};
use rustix::io::Errno;

mod common;
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

/// Has the kernel refuse, for this thread, every call that asks a file's filesystem.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn forbid_asking_filesystems() {
    let step = |code: u32, jump_true, k: i64| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: 0,
        k: k as u32,
    };
    let equals = |jump, number| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jump, number);
    let answer = |k: u32| step(libc::BPF_RET | libc::BPF_K, 0, i64::from(k));
    let mut program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        equals(4, libc::SYS_fstat),
        equals(3, libc::SYS_newfstatat),
        equals(2, libc::SYS_statx),
        equals(1, libc::SYS_fstatfs),
        answer(libc::SECCOMP_RET_ALLOW),
        answer(libc::SECCOMP_RET_ERRNO | libc::EIO as u32),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: a live program of the length given, which the kernel copies.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) }, 0);
}

/// What is no memory file may be of a filesystem that never answers: it is refused without a question to it.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn g04_a_strangers_filesystem_is_not_asked() {
    let kinds = kinds::wrong_kinds();
    let good = common::good_memfd();
    std::thread::spawn(move || {
        forbid_asking_filesystems();
        for (name, fd, verdict) in &kinds {
            if matches!(verdict, kinds::Verdict::WrongKind) {
                assert_eq!(memfd::check(fd, FIXED, ANY), Err(CheckError::WrongKind), "{name}");
            }
        }
        let asked = memfd::check(&good, FIXED, ANY);
        assert!(matches!(asked, Err(CheckError::Io { raw: libc::EIO, .. })), "the control: {asked:?}");
    })
    .join()
    .unwrap();
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
}

#[test]
fn errors_print_lower_case_without_full_stop() {
    let errors = [
        CheckError::WrongKind,
        CheckError::NotTmpfs { found: 0xef53 },
        CheckError::Unsealed { missing: FIXED },
        CheckError::SizeMismatch { expected: 1, found: 2 },
        CheckError::TooBig { limit: 1, found: 2 },
        CheckError::Sparse { size: 2, found: 1 },
        CheckError::Io { kind: ErrorKind::NotFound, raw: 2 },
    ];
    for error in errors {
        let text = error.to_string();
        assert!(text.starts_with(|c: char| c.is_ascii_lowercase()) && !text.ends_with('.'), "{text}");
    }
}
