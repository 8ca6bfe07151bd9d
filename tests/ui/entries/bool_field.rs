//! Not every word is a bool, so a bool that arrives is checked.

annulet::entry! {
    #[derive(Clone, Copy)]
    struct Switch { line: u32, on: bool }
}

fn main() {}
