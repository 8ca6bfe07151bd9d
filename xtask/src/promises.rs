//! `.ci/promises`: every promise of PROMISES.md has a test that carries its id.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use regex_lite::{Captures, Regex};

use crate::Report;
use crate::rust;
use crate::tree::Tree;

const PAGE: &str = "PROMISES.md";
/// In the name of a model that must fail. It shows that a model can; it proves nothing of its own.
const MUST_FAIL: &str = "_mutant_";

/// A line of the page: an id, a promise, a state.
fn line() -> Regex {
    Regex::new(r"(?m)^\| ([A-Z]+\d+) \| (.+) \| (proved|planned|left out: .+) \|$").expect("a pattern")
}

struct Promise {
    id: String,
    state: String,
    /// Where it is proved.
    proofs: Vec<String>,
}

struct Promises {
    /// In the order of the page.
    all: Vec<Promise>,
    problems: Vec<String>,
}

pub fn check(tree: &Tree, options: &[&str]) -> Result<ExitCode, String> {
    if let Some(option) = options.iter().find(|option| !["--list", "--update"].contains(option)) {
        return Err(format!("promises: there is no option {option}"));
    }
    let mut promises = Promises::of(tree)?;
    if options.contains(&"--list") {
        for promise in &promises.all {
            let proofs =
                if promise.proofs.is_empty() { &vec![promise.state.clone()] } else { &promise.proofs };
            println!("{}\n    {}", promise.id, proofs.join("\n    "));
        }
    }
    if options.contains(&"--update") {
        let updated = promises.update(tree.needed(PAGE)?);
        std::fs::write(PAGE, updated).map_err(|why| format!("{PAGE}: {why}"))?;
    }
    let (report, figures) = promises.judge();
    Ok(report.close("promises", &figures))
}

impl Promises {
    fn of(tree: &Tree) -> Result<Self, String> {
        let mut promises = Self { all: Vec::new(), problems: Vec::new() };
        promises.read(tree.needed(PAGE)?);
        for (file, text) in tree.within("", ".rs") {
            if file.starts_with("tests/ui/") && !file.ends_with("/misuse.rs") {
                let stem = file.trim_end_matches(".rs");
                if tree.text(&format!("{stem}.stderr")).is_some() {
                    promises.proves(stem.rsplit('/').next().unwrap_or(stem), file);
                }
                continue;
            }
            for name in tests_in(rust::parse(file, text)?) {
                promises.proves(&name, file);
            }
        }
        let says =
            Regex::new(r"(?m)^(?:#|//[/!]?) proves: ([A-Z]+\d+(?:,? [A-Z]+\d+)*)$").expect("a pattern");
        for (file, text) in tree.within(".ci/", "").chain(tree.within("fuzz/fuzz_targets/", "")) {
            for captures in says.captures_iter(text) {
                for id in captures[1].split([',', ' ']).filter(|id| !id.is_empty()) {
                    match promises.all.iter_mut().find(|promise| promise.id == id) {
                        Some(promise) => promise.proofs.push(file.into()),
                        None => promises.problems.push(format!("{file}: {id} does not exist")),
                    }
                }
            }
        }
        Ok(promises)
    }

    fn read(&mut self, page: &str) {
        let promise = line();
        let begins = Regex::new(r"^\| [A-Z]+\d+ ").expect("a pattern");
        for text in page.lines() {
            if let Some(captures) = promise.captures(text) {
                let (id, state) = (captures[1].to_string(), captures[3].to_string());
                if self.all.iter().any(|promise| promise.id == id) {
                    self.problems.push(format!("{PAGE}: {id} is there twice"));
                } else {
                    self.all.push(Promise { id, state, proofs: Vec::new() });
                }
            } else if begins.is_match(text) {
                self.problems.push(format!("{PAGE}: no promise with a state: {text}"));
            }
        }
    }

    /// Records that something called `name` is a proof, if it carries an id.
    fn proves(&mut self, name: &str, file: &str) {
        if name.contains(MUST_FAIL) {
            return;
        }
        let Some((prefix, rest)) = name.split_once('_') else { return };
        let (letters, digits) = prefix.split_at(prefix.trim_end_matches(|c: char| c.is_ascii_digit()).len());
        if let Some(promise) =
            self.all.iter_mut().find(|promise| in_a_name(&promise.id) == prefix && !rest.is_empty())
        {
            promise.proofs.push(format!("{file}: {name}"));
        } else if !digits.is_empty()
            && (["rv", "nx", "rr", "vx", "rm"].contains(&letters)
                || letters.len() == 1 && ("a"..="m").contains(&letters))
        {
            self.problems.push(format!("{file}: {name} carries an id that does not exist"));
        }
    }

