//! Files of Rust: which module they are, and what of them is built when.

use proc_macro2::{LineColumn, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Meta, Token, punctuated::Punctuated};

/// A parsed file.
pub struct Source {
    /// Its path from the root of the checkout.
    pub path: String,
    /// The path of its module in the crate: none for the root.
    pub module: Vec<String>,
    /// How many lines it has.
    pub lines: usize,
    /// All of it.
    pub whole: syn::File,
    /// The same without its test modules.
    pub shipped: syn::File,
}

impl Source {
    /// Parses a file that lies in `folder`, the source folder of its crate.
    pub fn parse(path: &str, folder: &str, text: &str) -> Result<Self, String> {
        let whole = parse(path, text)?;
        let mut shipped = whole.clone();
        without(&mut shipped, Removed::TestModules);
        let module = module_of(path.strip_prefix(folder).unwrap_or(path));
        Ok(Self { path: path.into(), module, lines: text.lines().count(), whole, shipped })
    }

    /// Returns how many lines there are before a trailing test module, or all of them.
    pub fn lines_without_tests(&self) -> usize {
        match self.whole.items.last() {
            Some(last @ syn::Item::Mod(module)) if only_with(&module.attrs, "test") => start(last).line - 1,
            _ => self.lines,
        }
    }
}

/// Parses a file, and says where it cannot be parsed.
pub fn parse(path: &str, text: &str) -> Result<syn::File, String> {
    syn::parse_file(text).map_err(|why| format!("{path}:{}: {why}", why.span().start().line))
}

/// Returns where something begins, its attributes and comments included.
pub fn start(node: &impl ToTokens) -> LineColumn {
    node.span().start()
}

/// `/ring/broadcast.rs` and `/ring/broadcast/mod.rs` are the module `ring::broadcast`.
fn module_of(path: &str) -> Vec<String> {
    let mut parts: Vec<String> =
        path.trim_start_matches('/').trim_end_matches(".rs").split('/').map(str::to_string).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" && parts.len() == 1) {
        parts.pop();
    }
    parts
}

/// Returns whether a `cfg` among the attributes leaves the item out unless `flag` is set.
pub fn only_with(attributes: &[Attribute], flag: &str) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<Meta>().is_ok_and(|meta| needs(&meta, flag))
    })
}

/// Returns whether a predicate of a `cfg` cannot hold unless `flag` is set.
fn needs(meta: &Meta, flag: &str) -> bool {
    match meta {
        Meta::Path(path) => path.is_ident(flag),
        Meta::List(list) => {
            let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
                return false;
            };
            if list.path.is_ident("all") {
                parts.iter().any(|part| needs(part, flag))
            } else {
                list.path.is_ident("any") && !parts.is_empty() && parts.iter().all(|part| needs(part, flag))
            }
        }
        Meta::NameValue(_) => false,
    }
}

/// What is to be taken out of a file.
#[derive(Clone, Copy)]
pub enum Removed {
    /// The modules that are built for tests only.
    TestModules,
    /// Whatever is built with this flag only.
    With(&'static str),
}

/// Takes items out of a file, at any depth.
pub fn without(file: &mut syn::File, removed: Removed) {
    let mut filter = Filter(removed);
    file.items.retain(|item| !filter.removes(item));
    filter.visit_file_mut(file);
}

struct Filter(Removed);

impl Filter {
    fn removes(&self, item: &syn::Item) -> bool {
        match self.0 {
            Removed::TestModules => {
                matches!(item, syn::Item::Mod(module) if module.content.is_some() && only_with(&module.attrs, "test"))
            }
            Removed::With(flag) => only_with(attributes_of(item), flag),
        }
    }
}

impl VisitMut for Filter {
    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !self.removes(item));
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        if let Removed::With(flag) = self.0 {
            item.items.retain(|item| match item {
                syn::ImplItem::Fn(function) => !only_with(&function.attrs, flag),
                syn::ImplItem::Const(constant) => !only_with(&constant.attrs, flag),
                syn::ImplItem::Macro(call) => !only_with(&call.attrs, flag),
                _ => true,
            });
        }
        visit_mut::visit_item_impl_mut(self, item);
    }
}

fn attributes_of(item: &syn::Item) -> &[Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Union(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the tokens of something.
pub fn tokens(node: &impl ToTokens) -> TokenStream {
    node.to_token_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cfg_is_read_as_the_compiler_reads_it() {
        let only = |text: &str| {
            let item: syn::ItemMod = syn::parse_str(&format!("#[cfg({text})] mod tests {{}}")).unwrap();
            only_with(&item.attrs, "test")
        };
        assert!(only("test") && only("all(test, not(loom))") && only("any(test, all(test, loom))"));
        assert!(!only("not(test)") && !only("any(test, feature = \"alloc\")") && !only("feature = \"test\""));
    }

    #[test]
    fn a_file_is_a_module() {
        assert_eq!(module_of("/lib.rs"), [""; 0]);
        assert_eq!(module_of("/words.rs"), ["words"]);
        assert_eq!(module_of("/ring/mod.rs"), ["ring"]);
        assert_eq!(module_of("/ring/lanes/order.rs"), ["ring", "lanes", "order"]);
    }

    #[test]
    fn what_is_removed_is_gone_at_any_depth() {
        let text = "mod a { #[cfg(test)] mod tests { fn x() {} } #[cfg(arc)] fn y() {} impl A { #[cfg(arc)] fn z() {} } }";
        let source = Source::parse("src/a.rs", "src", text).unwrap();
        let shipped = tokens(&source.shipped).to_string();
        assert!(!shipped.contains('x') && shipped.contains('y') && shipped.contains('z'));
        let mut file = source.whole;
        without(&mut file, Removed::With("arc"));
        let rest = tokens(&file).to_string();
        assert!(rest.contains('x') && !rest.contains('y') && !rest.contains('z'));
    }
}
