//! Reads a selector; errors say where and what was expected.

use super::{MAX_MATCHERS, MAX_SELECTOR_BYTES, Matcher, Operator};

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {message}")]
pub struct SelectorError {
    /// Character in the text, from 1.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
    /// How to write it instead.
    pub hint: &'static str,
}

const EXAMPLE: &str = r#"write {service="shop", host=~"web-.*"}"#;

/// The matchers of `text`, with or without braces.
pub(super) fn matchers(text: &str) -> Result<Vec<Matcher>, SelectorError> {
    let mut cursor = Cursor {
        rest: text,
        position: 1,
    };
    if text.len() > MAX_SELECTOR_BYTES {
        return Err(cursor.error("the selector is longer than 16 KiB", "use a regular expression"));
    }
    cursor.skip_space();
    if cursor.rest.is_empty() {
        return Ok(Vec::new());
    }
    if !cursor.eat("{") {
        return Err(cursor.error("expected `{`", EXAMPLE));
    }
    let mut found = Vec::new();
    loop {
        cursor.skip_space();
        if cursor.eat("}") {
            break;
        }
        if found.len() == MAX_MATCHERS {
            return Err(cursor.error("more than 64 matchers", "use a regular expression"));
        }
        found.push(cursor.matcher()?);
        cursor.skip_space();
        if !cursor.eat(",") && !cursor.rest.starts_with('}') {
            return Err(cursor.error("expected `,` or `}`", EXAMPLE));
        }
    }
    cursor.skip_space();
    if !cursor.rest.is_empty() {
        return Err(cursor.error("nothing may follow the closing `}`", EXAMPLE));
    }
    Ok(found)
}

struct Cursor<'a> {
    rest: &'a str,
    position: usize,
}

impl Cursor<'_> {
    fn error(&self, message: impl Into<String>, hint: &'static str) -> SelectorError {
        SelectorError {
            position: self.position,
            message: message.into(),
            hint,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        self.position += 1;
        Some(c)
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest.starts_with(token);
        if found {
            self.rest = &self.rest[token.len()..];
            self.position += token.chars().count();
        }
        found
    }

    fn skip_space(&mut self) {
        while self.rest.starts_with(char::is_whitespace) {
            self.next();
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        let name = self.name()?;
        self.skip_space();
        let operator = self.operator()?;
        self.skip_space();
        let start = self.position;
        let value = self.string()?;
        Matcher::new(name, operator, value).map_err(|error| SelectorError {
            position: start,
            message: format!("not a regular expression: {error}"),
            hint: "for a literal text use = instead of =~",
        })
    }

    fn name(&mut self) -> Result<String, SelectorError> {
        let inside = |c: char| c == '_' || c == '.' || c == '-' || c.is_alphanumeric();
        let length = self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len());
        let name = self.rest[..length].to_owned();
        if !name.starts_with(|c: char| c == '_' || c.is_alphabetic()) {
            return Err(self.error("expected the name of a label", EXAMPLE));
        }
        self.eat(&name);
        Ok(name)
    }

    fn operator(&mut self) -> Result<Operator, SelectorError> {
        for operator in [
            Operator::Match,
            Operator::NotMatch,
            Operator::NotEqual,
            Operator::Equal,
        ] {
            if self.eat(operator.text()) {
                return Ok(operator);
            }
        }
        Err(self.error("expected =, !=, =~ or !~", EXAMPLE))
    }

    fn string(&mut self) -> Result<String, SelectorError> {
        let start = self.position;
        let quote = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => quote,
            _ => return Err(self.error("expected a quoted value", EXAMPLE)),
        };
        self.next();
        let mut value = String::new();
        loop {
            match self.next() {
                None => {
                    return Err(SelectorError {
                        position: start,
                        message: "the quote is not closed".to_owned(),
                        hint: EXAMPLE,
                    });
                }
                Some(c) if c == quote => return Ok(value),
                Some('\\') if quote != '`' => value.push(self.escape()?),
                Some(c) => value.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, SelectorError> {
        const HINT: &str = r"double the backslash, or quote with ` instead";
        let unknown = self.error("unknown escape", HINT);
        match self.next() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some(c @ ('\\' | '"' | '\'')) => Ok(c),
            Some('x') => self.code(2).ok_or(unknown),
            Some('u') => self.code(4).ok_or(unknown),
            _ => Err(unknown),
        }
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let text = self.rest.get(..digits)?;
        let code = text
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(text, 16).ok())??;
        (0..digits).for_each(|_| {
            self.next();
        });
        char::from_u32(code)
    }
}

/// `value` as a quoted string that reads back the same.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '\\' | '"' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, position: usize, message: &str) {
        let error = matchers(text).expect_err(text);
        assert_eq!(
            (error.position, error.message.as_str()),
            (position, message),
            "{text}"
        );
    }

    #[test]
    fn errors_say_where() {
        check("service", 1, "expected `{`");
        check(r#"{service"shop"}"#, 9, "expected =, !=, =~ or !~");
        check("{service=shop}", 10, "expected a quoted value");
        check(r#"{service="shop}"#, 10, "the quote is not closed");
        check(r#"{é="a" b="c"}"#, 8, "expected `,` or `}`");
        check(r#"{a="b"} x"#, 9, "nothing may follow the closing `}`");
        check(r#"{="b"}"#, 2, "expected the name of a label");
        check(r#"{a="\d"}"#, 6, "unknown escape");
        check("{", 2, "expected the name of a label");
        let many = format!("{{{}}}", r#"a="b","#.repeat(65));
        check(&many, 1 + 1 + 64 * 6, "more than 64 matchers");
        let large = matchers(r#"{a=~"((x{1,999}){1,999}){1,999}"}"#).expect_err("too large");
        assert!(large.message.contains("size limit"), "{large}");
        let hosts: Vec<String> = (0..200).map(|n| format!("host-{n}.example")).collect();
        assert!(matchers(&format!(r#"{{a=~"{}"}}"#, hosts.join("|"))).is_ok());
        let error = matchers(r#"{a=~"("}"#).expect_err("an open group");
        assert_eq!(error.position, 5);
        assert!(error.message.starts_with("not a regular expression"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in r#"[{}a-c=!~",'`\\ xé(]{0,24}"#) {
            let _ = matchers(&text);
        }

        #[test]
        fn any_value_survives_quoting(value in any::<String>()) {
            let found = matchers(&format!("{{a={}}}", quoted(&value))).unwrap();
            prop_assert_eq!(&found[0].value, &value);
        }
    }
}
