//! What the HTML page and the SVG picture share: text in markup, classes of functions, amounts.

use pyrometer_model::{Function, ProfileType};

/// Makes text out of anything: no markup, no characters that XML forbids.
pub(crate) fn escape(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => clean.push_str("&amp;"),
            '<' => clean.push_str("&lt;"),
            '>' => clean.push_str("&gt;"),
            '"' => clean.push_str("&quot;"),
            '\n' | '\t' => clean.push(character),
            control if control.is_control() => clean.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => clean.push('\u{fffd}'),
            other => clean.push(other),
        }
    }
    clean
}

/// Whose code a function is, as a class name: the program's own, a library's, or nobody's.
pub(crate) fn class_of(function: &Function) -> &'static str {
    let file = &function.file;
    if file.is_empty() {
        "other"
    } else if file.contains("site-packages") || file.contains("/lib/python") || file.starts_with("<frozen") {
        "lib"
    } else {
        "app"
    }
}

/// A value in the unit that people read.
pub(crate) fn amount(value: u64, profile_type: ProfileType) -> String {
    match profile_type {
        ProfileType::Samples => format!("{value} samples"),
        ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait if value < 1_000_000_000 => {
            format!("{:.1} ms", value as f64 / 1e6)
        }
        ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => format!("{:.2} s", value as f64 / 1e9),
    }
}
