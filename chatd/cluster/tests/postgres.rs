//! The stores on a real PostgreSQL: the contracts of the embedded ones, and what only several processes can
//! break. Each test has a database of its own, which is dropped at its end.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something fails")]
#![expect(clippy::print_stderr, reason = "says what was not tested, and what was measured")]

#[path = "postgres/contract.rs"]
mod contract;
#[path = "postgres/database.rs"]
mod database;
#[path = "postgres/faults.rs"]
mod faults;
#[path = "postgres/news.rs"]
mod news;
#[path = "postgres/plans.rs"]
mod plans;
#[path = "postgres/processes.rs"]
mod processes;
#[path = "postgres/proxy.rs"]
mod proxy;
#[path = "postgres/races.rs"]
mod races;
