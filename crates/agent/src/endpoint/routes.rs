//! What the endpoint answers to which path. Reads the windows; never changes the worker.

use std::fmt::Write as _;

use pyrometer_formats::{collapsed, feed, page, pprof};
use pyrometer_model::time::NANOS_PER_SECOND;
use pyrometer_model::{ProfileType, Span, UnixNanos};
use serde_json::json;

use crate::clock;
use crate::shared::Shared;
use crate::windows::{Have, TapProfile};

/// Interval that live pages show unless `seconds` says otherwise.
const DEFAULT_LIVE_SECONDS: u64 = 60;
/// Duration of a pprof profile unless `seconds` says otherwise.
const DEFAULT_PPROF_SECONDS: u64 = 10;
/// Longest pprof profile.
const MAX_PPROF_SECONDS: u64 = 300;
/// Most call nodes of a live page.
const PAGE_NODES: usize = 3000;

const INDEX: &str = "pyrometer agent\n\n\
    /flamegraph?seconds=60&type=cpu|wall|samples   live page\n\
    /collapsed?seconds=60&type=cpu|wall|samples    collapsed stacks\n\
    /debug/pprof/profile?seconds=10                gzip pprof\n\
    /feed?since=SEQ                                windows, for a collector\n\
    /stats                                         this agent's counters\n";

/// A parsed request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    host: Option<&'a [u8]>,
    authorization: Option<&'a [u8]>,
    over_tcp: bool,
}

impl<'a> Request<'a> {
    pub(super) fn new(parsed: &httparse::Request<'_, 'a>, over_tcp: bool) -> Self {
        let target = parsed.path.unwrap_or("/");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| {
            parsed
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name))
                .map(|header| header.value)
        };
        Self {
            method: parsed.method.unwrap_or(""),
            path,
            query,
            host: header("host"),
            authorization: header("authorization"),
            over_tcp,
        }
    }

    /// The last value of a query parameter.
    fn parameter(&self, name: &str) -> Option<String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    fn number(&self, name: &str, default: u64) -> Result<u64, Response> {
        let Some(text) = self.parameter(name) else {
            return Ok(default);
        };
        text.parse()
            .map_err(|_| Response::error(400, &format!("{name} is not a whole number")))
    }
}

/// An answer, now or when a profile is complete.
#[derive(Debug)]
pub(super) enum Reply {
    Now(Response),
    Later(Later),
}

/// A pprof profile that is being collected.
#[derive(Debug)]
pub(super) struct Later {
    pub(super) tap: u64,
    pub(super) due_ns: u64,
    started: UnixNanos,
}

/// Status, media type and body.
#[derive(Debug)]
pub(super) struct Response {
    status: u16,
    media_type: &'static str,
    body: Vec<u8>,
}

const TEXT: &str = "text/plain; charset=utf-8";

