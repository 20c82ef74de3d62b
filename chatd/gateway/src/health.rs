//! Whether the processes of a service are well. Each is asked once a second; one that refuses connections is
//! taken out at once, by whoever notices first, and comes back by itself when it says that it is well.

use crate::Config;
use crate::body::Lent;
use crate::client::Client;
use crate::counts::Counts;
use crate::failure::{chain, is_refusal};
use crate::node::{Node, Seen};
use crate::upstream::Upstream;
use axum::body::{Body, to_bytes};
use axum::http::uri::PathAndQuery;
use axum::http::{Request, StatusCode};
use hyper_util::client::legacy;
use schema::limits::JSON_BYTES;
use std::sync::Arc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

const PATH: PathAndQuery = PathAndQuery::from_static("/actuator/health");
/// Silences in a row after which a process counts as away: one may be a pause of its machine.
const SILENCES: u32 = 2;

/// What one look found.
enum Found {
    Well,
    Away(String),
    Silent(String),
}

/// Looks after the nodes of a service until the end.
pub(crate) fn watch(
    upstream: &Upstream,
    client: &Client,
    counts: &Counts,
    config: &Config,
    end: &CancellationToken,
) {
    for node in &upstream.nodes {
        let (node, client, counts) = (Arc::clone(node), client.clone(), counts.clone());
        let (config, end) = (config.clone(), end.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = end.cancelled() => {}
                () = look_after(&node, &client, &counts, &config) => {}
            }
        });
    }
}

async fn look_after(node: &Arc<Node>, client: &Client, counts: &Counts, config: &Config) {
    let mut ticks = interval(config.check_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut silences = 0;
    loop {
        ticks.tick().await;
        match look(node, client, config).await {
            Found::Well => {
                silences = 0;
                if node.comes_back() {
                    counts.came_back(node.service);
                    tracing::info!(service = node.service.name(), node = node.name, "a process is back");
                }
            }
            Found::Silent(_) if silences + 1 < SILENCES => silences += 1,
            Found::Silent(why) | Found::Away(why) => away(node, counts, why),
        }
    }
}

/// Takes a node out. It gets no new work until it says that it is well.
pub(crate) fn away(node: &Node, counts: &Counts, why: String) {
    if node.goes_away(why.clone()) {
        counts.went_away(node.service);
        tracing::warn!(service = node.service.name(), node = node.name, why, "a process is away");
    }
}

async fn look(node: &Node, client: &Client, config: &Config) -> Found {
    let mut request = Request::new(Lent::empty());
    *request.uri_mut() = node.address(PATH);
    let asking = async {
        let answer = client.request(request).await?;
        let status = answer.status();
        // Read to its end, or the connection could not be used again.
        let _ = to_bytes(Body::new(answer.into_body()), JSON_BYTES).await;
        Ok::<_, legacy::Error>(status)
    };
    match timeout(config.check_time, asking).await {
        Ok(Ok(StatusCode::OK)) => Found::Well,
        Ok(Ok(status)) => Found::Away(format!("says that it is not ready ({})", status.as_u16())),
        Ok(Err(error)) if error.is_connect() && is_refusal(&error) => Found::Away(chain(&error)),
        Ok(Err(error)) => Found::Silent(chain(&error)),
        Err(_) => Found::Silent("does not say in time how it is".to_owned()),
    }
}

/// Whether a service can be used, for the process's own health.
pub(crate) fn check(upstream: &Upstream) -> Result<(), String> {
    let seen: Vec<(&str, Seen)> =
        upstream.nodes.iter().map(|node| (node.name.as_str(), node.seen())).collect();
    if seen.iter().any(|(_, seen)| *seen == Seen::Well) {
        return Ok(());
    }
    let why = |(name, seen): &(&str, Seen)| match seen {
        Seen::Away(why) => format!("{name} {why}"),
        Seen::Nothing | Seen::Well => format!("{name} was not asked yet"),
    };
    Err(format!("no process is well: {}", seen.iter().map(why).collect::<Vec<_>>().join("; ")))
}
