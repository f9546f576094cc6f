//! `svg`: a flamegraph as one picture that browsers zoom and search: click a frame, or Ctrl-F.
//!
//! Without a script (in an image viewer or a document) it is still the whole picture.

use std::fmt::Write;

use pyrometer_model::{CallTree, ProfileType};

use crate::markup::{amount, class_of, escape};
use crate::recording::Recording;

/// Nodes drawn at most.
const MAX_NODES: usize = 5000;
/// Size of the drawing, in user units.
const WIDTH: f64 = 1200.0;
const ROW: f64 = 18.0;
const TOP: f64 = 56.0;
/// Nodes narrower than this are not drawn.
const NARROWEST: f64 = 0.1;
/// Width of a character of the text, about.
const CHARACTER: f64 = 6.7;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Draws the tree of one profile type.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let tree = recording.tree(profile_type).prune(MAX_NODES);
    let mut depths = vec![0_usize; tree.len()];
    for node in 1..tree.len() {
        depths[node] = depths[tree.parent[node] as usize] + 1;
    }
    let height = TOP + ROW * (depths.iter().max().unwrap_or(&0) + 1) as f64 + 8.0;
    let title = escape(&recording.title);
    let mut svg = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" \
         viewBox=\"0 0 {WIDTH} {height}\" width=\"100%\" preserveAspectRatio=\"xMidYMin\" font-family=\"ui-monospace,monospace\" \
         font-size=\"11\"><title>{title} – pyrometer</title><style>{STYLE}</style>\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\
         <text x=\"8\" y=\"20\" class=\"title\">{title}</text>\
         <text x=\"8\" y=\"40\" class=\"note\" id=\"note\">{}: {}</text>\
         <text x=\"{}\" y=\"20\" class=\"note button\" id=\"reset\" text-anchor=\"end\">reset zoom</text>\
         <text x=\"{}\" y=\"40\" class=\"note button\" id=\"find\" text-anchor=\"end\">search (Ctrl-F)</text>\n<g id=\"frames\">\n",
        profile_type.title(),
        amount(tree.grand_total(), profile_type),
        WIDTH - 8.0,
        WIDTH - 8.0,
    );
    if tree.is_empty() {
        write!(
            svg,
            "<text x=\"8\" y=\"{}\" class=\"note\">No samples.</text>",
            TOP + ROW
        )
        .expect("writing");
    } else {
        write_frames(&mut svg, &tree, &depths, profile_type);
    }
    write!(svg, "</g>\n<script><![CDATA[{SCRIPT}]]></script></svg>\n").expect("writing");
    svg.into_bytes()
}

fn write_frames(svg: &mut String, tree: &CallTree, depths: &[usize], profile_type: ProfileType) {
    let scale = WIDTH / tree.grand_total() as f64;
    // Where the next child of each node begins. A parent comes first, and keeps its self value last.
    let mut next = vec![0.0_f64; tree.len()];
    for node in 0..tree.len() {
        let x = match node {
            0 => 0.0,
            _ => next[tree.parent[node] as usize],
        };
        let width = tree.total[node] as f64 * scale;
        next[node] = x;
        if node > 0 {
            next[tree.parent[node] as usize] = x + width;
        }
        if width < NARROWEST {
            continue;
        }
        let function = &tree.functions[tree.function[node] as usize];
        let name = escape(&function.name);
        let y = TOP + ROW * depths[node] as f64;
        let share = 100.0 * tree.total[node] as f64 / tree.grand_total() as f64;
        let place = if function.file.is_empty() {
            String::new()
        } else {
            format!("\n{}:{}", escape(&function.file), function.line)
        };
        writeln!(
            svg,
            "<g><title>{name}{place}\n{share:.2} % ({})</title><rect class=\"{}\" x=\"{x:.2}\" y=\"{y}\" \
             width=\"{width:.2}\" height=\"{}\" rx=\"2\"/><text x=\"{:.2}\" y=\"{}\">{}</text></g>",
            amount(tree.total[node], profile_type),
            class_of(function),
            ROW - 1.0,
            x + 3.0,
            y + 12.5,
            escape(&cut(&function.name, width)),
        )
        .expect("writing");
    }
}

/// As much of a name as fits.
fn cut(name: &str, width: f64) -> String {
    let room = ((width - 6.0) / CHARACTER).max(0.0) as usize;
    if name.chars().count() <= room {
        name.to_owned()
    } else if room < 3 {
        String::new()
    } else {
        name.chars().take(room - 1).chain(['…']).collect()
    }
}
