//! Says what the target has, in one word for each condition that the source asks for in many places.
//!
//! `compare_and_swap`: 32-bit atomics with compare-and-swap, of the target or of portable-atomic.
//! `arc`: the feature `alloc`, and a target whose own atomics can count the references of an `Arc`.
//! `hosted`: the feature `std`, and a target that has the threads, locks and clocks of `std`: Unix or Windows.
//! `processor`: no operating system, and a processor for which `wait::processor` knows how it sleeps.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(compare_and_swap, arc, hosted, processor)");
    let widths = env::var("CARGO_CFG_TARGET_HAS_ATOMIC").unwrap_or_default();
    let has_width = |wanted| widths.split(',').any(|width| width == wanted);
    let has_feature = |name| env::var_os(format!("CARGO_FEATURE_{name}")).is_some();
    if has_width("32") || has_feature("PORTABLE_ATOMIC") {
        println!("cargo::rustc-cfg=compare_and_swap");
    }
    if has_width("ptr") && has_feature("ALLOC") {
        println!("cargo::rustc-cfg=arc");
    }
    // Others have a `std` without threads (wasm), or none.
    let has_family = |name| env::var_os(format!("CARGO_CFG_{name}")).is_some();
    if has_feature("STD") && (has_family("UNIX") || has_family("WINDOWS")) {
        println!("cargo::rustc-cfg=hosted");
    }
    let variable = |name| env::var(name).unwrap_or_default();
    let target = variable("TARGET");
    // Only M-profile has PRIMASK. What says so in a cfg is not stable, so the name of the target does.
    let is_m_profile =
        ["thumbv6m", "thumbv7m", "thumbv7em", "thumbv8m"].iter().any(|name| target.starts_with(name));
    let can_sleep = match variable("CARGO_CFG_TARGET_ARCH").as_str() {
        "arm" => is_m_profile,
        "riscv32" | "riscv64" | "x86_64" | "aarch64" => true,
        _ => false,
    };
    if can_sleep && variable("CARGO_CFG_TARGET_OS") == "none" {
        println!("cargo::rustc-cfg=processor");
    }
}
