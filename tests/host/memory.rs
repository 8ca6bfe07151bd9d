//! Regions, and who pays for memory: the one that writes it, before anybody reads it.

use std::fs::File;
use std::io::Seek;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};

use annulet::host::{AttachError, CheckError, Segment, attach, attach_region, seal_region};
use annulet::words::ReadWords;
use annulet_platform::memfd::{self, Seals};
use rustix::fs::{FallocateFlags, fallocate};

use crate::common::forged_after;

#[test]
fn a_sealed_region_is_final_and_an_unsealed_one_is_refused() {
    let region = seal_region(&b"for ever"[..]).unwrap();
    let memory = attach_region(&region, 8).unwrap();
    let file = File::from(region.try_clone().unwrap());
    assert_eq!(file.set_len(0).unwrap_err().raw_os_error(), Some(1));
    assert_eq!(file.write_all_at(b"x", 0).unwrap_err().raw_os_error(), Some(1));
    assert_eq!(&*memory, b"for ever");
    assert_eq!(attach_region(&region, 7).unwrap_err(), CheckError::TooBig { limit: 7, found: 8 });
    let open = memfd::create(c"open", 4096).unwrap();
    assert!(matches!(attach_region(&open, 4096), Err(CheckError::Unsealed { .. })));
    assert!(memfd::seals(&region).unwrap().contains(Seals::SEAL), "no seal can be added");
    let nothing = seal_region(&b""[..]).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::InvalidInput, "nothing to map");
}

/// As large as a page can be on the machines of today.
const PAGE: u64 = 1 << 16;

/// A window of many pages.
type Large = Segment<[u32; 256], 1024>;

fn large(make: impl FnOnce(&File, u64)) -> OwnedFd {
    forged_after(&Large::create().unwrap(), make)
}

fn attach_large(fd: &OwnedFd) -> Result<(), AttachError> {
    attach::<[u32; 256], 1024>(fd.as_fd()).map(drop)
}

#[test]
fn g06_a_window_with_a_hole_is_refused() {
    let fill = |file: &File, size: u64| file.write_all_at(&vec![0; size as usize], 0).unwrap();
    assert!(attach_large(&large(fill)).is_ok(), "the control");
    // Nothing but the header; and one hole, at the start behind it, in the middle, at the end.
    let refused = attach_large(&large(|_, _| ()));
    assert!(
        matches!(refused, Err(AttachError::File(CheckError::Sparse { hole: 1..=PAGE, .. }))),
        "{refused:?}"
    );
    for at in [PAGE, 7 * PAGE, 15 * PAGE] {
        let holed = large(|file, size| {
            fill(file, size);
            let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file, punch, at, PAGE).unwrap();
        });
        let refused = attach_large(&holed);
        assert!(matches!(refused, Err(AttachError::File(CheckError::Sparse { hole, .. })) if hole == at));
    }
    // Memory behind the end, and memory that was never written.
    for at_the_end in [true, false] {
        let holed = large(|file, size| {
            let from = if at_the_end { size } else { 0 };
            fallocate(file, FallocateFlags::KEEP_SIZE, from, size).unwrap();
        });
        assert!(File::from(holed.try_clone().unwrap()).metadata().unwrap().blocks() * 512 >= 16 * PAGE);
        assert!(matches!(attach_large(&holed), Err(AttachError::File(CheckError::Sparse { .. }))));
    }
}

/// Any number of gigabytes, which dropping the last mapping would have to free.
#[test]
fn i12_a_window_with_memory_behind_its_end_is_refused() {
    let page = rustix::param::page_size() as u64;
    // As much as the largest pages could add.
    let huge = page * page / 8;
    let behind = |allocated: u64| {
        large(|file, size| {
            file.write_all_at(&vec![0; size as usize], 0).unwrap();
            fallocate(file, FallocateFlags::KEEP_SIZE, size, allocated).unwrap();
        })
    };
    assert!(attach_large(&behind(page)).is_ok(), "what large pages do");
    let refused = attach_large(&behind(2 * huge));
    assert!(
        matches!(refused, Err(AttachError::File(CheckError::Bloated { limit, found })) if limit <= huge + (1 << 20) && found > 2 * huge),
        "{refused:?}"
    );
    // A region as well.
    let region = File::from(memfd::create_whole(c"behind", 16 * PAGE).unwrap());
    fallocate(&region, FallocateFlags::KEEP_SIZE, 16 * PAGE, 2 * huge).unwrap();
    memfd::add_seals(&region, Seals::WRITE | Seals::SHRINK | Seals::GROW).unwrap();
    assert!(matches!(attach_region(&region, u64::MAX), Err(CheckError::Bloated { .. })));
}

#[test]
fn g06_reading_a_window_takes_no_memory() {
    let window = Large::create().unwrap();
    let file = File::from(window.fd().try_clone_to_owned().unwrap());
    let before = file.metadata().unwrap().blocks();
    assert!(before * 512 >= file.metadata().unwrap().len(), "its maker has paid for it");
    let words = attach::<[u32; 256], 1024>(window.fd()).unwrap();
    assert_eq!((0..1024 * 256).fold(0, |sum, at| sum | words.read(at)), 0);
    assert_eq!(file.metadata().unwrap().blocks(), before);
}

#[test]
fn g06_a_region_whose_memory_lies_behind_its_end_is_refused() {
    let file = File::from(memfd::create(c"behind", 16 * PAGE).unwrap());
    fallocate(&file, FallocateFlags::KEEP_SIZE, 16 * PAGE, 16 * PAGE).unwrap();
    memfd::add_seals(&file, Seals::WRITE | Seals::SHRINK | Seals::GROW).unwrap();
    let sparse = CheckError::Sparse { size: 16 * PAGE, hole: 0 };
    assert_eq!(attach_region(&file, u64::MAX).unwrap_err(), sparse);
    assert_eq!(file.metadata().unwrap().blocks() * 512, 16 * PAGE, "nothing was read");
}

#[test]
fn g06_a_region_of_a_sparse_file_is_whole() {
    let on_disk = std::env::temp_dir().join(format!("annulet-sparse-{}", std::process::id()));
    let options = File::options().read(true).write(true).create(true).truncate(true).clone();
    let sources = [memfd::create(c"sparse", 0).map(File::from), options.open(&on_disk)];
    for source in sources {
        let mut source = source.unwrap();
        source.set_len(9 * PAGE).unwrap();
        source.write_all_at(b"in the middle", 4 * PAGE).unwrap();
        source.rewind().unwrap();
        let region = seal_region(&source).unwrap();
        let memory = attach_region(&region, u64::MAX).unwrap();
        assert_eq!(memory.len() as u64, 9 * PAGE);
        let (middle, end) = (4 * PAGE as usize, 4 * PAGE as usize + 13);
        assert_eq!(&memory[middle..end], b"in the middle");
        assert!(memory[..middle].iter().chain(&memory[end..]).all(|byte| *byte == 0));
    }
    std::fs::remove_file(on_disk).unwrap();
}
