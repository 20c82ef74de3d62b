//! Who may see what of whom, on every path. `--nocapture` prints the table.

use crate::world::World;
use schema::UserId;
use schema::presence::Status;
use schema::user::Policy;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Viewer {
    Contact,
    Stranger,
    /// The person has blocked the viewer, who is a contact besides.
    Blocked,
    /// The viewer has blocked the person, of whom they are a contact.
    Blocking,
}

const VIEWERS: [Viewer; 4] = [Viewer::Contact, Viewer::Stranger, Viewer::Blocked, Viewer::Blocking];
const POLICIES: [Policy; 3] = [Policy::Everyone, Policy::Contacts, Policy::Nobody];

async fn relate(world: &World, viewer: UserId, person: UserId, relation: Viewer) {
    // Whom the viewer has in their own list gives them nothing; the queue of contacts is of that list.
    world.set_contact(viewer, person).await;
    if relation != Viewer::Stranger {
        world.set_contact(person, viewer).await;
    }
    match relation {
        Viewer::Blocked => world.set_block(person, viewer, true).await,
        Viewer::Blocking => world.set_block(viewer, person, true).await,
        Viewer::Contact | Viewer::Stranger => {}
    }
}

/// Whether a viewer learns that the person is there and when they went, by each of the four paths.
async fn seen(world: &World, viewer: UserId, person: UserId) -> [bool; 4] {
    let socket = world.connect(person);
    let (topic, queue) = (world.watch(viewer, person).await, world.watch_contacts(viewer));
    let first = topic.status().await == Status::Online;
    let there = world.see(viewer, person).await;
    let query = format!(r#"{{"userIds":["{person}"]}}"#);
    let (_, there_too) = world.call(viewer, "POST", "/api/presence/query", &query).await;
    assert!(there.last_seen.is_none());
    world.settled().await;
    world.presence.disconnected(person, socket);
    world.settled().await;
    let gone = world.see(viewer, person).await;
    let (_, gone_too) = world.call(viewer, "POST", "/api/presence/query", &query).await;
    let told: Vec<(Status, bool)> =
        topic.all().into_iter().map(|(_, shown)| (shown.status, shown.last_seen.is_some())).collect();
    let queued: Vec<Status> = queue.all().into_iter().map(|(_, shown)| shown.status).collect();

    let by_get = (there.status, gone.status, gone.last_seen.is_some());
    let (there_too, gone_too) = (&there_too["presences"][0], &gone_too["presences"][0]);
    let by_query = (&there_too["status"], &gone_too["status"], gone_too.get("lastSeen").is_some());
    let get = by_get == (Status::Online, Status::Offline, true);
    let query = by_query == (&"ONLINE".into(), &"OFFLINE".into(), true);
    let topic = first && told == [(Status::Offline, true)];
    let contacts = queued == [Status::Online, Status::Offline];
    // Half of it would tell as much as the whole.
    assert!(get || by_get == (Status::Offline, Status::Offline, false), "{by_get:?}");
    assert!(query || by_query == (&"OFFLINE".into(), &"OFFLINE".into(), false), "{by_query:?}");
    assert!(topic || (!first && told.is_empty()), "{first} {told:?}");
    assert!(contacts || queued.is_empty(), "{queued:?}");
    [get, query, topic, contacts]
}

#[tokio::test]
async fn flag_policy_and_relation_decide_on_every_path() {
    let world = World::new().await;
    let mark = |seen: bool| if seen { "yes" } else { "–" };
    println!(
        "| viewer | showLastSeen | lastSeenPolicy | GET | query | /topic/presence.{{user}} | /user/queue/presence |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut rows = 0;
    for relation in VIEWERS {
        for flag in [true, false] {
            for policy in POLICIES {
                rows += 1;
                let viewer = world.person(&format!("viewer{rows}")).await;
                let person = world.person(&format!("person{rows}")).await;
                relate(&world, viewer, person, relation).await;
                world.set_privacy(person, flag, policy).await;
                let expected = flag
                    && match relation {
                        Viewer::Contact => policy != Policy::Nobody,
                        Viewer::Stranger => policy == Policy::Everyone,
                        Viewer::Blocked | Viewer::Blocking => false,
                    };
                let paths = seen(&world, viewer, person).await;
                let [get, query, topic, contacts] = paths.map(mark);
                println!("| {relation:?} | {flag} | {policy:?} | {get} | {query} | {topic} | {contacts} |");
                assert_eq!(paths, [expected; 4], "{relation:?} {flag} {policy:?}");
            }
        }
    }
    assert_eq!(rows, 24);
}

/// What the person keeps to themselves they see themselves.
#[tokio::test]
async fn nothing_is_hidden_from_oneself() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    world.set_privacy(ann, false, Policy::Nobody).await;
    let socket = world.connect(ann);
    assert_eq!(world.see(ann, ann).await.status, Status::Online);
    world.presence.disconnected(ann, socket);
    assert!(world.see(ann, ann).await.last_seen.is_some());
}
