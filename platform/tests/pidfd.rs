//! Death and what only looks like it.

#![cfg(target_os = "linux")]

use core::time::Duration;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::process::{Child, Stdio};

use annulet_platform::clock;
use annulet_platform::pidfd::PidFd;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

mod common;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(dead_code, reason = "each test binary uses some of it")]
#[path = "common/filter.rs"]
mod filter;

const BOUND: Duration = Duration::from_secs(5);

/// A child that lives until killed or until its standard input closes.
fn idle(name: &str) -> Child {
    common::again(name, "idle").stdin(Stdio::piped()).spawn().unwrap()
}

/// The body of the idle child.
fn is_idle() -> bool {
    let idle = common::role().is_some();
    if idle {
        let _ = std::io::stdin().read(&mut [0]);
    }
    idle
}

#[test]
fn sigkill_is_evidence_within_the_bound() {
    if is_idle() {
        return;
    }
    let mut child = idle("sigkill_is_evidence_within_the_bound");
    let peer = PidFd::of_child(&child).unwrap();
    assert!(peer.evidence().is_none());
    assert!(!peer.is_this_process());
    assert!(peer.wait(clock::after(Duration::from_millis(20))).is_none());
    child.kill().unwrap();
    assert!(peer.wait(clock::after(BOUND)).is_some());
    // Before and after the parent has collected the exit status.
    assert!(peer.evidence().is_some());
    child.wait().unwrap();
    assert!(peer.evidence().is_some());
    assert!(peer.wait(clock::NEVER).is_some());
}

#[test]
fn sigstop_is_no_evidence() {
    if is_idle() {
        return;
    }
    let mut child = idle("sigstop_is_no_evidence");
    let peer = PidFd::of_child(&child).unwrap();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::STOP).unwrap();
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
    assert!(status.stopped());
    assert!(peer.evidence().is_none());
    assert!(peer.wait(clock::after(Duration::from_millis(200))).is_none());
    kill_process(pid, Signal::CONT).unwrap();
    assert!(peer.evidence().is_none());
    child.kill().unwrap();
    assert!(peer.wait(clock::after(BOUND)).is_some());
    child.wait().unwrap();
}

#[test]
fn an_ordinary_exit_is_evidence_and_the_exit_status_stays_with_the_parent() {
    if is_idle() {
        return;
    }
    let mut child = idle("an_ordinary_exit_is_evidence_and_the_exit_status_stays_with_the_parent");
    let peer = PidFd::of_child(&child).unwrap();
    drop(child.stdin.take());
    assert!(peer.wait(common::soon()).is_some());
    // Asking anew about a child that ended must not collect its status either.
    assert!(PidFd::of_child(&child).unwrap().evidence().is_some());
    assert!(child.wait().unwrap().success());
    assert!(PidFd::of_child(&child).is_err());
}

#[test]
fn a_connected_peer_is_named_by_its_socket() {
    const NAME: &str = "a_connected_peer_is_named_by_its_socket";
    const ADDRESS: &str = "ANNULET_PLATFORM_TEST_ADDRESS";
    if common::role().is_some() {
        let address = SocketAddr::from_abstract_name(std::env::var(ADDRESS).unwrap()).unwrap();
        let stream = UnixStream::connect_addr(&address).unwrap();
        let _ = std::io::stdin().read(&mut [0]);
        drop(stream);
        return;
    }
    let address = format!("annulet-platform-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&address).unwrap()).unwrap();
    let mut child = common::again(NAME, "peer").env(ADDRESS, address).stdin(Stdio::piped()).spawn().unwrap();
    let (stream, _) = listener.accept().unwrap();
    let peer = PidFd::of_peer(&stream).unwrap();
    assert!(peer.evidence().is_none());
    child.kill().unwrap();
    assert!(peer.wait(clock::after(BOUND)).is_some());
    child.wait().unwrap();
    // Reaped: this kernel either still names the process, as dead, or has no answer; it never names another.
    match PidFd::of_peer(&stream) {
        Ok(peer) => assert!(peer.evidence().is_some()),
        Err(error) => assert!(error.raw_os_error().is_some()),
    }
}

#[test]
fn a_pair_names_the_process_that_made_it() {
    let (ours, _theirs) = annulet_platform::fdpass::pair().unwrap();
    let this = PidFd::of_peer(&ours).unwrap();
    assert!(this.evidence().is_none());
    assert_eq!(this.number(), std::process::id());
    assert!(this.is_this_process());
}

/// Linux before 6.5 does not hand out the process: it is opened by its number.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn a_kernel_that_hands_out_no_process_is_asked_for_its_number() {
    const SO_PEERPIDFD: u32 = 77;
    let named = |error: i32| {
        let (ours, _theirs) = annulet_platform::fdpass::pair().unwrap();
        let asking = std::thread::spawn(move || {
            filter::refuse_for(libc::SYS_getsockopt, 2, SO_PEERPIDFD, error);
            PidFd::of_peer(&ours).map(|peer| peer.number()).map_err(|error| error.raw_os_error())
        });
        asking.join().unwrap()
    };
    assert_eq!(named(libc::ENOPROTOOPT), Ok(std::process::id()));
    // Any other answer is one: a number might be somebody else's by now.
    assert_eq!(named(libc::ESRCH), Err(Some(libc::ESRCH)));
}

/// Zero is a descriptor like any other, where nothing else has it.
#[test]
fn a_peer_may_be_descriptor_zero() {
    common::alone("a_peer_may_be_descriptor_zero", || {
        let (ours, _theirs) = annulet_platform::fdpass::pair().unwrap();
        // SAFETY: nothing reads the standard input of this process, which runs this test alone.
        assert_eq!(unsafe { libc::close(0) }, 0);
        let peer = PidFd::of_peer(&ours).unwrap();
        assert!(peer.is_this_process());
        println!("it is descriptor {}", peer.as_fd().as_raw_fd());
    });
}

/// Waiting is sleeping: next to no time of a processor.
#[test]
fn h08_waiting_for_a_descriptor_is_no_spin() {
    use rustix::time::{ClockId, clock_gettime};

    let this = PidFd::open(std::process::id()).unwrap();
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let (before, span) = (used(), Duration::from_millis(200));
    assert!(this.wait(clock::after(span)).is_none());
    let used = used() - before;
    assert!(used < span / 10, "{used:?}");
}

#[test]
fn what_names_no_process_is_an_error() {
    for pid in [0, i32::MAX as u32, i32::MAX as u32 + 1, u32::MAX] {
        assert!(PidFd::open(pid).is_err(), "{pid}");
    }
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(PidFd::of_peer(&file).unwrap_err().raw_os_error(), Some(libc::ENOTSOCK));
    let listener = UnixListener::bind_addr(
        &SocketAddr::from_abstract_name(format!("annulet-platform-lone-{}", std::process::id())).unwrap(),
    );
    let unconnected =
        rustix::net::socket(rustix::net::AddressFamily::UNIX, rustix::net::SocketType::SEQPACKET, None);
    assert!(PidFd::of_peer(unconnected.unwrap()).is_err());
    // A listening socket's peer is itself, by definition of the kernel.
    let _ = PidFd::of_peer(listener.unwrap());
}

#[test]
fn a_pidfd_can_be_waited_for_with_others_and_is_not_inherited() {
    let this = PidFd::open(std::process::id()).unwrap();
    let flags = rustix::io::fcntl_getfd(this.as_fd()).unwrap();
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}
