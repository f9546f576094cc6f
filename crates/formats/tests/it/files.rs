//! Every file format, read back by what its readers rely on.

use pyrometer_formats::{Format, Recording, Run, Thread};
use pyrometer_model::{Function, ProfileType, Span, StackId, UnixNanos};
use serde_json::Value;

const MS: u64 = 1_000_000;

/// Two threads: one that calls and waits, one that computes in a function with a hostile name.
fn recording() -> Recording {
    let mut recording = Recording {
        title: "a<b>.py".into(),
        span: Span::new(UnixNanos(1_000_000_000), UnixNanos(1_100_000_000)),
        period_ns: 10 * MS,
        ..Recording::default()
    };
    let function = |name: &str, line| Function {
        name: name.into(),
        file: "/srv/app.py".into(),
        line,
    };
    let main = recording.stack(StackId::ROOT, &function("main", 1), 2);
    let wait = recording.stack(main, &function("wait", 5), 6);
    let hostile = recording.stack(main, &function("</script><b>\"&;\n\u{1b}", 9), 10);
    for (pid, name) in [(7, "MainThread"), (8, "worker")] {
        let thread = Thread {
            pid: 7,
            os_thread_id: pid,
            process: "app.py".into(),
            name: name.into(),
        };
        recording.threads.push(thread);
    }
    let mut run = |thread, stack, is_executing, start, end| {
        recording.runs.push(Run {
            thread,
            stack,
            is_executing,
            start_ns: start * MS,
            end_ns: end * MS,
            samples: (end - start) / 10,
        });
        let wall = (end - start) * MS;
        recording.add(stack, ProfileType::Wall, wall);
        recording.add(stack, ProfileType::Samples, (end - start) / 10);
        recording.add(stack, ProfileType::Cpu, if is_executing { wall } else { 0 });
    };
    run(0, main, true, 0, 20);
    run(0, wait, false, 20, 80);
    run(0, main, true, 80, 100);
    run(1, hostile, true, 0, 100);
    recording
}

fn written(name: &str, kind: ProfileType) -> Vec<u8> {
    Format::of_name(name).unwrap().write(&recording(), kind)
}

fn json(name: &str, kind: ProfileType) -> Value {
    serde_json::from_slice(&written(name, kind)).unwrap()
}

fn numbers(value: &Value) -> Vec<u64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|number| number.as_u64().unwrap())
        .collect()
}

#[test]
fn endings_name_formats() {
    for (file, name) in [
        ("x.html", "html"),
        ("X.SVG", "svg"),
        ("a.speedscope.json", "speedscope"),
        ("a.trace.json", "chrome"),
        ("a.firefox.json", "firefox"),
        ("a.json", "json"),
        ("a.pb.gz", "pprof"),
    ] {
        assert_eq!(Format::of_file(file).map(Format::name), Some(name), "{file}");
    }
    assert_eq!(Format::of_file("x.png"), None);
    for name in Format::names() {
        let format = Format::of_name(name).unwrap();
        assert_eq!(Format::of_file(&format!("x{}", format.ending())), Some(format));
    }
}

#[test]
fn nothing_recorded_is_written_by_all() {
    for name in Format::names() {
        let bytes = Format::of_name(name)
            .unwrap()
            .write(&Recording::default(), ProfileType::Cpu);
        assert!(!bytes.is_empty() || name == "collapsed", "{name}");
    }
}

#[test]
fn a_recording_of_a_tree_keeps_its_values() {
    let tree = recording().tree(ProfileType::Wall);
    let again = Recording::of_tree(&tree, ProfileType::Wall, "x", Span::default());
    assert_eq!(again.tree(ProfileType::Wall), tree);
    for name in Format::names() {
        assert!(
            !Format::of_name(name)
                .unwrap()
                .write(&again, ProfileType::Wall)
                .is_empty()
        );
    }
}

#[test]
fn json_is_columns_in_pre_order() {
    let json = json("json", ProfileType::Wall);
    assert_eq!(json["total"], 200 * MS);
    let nodes = &json["nodes"];
    let parents = nodes["parent"].as_array().unwrap();
    assert_eq!(parents[0], -1);
    assert!(
        parents
            .iter()
            .enumerate()
            .skip(1)
            .all(|(node, parent)| parent.as_u64().unwrap() < node as u64)
    );
    assert_eq!(numbers(&nodes["self"]).iter().sum::<u64>(), 200 * MS);
    assert_eq!(numbers(&nodes["total"])[0], 200 * MS);
}

