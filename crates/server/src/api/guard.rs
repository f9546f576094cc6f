//! Who may ask, and the headers of every answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::error::ApiError;
use crate::Config;

/// Nothing but what the server itself sends may run or be loaded.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

/// What a reader must show.
#[derive(Clone)]
pub(super) struct Token(Option<Arc<str>>);

impl Token {
    pub(super) fn new(config: &Config) -> Self {
        Self(config.token.as_deref().map(Arc::from))
    }
}

/// Refuses requests without the token, if there is one.
pub(super) async fn token(State(Token(token)): State<Token>, request: Request, next: Next) -> Response {
    let Some(expected) = token else {
        return next.run(request).await;
    };
    let shown = request
        .headers()
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let shown = shown.strip_prefix(b"Bearer ").unwrap_or_default();
    if bool::from(shown.ct_eq(expected.as_bytes())) {
        return next.run(request).await;
    }
    let error = ApiError {
        status: StatusCode::UNAUTHORIZED,
        code: "unauthorized",
        message: "a token is needed, or this one is wrong".to_owned(),
        hint: "send the header Authorization: Bearer TOKEN".to_owned(),
    };
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// Whether names of this machine are the only ones that a request may use.
#[derive(Clone, Copy)]
pub(super) struct Host {
    is_loopback: bool,
}

impl Host {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            is_loopback: address.ip().is_loopback(),
        }
    }
}

/// Refuses foreign host names on loopback: a page elsewhere whose name was bound anew to 127.0.0.1
/// would read everything through its visitor's browser.
pub(super) async fn host(State(host): State<Host>, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let named = named.or(request.uri().authority().map(|authority| authority.as_str()));
    if !host.is_loopback || named.is_some_and(is_local) {
        return next.run(request).await;
    }
    let error = ApiError {
        status: StatusCode::FORBIDDEN,
        code: "foreign_host",
        message: format!(
            "this server answers to names of its own machine, not to {:?}",
            named.unwrap_or("")
        ),
        hint: "use http://localhost or http://127.0.0.1, or listen beyond loopback with a token".to_owned(),
    };
    error.into_response()
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Headers of every answer.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_known() {
        for local in [
            "localhost",
            "LOCALHOST:7788",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]:7788",
            "[::1]",
            "127.1.2.3:9",
        ] {
            assert!(is_local(local), "{local}");
        }
        for foreign in [
            "",
            "evil.example",
            "localhost.evil.example:7788",
            "10.0.0.1",
            "127.0.0.1.evil:80",
        ] {
            assert!(!is_local(foreign), "{foreign}");
        }
    }
}
