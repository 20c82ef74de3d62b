//! The calls of the auth service, through the door, on the embedded stores.

mod admin;
mod fixture;
mod login;
mod openapi;
mod refresh;
mod register;
mod restart;
mod sessions;
