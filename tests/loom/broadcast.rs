//! Models of the broadcast ring.
//!
//! Here a position is two words, as where words have 32 bits, and a half lap of the first word is two positions
//! ([`Site::HiPublish`](annulet::model::Site)), so that each model that publishes two items crosses one, and a ring has at most
//! two slots. [`one_word`] has the other form. The slots of a gated ring are shadowed by cells that loom
//! watches, as those of other rings are; those of an overwriting one are read and written at once by design.

use annulet::Broadcast;
use annulet::error::PopError;
use annulet::ring::broadcast::{Gated, GatedReader, OverflowPolicy, Overwrite, ReadError, Reader, Writer};

use crate::harness::{Main, at_once};
use crate::platform::lent;

models! {
    fn rr07_items_are_handed_over kills [SplitPublish LoObserve];
    fn rr07_a_copy_is_of_one_item
        kills [InvalidateFence ValidateFence] mutant |main| assert_eq!(one_copy(main), Ok(item(0)));
    fn rr07_each_item_is_read_or_counted kills [SplitPublish LoObserve InvalidateFence ValidateFence];
    fn rr07_a_lap_is_not_taken_for_another kills [HiPublish HiObserve HiAgain];
    fn rr07_the_newest_item_is_whole kills [InvalidateFence ValidateFence];
    fn rr06_readers_begin_at_once kills [SplitPublish LoObserve];
    fn rr08_room_is_handed_back kills [CursorPublish SplitPublish LoObserve];
    fn rr08_who_joins_at_the_oldest_is_waited_for
        kills [GateFence JoinFence] mutant |main| assert_eq!(join_at_oldest(main), 0);
    fn rr08_who_joins_at_the_newest_is_waited_for kills [GateFence JoinFence];
    fn rr08_who_joins_beside_another_is_waited_for kills [GateFence JoinFence];
    fn rr08_who_leaves_is_waited_for_no_longer kills [BitmapGiveBack];
    fn rr08_a_place_changes_hands kills [BitmapGiveBack BitmapHeld];
    fn e07_writers_follow_each_other kills [BitmapClaim BitmapGiveBack];
}

/// The models in which the form of a position matters, once more: where words have 64 bits, a position is one word.
pub mod one_word {
    use annulet::model::form;

    use crate::harness::Main;

    models! {
        fn rr07_items_are_handed_over_by_one_word kills [SplitPublish SplitObserve];
        fn rr07_a_copy_is_of_one_item_by_one_word kills [InvalidateFence ValidateFence];
        fn rr07_each_item_is_read_or_counted_by_one_word kills [SplitPublish SplitObserve InvalidateFence ValidateFence];
        fn rr07_the_newest_item_is_whole_by_one_word kills [InvalidateFence ValidateFence];
        fn rr06_readers_begin_at_once_by_one_word kills [SplitPublish SplitObserve];
        fn rr08_room_is_handed_back_by_one_word kills [CursorPublish SplitPublish SplitObserve];
        fn rr08_who_joins_at_the_oldest_is_waited_for_by_one_word kills [GateFence JoinFence];
        fn rr08_who_joins_at_the_newest_is_waited_for_by_one_word kills [GateFence JoinFence];
        fn rr08_who_joins_beside_another_is_waited_for_by_one_word kills [GateFence JoinFence];
    }

    macro_rules! again {
        ($($name:ident = $model:ident;)*) => {$(
            fn $name(main: Main) {
                form::set(false);
                super::$model(main);
            }
        )*};
    }
    again! {
        rr07_items_are_handed_over_by_one_word = rr07_items_are_handed_over;
        rr07_a_copy_is_of_one_item_by_one_word = rr07_a_copy_is_of_one_item;
        rr07_each_item_is_read_or_counted_by_one_word = rr07_each_item_is_read_or_counted;
        rr07_the_newest_item_is_whole_by_one_word = rr07_the_newest_item_is_whole;
        rr06_readers_begin_at_once_by_one_word = rr06_readers_begin_at_once;
        rr08_room_is_handed_back_by_one_word = rr08_room_is_handed_back;
        rr08_who_joins_at_the_oldest_is_waited_for_by_one_word = rr08_who_joins_at_the_oldest_is_waited_for;
        rr08_who_joins_at_the_newest_is_waited_for_by_one_word = rr08_who_joins_at_the_newest_is_waited_for;
        rr08_who_joins_beside_another_is_waited_for_by_one_word = rr08_who_joins_beside_another_is_waited_for;
    }
}

/// Positions start just below the end of their integer, so that every model wraps it, too.
const ORIGIN: usize = usize::MAX;

/// Two words that belong together, neither of them 0: an empty slot is no item.
type Item = [u32; 2];

fn item(number: u32) -> Item {
    [number + 1, !number]
}

type Tx<const N: usize, P> = Writer<'static, Item, N, P>;
type Rx<const N: usize> = Reader<'static, Item, N>;
type GatedRx<const N: usize> = GatedReader<'static, Item, N, 2>;

