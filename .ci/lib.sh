# What every check starts with. It is sourced, not run.
#
# A check runs from anywhere and stops at the first failure. Its last line, `name: figures`, says what it has seen. It builds in
# target/ci-<name> if its flags would throw away the build of another check.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTUP_AUTO_INSTALL=0
unset RUSTFLAGS RUSTDOCFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET MIRIFLAGS
export PATH="$PWD/target/ci-tools/bin:$PATH"

CHECK=$(basename "$0")
LOGS="$PWD/target/ci-logs"
mkdir -p "$LOGS"

# The output of the last `logged` command.
LOG=

# Prints the last line of a check.
close() {
    printf '%s: %s\n' "$CHECK" "$*"
}

fail() {
    printf '%s: FAILED: %s\n' "$CHECK" "$*" >&2
    exit 1
}

# Reports a part that cannot run here. `.ci/run` repeats the line.
skipped() {
    printf 'SKIPPED: %s: %s\n' "$CHECK" "$*"
}

# Announces a part, and after how many seconds of the check it begins.
step() {
    printf '\n--- %s: %s (at %s s)\n' "$CHECK" "$*" "$SECONDS"
}

# Sends the builds of this check to a directory of their own.
own_target() {
    export CARGO_TARGET_DIR="$PWD/target/ci-$CHECK"
}

# logged NAME COMMAND...: runs the command, and keeps its output in $LOG as well.
logged() {
    LOG="$LOGS/$CHECK-$1.log"
    shift
    "$@" 2>&1 | tee "$LOG"
}

# docs_rs KEY: prints a key of [package.metadata.docs.rs] of Cargo.toml, one value to a line. KEY is `targets`, `rustdoc-args` or
# `features`. Features are printed as flags of cargo.
docs_rs() {
    cargo metadata --no-deps --format-version 1 | python3 -c '
import json, sys
package = next(p for p in json.load(sys.stdin)["packages"] if p["name"] == "annulet")
said = package["metadata"]["docs"]["rs"]
known = {"targets", "rustdoc-args", "features", "all-features", "no-default-features"}
if said.keys() - known:
    sys.exit(f"nothing reads these keys of the metadata for docs.rs: {said.keys() - known}")
if sys.argv[1] == "features":
    flags = [f"--{name}" for name in ("all-features", "no-default-features") if said.get(name)]
    print("\n".join(flags + [f"--features={name}" for name in said.get("features", [])]))
else:
    print("\n".join(said[sys.argv[1]]))
' "$1"
}

# Words in the names of tests that take seconds: stress, floods of events, sweeps, clocks, processes. Quick checks skip them.
export SLOW_TESTS="d12_every_form rm03_a_slice e01_items random:: storm stress linear threads:: k02_ k03_
    timing:: strategies:: processes:: rm21_idle"

# Targets with a standard library, besides those of Linux: the library is compiled for them, and not run.
export OTHER_SYSTEMS="x86_64-apple-darwin aarch64-apple-darwin x86_64-pc-windows-msvc"

# The number of things that were installed.
added=0

# program NAME VERSION: installs a subcommand of cargo, unless that version is installed anywhere already.
program() {
    if [ "$(cargo "${1#cargo-}" --version 2>/dev/null)" != "$1 $2" ]; then
        # A debug build is enough: these programs start compilers, and do little themselves.
        CARGO_TARGET_DIR="$PWD/target/ci-tools/build" \
            cargo install --quiet --locked --debug --force --root target/ci-tools "$1@$2"
        rm -rf target/ci-tools/build
        added=$((added + 1))
    fi
}

# tests_passed FILE...: prints how many tests passed, by the harness lines in the files.
tests_passed() {
    cat "$@" | sed -nE 's/.*test result: ok\. ([0-9]+) passed.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# The test programs that have no test in the build of a check: a line for each, `PROGRAM: why`.
NO_TESTS=
# This one has none in any build.
ASSERTS="static_asserts: what it asserts, the compiler checks"

# programs_have_tests FILE...: fails if a test program has no test and NO_TESTS does not list it, or if a listed program has some.
# The files are output of cargo; a quiet cargo names no program. Sets EMPTY to the listed programs.
EMPTY=
programs_have_tests() {
    EMPTY=$(python3 .ci/test_programs.py "$NO_TESTS" "$@") || fail "test programs without tests: see above"
}

# Integration tests that need an operating system, and are empty under Miri and in the narrow build. So is tests/channel/hosted.
HOSTED="host no_alloc"

# test_flags [PATTERN]: prints `--test NAME` for every integration test whose name matches. It is an error if none does. Without
# a pattern, prints those that run everywhere: they need neither an operating system nor another build.
test_flags() {
    cargo metadata --no-deps --format-version 1 | python3 -c '
import json, re, sys
package = next(p for p in json.load(sys.stdin)["packages"] if p["name"] == "annulet")
names = [t["name"] for t in package["targets"] if "test" in t["kind"] and re.fullmatch(sys.argv[1], t["name"])]
if not names:
    sys.exit(f"no integration test is named {sys.argv[1]}")
print(" ".join(f"--test {name}" for name in names))
' "${1:-(?!(loom|${HOSTED// /|})$).*}"
}

# llvm TOOL ARGUMENTS...: runs a program of the llvm-tools component.
llvm() {
    local tool
    tool="$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin/llvm-$1"
    [ -x "$tool" ] || fail "no llvm-$1: run .ci/setup"
    shift
    "$tool" "$@"
}

# xtask CHECK ARGUMENTS...: runs one of the checks that read the source.
xtask() {
    cargo run --quiet --locked --manifest-path xtask/Cargo.toml --target-dir target/xtask -- "$@"
}

host() {
    rustc -vV | sed -n 's/^host: //p'
}
