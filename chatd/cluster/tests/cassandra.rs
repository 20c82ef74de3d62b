//! `store::Messages` on a real Cassandra.

#[cfg(test)]
mod cassandra {
    mod contract;
    mod crash;
    mod ground;
    mod places;
}
