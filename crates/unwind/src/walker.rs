//! Samples the stacks of threads: predict, copy twice, walk both copies, compare.
//!
//! # Where this sits
//! What a sampler calls. Joins [`crate::thread`], [`crate::plan`], [`crate::snapshot`],
//! [`crate::frame`] and [`crate::code`]; makes no system call itself.
//!
//! # Contract
//! - One `Walker` per sampling thread. No allocation once its buffers and caches have grown, except
//!   when a thread or a code object is met for the first time.
//! - A sample is never dropped for being taken in the middle of a call: that would under-count code
//!   that calls a lot. What is not certain is cut at the leaf, and the outcome says so.
//! - Never panics and never runs long, whatever the target's memory holds.

use std::collections::HashMap;

use crate::activation::RawFrame;
use crate::calls::{AddressHash, KnownCalls};
use crate::code::Facts;
use crate::error::{CodeError, ReadError};
use crate::frame::{Stop, Walk, walk};
use crate::gil::Gil;
use crate::ids::Address;
use crate::layout::{Layout, OWNER_GENERATOR};
use crate::lines::LineTable;
use crate::memory::{Batch, Memory};
use crate::plan::Plan;
use crate::proof;
use crate::snapshot::{Head, Scratch, View, Which};
use crate::target::Target;
use crate::thread::{ThreadList, ThreadSnapshot};

/// Most readings of one sample: the first, and more for wrong predictions or a torn copy.
const MAX_ATTEMPTS: usize = 5;
/// Most readings more to learn whether calls in a sample were made.
const MAX_CONFIRMATIONS: usize = 2;
/// Most calls of one sample of which the caller's value stack is asked; some 10 µs each.
const MAX_ASKED: usize = 16;
/// Code objects remembered. Beyond it all are forgotten and met anew.
const MAX_CODES: usize = 1 << 16;

/// One frame of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The code object's address. May be freed later: copy it soon, by [`Target::code`].
    pub code: Address,
    /// Code units from the start of the bytecode; see [`Frame::line`].
    pub instruction: u32,
}

/// Set in an instruction that is the number of a line instead.
const IS_LINE: u32 = 1 << 31;

impl Frame {
    /// A frame of which the line is known and the instruction is not.
    pub(crate) fn of_line(code: Address, line: u32) -> Self {
        Self {
            code,
            instruction: line | IS_LINE,
        }
    }

    /// The line that the frame stands at, by the table of its code.
    #[must_use]
    pub fn line(&self, lines: &LineTable) -> Option<u32> {
        match self.instruction & IS_LINE {
            0 => lines.line_at(self.instruction),
            _ => Some(self.instruction & !IS_LINE),
        }
    }

    /// A frame by its instruction's address; `None` if that cannot belong to the code.
    pub(crate) fn at(layout: &Layout, code: Address, instruction: Address) -> Option<Self> {
        let start = code.plus(layout.code.size as u64);
        let offset = instruction.0.wrapping_sub(start.0).cast_signed();
        let unit = (offset % 2 == 0).then_some(offset / 2)?;
        Some(Self {
            code,
            instruction: u32::try_from(unit.max(0)).ok()?,
        })
    }
}

/// The stack of one sample. Reused from sample to sample.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Leaf first.
    pub frames: Vec<Frame>,
    /// Why the walk ended. Anything but [`Stop::Base`] means that root-side frames are missing.
    pub stop: Stop,
    /// Whether the thread held the GIL, read just before its stack.
    pub gil: Gil,
    /// Frames of coroutines and generators that C code resumed, leaf first: their place in `frames`,
    /// and the address of the frame in the coroutine object.
    pub resumed: Vec<(usize, Address)>,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            stop: Stop::Base,
            gil: Gil::Unknown,
            resumed: Vec::new(),
        }
    }
}

