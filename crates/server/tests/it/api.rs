//! Answers through the real router, from a store with known content.

use std::path::Path;

use expect_test::{Expect, expect};
use pyrometer_model::{
    Block, Function, Functions, Generation, Incarnation, Labels, ProfileKind, Span, StackId, StackNode,
    StackTable, UnixNanos, Window, Worker,
};
use pyrometer_server::Config;
use pyrometer_store::{Session, SqliteStore, Store};
use serde_json::Value;

use crate::http::{Running, get};
use crate::schema;

/// 2026-11-21 12:00:00 UTC.
const NOON: u64 = 1_795_262_400;

/// Two workers of `shop`, one of `mail`; a gap of two windows in the first.
fn fill(data: &Path) {
    let store = SqliteStore::open(data).unwrap();
    put(
        &store,
        "shop",
        1,
        &[1, 2, 5],
        &[
            ("main;view", [30, 3000, 2000]),
            ("main;view;query", [10, 1000, 10]),
        ],
    );
    put(
        &store,
        "shop",
        2,
        &[1],
        &[("main;view;query", [60, 6000, 500]), ("main;main", [1, 100, 100])],
    );
    put(&store, "mail", 3, &[1, 2], &[("loop", [5, 500, 4])]);
}

fn put(store: &SqliteStore, service: &str, pid: u32, seqs: &[u64], rows: &[(&str, [u64; 3])]) {
    let (mut functions, mut stacks) = (Functions::new(), StackTable::new());
    let ids: Vec<StackId> = rows
        .iter()
        .map(|(path, _)| {
            path.split(';').fold(StackId::ROOT, |parent, name| {
                let function = functions.intern(&Function {
                    name: name.into(),
                    file: "/app.py".into(),
                    line: name.len() as u32,
                });
                stacks.intern(StackNode {
                    parent,
                    function,
                    line: 1,
                })
            })
        })
        .collect();
    let worker = Worker {
        incarnation: Incarnation(format!("web-1/{pid}/1")),
        pid,
        host: format!("web-{}", pid % 2),
        service: service.into(),
        python: "3.12.1".into(),
        labels: Labels::new().with("version", pid.to_string()),
        started: UnixNanos(NOON * 1_000_000_000),
        rate_hz: 100,
    };
    let windows: Vec<Window> = seqs
        .iter()
        .map(|&seq| {
            let at = |second: u64| UnixNanos((NOON + second * 10) * 1_000_000_000);
            let columns = (0..3)
                .map(|column| rows.iter().map(|(_, values)| values[column]).collect())
                .collect();
            let block = Block {
                kind: ProfileKind::Sampler,
                labels: Labels::new(),
                stacks: ids.clone(),
                columns,
            };
            Window {
                seq,
                span: Span::new(at(seq - 1), at(seq)),
                blocks: vec![block],
                ..Window::default()
            }
        })
        .collect();
    let tables = Generation {
        number: 0,
        functions_from: 0,
        functions: functions.as_slice().to_vec(),
        stacks_from: 1,
        stacks: stacks.nodes().to_vec(),
    };
    let mut session = Session::new(worker.clone());
    session.accept(&worker, vec![tables], &windows).unwrap();
    store.append(&mut session, &windows).unwrap();
}

struct Filled {
    server: Running,
    _base: tempfile::TempDir,
}

fn filled() -> Filled {
    let base = tempfile::tempdir().unwrap();
    fill(&base.path().join("data"));
    Filled {
        server: Running::start(Config::new(base.path().join("data"))),
        _base: base,
    }
}

/// `path` with `{noon}` and `{+60}` replaced by unix seconds.
fn at_noon(path: &str) -> String {
    let later = |seconds: u64| (NOON + seconds).to_string();
    path.replace("{noon}", &later(0)).replace("{+60}", &later(60))
}

fn check(filled: &Filled, path: &str, expected: Expect) {
    expected.assert_eq(&filled.server.json(&at_noon(path)).to_string());
}

