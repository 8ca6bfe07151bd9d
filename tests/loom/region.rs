//! `RegionTable`: readers that come and go, regions that come and go.
//!
//! The bytes of a region are plain memory, which loom does not watch. Beside them each model has one cell that it
//! does watch: it is read exactly where a view is read, and written exactly where the memory is somebody's alone.

use annulet::cap::{CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use annulet::region::{Descriptor, RegionError, RegionTable, Validator, View};
use loom::cell::UnsafeCell;
use loom::sync::Arc;

use crate::harness::{Main, at_once};

models! {
    fn c01_a_revoked_region_has_no_reader kills [SlotStateUnpin SlotStateClose] mutant m03_reading_without_a_view;
    fn c01_a_clone_of_a_view_keeps_its_region kills [SlotStateUnpin SlotStateClose] mutant m03_a_clone_that_is_dropped_first;
    // Its mutant: One of two readers is not inside: that the other one is does not save it.
    fn c02_revoke_comes_after_every_reader
        kills [SlotStateUnpin SlotStateClose] mutant |main| two_readers(main, World::read);
    fn c12_a_region_is_revoked_once kills [] mutant m03_whoever_revokes_takes_it;
    fn rv22_a_registered_region_is_seen_whole kills [SlotStateOpen SlotStatePin];
    fn c04_a_slot_goes_from_tenant_to_tenant kills [SlotStateClaim SlotStateRelease];
    fn c04_what_was_known_of_a_tenant_is_not_written_while_it_is_read kills [SlotStateClaim SlotStateRelease];
    fn b05_a_view_sees_the_appended_bytes kills [LengthCommit LengthObserve];
    fn b09_one_appender_at_a_time kills [BitmapClaim BitmapGiveBack];
    fn b09_slots_are_handed_out_in_turn_by_one_holder_after_another kills [BitmapClaim BitmapGiveBack];
    // Its mutant: The model's demand the other way round: that neither is refused.
    fn c12_two_that_register_at_once_have_two_slots = |main| assert!(register_two(main) < 2, "both were refused"),
        kills [BitmapClaim BitmapGiveBack] mutant |main| assert_eq!(register_two(main), 0);
}

const ME: Task = Task(1);
/// The first region of the table that is numbered 0, and the second one in its place.
const FIRST: Handle<Region> = Handle::new(1 << 31, 1);
const SECOND: Handle<Region> = Handle::new(1 << 31, 2);

static BYTES: [u8; 8] = [7; 8];
static OTHER_BYTES: [u8; 8] = [8; 8];

struct World {
    regions: RegionTable<'static, 1>,
    caps: CapTable<2>,
    cap: [Handle<Cap>; 2],
    memory: UnsafeCell<u32>,
}

// SAFETY: `memory` is what the models are about: loom reports every pair of accesses that is a race.
unsafe impl Sync for World {}
// SAFETY: as above.
unsafe impl Send for World {}

/// The same with a region in it.
fn registered() -> Arc<World> {
    let world = world();
    world.regions.register_immutable(&BYTES).unwrap();
    world
}

fn world() -> Arc<World> {
    let mut caps = CapTable::new();
    let mut mint = |region| caps.mint(ME, Object::Region(region), Rights::READ, 0).unwrap();
    let cap = [mint(FIRST), mint(SECOND)];
    Arc::new(World { regions: RegionTable::numbered(0), caps, cap, memory: UnsafeCell::new(0) })
}

impl World {
    fn view(&self, region: Handle<Region>) -> Option<View<'_>> {
        let descriptor = Descriptor::new(region, 0, 8, 0).unwrap();
        let cap = self.cap[region.generation() as usize - 1];
        Validator::new(&self.regions, &self.caps, ME).check(cap, &descriptor).ok()
    }

    /// Where a view is read.
    fn read(&self) {
        // SAFETY: loom reports it if somebody writes at the same time.
        self.memory.with(|memory| unsafe { memory.read() });
    }

    /// Where the memory is the caller's alone.
    fn write(&self) {
        // SAFETY: loom reports it if anybody else is there at the same time.
        self.memory.with_mut(|memory| unsafe { memory.write(1) });
    }

    fn view_and_read(&self) {
        if let Some(view) = self.view(FIRST) {
            self.read();
            drop(view);
        }
    }

    /// Revokes the first region, and writes to its memory if that says that nobody is inside.
    fn revoke_and_write(&self) -> Result<(), RegionError> {
        self.regions.revoke(FIRST)?;
        self.write();
        Ok(())
    }
}

