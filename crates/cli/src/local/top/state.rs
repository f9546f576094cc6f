//! What the keys have chosen: order, filter, kind of time, threads or functions. Knows no terminal.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    RecentSelf,
    RecentTotal,
    OverallSelf,
    OverallTotal,
    Name,
}

/// What a key asks of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nothing,
    Reset,
    Quit,
}

/// The choices.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) order: Order,
    pub(super) filter: String,
    /// Whether keys go into the filter.
    pub(super) is_typing: bool,
    pub(super) shows_wall: bool,
    pub(super) shows_threads: bool,
    pub(super) shows_help: bool,
    pub(super) is_paused: bool,
    /// Rows left out at the top.
    pub(super) scrolled: usize,
}

/// Keys, as the help shows them.
pub(super) const KEYS: [(&str, &str); 10] = [
    ("1 2", "sort by self, total of the last seconds"),
    ("3 4", "sort by self, total of all time"),
    ("n", "sort by name"),
    ("w", "CPU time or wall time (waiting counts)"),
    ("t", "threads or functions"),
    ("/", "filter by name or file; Enter keeps it, Esc drops it"),
    ("j k", "scroll, as the arrow and page keys do"),
    ("space", "pause"),
    ("r", "reset: start counting anew"),
    ("q", "quit; also Ctrl-C"),
];

impl State {
    pub(super) fn new(shows_wall: bool) -> Self {
        Self {
            order: Order::RecentSelf,
            filter: String::new(),
            is_typing: false,
            shows_wall,
            shows_threads: false,
            shows_help: false,
            is_paused: false,
            scrolled: 0,
        }
    }

    /// Takes a key. Everything else (a new size) asks for nothing but a drawing.
    pub(super) fn press(&mut self, event: Event) -> Asked {
        let Event::Key(KeyEvent {
            code,
            modifiers,
            kind,
            ..
        }) = event
        else {
            return Asked::Nothing;
        };
        if kind == KeyEventKind::Release {
            return Asked::Nothing;
        }
        if modifiers.contains(KeyModifiers::CONTROL) {
            return if matches!(code, KeyCode::Char('c' | 'd')) {
                Asked::Quit
            } else {
                Asked::Nothing
            };
        }
        if self.is_typing {
            self.type_filter(code);
            return Asked::Nothing;
        }
        match code {
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('r') => return Asked::Reset,
            KeyCode::Char('1') => self.order = Order::RecentSelf,
            KeyCode::Char('2') => self.order = Order::RecentTotal,
            KeyCode::Char('3') => self.order = Order::OverallSelf,
            KeyCode::Char('4') => self.order = Order::OverallTotal,
            KeyCode::Char('n') => self.order = Order::Name,
            KeyCode::Char('w') => self.shows_wall = !self.shows_wall,
            KeyCode::Char('t') => (self.shows_threads, self.scrolled) = (!self.shows_threads, 0),
            KeyCode::Char('?' | 'h') => self.shows_help = !self.shows_help,
            KeyCode::Char(' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Char('j') | KeyCode::Down => self.scrolled += 1,
            KeyCode::Char('k') | KeyCode::Up => self.scrolled = self.scrolled.saturating_sub(1),
            KeyCode::PageDown => self.scrolled += 10,
            KeyCode::PageUp => self.scrolled = self.scrolled.saturating_sub(10),
            KeyCode::Home => self.scrolled = 0,
            KeyCode::Esc if self.shows_help => self.shows_help = false,
            KeyCode::Esc => self.filter.clear(),
            _ => {}
        }
        Asked::Nothing
    }

    fn type_filter(&mut self, code: KeyCode) {
        self.scrolled = 0;
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(character) => self.filter.push(character),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(state: &mut State, keys: &str) -> Asked {
        let mut asked = Asked::Nothing;
        for key in keys.chars() {
            let code = if key == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Char(key)
            };
            asked = state.press(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        }
        asked
    }

    #[test]
    fn letters_are_commands_or_filter() {
        let mut state = State::new(false);
        assert_eq!(press(&mut state, "/query\n"), Asked::Nothing);
        assert_eq!((state.filter.as_str(), state.is_typing), ("query", false));
        assert_eq!(press(&mut state, "4w t"), Asked::Nothing);
        assert!(
            state.order == Order::OverallTotal && state.shows_wall && state.is_paused && state.shows_threads
        );
        assert_eq!(press(&mut state, "r"), Asked::Reset);
        assert_eq!(press(&mut state, "q"), Asked::Quit);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        state.is_typing = true;
        assert_eq!(state.press(Event::Key(ctrl_c)), Asked::Quit);
    }
}
