//! The query API under `/api/v1`, its description, and the web app beside it.
//!
//! | module | does |
//! |---|---|
//! | this | puts routes, limits and headers together |
//! | `routes` | the one table that router and description are made of |
//! | `params`, `times` | query strings, read strictly |
//! | `answers` | what is sent, and the schema of it |
//! | `handlers`, `workers`, `export` | from question to answer |
//! | `openapi` | the description |
//! | `guard` | who may ask: token, host name; headers of every answer |
//!
//! Handlers are plain functions that block; a bounded number of them runs at once.

mod answers;
mod error;
mod export;
mod guard;
mod handlers;
pub mod openapi;
mod params;
mod routes;
mod times;
mod workers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{RawPathParams, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use pyrometer_store::Store;
use tokio::sync::Semaphore;
use tower_http::compression::CompressionLayer;

use self::error::ApiError;
use self::params::Params;
use self::routes::{ROUTES, Reply, Route};
use crate::collector::Collector;
use crate::{Config, web};

/// Queries answered at once; others wait.
const MAX_QUERIES: usize = 4;

/// Longest time that a query waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// What handlers see.
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) collector: Arc<Collector>,
}

#[derive(Clone)]
struct Shared {
    context: Arc<Context>,
    turns: Arc<Semaphore>,
}

/// The whole HTTP side of the server.
pub(crate) fn router(
    config: &Config,
    address: SocketAddr,
    store: Arc<dyn Store>,
    collector: Arc<Collector>,
) -> Router {
    let shared = Shared {
        context: Arc::new(Context { store, collector }),
        turns: Arc::new(Semaphore::new(MAX_QUERIES)),
    };
    let mut api = Router::new();
    for route in ROUTES {
        let handler = move |State(shared): State<Shared>, path: RawPathParams, RawQuery(query): RawQuery| {
            let path = path
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            run(route, shared, path, query)
        };
        api = api.route(route.path, get(handler));
    }
    let api = api
        .route(
            openapi::PATH,
            get(async || axum::response::Response::new(openapi::document().to_string().into()).with_json()),
        )
        .route(
            "/api/{*rest}",
            get(async || ApiError::not_found().into_response()),
        )
        .with_state(shared)
        .layer(axum::middleware::from_fn_with_state(
            guard::Token::new(config),
            guard::token,
        ));
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(async || "ok"))
        .merge(api)
        .fallback(get(web::serve))
        .layer(CompressionLayer::new())
        .layer(axum::middleware::from_fn_with_state(
            guard::Host::new(address),
            guard::host,
        ))
        .layer(axum::middleware::from_fn(guard::headers))
}

/// Runs a handler in its turn, on a thread that may block.
async fn run(
    route: &'static Route,
    shared: Shared,
    path: BTreeMap<String, String>,
    query: Option<String>,
) -> Response {
    let begun = Instant::now();
    let params = match Params::parse(query.as_deref().unwrap_or(""), route, path) {
        Ok(params) => params,
        Err(error) => return error.into_response(),
    };
    let turn = tokio::time::timeout(MAX_WAIT, Arc::clone(&shared.turns).acquire_owned()).await;
    let Ok(Ok(turn)) = turn else {
        return ApiError::busy().into_response();
    };
    let context = Arc::clone(&shared.context);
    let answer = tokio::task::spawn_blocking(move || {
        let answer = (route.handler)(&context, &params);
        drop(turn);
        answer
    });
    let mut response = match answer.await {
        Ok(Ok(reply)) => reply.into_response(),
        Ok(Err(error)) => error.into_response(),
        Err(error) => ApiError::internal(error.to_string()).into_response(),
    };
    let timing = format!("query;dur={:.1}", begun.elapsed().as_secs_f64() * 1000.0);
    if let Ok(timing) = HeaderValue::from_str(&timing) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("server-timing"), timing);
    }
    response
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Json(bytes) => Response::new(bytes.into()).with_json(),
            Self::File {
                name,
                media_type,
                bytes,
            } => {
                let mut response = Response::new(bytes.into());
                let headers = response.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
                let disposition = format!("attachment; filename=\"{name}\"");
                if let Ok(disposition) = HeaderValue::from_str(&disposition) {
                    headers.insert(header::CONTENT_DISPOSITION, disposition);
                }
                response
            }
        }
    }
}

trait WithJson {
    fn with_json(self) -> Self;
}

impl WithJson for Response {
    fn with_json(mut self) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers_mut().insert(header::CONTENT_TYPE, json);
        self
    }
}
