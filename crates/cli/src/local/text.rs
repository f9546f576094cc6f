//! Untrusted names on a terminal: text without control characters, colours where they are wanted.

use std::io::IsTerminal;

/// Names come out of another process's memory: an escape sequence in one must not reach a terminal.
pub(super) fn clean(text: &str) -> String {
    let harmless = |c: char| {
        if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(harmless).collect()
}

/// The last parts of a path, at most `most` characters of it.
pub(super) fn tail(path: &str, most: usize) -> String {
    let length = path.chars().count();
    if length <= most {
        return path.to_owned();
    }
    ['…']
        .into_iter()
        .chain(path.chars().skip(length + 1 - most.max(1)))
        .collect()
}

/// Whether to write colours: a terminal, and NO_COLOR (no-color.org) is not set.
pub(super) fn colours_wanted(stream: &impl IsTerminal) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    stream.is_terminal() && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Styles as ANSI sequences, or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) is_on: bool,
}

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.is_on {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_get_through() {
        assert_eq!(clean("a\x1b[2Jb\n\u{202e}"), "a\u{fffd}[2Jb\u{fffd}\u{fffd}");
    }

    #[test]
    fn long_paths_keep_their_end() {
        assert_eq!(tail("/srv/app/views.py", 9), "…views.py");
        assert_eq!(tail("/a.py", 9), "/a.py");
    }
}
