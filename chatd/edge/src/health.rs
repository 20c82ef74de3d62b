//! Whether the process can do its work, part by part.

use parking_lot::RwLock;
use schema::api::{Component, HealthStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Tells whether a part works, or in one line without secrets why not. Called at each health request, so
/// it must not block.
pub type Check = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// The parts of a process and whether it is being drained.
#[derive(Default)]
pub struct Health {
    parts: RwLock<Vec<(String, Check)>>,
    draining: AtomicBool,
}

impl Health {
    /// Nothing to watch yet: UP.
    pub fn new() -> Self {
        Self::default()
    }

    /// Watches one more part.
    pub fn add(&self, name: impl Into<String>, check: Check) {
        self.parts.write().push((name.into(), check));
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
        let components: Vec<_> = parts.iter().map(|(name, check)| component(name, check)).collect();
        let status = if components.iter().any(|part| part.status == HealthStatus::Down) {
            HealthStatus::Down
        } else if self.is_draining() {
            HealthStatus::OutOfService
        } else {
            HealthStatus::Up
        };
        schema::api::Health { status, components }
    }
}

fn component(name: &str, check: &Check) -> Component {
    let (status, detail) = match check() {
        Ok(()) => (HealthStatus::Up, None),
        Err(why) => (HealthStatus::Down, Some(why)),
    };
    Component { name: name.to_owned(), status, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_down_is_down_and_draining_is_out_of_service() {
        let health = Health::new();
        health.add("log", Arc::new(|| Ok(())));
        assert_eq!(health.status().status, HealthStatus::Up);
        health.set_draining();
        assert_eq!(health.status().status, HealthStatus::OutOfService);
        health.add("disk", Arc::new(|| Err("full".to_owned())));
        let status = health.status();
        assert_eq!(status.status, HealthStatus::Down);
        assert_eq!(status.components[1].detail.as_deref(), Some("full"));
    }
}
