//! What every backend promises.

use expect_test::{Expect, expect};
use pyrometer_model::{CallTree, Incarnation, Labels, ProfileType, StackId, StackNode};
use pyrometer_store::answer::{label_names, label_values, services};
use pyrometer_store::{Appended, Gap, Misfit, Query, Retention, Session, Steps, Store, StoreError};

use crate::fixture::*;

fn query(selector: &str, from: u64, until: u64) -> Query {
    Query {
        selector: selector.parse().unwrap(),
        span: span(from, until),
    }
}

/// Draws a tree: `self/total`, indented name.
fn draw(tree: &CallTree) -> String {
    let mut depth = vec![0_usize; tree.len()];
    let mut text = String::new();
    for node in 0..tree.len() {
        if node > 0 {
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

fn check_tree(store: &dyn Store, query: &Query, profile_type: ProfileType, expected: &Expect) {
    expected.assert_eq(&draw(&store.profile(query, profile_type).unwrap().tree));
}

/// Two services, three workers, and a window after midnight.
fn fleet(store: &dyn Store) {
    put(
        store,
        &worker("shop", "web-1", 1),
        &[
            (1, 0, "main;view 3 30 20\nmain;query 1 9 0"),
            (2, 10, "main;view 1 10 10"),
            (3, 86_400, "main;view;render 5 50 50"),
        ],
    );
    put(store, &worker("shop", "web-2", 2), &[(1, 0, "main;query 2 20 1")]);
    put(store, &worker("mail", "web-2", 3), &[(1, 5, "loop 7 70 4")]);
}

#[test]
fn trees_are_summed_over_workers_services_and_days() {
    let all = expect![[r#"
        0/19 all
        0/12   main
        4/9     view
        5/5       render
        3/3     query
        7/7   loop
    "#]];
    let first_ten_seconds = expect![[r#"
        0/2500000 all
        0/2100000   main
        2000000/2000000     view
        100000/100000     query
        400000/400000   loop
    "#]];
    let one_host = expect![[r#"
        0/9 all
        7/7   loop
        0/2   main
        2/2     query
    "#]];
    on_every_backend(|store| {
        fleet(store);
        check_tree(store, &query("", 0, 90_000), ProfileType::Samples, &all);
        check_tree(store, &query("", 0, 10), ProfileType::Cpu, &first_ten_seconds);
        check_tree(
            store,
            &query(r#"{host=~"web-2"}"#, 0, 90_000),
            ProfileType::Samples,
            &one_host,
        );
        check_tree(
            store,
            &query(r#"{host="a lie"}"#, 0, 90_000),
            ProfileType::Wall,
            &expect![["0/0 all\n"]],
        );
    });
}

#[test]
fn adjacent_intervals_add_up() {
    on_every_backend(|store| {
        fleet(store);
        let total = |from, until| {
            store
                .profile(&query("", from, until), ProfileType::Wall)
                .unwrap()
                .tree
                .grand_total()
        };
        for cut in [1, 5, 6, 10, 11, 86_400, 86_401] {
            assert_eq!(
                total(0, cut) + total(cut, 90_000),
                total(0, 90_000),
                "cut at {cut}"
            );
        }
    });
}

#[test]
fn appending_again_counts_once() {
    on_every_backend(|store| {
        let worker = worker("shop", "web-1", 1);
        let mut tables = Tables::default();
        let windows: Vec<_> = (1..=4)
            .map(|seq| window(seq, seq * 10, vec![tables.block(Labels::new(), "main 1 2 3")]))
            .collect();
        let mut session = session(&worker, &tables, &windows);
        let appended = |new, already| Appended {
            new,
            already,
            missed: 0,
        };
        assert_eq!(store.append(&mut session, &windows[..2]).unwrap(), appended(2, 0));
        assert_eq!(store.append(&mut session, &windows[..2]).unwrap(), appended(0, 2));
        assert_eq!(store.append(&mut session, &windows).unwrap(), appended(2, 2));
        assert_eq!(store.append(&mut session, &[]).unwrap(), appended(0, 0));
        assert_eq!(store.cursor(&worker.incarnation), 4);
        let stored = store.worker(&worker.incarnation).unwrap().unwrap();
        assert_eq!(
            (stored.windows, stored.missed, stored.last_window),
            (4, 0, at(50))
        );
        assert_eq!((stored.totals.samples, stored.totals.cpu_ns), (4, 1_200_000));
        assert_eq!(stored.worker, worker);
        assert_eq!(store.worker(&Incarnation("nobody".into())).unwrap(), None);
        assert_eq!(store.cursor(&Incarnation("nobody".into())), 0);
    });
}

#[test]
fn missing_windows_are_gaps() {
    on_every_backend(|store| {
        let one = worker("shop", "web-1", 1);
        put(
            store,
            &one,
            &[
                (3, 20, "main 1 1 1"),
                (4, 30, "main 1 1 1"),
                (9, 86_480, "main 1 1 1"),
            ],
        );
        let gap = |from, until, missed| Gap {
            incarnation: one.incarnation.clone(),
            span: span(from, until),
            missed,
        };
        let gaps = |selector, from, until| store.gaps(&query(selector, from, until)).unwrap();
        assert_eq!(gaps("", 0, 90_000), [gap(0, 20, 2), gap(40, 86_480, 4)]);
        assert_eq!(
            gaps("", 40, 50),
            [gap(40, 86_480, 4)],
            "a gap rests on the day after it"
        );
        assert_eq!(gaps("", 20, 40), []);
        assert_eq!(gaps(r#"{service="shop", pid="1"}"#, 0, 10), [gap(0, 20, 2)]);
        assert_eq!(gaps(r#"{service="mail"}"#, 0, 90_000), []);
        assert_eq!(store.worker(&one.incarnation).unwrap().unwrap().missed, 6);
    });
}

#[test]
fn series_have_the_labels_of_process_and_block() {
    on_every_backend(|store| {
        let one = worker("shop", "web-1", 1);
        let mut tables = Tables::default();
        let checkout = Labels::new()
            .with("endpoint", "/checkout")
            .with("service", "a lie")
            .with("version", "8");
        let blocks = vec![
            tables.block(Labels::new(), "main 1 10 1"),
            tables.block(checkout, "main;pay 4 40 30"),
        ];
        let windows = [window(1, 0, blocks)];
        store
            .append(&mut session(&one, &tables, &windows), &windows)
            .unwrap();
        fleet_of_mail(store);

        let series = store.select(&query("", 0, 10)).unwrap();
        let names = [
            "endpoint",
            "host",
            "incarnation",
            "pid",
            "python",
            "service",
            "version",
        ];
        assert_eq!(label_names(&series), names);
        let of = |name: &str| label_values(&series, name, ProfileType::Samples);
        assert_eq!(of("service"), [("mail".to_owned(), 7), ("shop".to_owned(), 5)]);
        assert_eq!(of("version"), [("7".to_owned(), 8), ("8".to_owned(), 4)]);
        assert_eq!(of("endpoint"), [("/checkout".to_owned(), 4)]);
        assert_eq!(of("nothing"), []);
        let services = services(&series);
        assert_eq!(
            services
                .iter()
                .map(|one| (one.name.as_str(), one.workers))
                .collect::<Vec<_>>(),
            [("shop", 1), ("mail", 1)]
        );
        assert_eq!(services[0].totals.cpu_ns, 3_100_000);
        let only = expect![[r#"
            0/4 all
            0/4   main
            4/4     pay
        "#]];
        check_tree(
            store,
            &query(r#"{endpoint!=""}"#, 0, 10),
            ProfileType::Samples,
            &only,
        );
    });
}

fn fleet_of_mail(store: &dyn Store) {
    put(store, &worker("mail", "web-2", 3), &[(1, 5, "loop 7 70 4")]);
}

#[test]
fn timelines_tell_nothing_from_zero() {
    on_every_backend(|store| {
        fleet(store);
        let idle = worker("shop", "web-1", 9);
        put(store, &idle, &[(1, 20, "main 1 1 1")]);
        store
            .append(&mut Session::new(idle.clone()), &[window(2, 30, vec![])])
            .unwrap();
        let steps = Steps {
            from: at(0),
            step_ns: 10_000_000_000,
            count: 5,
        };
        let timeline = |group_by| {
            let all = "".parse().unwrap();
            store
                .timeline(&all, ProfileType::Samples, steps, group_by)
                .unwrap()
                .groups
        };
        let shop = vec![Some(6), Some(1), Some(1), Some(0), None];
        // The mail worker's window reaches from 5 to 15: it starts in one step and covers the next.
        let mail = vec![Some(7), Some(0), None, None, None];
        let by_service = [("mail".to_owned(), mail), ("shop".to_owned(), shop)];
        assert_eq!(timeline(Some("service")), by_service.into_iter().collect());
        let together = vec![Some(13), Some(1), Some(1), Some(0), None];
        assert_eq!(timeline(None), [(String::new(), together)].into_iter().collect());
        let days = Steps {
            from: at(0),
            step_ns: 86_400_000_000_000,
            count: 2,
        };
        let all = "".parse().unwrap();
        let over_midnight = store.timeline(&all, ProfileType::Samples, days, None).unwrap();
        assert_eq!(over_midnight.groups[""], [Some(15), Some(5)]);
    });
}

#[test]
fn a_function_is_followed_over_time() {
    on_every_backend(|store| {
        put(
            store,
            &worker("shop", "web-1", 1),
            &[
                (
                    1,
                    0,
                    "main;walk 1 1 1\nmain;walk;walk 2 2 2\nmain;walk;leaf 4 4 4",
                ),
                (2, 10, "main 9 9 9"),
            ],
        );
        let steps = Steps {
            from: at(0),
            step_ns: 10_000_000_000,
            count: 3,
        };
        let of = |function| {
            let all = "".parse().unwrap();
            store
                .function_timeline(&all, ProfileType::Samples, steps, function)
                .unwrap()
        };
        let walk = of(("walk", "/app.py"));
        assert_eq!(walk.self_values, [Some(3), Some(0), None]);
        assert_eq!(walk.totals, [Some(7), Some(0), None]);
        assert_eq!(of(("walk", "/other.py")).totals, [Some(0), Some(0), None]);
    });
}

#[test]
fn tables_may_come_piece_by_piece() {
    let expected = expect![[r#"
        0/7 all
        0/7   main
        3/7     view
        4/4       render
    "#]];
    on_every_backend(|store| {
        let one = worker("shop", "web-1", 1);
        let mut tables = Tables::default();
        let first = [window(1, 0, vec![tables.block(Labels::new(), "main;view 3 3 3")])];
        let mut session = session(&one, &tables, &first);
        store.append(&mut session, &first).unwrap();
        assert_eq!(session.have(), Some((0, 2, 3)));
        let second = [window(
            2,
            10,
            vec![tables.block(Labels::new(), "main;view;render 4 4 4")],
        )];
        session.accept(&one, tables.since(2, 3), &second).unwrap();
        store.append(&mut session, &second).unwrap();
        check_tree(store, &query("", 0, 20), ProfileType::Samples, &expected);
        // Full tables in another order, as after a restart of either side, mean the same.
        let mut other = Tables::default();
        other.stack("zzz;yyy");
        let again = [window(3, 20, vec![other.block(Labels::new(), "main;view 1 1 1")])];
        session.accept(&one, other.full(), &again).unwrap();
        store.append(&mut session, &again).unwrap();
        let tree = store
            .profile(&query("", 20, 30), ProfileType::Samples)
            .unwrap()
            .tree;
        assert_eq!(
            tree.functions
                .iter()
                .map(|one| one.name.as_str())
                .collect::<Vec<_>>(),
            ["all", "main", "view"]
        );
    });
}

#[test]
fn what_does_not_fit_changes_nothing() {
    let one = worker("shop", "web-1", 1);
    let mut tables = Tables::default();
    let good = window(1, 0, vec![tables.block(Labels::new(), "main;view 3 3 3")]);
    let mut session = session(&one, &tables, std::slice::from_ref(&good));
    let have = session.have();
    let mut check = |spoil: &dyn Fn(&mut pyrometer_model::Window), expected: &str| {
        let mut bad = good.clone();
        spoil(&mut bad);
        let error = session.accept(&one, vec![], &[bad]).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(session.have(), have);
    };
    check(
        &|bad| bad.blocks[0].stacks[0] = StackId(3),
        "window 1 refers to stacks that were not delivered",
    );
    check(
        &|bad| bad.generation = 7,
        "window 1 refers to stacks that were not delivered",
    );
    check(
        &|bad| bad.blocks.push(bad.blocks[0].clone()),
        "window 1: a label set stands twice",
    );
    check(&|bad| bad.span.end.0 = u64::MAX, "window 1: its time cannot be");
    check(&|bad| bad.seq = 0, "window 0: its number cannot be");
    check(
        &|bad| bad.blocks[0].columns[1].clear(),
        "window 1: its columns are not equally long",
    );
    check(
        &|bad| bad.blocks[0].columns[2][0] = u64::MAX,
        "window 1: its sums cannot be",
    );
    let holes = tables.since(1, 2).into_iter().map(|mut tables| {
        tables.functions_from = 5;
        tables
    });
    let error = session.accept(&one, holes.collect(), &[]).unwrap_err();
    assert_eq!(error, Misfit::Tables { generation: 0 });
    let mut strange = tables.full();
    strange[0].stacks.push(StackNode {
        parent: StackId(1),
        function: NOWHERE,
        line: 1,
    });
    assert_eq!(
        session.accept(&one, strange, &[]),
        Err(Misfit::Tables { generation: 0 })
    );
    let twice = session
        .accept(&one, vec![], &[good.clone(), good.clone()])
        .unwrap_err();
    assert_eq!(twice.to_string(), "window 1: it does not follow the one before");
    let other = worker("shop", "web-1", 2);
    assert!(matches!(
        session.accept(&other, vec![], &[]),
        Err(Misfit::Incarnation(_))
    ));
    on_every_backend(|store| {
        let unchecked = store.append(&mut Session::new(one.clone()), std::slice::from_ref(&good));
        assert!(matches!(unchecked, Err(StoreError::UnknownStack { seq: 1 })));
        assert_eq!(store.cursor(&one.incarnation), 0);
        assert_eq!(store.worker(&one.incarnation).unwrap(), None);
    });
}

#[test]
fn old_days_are_deleted_by_age() {
    on_every_backend(|store| {
        fleet(store);
        let keep = |days| Retention {
            max_age_days: Some(days),
            max_bytes: None,
        };
        assert_eq!(store.retain(at(2 * 86_400), &keep(2)).unwrap(), []);
        let deleted = store.retain(at(2 * 86_400), &keep(1)).unwrap();
        assert_eq!(
            deleted.iter().map(|day| day.name()).collect::<Vec<_>>(),
            ["2026-11-21"]
        );
        let left = store.profile(&Query::all(), ProfileType::Samples).unwrap().tree;
        assert_eq!(left.grand_total(), 5);
        let one = Incarnation("web-1/1/1".into());
        assert_eq!(store.worker(&one).unwrap().unwrap().windows, 1);
        assert_eq!(store.cursor(&one), 3);
    });
}
