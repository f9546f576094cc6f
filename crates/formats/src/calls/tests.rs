//! Reports survive being handed over, and hostile bytes are refused.

use super::*;

fn report() -> CallReport {
    let mut profile = CallProfile::default();
    let name = |name: &str| Function {
        name: name.to_owned(),
        file: "app.py".to_owned(),
        line: 7,
    };
    let main = profile.function(&name("main"));
    let main = profile.child(CallProfile::ROOT, main);
    let view = profile.function(&name("view"));
    let view = profile.child(main, view);
    let counts = |calls, self_value| CallCounts {
        calls,
        resumes: 1,
        self_value,
        raw_self: self_value + 3,
    };
    profile.add(main, &counts(1, 10));
    profile.add(view, &counts(4, 30));
    CallReport {
        title: "shop".to_owned(),
        span: Span {
            start: UnixNanos(1_000_000_000),
            end: UnixNanos(3_000_000_000),
        },
        timer: TimerReport {
            requested: "instructions".to_owned(),
            used: "cpu".to_owned(),
            means: "clock".to_owned(),
            why: "no counter".to_owned(),
            unit: "nanoseconds".to_owned(),
            call: (20.0, 10.5),
            ..TimerReport::default()
        },
        threads: vec![ThreadReport {
            name: "MainThread".to_owned(),
            pid: 3,
            os_thread_id: 4,
            profile,
        }],
        ..CallReport::default()
    }
}

#[test]
fn parts_come_back_whole() {
    let back = CallReport::from_parts(&report().to_parts()).unwrap();
    assert_eq!(back.to_parts(), report().to_parts());
    assert_eq!(back.timer, report().timer);
}

#[test]
fn processes_add_up() {
    let mut both = report();
    let mut other = report();
    other.span.end = UnixNanos(9_000_000_000);
    both.add(other);
    let json: Value = serde_json::from_slice(&both.to_json()).unwrap();
    assert_eq!(json["nodes"]["calls"], json!([0, 2, 8]));
    assert_eq!(json["nodes"]["total"], json!([80, 80, 60]));
    assert_eq!(json["total"], 80);
    assert_eq!(json["until"], 9.0);
    assert_eq!(json["threads"].as_array().unwrap().len(), 2);
    assert_eq!(json["timer"]["requested"], "instructions");
    assert_eq!(json["timer"]["calibration_ns"], 30.5);
}

#[test]
fn what_is_no_report_is_refused() {
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"parts": [{}]}"#,
        r#"{"parts": [{"functions": [], "nodes": {"parent": [-1, 5], "function": [0, 0], "calls": [], "resumes": [], "self": [], "raw_self": []}}]}"#,
        r#"{"parts": [{"functions": [{}], "nodes": {"parent": [-1, 0], "function": [0, 9], "calls": [], "resumes": [], "self": [], "raw_self": []}}]}"#,
    ] {
        assert!(CallReport::from_parts(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn every_format_takes_a_report() {
    for name in crate::Format::names() {
        let format = crate::Format::of_name(name).unwrap();
        let bytes = write(&report(), format);
        let text = String::from_utf8_lossy(&bytes);
        assert!(bytes.starts_with(b"\x1f\x8b") || text.contains("view"), "{name}");
    }
    let collapsed = write(&report(), crate::Format::Collapsed);
    assert_eq!(collapsed, b"main 10\nmain;view 30\n");
}

#[test]
fn the_table_says_what_ran_and_is_harmless() {
    let mut report = report();
    let hostile = report.threads[0].profile.function(&Function {
        name: "\u{1b}[2J".to_owned(),
        ..Function::default()
    });
    let node = report.threads[0].profile.child(CallProfile::ROOT, hostile);
    report.threads[0].profile.add(
        node,
        &CallCounts {
            calls: 1,
            self_value: 1,
            ..CallCounts::default()
        },
    );
    let text = table(&report, 2);
    assert!(!text.contains('\u{1b}'));
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[1].contains("view  app.py:7") && lines[2].contains("main  app.py:7"),
        "{text}"
    );
    assert_eq!(lines[3].trim(), "1 more functions");
    assert_eq!(lines[4], "timer: cpu (clock), since no counter");
}
