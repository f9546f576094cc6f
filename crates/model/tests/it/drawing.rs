//! Call trees as indented text, so that a test shows what it means.
//!
//! One line per node: its self value, then two spaces of indent per depth, then the name.

use pyrometer_model::tree::NO_PARENT;
use pyrometer_model::{CallTree, Function, TreeBuilder};

/// Builds a tree from its drawing.
pub(crate) fn parse(drawing: &str) -> CallTree {
    let mut builder = TreeBuilder::new();
    let mut path: Vec<(usize, u32)> = Vec::new();
    for line in drawing.lines().filter(|line| !line.trim().is_empty()) {
        let line = line.trim_start();
        let (value, rest) = line.split_once(' ').expect("a value and a name");
        let indent = rest.len() - rest.trim_start().len();
        while path.last().is_some_and(|&(depth, _)| depth >= indent) {
            path.pop();
        }
        let parent = path.last().map_or(TreeBuilder::ROOT, |&(_, node)| node);
        let function = Function {
            name: rest.trim().to_owned(),
            ..Function::default()
        };
        let function = builder.function(&function);
        let node = builder.child(parent, function);
        builder.add_self(node, value.parse().expect("a number"));
        path.push((indent, node));
    }
    builder.finish()
}

/// Draws a tree: `self/total`, indented name.
pub(crate) fn draw(tree: &CallTree) -> String {
    let mut depth = vec![0_usize; tree.len()];
    let mut text = String::new();
    for node in 0..tree.len() {
        if tree.parent[node] != NO_PARENT {
            depth[node] = depth[tree.parent[node] as usize] + 1;
        }
        let name = &tree.functions[tree.function[node] as usize].name;
        let indent = "  ".repeat(depth[node]);
        text.push_str(&format!(
            "{}/{} {indent}{name}\n",
            tree.self_value[node], tree.total[node]
        ));
    }
    text
}
