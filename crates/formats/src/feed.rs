//! The window feed: what a worker answers to `GET /feed`, and what it spools when it ends.
//!
//! # Layout
//! `PYRF`, version byte, then the CRC-32 and the length of the payload (little-endian u32 each),
//! then the payload, deflated. The payload is varints and length-prefixed UTF-8:
//!
//! ```text
//! feed       = worker  oldest  newest  count generation*  count window*
//! worker     = incarnation pid host service python labels started rate_hz
//! generation = number functions_from files(count text*) count (name file# line)*
//!              stacks_from count (id - parent, function, line)*
//! window     = seq start length generation health count block*
//! block      = kind labels count (stack delta)* (value)* per column
//! ```
//!
//! An answer is accepted whole or not at all: the checksum covers the payload, and everything that
//! it refers to must exist. Sizes are bounded by [`MAX_PAYLOAD_BYTES`].

use std::collections::HashMap;
use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use pyrometer_model::{
    Block, Function, FunctionId, Generation, Incarnation, Labels, ProfileKind, Span, StackId, StackNode,
    UnixNanos, Window, WindowHealth, Worker,
};

use crate::bytes::{Reader, put_text, put_varint};

/// Media type of an answer.
pub const MEDIA_TYPE: &str = "application/x-pyrometer-feed";

/// Most bytes that an inflated payload may have: four full rings of the default size.
pub const MAX_PAYLOAD_BYTES: usize = 64 << 20;

const MAGIC: &[u8; 4] = b"PYRF";
const VERSION: u8 = 1;
const HEAD_BYTES: usize = 13;

/// One answer of a worker's feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// Who answers.
    pub worker: Worker,
    /// First window that the worker still has; the one after `newest` when it has none.
    pub oldest_seq: u64,
    /// Last window that was closed, 0 when none was.
    pub newest_seq: u64,
    /// New table entries, for the generations that the windows refer to.
    pub generations: Vec<Generation>,
    /// Windows after the one that was asked for, in order of their numbers.
    pub windows: Vec<Window>,
}

/// Why bytes are not a feed answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// The bytes do not begin as a feed does.
    #[error("not a pyrometer feed")]
    NotAFeed,
    /// Written by another version of the format.
    #[error("feed format version {0} is not known here (1 is)")]
    Version(u8),
    /// The answer ends too early, or counts more than it holds.
    #[error("the answer is truncated")]
    Truncated,
    /// The checksum does not fit.
    #[error("the answer is corrupt: its checksum does not fit")]
    Checksum,
    /// Larger than [`MAX_PAYLOAD_BYTES`].
    #[error("the answer is larger than {MAX_PAYLOAD_BYTES} bytes")]
    TooLarge,
    /// Well delivered, but it contradicts itself.
    #[error("the answer contradicts itself: {0}")]
    Malformed(&'static str),
}

impl Feed {
    /// The answer as bytes. Cost: about 10 µs per KiB.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        put_worker(&mut payload, &self.worker);
        put_varint(&mut payload, self.oldest_seq);
        put_varint(&mut payload, self.newest_seq);
        put_varint(&mut payload, self.generations.len() as u64);
        self.generations
            .iter()
            .for_each(|generation| put_generation(&mut payload, generation));
        put_varint(&mut payload, self.windows.len() as u64);
        self.windows
            .iter()
            .for_each(|window| put_window(&mut payload, window));

