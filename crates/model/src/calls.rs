//! What every call cost: a calling-context tree with calls and a value, as call recorders make it.
//!
//! Unlike [`CallTree`] it has several columns and is built up by merging: threads into a process,
//! processes into a run. Node 0 is the root, and a node's parent stands before it.

use std::collections::HashMap;

use crate::tree::{NO_PARENT, ROOT_NAME};
use crate::{CallTree, Function, FunctionId, Functions, TreeBuilder};

/// What was counted in one call node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// How often the function was called here.
    pub calls: u64,
    /// How often it went on after a `yield` or `await`.
    pub resumes: u64,
    /// Value in the function itself, without the recorder's own cost.
    pub self_value: u64,
    /// The same as it was measured, with that cost.
    pub raw_self: u64,
}

impl CallCounts {
    fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.resumes = self.resumes.saturating_add(other.resumes);
        self.self_value = self.self_value.saturating_add(other.self_value);
        self.raw_self = self.raw_self.saturating_add(other.raw_self);
    }
}

/// One call node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNode {
    /// Number of its caller's node; [`NO_PARENT`] for the root.
    pub parent: u32,
    /// Its function.
    pub function: FunctionId,
    /// What was counted.
    pub counts: CallCounts,
}

/// A calling-context tree of calls. Adding is commutative but for the numbering.
#[derive(Clone, Debug)]
pub struct CallProfile {
    functions: Functions,
    nodes: Vec<CallNode>,
    children: HashMap<(u32, FunctionId), u32>,
}

impl Default for CallProfile {
    fn default() -> Self {
        let mut functions = Functions::new();
        let function = functions.intern(&Function {
            name: ROOT_NAME.to_owned(),
            ..Function::default()
        });
        Self {
            functions,
            nodes: vec![CallNode {
                parent: NO_PARENT,
                function,
                counts: CallCounts::default(),
            }],
            children: HashMap::new(),
        }
    }
}

impl CallProfile {
    /// The root's number.
    pub const ROOT: u32 = 0;

    /// The number of a function, new or old.
    pub fn function(&mut self, function: &Function) -> FunctionId {
        self.functions.intern(function)
    }

