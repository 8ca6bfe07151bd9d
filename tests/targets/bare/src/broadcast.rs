//! `Broadcast`: its ring, its writer, its readers, under both policies.

use annulet::Broadcast;
#[cfg(compare_and_swap)]
use annulet::ring::broadcast::{Gated, GatedReader, Overwrite};
use annulet::ring::broadcast::{Pressure, Reader, Writer};
#[cfg(compare_and_swap)]
use annulet::stats::{Counts, Flow};

use crate::{Op, call_all};

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
    call_all(TABLE, &mut rings);
    #[cfg(compare_and_swap)]
    {
        gated();
        counted();
    }
}

const TABLE: &[Op<Rings>] = &[
    ring_new,
    ring_split,
    ring_writer_unchecked,
    ring_counts,
    #[cfg(compare_and_swap)]
    ring_try_writer,
    publish,
    publish_slice,
    writer_counts,
    begin_at_oldest,
    begin_at_newest,
    reader_clone,
    try_read,
    try_read_slice,
    drain,
    latest,
    skip,
    reader_counts,
];

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

fn ring_new(rings: &mut Rings, a: usize, _: usize) -> usize {
    rings.whole = Broadcast::starting_at(a);
    rings.whole.capacity()
}

fn ring_split(rings: &mut Rings, a: usize, _: usize) -> usize {
    let (mut writer, ring) = rings.whole.split();
    writer.publish(item(a));
    ring.reader_at_oldest().try_read().map_or(0, see)
}

fn ring_writer_unchecked(rings: &mut Rings, a: usize, _: usize) -> usize {
    // SAFETY: the ring is borrowed exclusively, so nobody has its writer, and this one is dropped here.
    let mut writer = unsafe { rings.whole.writer_unchecked() };
    writer.publish(item(a));
    writer.len()
}

#[cfg(compare_and_swap)]
fn ring_try_writer(rings: &mut Rings, a: usize, _: usize) -> usize {
    rings.whole.try_writer().map_or(0, |mut writer| {
        writer.publish(item(a));
        writer.len()
    })
}

fn ring_counts(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.whole.len() + rings.whole.capacity() + usize::from(rings.whole.is_empty())
}

fn publish(rings: &mut Rings, a: usize, _: usize) -> usize {
    rings.writer.publish(item(a));
    0
}

fn publish_slice(rings: &mut Rings, a: usize, b: usize) -> usize {
    let items = [item(a); 12];
    rings.writer.publish_slice(items.get(..b).unwrap_or(&items));
    0
}

fn writer_counts(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.writer.len() + rings.writer.capacity() + usize::from(rings.writer.is_empty())
}

fn begin_at_oldest(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.reader = RING.reader_at_oldest();
    0
}

fn begin_at_newest(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.reader = RING.reader_at_newest();
    0
}

fn reader_clone(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.reader = rings.reader.clone();
    0
}

fn try_read_grant(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.reader.try_read().map_or(0, see)
}

fn try_read_slice(rings: &mut Rings, a: usize, b: usize) -> usize {
    let mut out = [item(a); 12];
    let read = out.get_mut(..b).map_or(Ok(0), |out| rings.reader.try_read_slice(out));
    read.map_or(0, |count| out.iter().take(count).map(|item| see(*item)).fold(0, usize::wrapping_add))
}

fn latest(rings: &mut Rings, _: usize, _: usize) -> usize {
    rings.reader.latest().map_or(0, see)
}

fn drain(rings: &mut Rings, a: usize, _: usize) -> usize {
    let mut sum = 0_usize;
    let count = rings.reader.drain(a, |item| sum = sum.wrapping_add(see(item)));
    count.map_or(sum, |count| sum.wrapping_add(count))
}

fn skip(rings: &mut Rings, a: usize, _: usize) -> usize {
    rings.reader.skip(a as u64) as usize
}

fn reader_counts(rings: &mut Rings, _: usize, _: usize) -> usize {
    let reader = &rings.reader;
    let counts = reader.len() + reader.capacity() + usize::from(reader.is_empty());
    counts.wrapping_add(reader.lag() as usize).wrapping_add(press(reader.backpressure()))
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
    call_all(HELD_TABLE, &mut held);
}

#[cfg(compare_and_swap)]
const HELD_TABLE: &[Op<Held>] = &[
    gated_split,
    join_at_oldest,
    join_at_newest,
    leave,
    try_publish,
    try_publish_slice,
    gated_writer_counts,
    gated_try_read,
    gated_try_read_slice,
    gated_skip,
    gated_reader_counts,
];

#[cfg(compare_and_swap)]
fn gated_split(_: &mut Held, a: usize, _: usize) -> usize {
    let mut ring = Broadcast::<u64, 2, Gated<1>>::starting_at(a);
    let (mut writer, ring) = ring.split();
    let joined = ring.join_at_oldest();
    let published = writer.try_publish(a as u64).is_ok();
    joined.map_or(0, |mut reader| reader.try_read().unwrap_or(0) as usize) + usize::from(published)
}

#[cfg(compare_and_swap)]
fn join_at_oldest(held: &mut Held, _: usize, _: usize) -> usize {
    held.reader = HELD.join_at_oldest().ok();
    held.reader.is_some().into()
}

#[cfg(compare_and_swap)]
fn join_at_newest(held: &mut Held, _: usize, _: usize) -> usize {
    held.reader = HELD.join_at_newest().ok();
    held.reader.is_some().into()
}

