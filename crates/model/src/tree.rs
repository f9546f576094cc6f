//! The calling-context tree: built from summed stacks, merged, pruned.
//!
//! Nodes are in pre-order with node 0 the root, as columns, which is also how a flamegraph travels.
//! Every operation here keeps the total: what pruning removes is folded into [`OTHER`] nodes.

use std::collections::HashMap;

use crate::stacks::OTHER;
use crate::{Function, Functions, StackId, StackTable};

/// Parent of the root.
pub const NO_PARENT: u32 = u32::MAX;

/// Name of the root's function.
pub const ROOT_NAME: &str = "all";

/// A calling-context tree with one value per call node.
///
/// Columns are equally long; `parent[n] < n`; siblings stand in descending order of their totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTree {
    /// Functions that the nodes refer to; 0 is the root's.
    pub functions: Vec<Function>,
    /// Parent of each node, [`NO_PARENT`] for the root.
    pub parent: Vec<u32>,
    /// Position of each node's function in `functions`.
    pub function: Vec<u32>,
    /// Value observed in the node itself.
    pub self_value: Vec<u64>,
    /// Value observed in the node and all nodes below it.
    pub total: Vec<u64>,
}

impl CallTree {
    /// Number of nodes; at least 1, the root.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total[0] == 0
    }

    /// Sum of all values.
    #[must_use]
    pub fn grand_total(&self) -> u64 {
        self.total[0]
    }

    /// Folds the smallest nodes into `(other)` siblings until about `max_nodes` are left.
    ///
    /// A node is kept when its total is at least the `max_nodes`-th largest, so a kept node's
    /// ancestors are kept too. The folding nodes come on top: at most one per kept node.
    #[must_use]
    pub fn prune(&self, max_nodes: usize) -> Self {
        if self.len() <= max_nodes.max(1) {
            return self.clone();
        }
        let mut totals = self.total.clone();
        let position = totals.len() - max_nodes.max(1);
        let (_, &mut threshold, _) = totals.select_nth_unstable(position);

        let mut builder = TreeBuilder::new();
        let other = builder.function(&Function::other());
        let functions: Vec<u32> = self
            .functions
            .iter()
            .map(|function| builder.function(function))
            .collect();
        let mut kept: Vec<Option<u32>> = vec![None; self.len()];
        kept[0] = Some(TreeBuilder::ROOT);
        builder.add_self(TreeBuilder::ROOT, self.self_value[0]);
        for node in 1..self.len() {
            let Some(parent) = kept[self.parent[node] as usize] else {
                continue;
            };
            if self.total[node] >= threshold.max(1) {
                let place = builder.child(parent, functions[self.function[node] as usize]);
                builder.add_self(place, self.self_value[node]);
                kept[node] = Some(place);
            } else if self.total[node] > 0 {
                let place = builder.child(parent, other);
                builder.add_self(place, self.total[node]);
            }
        }
        builder.finish()
    }

    /// Self and total per function, in the order of `functions`. A recursive function's total
    /// counts each value once. The root's entry (0) is left at zero self unless it has some.
    #[must_use]
    pub fn by_function(&self) -> Vec<FunctionValue> {
        let mut values = vec![FunctionValue::default(); self.functions.len()];
        let mut open = vec![0_u32; self.functions.len()];
        let mut path: Vec<u32> = Vec::new();
        for node in 0..self.len() {
            while path.last().is_some_and(|&top| self.parent[node] != top) {
                let left = path.pop().expect("path is not empty");
                open[self.function[left as usize] as usize] -= 1;
            }
            let function = self.function[node] as usize;
            values[function].self_value += self.self_value[node];
            if open[function] == 0 {
                values[function].total += self.total[node];
            }
            open[function] += 1;
            path.push(node as u32);
        }
        values
    }
}

/// What one function cost over a whole tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FunctionValue {
    /// In the function itself.
    pub self_value: u64,
    /// In it and everything it called.
    pub total: u64,
}

/// Collects values by path and makes a [`CallTree`] of them. Adding is commutative.
#[derive(Clone, Debug)]
pub struct TreeBuilder {
    functions: Functions,
    nodes: Vec<BuilderNode>,
    children: HashMap<(u32, u32), u32>,
}

#[derive(Clone, Copy, Debug)]
struct BuilderNode {
    parent: u32,
    function: u32,
    self_value: u64,
}

impl Default for TreeBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl TreeBuilder {
    /// The root's number.
    pub const ROOT: u32 = 0;

    /// A builder that holds the root only.
    #[must_use]
    pub fn new() -> Self {
        let mut functions = Functions::new();
        let root = functions.intern(&Function {
            name: ROOT_NAME.to_owned(),
            ..Function::default()
        });
        let node = BuilderNode {
            parent: NO_PARENT,
            function: root.0,
            self_value: 0,
        };
        Self {
            functions,
            nodes: vec![node],
            children: HashMap::new(),
        }
    }

    /// The number of `function` in this builder, new or old.
    pub fn function(&mut self, function: &Function) -> u32 {
        self.functions.intern(function).0
    }

    /// The child of `parent` for `function`, new or old.
    pub fn child(&mut self, parent: u32, function: u32) -> u32 {
        *self.children.entry((parent, function)).or_insert_with(|| {
            let node = self.nodes.len() as u32;
            self.nodes.push(BuilderNode {
                parent,
                function,
                self_value: 0,
            });
            node
        })
    }

