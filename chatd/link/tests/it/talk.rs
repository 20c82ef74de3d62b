//! Chat over the link.

use crate::reader::Reader;
use crate::world::{Core, begin, caller, draft, linked, send};
use axum::http::HeaderMap;
use chat::{Error, MarkKind, Talk};
use edge::Identify;
use schema::event::DevicePosition;
use schema::{Code, SessionId, UserId};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_of_two_processes_hear_each_message_once_and_in_order() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let (here, there) = (linked(core.address).await, linked(core.address).await);
    let (mut anns, mut bobs) =
        (Reader::open(here.clone(), ann).await, Reader::open(there.clone(), bob).await);
    let mut told = Vec::new();
    for n in 0..100 {
        told.push(begin(&here, ann, 1, draft(bob, &format!("a {n}"), None)).await);
        told.push(begin(&there, bob, 2, draft(ann, &format!("b {n}"), None)).await);
    }
    for told in told {
        assert!(!told.await.unwrap().unwrap().repeat);
    }
    anns.read(200).await;
    bobs.read(200).await;
    for reader in [&anns, &bobs] {
        reader.assert_whole();
        for (sender, letter) in [(ann, 'a'), (bob, 'b')] {
            let own = reader.taken.iter().filter(|message| message.sender_id == sender);
            let texts: Vec<&str> = own.map(|message| message.content.as_str()).collect();
            let expected: Vec<String> = (0..100).map(|n| format!("{letter} {n}")).collect();
            assert_eq!(texts, expected);
        }
    }
    assert_eq!(here.position(), core.chat.position(), "acknowledged is behind the position");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_pipelined_sends_of_a_socket_keep_their_order() {
    let core = Core::new().await;
    let ann = core.person("ann").await;
    let mut peers = Vec::new();
    for n in 0..5 {
        peers.push(core.person(&format!("peer{n}")).await);
    }
    let remote = linked(core.address).await;
    let mut told = Vec::new();
    for n in 0..200 {
        // Of several conversations, so that some look-ups are cold and some are not.
        let to = peers[usize::try_from(n % 5).unwrap()];
        told.push(begin(&remote, ann, 77, draft(to, &n.to_string(), None)).await);
    }
    let mut last = [0; 5];
    for (n, told) in told.into_iter().enumerate() {
        let sent = told.await.unwrap().unwrap();
        assert_eq!(sent.message.content, n.to_string());
        assert_eq!(sent.message.sequence, last[n % 5] + 1, "{n}");
        last[n % 5] = sent.message.sequence;
    }
}

#[tokio::test]
async fn answers_repeats_conflicts_and_refusals_cross_intact() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let remote = linked(core.address).await;
    let mut first = draft(bob, "hi \u{1f600}\n", Some("one"));
    first.metadata = serde_json::value::RawValue::from_string("{\"b\": 1, \"a\":[1.50]}".into()).ok();
    let sent = send(&remote, ann, first.clone()).await.unwrap();
    assert_eq!((sent.repeat, sent.message.sequence), (false, 1));
    assert_eq!(sent.message.content, "hi \u{1f600}\n");
    assert_eq!(sent.message.metadata.as_ref().unwrap().get(), "{\"b\": 1, \"a\":[1.50]}");
    let repeat = send(&remote, ann, first).await.unwrap();
    assert!(repeat.repeat && repeat.message.message_id == sent.message.message_id);
    assert!(matches!(
        send(&remote, ann, draft(bob, "other", Some("one"))).await,
        Err(Error::ClientMessageIdReused)
    ));
    let Err(Error::Invalid(fields)) = send(&remote, ann, draft(bob, "\u{7}", None)).await else {
        panic!("taken")
    };
    assert_eq!((fields[0].field.as_str(), fields[0].bound.is_some()), ("content", true));
    let unknown = send(&remote, ann, draft(UserId::draw(), "hi", None)).await.unwrap_err();
    assert!(matches!(&unknown, Error::NotFound(what) if what == "user"), "{unknown:?}");
    let mut as_bob = draft(bob, "hi", None);
    as_bob.sender_id = Some(bob.to_string());
    assert!(matches!(send(&remote, ann, as_bob).await, Err(Error::NotYou)));

    assert_eq!(remote.resolve("bob").await.unwrap(), bob);
    assert!(matches!(remote.resolve("nobody").await, Err(Error::NotFound(_))));
    let beyond = remote.mark(bob, ann, MarkKind::Seen, 9, None).await.unwrap_err();
    assert!(matches!(&beyond, Error::Invalid(fields) if fields[0].field == "upTo"), "{beyond:?}");
    let device = DevicePosition { session_id: SessionId::draw(), next: sent.message.position.offset + 1 };
    remote.mark(bob, ann, MarkKind::Delivered, 1, Some(device)).await.unwrap();
    remote.passed(bob, SessionId::draw(), &remote.position()).await.unwrap();
}

