//! Selecting series by their labels, with the matchers of PromQL.
//!
//! `{service="shop", host=~"web-.*", version!="1"}`: all matchers must hold; a label that a series
//! lacks counts as empty; regular expressions are anchored at both ends. The empty selector, with
//! or without braces, selects everything.

mod parse;

use std::fmt;
use std::str::FromStr;

use pyrometer_model::Labels;
use regex_lite::{Regex, RegexBuilder};

pub use parse::SelectorError;

/// Most bytes of a selector.
pub const MAX_SELECTOR_BYTES: usize = 16 << 10;

/// Most matchers of a selector.
pub const MAX_MATCHERS: usize = 64;

/// Most memory of one compiled expression: some thousand characters of alternatives. Repeated
/// repetitions would ask for all there is.
const MAX_REGEX_BYTES: usize = 256 << 10;

/// How a matcher compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
}

impl Operator {
    fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        }
    }
}

/// One condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    name: String,
    operator: Operator,
    value: String,
    regex: Option<Regex>,
}

impl Matcher {
    fn new(name: String, operator: Operator, value: String) -> Result<Self, regex_lite::Error> {
        let regex = match operator {
            Operator::Match | Operator::NotMatch => {
                // Alone first: `a)|(b` would be a whole expression only inside the anchors.
                compile(&value)?;
                Some(compile(&format!("^(?:{value})$"))?)
            }
            Operator::Equal | Operator::NotEqual => None,
        };
        Ok(Self {
            name,
            operator,
            value,
            regex,
        })
    }

    fn accepts(&self, labels: &Labels) -> bool {
        let found = labels.get(&self.name).unwrap_or("");
        let same = match &self.regex {
            Some(regex) => regex.is_match(found),
            None => found == self.value,
        };
        same == matches!(self.operator, Operator::Equal | Operator::Match)
    }
}

fn compile(expression: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(expression).size_limit(MAX_REGEX_BYTES).build()
}

/// A conjunction of matchers.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    matchers: Vec<Matcher>,
}

impl Selector {
    /// Selects every series.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether a series with these labels is selected.
    #[must_use]
    pub fn accepts(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.accepts(labels))
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self {
            matchers: parse::matchers(text)?,
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (position, matcher) in self.matchers.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(
                out,
                "{comma}{}{}{}",
                matcher.name,
                matcher.operator.text(),
                parse::quoted(&matcher.value)
            )?;
        }
        out.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(selector: &str, expected: bool) {
        let labels = Labels::new().with("service", "shop").with("host", "web-12");
        let parsed: Selector = selector.parse().unwrap();
        assert_eq!(parsed.accepts(&labels), expected, "{selector}");
        let again: Selector = parsed.to_string().parse().unwrap();
        assert_eq!(again.accepts(&labels), expected, "{parsed}");
    }

    #[test]
    fn matchers_mean_what_promql_means() {
        for all in ["", "  ", "{}", "{ }"] {
            check(all, true);
        }
        check(r#"{service="shop"}"#, true);
        check(r#"{service="shop",}"#, true);
        check(r#"{service!="shop"}"#, false);
        check(r#"{ host =~ "web-.*" , service = 'shop' }"#, true);
        check(r#"{host=~"web"}"#, false);
        check(r#"{host=~"web-1|web-12"}"#, true);
        check(r#"{host!~"web-.*"}"#, false);
        check(r#"{version=""}"#, true);
        check(r#"{version!="1"}"#, true);
        check(r#"{version=~".+"}"#, false);
        check(r#"{service="sh\x6fp"}"#, true);
        check(r#"{service=`shop`}"#, true);
    }
}
