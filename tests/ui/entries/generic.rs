//! The macro takes no generics, and says what to do.

annulet::entry! {
    #[derive(Clone, Copy)]
    struct Step<T> { from: T, to: T }
}

fn main() {}
