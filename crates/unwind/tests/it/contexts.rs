//! The value of a context variable, in contexts of every shape, is the one that was set.

use pyrometer_unwind::{Address, ContextReader, ContextVariable, ThreadSnapshot, Walker};

use crate::each_release;

#[test]
fn values_are_those_that_were_set() {
    each_release("contexts.py", &[], |version, mut running, target| {
        let variable = &running.ready["variable"];
        let variable = ContextVariable::new(
            Address(variable[0].as_u64().unwrap()),
            variable[1].as_i64().unwrap(),
        );
        let threads = running.ready["threads"].as_object().unwrap().clone();
        assert_eq!(threads.len(), 9, "{version}");
        let mut listed = Vec::new();
        Walker::new().threads(&target, &mut listed).unwrap();
        let thread_of = |name: &str| -> ThreadSnapshot {
            let native = threads[name][0].as_u64().unwrap();
            let mut found = listed.iter();
            *found
                .find(|thread| u64::from(thread.os_thread_id.0) == native)
                .unwrap()
        };
        let mut reader = ContextReader::new();
        // The second round runs on predictions.
        for round in ["first", "predicted"] {
            for (name, told) in &threads {
                let value = reader.value(&target, &thread_of(name), variable);
                assert_eq!(
                    value.map(|value| value.0),
                    told[1].as_u64(),
                    "{version} {name} ({round})"
                );
            }
        }
        let changing = thread_of("changing");
        for step in (0..10).chain((0..10).rev()) {
            running.tell(&step.to_string()).unwrap();
            let told = running.line().unwrap().parse().ok();
            let value = reader.value(&target, &changing, variable);
            assert_eq!(value.map(|value| value.0), told, "{version} step {step}");
        }
        let other = ContextVariable::new(Address(4096), 1);
        assert_eq!(reader.value(&target, &changing, other), None, "{version}");
    });
}