    /// Returns the page with the states that are true. What was proved once stays so: to lose it is to be seen.
    fn update(&mut self, page: &str) -> String {
        let updated = line().replace_all(page, |captures: &Captures| {
            let proved =
                self.all.iter().any(|promise| promise.id == captures[1] && !promise.proofs.is_empty());
            format!(
                "| {} | {} | {} |",
                &captures[1],
                &captures[2],
                if proved { "proved" } else { &captures[3] }
            )
        });
        for promise in self.all.iter_mut().filter(|promise| !promise.proofs.is_empty()) {
            promise.state = "proved".into();
        }
        updated.into_owned()
    }

    fn judge(self) -> (Report, String) {
        let mut report = Report { problems: self.problems };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let mut without = Vec::new();
        for Promise { id, state, proofs } in &self.all {
            let left_out = state.starts_with("left out");
            match (proofs.is_empty(), state.as_str()) {
                (true, "proved") => report.problems.push(format!("{id} has lost its test")),
                (false, "planned") => {
                    report.problems.push(format!("{id} is proved and not recorded: .ci/promises --update"));
                }
                (false, _) if left_out => report.problems.push(format!("{id} is left out, yet proved")),
                _ => {}
            }
            if proofs.is_empty() && !left_out {
                without.push(id.as_str());
            }
            *counts.entry("proved").or_default() += usize::from(!proofs.is_empty());
            *counts.entry("left out").or_default() += usize::from(left_out);
        }
        if !without.is_empty() {
            println!("without a test yet: {}", without.join(" "));
        }
        let count = |what| counts.get(what).copied().unwrap_or_default();
        let figures = format!(
            "{} proved, {} without a test yet, {} left out",
            count("proved"),
            without.len(),
            count("left out")
        );
        (report, figures)
    }
}

/// `RV7` is `rv07` in the name of a test.
fn in_a_name(id: &str) -> String {
    let (letters, digits) = id.split_at(id.trim_end_matches(|c: char| c.is_ascii_digit()).len());
    format!("{}{digits:0>2}", letters.to_lowercase())
}

/// The names of the tests in a file: functions with a test attribute, and those that a macro makes tests of.
fn tests_in(file: syn::File) -> BTreeSet<String> {
    let mut scan = Functions::default();
    scan.stream(rust::tokens(&file));
    let mut tests = scan.tests;
    let mut handed = BTreeSet::new();
    words_of_macros(&file.items, &mut handed);
    tests.extend(scan.functions.intersection(&handed).cloned());
    tests
}

/// The functions that tokens declare, those of macros included.
#[derive(Default)]
struct Functions {
    functions: BTreeSet<String>,
    /// Those with an attribute `#[test]`, or `#[somebody::test]`.
    tests: BTreeSet<String>,
}

impl Functions {
    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut tested = false;
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => {
                    let attribute = at > 0
                        && matches!(&tokens[at - 1], TokenTree::Punct(punct) if punct.as_char() == '#');
                    if attribute && group.delimiter() == Delimiter::Bracket {
                        tested |= is_test(group.stream());
                    } else {
                        tested &= group.delimiter() == Delimiter::Parenthesis;
                    }
                    self.stream(group.stream());
                }
                TokenTree::Ident(word) if word == "fn" => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1) {
                        self.functions.insert(name.to_string());
                        if tested {
                            self.tests.insert(name.to_string());
                        }
                    }
                    tested = false;
                }
                TokenTree::Ident(word) => {
                    tested &= ["pub", "const", "async", "unsafe", "extern"].iter().any(|known| word == known);
                }
                TokenTree::Punct(punct) => tested &= punct.as_char() == '#',
                TokenTree::Literal(_) => {}
            }
        }
    }
}

/// `test`, or a path that ends with it, with or without arguments.
fn is_test(attribute: TokenStream) -> bool {
    let mut last = String::new();
    for token in attribute {
        match token {
            TokenTree::Ident(word) => last = word.to_string(),
            TokenTree::Punct(punct) if punct.as_char() == ':' => {}
            _ => break,
        }
    }
    last == "test"
}

/// The words that are handed to macros that stand for items: `proptest! { fn ... }`, `over_every_ring! { name name }`.
fn words_of_macros(items: &[syn::Item], words: &mut BTreeSet<String>) {
    for item in items {
        match item {
            syn::Item::Macro(item) if !item.mac.path.is_ident("macro_rules") => {
                collect_words(item.mac.tokens.clone(), words);
            }
            syn::Item::Mod(syn::ItemMod { content: Some((_, items)), .. }) => words_of_macros(items, words),
            _ => {}
        }
    }
}

