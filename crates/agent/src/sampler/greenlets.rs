//! Greenlets: the logical stack of the one that runs.
//!
//! The frames of a thread are those of its running greenlet. They are put under what it was spawned by;
//! gevent's event loop, which runs between greenlets, stands apart under a root of its own.
//!
//! Which greenlet runs is read before and after the stack. Where the two differ, the stack is read
//! again: it may be of either.

use pyrometer_unwind::{
    Address, Footing, Frame, GreenletReader, OwnProcess, Running, Stack, Target, ThreadSnapshot,
};

use crate::tasks;

/// Stands for a code object, as the root of gevent's event loop. No object is at such an address.
pub(super) const HUB: Address = Address(8);
/// Name of that root.
pub(super) const HUB_NAME: &str = "gevent hub";
/// For how long a thread that used no greenlet is taken not to.
const UNUSED_FOR_NS: u64 = 50_000_000;
/// For how long a thread's place in memory is believed.
const KNOWN_FOR_NS: u64 = 5_000_000_000;

/// Joins the stacks of greenlets.
#[derive(Debug, Default)]
pub(super) struct Switches {
    reader: Option<GreenletReader>,
    /// Threads that used no greenlet when they were looked at, and until when that is believed.
    unused: std::collections::HashMap<u64, u64>,
    forget_ns: u64,
    frames: Vec<Frame>,
}

impl Switches {
    /// The greenlet that a thread runs now. No system call in a program without greenlets.
    pub(super) fn running(
        &mut self,
        target: &Target<OwnProcess>,
        snapshot: &ThreadSnapshot,
        now_ns: u64,
    ) -> Option<Running> {
        let library = tasks::greenlets()?;
        if self.reader.is_none() {
            self.reader = GreenletReader::new(target, library);
        }
        let reader = self.reader.as_mut()?;
        if now_ns > self.forget_ns {
            self.forget_ns = now_ns + KNOWN_FOR_NS;
            self.unused.clear();
            reader.forget_threads();
        }
        if self
            .unused
            .get(&snapshot.unique_id)
            .is_some_and(|until| now_ns < *until)
        {
            return None;
        }
        let running = reader.running(target, snapshot);
        if running.is_none() {
            self.unused.insert(snapshot.unique_id, now_ns + UNUSED_FOR_NS);
        }
        running
    }

    /// Puts the stack of `running` under what it was spawned by.
    pub(super) fn join(&mut self, target: &Target<OwnProcess>, running: Option<Running>, stack: &mut Stack) {
        let (Some(running), Some(reader)) = (running, &mut self.reader) else {
            return;
        };
        if running.greenlet == running.main {
            return;
        }
        self.frames.clear();
        match reader.footing(target, running, &mut self.frames) {
            Footing::Hub => stack.frames.push(Frame {
                code: HUB,
                instruction: 0,
            }),
            Footing::Spawned | Footing::Unknown => stack.frames.append(&mut self.frames),
        }
    }
}
