//! Which module uses which.

use std::collections::BTreeSet;

use super::tables::{LAYERS, MACROS};
use super::{Crates, Parsed};
use crate::Report;
use crate::paths::{Kind, absolute};
use crate::tree::Tree;

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.iter().any(|(name, _)| *name == module))
}

/// Returns whether the layers allow that `module` uses `other`. Both are in them.
fn allows(module: &str, other: &str) -> bool {
    let (Some(mine), Some(theirs)) = (layer_of(module), layer_of(other)) else { return false };
    let named = LAYERS[mine].iter().find(|(name, _)| *name == module).map_or(&[][..], |(_, uses)| uses);
    module == other || theirs < mine && (theirs == 0 || named.contains(&other) || named.contains(&"*"))
}

/// `allowed` are uses against the layers: which module uses which, and why.
pub fn check(crates: &Crates, allowed: &[(&str, &str, &str)], tree: &Tree, report: &mut Report) {
    check_table(report);
    let mut used = BTreeSet::new();
    for parsed in &crates.annulet {
        check_file(parsed, allowed, &mut used, report);
    }
    for (module, other, _) in allowed.iter().filter(|(module, other, _)| !used.contains(&(*module, *other))) {
        report.problem(
            "xtask/src/deps/tables.rs",
            1,
            format!("{module} no longer uses {other}: strike it out"),
        );
    }
    for Parsed { source, named } in &crates.platform {
        for path in named.iter().filter(|path| path.segments[0] == "annulet") {
            report.problem(&source.path, path.line, "platform is a leaf: it may not use annulet");
        }
    }
    let manifest = tree.text("platform/Cargo.toml").unwrap_or_default();
    for (number, line) in manifest.lines().enumerate() {
        let key = line.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
        let key = key.rsplit_once("dependencies.").map_or(key, |(_, key)| key);
        if key
            .strip_prefix("annulet")
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        {
            report.problem(
                "platform/Cargo.toml",
                number + 1,
                "platform is a leaf: it may not depend on annulet",
            );
        }
    }
}

/// The table obeys its own rule.
fn check_table(report: &mut Report) {
    for (number, layer) in LAYERS.iter().enumerate() {
        for (module, uses) in *layer {
            for other in
                uses.iter().filter(|other| **other != "*" && layer_of(other).is_none_or(|at| at >= number))
            {
                let text = format!("{module} may not use {other}: it is not in a lower layer");
                report.problem("xtask/src/deps/tables.rs", 1, text);
            }
        }
    }
}

fn check_file<'a>(
    parsed: &Parsed,
    allowed: &[(&'a str, &'a str, &str)],
    used: &mut BTreeSet<(&'a str, &'a str)>,
    report: &mut Report,
) {
    let source = &parsed.source;
    let Some(module) = source.module.first() else { return };
    if layer_of(module).is_none() {
        let text =
            format!("the module {module} is in no layer: add it to the table in xtask/src/deps/tables.rs");
        report.problem(&source.path, 1, text);
        return;
    }
    for path in &parsed.named {
        if path.segments[0] == "annulet_platform" && module != "host" {
            report.problem(&source.path, path.line, "only host uses the platform");
        }
        if path.kind == Kind::Declared {
            continue;
        }
        let Some(from_root) = absolute(path) else { continue };
        let Some(other) = from_root.first() else { continue };
        let other =
            MACROS.iter().find(|(name, _)| name == other).map_or(other.as_str(), |(_, module)| module);
        if layer_of(other).is_none() {
            let text = format!("`{other}` is no module: name it where it lives, not at the root");
            report.problem(&source.path, path.line, text);
        } else if let Some((module, other, _)) = allowed.iter().find(|(a, b, _)| a == module && *b == other) {
            used.insert((*module, *other));
        } else if !allows(module, other) {
            report.problem(&source.path, path.line, format!("{module} may not use {other}"));
        }
    }
}