/// How far a stack can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Two copies agreed on every frame, the caller instructions included: this was the stack at one
    /// instant.
    Exact,
    /// The thread called or returned between the copies. The root side is what both share; the
    /// frames behind it are of the first copy, as far as each caller's state and earlier exact
    /// stacks prove them. A leaf that was just entered from C, or resumed as a generator, may be
    /// missing.
    Salvaged,
    /// The thread runs no Python code.
    Empty,
    /// Nothing certain could be read: the thread ended, its memory makes no sense, or a generator
    /// was being left.
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
    calls: KnownCalls,
    before: Walk,
    after: Walk,
    /// Keeps the sample while the stack is read again.
    sample: Walk,
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

    /// Forgets what was learnt of code objects. To be called when one is found to be another than
    /// before: what was seen at its address proves nothing any more.
    pub fn forget_codes(&mut self) {
        self.codes.clear();
        self.calls.clear();
    }

    /// Samples one thread into `out`. One system call when the stack lies where it was predicted, up
    /// to five and one per unforeseen frame otherwise. A code object met for the first time costs
    /// one more.
    pub fn stack<M: Memory>(
        &mut self,
        target: &Target<M>,
        thread: &ThreadSnapshot,
        out: &mut Stack,
    ) -> Outcome {
        out.frames.clear();
        out.resumed.clear();
        out.stop = Stop::Base;
        let mut plan = self.plans.remove(&thread.tstate).unwrap_or_default();
        plan.plan_gil(target, thread.interpreter_state);
        self.calls
            .ask_for_proof(target.layout.frame.value_stack.is_some());
        let reading = self.read(target, thread.tstate, &mut plan);
        out.gil = plan.gil(&target.layout, thread.tstate, &self.batch);
        let shared = match reading {
            Ok(Reading::Agreed) => self.before.frames.len(),
            Ok(Reading::Differed) => self.before.shared_with(&self.after),
            Err(stop) => {
                self.plans.insert(thread.tstate, plan);
                out.stop = stop;
                return Outcome::Torn;
            }
        };
        let kept = self.believed(target, thread.tstate, &mut plan, shared);
        let confirmed = matches!(reading, Ok(Reading::Agreed)) && kept == self.before.frames.len();
        self.plans.insert(thread.tstate, plan);
        out.stop = self.before.stop;
        let raw = std::mem::take(&mut self.before.frames);
        let intact = self.emit(target, &raw[raw.len() - kept..], out);
        self.before.frames = raw;
        match (confirmed && intact, out.frames.is_empty()) {
            (true, true) => Outcome::Empty,
            (true, false) => Outcome::Exact,
            (false, false) => Outcome::Salvaged,
            (false, true) => Outcome::Torn,
        }
    }

    /// How many frames of a reading, counted from the root, are believed, of which both copies share
    /// some. Learns from those.
    ///
    /// Even where both copies are alike, each was made piece by piece while the thread ran. Frames of one
    /// piece were copied within nanoseconds, and only calls that are new or rare are doubted; frames of
    /// different pieces, and a leaf that may have returned, need the evidence of other readings. Where
    /// that is missing the stack is read again to gain it; the sample remains the first.
    ///
    /// Younger frames than those shared are kept as far as each caller's state shows the call, and other
    /// readings have shown it: the copy may have been interrupted between any two frames.
    fn believed<M: Memory>(
        &mut self,
        target: &Target<M>,
        tstate: Address,
        plan: &mut Plan,
        shared: usize,
    ) -> usize {
        let mut confirmed = 0;
        self.learn(shared);
        for _ in 0..MAX_CONFIRMATIONS {
            if self.before.believed(&self.calls, confirmed) >= shared {
                break;
            }
            self.prove(target);
            if self.before.believed(&self.calls, confirmed) >= shared {
                break;
            }
            std::mem::swap(&mut self.before, &mut self.sample);
            let again = self.read(target, tstate, plan);
            if matches!(again, Ok(Reading::Agreed)) {
                self.learn(self.before.frames.len());
            }
            if again.is_ok() {
                confirmed = confirmed.max(self.before.shared_with(&self.sample));
            }
            std::mem::swap(&mut self.before, &mut self.sample);
        }
        let younger = self.before.frames.len() - shared;
        let younger = self.before.frames[..].windows(2).take(younger).rev();
        let shown = younger.take_while(|pair| {
            pair[0].is_shown_as_callee() && self.calls.contains(&pair[1], &pair[0], false)
        });
        let kept = if shared == 0 { 0 } else { shared + shown.count() };
        kept.min(self.before.believed(&self.calls, confirmed))
    }

    /// Learns the calls among the frames that two copies share, but that of a leaf that may have
    /// returned.
    fn learn(&mut self, shared: usize) {
        let frames = &self.before.frames;
        let first = (frames.len() - shared).max(usize::from(!self.before.is_leaf_alive()));
        if let Some(frames) = frames.get(first..) {
            self.calls.learn(frames);
        }
    }

    /// Asks the value stacks of callers whose calls are to be proved, from the root, and as many as
    /// [`MAX_ASKED`].
    fn prove<M: Memory>(&mut self, target: &Target<M>) {
        let pairs = self.before.frames.windows(2).take(KnownCalls::DEPTH).rev();
        let open = pairs.filter(|pair| self.calls.is_open(&pair[1], &pair[0]));
        let open: Vec<_> = open.take(MAX_ASKED).map(|pair| [pair[0], pair[1]]).collect();
        for [callee, caller] in open {
            if let Some(found) = proof::calls(target, &caller, &callee, &mut self.batch) {
                self.calls.settle(&caller, &callee, found);
            }
        }
    }

    /// Reads the stack, the walk of its first copy into `before`, that of its second into `after`.
    ///
    /// A stack that changed between the copies is not read again: that would prefer stacks that stay
    /// the same for long. Only what no stack looks like is, and what was not where it was predicted.
    fn read<M: Memory>(
        &mut self,
        target: &Target<M>,
        tstate: Address,
        plan: &mut Plan,
    ) -> Result<Reading, Stop> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let last = attempts == MAX_ATTEMPTS;
            plan.issue(target, tstate, &mut self.batch)
                .map_err(|error| Stop::Fault(tstate, error))?;
            if !plan.fits(&target.layout, &self.batch) && !last {
                // What cannot be planned shows as a fault when the last attempt walks.
                let _unplanned = plan.plan_chunks(target, &self.batch);
                continue;
            }
            let missed_before = self.walk_copy(target, plan, Which::Before, Head::Of(Which::Before));
            let missed = missed_before + self.walk_copy(target, plan, Which::After, Head::Of(Which::After));
            let is_sound = self.after.is_sound();
            plan.learn(target, &self.batch, &mut self.scratch, is_sound);
            if missed != 0 && !last {
                continue;
            }
            if missed == 0 && self.before.is_sound() && self.before.agrees_with(&self.after) {
                return Ok(Reading::Agreed);
            }
            // A frame that was being left or entered may make a head useless: try the others.
            for head in [Head::Of(Which::After), Head::Outer, Head::Planned] {
                if !self.before.is_sound() {
                    self.walk_copy(target, plan, Which::Before, head);
                }
            }
            if self.before.is_sound() {
                return Ok(Reading::Differed);
            }
            if last {
                return Err(self.before.stop);
            }
        }
    }

    /// Walks one copy of the batch. Returns how many reads the plan had not foreseen.
    fn walk_copy<M: Memory>(&mut self, target: &Target<M>, plan: &Plan, which: Which, head: Head) -> usize {
        let result = match which {
            Which::Before => &mut self.before,
            Which::After => &mut self.after,
        };
        let mut view = View::new(target, plan, &self.batch, &mut self.scratch, which);
        match view.head(head) {
            Ok(head) => walk(&target.layout, head, &mut view, &self.calls, result),
            // The reason why the other heads led nowhere says more.
            Err(_) if head == Head::Planned => {}
            Err(error) => result.fail(Stop::Fault(Address::NULL, error)),
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
                Checked::Frame(checked) => {
                    if frame.entered && frame.owner == OWNER_GENERATOR {
                        out.resumed.push((out.frames.len(), frame.address));
                    }
                    out.frames.push(checked);
                }
                Checked::Hidden => {}
                Checked::Torn => {
                    certain = false;
                    out.frames.clear();
                    out.resumed.clear();
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
