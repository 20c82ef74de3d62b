//! Services that do what none should, and callers who try to make two servers see two different requests.
//! Nothing hangs, what may not be done twice comes once, and each caller hears what is known.

use crate::fixture::{Front, Process, SOON, Told, problem, quick};
use edge::Door;
use gateway::{Config, Place, Table};
use parking_lot::Mutex;
use schema::Code;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// What a service does once it has read a request's head.
#[derive(Clone, Copy, PartialEq)]
enum Deed {
    /// Does not even read it.
    Close,
    /// Writes this and closes.
    Write(&'static [u8]),
    /// Writes this and keeps the connection open, without another word.
    Stall(&'static [u8]),
    /// Cuts the connection hard.
    Reset,
    /// Writes this, a byte at a time.
    Slowly(&'static [u8]),
    /// Writes a head with so many headers of so many bytes.
    Headers(usize, usize),
}

/// Everything that came on connections which were no questions about health.
type Came = Arc<Mutex<Vec<u8>>>;

fn service(deed: Deed) -> (Process, Came) {
    let (state, came) = (Arc::new(Told::default()), Came::default());
    let (counted, kept) = (Arc::clone(&state), Arc::clone(&came));
    let process = Process::running(state, ([127, 0, 0, 1], 0).into(), move |listener| async move {
        let listener = TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, deed, Arc::clone(&counted), Arc::clone(&kept)));
        }
    });
    (process, came)
}

async fn serve(mut stream: TcpStream, deed: Deed, counted: Arc<Told>, came: Came) {
    if deed == Deed::Close {
        return;
    }
    let mut got = Vec::new();
    while !got.windows(4).any(|four| four == b"\r\n\r\n") {
        if stream.read_buf(&mut got).await.unwrap_or(0) == 0 {
            return;
        }
    }
    if got.starts_with(b"GET /actuator/health ") {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        return;
    }
    counted.arrived.fetch_add(1, Ordering::SeqCst);
    came.lock().extend_from_slice(&got);
    match deed {
        Deed::Close => return,
        Deed::Write(bytes) => stream.write_all(bytes).await.unwrap(),
        Deed::Reset => {
            stream.set_zero_linger().unwrap();
            return;
        }
        Deed::Slowly(bytes) => {
            for byte in bytes {
                stream.write_all(&[*byte]).await.unwrap();
                sleep(Duration::from_millis(1)).await;
            }
        }
        Deed::Headers(count, length) => {
            let mut head = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned();
            (0..count).for_each(|n| head.push_str(&format!("x-{n}: {}\r\n", "x".repeat(length))));
            let _ = stream.write_all(format!("{head}\r\n").as_bytes()).await;
        }
        Deed::Stall(bytes) => {
            stream.write_all(bytes).await.unwrap();
            // Takes what comes, and says nothing.
            loop {
                let mut more = Vec::new();
                if stream.read_buf(&mut more).await.unwrap_or(0) == 0 {
                    return;
                }
                came.lock().extend_from_slice(&more);
            }
        }
    }
    let _ = stream.shutdown().await;
    // What is still coming is read away, so that closing does not reset the connection over the answer.
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(1), stream.read_to_end(&mut rest)).await;
    came.lock().extend_from_slice(&rest);
}

fn front(process: &Process) -> Front {
    let short = Duration::from_millis(300);
    let config = Config { answer_time: short, stall_time: short, ..quick() };
    let at = || Place::At(vec![process.url()]);
    Front::with(Table { chat: at(), user: at(), ..Table::default() }, config, |door| door)
}

/// Calls once, and says what the answer was and how many requests came of it.
async fn call(deed: Deed, method: &str, path: &str) -> (schema::api::Problem, usize) {
    let (process, _) = service(deed);
    let front = front(&process);
    let method: reqwest::Method = method.parse().unwrap();
    let mut request = front.client.request(method.clone(), front.url(path));
    if method == "POST" {
        request = request.body("{}");
    }
    let response = timeout(SOON, request.send()).await.unwrap().unwrap();
    (problem(response).await, process.arrived())
}

const MESSAGES: &str = "/api/chat/messages";