    /// Adds to the value observed in the node itself.
    pub fn add_self(&mut self, node: u32, value: u64) {
        let place = &mut self.nodes[node as usize].self_value;
        *place = place.saturating_add(value);
    }

    /// Adds every stack of a table with its value; `values[id]` belongs to stack `id`, missing ones
    /// count as 0. Lines are merged: a call node is a function under its callers.
    ///
    /// Cost: one pass over the table; only stacks that carry a value, and their callers, get a node.
    pub fn add_stacks(&mut self, functions: &Functions, stacks: &StackTable, values: &[u64]) {
        self.add_self(Self::ROOT, values.first().copied().unwrap_or(0));
        let mut used = vec![false; stacks.len()];
        for (id, node) in stacks
            .nodes()
            .iter()
            .enumerate()
            .rev()
            .map(|(index, node)| (index + 1, node))
        {
            used[id] |= values.get(id).is_some_and(|&value| value > 0);
            used[node.parent.0 as usize] |= used[id];
        }
        let mut number: Vec<Option<u32>> = vec![None; functions.len()];
        let mut places = vec![Self::ROOT; stacks.len()];
        for (id, node) in stacks
            .nodes()
            .iter()
            .enumerate()
            .map(|(index, node)| (index + 1, node))
        {
            if !used[id] {
                continue;
            }
            let unknown = Function::default();
            let function = match number.get(node.function.0 as usize).copied().flatten() {
                Some(function) => function,
                None => {
                    let function = self.function(functions.get(node.function).unwrap_or(&unknown));
                    if let Some(slot) = number.get_mut(node.function.0 as usize) {
                        *slot = Some(function);
                    }
                    function
                }
            };
            places[id] = self.child(places[node.parent.0 as usize], function);
            self.add_self(places[id], values.get(id).copied().unwrap_or(0));
        }
    }

    /// Adds a whole tree: merging is adding one after the other.
    pub fn add_tree(&mut self, tree: &CallTree) {
        let functions: Vec<u32> = tree
            .functions
            .iter()
            .map(|function| self.function(function))
            .collect();
        let mut places = vec![Self::ROOT; tree.len()];
        self.add_self(Self::ROOT, tree.self_value[0]);
        for node in 1..tree.len() {
            let parent = places[tree.parent[node] as usize];
            places[node] = self.child(parent, functions[tree.function[node] as usize]);
            self.add_self(places[node], tree.self_value[node]);
        }
    }

    /// The tree: pre-order, siblings by descending total, then by function, so that equal input in
    /// any order gives an equal tree. Functions without a node are left out.
    #[must_use]
    pub fn finish(self) -> CallTree {
        let count = self.nodes.len();
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.self_value).collect();
        for node in (1..count).rev() {
            let parent = self.nodes[node].parent as usize;
            totals[parent] = totals[parent].saturating_add(totals[node]);
        }
        let mut children: Vec<Vec<u32>> = vec![Vec::new(); count];
        for node in 1..count {
            children[self.nodes[node].parent as usize].push(node as u32);
        }
        let name_of = |node: u32| &self.functions.as_slice()[self.nodes[node as usize].function as usize];
        for siblings in &mut children {
            // Reversed, because they are taken from a stack: the largest must lie on top.
            siblings.sort_unstable_by(|&left, &right| {
                let by_total = totals[left as usize].cmp(&totals[right as usize]);
                by_total.then_with(|| name_of(right).cmp(name_of(left)))
            });
        }

        let mut tree = CallTree {
            functions: Vec::new(),
            parent: Vec::with_capacity(count),
            function: Vec::with_capacity(count),
            self_value: Vec::with_capacity(count),
            total: Vec::with_capacity(count),
        };
        let mut number: Vec<Option<u32>> = vec![None; self.functions.len()];
        let mut open: Vec<(u32, u32)> = vec![(Self::ROOT, NO_PARENT)];
        while let Some((node, parent)) = open.pop() {
            let old = &self.nodes[node as usize];
            let function = *number[old.function as usize].get_or_insert_with(|| {
                tree.functions
                    .push(self.functions.as_slice()[old.function as usize].clone());
                (tree.functions.len() - 1) as u32
            });
            let place = tree.parent.len() as u32;
            tree.parent.push(parent);
            tree.function.push(function);
            tree.self_value.push(old.self_value);
            tree.total.push(totals[node as usize]);
            open.extend(children[node as usize].iter().map(|&child| (child, place)));
        }
        tree
    }
}

/// A call tree of the stacks of one table and their values.
#[must_use]
pub fn tree_of(functions: &Functions, stacks: &StackTable, values: &[u64]) -> CallTree {
    let mut builder = TreeBuilder::new();
    builder.add_stacks(functions, stacks, values);
    builder.finish()
}

/// Whether a node is one of those that pruning made.
#[must_use]
pub fn is_other(function: &Function) -> bool {
    function.name == OTHER && function.file.is_empty()
}

/// Sums `(stack, value)` pairs into a dense array by stack id, as [`TreeBuilder::add_stacks`] wants.
pub fn add_values(dense: &mut Vec<u64>, pairs: impl Iterator<Item = (StackId, u64)>) {
    for (StackId(id), value) in pairs {
        let id = id as usize;
        if id >= dense.len() {
            dense.resize(id + 1, 0);
        }
        dense[id] = dense[id].saturating_add(value);
    }
}
