//! Tests with databases that were not made here: adopted, indexed, copied before they change.

use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, mpsc};

use super::*;
use crate::obstacle::Obstacle;
use crate::settings::Adoption;

fn adopted(adoption: Adoption) -> Settings {
    Settings {
        adoption: Some(adoption),
        ..Settings::default()
    }
}

/// Puts a certificate, and gives back what was told meanwhile.
fn put_and_hear(database: &Database, number: u8) -> Vec<String> {
    let heard = Mutex::new(Vec::new());
    let der = certificate(number);
    let terms = Terms {
        tell: &|what| heard.lock().unwrap().push(what.to_owned()),
        ..at_once()
    };
    let label = format!("Anchor {number}");
    database.apply(&[put(&der, &label)], &terms).unwrap();
    heard.into_inner().unwrap()
}

/// Every change is refused because of this, and said to be before it is asked for.
#[track_caller]
fn check_read_only(place: &Place, database: &Database, because: &str) {
    let before = place.files();
    let known = database.standing().obstacle.unwrap();
    assert!(known.contains(because), "{known}");
    assert!(known.len() <= 127, "{known}");
    let der = certificate(77);
    for check_only in [true, false] {
        let terms = Terms {
            check_only,
            ..at_once()
        };
        for change in [put(&der, "new"), Change::Remove(Id::of(&certificate(0)))] {
            let refused = database.apply(&[change], &terms).unwrap_err();
            assert!(matches!(refused, DatabaseError::ReadOnly(_)), "{refused}");
            assert!(refused.to_string().contains(because), "{refused}");
        }
        // What is there already is no change.
        let der = certificate(0);
        let outcomes = database.apply(&[put(&der, "Anchor 0")], &terms).unwrap();
        assert_eq!(outcomes[0].0, Effect::Unchanged);
    }
    assert_eq!(place.files(), before);
    assert_eq!(labels(database)[0], "Anchor 0");
}

#[test]
fn a_database_that_is_adopted_to_be_read_is_never_written() {
    let (place, _) = Place::foreign(2);
    let database = place.open_with(adopted(Adoption::Read));
    check_read_only(&place, &database, "adopt = \"read\"");
    assert!(!place.backup().exists());
    assert!(!place.beside(".lock").exists());
}

#[test]
fn a_database_with_an_index_beside_it_is_written_only_when_told() {
    let (place, database) = Place::foreign(2);
    let index = place.path().with_extension("idx");
    fs::write(&index, b"another program's").unwrap();
    check_read_only(&place, &database, "set adopt = \"write\"");
    assert!(!place.backup().exists());

    let told = place.open_with(adopted(Adoption::Write));
    assert_eq!(told.standing().obstacle, None);
    put_all(&told, [5]);
    assert_eq!(labels(&database), ["Anchor 0", "Anchor 1", "Anchor 5"]);
    assert_eq!(fs::read(&index).unwrap(), b"another program's");

    // As soon as there is none, nothing has to be told.
    fs::remove_file(&index).unwrap();
    assert_eq!(database.standing().obstacle, None);
    put_all(&database, [6]);
}

#[test]
fn an_adopted_database_that_is_missing_is_not_made_anew() {
    for adoption in [Adoption::Read, Adoption::Write] {
        let (place, _) = Place::foreign(1);
        fs::remove_file(place.path()).unwrap();
        let database = place.open_with(adopted(adoption));
        assert!(failure(&database).contains("is missing"));
        let missing = database.contents().unwrap_err();
        assert!(
            matches!(missing, DatabaseError::Missing { .. }),
            "{missing}"
        );
        let der = certificate(1);
        apply(&database, &[put(&der, "a")]).unwrap_err();
        fs::remove_file(place.stash()).unwrap();
        assert!(failure(&database).contains("is missing"));
        apply(&database, &[put(&der, "a")]).unwrap_err();
        assert_eq!(place.files(), []);
    }
}

#[test]
fn a_database_that_others_may_read_is_no_secret_where_it_was_adopted() {
    let (place, database) = Place::foreign(1);
    for path in [place.path(), place.stash()] {
        fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    }
    assert!(database.standing().exposed.is_some());
    let told = place.open_with(adopted(Adoption::Read));
    assert_eq!(told.standing().exposed, None);
    fs::set_permissions(place.stash(), Permissions::from_mode(0o666)).unwrap();
    let exposed = told.standing().exposed.unwrap();
    assert!(exposed.contains("chmod 644 anchors.sth"), "{exposed}");
}

