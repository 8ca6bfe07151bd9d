//! What `.ci/deps` allows, and the exceptions from it. An exception has a reason, and one that is no longer used is an error.

/// A module, and the modules of lower layers that it uses. `*` is all of them.
pub type Module = (&'static str, &'static [&'static str]);

/// Which module may use which: one of a layer uses modules of lower layers, and of those only the ones it names. The lowest
/// layer may be used by all.
pub const LAYERS: &[&[Module]] = &[
    &[
        ("sync", &[]),
        ("cpu", &[]),
        ("shadow", &[]),
        ("zeroed", &[]),
        ("error", &[]),
        ("handle", &[]),
        ("span", &[]),
        ("needs_cas", &[]),
    ],
    &[("atomic", &[]), ("stats", &[])],
    &[("words", &["atomic"])],
    &[("index", &["atomic", "stats"])],
    &[
        ("ring", &["index", "atomic", "stats"]),
        ("bytes", &["index", "atomic", "stats"]),
        ("pool", &["atomic", "handle", "stats"]),
        ("link", &["words", "span"]),
        ("wait", &["atomic"]),
        ("schema", &[]),
        ("cap", &["atomic"]),
    ],
    &[("region", &["cap", "atomic"]), ("channel", &["atomic", "ring", "bytes", "wait"])],
    &[
        ("frame", &["pool", "region"]),
        ("queue", &["ring", "link", "region", "cap", "schema", "wait", "stats"]),
    ],
    &[("host", &["*"])],
];

/// Which module uses one that the layers do not allow, and why.
pub const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("zeroed", "sync", "how a constant is made differs under loom, and atomics are zero-valid"),
    ("shadow", "span", "the tracker that shows loom raw accesses speaks in spans"),
    ("shadow", "sync", "how a constant is made differs under loom"),
    ("zeroed", "cpu", "a padded value is zero-valid"),
    (
        "ring",
        "words",
        "an item of a broadcast is copied while it may be overwritten, so it is an entry: whole words",
    ),
    ("wait", "stats", "what waiting costs is counted as everything is, in words of 64 bits"),
    ("channel", "stats", "the ring of a channel counts or does not, and its type says so"),
    ("channel", "words", "the items of a broadcast are entries, and a channel over one says so"),
    ("channel", "host", "what a channel that is made by one call sleeps with on Linux"),
    ("region", "link", "a descriptor is an entry of a link, and says so by link's trait"),
];

/// Which macro stands at the root, as each exported one does, and which module it is of.
pub const MACROS: &[(&str, &str)] = &[("entry", "words"), ("__entry", "words")];

/// Which two files import each other, and why.
pub const MUTUAL: &[(&str, &str, &str)] = &[];

/// Where `Ordering` may be named besides `src/atomic`, and why.
pub const ORDERING: &[(&str, &str)] = &[
    ("src/sync.rs", "the switch itself"),
    ("src/words/mod.rs", "a peer's memory, which no model runs on"),
    ("src/stats.rs", "numbers that hand nothing over: Relaxed only"),
];

/// Where an ordering that is not Relaxed has no site, and why.
pub const WITHOUT_SITE: &[(&str, &str)] = &[
    ("src/atomic/site.rs", "that of a fence for the compiler alone, which loom does not have"),
    (
        "src/atomic/peer_counts.rs",
        "they order changes of one word, which loom makes in the order in which it runs the threads",
    ),
    ("src/atomic/sleepers.rs", "they forbid that a load sees a later store, which loom does not have"),
];

/// Where a crate of atomics may be named, and why not through `sync`.
pub const ATOMICS: &[(&str, &str)] = &[
    ("src/sync.rs", "the switch itself"),
    ("src/shadow.rs", "loom's cells, which are no atomics"),
    ("src/words/mod.rs", "a mapping is real memory: no model runs on it"),
    ("src/host/futex.rs", "the kernel's interface takes core's atomic, and no model runs on the kernel"),
];

/// How many lines a file has at most, its tests aside.
pub const LONGEST: usize = 400;
