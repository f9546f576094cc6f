//! One connection of the endpoint: reads a request head, writes an answer, never blocks.
//!
//! A connection serves one request and is closed. Whoever is slower than [`PATIENCE_NS`], or sends
//! more than [`MAX_HEAD_BYTES`], is dropped; nobody else notices.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

use super::routes::{Later, Reply, Request, Response};

/// Most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 8 << 10;
/// Most headers of a request.
const MAX_HEADERS: usize = 64;
/// Longest time from connect to a whole request, and from an answer to its last byte.
const PATIENCE_NS: u64 = 10_000_000_000;

/// Either kind of stream.
#[derive(Debug)]
pub(super) enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Unix(stream) => stream.as_raw_fd(),
            Self::Tcp(stream) => stream.as_raw_fd(),
        }
    }
}

#[derive(Debug)]
enum State {
    Reading(Vec<u8>),
    Waiting(Later),
    Writing {
        bytes: Vec<u8>,
        written: usize,
    },
    /// The client left before its answer was ready.
    Left(Later),
    Done,
}

/// A client and how far its request has come.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    state: State,
    deadline_ns: u64,
}

impl Connection {
    pub(super) fn new(stream: Stream, now_ns: u64) -> Self {
        Self {
            stream,
            state: State::Reading(Vec::new()),
            deadline_ns: now_ns + PATIENCE_NS,
        }
    }

    pub(super) fn raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    /// What to poll for.
    pub(super) fn interest(&self) -> i16 {
        match self.state {
            State::Writing { .. } => libc::POLLOUT,
            _ => libc::POLLIN,
        }
    }

    /// When it has to be looked at even if nothing arrives.
    pub(super) fn due_ns(&self) -> u64 {
        match &self.state {
            State::Waiting(later) => later.due_ns,
            _ => self.deadline_ns,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done | State::Left(_))
    }

    /// The answer that nobody waits for any more.
    pub(super) fn left_behind(&self) -> Option<&Later> {
        if let State::Left(later) = &self.state {
            Some(later)
        } else {
            None
        }
    }

    /// Goes on as far as it can without blocking. `answer` turns a request into a reply, `finish`
    /// a reply that was put off into its response.
    pub(super) fn advance(
        &mut self,
        readable: Readable,
        now_ns: u64,
        answer: impl FnOnce(&Request<'_>) -> Reply,
        finish: impl FnOnce(&Later) -> Response,
    ) {
        match &mut self.state {
            State::Reading(_) if readable == Readable::Yes => self.read(now_ns, answer),
            State::Waiting(later) if now_ns >= later.due_ns => {
                let response = finish(later);
                self.respond(&response, now_ns);
            }
            State::Waiting(_) if readable == Readable::Yes => self.notice_hangup(),
            _ => {}
        }
        if let State::Writing { .. } = self.state {
            self.write();
        }
        if now_ns >= self.deadline_ns && !matches!(self.state, State::Waiting(_) | State::Left(_)) {
            self.state = State::Done;
        }
    }

    fn read(&mut self, now_ns: u64, answer: impl FnOnce(&Request<'_>) -> Reply) {
        let State::Reading(head) = &mut self.state else {
            return;
        };
        let mut buffer = [0_u8; 2048];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.state = State::Done,
            Ok(count) => {
                head.extend_from_slice(&buffer[..count]);
                let head = std::mem::take(head);
                self.parse(head, now_ns, answer);
            }
            Err(error) if is_temporary(&error) => {}
            Err(_) => self.state = State::Done,
        }
    }

    fn parse(&mut self, head: Vec<u8>, now_ns: u64, answer: impl FnOnce(&Request<'_>) -> Reply) {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        match parsed.parse(&head) {
            Ok(httparse::Status::Partial) if head.len() > MAX_HEAD_BYTES => {
                self.respond(&Response::error(431, "the request's head is too long"), now_ns);
            }
            Ok(httparse::Status::Partial) => self.state = State::Reading(head),
            Ok(httparse::Status::Complete(_)) => {
                let over_tcp = matches!(self.stream, Stream::Tcp(_));
                match answer(&Request::new(&parsed, over_tcp)) {
                    Reply::Now(response) => self.respond(&response, now_ns),
                    Reply::Later(later) => self.state = State::Waiting(later),
                }
            }
            Err(_) => self.respond(&Response::error(400, "this is not an HTTP/1.1 request"), now_ns),
        }
    }

    fn notice_hangup(&mut self) {
        let mut buffer = [0_u8; 512];
        match self.stream.read(&mut buffer) {
            Ok(count) if count > 0 => {}
            Err(error) if is_temporary(&error) => {}
            _ => {
                if let State::Waiting(later) = std::mem::replace(&mut self.state, State::Done) {
                    self.state = State::Left(later);
                }
            }
        }
    }

    fn respond(&mut self, response: &Response, now_ns: u64) {
        self.deadline_ns = now_ns + PATIENCE_NS;
        self.state = State::Writing {
            bytes: response.to_bytes(),
            written: 0,
        };
    }

    fn write(&mut self) {
        let State::Writing { bytes, written } = &mut self.state else {
            return;
        };
        while *written < bytes.len() {
            match self.stream.write(&bytes[*written..]) {
                Ok(0) => break,
                Ok(count) => *written += count,
                Err(error) if is_temporary(&error) => return,
                Err(_) => break,
            }
        }
        self.state = State::Done;
    }
}

/// Whether poll reported something to read, a hang-up included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readable {
    Yes,
    No,
}

fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
