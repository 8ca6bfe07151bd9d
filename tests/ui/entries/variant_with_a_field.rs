//! An enum is one word.

annulet::entry! {
    #[derive(Clone, Copy)]
    enum Shape { Square(u32), Circle(u32) }
}

fn main() {}