#[tokio::test]
async fn history_cursors_and_identities_cross() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let remote = linked(core.address).await;
    for n in 0..3 {
        send(&remote, ann, draft(bob, &n.to_string(), None)).await.unwrap();
    }
    let until = remote.position();
    let backlog = remote.backlog(bob, SessionId::draw(), until).await.unwrap();
    let (page, next) = remote.feed(bob, &backlog.from, 10).await.unwrap();
    let (same, _) = core.chat.feed(bob, &backlog.from, 10).await.unwrap();
    assert_eq!(serde_json::to_value(&page).unwrap(), serde_json::to_value(&same).unwrap());
    let wanted = page.iter().filter(
        |delivery| matches!(delivery, chat::Delivery::Message { message, .. } if backlog.wants(message)),
    );
    assert_eq!(wanted.count(), 3);
    let text = remote.seal(bob, &next);
    assert_eq!(core.chat.open_cursor(bob, &text).unwrap(), next);
    assert_eq!(remote.open_cursor(bob, &text).unwrap(), next);
    assert!(remote.open_cursor(ann, &text).is_err());

    assert_eq!(remote.by_ticket("ann").await.unwrap(), Some(caller()));
    assert_eq!(remote.by_ticket("none").await.unwrap(), None);
    let away = remote.by_ticket("away").await.unwrap_err();
    assert_eq!((away.code(), away.cause()), (Code::Unavailable, Some("secret")));
    let mut headers = HeaderMap::new();
    assert_eq!(remote.by_cookie(&headers).await.unwrap(), None);
    headers.insert("cookie", "a=b; who=ann".parse().unwrap());
    assert_eq!(remote.by_cookie(&headers).await.unwrap(), Some(caller()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_after_attend_returned_is_delivered() {
    let core = Core::new().await;
    let ann = core.person("ann").await;
    let remote = linked(core.address).await;
    for n in 0..50 {
        let bob = core.person(&format!("bob{n}")).await;
        let mut reader = Reader::open(remote.clone(), bob).await;
        send(&core.chat, ann, draft(bob, "hi", None)).await.unwrap();
        assert_eq!(reader.read(1).await[0].content, "hi");
        assert_eq!(reader.missed, 0, "nothing was missed");
        remote.leave(bob);
    }
}

#[tokio::test]
async fn somebody_is_delivered_to_until_their_last_socket_left() {
    let core = Core::new().await;
    let (ann, bob) = (core.person("ann").await, core.person("bob").await);
    let remote = linked(core.address).await;
    let mut reader = Reader::open(remote.clone(), bob).await;
    remote.attend(bob).await.unwrap();
    remote.leave(bob);
    send(&remote, ann, draft(bob, "one socket is left", None)).await.unwrap();
    assert_eq!(reader.read(1).await.len(), 1);
}

#[tokio::test]
async fn who_left_is_delivered_nothing() {
    let core = Core::new().await;
    let (ann, bob, eve) = (core.person("ann").await, core.person("bob").await, core.person("eve").await);
    let remote = linked(core.address).await;
    remote.attend(bob).await.unwrap();
    remote.leave(bob);
    let mut eves = Reader::open(remote.clone(), eve).await;
    send(&remote, ann, draft(bob, "to nobody here", None)).await.unwrap();
    send(&remote, ann, draft(eve, "hi", None)).await.unwrap();
    eves.read(1).await; // it asserts that nobody else's came
}
