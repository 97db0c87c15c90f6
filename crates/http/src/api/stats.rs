//! How an endpoint fared in the last hour, minute by minute, for charts.

use crate::App;
use crate::extract::{Auth, PathId, Query};
use crate::problems::{Answer, Problem};
use crate::time::rfc3339;
use axum::extract::State;
use kanca_domain::ids::EndpointId;
use kanca_engine::stats::{MINUTES, MinuteStats as Record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An endpoint's last minutes, the oldest first; those without attempts are there, too.
#[derive(Debug, Serialize, ToSchema)]
pub struct EndpointStats {
    /// When counting began: the figures are in memory and begin anew when Kanca starts.
    pub since: String,
    pub items: Vec<MinuteStats>,
}

/// What was sent to an endpoint in one minute.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinuteStats {
    /// The minute's beginning.
    pub at: String,
    pub attempts: u64,
    /// Attempts that succeeded.
    pub delivered: u64,
    /// Attempts that did not.
    pub failed: u64,
    /// Half of the attempts took at most so long, at most a quarter too high; `null` without attempts.
    pub p50_ms: Option<f64>,
    /// The same for 95 of 100.
    pub p95_ms: Option<f64>,
}

/// `?minutes=`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatsQuery {
    minutes: Option<u32>,
}

/// How an endpoint fared in the last minutes, the present one among them.
#[utoipa::path(get, path = "/api/v1/endpoints/{id}/stats", tag = "endpoints",
    params(("id" = String, Path), ("minutes" = Option<u32>, Query, description = "1 to 60; 60 when absent")),
    responses((status = 200, body = EndpointStats)))]
pub async fn stats(
    State(app): State<App>,
    auth: Auth,
    PathId(id): PathId<EndpointId>,
    Query(query): Query<StatsQuery>,
) -> Answer<axum::Json<EndpointStats>> {
    let minutes = query.minutes.unwrap_or(MINUTES);
    if !(1..=MINUTES).contains(&minutes) {
        return Err(Problem::malformed(format!("The query parameter minutes must be a number from 1 to {MINUTES}.")));
    }
    let stats = app.engine.endpoint_stats(auth.project(), id, minutes)?;
    Ok(axum::Json(EndpointStats {
        since: rfc3339(stats.since),
        items: stats.minutes.into_iter().map(minute).collect(),
    }))
}

fn minute(record: Record) -> MinuteStats {
    let Record { at, attempts, delivered, failed, p50_us, p95_us } = record;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for people; 2^53 microseconds are 285 years")]
    let millis = |us: u64| us as f64 / 1_000.0;
    MinuteStats { at: rfc3339(at), attempts, delivered, failed, p50_ms: p50_us.map(millis), p95_ms: p95_us.map(millis) }
}
