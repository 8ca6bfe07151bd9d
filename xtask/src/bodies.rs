//! Part of `.ci/deep/mutants`: where the bodies of functions are in a file, for mutations that are built together.
//!
//! A line to each, with the lines and columns from 1 on where it begins and ends, its end excluded:
//!
//! - `body`: the body of a function that is called at run time, braces included;
//! - `wrapper`: the macro around an item, up to and with the brace that opens it, and the brace that closes it;
//! - `tests`: a module of tests.

use std::process::ExitCode;

use proc_macro2::LineColumn;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::rust;

/// The macro that makes functions const where they can be.
const WRAPPER: &str = "const_fn";

pub fn print(path: &str) -> Result<ExitCode, String> {
    let text = std::fs::read_to_string(path).map_err(|why| format!("{path}: {why}"))?;
    for line in lines(path, &text)? {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(path: &str, text: &str) -> Result<Vec<String>, String> {
    let file = rust::parse(path, text)?;
    let mut found = Found(Vec::new());
    found.visit_file(&file);
    Ok(found.0)
}

struct Found(Vec<String>);

impl Found {
    fn push(&mut self, what: &str, start: LineColumn, end: LineColumn) {
        let Self(lines) = self;
        lines.push(format!("{what} {} {} {} {}", start.line, start.column + 1, end.line, end.column + 1));
    }

    /// What the compiler computes cannot depend on the environment.
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        if signature.constness.is_none() {
            let braces = body.brace_token.span;
            self.push("body", braces.open().start(), braces.close().end());
        }
    }
}

impl<'f> Visit<'f> for Found {
    fn visit_item_mod(&mut self, module: &'f syn::ItemMod) {
        if rust::only_with(&module.attrs, "test") {
            self.push("tests", rust::start(module), module.span().end());
        } else {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, item: &'f syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'f syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'f syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_macro(&mut self, call: &'f syn::Macro) {
        if call.path.segments.last().is_some_and(|name| name.ident == WRAPPER)
            && let syn::MacroDelimiter::Brace(brace) = &call.delimiter
        {
            self.push("wrapper", call.path.span().start(), brace.span.open().end());
            self.push("wrapper", brace.span.close().start(), brace.span.close().end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        lines("a.rs", text).unwrap()
    }

    #[test]
    fn a_body_is_found_wherever_it_is() {
        assert_eq!(found("fn f() -> [u8; { 2 }] { 1 }"), ["body 1 23 1 28"]);
        assert_eq!(found("// {\nimpl A {\n  fn é(&self, b: B<{ 2 }>) {\n  }\n}"), ["body 3 28 4 4"]);
        assert_eq!(found("trait A { fn f(); fn g() {} }"), ["body 1 26 1 28"]);
        assert_eq!(found("fn f() { fn g() { '}'; } }"), ["body 1 8 1 27", "body 1 17 1 25"]);
    }

    #[test]
    fn what_the_compiler_computes_is_none() {
        assert_eq!(found("const unsafe fn f() { 1 } macro_rules! m { () => { fn g() {} } }"), [""; 0]);
    }

    #[test]
    fn a_wrapper_and_tests_are_told() {
        let text = "impl A {\n    crate::sync::const_fn! {\n        const fn f() {}\n    }\n}";
        assert_eq!(found(text), ["wrapper 2 5 2 29", "wrapper 4 5 4 6"]);
        let text = "fn f() {}\n/// Tests.\n#[cfg(all(test, a))]\nmod tests {\n    fn g() {}\n}";
        assert_eq!(found(text), ["body 1 8 1 10", "tests 2 1 6 2"]);
    }
}