/// Lends a ring to threads, all of which are joined when `play` returns, and drops it.
fn stage<const N: usize, P: OverflowPolicy + 'static, R>(
    play: impl FnOnce(&'static Broadcast<Item, N, P>) -> R,
) -> R {
    lent(Broadcast::starting_at(ORIGIN), |ring| play(ring))
}

/// The one writer of a new ring.
fn writer<const N: usize, P: OverflowPolicy>(ring: &'static Broadcast<Item, N, P>) -> Tx<N, P> {
    // SAFETY: each model calls it once for its ring.
    unsafe { ring.writer_unchecked() }
}

/// Plays a writer of a ring in which `before` items were published, and a reader that began before them. What the
/// reader returns.
fn overwrite<const N: usize, R: 'static>(
    main: Main,
    before: u32,
    publish: impl FnOnce(&mut Tx<N, Overwrite>) + 'static,
    read: impl FnOnce(&mut Rx<N>) -> R + 'static,
) -> R {
    stage::<N, Overwrite, R>(|ring| {
        let (mut tx, mut rx) = (writer(ring), ring.reader_at_oldest());
        (0..before).for_each(|number| tx.publish(item(number)));
        at_once(main, move || publish(&mut tx), move || read(&mut rx)).1
    })
}

/// Reads so often, and accounts for each item from `next` on: how many were read or counted as missed.
fn account<const N: usize>(rx: &mut Rx<N>, tries: u32, mut next: u32) -> u32 {
    for _ in 0..tries {
        match rx.try_read() {
            Ok(seen) => {
                assert_eq!(seen, item(next));
                next += 1;
            }
            Err(ReadError::Lagged(missed)) => {
                assert!(missed > 0, "nothing was missed");
                next += missed as u32;
            }
            Err(error) => assert_eq!(error, ReadError::Empty),
        }
    }
    next
}

fn rr07_items_are_handed_over(main: Main) {
    let publish = |tx: &mut Tx<2, _>| (0..2).for_each(|number| tx.publish(item(number)));
    let read = |rx: &mut Rx<2>| (0..2).map(|_| rx.try_read()).collect::<Vec<_>>();
    let read = overwrite(main, 0, publish, read);
    let items: Vec<Item> = read.iter().copied().flatten().collect();
    assert_eq!(items, (0..items.len() as u32).map(item).collect::<Vec<_>>());
    assert!(read.iter().all(|read| !matches!(read, Err(ReadError::Lagged(_)))), "nothing was overwritten");
}

fn one_copy(main: Main) -> Result<Item, ReadError> {
    overwrite::<1, _>(main, 1, |tx| tx.publish(item(1)), |rx| rx.try_read())
}

fn rr07_a_copy_is_of_one_item(main: Main) {
    let read = one_copy(main);
    assert!(read == Ok(item(0)) || read == Err(ReadError::Lagged(1)), "{read:x?}");
}

fn rr07_each_item_is_read_or_counted(main: Main) {
    let publish = |tx: &mut Tx<2, _>| (2..4).for_each(|number| tx.publish(item(number)));
    let next = overwrite(main, 2, publish, |rx: &mut Rx<2>| account(rx, 2, 0));
    assert!((1..=4).contains(&next), "{next} of 4 items");
}

/// Two half laps of two positions in one look: the first word is the same after them.
fn rr07_a_lap_is_not_taken_for_another(main: Main) {
    let publish = |tx: &mut Tx<2, _>| {
        (0..2).for_each(|part| tx.publish_slice(&[item(2 * part), item(2 * part + 1)]));
    };
    let lag = overwrite(main, 0, publish, |rx: &mut Rx<2>| {
        let lags = [rx.lag(), rx.lag()];
        assert!(lags[0] <= lags[1], "{lags:?}");
        lags[1]
    });
    assert!(lag % 2 == 0 && lag <= 4, "{lag} of two times two items");
}

fn rr07_the_newest_item_is_whole(main: Main) {
    let publish = |tx: &mut Tx<2, _>| (2..4).for_each(|number| tx.publish(item(number)));
    let latest = overwrite(main, 2, publish, |rx: &mut Rx<2>| rx.latest()).unwrap();
    assert!((1..4).map(item).any(|item| item == latest), "{latest:x?}");
}

/// Both ways to begin, while the writer overwrites the oldest item.
fn rr06_readers_begin_at_once(main: Main) {
    stage::<2, Overwrite, _>(|ring| {
        let mut tx = writer(ring);
        tx.publish(item(0));
        let publish = move || (1..3).for_each(|number| tx.publish(item(number)));
        let begin = move || {
            let (mut oldest, mut newest) = (ring.reader_at_oldest(), ring.reader_at_newest());
            let seen = (oldest.try_read(), newest.try_read());
            for (read, least) in [(seen.0, 0), (seen.1, 1)] {
                match read {
                    Ok(seen) => assert!((least..3).map(item).any(|item| item == seen), "{seen:x?}"),
                    Err(ReadError::Lagged(missed)) => assert!((1..3).contains(&missed)),
                    Err(error) => assert_eq!(error, ReadError::Empty),
                }
            }
            assert_ne!(seen.0, Err(ReadError::Empty), "there always was one");
        };
        at_once(main, publish, begin);
    });
}

