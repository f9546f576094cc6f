//! One `GET /feed` to one target: HTTP/1.1 over a Unix socket or TCP, bounded in size.
//!
//! The time is bounded by the caller. Nothing of the answer is believed here.

use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use pyrometer_formats::feed::MAX_PAYLOAD_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::Target;

/// Room for the head of an answer; deflated payloads are smaller than the bound of inflated ones.
const MAX_ANSWER_BYTES: usize = MAX_PAYLOAD_BYTES + 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    /// Windows after this one.
    pub(super) since: u64,
    /// Generation, and the next function and stack that are not known of it.
    pub(super) have: Option<(u32, u32, u32)>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("nobody listens there")]
    Refused,
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("no answer within {} s", super::POLL_TIMEOUT.as_secs())]
    Timeout,
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("does not speak HTTP: {0}")]
    Http(hyper::Error),
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the answer broke off: {0}")]
    Broken(String),
}

impl FetchError {
    /// Whether something answers there that is not a worker.
    pub(super) fn is_invalid(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Http(_) | Self::TooLarge)
    }

    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused | Self::Connect(_) => Some("is the worker running, and is the address right?"),
            Self::Timeout => Some("the worker is stopped or overloaded, or the address is not its endpoint"),
            Self::Status(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Some("the worker asks for a token, and this one does not fit")
            }
            Self::Status(_) | Self::Http(_) | Self::TooLarge => {
                Some("is this the endpoint of a pyrometer worker?")
            }
            Self::Broken(_) => {
                Some("it is asked again; look at the worker, and at what lies between, if it goes on")
            }
        }
    }
}

/// Asks once.
pub(super) async fn fetch(target: &Target, ask: Ask, token: Option<&str>) -> Result<Bytes, FetchError> {
    let connect = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound => FetchError::Refused,
        _ => FetchError::Connect(error),
    };
    match target {
        Target::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(connect)?;
            exchange(stream, "localhost", ask, token).await
        }
        Target::Http { authority } => {
            let stream = TcpStream::connect(authority).await.map_err(connect)?;
            exchange(stream, authority, ask, token).await
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
    ask: Ask,
    token: Option<&str>,
) -> Result<Bytes, FetchError> {
    let mut path = format!("/feed?since={}", ask.since);
    if let Some((generation, functions, stacks)) = ask.have {
        path.push_str(&format!("&have={generation}:{functions}:{stacks}"));
    }
    let mut request = Request::get(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| FetchError::Broken(format!("the request cannot be written: {error}")))?;

    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(FetchError::Http)?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(FetchError::Http)?;
        if answer.status() != StatusCode::OK {
            return Err(FetchError::Status(answer.status()));
        }
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => FetchError::TooLarge,
            None => FetchError::Broken(error.to_string()),
        })?;
        Ok(body.to_bytes())
    };
    // Both in this task: when the poll is given up, the connection is closed with it.
    let mut connection = std::pin::pin!(connection);
    let mut ask = std::pin::pin!(ask);
    tokio::select! {
        answer = &mut ask => answer,
        // Whatever ended the connection, the request knows better what that means.
        _ = &mut connection => ask.await,
    }
}
