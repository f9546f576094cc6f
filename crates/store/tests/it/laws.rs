//! Laws over generated input: however windows arrive, the sums are the same.

use proptest::prelude::*;
use pyrometer_model::{Labels, ProfileType, Window};
use pyrometer_store::{MemoryStore, Query, Session, SqliteStore, Steps, Store};

use crate::fixture::*;

/// Windows of one worker: which stack, how much, and how many windows were skipped before it.
fn worlds() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0_u8..6, 1_u8..50, 0_u8..3), 1..14)
}

fn windows(world: &[(u8, u8, u8)], tables: &mut Tables) -> Vec<Window> {
    const PATHS: [&str; 6] = ["", "a", "a;b", "a;b;c", "d;a", "a;a"];
    let mut seq = 0;
    let mut windows = Vec::new();
    for &(path, value, skipped) in world {
        seq += 1 + u64::from(skipped);
        let drawing = format!("{} {value} {} 1", PATHS[path as usize], u64::from(value) * 7);
        let labels = Labels::new().with("task", (value % 2).to_string());
        // Two hours apart, so that a world spans several days.
        windows.push(window(seq, seq * 7200, vec![tables.block(labels, &drawing)]));
    }
    windows
}

fn answers(store: &dyn Store) -> String {
    let steps = Steps {
        from: at(0),
        step_ns: 3_600_000_000_000,
        count: 100,
    };
    let all = "".parse().unwrap();
    let tree = store.profile(&Query::all(), ProfileType::Wall).unwrap().tree;
    let timeline = store
        .timeline(&all, ProfileType::Samples, steps, Some("task"))
        .unwrap();
    let function = store
        .function_timeline(&all, ProfileType::Wall, steps, ("a", "/app.py"))
        .unwrap();
    let mut gaps = store.gaps(&Query::all()).unwrap();
    gaps.sort_by_key(|gap| gap.span.start);
    let worker = store.worker(&worker("shop", "web-1", 1).incarnation).unwrap();
    let series = store.select(&Query::all()).unwrap();
    format!("{tree:?}\n{timeline:?}\n{function:?}\n{gaps:?}\n{worker:?}\n{series:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_split_and_repetition_gives_the_same(
        world in worlds(),
        parts in prop::collection::vec((0_usize..14, any::<bool>()), 0..8),
    ) {
        let one = worker("shop", "web-1", 1);
        let mut tables = Tables::default();
        let windows = windows(&world, &mut tables);
        let whole = MemoryStore::new();
        whole.append(&mut session(&one, &tables, &windows), &windows).unwrap();

        let directory = tempfile::tempdir().unwrap();
        let mut store = SqliteStore::open(directory.path()).unwrap();
        let mut known: Option<Session> = None;
        for (end, restart) in parts {
            if restart {
                drop(store);
                store = SqliteStore::open(directory.path()).unwrap();
                known = None;
            }
            let session = known.get_or_insert_with(|| session(&one, &tables, &windows));
            store.append(session, &windows[..end.min(windows.len())]).unwrap();
        }
        store.append(&mut session(&one, &tables, &windows), &windows).unwrap();
        prop_assert_eq!(answers(&store), answers(&whole));
    }
}
