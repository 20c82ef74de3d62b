//! Who opens a socket: every way in, through the real door, and what none of them lets in.

use crate::server::Server;
use crate::stomp::Client;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

/// Somebody who signed in as a browser does.
struct Ann {
    user: String,
    token: String,
    /// As a browser sends it back.
    cookie: String,
}

async fn ann(server: &Server) -> Ann {
    let http = reqwest::Client::new();
    let body =
        json!({"phoneNumber": "+10000001", "password": PASSWORD, "displayName": "Ann", "username": "ann"});
    let registered = http.post(server.api("/api/auth/register")).json(&body).send().await.unwrap();
    assert_eq!(registered.status(), 201);
    let body = json!({"username": "ann", "password": PASSWORD});
    let login = http.post(server.api("/api/auth/login")).json(&body).send().await.unwrap();
    let cookie = login.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session: Value = login.json().await.unwrap();
    let text = |field: &str| session[field].as_str().unwrap().to_owned();
    Ann { user: text("userId"), token: text("accessToken"), cookie }
}

async fn ticket(server: &Server, token: &str) -> String {
    let ticket = reqwest::Client::new().post(server.api("/api/auth/ticket")).bearer_auth(token).send().await;
    let ticket = ticket.unwrap();
    assert_eq!(ticket.status(), 201);
    let body: Value = ticket.json().await.unwrap();
    assert_eq!(body["expiresIn"], 30);
    body["ticket"].as_str().unwrap().to_owned()
}

/// The query, the headers of the upgrade and those of CONNECT.
type Way<'a> = (String, Vec<(&'static str, &'a str)>, Vec<(&'static str, &'a str)>);

