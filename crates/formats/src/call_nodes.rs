//! Call nodes of a recording: stacks with their lines merged, as formats with a table of nodes want.

use std::collections::HashMap;

use pyrometer_model::{FunctionId, StackId};

use crate::recording::Recording;

/// Nodes with their parents first.
pub(crate) struct CallNodes {
    /// Parent (`None` for a root frame) and function.
    pub(crate) nodes: Vec<(Option<u32>, FunctionId)>,
    of_stack: Vec<Option<u32>>,
}

impl CallNodes {
    pub(crate) fn of(recording: &Recording) -> Self {
        let mut nodes = Vec::new();
        let mut known = HashMap::new();
        let mut of_stack = vec![None];
        for node in recording.stacks.nodes() {
            let key = (of_stack[node.parent.0 as usize], node.function);
            let number = *known.entry(key).or_insert_with(|| {
                nodes.push(key);
                (nodes.len() - 1) as u32
            });
            of_stack.push(Some(number));
        }
        Self { nodes, of_stack }
    }

    /// The node of a stack; `None` for the empty one.
    pub(crate) fn node(&self, stack: StackId) -> Option<u32> {
        self.of_stack.get(stack.0 as usize).copied().flatten()
    }

    /// The nodes from the root to this one.
    pub(crate) fn path(&self, node: Option<u32>) -> Vec<u32> {
        let parent_of = |node: &u32| self.nodes[*node as usize].0;
        let mut path: Vec<u32> = std::iter::successors(node, parent_of).collect();
        path.reverse();
        path
    }
}
