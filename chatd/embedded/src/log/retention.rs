//! Removing what nobody needs any more.

use super::lane::Lane;
use super::segment::Segment;
use std::io;
use std::sync::Arc;

/// Removes whole segments, oldest first, while `retention_bytes` remain and, in a durable partition, every
/// group has dealt with them; without a group nothing of it is removed. Returns the first offset kept. Blocks.
pub(crate) fn cut(lane: &Lane, retention_bytes: u64) -> io::Result<u64> {
    let needed_from = if lane.topic.durable() { lane.groups.lowest().unwrap_or(0) } else { u64::MAX };
    let removed = unlist(&mut lane.segments.write(), needed_from, retention_bytes);
    for segment in &removed {
        // One by one, so that power loss never brings back an older one without its successor.
        lane.disk.remove(&segment.path)?;
        lane.disk.sync_dir(&lane.dir)?;
    }
    if !removed.is_empty() {
        tracing::info!(
            dir = lane.dir,
            segments = removed.len(),
            first = lane.first(),
            "old segments removed"
        );
    }
    Ok(lane.first())
}

fn unlist(segments: &mut Vec<Arc<Segment>>, needed_from: u64, retention_bytes: u64) -> Vec<Arc<Segment>> {
    let mut kept: u64 = segments.iter().map(|segment| segment.size()).sum();
    let mut removable = 0;
    // The last segment always stays; one before it ends where the next begins.
    for pair in segments.windows(2) {
        let [old, next] = pair else { break };
        if next.base > needed_from || kept - old.size() < retention_bytes {
            break;
        }
        kept -= old.size();
        removable += 1;
    }
    segments.drain(..removable).collect()
}
