//! The log on a real Kafka.

mod kafka {
    mod contract;
    mod spot;
}
