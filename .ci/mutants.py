"""Mutates the source, and reports which mutations a test notices. `.ci/deep/mutants` calls it, and has its variables.

A mutation is one edit of one file. cargo-mutants makes most of them: another value for a function, another operator.
`.ci/deep/mutants.own` has the others. Nearly all mutations of cargo-mutants are built at once (`mutants_batch.py`). The rest is
built one by one, in copies of the checkout.

Each file belongs to a room, which names the tests that should notice its mutations. A mutation meets the fast tests of its room
first. If they pass, it meets the slow tests of the room, all fast tests, and the tests of the room in the narrow build. If those
pass too, it has survived. A mutation that is listed as a survivor meets the first tests only.
"""

import hashlib
import json
import os
import queue
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, ".ci")
from mutants_batch import VARIABLE, Batch, Body, rendered  # noqa: E402

# The rooms: the beginning of a path, the modules of unit tests, the integration tests. The first match counts.
ROOMS = [
    ("src/span.rs", "span::", "suite"),
    ("src/zeroed.rs", "", "suite"),
    ("src/atomic/slot", "atomic::", "caps regions"),
    ("src/atomic/length.rs", "atomic::", "regions"),
    ("src/atomic/once_box.rs", "atomic:: wait:: ring::lanes::", "lanes channel"),
    ("src/atomic/w", "atomic:: wait::", "channel"),
    ("src/atomic/sleepers.rs", "atomic:: wait::", "channel"),
    ("src/atomic/relaxed.rs", "atomic:: wait::", "channel"),
    ("src/atomic/peer_counts.rs", "atomic:: channel::", "channel"),
    ("src/atomic", "atomic::", "suite broadcast lanes"),
    ("src/stats.rs", "stats::", "suite broadcast"),
    ("src/handle.rs", "handle::", "caps regions"),
    ("src/words", "words::", "hostile"),
    ("src/link", "link::", "hostile"),
    ("src/cap", "cap::", "caps"),
    ("src/region", "region::", "regions"),
    ("src/ring/broadcast", "ring::broadcast::", "broadcast"),
    ("src/ring/lanes", "ring::lanes::", "lanes"),
    ("src/index", "index:: ring::", "suite"),
    ("src/ring", "ring::", "suite"),
    ("src/wait", "wait::", "channel"),
    ("src/channel", "channel::", "channel"),
    ("src/host/futex.rs", "host::", "host channel"),
    ("src/host/runner.rs", "host::", "channel"),
    ("src/host", "host::", "host"),
    ("src", "", "suite"),
    ("platform/src", "", ".*"),
]

# Words in the names of tests that take seconds. They run after the others have passed.
SLOW = os.environ["SLOW_TESTS"].split()

# Tests that need a build of their own, or build others.
NOT_RUN = {"loom", "ui"}

XTASK = ["--manifest-path", "xtask/Cargo.toml", "--target-dir", "target/xtask"]
JOBS = int(os.environ.get("MUTANTS_JOBS", "2"))
TIMEOUT = int(os.environ.get("MUTANTS_TIMEOUT", "0"))
SAMPLE = int(os.environ.get("MUTANTS_SAMPLE", "0"))
FALLBACK = os.environ.get("MUTANTS_FALLBACK", "1") != "0"
HOME = Path("target/ci-mutants").absolute()
# The largest number of mutations in one build.
TOGETHER = 100
# A mutated loop may allocate for ever.
MEMORY = 16 << 30


def stop(text):
    sys.exit(f"mutants: FAILED: {text}")


class Mutant:
    def __init__(self, file, line, what, text, by="tests"):
        self.file, self.line, self.what, self.text, self.by = file, line, what, text, by
        self.fate = None
        # For a mutation that can be built with others: the body of its function, and its number, counted from 1.
        self.body = self.number = None

    def __str__(self):
        return f"{self.file}: {self.what}"


# --- Which mutations there are.


