//! Part of `.ci/panic-free`: every public operation of the core is named in the binary that is linked there.

use std::collections::BTreeSet;
use std::process::ExitCode;

use proc_macro2::{TokenStream, TokenTree};

use crate::Report;
use crate::rust::{self, Removed, Source};
use crate::tree::Tree;

/// Which files of `tests/targets/bare/src` name the operations of which sources. The first that fits counts.
const HOMES: &[(&str, &[&str])] = &[
    ("src/ring/broadcast", &["broadcast"]),
    ("src/ring/lanes", &["lanes"]),
    // These stand for operations of lanes and broadcasts, too.
    ("src/ring/no_cas.rs", &["spsc", "lanes", "broadcast"]),
    ("src/ring", &["spsc", "many"]),
    ("src/link", &["link"]),
    ("src/words", &["link", "entries"]),
    ("src/cap", &["cap"]),
    ("src/region", &["region"]),
    ("src/channel", &["channel"]),
    ("src/wait", &["events", "wait", "channel"]),
];

/// What is not an operation of a bare target, and why.
const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("src/link/mod.rs", "starting_at", "for tests"),
    ("src/link/mod.rs", "publish_origin", "for tests"),
    ("src/ring/body.rs", "starting_at", "for tests"),
    ("src/ring/heap.rs", "boxed", "the heap's"),
    ("src/ring/heap.rs", "try_boxed", "the heap's"),
    ("src/ring/heap_ring.rs", "starting_at", "for tests"),
    ("src/channel/owned.rs", "new_split", "the heap's"),
    ("src/channel/owned.rs", "into_split", "the heap's"),
    ("src/channel/owned.rs", "try_split_arc", "the heap's"),
    ("src/channel/owned_broadcast.rs", "into_sender", "the heap's"),
    ("src/channel/owned_lanes.rs", "into_receiver", "the heap's"),
    ("src/channel/select.rs", "select", "the heap's"),
    ("src/ring/heap.rs", "is_abandoned", "the heap's"),
    ("src/ring/heap_ring.rs", "try_new", "the heap's"),
    ("src/words/mod.rs", "keep", "of a mapping"),
    ("src/words/entry_macro.rs", "discriminant_word", "called by the compiler alone"),
    ("src/words/entry_macro.rs", "image_to_words", "part of what `entry!` makes, which is linked"),
    ("src/words/entry_macro.rs", "image_from_words", "part of what `entry!` makes, which is linked"),
    ("src/wait/system_clock.rs", "now", "the operating system's"),
    ("src/wait/system_clock.rs", "after", "the operating system's"),
    ("src/wait/system_clock.rs", "is_past", "the operating system's"),
    ("src/wait/system_clock.rs", "remaining", "the operating system's"),
];

pub fn check(tree: &Tree) -> Result<ExitCode, String> {
    let mut report = Report::default();
    let operations = judge(tree, HOMES, LEFT_OUT, &mut report)?;
    Ok(report.close("operations", &format!("{operations} are linked")))
}

fn judge(
    tree: &Tree,
    homes: &[(&str, &[&str])],
    left_out: &[(&str, &str, &str)],
    report: &mut Report,
) -> Result<usize, String> {
    let mut count = 0;
    let mut unused: BTreeSet<_> =
        left_out.iter().map(|(file, name, _)| (file.to_string(), name.to_string())).collect();
    for (file, text) in tree.within("src/", ".rs") {
        let Some((_, binaries)) = homes.iter().find(|(path, _)| file.starts_with(path)) else { continue };
        let mut linked = BTreeSet::new();
        for binary in *binaries {
            let path = format!("tests/targets/bare/src/{binary}.rs");
            words(rust::tokens(&rust::parse(&path, tree.needed(&path)?)?), &mut linked);
        }
        let mut source = Source::parse(file, "src/", text)?;
        // What needs an `Arc` is no operation of a bare target.
        rust::without(&mut source.shipped, Removed::With("arc"));
        for (name, line) in public_functions(rust::tokens(&source.shipped)) {
            count += 1;
            if !unused.remove(&(file.to_string(), name.clone()))
                && !linked.contains(&name)
                && !left_out.iter().any(|(listed, left, _)| *listed == file && *left == name)
            {
                report.problem(
                    file,
                    line,
                    format!("{name} is not linked, and nothing says whether it can panic"),
                );
            }
        }
    }
    for (file, name) in unused {
        report.problem(&file, 1, format!("{name} is left out, and is not there: strike it out"));
    }
    Ok(count)
}

fn words(tokens: TokenStream, found: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => words(group.stream(), found),
            TokenTree::Ident(word) => drop(found.insert(word.to_string())),
            _ => {}
        }
    }
}

/// `pub fn`, with `const` or `unsafe` in between, in macros, too.
fn public_functions(tokens: TokenStream) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut public = false;
    let mut function = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                found.extend(public_functions(group.stream()));
                (public, function) = (false, false);
            }
            TokenTree::Ident(word) => {
                if function {
                    found.push((word.to_string(), word.span().start().line));
                }
                function = public && word == "fn";
                public = word == "pub" || public && (word == "const" || word == "unsafe");
            }
            _ => (public, function) = (false, false),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOMES: &[(&str, &[&str])] = &[("src/link", &["link"])];

    fn problems(source: &str, binary: &str, left_out: &[(&str, &str, &str)]) -> Vec<String> {
        let tree = Tree::of(&[
            ("src/link/mod.rs", source),
            ("src/wait/mod.rs", "pub fn elsewhere() {}"),
            ("tests/targets/bare/src/link.rs", binary),
        ]);
        let mut report = Report::default();
        judge(&tree, HOMES, left_out, &mut report).unwrap();
        report.problems
    }

    #[test]
    fn an_operation_that_is_not_linked_is_a_problem() {
        let missing = ["src/link/mod.rs:1: open is not linked, and nothing says whether it can panic"];
        for source in [
            "pub fn open() {}",
            "impl A { pub const unsafe fn open(&self) {} }",
            "impl A { const_fn! { pub const fn open() {} } }",
            "mod inner { pub unsafe fn open() {} }",
        ] {
            assert_eq!(problems(source, "// open\n const A: &str = \"open\";", &[]), missing, "{source}");
            assert_eq!(problems(source, "fn f(a: A) { a.open() }", &[]), [""; 0], "{source}");
            assert_eq!(problems(source, "", &[("src/link/mod.rs", "open", "why")]), [""; 0], "{source}");
        }
    }

    #[test]
    fn what_is_not_public_or_needs_more_is_no_operation() {
        for source in [
            "pub(crate) fn open() {}",
            "fn open() {}",
            "#[cfg(test)] mod tests { pub fn open() {} }",
            "#[cfg(arc)] pub fn open() {}",
            "#[cfg(all(arc, not(loom)))] impl A { pub fn open() {} }",
            "impl A { #[cfg(arc)] pub fn open() {} }",
        ] {
            assert_eq!(problems(source, "", &[]), [""; 0], "{source}");
        }
    }

    #[test]
    fn what_is_left_out_is_there() {
        let gone = ["src/link/mod.rs:1: open is left out, and is not there: strike it out"];
        assert_eq!(problems("", "", &[("src/link/mod.rs", "open", "why")]), gone);
    }
}
