//! What waiting costs: the processor time of a process whose tasks all wait for an item that does not come.

use core::future::Future;
use core::time::Duration;
use std::time::Instant;

use annulet::host::Futex;
use annulet::{Channel, Mpmc};
use rustix::time::{ClockId, clock_gettime};

use crate::executor::run;
use crate::{Row, Unit};

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// Percent of one processor that is used while these wait, once each has been polled.
fn used<F: Future>(waiting: Vec<F>, time: Duration) -> Vec<f64> {
    let count = waiting.len();
    // One more task, which is polled after the others have been: it says from when on is counted.
    let mut start = None;
    let mut last = Some(&mut start);
    let all = waiting.into_iter().map(Some).chain([None]);
    let futures: Vec<_> = all
        .map(|future| {
            let begin = if future.is_none() { last.take() } else { None };
            async move {
                if let Some(begin) = begin {
                    *begin = Some((Instant::now(), processor_time()));
                }
                if let Some(future) = future {
                    future.await;
                }
            }
        })
        .collect();
    let done = run(futures, time);
    assert!(done <= 1, "{} of {count} that wait for nothing are done", done.saturating_sub(1));
    let (at, used) = start.expect("the last task was polled");
    vec![(processor_time() - used).as_secs_f64() / at.elapsed().as_secs_f64() * 100.0]
}

fn annulet(tasks: usize, time: Duration) -> Vec<f64> {
    let channel = Box::new(Channel::<Mpmc<u64, 1024>, Futex>::over(Mpmc::new(), Futex::new()));
    let (tx, rx) = channel.try_split().expect("nobody has split it");
    let waiting = vec![rx; tasks].into_iter().map(|mut rx| async move { rx.recv_async().await.is_ok() });
    let used = used(waiting.collect(), time);
    drop(tx);
    used
}

fn flume(tasks: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = flume::bounded::<u64>(1024);
    let waiting = vec![rx; tasks].into_iter().map(|rx| async move { rx.recv_async().await.is_ok() });
    let used = used(waiting.collect(), time);
    drop(tx);
    used
}

fn async_channel(tasks: usize, time: Duration) -> Vec<f64> {
    let (tx, rx) = async_channel::bounded::<u64>(1024);
    let waiting = vec![rx; tasks].into_iter().map(|rx| async move { rx.recv().await.is_ok() });
    let used = used(waiting.collect(), time);
    drop(tx);
    used
}

pub(crate) fn add(rows: &mut Vec<Row>) {
    for tasks in [1, 9, 33, 200, 10_000] {
        let mut row = |name, ours, run: fn(usize, Duration) -> Vec<f64>| {
            let scenario = format!("idle, tasks that wait: {tasks}");
            rows.push(Row {
                scenario,
                name,
                ours,
                unit: Unit::Use,
                run: Box::new(move |time| run(tasks, 4 * time)),
            });
        };
        row("annulet Mpmc", true, annulet);
        row("async-channel", false, async_channel);
        row("flume", false, flume);
    }
}
