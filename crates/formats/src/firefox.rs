//! `firefox`: the processed profile format, for profiler.firefox.com and its copies.
//!
//! The format changes often, and its readers upgrade what is older: the crate that follows it does the
//! writing. Its frames have labels only, so file and line are a part of them.

use std::collections::HashMap;
use std::time::Duration;

use fxprof_processed_profile::{
    CategoryHandle, CpuDelta, Frame, FrameFlags, FrameInfo, Profile, ReferenceTimestamp, SamplingInterval,
    StackHandle, ThreadHandle, Timestamp, WeightType,
};
use pyrometer_model::{Function, ProfileType};

use crate::call_nodes::CallNodes;
use crate::recording::{Recording, Stretch, Track};

/// Samples of one stretch at most: a thread that waits for hours.
const MOST_SAMPLES_OF_A_STRETCH: u64 = 64;

/// Writes it: one sample per period of each stretch, so that the graph of CPU is right.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let begin =
        ReferenceTimestamp::from_duration_since_unix_epoch(Duration::from_nanos(recording.span.start.0));
    let interval = SamplingInterval::from_nanos(recording.period_ns.max(1));
    let mut profile = Profile::new(&recording.title, begin, interval);
    profile.set_symbolicated(true);
    let calls = CallNodes::of(recording);
    let mut processes = HashMap::new();
    for track in recording.timeline(profile_type) {
        let thread = &track.thread;
        let start = timestamp(track.stretches[0].start_ns);
        let process = *processes
            .entry(thread.pid)
            .or_insert_with(|| profile.add_process(&thread.process, thread.pid, start));
        let is_main = thread.pid == thread.os_thread_id;
        let handle = profile.add_thread(process, thread.os_thread_id, start, is_main);
        profile.set_thread_name(handle, &thread.name);
        profile.set_thread_samples_weight_type(handle, weight_type(profile_type));
        let mut writer = Writer {
            recording,
            calls: &calls,
            profile: &mut profile,
            thread: handle,
            stacks: HashMap::new(),
        };
        writer.write(&track, profile_type);
    }
    serde_json::to_vec(&profile).expect("a profile in memory can be written")
}

fn weight_type(profile_type: ProfileType) -> WeightType {
    match profile_type {
        ProfileType::Samples => WeightType::Samples,
        ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => WeightType::TracingMs,
    }
}

fn timestamp(offset_ns: u64) -> Timestamp {
    Timestamp::from_nanos_since_reference(offset_ns)
}

struct Writer<'a> {
    recording: &'a Recording,
    calls: &'a CallNodes,
    profile: &'a mut Profile,
    thread: ThreadHandle,
    stacks: HashMap<u32, StackHandle>,
}

impl Writer<'_> {
    fn write(&mut self, track: &Track, profile_type: ProfileType) {
        let mut last_end_ns = 0;
        for stretch in &track.stretches {
            if stretch.start_ns > last_end_ns + self.recording.period_ns {
                self.profile
                    .add_sample(self.thread, timestamp(last_end_ns), None, CpuDelta::ZERO, 0);
            }
            last_end_ns = stretch.end_ns;
            self.write_stretch(stretch, profile_type);
        }
    }

    fn write_stretch(&mut self, stretch: &Stretch, profile_type: ProfileType) {
        let stack = self.stack(self.calls.node(stretch.stack));
        let length_ns = stretch.end_ns - stretch.start_ns;
        let count = (length_ns / self.recording.period_ns.max(1)).clamp(1, MOST_SAMPLES_OF_A_STRETCH);
        // Weights are whole: what each sample rounds away is in a later one.
        let weight = match profile_type {
            ProfileType::Samples => stretch.weight,
            ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => stretch.weight.div_ceil(1_000_000),
        };
        let cpu = match profile_type {
            ProfileType::Cpu => CpuDelta::from_nanos(length_ns / count),
            ProfileType::Wall | ProfileType::Wait | ProfileType::Samples => CpuDelta::ZERO,
        };
        for number in 0..count {
            let at = timestamp(stretch.start_ns + length_ns * number / count);
            let share = weight * (number + 1) / count - weight * number / count;
            let share = i32::try_from(share).unwrap_or(i32::MAX);
            self.profile.add_sample(self.thread, at, stack, cpu, share);
        }
    }

    fn stack(&mut self, node: Option<u32>) -> Option<StackHandle> {
        let mut stack = None;
        for node in self.calls.path(node) {
            stack = match self.stacks.get(&node) {
                Some(known) => Some(*known),
                None => {
                    let (_, function) = self.calls.nodes[node as usize];
                    let label = self
                        .recording
                        .functions
                        .get(function)
                        .map(label)
                        .unwrap_or_default();
                    let label = self.profile.intern_string(&label);
                    let info = FrameInfo {
                        frame: Frame::Label(label),
                        category_pair: CategoryHandle::OTHER.into(),
                        flags: FrameFlags::empty(),
                    };
                    let frame = self.profile.intern_frame(self.thread, info);
                    let new = self.profile.intern_stack(self.thread, stack, frame);
                    self.stacks.insert(node, new);
                    Some(new)
                }
            };
        }
        stack
    }
}

fn label(function: &Function) -> String {
    if function.file.is_empty() {
        function.name.clone()
    } else {
        format!("{} ({}:{})", function.name, function.file, function.line)
    }
}
