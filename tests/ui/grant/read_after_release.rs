//! What was released is the producer's: no borrow of the items outlives the release.

use annulet::Spsc;

fn main() {
    let mut ring = Spsc::<u8, 4>::new();
    let (_tx, mut rx) = ring.split();
    let grant = rx.try_read_grant(1).unwrap();
    let items = grant.items();
    grant.release_all();
    assert_eq!(items.len(), 1);
}
