//! No two files import each other.
//!
//! A file imports another if it names an item that is defined there, through however many re-exports. To re-export an item
//! is not to import it, and neither is to declare a module.

use std::collections::{BTreeMap, BTreeSet};

use super::Parsed;
use crate::Report;
use crate::paths::{Kind, Named};

type Path = Vec<String>;

/// What a module has under one name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Module(Path),
    /// Defined here.
    Item,
    /// Of a use declaration: the path as it stands there, and whether it is a re-export.
    Import {
        path: Path,
        public: bool,
    },
}

#[derive(Default)]
struct Scope {
    /// The number of the file it stands in.
    file: usize,
    entries: BTreeMap<String, BTreeSet<Entry>>,
    globs: Vec<Path>,
}

/// The modules of the crate.
struct Scopes(BTreeMap<Path, Scope>);

/// What a path leads to.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module,
    /// An item of the file with this number.
    Item(usize),
}

impl Scopes {
    fn of(sources: &[Parsed]) -> Self {
        let mut scopes = Self(BTreeMap::new());
        for (file, parsed) in sources.iter().enumerate() {
            let module = &parsed.source.module;
            scopes.add_items(file, module, &parsed.source.shipped.items);
            // Whether its declaration can be seen or not: a macro may have made it.
            for depth in 1..=module.len() {
                scopes.add(&module[..depth - 1], &module[depth - 1], Entry::Module(module[..depth].to_vec()));
            }
            for named in &parsed.named {
                let Kind::Use { name, public } = &named.kind else { continue };
                let Some(scope) = scopes.0.get_mut(&named.within) else { continue };
                match named.segments.split_last() {
                    Some((last, path)) if last == "*" => scope.globs.push(path.to_vec()),
                    _ => {
                        let import = Entry::Import { path: named.segments.clone(), public: *public };
                        scopes.add(&named.within, name, import);
                    }
                }
            }
        }
        scopes
    }

    fn add_items(&mut self, file: usize, module: &[String], items: &[syn::Item]) {
        self.0.entry(module.to_vec()).or_default().file = file;
        for item in items {
            let entry = |name: &syn::Ident| (name.to_string(), Entry::Item);
            let (name, entry) = match item {
                syn::Item::Mod(item) => {
                    let mut inner = module.to_vec();
                    inner.push(item.ident.to_string());
                    if let Some((_, items)) = &item.content {
                        self.add_items(file, &inner, items);
                    }
                    (item.ident.to_string(), Entry::Module(inner))
                }
                syn::Item::Const(item) => entry(&item.ident),
                syn::Item::Enum(item) => entry(&item.ident),
                syn::Item::Fn(item) => entry(&item.sig.ident),
                syn::Item::Static(item) => entry(&item.ident),
                syn::Item::Struct(item) => entry(&item.ident),
                syn::Item::Trait(item) => entry(&item.ident),
                syn::Item::Type(item) => entry(&item.ident),
                syn::Item::Union(item) => entry(&item.ident),
                syn::Item::Macro(syn::ItemMacro { ident: Some(ident), .. }) => entry(ident),
                _ => continue,
            };
            self.add(module, &name, entry);
        }
    }

    fn add(&mut self, module: &[String], name: &str, entry: Entry) {
        self.0.entry(module.to_vec()).or_default().entries.entry(name.to_string()).or_default().insert(entry);
    }

    /// Follows a path that stands in `module`. Nothing, if it leads out of the crate.
    fn follow(&self, module: &[String], path: &[String]) -> BTreeSet<Target> {
        let mut found = BTreeSet::new();
        self.follow_on(module, path, &mut BTreeSet::new(), &mut found);
        found
    }

