//! Says what the target has, in one word for each condition that the source asks for in many places.
//!
//! `compare_and_swap`: 32-bit atomics with compare-and-swap, of the target or of portable-atomic.
//! `arc`: the feature `alloc`, and a target whose own atomics can count the references of an `Arc`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(compare_and_swap, arc)");
    let widths = env::var("CARGO_CFG_TARGET_HAS_ATOMIC").unwrap_or_default();
    let has_width = |wanted| widths.split(',').any(|width| width == wanted);
    let has_feature = |name| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    if has_width("32") || has_feature("PORTABLE_ATOMIC") {
        println!("cargo::rustc-cfg=compare_and_swap");
    }
    if has_width("ptr") && has_feature("ALLOC") {
        println!("cargo::rustc-cfg=arc");
    }
}
