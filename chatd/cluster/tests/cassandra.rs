//! `store::Messages` on a real Cassandra.

#[path = "cassandra/ground.rs"]
mod ground;

#[path = "cassandra/contract.rs"]
mod contract;
#[path = "cassandra/places.rs"]
mod places;