    fn follow_on(
        &self,
        module: &[String],
        path: &[String],
        followed: &mut BTreeSet<(Path, Path)>,
        found: &mut BTreeSet<Target>,
    ) {
        // A path that leads to itself leads nowhere.
        if !followed.insert((module.to_vec(), path.to_vec())) {
            return;
        }
        let mut at = module.to_vec();
        let mut rest = path;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.clear(),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rest = after;
        }
        let begins_here = rest.len() == path.len();
        let Some((name, after)) = rest.split_first() else {
            found.insert(Target::Module);
            return;
        };
        let Some(scope) = self.0.get(&at) else { return };
        let found_before = found.len();
        for entry in scope.entries.get(name).into_iter().flatten() {
            match entry {
                Entry::Module(_) if after.is_empty() => drop(found.insert(Target::Module)),
                Entry::Module(inner) => {
                    let mut path = vec!["self".to_string()];
                    path.extend_from_slice(after);
                    self.follow_on(inner, &path, followed, found);
                }
                // What follows an item is of it: a variant, a function of a type.
                Entry::Item => drop(found.insert(Target::Item(scope.file))),
                // Its own name there is no path to it: `use core;`.
                Entry::Import { path, .. } if path.len() == 1 && path[0] == *name => {}
                Entry::Import { path, .. } => {
                    let longer: Path = path.iter().chain(after).cloned().collect();
                    self.follow_on(&at, &longer, followed, found);
                }
            }
        }
        if !scope.entries.contains_key(name) {
            for glob in &scope.globs {
                let mut path = glob.clone();
                path.extend_from_slice(rest);
                self.follow_on(&at, &path, followed, found);
            }
            // Of a macro, then: `bitflags! { pub struct Rights ... }`. A bare name may be anything.
            if found.len() == found_before && !begins_here {
                found.insert(Target::Item(scope.file));
            }
        }
    }
}

/// For each file, which others it imports, and in which line first.
fn imports(sources: &[Parsed]) -> Vec<BTreeMap<usize, usize>> {
    let scopes = Scopes::of(sources);
    sources
        .iter()
        .enumerate()
        .map(|(file, parsed)| {
            let mut imported = BTreeMap::new();
            for named in &parsed.named {
                if !counts(&scopes, named) {
                    continue;
                }
                for target in scopes.follow(&named.within, &named.segments) {
                    if let Target::Item(other) = target
                        && other != file
                    {
                        imported.entry(other).or_insert(named.line);
                    }
                }
            }
            imported
        })
        .collect()
}

/// Returns whether to name this is to import what it leads to.
fn counts(scopes: &Scopes, named: &Named) -> bool {
    match &named.kind {
        Kind::Use { name, public } => !public && name != "*",
        Kind::Visibility | Kind::Declared => false,
        // A single word counts if it is a name that the module only has from a re-export or a glob.
        Kind::Plain if named.segments.len() == 1 => {
            scopes.0.get(&named.within).is_some_and(|scope| match scope.entries.get(&named.segments[0]) {
                Some(entries) => {
                    entries.iter().all(|entry| matches!(entry, Entry::Import { public: true, .. }))
                }
                None => !scope.globs.is_empty(),
            })
        }
        Kind::Plain => true,
    }
}

/// `allowed` are pairs that do, in order, and why.
pub fn check(sources: &[Parsed], allowed: &[(&str, &str, &str)], report: &mut Report) {
    let imports = imports(sources);
    let mut mutual = BTreeSet::new();
    for (file, imported) in imports.iter().enumerate() {
        for (other, line) in imported.range(file + 1..) {
            if let Some(back) = imports[*other].get(&file) {
                let (one, two) = (&sources[file].source.path, &sources[*other].source.path);
                mutual.insert((one.as_str(), two.as_str()));
                if !allowed.iter().any(|(a, b, _)| a == one && b == two) {
                    report.problem(one, *line, format!("it and {two} (line {back}) import each other"));
                }
            }
        }
    }
    for (one, two, _) in allowed.iter().filter(|(one, two, _)| !mutual.contains(&(*one, *two))) {
        report.problem(
            "xtask/src/deps/tables.rs",
            1,
            format!("{one} and {two} do not import each other: strike it out"),
        );
    }
}
