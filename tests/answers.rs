//! Peers that answer the question for their level badly, late or not at all.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Home, Openssl, Peer, Script, Scripted};

#[test]
fn a_peer_that_keeps_silent_to_the_question_is_of_unknown_level() {
    let mut home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let identity = openssl.stock("cert256");
    let Some(peer) = Peer::start("8.1.2", "silent", Some(&identity)) else {
        return;
    };
    home.serve(peer.port, &[]);
    let began = Instant::now();
    home.connects(1, "refuse", "certificate-needed", 13);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "within its deadlines"
    );
    home.configure("[server.TSM1]\nlevel = \"8.1.2\"\n");
    let report = home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["level"]["evidence"], "declared");
}

#[test]
fn a_peer_that_says_nothing_at_all_is_unreachable_within_the_deadlines() {
    let Some(peer) = Peer::start("8.1.2", "silent", None) else {
        return;
    };
    let home = Home::with_server(peer.port, &[]);
    let began = Instant::now();
    let report = home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "server-unreachable", "{report:#}");
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "within its deadlines"
    );
}

#[test]
fn nobody_there_is_unreachable() {
    let home = Home::with_server(NOBODY, &[]);
    let report = home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "server-unreachable");
    let message = report["message"].as_str().expect("a message");
    assert!(
        message.contains("TSM1") && message.contains("127.0.0.1:1"),
        "{message}"
    );
}

#[test]
fn an_answer_that_is_none_leaves_the_level_unknown_and_opens_nothing() {
    let mut wrong_verb = answer([7, 1, 0, 0]);
    wrong_verb[2] = 0x1D;
    let mut wrong_mark = answer([7, 1, 0, 0]);
    wrong_mark[3] = 0xA4;
    let mut strings_too_long = answer([7, 1, 0, 0]);
    strings_too_long[18] = 200;
    let mut short = answer([7, 1, 0, 0]);
    short.truncate(44);
    short[1] = 44;
    for (what, bytes) in [
        ("text", b"220 mail.example ESMTP\r\n".to_vec()),
        ("zero bytes", vec![0; 64]),
        ("another verb", wrong_verb),
        ("another mark", wrong_mark),
        ("strings beyond the end", strings_too_long),
        ("a byte too short", short),
        ("half an answer", answer([7, 1, 0, 0])[..20].to_vec()),
        ("nothing", Vec::new()),
    ] {
        let server = Scripted::start(Script::AtOnce(bytes));
        let home = Home::with_server(server.port, &[]);
        let report = home.json(1, &["connect", "TSM1"]);
        assert_eq!(report["code"], "level-unknown", "{what}: {report:#}");
        assert_eq!(report["level"]["value"], Value::Null, "{what}");
        assert_eq!(report["level"]["evidence"], "unknown", "{what}");
        server.got_no_session(what);
    }
}

#[test]
fn an_answer_with_more_than_is_known_is_understood() {
    let mut long = answer([8, 1, 1, 0]);
    long[18] = 4;
    long[20] = 5;
    long.extend_from_slice(b"TSM1Linux and what later levels may add");
    long[1] = u8::try_from(long.len()).expect("short");
    for byte in &mut long[4..17] {
        *byte = 0xEE;
    }
    let server = Scripted::start(Script::AtOnce(long));
    let home = Home::with_server(server.port, &[]);
    let report = home.connects(0, "plain", "existing-protocol", 9);
    assert_eq!(report["level"]["value"], "8.1.1.0");
}

#[test]
fn an_answer_byte_by_byte_does_not_outlast_the_deadline() {
    let server = Scripted::start(Script::Drip(answer([7, 1, 0, 0])));
    let home = Home::with_server(server.port, &[]);
    let began = Instant::now();
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "level-unknown", "{report:#}");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "within its deadlines"
    );
    server.got_no_session("a drip-fed answer");
}

#[test]
fn an_answer_in_two_pieces_is_one_answer() {
    let server = Scripted::start(Script::InTwo(answer([8, 1, 1, 0])));
    let home = Home::with_server(server.port, &[]);
    home.connects(0, "plain", "existing-protocol", 9);
}

#[test]
fn bytes_before_the_handshake_are_never_taken_for_a_session() {
    let server = Scripted::start(Script::Greeting(b"250 welcome\r\n".to_vec()));
    let mut home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    openssl.stock("cert256");
    home.serve(server.port, &["SSL Yes"]);
    home.run(&["import", "--server", "TSM1", "cert256.pem"])
        .exits(0);
    let report = home.json(1, &["connect", "TSM1"]);
    // Where they arrive late, they are an answer that is no TLS.
    let code = report["code"].as_str().expect("a code");
    let refused = ["bytes-before-tls", "tls-unavailable"].contains(&code);
    assert!(refused, "{report:#}");
    assert_eq!(report["session_security"], "transitional");
}

/// An answer without any string.
fn answer(level: [u16; 4]) -> Vec<u8> {
    let mut answer = vec![0; 45];
    answer[1] = 45;
    answer[2] = 0x1E;
    answer[3] = 0xA5;
    for (at, number) in level.iter().enumerate() {
        answer[21 + 2 * at..23 + 2 * at].copy_from_slice(&number.to_be_bytes());
    }
    answer
}

/// A port at which nobody listens.
const NOBODY: u16 = 1;
