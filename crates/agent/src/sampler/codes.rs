//! Code objects seen, by address: the function they are and the lines of their instructions.
//!
//! A code object may be freed and another one made at its address. So each entry keeps a
//! fingerprint, which is compared again when the entry is used and was not checked for
//! [`RECHECK_NS`]: a reused address is wrong for at most that long.

use std::collections::HashMap;

use pyrometer_model::{Function, FunctionId};
use pyrometer_unwind::{Address, Fingerprint, Frame, LineTable, OwnProcess, Target};

use crate::windows::Windows;

/// How long a fingerprint is trusted.
const RECHECK_NS: u64 = 1_000_000_000;
/// Most entries kept; a process with more starts over, which costs a copy per code object.
const MAX_CODES: usize = 16_384;
/// Most bytes of line tables kept.
const MAX_LINE_BYTES: usize = 4 << 20;

/// What is known of one code object.
#[derive(Debug)]
struct Entry {
    function: Option<FunctionId>,
    lines: LineTable,
    fingerprint: Fingerprint,
    checked_ns: u64,
}

/// Whether a code object that was known has become another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    Same,
    Replaced,
}

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Codes {
    entries: HashMap<Address, Entry>,
    line_bytes: usize,
    now_ns: u64,
    stale: Vec<Address>,
    found: Vec<Option<Fingerprint>>,
}

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// `None` when the table of functions is full.
    pub(super) function: Option<FunctionId>,
    pub(super) line: u32,
}

impl Codes {
    /// Forgets everything: function ids belong to a generation.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.line_bytes = 0;
    }

    /// Starts over when the cache has outgrown its bounds.
    pub(super) fn bound(&mut self) {
        if self.entries.len() > MAX_CODES || self.line_bytes > MAX_LINE_BYTES {
            self.clear();
        }
    }

    /// Compares the fingerprints of those code objects of a stack that were not checked lately, in
    /// one read, and forgets those that have changed.
    pub(super) fn check(&mut self, target: &Target<OwnProcess>, frames: &[Frame], now_ns: u64) -> Checked {
        self.now_ns = now_ns;
        self.stale.clear();
        for frame in frames {
            if let Some(entry) = self.entries.get_mut(&frame.code)
                && now_ns.saturating_sub(entry.checked_ns) > RECHECK_NS
            {
                entry.checked_ns = now_ns;
                self.stale.push(frame.code);
            }
        }
        if self.stale.is_empty() {
            return Checked::Same;
        }
        target.fingerprint(&self.stale, &mut self.found);
        let mut checked = Checked::Same;
        for (address, found) in self.stale.iter().zip(&self.found) {
            if self.entries.get(address).map(|entry| &entry.fingerprint) != found.as_ref() {
                self.entries.remove(address);
                checked = Checked::Replaced;
            }
        }
        checked
    }

    /// Function and line of a frame; copies the code object when it is new. `None` when what lies
    /// at the address is no code object any more.
    pub(super) fn location(
        &mut self,
        windows: &mut Windows,
        target: &Target<OwnProcess>,
        frame: &Frame,
    ) -> Option<Location> {
        if !self.entries.contains_key(&frame.code) {
            let code = target.code(frame.code).ok()?;
            let function = Function {
                name: code.name,
                file: code.file,
                line: code.first_line,
            };
            self.line_bytes += code.lines.memory_bytes();
            let entry = Entry {
                function: windows.function(&function),
                lines: code.lines,
                fingerprint: code.fingerprint,
                checked_ns: self.now_ns,
            };
            self.entries.insert(frame.code, entry);
        }
        let entry = self.entries.get(&frame.code)?;
        Some(Location {
            function: entry.function,
            line: entry.lines.line_at(frame.instruction).unwrap_or(0),
        })
    }
}
