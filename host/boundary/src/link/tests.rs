//! A link against runners of every kind, played by a thread that speaks the wire.

mod calls;
mod fake;
mod hostile;
mod questions;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::link::call::Patience;
use crate::link::start::Opening;
use crate::status::Status;
use fake::{Fake, opened};
