//! Nothing: the programs of this directory are built by `misuse.rs`.
