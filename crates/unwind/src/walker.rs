//! Samples the stacks of threads: predict, copy twice, walk both copies, compare.
//!
//! # Where this sits
//! What a sampler calls. Joins [`crate::thread`], [`crate::snapshot`], [`crate::frame`] and
//! [`crate::code`]; makes no system call itself.
//!
//! # Contract
//! - One `Walker` per sampling thread. No allocation once its buffers and caches have grown, except
//!   when a thread or a code object is met for the first time.
//! - A sample is never dropped for being taken in the middle of a call: that would under-count code
//!   that calls a lot. What is not certain is cut at the leaf, and the outcome says so.
//! - Never panics and never runs long, whatever the target's memory holds.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::code::Facts;
use crate::error::{CodeError, ReadError};
use crate::frame::{RawFrame, Stop, Walk, walk};
use crate::ids::Address;
use crate::layout::OWNER_GENERATOR;
use crate::memory::{Batch, Memory};
use crate::snapshot::{Plan, Scratch, View, Which};
use crate::target::Target;
use crate::thread::{ThreadList, ThreadSnapshot};

/// How often a stack that changed under us is read again before its certain part is taken.
const MAX_RETRIES: usize = 3;
/// Further readings granted to wrong predictions.
const MAX_REPLANS: usize = 3;
/// Code objects remembered. Beyond it all are forgotten and met anew.
const MAX_CODES: usize = 1 << 16;

/// One frame of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The code object's address. May be freed later: copy it soon, by [`Target::code`].
    pub code: Address,
    /// Code units from the start of the bytecode, for [`crate::LineTable::line_at`].
    pub instruction: u32,
}

/// The stack of one sample. Reused from sample to sample.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Leaf first.
    pub frames: Vec<Frame>,
    /// Why the walk ended. Anything but [`Stop::Base`] means that root-side frames are missing.
    pub stop: Stop,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            stop: Stop::Base,
        }
    }
}

/// How far a stack can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Two readings agreed on every frame: this was the stack at one instant.
    Exact,
    /// The thread called and returned while it was read: the frames are those on which the last two
    /// readings agree, from the root on. Younger ones may be missing.
    Salvaged,
    /// The thread runs no Python code.
    Empty,
    /// Nothing certain could be read: the thread ended, or its memory makes no sense.
    Torn,
}

/// Samples threads of one target. Holds what it learnt about each, to predict the next sample.
#[derive(Debug, Default)]
pub struct Walker {
    list: ThreadList,
    plans: HashMap<Address, Plan, AddressHash>,
    codes: HashMap<Address, Facts, AddressHash>,
    batch: Batch,
    scratch: Scratch,
    header: Vec<u8>,
    before: Walk,
    after: Walk,
}

impl Walker {
    /// A walker that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists the threads into `out`: one system call while none has come or gone.
    ///
    /// # Errors
    /// [`ReadError::Gone`] when the process has ended, [`ReadError::Torn`] or
    /// [`ReadError::Unmapped`] when the list changed each time it was followed.
    pub fn threads<M: Memory>(
        &mut self,
        target: &Target<M>,
        out: &mut Vec<ThreadSnapshot>,
    ) -> Result<(), ReadError> {
        let result = self.list.refresh(target, &mut self.batch, out);
        if self.plans.len() > out.len() {
            self.plans
                .retain(|tstate, _| out.iter().any(|thread| thread.tstate == *tstate));
        }
        result
    }

    /// Samples one thread into `out`. One system call when the prediction holds and the thread did
    /// not call or return meanwhile; a few more otherwise.
    pub fn stack<M: Memory>(
        &mut self,
        target: &Target<M>,
        thread: &ThreadSnapshot,
        out: &mut Stack,
    ) -> Outcome {
        out.frames.clear();
        out.stop = Stop::Base;
        let mut plan = self.plans.remove(&thread.tstate).unwrap_or_default();
        let reading = self.read_until_agreed(target, thread.tstate, &mut plan);
        self.plans.insert(thread.tstate, plan);
        match reading {
            Reading::Agreed => {
                out.stop = self.after.stop;
                let raw = std::mem::take(&mut self.after.frames);
                let certain = self.emit(target, &raw, out);
                self.after.frames = raw;
                match (certain, out.frames.is_empty()) {
                    (_, true) => Outcome::Empty,
                    (true, false) => Outcome::Exact,
                    (false, false) => Outcome::Salvaged,
                }
            }
            Reading::Differed => {
                let common = common_root_side(&self.before, &self.after);
                let raw = std::mem::take(&mut self.after.frames);
                out.stop = self.after.stop;
                self.emit(target, &raw[raw.len() - common..], out);
                self.after.frames = raw;
                if out.frames.is_empty() {
                    Outcome::Torn
                } else {
                    Outcome::Salvaged
                }
            }
            Reading::Failed(stop) => {
                out.stop = stop;
                Outcome::Torn
            }
        }
    }

