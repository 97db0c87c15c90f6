//! Errors as RFC 9457 problems, from a closed list. Every error of the API and the chat passes here.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kanca_domain::scenario::Problem as ScenarioProblem;
use kanca_engine::EngineError;
use serde::Serialize;
use utoipa::ToSchema;

/// A wrong field of the input.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field, nested ones with dots or slashes.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// An error, as RFC 9457 has it (`application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// A relative reference that names the kind of problem, such as `/problems/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    #[schema(value_type = String)]
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and what to do.
    pub detail: String,
    /// The wrong fields, when the input is wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldProblem>, required = false)]
    pub errors: Box<[FieldProblem]>,
    /// What is wrong in the scenario, when it cannot be published.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    pub problems: Box<[ScenarioProblem]>,
    /// Seconds to wait, for the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// A result whose error is a problem.
pub type Answer<T> = Result<T, Problem>;

impl Problem {
    /// A problem of a kind from the closed list.
    pub fn new(status: StatusCode, code: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{code}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Box::default(),
            problems: Box::default(),
            retry_after: None,
        }
    }

    /// 404 for a path or a thing that is not there.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// 400 for a request that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    /// 422 for one wrong field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        EngineError::invalid(field, message).into()
    }

    /// 413.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "Too large", detail)
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
            "This address exists, but not with this method. The document at /api/v1/openapi.json lists the methods.",
        )
    }

    /// 415.
    pub fn wrong_content_type() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
            "Send JSON with the header `Content-Type: application/json`.",
        )
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::not_found(detail),
            EngineError::Invalid(fields) => {
                let errors = fields.into_iter().map(|f| FieldProblem { field: f.field, message: f.message });
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The input is not valid", detail);
                Self { errors: errors.collect(), ..problem }
            }
            EngineError::KeysTaken(fields) => {
                let errors = fields.into_iter().map(|f| FieldProblem { field: f.field, message: f.message });
                let problem = Self::new(StatusCode::CONFLICT, "idempotency-key-taken", "Conflict", detail);
                Self { errors: errors.collect(), ..problem }
            }
            EngineError::Conflict { code, .. } if code == "loop-detected" => {
                Self::new(StatusCode::LOOP_DETECTED, code, "Loop detected", detail)
            }
            EngineError::Conflict { code, .. } => Self::new(StatusCode::CONFLICT, code, "Conflict", detail),
            EngineError::ScenarioInvalid(problems) => {
                let title = "The scenario cannot be published";
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "scenario-invalid", title, detail);
                Self { problems: problems.into(), ..problem }
            }
            EngineError::Unauthorized(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Not authorized", detail)
            }
            EngineError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail),
            EngineError::TooLarge(_) => Self::too_large(detail),
            EngineError::TooMany { retry_after, .. } => Self {
                retry_after: Some(retry_after),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail)
            },
            EngineError::Unavailable(_) => Self {
                retry_after: Some(5),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
            },
            EngineError::Internal(detail) => {
                tracing::error!(%detail, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "Internal error",
                    "Something went wrong in Kanca itself. The server's log says what; please report it.",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
