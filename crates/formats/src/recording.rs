//! What a recorder hands to a writer: stacks with their values, and when each thread was where.
//!
//! # Where this sits
//! The one input of all file formats. A sampler or a reader fills it; [`crate::Format`] writes it.
//! A recording without [`Recording::runs`] has no course over time: formats that draw one lay its
//! stacks end to end.

use pyrometer_model::{
    CallTree, Function, FunctionId, Functions, ProfileType, Span, StackId, StackNode, StackTable, UnixNanos,
    tree,
};

/// Samples of one or more processes over one interval.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Name of the program, for people.
    pub title: String,
    /// First and last instant.
    pub span: Span,
    /// Mean distance of two samples of a thread, nanoseconds.
    pub period_ns: u64,
    /// Functions that stacks refer to.
    pub functions: Functions,
    /// Stacks that values and runs refer to.
    pub stacks: StackTable,
    /// What was observed of each stack; stacks beyond the end were only callers.
    pub values: Vec<Values>,
    /// Threads that runs refer to.
    pub threads: Vec<Thread>,
    /// Where each thread was, in the order in which the runs ended.
    pub runs: Vec<Run>,
}

/// What was observed of one stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Number of samples.
    pub samples: u64,
    /// Wall time.
    pub wall_ns: u64,
    /// CPU time.
    pub cpu_ns: u64,
    /// Wall time of suspended tasks.
    pub wait_ns: u64,
}

impl Values {
    /// The value of one type.
    #[must_use]
    pub fn of(&self, profile_type: ProfileType) -> u64 {
        match profile_type {
            ProfileType::Cpu => self.cpu_ns,
            ProfileType::Wall => self.wall_ns,
            ProfileType::Wait => self.wait_ns,
            ProfileType::Samples => self.samples,
        }
    }

    /// Adds a value of one type.
    pub fn add(&mut self, profile_type: ProfileType, value: u64) {
        let place = match profile_type {
            ProfileType::Cpu => &mut self.cpu_ns,
            ProfileType::Wall => &mut self.wall_ns,
            ProfileType::Wait => &mut self.wait_ns,
            ProfileType::Samples => &mut self.samples,
        };
        *place = place.saturating_add(value);
    }
}

/// One thread of one process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Process id.
    pub pid: u32,
    /// OS thread id.
    pub os_thread_id: u32,
    /// Name of the process.
    pub process: String,
    /// Name of the thread.
    pub name: String,
}

impl Thread {
    /// For people, where threads of all processes stand in one list.
    #[must_use]
    pub fn title(&self) -> String {
        if self.name == self.process || self.name.is_empty() {
            format!("{} {}/{}", self.process, self.pid, self.os_thread_id)
        } else {
            format!(
                "{} {}/{} {}",
                self.process, self.pid, self.os_thread_id, self.name
            )
        }
    }
}

/// A thread that was seen in one stack, several samples in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Position in [`Recording::threads`].
    pub thread: u32,
    /// The stack.
    pub stack: StackId,
    /// Whether the thread was on a core.
    pub is_executing: bool,
    /// Begin, nanoseconds after the start of the recording.
    pub start_ns: u64,
    /// End, likewise.
    pub end_ns: u64,
    /// Number of samples.
    pub samples: u64,
}

impl Recording {
    /// The stack with one more frame on top.
    pub fn stack(&mut self, parent: StackId, function: &Function, line: u32) -> StackId {
        let function = self.functions.intern(function);
        self.stacks.intern(StackNode {
            parent,
            function,
            line,
        })
    }

    /// Adds to what was observed of a stack.
    pub fn add(&mut self, stack: StackId, profile_type: ProfileType, value: u64) {
        self.values_of(stack).add(profile_type, value);
    }

    /// The values of a stack, 0 at first.
    pub fn values_of(&mut self, stack: StackId) -> &mut Values {
        let index = stack.0 as usize;
        if index >= self.values.len() {
            self.values.resize(index + 1, Values::default());
        }
        &mut self.values[index]
    }

    /// Sum of one type over all stacks.
    #[must_use]
    pub fn total(&self, profile_type: ProfileType) -> u64 {
        self.values.iter().map(|values| values.of(profile_type)).sum()
    }

    /// The types that hold anything, samples first, as pprof orders them.
    #[must_use]
    pub fn profile_types(&self) -> Vec<ProfileType> {
        let all = [ProfileType::Samples, ProfileType::Cpu, ProfileType::Wall];
        all.into_iter().filter(|kind| self.total(*kind) > 0).collect()
    }

