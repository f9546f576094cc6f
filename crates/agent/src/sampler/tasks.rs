//! asyncio: the logical stack of a running task, in place of the event loop's.
//!
//! Between the caller of the loop and the first frame of the task stand the frames of the loop. They
//! give way to the tasks that wait for this one, outermost first, each with its coroutines; where
//! nobody waits, to the code that created the task. A stack in which no task runs stays as it is:
//! callbacks and the wait for events belong to the loop.
//!
//! Where several tasks wait for one, each is as likely to be taken: a sample is never split, totals
//! stay what they are, and over time the awaiters share evenly.
//!
//! Nothing here is done for a stack without coroutines, or in a program without asyncio.

use std::collections::HashMap;

use pyrometer_unwind::{Address, Frame, OwnProcess, Stack, Target, Task, TaskReader};

use super::codes::Codes;
use crate::origins::{Created, Origin, Origins};
use crate::tasks::{self, Asyncio};

/// Tasks from one to its outermost awaiter.
const MAX_AWAITERS: usize = 64;
/// Frames of a logical stack.
const MAX_FRAMES: usize = 1024;
/// Tasks remembered that were there before the hook was.
const MAX_FOUND: usize = 65_536;

/// Which library a code object is of, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    /// The event loop: what runs tasks.
    Loop,
    /// The rest of asyncio.
    Asyncio,
    /// Pools of threads.
    Executor,
    Other,
}

impl Library {
    /// By the file that a code object was compiled from.
    pub(super) fn of(file: &str) -> Self {
        let Some((folder, name)) = file.rsplit_once('/') else {
            return Self::Other;
        };
        if folder.ends_with("/gevent") || folder.ends_with("/greenlet") {
            tasks::want_libraries();
        }
        if folder.ends_with("/concurrent/futures") {
            return Self::Executor;
        }
        if !folder.ends_with("/asyncio") {
            return Self::Other;
        }
        tasks::want_libraries();
        match name {
            "base_events.py" | "events.py" | "unix_events.py" | "selector_events.py" => Self::Loop,
            _ => Self::Asyncio,
        }
    }
}

/// Joins the stacks of tasks.
#[derive(Debug)]
pub(super) struct Joiner {
    reader: Option<TaskReader>,
    /// Tasks by coroutine that the hook has not seen.
    found: HashMap<Address, Address>,
    random: u64,
    awaiters: Vec<Task>,
    /// Frames of awaiting tasks, by coroutine, during one look at the program.
    chains: HashMap<Address, Vec<Frame>>,
    frames: Vec<Frame>,
}