def files(*patterns):
    """The files of the checkout that match: the tracked ones, and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in sorted(names) if name and Path(name).is_file()]


def shape_of(file, text):
    """Returns where bodies, wrappers and tests are in a file, as `xtask bodies` prints them."""
    shape = {"body": [], "wrapper": [], "tests": []}
    command = ["cargo", "run", "--quiet", "--locked", *XTASK, "--", "bodies", file]
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        kind, *numbers = line.split()
        line, column, last_line, last_column = map(int, numbers)
        span = {"start": {"line": line, "column": column}, "end": {"line": last_line, "column": last_column}}
        shape[kind].append(ends_of(text, span))
    return shape


def without_wrappers(text, shape):
    """Returns the text without the macros around items, which cargo-mutants does not look into. Lines and columns stay."""
    for start, end in shape["wrapper"]:
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def ends_of(text, span):
    """Returns the indices of a span, whose lines and columns are counted from 1."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return [starts[span[end]["line"] - 1] + span[end]["column"] - 1 for end in ("start", "end")]


def replaced(text, span, new):
    first, last = ends_of(text, span)
    return text[:first] + new + text[last:]


def made_by_cargo_mutants(file):
    text = Path(file).read_text()
    shape = shape_of(file, text)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / Path(file).name
        copy.write_text(without_wrappers(text, shape))
        listing = subprocess.run(
            ["cargo", "mutants", "--no-config", "--Zmutate-file", str(copy), "--json"], capture_output=True, text=True
        )
    if listing.returncode:
        stop(f"cargo mutants on {file}: {listing.stderr}")
    lines = text.splitlines()
    seen = {}
    for entry in json.loads(listing.stdout):
        new = replaced(text, entry["span"], entry["replacement"])
        line = entry["span"]["start"]["line"]
        what = re.sub(r"^[^:]*:\d+:\d+: ", "", entry["name"])
        if entry["genre"] != "FnValue":
            what += f": `{lines[line - 1].strip()}`"
        seen[what] = seen.get(what, 0) + 1
        if seen[what] > 1:
            what += f" ({seen[what]})"
        first, last = ends_of(text, entry["span"])
        if new == text or any(start <= first and last <= end for start, end in shape["tests"]):
            continue
        mutant = Mutant(file, line, what, new)
        if entry["function"]:
            start, end = ends_of(text, entry["function"]["span"])
            # The compiler tries to make a value in a box, of a type that no memory holds, on the stack.
            if "Box::new" not in what:
                mutant.body = next((Body(*body) for body in shape["body"] if start <= body[0] and body[1] == end), None)
        yield mutant


def made_by_us():
    """`.ci/deep/mutants.own`: `@ FILE: WHAT [by TESTS]`, then lines `- ` that are there, and lines `+` in their place."""
    path = Path(".ci/deep/mutants.own")
    mutants, problems = [], []
    entries = re.split(r"^@ ", path.read_text(), flags=re.MULTILINE)[1:]
    for entry in entries:
        head, *body = [line for line in entry.splitlines() if line.strip() and not line.startswith("#")]
        match = re.fullmatch(r"(\S+): (.*?)(?: \[by (narrow|loom \w+)\])?", head)
        if not match:
            stop(f"{path}: `{head}` is no head of a mutation")
        file, what, by = match.groups()
        old = [line[2:].strip() for line in body if line.startswith("- ")]
        new = [line[2:] for line in body if line.startswith("+")]
        if not old or len(old) + len(new) != len(body):
            stop(f"{path}: {head}: lines are `- ` what is there, then `+ ` what is put there")
        lines = Path(file).read_text().splitlines() if Path(file).exists() else []
        bare = [line.strip() for line in lines]
        found = [at for at in range(len(bare)) if bare[at : at + len(old)] == old]
        if len(found) != 1:
            problems.append(f"{path}: {head}: its text is there {len(found)} times")
            continue
        at = found[0]
        # A `+` alone puts nothing there.
        text = "\n".join(lines[:at] + [line for line in new if line] + lines[at + len(old) :]) + "\n"
        mutants.append(Mutant(file, at + 1, f"own: {what}", text, by or "tests"))
    return mutants, problems


