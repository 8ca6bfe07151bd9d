//! What is copied word by word is `Copy`.

annulet::entry! {
    struct Step { from: u32, to: u32 }
}

fn main() {}
