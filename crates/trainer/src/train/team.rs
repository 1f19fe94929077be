//! Several devices in this process that train one network, each on a thread of its own.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use device::Device;
use diffusion::training::Data;
use diffusion::training::team::{Alone, Member, Team, TeamError};
use pollster::block_on;
use run::{Event, Run, RunError, Setup, Start};

use super::prepare::Opened;
use crate::interrupt::Interrupt;

/// A team that knows how long it has waited for others, and prints it when it ends.
#[derive(Debug)]
pub(super) struct Timed {
    team: Box<dyn Team>,
    begun: Instant,
    exchanging: Duration,
}

impl Timed {
    pub(super) fn new(team: Box<dyn Team>) -> Self {
        Self { team, begun: Instant::now(), exchanging: Duration::ZERO }
    }
}

impl Team for Timed {
    fn rank(&self) -> usize {
        self.team.rank()
    }

    fn ranks(&self) -> usize {
        self.team.ranks()
    }

    fn exchange(&mut self, other: usize, mine: &[f32]) -> Result<Vec<f32>, TeamError> {
        let begun = Instant::now();
        let theirs = self.team.exchange(other, mine);
        self.exchanging += begun.elapsed();
        theirs
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let share = self.exchanging.as_secs_f64() / self.begun.elapsed().as_secs_f64();
        log::info!(
            "rank {} of {}: {:.0}% of the time exchanging gradients and waiting for others",
            self.rank(),
            self.ranks(),
            100.0 * share
        );
    }
}

/// The devices of this process beside the first.
#[derive(Debug, Default)]
pub(super) struct Workers(Vec<JoinHandle<Result<()>>>);

impl Workers {
    /// Begins a training on each of `ranks` devices but the first, which is returned.
    pub(super) fn start(ranks: usize, opened: &Opened) -> (Box<dyn Team>, Self) {
        if ranks == 1 {
            return (Box::new(Alone), Self::default());
        }
        let timed = |member| Box::new(Timed::new(Box::new(member))) as Box<dyn Team>;
        let mut members = Member::connected(ranks);
        let first = timed(members.remove(0));
        let start = |member: Member| {
            let Opened { setup, data, start, compute, .. } = opened;
            let (setup, data, start) = (setup.clone(), data.clone(), start.clone());
            let compute = compute.clone();
            thread::spawn(move || {
                let rank = member.rank();
                let device = compute.open_for(rank).with_context(|| format!("rank {rank}"))?;
                follow(device, setup, data, start, timed(member), &Interrupt::default())
            })
        };
        (first, Self(members.into_iter().map(start).collect()))
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    /// Of the first that failed.
    pub(super) fn join(self) -> Result<()> {
        let ended = self.0.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(anyhow!("a thread of the training panicked")))
        });
        let mut errors: Vec<_> = ended.filter_map(Result::err).collect();
        // Who only misses another one is not to blame.
        errors.sort_by_key(is_of_others);
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    /// Why the training ended with `error`, which may be that of another device.
    pub(super) fn blame(self, error: anyhow::Error) -> anyhow::Error {
        match self.join() {
            Err(theirs) if is_of_others(&error) => theirs,
            _ => error,
        }
    }
}

/// Whether an error says only that another of the team is gone.
fn is_of_others(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref().is_some_and(RunError::is_of_others))
}

/// A training from its first step to its last beside the one that writes files.
pub(super) fn follow(
    mut device: Device,
    setup: Setup,
    data: Arc<Data>,
    start: Start,
    team: Box<dyn Team>,
    interrupt: &Interrupt,
) -> Result<()> {
    let rank = team.rank();
    let what = || format!("rank {rank}");
    let run = Run::new(&mut device, what(), setup, &data, start, team, 0.0);
    let mut run = block_on(run).with_context(what)?;
    drop(data);
    let begun = Instant::now();
    loop {
        let clock = || begun.elapsed().as_secs_f64();
        let event = block_on(run.advance(&mut device, clock, interrupt.requested()));
        match event.with_context(what)? {
            // The first one says so.
            Event::End(_) | Event::NonFinite(_) => return Ok(()),
            _ => {}
        }
    }
}
