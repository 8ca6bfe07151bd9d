//! `disruptor`: one producer, and pollers on threads of ours.

use disruptor::{
    BusySpin, EventPoller, MultiConsumerBarrier, Producer, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};

use super::{Broadcasts, Form, Grant, Many, Ring, Role, Single, only, single};

pub(crate) struct Disruptor<const N: usize>;

type Poller = EventPoller<u64, SingleProducerBarrier>;

impl<const N: usize> Ring for Disruptor<N> {
    const NAME: &str = "disruptor (poller)";
    const ROLE: Role = Role::Peer;
    type Tx<'r> = SingleProducer<u64, MultiConsumerBarrier>;
    type Rx<'r> = Poller;

    fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
        only::<Self, R>(body)
    }
}

impl<const N: usize> Many for Disruptor<N> {
    fn with_ends<R>(
        senders: usize,
        receivers: usize,
        body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
    ) -> R {
        let mut builder = build_single_producer(N, || 0, BusySpin).with_multi_consumer();
        let mut pollers = Vec::new();
        while pollers.len() < receivers {
            let (poller, more) = builder.new_event_poller();
            pollers.push(poller);
            builder = more;
        }
        body(single(builder.build(), senders), pollers)
    }
}

impl<const N: usize> Broadcasts for Disruptor<N> {}

impl<const N: usize> Single for Disruptor<N> {
    #[inline(always)]
    fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
        tx.try_publish(|event| *event = item).is_ok()
    }

    #[inline(always)]
    fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
        let mut events = rx.take(1).ok()?;
        (&mut events).next().copied()
    }
}

impl<const N: usize> Form<Disruptor<N>> for Grant {
    const NAME: &str = "(batch)";

    #[inline(always)]
    fn send(
        &mut self,
        tx: &mut SingleProducer<u64, MultiConsumerBarrier>,
        first: u64,
        chunk: usize,
    ) -> usize {
        // All of them or none.
        tx.try_batch_publish(chunk, |events| events.zip(first..).for_each(|(event, value)| *event = value))
            .map_or(0, |_| chunk)
    }

    #[inline(always)]
    fn receive(&mut self, rx: &mut Poller, chunk: usize, mut see: impl FnMut(u64)) -> usize {
        let Ok(mut events) = rx.take(chunk as u64) else { return 0 };
        let mut count = 0;
        for event in &mut events {
            see(*event);
            count += 1;
        }
        count
    }
}
