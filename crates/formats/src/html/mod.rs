//! `html`: one self-contained page with an interactive flamegraph and a table of functions.
//!
//! No download, no server: data, style and script are in the file. Names are untrusted text: they
//! travel as JSON and are only ever drawn or set as text.

use pyrometer_model::ProfileType;
use serde_json::Value;

use crate::json;
use crate::markup::{class_of, escape};
use crate::recording::Recording;

/// Nodes in the page at most.
const MAX_NODES: usize = 100_000;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// Writes the page. It holds CPU and wall time, and shows `profile_type` first.
#[must_use]
pub(crate) fn write(recording: &Recording, profile_type: ProfileType) -> Vec<u8> {
    let rest = recording
        .profile_types()
        .into_iter()
        .filter(|kind| *kind != profile_type);
    let shown = [profile_type].into_iter().chain(rest);
    let profiles: Vec<Value> = shown
        .map(|kind| {
            let tree = recording.tree(kind).prune(MAX_NODES);
            let mut value = json::value(recording, kind, &tree);
            value["name"] = kind.title().into();
            value["classes"] = tree.functions.iter().map(|function| class_of(function)).collect();
            value
        })
        .collect();
    // Inside a script element only `</` and `<!--` could end the data.
    let data = Value::from(profiles).to_string().replace('<', "\\u003c");
    let title = escape(&recording.title);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\
         <title>{title} – pyrometer</title><style>{STYLE}</style></head><body>\
         <header><h1>{title}</h1><p id=\"about\"></p>\
         <label>Show <select id=\"kind\"></select></label>\
         <label>Search <input id=\"search\" type=\"search\" placeholder=\"name or file\"></label>\
         <button id=\"reset\" type=\"button\">Reset zoom</button><output id=\"status\"></output></header>\
         <main><canvas id=\"flame\" tabindex=\"0\" role=\"img\" aria-label=\"Flame graph; the table below has the \
         same functions\"></canvas><p id=\"detail\">&#160;</p>\
         <table><thead><tr><th data-key=\"self\">Self</th><th data-key=\"total\">Total</th>\
         <th data-key=\"name\">Function</th><th data-key=\"file\">Place</th></tr></thead><tbody id=\"rows\"></tbody></table></main>\
         <script id=\"data\" type=\"application/json\">{data}</script><script>{SCRIPT}</script></body></html>\n",
    );
    page.into_bytes()
}
