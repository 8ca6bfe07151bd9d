//! Every script of boundary values, behind every load of every operation.

use annulet::link::LinkError;

use crate::peer::{MAX_POSITION, Op, Run, boundary_words, every_script};

/// The operations; those of the catalogue that take several entries take less than, as many as and more than `N`.
const OPS: [Op; 8] =
    [Op::Send, Op::SendIter(1), Op::SendIter(9), Op::Recv, Op::Drain(1), Op::Drain(9), Op::Close, Op::Reset];

/// Runs `program` against every script of `depth` boundary values that makes a difference; how many runs.
fn sweep<const N: usize, const W: usize>(program: &[Op], depth: usize, origin: u32) -> u64 {
    let mut values = boundary_words(origin, N as u32);
    values.truncate(if cfg!(miri) { 2 } else { usize::MAX });
    every_script(&values, depth, |script| {
        let mut run = Run::<N, W>::new(script, origin);
        let mut poisoned = false;
        for op in program {
            // What the catalogue bounds is loads; an operation that begins within the bound ends beyond it on zeros.
            if run.used() >= depth {
                break;
            }
            let result = run.step(*op);
            // Poison is sticky, seen from outside.
            poisoned = match result {
                Err(LinkError::Corrupt(_)) => {
                    assert!(!poisoned, "poisoned twice");
                    true
                }
                Ok(0) if *op == Op::Reset => false,
                Ok(_) => {
                    assert!(!poisoned || *op == Op::Close, "{op:?} on a poisoned link");
                    poisoned
                }
                Err(_) => poisoned,
            };
        }
        run.used()
    })
}

/// Every sequence of `len` operations, over and over until six values are loaded.
fn every_program<const N: usize, const W: usize>(len: u32, depth: usize, origin: u32) -> u64 {
    let count = OPS.len().pow(len);
    let mut program = [Op::Close; 24];
    (0..count)
        .map(|number| {
            for (i, op) in program.iter_mut().enumerate() {
                *op = OPS[number / OPS.len().pow(i as u32 % len) % OPS.len()];
            }
            sweep::<N, W>(&program, depth, origin)
        })
        .sum()
}

fn sweeps(name: &str, len: u32, depth: usize) {
    // Plain arithmetic that Miri has nothing to say about, but slowly: one value behind each operation is enough.
    let (len, depth) = if cfg!(miri) { (1, 1) } else { (len, depth) };
    let runs = every_program::<2, 1>(len, depth, MAX_POSITION) + every_program::<1, 2>(len, depth, 1);
    println!("{name}: {runs} runs");
}

// K01 is the adversary itself, and has its unit test beside it.

/// K02 is looked for in every step, of these and of all other tests here.
#[test]
fn k02_k03_every_script_of_six_values_for_every_operation() {
    sweeps("operations", 1, 6);
}

#[test]
fn k03_every_script_of_four_values_for_every_two_operations() {
    sweeps("pairs", 2, 4);
}

#[test]
fn k03_every_script_of_three_values_for_every_three_operations() {
    sweeps("triples", 3, 3);
}
