//! Executors, as one sees them who has tasks to run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures::executor::{LocalPool, ThreadPool, block_on};
use futures::task::{LocalSpawnExt, SpawnExt};

pub type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long it may take until something must be wrong: a wake-up was lost.
const TOO_LONG: Duration = Duration::from_secs(120);

/// Runs all jobs, at the same time, to their end.
pub trait Host {
    fn start(jobs: Vec<Job>);

    /// Panics if one of the jobs does, or does not end.
    fn run(jobs: impl IntoIterator<Item = Job>) {
        let (done, all) = mpsc::channel();
        let jobs: Vec<Job> = jobs
            .into_iter()
            .map(|job| {
                let done = done.clone();
                Box::pin(async move {
                    job.await;
                    done.send(()).unwrap();
                }) as Job
            })
            .collect();
        drop(done);
        let count = jobs.len();
        let host = thread::spawn(move || Self::start(jobs));
        for ended in 0..count {
            let why = |why| panic!("{ended} of {count} jobs ended: {why}");
            all.recv_timeout(TOO_LONG).unwrap_or_else(why);
        }
        host.join().unwrap();
    }
}

/// A job of its own.
pub fn job(job: impl Future<Output = ()> + Send + 'static) -> Job {
    Box::pin(job)
}

/// Tokio with several workers.
pub struct TokioMany;

impl Host for TokioMany {
    fn start(jobs: Vec<Job>) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
        tokio(&runtime, jobs);
    }
}

/// Tokio on one thread.
pub struct TokioOne;

impl Host for TokioOne {
    fn start(jobs: Vec<Job>) {
        tokio(&tokio::runtime::Builder::new_current_thread().build().unwrap(), jobs);
    }
}

fn tokio(runtime: &tokio::runtime::Runtime, jobs: Vec<Job>) {
    let jobs: Vec<_> = jobs.into_iter().map(|job| runtime.spawn(job)).collect();
    runtime.block_on(async {
        for job in jobs {
            job.await.unwrap();
        }
    });
}

/// The thread pool of futures.
pub struct Pool;

impl Host for Pool {
    fn start(jobs: Vec<Job>) {
        let pool = ThreadPool::builder().pool_size(3).create().unwrap();
        let jobs: Vec<_> = jobs.into_iter().map(|job| pool.spawn_with_handle(job).unwrap()).collect();
        for job in jobs {
            block_on(job);
        }
    }
}

/// The pool of futures that has one thread.
pub struct Local;

impl Host for Local {
    fn start(jobs: Vec<Job>) {
        let mut pool = LocalPool::new();
        for job in jobs {
            pool.spawner().spawn_local(job).unwrap();
        }
        pool.run();
    }
}

/// A thread for each job.
pub struct Threads;

impl Host for Threads {
    fn start(jobs: Vec<Job>) {
        let threads: Vec<_> = jobs.into_iter().map(|job| thread::spawn(|| block_on(job))).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

/// Embassy, whose tasks are in a static.
pub struct Embassy;

#[embassy_executor::task(pool_size = 200)]
async fn task(job: Job, left: Arc<AtomicUsize>) {
    job.await;
    left.fetch_sub(1, Ordering::Relaxed);
}

impl Host for Embassy {
    fn start(jobs: Vec<Job>) {
        let left = Arc::new(AtomicUsize::new(jobs.len()));
        let executor = Box::leak(Box::new(embassy_executor::Executor::new()));
        let spawn = |spawner: embassy_executor::Spawner| {
            for job in jobs {
                spawner.spawn(task(job, Arc::clone(&left)).unwrap());
            }
        };
        executor.run_until(spawn, || left.load(Ordering::Relaxed) == 0);
    }
}

/// One test for each executor, of each load.
macro_rules! on_each_host {
    ($($load:tt)*) => {
        on_fair_hosts!($($load)*);
        on_host!(pool, Pool, $($load)*);
    };
}

/// Without the pool of futures, which polls a task that has woken itself before all others: three of them that wait for
/// a fourth one in this way would keep its threads for ever.
macro_rules! on_fair_hosts {
    ($($load:tt)*) => {
        on_host!(tokio_many, TokioMany, $($load)*);
        on_host!(tokio_one, TokioOne, $($load)*);
        on_host!(local, Local, $($load)*);
        on_host!(threads, Threads, $($load)*);
        on_host!(embassy, Embassy, $($load)*);
    };
}

macro_rules! on_host {
    ($module:ident, $host:ident, $($test:ident: $load:expr;)*) => {
        mod $module {
            use super::*;
            use crate::hosted::executors::hosts::$host as Here;
            $(
                #[test]
                fn $test() {
                    $load
                }
            )*
        }
    };
}
