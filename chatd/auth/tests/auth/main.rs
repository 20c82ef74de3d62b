//! The calls of the auth service, through the door, on the embedded stores.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admin;
mod delete;
mod fixture;
mod login;
mod openapi;
mod refresh;
mod register;
mod restart;
mod sessions;
