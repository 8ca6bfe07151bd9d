use annulet::handle::Handle;
use annulet::region::Descriptor;

fn main() {
    let descriptor = Descriptor::new(Handle::new(0, 1), 0, 8, 0).unwrap();
    let _bytes: &[u8] = &descriptor;
}
