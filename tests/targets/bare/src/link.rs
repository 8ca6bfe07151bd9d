//! `Link`, `Window`, `WindowHeader`, and the words behind them.

use annulet::link::{Geometry, HEADER_BYTES, Interest, Link, Window, WindowHeader};
use annulet::words::{Adversary, Counting};

const N: usize = 8;
type Entry = [u32; 8];
type Side = Link<Entry, N, &'static Window<Entry, N>, &'static Window<Entry, N>>;

static MINE: Window<Entry, N> = Window::new();
static THEIRS: Window<Entry, N> = Window::new();

pub fn run() {
    all(&mut Link::new(&MINE, &THEIRS));
}

ops! {
    all[] Side:
    send(link, a, b) { usize::from(link.try_send(&[a as u32 ^ b as u32; 8]).is_ok()) }
    send_iter(link, a, b) { link.try_send_iter((0..a).map(|n| [n as u32 ^ b as u32; 8])).unwrap_or(b) }
    recv(link, _, b) { link.try_recv().map_or(b, |entry| entry.iter().fold(0, |sum, word| sum ^ *word as usize)) }
    drain(link, a, b) {
        let mut sum = 0;
        link.try_drain(a, |entry| sum ^= entry[0] as usize).map_or(b, |count| count ^ sum)
    }
    close(link, _, _) {
        link.close();
        0
    }
    reset(link, _, _) { usize::from(link.reset().is_ok()) }
    seen(link, _, _) { usize::from(link.is_poisoned()) + link.epoch() as usize + link.capacity() }
    sleep(link, a, b) {
        let what = if a > b { Interest::Readable } else { Interest::Writable };
        let seen = link.enable_notification(what) as usize;
        link.disable_notification();
        seen + usize::from(link.needs_notification(what)) + what.word()
    }
    header(_, a, b) {
        let geometry = Geometry::of::<Entry, N>();
        let total = geometry.total_bytes() as usize;
        let mut bytes = *WindowHeader::new(&geometry).as_bytes();
        if let Some(byte) = bytes.get_mut(a) {
            *byte = b as u8;
        }
        let whole: &[u8; HEADER_BYTES] = &bytes;
        total + usize::from(WindowHeader::check(whole, &geometry, b as u64).is_ok())
    }
    adversary(_, a, b) {
        let script = [a as u32, b as u32];
        let liar = Adversary::<8>::new(&script);
        let mut link = Link::<Entry, N, _, _>::new(&MINE, &liar);
        link.theirs().begin();
        let received = link.try_recv().map_or(0, |entry| entry[7] as usize);
        received + liar.loads() + liar.overrun() + liar.double_fetch().unwrap_or(a) + liar.log().count()
    }
    counting(_, a, _) {
        let (mine, theirs) = (Counting::new(&MINE), Counting::new(&THEIRS));
        let mut link = Link::<Entry, N, _, _>::new(&mine, &theirs);
        let sent = link.try_send(&[a as u32; 8]).is_ok();
        usize::from(sent) + mine.stores() as usize + theirs.loads() as usize
    }
}
