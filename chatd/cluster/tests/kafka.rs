//! The log on a real Kafka.

#[cfg(test)]
mod kafka {
    mod contract;
    mod spot;
}
