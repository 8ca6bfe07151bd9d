//! Bytes that are passed by description: regions, descriptors, the one check, and the view.
//!
//! Use it to pass bytes without a copy to a task that you do not trust, or from it. Small messages are sent more simply as the
//! entries of a [`Link`](crate::link::Link).
//!
//! A [`Descriptor`] is 24 bytes that *claim*: so many bytes, from there, of that region. It is checked only against this
//! side's own tables. The region's memory, policy and committed length come from the [`RegionTable`]. The rights come from the
//! [`CapTable`](crate::cap::CapTable), or from another implementation of [`Access`](crate::cap::Access).
//! [`Validator::check`] is the only way from a descriptor to bytes. It returns a [`View`], which pins the region: as long as the
//! view lives, the bytes neither move nor change.
//!
//! | policy | bytes are written by | descriptors |
//! |---|---|---|
//! | [`Policy::Immutable`] | no one, for as long as it is registered | any part |
//! | [`Policy::AppendOnly`] | its one [`Appender`], behind the committed part | the committed part |
//! | [`Policy::Slab`] | the holder of a slot | refused: the bytes could change after the check |
//!
//! # Examples
//!
//! ```
//! use annulet::cap::{CapTable, Object, Rights, Task};
//! use annulet::region::{Descriptor, DescriptorError, RegionTable, Validator};
//!
//! let vectors = [7u8; 4096];
//! let regions = RegionTable::<4>::new();
//! let region = regions.register_immutable(&vectors).unwrap();
//! let mut caps = CapTable::<4>::new();
//! let task = Task(1);
//! let cap = caps.mint(task, Object::Region(region), Rights::READ, 0).unwrap();
//!
//! let validator = Validator::new(&regions, &caps, task);
//! let view = validator.check(cap, &Descriptor::new(region, 1024, 3072, 0).unwrap()).unwrap();
//! assert_eq!(view.len(), 3072);
//!
//! let beyond = Descriptor::new(region, 1024, 3073, 0).unwrap();
//! assert_eq!(validator.check(cap, &beyond).unwrap_err(), DescriptorError::OutOfRange { end: 4097, limit: 4096 });
//! ```
//!
//! # Guarantees
//!
//! | | |
//! |---|---|
//! | a hostile descriptor | gets one exact error, in a fixed order ([`DescriptorError`]) |
//! | memory | no access outside a region is possible |
//! | revocation | after [`RegionTable::revoke`] returned `Ok`, no view of the region exists or can be made |
//! | a view that exists | makes `revoke` answer [`RegionError::InUse`]; no new one is made from then on |
//! | old descriptors | never reach a region's successor: generations rise, and used-up slots are retired |
//! | handles of another table or slab | are [`Foreign`](RegionError::Foreign): slots are numbered throughout the process |
//! | generations | are spent evenly: no slot is used up before all are, if they come free |
//! | memory that is refused | comes back in the error ([`RegisterError`]) |
//! | counts of views | stop at their maximum with [`DescriptorError::TooManyViews`]; they never wrap |
//! | progress | every operation is bounded, and none waits |

mod append;
mod chain;
mod descriptor;
mod error;
mod slab;
mod table;
mod validator;
mod view;

pub use append::Appender;
pub use chain::{Chain, ChainLimit, ChainLink};
pub use descriptor::{Descriptor, Offer};
pub use error::{DescriptorError, RegionError, RegisterError};
pub use slab::{Slab, SlabSlot};
pub use table::{RegionInfo, RegionTable};
pub use validator::Validator;
pub use view::View;

