//! What the tests share.

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use annulet::host::{AttachError, Deadline, PidFd, Port, Segment, attach};
use annulet_platform::fdpass;
use annulet_platform::mapping::Mapping;
use annulet_platform::memfd::{self, Seals};

pub type Window = Segment<u64, 8>;

/// What the connecting side says with its window, the accepting one with its own, and the connecting one at the end.
pub const HELLO: &[u8] = b"annulet connects";
pub const WELCOME: &[u8] = b"annulet accepts";
pub const TAKEN: &[u8] = b"annulet has it";

/// A process that is there, and does nothing. It ends when this is dropped.
pub struct Stranger(Child);

impl Stranger {
    pub fn new() -> Self {
        Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap())
    }

    pub fn pidfd(&self) -> PidFd {
        PidFd::of_child(&self.0).unwrap()
    }

    pub fn kill(&mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A connection that lingers: the last `close` of it takes until `other` reads, or is closed. It takes no rights to make one.
pub fn lingering() -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (other, _) = listener.accept().unwrap();
    rustix::net::sockopt::set_socket_linger(&ours, Some(Duration::from_secs(10_000))).unwrap();
    ours.set_nonblocking(true).unwrap();
    while ours.write(&[0; 1 << 16]).is_ok() {}
    (ours.into(), other)
}

/// The descriptor of the next message, which has one.
pub fn receive(socket: impl AsFd) -> OwnedFd {
    let mut fds = [None];
    fdpass::recv(socket, &mut [0; 32], &mut fds, soon()).unwrap();
    let [fd] = fds;
    fd.unwrap()
}

/// Generous: only a test that hangs meets it.
pub fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub fn myself() -> PidFd {
    PidFd::open(std::process::id()).unwrap()
}

/// Two ports of one process, each with its own mapping of the other's window.
pub fn ports() -> (Port<u64, 8>, Port<u64, 8>) {
    let (a, b) = (Window::create().unwrap(), Window::create().unwrap());
    let (see_a, see_b) = (attach(a.fd()).unwrap(), attach(b.fd()).unwrap());
    (Port::new(a, see_b, myself()), Port::new(b, see_a, myself()))
}

/// A memory file that is sealed like a window, and holds `bytes`.
pub fn forged(bytes: &[u8], seals: Seals) -> OwnedFd {
    let file = File::from(memfd::create(c"forged", bytes.len() as u64).unwrap());
    file.write_all_at(bytes, 0).unwrap();
    memfd::add_seals(&file, seals).unwrap();
    file.into()
}

pub fn all_seals() -> Seals {
    Seals::SHRINK | Seals::GROW | Seals::FUTURE_WRITE | Seals::SEAL
}

/// The bytes of a real window's file.
pub fn genuine() -> Vec<u8> {
    let window = Window::create().unwrap();
    let file = File::from(window.fd().try_clone_to_owned().unwrap());
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

pub fn refusal(fd: &OwnedFd) -> AttachError {
    attach::<u64, 8>(fd.as_fd()).unwrap_err()
}

/// The words of a mapping, of which the kernel is only told the addresses.
pub fn words(mapping: &Mapping) -> impl Iterator<Item = *mut u32> {
    let base = mapping.as_ptr().cast::<u32>().as_ptr();
    (0..mapping.len() / 4).map(move |at| base.wrapping_add(at))
}
