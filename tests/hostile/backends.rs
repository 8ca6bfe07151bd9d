//! Words that lie about themselves, and the backends that are real memory.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use annulet::link::{Entry, Link, LinkError, Window};
use annulet::region::{Descriptor, Offer};
use annulet::words::{
    Adversary, Counting, OwnMapping, PeerMapping, ReadWords, WordAccess, WordCount, WriteWords,
};

use crate::peer::{HEAD, SLOTS, TAIL, word};

/// Words that come out of a generator: another answer to every load, whatever was asked before.
struct Noise(Cell<u64>);

impl Noise {
    fn next(&self, at: usize) -> u32 {
        // SplitMix64; sometimes a small number, so that some of it is believed.
        let seed = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(seed);
        let mut z = seed ^ at as u64;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        if z & 1 == 0 { (z >> 8) as u32 & 0x0200_000f } else { (z >> 16) as u32 }
    }
}

impl ReadWords for Noise {
    fn read(&self, at: usize) -> u32 {
        self.next(at)
    }
    fn observe(&self, at: usize) -> u32 {
        self.next(at)
    }
}

/// Loses every second store, and keeps the others somewhere else.
struct Sieve(RefCell<Vec<(usize, u32)>>, Cell<bool>);

impl WriteWords for Sieve {
    fn write(&self, at: usize, value: u32) {
        if self.1.replace(!self.1.get()) {
            let mut kept = self.0.borrow_mut();
            kept.push((at / 2, value));
            kept.truncate(16);
        }
    }
    fn publish(&self, at: usize, value: u32) {
        self.write(at, value);
    }
}

/// The traits are safe, so anybody may implement them as badly as they like. Nothing unsafe hangs on them: under
/// Miri this is the proof, elsewhere that nothing panics and no count is exceeded.
#[test]
fn k07_backends_that_lie_are_only_another_liar() {
    let (rounds, seeds) = if cfg!(miri) { (20, 3) } else { (1000, 100) };
    for seed in 0..seeds {
        let sieve = Sieve(RefCell::default(), Cell::new(false));
        let noise = Counting::new(Noise(Cell::new(seed)));
        let mut link = Link::<Offer, 4, _, _>::new(&sieve, &noise);
        for round in 0..rounds {
            noise.reset();
            let mut shown = 0;
            match round % 6 {
                0 | 3 => drop(link.try_recv()),
                1 => drop(link.try_drain(usize::MAX, |_| shown += 1)),
                2 => drop(link.try_send(&Offer::from_image([round; 8]))),
                4 => drop(link.try_send_iter(std::iter::repeat_n(Offer::from_image([1; 8]), 9))),
                _ if round % 37 == 5 => link.close(),
                _ => drop(link.reset()),
            }
            assert!(shown <= 4 && noise.loads() <= 1 + 4 * 8);
        }
    }
}

/// Data is data: no entry of the peer's can be taken for an answer of the library, whatever words it is made of.
#[test]
fn c10_no_entry_is_taken_for_an_error() {
    let markers = [0, 1, 2, u32::MAX, u32::MAX - 1, 0xdead_beef, i32::MIN as u32, word(1, false, 0), 1 << 24];
    let (a, b) = (Window::<u64, 4>::new(), Window::<u64, 4>::new());
    let mut tx = Link::<u64, 4, _, _>::new(&a, &b);
    let mut rx = Link::<u64, 4, _, _>::new(&b, &a);
    for low in markers {
        for high in markers {
            let entry = u64::from_image([low, high]);
            tx.try_send(&entry).unwrap();
            assert_eq!(rx.try_recv(), Ok(entry));
            assert_eq!(rx.try_recv(), Err(LinkError::Empty));
        }
    }
}

#[test]
fn entries_come_out_as_they_went_in() {
    fn round_trip<E: Entry + PartialEq + std::fmt::Debug>(entry: E) {
        assert_eq!(E::from_image(entry.to_image()), entry);
    }
    for word in [0, 1, 0x8000_0000, u32::MAX, 0x0102_0304] {
        round_trip(word);
        round_trip(u64::from(word) << 32 | 7);
        round_trip([word, !word, 5]);
        let image = std::array::from_fn(|i| word.rotate_left(i as u32 * 5) ^ i as u32);
        round_trip(Descriptor::from_image(image));
        round_trip(Offer::from_image(std::array::from_fn(|i| word ^ i as u32)));
        assert_eq!(Descriptor::from_image(image).to_image(), image);
    }
}

/// Beyond their end, real windows are zero and swallow what is stored.
fn bounds(window: &(impl ReadWords + WriteWords), end: usize) {
    for at in [end, end + 1, usize::MAX / 4, usize::MAX / 4 + 1, usize::MAX] {
        window.write(at, 1);
        window.publish(at, 2);
        assert_eq!((window.read(at), window.observe(at)), (0, 0));
    }
    window.write(end - 1, 7);
    assert_eq!((window.read(end - 1), window.observe(end - 1)), (7, 7));
}

