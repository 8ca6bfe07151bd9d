"""Checks that the test programs without a test are those that are listed, and no others. Ignored tests do not count.

    test_programs.py LISTED LOG...

LISTED has a line for each such program, `PROGRAM: why`. A log is the output of `cargo test` without `--quiet`. Prints the names
of the listed programs.
"""

import re
import sys


def programs(file):
    """Yields the name and the number of tests of each program that cargo runs: tests that passed, or were filtered out by name."""
    program, count = None, 0
    for line in open(file, encoding="utf-8", errors="replace"):
        line = re.sub(r"\x1b\[[0-9;]*m", "", line)
        name = None
        if started := re.match(r" *Running (?:unittests )?\S+ \((\S+)\)$", line):
            name = re.sub(r"-[0-9a-f]{16}(\.\w+)?$", "", started.group(1).rpartition("/")[2])
        elif started := re.match(r" *Doc-tests (\S+)$", line):
            name = started.group(0).strip()
        elif tests := re.match(r"test result: .* (\d+) passed; .* (\d+) filtered out", line):
            count += int(tests.group(1)) + int(tests.group(2))
        if name:
            if program:
                yield program, count
            program, count = name, 0
    if program:
        yield program, count


def main(said, *logs):
    listed = {}
    for line in filter(None, map(str.strip, said.splitlines())):
        name, _, why = line.partition(": ")
        if not why or name in listed:
            sys.exit(f"not `PROGRAM: why`, or twice: {line}")
        listed[name] = why
    seen = [program for log in logs for program in programs(log)]
    full = {name for name, count in seen if count}
    empty = {name for name, count in seen if not count}
    problems = [f"{name} has no test here, and nobody says why" for name in sorted(empty - listed.keys())]
    problems += [f"{name} is listed as one without tests, and has some" for name in sorted(listed.keys() & full)]
    problems += [f"{name} is listed as one without tests, and was not run" for name in sorted(listed.keys() - full - empty)]
    if not full:
        problems.append("cargo has named no program that has tests: nothing is seen here")
    if problems:
        sys.exit("\n".join(problems))
    print(", ".join(listed))


main(*sys.argv[1:])
