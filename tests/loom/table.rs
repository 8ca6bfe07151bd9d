//! Which model kills which weakened site.

use annulet::model::Site;

use crate::harness::{BOTH, Model};
use crate::{arity, broadcast, channel, lanes, link, region, ring, wait};

/// Every model. A new one is added here, and gets a test of its own where it is written.
const MODELS: &[&[&Model]] = &[
    ring::MODELS,
    #[cfg(feature = "alloc")]
    ring::kept::MODELS,
    arity::MODELS,
    broadcast::MODELS,
    broadcast::one_word::MODELS,
    lanes::MODELS,
    #[cfg(feature = "alloc")]
    lanes::growing::MODELS,
    link::MODELS,
    region::MODELS,
    wait::MODELS,
    channel::MODELS,
    #[cfg(feature = "alloc")]
    channel::owned::MODELS,
    #[cfg(feature = "alloc")]
    wait::crowded::MODELS,
];

/// Every site whose ordering must be in a model that fails without it. New sites are added here.
const SITES: &[Site] = &[
    Site::CursorPublish,
    Site::CursorObserve,
    Site::BitmapClaim,
    Site::BitmapGiveBack,
    Site::SlotStateClaim,
    Site::SlotStateRelease,
    Site::SlotStateOpen,
    Site::SlotStatePin,
    Site::SlotStateUnpin,
    Site::SlotStateClose,
    Site::LengthCommit,
    Site::LengthObserve,
    Site::WordsPublish,
    Site::WordsObserve,
    Site::MappingObserve,
    Site::SleepFence,
    Site::RouseFence,
    Site::CursorClaim,
    Site::CursorHint,
    Site::StampCommit,
    Site::StampObserve,
    Site::SplitPublish,
    Site::SplitObserve,
    Site::LoObserve,
    Site::HiPublish,
    Site::HiObserve,
    Site::HiAgain,
    Site::InvalidateFence,
    Site::ValidateFence,
    Site::GateFence,
    Site::JoinFence,
    Site::FullFence,
    Site::EmptyFence,
    Site::DiscardFence,
    Site::BitmapHeld,
    Site::SignalFence,
    Site::ThreadFence,
    Site::AgainFence,
    Site::TaskFence,
    Site::TaskArm,
    Site::TaskWake,
    Site::TaskDone,
    Site::TaskRetake,
    Site::TaskVacate,
    Site::SlotGiveBack,
    Site::PartyLeave,
    Site::PartyClose,
    Site::CloseEnd,
    Site::OpenLook,
    Site::PartyLook,
    Site::ClosedLook,
    #[cfg(feature = "alloc")]
    Site::OncePublish,
    #[cfg(feature = "alloc")]
    Site::OnceObserve,
];

/// Plays what the other tests have not played yet, and prints the table.
#[test]
fn m02_each_weakened_site_is_killed_with_the_main_thread_on_either_side() {
    let models: Vec<&Model> = MODELS.iter().copied().flatten().copied().collect();
    let mut survivors = Vec::new();
    println!("\nexecutions until a weakened site was found (main produces, main consumes)");
    for site in SITES {
        println!("  {site:?}");
        for main in BOTH {
            if !models.iter().any(|model| {
                model.outcome().killed.iter().any(|kill| (kill.0, kill.1) == (Some(*site), main))
            }) {
                survivors.push((site, main));
            }
        }
        for model in &models {
            let after = |main| {
                let kill = model.outcome().killed.iter().find(|kill| (kill.0, kill.1) == (Some(*site), main));
                kill.map_or("-".to_string(), |kill| kill.2.to_string())
            };
            if model.kills.contains(site) {
                println!("    {:<60} {:>4} {:>4}", model.name, after(BOTH[0]), after(BOTH[1]));
            }
        }
    }
    assert!(survivors.is_empty(), "no model kills {survivors:?}");
}

/// A model that nothing can make fail proves nothing.
#[test]
fn m03_each_model_has_a_mutant_that_fails() {
    for model in MODELS.iter().copied().flatten() {
        let failed = model.outcome().killed.len();
        assert_eq!(failed, 2 * (model.kills.len() + usize::from(model.mutant.is_some())), "{}", model.name);
        assert!(failed > 0, "{} has no mutant", model.name);
    }
}
