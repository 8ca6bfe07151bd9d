//! System calls that the kernel refuses, for one thread.

/// The calls that ask a file's filesystem.
pub(crate) const ASKING: &[i64] =
    &[libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_fstatfs];

/// The calls that wait for a descriptor.
#[cfg(target_arch = "x86_64")]
pub(crate) const WAITING: &[i64] = &[libc::SYS_poll, libc::SYS_ppoll];
#[cfg(not(target_arch = "x86_64"))]
pub(crate) const WAITING: &[i64] = &[libc::SYS_ppoll];

/// The calls that take a message from a socket, or give it one.
pub(crate) const PASSING: &[i64] = &[libc::SYS_recvmsg, libc::SYS_sendmsg];

/// Has the kernel answer `calls` of this thread with the error `number`, from here on.
pub(crate) fn refuse(calls: &[i64], number: i32) {
    let step = |code: u32, jump_true, k: i64| libc::sock_filter {
        code: code as u16,
        jt: jump_true,
        jf: 0,
        k: k as u32,
    };
    let answer = |k: u32| step(libc::BPF_RET | libc::BPF_K, 0, i64::from(k));
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for (at, call) in calls.iter().enumerate() {
        // Over the calls behind this one, and the answer that allows.
        let jump = u8::try_from(calls.len() - at).unwrap();
        program.push(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, jump, *call));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program.push(answer(libc::SECCOMP_RET_ERRNO | number as u32));
    install(&mut program);
}

/// Has the kernel answer `call` of this thread with the error `number`, from here on, where its argument `index` is `value`.
pub(crate) fn refuse_for(call: i64, index: u32, value: u32, number: i32) {
    let step = |code: u32, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let load = |at| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, at);
    // Steps over so many unless it is this.
    let unless = |k, over| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, over, k);
    let answer = |k| step(libc::BPF_RET | libc::BPF_K, 0, k);
    // Before the arguments come the number of the call, the architecture and an address. They are of 64 bits each, of which the
    // lower half comes first.
    install(&mut [
        load(0),
        unless(call as u32, 3),
        load(16 + 8 * index),
        unless(value, 1),
        answer(libc::SECCOMP_RET_ERRNO | number as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ]);
}

fn install(program: &mut [libc::sock_filter]) {
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: numbers only.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: a live program of the length given, which the kernel copies.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) }, 0);
}

/// Runs `body` in a thread of its own, for which the kernel answers `calls` with the error `number`. A body that does not
/// end is a failure.
pub(crate) fn without<R: Send + 'static>(
    calls: &'static [i64],
    number: i32,
    body: impl FnOnce() -> R + Send + 'static,
) -> R {
    let (done, is_done) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        refuse(calls, number);
        done.send(body())
    });
    is_done.recv_timeout(core::time::Duration::from_secs(30)).expect("it does not end, or has failed")
}
