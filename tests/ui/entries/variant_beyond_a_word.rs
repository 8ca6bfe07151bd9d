//! An enum is one word.

annulet::entry! {
    #[derive(Clone, Copy)]
    #[repr(i64)]
    enum Side { Buy = -1, Sell = 1 }
}

fn main() {
    let _ = annulet::words::Unchecked::new(Side::Buy).check();
}
