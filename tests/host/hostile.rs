//! Processes that lie, hide, stay silent and die, one after the other: honest ones are served meanwhile, and nothing is left
//! behind.
//!
//! `.ci/deep/hostile` is this with a thousand of them.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use annulet::host::{
    AttachError, CheckError, Deadline, Endpoint, EndpointError, HandshakeError, PidFd, Segment, accept,
    connect,
};
use annulet::link::LinkError;
use annulet::words::WriteWords;
use annulet_platform::fdpass::{self, PassError};
use annulet_platform::mapping::Mapping;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::alone::{again, role};
use crate::common::{HELLO, TAKEN, forged_after, receive, soon};

const NAME: &str = "hostile::k09_hostile_processes_leave_nothing_behind";

type Message = [u32; 64];
const SLOTS: usize = 1024;
/// A window of 256 KiB, so that memory that a reader pays for shows.
type Window = Segment<Message, SLOTS>;
type Side = Endpoint<Message, SLOTS>;

/// What a hostile process does. Each does it until it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// Shakes hands, then writes random words to its window at full speed.
    Scribbles,
    /// The same, with words that are often believed, and by the library's own calls.
    Lies,
    /// Connects, and says nothing.
    Silent,
    /// Passes its window, and does not take mine.
    TakesNothing,
    /// Passes a window that is a hole but for its header.
    Hole,
    /// Passes one whose memory lies behind its end.
    Behind,
    /// Passes my window of one connection back on another.
    Reflects,
    /// Passes it to another process, which passes it back as its own.
    PassesOn,
    /// Passes something else, and too much of it.
    Floods,
    /// Shakes hands, and tries to take the memory away again.
    Punches,
}

const DEEDS: [Deed; 10] = [
    Deed::Scribbles,
    Deed::TakesNothing,
    Deed::Hole,
    Deed::Lies,
    Deed::Reflects,
    Deed::Silent,
    Deed::Behind,
    Deed::Floods,
    Deed::PassesOn,
    Deed::Punches,
];

/// A process that plays a part, with one end of a socket as its standard input. It is killed when this is dropped.
struct Player {
    child: Child,
    socket: Option<OwnedFd>,
}

impl Player {
    fn new(part: &str) -> Self {
        let (ours, theirs) = fdpass::pair().unwrap();
        let child = again(NAME, part).stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn().unwrap();
        Self { child, socket: Some(ours) }
    }

    fn pidfd(&self) -> PidFd {
        PidFd::of_child(&self.child).unwrap()
    }

    fn socket(&self) -> &OwnedFd {
        self.socket.as_ref().unwrap()
    }

    /// The socket, for a handshake, which closes it.
    fn give(&mut self) -> OwnedFd {
        self.socket.take().unwrap()
    }

