//! Errors as the API sends them: `{"error": {"code", "message", "hint"}}`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pyrometer_store::StoreError;
use serde_json::json;

use super::WithJson;

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: String,
}

impl ApiError {
    pub(crate) fn bad(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(crate) fn not_found() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            message: "there is no such resource".to_owned(),
            hint: "see /api/v1/openapi.json".to_owned(),
        }
    }

    pub(crate) fn busy() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "busy",
            message: "too many queries are under way".to_owned(),
            hint: "ask again in a few seconds, or for a shorter interval".to_owned(),
        }
    }

    pub(crate) fn internal(message: String) -> Self {
        tracing::error!(message, "a query failed");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            code: "internal",
            message: "the server failed to answer".to_owned(),
            hint: "the log of `pyrometer serve` says more".to_owned(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot answer");
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: if error.is_full() {
                "store_full"
            } else {
                "store_failed"
            },
            message: error.to_string(),
            hint: error.hint().unwrap_or_default().into_owned(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({"error": {"code": self.code, "message": self.message, "hint": self.hint}});
        let mut response = Response::new(body.to_string().into()).with_json();
        *response.status_mut() = self.status;
        response
    }
}
