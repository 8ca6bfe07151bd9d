//! Channels that are measured by their tries only: `flume`, `std::sync::mpsc` and `thingbuf::mpsc`, all bounded. They have
//! no batch operations.

use super::{Many, Ring, Role, Single, only, single};

/// The adapter of one channel: how it is made, and how many ends are made of the first ones.
macro_rules! channel {
    ($adapter:ident, $name:literal, $tx:ty, $rx:ty, $channel:expr, $receivers:expr) => {
        pub(crate) struct $adapter<const N: usize>;

        impl<const N: usize> Ring for $adapter<N> {
            const NAME: &str = $name;
            const ROLE: Role = Role::Peer;
            type Tx<'r> = $tx;
            type Rx<'r> = $rx;

            fn with<R>(body: impl FnOnce(Self::Tx<'_>, Self::Rx<'_>) -> R) -> R {
                only::<Self, R>(body)
            }
        }

        impl<const N: usize> Many for $adapter<N> {
            fn with_ends<R>(
                senders: usize,
                receivers: usize,
                body: impl FnOnce(Vec<Self::Tx<'_>>, Vec<Self::Rx<'_>>) -> R,
            ) -> R {
                let (tx, rx) = $channel(N);
                body(vec![tx; senders], $receivers(rx, receivers))
            }
        }

        impl<const N: usize> Single for $adapter<N> {
            #[inline(always)]
            fn push(tx: &mut Self::Tx<'_>, item: u64) -> bool {
                tx.try_send(item).is_ok()
            }

            #[inline(always)]
            fn pop(rx: &mut Self::Rx<'_>) -> Option<u64> {
                rx.try_recv().ok()
            }
        }
    };
}

channel!(Flume, "flume", flume::Sender<u64>, flume::Receiver<u64>, flume::bounded, |rx, count| vec![
    rx;
    count
]);
channel!(
    StdSync,
    "std::sync::mpsc::sync_channel",
    std::sync::mpsc::SyncSender<u64>,
    std::sync::mpsc::Receiver<u64>,
    std::sync::mpsc::sync_channel,
    single
);
channel!(
    ThingMpsc,
    "thingbuf::mpsc",
    thingbuf::mpsc::blocking::Sender<u64>,
    thingbuf::mpsc::blocking::Receiver<u64>,
    thingbuf::mpsc::blocking::channel,
    single
);