#[test]
fn speedscope_has_a_profile_per_thread() {
    let json = json("speedscope", ProfileType::Wall);
    let frames = json["shared"]["frames"].as_array().unwrap().len() as u64;
    let profiles = json["profiles"].as_array().unwrap();
    assert_eq!(profiles.len(), 2);
    for profile in profiles {
        let (samples, weights) = (
            profile["samples"].as_array().unwrap(),
            numbers(&profile["weights"]),
        );
        assert_eq!(samples.len(), weights.len());
        assert_eq!(profile["endValue"], 100 * MS);
        assert!(samples.iter().flat_map(numbers).all(|frame| frame < frames));
        assert_eq!(
            (profile["type"].as_str(), profile["unit"].as_str()),
            (Some("sampled"), Some("nanoseconds"))
        );
    }
    assert_eq!(
        numbers(&profiles[0]["samples"][1]).len(),
        2,
        "root first: main, wait"
    );
}

#[test]
fn a_cpuprofile_begins_with_its_nodes_and_its_times_add_up() {
    for kind in [ProfileType::Cpu, ProfileType::Wall] {
        assert!(written("cpuprofile", kind).starts_with(b"{\"nodes\":["));
        let json = json("cpuprofile", kind);
        let nodes = json["nodes"].as_array().unwrap();
        assert_eq!(nodes[0]["callFrame"]["functionName"], "(root)");
        let mut ids: Vec<u64> = nodes.iter().map(|node| node["id"].as_u64().unwrap()).collect();
        let children = nodes
            .iter()
            .filter_map(|node| node.get("children"))
            .flat_map(numbers);
        let mut seen: Vec<u64> = children.chain([ids[0]]).collect();
        seen.sort_unstable();
        ids.sort_unstable();
        assert_eq!(seen, ids, "each node but the root has one parent");
        let (samples, deltas) = (numbers(&json["samples"]), numbers(&json["timeDeltas"]));
        assert_eq!(samples.len(), deltas.len());
        assert!(samples.iter().all(|sample| ids.contains(sample)));
        let length = json["endTime"].as_u64().unwrap() - json["startTime"].as_u64().unwrap();
        assert_eq!(deltas.iter().sum::<u64>(), length);
        assert_eq!(length, 200_000, "two threads of 100 ms end to end");
    }
}

#[test]
fn chrome_slices_nest_and_cover_the_time() {
    let json = json("chrome", ProfileType::Wall);
    let events = json["traceEvents"].as_array().unwrap();
    let slices: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    let named = |name: &str, tid: u64| {
        let of = slices
            .iter()
            .filter(|slice| slice["name"] == name && slice["tid"] == tid);
        of.map(|slice| (slice["ts"].as_f64().unwrap(), slice["dur"].as_f64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        named("main", 7),
        [(0.0, 100_000.0)],
        "one slice, although its callee came and went"
    );
    assert_eq!(named("wait", 7), [(20_000.0, 60_000.0)]);
    assert_eq!(events.iter().filter(|event| event["ph"] == "M").count(), 4);
}

#[test]
fn firefox_samples_refer_to_stacks_and_weigh_what_they_should() {
    let json = json("firefox", ProfileType::Wall);
    assert_eq!(json["meta"]["product"], "a<b>.py");
    for thread in json["threads"].as_array().unwrap() {
        let samples = &thread["samples"];
        let stacks = thread["stackTable"]["length"].as_u64().unwrap();
        assert!(
            samples["stack"]
                .as_array()
                .unwrap()
                .iter()
                .all(|stack| stack.as_u64().is_none_or(|stack| stack < stacks))
        );
        assert_eq!(
            numbers(&samples["weight"]).iter().sum::<u64>(),
            100,
            "milliseconds"
        );
        assert_eq!(samples["weightType"], "tracing-ms");
    }
}

#[test]
fn markup_holds_no_markup_of_others() {
    let page = String::from_utf8(written("html", ProfileType::Wall)).unwrap();
    assert_eq!(
        page.matches("</script>").count(),
        2,
        "the data's and the script's own"
    );
    assert!(!page.contains("<b>") && page.contains("a&lt;b&gt;.py"));
    let svg = String::from_utf8(written("svg", ProfileType::Wall)).unwrap();
    assert!(!svg.contains("<b>") && !svg.contains('\u{1b}'));
    assert_eq!(svg.matches("<g>").count() + 1, svg.matches("</g>").count());
    assert_eq!(svg.matches("class=\"app\"").count(), 3);
}

#[test]
fn binary_formats_hold_all_types() {
    use std::io::Read;
    let mut pprof = Vec::new();
    flate2::read::GzDecoder::new(written("pprof", ProfileType::Cpu).as_slice())
        .read_to_end(&mut pprof)
        .unwrap();
    for bytes in [pprof, written("otlp", ProfileType::Cpu)] {
        for word in [
            "samples",
            "count",
            "cpu",
            "wall",
            "nanoseconds",
            "/srv/app.py",
            "wait",
        ] {
            assert!(
                bytes.windows(word.len()).any(|window| window == word.as_bytes()),
                "{word}"
            );
        }
    }
}
