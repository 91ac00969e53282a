//! Facts about sign-ons that no story tells: what others do meanwhile, and what was known before.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its ground gives way"
)]

#[path = "../store/keydb.rs"]
mod keydb;

mod authentication; // Who authenticates the client in sessions inside TLS.
mod bench; // A server, a home, a client, and what is looked at afterwards.
mod crowd; // Several programs meet a server for the first time at once.
mod floor; // Levels, TLS versions and names that are less than before.
mod lured; // Somebody answers in the place of a server that claimed more.
mod neighbour; // Servers at the address of a strict one.
mod operator; // Somebody who works on the same home meanwhile.
mod overtaken; // Other programs change something while a sign-on is under way.
mod road; // The way to the server, and what happens on it.
mod settled; // What a machine that died left open.
mod store_scope; // Which store a certificate goes to, and for whom it is then.
