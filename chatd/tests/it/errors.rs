//! Every code of the one list is provoked, and its answer has the one shape.

mod faults;

use crate::server::Server;
use reqwest::{Client, RequestBuilder, Response};
use schema::Code;
use serde_json::{Value, json};
use std::path::Path;

/// An answer, wherever it came from.
pub(crate) struct Answer {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

/// How a code is provoked.
enum Provoked {
    /// Through a port.
    Here(Answer),
    /// Only a fault of ours leads to it: by this test, in this file of the workspace.
    By(&'static str, &'static str),
}

async fn answer(response: Response) -> Provoked {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Provoked::Here(Answer { status, headers, body: response.json().await.unwrap() })
}

/// A server with two people, the second of whom takes no messages from strangers.
struct World {
    server: Server,
    tokens: Vec<String>,
}

const PASSWORD: &str = "a long enough one";

impl World {
    async fn new() -> Self {
        let server = Server::start_with(&["limits.lookups_per_minute=1"]).await;
        let tokens = server.people(&["user1", "user2"]).await;
        let world = Self { server, tokens };
        let privacy = Client::new().put(world.server.api("/api/users/me/privacy"));
        let closed =
            privacy.bearer_auth(&world.tokens[1]).json(&json!({ "allowMessagesFromUnknown": false }));
        assert_eq!(closed.send().await.unwrap().status(), 200);
        world
    }

    fn get(&self, path: &str) -> RequestBuilder {
        Client::new().get(self.server.api(path)).bearer_auth(&self.tokens[0])
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        Client::new().post(self.server.api(path)).bearer_auth(&self.tokens[0]).json(body)
    }

    fn send(&self, body: &Value) -> RequestBuilder {
        self.post("/api/chat/messages", body)
    }

    fn register(&self, phone: &str) -> RequestBuilder {
        let body = json!({ "phoneNumber": phone, "password": PASSWORD, "displayName": "One" });
        self.post("/api/auth/register", &body)
    }

    /// More registrations at once than hashes may wait, until one is refused.
    async fn storm(&self) -> Answer {
        for round in 0..20 {
            let all = (0..3 * schema::limits::HASH_QUEUE)
                .map(|n| self.register(&format!("+49{round:03}{n:06}")).send());
            for response in futures_util::future::join_all(all).await {
                let response = response.unwrap();
                if response.status() == 503
                    && let Provoked::Here(answer) = answer(response).await
                {
                    return answer;
                }
            }
        }
        panic!("as many hashes as one likes may wait")
    }
}

/// The table: how each code comes about. A code that is new in the list does not compile without a row.
async fn provoke(world: &World, code: Code) -> Provoked {
    let draft =
        |recipient: &str| json!({ "recipientId": recipient, "content": "Hello!", "messageType": "TEXT" });
    let with = |field: &str, value: Value| {
        let mut body = draft("user1");
        body[field] = value;
        body
    };
    let bad_login = json!({ "username": "user1", "password": PASSWORD });
    let request = match code {
        Code::Malformed => world.send(&json!({})).body("{"),
        Code::Invalid => world.send(&with("content", json!(" "))),
        Code::Unauthorized => Client::new().get(world.server.api("/api/users/me")),
        Code::InvalidCredentials => world.post("/api/auth/login", &bad_login),
        Code::InvalidRefreshToken => world.post("/api/auth/refresh", &json!({ "refreshToken": "x" })),
        Code::Forbidden => world.send(&with("senderId", json!("user2"))),
        Code::RecipientUnavailable => world.send(&draft("user2")),
        Code::NotFound => world.get("/api/users/nobody"),
        Code::MethodNotAllowed => Client::new().delete(world.server.api("/api/limits")),
        Code::UserAlreadyExists => {
            world.register("+4900000000").send().await.unwrap();
            world.register("+4900000000")
        }
        Code::ClientMessageIdReused => {
            world.send(&with("clientMessageId", json!("c"))).send().await.unwrap();
            let mut other = with("clientMessageId", json!("c"));
            other["content"] = json!("Another");
            world.send(&other)
        }
        Code::TooLarge => world.send(&with("content", json!("x".repeat(schema::limits::JSON_BYTES)))),
        Code::UnsupportedMediaType => {
            let plain = Client::new().post(world.server.api("/api/chat/messages"));
            plain.bearer_auth(&world.tokens[0]).body(draft("user1").to_string())
        }
        Code::RateLimited => {
            world.get("/api/users?username=user2").send().await.unwrap();
            world.get("/api/users?username=user2")
        }
        Code::Unavailable => return Provoked::Here(world.storm().await),
        Code::NotAccepted => return Provoked::Here(faults::send(store::Error::Overloaded("test")).await),
        Code::OutcomeUnknown => {
            return Provoked::Here(faults::send(store::Error::Unknown("test".to_owned())).await);
        }
        Code::Internal => {
            return Provoked::By(
                "chatd/edge/tests/door.rs",
                "a_panic_is_a_500_without_its_text_and_is_counted",
            );
        }
    };
    answer(request.send().await.unwrap()).await
}

fn check(code: Code, answer: &Answer) {
    let Answer { status, headers, body } = answer;
    assert_eq!((*status, body["code"].as_str()), (code.status(), Some(code.as_str())), "{body}");
    assert_eq!(headers["content-type"], "application/problem+json", "{code:?}");
    assert_eq!(body["status"], code.status(), "{code:?}");
    assert_eq!(body["title"], code.title(), "{code:?}");
    assert_eq!(body["type"], "about:blank", "{code:?}");
    assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{code:?}");
    assert_eq!(body["traceId"].as_str(), headers["x-trace-id"].to_str().ok(), "{code:?}");
    assert_eq!(headers.contains_key("retry-after"), [429, 503].contains(status), "{code:?}: {headers:?}");
    if let Some(seconds) = headers.get("retry-after") {
        assert_eq!(body["retryAfter"].to_string(), seconds.to_str().unwrap(), "{code:?}");
    }
    assert_eq!(headers.contains_key("www-authenticate"), *status == 401, "{code:?}");
    if code == Code::RateLimited {
        assert_eq!(headers["ratelimit-remaining"], "0");
    }
    if code == Code::Invalid {
        let error = &body["errors"][0];
        assert!(["field", "reason", "bound"].iter().all(|name| error[*name].is_string()), "{body}");
    }
}

#[tokio::test]
async fn every_code_has_a_call_that_leads_to_it() {
    let world = World::new().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for &code in Code::ALL {
        match provoke(&world, code).await {
            Provoked::Here(answer) => check(code, &answer),
            Provoked::By(file, test) => {
                let source = std::fs::read_to_string(root.join(file)).unwrap();
                assert!(source.contains(&format!("fn {test}(")), "{code:?}: {file} has no test {test}");
                assert!(source.contains(&format!("Code::{code:?}")), "{code:?} is not what {test} looks at");
            }
        }
    }
}
