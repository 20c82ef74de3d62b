//! The layers of a listener, from the socket inwards: trace and panics (`answer.rs`), where the request comes
//! from and how long its body may take, other sites' pages (`cors.rs`), time, identity, rate, then the routes
//! with problems for what they do not know.

use crate::caller::{bearer, unauthorized};
use crate::cors::{Cors, share};
use crate::extract::BodyLimit;
use crate::limiter::Lookups;
use crate::origin::Origins;
use crate::peer::{Peer, Proxies, Secure, connection};
use crate::relay::Relays;
use crate::{Limiter, Problem, Sockets, Verifier, answer, metrics};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::Version;
use axum::http::header::{ALLOW, HOST};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum_server::tls::TlsInfo;
use futures_util::StreamExt;
use schema::Code;
use schema::limits::{HTTP_TIME, JSON_BYTES};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use store::RateLimits;

/// What anybody may call under `/api`.
pub const PUBLIC: [&str; 5] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/.well-known/jwks.json",
    "/api/limits",
];

/// What stands around the routes of a public listener. All listeners of a process share it, so that a bound
/// is the same on whichever port somebody calls.
#[derive(Clone)]
pub struct Door {
    pub verifier: Arc<Verifier>,
    /// Calls of a caller.
    pub limiter: Arc<Limiter>,
    /// Look-ups of a caller, see [`crate::Lookup`].
    pub lookups: Arc<Limiter>,
    pub sockets: Arc<Sockets>,
    pub proxies: Arc<Proxies>,
    pub origins: Arc<Origins>,
    /// Paths behind which another process's door stands: it knows the caller, counts, and answers other
    /// sites' pages. Host, sizes and times are looked after here all the same.
    pub relays: Relays,
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Time for a request's body to arrive, from its head on.
    pub body_time: Duration,
}

impl Door {
    /// A door that trusts no proxy and no foreign page, with no bound but this one.
    pub fn new(verifier: Arc<Verifier>, limiter: Arc<Limiter>) -> Self {
        Self {
            verifier,
            limiter,
            lookups: Arc::new(Limiter::new(0)),
            sockets: Arc::new(Sockets::new(0)),
            proxies: Arc::default(),
            origins: Arc::default(),
            relays: Relays::default(),
            json_bytes: JSON_BYTES,
            body_time: HTTP_TIME,
        }
    }

    /// The same door, whose bounds count for all processes together that share these buckets.
    #[must_use]
    pub fn shared(self, rates: &Arc<dyn RateLimits>) -> Self {
        let limiter = Arc::new(self.limiter.shared(Arc::clone(rates)));
        let lookups = Arc::new(self.lookups.shared(Arc::clone(rates)));
        Self { limiter, lookups, ..self }
    }

    /// Puts the layers around the routes.
    pub fn around(self, router: Router) -> Router {
        let inner = router
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn_with_state(self.clone(), pass))
            .layer(DefaultBodyLimit::max(self.json_bytes))
            .layer(from_fn(answer::in_time));
        let shared = match Cors::of(Arc::clone(&self.origins), self.relays.clone()) {
            Some(cors) => inner.layer(from_fn_with_state(cors, share)),
            None => inner,
        };
        metrics::watch_panics();
        shared.layer(from_fn_with_state(self, receive)).layer(from_fn(answer::traced))
    }
}

/// Puts the layers of every public listener around its routes.
pub fn door(router: Router, verifier: Arc<Verifier>, limiter: Arc<Limiter>) -> Router {
    Door::new(verifier, limiter).around(router)
}

/// The layers of a listener that anybody may call.
pub fn shell(router: Router) -> Router {
    guarded(router, |router| router)
}