/// After `revoke` returned `Ok`, nobody reads and nobody begins to.
fn c01_a_revoked_region_has_no_reader(main: Main) {
    let w = world();
    assert_eq!(w.regions.register_immutable(&BYTES), Ok(FIRST));
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    let (_, revoked) = at_once(main, move || reader.view_and_read(), move || owner.revoke_and_write());
    match revoked {
        Ok(()) => assert_eq!(w.regions.revoke(FIRST), Err(RegionError::Stale)),
        // The reader was inside; now it is gone.
        Err(why) => {
            assert_eq!(why, RegionError::InUse(1));
            assert!(w.view(FIRST).is_none(), "closed to newcomers");
            assert_eq!(w.regions.revoke(FIRST), Ok(()));
        }
    }
}

/// A view and its clone are two who are inside.
fn c01_a_clone_of_a_view_keeps_its_region(main: Main) {
    let w = registered();
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    at_once(
        main,
        move || {
            let Some(view) = reader.view(FIRST) else { return };
            let clone = view.try_clone().unwrap();
            drop(view);
            reader.read();
            drop(clone);
        },
        move || owner.revoke_and_write().is_ok(),
    );
}

/// Two readers at once: the one who closes comes after both, not only after the last to leave; and whoever copies is
/// done, or revoking is refused.
fn two_readers(main: Main, play: fn(&World)) {
    let w = registered();
    let other = Arc::clone(&w);
    let other = loom::thread::spawn(move || other.view_and_read());
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    at_once(main, move || play(&reader), move || owner.revoke_and_write().is_ok());
    other.join().unwrap();
}

fn c02_revoke_comes_after_every_reader(main: Main) {
    two_readers(main, |w| {
        if let Some(view) = w.view(FIRST) {
            w.read();
            w.read();
            drop(view);
        }
    });
}

/// Two who revoke: for one region, one of them is told `Ok`; and an old revocation, however late it goes on, does not
/// take the next tenant.
fn c12_a_region_is_revoked_once(main: Main) {
    let w = registered();
    let (late, owner) = (Arc::clone(&w), Arc::clone(&w));
    let (late, (first, second)) = at_once(
        main,
        move || late.regions.revoke(FIRST),
        move || {
            let first = owner.regions.revoke(FIRST);
            if first.is_err() {
                return (first, None);
            }
            assert_eq!(owner.regions.register_immutable(&OTHER_BYTES), Ok(SECOND));
            (first, Some(owner.regions.revoke(SECOND)))
        },
    );
    assert!(late.is_err() || first.is_err(), "revoked twice");
    // And of all who revoke it at once, the last to leave has it.
    assert!(late.is_ok() || first.is_ok(), "{late:?} {first:?}");
    if let Some(second) = second {
        let again = w.regions.revoke(SECOND);
        match second {
            Ok(()) => assert_eq!(again, Err(RegionError::Stale)),
            Err(why) => assert_eq!((why, again), (RegionError::InUse(1), Ok(()))),
        }
    }
}

/// Who sees a region sees what was in its memory before it was registered.
fn rv22_a_registered_region_is_seen_whole(main: Main) {
    let w = world();
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    at_once(
        main,
        move || {
            reader.view_and_read();
            loom::thread::yield_now();
            reader.view_and_read();
        },
        move || {
            owner.write();
            owner.regions.register_immutable(&BYTES).unwrap();
        },
    );
}

/// A slot goes from tenant to tenant, and what the first one's owner did is over by then.
fn c04_a_slot_goes_from_tenant_to_tenant(main: Main) {
    let w = registered();
    let (old, new) = (Arc::clone(&w), Arc::clone(&w));
    let (_, second) = at_once(
        main,
        move || {
            old.write();
            // The other side may be looking at the slot at that moment: registering compares the memory.
            if let Err(why) = old.regions.revoke(FIRST) {
                assert_eq!(why, RegionError::InUse(1));
            }
        },
        move || {
            let made = new.regions.register_immutable(&OTHER_BYTES);
            if made == Ok(SECOND) {
                new.write();
            }
            made
        },
    );
    if second == Ok(SECOND) {
        assert!(w.view(FIRST).is_none(), "the old handle reached the new tenant");
        assert!(w.view(SECOND).is_some());
    } else {
        assert_eq!(second, Err(RegionError::TableFull));
    }
}

/// The table's own notes of a tenant: whoever looks at them is done before the next tenant's are written over them,
/// though only who revokes the first tenant has seen the look end.
fn c04_what_was_known_of_a_tenant_is_not_written_while_it_is_read(main: Main) {
    let w = registered();
    let (old, new) = (Arc::clone(&w), Arc::clone(&w));
    let (looked, second) = at_once(
        main,
        move || {
            let info = old.regions.info(FIRST).unwrap();
            let _ = old.regions.revoke(FIRST);
            info.committed
        },
        move || new.regions.register_immutable(&OTHER_BYTES),
    );
    assert_eq!(looked, 8);
    assert!(second == Ok(SECOND) || second == Err(RegionError::TableFull));
}