// What the borrow checker is trusted with. Each example that fails stands behind one that compiles and differs from
// it in the one thing that is wrong.
/// The memory outlives the table's use of it, and the table's memory is neither longer- nor shorter-lived than it says:
///
/// ```
/// # use annulet::region::RegionTable;
/// static BYTES: [u8; 4] = [7; 4];
/// let regions: RegionTable<'static, 4> = RegionTable::new();
/// regions.register_immutable(&BYTES).unwrap();
/// ```
/// ```compile_fail,E0597
/// # use annulet::region::RegionTable;
/// let bytes = [7; 4];
/// let regions: RegionTable<'static, 4> = RegionTable::new();
/// regions.register_immutable(&bytes).unwrap();
/// ```
/// ```compile_fail,E0597
/// # use annulet::region::RegionTable;
/// let regions = RegionTable::<4>::new();
/// {
///     let bytes = [7; 4];
///     regions.register_immutable(&bytes).unwrap();
/// }
/// regions.register_immutable(&[8; 4]).unwrap();
/// ```
///
/// Were it covariant, a shorter-lived buffer could get into a longer-lived table; were it contravariant, a table
/// could promise more than it has:
///
/// ```
/// # use annulet::region::RegionTable;
/// fn same<'t, 'm>(regions: &'t RegionTable<'m, 4>) -> &'t RegionTable<'m, 4> { regions }
/// ```
/// ```compile_fail
/// # use annulet::region::RegionTable;
/// fn shrink<'t, 'm>(regions: &'t RegionTable<'static, 4>) -> &'t RegionTable<'m, 4> { regions }
/// ```
/// ```compile_fail
/// # use annulet::region::RegionTable;
/// fn grow<'t, 'm>(regions: &'t RegionTable<'m, 4>) -> &'t RegionTable<'static, 4> { regions }
/// ```
///
/// Memory that is appended to, or handed out, is borrowed exclusively:
///
/// ```
/// # use annulet::region::RegionTable;
/// let mut memory = [0; 64];
/// let regions = RegionTable::<4>::new();
/// regions.register_append_only(&mut memory).unwrap();
/// drop(regions);
/// memory[0] = 1;
/// ```
/// ```compile_fail,E0506
/// # use annulet::region::RegionTable;
/// let mut memory = [0; 64];
/// let regions = RegionTable::<4>::new();
/// regions.register_append_only(&mut memory).unwrap();
/// memory[0] = 1;
/// drop(regions);
/// ```
///
/// Memory that was refused is the caller's again, to be registered elsewhere, or later:
///
/// ```
/// # use annulet::region::{RegionError, RegionTable};
/// let (mut log, mut slab) = ([0; 64], [0; 64]);
/// let (regions, others) = (RegionTable::<0>::new(), RegionTable::<4>::new());
/// let refused = regions.register_append_only(&mut log).unwrap_err();
/// assert_eq!(refused.why, RegionError::Retired);
/// let refused = regions.register_append_only(refused.memory).unwrap_err();
/// others.register_append_only(refused.memory).unwrap();
/// let refused = regions.register_slab(&mut slab, 8).unwrap_err();
/// others.register_slab(refused.memory, 8).unwrap();
/// ```
/// ```compile_fail,E0499
/// # use annulet::region::{RegionError, RegionTable};
/// let mut log = [0; 64];
/// let (regions, others) = (RegionTable::<0>::new(), RegionTable::<4>::new());
/// let refused = regions.register_append_only(&mut log).unwrap_err();
/// assert_eq!(refused.why, RegionError::Retired);
/// others.register_append_only(&mut log).unwrap();
/// drop(regions);
/// ```
///
/// A view's bytes do not outlive it, nor it the table; it is not made in any other way:
///
/// ```
/// # use annulet::region::View;
/// fn bytes<'v>(view: &'v View<'_>) -> &'v [u8] { view.bytes() }
/// ```
/// ```compile_fail
/// # use annulet::region::View;
/// fn bytes<'t>(view: View<'t>) -> &'t [u8] { view.bytes() }
/// ```
/// ```compile_fail
/// # use annulet::region::View;
/// fn bytes<'v, 't>(view: &'v View<'t>) -> &'t [u8] { view.bytes() }
/// ```
/// ```compile_fail,E0505
/// # use annulet::{cap::*, handle::Handle, region::*};
/// let regions = RegionTable::<4>::new();
/// let caps = CapTable::<4>::new();
/// let claim = Descriptor::new(Handle::new(0, 1), 0, 1, 0).unwrap();
/// let view = Validator::new(&regions, &caps, Task(1)).check(Handle::new(0, 1), &claim);
/// drop(regions);
/// drop(view);
/// ```
/// ```compile_fail,E0451
/// # use annulet::region::View;
/// fn forge(view: View<'_>) { let View { bytes, .. } = view; }
/// ```
///
/// It holds the table of regions, not that of capabilities:
///
/// ```
/// # use annulet::{cap::*, handle::Handle, region::*};
/// let regions = RegionTable::<4>::new();
/// let caps = CapTable::<4>::new();
/// let claim = Descriptor::new(Handle::new(0, 1), 0, 1, 0).unwrap();
/// let view = Validator::new(&regions, &caps, Task(1)).check(Handle::new(0, 1), &claim);
/// drop(caps);
/// drop(view);
/// ```
///
/// What a slab hands out is borrowed from the slab, one slot at a time:
///
/// ```
/// # use annulet::region::*;
/// fn two(slab: &mut Slab<'_>, a: SlabSlot, b: SlabSlot) -> Option<(u8, u8)> {
///     let first = slab.bytes(a).ok()?[0];
///     let second = slab.bytes(b).ok()?[0];
///     Some((first, second))
/// }
/// ```
/// ```compile_fail,E0499
/// # use annulet::region::*;
/// fn two(slab: &mut Slab<'_>, a: SlabSlot, b: SlabSlot) -> Option<(u8, u8)> {
///     let first = slab.bytes(a).ok()?;
///     let second = slab.bytes(b).ok()?;
///     Some((first[0], second[0]))
/// }
/// ```
#[cfg(doctest)]
struct Lifetimes;

/// What may happen to a region's bytes while it is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// The bytes never change.
    Immutable,
    /// The committed bytes never change. More are committed behind them.
    AppendOnly,
    /// The bytes change as slots are handed out and come back. No descriptors are admitted.
    Slab,
    /// It is no region, but memory that no region may overlap: a ring, a table.
    Reserved,
}