#[test]
fn k07_a_window_ends_where_it_ends() {
    type W = Window<u64, 4>;
    assert_eq!((W::WORDS, W::BYTES), (SLOTS + 8, 4 * (SLOTS + 8)));
    let window = W::new();
    bounds(&&window, W::WORDS);
    assert_eq!((window.read(TAIL), window.read(HEAD)), (0, 0));
}

/// An extent of ten words; the memory has more behind it, which must stay as it is.
struct Ten;
impl WordCount for Ten {
    const WORDS: usize = 10;
}

/// One window as its owner has it, and as the peer sees it.
struct Both<'m>(OwnMapping<Ten, ()>, PeerMapping<Ten, ()>, &'m [AtomicU32]);

impl<'m> Both<'m> {
    fn new(memory: &'m [AtomicU32]) -> Self {
        let base = NonNull::from(memory).cast::<u32>();
        assert!(memory.len() > Ten::WORDS);
        // SAFETY: more than ten words, aligned, borrowed for longer than the two live, reached by atomics only.
        let own = unsafe { OwnMapping::new(base, ()) };
        // SAFETY: as above; and reading memory of one's own does not fault.
        let foreign = unsafe { PeerMapping::new(base, ()) };
        Self(own, foreign, memory)
    }
}

impl ReadWords for Both<'_> {
    fn read(&self, at: usize) -> u32 {
        self.1.read(at)
    }
    fn observe(&self, at: usize) -> u32 {
        self.1.observe(at)
    }
}

impl WriteWords for Both<'_> {
    fn write(&self, at: usize, value: u32) {
        self.0.write(at, value);
    }
    fn publish(&self, at: usize, value: u32) {
        self.0.publish(at, value);
    }
}

#[test]
fn k07_a_mapping_ends_where_its_extent_ends() {
    let memory: Vec<AtomicU32> = (0..12).map(|_| AtomicU32::new(0x5555_5555)).collect();
    let both = Both::new(&memory);
    bounds(&both, Ten::WORDS);
    both.write(3, 0x0102_0304);
    assert_eq!(memory[3].load(Ordering::Relaxed), u32::from_le_bytes([4, 3, 2, 1]).to_le());
    assert!(both.0.word(9).is_some() && both.0.word(10).is_none());
    assert!(both.2[10..].iter().all(|word| word.load(Ordering::Relaxed) == 0x5555_5555));
}

/// Lets the other side go on. Not for ever: if nothing moves, that is a failure.
fn wait(waited: &mut u64) {
    *waited += 1;
    assert!(*waited < 20_000_000, "nothing moves");
    std::thread::yield_now();
}

/// Two sides over the backends for mappings, one of them in another thread.
#[test]
fn mappings_carry_a_link_between_threads() {
    type W = Window<u64, 4>;
    let count = if cfg!(miri) { 30 } else { 20_000 };
    let (a, b) = (W::new(), W::new());
    // SAFETY: a window has `W::WORDS` words, is borrowed for as long as both ends live, and is only ever reached by
    // atomic accesses.
    let own = |window: &W| unsafe { OwnMapping::<W, ()>::new(NonNull::from(window).cast(), ()) };
    // SAFETY: as above.
    let foreign = |window: &W| unsafe { PeerMapping::<W, ()>::new(NonNull::from(window).cast(), ()) };
    let mut here = Link::<u64, 4, _, _>::new(own(&a), foreign(&b));
    let mut there = Link::<u64, 4, _, _>::new(own(&b), foreign(&a));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..count {
                let mut waited = 0;
                while let Err(why) = there.try_send(&(number << 20)) {
                    assert_eq!(why, LinkError::Full);
                    wait(&mut waited);
                }
            }
            there.close();
        });
        let (mut next, mut waited) = (0, 0);
        loop {
            match here.try_recv() {
                Ok(entry) => {
                    assert_eq!(entry, next << 20);
                    (next, waited) = (next + 1, 0);
                }
                Err(LinkError::Empty) => wait(&mut waited),
                Err(LinkError::Closed) => break,
                Err(why) => panic!("{why}"),
            }
        }
        assert_eq!(next, count);
    });
}

/// The adversary's own promises, where the tests lean on them.
#[test]
fn k01_the_oracle_keeps_the_last_of_a_long_operation_and_the_script_goes_on() {
    let script: Vec<u32> = (0..10).collect();
    let adversary = Adversary::<4>::new(&script);
    for at in 0..6 {
        assert_eq!(adversary.read(at), at as u32);
    }
    let log: Vec<_> = adversary.log().collect();
    assert_eq!(log, [2, 3, 4, 5].map(|at| WordAccess::Load { at, value: at as u32 }));
    assert_eq!(adversary.double_fetch(), None);
    adversary.begin();
    assert_eq!(adversary.observe(0), 6, "the script goes on");
    assert_eq!((adversary.loads(), adversary.overrun()), (1, 0));
    for _ in 0..5 {
        adversary.read(9);
    }
    assert_eq!((adversary.overrun(), adversary.double_fetch()), (2, Some(9)));
    // None at all is no log, and no panic.
    let blind = Adversary::<0>::new(&[1]);
    assert_eq!((blind.read(0), blind.log().count(), blind.loads()), (1, 0, 1));
}