    /// The functions that nodes refer to.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        self.functions.as_slice()
    }

    /// The nodes, parents first.
    #[must_use]
    pub fn nodes(&self) -> &[CallNode] {
        &self.nodes
    }

    /// The child of `parent` for `function`, new or old.
    pub fn child(&mut self, parent: u32, function: FunctionId) -> u32 {
        *self.children.entry((parent, function)).or_insert_with(|| {
            self.nodes.push(CallNode {
                parent,
                function,
                counts: CallCounts::default(),
            });
            (self.nodes.len() - 1) as u32
        })
    }

    /// Adds to what was counted in a node.
    pub fn add(&mut self, node: u32, counts: &CallCounts) {
        self.nodes[node as usize].counts.add(counts);
    }

    /// Adds another profile, below `parent`.
    pub fn merge(&mut self, other: &Self, parent: u32) {
        let functions: Vec<FunctionId> = other
            .functions()
            .iter()
            .map(|function| self.function(function))
            .collect();
        let mut places = vec![parent; other.nodes.len()];
        for (index, node) in other.nodes.iter().enumerate() {
            if index > 0 {
                places[index] = self.child(places[node.parent as usize], functions[node.function.0 as usize]);
            }
            self.add(places[index], &node.counts);
        }
    }

    /// Value of each node and all nodes below it.
    #[must_use]
    pub fn totals(&self) -> Vec<u64> {
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.counts.self_value).collect();
        for (index, node) in self.nodes.iter().enumerate().skip(1).rev() {
            let parent = node.parent as usize;
            totals[parent] = totals[parent].saturating_add(totals[index]);
        }
        totals
    }

    /// Number of calls in all nodes.
    #[must_use]
    pub fn total_calls(&self) -> u64 {
        self.nodes.iter().map(|node| node.counts.calls).sum()
    }

    /// The same tree in pre-order, siblings by descending total, then by function.
    #[must_use]
    pub fn sorted(&self) -> Self {
        let totals = self.totals();
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().skip(1) {
            children[node.parent as usize].push(index as u32);
        }
        let function = |node: u32| &self.functions()[self.nodes[node as usize].function.0 as usize];
        let mut sorted = Self::default();
        let mut open = vec![(Self::ROOT, NO_PARENT)];
        while let Some((old, parent)) = open.pop() {
            // A number is given when a node is taken up, so that the order is pre-order.
            let place = if parent == NO_PARENT {
                Self::ROOT
            } else {
                let function = sorted.function(function(old));
                sorted.child(parent, function)
            };
            sorted.add(place, &self.nodes[old as usize].counts);
            let siblings = &mut children[old as usize];
            // The largest last: it is taken up first.
            siblings.sort_unstable_by(|&left, &right| {
                let by_total = totals[left as usize].cmp(&totals[right as usize]);
                by_total.then_with(|| function(right).cmp(function(left)))
            });
            open.extend(siblings.iter().map(|&child| (child, place)));
        }
        sorted
    }

    /// One column as a plain tree, for the formats that hold one value.
    #[must_use]
    pub fn tree(&self, value: impl Fn(&CallCounts) -> u64) -> CallTree {
        let mut builder = TreeBuilder::new();
        let functions: Vec<u32> = self
            .functions()
            .iter()
            .map(|function| builder.function(function))
            .collect();
        let mut places = vec![TreeBuilder::ROOT; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate() {
            if index > 0 {
                places[index] =
                    builder.child(places[node.parent as usize], functions[node.function.0 as usize]);
            }
            builder.add_self(places[index], value(&node.counts));
        }
        builder.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(calls: u64, self_value: u64) -> CallCounts {
        CallCounts {
            calls,
            resumes: 0,
            self_value,
            raw_self: self_value + calls,
        }
    }

    /// `main` calls `small` and `large`, which calls `leaf`.
    fn profile() -> CallProfile {
        let mut profile = CallProfile::default();
        let function = |profile: &mut CallProfile, parent, name: &str| {
            let function = profile.function(&Function {
                name: name.to_owned(),
                ..Function::default()
            });
            profile.child(parent, function)
        };
        let main = function(&mut profile, CallProfile::ROOT, "main");
        let small = function(&mut profile, main, "small");
        let large = function(&mut profile, main, "large");
        let leaf = function(&mut profile, large, "leaf");
        for (node, counts) in [
            (main, counts(1, 5)),
            (small, counts(2, 1)),
            (large, counts(3, 4)),
            (leaf, counts(9, 6)),
        ] {
            profile.add(node, &counts);
        }
        profile
    }

    #[test]
    fn the_largest_stands_first_and_nothing_is_lost() {
        let sorted = profile().sorted();
        let names: Vec<&str> = sorted
            .nodes()
            .iter()
            .map(|node| sorted.functions()[node.function.0 as usize].name.as_str())
            .collect();
        assert_eq!(names, ["all", "main", "large", "leaf", "small"]);
        assert_eq!(sorted.totals(), [16, 16, 10, 6, 1]);
        assert_eq!(sorted.total_calls(), profile().total_calls());
        assert_eq!(
            sorted.tree(|counts| counts.self_value),
            profile().tree(|counts| counts.self_value)
        );
    }

    #[test]
    fn merging_adds_every_column() {
        let mut twice = profile();
        twice.merge(&profile().sorted(), CallProfile::ROOT);
        assert_eq!(twice.nodes().len(), profile().nodes().len());
        for (two, one) in twice.nodes().iter().zip(profile().nodes()) {
            assert_eq!(two.counts.calls, 2 * one.counts.calls);
            assert_eq!(two.counts.raw_self, 2 * one.counts.raw_self);
        }
    }
}
