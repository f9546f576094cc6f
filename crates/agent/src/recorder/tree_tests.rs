//! Trees drawn as text, from events written as text.

use super::*;
use crate::recorder::timer::{External, Opened};
use std::ffi::c_void;

/// A clock that advances by 1 at every reading.
unsafe fn one_more(context: *mut c_void) -> u64 {
    let time = context.cast::<u64>();
    // SAFETY: the context is a leaked number that one thread uses.
    unsafe {
        *time += 1;
        *time
    }
}

fn tree(max_nodes: usize) -> ThreadTree {
    let time: &'static mut u64 = Box::leak(Box::new(0));
    let external = External {
        read: one_more,
        context: std::ptr::from_mut(time).cast(),
    };
    ThreadTree::new(Opened::external(external).meter(), max_nodes)
}

fn key(name: &str) -> Key {
    name.bytes().fold(0, |key, byte| key << 8 | usize::from(byte)) << 4
}

/// `a` calls a, `~a` resumes it, `/a` ends it.
fn play(tree: &mut ThreadTree, events: &str) {
    for event in events.split_whitespace() {
        let name = event.trim_start_matches(['/', '~']);
        let number = u32::from(name.as_bytes()[0]);
        match event.as_bytes()[0] {
            b'/' => tree.leave(key(name)),
            b'~' => tree.enter(key(name), Entry::Resume, || number),
            _ => tree.enter(key(name), Entry::Call, || number),
        }
    }
}

/// `name calls+resumes`, indented by depth, in order of first appearance.
fn drawn(tree: &ThreadTree) -> String {
    fn draw(tree: &ThreadTree, parent: NodeId, depth: usize, out: &mut String) {
        for (id, node) in tree.nodes().iter().enumerate().skip(1) {
            if node.parent == parent {
                let name = char::from_u32(node.function).map_or("(other)".to_owned(), String::from);
                let resumes = if node.resumes > 0 {
                    format!("+{}", node.resumes)
                } else {
                    String::new()
                };
                out.push_str(&format!("{}{name} {}{resumes}\n", "  ".repeat(depth), node.calls));
                draw(tree, id as NodeId, depth + 1, out);
            }
        }
    }
    let mut out = String::new();
    draw(tree, ROOT, 0, &mut out);
    out
}

fn check(events: &str, expected: &str) -> ThreadTree {
    let mut tree = tree(1000);
    play(&mut tree, events);
    let expected: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = expected
        .iter()
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let expected: String = expected
        .iter()
        .map(|line| format!("{}\n", &line[indent..]))
        .collect();
    assert_eq!(drawn(&tree), expected, "{events}");
    tree
}

#[test]
fn calls_stand_under_their_callers() {
    let tree = check(
        "a b /b b c /c /b /a b /b",
        "
        a 1
          b 2
            c 1
        b 1
        ",
    );
    assert_eq!(tree.irregular(), Irregular::default());
    // Each event takes one from the clock, and so does each node that is made.
    assert_eq!(tree.nodes().iter().map(|node| node.raw_self).sum::<i64>(), 10);
}

#[test]
fn recursion_makes_a_node_per_depth() {
    check(
        "a a a /a /a a /a /a",
        "
        a 1
          a 2
            a 1
        ",
    );
}

#[test]
fn a_generator_stands_where_it_is_resumed() {
    let tree = check(
        "a g /g /a b ~g /g ~g /g /b",
        "
        a 1
          g 1
        b 1
          g 0+2
        ",
    );
    assert_eq!(tree.current_key(), None);
}

#[test]
fn an_end_that_was_not_announced_closes_what_is_above() {
    let tree = check(
        "a b c /a d /d",
        "
        a 1
          b 1
            c 1
        d 1
        ",
    );
    assert_eq!(tree.irregular().closed, 2);
}

#[test]
fn an_end_without_a_begin_changes_nothing() {
    let tree = check(
        "/x a /y b /b /a /z",
        "
        a 1
          b 1
        ",
    );
    assert_eq!(tree.irregular().unknown, 3);
}

