//! A call tree as one static HTML page: an icicle of nested boxes, no script, no download.
//!
//! It is what a worker shows of itself when there is no collector to ask. Names are untrusted text.

use std::fmt::Write;

use pyrometer_model::CallTree;

use crate::markup::{class_of, escape};

/// What stands above the drawing.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// Name of the service or program.
    pub title: &'a str,
    /// One line about the interval, the rate and the process.
    pub subtitle: &'a str,
    /// Seconds after which a browser loads the page again; 0 for never.
    pub refresh_seconds: u32,
    /// Divides a value into what is shown, for example 1e9 for seconds, and the unit's name.
    pub scale: (f64, &'static str),
}

/// Nodes narrower than this share of the whole are not drawn; their value is in their caller's box.
const NARROWEST_SHARE: f64 = 0.0005;

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f5f6f8;--fg:#171c23;--dim:#4f5a67;--app:#f7a675;--lib:#9fc1f2;--other:#c3cbd4;--text:#1a2028}\
@media(prefers-color-scheme:dark){:root{--bg:#0d1014;--fg:#e4e9f0;--dim:#a0abb8;--app:#f0925c;--lib:#6f9fe0;--other:#6f7b88;--text:#10141a}}\
body{background:var(--bg);color:var(--fg);font:13px/1.45 system-ui,sans-serif;margin:16px}\
h1{font-size:15px;margin:0}p{color:var(--dim);margin:2px 0 12px}\
.row{display:flex}.node{min-width:0;flex:0 0 auto}\
.box{background:var(--app);color:var(--text);font:11px/17px ui-monospace,monospace;height:17px;\
margin:0 1px 1px 0;padding:0 4px;border-radius:2px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}\
.lib{background:var(--lib)}.other{background:var(--other)}";

/// Writes the page.
#[must_use]
pub fn write(tree: &CallTree, head: &Head<'_>) -> String {
    let mut page = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    if head.refresh_seconds > 0 {
        write!(
            page,
            "<meta http-equiv=\"refresh\" content=\"{}\">",
            head.refresh_seconds
        )
        .expect("writing");
    }
    let title = escape(head.title);
    write!(
        page,
        "<title>{title} – pyrometer</title><style>{STYLE}</style><h1>{title}</h1>"
    )
    .expect("writing");
    write!(page, "<p>{}</p>", escape(head.subtitle)).expect("writing");
    if tree.is_empty() {
        page.push_str("<p>No samples in this interval.</p>");
        return page;
    }
    write_nodes(&mut page, tree, head.scale);
    page
}

fn write_nodes(page: &mut String, tree: &CallTree, (divisor, unit): (f64, &str)) {
    let whole = tree.grand_total() as f64;
    let mut open: Vec<u32> = Vec::new();
    let mut hidden: Vec<bool> = vec![false; tree.len()];
    for node in 0..tree.len() {
        let parent = tree.parent[node];
        let share = tree.total[node] as f64 / whole;
        hidden[node] = share < NARROWEST_SHARE || (node > 0 && hidden[parent as usize]);
        if hidden[node] {
            continue;
        }
        while open.last().is_some_and(|&top| top != parent) {
            page.push_str("</div></div>");
            open.pop();
        }
        open.push(node as u32);
        let function = &tree.functions[tree.function[node] as usize];
        let within = if node == 0 {
            1.0
        } else {
            share * whole / tree.total[parent as usize] as f64
        };
        let name = escape(&function.name);
        write!(
            page,
            "<div class=\"node\" style=\"width:{:.3}%\"><div class=\"box {}\" title=\"{name}\n{}:{}\n{:.2} % \
             ({:.3} {unit})\">{name}</div><div class=\"row\">",
            within * 100.0,
            class_of(function),
            escape(&function.file),
            function.line,
            share * 100.0,
            tree.total[node] as f64 / divisor,
        )
        .expect("writing");
    }
    open.iter().for_each(|_| page.push_str("</div></div>"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrometer_model::{Function, TreeBuilder};

    #[test]
    fn names_are_text_and_every_box_is_closed() {
        let mut builder = TreeBuilder::new();
        let hostile = Function {
            name: "<script>\"&".into(),
            file: "x.py".into(),
            line: 1,
        };
        let function = builder.function(&hostile);
        let outer = builder.child(TreeBuilder::ROOT, function);
        let inner = builder.child(outer, function);
        builder.add_self(inner, 10);
        let beside = builder.child(TreeBuilder::ROOT, 0);
        builder.add_self(beside, 5);
        let head = Head {
            title: "a<b",
            subtitle: "10 s",
            refresh_seconds: 10,
            scale: (1.0, "samples"),
        };
        let page = write(&builder.finish(), &head);
        assert!(!page.contains("<script>"));
        assert!(page.contains("&lt;script&gt;&quot;&amp;"));
        assert_eq!(page.matches("<div").count(), page.matches("</div>").count());
        assert_eq!(page.matches("class=\"node\"").count(), 4);
    }

    #[test]
    fn an_empty_tree_says_so() {
        let head = Head {
            title: "t",
            subtitle: "",
            refresh_seconds: 0,
            scale: (1.0, "s"),
        };
        assert!(write(&TreeBuilder::new().finish(), &head).contains("No samples"));
    }
}
