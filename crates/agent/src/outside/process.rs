//! One process that is sampled from outside: its threads, their stacks and CPU time.
//!
//! How a thread is sampled is told in [`super::watched`].

use std::collections::HashMap;

use pyrometer_formats::Thread;
use pyrometer_unwind::{
    AttachError, Gil, Interpreter, OtherProcess, Outcome, Pid, ReadError, Stack, Target, ThreadSnapshot,
    Walker,
};

use super::kernel::{self, OpenFiles, ThreadFiles};
use super::observations::Observations;
use super::watched::{Past, Watched};
use crate::sampler::codes::{Codes, Refreshed};

/// Age up to which the list of threads is used.
const LIST_EVERY_NS: u64 = 50_000_000;
/// Age from which a code object is trusted to be what it was. Shorter than in the agent, since each
/// comparison is a system call.
const TRUSTED_AFTER_NS: u64 = 2_000_000_000;
/// Longest wall time that one sample stands for.
const MAX_GAP_NS: u64 = 5_000_000_000;
/// Readings of one stack until all its code objects were known beforehand.
const MAX_READINGS: usize = 4;
/// Share of the time ready to run that threads wait for a core, from which the finer account is
/// read for each sample.
const CONTENDED_SHARE: f64 = 0.05;
/// Failures to list the threads in a row until the process is taken to have replaced its image.
const MAX_FAILED_LISTS: u32 = 5;

/// A thread for as long as the process lives: interpreter, and thread state within it.
type ThreadKey = (u64, u64);

/// What became of the process in a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Goes,
    /// It has ended, or runs another program now.
    Ended,
}

#[derive(Debug)]
pub(super) struct Process {
    pid: Pid,
    name: String,
    target: Target<OtherProcess>,
    walker: Walker,
    stack: Stack,
    codes: Codes,
    threads: HashMap<ThreadKey, Watched>,
    snapshots: Vec<ThreadSnapshot>,
    listed_ns: u64,
    failed_lists: u32,
    past: Past,
    is_contended: bool,
    in_namespace: bool,
    open_files: OpenFiles,
}

impl Process {
    /// Attaches to a process.
    ///
    /// # Errors
    /// As [`Target::attach`]; [`AttachError::NotPython`] also while its interpreter starts.
    pub(super) fn attach(pid: Pid, past: Past, open_files: &OpenFiles) -> Result<Self, AttachError> {
        Self::read(pid, Target::attach(pid)?, past, open_files)
    }

    /// Attaches to a process that was forked from one whose interpreter is known: it lies in the
    /// same place. A hundred times cheaper than to search for it.
    ///
    /// # Errors
    /// Also when it is not such a process, or no longer.
    pub(super) fn attach_fork(
        pid: Pid,
        interpreter: Interpreter,
        past: Past,
        open_files: &OpenFiles,
    ) -> Result<Self, AttachError> {
        let process = Self::read(
            pid,
            Target::new(OtherProcess { pid }, interpreter)?,
            past,
            open_files,
        )?;
        if process.is_itself() {
            Ok(process)
        } else {
            Err(AttachError::NotPython { pid })
        }
    }

    pub(super) fn interpreter(&self) -> Interpreter {
        self.target.interpreter()
    }

    fn read(
        pid: Pid,
        target: Target<OtherProcess>,
        past: Past,
        open_files: &OpenFiles,
    ) -> Result<Self, AttachError> {
        let mut process = Self {
            pid,
            name: kernel::process_name(pid),
            target,
            walker: Walker::new(),
            stack: Stack::default(),
            codes: Codes::trusting_after(TRUSTED_AFTER_NS),
            threads: HashMap::new(),
            snapshots: Vec::new(),
            listed_ns: 0,
            failed_lists: 0,
            past,
            is_contended: false,
            in_namespace: kernel::ids_in_namespaces(pid, pid.0.cast_unsigned()).len() > 1,
            open_files: open_files.clone(),
        };
        match process.walker.threads(&process.target, &mut process.snapshots) {
            Ok(()) if !process.snapshots.is_empty() => {
                process.name_threads();
                Ok(process)
            }
            Err(ReadError::Denied) => Err(AttachError::Read(ReadError::Denied)),
            _ => Err(AttachError::NotPython { pid }),
        }
    }

