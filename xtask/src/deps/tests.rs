//! Each rule finds what breaks it.

use super::tables::{ATOMICS, DEVIATIONS, MUTUAL, ORDERING, WITHOUT_SITE};
use super::*;

const SITES: &str = "pub enum Site { First, Second }\n";

/// A checkout in which nothing is wrong, and every exception of the tables is used.
fn sound() -> Tree {
    let mut tree = Tree::of(&[
        ("src/lib.rs", "mod atomic; pub use ring::Ring;"),
        ("src/atomic/site.rs", SITES),
        (
            "src/atomic/cursor.rs",
            "fn f(at: A) { at.load(site::form(Site::First, Ordering::Acquire)); at.load(Ordering::Relaxed); }\n\
             m! { at.store(1, form(site::Site::Second, crate::sync::Ordering::Release)) }",
        ),
        ("SAFETY.md", "| `First` | a |\n| `Second` | b |\n| `other thing` | c |\n"),
        ("tests/loom/table.rs", "use Site::Third; const SITES: &[Site] = &[Site::First, Site::Second];"),
        ("platform/src/lib.rs", "//! For annulet::host.\npub fn f() {}"),
        ("platform/Cargo.toml", "[package]\nname = \"annulet-platform\"\n"),
    ]);
    let mut files: std::collections::BTreeMap<String, String> = Default::default();
    for (module, other, _) in DEVIATIONS {
        *files.entry(format!("src/{module}.rs")).or_default() += &format!("use crate::{other}::Used;\n");
    }
    for (one, two, _) in MUTUAL {
        for (file, other) in [(one, two), (two, one)] {
            let path = crate::rust::Source::parse(other, "src/", "").unwrap().module.join("::");
            *files.entry(file.to_string()).or_default() += &format!("fn f() {{ crate::{path}::f() }}\n");
        }
    }
    for (file, _) in WITHOUT_SITE {
        *files.entry(file.to_string()).or_default() += "fn f() { fence(Ordering::SeqCst) }\n";
    }
    for (file, text) in files {
        tree = tree.with(&file, &if file == "src/atomic/site.rs" { SITES.to_string() + &text } else { text });
    }
    tree
}

/// What is found once these files are there, or are so.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let tree = files.iter().fold(sound(), |tree, (name, text)| tree.with(name, text));
    judge(&tree).unwrap().0.problems
}

/// One problem is found in this file if it has this text, and says this.
#[track_caller]
fn finds(file: &str, text: &str, problem: &str) {
    let found = problems(&[(file, text)]);
    assert!(
        found.len() == 1 && found[0].starts_with(file) && found[0].contains(problem),
        "{text}\n{found:#?}"
    );
}

#[track_caller]
fn accepts(file: &str, text: &str) {
    assert_eq!(problems(&[(file, text)]), [""; 0], "{text}");
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(problems(&[]), [""; 0]);
}

#[test]
fn a_module_uses_what_its_layer_allows() {
    for text in [
        "use crate::link::A;",
        "use crate::{ring::A, link::{b::C}};",
        "use super::super::link::A;",
        "fn f() -> super::super::link::A {}",
        "fn f() { m!(crate::link::f()) }",
        "macro_rules! m { () => { $crate::link::f() } }",
        "mod inner { use super::super::super::link::A; }",
        "#[cfg(not(test))] mod inner { use crate::link::A; }",
    ] {
        finds("src/channel/novel.rs", text, "channel may not use link");
    }
    finds("src/cap.rs", "pub use super::channel::A;", "cap may not use channel");
    for text in [
        "use crate::ring::A; use super::b; use crate::zeroed::Z;",
        "// crate::link\n/// [`A`](crate::link::A)\nconst A: &str = \"crate::link\";",
        "#[cfg(all(test, not(loom)))] mod tests { use crate::link::A; }",
        "use core::link::A; fn link() {}",
    ] {
        accepts("src/channel/novel.rs", text);
    }
    accepts("src/host/endpoint/mod.rs", "use crate::link::A; use annulet_platform::B;");
}

#[test]
fn a_module_is_in_a_layer_and_is_named_where_it_lives() {
    finds("src/novel.rs", "", "the module novel is in no layer");
    finds("src/channel/novel.rs", "use crate::Ring;", "`Ring` is no module");
    // A macro is of the module that it is written in.
    accepts("src/link/novel.rs", "crate::entry! {}");
    finds("src/cap/novel.rs", "crate::entry! {}", "cap may not use words");
}

