//! Whether the process can do its work, part by part.

use parking_lot::RwLock;
use schema::api::{Component, HealthStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whether a part works, or in one line without secrets why not. Called at each health request, so
/// it must not block.
pub type Check = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

struct Part {
    name: String,
    /// The process does its main work without it.
    soft: bool,
    check: Check,
}

/// The parts of a process and whether it is being drained.
#[derive(Default)]
pub struct Health {
    parts: RwLock<Vec<Part>>,
    /// Whose parts belong to this one too.
    inner: RwLock<Option<Arc<Health>>>,
    draining: AtomicBool,
}

impl Health {
    /// Nothing to watch yet: UP.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches one more part.
    pub fn add(&self, name: impl Into<String>, check: Check) {
        self.parts.write().push(Part { name: name.into(), soft: false, check });
    }

    /// Watches one that the process can do without: when it is down that shows, and the process stays ready.
    pub fn add_soft(&self, name: impl Into<String>, check: Check) {
        self.parts.write().push(Part { name: name.into(), soft: true, check });
    }

    /// Watches all parts of another.
    pub fn add_all(&self, other: Arc<Health>) {
        *self.inner.write() = Some(other);
    }

    /// Says that no new work should be sent here: readiness answers 503 from now on.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether the process is being drained.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The whole picture.
    pub fn status(&self) -> schema::api::Health {
        let parts = self.parts.read();
        let inner = self.inner.read().as_ref().map(|inner| inner.status());
        let mut components: Vec<_> = parts.iter().map(component).collect();
        let down = |(part, seen): (&Part, &Component)| !part.soft && seen.status == HealthStatus::Down;
        let any_down = parts.iter().zip(&components).any(down)
            || inner.as_ref().is_some_and(|inner| inner.status == HealthStatus::Down);
        if let Some(inner) = inner {
            components.splice(0..0, inner.components);
        }
        let status = if any_down {
            HealthStatus::Down
        } else if self.is_draining() {
            HealthStatus::OutOfService
        } else {
            HealthStatus::Up
        };
        schema::api::Health { status, components }
    }
}

fn component(part: &Part) -> Component {
    let (status, detail) = match (part.check)() {
        Ok(()) => (HealthStatus::Up, None),
        Err(why) => (HealthStatus::Down, Some(why)),
    };
    Component { name: part.name.clone(), status, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_down_is_down_and_draining_is_out_of_service() {
        let health = Health::new();
        health.add("log", Arc::new(|| Ok(())));
        assert_eq!(health.status().status, HealthStatus::Up);
        health.add_soft("presence", Arc::new(|| Err("away".to_owned())));
        let status = health.status();
        assert_eq!(status.status, HealthStatus::Up, "it can do without");
        assert_eq!(status.components[1].status, HealthStatus::Down);
        health.set_draining();
        assert_eq!(health.status().status, HealthStatus::OutOfService);
        health.add("disk", Arc::new(|| Err("full".to_owned())));
        let status = health.status();
        assert_eq!(status.status, HealthStatus::Down);
        assert_eq!(status.components[2].detail.as_deref(), Some("full"));
    }
}
