//! `Lanes`: the lanes, their producers, and a consumer in each order.

use annulet::Lanes;
use annulet::ring::lanes::{Adaptive, Fair, LaneConsumer, LaneProducer, Order, Strict};
use annulet::ring::{Sides, Single};
use annulet::stats::Counts;

use crate::{Op, call_all};

const N: usize = 8;
const L: usize = 3;
type Item = [u32; 6];

/// Lanes that nobody uses, and the handles of other ones.
struct Ends<O: Order + 'static> {
    whole: Lanes<Item, N, L>,
    producer: Option<LaneProducer<'static, Item>>,
    consumer: LaneConsumer<'static, Item, N, L, O>,
}

static STRICT: Lanes<Item, N, L> = Lanes::new();
static FAIR: Lanes<Item, N, L> = Lanes::new();
static ADAPTIVE: Lanes<Item, N, L> = Lanes::new();

pub fn run() {
    ends(&STRICT, Strict);
    ends(&FAIR, Fair::default());
    ends(&ADAPTIVE, Adaptive::with_budget(3));
    #[cfg(compare_and_swap)]
    stealing();
}

fn ends<O: Order + 'static>(lanes: &'static Lanes<Item, N, L>, order: O) {
    // SAFETY: it is run once for each, and these are the only handles that are made before it returns.
    let ([producer, ..], consumer) = unsafe { lanes.split_all_unchecked(order) };
    let mut ends = Ends { whole: Lanes::new(), producer: producer.ok(), consumer };
    call_all(Ends::TABLE, &mut ends);
}

fn item(number: usize) -> Item {
    [number as u32; 6]
}

fn see(item: &Item) -> usize {
    item[5] as usize
}

impl<O: Order + 'static> Ends<O> {
    const TABLE: &[Op<Self>] = &[
        lanes_new::<O>,
        lanes_split::<O>,
        lanes_split_all::<O>,
        lanes_counts::<O>,
        lanes_stats::<O>,
        #[cfg(compare_and_swap)]
        lanes_register::<O>,
        push::<O>,
        deregister::<O>,
        try_pop::<O>,
        try_pop_from::<O>,
        pop_slice::<O>,
        drain::<O>,
        consume::<O>,
        skip::<O>,
    ];
}

fn lanes_new<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    ends.whole = Lanes::starting_at(a);
    ends.whole.capacity() + ends.whole.lanes()
}

fn lanes_split<O: Order + 'static>(ends: &mut Ends<O>, _: usize, _: usize) -> usize {
    let (mut consumer, lanes) = ends.whole.split(Fair::default());
    consumer.skip(1) + lanes.total_len()
}

fn lanes_split_all<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    let (producers, mut consumer) = ends.whole.split_all(Strict);
    let mut pushed = 0;
    for mut producer in producers.into_iter().flatten() {
        pushed += usize::from(producer.try_push(item(a)).is_ok());
    }
    pushed + consumer.skip(a)
}

fn lanes_counts<O: Order + 'static>(ends: &mut Ends<O>, _: usize, _: usize) -> usize {
    let lanes = ends.consumer.lanes();
    let (lane, most) = lanes.hottest().map_or((0, 0), |(lane, most)| (lane.index() as usize, most));
    let of_mine = ends.producer.as_ref().and_then(|producer| lanes.len_of(producer.lane())).unwrap_or(0);
    lane + most + of_mine + lanes.total_len() + usize::from(lanes.is_empty())
}

fn lanes_stats<O: Order + 'static>(_: &mut Ends<O>, a: usize, _: usize) -> usize {
    let lanes = Lanes::<Item, N, L, Sides<Single, Single, Counts>>::new();
    lanes.stats_of(a as u32).map_or(0, |(sent, received)| sent.items + received.largest)
}

#[cfg(compare_and_swap)]
fn lanes_register<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    let lanes = &ends.whole;
    let at = lanes.register_at(a as u32).map_or_else(|why| why as usize, |producer| producer.len());
    let any = lanes.register().map_or_else(|why| why as usize, |producer| producer.capacity());
    at + any + lanes.active() + lanes.try_consumer(Strict).map_or(0, |mut consumer| consumer.skip(a))
}

fn push<O: Order + 'static>(ends: &mut Ends<O>, a: usize, b: usize) -> usize {
    let items = [item(a); 12];
    ends.producer.as_mut().map_or(0, |producer| producer.push_slice(items.get(..b).unwrap_or(&items)))
}

fn deregister<O: Order + 'static>(ends: &mut Ends<O>, _: usize, _: usize) -> usize {
    ends.producer.take().map_or(0, |producer| producer.deregister().generation() as usize)
}

fn try_pop<O: Order + 'static>(ends: &mut Ends<O>, _: usize, _: usize) -> usize {
    ends.consumer.try_pop().map_or(0, |item| see(&item))
}

fn try_pop_from<O: Order + 'static>(ends: &mut Ends<O>, _: usize, _: usize) -> usize {
    ends.consumer.try_pop_from().map_or(0, |(from, item)| see(&item).wrapping_add(from.index() as usize))
}

fn pop_slice<O: Order + 'static>(ends: &mut Ends<O>, a: usize, b: usize) -> usize {
    let mut out = [item(a); 12];
    let count = out.get_mut(..b).map_or(0, |out| ends.consumer.pop_slice(out));
    out.iter().take(count).map(see).fold(0, usize::wrapping_add)
}

fn drain<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    let mut sum = 0_usize;
    ends.consumer.drain(a, |_, item| sum = sum.wrapping_add(see(&item)));
    sum
}

fn consume<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    let mut sum = 0_usize;
    ends.consumer.consume(a, |_, item| sum = sum.wrapping_add(see(item)));
    sum
}

fn skip<O: Order + 'static>(ends: &mut Ends<O>, a: usize, _: usize) -> usize {
    ends.consumer.skip(a)
}

#[cfg(compare_and_swap)]
fn stealing() {
    use annulet::ring::Multi;

    static SHARED: Lanes<Item, N, L, Sides<Single, Multi>> = Lanes::new();

    fn steal(lanes: &mut &'static Lanes<Item, N, L, Sides<Single, Multi>>, a: usize, b: usize) -> usize {
        let pushed = lanes.register().map_or(0, |mut producer| producer.push_slice(&[item(b); 4]));
        let Some(mut consumer) = lanes.try_consumer(Fair::with_budget(a)) else { return pushed };
        let mut sum = consumer.clone().skip(1);
        consumer.drain(b, |_, item| sum = sum.wrapping_add(see(&item)));
        consumer.consume(b, |_, item| sum = sum.wrapping_add(see(item)));
        sum.wrapping_add(consumer.try_pop().map_or(0, |item| see(&item)))
    }
    call_all(&[steal], &mut &SHARED);
}
