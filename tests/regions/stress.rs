//! Everything at once, from several threads.

use std::cell::UnsafeCell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use annulet::cap::{Access, CapError, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use annulet::region::{Descriptor, DescriptorError, RegionError, RegionTable, Validator};

use crate::over::Over;
use crate::{ME, at, descriptor};

/// Allows everything, to whoever names the generation that the descriptor has: what is tested is the table.
struct Anybody;

impl Access for Anybody {
    fn permits(&self, _: Task, cap: Handle<Cap>, region: u32, _: Rights) -> Result<Handle<Region>, CapError> {
        Ok(Handle::new(region, cap.generation()))
    }
}

fn check_all<const N: usize>(
    regions: &RegionTable<'_, N>,
    claim: &Descriptor,
) -> Result<u8, DescriptorError> {
    let cap = Handle::new(0, claim.region().generation());
    let view = Validator::new(regions, &Anybody, ME).check(cap, claim)?;
    let byte = view[0];
    assert!(view.iter().all(|other| *other == byte), "of two tenants at once");
    let twin = view.try_clone();
    assert!(twin.is_err() || twin.is_ok_and(|twin| *twin == *view));
    Ok(byte)
}

/// Lets the others go on. Not for ever: if nothing moves, that is a failure.
fn wait(waited: &mut u64) {
    *waited += 1;
    assert!(*waited < 20_000_000, "nothing moves");
    thread::yield_now();
}

/// Memory that belongs to the table while a region of it is registered, and to its owner otherwise.
struct Memory(UnsafeCell<[u8; 64]>);

// SAFETY: one thread owns it, and lends it to the table by the rules that are tested here.
unsafe impl Sync for Memory {}

impl Memory {
    /// # Safety
    /// The memory is not registered, and nobody has a view of it.
    unsafe fn fill(&self, byte: u8) {
        // SAFETY: nobody else has it, as the caller says.
        unsafe { *self.0.get() = [byte; 64] };
    }

    /// # Safety
    /// Until the region of it is revoked, it is not filled.
    unsafe fn lend(&self) -> &[u8] {
        // SAFETY: nobody writes to it, as the caller says.
        unsafe { &*self.0.get() }
    }
}

/// One thread registers, revokes and, once `revoke` said that nobody is inside, writes to the memory; others read
/// whatever they can get. A reader that was let in too late, or thrown out too early, sees two bytes at once, or
/// is found by Miri and the thread sanitizer.
///
/// `register` takes memory for the table's whole life, so safe code could not write to it between two tenants; this
/// is what a kernel does that has its own idea of who owns a page.
#[test]
fn c01_c12_what_is_revoked_is_not_read_and_what_is_read_is_not_written() {
    let tenants = if cfg!(miri) { 12 } else { 1_000_000 };
    let memory = Memory(UnsafeCell::new([0; 64]));
    let regions = RegionTable::<1>::numbered(0);
    let live = AtomicU64::new(at::<Region>(0, 0).to_raw());
    let (done, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for reader in 0..2 {
            let (regions, live, done, seen) = (&regions, &live, &done, &seen);
            scope.spawn(move || {
                let (mut old, mut used) = (at(0, 0), false);
                while !done.load(Ordering::Relaxed) {
                    let region = Handle::<Region>::from_raw(live.load(Ordering::Relaxed));
                    for region in [region, old] {
                        let answer = check_all(regions, &descriptor(region, 0, 64));
                        // The handle came without an edge, so whoever is early may still see the unused slot; but
                        // never again once it was seen otherwise.
                        assert!(!used || answer != Err(DescriptorError::BadHandle));
                        used |= answer != Err(DescriptorError::BadHandle);
                        match answer {
                            Ok(byte) => {
                                assert_eq!(byte, region.generation() as u8, "another tenant's byte");
                                seen.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(
                                DescriptorError::BadHandle
                                | DescriptorError::Stale
                                | DescriptorError::Contended,
                            ) => {}
                            Err(why) => panic!("reader {reader}: {why}"),
                        }
                    }
                    old = region;
                    thread::yield_now();
                }
            });
        }
        let _over = Over(&done);
        let most = if cfg!(annulet_narrow) { 255 } else { u32::MAX };
        for generation in (1..=most).take(tenants) {
            // SAFETY: nothing is registered: either nothing was, or `revoke` returned `Ok` below.
            unsafe { memory.fill(generation as u8) };
            // SAFETY: it is filled only above, after it was revoked.
            let bytes = unsafe { memory.lend() };
            let region = regions.register_immutable(bytes).unwrap();
            assert_eq!(region.generation(), generation);
            live.store(region.to_raw(), Ordering::Relaxed);
            if generation % 4 == 0 {
                thread::yield_now();
            }
            let mut waited = 0;
            while let Err(why) = regions.revoke(region) {
                // Two readers, a view and a clone each, and a check that is about to fail.
                assert!(matches!(why, RegionError::InUse(1..=4) | RegionError::Contended), "{why}");
                wait(&mut waited);
            }
        }
    });
    println!("{} views of {tenants} tenants", seen.into_inner());
}

/// One appends, others read what is committed: it is always what was appended, however far it has come.
#[test]
fn rv22_b05_readers_of_a_growing_region_see_what_was_appended() {
    let len = if cfg!(miri) { 24 } else { 1 << 16 };
    let mut memory = vec![0; len];
    let regions = RegionTable::<2>::new();
    let log = regions.register_append_only(&mut memory).unwrap();
    let byte_at = |at: usize| (at as u8).wrapping_mul(31) | 1;
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let validator = Validator::new(&regions, &Anybody, ME);
                let cap = Handle::new(0, log.generation());
                let (mut from, mut waited) = (0, 0);
                while from < len {
                    let committed = regions.info(log).unwrap().committed;
                    assert!(committed >= from, "it never shrinks");
                    let view = validator.check(cap, &descriptor(log, from as u64, committed - from)).unwrap();
                    assert!(view.iter().zip(from..).all(|(byte, at)| *byte == byte_at(at)));
                    from = committed;
                    wait(&mut waited);
                }
            });
        }
        scope.spawn(|| {
            let mut at = 0;
            while at < len {
                // A new appender each time, and pieces of many lengths.
                let mut appender = regions.appender(log).unwrap();
                let piece: Vec<u8> = (at..len.min(at + 1 + at % 7)).map(byte_at).collect();
                assert_eq!(appender.append(&piece), Ok(at as u64));
                at += piece.len();
                if cfg!(miri) {
                    thread::yield_now();
                }
            }
        });
    });
    assert_eq!(regions.info(log).unwrap().committed, len);
    assert_eq!(regions.revoke(log), Ok(()));
}