/// What is committed is written.
fn b05_a_view_sees_the_appended_bytes(main: Main) {
    let w = world();
    // A model's memory is small; it stays for the process.
    let memory: &'static mut [u8] = Box::leak(Box::new([0; 8]));
    w.regions.register_append_only(memory).unwrap();
    let (reader, writer) = (Arc::clone(&w), Arc::clone(&w));
    at_once(
        main,
        move || reader.view_and_read(),
        move || {
            writer.write();
            let mut appender = writer.regions.appender(FIRST).unwrap();
            appender.append(&[1; 8]).unwrap();
        },
    );
}

/// Two writers, one after the other: the second one goes on where the first one stopped.
fn b09_one_appender_at_a_time(main: Main) {
    let w = world();
    let memory: &'static mut [u8] = Box::leak(Box::new([0; 8]));
    w.regions.register_append_only(memory).unwrap();
    let write = |w: Arc<World>| {
        move || match w.regions.appender(FIRST) {
            Ok(mut appender) => {
                w.write();
                appender.append(&[1; 4]).map_or(0, |_| 4)
            }
            Err(why) => {
                assert_eq!(why, RegionError::InUse(1));
                0
            }
        }
    };
    let (a, b) = at_once(main, write(Arc::clone(&w)), write(Arc::clone(&w)));
    assert_eq!(w.regions.info(FIRST).unwrap().committed, a + b, "an append went over another one");
}

/// Where the search for a free slot goes on is handed over with the slab.
fn b09_slots_are_handed_out_in_turn_by_one_holder_after_another(main: Main) {
    let w = world();
    let memory: &'static mut [u8] = Box::leak(Box::new([0; 48]));
    assert_eq!(w.regions.register_slab(memory, 8).unwrap(), FIRST);
    let alloc = |w: Arc<World>| {
        move || match w.regions.slab(FIRST) {
            Ok(mut slab) => {
                w.write();
                Some(slab.alloc().unwrap().slot().index())
            }
            Err(why) => {
                assert_eq!(why, RegionError::InUse(1));
                None
            }
        }
    };
    let (a, b) = at_once(main, alloc(Arc::clone(&w)), alloc(Arc::clone(&w)));
    let mut made: Vec<_> = [a, b].into_iter().flatten().collect();
    made.push(w.regions.slab(FIRST).unwrap().alloc().unwrap().slot().index());
    made.sort_unstable();
    assert!(made.iter().copied().eq(0..made.len() as u32), "{made:?}");
}

/// One party registers memory that it gets back if it is refused, at the same time as another one registers bytes.
/// Either is refused only because the other one is at it, and then tries again. Returns how many were refused.
fn register_two(main: Main) -> usize {
    let regions = Arc::new(RegionTable::<2>::numbered(0));
    let memory: &'static mut [u8] = Box::leak(Box::new([0; 8]));
    let (one, other) = (Arc::clone(&regions), Arc::clone(&regions));
    let (mine, theirs) =
        at_once(main, move || one.register_append_only(memory), move || other.register_immutable(&BYTES));
    let refused = usize::from(mine.is_err()) + usize::from(theirs.is_err());
    let mine = mine.unwrap_or_else(|refused| {
        assert_eq!(refused.why, RegionError::Contended);
        regions.register_append_only(refused.memory).unwrap()
    });
    let theirs = theirs.unwrap_or_else(|why| {
        assert_eq!(why, RegionError::Contended);
        regions.register_immutable(&BYTES).unwrap()
    });
    assert_ne!(mine.index(), theirs.index());
    assert_eq!((regions.revoke(mine), regions.revoke(theirs)), (Ok(()), Ok(())));
    refused
}

/// The step that is left out is the pin: the bytes are read when the view is gone.
fn m03_reading_without_a_view(main: Main) {
    let w = registered();
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    at_once(
        main,
        move || {
            let view = reader.view(FIRST);
            let seen = view.is_some();
            drop(view);
            if seen {
                reader.read();
            }
        },
        move || owner.revoke_and_write().is_ok(),
    );
}

/// The clone is let go of before the bytes are read.
fn m03_a_clone_that_is_dropped_first(main: Main) {
    let w = registered();
    let (reader, owner) = (Arc::clone(&w), Arc::clone(&w));
    at_once(
        main,
        move || {
            let Some(view) = reader.view(FIRST) else { return };
            let clone = view.try_clone().unwrap();
            drop((view, clone));
            reader.read();
        },
        move || owner.revoke_and_write().is_ok(),
    );
}

/// The model's demand the other way round: that both are told `Ok`.
fn m03_whoever_revokes_takes_it(main: Main) {
    let w = registered();
    let (one, other) = (Arc::clone(&w), Arc::clone(&w));
    let (one, other) = at_once(main, move || one.regions.revoke(FIRST), move || other.regions.revoke(FIRST));
    assert!(one.is_ok() && other.is_ok());
}
