//! What the command says when it cannot do what was asked: one line, and a hint.

/// A problem in one line, and what can be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) problem: String,
    pub(crate) hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            hint: Some(hint.into()),
        }
    }
}