impl Joiner {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            reader: None,
            found: HashMap::new(),
            random: seed | 1,
            awaiters: Vec::new(),
            chains: HashMap::new(),
            frames: Vec::new(),
        }
    }

    /// Puts what a running task stands under in place of the frames of its loop.
    pub(super) fn join(&mut self, target: &Target<OwnProcess>, codes: &Codes, stack: &mut Stack) {
        if stack.resumed.is_empty() {
            return;
        }
        let Some(asyncio) = tasks::asyncio() else { return };
        if self.reader(target).is_none() {
            return;
        }
        self.look_anew();
        let Self {
            reader: Some(reader),
            found,
            ..
        } = self
        else {
            return;
        };
        // From the root: what is deeper in the stack was called by the task, however it was.
        let task = stack.resumed.iter().rev().find_map(|&(place, frame)| {
            let coroutine = reader.coroutine_of(frame);
            let created = asyncio.origins.find(coroutine).or_else(|| {
                let task = *found.get(&coroutine)?;
                let origin = Origin::default();
                Some(Created { task, origin })
            })?;
            Some((place, coroutine, created))
        });
        let Some((place, coroutine, created)) = task else {
            return;
        };
        let is_loop = |frame: &Frame| is_of(codes, frame, Library::Loop);
        let callers = &stack.frames[place + 1..];
        let loop_frames = callers.iter().rposition(is_loop).map_or(0, |last| last + 1);
        let live = reader.task(target, created.task);
        self.frames.clear();
        match live.filter(|task| task.coroutine == coroutine) {
            Some(task) => self.push_ancestors(target, codes, asyncio, task),
            // It ended since its stack was read.
            None if callers.first().is_some_and(is_loop) => {
                self.push_origin(codes, asyncio.origins, created.origin)
            }
            None => return,
        }
        let ancestors = self.frames.drain(..);
        stack.frames.splice(place + 1..place + 1 + loop_frames, ancestors);
        stack.resumed.clear();
    }

    /// Puts the work that a pool's thread does under the code that submitted it, where that was asked
    /// for: see [`tasks::enter`].
    pub(super) fn join_thread(&mut self, codes: &Codes, thread: u32, stack: &mut Stack) {
        let Some((origins, origin)) = tasks::submitted(thread) else {
            return;
        };
        let is_pool = |frame: &Frame| is_of(codes, frame, Library::Executor);
        if let Some(place) = stack.frames.iter().position(is_pool) {
            self.frames.clear();
            self.push_origin(codes, origins, origin);
            stack.frames.truncate(place);
            stack.frames.append(&mut self.frames);
        }
    }

    /// The logical stack of a suspended task with the given frames, leaf first, without the thread
    /// that it will run on.
    pub(super) fn suspended(
        &mut self,
        target: &Target<OwnProcess>,
        codes: &Codes,
        asyncio: &Asyncio,
        task: Task,
        chain: &[Frame],
    ) -> &[Frame] {
        self.frames.clear();
        self.frames.extend_from_slice(chain);
        self.push_ancestors(target, codes, asyncio, task);
        &self.frames
    }

    /// Forgets what was read of tasks: the program has gone on since.
    pub(super) fn look_anew(&mut self) {
        self.chains.clear();
        if let Some(reader) = &mut self.reader {
            reader.forget();
        }
    }

    /// The reader of tasks, made when it is first needed.
    pub(super) fn reader(&mut self, target: &Target<OwnProcess>) -> Option<&mut TaskReader> {
        if self.reader.is_none() {
            self.reader = TaskReader::new(target);
        }
        self.reader.as_mut()
    }

    /// Remembers a task that was met in a walk.
    pub(super) fn remember(&mut self, asyncio: &Asyncio, task: &Task) {
        if asyncio.origins.find(task.coroutine).is_some() {
            return;
        }
        if self.found.len() >= MAX_FOUND {
            self.found.clear();
        }
        self.found.insert(task.coroutine, task.address);
    }

    /// A number below `below`, each with the same chance but for one part in 2^32.
    pub(super) fn random(&mut self, below: u64) -> u64 {
        // Xorshift, Marsaglia 2003; the seed is not 0, so the state never is.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (u64::from((self.random >> 32) as u32) * below.max(1)) >> 32
    }

    /// Appends the frames of a suspended task that others stand under; false if there are none.
    fn push_chain(&mut self, target: &Target<OwnProcess>, task: &Task) -> bool {
        let Self {
            reader: Some(reader),
            chains,
            frames,
            ..
        } = self
        else {
            return false;
        };
        let chain = chains.entry(task.coroutine).or_insert_with(|| {
            let mut chain = Vec::new();
            reader.frames(target, task.coroutine, &mut chain);
            chain
        });
        frames.extend_from_slice(chain);
        !chain.is_empty()
    }

    /// Appends, leaf first, what a task stands under.
    fn push_ancestors(
        &mut self,
        target: &Target<OwnProcess>,
        codes: &Codes,
        asyncio: &Asyncio,
        mut task: Task,
    ) {
        let mut awaiters = std::mem::take(&mut self.awaiters);
        for _ in 0..MAX_AWAITERS {
            if let Some(reader) = &mut self.reader {
                reader.awaiters(target, &task, &mut awaiters);
            }
            let count = awaiters.len() as u64;
            let chosen = (count > 0).then(|| awaiters[self.random(count) as usize]);
            match chosen {
                Some(awaiter) if self.frames.len() < MAX_FRAMES && self.push_chain(target, &awaiter) => {
                    task = awaiter;
                }
                _ => break,
            }
        }
        self.awaiters = awaiters;
        if let Some(created) = asyncio.origins.find(task.coroutine) {
            self.push_origin(codes, asyncio.origins, created.origin);
        }
    }

    /// Appends the code that created a task, without asyncio's own functions at the call.
    fn push_origin(&mut self, codes: &Codes, origins: &Origins, origin: Origin) {
        let mut outside = false;
        for place in origins.path(origin) {
            let known = codes.library(place.frame.code);
            if known.is_some_and(|(_, now)| now.fields() != place.fingerprint)
                || self.frames.len() >= MAX_FRAMES
            {
                // Another function lives at that address by now.
                break;
            }
            outside |= known.is_none_or(|(library, _)| library == Library::Other);
            if outside {
                self.frames.push(place.frame);
            }
            outside &= !place.begins_task;
        }
    }
}

fn is_of(codes: &Codes, frame: &Frame, library: Library) -> bool {
    codes
        .library(frame.code)
        .is_some_and(|(found, _)| found == library)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_known_by_its_files() {
        let check = |file, expect| assert_eq!(Library::of(file), expect, "{file}");
        check("/usr/lib/python3.12/asyncio/base_events.py", Library::Loop);
        check("/usr/lib/python3.12/asyncio/tasks.py", Library::Asyncio);
        check("/app/asyncio_tools/base_events.py", Library::Other);
        check("events.py", Library::Other);
    }

    #[test]
    fn random_numbers_stay_below_their_bound_and_reach_all() {
        let mut joiner = Joiner::new(0);
        let mut seen = [false; 5];
        for _ in 0..1000 {
            seen[joiner.random(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(joiner.random(0), 0);
    }
}
