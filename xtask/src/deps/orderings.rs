//! Where orderings and atomics are named, and that each ordering has a site, a line in SAFETY.md and a model.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::Parsed;
use super::tables::{ATOMICS, ORDERING, WITHOUT_SITE};
use crate::Report;
use crate::paths::{self, Kind, Named};
use crate::rust;
use crate::tree::Tree;

fn lists(table: &[(&str, &str)], file: &str) -> bool {
    table.iter().any(|(listed, _)| *listed == file)
}

/// Orderings are named in their homes, and atomics come from `sync`.
pub fn check_homes(sources: &[Parsed], report: &mut Report) {
    for Parsed { source, named } in sources {
        let file = &source.path;
        for path in named {
            if !lists(ORDERING, file) && !file.starts_with("src/atomic/") && names_ordering(path) {
                let homes: Vec<&str> = ORDERING.iter().map(|(file, _)| *file).collect();
                report.problem(
                    file,
                    path.line,
                    format!("orderings are named in src/atomic, and in {}", homes.join(", ")),
                );
            }
            if !lists(ATOMICS, file) && names_atomics(path) {
                report.problem(file, path.line, "atomics come from crate::sync");
            }
        }
    }
}

/// `cmp::Ordering` is another one.
fn names_ordering(path: &Named) -> bool {
    path.segments
        .iter()
        .enumerate()
        .any(|(at, segment)| segment == "Ordering" && !(at > 0 && path.segments[at - 1] == "cmp"))
}

fn names_atomics(path: &Named) -> bool {
    let used = matches!(path.kind, Kind::Use { .. });
    match path.segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["core" | "std", "sync", "atomic", ..] => true,
        ["portable_atomic" | "loom", ref rest @ ..] => used || !rest.is_empty(),
        _ => false,
    }
}

/// Each ordering has a site of its own. Each site has a line in SAFETY.md, and a model in the table of loom's. These have no
/// others. Returns how many sites there are.
pub fn check_sites(sources: &[Parsed], tree: &Tree, report: &mut Report) -> Result<usize, String> {
    const HOME: &str = "src/atomic/site.rs";
    const TABLE: &str = "tests/loom/table.rs";
    let home =
        sources.iter().find(|parsed| parsed.source.path == HOME).ok_or(format!("{HOME} is missing"))?;
    let sites = variants(&home.source.shipped, "Site").ok_or(format!("{HOME} has no enum Site"))?;
    let models =
        listed_sites(&rust::parse(TABLE, tree.needed(TABLE)?)?).ok_or(format!("{TABLE} has no SITES"))?;
    for (file, names) in [("SAFETY.md", documented(tree.needed("SAFETY.md")?)), (TABLE, models)] {
        let once: BTreeSet<&String> = names.iter().collect();
        for name in sites.iter().filter(|name| !once.contains(name)) {
            report.problem(file, 1, format!("the site {name} of {HOME} is missing in the table"));
        }
        for name in once {
            if !sites.contains(name) {
                report.problem(file, 1, format!("the site {name} is not one of {HOME}"));
            }
            if names.iter().filter(|other| *other == name).count() > 1 {
                report.problem(file, 1, format!("the site {name} is there more than once"));
            }
        }
    }
    let mut used = Vec::new();
    for Parsed { source, .. } in sources {
        let orderings = strong_orderings(rust::tokens(&source.shipped));
        if lists(WITHOUT_SITE, &source.path) && orderings.is_empty() {
            report.problem(
                &source.path,
                1,
                "its orderings have sites, or are Relaxed: it is not to be listed",
            );
        }
        for (ordering, line, site) in orderings {
            match site {
                Some(site) => used.push(site),
                None if lists(WITHOUT_SITE, &source.path) => {}
                None => report.problem(&source.path, line, format!("{ordering} has no site")),
            }
        }
    }
    for name in &sites {
        let uses = used.iter().filter(|other| *other == name).count();
        if uses != 1 {
            report.problem(HOME, 1, format!("the site {name} is of {uses} uses, not of one"));
        }
    }
    for name in used.iter().filter(|name| !sites.contains(*name)) {
        report.problem(HOME, 1, format!("the site {name} is used, and not declared"));
    }
    Ok(sites.len())
}

fn variants(file: &syn::File, name: &str) -> Option<BTreeSet<String>> {
    file.items.iter().find_map(|item| match item {
        syn::Item::Enum(item) if item.ident == name => {
            Some(item.variants.iter().map(|variant| variant.ident.to_string()).collect())
        }
        _ => None,
    })
}

/// The sites in the constant `SITES`.
fn listed_sites(file: &syn::File) -> Option<Vec<String>> {
    file.items.iter().find_map(|item| match item {
        syn::Item::Const(item) if item.ident == "SITES" => {
            let paths = paths::named(rust::tokens(&item.expr), &[]);
            Some(paths.iter().filter_map(|path| site_of(&path.segments)).collect())
        }
        _ => None,
    })
}

/// The first column of each line of a table that is one name of code: ``| `Name` | ... |``.
fn documented(text: &str) -> Vec<String> {
    let name = |line: &str| {
        let (name, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        (is_name && rest.ends_with(" |")).then(|| name.to_string())
    };
    text.lines().filter_map(name).collect()
}

/// `...::Site::Name`
fn site_of(segments: &[String]) -> Option<String> {
    match segments {
        [.., kind, name] if kind == "Site" => Some(name.clone()),
        _ => None,
    }
}

/// Every ordering but Relaxed, with its line, and the site before it: `Site::Name, Ordering::Acquire`.
fn strong_orderings(tokens: TokenStream) -> Vec<(String, usize, Option<String>)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(strong_orderings(group.stream())),
            TokenTree::Ident(ident)
                if ["Acquire", "Release", "AcqRel", "SeqCst"].iter().any(|name| ident == name)
                    && word(&tokens, at, 3).is_some_and(|kind| kind == "Ordering") =>
            {
                let start = path_start(&tokens, at);
                let comma =
                    |at: &usize| matches!(&tokens[*at], TokenTree::Punct(punct) if punct.as_char() == ',');
                let site = start.checked_sub(1).filter(comma).and_then(|comma| {
                    let name = word(&tokens, comma, 1)?;
                    (word(&tokens, comma, 4)? == "Site").then_some(name)
                });
                found.push((format!("Ordering::{ident}"), ident.span().start().line, site));
            }
            _ => {}
        }
    }
    found
}

/// The word that stands so many tokens before `at`.
fn word(tokens: &[TokenTree], at: usize, before: usize) -> Option<String> {
    match tokens.get(at.checked_sub(before)?)? {
        TokenTree::Ident(ident) => Some(ident.to_string()),
        _ => None,
    }
}

/// Where the path begins whose last segment stands at `at`.
fn path_start(tokens: &[TokenTree], mut at: usize) -> usize {
    let colon = |at: usize| matches!(&tokens[at], TokenTree::Punct(punct) if punct.as_char() == ':');
    while at >= 3 && colon(at - 1) && colon(at - 2) && matches!(tokens[at - 3], TokenTree::Ident(_)) {
        at -= 3;
    }
    at
}
