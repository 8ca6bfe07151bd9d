"""One build for many mutations: each function has them all, and a variable of the environment says which one it is.

A build for each mutation takes most of an hour's work of two processors for four hundred of them; one build with all of them takes
minutes, and then each costs what its tests take. What a `const fn` computes is needed by the compiler, and some mutations do
not compile in such company: those are built one by one, as before.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

VARIABLE = "ANNULET_MUTATION"

# Read before `main`, and without an allocator: some tests count what they allocate, and in which order they run is theirs.
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
    """Where the body of a function is in its file, from one brace to the other."""

    def __init__(self, start, end):
        self.start, self.end = start, end

    def mutated(self, text, mutated):
        """What it is in the mutated text of the file."""
        return mutated[self.start : self.end + len(mutated) - len(text)]


class Batch:
    """A copy of the checkout that has many mutations."""

    def __init__(self, tree, files):
        self.tree, self.files = tree, files
        # What does not compile in company.
        self.left = []

    def write(self, mutants):
        """Writes the files with all of the mutations; which lines of them belong to which."""
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
            # What is inlined everywhere would take all its mutations along, everywhere.
            (self.tree / file).write_text("".join(pieces).replace("#[inline(always)]", "#[inline(never)]"))
        for library in ("src/lib.rs", "platform/src/lib.rs"):
            with (self.tree / library).open("a") as file:
                file.write(CHOICE)

    def blamed(self, said):
        """Whose errors these are."""
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
        """Leaves out what does not compile, until the rest does. `worlds` are arguments of cargo, and their environment."""
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
    """Those whose function lies in no other one that is mutated too; the others are left."""
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
