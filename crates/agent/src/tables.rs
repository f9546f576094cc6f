//! The bounded tables of one generation: functions, stacks, and what was observed per stack.
//!
//! Ids are handed to readers, so nothing is ever removed: when a table is full, new stacks are
//! counted under `(other)`, and the ring starts the next generation as soon as it may.

use pyrometer_model::{Function, FunctionId, Functions, Generation, StackId, StackNode, StackTable};

/// Most stacks of a generation. At about 110 bytes each with their values, 3.5 MiB.
pub(crate) const MAX_STACKS: usize = 32_768;
/// Most functions of a generation.
pub(crate) const MAX_FUNCTIONS: usize = 16_384;
/// Most bytes of all function names and files of a generation.
const MAX_TEXT_BYTES: usize = 2 << 20;
/// Share of the bounds from which a new generation is worth starting.
const CROWDED: f64 = 0.75;

/// The stack that everything beyond the bounds is counted under.
pub(crate) const OTHER_STACK: StackId = StackId(1);

/// What gives ids to functions and stacks, as long as it has room.
pub(crate) trait Interner {
    /// The id of a function, or `None` when it is new and there is no room.
    fn function(&mut self, function: &Function) -> Option<FunctionId>;
    /// The id of a stack, or `None` when it is new and there is no room.
    fn stack(&mut self, node: StackNode) -> Option<StackId>;
}

/// Functions and stacks by id.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) number: u32,
    pub(crate) functions: Functions,
    pub(crate) stacks: StackTable,
    text_bytes: usize,
}

impl Tables {
    pub(crate) fn new(number: u32) -> Self {
        let mut tables = Self {
            number,
            functions: Functions::new(),
            stacks: StackTable::new(),
            text_bytes: 0,
        };
        let other = tables.functions.intern(&Function::other());
        let stack = tables.stacks.intern(StackNode {
            parent: StackId::ROOT,
            function: other,
            line: 0,
        });
        debug_assert_eq!(stack, OTHER_STACK);
        tables
    }

    /// The id of a function, or `None` when it is new and there is no room.
    pub(crate) fn function(&mut self, function: &Function) -> Option<FunctionId> {
        let text = function.name.len() + function.file.len();
        if self.functions.len() >= MAX_FUNCTIONS || self.text_bytes + text > MAX_TEXT_BYTES {
            return self.functions.find(function);
        }
        let before = self.functions.len();
        let id = self.functions.intern(function);
        if self.functions.len() > before {
            self.text_bytes += text;
        }
        Some(id)
    }

    /// The id of a stack, or `None` when it is new and there is no room.
    pub(crate) fn stack(&mut self, node: StackNode) -> Option<StackId> {
        if self.stacks.len() >= MAX_STACKS {
            self.stacks.find(node)
        } else {
            Some(self.stacks.intern(node))
        }
    }

    /// Whether a new generation should be started when the ring allows it.
    pub(crate) fn is_crowded(&self) -> bool {
        let full = |used: usize, most: usize| used as f64 > most as f64 * CROWDED;
        full(self.stacks.len(), MAX_STACKS)
            || full(self.functions.len(), MAX_FUNCTIONS)
            || full(self.text_bytes, MAX_TEXT_BYTES)
    }

    /// The entries that a reader lacks who has the first `functions` and `stacks` of them.
    pub(crate) fn after(&self, functions: u32, stacks: u32) -> Generation {
        let functions_from = (functions as usize).min(self.functions.len());
        let stacks_from = (stacks as usize).clamp(1, self.stacks.len());
        Generation {
            number: self.number,
            functions_from: functions_from as u32,
            functions: self.functions.as_slice()[functions_from..].to_vec(),
            stacks_from: stacks_from as u32,
            stacks: self.stacks.nodes()[stacks_from - 1..].to_vec(),
        }
    }

    /// About the bytes of memory in use.
    pub(crate) fn memory_bytes(&self) -> usize {
        const PER_STACK: usize = 64;
        const PER_FUNCTION: usize = 160;
        self.stacks.len() * PER_STACK + self.functions.len() * PER_FUNCTION + 2 * self.text_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(number: usize) -> Function {
        Function {
            name: format!("f{number}"),
            file: "x.py".into(),
            line: 1,
        }
    }

    #[test]
    fn a_full_table_still_knows_what_it_has() {
        let mut tables = Tables::new(0);
        let known = tables.function(&function(0)).unwrap();
        let first = StackNode {
            parent: StackId::ROOT,
            function: known,
            line: 0,
        };
        let id = tables.stack(first).unwrap();
        for line in 1..=MAX_STACKS as u32 {
            tables.stack(StackNode { line, ..first });
        }
        assert_eq!(tables.stacks.len(), MAX_STACKS);
        assert!(tables.is_crowded());
        assert_eq!(tables.stack(first), Some(id));
        assert_eq!(
            tables.stack(StackNode {
                line: u32::MAX,
                ..first
            }),
            None
        );
        for number in 1..=MAX_FUNCTIONS {
            tables.function(&function(number));
        }
        assert_eq!(tables.function(&function(0)), Some(known));
        assert_eq!(tables.function(&function(usize::MAX)), None);
    }

    #[test]
    fn names_are_bounded_in_bytes() {
        let mut tables = Tables::new(0);
        let long = |n: usize| Function {
            name: format!("{n}{}", "x".repeat(1000)),
            ..Function::default()
        };
        let kept = (0..10_000)
            .filter(|&n| tables.function(&long(n)).is_some())
            .count();
        assert!((1500..2200).contains(&kept), "{kept}");
    }

    #[test]
    fn a_reader_gets_what_it_lacks() {
        let mut tables = Tables::new(3);
        let one = tables.function(&function(1)).unwrap();
        tables.stack(StackNode {
            parent: StackId::ROOT,
            function: one,
            line: 4,
        });
        let all = tables.after(0, 0);
        assert_eq!(
            (all.functions.len(), all.stacks_from, all.stacks.len()),
            (2, 1, 2)
        );
        let rest = tables.after(2, 2);
        assert_eq!(
            (rest.functions.len(), rest.stacks_from, rest.stacks.len()),
            (0, 2, 1)
        );
        assert!(all.is_well_formed() && rest.is_well_formed());
        assert!(tables.after(99, 99).stacks.is_empty());
    }
}
