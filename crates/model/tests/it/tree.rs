//! Merge commutes and associates; pruning keeps totals; recursion is counted once.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use pyrometer_model::{CallTree, Function, TreeBuilder};

use crate::drawing::{draw, parse};

fn check_prune(max_nodes: usize, drawing: &str, expected: Expect) {
    expected.assert_eq(&draw(&parse(drawing).prune(max_nodes)));
}

fn merge(trees: &[&CallTree]) -> CallTree {
    let mut builder = TreeBuilder::new();
    trees.iter().for_each(|tree| builder.add_tree(tree));
    builder.finish()
}

#[test]
fn pruning_folds_small_nodes_into_other() {
    check_prune(
        4,
        "
        0 main
        0   view
        9     render
        1     query
        1     sign
        2   log
        ",
        expect![[r#"
            0/13 all
            0/13   main
            0/11     view
            9/9       render
            2/2       (other)
            2/2     (other)
        "#]],
    );
}

#[test]
fn a_recursive_function_is_counted_once() {
    let tree = parse(
        "
        1 walk
        2   walk
        4     leaf
        8 leaf
        ",
    );
    let values = tree.by_function();
    let of = |name: &str| values[tree.functions.iter().position(|f| f.name == name).unwrap()];
    assert_eq!((of("walk").self_value, of("walk").total), (3, 7));
    assert_eq!((of("leaf").self_value, of("leaf").total), (12, 12));
    assert_eq!(of("all").total, 15);
}

#[test]
fn an_empty_tree_is_a_root() {
    let tree = TreeBuilder::new().finish();
    assert!(tree.is_empty());
    assert_eq!(draw(&tree.prune(0)), "0/0 all\n");
}

/// Trees of up to 40 paths, 6 deep, over 5 functions: small enough to collide often.
fn trees() -> impl Strategy<Value = CallTree> {
    let path = prop::collection::vec(0_u8..5, 0..6);
    prop::collection::vec((path, 0_u64..100), 0..40).prop_map(|paths| {
        let mut builder = TreeBuilder::new();
        for (path, value) in paths {
            let mut node = TreeBuilder::ROOT;
            for step in path {
                let function = Function {
                    name: format!("f{step}"),
                    ..Function::default()
                };
                let function = builder.function(&function);
                node = builder.child(node, function);
            }
            builder.add_self(node, value);
        }
        builder.finish()
    })
}

proptest! {
    #[test]
    fn merging_commutes_and_associates(a in trees(), b in trees(), c in trees()) {
        prop_assert_eq!(draw(&merge(&[&a, &b])), draw(&merge(&[&b, &a])));
        let left = merge(&[&merge(&[&a, &b]), &c]);
        let right = merge(&[&a, &merge(&[&b, &c])]);
        prop_assert_eq!(draw(&left), draw(&right));
    }

    #[test]
    fn pruning_keeps_the_total_and_bounds_the_nodes(tree in trees(), max_nodes in 0_usize..60) {
        let pruned = tree.prune(max_nodes);
        prop_assert_eq!(pruned.grand_total(), tree.grand_total());
        prop_assert_eq!(pruned.self_value.iter().sum::<u64>(), tree.grand_total());
        prop_assert!(pruned.len() <= tree.len());
    }

    #[test]
    fn totals_are_self_plus_children(tree in trees()) {
        let mut sums = tree.self_value.clone();
        for node in (1..tree.len()).rev() {
            prop_assert!(tree.parent[node] < node as u32);
            sums[tree.parent[node] as usize] += sums[node];
        }
        prop_assert_eq!(sums, tree.total);
    }
}
