//! `pyrometer dump`: the stacks that the target really has.

use serde_json::Value;

use super::{RELEASES, run, script, threads};
use pyrometer_testkit::python::Python;

#[test]
fn every_thread_is_where_it_should_be() {
    for python in Python::find_all(&RELEASES) {
        let target = python.run::<&str>(&script("threads.py"), &[]).unwrap();
        let (code, stdout, stderr) = run(&["dump", "--json", &target.pid().to_string()]);
        assert_eq!(code, 0, "{stderr}");
        let dump: Value = serde_json::from_str(&stdout).unwrap();
        assert!(dump["python"].as_str().unwrap().starts_with(&python.release));
        let ids: Vec<&Value> = dump["threads"]
            .as_array()
            .unwrap()
            .iter()
            .map(|thread| &thread["os_thread_id"])
            .collect();
        let expected: Vec<&Value> = target.ready.as_array().unwrap().iter().collect();
        assert_eq!(ids, expected, "oldest first, with their native ids");
        let names = ["read", "compute", "wait", "wait", "wait"];
        let source = std::fs::read_to_string(script("threads.py")).unwrap();
        let source: Vec<&str> = source.lines().collect();
        let does = [
            "sys.stdin.readline()",
            "number",
            "gate.wait()",
            "gate.wait()",
            "gate.wait()",
        ];
        for (index, (name, does)) in names.into_iter().zip(does).enumerate() {
            let thread = &dump["threads"][index];
            let frames = thread["frames"].as_array().unwrap();
            // Before 3.11 names are not qualified: `threading` has a `wait` too.
            let own = frames
                .iter()
                .filter(|frame| frame["file"].as_str().unwrap().ends_with("/threads.py"));
            let frame = own.into_iter().find(|frame| frame["name"] == name).unwrap();
            let line = frame["line"].as_u64().unwrap() as usize;
            let text = source[line - 1].trim();
            assert!(
                text.contains(does) || name == "compute" && text == "while True:",
                "{name} at {line}: {text}"
            );
        }
        assert_eq!(dump["threads"][0]["state"], "waiting");
    }
}

#[test]
fn text_is_plain_where_nobody_sees_colours() {
    let target = threads();
    let (code, stdout, _) = run(&["dump", &target.pid().to_string()]);
    assert_eq!(code, 0);
    assert!(
        !stdout.contains('\x1b') && stdout.contains("most recent call first"),
        "{stdout}"
    );
    assert_eq!(stdout.matches("Thread ").count(), 5, "{stdout}");
    assert!(
        stdout.contains("    read (") && stdout.contains("threads.py:"),
        "{stdout}"
    );
}