class Listed:
    """Patterns with reasons: a line of text in which `*` is anything, and indented lines below it."""

    def __init__(self, path):
        self.path, self.entries = path, {"left out": {}, "survivors": {}}
        section = pattern = None
        for line in Path(path).read_text().splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if match := re.fullmatch(r"\[(.*)\]", line):
                section = self.entries.get(match.group(1))
                if section is None:
                    stop(f"{path}: there is no section {line}")
            elif line.startswith("    ") and pattern:
                section[pattern] = f"{section[pattern]} {line.strip()}".strip()
            else:
                pattern = line.strip()
                section[pattern] = ""
        for section in self.entries.values():
            for pattern, reason in section.items():
                if not reason:
                    stop(f"{path}: `{pattern}` has no reason")

    @staticmethod
    def matches(pattern, text):
        return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None

    def find(self, section, mutant):
        return next((p for p in self.entries[section] if self.matches(p, str(mutant))), None)


LISTED = Listed(".ci/deep/mutants.survivors")


# --- What becomes of one.


def room_of(file):
    for path, modules, tests in ROOMS:
        if file.startswith(path):
            return modules.split(), tests.split()
    stop(f"{file} is in no room: add it to the table in .ci/mutants.py")


# The groups of processes that run now. They end with this program.
running = set()


