//! The responses that frames go out with: xhr, xhr_streaming, eventsource.

use super::line::{Carrier, Next, Over, Receiver};
use super::lines::Found;
use super::owner::Visitor;
use super::session_headers;
use crate::Hub;
use crate::session::Session;
use crate::socket::Socket;
use crate::upgrade::{Entry, going_away};
use axum::RequestExt;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use edge::{Problem, SocketPermits};
use futures_util::Stream;
use schema::limits;
use schema::wire::sockjs::{self, Envelope};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::time::{Instant, Sleep, sleep};

/// A receive request: attaches to its session, which is opened when there is none.
pub(super) async fn receive(hub: Arc<Hub>, name: &str, envelope: Envelope, mut request: Request) -> Response {
    let Ok(permits) = request.extract_parts::<SocketPermits>().await;
    match attach(&hub, name, envelope, &request, &permits) {
        Ok(Ok(receiver)) => respond(envelope, Body::from_stream(Frames::new(envelope, receiver))),
        Ok(Err(over)) => {
            let mut text = envelope.prelude();
            envelope.wrap(&over.frame(), &mut text);
            respond(envelope, text.into())
        }
        Err(problem) => problem.into_response(),
    }
}

fn respond(envelope: Envelope, body: Body) -> Response {
    (session_headers(envelope.content_type()), body).into_response()
}

fn attach(
    hub: &Arc<Hub>,
    name: &str,
    envelope: Envelope,
    request: &Request,
    permits: &SocketPermits,
) -> Result<Result<Receiver, Over>, Problem> {
    let entry = Entry::of(request.headers(), request.uri(), &hub.config.allowed_origins);
    let admit = || {
        if hub.draining.load(Ordering::SeqCst) {
            return Err(going_away());
        }
        permits.take()
    };
    let visitor = Visitor::new(request, &entry);
    match hub.lines.find_or_open(name, visitor, &hub.verifier, admit)? {
        Found::Known(line) => Ok(line.attach(envelope.streams())),
        Found::New(line, permit) => {
            // From here on the line is over when the carrier is dropped.
            let carrier = Carrier::new(Arc::clone(&line));
            let attached = line.attach(envelope.streams());
            tokio::spawn(Session::run(Arc::clone(hub), Socket::Polled(carrier), entry, permit));
            Ok(attached)
        }
    }
}

/// The body of a response: frames as they come, to the end that its transport sets.
struct Frames {
    envelope: Envelope,
    receiver: Receiver,
    /// Bytes that it carried.
    carried: usize,
    begun: bool,
    ended: bool,
    /// When a heart-beat is due.
    quiet: Pin<Box<Sleep>>,
    /// When the response ends because the session wants to know what has arrived.
    proof: Option<Pin<Box<Sleep>>>,
}

impl Frames {
    fn new(envelope: Envelope, receiver: Receiver) -> Self {
        let quiet = Box::pin(sleep(limits::SOCKJS_HEARTBEAT));
        Self { envelope, receiver, carried: 0, begun: false, ended: false, quiet, proof: None }
    }

    /// A frame in its envelope.
    fn wrap(&mut self, frame: &str) -> Bytes {
        let mut text = String::with_capacity(frame.len() + 16);
        self.carried += frame.len();
        self.envelope.wrap(frame, &mut text);
        self.quiet.as_mut().reset(Instant::now() + limits::SOCKJS_HEARTBEAT);
        text.into()
    }

    /// Whether the session asked long enough ago what has arrived.
    fn proof_is_due(&mut self, asked: bool, cx: &mut Context<'_>) -> bool {
        if !asked || !self.envelope.streams() {
            return false;
        }
        let proof = self.proof.get_or_insert_with(|| Box::pin(sleep(limits::SOCKJS_PROOF_TIME)));
        proof.as_mut().poll(cx).is_ready()
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.ended {
            this.receiver.finish();
            return Poll::Ready(None);
        }
        if !std::mem::replace(&mut this.begun, true) && this.envelope.streams() {
            return Poll::Ready(Some(Ok(this.envelope.prelude().into())));
        }
        let (next, asked) = this.receiver.poll_next(cx);
        let frame = match next {
            Poll::Ready(Next::Frame(frame)) => {
                this.ended =
                    !this.envelope.streams() || this.carried + frame.len() >= limits::SOCKJS_STREAM_BYTES;
                frame
            }
            Poll::Ready(Next::Last(frame)) => {
                this.ended = true;
                frame
            }
            Poll::Pending if this.proof_is_due(asked, cx) => {
                this.receiver.finish();
                return Poll::Ready(None);
            }
            Poll::Pending => {
                if this.quiet.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.ended = !this.envelope.streams();
                sockjs::HEARTBEAT.to_owned()
            }
        };
        Poll::Ready(Some(Ok(this.wrap(&frame))))
    }
}