    /// The calling-context tree of one type.
    #[must_use]
    pub fn tree(&self, profile_type: ProfileType) -> CallTree {
        let values: Vec<u64> = self.values.iter().map(|values| values.of(profile_type)).collect();
        tree::tree_of(&self.functions, &self.stacks, &values)
    }

    /// A recording of a tree, as a file of another tool or a server's answer gives it. Lines within
    /// functions are not part of a tree: each frame stands at its function's first line.
    #[must_use]
    pub fn of_tree(tree: &CallTree, profile_type: ProfileType, title: &str, span: Span) -> Self {
        let mut recording = Self {
            title: title.to_owned(),
            span,
            ..Self::default()
        };
        let mut stacks = vec![StackId::ROOT; tree.len()];
        recording.add(StackId::ROOT, profile_type, tree.self_value[0]);
        for node in 1..tree.len() {
            let function = &tree.functions[tree.function[node] as usize];
            let parent = stacks[tree.parent[node] as usize];
            stacks[node] = recording.stack(parent, function, function.line);
            recording.add(stacks[node], profile_type, tree.self_value[node]);
        }
        recording
    }

    /// The frames of a stack, root first, with their lines.
    #[must_use]
    pub fn frames(&self, stack: StackId) -> Vec<(FunctionId, u32)> {
        let frames = self.stacks.iter_leaf_to_root(stack);
        let mut frames: Vec<_> = frames.map(|node| (node.function, node.line)).collect();
        frames.reverse();
        frames
    }

    /// Where each thread was over time, thread by thread, with the weight of each stretch.
    ///
    /// Weights are wall nanoseconds, or for [`ProfileType::Cpu`] those of stretches on a core, or
    /// samples. Without a course over time there is one thread, whose stacks lie end to end.
    #[must_use]
    pub fn timeline(&self, profile_type: ProfileType) -> Vec<Track> {
        if self.runs.is_empty() {
            return self.laid_end_to_end(profile_type);
        }
        let tracks = self.threads.iter().map(|thread| Track {
            thread: thread.clone(),
            stretches: Vec::new(),
        });
        let mut tracks: Vec<Track> = tracks.collect();
        for run in &self.runs {
            let weight = match profile_type {
                ProfileType::Cpu if !run.is_executing => continue,
                // Runs are of threads.
                ProfileType::Wait => continue,
                ProfileType::Cpu | ProfileType::Wall => run.end_ns - run.start_ns,
                ProfileType::Samples => run.samples,
            };
            if let Some(track) = tracks.get_mut(run.thread as usize) {
                track.stretches.push(Stretch {
                    start_ns: run.start_ns,
                    end_ns: run.end_ns,
                    stack: run.stack,
                    weight,
                });
            }
        }
        tracks.retain(|track| !track.stretches.is_empty());
        tracks
    }

    fn laid_end_to_end(&self, profile_type: ProfileType) -> Vec<Track> {
        let mut start_ns = 0_u64;
        let carriers = self.values.iter().zip(0..).filter_map(|(values, id)| {
            let value = values.of(profile_type);
            (value > 0).then_some((StackId(id), value))
        });
        let stretches: Vec<Stretch> = carriers
            .map(|(stack, weight)| {
                let length_ns = match profile_type {
                    ProfileType::Samples => weight.saturating_mul(self.period_ns.max(1)),
                    ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => weight,
                };
                let end_ns = start_ns.saturating_add(length_ns);
                let stretch = Stretch {
                    start_ns,
                    end_ns,
                    stack,
                    weight,
                };
                start_ns = end_ns;
                stretch
            })
            .collect();
        let thread = Thread {
            pid: 1,
            os_thread_id: 1,
            process: self.title.clone(),
            name: "all threads".to_owned(),
        };
        if stretches.is_empty() {
            return Vec::new();
        }
        vec![Track { thread, stretches }]
    }

    /// The instant `offset_ns` after the start.
    #[must_use]
    pub fn at(&self, offset_ns: u64) -> UnixNanos {
        UnixNanos(self.span.start.0.saturating_add(offset_ns))
    }
}

/// One thread over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Which thread.
    pub thread: Thread,
    /// In order of time, without overlap.
    pub stretches: Vec<Stretch>,
}

/// A time that a thread spent in one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Begin, nanoseconds after the start of the recording.
    pub start_ns: u64,
    /// End, likewise.
    pub end_ns: u64,
    /// The stack.
    pub stack: StackId,
    /// What it counts for, in the unit of the profile type.
    pub weight: u64,
}