        let mut bytes = Vec::with_capacity(HEAD_BYTES + payload.len() / 2);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        let mut deflate = DeflateEncoder::new(payload.as_slice(), Compression::new(6));
        deflate
            .read_to_end(&mut bytes)
            .expect("reading from memory cannot fail");
        bytes
    }

    /// Reads an answer.
    ///
    /// # Errors
    /// Any [`FeedError`]; nothing of the answer is used then.
    pub fn decode(bytes: &[u8]) -> Result<Self, FeedError> {
        let payload = inflate(bytes)?;
        let mut reader = Reader::new(&payload);
        let worker = take_worker(&mut reader)?;
        let oldest_seq = reader.varint()?;
        let newest_seq = reader.varint()?;
        let generations = (0..reader.count(5)?).map(|_| take_generation(&mut reader));
        let generations = generations.collect::<Result<Vec<_>, _>>()?;
        let windows = (0..reader.count(12)?).map(|_| take_window(&mut reader));
        let windows = windows.collect::<Result<Vec<_>, _>>()?;
        if !reader.is_empty() {
            return Err(FeedError::Malformed("bytes after the end"));
        }
        if windows.windows(2).any(|pair| pair[0].seq >= pair[1].seq) {
            return Err(FeedError::Malformed("windows out of order"));
        }
        if windows
            .iter()
            .any(|window| window.seq < oldest_seq || window.seq > newest_seq)
        {
            return Err(FeedError::Malformed(
                "a window that the worker says it does not have",
            ));
        }
        Ok(Self {
            worker,
            oldest_seq,
            newest_seq,
            generations,
            windows,
        })
    }
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, FeedError> {
    let Some((head, deflated)) = bytes.split_at_checked(HEAD_BYTES) else {
        let start = bytes.len().min(MAGIC.len());
        let same = !bytes.is_empty() && bytes[..start] == MAGIC[..start];
        return Err(if same {
            FeedError::Truncated
        } else {
            FeedError::NotAFeed
        });
    };
    if head[..4] != *MAGIC {
        return Err(FeedError::NotAFeed);
    }
    if head[4] != VERSION {
        return Err(FeedError::Version(head[4]));
    }
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (checksum, length) = (number(5), number(9) as usize);
    if length > MAX_PAYLOAD_BYTES {
        return Err(FeedError::TooLarge);
    }
    let mut payload = Vec::new();
    let mut inflate = DeflateDecoder::new(deflated).take(length as u64 + 1);
    inflate
        .read_to_end(&mut payload)
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => FeedError::Truncated,
            _ => FeedError::Checksum,
        })?;
    if payload.len() < length {
        return Err(FeedError::Truncated);
    }
    if payload.len() > length || crc32fast::hash(&payload) != checksum {
        return Err(FeedError::Checksum);
    }
    Ok(payload)
}

fn put_worker(out: &mut Vec<u8>, worker: &Worker) {
    put_text(out, &worker.incarnation.0);
    put_varint(out, u64::from(worker.pid));
    put_text(out, &worker.host);
    put_text(out, &worker.service);
    put_text(out, &worker.python);
    put_labels(out, &worker.labels);
    put_varint(out, worker.started.0);
    put_varint(out, u64::from(worker.rate_hz));
}

fn take_worker(reader: &mut Reader<'_>) -> Result<Worker, FeedError> {
    let worker = Worker {
        incarnation: Incarnation(reader.text()?),
        pid: reader.u32()?,
        host: reader.text()?,
        service: reader.text()?,
        python: reader.text()?,
        labels: take_labels(reader)?,
        started: UnixNanos(reader.varint()?),
        rate_hz: reader.u32()?,
    };
    if worker.incarnation.0.is_empty() || worker.service.is_empty() {
        return Err(FeedError::Malformed("a worker without a name"));
    }
    Ok(worker)
}

fn put_labels(out: &mut Vec<u8>, labels: &Labels) {
    put_varint(out, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_text(out, name);
        put_text(out, value);
    }
}

fn take_labels(reader: &mut Reader<'_>) -> Result<Labels, FeedError> {
    (0..reader.count(2)?)
        .map(|_| Ok((reader.text()?, reader.text()?)))
        .collect()
}

fn put_generation(out: &mut Vec<u8>, generation: &Generation) {
    put_varint(out, u64::from(generation.number));
    put_varint(out, u64::from(generation.functions_from));
    let mut files: HashMap<&str, u64> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    for function in &generation.functions {
        files.entry(&function.file).or_insert_with(|| {
            names.push(&function.file);
            names.len() as u64 - 1
        });
    }
    put_varint(out, names.len() as u64);
    names.iter().for_each(|name| put_text(out, name));
    put_varint(out, generation.functions.len() as u64);
    for function in &generation.functions {
        put_text(out, &function.name);
        put_varint(out, files[function.file.as_str()]);
        put_varint(out, u64::from(function.line));
    }
    put_varint(out, u64::from(generation.stacks_from));
    put_varint(out, generation.stacks.len() as u64);
    for (node, id) in generation.stacks.iter().zip(u64::from(generation.stacks_from)..) {
        put_varint(out, id.saturating_sub(u64::from(node.parent.0)));
        put_varint(out, u64::from(node.function.0));
        put_varint(out, u64::from(node.line));
    }
}

