//! Samples a process, and its children where that is asked for, tick by tick.
//!
//! # Where this sits
//! What the tools drive: [`Observer::wait`], [`Observer::tick`], until [`Observer::is_over`].
//!
//! # Contract
//! A process that is not Python, or not yet, is looked at again, ever more seldom, and at once when
//! it has become another program: so a shell that starts Python is followed. Children are found by
//! asking the kernel for those of each known thread, every [`FIND_EVERY_NS`]; one that lives shorter
//! may be missed, one that was seen and not read is counted.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use pyrometer_unwind::{AttachError, Interpreter, Pid};

use super::kernel::{self, OpenFiles, ProcessFile};
use super::observations::Observations;
use super::process::{Life, Process};
use super::watched::Past;
use crate::clock;
use crate::sampler::pace::Pace;

/// Time between two looks for new processes and for those that have ended.
const FIND_EVERY_NS: u64 = 10_000_000;
/// The same where children are not followed, and only the end is looked for.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// Time between two settlements of CPU time: a system call per thread.
const SETTLE_EVERY_NS: u64 = 250_000_000;
/// First and last distance of two attempts to read a process that is not Python yet.
const RETRY_NS: (u64, u64) = (5_000_000, 1_000_000_000);
/// Age at which a child is believed to be itself although its main thread has its parent's id.
const SURELY_FORKED_NS: u64 = 100_000_000;
/// Longest sleep: whoever stops the observer waits no longer.
const MAX_SLEEP_NS: u64 = 50_000_000;
/// Most processes followed at once.
const MAX_PROCESSES: usize = 4096;

/// Whether children are sampled too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// Those that are there and those that come.
    Followed,
    /// The one process only.
    Left,
}

type Interpreters = HashMap<Option<PathBuf>, Interpreter>;

/// A process that is known.
#[derive(Debug)]
struct Member {
    pid: Pid,
    file: ProcessFile,
    started: u64,
    program: Option<PathBuf>,
    process: Option<Process>,
    past: Past,
    found_ns: u64,
    retry_at_ns: u64,
    retry_after_ns: u64,
    was_read: bool,
}

/// Samples processes.
#[derive(Debug)]
pub struct Observer {
    members: Vec<Member>,
    children: Children,
    pace: Pace,
    period_ns: f64,
    start_ns: u64,
    due_ns: u64,
    find_ns: u64,
    has_looked: bool,
    settle_ns: u64,
    open_files: OpenFiles,
    /// Where the interpreter lay in the last process of each program.
    interpreters: Interpreters,
    last_error: Option<AttachError>,
}

impl Observer {
    /// Reads a running process from now on. `rate_hz` is the mean number of ticks per second.
    ///
    /// # Errors
    /// As [`pyrometer_unwind::Target::attach`]: it must be Python already.
    pub fn attach(pid: Pid, rate_hz: f64, children: Children) -> Result<Self, AttachError> {
        let mut observer = Self::new(pid, rate_hz, children);
        let started = kernel::process_stat(pid)
            .ok_or(AttachError::NoProcess { pid })?
            .started;
        let process = Process::attach(pid, Past::Foreign, &observer.open_files);
        match (process, children) {
            (Ok(process), _) => observer.add(pid, started, Past::Foreign, Some(process)),
            // A supervisor that is not Python may have children that are.
            (Err(AttachError::NotPython { .. }), Children::Followed) => {
                observer.add(pid, started, Past::Foreign, None);
            }
            (Err(error), _) => return Err(error),
        }
        Ok(observer)
    }

    /// Reads a process that was just started, as soon as it is Python.
    #[must_use]
    pub fn follow(pid: Pid, rate_hz: f64, children: Children) -> Self {
        let mut observer = Self::new(pid, rate_hz, children);
        let started = kernel::process_stat(pid).map_or(0, |stat| stat.started);
        observer.add(pid, started, Past::Ours, None);
        observer
    }

    fn new(pid: Pid, rate_hz: f64, children: Children) -> Self {
        let now_ns = clock::monotonic_ns();
        Self {
            members: Vec::new(),
            children,
            pace: Pace::new(now_ns ^ u64::from(pid.0.cast_unsigned())),
            period_ns: 1e9 / rate_hz,
            start_ns: now_ns,
            due_ns: now_ns,
            find_ns: now_ns,
            has_looked: false,
            settle_ns: now_ns + SETTLE_EVERY_NS,
            open_files: OpenFiles::default(),
            interpreters: Interpreters::new(),
            last_error: None,
        }
    }

    fn add(&mut self, pid: Pid, started: u64, past: Past, process: Option<Process>) {
        let now_ns = clock::monotonic_ns();
        let program = kernel::program_of(pid);
        if let Some(process) = &process {
            self.interpreters.insert(program.clone(), process.interpreter());
        }
        self.members.push(Member {
            pid,
            file: ProcessFile::new(pid, &self.open_files),
            started,
            program,
            was_read: process.is_some(),
            process,
            past,
            found_ns: now_ns,
            retry_at_ns: 0,
            retry_after_ns: RETRY_NS.0,
        });
    }

