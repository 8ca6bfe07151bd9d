//! Every path that a piece of Rust names, macros included, with the module it stands in.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A path as it is written, of a use declaration or elsewhere.
#[derive(Clone, Debug)]
pub struct Named {
    /// The module it stands in, from the root of the crate.
    pub within: Vec<String>,
    /// Its segments; the last may be `*`. `$crate` is `crate`.
    pub segments: Vec<String>,
    /// The line of its last segment.
    pub line: usize,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Of a use declaration, under what name, and whether others see it there.
    Use { name: String, public: bool },
    /// Of a visibility: `pub(in crate::ring)`.
    Visibility,
    /// The name that an item or a field is declared by, or a method's: no path at all.
    Declared,
    /// Anywhere else.
    Plain,
}

/// Returns all paths of the tokens, in order. `module` is where they stand.
pub fn named(tokens: TokenStream, module: &[String]) -> Vec<Named> {
    let mut scan = Scan { module: module.to_vec(), found: Vec::new() };
    scan.stream(tokens);
    scan.found
}

struct Scan {
    module: Vec<String>,
    found: Vec<Named>,
}

impl Scan {
    fn stream(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(&tokens, at);
        }
    }

    /// Takes what begins at `at`; returns where the next thing begins.
    fn step(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => {
                self.stream(group.stream());
                at + 1
            }
            TokenTree::Ident(ident) if ident == "use" => {
                // `use<'a>` of a type is none.
                if is(tokens, at + 1, '<') { at + 1 } else { self.declaration(tokens, at) }
            }
            TokenTree::Ident(ident) if ident == "mod" => match (tokens.get(at + 1), tokens.get(at + 2)) {
                (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) if braces(body) => {
                    self.module.push(name.to_string());
                    self.stream(body.stream());
                    self.module.pop();
                    at + 3
                }
                _ => at + 1,
            },
            TokenTree::Ident(ident) if ident == "enum" => {
                let body = (at..tokens.len())
                    .find(|next| matches!(&tokens[*next], TokenTree::Group(g) if braces(g)));
                let Some(body) = body else { return at + 1 };
                let mut next = at + 1;
                while next < body {
                    next = self.step(tokens, next);
                }
                if let TokenTree::Group(group) = &tokens[body] {
                    self.variants(group.stream());
                }
                body + 1
            }
            TokenTree::Ident(_) => self.path(tokens, at),
            _ => at + 1,
        }
    }

    /// The body of an enum. What it calls its variants is no path.
    fn variants(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for variant in
            tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ','))
        {
            let mut at = 0;
            let mut declared = false;
            while at < variant.len() {
                if matches!(variant[at], TokenTree::Ident(_)) && !declared {
                    declared = true;
                    at += 1;
                } else {
                    at = self.step(variant, at);
                }
            }
        }
    }

    fn path(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let declared = at > 0
            && (is(tokens, at - 1, '.') && !(at > 1 && is(tokens, at - 2, '.'))
                || matches!(&tokens[at - 1], TokenTree::Ident(word) if DECLARE.contains(&word.to_string().as_str())));
        let visibility = at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "in");
        let mut segments = Vec::new();
        let mut line = 0;
        let mut next = at;
        while let Some(TokenTree::Ident(ident)) = tokens.get(next) {
            segments.push(ident.to_string());
            line = ident.span().start().line;
            next += 1;
            if !separator(tokens, next) {
                break;
            }
            next += 2;
        }
        // `for x in y` is no visibility, but there `in` begins a path of one segment only if that is no module's.
        let declared = declared || segments.len() == 1 && is(tokens, next, ':') && !is(tokens, next + 1, ':');
        let kind = match (declared, visibility && matches!(segments[0].as_str(), "crate" | "super" | "self"))
        {
            (true, _) => Kind::Declared,
            (_, true) => Kind::Visibility,
            _ => Kind::Plain,
        };
        self.found.push(Named { within: self.module.clone(), segments, line, kind });
        next
    }

    /// A use declaration, up to its semicolon.
    fn declaration(&mut self, tokens: &[TokenTree], at: usize) -> usize {
        let public = at > 0 && is_visibility(tokens, at - 1);
        let end = (at..tokens.len()).find(|next| is(tokens, *next, ';')).unwrap_or(tokens.len());
        self.tree(&tokens[at + 1..end], &mut Vec::new(), public);
        end
    }

    fn tree(&mut self, tokens: &[TokenTree], prefix: &mut Vec<String>, public: bool) {
        let depth = prefix.len();
        let mut line = 0;
        let mut name = None;
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Ident(ident) if ident == "as" => {
                    name = tokens.get(at + 1).map(ToString::to_string);
                    break;
                }
                // `a::{self}` is `a`.
                TokenTree::Ident(ident) if ident == "self" && !prefix.is_empty() => {}
                TokenTree::Ident(ident) => prefix.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == '*' => prefix.push("*".into()),
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    for part in
                        inner.split(|token| matches!(token, TokenTree::Punct(p) if p.as_char() == ','))
                    {
                        self.tree(part, prefix, public);
                    }
                    prefix.truncate(depth);
                    return;
                }
                _ => {}
            }
            line = tokens[at].span().start().line;
            at += 1;
        }
        if prefix.len() > depth || at > 0 {
            let name = name.unwrap_or_else(|| prefix.last().cloned().unwrap_or_default());
            let kind = Kind::Use { name, public };
            self.found.push(Named { within: self.module.clone(), segments: prefix.clone(), line, kind });
        }
        prefix.truncate(depth);
    }
}

