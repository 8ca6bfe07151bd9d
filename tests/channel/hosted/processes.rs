//! Ping-pong between processes: by events in memory that both have mapped, and by ports. As `wakes`, in the same two
//! variants.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use annulet::host::{Futex, PidFd, Port, PortError, accept, connect};
use annulet::wait::{Deadline, Event};
use annulet_platform::fdpass;
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd;

use crate::hosted::common::{SOON, Watchdog, number};
use crate::hosted::process::{again, role};
use crate::hosted::wakes::{Jitter, Plan, SLICE, Slices, Watched, keep_to};

/// What both processes have mapped. All zero is its beginning.
#[repr(C)]
struct Memory {
    there: Way,
    back: Way,
}

/// One direction: the last message, its number, and who waits for it.
#[repr(C)]
struct Way {
    message: AtomicU32,
    data: Event<0>,
    watched: Watched,
}

/// The number of the last message: there is nothing more to come.
const OVER: u32 = u32::MAX;

impl Way {
    fn send(&self, message: u32) {
        // Release: pairs with `recv`.
        self.message.store(message, Ordering::Release);
        self.data.signal(&Futex::shared(), 1);
        self.watched.sent();
    }

    /// The message after `before`.
    fn recv(&self, before: u32, plan: Plan) -> u32 {
        let wait = Slices::processes(&self.watched);
        let look = || Some(self.message.load(Ordering::Acquire)).filter(|&message| message != before);
        self.watched
            .receive(|| self.data.wait_until(&wait, plan.strategy, Deadline::NEVER, look))
            .expect("there is no deadline")
    }
}

fn memory(mapping: &Mapping) -> &Memory {
    assert!(mapping.len() >= size_of::<Memory>());
    // SAFETY:
    // - the mapping starts at a page, so it is aligned for `Memory`, and is at least as long, as was just seen;
    // - it lives as long as the borrow, and the file, which nobody cuts short, has a page for each of its bytes;
    // - it was zero at first, which is a valid `Memory`: all of it is atomics and events without seats for tasks;
    // - both processes, which are this program, change it through atomics only.
    unsafe { mapping.as_ptr().cast().as_ref() }
}

fn partner(name: &str, stdin: OwnedFd) -> Child {
    again(name, "partner").stdin(Stdio::from(stdin)).spawn().unwrap()
}

#[test]
fn nx10_no_wake_is_lost_between_processes() {
    const NAME: &str = "hosted::processes::nx10_no_wake_is_lost_between_processes";
    let plan = Plan::get();
    let _watchdog = plan.watchdog();
    if role().is_some() {
        let mapping = Mapping::read_write(std::io::stdin(), size_of::<Memory>()).unwrap();
        let Memory { there, back } = memory(&mapping);
        keep_to(1);
        let (mut message, mut jitter) = (0, Jitter::new(7));
        loop {
            message = there.recv(message, plan);
            jitter.pause();
            back.send(message);
            if message == OVER {
                return;
            }
            jitter.pause();
        }
    }
    let fd = memfd::create(c"annulet-wakes", 4096).unwrap();
    let mapping = Mapping::read_write(&fd, size_of::<Memory>()).unwrap();
    let Memory { there, back } = memory(&mapping);
    let mut child = partner(NAME, fd);
    keep_to(0);
    // The first one takes as long as a process takes to start.
    there.send(1);
    assert_eq!(back.recv(0, plan), 1);
    there.watched.forget_longest();
    back.watched.forget_longest();
    let (begun, mut trips, mut jitter, mut message) = (Instant::now(), 0, Jitter::new(9), 1);
    while plan.goes_on(trips, &there.watched, &back.watched) {
        message = (message + 1) % OVER;
        there.send(message);
        jitter.pause();
        assert_eq!(back.recv(message.wrapping_sub(1).min(OVER - 1), plan), message);
        trips += 1;
        jitter.pause();
    }
    there.send(OVER);
    assert_eq!(back.recv(message, plan), OVER);
    assert!(child.wait().unwrap().success());
    plan.over("processes, events", trips, begun, &there.watched, &back.watched);
}

/// How long threads were ready to run and had no processor, as the kernel counts it.
struct Queued(Vec<File>);