/// The layers of a listener that has its own idea of who may call, such as the administrators' one. `gate`
/// stands before every path, known or not, and behind what gives a refusal its trace id.
pub fn guarded(router: Router, gate: impl FnOnce(Router) -> Router) -> Router {
    metrics::watch_panics();
    gate(router.fallback(unknown_path).method_not_allowed_fallback(wrong_method))
        .layer(DefaultBodyLimit::max(JSON_BYTES))
        .layer(from_fn(answer::in_time))
        .layer(from_fn(|request: Request, next: Next| next.run(in_body_time(request, HTTP_TIME))))
        .layer(from_fn(answer::traced))
}

/// Whether a path is, or lies under, this prefix.
pub(crate) fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Sockets keep their own time, rate and identity.
pub(crate) fn is_socket(path: &str) -> bool {
    under(path, "/ws")
}

/// Finds out where a request comes from, before anything is counted for it.
async fn receive(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    if let Err(problem) = one_host(&request) {
        return problem.into_response();
    }
    let end = connection(request.extensions());
    let peer = Peer::of(door.proxies.client(end, request.headers()));
    let encrypted = request.extensions().get::<Arc<TlsInfo>>().is_some();
    let secure = Secure(encrypted || door.proxies.secure(end, request.headers()));
    let extensions = request.extensions_mut();
    extensions.insert(peer);
    extensions.insert(secure);
    extensions.insert(BodyLimit(door.json_bytes));
    extensions.insert(Arc::clone(&door.sockets));
    extensions.insert(Lookups(Arc::clone(&door.lookups)));
    let mut response = next.run(in_body_time(request, door.body_time)).await;
    response.extensions_mut().insert(secure);
    response
}

/// HTTP/1.1 wants exactly one Host (RFC 9112, 3.2): two are how one server is made to see another request than
/// the next. A request that was made inside the process has none.
fn one_host(request: &Request) -> Result<(), Problem> {
    let hosts = request.headers().get_all(HOST).iter().count();
    let wants_one = request.version() == Version::HTTP_11
        && request.extensions().get::<ConnectInfo<SocketAddr>>().is_some();
    if hosts > 1 || (wants_one && hosts == 0) {
        let detail = format!("the request has {hosts} host headers; HTTP/1.1 takes exactly one");
        return Err(Problem::new(Code::Malformed, detail));
    }
    Ok(())
}

/// A body that has not arrived within its time breaks off, whoever reads it.
fn in_body_time(request: Request, time: Duration) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    request.map(|body| {
        let mut over = Box::pin(tokio::time::sleep(time));
        let mut data = body.into_data_stream();
        let timed = futures_util::stream::poll_fn(move |cx| -> Poll<Option<Result<Bytes, axum::Error>>> {
            match data.poll_next_unpin(cx) {
                Poll::Pending if over.as_mut().poll(cx).is_ready() => {
                    Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut)))))
                }
                other => other,
            }
        });
        Body::from_stream(timed)
    })
}

/// Knows the caller, counts the call, and lets nobody without a good token near a private path, be it
/// known or not.
async fn pass(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Arc::clone(&door.verifier));
    let path = request.uri().path();
    if is_socket(path) || under(path, "/actuator") || path == "/metrics" || door.relays.covers(path) {
        return next.run(request).await;
    }
    let private = under(path, "/api") && !PUBLIC.contains(&path);
    // A token on a public path changes nothing, so a stale one there is no error either.
    let caller = match bearer(request.headers()) {
        Some(token) if private => door.verifier.verify(token),
        _ => Err(unauthorized().caused_by("no token")),
    };
    let peer = Peer::of_connection(request.extensions());
    let allowance = match door.limiter.take(caller.as_ref().ok(), peer).await {
        Ok(allowance) => allowance,
        Err(problem) => return problem.into_response(),
    };
    let mut response = match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) if private => problem.into_response(),
        Err(_) => next.run(request).await,
    };
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    response
}

async fn unknown_path() -> Problem {
    Problem::new(Code::NotFound, "there is nothing under this path")
}

/// The router adds `Allow`.
async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("the path takes other methods, see the header {ALLOW}"))
}
