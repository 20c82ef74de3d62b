//! CORS (the Fetch standard): what a browser may show of our answers to pages of other sites.

use crate::door::under;
use crate::origin::Origins;
use crate::relay::{Head, Relayed, Relays};
use crate::trace::TRACE_HEADER;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
    HeaderName, IF_MATCH, IF_NONE_MATCH, LOCATION, ORIGIN, RANGE, RETRY_AFTER, VARY,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use schema::limits::CORS_MAX_AGE;
use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use tower::{Layer, Service, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The paths that other sites' pages may use.
const SHARED: [&str; 3] = ["/api", "/ws", "/.well-known"];
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// What a page may send.
fn allowed_headers() -> [HeaderName; 13] {
    [
        AUTHORIZATION,
        CONTENT_TYPE,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("traceparent"),
        HeaderName::from_static("tracestate"),
        HeaderName::from_static("x-requested-with"),
        ACCEPT,
        ACCEPT_LANGUAGE,
        CONTENT_LANGUAGE,
        CACHE_CONTROL,
        IF_MATCH,
        IF_NONE_MATCH,
        RANGE,
    ]
}

/// What a page may read of an answer, besides what every page may.
fn exposed_headers() -> [HeaderName; 8] {
    [
        HeaderName::from_static("ratelimit-limit"),
        HeaderName::from_static("ratelimit-remaining"),
        HeaderName::from_static("ratelimit-reset"),
        RETRY_AFTER,
        HeaderName::from_static(TRACE_HEADER),
        ALLOW,
        ETAG,
        LOCATION,
    ]
}

/// Lets pages of the listed origins in. To others' pages nothing is said, not even to a preflight.
#[derive(Clone)]
pub(crate) struct Cors {
    origins: Arc<Origins>,
    relays: Relays,
    /// With credentials, for an origin that is listed by name.
    named: CorsLayer,
    /// Without, for any origin.
    any: CorsLayer,
}

impl Cors {
    /// `None` when only the server's own pages are let in.
    pub(crate) fn of(origins: Arc<Origins>, relays: Relays) -> Option<Self> {
        if origins.none() {
            return None;
        }
        let layer = CorsLayer::new()
            .allow_methods(METHODS)
            .allow_headers(allowed_headers())
            .expose_headers(exposed_headers())
            .max_age(CORS_MAX_AGE);
        // Whoever gets here is listed: `share` has looked.
        let echo = AllowOrigin::predicate(|_, _| true);
        let named = layer.clone().allow_origin(echo).allow_credentials(true);
        Some(Self { origins, relays, named, any: layer.allow_origin(AllowOrigin::any()) })
    }
}

pub(crate) async fn share(State(cors): State<Cors>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !SHARED.iter().any(|prefix| under(path, prefix)) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let layer = match origin {
        Some(origin) if cors.origins.lists(origin) => &cors.named,
        Some(origin) if cors.origins.allows(origin) => &cors.any,
        _ => {
            let mut response = next.run(request).await;
            if response.extensions().get::<Relayed>().is_some() {
                return response;
            }
            // The next caller's answer may be another: no cache may mix them up.
            response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
            return response;
        }
    };
    if cors.relays.covers(path) {
        return share_own(layer, request, next).await;
    }
    match layer.layer(next).call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// An answer of another process's door is passed on as it is, a preflight's too. What stands in for one that
/// did not come is ours: a page may read that as well.
async fn share_own(layer: &CorsLayer, request: Request, next: Next) -> Response {
    let head = Head::of(&request);
    let response = next.run(request).await;
    if response.extensions().get::<Relayed>().is_some() {
        return response;
    }
    let mut response = Some(response);
    let own = service_fn(move |_: Request| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    match layer.layer(own).call(head.request()).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