impl Queued {
    /// Of this thread, and of one of another process.
    fn of_both(process: u32, thread: u64) -> Self {
        let theirs = format!("/proc/{process}/task/{thread}/schedstat");
        Self(["/proc/thread-self/schedstat", &theirs].map(|path| File::open(path).unwrap()).into())
    }

    /// Together, until now. Of a thread that has run since.
    fn time(&self) -> Duration {
        let nanos = self.0.iter().map(|file| {
            let mut text = [0; 80];
            let len = file.read_at(&mut text, 0).unwrap();
            let mut numbers = std::str::from_utf8(&text[..len]).unwrap().split_ascii_whitespace();
            numbers.nth(1).unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(nanos.sum())
    }
}

/// Ports look again after 50 ms at the latest, whatever happens, so a lost wake-up is a wait that takes as long although
/// the other side answers at once. One that takes as long because a thread had no processor is none.
#[test]
fn nx10_no_wake_is_lost_between_ports() {
    const NAME: &str = "hosted::processes::nx10_no_wake_is_lost_between_ports";
    let trips = number("ANNULET_WAKES", 20_000);
    let _watchdog = Watchdog::of(SOON + Duration::from_millis(trips * 2));
    let soon = || Deadline::after(SOON);
    if role().is_some() {
        let parent = PidFd::open(std::os::unix::process::parent_id()).unwrap();
        let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
        let mut port: Port<u64, 8> = connect(socket, parent, &[], 0, soon()).unwrap().0;
        keep_to(1);
        let this = rustix::thread::gettid().as_raw_nonzero().get();
        port.send(&u64::try_from(this).unwrap(), soon()).unwrap();
        let mut jitter = Jitter::new(7);
        loop {
            match port.recv(soon()) {
                Ok(message) => {
                    // About as long as the other one looks before it sleeps, and longer.
                    (0..message % 16).for_each(|_| jitter.pause());
                    port.send(&Deadline::now().nanos(), soon()).unwrap();
                }
                Err(PortError::Link(_)) => return,
                Err(why) => panic!("{why}"),
            }
        }
    }
    let (ours, theirs) = fdpass::pair().unwrap();
    let mut child = partner(NAME, theirs);
    keep_to(0);
    let peer = PidFd::of_child(&child).unwrap();
    let mut port: Port<u64, 8> = accept(ours, peer, &[], 0, soon()).unwrap().0;
    let queued = Queued::of_both(child.id(), port.recv(soon()).unwrap());
    let (begun, mut longest, mut late, mut lost) = (Instant::now(), Duration::ZERO, 0_u64, 0_u64);
    let (sleeps, mut before) = (switches(), queued.time());
    for message in 0..trips {
        port.send(&message, soon()).unwrap();
        let sent_at = Deadline::now();
        let answered_at = Deadline::at(port.recv(soon()).unwrap());
        let now = Deadline::now();
        longest = longest.max(now.since(sent_at));
        let queued_now = queued.time();
        let without = queued_now - before;
        before = queued_now;
        // Both ways: the request to the answer, and the answer to here.
        for wait in [answered_at.since(sent_at), now.since(answered_at)] {
            late += u64::from(wait > Duration::from_millis(20));
            // The length of one slice, and nothing more: the sign of a sleep that was ended by its slice.
            let asleep = wait.saturating_sub(without);
            lost += u64::from(
                asleep > SLICE - Duration::from_millis(2) && asleep < SLICE + Duration::from_millis(10),
            );
        }
    }
    let sleeps = switches() - sleeps;
    port.close();
    assert!(child.wait().unwrap().success());
    println!(
        "processes, ports: {trips} round trips in {:.1?}, {sleeps} sleeps on one side, longest wait {longest:?}, {late} \
         over 20 ms, {lost} as long as a slice",
        begun.elapsed()
    );
    // The kernel does not count how long a machine stands still that is itself somebody's thread.
    assert!(lost <= trips / 1_000_000, "{lost} waits took as long as a slice");
    assert!(longest < Duration::from_secs(2), "the longest wait was {longest:?}");
}

/// How often this thread has given its processor up by its own will.
fn switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
    line.trim().parse().unwrap()
}