    /// Whether no process is left to read.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.members.is_empty()
    }

    /// How many Python processes are read now.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.members
            .iter()
            .filter(|member| member.process.is_some())
            .count()
    }

    /// Why a process could not be read, if the reason was another than that it is not Python.
    #[must_use]
    pub fn into_error(self) -> Option<AttachError> {
        self.last_error
    }

    /// Sleeps until the next tick or look for children is due, 50 ms at most. Returns whether it is.
    #[must_use]
    pub fn wait(&self) -> bool {
        let now_ns = clock::monotonic_ns();
        let next_ns = match self.children {
            Children::Followed => self.due_ns.min(self.find_ns),
            Children::Left => self.due_ns,
        };
        let mut rest_ns = next_ns.saturating_sub(now_ns);
        if self.processes() == 0 {
            // Nothing to sample yet: look for it.
            rest_ns = rest_ns.min(RETRY_NS.0);
        }
        if rest_ns > 0 {
            std::thread::sleep(Duration::from_nanos(rest_ns.min(MAX_SLEEP_NS)));
        }
        rest_ns <= MAX_SLEEP_NS
    }

    /// Takes one sample of every thread of every process. Costs three system calls per executing
    /// thread and up to one per waiting thread.
    pub fn tick(&mut self, out: &mut Observations) {
        let now_ns = clock::monotonic_ns();
        if now_ns >= self.find_ns {
            let every_ns = match self.children {
                Children::Followed => FIND_EVERY_NS,
                Children::Left => LOOK_EVERY_NS,
            };
            self.find_ns = now_ns + every_ns;
            self.find(out, now_ns);
        } else if self.processes() == 0 {
            self.read_new(out, now_ns);
        }
        if now_ns < self.due_ns {
            return;
        }
        out.counters.ticks += 1;
        out.counters.overruns += u64::from((now_ns - self.due_ns) as f64 > self.period_ns);
        let settles = now_ns >= self.settle_ns;
        for member in &mut self.members {
            let Some(process) = &mut member.process else {
                continue;
            };
            if process.tick(out, now_ns, self.start_ns) == Life::Ended {
                process.finish(out);
                member.process = None;
                member.look_again(now_ns);
            } else if settles {
                process.settle(out);
            }
        }
        if settles {
            self.settle_ns = now_ns + SETTLE_EVERY_NS;
            out.settled_ns = now_ns - self.start_ns;
        }
        self.due_ns = self.pace.due_ns(now_ns, self.period_ns);
    }

    /// Shares out the CPU time that is not yet.
    pub fn finish(&mut self, out: &mut Observations) {
        for member in &mut self.members {
            if let Some(process) = &mut member.process {
                process.finish(out);
            }
        }
    }

    /// Forgets processes that have ended, looks for new ones, and reads those that are Python now.
    fn find(&mut self, out: &mut Observations, now_ns: u64) {
        self.members.retain_mut(|member| {
            let lives = member
                .file
                .stat()
                .is_some_and(|stat| stat.started == member.started && !matches!(stat.state, b'Z' | b'X'));
            if !lives {
                if let Some(process) = &mut member.process {
                    process.finish(out);
                }
                out.counters.unread += u64::from(!member.was_read);
            }
            lives
        });
        if self.children == Children::Followed {
            self.find_children();
        }
        self.read_new(out, now_ns);
    }

    fn find_children(&mut self) {
        let mut index = 0;
        // Members grow meanwhile: grandchildren are found in the same pass.
        while index < self.members.len() && self.members.len() < MAX_PROCESSES {
            let member = &self.members[index];
            let mut threads: Vec<u32> = match &member.process {
                Some(process) => process.os_threads().collect(),
                None => kernel::threads_of(member.pid),
            };
            threads.push(member.pid.0.cast_unsigned());
            threads.sort_unstable();
            threads.dedup();
            let past = member.past;
            let children = threads
                .into_iter()
                .flat_map(|thread| kernel::children_of(self.members[index].pid, thread));
            for child in children.collect::<Vec<_>>() {
                let is_known = self.members.iter().any(|member| member.pid == child);
                if let Some(stat) = kernel::process_stat(child)
                    && !is_known
                    && stat.state != b'Z'
                {
                    // What is there when the first look is taken was there before us.
                    let past = if self.has_looked { Past::Ours } else { past };
                    self.add(child, stat.started, past, None);
                }
            }
            index += 1;
        }
        self.has_looked = true;
    }

    fn read_new(&mut self, out: &mut Observations, now_ns: u64) {
        for member in &mut self.members {
            if member.process.is_some() {
                continue;
            }
            let program = kernel::program_of(member.pid);
            if program != member.program {
                member.program = program;
                member.look_again(now_ns);
            }
            if now_ns < member.retry_at_ns {
                continue;
            }
            let is_young = now_ns.saturating_sub(member.found_ns) < SURELY_FORKED_NS;
            match member.attach(&self.interpreters, &self.open_files) {
                Ok(mut process) if process.is_itself() || !is_young => {
                    // At once: it may not live to the next tick.
                    let life = process.tick(out, now_ns, self.start_ns);
                    self.interpreters
                        .insert(member.program.clone(), process.interpreter());
                    member.process = (life == Life::Goes).then_some(process);
                    member.was_read = true;
                }
                Ok(_) | Err(AttachError::NotPython { .. } | AttachError::NoProcess { .. }) => {}
                Err(error) => self.last_error = Some(error),
            }
            member.retry_at_ns = now_ns + member.retry_after_ns;
            member.retry_after_ns = (2 * member.retry_after_ns).min(RETRY_NS.1);
        }
    }
}

impl Member {
    /// By the interpreter of a process of the same program, from which it may be forked; else by
    /// searching for it.
    fn attach(&self, interpreters: &Interpreters, open_files: &OpenFiles) -> Result<Process, AttachError> {
        let known = interpreters.get(&self.program);
        let forked =
            known.and_then(|known| Process::attach_fork(self.pid, *known, self.past, open_files).ok());
        match forked {
            Some(process) => Ok(process),
            None => Process::attach(self.pid, self.past, open_files),
        }
    }

    /// It may have become another program: looks at it at once, and often at first.
    fn look_again(&mut self, now_ns: u64) {
        self.retry_at_ns = now_ns;
        self.retry_after_ns = RETRY_NS.0;
    }
}
