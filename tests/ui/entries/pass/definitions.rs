//! What the macro takes.
#![deny(warnings, missing_docs, unused, unsafe_code)]

/// Definitions.
pub mod made {
    annulet::entry! {
        /// With names, attributes, documentation, visibility.
        #[derive(Clone, Copy, Default, PartialEq, Debug)]
        #[must_use]
        pub struct Named {
            /// A field.
            pub a: u32,
            pub(crate) b: [(u8, f64); 2],
            c: i128,
        }
        const ABI: u32 = 1 + 2;

        /// Without names.
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[repr(C)]
        pub struct Tuple(
            /// A field.
            pub u32,
            pub(super) Named,
        );

        /// Without fields.
        #[derive(Clone, Copy, PartialEq, Debug)]
        pub struct Unit;

        /// An enum.
        #[derive(Clone, Copy, PartialEq, Debug, Default)]
        #[repr(u8)]
        pub enum Side {
            /// A variant.
            #[default]
            Buy = b'b',
            /// Another.
            Sell,
        }
        const ABI: u32 = 4;
    }

    // One field of its own, nothing after it, no comma.
    annulet::entry!(#[derive(Clone, Copy)] struct One { one: u64 });
    const _: One = One { one: 0 };
    const _: u64 = <One as annulet::words::Entry>::ABI as u64 + Named { a: 0, b: [(0, 0.0); 2], c: 0 }.a as u64;
    annulet::entry!();

    /// One that is private to a function.
    pub fn local() -> u32 {
        annulet::entry! {
            #[derive(Clone, Copy)]
            struct Local { word: u32 }
        }
        annulet::words::Entry::to_image(&Local { word: 7 })[0]
    }

    annulet::entry! {
        #[derive(Clone, Copy)]
        struct Inner { word: u32 }

        #[derive(Clone, Copy, PartialEq, Debug)]
        enum Mode { On }

        /// It has fields whose types nobody else can name.
        #[derive(Clone, Copy)]
        pub struct Outer { inner: [Inner; 2], mode: annulet::words::Unchecked<Mode> }
    }

    /// Returns its words.
    pub fn outer() -> [u32; 3] {
        let outer = Outer { inner: [Inner { word: 7 }; 2], mode: Mode::On.into() };
        let copy: Outer = annulet::words::Entry::from_image(annulet::words::Entry::to_image(&outer));
        assert_eq!((copy.inner[1].word, copy.mode.check()), (7, Ok(Mode::On)));
        annulet::words::Entry::to_image(&copy)
    }
}

// No name that is in scope changes what the macro means.
#[allow(dead_code, non_camel_case_types)]
mod shadowed {
    struct u32;
    struct Result;
    struct Ok;
    struct Err;
    mod core {}
    type Word = ::std::primitive::u32;
    annulet::entry! {
        #[derive(Clone, Copy)]
        pub struct Step { from: Word, to: annulet::words::Unchecked<Side> }

        #[derive(Clone, Copy)]
        pub enum Side { Ok, Err, Result }
    }
}

fn main() {
    let tuple = made::Tuple(1, made::Named::default());
    let _ = annulet::words::Entry::to_image(&tuple);
    assert_eq!(annulet::words::Unchecked::from(made::Side::Sell).check(), Ok(made::Side::Sell));
    assert_eq!(made::local(), 7);
    assert_eq!(made::outer(), [7, 7, 0]);
    let _ = made::Unit;
    assert_eq!(<made::Named as annulet::words::Entry>::ABI, 3);
}
