//! Mappings: what they refuse, and what sealing makes of them.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};

use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, CheckError, Seals};
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

mod common;

fn constant(name: &core::ffi::CStr, bytes: &[u8]) -> OwnedFd {
    let fd = memfd::create(name, bytes.len() as u64).unwrap();
    let mut file = File::from(fd);
    file.write_all(bytes).unwrap();
    let fd = OwnedFd::from(file);
    memfd::add_seals(&fd, Seals::WRITE | Seals::SHRINK | Seals::GROW).unwrap();
    fd
}

fn byte(mapping: &Mapping, offset: usize) -> *mut u8 {
    assert!(offset < mapping.len());
    mapping.as_ptr().as_ptr().wrapping_add(offset)
}

#[test]
fn writes_show_in_another_mapping_of_the_file() {
    let fd = common::good_memfd();
    let (writer, reader) = (Mapping::read_write(&fd, 4096).unwrap(), Mapping::read_only(&fd, 100).unwrap());
    drop(fd);
    assert_eq!((writer.len(), reader.len()), (4096, 100));
    assert_ne!(writer.as_ptr(), reader.as_ptr());
    // SAFETY: inside the live writable mapping; nobody else accesses it.
    unsafe { byte(&writer, 99).write_volatile(0xa5) };
    // SAFETY: inside the live readable mapping; nobody writes any more.
    assert_eq!(unsafe { byte(&reader, 99).read_volatile() }, 0xa5);
}

#[test]
fn zero_and_too_much_are_refused() {
    let fd = common::good_memfd();
    for len in [0, 4097, isize::MAX as usize, isize::MAX as usize + 1, usize::MAX] {
        let write = Mapping::read_write(&fd, len).unwrap_err();
        let read = Mapping::read_only(&fd, len).unwrap_err();
        assert_eq!((write.kind(), read.kind()), (ErrorKind::InvalidInput, ErrorKind::InvalidInput), "{len}");
        assert_eq!((write.raw_os_error(), read.raw_os_error()), (None, None), "the kernel was asked: {len}");
    }
    let fd = constant(c"annulet-short", b"12345");
    for len in [0, 6, isize::MAX as usize + 1, usize::MAX] {
        let error = CheckError::SizeMismatch { expected: len as u64, found: 5 };
        assert_eq!(Mapping::sealed(&fd, len).unwrap_err(), error);
    }
    let (pipe, _) = rustix::pipe::pipe().unwrap();
    assert_eq!(Mapping::read_only(&pipe, 1).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(Mapping::sealed(&pipe, 1).unwrap_err(), CheckError::WrongKind);
}

/// The longest there is fits its file; that no memory is as large is for the kernel to say.
#[cfg(target_pointer_width = "64")]
#[test]
fn the_longest_is_not_too_much() {
    const MOST: usize = isize::MAX as usize;
    let fd = memfd::create(c"annulet-most", MOST as u64).unwrap();
    assert_eq!(Mapping::read_only(&fd, MOST).unwrap_err().kind(), ErrorKind::OutOfMemory);
    memfd::add_seals(&fd, Seals::WRITE | Seals::SHRINK | Seals::GROW).unwrap();
    let sparse = CheckError::Sparse { size: MOST as u64, hole: 0 };
    assert_eq!(Mapping::sealed(&fd, MOST).unwrap_err(), sparse);
}

#[test]
fn sealed_bytes_are_a_slice_for_every_thread() {
    let bytes: Vec<u8> = (0..10_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    let fd = constant(c"annulet-sealed", &bytes);
    let sealed = Mapping::sealed(&fd, bytes.len()).unwrap();
    drop(fd);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(sealed.as_ref(), bytes));
        assert_eq!(*sealed, *bytes);
    });
    let moved = std::thread::spawn(move || sealed.len()).join().unwrap();
    assert_eq!(moved, bytes.len());
}

