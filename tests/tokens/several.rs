//! Several tokens, PINs, and what is not quite as it should be.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::scene::{Scene, real_softhsm};
use crate::support::here;

#[test]
fn two_tokens_of_one_label_are_told_apart_by_their_serials() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    scene.initialize("corp");
    let outcome = scene.home.run(&["list", "--store", "hsm"]).exits(3);
    let outcome = outcome.says("is the name of 2 tokens").says("serial");
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let serials = said.split("which is one of ").nth(1);
    let serial: String = serials
        .expect("they are named")
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    let settings = format!("token = \"corp\", serial = \"{serial}\"");
    scene.configure(&real_softhsm(), &settings, "");
    scene.import();
    assert_eq!(scene.listed().len(), 1);
    let uri = format!("uri = \"pkcs11:token=corp;serial={serial}\"");
    scene.configure(&real_softhsm(), &uri, "");
    assert_eq!(scene.listed().len(), 1);
}

#[test]
fn identical_objects_on_several_tokens_are_one_item() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    scene.import();
    scene.initialize("spare");
    scene.configure(&real_softhsm(), "token = \"spare\"", "");
    scene.import();
    // Without a name every token of the module is read, and none is written to.
    scene.configure(&real_softhsm(), "read_only = false", "");
    assert_eq!(scene.listed().len(), 1);
    let other = scene.openssl.stock("other");
    let certificate = other.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
    let outcome = scene.home.run(&words);
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.shown());
    assert_eq!(scene.listed().len(), 1);
}

#[test]
fn a_token_that_is_not_there_is_named_with_those_that_are() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    scene.configure(&real_softhsm(), "token = \"crop\"", "");
    let outcome = scene.home.run(&["list", "--store", "hsm"]).exits(3);
    outcome
        .says("the token \"crop\" is not there")
        .says("there are: the token \"corp\"");
}

#[test]
fn a_wrong_pin_is_tried_once_and_not_again_by_another_process() {
    let Some(scene) = here("cc").then(Scene::softhsm).flatten() else {
        return;
    };
    scene.keep_pin("9999");
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
    scene.fail("C_Login=pass", "token = \"corp\"", "");
    scene.home.run(&words).exits(3).says("PIN is not right");
    assert_eq!(scene.happened().len(), 1);
    for (words, exit) in [(&words[..], 3), (&["store", "unlock", "hsm"], 2)] {
        let again = scene.home.run(words).exits(exit);
        again.says("was refused before, and is not tried again");
    }
    // Nor does anything try it that only looks.
    let check = scene.home.run(&["store", "check"]).exits(0);
    check.says("a wrong PIN was given");
    scene.home.run(&["doctor"]);
    assert!(scene.listed().is_empty());
    assert_eq!(scene.happened(), [""; 0]);
    // Another PIN is another attempt.
    scene.keep_pin("1234");
    scene.home.run(&words).exits(0);
    assert_eq!(scene.happened().len(), 1);
}

#[test]
fn a_pin_that_others_can_read_is_not_given_to_the_token() {
    let Some(scene) = here("cc").then(Scene::softhsm).flatten() else {
        return;
    };
    scene.fail("C_Login=pass", "token = \"corp\"", "");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(scene.home.path("pin"), mode).expect("set");
    let outcome = scene.home.run(&["store", "unlock", "hsm"]);
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.shown());
    outcome.says("chmod 600");
    assert_eq!(scene.happened(), [""; 0]);
}

#[test]
fn a_module_whose_token_was_never_initialised_says_so() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    std::fs::remove_dir_all(scene.home.path("tokens")).expect("removed");
    std::fs::create_dir(scene.home.path("tokens")).expect("made");
    let list = || scene.home.run(&["list", "--store", "hsm"]).exits(3);
    list().says("there is none that is initialised");
    scene.configure(&real_softhsm(), "read_only = false", "");
    list().says("initialise it with the token's own program");
}

