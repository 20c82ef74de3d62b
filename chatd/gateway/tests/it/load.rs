//! Processes come and go under load, and large bodies pass: only what may fails, and little is kept.

use crate::fixture::{Front, Process, SOON, at, problem, quick};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Path, Request};
use axum::http::Uri;
use axum::routing::{get, post};
use edge::Door;
use futures_util::StreamExt;
use gateway::{Config, Place, Table};
use parking_lot::Mutex;
use schema::Code;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};

/// How often each call arrived, at whichever process.
type Arrivals = Arc<Mutex<HashMap<usize, usize>>>;

fn worker(arrivals: &Arrivals, address: SocketAddr) -> (Process, Arc<AtomicUsize>) {
    let (arrivals, served) = (Arc::clone(arrivals), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&served);
    let work = move |Path(call): Path<usize>| async move {
        *arrivals.lock().entry(call).or_default() += 1;
        // Long enough that some calls are on their way whenever a process ends.
        sleep(Duration::from_millis(20)).await;
        counted.fetch_add(1, Ordering::SeqCst);
        "done"
    };
    let routes = Router::new().route("/api/chat/{call}", post(work.clone()).get(work));
    (Process::serving("worker", routes, address), served)
}

/// Calls 200 times a second, every other time to change something, until the semaphore is closed. Gives back
/// how each call ended, `None` being well.
async fn load(url: String, client: reqwest::Client, until: Arc<Semaphore>) -> Vec<(usize, Option<Code>)> {
    let mut ticks = interval(Duration::from_millis(5));
    let mut calls = Vec::new();
    for call in 0.. {
        ticks.tick().await;
        if until.is_closed() {
            break;
        }
        let (url, client) = (format!("{url}{call}"), client.clone());
        calls.push(tokio::spawn(async move {
            let request = if call % 2 == 0 { client.get(url) } else { client.post(url).body("{}") };
            let response = timeout(SOON, request.send()).await.unwrap().unwrap();
            let code = if response.status() == 200 { None } else { Some(problem(response).await.code) };
            (call, code)
        }));
    }
    let mut ended = Vec::new();
    for call in calls {
        ended.push(call.await.unwrap());
    }
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_goes_and_comes_back_under_load() {
    let (arrivals, anywhere) = (Arrivals::default(), ([127, 0, 0, 1], 0).into());
    let (first, _) = worker(&arrivals, anywhere);
    let (second, served) = worker(&arrivals, anywhere);
    let front = Front::open(Table { chat: at(&[&first, &second]), ..Table::default() });
    let stop = Arc::new(Semaphore::new(0));
    let loading = tokio::spawn(load(front.url("/api/chat/"), front.client.clone(), Arc::clone(&stop)));
    let until = async |served: &AtomicUsize, count: usize| {
        while served.load(Ordering::SeqCst) < count {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, until(&served, 100)).await.unwrap();
    let address = second.kill();
    front.until_metric("chatd_gateway_processes_away{service=\"chat\"} 1").await;
    let before = arrivals.lock().len();
    while arrivals.lock().len() < before + 100 {
        sleep(Duration::from_millis(5)).await;
    }
    let (_second, served) = worker(&arrivals, address);
    timeout(SOON, until(&served, 100)).await.unwrap();
    stop.close();
    let ended = loading.await.unwrap();

    let arrivals = arrivals.lock();
    let failed: Vec<_> = ended.iter().filter(|(_, code)| code.is_some()).collect();
    for (call, code) in &ended {
        let (reads, arrived) = (call % 2 == 0, arrivals.get(call).copied().unwrap_or(0));
        match code {
            None if reads => assert!(arrived >= 1),
            None => assert_eq!(arrived, 1, "what changes something is done once"),
            // What was on its way when the process ended, and nothing else.
            Some(code) => {
                assert!(!reads, "what changes nothing finds the other process");
                assert_eq!((*code, arrived <= 1), (Code::OutcomeUnknown, true));
            }
        }
    }
    // A call is on its way for some 20 ms, so few of each second's 200 are when one process of two ends.
    assert!(
        ended.len() > 300 && failed.len() < ended.len() / 8,
        "{} of {} failed",
        failed.len(),
        ended.len()
    );
}

#[tokio::test]
async fn who_refuses_connections_is_out_at_once() {
    let (kept, gone) = (Process::start("a"), Process::start("b"));
    let rarely = Config { check_interval: Duration::from_secs(3600), ..quick() };
    let front = Front::with(Table { chat: at(&[&kept, &gone]), ..Table::default() }, rarely, |door| door);
    front.until(|health| health.components[0].detail.is_none()).await;
    let address = gone.kill();
    for _ in 0..40 {
        assert_eq!(front.get("/api/chat/sync").await.unwrap().headers()["x-who"], "a");
    }
    front.until_metric("chatd_gateway_ejections_total{service=\"chat\"} 1").await;
    // Nobody asks how it is, so it stays out.
    let _back = Process::serving("b", Router::new(), address);
    for _ in 0..40 {
        assert_eq!(front.get("/api/chat/sync").await.unwrap().headers()["x-who"], "a");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_gone_wholly_comes_back_by_itself() {
    let arrivals = Arrivals::default();
    let (only, _) = worker(&arrivals, ([127, 0, 0, 1], 0).into());
    let front = Front::open(Table { chat: at(&[&only]), ..Table::default() });
    assert_eq!(front.get("/api/chat/1").await.unwrap().status(), 200);
    let address = only.kill();
    for call in [2, 3] {
        let response = front.client.post(front.url(&format!("/api/chat/{call}"))).send().await.unwrap();
        // The first may have met a connection as it died.
        let code = problem(response).await.code;
        assert!(code == Code::Unavailable || (call == 2 && code == Code::OutcomeUnknown), "{code:?}");
    }
    front.until_metric("chatd_gateway_processes_away{service=\"chat\"} 1").await;
    let (_only, _) = worker(&arrivals, address);
    front.until_metric("chatd_gateway_processes_away{service=\"chat\"} 0").await;
    assert_eq!(front.get("/api/chat/4").await.unwrap().status(), 200);
    assert!([2, 3].iter().all(|call| !arrivals.lock().contains_key(call)));
}

const MIB: usize = 1 << 20;
/// More than the system keeps for the four ends of two connections.
const MUCH: usize = 64 * MIB;
const ALL: usize = 256 * MIB;

/// A body of zeroes that counts what was taken of it.
fn counted(taken: &Arc<AtomicUsize>) -> Body {
    let (taken, piece) = (Arc::clone(taken), Bytes::from(vec![0; MIB]));
    Body::from_stream(futures_util::stream::iter(0..ALL / MIB).map(move |_| {
        taken.fetch_add(MIB, Ordering::SeqCst);
        Ok::<_, std::io::Error>(piece.clone())
    }))
}

/// Waits until no more is taken, and says how much was.
async fn until_stuck(taken: &AtomicUsize) -> usize {
    loop {
        let before = taken.load(Ordering::SeqCst);
        sleep(Duration::from_millis(500)).await;
        if before > 0 && taken.load(Ordering::SeqCst) == before {
            return before;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_reads_stays_with_the_service() {
    let taken = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&taken);
    let routes = Router::new().route("/api/chat/large", get(move || async move { counted(&given) }));
    let process = Process::with("chat", routes);
    let front = Front::open(Table { chat: at(&[&process]), ..Table::default() });
    let mut response = front.get("/api/chat/large").await.unwrap();
    let stuck = timeout(SOON, until_stuck(&taken)).await.unwrap();
    assert!(stuck < MUCH, "{stuck} bytes were taken while nobody read");
    let mut read = 0;
    while let Some(piece) = timeout(SOON, response.chunk()).await.unwrap().unwrap() {
        read += piece.len();
    }
    assert_eq!(read, ALL);
}

/// As `reqwest` wants it, which may send from several threads.
struct Shared(Mutex<Pin<Box<Body>>>);

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        self.0.lock().as_mut().poll_frame(cx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_the_service_does_not_read_stays_with_the_caller() {
    let (open, taken) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = Arc::clone(&open);
    let read = move |request: Request| async move {
        let _permit = gate.acquire().await.unwrap();
        let mut read = 0;
        let mut body = request.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            read += piece.unwrap().len();
        }
        read.to_string()
    };
    let process = Process::with("chat", Router::new().route("/api/chat/large", post(read)));
    let table = Table { chat: at(&[&process]), ..Table::default() };
    let front = Front::with(table, quick(), |door| Door { json_bytes: 2 * ALL, ..door });
    let body = reqwest::Body::wrap(Shared(Mutex::new(Box::pin(counted(&taken)))));
    let sending = tokio::spawn(front.client.post(front.url("/api/chat/large")).body(body).send());
    let stuck = timeout(SOON, until_stuck(&taken)).await.unwrap();
    assert!(stuck < MUCH, "{stuck} bytes were taken while nobody read");
    open.add_permits(1);
    let response = timeout(SOON, sending).await.unwrap().unwrap().unwrap();
    assert_eq!(response.text().await.unwrap(), ALL.to_string());
}

#[tokio::test]
async fn an_address_that_nobody_can_reach_costs_no_more_than_its_time() {
    // Reserved for documentation (RFC 5737): nothing is there, or nothing is routed to it.
    let nowhere: Uri = "http://192.0.2.1:8084".parse().unwrap();
    let process = Process::start("chat");
    let table = Table { chat: Place::At(vec![nowhere, process.url()]), ..Table::default() };
    let front = Front::open(table);
    for _ in 0..10 {
        let response = timeout(SOON, front.get("/api/chat/sync")).await.unwrap().unwrap();
        assert_eq!(response.headers()["x-who"], "chat");
    }
}