fn take_generation(reader: &mut Reader<'_>) -> Result<Generation, FeedError> {
    let number = reader.u32()?;
    let functions_from = reader.u32()?;
    let files = (0..reader.count(1)?)
        .map(|_| reader.text())
        .collect::<Result<Vec<_>, _>>()?;
    let mut functions = Vec::new();
    for _ in 0..reader.count(3)? {
        let name = reader.text()?;
        let file = files
            .get(reader.u32()? as usize)
            .ok_or(FeedError::Malformed("an unknown file"))?;
        functions.push(Function {
            name,
            file: file.clone(),
            line: reader.u32()?,
        });
    }
    let stacks_from = reader.u32()?;
    let mut stacks = Vec::new();
    for index in 0..reader.count(3)? {
        let id = u64::from(stacks_from) + index as u64;
        let parent = id
            .checked_sub(reader.varint()?)
            .ok_or(FeedError::Malformed("a stack below the root"))?;
        let parent = u32::try_from(parent).map_err(|_| FeedError::Malformed("too many stacks"))?;
        let function = FunctionId(reader.u32()?);
        stacks.push(StackNode {
            parent: StackId(parent),
            function,
            line: reader.u32()?,
        });
    }
    let generation = Generation {
        number,
        functions_from,
        functions,
        stacks_from,
        stacks,
    };
    if !generation.is_well_formed() {
        return Err(FeedError::Malformed("a stack that refers to nothing"));
    }
    Ok(generation)
}

fn put_window(out: &mut Vec<u8>, window: &Window) {
    put_varint(out, window.seq);
    put_varint(out, window.span.start.0);
    put_varint(out, window.span.nanos());
    put_varint(out, u64::from(window.generation));
    let health = &window.health;
    for value in [
        health.ticks,
        health.overruns,
        health.salvaged,
        health.torn,
        health.folded,
    ] {
        put_varint(out, value);
    }
    put_varint(out, health.agent_cpu_ns);
    put_varint(out, health.agent_memory_bytes);
    put_varint(out, u64::from(health.rate_hz));
    put_varint(out, window.blocks.len() as u64);
    window.blocks.iter().for_each(|block| put_block(out, block));
}

fn take_window(reader: &mut Reader<'_>) -> Result<Window, FeedError> {
    let seq = reader.varint()?;
    let start = reader.varint()?;
    let end = start
        .checked_add(reader.varint()?)
        .ok_or(FeedError::Malformed("a window beyond time"))?;
    let generation = reader.u32()?;
    let health = WindowHealth {
        ticks: reader.varint()?,
        overruns: reader.varint()?,
        salvaged: reader.varint()?,
        torn: reader.varint()?,
        folded: reader.varint()?,
        agent_cpu_ns: reader.varint()?,
        agent_memory_bytes: reader.varint()?,
        rate_hz: reader.u32()?,
    };
    let blocks = (0..reader.count(3)?)
        .map(|_| take_block(reader))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Window {
        seq,
        span: Span::new(UnixNanos(start), UnixNanos(end)),
        generation,
        blocks,
        health,
    })
}

fn put_block(out: &mut Vec<u8>, block: &Block) {
    out.push(block.kind.code());
    put_labels(out, &block.labels);
    put_varint(out, block.stacks.len() as u64);
    let mut previous = 0;
    for &StackId(id) in &block.stacks {
        put_varint(out, u64::from(id.wrapping_sub(previous)));
        previous = id;
    }
    for column in &block.columns {
        column.iter().for_each(|&value| put_varint(out, value));
    }
}

fn take_block(reader: &mut Reader<'_>) -> Result<Block, FeedError> {
    let kind =
        ProfileKind::from_code(reader.take(1)?[0]).ok_or(FeedError::Malformed("an unknown profile"))?;
    let labels = take_labels(reader)?;
    let width = kind.columns().len();
    let count = reader.count(1 + width)?;
    let mut stacks = Vec::with_capacity(count);
    let mut previous = 0_u32;
    for index in 0..count {
        let delta = reader.u32()?;
        if delta == 0 && index > 0 {
            return Err(FeedError::Malformed("a stack that stands twice"));
        }
        previous = previous
            .checked_add(delta)
            .ok_or(FeedError::Malformed("an unknown stack"))?;
        stacks.push(StackId(previous));
    }
    let mut columns = Vec::with_capacity(width);
    for _ in 0..width {
        columns.push(
            (0..count)
                .map(|_| reader.varint())
                .collect::<Result<Vec<_>, _>>()?,
        );
    }
    Ok(Block {
        kind,
        labels,
        stacks,
        columns,
    })
}
