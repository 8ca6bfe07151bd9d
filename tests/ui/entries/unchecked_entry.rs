//! What has no invalid words needs no check.

use annulet::words::Unchecked;

fn main() {
    let _: Unchecked<u32> = Unchecked::new(1);
}
