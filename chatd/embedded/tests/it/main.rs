//! The contracts of the stores on the embedded ones, and what only these can break.

#![expect(clippy::unwrap_used, reason = "a test ends where something fails")]

mod accounts;
mod events;
mod messages;
mod presence;
mod profiles;
mod set;
mod tickets;
