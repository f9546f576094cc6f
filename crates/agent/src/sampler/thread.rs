//! What is remembered of one thread from sample to sample.
//!
//! Most of a stack is the same in the next sample: its root side is compared frame by frame, and
//! only what differs is looked up again.

use pyrometer_model::{StackId, StackNode};
use pyrometer_unwind::Frame;

use super::codes::Codes;
use super::cpu::CpuAccount;
use crate::label_sets::LabelSetId;
use crate::labelled::Place;
use crate::tables::{Interner, OTHER_STACK};

/// One thread's last sample.
#[derive(Debug, Default)]
pub(crate) struct ThreadState {
    /// Its CPU clock then.
    pub(crate) cpu_ns: u64,
    /// When that was, on the monotonic clock.
    pub(crate) seen_ns: u64,
    /// Frames root first, each with the stack that it ends.
    path: Vec<(Frame, StackId)>,
    folded: bool,
    /// Labels in force then.
    pub(crate) labels: LabelSetId,
    pub(crate) cpu: CpuAccount,
}

impl ThreadState {
    /// A thread that had used `cpu_ns` when it was last looked at, at `seen_ns`.
    pub(crate) fn new(cpu_ns: u64, seen_ns: u64) -> Self {
        Self {
            cpu_ns,
            seen_ns,
            ..Self::default()
        }
    }

    /// The last stack, if one was read and still holds.
    pub(crate) fn stack(&self) -> Option<StackId> {
        if self.folded {
            Some(OTHER_STACK)
        } else {
            self.path.last().map(|&(_, stack)| stack)
        }
    }

    /// The last stack, under the labels in force then.
    pub(crate) fn place(&self) -> Option<Place> {
        let labels = self.labels;
        self.stack().map(|stack| Place { labels, stack })
    }

    /// Forgets the stack, since its ids or its code objects are no longer what they were.
    pub(crate) fn forget_stack(&mut self) {
        self.path.clear();
        self.folded = false;
    }

    /// The id of the stack with these frames, leaf first.
    ///
    /// A frame whose code object is gone ends the stack on its caller. Beyond the bounds of the
    /// tables everything is [`OTHER_STACK`].
    pub(crate) fn intern(&mut self, names: &mut impl Interner, codes: &Codes, frames: &[Frame]) -> StackId {
        let same = self
            .path
            .iter()
            .zip(frames.iter().rev())
            .take_while(|((old, _), new)| old == *new)
            .count();
        self.path.truncate(same);
        self.folded = false;
        let mut stack = self.path.last().map_or(StackId::ROOT, |&(_, stack)| stack);
        for frame in frames.iter().rev().skip(same) {
            let Some(location) = codes.location(frame) else {
                break;
            };
            let node = location.function.and_then(|function| {
                names.stack(StackNode {
                    parent: stack,
                    function,
                    line: location.line,
                })
            });
            let Some(next) = node else {
                self.folded = true;
                return OTHER_STACK;
            };
            stack = next;
            self.path.push((*frame, stack));
        }
        stack
    }
}
