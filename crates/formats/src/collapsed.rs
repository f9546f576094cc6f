//! Collapsed stacks: one `root;child;leaf COUNT` line per stack. Lossy: no files, no lines.

use std::fmt::Write;

use pyrometer_model::CallTree;

/// Writes the tree root-first, one line per call node with a self value.
///
/// `;` and line breaks inside names become `:` and a space, since the format cannot hold them.
#[must_use]
pub fn write(tree: &CallTree) -> String {
    let mut text = String::new();
    let mut path: Vec<u32> = Vec::new();
    if tree.self_value[0] > 0 {
        writeln!(text, "{} {}", tree.functions[0].name, tree.self_value[0]).expect("writing to a string");
    }
    for node in 1..tree.len() as u32 {
        while path.last().is_some_and(|&top| tree.parent[node as usize] != top) {
            path.pop();
        }
        path.push(node);
        let value = tree.self_value[node as usize];
        if value > 0 {
            for (depth, &step) in path.iter().enumerate() {
                let function = &tree.functions[tree.function[step as usize] as usize];
                let separator = if depth == 0 { "" } else { ";" };
                write!(text, "{separator}{}", clean(&function.name)).expect("writing to a string");
            }
            writeln!(text, " {value}").expect("writing to a string");
        }
    }
    text
}

fn clean(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c == ';' {
                ':'
            } else if c.is_control() {
                ' '
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrometer_model::{Function, TreeBuilder};

    #[test]
    fn every_self_value_is_a_line_and_hostile_names_are_harmless() {
        let mut builder = TreeBuilder::new();
        let mut node = TreeBuilder::ROOT;
        for (name, value) in [("main", 0), ("<genexpr>;\nrm", 3), ("leaf", 4)] {
            let function = builder.function(&Function {
                name: name.into(),
                ..Function::default()
            });
            node = builder.child(node, function);
            builder.add_self(node, value);
        }
        let second = builder.function(&Function {
            name: "second".into(),
            ..Function::default()
        });
        let second = builder.child(TreeBuilder::ROOT, second);
        builder.add_self(second, 1);
        assert_eq!(
            write(&builder.finish()),
            "main;<genexpr>: rm 3\nmain;<genexpr>: rm;leaf 4\nsecond 1\n"
        );
    }
}
