//! Of every arity.

static RING: annulet::Mpmc<u8, 3> = annulet::Mpmc::new();

fn main() {
    let _ = &RING;
}
