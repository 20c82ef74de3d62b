use super::*;
use crate::driver::bench;
use mio::{Events, Poll, Token};
use schema::Code;
use schema::api::Problem;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};

/// Head and body of a request.
type Asked = (String, Vec<u8>);

/// Answers one request a connection, each with the next script; an empty one closes without a word.
fn server(scripts: Vec<String>) -> (SocketAddr, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |script: String| {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut head, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            head.push_str(&std::mem::take(&mut line));
        }
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length: ").map(|text| text.parse::<usize>().unwrap())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(script.as_bytes()).unwrap();
        (head, body)
    };
    (address, std::thread::spawn(move || scripts.into_iter().map(answer).collect()))
}

fn http(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn problem(code: Code) -> String {
    let problem = Problem {
        kind: "about:blank".into(),
        title: code.title().into(),
        status: code.status(),
        detail: String::new(),
        code,
        trace_id: String::new(),
        errors: Vec::new(),
        retry_after: None,
        receipt: None,
    };
    http(code.status(), &serde_json::to_string(&problem).unwrap())
}

struct Loop {
    poll: Poll,
    rest: Rest,
}

impl Loop {
    fn start(address: SocketAddr, capacity: usize) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        Self { poll, rest: Rest::start(&format!("http://{address}/"), None, waker, capacity).unwrap() }
    }

    fn send(&mut self, sequence: u32) -> Result<(), Full> {
        let kind = Kind::Send { recipient: bench::account(1).id, message: bench::outgoing(sequence) };
        self.rest.call(Call { user: 0, token: "secret", kind })
    }

    /// The next results, once it is woken for some.
    fn results(&mut self) -> Vec<Done> {
        let mut events = Events::with_capacity(1);
        loop {
            let results = self.rest.results();
            if !results.is_empty() {
                return results;
            }
            self.poll.poll(&mut events, None).unwrap();
        }
    }

    fn one(&mut self, kind: Kind) -> Outcome {
        self.rest.call(Call { user: 5, token: "secret", kind }).unwrap();
        let mut results = self.results();
        assert_eq!(results.len(), 1);
        let done = results.remove(0);
        assert_eq!(done.user, 5);
        assert!(done.began_us <= done.ended_us);
        done.outcome
    }
}

#[test]
fn a_send_is_a_draft_under_the_users_token() {
    let (address, server) = server(vec![http(201, "{}"), http(200, "{}")]);
    let mut it = Loop::start(address, 4);
    for sequence in [3, 4] {
        it.send(sequence).unwrap();
        assert_eq!(it.results()[0].outcome, Outcome::Acknowledged { sequence });
    }
    let asked = server.join().unwrap();
    assert!(asked[0].0.starts_with("POST /api/chat/messages HTTP/1.1\r\n"), "{}", asked[0].0);
    assert!(asked[0].0.contains("authorization: Bearer secret\r\n"), "{}", asked[0].0);
    let draft: schema::Draft = serde_json::from_slice(&asked[0].1).unwrap();
    assert_eq!(draft.recipient_id, bench::account(1).id.to_string());
    assert_eq!(draft.client_message_id, Some(bench::outgoing(3).client_id.to_string()));
}

#[test]
fn refusals_tell_what_must_not_be_stored_from_what_may_be() {
    let refused = |code: &str, limited| (true, code.to_owned(), limited);
    let doubtful = |code: &str| (false, code.to_owned(), false);
    let cases = [
        (problem(Code::NotAccepted), refused("not_accepted", false)),
        (problem(Code::RateLimited), refused("rate-limited", true)),
        (http(429, "slow down"), refused("http-429", true)),
        (http(404, ""), refused("http-404", false)),
        (problem(Code::OutcomeUnknown), doubtful("outcome_unknown")),
        (http(502, "bad gateway"), doubtful("http-502")),
        (String::new(), doubtful("connection")),
    ];
    let (address, server) = server(cases.iter().map(|(script, _)| script.clone()).collect());
    let mut it = Loop::start(address, 4);
    for (script, expected) in cases {
        it.send(8).unwrap();
        let what = What::Send { sequence: 8 };
        let got = match it.results().remove(0).outcome {
            Outcome::Refused { what: of, code, limited } if of == what => (true, code, limited),
            Outcome::Doubtful { what: of, code } if of == what => (false, code, false),
            other => panic!("{other:?}"),
        };
        assert_eq!(got, expected, "{script}");
    }
    server.join().unwrap();
}

#[test]
fn what_was_never_asked_is_refused() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut it = Loop::start(gone, 1);
    it.send(0).unwrap();
    let what = What::Send { sequence: 0 };
    let expected = Outcome::Refused { what, code: "connect".into(), limited: false };
    assert_eq!(it.results()[0].outcome, expected);
}

#[test]
fn logins_give_tokens_and_pages_their_size() {
    let id = schema::SessionId::draw();
    let session = format!(
        r#"{{"accessToken":"fresh","refreshToken":"r","tokenType":"Bearer","expiresIn":900,"sessionId":"{id}","userId":"{id}","phoneNumber":null,"displayName":"Bench"}}"#
    );
    let page = r#"{"messages":[{"sequence":7,"hidden":true},{"sequence":8,"content":"x"}],"hasMore":true}"#;
    let (address, server) = server(vec![http(200, &session), http(200, page), http(200, "odd")]);
    let mut it = Loop::start(address, 4);
    let login = Kind::Login { name: "bench_1".into(), password: "password".into() };
    assert_eq!(it.one(login), Outcome::LoggedIn { token: "fresh".into() });
    let peer = bench::account(1).id;
    let history = |before| Kind::History { peer, before };
    assert_eq!(it.one(history(Some(9))), Outcome::Page { rows: 2, oldest: Some(7), more: true });
    let odd = Outcome::Doubtful { what: What::History, code: "unreadable".into() };
    assert_eq!(it.one(history(None)), odd);
    let asked = server.join().unwrap();
    assert_eq!(
        asked[0].1,
        br#"{"phoneNumber":null,"username":"bench_1","password":"password","deviceName":null}"#
    );
    let path = format!("GET /api/chat/conversations/{peer}/messages?limit=50&before=9 HTTP/1.1\r\n");
    assert!(asked[1].0.starts_with(&path), "{}", asked[1].0);
}

#[test]
fn places_are_bounded_until_results_are_taken_out() {
    let (address, server) = server(vec![http(201, "{}"), http(201, "{}"), http(201, "{}")]);
    let mut it = Loop::start(address, 2);
    it.send(0).unwrap();
    it.send(1).unwrap();
    assert_eq!((it.send(2), it.rest.outstanding()), (Err(Full), 2));
    let mut ended = it.results().len();
    while ended < 2 {
        ended += it.results().len();
    }
    it.send(2).unwrap();
    assert_eq!(it.results()[0].outcome, Outcome::Acknowledged { sequence: 2 });
    server.join().unwrap();
}
