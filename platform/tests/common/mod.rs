//! What the tests share: running a test in a process of its own, and counting descriptors.

#![allow(dead_code, reason = "each test binary uses some of it")]

use core::time::Duration;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use annulet_platform::clock;
use annulet_platform::memfd::{self, Seals};

const ROLE: &str = "ANNULET_PLATFORM_TEST_ROLE";
const ALONE: &str = "alone";

/// Far beyond anything that should happen, so that a slow machine fails no test.
pub(crate) fn soon() -> u64 {
    clock::after(Duration::from_secs(30))
}

/// The role that [`again`] gave this process.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// The command that runs the test `name` of this binary once more, in a new process with a role.
pub(crate) fn again(name: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// Runs `body` in a process of its own, where no other test opens descriptors or suffers from its limits.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    match role().as_deref() {
        None => {
            let output = again(name, ALONE).stdin(Stdio::null()).output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            print!("{stdout}");
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{name} failed in its own process: {}", output.status);
            // A misspelt name would run no test at all, and succeed.
            assert!(stdout.contains(&done(name)), "{name} did not run in its own process");
        }
        Some(ALONE) => {
            body();
            println!("{}", done(name));
        }
        Some(_) => {}
    }
}

fn done(name: &str) -> String {
    format!("[{name} done alone]")
}

/// The open descriptors of this process and what they are, without the one used to look.
pub(crate) fn open_fds() -> Vec<(i32, PathBuf)> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let mut fds: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let number = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
            Some((number, std::fs::read_link(path).ok()?))
        })
        .filter(|(_, target)| !target.starts_with("/proc/"))
        .collect();
    fds.sort();
    fds
}

/// A memory file of one page that passes for a ring's.
pub(crate) fn good_memfd() -> OwnedFd {
    good_memfd_with(Seals::SEAL)
}

/// The same with `more` seals than those that fix the size.
pub(crate) fn good_memfd_with(more: Seals) -> OwnedFd {
    let fd = memfd::create(c"annulet-test", 4096).unwrap();
    memfd::add_seals(&fd, Seals::SHRINK | Seals::GROW | more).unwrap();
    fd
}

/// A connection that lingers: the last `close` of it takes until `other` reads, or is closed.
/// It takes no rights to make one.
pub(crate) fn lingering() -> (OwnedFd, std::net::TcpStream) {
    use std::io::Write;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ours = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    rustix::net::sockopt::set_socket_linger(&ours, Some(Duration::from_secs(10_000))).unwrap();
    ours.set_nonblocking(true).unwrap();
    while ours.write(&[0; 1 << 16]).is_ok() {}
    (ours.into(), other)
}
