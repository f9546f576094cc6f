//! Code objects seen, by address: the function they are and the lines of their instructions.
//!
//! A code object may be freed and another one made at its address: common while modules are
//! imported and templates compiled. So each entry keeps a fingerprint, which is compared in every
//! sample while the entry is young. One that has been the same for [`TRUSTED_AFTER_NS`] is compared
//! once in [`RECHECK_NS`] only, since most code objects live as long as their module: if it is
//! replaced after all, its name is wrong for that long at most.

use std::collections::HashMap;

use pyrometer_model::{Function, FunctionId};
use pyrometer_unwind::{Address, Fingerprint, Frame, LineTable, Memory, Target};

use super::greenlets::{HUB, HUB_NAME};
use super::tasks::Library;
use crate::tables::Interner;

/// Age from which a code object is trusted for a while.
const TRUSTED_AFTER_NS: u64 = 10_000_000_000;
/// How long.
const RECHECK_NS: u64 = 1_000_000_000;
/// Most entries kept; a process with more starts over, which costs a copy per code object.
const MAX_CODES: usize = 16_384;
/// Most bytes of line tables kept.
const MAX_LINE_BYTES: usize = 4 << 20;

/// What is known of one code object.
#[derive(Debug)]
struct Entry {
    function: Option<FunctionId>,
    library: Library,
    lines: LineTable,
    fingerprint: Fingerprint,
    copied_ns: u64,
    checked_ns: u64,
}

impl Entry {
    /// Of the root that no code object stands for. It is never compared with memory.
    fn hub(names: &mut impl Interner) -> Self {
        let function = Function {
            name: HUB_NAME.to_owned(),
            ..Function::default()
        };
        Self {
            function: names.function(&function),
            library: Library::Other,
            lines: LineTable::default(),
            fingerprint: Fingerprint::default(),
            copied_ns: 0,
            checked_ns: u64::MAX,
        }
    }

    fn is_due(&self, now_ns: u64, trusted_after_ns: u64) -> bool {
        let trusted_ns = if now_ns - self.copied_ns < trusted_after_ns {
            0
        } else {
            RECHECK_NS
        };
        now_ns.saturating_sub(self.checked_ns) > trusted_ns
    }
}

/// What had to be done before the code objects of a stack were known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// All were known and are what they were: so they were when the stack was read.
    Nothing,
    /// Some were copied only now. They may have changed since the stack was read.
    Copied,
    /// Some that were known are gone, and what was derived from them is void.
    Replaced,
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Codes {
    trusted_after_ns: u64,
    entries: HashMap<Address, Entry>,
    line_bytes: usize,
    due: Vec<(Address, Fingerprint)>,
    same: Vec<bool>,
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    /// `None` when the table of functions is full.
    pub(crate) function: Option<FunctionId>,
    pub(crate) line: u32,
}

impl Default for Codes {
    fn default() -> Self {
        Self::trusting_after(TRUSTED_AFTER_NS)
    }
}

impl Codes {
    /// An empty cache that trusts code objects from this age on.
    pub(crate) fn trusting_after(trusted_after_ns: u64) -> Self {
        Self {
            trusted_after_ns,
            entries: HashMap::new(),
            line_bytes: 0,
            due: Vec::new(),
            same: Vec::new(),
        }
    }

    /// Forgets everything: function ids belong to a generation.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.line_bytes = 0;
    }

    /// Starts over when the cache has outgrown its bounds.
    pub(crate) fn bound(&mut self) {
        if self.entries.len() > MAX_CODES || self.line_bytes > MAX_LINE_BYTES {
            self.clear();
        }
    }

    /// Makes sure that every code object of a stack is known and still the one that was copied:
    /// compares fingerprints, each once per tick and all in one read, and copies what is new.
    pub(crate) fn refresh(
        &mut self,
        names: &mut impl Interner,
        target: &Target<impl Memory>,
        frames: &[Frame],
        now_ns: u64,
    ) -> Refreshed {
        let replaced = self.forget_replaced(target, frames, now_ns);
        let mut copied = false;
        for frame in frames {
            if !self.entries.contains_key(&frame.code) {
                copied |= self.copy(names, target, frame.code, now_ns);
            }
        }
        match (replaced, copied) {
            (true, _) => Refreshed::Replaced,
            (false, true) => Refreshed::Copied,
            (false, false) => Refreshed::Nothing,
        }
    }

    fn forget_replaced(&mut self, target: &Target<impl Memory>, frames: &[Frame], now_ns: u64) -> bool {
        self.due.clear();
        for frame in frames {
            if let Some(entry) = self.entries.get_mut(&frame.code)
                && entry.is_due(now_ns, self.trusted_after_ns)
            {
                entry.checked_ns = now_ns;
                self.due.push((frame.code, entry.fingerprint));
            }
        }
        if self.due.is_empty() {
            return false;
        }
        target.are_same(&self.due, &mut self.same);
        let before = self.entries.len();
        for ((address, _), same) in self.due.iter().zip(&self.same) {
            if !same {
                self.entries.remove(address);
            }
        }
        self.entries.len() < before
    }

    fn copy(
        &mut self,
        names: &mut impl Interner,
        target: &Target<impl Memory>,
        address: Address,
        now_ns: u64,
    ) -> bool {
        if address == HUB {
            self.entries.insert(HUB, Entry::hub(names));
            return false;
        }
        let Ok(code) = target.code(address) else {
            return false;
        };
        let function = Function {
            name: code.name,
            file: code.file,
            line: code.first_line,
        };
        self.line_bytes += code.lines.memory_bytes();
        let entry = Entry {
            function: names.function(&function),
            library: Library::of(&function.file),
            lines: code.lines,
            fingerprint: code.fingerprint,
            copied_ns: now_ns,
            checked_ns: now_ns,
        };
        self.entries.insert(address, entry);
        true
    }

    /// Which library's code object is at an address, and which object it is; `None` if not known.
    pub(super) fn library(&self, code: Address) -> Option<(Library, Fingerprint)> {
        self.entries
            .get(&code)
            .map(|entry| (entry.library, entry.fingerprint))
    }

    /// Function and line of a frame. `None` when what lies at the address is no code object any more.
    pub(crate) fn location(&self, frame: &Frame) -> Option<Location> {
        let entry = self.entries.get(&frame.code)?;
        Some(Location {
            function: entry.function,
            line: frame.line(&entry.lines).unwrap_or(0),
        })
    }
}
