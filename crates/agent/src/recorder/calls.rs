//! From the trees of threads to one profile: functions by name, own cost taken out, own frames left out.

use pyrometer_model::{CallProfile, Function};

use super::cost::Costs;
use super::tree::{Irregular, ThreadTree};

/// What the extension knows of a function that nodes refer to by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Name, file and line.
    pub function: Function,
    /// Whether it is the profiler's own: what it calls stands under its caller.
    pub is_own: bool,
}

/// What one thread did.
#[derive(Clone, Debug)]
pub struct ThreadCalls {
    /// Name of the thread.
    pub name: String,
    /// OS thread id.
    pub os_thread_id: u32,
    /// Its tree.
    pub profile: CallProfile,
    /// What needed care.
    pub irregular: Irregular,
}

/// The profile of one tree. Nodes of numbers that are not known are `(other)`.
#[must_use]
pub fn profile(tree: &ThreadTree, functions: &[Known], costs: &Costs) -> CallProfile {
    let nodes = tree.nodes();
    let costs = costs.scaled(costs.factor(tree.probes()));
    let mut profile = CallProfile::default();
    let other = Function::other();
    let mut places = vec![CallProfile::ROOT; nodes.len()];
    for (index, (node, counts)) in nodes.iter().zip(costs.correct(nodes)).enumerate() {
        if index > 0 {
            let known = functions.get(node.function as usize);
            let parent = places[node.parent as usize];
            if known.is_some_and(|known| known.is_own) {
                places[index] = parent;
                continue;
            }
            let function = profile.function(known.map_or(&other, |known| &known.function));
            places[index] = profile.child(parent, function);
        }
        profile.add(places[index], &counts);
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::timer::Meter;
    use crate::recorder::tree::Entry;

    #[test]
    fn own_frames_are_left_out_and_the_unknown_is_other() {
        let mut tree = ThreadTree::new(Meter::Silent, 3);
        for (key, number) in [(16, 0), (32, 1), (48, 2)] {
            tree.enter(key, Entry::Call, || number);
        }
        let known = |name: &str, is_own| Known {
            function: Function {
                name: name.to_owned(),
                ..Function::default()
            },
            is_own,
        };
        let functions = [
            known("main", false),
            known("__enter__", true),
            known("view", false),
        ];
        let profile = profile(&tree, &functions, &Costs::default());
        let names: Vec<&str> = profile.functions().iter().map(|f| f.name.as_str()).collect();
        assert_eq!(names, ["all", "main", "(other)"]);
        let parents: Vec<u32> = profile.nodes()[1..].iter().map(|node| node.parent).collect();
        assert_eq!(parents, [0, 1]);
        assert_eq!(profile.total_calls(), 2);
    }
}
