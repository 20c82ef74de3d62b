//! A request for a service in another process, and its answer, on their way through.
//!
//! What is tried again is what was never sent, and, once, what changes nothing. Everything else is answered with
//! what is known of it: not done, or done or not.

use crate::Config;
use crate::affinity::{self, Affinity, Using};
use crate::body::{Answer, Lent};
use crate::client::Client;
use crate::counts::Counts;
use crate::failure::{Call, Failure, missing, no_session, too_large};
use crate::node::{Node, Work};
use crate::tunnel::{Beginning, Tunnels};
use crate::upstream::{Service, Upstream, Upstreams};
use crate::{headers, health};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use edge::{BodyLimit, Problem, Relayed};
use hyper::body::Incoming;
use schema::Code;
use schema::limits::{JSON_BYTES, UPLOAD_BYTES, UPSTREAM_TRIES};
use std::sync::Arc;
use tokio::time::timeout;

/// What requests are passed on with.
pub(crate) struct Proxy {
    pub(crate) upstreams: Upstreams,
    pub(crate) client: Client,
    pub(crate) affinity: Affinity,
    pub(crate) tunnels: Tunnels,
    pub(crate) counts: Counts,
    pub(crate) config: Config,
}

/// Passes a request on to its service.
pub(crate) async fn forward(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let Some(upstream) = proxy.upstreams.of(request.uri().path()) else {
        return Problem::new(Code::NotFound, "there is nothing under this path").into_response();
    };
    let answer = Box::pin(proxy.pass(upstream, request)).await;
    let response = answer.unwrap_or_else(IntoResponse::into_response);
    proxy.counts.request(upstream.service, response.status());
    response
}

/// An answer whose body is still to come.
struct Got {
    answer: axum::http::Response<Incoming>,
    work: Work,
    using: Option<Using>,
}

impl Proxy {
    async fn pass(&self, upstream: &Arc<Upstream>, mut request: Request) -> Result<Response, Problem> {
        if [Method::CONNECT, Method::TRACE].contains(request.method()) {
            return Err(Problem::new(Code::MethodNotAllowed, "this method is not passed on"));
        }
        let call = Call::of(upstream.service, &request);
        let bytes = bound(&request, upstream.service)?;
        let protocol = headers::upgrade(request.headers()).filter(|_| call.service == Service::Websocket);
        let beginning = match &protocol {
            Some(protocol) => Some(self.tunnels.begin(&mut request, protocol).await?),
            None => None,
        };
        let (mut parts, body) = request.into_parts();
        headers::pass_on(&mut parts.headers, &parts.extensions, protocol.as_ref());
        let lent = Lent::new(body, bytes);
        let got = self.send(upstream, &call, &parts, &lent).await;
        let got = match (got, lent.fault()) {
            (Ok(got), _) => got,
            // Whatever else happened, it did because the caller's body ended early.
            (Err(_), Some(fault)) => return Err(fault.problem(bytes)),
            (Err(problem), None) => return Err(problem),
        };
        self.answer(&call, got, beginning)
    }

    /// Sends it, if need be to one process after another.
    async fn send(
        &self,
        upstream: &Upstream,
        call: &Call,
        parts: &Parts,
        body: &Lent,
    ) -> Result<Got, Problem> {
        let path = parts.uri.path();
        let session = affinity::session(path).filter(|_| call.service == Service::Websocket);
        let mut tried: Vec<Arc<Node>> = Vec::new();
        let (mut last, mut broke_off) = (missing(call.service), false);
        while tried.len() < UPSTREAM_TRIES {
            let using = session.and_then(|session| self.affinity.way(session, upstream, &tried));
            let picked = match (&using, session) {
                (Some(using), _) => Some(using.node()),
                (None, Some(_)) => None,
                // Who broke off may be asked again when there is nobody else.
                (None, None) => {
                    upstream.pick(&tried.iter().collect::<Vec<_>>()).or_else(|| upstream.pick(&[]))
                }
            };
            let Some(node) = picked.cloned() else { break };
            if !tried.is_empty() {
                self.counts.retry(call.service);
            }
            let work = node.work();
            let failure = match self.once(&node, parts, body.clone()).await {
                Ok(answer) => {
                    self.settle(session, using.as_ref(), answer.status());
                    return Ok(Got { answer, work, using });
                }
                Err(failure) => failure,
            };
            if let Failure::Unreachable(why) = &failure {
                health::away(&node, &self.counts, why.clone());
            }
            let unsent = matches!(failure, Failure::Unreachable(_) | Failure::Unsent(_));
            if let (Some(session), Some(using)) = (session, &using)
                && unsent
            {
                self.affinity.forget(session, using);
                if using.is_settled() {
                    return Err(no_session());
                }
            }
            last = failure.problem(call);
            // What broke off has one chance more, not as many as there are processes.
            let again = failure.may_be_repeated(call.reads) && body.is_whole() && (unsent || !broke_off);
            if !again {
                break;
            }
            broke_off |= !unsent;
            tried.push(node);
        }
        Err(last)
    }

    /// One try at one process.
    async fn once(
        &self,
        node: &Node,
        parts: &Parts,
        body: Lent,
    ) -> Result<axum::http::Response<Incoming>, Failure> {
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let mut request = axum::http::Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = node.address(path);
        *request.headers_mut() = parts.headers.clone();
        match timeout(self.config.answer_time, self.client.request(request)).await {
            Ok(answer) => answer.map_err(|error| Failure::of(&error)),
            Err(_) => Err(Failure::Late),
        }
    }

    /// Remembers where a session lives, or forgets a way to a session that is not there.
    fn settle(&self, session: Option<&str>, using: Option<&Using>, status: StatusCode) {
        match (session, using) {
            (Some(session), Some(using)) if status == StatusCode::NOT_FOUND => {
                self.affinity.forget(session, using);
            }
            (_, Some(using)) => using.settle(),
            _ => {}
        }
    }

    /// The answer as the caller gets it, or the tunnel that it begins.
    fn answer(&self, call: &Call, got: Got, beginning: Option<Beginning>) -> Result<Response, Problem> {
        let Got { mut answer, work, using } = got;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let (Some(beginning), Some(protocol)) = (beginning, headers::upgrade(answer.headers())) else {
                let nonsense = Failure::Nonsense("changed the protocol, which nobody asked for".to_owned());
                return Err(nonsense.problem(call));
            };
            self.tunnels.start(beginning, &mut answer, work);
            let mut response = answer.map(|_| Body::empty());
            headers::strip(response.headers_mut());
            headers::changed(response.headers_mut(), protocol);
            response.extensions_mut().insert(Relayed);
            return Ok(response);
        }
        let stall_time = self.config.stall_time;
        let mut response = answer.map(|body| Body::new(Answer::new(body, stall_time, (work, using))));
        headers::strip(response.headers_mut());
        response.extensions_mut().insert(Relayed);
        Ok(response)
    }
}

/// Bytes that the body may have. A service has bounds of its own; this one is for what it would never take.
fn bound(request: &Request, service: Service) -> Result<usize, Problem> {
    let json = request.extensions().get::<BodyLimit>().map_or(JSON_BYTES, |limit| limit.0);
    let bytes = match service {
        Service::Media | Service::Websocket => json.max(UPLOAD_BYTES + JSON_BYTES),
        _ => json,
    };
    let announced =
        request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > bytes as u64) {
        return Err(too_large(bytes));
    }
    Ok(bytes)
}