#[test]
fn a_foreign_database_is_copied_once_before_it_changes() {
    let (place, database) = Place::foreign(2);
    fs::set_permissions(place.path(), Permissions::from_mode(0o640)).unwrap();
    let before = fs::read(place.path()).unwrap();
    let der = certificate(9);
    let terms = Terms {
        check_only: true,
        ..at_once()
    };
    database
        .apply(&[put(&der, "only checked")], &terms)
        .unwrap();
    apply(&database, &[Change::Remove(Id::of(&der))]).unwrap();
    assert!(!place.backup().exists());

    let heard = put_and_hear(&database, 5);
    let backup = place.backup();
    let [said] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert!(
        said.ends_with(&format!("is kept as {}", backup.display())),
        "{said}"
    );
    assert_eq!(fs::read(&backup).unwrap(), before);
    let mode = fs::metadata(&backup).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);

    assert_eq!(put_and_hear(&database, 6), [""; 0]);
    assert_eq!(put_and_hear(&place.open(), 7), [""; 0]);
    assert_eq!(fs::read(&backup).unwrap(), before);
    assert_eq!(labels(&place.open()).len(), 5);
    assert!(!place.beside(".before-anchorhold.lock").exists());
}

#[test]
fn what_is_no_copy_is_never_overwritten_nor_taken_for_one() {
    let (place, database) = Place::foreign(1);
    let original = fs::read(place.path()).unwrap();
    let target = place.directory.path().join("somebody's");
    fs::write(&target, b"mine").unwrap();
    type Put<'a> = &'a dyn Fn(&Path);
    let things: [Put<'_>; 5] = [
        &|path| fs::write(path, b"mine").unwrap(),
        &|path| fs::write(path, b"").unwrap(),
        &|path| symlink(&target, path).unwrap(),
        &|path| symlink("nowhere", path).unwrap(),
        &|path| fs::create_dir(path).unwrap(),
    ];
    for put_there in things {
        put_there(&place.backup());
        let before = fs::symlink_metadata(place.backup()).unwrap().ino();
        let der = certificate(9);
        let refused = apply(&database, &[put(&der, "a")]).unwrap_err();
        assert!(matches!(refused, DatabaseError::NoCopy { .. }), "{refused}");
        assert!(refused.to_string().contains("move it away"), "{refused}");
        assert_eq!(fs::symlink_metadata(place.backup()).unwrap().ino(), before);
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        assert_eq!(fs::read(place.path()).unwrap(), original);
        assert!(!place.beside(".lock").exists());
        match place.backup().symlink_metadata().unwrap().is_dir() {
            true => fs::remove_dir(place.backup()).unwrap(),
            false => fs::remove_file(place.backup()).unwrap(),
        }
    }
    assert!(!place.directory.path().join("stores/keys/nowhere").exists());
    put_all(&database, [9]);
    assert_eq!(fs::read(place.backup()).unwrap(), original);
}

#[test]
fn a_copy_that_is_there_stays_and_what_is_said_of_it_is_true() {
    let (place, database) = Place::foreign(1);
    let original = fs::read(place.path()).unwrap();
    fs::write(place.backup(), &original).unwrap();
    let heard = put_and_hear(&database, 10);
    assert!(
        heard[0].contains("as it was, it was kept before, and stays"),
        "{heard:?}"
    );
    assert_eq!(fs::read(place.backup()).unwrap(), original);

    // By now the database is another one than that which was copied.
    fs::remove_file(place.beside(".lock")).unwrap();
    let heard = put_and_hear(&database, 11);
    assert!(
        heard[0].contains("another state of it was kept before"),
        "{heard:?}"
    );
    assert_eq!(fs::read(place.backup()).unwrap(), original);
    assert_eq!(labels(&place.open()).len(), 3);
}

#[test]
fn a_database_whose_stash_is_replaced_meanwhile_is_not_written_with_the_old_password() {
    let (place, _) = Place::filled(1);
    let (path, stash) = (place.path(), place.stash());
    let original = fs::read(&path).unwrap();
    let probe = {
        let path = path.clone();
        move |written: &Path, step| {
            if written == path && step == Step::Synced {
                let other = sth::write_v1(b"another", &[7; 128]).unwrap();
                fs::write(&stash, &*other)?;
            }
            Ok(())
        }
    };
    let database = Database::open_probed(&path, Settings::default(), Box::new(probe)).unwrap();
    let der = certificate(9);
    let refused = apply(&database, &[put(&der, "a")]).unwrap_err();
    assert!(
        refused.to_string().contains("the password in its stash"),
        "{refused}"
    );
    assert_eq!(fs::read(&path).unwrap(), original);
}

#[test]
fn what_was_made_here_is_not_copied() {
    let place = Place::new();
    let database = place.open();
    for number in 0..3 {
        assert_eq!(put_and_hear(&database, number), [""; 0]);
    }
    // Nor is a stash that an interrupted first write left a database.
    fs::remove_file(place.path()).unwrap();
    fs::remove_file(place.beside(".lock")).unwrap();
    assert_eq!(put_and_hear(&place.open(), 5), [""; 0]);
    assert!(!place.backup().exists());
}