#[tokio::test]
async fn what_changes_something_is_never_done_twice() {
    for deed in [
        Deed::Write(b""),
        Deed::Write(b"HTTP/1.1 20"),
        Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-le"),
        Deed::Reset,
        Deed::Stall(b""),
        Deed::Stall(b"HTTP/1.1 200 OK\r\n"),
    ] {
        for (method, path) in [
            ("POST", MESSAGES),
            ("PUT", "/api/users/me/privacy"),
            ("DELETE", "/api/users/me"),
            ("PATCH", "/api/users/me"),
        ] {
            let (problem, arrived) = call(deed, method, path).await;
            assert_eq!((problem.code, arrived), (Code::OutcomeUnknown, 1), "{method}: {problem:?}");
            let sends = problem.detail.contains("repeat with the same client id");
            assert_eq!(sends, path == MESSAGES, "{problem:?}");
        }
    }
}

#[tokio::test]
async fn what_changes_nothing_has_one_chance_more_when_it_broke_off() {
    for deed in [Deed::Write(b""), Deed::Write(b"HTTP/1.1 20"), Deed::Reset] {
        let (problem, arrived) = call(deed, "GET", "/api/chat/sync").await;
        assert_eq!((problem.code, arrived), (Code::Unavailable, 2), "{problem:?}");
        assert!(problem.detail.contains("the chat service broke off"), "{problem:?}");
    }
    for deed in [Deed::Stall(b""), Deed::Stall(b"HTTP/1.1 200 OK\r\n")] {
        let (problem, arrived) = call(deed, "GET", "/api/chat/sync").await;
        assert_eq!((problem.code, arrived), (Code::Unavailable, 1), "{problem:?}");
        assert!(problem.detail.contains("did not answer in its time"), "{problem:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_no_answer() {
    for _ in 0..10 {
        let (problem, _) = call(Deed::Close, "GET", "/api/chat/sync").await;
        assert_eq!(problem.code, Code::Unavailable, "{problem:?}");
        // Whether anything was written before the end was noticed is a race; what is said of it is not.
        let (problem, _) = call(Deed::Close, "POST", MESSAGES).await;
        let expected = if problem.detail.contains("nothing was done") {
            Code::Unavailable
        } else {
            Code::OutcomeUnknown
        };
        assert_eq!(problem.code, expected, "{problem:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    for deed in [
        Deed::Headers(1, 70_000),
        Deed::Headers(150, 10),
        Deed::Headers(90, 1_000),
        Deed::Write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
        Deed::Write(b"\x16\x03\x01\x02\x00\x01\x00\x01"),
        Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"),
        Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
        Deed::Write(b"HTTP/1.1 200 OK\r\nx-one: a\0b\r\ncontent-length: 0\r\n\r\n"),
        Deed::Write(b"HTTP/1.1 200 OK\r\nx-one: a\r\n b\r\ncontent-length: 0\r\n\r\n"),
        Deed::Write(b"HTTP/1.1 200 OK\r\nno colon\r\ncontent-length: 0\r\n\r\n"),
        Deed::Write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
        Deed::Write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ] {
        for (method, path, code) in
            [("GET", "/api/chat/sync", Code::Unavailable), ("POST", MESSAGES, Code::OutcomeUnknown)]
        {
            let (problem, arrived) = call(deed, method, path).await;
            assert_eq!((problem.code, arrived), (code, 1), "{problem:?}");
        }
    }
}

#[tokio::test]
async fn a_slow_answer_is_one_and_a_hint_before_it_is_none() {
    const HINT: &[u8] =
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    for deed in [
        Deed::Slowly(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello, world"),
        Deed::Slowly(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n",
        ),
        Deed::Write(b"HTTP/1.0 200 OK\r\n\r\nhello, world"),
        Deed::Write(HINT),
    ] {
        let (process, _) = service(deed);
        let front = front(&process);
        let response = front.get("/api/chat/sync").await.unwrap();
        assert_eq!(response.status(), 200);
        let expected = if deed == Deed::Write(HINT) { "ok" } else { "hello, world" };
        assert_eq!(response.text().await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_breaks_off() {
    for deed in [
        Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello"),
        Deed::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        Deed::Write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n"),
        Deed::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello"),
        Deed::Stall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ] {
        let (process, _) = service(deed);
        let front = front(&process);
        let response = front.get("/api/chat/sync").await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(timeout(SOON, response.bytes()).await.unwrap().is_err(), "half is not taken for the whole");
        assert_eq!(process.arrived(), 1, "what was begun is not done again");
    }
}

#[tokio::test]
async fn a_caller_who_breaks_off_is_not_the_services_fault() {
    let (process, came) = service(Deed::Stall(b""));
    let front = front(&process);
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = "POST /api/chat/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf";
    stream.write_all(head.as_bytes()).await.unwrap();
    let arrived = async {
        while !came.lock().ends_with(b"half") {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, arrived).await.unwrap();
    drop(stream);
    // The service sees the end, not a shorter body; and nothing is sent again, nor anybody taken out.
    front.until_metric("chatd_gateway_requests").await;
    assert_eq!(process.arrived(), 1);
    assert!(!front.metrics.render().unwrap().contains("ejections_total{"));
}

#[tokio::test]
async fn a_caller_who_dawdles_hears_so() {
    let (process, _) = service(Deed::Stall(b""));
    let at = Place::At(vec![process.url()]);
    let table = Table { chat: at, ..Table::default() };
    let front = Front::with(table, quick(), |door| Door { body_time: Duration::from_millis(200), ..door });
    let head = "POST /api/chat/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf";
    let answer = write(&front, head).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("did not arrive in its time"), "{answer}");
    assert_eq!(process.arrived(), 1);
}

/// Writes this to the gateway and reads until it closes or says nothing more.
async fn write(front: &Front, request: &str) -> String {
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut got = Vec::new();
    while let Ok(Ok(1..)) = timeout(Duration::from_millis(700), stream.read_buf(&mut got)).await {}
    String::from_utf8_lossy(&got).into_owned()
}

const HIDDEN: &str = "GET /api/users/hidden HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn two_servers_see_the_same_requests() {
    for (head, body) in [
        ("content-length: 5\r\ncontent-length: 50\r\n", HIDDEN),
        ("content-length: 5, 50\r\n", HIDDEN),
        ("content-length: +5\r\n", HIDDEN),
        ("content-length: 0x5\r\n", HIDDEN),
        ("transfer-encoding: identity\r\n", HIDDEN),
        ("transfer-encoding: xchunked\r\n", HIDDEN),
        ("transfer-encoding: chunked, identity\r\n", HIDDEN),
        ("transfer-encoding : chunked\r\n", HIDDEN),
        ("x: y\r\n transfer-encoding: chunked\r\n", HIDDEN),
        ("transfer-encoding: chunked\r\n", "5\r\nhelloXX0\r\n\r\n"),
        ("transfer-encoding: chunked\r\n", "-1\r\nhello"),
        ("host: b\r\n", ""),
        ("x\0y: z\r\n", HIDDEN),
    ] {
        let (process, came) = service(Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
        let front = front(&process);
        let request = format!("POST /api/chat/messages HTTP/1.1\r\nhost: a\r\n{head}\r\n{body}");
        let answer = write(&front, &request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer:?}");
        let came = String::from_utf8_lossy(&came.lock()).into_owned();
        assert!(!came.contains("hidden"), "{head:?}: {came}");
        assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_does_not_count_and_is_not_passed_on() {
    let (process, came) = service(Deed::Write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    let front = front(&process);
    let hidden = format!("0\r\n\r\n{HIDDEN}");
    let head = "POST /api/chat/messages HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n";
    write(&front, &format!("{head}{hidden}")).await;
    // What stands behind the last chunk is a request of its own, if anything: the next one of this connection.
    let came = String::from_utf8_lossy(&came.lock()).into_owned();
    let first = came.split("GET /api/users/hidden").next().unwrap();
    assert!(first.contains("transfer-encoding: chunked") && !first.contains("content-length"), "{came}");
    assert!(first.ends_with("0\r\n\r\n"), "{came}");
}
