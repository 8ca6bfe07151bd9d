"""What the rails that read source files share: Rust text without what is no code."""

import re
import subprocess

# Longest first: a comment, a raw string, a string, a character. A lifetime is none of them.
_NO_CODE = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | \bb?c?r(?P<hashes>\#*)".*?"(?P=hashes)
    | \bb?c?"(?:\\.|[^"\\])*"
    | "(?:\\.|[^"\\])*"
    | b?'(?:\\(?:x..|u\{[0-9a-fA-F_]+\}|.)|[^'\\\n])'
    """,
    re.DOTALL | re.VERBOSE,
)


def code_of(text):
    """The text with comments and literals blanked out; lines and columns stay."""
    return _NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def end_of_group(code, start):
    """The index after the bracket that closes the one at `start`."""
    pairs = {"{": "}", "(": ")", "[": "]"}
    opening, closing = code[start], pairs[code[start]]
    depth = 0
    for index in range(start, len(code)):
        if code[index] == opening:
            depth += 1
        elif code[index] == closing:
            depth -= 1
            if depth == 0:
                return index + 1
    return len(code)


_TEST_MODULE = re.compile(r"#\[cfg\([^\]]*\btest\b[^\]]*\)\]\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+\w+\s*\{")


def without_tests(code):
    """Code with the bodies of its `#[cfg(test)]` modules blanked out."""
    position = 0
    while match := _TEST_MODULE.search(code, position):
        end = end_of_group(code, match.end() - 1)
        code = code[: match.start()] + re.sub(r"[^\n]", " ", code[match.start() : end]) + code[end:]
        position = end
    return code


def line_of(code, index):
    return code.count("\n", 0, index) + 1


def files(*patterns):
    """The files of the checkout that match: the tracked ones, and new ones that are not ignored."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", *patterns],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    from pathlib import Path

    return [name for name in sorted(listing.split("\0")) if name and Path(name).is_file()]