#[test]
fn modules_of_two_makers_are_two_stores_in_two_processes() {
    let (Some(scene), Some(other)) = (Scene::softhsm(), Scene::nss()) else {
        return;
    };
    let stores = |scene: &Scene| {
        let text = std::fs::read_to_string(scene.home.path("h/anchorhold.toml")).expect("there");
        let from = text.rfind("[[store]]").expect("the store hsm");
        text[from..].to_owned()
    };
    let nss = stores(&other).replace("name = \"hsm\"", "name = \"nss\"");
    let both = stores(&scene) + &nss;
    scene.home.configure(&both);
    scene.import();
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "nss", &certificate];
    scene.home.run(&words).exits(0);
    // What is on both is shown with either, and each is a store of its own.
    for store in ["hsm", "nss"] {
        let list = scene.home.json(0, &["list", "--store", store]);
        assert_eq!(
            list["certificates"][0]["sha256"],
            scene.server.sha256().as_str()
        );
        let standing = scene.standing(store);
        assert_eq!(standing["isolation"], "runner", "{standing:#}");
        assert_eq!(standing["health"], "ready", "{standing:#}");
    }
    // Where one is gone the other goes on.
    std::fs::remove_dir_all(scene.home.path("tokens")).expect("removed");
    scene.home.run(&["list", "--store", "hsm"]).exits(3);
    scene.home.run(&["list", "--store", "nss"]).exits(0);
    let sha256 = scene.server.sha256();
    let words = ["remove", &sha256, "--all", "--store", "nss"];
    scene.home.run(&words).exits(0);
}

#[test]
fn the_officer_alone_marks_a_certificate_as_trusted() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    let settings = "token = \"corp\", trust = \"cka-trusted\"";
    scene.put_foreign(&scene.server.certificate, "by the user");
    scene.configure(&real_softhsm(), settings, "");
    let sha256 = scene.server.sha256();
    let chain = scene.server.certificate.to_string_lossy().into_owned();
    let verify = ["verify", &chain, "--server", "TSM1"];
    let words = ["scope", &sha256, "--server", "TSM1", "--as", "pin"];
    scene.home.run(&words);
    scene.home.json(1, &verify);
    let path = scene.home.write("so-pin", "12345678");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("set");
    let imported = scene.import();
    assert_eq!(
        imported["imported"][0]["outcome"], "updated",
        "{imported:#}"
    );
    assert_eq!(scene.listed().len(), 1);
    scene.home.json(0, &verify);
}

#[test]
fn unlocking_takes_the_pin_from_a_descriptor() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    let line = "anchorhold --home h store unlock hsm --pin-fd 3 3<pin";
    scene.home.shell(line).exits(0);
    scene.home.write("wrong", "9999");
    let line = "anchorhold --home h store unlock hsm --pin-fd 3 3<wrong";
    let outcome = scene.home.shell(line);
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.shown());
    outcome.says("PIN is not right");
}

#[test]
fn a_rehearsal_plays_over_a_token_that_is_marked_for_it_and_over_no_other() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    // Without option files: they would be played instead.
    let line = "anchorhold --home h rehearse --store hsm";
    scene.home.shell(line).exits(2).says("scratch = true");
    scene.configure(&real_softhsm(), "token = \"corp\"", "scratch = true\n");
    scene.home.shell(line).exits(0).says("27 passed, 0 failed");
    assert!(scene.listed().is_empty());
}

#[test]
fn a_host_that_is_open_sees_what_another_program_puts_there_meanwhile() {
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    let told = scene.told();
    let mut words = vec!["plugin", "run"];
    words.extend(told.iter().map(String::as_str));
    words.extend(["--hold", "list"]);
    let mut command = scene.home.command(&words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut held = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    held.read_line(&mut line).expect("it says that it is held");
    assert!(line.contains("press Enter"), "{line}");
    scene.put_foreign(&scene.server.certificate, "meanwhile");
    let mut enter = child.stdin.take().expect("a pipe");
    enter.write_all(b"\n\n").expect("it waits");
    let output = child.wait_with_output().expect("it ends");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("meanwhile"), "{printed}");
}
