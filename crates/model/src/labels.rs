//! Label sets: sorted `name = value` pairs that say where a profile comes from.

use std::collections::BTreeMap;
use std::fmt;

/// A sorted set of labels. Equal sets compare, hash and print equally, so a set can be a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(BTreeMap<String, String>);

/// Most bytes kept of a label name or value; longer ones are cut at a character boundary.
pub const MAX_LABEL_BYTES: usize = 1024;

impl Labels {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a label. Names and values longer than [`MAX_LABEL_BYTES`] are cut.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(cut(name.into()), cut(value.into()));
    }

    /// The same set with one more label.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The value of `name`, if present.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All pairs in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Self::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (position, (name, value)) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(out, "{comma}{name}={value:?}")?;
        }
        out.write_str("}")
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_LABEL_BYTES {
        text.truncate(text.floor_char_boundary(MAX_LABEL_BYTES));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_insertion_does_not_matter() {
        let one = Labels::new().with("b", "2").with("a", "1");
        let other: Labels = [("a", "1"), ("b", "2")].into_iter().collect();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), r#"{a="1",b="2"}"#);
    }

    #[test]
    fn long_values_are_cut_at_a_character() {
        let labels = Labels::new().with("k", "é".repeat(MAX_LABEL_BYTES));
        assert_eq!(labels.get("k").map(str::len), Some(MAX_LABEL_BYTES));
        let odd = Labels::new().with("k", format!("x{}", "é".repeat(MAX_LABEL_BYTES)));
        assert_eq!(odd.get("k").map(str::len), Some(MAX_LABEL_BYTES - 1));
    }
}
