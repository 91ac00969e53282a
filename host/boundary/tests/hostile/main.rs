//! A library that tries what a runner forbids, and what its store is granted, one after the other.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

/// A bus of a session.
mod bus;
/// What it reads and changes.
mod files;
/// A kernel that it has less of.
mod kernel;
/// A machine that has less of what the sandbox is made of.
mod lacking;
/// Other processes, and its own end.
mod processes;
/// What runs the plugin.
#[path = "../built/program.rs"]
mod program;
/// The machine, and what attacks it.
mod scene;
/// Whom it talks to.
mod sockets;
