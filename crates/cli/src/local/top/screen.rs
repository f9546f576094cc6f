//! The terminal: keys, sizes, drawing. Put back as it was when dropped, and before a panic speaks.

use std::io::{self, BufWriter, Stdout, Write};
use std::time::Duration;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{
    self, Clear, ClearType, DisableLineWrap, EnableLineWrap, EnterAlternateScreen, LeaveAlternateScreen,
};
use crossterm::{execute, queue};

use super::view::{Line, Look};
use crate::local::text::colours_wanted;

pub(super) struct Screen {
    out: BufWriter<Stdout>,
    is_styled: bool,
}

impl Screen {
    pub(super) fn open() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let mut screen = Self {
            out: BufWriter::new(io::stdout()),
            is_styled: colours_wanted(&io::stdout()),
        };
        let speak = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore(&mut io::stdout());
            speak(panic);
        }));
        execute!(screen.out, EnterAlternateScreen, Hide, DisableLineWrap)?;
        Ok(screen)
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> (usize, usize) {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        (usize::from(columns.max(20)), usize::from(rows.max(4)))
    }

    /// The next key or change of size, if one comes in time.
    pub(super) fn next_event(&self, timeout: Duration) -> Option<Event> {
        match event::poll(timeout) {
            Ok(true) => event::read().ok(),
            Ok(false) => None,
            Err(_) => {
                // A signal, or a terminal that is gone: the caller looks at both.
                std::thread::sleep(timeout);
                None
            }
        }
    }

    /// Draws line by line over what is there, so that nothing flickers.
    pub(super) fn draw(&mut self, lines: &[Line]) -> io::Result<()> {
        for (row, line) in (0_u16..).zip(lines) {
            queue!(self.out, MoveTo(0, row))?;
            if self.is_styled {
                let attribute = match line.look {
                    Look::Plain => Attribute::Reset,
                    Look::Bold => Attribute::Bold,
                    Look::Dim => Attribute::Dim,
                    Look::Head => Attribute::Reverse,
                };
                queue!(self.out, SetAttribute(attribute))?;
            }
            queue!(
                self.out,
                Print(&line.text),
                SetAttribute(Attribute::Reset),
                Clear(ClearType::UntilNewLine)
            )?;
        }
        queue!(self.out, Clear(ClearType::FromCursorDown))?;
        self.out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Back to the hook that std has: ours has nothing left to restore.
        if !std::thread::panicking() {
            drop(std::panic::take_hook());
        }
        restore(&mut self.out);
    }
}

/// Does what it can: a terminal that is gone needs nothing.
fn restore(out: &mut impl Write) {
    let _gone = execute!(out, EnableLineWrap, Show, LeaveAlternateScreen);
    let _gone = terminal::disable_raw_mode();
}
