//! The log on a real Kafka.

#[cfg(test)]
mod kafka {
    mod admin;
    mod bounds;
    mod contract;
    mod handover;
    mod outage;
    mod seek;
    mod spot;
    mod topics;
}