/// What the name of an item, or of a binding, comes after.
const DECLARE: [&str; 12] =
    ["fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod", "let", "mut", "macro_rules"];

fn is(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Returns whether `::` and a further segment begin at `at`.
fn separator(tokens: &[TokenTree], at: usize) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
        && is(tokens, at + 1, ':')
        && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_)))
}

fn braces(group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
}

/// Returns whether the token at `at` ends a visibility: `pub`, `pub(crate)`, or a `$vis` of a macro.
fn is_visibility(tokens: &[TokenTree], at: usize) -> bool {
    match &tokens[at] {
        TokenTree::Ident(word) => word == "pub" || at > 0 && is(tokens, at - 1, '$'),
        TokenTree::Group(_) => at > 0 && matches!(&tokens[at - 1], TokenTree::Ident(word) if word == "pub"),
        _ => false,
    }
}

/// Returns the path from the root of the crate, if the path says that it starts there: by `crate`, `self` or `super`.
pub fn absolute(named: &Named) -> Option<Vec<String>> {
    let mut base = match named.segments[0].as_str() {
        "crate" => Vec::new(),
        "self" | "super" => named.within.clone(),
        _ => return None,
    };
    let mut rest =
        named.segments.iter().skip_while(|segment| matches!(segment.as_str(), "crate" | "self")).peekable();
    while rest.next_if(|segment| *segment == "super").is_some() {
        base.pop();
    }
    base.extend(rest.cloned());
    Some(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<String> {
        named(text.parse().unwrap(), &["a".into(), "b".into()])
            .iter()
            .filter(|named| named.kind != Kind::Declared)
            .map(|named| named.segments.join("::"))
            .collect()
    }

    fn from_the_root(text: &str) -> Vec<String> {
        named(text.parse().unwrap(), &["a".into(), "b".into()])
            .iter()
            .filter_map(absolute)
            .map(|path| path.join("::"))
            .collect()
    }

    #[test]
    fn a_use_declaration_names_each_of_its_paths() {
        assert_eq!(
            written("use a::{self, b::{C, D as E}, f::*}; pub(crate) use g;"),
            ["a", "a::b::C", "a::b::D", "a::f::*", "pub", "crate", "g"]
        );
    }

    #[test]
    fn a_path_is_found_in_a_macro_and_in_a_body() {
        assert_eq!(
            written("m! { fn f() { crate::x::y(1, $crate::z) } }"),
            ["m", "fn", "crate::x::y", "crate::z"]
        );
    }

    #[test]
    fn super_is_counted_from_the_module_it_stands_in() {
        assert_eq!(
            from_the_root("use super::c; use self::d; use super::super::e;"),
            ["a::c", "a::b::d", "e"]
        );
        assert_eq!(
            from_the_root("mod inner { use super::super::f; fn g() { super::h() } }"),
            ["a::f", "a::b::h"]
        );
    }

    #[test]
    fn comments_and_strings_name_nothing() {
        assert_eq!(from_the_root("/// [`X`](crate::x)\n fn f() { \"crate::y\"; /* crate::z */ }"), [""; 0]);
    }

    #[test]
    fn what_is_declared_is_no_path() {
        assert_eq!(written("enum A { #[b] C(d::E), F = 1, G { h: i::J } }"), ["b", "d::E", "i::J"]);
        assert_eq!(written("struct A { b: C } fn d(e: F) { e.g() }"), ["struct", "C", "fn", "F", "e"]);
    }

    #[test]
    fn a_re_export_is_told_from_an_import() {
        let kinds: Vec<Kind> =
            named("use a::B; pub use a::C; pub(super) use a::D as E;".parse().unwrap(), &[])
                .into_iter()
                .map(|named| named.kind)
                .filter(|kind| matches!(kind, Kind::Use { .. }))
                .collect();
        let of = |name: &str, public| Kind::Use { name: name.into(), public };
        assert_eq!(kinds, [of("B", false), of("C", true), of("E", true)]);
    }
}
