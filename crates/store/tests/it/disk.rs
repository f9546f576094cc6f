//! What only a store on a disk can meet: another process, a full disk, damage, age.

use std::path::Path;
use std::process::Command;

use pyrometer_model::{Labels, ProfileType};
use pyrometer_store::{Query, Retention, Session, SqliteStore, Store, StoreError};

use crate::fixture::*;

#[test]
fn a_directory_has_one_owner() {
    let directory = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(directory.path()).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    assert!(error.hint().unwrap().contains("--data"), "{error}");
    drop(first);
    SqliteStore::open(directory.path()).unwrap();
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let one = worker("shop", "web-1", 1);
    let store = SqliteStore::open(directory.path()).unwrap();
    put(
        &store,
        &one,
        &[(1, 0, "main 1 1 1"), (2, 86_400, "main;view 2 2 2")],
    );
    let before = store.profile(&Query::all(), ProfileType::Wall).unwrap().tree;
    drop(store);
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(
        store.profile(&Query::all(), ProfileType::Wall).unwrap().tree,
        before
    );
    assert_eq!(store.cursor(&one.incarnation), 2);
    let mut files: Vec<_> = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    files.retain(|name| name.to_string_lossy().ends_with(".sqlite3"));
    files.sort();
    assert_eq!(files, ["2026-11-21.sqlite3", "2026-11-22.sqlite3"]);
}

#[test]
fn the_oldest_days_go_when_bytes_run_out() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let days = |count: u64| {
        (1..=count)
            .map(|day| (day, day * 86_400, "main 1 1 1"))
            .collect::<Vec<_>>()
    };
    put(&store, &worker("shop", "web-1", 1), &days(4));
    let bounded = |max_bytes| Retention {
        max_age_days: None,
        max_bytes: Some(max_bytes),
    };
    assert_eq!(store.retain(at(0), &bounded(u64::MAX)).unwrap(), []);
    let deleted = store.retain(at(0), &bounded(0)).unwrap();
    assert_eq!(deleted.len(), 3, "the newest day stays");
    assert_eq!(
        store
            .profile(&Query::all(), ProfileType::Samples)
            .unwrap()
            .tree
            .grand_total(),
        1
    );
    let left = directory
        .path()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        left.into_iter()
            .all(|name| name == "lock" || name.to_string_lossy().starts_with("2026-11-25"))
    );
}

#[test]
fn a_damaged_file_is_named_and_a_newer_one_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("2026-11-21.sqlite3");
    std::fs::write(&path, "this is no database, however long it may be".repeat(100)).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(error.to_string().contains("2026-11-21.sqlite3"), "{error}");
    std::fs::remove_file(&path).unwrap();
    put(
        &SqliteStore::open(directory.path()).unwrap(),
        &worker("shop", "web-1", 1),
        &[(1, 0, "main 1 1 1")],
    );
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, .. }),
        "{error}"
    );
}

/// A file system of 2 MiB, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not permitted.
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=2m", "pyrometer-test"])
            .arg(directory.path());
        mount.output().ok()?.status.success().then_some(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: mounting a tmpfs is not permitted here, the full disk was NOT tested");
        return;
    };
    let one = worker("shop", "web-1", 1);
    let store = SqliteStore::open(disk.path()).unwrap();
    let mut tables = Tables::default();
    let drawing: String = (0..40).map(|n| format!("main;view_{n} 1 {n} 1\n")).collect();
    let windows: Vec<_> = (1..=200)
        .map(|seq| window(seq, seq * 10, vec![tables.block(Labels::new(), &drawing)]))
        .collect();
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0; 1_100_000]).unwrap();
    let mut session = session(&one, &tables, &windows);
    let mut error = None;
    for window in &windows {
        if let Err(found) = store.append(&mut session, std::slice::from_ref(window)) {
            error = Some(found);
            break;
        }
    }
    let error = error.expect("the disk is too small for all of it");
    assert!(error.is_full(), "{error}");
    let stored = store.cursor(&one.incarnation);
    assert!(stored > 0 && stored < 200, "stored {stored}");
    let samples = |store: &SqliteStore| {
        store
            .profile(&Query::all(), ProfileType::Samples)
            .unwrap()
            .tree
            .grand_total()
    };
    assert_eq!(samples(&store), stored * 40, "what was stored before is whole");

    std::fs::remove_file(&ballast).unwrap();
    store.append(&mut session, &windows).unwrap();
    assert_eq!(samples(&store), 8_000);
    drop(store);
    let store = SqliteStore::open(disk.path()).unwrap();
    assert_eq!((samples(&store), store.cursor(&one.incarnation)), (8_000, 200));
    assert_eq!(store.gaps(&Query::all()).unwrap(), []);
}

#[test]
fn a_disk_that_is_full_from_the_start_still_answers() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: mounting a tmpfs is not permitted here, the full disk was NOT tested");
        return;
    };
    let store = SqliteStore::open(disk.path()).unwrap();
    let ballast = disk.path().join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write(&mut file, &[0; 4096]).is_ok_and(|written| written > 0) {}
    let worker = worker("shop", "web-1", 1);
    let windows = [window(1, 0, vec![])];
    let error = store
        .append(&mut Session::new(worker.clone()), &windows)
        .unwrap_err();
    assert!(error.is_full(), "{error}");
    assert_eq!(store.select(&Query::all()).unwrap(), []);
    // Not by removing it: a child that another test forks just now holds the descriptor until
    // it executes, and the bytes of a removed file with an open descriptor are not free.
    file.set_len(0).unwrap();
    assert_eq!(store.append(&mut Session::new(worker), &windows).unwrap().new, 1);
}
