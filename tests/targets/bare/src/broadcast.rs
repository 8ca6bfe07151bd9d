//! `Broadcast`: its ring, its writer, its readers, under both policies.

use annulet::Broadcast;
#[cfg(compare_and_swap)]
use annulet::ring::broadcast::{Gated, GatedReader, Overwrite};
use annulet::ring::broadcast::{Pressure, Reader, Writer};
#[cfg(compare_and_swap)]
use annulet::stats::{Counts, DirectionStats};

const N: usize = 8;
type Item = [u32; 6];

/// A ring that nobody uses, and the handles of another one.
struct Rings {
    whole: Broadcast<Item, N>,
    writer: Writer<'static, Item, N>,
    reader: Reader<'static, Item, N>,
}

static RING: Broadcast<Item, N> = Broadcast::new();

pub fn run() {
    // SAFETY: it is run once, and this is the only writer of this ring that is made.
    let writer = unsafe { RING.writer_unchecked() };
    let mut rings = Rings { whole: Broadcast::new(), writer, reader: RING.reader_at_oldest() };
    all(&mut rings);
    #[cfg(compare_and_swap)]
    {
        gated();
        counted();
    }
}

ops! {
    all[] Rings:
    ring_new(rings, a, _) {
        rings.whole = Broadcast::starting_at(a);
        rings.whole.capacity()
    }
    ring_split(rings, a, _) {
        let (mut writer, ring) = rings.whole.split();
        writer.publish(item(a));
        ring.reader_at_oldest().try_read().map_or(0, see)
    }
    ring_writer_unchecked(rings, a, _) {
        // SAFETY: the ring is borrowed exclusively, so nobody has its writer, and this one is dropped here.
        let mut writer = unsafe { rings.whole.writer_unchecked() };
        writer.publish(item(a));
        writer.len()
    }
    ring_counts(rings, _, _) {
        rings.whole.len() + rings.whole.capacity() + usize::from(rings.whole.is_empty())
    }
    #[cfg(compare_and_swap)]
    ring_try_writer(rings, a, _) {
        rings.whole.try_writer().map_or(0, |mut writer| {
            writer.publish(item(a));
            writer.len()
        })
    }
    publish(rings, a, _) {
        rings.writer.publish(item(a));
        0
    }
    publish_slice(rings, a, b) {
        let items = [item(a); 12];
        rings.writer.publish_slice(items.get(..b).unwrap_or(&items));
        0
    }
    publish_iter(rings, a, b) { rings.writer.publish_iter((0..b).map(|_| item(a))) }
    writer_counts(rings, _, _) {
        rings.writer.len() + rings.writer.capacity() + usize::from(rings.writer.is_empty())
    }
    begin_at_oldest(rings, _, _) {
        rings.reader = RING.reader_at_oldest();
        0
    }
    begin_at_newest(rings, _, _) {
        rings.reader = RING.reader_at_newest();
        0
    }
    reader_clone(rings, _, _) {
        rings.reader = rings.reader.clone();
        0
    }
    try_read(rings, _, _) { rings.reader.try_read().map_or(0, see) }
    try_read_slice(rings, a, b) {
        let mut out = [item(a); 12];
        let read = out.get_mut(..b).map_or(Ok(0), |out| rings.reader.try_read_slice(out));
        read.map_or(0, |count| out.iter().take(count).map(|item| see(*item)).fold(0, usize::wrapping_add))
    }
    drain(rings, a, _) {
        let mut sum = 0_usize;
        let count = rings.reader.try_drain(a, |item| sum = sum.wrapping_add(see(item)));
        count.map_or(sum, |count| sum.wrapping_add(count))
    }
    latest(rings, _, _) { rings.reader.latest().map_or(0, see) }
    skip(rings, a, _) { rings.reader.skip(a as u64) as usize }
    reader_counts(rings, _, _) {
        let reader = &rings.reader;
        let counts = reader.len() + reader.capacity() + usize::from(reader.is_empty());
        counts.wrapping_add(reader.lag() as usize).wrapping_add(press(reader.backpressure()))
    }
}

fn item(number: usize) -> Item {
    [number as u32; 6]
}

fn see(item: Item) -> usize {
    item[5] as usize
}

fn press(pressure: Pressure) -> usize {
    let flags = usize::from(pressure.is_under_pressure()) + usize::from(pressure.should_throttle());
    pressure.behind() + pressure.capacity() + pressure.percent() as usize + flags
}

#[cfg(compare_and_swap)]
struct Held {
    writer: Option<Writer<'static, Item, N, Gated<3>>>,
    reader: Option<GatedReader<'static, Item, N, 3>>,
}

#[cfg(compare_and_swap)]
static HELD: Broadcast<Item, N, Gated<3>> = Broadcast::new();

#[cfg(compare_and_swap)]
fn gated() {
    let mut held = Held { writer: HELD.try_writer(), reader: None };
    all_gated(&mut held);
}

