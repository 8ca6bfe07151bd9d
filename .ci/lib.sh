# What every rail starts with. Sourced, not run.
#
# A rail runs from anywhere, stops at the first thing that fails, and says in its last line, `name: figures`, what it
# has seen. It builds in target/ci-<name> where its flags would throw away somebody else's build.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export RUSTUP_AUTO_INSTALL=0
unset RUSTFLAGS RUSTDOCFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET MIRIFLAGS
export PATH="$PWD/target/ci-tools/bin:$PATH"

RAIL=$(basename "$0")
LOGS="$PWD/target/ci-logs"
mkdir -p "$LOGS"

# Where the last `logged` command wrote what it said.
LOG=

# The last line of a rail.
close() {
    printf '%s: %s\n' "$RAIL" "$*"
}

fail() {
    printf '%s: FAILED: %s\n' "$RAIL" "$*" >&2
    exit 1
}

# A part that cannot run here. It is said aloud, and `.ci/run` repeats it.
skipped() {
    printf 'SKIPPED: %s: %s\n' "$RAIL" "$*"
}

step() {
    printf '\n--- %s: %s\n' "$RAIL" "$*"
}

# Builds of this rail go to a directory of their own.
own_target() {
    export CARGO_TARGET_DIR="$PWD/target/ci-${1:-$RAIL}"
}

# logged NAME COMMAND...: runs it, and keeps what it says in $LOG as well.
logged() {
    LOG="$LOGS/$RAIL-$1.log"
    shift
    "$@" 2>&1 | tee "$LOG"
}

# docs_rs KEY: what [package.metadata.docs.rs] of Cargo.toml says of it, a value to a line. KEY is `targets`, `rustdoc-args`,
# or `features`: those as flags of cargo.
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

# Words in the names of tests that take seconds: storms, sweeps, clocks, processes. Where there is no time for all, they go.
export SLOW_TESTS="d12_every_form rm03_a_slice e01_items random:: storm linear threads:: k02_ k03_
    timing:: strategies:: processes:: rm21_idle"

# How many things were installed.
added=0

# program NAME VERSION: installs a program of cargo, unless that version is there. The version says so itself, wherever it is installed.
program() {
    if [ "$(cargo "${1#cargo-}" --version 2>/dev/null)" != "$1 $2" ]; then
        # They start compilers and hardly work themselves: the quick build will do.
        CARGO_TARGET_DIR="$PWD/target/ci-tools/build" \
            cargo install --quiet --locked --debug --force --root target/ci-tools "$1@$2"
        rm -rf target/ci-tools/build
        added=$((added + 1))
    fi
}

# The number of tests that passed, by the harness lines in the files given.
tests_passed() {
    cat "$@" | sed -nE 's/.*test result: ok\. ([0-9]+) passed.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# The test programs that have no test in the build of a rail: a line for each, `PROGRAM: why`.
NO_TESTS=
# One of them, wherever it is built.
ASSERTS="static_asserts: what it asserts, the compiler checks"

# Fails if a test program has no test, by what cargo said in the files given, and NO_TESTS does not say why; or the other way
# round. Sets EMPTY to those programs, for the last line of the rail. Where cargo is quiet, it names no program.
EMPTY=
programs_have_tests() {
    EMPTY=$(python3 .ci/test_programs.py "$NO_TESTS" "$@") || fail "test programs without tests: see above"
}

# Integration tests that need an operating system, and are empty under Miri and in the narrow build.
HOSTED="async channel host no_alloc"

# `--test NAME` for every integration test of the package whose name matches a pattern. None is an error.
# Without a pattern: those that need neither an operating system nor another build, which run everywhere.
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

# A program of the llvm-tools component.
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
