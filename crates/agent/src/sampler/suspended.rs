//! asyncio: where suspended tasks wait.
//!
//! Every [`TICKS_PER_WALK`] ticks the tasks that exist are looked at, at most [`MAX_TASKS`] of them,
//! chosen at random; each stands for as many as were there per task looked at, and for the wall time
//! since the walk before. So the sum over all stacks is tasks × time, without bias, at a bounded cost.
//!
//! It is a profile of its own (`wait`): thread wall time sums to threads × time, and stays so.

use pyrometer_model::{StackId, StackNode};
use pyrometer_unwind::{Frame, OwnProcess, Target};

use super::codes::{Codes, Refreshed};
use super::tasks::Joiner;
use super::{MAX_GAP_NS, MAX_READINGS};
use crate::tables::Interner;
use crate::tables::OTHER_STACK;
use crate::tasks;
use crate::windows::Windows;

/// Ticks from one walk to the next.
const TICKS_PER_WALK: u64 = 10;
/// Most tasks looked at in one walk.
const MAX_TASKS: usize = 64;

/// When the last walk was, and a buffer.
#[derive(Debug, Default)]
pub(super) struct Suspended {
    ticks: u64,
    last_walk_ns: Option<u64>,
    frames: Vec<Frame>,
}

impl Suspended {
    /// Counts a tick, and walks the tasks when it is time.
    pub(super) fn walk(
        &mut self,
        joiner: &mut Joiner,
        target: &Target<OwnProcess>,
        codes: &mut Codes,
        windows: &mut Windows,
        now_ns: u64,
    ) {
        tasks::look_if_wanted();
        self.ticks += 1;
        if !self.ticks.is_multiple_of(TICKS_PER_WALK) {
            return;
        }
        let Some(asyncio) = tasks::asyncio() else { return };
        let since_ns = self
            .last_walk_ns
            .replace(now_ns)
            .map_or(0, |last_ns| now_ns - last_ns);
        joiner.look_anew();
        for &set in &asyncio.sets {
            let mut random = joiner.random(u64::MAX >> 32) << 32 | 1;
            let mut draw = |below: u64| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (random >> 33) % below.max(1)
            };
            let Some(reader) = joiner.reader(target) else {
                return;
            };
            let population = reader.population(target, set, MAX_TASKS, &mut draw);
            let wait_ns = (since_ns.min(MAX_GAP_NS) as f64 * population.each_stands_for) as u64;
            let coroutines: Vec<_> = population.tasks.iter().map(|task| task.coroutine).collect();
            let chains = reader.chains(target, &coroutines);
            for (task, chain) in population.tasks.into_iter().zip(&chains) {
                joiner.remember(asyncio, &task);
                if chain.is_empty() {
                    // It runs now.
                    continue;
                }
                for _ in 0..MAX_READINGS {
                    self.frames.clear();
                    self.frames
                        .extend_from_slice(joiner.suspended(target, codes, asyncio, task, chain));
                    if codes.refresh(windows, target, &self.frames, now_ns) == Refreshed::Nothing {
                        break;
                    }
                }
                let stack = intern(windows, codes, &self.frames);
                windows.add_wait(stack, wait_ns);
            }
        }
    }
}

/// The id of a stack, leaf first. A frame whose code object is gone is left out.
fn intern(windows: &mut Windows, codes: &Codes, frames: &[Frame]) -> StackId {
    let mut stack = StackId::ROOT;
    for frame in frames.iter().rev() {
        let Some(location) = codes.location(frame) else {
            continue;
        };
        let node = location.function.and_then(|function| {
            windows.stack(StackNode {
                parent: stack,
                function,
                line: location.line,
            })
        });
        match node {
            Some(node) => stack = node,
            None => return OTHER_STACK,
        }
    }
    stack
}
