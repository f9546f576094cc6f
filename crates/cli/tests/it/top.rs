//! `pyrometer top` without a terminal: tables.

use super::{run, threads};

#[test]
fn a_table_says_who_computes() {
    let target = threads();
    let (code, stdout, stderr) = run(&["top", "-d", "2.2", &target.pid().to_string()]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stdout.contains('\x1b'));
    let tables: Vec<&str> = stdout
        .split("\n\n")
        .filter(|table| !table.trim().is_empty())
        .collect();
    assert!(tables.len() >= 2, "{stdout}");
    let first_row = tables[1]
        .lines()
        .find(|line| line.contains('%') && !line.contains("samples/s"))
        .unwrap();
    assert!(first_row.contains("compute"), "{stdout}");
    assert!(tables[1].contains("5 threads"), "{stdout}");
}

#[test]
fn a_command_ends_with_top_and_the_other_way_round() {
    let python = super::python().program;
    let python = python.to_str().unwrap();
    let program = "import time\nwhile True: time.sleep(.1)";
    let (code, stdout, stderr) = run(&["top", "-d", "1", "--", python, "-c", program]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.contains("samples/s"), "{stdout}");
    let (code, _, stderr) = run(&["top", "--", python, "-c", "import time; time.sleep(.5)"]);
    assert!(code == 0 && stderr.contains("has ended"), "{stderr}");
}
