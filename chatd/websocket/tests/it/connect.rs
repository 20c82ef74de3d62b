//! The upgrade and CONNECT.

use crate::client::{Came, Client};
use crate::world::World;
use schema::wire::stomp::{Command, Frame, Version};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, http};
use websocket::Config;

#[tokio::test]
async fn every_version_connects_and_hears_who_it_is() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for version in Version::ALL {
        let mut client = Client::open(world.address).await;
        let connected = client.login(&world.token(ann), version).await;
        assert_eq!(connected.header("version"), Some(version.as_str()));
        assert_eq!(connected.header("heart-beat"), Some("20000,20000"));
        assert_eq!(connected.header("user-name"), Some(ann.user.to_string().as_str()));
    }
    let mut old = Client::open(world.address).await;
    old.send(&Frame::new(Command::Connect).with("Authorization", &format!("Bearer {}", world.token(ann))))
        .await;
    assert_eq!(old.frame().await.header("version"), Some("1.0"), "no accept-version is 1.0");
}

#[tokio::test]
async fn nothing_in_common_is_an_error_that_names_the_versions() {
    let world = World::new().await;
    let mut client = Client::open(world.address).await;
    client.send(&Frame::new(Command::Stomp).with("accept-version", "3.0")).await;
    let error = client.frame().await;
    assert_eq!((error.command, error.header("version")), (Command::Error, Some("1.2,1.1,1.0")));
    assert!(matches!(client.next().await, Came::Closed(Some(1002))));
}

#[tokio::test]
async fn a_bad_token_is_an_error_and_so_is_none() {
    let world = World::new().await;
    for headers in [vec![], vec![("Authorization", "Bearer nonsense")], vec![("Authorization", "Basic eDp5")]]
    {
        let mut client = Client::open(world.address).await;
        let connect = Frame { headers: headers.into_iter().collect(), ..Frame::new(Command::Connect) };
        client.send(&connect).await;
        let (code, error) = client.closed().await;
        assert_eq!(code, Some(1008));
        assert!(error.unwrap().starts_with("Unauthorized"));
    }
}

#[tokio::test]
async fn who_cannot_be_known_now_is_told_to_come_back() {
    let world = World::new().await;
    let mut client = Client::open(world.address).await;
    client.send(&Frame::new(Command::Connect).with("ticket", "away")).await;
    let (code, error) = client.closed().await;
    assert_eq!((code, error.as_deref()), (Some(1013), Some("unavailable, a store is away")));
    // In the query as well; and one that is no good is another answer.
    let mut client = Client::open_with(world.address, "/ws/websocket?ticket=away", &[]).await;
    client.send(&Frame::new(Command::Connect)).await;
    assert_eq!(client.closed().await.0, Some(1013));
    let mut client = Client::open_with(world.address, "/ws/websocket?ticket=away", &[]).await;
    client.send(&Frame::new(Command::Connect).with("ticket", "guessed")).await;
    assert_eq!(client.closed().await.0, Some(1008), "what CONNECT says comes first");
}

#[tokio::test]
async fn a_token_may_come_with_the_upgrade() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let token = world.token(ann);
    let in_query = Client::open_with(world.address, &format!("/ws/websocket?token={token}"), &[]).await;
    let in_header =
        Client::open_with(world.address, "/ws/websocket", &[("authorization", &format!("Bearer {token}"))])
            .await;
    for mut client in [in_query, in_header] {
        client.send(&Frame::new(Command::Connect)).await;
        assert_eq!(client.frame().await.command, Command::Connected);
    }
}

async fn upgrade(
    world: &World,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Result<http::Response<Option<Vec<u8>>>, http::Response<Option<Vec<u8>>>> {
    let mut request = format!("ws://{}{path}", world.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((_, response)) => Ok(response),
        Err(tungstenite::Error::Http(response)) => Err(*response),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_offered_protocol_is_named_and_a_foreign_page_is_refused() {
    let world = World::new().await;
    let offered = [("sec-websocket-protocol", "v10.stomp, v11.stomp")];
    let response = upgrade(&world, "/ws/websocket", &offered).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "v11.stomp");
    assert!(
        !upgrade(&world, "/ws/websocket", &[])
            .await
            .unwrap()
            .headers()
            .contains_key("sec-websocket-protocol")
    );
    let foreign = upgrade(&world, "/ws/websocket", &[("origin", "https://evil.example")]).await.unwrap_err();
    assert_eq!(foreign.status(), 403);
    let own = format!("http://{}", world.address);
    assert!(upgrade(&world, "/ws/websocket", &[("origin", &own)]).await.is_ok());
    assert_eq!(upgrade(&world, "/ws/nothing", &[]).await.unwrap_err().status(), 404);
}

#[tokio::test]
async fn a_user_may_have_so_many_sockets_and_a_closed_one_counts_no_more() {
    let world = World::with(Config { sockets_per_user: 2, ..Config::default() }).await;
    let ann = world.person("ann").await;
    let (first, _second) = (world.connect(ann).await, world.connect(ann).await);
    let connect = Frame::new(Command::Connect).with("Authorization", &format!("Bearer {}", world.token(ann)));
    let mut third = Client::open(world.address).await;
    third.send(&connect).await;
    assert!(third.closed().await.1.unwrap().starts_with("too many sockets"));
    drop(first);
    // The server learns of it when it reads the end of the stream.
    loop {
        let mut again = Client::open(world.address).await;
        again.send(&connect).await;
        if matches!(again.next().await, Came::Frame(frame) if frame.command == Command::Connected) {
            break;
        }
    }
}
