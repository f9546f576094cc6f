//! Functions, and the trie of stacks that samples refer to by one number.
//!
//! A stack is stored root-first as a chain of parent links. Ids are dense and never change while a
//! table lives, and a node's parent always has a smaller id than the node: so values summed by stack
//! id become totals in one pass from the highest id down.

use std::collections::HashMap;

/// Identity of a function for aggregation: qualified name + file + first line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Function {
    /// Qualified name, as Python's `co_qualname` has it.
    pub name: String,
    /// File as the code object has it; empty for what has none.
    pub file: String,
    /// First line of the definition, 1-based; 0 when unknown.
    pub line: u32,
}

/// Name of the function that stands for what pruning or a bound folded together.
pub const OTHER: &str = "(other)";

impl Function {
    /// The stand-in for everything that was folded away.
    #[must_use]
    pub fn other() -> Self {
        Self {
            name: OTHER.to_owned(),
            ..Self::default()
        }
    }
}

/// Number of a function within one [`Functions`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FunctionId(pub u32);

/// Interner of functions: equal functions get one id.
#[derive(Clone, Debug, Default)]
pub struct Functions {
    by_id: Vec<Function>,
    ids: HashMap<Function, FunctionId>,
}

impl Functions {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of `function`, new or old.
    pub fn intern(&mut self, function: &Function) -> FunctionId {
        if let Some(&id) = self.ids.get(function) {
            return id;
        }
        let id = FunctionId(u32::try_from(self.by_id.len()).expect("fewer than 2^32 functions"));
        self.by_id.push(function.clone());
        self.ids.insert(function.clone(), id);
        id
    }

    /// The id of `function` if it is known already.
    #[must_use]
    pub fn find(&self, function: &Function) -> Option<FunctionId> {
        self.ids.get(function).copied()
    }

    /// The function with this id, if there is one.
    #[must_use]
    pub fn get(&self, id: FunctionId) -> Option<&Function> {
        self.by_id.get(id.0 as usize)
    }

    /// All functions in order of their ids.
    #[must_use]
    pub fn as_slice(&self) -> &[Function] {
        &self.by_id
    }

    /// Number of functions.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether the table is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

/// Number of a stack within one [`StackTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackId(pub u32);

impl StackId {
    /// The empty stack, root of every trie.
    pub const ROOT: Self = Self(0);
}

/// One node of the trie: a caller's stack and the frame on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StackNode {
    /// The stack below this frame; always a smaller id.
    pub parent: StackId,
    /// Function of the frame.
    pub function: FunctionId,
    /// Line that was being executed, 1-based; 0 when unknown.
    pub line: u32,
}

/// Trie of stacks. Node 0 is [`StackId::ROOT`], the empty stack.
#[derive(Clone, Debug)]
pub struct StackTable {
    nodes: Vec<StackNode>,
    ids: HashMap<StackNode, StackId>,
}

impl Default for StackTable {
    fn default() -> Self {
        Self::new()
    }
}

impl StackTable {
    /// A table that holds the empty stack only.
    #[must_use]
    pub fn new() -> Self {
        let root = StackNode {
            parent: StackId::ROOT,
            function: FunctionId(u32::MAX),
            line: 0,
        };
        Self {
            nodes: vec![root],
            ids: HashMap::new(),
        }
    }

    /// The id of `node`, new or old.
    ///
    /// # Panics
    /// If the parent is not in this table: readers of foreign bytes check it first.
    pub fn intern(&mut self, node: StackNode) -> StackId {
        assert!(
            (node.parent.0 as usize) < self.nodes.len(),
            "parent stack is known"
        );
        if let Some(&id) = self.ids.get(&node) {
            return id;
        }
        let id = StackId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 stacks"));
        self.nodes.push(node);
        self.ids.insert(node, id);
        id
    }

    /// The id of `node` if it is known already.
    #[must_use]
    pub fn find(&self, node: StackNode) -> Option<StackId> {
        self.ids.get(&node).copied()
    }

    /// The node with this id; `None` for the root and for strangers.
    #[must_use]
    pub fn get(&self, id: StackId) -> Option<StackNode> {
        if id == StackId::ROOT {
            None
        } else {
            self.nodes.get(id.0 as usize).copied()
        }
    }

    /// All nodes after the root, in order of their ids, which begin at 1.
    #[must_use]
    pub fn nodes(&self) -> &[StackNode] {
        &self.nodes[1..]
    }

    /// Number of stacks, the empty one included: also the first id that is free.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether only the empty stack is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.len() == 1
    }

    /// The frames of a stack from leaf to root.
    pub fn iter_leaf_to_root(&self, stack: StackId) -> impl Iterator<Item = StackNode> + '_ {
        let mut next = stack;
        std::iter::from_fn(move || {
            let node = self.get(next)?;
            next = node.parent;
            Some(node)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stacks_share_an_id_and_parents_come_first() {
        let mut functions = Functions::new();
        let main = functions.intern(&Function {
            name: "main".into(),
            ..Function::default()
        });
        let mut stacks = StackTable::new();
        let outer = stacks.intern(StackNode {
            parent: StackId::ROOT,
            function: main,
            line: 1,
        });
        let inner = stacks.intern(StackNode {
            parent: outer,
            function: main,
            line: 2,
        });
        assert_eq!(
            stacks.intern(StackNode {
                parent: outer,
                function: main,
                line: 2
            }),
            inner
        );
        assert_eq!(
            functions.intern(&Function {
                name: "main".into(),
                ..Function::default()
            }),
            main
        );
        assert!(outer < inner);
        let lines: Vec<u32> = stacks.iter_leaf_to_root(inner).map(|node| node.line).collect();
        assert_eq!(lines, [2, 1]);
    }
}