#[test]
fn answers_are_as_written() {
    let filled = filled();
    let interval = "from={noon}&until={+60}";
    let samples = "type=wall:samples:count:wall:nanoseconds";
    check(
        &filled,
        &format!("/api/v1/services?{interval}"),
        expect![[
            r#"{"services":[{"cores":0.01105,"name":"shop","samples":181,"workers":2},{"cores":0.000013333333333333332,"name":"mail","samples":10,"workers":1}]}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/labels?{interval}"),
        expect![[r#"{"labels":["host","incarnation","pid","python","service","version"]}"#]],
    );
    check(
        &filled,
        &format!("/api/v1/labels/service/values?{interval}&{samples}"),
        expect![[r#"{"values":[{"total":181,"value":"shop"},{"total":10,"value":"mail"}]}"#]],
    );
    check(
        &filled,
        "/api/v1/profile_types",
        expect![[
            r#"{"profile_types":[{"id":"process_cpu:cpu:nanoseconds:cpu:nanoseconds","name":"CPU time","unit":"nanoseconds"},{"id":"wall:wall:nanoseconds:wall:nanoseconds","name":"Wall time","unit":"nanoseconds"},{"id":"wall:wait:nanoseconds:wall:nanoseconds","name":"Waiting tasks","unit":"nanoseconds"},{"id":"wall:samples:count:wall:nanoseconds","name":"Samples","unit":"count"}]}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/flamegraph?{interval}&{samples}"),
        expect![[
            r#"{"from":1795262400.0,"functions":[{"file":"","line":0,"name":"all"},{"file":"/app.py","line":4,"name":"main"},{"file":"/app.py","line":4,"name":"view"},{"file":"/app.py","line":5,"name":"query"},{"file":"/app.py","line":4,"name":"loop"}],"gaps":[[1795262420.0,1795262440.0]],"hosts":2,"nodes":{"function":[0,1,2,3,1,4],"parent":[-1,0,1,2,1,0],"self":[0,0,90,90,1,10],"total":[191,181,180,90,1,10]},"profile_type":"wall:samples:count:wall:nanoseconds","samples":191,"total":191,"unit":"count","until":1795262460.0,"workers":3}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/flamegraph?{interval}&{samples}&max_nodes=2"),
        expect![[
            r#"{"from":1795262400.0,"functions":[{"file":"","line":0,"name":"all"},{"file":"/app.py","line":4,"name":"main"},{"file":"","line":0,"name":"(other)"}],"gaps":[[1795262420.0,1795262440.0]],"hosts":2,"nodes":{"function":[0,1,2,2],"parent":[-1,0,1,0],"self":[0,0,181,10],"total":[191,181,181,10]},"profile_type":"wall:samples:count:wall:nanoseconds","samples":191,"total":191,"unit":"count","until":1795262460.0,"workers":3}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/table?{interval}&{samples}&query=%7Bservice%3D%22shop%22%7D"),
        expect![[
            r#"{"from":1795262400.0,"functions":[{"file":"/app.py","line":4,"name":"view","self":90,"total":180},{"file":"/app.py","line":5,"name":"query","self":90,"total":90},{"file":"/app.py","line":4,"name":"main","self":1,"total":181}],"profile_type":"wall:samples:count:wall:nanoseconds","samples":181,"total":181,"unit":"count","until":1795262460.0}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/timeline?{interval}&step=10s&group_by=service"),
        expect![[
            r#"{"from":1795262400.0,"gaps":[[1795262420.0,1795262440.0]],"group_by":"service","profile_type":"process_cpu:cpu:nanoseconds:cpu:nanoseconds","series":[{"labels":{"service":"mail"},"values":[400000,400000,null,null,null,null]},{"labels":{"service":"shop"},"values":[261000000,201000000,null,null,201000000,null]}],"step":10.0,"unit":"nanoseconds","until":1795262460.0}"#
        ]],
    );
    check(
        &filled,
        &format!("/api/v1/functions/timeline?{interval}&step=20&{samples}&function=main&file=/app.py"),
        expect![[
            r#"{"from":1795262400.0,"self":[1,null,0],"step":20.0,"total":[141,null,40],"until":1795262460.0}"#
        ]],
    );
    check(
        &filled,
        "/api/v1/workers",
        expect![[
            r#"{"collected":1.0,"collector":{"hint":null,"reason":null,"state":"collecting"},"workers":[]}"#
        ]],
    );
}

#[test]
fn every_answer_fits_its_schema() {
    let filled = filled();
    let document = filled.server.json("/api/v1/openapi.json");
    let resources = document["paths"].as_object().unwrap();
    let mut checked = 0;
    for (path, methods) in resources {
        let mut url = at_noon(&path.replace("{name}", "service"));
        let parameters = methods["get"]["parameters"].as_array().unwrap();
        let value = |name: &str| match name {
            "from" => Some(at_noon("{noon}")),
            "until" => Some(at_noon("{+60}")),
            "group_by" => Some("host".to_owned()),
            "function" => Some("main".to_owned()),
            "file" => Some("/app.py".to_owned()),
            _ => None,
        };
        for (index, parameter) in parameters.iter().filter(|one| one["in"] == "query").enumerate() {
            let name = parameter["name"].as_str().unwrap();
            let value = value(name).unwrap_or_default();
            url.push_str(&format!("{}{name}={value}", if index == 0 { '?' } else { '&' }));
        }
        let answer = filled.server.get(&url);
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
        let schema = &methods["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if schema.is_object() {
            schema::check(schema, &answer.json(), path).unwrap();
            checked += 1;
        }
        if !parameters.is_empty() {
            let error = filled.server.get(&format!(
                "{}?nonsense=1",
                at_noon(&path.replace("{name}", "service"))
            ));
            assert_eq!(error.status, 400, "{path}");
            schema::check(&document["components"]["schemas"]["Error"], &error.json(), path).unwrap();
        }
    }
    assert_eq!(
        checked,
        resources.len() - 1,
        "every resource but the export has a schema"
    );
}

#[test]
fn totals_agree_between_resources() {
    let filled = filled();
    let of = |path: &str| filled.server.json(&at_noon(path));
    for id in [
        "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
        "wall:samples:count:wall:nanoseconds",
    ] {
        let common = format!("from={{noon}}&until={{+60}}&type={id}");
        let total = of(&format!("/api/v1/flamegraph?{common}"))["total"]
            .as_u64()
            .unwrap();
        let sum = |value: &Value, name: &str| -> u64 {
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one[name].as_u64().unwrap())
                .sum()
        };
        assert!(total > 0);
        assert_eq!(
            sum(&of(&format!("/api/v1/table?{common}"))["functions"], "self"),
            total
        );
        assert_eq!(
            sum(
                &of(&format!("/api/v1/labels/host/values?{common}"))["values"],
                "total"
            ),
            total
        );
        let timeline = of(&format!("/api/v1/timeline?{common}&group_by=version"));
        let values = timeline["series"].as_array().unwrap().iter();
        let values = values.flat_map(|series| series["values"].as_array().unwrap());
        assert_eq!(values.filter_map(Value::as_u64).sum::<u64>(), total);
        let pruned = of(&format!("/api/v1/flamegraph?{common}&max_nodes=1"));
        assert_eq!(pruned["total"].as_u64(), Some(total));
    }
}

#[test]
fn bad_questions_are_answered_with_advice() {
    let filled = filled();
    let check = |question: &str, code: &str, message: &str, hint: &str| {
        let answer = filled.server.get(&format!("/api/v1/{question}"));
        let error = &answer.json()["error"];
        assert_eq!(
            (answer.status, error["code"].as_str()),
            (400, Some(code)),
            "{question}: {error}"
        );
        assert!(
            error["message"].as_str().unwrap().contains(message),
            "{question}: {error}"
        );
        assert!(
            error["hint"].as_str().unwrap().contains(hint),
            "{question}: {error}"
        );
    };
    check(
        "flamegraph?querry=%7B%7D",
        "unknown_parameter",
        "\"querry\"",
        "did you mean query?",
    );
    check(
        "profile_types?x=1",
        "unknown_parameter",
        "\"x\"",
        "has no parameters",
    );
    check(
        "table?from=1&from=2",
        "repeated_parameter",
        "from stands twice",
        "once",
    );
    check(
        "flamegraph?query=%7Ba%3Db%7D",
        "bad_selector",
        "at character 4",
        "service=\"shop\"",
    );
    check(
        "flamegraph?type=process_cpu:cpu:nanoseconds",
        "unknown_profile_type",
        "unknown",
        "did you mean process_cpu",
    );
    check("flamegraph?from=yesterday", "bad_time", "yesterday", "now-15m");
    check(
        "flamegraph?from=now&until=now-1h",
        "empty_interval",
        "not before",
        "swap",
    );
    check("flamegraph?max_nodes=0", "bad_max_nodes", "max_nodes", "from 1");
    check("timeline?step=soon", "bad_step", "soon", "30s");
    check(
        "timeline?from=now-7d&step=10",
        "too_many_points",
        "2000",
        "step=600s",
    );
    check(
        "functions/timeline?file=x",
        "missing_parameter",
        "function is missing",
        "add function",
    );
    check("export?format=pdf", "unknown_format", "pdf", "collapsed");
    let answer = filled.server.get("/api/v1/nothing");
    assert_eq!(
        (answer.status, answer.json()["error"]["code"].as_str()),
        (404, Some("not_found"))
    );
}

#[test]
fn exports_are_files() {
    let filled = filled();
    let export = |format: &str| {
        let path = "/api/v1/export?from={noon}&until={+60}&type=wall:samples:count:wall:nanoseconds&format=";
        filled.server.get(&at_noon(&format!("{path}{format}")))
    };
    let collapsed = export("collapsed");
    let name = format!(
        "attachment; filename=\"pyrometer-{NOON}-{}.collapsed\"",
        NOON + 60
    );
    assert_eq!(collapsed.header("content-disposition"), Some(name.as_str()));
    expect![[r#"
        main;view 90
        main;view;query 90
        main;main 1
        loop 10
    "#]]
    .assert_eq(&collapsed.text());
    assert_eq!(export("json").json()["total"], 191);
    assert_eq!(export("pprof").body[..2], [0x1f, 0x8b]);
}

#[test]
fn answers_are_compressed_for_those_who_ask() {
    let filled = filled();
    let path = "/api/v1/openapi.json";
    let packed = get(filled.server.address, path, &[("Accept-Encoding", "br, gzip")]);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut text).unwrap();
    assert_eq!(text, filled.server.get(path).text());
    let timed = filled.server.get("/api/v1/profile_types");
    assert!(timed.header("server-timing").unwrap().starts_with("query;dur="));
}