    /// Reads until two walks agree or the retries are used up. Leaves the last two in
    /// `before` and `after`.
    fn read_until_agreed<M: Memory>(
        &mut self,
        target: &Target<M>,
        tstate: Address,
        plan: &mut Plan,
    ) -> Reading {
        let (mut retries, mut replans) = (0, 0);
        loop {
            if let Err(error) = plan.issue(target, tstate, &mut self.batch) {
                return Reading::Failed(Stop::Fault(tstate, error));
            }
            let fits = plan.fits(&target.layout, &self.batch);
            if !fits && replans < MAX_REPLANS {
                replans += 1;
                match plan.plan_chunks(target, &self.batch) {
                    Err(error) if replans == MAX_REPLANS => {
                        return Reading::Failed(Stop::Fault(tstate, error));
                    }
                    _ => continue,
                }
            }
            let missed_before = self.walk_copy(target, plan, Which::Before);
            let missed = missed_before + self.walk_copy(target, plan, Which::After);
            plan.learn(target, &self.batch, &mut self.scratch);
            let last_try = retries == MAX_RETRIES;
            if missed == 0 && agree(&self.before, &self.after) && (self.after.settled || last_try) {
                return Reading::Agreed;
            }
            if missed != 0 && replans < MAX_REPLANS {
                replans += 1;
            } else if last_try {
                return Reading::Differed;
            } else {
                retries += 1;
            }
        }
    }

    /// Walks one copy of the batch. Returns how many reads the plan had not foreseen.
    fn walk_copy<M: Memory>(&mut self, target: &Target<M>, plan: &Plan, which: Which) -> usize {
        let result = match which {
            Which::Before => &mut self.before,
            Which::After => &mut self.after,
        };
        let mut view = View::new(target, plan, &self.batch, &mut self.scratch, which);
        match view.head() {
            Ok(head) => walk(&target.layout.frame, head, &mut view, result),
            Err(error) => {
                result.frames.clear();
                result.stop = Stop::Fault(Address::NULL, error);
            }
        }
        self.scratch.missed
    }

    /// Checks raw frames against their code and appends them. Frames that are still being set up,
    /// or whose executable is no code object, are left out as CPython leaves them out. A frame whose
    /// instruction is not in its code was torn: it goes, with all younger ones. Returns whether
    /// there was none.
    fn emit<M: Memory>(&mut self, target: &Target<M>, raw: &[RawFrame], out: &mut Stack) -> bool {
        let mut certain = true;
        for frame in raw {
            match self.checked(target, frame) {
                Checked::Frame(frame) => out.frames.push(frame),
                Checked::Hidden => {}
                Checked::Torn => {
                    certain = false;
                    out.frames.clear();
                }
            }
        }
        certain
    }

    fn checked<M: Memory>(&mut self, target: &Target<M>, frame: &RawFrame) -> Checked {
        if let Some(facts) = self.codes.get(&frame.code) {
            match check(facts, frame) {
                Checked::Torn => {}
                checked => return checked,
            }
        }
        // Not met before, or no longer the code object that was.
        match target.code_facts(frame.code, &mut self.header) {
            Ok(facts) => {
                if self.codes.len() >= MAX_CODES {
                    self.codes.clear();
                }
                self.codes.insert(frame.code, facts);
                check(&facts, frame)
            }
            Err(CodeError::NotCode) => Checked::Hidden,
            Err(_) => Checked::Torn,
        }
    }
}

enum Reading {
    Agreed,
    Differed,
    Failed(Stop),
}

enum Checked {
    Frame(Frame),
    Hidden,
    Torn,
}

fn check(facts: &Facts, frame: &RawFrame) -> Checked {
    let offset = frame.instruction.0.wrapping_sub(facts.start.0).cast_signed();
    // One unit before the start: a frame that has not executed its first instruction.
    if offset < -2 || offset % 2 != 0 || offset / 2 >= i64::from(facts.units) {
        return Checked::Torn;
    }
    let unit = offset / 2;
    if frame.owner != OWNER_GENERATOR && unit < i64::from(facts.first_traceable) {
        return Checked::Hidden;
    }
    Checked::Frame(Frame {
        code: frame.code,
        instruction: u32::try_from(unit).unwrap_or(0),
    })
}

/// Whether both walks found the same stack. The leaf's instruction may differ: it moves while the
/// function runs, lies in one word, and is checked against its code.
fn agree(before: &Walk, after: &Walk) -> bool {
    before.is_whole()
        && before.stop == after.stop
        && before.frames.len() == after.frames.len()
        && match (before.frames.split_first(), after.frames.split_first()) {
            (Some((leaf, callers)), Some((other, others))) => {
                same_activation(leaf, other) && callers == others
            }
            (None, None) => true,
            _ => false,
        }
}

fn same_activation(one: &RawFrame, other: &RawFrame) -> bool {
    (one.address, one.code) == (other.address, other.code)
}

/// How many frames, counted from the root, both walks share. The youngest of them may have moved on.
fn common_root_side(before: &Walk, after: &Walk) -> usize {
    if !before.is_whole() || before.stop != after.stop {
        return 0;
    }
    let mut common = 0;
    for (one, other) in before.frames.iter().rev().zip(after.frames.iter().rev()) {
        if same_activation(one, other) {
            common += 1;
        }
        if one != other {
            break;
        }
    }
    common
}

type AddressHash = BuildHasherDefault<AddressHasher>;

/// Hashes addresses by one multiplication: they are ours to choose, not an attacker's.
#[derive(Debug, Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        // 2^64 / golden ratio; the swap brings the well mixed high bits down.
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).swap_bytes();
    }
}
