//! chatd as its users meet it: a process, its ports and its files.

mod admin;
mod config;
mod first_message;
mod kill_and_recover;
mod openapi;
mod ports;
mod register_and_login;
mod server;
mod stomp;
