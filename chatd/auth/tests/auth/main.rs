//! The calls of the auth service, through the door, on the embedded stores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod bad_input;
mod delete;
mod disable;
mod fixture;
mod late;
mod login;
mod openapi;
mod password;
mod refresh;
mod register;
mod restart;
mod sessions;
mod ticket;
