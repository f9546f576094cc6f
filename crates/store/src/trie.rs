//! Functions and stacks of one service, as one place holds them.

use pyrometer_model::{Functions, ProfileType, StackTable};

/// The two tables that stack ids refer to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trie {
    pub(crate) functions: Functions,
    pub(crate) stacks: StackTable,
}

/// Where the stacks of a function lie in a trie.
pub(crate) struct Marks {
    /// By stack id: the youngest frame is of the function.
    pub(crate) is_leaf: Vec<bool>,
    /// By stack id: some frame is of the function.
    pub(crate) is_inside: Vec<bool>,
}

impl Trie {
    /// Marks the stacks of the function with this name and file, whatever its first line.
    pub(crate) fn marks(&self, (name, file): (&str, &str)) -> Marks {
        let functions = self.functions.as_slice().iter();
        let wanted: Vec<bool> = functions
            .map(|one| one.name == name && one.file == file)
            .collect();
        let mut marks = Marks {
            is_leaf: vec![false; self.stacks.len()],
            is_inside: vec![false; self.stacks.len()],
        };
        for (node, id) in self.stacks.nodes().iter().zip(1..) {
            let here = wanted.get(node.function.0 as usize).copied().unwrap_or(false);
            marks.is_leaf[id] = here;
            marks.is_inside[id] = here || marks.is_inside[node.parent.0 as usize];
        }
        marks
    }
}

/// Brings a sum of quanta to the unit of its profile type.
pub(crate) fn to_units(quanta: u64, profile_type: ProfileType) -> u64 {
    let kind = pyrometer_model::ProfileKind::Sampler;
    let quantum = kind
        .column_of(profile_type)
        .map_or(1, |column| kind.columns()[column].quantum);
    quanta.saturating_mul(quantum)
}
