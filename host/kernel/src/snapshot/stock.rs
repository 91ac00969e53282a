//! The items of a snapshot, which nobody waits for when they are given up.

use std::mem;
use std::ops::Deref;
use std::thread;

use anchorhold_boundary::item::Item;

use super::share::WORTH_A_THREAD;

/// The items of a snapshot.
///
/// Many are freed on a thread of their own: neither the connection that was the last to use them
/// nor a program that ends waits until each is given back.
#[derive(Debug)]
pub(super) struct Stock(Vec<Item>);

impl Stock {
    pub(super) fn new(items: Vec<Item>) -> Self {
        Self(items)
    }
}

impl Deref for Stock {
    type Target = [Item];

    fn deref(&self) -> &[Item] {
        &self.0
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        let items = mem::take(&mut self.0);
        if items.len() > WORTH_A_THREAD {
            // Without a thread they are freed here, with the closure that holds them.
            let _ = thread::Builder::new().spawn(move || drop(items));
        }
    }
}
