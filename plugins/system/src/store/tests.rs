//! The store as the host calls it.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::workshop;

fn store(file: PathBuf) -> SystemRoots {
    let origin = Origin::Named {
        file: Some(file),
        directory: None,
    };
    SystemRoots::new(Host::detached(), origin)
}

/// The labels on one page.
fn page(store: &SystemRoots, page: &mut Page) -> Result<Vec<String>, Error> {
    let mut labels = Vec::new();
    let mut take = |item: &Item<'_>| {
        assert_eq!(item.rules, Rule::SERVER_ANCHOR);
        assert!(item.read_only);
        assert_eq!(item.id.len(), 32);
        labels.push(item.label.to_owned());
        Ok(())
    };
    store.list(&Call::detached(), page, &mut Items::collecting(&mut take))?;
    Ok(labels)
}

fn list(store: &SystemRoots) -> Result<Vec<String>, Error> {
    let mut labels = page(store, &mut Page::new(0, &[]))?;
    labels.sort_unstable();
    Ok(labels)
}

/// The generation of a page, which is that of the health.
fn generation(store: &SystemRoots) -> u64 {
    let mut page = Page::new(0, &[]);
    self::page(store, &mut page).unwrap();
    let known = store.known();
    let found = known.found.as_ref().unwrap().as_ref().unwrap();
    assert_eq!(page.generation(), found.generation);
    assert_ne!(page.generation(), 0);
    page.generation()
}

#[test]
fn generation_is_that_of_the_content() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("roots.pem");
    let [one, two] = ["One", "Two"].map(workshop::pem);
    fs::write(&file, format!("{one}{two}")).unwrap();
    let store = store(file.clone());
    assert_eq!(list(&store).unwrap(), ["One", "Two"]);
    assert_eq!(store.health().state(), HealthState::Ready);
    let first = generation(&store);
    // The same in another order is the same.
    fs::write(&file, format!("# again\n{two}{one}{two}")).unwrap();
    assert_eq!(list(&store).unwrap(), ["One", "Two"]);
    assert_eq!(generation(&store), first);
    fs::write(&file, one).unwrap();
    assert_ne!(generation(&store), first);
    assert_eq!(list(&store).unwrap(), ["One"]);
}

#[test]
fn page_of_what_has_changed_is_stale() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("roots.pem");
    let [one, two] = ["One", "Two"].map(workshop::pem);
    fs::write(&file, format!("{one}{two}")).unwrap();
    let store = store(file.clone());
    let mut first = Page::new(1, &[]);
    let begun = page(&store, &mut first).unwrap();
    let mut second = Page::new(1, first.next_cursor());
    let ended = page(&store, &mut second).unwrap();
    assert_ne!(begun, ended);
    assert!(second.next_cursor().is_empty());
    fs::write(&file, one).unwrap();
    let mut second = Page::new(1, first.next_cursor());
    let stale = page(&store, &mut second).unwrap_err();
    assert_eq!(stale.kind(), anchorhold_sdk::ErrorKind::StaleCursor);
}

#[test]
fn what_is_missed_degrades_and_what_is_gone_fails() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("roots.pem");
    let [one, two] = ["One", "Two"].map(workshop::pem);
    fs::write(&file, format!("{one}{}", two.replacen("MI", "!!", 1))).unwrap();
    let store = store(file.clone());
    assert_eq!(list(&store).unwrap(), ["One"]);
    let degraded = store.health();
    assert_eq!(degraded.state(), HealthState::Degraded);
    assert!(format!("{degraded:?}").contains("1 root could not be read"));
    assert_eq!(store.known().told.count, 1);
    // What was read before vouches no more once it is gone.
    fs::remove_file(&file).unwrap();
    assert!(list(&store).unwrap_err().message().contains("roots.pem"));
    assert_eq!(store.health().state(), HealthState::Failed);
    fs::write(&file, format!("{one}{two}")).unwrap();
    assert_eq!(list(&store).unwrap(), ["One", "Two"]);
    assert_eq!(store.health().state(), HealthState::Ready);
}
