//! Certificates in the keychain of a session and in the key rings of the kernel: used, meddled
//! with, locked, and gone.

mod meddling;
mod ring;
pub(crate) mod scene;
mod service;
mod session;
