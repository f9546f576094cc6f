//! `pyrometer top`: functions by what they cost in the last seconds, live.
//!
//! | module | does |
//! |---|---|
//! | `figures` | shares of functions and threads, of the last seconds and of all |
//! | `state` | what the keys have chosen; no terminal |
//! | `view` | figures and choices as lines of text |
//! | `screen` | the terminal: keys, sizes, drawing, and putting it back as it was |
//!
//! Where standard output is no terminal, a table is printed every second.

mod figures;
mod screen;
mod state;
mod view;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use pyrometer_agent::outside::{Children, Counted, Observations, Timeline};

use super::arguments::Top;
use super::failures;
use super::session::{Session, Signals};
use super::subject::{Output, Subject};
use crate::failure::Failure;
use figures::Figures;
use screen::Screen;
use state::{Asked, State};

/// Time between two tables.
const EVERY: Duration = Duration::from_secs(1);
/// Longest time without a look at keys, signals and the process.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Rows of a printed table.
const PRINTED_ROWS: usize = 20;
const PRINTED_COLUMNS: usize = 120;
/// How long a command that we started has to end when we do.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) fn top(top: Top) -> Result<(), Failure> {
    let no_threads =
        |error: io::Error| Failure::new(format!("no thread to sample with: {error}"), "check `ulimit -u`");
    let signals = Signals::catch().map_err(no_threads)?;
    let children = if top.children {
        Children::Followed
    } else {
        Children::Left
    };
    let (mut subject, observer) = Subject::begin(&top.of, top.rate, children, Output::Discarded)?;
    let observations = Observations::new(
        &subject.name,
        1_000_000_000 / u64::from(top.rate),
        Timeline::Left,
        Counted::All,
    );
    let session = Session::start(observer, observations).map_err(no_threads)?;
    let mut state = State::new(top.wall);
    let until = top.duration.map(Duration::from_secs_f64);
    let watch = Watch {
        session: &session,
        subject: &mut subject,
        signals: &signals,
        until,
    };
    let why = if io::stdout().is_terminal() {
        watch.on_screen(&mut state)
    } else {
        watch.printed(&state)
    };
    let outcome = session.stop();
    if subject.is_command() && subject.ended().is_none() {
        end(&mut subject);
    }
    if outcome.observations.counters.samples == 0
        && let Some(error) = &outcome.error
    {
        return Err(failures::of_attaching(subject.pid, error));
    }
    if why == End::OfProcess {
        eprintln!("pyrometer: {} {} has ended", subject.name, subject.pid);
    }
    Ok(())
}

/// Ends the command that we started, whose output nobody saw.
fn end(subject: &mut Subject) {
    subject.terminate();
    let asked = Instant::now();
    while subject.ended().is_none() && asked.elapsed() < GRACE {
        std::thread::sleep(LOOK_EVERY / 5);
    }
}

/// Why it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Asked,
    OfProcess,
}

struct Watch<'a> {
    session: &'a Session,
    subject: &'a mut Subject,
    signals: &'a Signals,
    until: Option<Duration>,
}

impl Watch<'_> {
    fn end(&mut self) -> Option<End> {
        let is_asked = self.signals.interrupts() > 0 || self.signals.take_terminated();
        let is_late = self.until.is_some_and(|until| self.session.elapsed() >= until);
        let has_ended =
            self.subject.ended().is_some() || self.session.is_over() && !self.subject.is_command();
        match (is_asked || is_late, has_ended) {
            (true, _) => Some(End::Asked),
            (false, true) => Some(End::OfProcess),
            (false, false) => None,
        }
    }

    fn on_screen(mut self, state: &mut State) -> End {
        let mut figures = Figures::since(Duration::ZERO);
        let Ok(mut screen) = Screen::open() else {
            return self.printed(state);
        };
        let mut due = Instant::now();
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            let is_due = Instant::now() >= due;
            if is_due && !state.is_paused {
                figures.take(&self.session.observations());
                due = Instant::now() + EVERY;
            }
            let mut is_changed = is_due;
            while let Some(event) = screen.next_event(if is_changed { Duration::ZERO } else { LOOK_EVERY }) {
                is_changed = true;
                match state.press(event) {
                    Asked::Nothing => {}
                    Asked::Quit => return End::Asked,
                    Asked::Reset => {
                        let mut observations = self.session.observations();
                        observations.reset();
                        figures = Figures::since(Duration::from_nanos(observations.settled_ns));
                        due = Instant::now();
                    }
                }
            }
            if is_changed {
                let (columns, rows) = screen.size();
                let lines = view::lines(&figures, state, &self.heading(&figures), columns, rows);
                if screen.draw(&lines).is_err() {
                    return End::Asked;
                }
            }
        }
    }

    fn printed(mut self, state: &State) -> End {
        let mut figures = Figures::since(Duration::ZERO);
        let mut due = Instant::now() + EVERY;
        loop {
            std::thread::sleep(LOOK_EVERY);
            let end = self.end();
            if end.is_some() || Instant::now() >= due {
                due += EVERY;
                figures.take(&self.session.observations());
                let heading = self.heading(&figures);
                let lines = view::table(&figures, state, &heading, PRINTED_COLUMNS, PRINTED_ROWS);
                let text: String = lines
                    .iter()
                    .map(|line| format!("{}\n", line.text.trim_end()))
                    .collect();
                if writeln!(io::stdout(), "{text}").is_err() {
                    return End::Asked;
                }
            }
            if let Some(end) = end {
                return end;
            }
        }
    }

    fn heading(&self, figures: &Figures) -> String {
        let processes = self.session.processes();
        format!(
            "{} {}  {} process{}  {} threads  {:.0} samples/s  {} errors  CPU {:.0} %  GIL {:.0} %",
            self.subject.name,
            self.subject.pid,
            processes,
            if processes == 1 { "" } else { "es" },
            figures.threads.iter().filter(|thread| !thread.has_ended).count(),
            figures.samples_per_second,
            figures.errors,
            figures.cpu_share * 100.0,
            figures.gil_share * 100.0,
        )
    }
}