/// Several threads register and revoke in one table; nobody gets what somebody else has, and nothing is lost.
#[test]
fn c12_registering_from_everywhere() {
    let rounds = if cfg!(miri) { 6 } else { 20_000 };
    let most = if cfg!(annulet_narrow) { 60 } else { usize::MAX };
    let memory = [[1; 8], [2; 8], [3; 8]];
    let regions = RegionTable::<2>::new();
    thread::scope(|scope| {
        for mine in &memory {
            let regions = &regions;
            scope.spawn(move || {
                for _ in 0..rounds.min(most) {
                    let region = match regions.register_immutable(mine) {
                        Ok(region) => region,
                        Err(RegionError::TableFull | RegionError::Contended) => {
                            thread::yield_now();
                            continue;
                        }
                        Err(why) => panic!("{why}"),
                    };
                    assert_eq!(check_all(regions, &descriptor(region, 0, 8)), Ok(mine[0]));
                    let mut waited = 0;
                    while let Err(why) = regions.revoke(region) {
                        // Somebody who registers looks at what is there.
                        assert!(matches!(why, RegionError::InUse(1..=2) | RegionError::Contended), "{why}");
                        wait(&mut waited);
                    }
                    assert_eq!(regions.revoke(region), Err(RegionError::Stale));
                }
            });
        }
    });
    let left = [&memory[0], &memory[1]].map(|bytes| regions.register_immutable(bytes).unwrap());
    assert_ne!(left[0].index(), left[1].index(), "no slot is lost");
}

/// Two who revoke the same region: one of them has it, the other learns that it is gone or in use.
#[test]
fn c12_a_region_is_revoked_once() {
    let rounds = if cfg!(miri) { 10 } else { 20_000 };
    let rounds = if cfg!(annulet_narrow) { rounds.min(250) } else { rounds };
    let bytes = [5; 16];
    let regions = RegionTable::<2>::new();
    let live = AtomicU64::new(0);
    let (taken, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let revoke = |region| match regions.revoke(region) {
        Ok(()) => taken.fetch_add(1, Ordering::Relaxed) + 1,
        Err(RegionError::InUse(_) | RegionError::Stale | RegionError::Foreign | RegionError::Contended) => 0,
        Err(why) => panic!("{why}"),
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Before the first region there is no handle to be revoked. Acquire: a handle that is handed on without
                // order may come before its region, which is not there yet then.
                if let raw @ 1.. = live.load(Ordering::Acquire) {
                    revoke(Handle::from_raw(raw));
                }
                thread::yield_now();
            }
        });
        let _over = Over(&done);
        for round in 1..=rounds {
            let region = regions.register_immutable(&bytes).unwrap();
            live.store(region.to_raw(), Ordering::Release);
            let mut waited = 0;
            while taken.load(Ordering::Relaxed) < round {
                revoke(region);
                wait(&mut waited);
            }
            assert_eq!(taken.load(Ordering::Relaxed), round);
            assert_eq!(regions.revoke(region), Err(RegionError::Stale));
        }
    });
}
