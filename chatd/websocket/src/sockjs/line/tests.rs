//! A line against a model of what both ends may expect of it, whatever the order of things.

use super::{Carrier, Line, Next, Receiver};
use crate::socket::{Broken, Incoming};
use bytes::Bytes;
use proptest::prelude::*;
use schema::limits;
use schema::wire::sockjs::Frame;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// What may happen on a line.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// The session writes, as far as the line takes it.
    Write,
    Ping,
    /// The client begins a receive request.
    Attach(bool),
    /// The response at hand goes on.
    Take,
    /// It ends, as it should or torn.
    Finish,
    Tear,
    Post,
    /// The session says its last word.
    Close,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => Just(Act::Write),
        4 => Just(Act::Ping),
        6 => any::<bool>().prop_map(Act::Attach),
        8 => Just(Act::Take),
        6 => Just(Act::Finish),
        1 => Just(Act::Tear),
        3 => Just(Act::Post),
        1 => Just(Act::Close),
    ];
    prop::collection::vec(act, 1..80)
}

struct Model {
    line: Arc<Line>,
    carrier: Carrier,
    receiver: Option<Receiver>,
    written: usize,
    /// Messages that responses took, in order.
    taken: usize,
    /// Of those, what a later receive request proved.
    proved: usize,
    posted: VecDeque<Bytes>,
    posts: usize,
    over: bool,
    torn: bool,
}

impl Model {
    fn new() -> Self {
        let line = Line::new();
        let carrier = Carrier::new(Arc::clone(&line));
        Self {
            line,
            carrier,
            receiver: None,
            written: 0,
            taken: 0,
            proved: 0,
            posted: VecDeque::new(),
            posts: 0,
            over: false,
            torn: false,
        }
    }

    fn act(&mut self, act: Act) {
        let cx = &mut Context::from_waker(Waker::noop());
        match act {
            Act::Write => match self.carrier.poll_ready(cx) {
                Poll::Ready(Ok(())) => {
                    self.carrier.write(&self.written.to_string()).unwrap();
                    self.written += 1;
                }
                Poll::Ready(Err(_)) => assert!(self.over),
                Poll::Pending => assert!(self.written > self.taken, "an empty line takes a frame"),
            },
            // The payload says what a pong would prove.
            Act::Ping => {
                let _ = self.carrier.ping(Bytes::from(self.written.to_string()));
            }
            Act::Attach(streams) => match self.line.attach(streams) {
                Ok(receiver) => {
                    assert!(self.receiver.replace(receiver).is_none(), "two at once");
                    self.proved = self.taken;
                }
                Err(_) => assert!(self.receiver.is_some() || self.over),
            },
            Act::Take => self.take(cx),
            Act::Finish => {
                if let Some(mut receiver) = self.receiver.take() {
                    receiver.finish();
                }
            }
            Act::Tear => {
                self.torn |= self.receiver.take().is_some();
                self.over |= self.torn;
            }
            Act::Post => {
                let data = Bytes::from(vec![b'x'; 1 + self.posts % 7]);
                let mut post = std::pin::pin!(self.line.post(data.clone()));
                match post.as_mut().poll(cx) {
                    Poll::Ready(Ok(())) => self.posted.push_back(data),
                    Poll::Ready(Err(_)) => assert!(self.over),
                    Poll::Pending => panic!("there is room for {}", self.posts),
                }
                self.posts += 1;
            }
            Act::Close => {
                self.carrier.close(1000, "goodbye");
                self.over = true;
            }
        }
        self.read(cx);
    }

    fn take(&mut self, cx: &mut Context<'_>) {
        let Some(receiver) = &mut self.receiver else { return };
        let frame = match receiver.poll_next(cx).0 {
            Poll::Ready(Next::Frame(frame) | Next::Last(frame)) => frame,
            Poll::Pending => return assert!(self.over || self.taken == self.written, "something waits"),
        };
        match Frame::parse(&frame).unwrap() {
            Frame::Open => assert_eq!(self.taken, 0),
            Frame::Messages(messages) => {
                for message in messages {
                    assert_eq!(message, self.taken.to_string(), "each once, in order");
                    self.taken += 1;
                }
            }
            Frame::Close(..) => assert!(self.over),
            Frame::Heartbeat => panic!("not from here"),
        }
    }

    /// The session reads whatever there is.
    fn read(&mut self, cx: &mut Context<'_>) {
        loop {
            match self.carrier.poll_read(cx) {
                Poll::Ready(Incoming::Data(data)) => assert_eq!(Some(data), self.posted.pop_front()),
                Poll::Ready(Incoming::Pong(payload)) => {
                    let up_to: usize = std::str::from_utf8(&payload).unwrap().parse().unwrap();
                    assert!(up_to <= self.proved, "{up_to} is not proved, {} is", self.proved);
                }
                Poll::Ready(Incoming::Gone) => return assert!(self.over),
                Poll::Ready(other) => panic!("{other:?}"),
                Poll::Pending => return assert!(!self.over && self.posted.is_empty()),
            }
        }
    }
}

#[test]
fn a_post_waits_until_the_session_reads_on_and_no_longer_than_it_lives() {
    let cx = &mut Context::from_waker(Waker::noop());
    let line = Line::new();
    let mut carrier = Carrier::new(Arc::clone(&line));
    let data = Bytes::from(vec![b'x'; limits::SOCKJS_INBOUND_BYTES]);
    let mut first = std::pin::pin!(line.post(data.clone()));
    assert_eq!(first.as_mut().poll(cx), Poll::Ready(Ok(())));
    let (mut second, mut third) =
        (std::pin::pin!(line.post(data.slice(..9))), std::pin::pin!(line.post(data.slice(..7))));
    assert!(second.as_mut().poll(cx).is_pending(), "a full line takes nothing");
    assert!(matches!(carrier.poll_read(cx), Poll::Ready(Incoming::Data(read)) if read == data));
    assert_eq!(second.as_mut().poll(cx), Poll::Ready(Ok(())));
    let mut much = std::pin::pin!(line.post(data));
    assert!(much.as_mut().poll(cx).is_pending());
    assert_eq!(third.as_mut().poll(cx), Poll::Ready(Ok(())), "there is room for little");
    drop(carrier);
    assert_eq!(much.as_mut().poll(cx), Poll::Ready(Err(Broken)), "nobody will ever read it");
}

proptest! {
    #[test]
    fn nothing_is_lost_doubled_or_proved_too_early(acts in acts()) {
        let mut model = Model::new();
        acts.into_iter().for_each(|act| model.act(act));
        // Whatever happened: a client that goes on gets the rest, and then the last word or nothing.
        model.act(Act::Finish);
        for _ in 0..3 {
            model.act(Act::Attach(false));
            model.act(Act::Take);
            model.act(Act::Finish);
        }
        if !model.torn {
            prop_assert_eq!(model.taken, model.written, "also what came before the last word");
        }
        if !model.over {
            model.act(Act::Ping);
            model.act(Act::Attach(true));
            prop_assert_eq!(model.proved, model.written);
        }
    }

    #[test]
    fn a_line_without_requests_is_forgotten_and_one_with_a_request_is_not(acts in acts()) {
        let mut model = Model::new();
        acts.into_iter().for_each(|act| model.act(act));
        let long = Instant::now() + 2 * limits::SOCKJS_DISCONNECT_DELAY;
        prop_assert!(!model.line.expire(Instant::now()), "not yet");
        prop_assert_eq!(model.line.expire(long), model.over || model.receiver.is_none());
        drop(model.carrier);
        prop_assert!(model.line.expire(long));
    }
}
