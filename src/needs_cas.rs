//! What the compiler says of a call that needs compare-and-swap, on a target that has none.
//!
//! Such methods stay visible there, each with this bound, which nothing meets. Types and modules do not: where the root gates
//! them, the line says what to do, and the compiler shows it.

/// A target that has compare-and-swap. This one has not, so nothing implements it.
#[diagnostic::on_unimplemented(
    message = "this target has no compare-and-swap, which this call needs",
    label = "needs compare-and-swap",
    note = "without it, there are `split`, and for a `static` the unsafe `split_unchecked`, `split_all_unchecked` of `Lanes` and `writer_unchecked` of `Broadcast`",
    note = "with it by `portable-atomic`, in Cargo.toml: `annulet = {{ version = \"0.1\", features = [\"portable-atomic\"] }}`",
    note = "then the final binary says how: `portable-atomic = {{ version = \"1\", features = [\"critical-section\"] }}`, or `unsafe-assume-single-core`"
)]
pub trait CompareAndSwap {}
