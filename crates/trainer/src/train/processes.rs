//! A team of processes, on one machine or several, that `mpirun` or Slurm started (MPI).

use anyhow::{Result, ensure};
use corpus::cache::sha256;
use device::Device;
use diffusion::training::team::{self, Team, TeamError};
use kernels::Variants;
use run::Setup;
use serde::{Deserialize, Serialize};

/// Longest message of the first process to the others, in bytes.
const MESSAGE: usize = 4_096;

/// The time between the beginning and the end of MPI.
pub(super) struct Session {
    #[cfg(feature = "mpi")]
    universe: mpi::Universe,
}

/// Joins the processes that were started with this one.
///
/// # Errors
/// The program was built without MPI, or MPI was begun before.
#[cfg(feature = "mpi")]
pub(super) fn join() -> Result<(Box<dyn Team>, Session)> {
    let (team, universe) = mpi::start()?;
    Ok((team, Session { universe }))
}

/// Says how the program is built with MPI.
#[cfg(not(feature = "mpi"))]
pub(super) fn join() -> Result<(Box<dyn Team>, Session)> {
    anyhow::bail!(
        "this program was built without MPI; build it with `cargo build --release -p trainer --features mpi`, or share the steps among the devices of this machine by `--ranks N`"
    )
}

impl Session {
    /// Ends MPI. After a failure it ends all processes, since others would wait for this one for ever.
    pub(super) fn end(self, failed: bool) {
        #[cfg(feature = "mpi")]
        mpi::end(self.universe, failed);
        #[cfg(not(feature = "mpi"))]
        unreachable!("no session begins without MPI, failed or not: {failed}");
    }
}

/// What all must have alike.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Terms {
    variants: Variants,
    /// The SHA-256 of settings, tokenizer, corpus and the step where they begin.
    inputs: String,
}

/// Takes the shader variants of the first process, so that all round alike. `inputs` is what all need
/// alike beside `setup`.
///
/// # Errors
/// This process has other inputs than the first, or its device cannot run these variants.
pub(super) fn agree(
    team: &mut dyn Team,
    device: &Device,
    setup: &mut Setup,
    inputs: &str,
) -> Result<()> {
    let tokenizer = sha256(setup.tokenizer.json());
    let inputs = format!("{inputs} {tokenizer} {}", setup.settings.to_toml());
    let inputs = sha256(inputs.as_bytes());
    let mine = Terms { variants: setup.variants, inputs };
    let first: Terms = serde_json::from_slice(&of_the_first(team, &serde_json::to_vec(&mine)?)?)?;
    let rank = team.rank();
    ensure!(
        first.inputs == mine.inputs,
        "rank {rank} has other settings, another corpus, tokenizer or checkpoint than rank 0; all need the same files and flags"
    );
    ensure!(
        first.variants.on(&device.capabilities()) == first.variants,
        "rank {rank} cannot run the shader variants of rank 0, {:?}; train on equal devices",
        first.variants
    );
    setup.variants = first.variants;
    Ok(())
}

/// The bytes that the first process has; those of the others count for nothing.
fn of_the_first(team: &mut dyn Team, mine: &[u8]) -> Result<Vec<u8>, TeamError> {
    assert!(mine.len() < MESSAGE, "a message of {} bytes", mine.len());
    let mut message = vec![0.0; MESSAGE];
    if team.rank() == 0 {
        let places = message.iter_mut().zip(mine);
        places.for_each(|(place, &byte)| *place = f32::from(byte));
    }
    team::sum(team, &mut message)?;
    let end = message.iter().rposition(|&value| value > 0.0).map_or(0, |last| last + 1);
    Ok(message[..end].iter().map(|&value| value as u8).collect())
}

#[cfg(feature = "mpi")]
mod mpi {
    use std::fmt;

    use anyhow::{Context, Result};
    use diffusion::training::team::{Team, TeamError};
    use mpi::Threading;
    pub(super) use mpi::environment::Universe;
    use mpi::point_to_point::send_receive_into;
    use mpi::topology::SimpleCommunicator;
    use mpi::traits::Communicator;

    /// This process among the others.
    struct Processes(SimpleCommunicator);

    pub(super) fn start() -> Result<(Box<dyn Team>, Universe)> {
        let (universe, threading) = mpi::initialize_with_threading(Threading::Funneled)
            .context("MPI was begun before in this process")?;
        log::debug!("MPI with {threading:?} threads");
        Ok((Box::new(Processes(universe.world())), universe))
    }

    pub(super) fn end(universe: Universe, failed: bool) {
        if failed {
            universe.world().abort(1);
        }
    }

    impl fmt::Debug for Processes {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "process {} of {}", self.rank(), self.ranks())
        }
    }

    impl Team for Processes {
        fn rank(&self) -> usize {
            self.0.rank() as usize
        }

        fn ranks(&self) -> usize {
            self.0.size() as usize
        }

        /// Does not fail: MPI ends all processes when one of them is gone.
        fn exchange(&mut self, other: usize, mine: &[f32]) -> Result<Vec<f32>, TeamError> {
            let other = self.0.process_at_rank(other as i32);
            let mut theirs = vec![0.0; mine.len()];
            send_receive_into(mine, &other, &mut theirs[..], &other);
            Ok(theirs)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use diffusion::training::team::Member;

    use super::*;

    #[test]
    fn all_learn_what_the_first_has() {
        let members = Member::connected(4).into_iter();
        let threads: Vec<_> = members
            .map(|mut member| {
                thread::spawn(move || {
                    let mine = format!("rank {}, the first is 0", member.rank());
                    of_the_first(&mut member, mine.as_bytes()).expect("all answer")
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().expect("no panic"), b"rank 0, the first is 0");
        }
    }
}
