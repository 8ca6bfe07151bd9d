//! Regions, and who pays for memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use annulet::host::{CheckError, attach_region, seal_region};
use annulet_platform::memfd;

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
    assert!(seal_region(&b""[..]).is_err(), "nothing to map");
}