/// Reads until nothing is there, at most so often; each item is the one after the last.
fn follow<const N: usize>(rx: &mut GatedRx<N>, tries: u32, next: &mut Option<Item>) {
    for _ in 0..tries {
        match rx.try_read() {
            Ok(seen) => {
                assert!(next.is_none_or(|next| next == seen), "{seen:x?} for {next:x?}");
                assert_eq!(seen, item(seen[0] - 1), "torn");
                *next = Some(item(seen[0]));
            }
            Err(error) => assert_eq!(error, PopError::Empty),
        }
    }
}

fn rr08_room_is_handed_back(main: Main) {
    stage::<1, Gated<2>, _>(|ring| {
        let (mut tx, mut rx) = (writer(ring), ring.join_at_newest().unwrap());
        tx.try_publish(item(0)).unwrap();
        let publish = move || (1..3).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let read = move || {
            let mut next = Some(item(0));
            follow(&mut rx, 2, &mut next);
            // It stays, or the writer would wait for nobody.
            (next.unwrap()[0] - 1, rx)
        };
        let (more, (read, _rx)) = at_once(main, publish, read);
        assert!(more as u32 <= read && read <= more as u32 + 1, "{read} read, {} published", more + 1);
    });
}

/// One who joins while the writer overwrites the oldest of two items. The first item it reads.
fn join_at_oldest(main: Main) -> u32 {
    stage::<2, Gated<2>, _>(|ring| {
        let mut tx = writer(ring);
        (0..2).for_each(|number| tx.try_publish(item(number)).unwrap());
        let publish = move || (2..4).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let join = move || {
            let mut rx = ring.join_at_oldest().unwrap();
            let first = rx.try_read().expect("an item is there, whichever is the oldest");
            assert_eq!(first, item(first[0] - 1), "torn");
            follow(&mut rx, 1, &mut Some(item(first[0])));
            first[0] - 1
        };
        at_once(main, publish, join).1
    })
}

fn rr08_who_joins_at_the_oldest_is_waited_for(main: Main) {
    assert!(join_at_oldest(main) <= 2);
}

fn rr08_who_joins_at_the_newest_is_waited_for(main: Main) {
    stage::<1, Gated<2>, _>(|ring| {
        let mut tx = writer(ring);
        let publish = move || (0..3).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let join = move || {
            let mut rx = ring.join_at_newest().unwrap();
            follow(&mut rx, 2, &mut None);
        };
        at_once(main, publish, join);
    });
}

/// The writer looks at two places, one of which is taken while it does; that reader has the oldest item to read.
fn rr08_who_joins_beside_another_is_waited_for(main: Main) {
    stage::<2, Gated<2>, _>(|ring| {
        let (mut tx, mut there) = (writer(ring), ring.join_at_newest().unwrap());
        (0..2).for_each(|number| tx.try_publish(item(number)).unwrap());
        assert_eq!(there.skip(2), 2);
        let publish = move || (2..4).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let join = move || {
            let mut rx = ring.join_at_oldest().unwrap();
            follow(&mut rx, 2, &mut None);
        };
        at_once(main, publish, join);
        drop(there);
    });
}

fn rr08_who_leaves_is_waited_for_no_longer(main: Main) {
    stage::<1, Gated<2>, _>(|ring| {
        let (mut tx, mut rx) = (writer(ring), ring.join_at_newest().unwrap());
        tx.try_publish(item(0)).unwrap();
        let publish = move || (1..3).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let leave = move || {
            assert_eq!(rx.try_read(), Ok(item(0)));
            drop(rx);
        };
        at_once(main, publish, leave);
    });
}

/// Who comes into a place after another one has left it hands on what that one did there.
fn rr08_a_place_changes_hands(main: Main) {
    stage::<1, Gated<2>, _>(|ring| {
        let (mut tx, mut rx) = (writer(ring), ring.join_at_newest().unwrap());
        tx.try_publish(item(0)).unwrap();
        let publish = move || (1..3).map_while(|number| tx.try_publish(item(number)).ok()).count();
        let leave_and_join = move || {
            assert_eq!(rx.try_read(), Ok(item(0)));
            drop(rx);
            let mut rx = ring.join_at_newest().unwrap();
            follow(&mut rx, 1, &mut None);
        };
        at_once(main, publish, leave_and_join);
    });
}

fn e07_writers_follow_each_other(main: Main) {
    stage::<2, Overwrite, _>(|ring| {
        let send = |number: u32| ring.try_writer().map(|mut tx| tx.publish(item(number))).is_some();
        let (one, two) = at_once(main, move || [send(0)], move || [send(1), send(2)]);
        let sent = one.into_iter().chain(two).filter(|sent| *sent).count();
        let mut rx = ring.reader_at_newest();
        assert_eq!(rx.try_read(), Err(ReadError::Empty));
        assert_eq!(ring.len(), sent.min(2), "each item has its slot");
        assert_eq!(ring.reader_at_oldest().lag(), sent.min(2) as u64);
    });
}