fn collect_words(tokens: TokenStream, words: &mut BTreeSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Ident(word) => drop(words.insert(word.to_string())),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = "| RV7 | a | proved |\n| A1 | b | planned |\n| A2 | c | left out: why |\n";

    fn problems(page: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut tree = Tree::of(&[(PAGE, page)]);
        for (name, text) in files {
            tree = tree.with(name, text);
        }
        Promises::of(&tree).unwrap().judge().0.problems
    }

    #[test]
    fn a_test_proves_what_its_name_says() {
        assert_eq!(problems(RECORDED, &[("tests/a.rs", "#[test] fn rv07_x() {}")]), [""; 0]);
        for test in [
            "#[tokio::test(flavor = \"x\")] async fn rv07_x() {}",
            "#[test] #[cfg(a)] pub(crate) unsafe fn rv07_x() {}",
            "#[ignore = \"x\"] #[test] fn rv07_x() {}",
            "proptest! { #[test] fn rv07_x(n in 0..3) {} }",
            "fn rv07_x() {} over_every_ring! { rv07_x }",
            "mod inner { fn rv07_x() {} crate::over_every_ring! { rv07_x rv07_y } }",
            "models! { rv07_x kills [A] mutant b; } fn rv07_x() {}",
        ] {
            assert_eq!(problems(RECORDED, &[("tests/a.rs", test)]), [""; 0], "{test}");
        }
    }

    #[test]
    fn what_is_no_test_proves_nothing() {
        for text in [
            "",
            "fn rv07_x() {}",
            "// #[test] fn rv07_x() {}",
            "const A: &str = \"#[test] fn rv07_x() {}\";",
            "#[test] const A: u8 = 0; fn rv07_x() {}",
            "#[test] fn rv07() {}",
            "#[cfg(test)] fn rv07_x() {}",
            "over_every_ring! { rv07_x }",
            "macro_rules! m { () => { rv07_x } } fn rv07_x() {}",
            &format!("#[test] fn rv07{MUST_FAIL}x() {{}}"),
        ] {
            assert_eq!(problems(RECORDED, &[("tests/a.rs", text)]), ["RV7 has lost its test"], "{text}");
        }
    }

    #[test]
    fn an_answer_of_the_compiler_proves() {
        let page = "| E1 | a | proved |";
        let lost = ["E1 has lost its test"];
        assert_eq!(
            problems(page, &[("tests/ui/ring/e01_x.rs", "no rust"), ("tests/ui/ring/e01_x.stderr", "")]),
            [""; 0]
        );
        assert_eq!(problems(page, &[("tests/ui/ring/e01_x.rs", "")]), lost);
        assert_eq!(
            problems(page, &[("tests/ui/src/misuse.rs", ""), ("tests/ui/src/misuse.stderr", "")]),
            lost
        );
    }

    #[test]
    fn a_check_or_a_fuzz_target_says_what_it_proves() {
        let says =
            |file, comment: &str| problems("| J3 | a | proved |\n| J4 | b | proved |", &[(file, comment)]);
        assert_eq!(says(".ci/bare", "# proves: J3, J4\n"), [""; 0]);
        assert_eq!(says("fuzz/fuzz_targets/a.rs", "//! proves: J3 J4\n"), [""; 0]);
        assert_eq!(says(".ci/bare", "# proves: J3\n"), ["J4 has lost its test"]);
        assert_eq!(says(".ci/bare", "# proves: J3, J4, J5\n"), [".ci/bare: J5 does not exist"]);
    }

    #[test]
    fn an_id_exists_once_and_has_a_state() {
        assert_eq!(
            problems("| A1 | a | planned |\n| A1 | b | planned |", &[]),
            ["PROMISES.md: A1 is there twice"]
        );
        assert_eq!(
            problems("| A1 | a | perhaps |", &[]),
            ["PROMISES.md: no promise with a state: | A1 | a | perhaps |"]
        );
        assert_eq!(
            problems(
                "",
                &[("tests/a.rs", "#[test] fn a01_x() {} #[test] fn rm2_x() {} #[test] fn z01_x() {}")]
            ),
            [
                "tests/a.rs: a01_x carries an id that does not exist",
                "tests/a.rs: rm2_x carries an id that does not exist"
            ]
        );
    }

    #[test]
    fn a_state_that_is_not_true_is_a_problem() {
        let both = [("tests/a.rs", "#[test] fn rv07_x() {} #[test] fn a01_x() {} #[test] fn a02_x() {}")];
        assert_eq!(
            problems(RECORDED, &both),
            ["A1 is proved and not recorded: .ci/promises --update", "A2 is left out, yet proved"]
        );
    }

    #[test]
    fn an_update_records_what_is_proved_and_forgets_nothing() {
        let tree = Tree::of(&[(PAGE, RECORDED), ("tests/a.rs", "#[test] fn a01_x() {}")]);
        let mut promises = Promises::of(&tree).unwrap();
        let updated = promises.update(RECORDED);
        assert_eq!(updated, RECORDED.replace("planned", "proved"));
        assert_eq!(promises.judge().0.problems, ["RV7 has lost its test"]);
    }
}