#[cfg(compare_and_swap)]
fn leave(held: &mut Held, _: usize, _: usize) -> usize {
    held.reader.take().is_some().into()
}

#[cfg(compare_and_swap)]
fn try_publish(held: &mut Held, a: usize, _: usize) -> usize {
    let Some(writer) = &mut held.writer else { return 0 };
    writer.try_publish(item(a)).map_or_else(|refused| see(refused.into_inner()), |()| 0)
}

#[cfg(compare_and_swap)]
fn try_publish_slice(held: &mut Held, a: usize, b: usize) -> usize {
    let items = [item(a); 12];
    let Some(writer) = &mut held.writer else { return 0 };
    writer.try_publish_slice(items.get(..b).unwrap_or(&items))
}

#[cfg(compare_and_swap)]
fn gated_writer_counts(held: &mut Held, _: usize, _: usize) -> usize {
    let Some(writer) = &mut held.writer else { return 0 };
    usize::from(writer.has_room())
        + writer.readers()
        + writer.len()
        + writer.capacity()
        + press(writer.backpressure())
}

#[cfg(compare_and_swap)]
fn gated_try_read(held: &mut Held, _: usize, _: usize) -> usize {
    let Some(reader) = &mut held.reader else { return 0 };
    reader.try_read().map_or(0, see)
}

#[cfg(compare_and_swap)]
fn gated_try_read_slice(held: &mut Held, a: usize, b: usize) -> usize {
    let mut out = [item(a); 12];
    let Some(reader) = &mut held.reader else { return 0 };
    let count = out.get_mut(..b).map_or(0, |out| reader.try_read_slice(out));
    out.iter().take(count).map(|item| see(*item)).fold(0, usize::wrapping_add)
}

#[cfg(compare_and_swap)]
fn gated_skip(held: &mut Held, a: usize, _: usize) -> usize {
    let Some(reader) = &mut held.reader else { return 0 };
    reader.skip(a)
}

#[cfg(compare_and_swap)]
fn gated_reader_counts(held: &mut Held, _: usize, _: usize) -> usize {
    let Some(reader) = &held.reader else { return 0 };
    reader.len() + reader.capacity() + usize::from(reader.is_empty()) + press(reader.backpressure())
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
    call_all(COUNTED_TABLE, &mut counted);
}

#[cfg(compare_and_swap)]
const COUNTED_TABLE: &[Op<Counted>] =
    &[counted_publish, counted_read, counted_drain, counted_gated_publish, counted_gated_read, stats, lagged];

#[cfg(compare_and_swap)]
fn total(flow: Flow) -> usize {
    [flow.batches, flow.largest, flow.refused, flow.pending, flow.contended]
        .into_iter()
        .fold(flow.items, usize::wrapping_add)
}

#[cfg(compare_and_swap)]
fn counted_publish(counted: &mut Counted, a: usize, b: usize) -> usize {
    let items = [item(a); 12];
    let Some(writer) = &mut counted.writer else { return 0 };
    writer.publish(item(a));
    writer.publish_slice(items.get(..b).unwrap_or(&items));
    writer.len()
}

#[cfg(compare_and_swap)]
fn counted_read(counted: &mut Counted, a: usize, b: usize) -> usize {
    let mut out = [item(a); 12];
    let read = out.get_mut(..b).map_or(Ok(0), |out| counted.reader.try_read_slice(out));
    let latest = counted.reader.latest().map_or(0, see);
    let next = counted.reader.try_read().map_or(0, see);
    let passed = counted.reader.skip(a as u64) as usize;
    [latest, next, passed].into_iter().fold(read.unwrap_or(0), usize::wrapping_add)
}

#[cfg(compare_and_swap)]
fn counted_drain(counted: &mut Counted, a: usize, _: usize) -> usize {
    let mut sum = 0_usize;
    let count = counted.reader.drain(a, |item| sum = sum.wrapping_add(see(item)));
    count.map_or(sum, |count| sum.wrapping_add(count))
}

#[cfg(compare_and_swap)]
fn counted_gated_publish(counted: &mut Counted, a: usize, b: usize) -> usize {
    let items = [item(a); 12];
    let Some(writer) = &mut counted.held_writer else { return 0 };
    let one = writer.try_publish(item(a)).map_or_else(|refused| see(refused.into_inner()), |()| 0);
    one.wrapping_add(writer.try_publish_slice(items.get(..b).unwrap_or(&items)))
}

#[cfg(compare_and_swap)]
fn counted_gated_read(counted: &mut Counted, a: usize, b: usize) -> usize {
    let mut out = [item(a); 12];
    let Some(reader) = &mut counted.held_reader else { return 0 };
    let count = out.get_mut(..b).map_or(0, |out| reader.try_read_slice(out));
    let next = reader.try_read().map_or(0, see);
    count.wrapping_add(next).wrapping_add(reader.skip(a))
}

#[cfg(compare_and_swap)]
fn stats(_: &mut Counted, _: usize, _: usize) -> usize {
    let (published, received) = COUNTED.stats();
    let (held_published, held_received) = COUNTED_HELD.stats();
    [published, received, held_published, held_received].map(total).into_iter().fold(0, usize::wrapping_add)
}

#[cfg(compare_and_swap)]
fn lagged(_: &mut Counted, _: usize, _: usize) -> usize {
    total(COUNTED.lagged())
}