impl Response {
    fn ok(media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            media_type,
            body: body.into(),
        }
    }

    pub(super) fn error(status: u16, message: &str) -> Self {
        Self {
            status,
            media_type: TEXT,
            body: format!("{message}\n").into_bytes(),
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            431 => "Request Header Fields Too Large",
            503 => "Service Unavailable",
            _ => "Error",
        };
        let mut head = String::new();
        let (status, media_type, length) = (self.status, self.media_type, self.body.len());
        write!(
            head,
            "HTTP/1.1 {status} {reason}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\
             Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        .expect("writing to a string");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Answers one request.
pub(super) fn answer(shared: &Shared, request: &Request<'_>) -> Reply {
    if let Err(refusal) = admit(shared, request) {
        return Reply::Now(refusal);
    }
    if request.method != "GET" {
        return Reply::Now(Response::error(405, "only GET is served here"));
    }
    let response = match request.path {
        "/" => Ok(Response::ok(TEXT, INDEX)),
        "/feed" => feed_answer(shared, request),
        "/stats" => Ok(stats(shared)),
        "/flamegraph" => flamegraph(shared, request),
        "/collapsed" => live_tree(shared, request, DEFAULT_LIVE_SECONDS)
            .map(|(tree, _)| Response::ok(TEXT, collapsed::write(&tree))),
        "/debug/pprof/profile" => match start_pprof(shared, request) {
            Ok(later) => return Reply::Later(later),
            Err(refusal) => Err(refusal),
        },
        _ => Err(Response::error(404, "no such page; / lists what is here")),
    };
    Reply::Now(response.unwrap_or_else(|refusal| refusal))
}

/// Over TCP, a token where one is set, and a host name that a stranger's web page cannot forge.
fn admit(shared: &Shared, request: &Request<'_>) -> Result<(), Response> {
    if !request.over_tcp {
        return Ok(());
    }
    if let Some(token) = &shared.options.token {
        let shown = request
            .authorization
            .and_then(|value| value.strip_prefix(b"Bearer "));
        let fits = shown.is_some_and(|shown| constant_time_equal(shown, token.as_bytes()));
        return if fits {
            Ok(())
        } else {
            Err(Response::error(401, "a token is needed: Authorization: Bearer …"))
        };
    }
    let host = request
        .host
        .map(|host| String::from_utf8_lossy(host).into_owned())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    match name {
        "localhost" | "127.0.0.1" | "[::1]" => Ok(()),
        _ => Err(Response::error(
            403,
            "without a token this endpoint answers to loopback names only",
        )),
    }
}

fn constant_time_equal(left: &[u8], right: &[u8]) -> bool {
    let differences = left
        .iter()
        .zip(right)
        .fold(0, |sum, (one, other)| sum | (one ^ other));
    left.len() == right.len() && differences == 0
}

fn feed_answer(shared: &Shared, request: &Request<'_>) -> Result<Response, Response> {
    let since = request.number("since", 0)?;
    let have = match request.parameter("have") {
        None => None,
        Some(text) => Some(
            parse_have(&text)
                .ok_or_else(|| Response::error(400, "have takes GENERATION:FUNCTIONS:STACKS"))?,
        ),
    };
    let parts = shared.windows().feed(&shared.worker, since, have);
    Ok(Response::ok(feed::MEDIA_TYPE, parts.encode()))
}

fn parse_have(text: &str) -> Option<Have> {
    let mut numbers = text.split(':').map(|number| number.parse().ok());
    let mut next = || numbers.next().flatten();
    let have = Have {
        generation: next()?,
        functions: next()?,
        stacks: next()?,
    };
    numbers.next().is_none().then_some(have)
}

fn live_tree(
    shared: &Shared,
    request: &Request<'_>,
    default_seconds: u64,
) -> Result<(pyrometer_model::CallTree, ProfileType), Response> {
    let seconds = request.number("seconds", default_seconds)?;
    let profile_type = match request.parameter("type").as_deref() {
        None | Some("cpu") => ProfileType::Cpu,
        Some("wall") => ProfileType::Wall,
        Some("samples") => ProfileType::Samples,
        Some("wait") => ProfileType::Wait,
        Some(_) => return Err(Response::error(400, "type takes cpu, wall, wait or samples")),
    };
    let since = clock::wall()
        .0
        .saturating_sub(seconds.saturating_mul(NANOS_PER_SECOND));
    Ok((
        shared.windows().tree(profile_type, UnixNanos(since)),
        profile_type,
    ))
}

fn flamegraph(shared: &Shared, request: &Request<'_>) -> Result<Response, Response> {
    let seconds = request.number("seconds", DEFAULT_LIVE_SECONDS)?;
    let (tree, profile_type) = live_tree(shared, request, DEFAULT_LIVE_SECONDS)?;
    let worker = &shared.worker;
    let subtitle = format!(
        "{} of the last {seconds} s and the current window · Python {} · process {} on {}",
        profile_type.title(),
        worker.python,
        worker.pid,
        worker.host
    );
    let scale = match profile_type {
        ProfileType::Samples => (1.0, "samples"),
        ProfileType::Cpu | ProfileType::Wall | ProfileType::Wait => (NANOS_PER_SECOND as f64, "s"),
    };
    let head = page::Head {
        title: &worker.service,
        subtitle: &subtitle,
        refresh_seconds: 10,
        scale,
    };
    Ok(Response::ok(
        "text/html; charset=utf-8",
        page::write(&tree.prune(PAGE_NODES), &head),
    ))
}

fn start_pprof(shared: &Shared, request: &Request<'_>) -> Result<Later, Response> {
    let seconds = request.number("seconds", DEFAULT_PPROF_SECONDS)?;
    if !(1..=MAX_PPROF_SECONDS).contains(&seconds) {
        return Err(Response::error(400, "seconds takes 1 to 300"));
    }
    let tap = shared.windows().open_tap();
    let tap = tap.ok_or_else(|| Response::error(503, "too many profiles at once; try again later"))?;
    Ok(Later {
        tap,
        due_ns: clock::monotonic_ns() + seconds * NANOS_PER_SECOND,
        started: clock::wall(),
    })
}

/// The answer to a pprof request whose time is over.
pub(super) fn finish_pprof(shared: &Shared, later: &Later) -> Response {
    let profile = shared.windows().close_tap(later.tap);
    let Some(TapProfile { functions, stacks }) = profile else {
        return Response::error(503, "the profile was lost");
    };
    let samples: Vec<pprof::Sample> = stacks
        .into_iter()
        .map(|(frames, observed)| pprof::Sample {
            frames,
            values: [observed.samples, observed.cpu_ns, observed.wall_ns]
                .map(|v| v as i64)
                .to_vec(),
        })
        .collect();
    let types = [ProfileType::Samples, ProfileType::Cpu, ProfileType::Wall];
    let span = Span::new(later.started, clock::wall());
    let period_ns = NANOS_PER_SECOND / u64::from(shared.worker.rate_hz.max(1));
    let bytes = pprof::write(&types, &functions, &samples, span, period_ns);
    Response::ok("application/octet-stream", bytes)
}

fn stats(shared: &Shared) -> Response {
    let (totals, windows_bytes) = {
        let windows = shared.windows();
        (windows.totals(), windows.memory_bytes())
    };
    let worker = &shared.worker;
    let health = totals.health;
    let stats = json!({
        "incarnation": worker.incarnation.0,
        "pid": worker.pid,
        "service": worker.service,
        "host": worker.host,
        "python": worker.python,
        "started": worker.started.as_secs_f64(),
        "rate_hz": worker.rate_hz,
        "windows": {"closed": totals.closed, "dropped": totals.dropped},
        "totals": {
            "samples": totals.observed.samples,
            "wall_ns": totals.observed.wall_ns,
            "cpu_ns": totals.observed.cpu_ns,
        },
        "agent": {
            "state": shared.state().as_str(),
            "reader": match shared.indirect_fd() {
                None => "process_vm_readv",
                Some(_) => "memfd",
            },
            "cpu_ns": health.agent_cpu_ns,
            "memory_bytes": windows_bytes,
            "ticks": health.ticks,
            "overruns": health.overruns,
            "salvaged": health.salvaged,
            "torn": health.torn,
            "folded": health.folded,
            "rate_hz": health.rate_hz,
        },
    });
    Response::ok("application/json", stats.to_string())
}
