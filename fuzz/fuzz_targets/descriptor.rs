//! Any 24 bytes and any capability, against tables of every kind of region: the check says what a reference says
//! that computes in 128 bits and looks nothing up twice.
//!
//! proves: K06
#![no_main]

use annulet::cap::{CapError, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle, Region};
use annulet::region::{Descriptor, DescriptorError as E, Policy, RegionTable, Validator};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

const ME: Task = Task(1);
/// The number of the first slot of a table that its holder numbered 0.
const FIRST: u32 = 1 << 31;

#[derive(Arbitrary, Debug)]
struct Claim {
    region: Number,
    generation: Number,
    offset: u64,
    near: bool,
    length: u32,
    tag: u32,
    cap: Number,
    cap_generation: Number,
    align: u8,
    max_len: u32,
    immutable_only: bool,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Number {
    Small(u8),
    Any(u32),
}

impl Number {
    fn get(self) -> u32 {
        match self {
            Self::Small(n) => u32::from(n % 12),
            Self::Any(n) => n,
        }
    }

    /// Of a slot: mostly one of the tables here.
    fn slot(self) -> u32 {
        match self {
            Self::Small(_) => FIRST + self.get(),
            Self::Any(n) => n,
        }
    }
}

/// What the tables hold, as the reference sees it: policy, bytes that may be named, generation; by index.
type Truth = [Option<(Policy, u128, u32)>; 8];

fuzz_target!(|claim: Claim| {
    #[repr(align(64))]
    struct Aligned([u8; 256]);
    let (immutable, mut appended, mut slab, other) =
        (Aligned([7; 256]), Aligned([0; 256]), Aligned([0; 256]), Aligned([1; 256]));
    let gone = Aligned([2; 256]);
    let reserved = [0u32; 8];
    let regions = RegionTable::<8>::numbered(0);
    let a = regions.register_immutable(&immutable.0).unwrap();
    let b = regions.register_append_only(&mut appended.0).unwrap();
    regions.appender(b).unwrap().append(&[9; 100]).unwrap();
    let c = regions.register_slab(&mut slab.0, 16).unwrap();
    let d = regions.register_immutable(&other.0).unwrap();
    regions.revoke(d).unwrap();
    // Every other slot has its turn before the heir comes to stand in the slot of the one that is gone; the last of
    // them is empty then and was used before.
    let fillers: [u8; 4] = [3; 4];
    for _ in 4..8 {
        let filler = regions.register_immutable(&fillers).unwrap();
        regions.revoke(filler).unwrap();
    }
    let heir = regions.register_immutable(&other.0).unwrap();
    let e = regions.register_immutable(&gone.0).unwrap();
    regions.revoke(e).unwrap();
    let f = regions.reserve(&reserved).unwrap();
    assert_eq!((heir.index(), e.index(), f.index()), (d.index(), FIRST + 4, FIRST + 5));
    let mut truth: Truth = [None; 8];
    let mut set = |region: Handle<Region>, policy, limit| {
        truth[(region.index() - FIRST) as usize] = Some((policy, limit, region.generation()));
    };
    set(a, Policy::Immutable, 256);
    set(b, Policy::AppendOnly, 100);
    set(c, Policy::Slab, 0);
    set(heir, Policy::Immutable, 256);
    set(f, Policy::Reserved, 0);
    // Those that were used and hold nothing: the first check that looks at the region is that of the capability.
    let gone = [FIRST + 4, FIRST + 6, FIRST + 7];

    let mut caps = CapTable::<8>::numbered(0);
    let mut mint =
        |who, region: Handle<Region>, rights| caps.mint(who, Object::Region(region), rights, 0).unwrap();
    let all = Rights::READ | Rights::REVOKE;
    type Answer = Result<Handle<Region>, CapError>;
    let list: [(Handle<Cap>, Answer); 7] = [
        (mint(ME, a, all), Ok(a)),
        (mint(ME, b, all), Ok(b)),
        (mint(ME, c, all), Ok(c)),
        (mint(ME, d, all), Ok(d)),
        (mint(ME, heir, all), Ok(heir)),
        (mint(ME, a, Rights::WRITE), Err(CapError::NoRight { missing: Rights::READ })),
        (mint(Task(2), a, all), Err(CapError::NotHolder)),
    ];
    let revoked = mint(ME, a, all);
    caps.revoke(ME, revoked).unwrap();

    let region = Handle::<Region>::new(claim.region.slot(), claim.generation.get());
    let cap = Handle::<Cap>::new(claim.cap.slot(), claim.cap_generation.get());
    let (offset, length) = if claim.near {
        (claim.offset % 300, (claim.length % 300) as usize)
    } else {
        (claim.offset, claim.length as usize)
    };
    let descriptor = Descriptor::new(region, offset, length, claim.tag).unwrap();
    assert_eq!(Descriptor::from_bytes(&descriptor.to_bytes()), descriptor);
    let align = 1usize << (claim.align % 8);
    let mut validator = Validator::new(&regions, &caps, ME).align(align).max_len(claim.max_len);
    if claim.immutable_only {
        validator = validator.immutable_only();
    }

    let permits = || {
        if let Some((_, outcome)) = list.iter().find(|(known, _)| *known == cap) {
            let named = match outcome {
                Err(CapError::NotHolder) => return Err(CapError::NotHolder),
                Err(_) => a,
                Ok(named) => *named,
            };
            if named.index() != region.index() {
                return Err(CapError::WrongObject);
            }
            return *outcome;
        }
        // Every slot has had one tenant.
        Err(if !(FIRST..FIRST + 8).contains(&cap.index()) {
            CapError::Foreign
        } else if cap == revoked {
            CapError::Revoked
        } else {
            CapError::BadHandle
        })
    };
    let reference = || -> Result<(), E> {
        let (policy, limit, live) =
            match region.index().checked_sub(FIRST).map(|index| truth.get(index as usize)) {
                None | Some(None) => return Err(E::Foreign),
                Some(Some(None)) if gone.contains(&region.index()) => {
                    permits().map_err(E::Denied)?;
                    return Err(E::Stale);
                }
                Some(Some(Some((Policy::Reserved, ..)) | None)) => return Err(E::BadHandle),
                Some(Some(Some(found))) => *found,
            };
        if policy == Policy::Slab || policy == Policy::AppendOnly && claim.immutable_only {
            return Err(E::WrongPolicy { found: policy });
        }
        let named = permits().map_err(E::Denied)?;
        if region.generation() != live || named.generation() != live {
            return Err(E::Stale);
        }
        // All regions here begin at a multiple of 64; beyond that the address decides.
        if align <= 64 && !u128::from(offset).is_multiple_of(align as u128) {
            return Err(E::Misaligned { required: align });
        }
        let end = u128::from(offset) + length as u128;
        if end > limit {
            return Err(E::OutOfRange { end: u64::try_from(end).unwrap_or(u64::MAX), limit: limit as u64 });
        }
        if length as u128 > u128::from(claim.max_len) {
            return Err(E::TooLong { length: length as u64, limit: claim.max_len.into() });
        }
        Ok(())
    };
    let checked = validator.check(cap, &descriptor);
    if align > 64 && matches!(checked, Err(E::Misaligned { .. })) {
        return;
    }
    assert_eq!(checked.as_ref().map(drop).map_err(|why| *why), reference());
    if let Ok(view) = checked {
        assert_eq!(view.len(), length);
        assert_eq!(view.tag(), claim.tag);
        let content = if region == a {
            7
        } else if region == b {
            9
        } else {
            1
        };
        assert!(view.iter().all(|byte| *byte == content));
    }
});
