//! A session ends, and its sockets with it: however it ends, on real sockets through the real door.
//!
//! Each test prints the time from the call to the last of the closes; none asserts on it.

use crate::server::Server;
use crate::stomp::Client;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse";

/// A sign-in, with sockets.
struct Session {
    body: Value,
    cookie: Option<String>,
    sockets: Vec<Client>,
}

impl Session {
    fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap()
    }

    fn token(&self) -> &str {
        self.text("accessToken")
    }
}

/// A server with somebody who has several sessions, and somebody else.
struct World {
    server: Server,
    http: reqwest::Client,
}

impl World {
    async fn new() -> Self {
        let world = Self { server: Server::start().await, http: reqwest::Client::new() };
        for (phone, name) in [("+10000001", "ann"), ("+10000002", "bob")] {
            let body =
                json!({"phoneNumber": phone, "password": PASSWORD, "displayName": name, "username": name});
            let registered = world.call(Method::POST, "/api/auth/register", "", Some(body)).await;
            assert_eq!(registered.status(), StatusCode::CREATED);
        }
        world
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> reqwest::Response {
        let mut request = self.http.request(method, self.server.api(path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn admin(&self, method: Method, path: &str) -> StatusCode {
        let request = self.http.request(method, self.server.admin(path));
        request.bearer_auth(self.server.admin_token()).send().await.unwrap().status()
    }

    /// Signs in and opens this many sockets.
    async fn sign_in(&self, username: &str, sockets: usize) -> Session {
        let body = json!({"username": username, "password": PASSWORD});
        let login = self.call(Method::POST, "/api/auth/login", "", Some(body)).await;
        assert_eq!(login.status(), StatusCode::OK);
        let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut session =
            Session { body: login.json().await.unwrap(), cookie: Some(cookie), sockets: Vec::new() };
        for _ in 0..sockets {
            let client = Client::connect(self.server.port(), session.token()).await.unwrap();
            session.sockets.push(client);
        }
        session
    }

    /// Waits until every socket of the session is closed for this reason, and its token opens nothing more.
    #[expect(clippy::print_stdout, reason = "the time is what this test is to show")]
    async fn ends(&self, what: &str, since: Instant, session: &mut Session) {
        for socket in &mut session.sockets {
            let closed = timeout(PATIENCE, socket.closed()).await.unwrap();
            assert_eq!(closed.unwrap(), (1008, "session ended".to_owned()), "{what}");
        }
        println!(
            "{what}: {} sockets closed after {:.1} ms",
            session.sockets.len(),
            since.elapsed().as_secs_f64() * 1e3
        );
        let refused = self.call(Method::GET, "/api/auth/sessions", session.token(), None).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{what}: the token still opens calls");
        assert!(Client::connect(self.server.port(), session.token()).await.is_err(), "{what}");
        if let Some(cookie) = &session.cookie {
            let mut client = Client::open(self.server.port(), "", &[("cookie", cookie)]).await.unwrap();
            assert!(client.greet(&[]).await.is_err(), "{what}: the cookie still opens sockets");
        }
        if let Some(token) = session.body["refreshToken"].as_str() {
            let body = json!({ "refreshToken": token });
            let refused = self.call(Method::POST, "/api/auth/refresh", "", Some(body)).await;
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{what}: the refresh token still works");
        }
    }

    /// Proves that sockets are open: each answers a frame.
    async fn goes_on(&self, session: &mut Session) {
        for socket in &mut session.sockets {
            let receipt = format!("{:?}", Instant::now());
            socket.subscribe("/user/queue/errors", &receipt, None).await.unwrap();
            socket.send("ann", "still there", &receipt, &receipt).await.unwrap();
            let answered =
                async { while socket.next().await.unwrap().header("receipt-id") != Some(&receipt) {} };
            timeout(PATIENCE, answered).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_logout_closes_its_own_sockets_only() {
    let world = World::new().await;
    let mut leaving = world.sign_in("ann", 3).await;
    let (mut other, mut bob) = (world.sign_in("ann", 1).await, world.sign_in("bob", 1).await);
    let since = Instant::now();
    let logout = world.call(Method::POST, "/api/auth/logout", leaving.token(), None).await;
    assert_eq!(logout.status(), StatusCode::NO_CONTENT);
    assert!(logout.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    world.ends("logout", since, &mut leaving).await;
    world.goes_on(&mut other).await;
    world.goes_on(&mut bob).await;
}

#[tokio::test]
async fn an_ended_session_and_all_others_lose_their_sockets() {
    let world = World::new().await;
    let mut mine = world.sign_in("ann", 1).await;
    let mut one = world.sign_in("ann", 2).await;
    let since = Instant::now();
    let path = format!("/api/auth/sessions/{}", one.text("sessionId"));
    let ended = world.call(Method::DELETE, &path, mine.token(), None).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    world.ends("DELETE sessions/{id}", since, &mut one).await;
    world.goes_on(&mut mine).await;

    let (mut first, mut second) = (world.sign_in("ann", 1).await, world.sign_in("ann", 2).await);
    let mut bob = world.sign_in("bob", 1).await;
    let since = Instant::now();
    let ended = world.call(Method::DELETE, "/api/auth/sessions", mine.token(), None).await;
    assert_eq!(ended.status(), StatusCode::NO_CONTENT);
    world.ends("DELETE sessions, of the first other", since, &mut first).await;
    world.ends("DELETE sessions, of the second other", since, &mut second).await;
    world.goes_on(&mut mine).await;
    world.goes_on(&mut bob).await;
}

#[tokio::test]
async fn a_new_password_closes_every_other_sessions_sockets() {
    let world = World::new().await;
    let (mut mine, mut other) = (world.sign_in("ann", 1).await, world.sign_in("ann", 2).await);
    let since = Instant::now();
    let body = json!({"currentPassword": PASSWORD, "newPassword": "battery staple"});
    let changed = world.call(Method::POST, "/api/auth/password", mine.token(), Some(body)).await;
    assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    world.ends("POST password (two hashes included)", since, &mut other).await;
    world.goes_on(&mut mine).await;
}

#[tokio::test]
async fn disabling_and_deleting_a_user_close_all_their_sockets() {
    let world = World::new().await;
    let (mut ann, mut bob) = (world.sign_in("ann", 2).await, world.sign_in("bob", 2).await);
    let minted = world.server.administer("/admin/tokens", &json!({ "users": ["bob"] })).await;
    let minted = minted["tokens"][0].clone();
    let socket = Client::connect(world.server.port(), minted["accessToken"].as_str().unwrap()).await.unwrap();
    let mut minted = Session { body: minted, cookie: None, sockets: vec![socket] };
    let since = Instant::now();
    assert_eq!(world.admin(Method::POST, "/admin/users/bob/disable").await, StatusCode::OK);
    world.ends("user disabled", since, &mut bob).await;
    world.ends("user disabled, of a minted token", since, &mut minted).await;
    world.goes_on(&mut ann).await;
    assert_eq!(world.admin(Method::POST, "/admin/users/bob/disable").await, StatusCode::OK, "once more");
    assert_eq!(world.admin(Method::POST, "/admin/users/bob/enable").await, StatusCode::OK);
    let mut back = world.sign_in("bob", 1).await;
    world.goes_on(&mut back).await;
    assert!(Client::connect(world.server.port(), bob.token()).await.is_err(), "what was ended stays ended");

    let since = Instant::now();
    assert_eq!(world.admin(Method::DELETE, "/admin/users/bob").await, StatusCode::NO_CONTENT);
    world.ends("user deleted", since, &mut back).await;
    world.goes_on(&mut ann).await;
    assert_eq!(world.admin(Method::POST, "/admin/users/bob/disable").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refresh_closes_nothing_and_a_reuse_everything_of_its_session() {
    let world = World::new().await;
    let (mut ann, mut bob) = (world.sign_in("ann", 2).await, world.sign_in("bob", 2).await);
    let refresh = async |session: &Session| {
        let body = json!({ "refreshToken": session.text("refreshToken") });
        world.call(Method::POST, "/api/auth/refresh", "", Some(body)).await
    };
    let stolen = bob.body.clone();
    for session in [&mut ann, &mut bob] {
        for _ in 0..3 {
            let refreshed = refresh(session).await;
            assert_eq!(refreshed.status(), StatusCode::OK);
            session.body = refreshed.json().await.unwrap();
        }
        world.goes_on(session).await;
    }
    let by_cookie = world.http.post(world.server.api("/api/auth/refresh"));
    let by_cookie = by_cookie.header("cookie", ann.cookie.as_ref().unwrap()).send().await.unwrap();
    assert_eq!(by_cookie.status(), StatusCode::OK);
    world.goes_on(&mut ann).await;

    let since = Instant::now();
    let body = json!({ "refreshToken": stolen["refreshToken"] });
    let reused = world.call(Method::POST, "/api/auth/refresh", "", Some(body)).await;
    assert_eq!(reused.status(), StatusCode::UNAUTHORIZED);
    world.ends("refresh token used twice", since, &mut bob).await;
    world.goes_on(&mut ann).await;
}

#[tokio::test]
async fn a_session_that_reaches_its_own_end_loses_its_sockets() {
    let world = World::new().await;
    let mut ann = world.sign_in("ann", 1).await;
    let minted = world.server.administer("/admin/tokens", &json!({ "users": ["ann"], "expiresIn": 2 })).await;
    let minted = minted["tokens"][0].clone();
    let since = Instant::now();
    let socket = Client::connect(world.server.port(), minted["accessToken"].as_str().unwrap()).await.unwrap();
    let mut minted = Session { body: minted, cookie: None, sockets: vec![socket] };
    world.ends("own end after 2 s", since, &mut minted).await;
    world.goes_on(&mut ann).await;
}

#[tokio::test]
async fn sockjs_over_requests_is_closed_as_well() {
    let world = World::new().await;
    let leaving = world.sign_in("ann", 0).await;
    // As sockjs-client does: the query goes with every request.
    let line = |transport| world.server.api(&format!("/ws/000/line1/{transport}?token={}", leaving.token()));
    let poll = async || {
        let response = timeout(PATIENCE, world.http.post(line("xhr")).send()).await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.text().await.unwrap()
    };
    assert_eq!(poll().await, "o\n");
    let connect = json!(["CONNECT\naccept-version:1.2\nheart-beat:0,0\n\n\0"]);
    let send = world.http.post(line("xhr_send")).body(connect.to_string());
    assert_eq!(send.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert!(poll().await.starts_with("a[\"CONNECTED"));
    let (closed, since) = tokio::join!(poll(), async {
        let since = Instant::now();
        let logout = world.call(Method::POST, "/api/auth/logout", leaving.token(), None).await;
        assert_eq!(logout.status(), StatusCode::NO_CONTENT);
        since
    });
    println!("logout: a SockJS poll is closed after {:.1} ms", since.elapsed().as_secs_f64() * 1e3);
    assert_eq!(closed, "c[1008,\"session ended\"]\n");
}