#[test]
fn a_copy_that_fails_at_any_step_leaves_the_database_untouched_and_the_next_copies_it() {
    for failing in STEPS {
        let (place, _) = Place::foreign(2);
        let before = place.files();
        let original = fs::read(place.path()).unwrap();
        let probe = move |path: &Path, step| {
            let is_copy = path
                .extension()
                .is_some_and(|end| end == "before-anchorhold");
            match is_copy && step == failing {
                true => Err(io::Error::from(io::ErrorKind::StorageFull)),
                false => Ok(()),
            }
        };
        let settings = Settings::default();
        let database = Database::open_probed(&place.path(), settings, Box::new(probe)).unwrap();
        let der = certificate(9);
        apply(&database, &[put(&der, "a")]).unwrap_err();
        let mut after = place.files();
        after.retain(|(name, _)| *name != format!("{NAME}.before-anchorhold"));
        assert_eq!(after, before, "{failing:?}");
        assert!(!place.beside(".lock").exists(), "{failing:?}");

        put_all(&place.open(), [9]);
        assert_eq!(fs::read(place.backup()).unwrap(), original, "{failing:?}");
        assert_eq!(labels(&place.open()).len(), 3);
    }
}

#[test]
fn writers_who_come_first_together_make_one_copy_of_what_was_there() {
    let (place, _) = Place::foreign(2);
    let original = fs::read(place.path()).unwrap();
    let heard = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for start in [10, 20, 30, 40] {
            let (place, heard) = (&place, &heard);
            scope.spawn(move || {
                let database = place.open();
                for number in start..start + 5 {
                    let (der, label) = (certificate(number), format!("Anchor {number}"));
                    let terms = Terms {
                        tell: &|what| heard.lock().unwrap().push(what.to_owned()),
                        ..patiently()
                    };
                    database.apply(&[put(&der, &label)], &terms).unwrap();
                }
            });
        }
    });
    assert_eq!(heard.into_inner().unwrap().len(), 1);
    assert_eq!(fs::read(place.backup()).unwrap(), original);
    assert_eq!(labels(&place.open()).len(), 22);
}

#[test]
fn a_database_that_another_program_writes_meanwhile_is_read_again_and_kept() {
    let (place, _) = Place::filled(1);
    let (path, other) = (place.path(), place.directory.path().join("other"));
    place.write(&[("theirs", &certificate(50))]);
    fs::rename(&path, &other).unwrap();
    place.write(&[("ours", &certificate(0))]);
    // It comes while the lock is held, which the other program does not know of.
    let moved = AtomicUsize::new(0);
    let database = place.open();
    let asked = move || {
        if moved.fetch_add(1, Ordering::Relaxed) == 0 {
            fs::rename(&other, &path).unwrap();
        }
        false
    };
    let holder = place.open();
    let held = holder.lock(&mut holder.memory(), &at_once()).unwrap();
    let held = Mutex::new(Some(held));
    let terms = Terms {
        patience: Patience {
            limit: Duration::from_secs(60),
            cancelled: &|| {
                let cancelled = asked();
                held.lock().unwrap().take();
                cancelled
            },
        },
        ..at_once()
    };
    let der = certificate(9);
    database.apply(&[put(&der, "new")], &terms).unwrap();
    assert_eq!(labels(&place.open()), ["theirs", "new"]);
}

#[test]
fn what_keeps_it_from_being_written_is_named() {
    let path = PathBuf::from("/x/anchors.kdb");
    let immutable = Obstacle::Immutable { path: path.clone() };
    assert!(
        immutable.to_string().contains("chattr -i -a"),
        "{immutable}"
    );
    let links = Obstacle::HardLinks { path, count: 3 };
    assert!(links.to_string().contains("has 3 names"), "{links}");
}

#[test]
fn a_watch_tells_of_others_and_not_of_what_is_written_here() {
    let (place, database) = Place::filled(1);
    let (told, hears) = mpsc::channel();
    let Some(watch) = database.watch(move || told.send(()).unwrap()) else {
        return;
    };
    for number in 1..10 {
        put_all(&database, [number]);
    }
    drop(watch);
    assert!(hears.try_recv().is_err());

    let (told, hears) = mpsc::channel();
    let watch = database.watch(move || told.send(()).unwrap());
    place.write(&[("theirs", &certificate(50))]);
    hears.recv_timeout(Duration::from_secs(60)).unwrap();
    drop(watch);
    assert_eq!(labels(&database), ["theirs"]);
}
