//! `split` lends the ring exclusively: there is no other writer while this one lives.

use annulet::Broadcast;

fn main() {
    let mut ring = Broadcast::<u32, 4>::new();
    let (mut writer, _) = ring.split();
    let (mut again, _) = ring.split();
    writer.publish(1);
    again.publish(2);
}