def end(*_):
    for process in list(running):
        try:
            os.killpg(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    os._exit(1)


class Broken(Exception):
    """The tests fail without a mutation, so mutations show nothing."""


class Runner:
    """Builds tests in a copy of the checkout, and runs them."""

    # The seconds that tests take without a mutation.
    limits = {}

    def __init__(self, name):
        self.name, self.tree = name, HOME / f"tree-{name}"

    def run(self, command, limit, memory=None, **settings):
        """Runs a command, and kills it with its children after `limit` seconds. Returns its status (None: killed) and output."""
        if memory:
            settings["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True, **settings
            )
            running.add(process.pid)
            try:
                status = process.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # Its children too, which a test may have left.
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
                process.wait()
                running.discard(process.pid)
            output.seek(0)
            return status, output.read().decode(errors="replace")

    # Additional flags of the compiler, and its level of optimisation.
    flags, level = "", "0"

    def environment(self, world):
        flags = {"tests": "", "narrow": "--cfg annulet_narrow", "loom": "--cfg loom"}[world] + self.flags
        settings = {
            "CARGO_TARGET_DIR": str(HOME / f"{world}-{self.name}"),
            "RUSTFLAGS": flags,
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_PROFILE_TEST_DEBUG": "0",
            # The narrow build walks whole ranges.
            "CARGO_PROFILE_TEST_OPT_LEVEL": "1" if world == "narrow" else self.level,
            "CARGO_PROFILE_DEV_OPT_LEVEL": self.level,
            "LOOM_MAX_PREEMPTIONS": "3",
        }
        return os.environ | settings

    @staticmethod
    def features(world):
        return {"tests": ["--all-features"], "narrow": ["--features", "alloc"]}.get(world, ["--features", "alloc", "--release"])

    def build(self, world, package, targets):
        """Builds tests. Returns their names and paths, or None and the errors of the compiler."""
        command = ["cargo", "test", "--no-run", "--message-format", "json", "-p", package, *self.features(world), *targets]
        status, said = self.run(command, 900, cwd=self.tree, env=self.environment(world))
        if status != 0:
            return None, "no end" if status is None else "\n".join(row for row in said.splitlines() if not row.startswith("{")) + rendered(said)
        found = []
        for line in said.splitlines():
            if line.startswith("{"):
                message = json.loads(line)
                if message.get("executable") and message.get("profile", {}).get("test"):
                    found.append((message["target"]["name"], message["target"]["kind"][0], message["executable"]))
        # The quickest first: unit tests.
        return sorted(found, key=lambda test: test[1] == "test"), said

    def play(self, world, package, tests, filters, fast, baseline, number=0):
        """Runs built tests until one fails. Returns its name, or None. The baseline measures how long each takes."""
        folder = self.tree if package == "annulet" else self.tree / "platform"
        environment = self.environment(world) | {"CARGO_MANIFEST_DIR": str(folder), VARIABLE: str(number)}
        for name, kind, executable in tests:
            # Filters choose among unit tests (and models); of integration tests, the fast ones.
            chosen = filters if kind != "test" or world == "loom" else []
            if fast:
                chosen = [*chosen, *(word for name in SLOW for word in ("--skip", name))]
            key = (world, package, name, kind, tuple(chosen))
            begun = time.monotonic()
            limit = 600 if baseline else TIMEOUT or 4 * self.limits.get(key, 30) + 5
            status, said = self.run([executable, *chosen], limit, MEMORY, cwd=folder, env=environment)
            if baseline:
                self.limits[key] = max(self.limits.get(key, 0), time.monotonic() - begun)
            if status is None:
                return f"{name}: no end after {limit:.0f} s"
            if status:
                failed = re.findall(r"^test (\S+) \.\.\. FAILED", said, re.MULTILINE) or [f"status {status}"]
                if baseline:
                    print(said)
                return f"{name}: {failed[0]}"
        return None

    def stages(self, file, by):
        """Returns what is tested, in order: world, package, targets, filters of unit tests, whether only fast tests run."""
        modules, tests = room_of(file)
        package = "annulet" if file.startswith("src") else "annulet-platform"
        names = [name for name in ALL_TESTS[package] if any(re.fullmatch(test, name) for test in tests)]
        chosen = ["--lib"] + [flag for name in names for flag in ("--test", name)]
        if by.startswith("loom"):
            return [("loom", package, ["--test", "loom"], by.split()[1:], False)]
        narrow = [("narrow", package, ["--lib"] + [f for n in names if n != "host" for f in ("--test", n)], [], False)]
        if by == "narrow":
            return narrow
        stages = [("tests", package, chosen, modules, True)]
        if FALLBACK and package == "annulet":
            stages += [("tests", package, chosen, [], False), ("tests", package, EVERYTHING[package], [], True), *narrow]
        return stages

    def passes(self, world, package, targets, filters, fast):
        """Builds tests, and runs them without a mutation. Returns them and the output of the compiler; raises if one fails."""
        tests, said = self.build(world, package, targets)
        if not tests:
            raise Broken(f"without a mutation, this does not build: {' '.join(targets)}\n{said}")
        if why := self.play(world, package, tests, filters, fast, True):
            raise Broken(f"without a mutation, a test fails: {why}")
        return tests, said

    def meets(self, mutant):
        """Returns a fate (died, unviable, survived) and what decided it."""
        stages = self.stages(mutant.file, mutant.by)
        # What is listed has its reason, and need only survive the tests that would notice it first.
        for stage in stages[:1] if LISTED.find("survivors", mutant) else stages:
            world, package, _, filters, fast = stage
            tests, said = self.ready(*stage)
            if tests is None:
                return "unviable", (re.findall(r"^error.*", said, re.MULTILINE) or [""])[0]
            if why := self.play(world, package, tests, filters, fast, False, mutant.number or 0):
                return "died", why
        return "survived", ""


class Together(Runner):
    """Tests the mutations that are built at once."""

    # What a mutation makes of an expression may be of no use, or overflow. One build serves many runs.
    flags, level = " --cap-lints allow", "1"

    def __init__(self, mutants):
        super().__init__("batch")
        self.built, self.mutex = {}, threading.Lock()
        self.batch = Batch(self.tree, files())
        for number, mutant in enumerate(mutants, 1):
            mutant.number = number
        packages = {package for mutant in mutants for _, package, *_ in self.stages(mutant.file, mutant.by)}
        worlds = [
            (["-p", package, "--lib", *tested, *self.features(world)], self.environment(world))
            for world, package in (("tests", "annulet"), ("tests", "annulet-platform"), ("narrow", "annulet"))
            if package in packages
            # Functions that only tests have are built with them.
            for tested in ([], ["--profile", "test"])
        ]
        self.mutants = self.batch.settle(mutants, worlds)
        for mutant in self.batch.left:
            mutant.number = None

    def ready(self, world, package, targets, filters, fast):
        """Builds the tests and runs them without a mutation, before the first mutation that needs them."""
        key = (world, package, tuple(targets), tuple(filters), fast)
        with self.mutex:
            if key not in self.built:
                self.built[key] = self.passes(world, package, targets, filters, fast)
        return self.built[key]

    def judge(self, mutant):
        return self.meets(mutant)


class Worker(Runner):
    """Builds and tests one mutation after the other."""

    def __init__(self, number):
        super().__init__(number)
        wanted = set(files())
        for name in wanted:
            copy = self.tree / name
            if not copy.exists() or copy.read_bytes() != Path(name).read_bytes():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, copy)
        for copy in self.tree.rglob("*"):
            if copy.is_file() and str(copy.relative_to(self.tree)) not in wanted:
                copy.unlink()

    def begin_with(self, other):
        """Copies the built dependencies of another worker."""
        for world in ("tests", "narrow", "loom"):
            built, mine = HOME / f"{world}-{other.name}", HOME / f"{world}-{self.name}"
            if built.exists() and not mine.exists():
                subprocess.run(["cp", "-a", str(built), str(mine)], check=True)

    def ready(self, world, package, targets, filters, fast):
        return self.build(world, package, targets)

    def baseline(self, mutants):
        """Runs everything that mutations will meet, without a mutation."""
        done = set()
        for file, by in sorted({(mutant.file, mutant.by) for mutant in mutants}):
            for stage in self.stages(file, by):
                if repr(stage) not in done:
                    done.add(repr(stage))
                    self.passes(*stage)

    def judge(self, mutant):
        place = self.tree / mutant.file
        before = place.read_text()
        try:
            place.write_text(mutant.text)
            return self.meets(mutant)
        finally:
            place.write_text(before)


