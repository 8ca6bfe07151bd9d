"""Builds many mutations at once: each function has all of its own, and a variable of the environment selects one.

One build for each of four hundred mutations takes nearly an hour on two processors. One build with all of them takes minutes,
and then each mutation takes as long as its tests. Two kinds are still built one by one: mutations of a `const fn`, whose value
the compiler needs, and mutations that do not compile together with others.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

VARIABLE = "ANNULET_MUTATION"

# The variable is read before `main`, because some tests count their allocations, and tests run in any order.
CHOICE = """
/// Which mutation it is.
pub(crate) mod mutation {
    extern crate std;
    static ACTIVE: core::sync::atomic::AtomicU32 = core::sync::atomic::AtomicU32::new(0);
    #[inline]
    pub(crate) fn active() -> u32 {
        ACTIVE.load(core::sync::atomic::Ordering::Relaxed)
    }
    extern "C" fn choose() {
        let chosen = std::env::var("%s").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
        ACTIVE.store(chosen, core::sync::atomic::Ordering::Relaxed);
    }
    #[used]
    #[unsafe(link_section = ".init_array")]
    static CHOOSE: extern "C" fn() = choose;
}
""" % VARIABLE


class Body:
    """The place of a function's body in its file, braces included."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def mutated(self, text, mutated):
        """Returns the body as it is in the mutated text of the file."""
        return mutated[self.start : self.end + len(mutated) - len(text)]


class Batch:
    """A copy of the checkout with many mutations."""

    def __init__(self, tree, files):
        self.tree, self.files = tree, files
        # The mutations that do not compile together with others.
        self.left = []

    def write(self, mutants):
        """Writes the files with all mutations, and notes which lines belong to which mutation."""
        if self.tree.exists():
            shutil.rmtree(self.tree)
        for name in self.files:
            copy = self.tree / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, copy)
        self.arms, self.functions = {}, {}
        by_file = {}
        for mutant in mutants:
            by_file.setdefault(mutant.file, {}).setdefault((mutant.body.start, mutant.body.end), []).append(mutant)
        for file, bodies in by_file.items():
            text = Path(file).read_text()
            pieces, at, line = [], 0, 1

            def put(piece):
                nonlocal line
                pieces.append(piece)
                line += piece.count("\n")

            for (start, end), these in sorted(bodies.items()):
                put(text[at:start])
                first = line
                put("{ match crate::mutation::active() {\n")
                for mutant in these:
                    begin = line
                    put(f"{mutant.number} => {mutant.body.mutated(text, mutant.text)}\n")
                    self.arms.setdefault(file, []).append((begin, line - 1, mutant))
                put(f"_ => {text[start:end]}\n}} }}")
                self.functions.setdefault(file, []).append((first, line, these))
                at = end
            put(text[at:])
            # A function that is always inlined would take all its mutations along to every caller.
            (self.tree / file).write_text("".join(pieces).replace("#[inline(always)]", "#[inline(never)]"))
        for library in ("src/lib.rs", "platform/src/lib.rs"):
            with (self.tree / library).open("a") as file:
                file.write(CHOICE)

    def blamed(self, said):
        """Returns the mutations that cause the errors."""
        found = set()
        for row in said.splitlines():
            if not row.startswith("{"):
                continue
            message = json.loads(row).get("message") or {}
            if message.get("level") != "error":
                continue
            spans = [span for span in message["spans"] if span["is_primary"]]
            for span in spans:
                while span["file_name"] not in self.functions and span.get("expansion"):
                    span = span["expansion"]["span"]
                file, line = span["file_name"], span["line_start"]
                these = [mutant for begin, end, mutant in self.arms.get(file, []) if begin <= line <= end]
                if not these:
                    these = [m for begin, end, all_of in self.functions.get(file, []) if begin <= line <= end for m in all_of]
                found.update(these)
        return found

    def settle(self, mutants, worlds):
        """Leaves out mutations until the rest compiles, and returns the rest. `worlds` are arguments and environments of cargo."""
        mutants = alone_in_their_place(mutants, self.left)
        while True:
            self.write(mutants)
            blamed = set()
            for arguments, environment in worlds:
                command = ["cargo", "check", "--message-format", "json", *arguments]
                done = subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True)
                if done.returncode:
                    found = self.blamed(done.stdout)
                    if not found:
                        raise RuntimeError(f"nobody is to blame for this:\n{done.stderr}\n{rendered(done.stdout)}")
                    blamed |= found
            if not blamed:
                return mutants
            self.left += [mutant for mutant in mutants if mutant in blamed]
            mutants = [mutant for mutant in mutants if mutant not in blamed]


def alone_in_their_place(mutants, left):
    """Returns the mutations whose function lies in no other mutated function. The others go to `left`."""
    kept = []
    for mutant in mutants:
        around = (
            other
            for other in mutants
            if other.file == mutant.file and other.body.start < mutant.body.start and mutant.body.end < other.body.end
        )
        (left if any(around) else kept).append(mutant)
    return kept


def rendered(said):
    rows = (json.loads(row) for row in said.splitlines() if row.startswith("{"))
    messages = (row.get("message") or {} for row in rows)
    return "\n".join(message.get("rendered") or "" for message in messages if message.get("level") == "error")
