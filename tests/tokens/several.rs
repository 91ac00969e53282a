//! Several tokens, PINs, and what is not quite as it should be.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::scene::{Scene, real_softhsm};

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
    let Some(scene) = Scene::softhsm() else {
        return;
    };
    scene.keep_pin("9999");
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
    scene.home.run(&words).exits(3).says("PIN is not right");
    // SoftHSM says that its PIN was wrong, and a second attempt would say it again.
    let again = scene.home.run(&words).exits(3);
    assert!(
        !again.stderr.contains("PIN is not right"),
        "{}",
        again.shown()
    );
    again.says("refused");
    assert!(scene.listed().is_empty());
    // Another PIN is another attempt.
    scene.keep_pin("1234");
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
    let path = |name: &str| scene.home.path(name).display().to_string();
    let words = [
        "plugin".to_owned(),
        "run".to_owned(),
        "anchorhold.pkcs11".to_owned(),
        format!("--set=module={}", real_softhsm().display()),
        "--set=token=corp".to_owned(),
        format!("--env=SOFTHSM2_CONF={}", path("softhsm2.conf")),
        format!("--grant=read:{}", path("softhsm2.conf")),
        format!("--grant=write:{}", path("tokens")),
        "--hold".to_owned(),
        "list".to_owned(),
    ];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
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
