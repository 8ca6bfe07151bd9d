//! Tests that run in a process of their own, and the processes that they start.

use std::process::{Command, Stdio};

const ROLE: &str = "ANNULET_TEST_ROLE";
const ALONE: &str = "alone";

/// Returns the role that [`again`] gave this process.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Returns the command that runs the test `name` of this binary once more, in a new process with a role.
pub fn again(name: &str, role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

/// Runs `body` in a process of its own, where signals, descriptors and processor time are its own.
pub fn alone(name: &str, body: impl FnOnce()) {
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
