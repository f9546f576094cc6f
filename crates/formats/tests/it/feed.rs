//! The feed: what was encoded is decoded, and nothing else is.

use proptest::prelude::*;
use pyrometer_formats::feed::{Feed, FeedError};
use pyrometer_model::{
    Block, Function, FunctionId, Generation, Incarnation, Labels, ProfileKind, Span, StackId, StackNode,
    UnixNanos, Window, WindowHealth, Worker,
};

/// A worker with `stacks` stacks in each of `windows` windows, numbered from 3.
fn feed(windows: u64, stacks: u32) -> Feed {
    let functions: Vec<Function> = (0..40)
        .map(|n| Function {
            name: format!("Klass.méthod_{n}"),
            file: format!("/app/m{}.py", n % 5),
            line: n,
        })
        .collect();
    let nodes = (1..=stacks).map(|id| StackNode {
        parent: StackId(id / 2),
        function: FunctionId(id % 40),
        line: id,
    });
    let block = Block {
        kind: ProfileKind::Sampler,
        labels: Labels::new(),
        stacks: (1..=stacks).map(StackId).collect(),
        columns: vec![
            vec![3; stacks as usize],
            (0..u64::from(stacks)).collect(),
            vec![100; stacks as usize],
        ],
    };
    Feed {
        worker: Worker {
            incarnation: Incarnation("web-1/42/17".into()),
            pid: 42,
            host: "web-1".into(),
            service: "shop".into(),
            python: "3.12.1".into(),
            labels: Labels::new().with("version", "9c1f2e4"),
            started: UnixNanos(17),
            rate_hz: 100,
        },
        oldest_seq: 3,
        newest_seq: 2 + windows,
        generations: vec![Generation {
            number: 0,
            functions_from: 0,
            functions,
            stacks_from: 1,
            stacks: nodes.collect(),
        }],
        windows: (0..windows)
            .map(|n| Window {
                seq: 3 + n,
                span: Span::new(UnixNanos(n * 10), UnixNanos(n * 10 + 10)),
                generation: 0,
                blocks: vec![block.clone()],
                health: WindowHealth {
                    ticks: 1000,
                    salvaged: n,
                    rate_hz: 100,
                    ..WindowHealth::default()
                },
            })
            .collect(),
    }
}

#[test]
fn an_answer_round_trips() {
    for feed in [feed(0, 0), feed(1, 0), feed(3, 300)] {
        assert_eq!(Feed::decode(&feed.encode()), Ok(feed));
    }
}

#[test]
fn every_truncation_is_refused() {
    let bytes = feed(2, 20).encode();
    for length in 0..bytes.len() {
        assert!(
            Feed::decode(&bytes[..length]).is_err(),
            "cut at {length} of {}",
            bytes.len()
        );
    }
}

#[test]
fn every_flipped_byte_is_refused() {
    let good = feed(2, 20);
    let bytes = good.encode();
    for place in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[place] ^= 0x10;
        // The last bits of a deflate stream may be padding: then the answer is still the same.
        assert!(
            Feed::decode(&bad).map_or(true, |feed| feed == good),
            "byte {place}"
        );
    }
}

#[test]
fn strangers_are_told_apart() {
    assert_eq!(
        Feed::decode(b"<html>hello, I am another server</html>"),
        Err(FeedError::NotAFeed)
    );
    assert_eq!(Feed::decode(b""), Err(FeedError::NotAFeed));
    let mut newer = feed(1, 1).encode();
    newer[4] = 9;
    assert_eq!(Feed::decode(&newer), Err(FeedError::Version(9)));
}

#[test]
fn contradictions_are_refused() {
    let check = |spoil: fn(&mut Feed)| {
        let mut feed = feed(2, 4);
        spoil(&mut feed);
        let answer = Feed::decode(&feed.encode());
        assert!(matches!(answer, Err(FeedError::Malformed(_))), "{answer:?}");
    };
    check(|feed| feed.windows[1].seq = 3);
    check(|feed| feed.oldest_seq = 4);
    check(|feed| feed.generations[0].stacks[0].parent = StackId(1));
    check(|feed| feed.generations[0].stacks[1].function = FunctionId(40));
    check(|feed| feed.windows[0].blocks[0].stacks[1] = StackId(1));
    check(|feed| feed.worker.service.clear());
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut answer = b"PYRF\x01".to_vec();
        answer.extend(bytes);
        prop_assert!(Feed::decode(&answer).is_err());
    }
}