#[test]
fn beyond_the_bound_calls_fold_and_come_back() {
    let mut tree = tree(3);
    play(&mut tree, "a b c d /d c /c /c e /e /b /a f g /g /f a b /b /a");
    assert_eq!(drawn(&tree), "a 2\n  b 2\n    (other) 4\n(other) 2\n");
    assert_eq!(tree.current_key(), None);
    assert_eq!(tree.irregular().folded, 6);
}

#[test]
fn a_throw_passes_through_awaiters_and_leaves_to_the_thrower() {
    let mut tree = tree(100);
    play(&mut tree, "t");
    let passage = tree.pass_through([(key("o"), u32::from(b'o')), (key("p"), u32::from(b'p'))].into_iter());
    play(&mut tree, "~i");
    tree.end_passage(passage);
    assert_eq!(tree.current_key(), Some(key("i")));
    play(&mut tree, "/i x /x /t");
    assert_eq!(drawn(&tree), "t 1\n  o 0\n    p 0\n      i 0+1\n  x 1\n");
    assert_eq!(tree.irregular(), Irregular::default());
}

#[test]
fn greenlets_keep_their_places() {
    let mut tree = tree(100);
    play(&mut tree, "a b");
    let first = tree.switch(Position::new());
    play(&mut tree, "c");
    let second = tree.switch(first);
    play(&mut tree, "d /d /b");
    let first = tree.switch(second);
    play(&mut tree, "/c");
    tree.switch(first);
    play(&mut tree, "/a");
    assert_eq!(drawn(&tree), "a 1\n  b 1\n    d 1\nc 1\n");
    assert_eq!(
        (tree.current_key(), tree.irregular()),
        (None, Irregular::default())
    );
}

#[test]
fn a_forks_child_starts_at_zero_where_it_is() {
    let mut tree = tree(100);
    play(&mut tree, "a b");
    tree.restart(Meter::Silent);
    play(&mut tree, "c /c /b /a");
    assert_eq!(drawn(&tree), "a 0\n  b 0\n    c 1\n");
}

#[test]
fn many_nodes_keep_apart() {
    let mut tree = tree(100_000);
    for outer in 0..100_usize {
        tree.enter(outer << 4 | 2, Entry::Call, || outer as u32);
        for inner in 0..300_usize {
            tree.enter(inner << 4 | 4, Entry::Call, || inner as u32);
            tree.leave(inner << 4 | 4);
        }
        tree.leave(outer << 4 | 2);
    }
    assert_eq!(tree.nodes().len(), 1 + 100 * 301);
    assert!(tree.nodes()[1..].iter().all(|node| node.calls == 1));
    assert_eq!(tree.irregular(), Irregular::default());
}

#[test]
fn a_meter_that_corrects_itself_takes_back_what_it_counted() {
    // A clock that goes 1000 forward at each reading, once 300 back, and once out of order.
    unsafe fn unsteady(context: *mut c_void) -> u64 {
        let (time, readings) = (context.cast::<u64>(), context.cast::<u64>());
        // SAFETY: the context is a leaked pair of numbers that one thread uses.
        unsafe {
            let count = readings.add(1);
            *count += 1;
            match *count {
                5 => *time -= 300,
                7 => return 0,
                _ => *time += 1000,
            }
            *time
        }
    }
    let pair: &'static mut [u64; 2] = Box::leak(Box::new([1_000_000_000, 0]));
    let external = External {
        read: unsteady,
        context: std::ptr::from_mut(pair).cast(),
    };
    let mut tree = ThreadTree::new(Opened::external(external).meter(), 10);
    // Readings: 1 at first, 2 and 3 for `a`, 4 ends it, 5 and 6 begin and end it again.
    play(&mut tree, "a /a a /a a /a");
    assert_eq!(tree.nodes()[1].raw_self, 1000 + 1000 + 1000);
    assert_eq!(tree.nodes()[0].raw_self, 1000 - 300);
}
