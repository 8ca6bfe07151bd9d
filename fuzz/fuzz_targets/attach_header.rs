//! Any 128 bytes and any size: the header check accepts exactly the one header that this side would write itself.
#![no_main]

use annulet::link::{Geometry, HEADER_BYTES, WindowHeader};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Forgery {
    /// Changes to a genuine header, so that the later checks are reached.
    changes: Vec<(u8, u8)>,
    scratch: Option<Box<[u8; HEADER_BYTES]>>,
    size: u64,
    genuine_size: bool,
}

fuzz_target!(|forgery: Forgery| {
    let geometry = Geometry::of::<[u32; 8], 64>();
    let genuine = *WindowHeader::new(&geometry).as_bytes();
    let mut bytes = forgery.scratch.map_or(genuine, |scratch| *scratch);
    for (at, value) in forgery.changes {
        bytes[usize::from(at) % HEADER_BYTES] = value;
    }
    let size = if forgery.genuine_size { geometry.total_bytes() } else { forgery.size };
    let accepted = WindowHeader::check(&bytes, &geometry, size).is_ok();
    assert_eq!(accepted, bytes == genuine && size >= geometry.total_bytes());
});
