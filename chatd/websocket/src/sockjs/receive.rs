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
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// A receive request: attaches to its session, which is opened when there is none.
pub(super) async fn receive(hub: Arc<Hub>, name: &str, envelope: Envelope, mut request: Request) -> Response {
    let Ok(permits) = request.extract_parts::<SocketPermits>().await;
    match attach(&hub, name, envelope, &request, &permits) {
        Ok(Ok(receiver)) => respond(envelope, Body::from_stream(Frames::new(envelope, receiver, PACE))),
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

/// The times of a response.
#[derive(Clone, Copy)]
struct Pace {
    heartbeat: Duration,
    proof: Duration,
}

const PACE: Pace = Pace { heartbeat: limits::SOCKJS_HEARTBEAT, proof: limits::SOCKJS_PROOF_TIME };

/// The body of a response: frames as they come, to the end that its transport sets.
struct Frames {
    envelope: Envelope,
    receiver: Receiver,
    pace: Pace,
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
    fn new(envelope: Envelope, receiver: Receiver, pace: Pace) -> Self {
        let quiet = Box::pin(sleep(pace.heartbeat));
        Self { envelope, receiver, pace, carried: 0, begun: false, ended: false, quiet, proof: None }
    }

    /// A frame in its envelope.
    fn wrap(&mut self, frame: &str) -> Bytes {
        let mut text = String::with_capacity(frame.len() + 16);
        self.carried += frame.len();
        self.envelope.wrap(frame, &mut text);
        self.quiet.as_mut().reset(Instant::now() + self.pace.heartbeat);
        text.into()
    }

    /// Whether the session asked long enough ago what has arrived.
    fn proof_is_due(&mut self, asked: bool, cx: &mut Context<'_>) -> bool {
        if !asked || !self.envelope.streams() {
            return false;
        }
        let time = self.pace.proof;
        let proof = self.proof.get_or_insert_with(|| Box::pin(sleep(time)));
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

#[cfg(test)]
mod tests {
    use super::super::line::Line;
    use super::*;
    use futures_util::StreamExt;
    use std::future::poll_fn;

    const NEVER: Duration = Duration::from_secs(600);
    const SOON: Duration = Duration::from_millis(1);

    /// A line whose `o` has gone out, and the next response on it.
    async fn opened(envelope: Envelope, pace: Pace) -> (Arc<Line>, Carrier, Frames) {
        let line = Line::new();
        let carrier = Carrier::new(Arc::clone(&line));
        let Ok(receiver) = line.attach(false) else { panic!("nobody is here") };
        let mut first = Frames::new(Envelope::Xhr, receiver, pace);
        assert_eq!(text(&mut first).await.as_deref(), Some("o\n"));
        assert_eq!(text(&mut first).await, None);
        let Ok(receiver) = line.attach(envelope.streams()) else { panic!("nobody is here") };
        let mut frames = Frames::new(envelope, receiver, pace);
        if envelope.streams() {
            assert_eq!(text(&mut frames).await, Some(envelope.prelude()));
        }
        (line, carrier, frames)
    }

    async fn text(frames: &mut Frames) -> Option<String> {
        let chunk = frames.next().await?.unwrap_or_else(|never| match never {});
        Some(String::from_utf8(chunk.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn an_idle_poll_ends_with_a_beat_and_an_idle_stream_goes_on_behind_it() {
        let pace = Pace { heartbeat: SOON, proof: NEVER };
        let (_line, _carrier, mut poll) = opened(Envelope::Xhr, pace).await;
        assert_eq!(text(&mut poll).await.as_deref(), Some("h\n"));
        assert_eq!(text(&mut poll).await, None);
        let (_line, mut carrier, mut stream) = opened(Envelope::EventSource, pace).await;
        for _ in 0..3 {
            assert_eq!(text(&mut stream).await.as_deref(), Some("data: h\r\n\r\n"));
        }
        carrier.write("x").unwrap();
        assert_eq!(text(&mut stream).await.as_deref(), Some("data: a[\"x\"]\r\n\r\n"));
    }

    #[tokio::test]
    async fn a_stream_ends_so_that_the_next_request_can_prove_what_arrived() {
        let pace = Pace { heartbeat: NEVER, proof: SOON };
        let (line, mut carrier, mut stream) = opened(Envelope::XhrStreaming, pace).await;
        carrier.write("x").unwrap();
        carrier.ping(Bytes::from_static(b"1")).unwrap();
        assert_eq!(text(&mut stream).await.as_deref(), Some("a[\"x\"]\n"));
        assert_eq!(text(&mut stream).await, None, "the ping is behind what was taken");
        let nothing = poll_fn(|cx| Poll::Ready(carrier.poll_read(cx).is_pending())).await;
        assert!(nothing, "the end of the response proves nothing");
        let _next = line.attach(true);
        let came = poll_fn(|cx| carrier.poll_read(cx)).await;
        assert!(matches!(came, crate::socket::Incoming::Pong(payload) if payload == "1"));
    }

    #[tokio::test]
    async fn a_line_takes_no_more_than_its_bound_until_a_response_takes_it() {
        let pace = Pace { heartbeat: NEVER, proof: NEVER };
        let (_line, mut carrier, mut poll) = opened(Envelope::Xhr, pace).await;
        let mut written = 0;
        while poll_fn(|cx| Poll::Ready(carrier.poll_ready(cx).is_ready())).await {
            carrier.write(&"x".repeat(1000)).unwrap();
            written += 1;
            assert!(written <= limits::SOCKJS_BUFFER_BYTES / 1000 + 1, "no end of it");
        }
        let taken = text(&mut poll).await.unwrap();
        assert!(taken.len() >= limits::SOCKJS_BUFFER_BYTES);
        assert!(poll_fn(|cx| Poll::Ready(carrier.poll_ready(cx).is_ready())).await);
    }
}
