//! A plain executor: a queue of tasks that were woken, and one thread that polls them in turn.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::Wake;
use std::time::{Duration, Instant};

#[derive(Default)]
struct Woken {
    tasks: Mutex<VecDeque<Arc<Task>>>,
    come: Condvar,
}

struct Task {
    number: usize,
    /// Whether it is in the queue.
    queued: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            let woken = Arc::clone(&self.woken);
            woken.tasks.lock().unwrap_or_else(PoisonError::into_inner).push_back(self);
            woken.come.notify_one();
        }
    }
}

/// Polls the futures, each as often as it is woken, until all are done, or until `time` after each has been polled once.
/// Returns how many are done.
pub(crate) fn run<F: Future>(futures: Vec<F>, time: Duration) -> usize {
    let mut end = None;
    let woken = Arc::new(Woken::default());
    let mut futures: Vec<Option<Pin<Box<F>>>> =
        futures.into_iter().map(|future| Some(Box::pin(future))).collect();
    for number in 0..futures.len() {
        Arc::new(Task { number, queued: AtomicBool::new(false), woken: Arc::clone(&woken) }).wake();
    }
    let (mut done, mut polls) = (0, 0);
    while done < futures.len() {
        let mut tasks = woken.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        let task = loop {
            if let Some(task) = tasks.pop_front() {
                break task;
            }
            // Before each has been polled once, there is one in the queue.
            let left = end.unwrap_or_else(Instant::now).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return done;
            }
            tasks = woken.come.wait_timeout(tasks, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        drop(tasks);
        task.queued.store(false, Ordering::Release);
        let waker = Arc::clone(&task).into();
        let future = &mut futures[task.number];
        if let Some(polled) = future
            && let Poll::Ready(_) = polled.as_mut().poll(&mut Context::from_waker(&waker))
        {
            *future = None;
            done += 1;
        }
        polls += 1;
        if polls == futures.len() {
            end = Some(Instant::now() + time);
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            return done;
        }
    }
    done
}