#[cfg(compare_and_swap)]
ops! {
    all_gated[] Held:
    gated_split(_, a, _) {
        let mut ring = Broadcast::<u64, 2, Gated<1>>::starting_at(a);
        let (mut writer, ring) = ring.split();
        let joined = ring.join_at_oldest();
        let published = writer.try_publish(a as u64).is_ok();
        joined.map_or(0, |mut reader| reader.try_read().unwrap_or(0) as usize) + usize::from(published)
    }
    join_at_oldest(held, _, _) {
        held.reader = HELD.join_at_oldest().ok();
        held.reader.is_some().into()
    }
    join_at_newest(held, _, _) {
        held.reader = HELD.join_at_newest().ok();
        held.reader.is_some().into()
    }
    leave(held, _, _) { held.reader.take().is_some().into() }
    try_publish(held, a, _) {
        let Some(writer) = &mut held.writer else { return 0 };
        writer.try_publish(item(a)).map_or_else(|refused| see(refused.into_inner()), |()| 0)
    }
    publish_partial_slice(held, a, b) {
        let items = [item(a); 12];
        let Some(writer) = &mut held.writer else { return 0 };
        writer.publish_partial_slice(items.get(..b).unwrap_or(&items))
    }
    publish_partial_iter(held, a, b) {
        let Some(writer) = &mut held.writer else { return 0 };
        writer.publish_partial_iter((0..b).map(|_| item(a)))
    }
    gated_writer_counts(held, _, _) {
        let Some(writer) = &mut held.writer else { return 0 };
        usize::from(writer.has_room())
            + writer.readers()
            + writer.len()
            + writer.capacity()
            + press(writer.backpressure())
    }
    gated_try_read(held, _, _) {
        let Some(reader) = &mut held.reader else { return 0 };
        reader.try_read().map_or(0, see)
    }
    gated_read_slice(held, a, b) {
        let mut out = [item(a); 12];
        let Some(reader) = &mut held.reader else { return 0 };
        let count = out.get_mut(..b).map_or(0, |out| reader.read_slice(out));
        out.iter().take(count).map(|item| see(*item)).fold(0, usize::wrapping_add)
    }
    gated_skip(held, a, _) {
        let Some(reader) = &mut held.reader else { return 0 };
        reader.skip(a)
    }
    gated_reader_counts(held, _, _) {
        let Some(reader) = &held.reader else { return 0 };
        reader.len() + reader.capacity() + usize::from(reader.is_empty()) + press(reader.backpressure())
    }
}

/// A ring of each policy that counts, and the handles of both.
#[cfg(compare_and_swap)]
struct Counted {
    writer: Option<Writer<'static, Item, N, Overwrite, Counts>>,
    reader: Reader<'static, Item, N, Counts>,
    held_writer: Option<Writer<'static, Item, N, Gated<2>, Counts>>,
    held_reader: Option<GatedReader<'static, Item, N, 2, Counts>>,
}

#[cfg(compare_and_swap)]
static COUNTED: Broadcast<Item, N, Overwrite, Counts> = Broadcast::new();
#[cfg(compare_and_swap)]
static COUNTED_HELD: Broadcast<Item, N, Gated<2>, Counts> = Broadcast::new();

#[cfg(compare_and_swap)]
fn counted() {
    let mut counted = Counted {
        writer: COUNTED.try_writer(),
        reader: COUNTED.reader_at_oldest(),
        held_writer: COUNTED_HELD.try_writer(),
        held_reader: COUNTED_HELD.join_at_oldest().ok(),
    };
    all_counted(&mut counted);
}

#[cfg(compare_and_swap)]
ops! {
    all_counted[] Counted:
    counted_publish(counted, a, b) {
        let items = [item(a); 12];
        let Some(writer) = &mut counted.writer else { return 0 };
        writer.publish(item(a));
        writer.publish_slice(items.get(..b).unwrap_or(&items));
        writer.len()
    }
    counted_read(counted, a, b) {
        let mut out = [item(a); 12];
        let read = out.get_mut(..b).map_or(Ok(0), |out| counted.reader.try_read_slice(out));
        let latest = counted.reader.latest().map_or(0, see);
        let next = counted.reader.try_read().map_or(0, see);
        let passed = counted.reader.skip(a as u64) as usize;
        [latest, next, passed].into_iter().fold(read.unwrap_or(0), usize::wrapping_add)
    }
    counted_drain(counted, a, _) {
        let mut sum = 0_usize;
        let count = counted.reader.try_drain(a, |item| sum = sum.wrapping_add(see(item)));
        count.map_or(sum, |count| sum.wrapping_add(count))
    }
    counted_gated_publish(counted, a, b) {
        let items = [item(a); 12];
        let Some(writer) = &mut counted.held_writer else { return 0 };
        let one = writer.try_publish(item(a)).map_or_else(|refused| see(refused.into_inner()), |()| 0);
        one.wrapping_add(writer.publish_partial_slice(items.get(..b).unwrap_or(&items)))
    }
    counted_gated_read(counted, a, b) {
        let mut out = [item(a); 12];
        let Some(reader) = &mut counted.held_reader else { return 0 };
        let count = out.get_mut(..b).map_or(0, |out| reader.read_slice(out));
        let next = reader.try_read().map_or(0, see);
        count.wrapping_add(next).wrapping_add(reader.skip(a))
    }
    stats(_, _, _) {
        let (stats, held) = (COUNTED.stats(), COUNTED_HELD.stats());
        let (published, received) = (stats.writer, stats.readers);
        let (held_published, held_received) = (held.writer, held.readers);
        [published, received, held_published, held_received].map(total).into_iter().fold(0, usize::wrapping_add)
    }
    lagged(_, _, _) { total(COUNTED.lagged()) }
}

#[cfg(compare_and_swap)]
fn total(flow: DirectionStats) -> usize {
    [flow.batches, flow.largest, flow.refused, flow.pending, flow.contended]
        .into_iter()
        .fold(flow.items, usize::wrapping_add)
}