#[test]
fn a_deviation_is_allowed_and_one_that_is_gone_is_struck_out() {
    let allowed = [("channel", "link", "why")];
    let found = |text| {
        let tree = Tree::of(&[("src/channel/novel.rs", text)]);
        let mut report = Report::default();
        uses::check(&Crates::of(&tree).unwrap(), &allowed, &tree, &mut report);
        report.problems
    };
    assert_eq!(found("use crate::link::A;"), [""; 0]);
    let gone = ["xtask/src/deps/tables.rs:1: channel no longer uses link: strike it out"];
    assert_eq!(found("use crate::ring::A;"), gone);
}

#[test]
fn the_platform_is_a_leaf() {
    finds("src/link/mod.rs", "use annulet_platform::A;", "only host uses the platform");
    finds("src/link/mod.rs", "fn f() { annulet_platform::f() }", "only host uses the platform");
    finds("platform/src/a.rs", "use annulet::A;", "platform is a leaf");
    finds("platform/src/a.rs", "use annulet as b;", "platform is a leaf");
    finds("platform/Cargo.toml", "[dependencies]\nannulet = \"1\"", "platform is a leaf");
    finds("platform/Cargo.toml", "[dependencies.annulet]\npath = \"..\"", "platform is a leaf");
}

#[test]
fn two_files_do_not_import_each_other() {
    let ring = "mod a; mod b; pub use a::A; pub(crate) use b::B;";
    let found =
        |a: &str, b: &str| problems(&[("src/ring/mod.rs", ring), ("src/ring/a.rs", a), ("src/ring/b.rs", b)]);
    // `mod.rs` is replaced, which is in the table.
    let mutual = |a: &str, b: &str| {
        found(a, b).into_iter().filter(|found| !found.contains("strike it out")).collect::<Vec<_>>()
    };
    let each_other = ["src/ring/a.rs:1: it and src/ring/b.rs (line 1) import each other"];
    for (a, b) in [
        ("use super::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        // Through re-exports.
        ("use super::B; pub struct A;", "use crate::ring::A; pub struct B;"),
        ("use super::*; pub struct A(B);", "pub struct B(super::A);"),
        // By a function, from inside.
        ("pub struct A; fn f() { super::b::f() }", "use super::a; pub struct B; pub fn f() -> a::A {}"),
        ("mod inner { use super::super::b::B; } pub struct A;", "use super::A; pub struct B;"),
        ("use super::B as C; pub struct A;", "use super::a::{A as D}; pub struct B;"),
        // Of a macro, which is not looked into.
        ("use super::b::C; pub struct A;", "use super::a::A; bitflags! { pub struct C } pub struct B;"),
    ] {
        assert_eq!(mutual(a, b), each_other, "{a}\n{b}");
    }
    for (a, b) in [
        ("use super::b::B; pub struct A;", "pub struct B;"),
        // A re-export is no import, and a declaration is none.
        ("pub use super::b::B; pub struct A;", "use super::a::A; pub struct B;"),
        // Of a third file.
        ("use super::b; pub struct A;", "use super::a::A; pub struct B;"),
        (
            "pub struct A;",
            "/// [`A`](super::a::A)\npub struct B; #[cfg(test)] mod tests { use super::super::A; }",
        ),
        // The name of a variant, a field, a method is no import.
        ("pub use super::b::B; pub enum A { B } fn f(a: C) { a.B() }", "use super::a::A; pub struct B;"),
    ] {
        assert_eq!(mutual(a, b), [""; 0], "{a}\n{b}");
    }
    // A re-export that is used is an import.
    assert_eq!(mutual("pub use super::b::B; pub struct A(B);", "use super::a::A; pub struct B;"), each_other);
}

#[test]
fn a_pair_is_allowed_and_one_that_is_gone_is_struck_out() {
    let allowed = [("src/ring/a.rs", "src/ring/b.rs", "why")];
    let found = |a| {
        let tree = Tree::of(&[("src/ring/a.rs", a), ("src/ring/b.rs", "use super::a::A; pub struct B;")]);
        let mut report = Report::default();
        imports::check(&Crates::of(&tree).unwrap().annulet, &allowed, &mut report);
        report.problems
    };
    assert_eq!(found("use super::b::B; pub struct A;"), [""; 0]);
    let gone = "src/ring/a.rs and src/ring/b.rs do not import each other: strike it out";
    assert_eq!(found("pub struct A;"), [format!("xtask/src/deps/tables.rs:1: {gone}")]);
}

#[test]
fn orderings_are_named_in_their_homes() {
    for text in [
        "use crate::sync::Ordering;",
        "use crate::sync::{AtomicU32, Ordering as O};",
        "fn f(a: A) { a.load(Ordering::Relaxed) }",
        "m! { Ordering::Relaxed }",
    ] {
        finds("src/link/mod.rs", text, "orderings are named in src/atomic");
    }
    accepts("src/link/mod.rs", "use core::cmp; fn f() -> cmp::Ordering {} // Ordering\n");
    accepts("src/link/mod.rs", "use core::cmp::{Ordering as Order};");
    accepts("src/atomic/novel.rs", "fn f(a: A) { a.load(Ordering::Relaxed) }");
    assert!(ORDERING.iter().all(|(file, _)| file.starts_with("src/")));
}

#[test]
fn atomics_come_from_sync() {
    for text in [
        "use core::sync::atomic::AtomicU32;",
        "use std::{sync::{atomic::AtomicU32, Mutex}};",
        "use portable_atomic::AtomicU32;",
        "use loom as a;",
        "fn f() { loom::f() }",
    ] {
        finds("src/link/mod.rs", text, "atomics come from crate::sync");
    }
    accepts("src/link/mod.rs", "#[cfg(loom)] fn f() { let loom = 1; }");
    assert!(ATOMICS.iter().all(|(file, _)| file.starts_with("src/")));
}

#[test]
fn an_ordering_has_a_site() {
    for text in [
        "fn f() { a.load(Ordering::Acquire) }",
        "m! { a.load(form(Other::First, Ordering::SeqCst)) }",
        "fn f() { a.swap(1, crate::sync::Ordering::AcqRel) }",
    ] {
        finds("src/atomic/novel.rs", text, "has no site");
    }
    for (file, _) in WITHOUT_SITE.iter().filter(|(file, _)| *file != "src/atomic/site.rs") {
        finds(file, "fn f() { a.load(Ordering::Relaxed) }", "it is not to be listed");
    }
}

#[test]
fn a_site_is_of_one_use() {
    let use_of = |site| format!("fn f() {{ a.load(form(Site::{site}, Ordering::Acquire)) }}");
    let found = problems(&[("src/atomic/novel.rs", &use_of("First"))]);
    assert_eq!(found, ["src/atomic/site.rs:1: the site First is of 2 uses, not of one"]);
    let found = problems(&[("src/atomic/novel.rs", &use_of("Strange"))]);
    assert_eq!(found, ["src/atomic/site.rs:1: the site Strange is used, and not declared"]);
    let found = problems(&[("src/atomic/cursor.rs", &use_of("First"))]);
    assert_eq!(found, ["src/atomic/site.rs:1: the site Second is of 0 uses, not of one"]);
}

#[test]
fn the_tables_have_each_site_once() {
    for file in ["SAFETY.md", "tests/loom/table.rs"] {
        let of = |names: &[&str]| match file {
            "SAFETY.md" => names.iter().map(|name| format!("| `{name}` | a |\n")).collect::<String>(),
            _ => {
                let names: Vec<_> = names.iter().map(|name| format!("Site::{name}")).collect();
                format!("const SITES: &[Site] = &[{}]; const OTHER: Site = Site::Second;", names.join(", "))
            }
        };
        accepts(file, &of(&["First", "Second"]));
        finds(file, &of(&["First"]), "the site Second of src/atomic/site.rs is missing");
        finds(file, &of(&["First", "Second", "Third"]), "the site Third is not one of");
        finds(file, &of(&["First", "Second", "First"]), "the site First is there more than once");
    }
}

#[test]
fn a_file_is_not_too_long() {
    let long = "//\n".repeat(LONGEST);
    let tests = "/// Tests.\n#[cfg(all(test, not(loom)))]\nmod tests {\n    // a\n    fn f() {}\n}\n";
    for file in ["src/link/mod.rs", "platform/src/a.rs"] {
        accepts(file, &long);
        accepts(file, &format!("{long}{tests}"));
        finds(file, &format!("{long}//\n"), "401 lines without its tests");
        finds(file, &format!("{long}{tests}fn f() {{}}\n"), "more than 400 is two ideas");
        finds(file, &format!("{long}#[cfg(not(test))]\nmod a {{}}\n"), "two ideas");
    }
}

#[test]
fn no_file_names_one_machine() {
    for text in [
        "in /ho^me/x",
        "/wo^rk/x",
        "\"/ro^ot/.x",
        "\nC:\\Us^ers",
        "https://crates.inter^nal",
        "http://loc^alhost",
        "spa^rse+http://^10.0",
        "replace^-with",
        "registry^-index",
        "source = \"spa^rse+https://elsewhere/\"",
        "source = \"regi^stry+https://elsewhere/\"",
        "pip --index^-url",
        "pip --extra^-index-url",
    ] {
        // The mark is there for this file, which names no machine either.
        finds("README.md", &text.replace('^', ""), "is of one machine");
    }
    accepts("README.md", "src/work/x a.b/home/x $PWD/root/x ~/work/x https://docs.rs/x");
    accepts("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    for file in [".cargo/config.toml", "fuzz/.cargo/config"] {
        finds(file, "", "the configuration of cargo is each machine's own");
    }
    accepts("a.cargo/config", "");
}