    /// Whether its main thread is its own. A child of `vfork` shows its parent's memory.
    pub(super) fn is_itself(&self) -> bool {
        let own = self.pid.0.cast_unsigned();
        self.snapshots
            .iter()
            .any(|snapshot| snapshot.os_thread_id.0 == own)
    }

    /// The OS threads that run Python code.
    pub(super) fn os_threads(&self) -> impl Iterator<Item = u32> + '_ {
        self.snapshots.iter().map(|snapshot| snapshot.os_thread_id.0)
    }

    /// Takes one sample of every thread. `start_ns` is the instant that runs are counted from.
    pub(super) fn tick(&mut self, out: &mut Observations, now_ns: u64, start_ns: u64) -> Life {
        if now_ns - self.listed_ns >= LIST_EVERY_NS && !self.list_threads(now_ns) {
            if self.failed_lists > MAX_FAILED_LISTS {
                return Life::Ended;
            }
            out.counters.torn += 1;
        }
        for index in 0..self.snapshots.len() {
            let snapshot = self.snapshots[index];
            let key = (snapshot.interpreter, snapshot.unique_id);
            if !self.threads.contains_key(&key) {
                let watched = self.watch(&snapshot, out, now_ns);
                self.threads.insert(key, watched);
            }
            if self.sample(key, &snapshot, out, now_ns, start_ns).is_none() {
                // It has ended: the list is not what it was.
                self.listed_ns = 0;
            }
        }
        self.codes.bound();
        Life::Goes
    }

    fn list_threads(&mut self, now_ns: u64) -> bool {
        match self.walker.threads(&self.target, &mut self.snapshots) {
            Ok(()) => {
                self.failed_lists = 0;
                self.listed_ns = now_ns;
                self.name_threads();
                true
            }
            Err(error) => {
                self.failed_lists += if error == ReadError::Gone {
                    MAX_FAILED_LISTS + 1
                } else {
                    1
                };
                false
            }
        }
    }

    /// Brings thread ids into our pid namespace. Releases before 3.12 keep the parent's id for the
    /// thread that forked; it is the main thread of the child.
    fn name_threads(&mut self) {
        let own = self.pid.0.cast_unsigned();
        let ours = |inner: u32| {
            let mut threads = kernel::threads_of(self.pid).into_iter();
            threads.find(|&thread| kernel::ids_in_namespaces(self.pid, thread).last() == Some(&inner))
        };
        let known = &self.threads;
        let is_new =
            |snapshot: &ThreadSnapshot| !known.contains_key(&(snapshot.interpreter, snapshot.unique_id));
        let any_new = self.snapshots.iter().any(is_new);
        if self.in_namespace {
            for snapshot in &mut self.snapshots {
                if let Some(thread) = ours(snapshot.os_thread_id.0) {
                    snapshot.os_thread_id.0 = thread;
                }
            }
        } else if any_new && let [only] = self.snapshots.as_mut_slice() {
            let threads = kernel::threads_of(self.pid);
            if threads == [own] {
                only.os_thread_id.0 = own;
            }
        }
    }

    fn watch(&self, snapshot: &ThreadSnapshot, out: &mut Observations, now_ns: u64) -> Watched {
        let os_thread_id = snapshot.os_thread_id.0;
        let number = out.thread(Thread {
            pid: self.pid.0.cast_unsigned(),
            os_thread_id,
            process: self.name.clone(),
            name: kernel::thread_name(self.pid, os_thread_id),
        });
        let files = ThreadFiles::new(self.pid, os_thread_id, &self.open_files);
        Watched::new(files, self.past, number, now_ns)
    }

    /// One sample of one thread; `None` when it has ended.
    fn sample(
        &mut self,
        key: ThreadKey,
        snapshot: &ThreadSnapshot,
        out: &mut Observations,
        now_ns: u64,
        start_ns: u64,
    ) -> Option<()> {
        let offset_ns = now_ns - start_ns;
        let watched = self.threads.get_mut(&key)?;
        let wall_ns = (now_ns - watched.state.seen_ns).min(MAX_GAP_NS);
        watched.state.seen_ns = now_ns;
        watched.unchecked_ticks += 1;
        if let Some(stack) = watched.state.stack()
            && watched.stands_still()?
        {
            out.sample(watched.number, stack, watched.presence(), wall_ns, offset_ns);
            return Some(());
        }
        let outcome = self.read_stack(out, snapshot, now_ns);
        let watched = self.threads.get_mut(&key)?;
        let stack = match outcome {
            Outcome::Exact | Outcome::Salvaged => {
                out.counters.salvaged += u64::from(outcome == Outcome::Salvaged);
                Some(watched.state.intern(out, &self.codes, &self.stack.frames))
            }
            Outcome::Empty => None,
            Outcome::Torn => {
                out.counters.torn += 1;
                watched.state.stack()
            }
        };
        watched.held_gil = self.stack.gil == Gil::Held && !matches!(outcome, Outcome::Torn);
        let stat = watched.files.stat()?;
        let ran = if self.is_contended {
            watched.files.scheduled()
        } else {
            None
        };
        watched.is_executing = watched.could_run(stat, now_ns);
        if watched.is_executing {
            watched.scheduled = None;
        }
        let ticks = std::mem::take(&mut watched.unchecked_ticks);
        watched.quiet_ticks = 0;
        if let Some(stack) = stack {
            match ran {
                Some(ran) => watched.place_contended(stack, ran.run_ns, wall_ns),
                None if watched.is_executing => watched.state.cpu.found_executing(stack.into(), ticks),
                None => {}
            }
            out.sample(watched.number, stack, watched.presence(), wall_ns, offset_ns);
        }
        Some(())
    }

    /// Reads a thread's stack into `self.stack`, with every code object of it known beforehand: only
    /// then is it certain that what was copied is what was on the stack.
    fn read_stack(&mut self, out: &mut Observations, snapshot: &ThreadSnapshot, now_ns: u64) -> Outcome {
        for _ in 0..MAX_READINGS {
            let outcome = self.walker.stack(&self.target, snapshot, &mut self.stack);
            if matches!(outcome, Outcome::Empty | Outcome::Torn) {
                return outcome;
            }
            match self.codes.refresh(out, &self.target, &self.stack.frames, now_ns) {
                Refreshed::Nothing => return outcome,
                Refreshed::Copied => {}
                Refreshed::Replaced => {
                    self.walker.forget_codes();
                    self.threads
                        .values_mut()
                        .for_each(|watched| watched.state.forget_stack());
                }
            }
        }
        Outcome::Torn
    }

    /// Shares out the CPU time that threads have used since the last time, and forgets those that
    /// have ended. To be called a few times a second: one system call per thread.
    pub(super) fn settle(&mut self, out: &mut Observations) {
        let listed: Vec<ThreadKey> = self
            .snapshots
            .iter()
            .map(|snapshot| (snapshot.interpreter, snapshot.unique_id))
            .collect();
        let (mut ran_ns, mut waited_ns) = (0, 0);
        self.threads.retain(|key, watched| {
            let scheduled = watched.files.scheduled();
            if let Some(scheduled) = scheduled {
                ran_ns += scheduled.run_ns.saturating_sub(watched.state.cpu_ns);
                waited_ns += scheduled.delay_ns.saturating_sub(watched.delay_ns);
                watched.delay_ns = scheduled.delay_ns;
                watched.account(scheduled.run_ns);
            } else {
                watched.account(watched.coarse_cpu_ns);
            }
            let number = watched.number;
            watched
                .state
                .cpu
                .settle(|place, nanoseconds| out.add_cpu(number, place.stack, nanoseconds));
            let lives = listed.contains(key);
            if !lives {
                watched.settle_for_good(out);
            }
            lives
        });
        self.is_contended = waited_ns as f64 > CONTENDED_SHARE * (ran_ns + waited_ns) as f64;
        if !self.is_contended {
            self.threads.values_mut().for_each(Watched::forget_unplaced);
        }
    }

    /// Shares out what is left: the recording or the process has ended.
    pub(super) fn finish(&mut self, out: &mut Observations) {
        self.settle(out);
        self.threads
            .values_mut()
            .for_each(|watched| watched.settle_for_good(out));
        self.threads.clear();
    }
}
