//! `/actuator` and `/metrics`: what an operator, a load balancer and Prometheus read.

use crate::{Health, Json, Metrics, Problem};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use schema::Code;
use schema::api::HealthStatus;
use serde::Serialize;
use std::sync::Arc;

/// The media type that Prometheus asks for.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes of every service's port.
pub fn operations(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    let health = Router::new()
        .route("/actuator/health", get(whole))
        .route("/actuator/health/liveness", get(liveness))
        .route("/actuator/health/readiness", get(whole))
        .route("/actuator/info", get(info))
        .with_state(health);
    let metrics = Router::new()
        .route("/actuator/prometheus", get(prometheus))
        .route("/metrics", get(prometheus))
        .with_state(metrics);
    health.merge(metrics)
}

/// 200 while everything is up, else 503; the body says which part is not.
async fn whole(State(health): State<Arc<Health>>) -> Response {
    let health = health.status();
    let status = match health.status {
        HealthStatus::Up => StatusCode::OK,
        HealthStatus::Down | HealthStatus::OutOfService => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health)).into_response()
}

/// That this answers at all is the answer: a restart would not bring back a store that is away.
async fn liveness() -> Response {
    Json(schema::api::Health { status: HealthStatus::Up, components: Vec::new() }).into_response()
}

#[derive(Serialize)]
struct Info {
    name: &'static str,
    version: &'static str,
}

async fn info() -> Json<Info> {
    Json(Info { name: "chatd", version: env!("CARGO_PKG_VERSION") })
}

async fn prometheus(State(metrics): State<Arc<Metrics>>) -> Result<Response, Problem> {
    let text = metrics
        .render()
        .map_err(|error| Problem::new(Code::Internal, "the metrics cannot be written").caused_by(error))?;
    Ok(([(CONTENT_TYPE, OPENMETRICS)], text).into_response())
}