/// Opens a socket, says CONNECT, and answers who it is or how it ended.
async fn enter(
    server: &Server,
    query: &str,
    upgrade: &[(&'static str, &str)],
    connect: &[(&str, &str)],
) -> Result<String, (String, u16)> {
    let mut client = Client::open(server.port(), query, upgrade).await.unwrap();
    match client.greet(connect).await {
        Ok(user) => Ok(user),
        Err(error) => Err((error.to_string(), client.closed().await.unwrap().0)),
    }
}

#[track_caller]
fn unauthorized(entered: Result<String, (String, u16)>) {
    let (error, code) = entered.unwrap_err();
    assert!(error.contains("Unauthorized"), "{error}");
    assert_eq!(code, 1008);
}

#[tokio::test]
async fn every_way_in_leads_to_the_same_person() {
    let server = Server::start().await;
    let ann = ann(&server).await;
    let bearer = format!("Bearer {}", ann.token);
    let origin = server.url();
    let (in_connect, in_query) = (ticket(&server, &ann.token).await, ticket(&server, &ann.token).await);
    let ways: [Way<'_>; 8] = [
        (String::new(), vec![], vec![("Authorization", &bearer)]),
        (String::new(), vec![("authorization", &bearer)], vec![]),
        (format!("?token={}", ann.token), vec![], vec![]),
        (format!("?t=1&access_token={}", ann.token), vec![], vec![]),
        (String::new(), vec![], vec![("ticket", &in_connect)]),
        (format!("?ticket={in_query}"), vec![], vec![]),
        // The seed's literal connect({}) from a page of the same origin.
        (String::new(), vec![("cookie", &ann.cookie), ("origin", &origin)], vec![]),
        // No Origin: no browser.
        (String::new(), vec![("cookie", &ann.cookie)], vec![]),
    ];
    for (query, upgrade, connect) in &ways {
        let entered = enter(&server, query, upgrade, connect).await;
        assert_eq!(entered.as_deref(), Ok(ann.user.as_str()), "{query} {upgrade:?} {connect:?}");
    }
    for spent in [&in_connect, &in_query] {
        unauthorized(enter(&server, &format!("?ticket={spent}"), &[], &[]).await);
    }
}

#[tokio::test]
async fn of_two_sockets_with_one_ticket_one_opens() {
    let server = Server::start().await;
    let ann = ann(&server).await;
    for _ in 0..10 {
        let ticket = format!("?ticket={}", ticket(&server, &ann.token).await);
        let (a, b) = tokio::join!(enter(&server, &ticket, &[], &[]), enter(&server, &ticket, &[], &[]));
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
        unauthorized(if a.is_ok() { b } else { a });
    }
}

#[tokio::test]
async fn nothing_and_nonsense_are_unauthorized_and_the_first_word_counts() {
    let server = Server::start().await;
    let ann = ann(&server).await;
    let cookie: &[(&'static str, &str)] = &[("cookie", &ann.cookie)];
    unauthorized(enter(&server, "", &[], &[]).await);
    unauthorized(enter(&server, "", &[], &[("Authorization", "Basic eDp5")]).await);
    unauthorized(enter(&server, "", &[], &[("login", "ann"), ("passcode", PASSWORD)]).await);
    unauthorized(enter(&server, "", &[("cookie", "chatd_session=guessed")], &[]).await);
    unauthorized(enter(&server, "?ticket=guessed", &[], &[]).await);
    // Who says who they are by a bad token is not let in as somebody whose cookie the browser adds.
    unauthorized(enter(&server, "", cookie, &[("Authorization", "Bearer nonsense")]).await);
    unauthorized(enter(&server, "?token=nonsense", cookie, &[]).await);
    unauthorized(enter(&server, "", cookie, &[("ticket", "guessed")]).await);
    // A token is no cookie, a cookie no token, and neither is a ticket.
    let secret = ann.cookie.split_once('=').unwrap().1;
    unauthorized(enter(&server, &format!("?token={secret}"), &[], &[]).await);
    unauthorized(enter(&server, &format!("?ticket={}", ann.token), &[], &[]).await);
    unauthorized(enter(&server, "", &[("cookie", &format!("chatd_session={}", ann.token))], &[]).await);
}

#[tokio::test]
async fn a_foreign_page_opens_no_socket_with_somebodys_cookie() {
    let server = Server::start_with(&["cors.allowed_origins=[\"https://chat.example\", \"*\"]"]).await;
    let ann = ann(&server).await;
    let from = |origin: &'static str| [("cookie", ann.cookie.as_str()), ("origin", origin)];
    // Let in by the star, but without the cookie that the browser adds.
    unauthorized(enter(&server, "", &from("https://evil.example"), &[]).await);
    assert_eq!(enter(&server, "", &from("https://chat.example"), &[]).await, Ok(ann.user.clone()));
    let bearer = format!("Bearer {}", ann.token);
    let by_token = enter(&server, "", &from("https://evil.example"), &[("Authorization", &bearer)]).await;
    assert_eq!(by_token, Ok(ann.user.clone()), "a page that has a token was given it");

    let refresh = |origin: &'static str| {
        let call = reqwest::Client::new().post(server.api("/api/auth/refresh"));
        call.header("cookie", &ann.cookie).header("origin", origin).send()
    };
    assert_eq!(refresh("https://evil.example").await.unwrap().status(), 403);
    assert_eq!(refresh("https://chat.example").await.unwrap().status(), 200);
    // The cookie opens nothing else, whoever asks.
    let me =
        reqwest::Client::new().get(server.api("/api/users/me")).header("cookie", &ann.cookie).send().await;
    assert_eq!(me.unwrap().status(), 401);
}

#[tokio::test]
async fn no_secret_is_in_the_log_however_much_is_logged() {
    let server = Server::start_with(&["log.filter=trace,tungstenite::protocol=trace"]).await;
    let ann = ann(&server).await;
    let bearer = format!("Bearer {}", ann.token);
    let (in_connect, in_query) = (ticket(&server, &ann.token).await, ticket(&server, &ann.token).await);
    enter(&server, &format!("?token={}", ann.token), &[], &[]).await.unwrap();
    enter(&server, &format!("?ticket={in_query}"), &[], &[]).await.unwrap();
    enter(&server, "", &[], &[("ticket", &in_connect)]).await.unwrap();
    enter(&server, "", &[("cookie", &ann.cookie), ("authorization", &bearer)], &[("Authorization", &bearer)])
        .await
        .unwrap();
    let info = reqwest::get(server.api(&format!("/ws/info?token={}&ticket={in_query}", ann.token))).await;
    assert_eq!(info.unwrap().status(), 200);
    let wrong = format!("/api/users/me?token={}", ann.token);
    assert_eq!(reqwest::get(server.api(&wrong)).await.unwrap().status(), 401);
    let log = server.log();
    assert!(log.contains("request refused"), "the requests are in the log");
    let cookie = ann.cookie.split_once('=').unwrap().1;
    for (name, secret) in [
        ("token", ann.token.as_str()),
        ("cookie", cookie),
        ("ticket", &in_connect),
        ("ticket", &in_query),
        ("password", PASSWORD),
    ] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a {name} is in the log");
    }
}