    /// Kills it: whether it was alive.
    fn kill(mut self) -> bool {
        let lived = self.child.try_wait().unwrap().is_none();
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        lived
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // It may have ended, or been killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same numbers in each run.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Nothing more, until it is killed; or for so long that whoever should do it is dead itself.
fn linger() -> ! {
    thread::sleep(Duration::from_secs(300));
    std::process::exit(1)
}

fn parent() -> PidFd {
    PidFd::open(std::os::unix::process::parent_id()).unwrap()
}

/// An honest process: it sends back what it gets.
fn echo(socket: impl Into<OwnedFd>) {
    let mut endpoint: Side = connect(socket, parent(), &[], 0, soon()).unwrap().0;
    loop {
        let got = match endpoint.recv(Deadline::after(Duration::from_secs(300))) {
            Ok(message) => endpoint.send(&message, soon()),
            Err(why) => Err(why),
        };
        match got {
            Ok(()) => {}
            Err(EndpointError::Link(LinkError::PeerReset)) => endpoint.reset().unwrap(),
            Err(_) => return,
        }
    }
}

/// Shakes hands by hand, and keeps the other side's window.
fn take_window(socket: &impl AsFd) -> (Window, OwnedFd) {
    let mine = Window::create().unwrap();
    fdpass::send(socket, HELLO, &[mine.fd()], soon()).unwrap();
    let window = receive(socket);
    fdpass::send(socket, TAKEN, &[], soon()).unwrap();
    (mine, window)
}

/// Writes words to its own window, as fast as it can.
fn scribble(endpoint: &mut Side, noise: &mut Noise, plausible: bool) -> ! {
    let link = endpoint.link();
    let words = 96 + SLOTS as u64 * 64;
    loop {
        let (at, value) = (noise.below(words), noise.next() as u32);
        // Tail, head and the word of sleep are where most of it can do harm.
        let at = if noise.below(2) == 0 { at } else { noise.below(3) * 32 };
        let value = if plausible { value & 0x0600_001f } else { value };
        link.mine().publish(at as usize, value);
    }
}

/// The hostile side of a deed.
fn commit(deed: Deed, seed: u64) -> ! {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let mut noise = Noise(seed * 2 + 1);
    match deed {
        Deed::Scribbles | Deed::Lies => {
            let mut endpoint: Side = connect(socket, parent(), &[], 0, soon()).unwrap().0;
            if deed == Deed::Lies {
                for number in 0..noise.below(40) {
                    let _ = endpoint.try_send(&[number as u32; 64]);
                    let _ = endpoint.try_recv();
                }
                endpoint.close();
            }
            scribble(&mut endpoint, &mut noise, deed == Deed::Lies);
        }
        Deed::Silent => linger(),
        Deed::TakesNothing => {
            let window = Window::create().unwrap();
            fdpass::send(&socket, HELLO, &[window.fd()], soon()).unwrap();
            linger();
        }
        Deed::Hole | Deed::Behind => {
            let window = forged_after(&Window::create().unwrap(), |file, size| {
                if deed == Deed::Behind {
                    fallocate(file, FallocateFlags::KEEP_SIZE, size, 4 * size).unwrap();
                }
            });
            fdpass::send(&socket, HELLO, &[window.as_fd()], soon()).unwrap();
            linger();
        }
        Deed::Reflects => {
            let other = receive(&socket);
            let (_mine, window) = take_window(&socket);
            fdpass::send(&other, HELLO, &[window.as_fd()], soon()).unwrap();
            linger();
        }
        Deed::PassesOn => {
            let relay = receive(&socket);
            let (_mine, window) = take_window(&socket);
            fdpass::send(&relay, b"here", &[window.as_fd()], soon()).unwrap();
            linger();
        }
        Deed::Floods => {
            let file = File::open("/dev/null").unwrap();
            let most = vec![file.as_fd(); fdpass::MAX_FDS];
            // Until the socket is full.
            let now = Deadline::after(Duration::from_millis(1));
            while fdpass::send(&socket, HELLO, &most, now).is_ok() {}
            linger();
        }
        Deed::Punches => {
            let (mine, window) = take_window(&socket);
            let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            for file in [mine.fd(), window.as_fd()] {
                assert!(fallocate(file, punch, 0, 1 << 18).is_err());
                assert!(File::from(file.try_clone_to_owned().unwrap()).set_len(0).is_err());
                assert!(Mapping::read_write(file, 4096).is_err());
            }
            linger();
        }
    }
}

/// The second process of [`Deed::PassesOn`]: what it gets by one socket it passes as its own by the other.
fn pass_on() -> ! {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let relay = receive(&socket);
    let window = receive(&relay);
    fdpass::send(&socket, HELLO, &[window.as_fd()], soon()).unwrap();
    linger();
}

/// Keeps every socket that it is passed, and reads from none.
fn hoard() -> ! {
    let socket = std::io::stdin().as_fd().try_clone_to_owned().unwrap();
    let mut kept = Vec::new();
    loop {
        kept.push(receive(&socket));
        fdpass::send(&socket, b"kept", &[], soon()).unwrap();
    }
}

/// Works with an endpoint whose peer writes what it likes, for that time: all that can come of it is an answer, in time.
fn work(endpoint: &mut Side, time: Duration) {
    let until = Deadline::after(time);
    while !until.is_past() {
        let begun = Instant::now();
        let brief = || Deadline::after(Duration::from_millis(1));
        let mut drained = 0;
        let answers = [
            endpoint.recv(brief()).map(drop),
            endpoint.send(&[7; 64], brief()),
            endpoint.drain(SLOTS * 2, brief(), |_| drained += 1).map(drop),
            endpoint.send_iter(&mut [[8; 64]; 9].into_iter(), brief()).map(drop),
        ];
        assert!(begun.elapsed() < Duration::from_secs(10), "a deadline was not kept");
        assert!(drained <= SLOTS);
        if answers.iter().any(|answer| !matches!(answer, Ok(()) | Err(EndpointError::Timeout)))
            && endpoint.reset().is_err()
        {
            // Its epochs are used up.
            return;
        }
    }
}

/// What this process has, and all processes have together.
#[derive(Clone, Copy, Debug)]
struct Held {
    descriptors: usize,
    mappings: usize,
    /// Resident memory of this process, and of that what is shared: KiB.
    resident: i64,
    shared: i64,
    /// Shared memory of the whole system: KiB.
    system: i64,
}

impl Held {
    fn now() -> Self {
        let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
        let field = |path: &str, name: &str| {
            let text = std::fs::read_to_string(path).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").trim().parse().unwrap()
        };
        Self {
            descriptors: entries("/proc/self/fd"),
            mappings: std::fs::read_to_string("/proc/self/maps").unwrap().lines().count(),
            resident: field("/proc/self/status", "VmRSS:"),
            shared: field("/proc/self/status", "RssShmem:"),
            system: field("/proc/meminfo", "Shmem:"),
        }
    }
}

/// The side that serves.
struct Server {
    /// Honest, and there from the beginning.
    honest: (Player, Side),
    /// Hostile, and still alive: the last ones.
    alive: VecDeque<Player>,
    noise: Noise,
    killed: usize,
    served: u32,
}

impl Server {
    fn new() -> Self {
        let mut honest = Player::new("echo");
        let endpoint = accept(honest.give(), honest.pidfd(), &[], 0, soon()).unwrap().0;
        let noise = Noise(0x9e37_79b9_7f4a_7c15);
        Self { honest: (honest, endpoint), alive: VecDeque::new(), noise, killed: 0, served: 0 }
    }

    /// The honest process gets its answers, whatever the others do.
    fn serve(&mut self) {
        let endpoint = &mut self.honest.1;
        for _ in 0..3 {
            self.served += 1;
            let message = [self.served; 64];
            endpoint.send(&message, soon()).unwrap();
            assert_eq!(endpoint.recv(soon()), Ok(message));
        }
    }

    /// Another honest process comes, and is served.
    fn welcome(&mut self) {
        let mut guest = Player::new("echo");
        let mut endpoint: Side = accept(guest.give(), guest.pidfd(), &[], 0, soon()).unwrap().0;
        endpoint.send(&[1; 64], soon()).unwrap();
        assert_eq!(endpoint.recv(soon()), Ok([1; 64]));
        endpoint.reset().unwrap();
        endpoint.send(&[2; 64], soon()).unwrap();
        assert_eq!(endpoint.recv(soon()), Ok([2; 64]));
    }

    /// Faces one hostile process.
    fn face(&mut self, deed: Deed, number: usize) {
        let mut player = Player::new(&format!("{deed:?} {number}"));
        let brief = Deadline::after(Duration::from_millis(20));
        let peer = player.pidfd();
        let shake = |socket: OwnedFd, deadline| {
            let peer = PidFd::open(peer.number()).unwrap();
            accept::<Message, SLOTS>(socket, peer, &[], 0, deadline).map(|(endpoint, _)| endpoint)
        };
        match deed {
            Deed::Scribbles | Deed::Lies | Deed::Punches => {
                // Some die in the middle of the handshake.
                if number.is_multiple_of(3) {
                    thread::sleep(Duration::from_micros(self.noise.below(6000)));
                    self.end(player);
                    return;
                }
                let mut endpoint = shake(player.give(), soon()).unwrap();
                let time = Duration::from_millis(self.noise.below(20));
                if number.is_multiple_of(2) {
                    work(&mut endpoint, time);
                    self.end(player);
                } else {
                    // It dies while I work.
                    thread::scope(|scope| {
                        let working = scope.spawn(|| work(&mut endpoint, time * 2));
                        thread::sleep(time);
                        self.end(player);
                        working.join().unwrap();
                    });
                }
                return;
            }
            Deed::Silent => {
                let silent = shake(player.give(), brief).unwrap_err();
                assert!(matches!(silent, HandshakeError::Pass(PassError::Timeout)), "{silent}");
            }
            Deed::TakesNothing => {
                // As soon as it has passed its own.
                let refused = shake(player.give(), Deadline::after(Duration::from_millis(100))).unwrap_err();
                assert!(matches!(refused, HandshakeError::Pass(PassError::Timeout)), "{refused}");
            }
            Deed::Hole | Deed::Behind => {
                let refused = shake(player.give(), soon()).unwrap_err();
                let sparse =
                    matches!(refused, HandshakeError::Attach(AttachError::File(CheckError::Sparse { .. })));
                assert!(sparse, "{refused}");
            }
            Deed::Reflects => {
                let (ours, theirs) = fdpass::pair().unwrap();
                fdpass::send(player.socket(), b"another", &[theirs.as_fd()], soon()).unwrap();
                let _port = shake(player.give(), soon()).unwrap();
                let refused = shake(ours, soon()).unwrap_err();
                assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
            }
            Deed::PassesOn => {
                let mut other = Player::new("passes on");
                let (here, there) = fdpass::pair().unwrap();
                fdpass::send(player.socket(), b"relay", &[here.as_fd()], soon()).unwrap();
                fdpass::send(other.socket(), b"relay", &[there.as_fd()], soon()).unwrap();
                let _port = shake(player.give(), soon()).unwrap();
                let refused =
                    accept::<Message, SLOTS>(other.give(), other.pidfd(), &[], 0, soon()).unwrap_err();
                assert!(matches!(refused, HandshakeError::Reflected), "{refused}");
                self.end(other);
            }
            Deed::Floods => {
                let refused = shake(player.give(), soon()).unwrap_err();
                let surplus = PassError::FdSurplus { expected: 1, found: fdpass::MAX_FDS };
                // My own limit may be met before it is seen how many there are.
                assert!(
                    matches!(refused, HandshakeError::Pass(why) if why == surplus || why == PassError::FdLimit),
                    "{refused}"
                );
            }
        }
        // It goes on being there while others are served, and one goes for it.
        self.alive.push_back(player);
        if self.alive.len() > 8 {
            let oldest = self.alive.pop_front();
            oldest.into_iter().for_each(|player| self.end(player));
        }
    }

    fn end(&mut self, player: Player) {
        assert!(player.kill(), "a hostile process has ended by itself");
        self.killed += 1;
    }
}

fn serve_among_hostile_processes(peers: usize) {
    setrlimit(Resource::Nofile, Rlimit { current: Some(128), ..getrlimit(Resource::Nofile) }).unwrap();
    let mut server = Server::new();
    // Each once, until all that is made once is made.
    for (number, deed) in DEEDS.into_iter().enumerate() {
        server.face(deed, number);
    }
    server.alive.clear();
    server.killed = 0;
    // What those have not taken who are gone is let go now.
    server.welcome();
    // Once round the ring, so that every page of both windows was looked at.
    (0..=SLOTS / 3).for_each(|_| server.serve());
    server.served = 0;
    let before = Held::now();
    let mut number = 0;
    while server.killed + server.alive.len() < peers {
        server.face(DEEDS[number % DEEDS.len()], number);
        server.serve();
        if number.is_multiple_of(16) {
            server.welcome();
        }
        number += 1;
    }
    while let Some(player) = server.alive.pop_front() {
        server.end(player);
    }
    server.serve();
    server.welcome();
    let after = Held::now();
    println!(
        "hostile: {} peers killed, {} answers to an honest one; descriptors {} to {}, mappings {} to {}, RSS {} to {} KiB, \
         of it shared {} to {} KiB, Shmem {} to {} KiB",
        server.killed,
        server.served,
        before.descriptors,
        after.descriptors,
        before.mappings,
        after.mappings,
        before.resident,
        after.resident,
        before.shared,
        after.shared,
        before.system,
        after.system,
    );
    assert!(server.killed >= peers, "{number} were faced");
    assert_eq!(after.descriptors, before.descriptors);
    // The thread that closes comes and goes, with an arena that the allocator may keep.
    assert!(after.mappings <= before.mappings + 12, "{} to {}", before.mappings, after.mappings);
    assert!(after.resident <= before.resident + 4096, "{} to {} KiB", before.resident, after.resident);
    assert!(after.shared <= before.shared + 64, "{} to {} KiB", before.shared, after.shared);
}

/// More silent connections than I may have descriptors, of a process that holds them all: honest peers are served.
fn serve_among_silent_connections() {
    let hoarder = Player::new("hoards");
    let window = forged_after(&Window::create().unwrap(), |file, size| {
        file.write_all_at(&vec![0; size as usize], 0).unwrap()
    });
    for passes in [false, true] {
        let mut refused = 0;
        for _ in 0..129 {
            let (ours, theirs) = fdpass::pair().unwrap();
            if passes {
                fdpass::send(&theirs, HELLO, &[window.as_fd()], soon()).unwrap();
            }
            fdpass::send(hoarder.socket(), b"keep it", &[theirs.as_fd()], soon()).unwrap();
            drop(theirs);
            assert_eq!(fdpass::recv(hoarder.socket(), &mut [0; 8], &mut [], soon()), Ok(4));
            let brief = Deadline::after(Duration::from_millis(2));
            match accept::<Message, SLOTS>(ours, hoarder.pidfd(), &[], 0, brief).map(drop).unwrap_err() {
                HandshakeError::Pass(PassError::Timeout) => {}
                HandshakeError::TooManyPending { .. } => refused += 1,
                why => panic!("{why}"),
            }
        }
        assert_eq!(refused, if passes { 129 - 16 } else { 0 });
        let mut server = Server::new();
        server.welcome();
        server.serve();
    }
}

/// Runs `part` of this test as another user than the administrator, if there is one who may run this program: to the
/// administrator the kernel's limits do not apply.
fn as_a_user(part: &str) -> Command {
    const USER: u32 = 54_321;
    let mut probe = Command::new(std::env::current_exe().unwrap());
    probe.arg("--list").stdin(Stdio::null()).stdout(Stdio::null()).uid(USER);
    let mut command = again(NAME, part);
    if probe.status().is_ok_and(|status| status.success()) {
        command.uid(USER);
    } else {
        println!("as the user who runs this test");
    }
    command
}

#[test]
fn k09_hostile_processes_leave_nothing_behind() {
    let peers = std::env::var("ANNULET_HOSTILE_PEERS").map_or(20, |peers| peers.parse().unwrap());
    let Some(part) = role() else {
        for part in ["stress", "silence"] {
            let output = as_a_user(part).stdin(Stdio::null()).output().unwrap();
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{part}: {}", output.status);
        }
        return;
    };
    match &*part {
        "stress" => serve_among_hostile_processes(peers),
        "silence" => serve_among_silent_connections(),
        "echo" => echo(std::io::stdin().as_fd().try_clone_to_owned().unwrap()),
        "passes on" => pass_on(),
        "hoards" => hoard(),
        deed => {
            let (name, seed) = deed.split_once(' ').unwrap();
            let deed = DEEDS.into_iter().find(|deed| format!("{deed:?}") == name).unwrap();
            // A part that is unknown would be one that did nothing.
            commit(deed, seed.parse().unwrap());
        }
    }
}