def companies(mutants):
    """Yields the mutations that are built together. They belong to one room. They are not too many, because an inlined function
    takes its mutations along. A few are quicker to build one by one."""
    rooms = {}
    for mutant in mutants:
        if mutant.body and mutant.by == "tests":
            rooms.setdefault(str(room_of(mutant.file)), []).append(mutant)
    for room in rooms.values():
        parts = -(-len(room) // TOGETHER)
        size = -(-len(room) // parts)
        for at in range(0, len(room), size):
            if len(room[at : at + size]) >= 16:
                yield room[at : at + size]


def each(mutants, workers):
    """Lets the workers share the mutations, and sets the fate of each."""
    line = queue.SimpleQueue()
    for mutant in mutants:
        line.put(mutant)
    crashed = []

    def work(worker):
        try:
            while True:
                try:
                    mutant = line.get_nowait()
                except queue.Empty:
                    return
                begun = time.monotonic()
                mutant.fate, how = worker.judge(mutant)
                print(f"{mutant.fate:9} {time.monotonic() - begun:4.0f} s  {mutant.file}:{mutant.line}: {mutant.what}  {how}", flush=True)
        except Exception as error:  # noqa: BLE001 a worker that ends early is no success
            crashed.append(str(error) if isinstance(error, Broken) else repr(error))

    threads = [threading.Thread(target=work, args=[worker]) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if crashed:
        stop(f"a worker ended: {crashed}")


# --- All of them.


def all_tests():
    known = json.loads(subprocess.run(["cargo", "metadata", "--no-deps", "--format-version", "1"], check=True, capture_output=True).stdout)
    return {
        package["name"]: [t["name"] for t in package["targets"] if "test" in t["kind"] and t["name"] not in NOT_RUN]
        for package in known["packages"]
    }


ALL_TESTS = all_tests()
EVERYTHING = {package: ["--lib"] + [f for name in names for f in ("--test", name)] for package, names in ALL_TESTS.items()}
EVERYTHING["annulet"] += ["--example", "wait_queue"]


def main():
    everywhere = not os.environ.get("MUTANTS_FILES")
    wanted = (os.environ.get("MUTANTS_FILES") or "src/*.rs platform/src/*.rs").split()
    chosen = files(*wanted)
    if not chosen:
        stop(f"no file matches {wanted}")
    own, problems = made_by_us()
    made = [mutant for file in chosen for mutant in made_by_cargo_mutants(file)]
    made += [mutant for mutant in own if mutant.file in chosen]
    left_out = {}
    mutants = []
    for mutant in made:
        if pattern := LISTED.find("left out", mutant):
            left_out[pattern] = left_out.get(pattern, 0) + 1
        else:
            mutants.append(mutant)
    print(f"{len(made)} mutations of {len(chosen)} files, {len(made) - len(mutants)} of them left out")
    for pattern, count in left_out.items():
        print(f"    {count} left out: {pattern}: {LISTED.entries['left out'][pattern]}")

    # In the order of a hash, every n-th of them is a fair sample.
    part = [mutant for mutant in mutants if os.environ.get("MUTANTS_ONLY", "") in str(mutant)]
    if SAMPLE:
        part = sorted(part, key=lambda mutant: hashlib.sha256(str(mutant).encode()).digest())[:SAMPLE]
    if shard := os.environ.get("MUTANTS_SHARD"):
        if not re.fullmatch(r"\d+/\d+", shard):
            stop("MUTANTS_SHARD is k/n, with k from 1 to n")
        index, count = map(int, shard.split("/"))
        if not 1 <= index <= count:
            stop("MUTANTS_SHARD is k/n, with k from 1 to n")
        part = part[index - 1 :: count]
    part = sorted(part, key=lambda mutant: (mutant.by, mutant.file, mutant.line))
    if os.environ.get("MUTANTS_LIST"):
        print(*part, sep="\n")
        print(f"mutants: {len(part)} mutations, listed only")
        return
    if not part:
        stop("there is nothing to test")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    for group in companies(part):
        begun = time.monotonic()
        runner = Together(group)
        names = " ".join(sorted({mutant.file for mutant in group}))
        print(f"{len(runner.mutants)} mutations compile together, in {time.monotonic() - begun:.0f} s: {names}", flush=True)
        each(runner.mutants, [runner] * JOBS)
    alone = [mutant for mutant in part if not mutant.fate]
    if alone:
        begun = time.monotonic()
        workers = [Worker(number) for number in range(max(1, min(JOBS, len(alone))))]
        try:
            workers[0].baseline(alone)
        except Broken as why:
            stop(why)
        for worker in workers[1:]:
            worker.begin_with(workers[0])
        print(f"{len(alone)} mutations alone; without one all tests pass, in {time.monotonic() - begun:.0f} s", flush=True)
        each(alone, workers)

    fates = {fate: [mutant for mutant in part if mutant.fate == fate] for fate in ("died", "unviable", "survived")}
    print("\nsurvivors")
    for mutant in fates["survived"]:
        pattern = LISTED.find("survivors", mutant)
        reason = LISTED.entries["survivors"][pattern] if pattern else "NO REASON"
        print(f"  {mutant.file}:{mutant.line}: {mutant.what}\n      {reason}")
        if not pattern:
            problems.append(f"survived, and is not listed: {mutant}")
    problems += [f"does not compile, so it shows nothing: {m}" for m in fates["unviable"] if m in own]
    # What is listed is there, and survives.
    for section, all_of in (("left out", made), ("survivors", mutants)):
        for pattern in LISTED.entries[section]:
            # A pattern for many files is judged when they are all here.
            if pattern.split(": ")[0] not in chosen and not everywhere:
                continue
            these = [mutant for mutant in all_of if Listed.matches(pattern, str(mutant))]
            if not these:
                problems.append(f"stale, there is no such mutation: {pattern}")
            elif section == "survivors" and all(mutant.fate in ("died", "unviable") for mutant in these):
                problems.append(f"stale, it died: {pattern}")
    for problem in problems:
        print(problem)
    figures = (
        f"{len(part)} mutations ({sum(m in own for m in part)} of our own; {len(made) - len(mutants)} left out), "
        f"{len(fates['died'])} died, {len(fates['unviable'])} do not compile, {len(fates['survived'])} survived"
    )
    if problems:
        print(figures)
        stop(f"{len(problems)} problems; {figures}")
    print(f"mutants: {figures}, each with its reason")


main()
