//! A failure between the transactions of two days, which nothing outside can time.

use pyrometer_model::{Incarnation, ProfileType, Span, UnixNanos, Window, Worker};

use super::{SqliteStore, locked};
use crate::day::NANOS_PER_DAY;
use crate::{Day, Query, Session, Store};

#[test]
fn a_failure_between_two_days_leaves_a_prefix() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let worker = Worker {
        incarnation: Incarnation("a/1/1".into()),
        service: "shop".into(),
        ..Worker::default()
    };
    let windows: Vec<Window> = (1..=6)
        .map(|seq| {
            let start = UnixNanos(20_000 * NANOS_PER_DAY + seq * NANOS_PER_DAY / 2);
            Window {
                seq,
                span: Span::new(start, UnixNanos(start.0 + 10)),
                ..Window::default()
            }
        })
        .collect();
    let stored = |store: &SqliteStore| {
        store
            .worker(&worker.incarnation)
            .unwrap()
            .map_or(0, |one| one.windows)
    };
    let mut session = Session::new(worker.clone());

    *locked(&store.fail_on) = Some(Day(20_002));
    assert!(store.append(&mut session, &windows).is_err());
    assert_eq!((stored(&store), store.cursor(&worker.incarnation)), (3, 3));
    // The process ends here; the next one asks from the cursor on, or for everything again.
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!((stored(&store), store.cursor(&worker.incarnation)), (3, 3));
    let appended = store.append(&mut Session::new(worker.clone()), &windows).unwrap();
    assert_eq!((appended.new, appended.already, appended.missed), (3, 3, 0));
    assert_eq!(stored(&store), 6);
    assert!(store.gaps(&Query::all()).unwrap().is_empty());
    assert!(
        store
            .profile(&Query::all(), ProfileType::Cpu)
            .unwrap()
            .tree
            .is_empty()
    );
}