#[test]
fn sealed_bytes_cannot_be_changed_by_any_call() {
    let fd = constant(c"annulet-fast", &[7; 8192]);
    let sealed = Mapping::sealed(&fd, 8192).unwrap();
    assert_eq!(rustix::io::pwrite(&fd, b"x", 0), Err(Errno::PERM));
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    assert_eq!(fallocate(&fd, hole, 0, 4096), Err(Errno::PERM));
    assert_eq!(rustix::fs::ftruncate(&fd, 0), Err(Errno::PERM));
    assert_eq!(Mapping::read_write(&fd, 8192).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(sealed.iter().all(|&byte| byte == 7));
}

/// A file of a terabyte costs its maker nothing as long as nobody has touched it.
#[test]
fn g06_bytes_without_memory_are_not_mapped() {
    let all = Seals::WRITE | Seals::SHRINK | Seals::GROW;
    for size in [1, 4096, 1 << 40] {
        let fd = memfd::create(c"annulet-holes", size).unwrap();
        memfd::add_seals(&fd, all).unwrap();
        let sparse = CheckError::Sparse { size, hole: 0 };
        assert_eq!(Mapping::sealed(&fd, usize::try_from(size.min(4096)).unwrap()).unwrap_err(), sparse);
    }
    // As large as a page can be here.
    const PAGE: u64 = 1 << 16;
    for hole in 0..3 {
        let fd = memfd::create(c"annulet-hole", 3 * PAGE).unwrap();
        for at in (0..3).filter(|at| *at != hole) {
            assert_eq!(rustix::io::pwrite(&fd, &[1; PAGE as usize], at * PAGE), Ok(PAGE as usize));
        }
        memfd::add_seals(&fd, all).unwrap();
        let sparse = CheckError::Sparse { size: 3 * PAGE, hole: hole * PAGE };
        assert_eq!(Mapping::sealed(&fd, 1).unwrap_err(), sparse);
    }
    // Enough memory for all of it, and none where it is read.
    let fd = memfd::create(c"annulet-behind", 3 * PAGE).unwrap();
    fallocate(&fd, FallocateFlags::KEEP_SIZE, 3 * PAGE, 3 * PAGE).unwrap();
    memfd::add_seals(&fd, all).unwrap();
    let sparse = CheckError::Sparse { size: 3 * PAGE, hole: 0 };
    assert_eq!(Mapping::sealed(&fd, 1).unwrap_err(), sparse);
}

#[test]
fn each_seal_is_needed() {
    let all = [Seals::WRITE, Seals::SHRINK, Seals::GROW];
    for missing in all {
        let fd = memfd::create(c"annulet-partial", 4096).unwrap();
        for seal in all.into_iter().filter(|&seal| seal != missing) {
            memfd::add_seals(&fd, seal).unwrap();
        }
        assert_eq!(Mapping::sealed(&fd, 4096).unwrap_err(), CheckError::Unsealed { missing });
    }
    // FUTURE_WRITE leaves an older writable mapping alive, so it is not enough.
    let fd = common::good_memfd_with(Seals::FUTURE_WRITE);
    assert_eq!(Mapping::sealed(&fd, 4096).unwrap_err(), CheckError::Unsealed { missing: Seals::WRITE });
}

#[test]
fn the_write_seal_is_refused_while_a_writable_mapping_exists() {
    let fd = memfd::create(c"annulet-busy", 4096).unwrap();
    let mapping = Mapping::read_write(&fd, 4096).unwrap();
    let error = memfd::add_seals(&fd, Seals::WRITE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceBusy);
    drop(mapping);
    memfd::add_seals(&fd, Seals::WRITE).unwrap();
}

#[test]
fn future_write_leaves_the_owner_writing_and_others_reading() {
    let fd = memfd::create(c"annulet-one-writer", 4096).unwrap();
    let owner = Mapping::read_write(&fd, 4096).unwrap();
    memfd::add_seals(&fd, Seals::FUTURE_WRITE | Seals::SHRINK | Seals::GROW | Seals::SEAL).unwrap();
    assert_eq!(Mapping::read_write(&fd, 4096).unwrap_err().kind(), ErrorKind::PermissionDenied);
    let peer = Mapping::read_only(&fd, 4096).unwrap();
    // SAFETY: inside the owner's live writable mapping; nobody else accesses it.
    unsafe { byte(&owner, 0).write_volatile(3) };
    // SAFETY: inside the peer's live readable mapping; nobody writes any more.
    assert_eq!(unsafe { byte(&peer, 0).read_volatile() }, 3);
}

#[test]
fn a_mapping_is_not_inherited_and_goes_when_dropped() {
    let fd = constant(c"annulet-lifetime", &[1; 4096]);
    let (sealed, shared) =
        (Mapping::sealed(fd.as_fd(), 4096).unwrap(), Mapping::read_only(&fd, 4096).unwrap());
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let ours: Vec<&str> = smaps.split_inclusive("VmFlags:").collect();
    let mut seen = 0;
    for window in ours.windows(2) {
        let [area, next] = window else { continue };
        if area.contains("annulet-lifetime") {
            let flags = next.lines().next().unwrap_or_default();
            assert!(flags.split_whitespace().any(|flag| flag == "dc"), "no dontcopy in {flags}");
            seen += 1;
        }
    }
    // The two may have become one area.
    assert!(seen >= 1);
    drop((sealed, shared));
    assert!(!std::fs::read_to_string("/proc/self/maps").unwrap().contains("annulet-lifetime"));
}
