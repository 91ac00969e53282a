//! The files that name the servers.

use serde_json::Value;

use crate::support::{Home, stanza};

/// What explain says of a server's options, by their names.
#[track_caller]
fn option(home: &Home, server: &str, name: &str) -> (String, String) {
    let explained = home.json(0, &["explain", server]);
    let all = explained["options"].as_array().expect("a list");
    let found = all.iter().find(|option| option["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not among {all:#?}"));
    let text = |field: &str| found[field].as_str().expect("text").to_owned();
    (text("value"), text("from"))
}

/// The file is an error that says all of this.
#[track_caller]
fn wrong(text: &str, says: &[&str]) -> String {
    let home = Home::with_options(text);
    let document = home.json(2, &["explain", "TSM1"]);
    let message = document["error"].to_string();
    for word in says {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
    message
}

#[test]
fn a_word_that_is_no_option_is_an_error_with_file_line_and_word() {
    let text = stanza("TSM1", 1500, &["SSLACCEPTCERTFROMSERVER No"]);
    wrong(
        &text,
        &[
            "dsm.sys:4",
            "SSLACCEPTCERTFROMSERVER",
            "SSLACCEPTCERTFROMSERV",
        ],
    );
}

#[test]
fn a_word_that_is_no_value_is_an_error_with_the_allowed_values() {
    let text = stanza("TSM1", 1500, &["SSLREQUIRED Sometimes"]);
    let message = wrong(&text, &["dsm.sys:4", "Sometimes", "ANS1036S"]);
    for allowed in ["Default", "Yes", "No", "SERVERonly"] {
        assert!(
            message.contains(allowed),
            "{allowed} is missing in: {message}"
        );
    }
    wrong(&stanza("TSM1", 0, &[]), &["dsm.sys:3", "0"]);
    wrong(
        "SErvername TSM1\n TCPServeraddress h\n TCPPort 65536\n",
        &["dsm.sys:3", "65536"],
    );
    wrong(&stanza("TSM1", 1500, &["SSL"]), &["dsm.sys:4", "SSL"]);
    wrong(&stanza("TSM1", 1500, &["SSL \"Yes\""]), &["dsm.sys:4"]);
}

#[test]
fn options_are_read_in_their_shortest_forms_and_without_case() {
    let text = "se TSM1\n tcps 127.0.0.1\n TCPP 1501\n ssl YES\n sslreq server\n";
    let home = Home::with_options(text);
    for (name, value, line) in [
        ("TCPServeraddress", "127.0.0.1", 2),
        ("TCPPort", "1501", 3),
        ("SSL", "Yes", 4),
        ("SSLREQuired", "SERVERonly", 5),
    ] {
        let (said, from) = option(&home, "TSM1", name);
        assert!(said.eq_ignore_ascii_case(value), "{name} is {said}");
        assert!(
            from.ends_with(&format!("dsm.sys:{line}")),
            "{name} is from {from}"
        );
    }
}

#[test]
fn what_is_too_short_is_an_error_and_names_in_capitals_have_no_short_form() {
    wrong("SErvername TSM1\n TCP 127.0.0.1\n", &["dsm.sys:2", "TCP"]);
    wrong(
        &stanza("TSM1", 1500, &["SSLRE Yes"]),
        &["dsm.sys:4", "SSLRE"],
    );
    let text = stanza("TSM1", 1500, &["SSLACCEPTCERT No"]);
    wrong(
        &text,
        &["dsm.sys:4", "SSLACCEPTCERT", "SSLACCEPTCERTFROMSERV"],
    );
    wrong(
        &stanza("TSM1", 1500, &["SSLFIPS Yes"]),
        &["dsm.sys:4", "SSLFIPS"],
    );
}

#[test]
fn each_stanza_is_a_server_of_its_own() {
    let text = stanza("ONE", 1501, &["SSL Yes"]) + &stanza("TWO", 1502, &[]);
    let home = Home::with_options(&text);
    assert_eq!(option(&home, "ONE", "TCPPort").0, "1501");
    assert_eq!(option(&home, "TWO", "TCPPort").0, "1502");
    assert_eq!(option(&home, "ONE", "SSL").0, "Yes");
    assert_eq!(
        option(&home, "TWO", "SSL"),
        ("No".to_owned(), "default".to_owned())
    );
    let list = home.json(0, &["server", "list"]);
    let names: Vec<&Value> = list["servers"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|server| &server["server"])
        .collect();
    assert_eq!(names, ["ONE", "TWO"]);
}

#[test]
fn names_compare_without_case_and_two_of_one_name_are_an_error_with_both_places() {
    let home = Home::with_options(&stanza("Tsm1", 1500, &[]));
    home.json(0, &["explain", "TSM1"]);
    home.json(0, &["explain", "tsm1"]);
    let text = stanza("TSM1", 1500, &[]) + &stanza("tsm1", 1501, &[]);
    wrong(&text, &["dsm.sys:1", "dsm.sys:4"]);
}

#[test]
fn an_unknown_server_lists_the_known_ones() {
    let home = Home::with_options(&(stanza("ONE", 1501, &[]) + &stanza("TWO", 1502, &[])));
    for words in [&["connect", "THREE"][..], &["explain", "THREE"]] {
        let document = home.json(2, words);
        assert_eq!(document["error"]["code"], "unknown-server");
        let message = document["error"]["message"].as_str().expect("a message");
        for word in ["THREE", "ONE", "TWO", "dsm.sys"] {
            assert!(message.contains(word), "{word} is missing in: {message}");
        }
    }
}

#[test]
fn a_file_without_a_stanza_is_the_server_default() {
    let home = Home::with_options("TCPServeraddress 127.0.0.1\nTCPPort 1501\nSSL Yes\n");
    assert_eq!(option(&home, "default", "TCPPort").0, "1501");
    home.json(2, &["explain", "TSM1"]);
}

#[test]
fn an_option_given_twice_with_different_values_is_an_error_that_names_both_lines() {
    wrong(
        &stanza("TSM1", 1500, &["SSL Yes", "SSL No"]),
        &["dsm.sys:4", "dsm.sys:5"],
    );
    let home = Home::with_options(&stanza("TSM1", 1500, &["SSL Yes", "SSL yes"]));
    assert_eq!(option(&home, "TSM1", "SSL").0, "Yes");
}

#[test]
fn an_option_where_it_does_not_count_is_an_error() {
    let outside = format!("SSL Yes\n{}", stanza("TSM1", 1500, &[]));
    wrong(&outside, &["dsm.sys:1", "SSL"]);
    let mut home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.write("dsm.opt", "SErvername TSM1\nSSLACCEPTCERTFROMSERV No\n");
    home.take_options(&["--options", "dsm.sys", "--optfile", "dsm.opt"]);
    let document = home.json(2, &["explain", "TSM1"]);
    let message = document["error"].to_string();
    assert!(message.contains("dsm.opt:2"), "{message}");
}

#[test]
fn options_of_the_client_that_this_program_does_not_use_are_kept_and_shown() {
    let more = [
        "NODename mynode",
        "PASSWORDAccess generate",
        "INCLEXCL /etc/inclexcl",
    ];
    let home = Home::with_options(&stanza("TSM1", 1500, &more));
    let explained = home.json(0, &["explain", "TSM1"]);
    let unused = explained["unused_options"].as_array().expect("a list");
    for (name, line) in [("NODename", 4), ("PASSWORDAccess", 5), ("INCLEXCL", 6)] {
        let option = unused.iter().find(|option| {
            option["name"]
                .as_str()
                .is_some_and(|said| said.eq_ignore_ascii_case(name))
        });
        let from = option.unwrap_or_else(|| panic!("{name} is not among {unused:#?}"))["from"]
            .as_str()
            .expect("a place");
        assert!(
            from.ends_with(&format!("dsm.sys:{line}")),
            "{name} is from {from}"
        );
    }
}

#[test]
fn comments_indentation_and_line_ends_do_not_matter() {
    let text = "* a comment\r\n   * another\r\n\r\nSErvername TSM1\r\n\tTCPServeraddress\t127.0.0.1 \
                \r\n *SSL Yes\r\n      TCPPort    1501\r\n";
    let home = Home::with_options(text);
    let (port, from) = option(&home, "TSM1", "TCPPort");
    assert_eq!(port, "1501");
    assert!(from.ends_with("dsm.sys:7"), "{from}");
    assert_eq!(option(&home, "TSM1", "SSL").1, "default");
}

#[test]
fn a_server_in_both_files_is_an_error_that_names_both_places() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.configure("\n\n[server.TSM1]\naddress = \"127.0.0.1:1501\"\n");
    let document = home.json(2, &["explain", "TSM1"]);
    let message = document["error"].to_string();
    for word in ["dsm.sys:1", "anchorhold.toml:3"] {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
}

#[test]
fn a_server_of_the_configuration_needs_no_stanza() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.configure("[server.billing]\naddress = \"127.0.0.1:1501\"\nlevel = \"8.1.2\"\n");
    let explained = home.json(0, &["explain", "BILLING"]);
    assert_eq!(explained["level"]["value"], "8.1.2.0");
    assert_eq!(explained["level"]["evidence"], "declared");
}

#[test]
fn an_unknown_key_of_the_configuration_is_an_error_with_its_line() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.configure("[server.TSM1]\nplain = \"allow\"\nplian = \"never\"\n");
    let document = home.json(2, &["explain", "TSM1"]);
    let message = document["error"].to_string();
    assert!(message.contains("anchorhold.toml:3"), "{message}");
    assert!(message.contains("plian"), "{message}");
}

#[test]
fn the_files_used_are_named() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    let explained = home.json(0, &["explain", "TSM1"]);
    let files = explained["files"].as_array().expect("a list");
    assert!(
        files
            .iter()
            .any(|file| file.as_str().is_some_and(|file| file.ends_with("dsm.sys")))
    );
    home.run(&["explain", "TSM1", "--verbose"])
        .exits(0)
        .says("dsm.sys");
}

#[test]
fn a_file_that_is_named_and_not_there_is_an_error() {
    let mut home = Home::new();
    home.take_options(&["--options", "nowhere.sys"]);
    let document = home.json(2, &["explain", "TSM1"]);
    assert!(document["error"].to_string().contains("nowhere.sys"));
}

#[test]
fn option_files_of_the_home_are_found_without_being_named() {
    let home = Home::new();
    home.write("h/dsm.sys", stanza("TSM1", 1501, &[]));
    assert_eq!(option(&home, "TSM1", "TCPPort").0, "1501");
}

#[test]
fn several_system_files_are_read_together() {
    let mut home = Home::new();
    home.write("a.sys", stanza("ONE", 1501, &[]));
    home.write("b.sys", stanza("TWO", 1502, &[]));
    home.take_options(&["--options", "a.sys", "--options", "b.sys"]);
    assert!(option(&home, "ONE", "TCPPort").1.ends_with("a.sys:3"));
    assert!(option(&home, "TWO", "TCPPort").1.ends_with("b.sys:3"));
}

#[test]
fn a_replication_stanza_is_a_server_of_its_own_with_the_options_of_who_names_it() {
    let text = "REPLSERVERName SECOND\n  REPLTCPSERVERADDRESS 127.0.0.1\n  REPLTCPPort 1502\n"
        .to_owned()
        + &stanza("TSM1", 1501, &["MYREPLICATIONServer SECOND", "SSL Yes"]);
    let home = Home::with_options(&text);
    let explained = home.json(0, &["explain", "SECOND@repl"]);
    assert_eq!(explained["server"], "SECOND@repl");
    assert_eq!(option(&home, "SECOND@repl", "SSL").0, "Yes");
    // Its address came from a server, so acceptance never applies to it.
    home.configure("[server.\"SECOND@repl\"]\nlevel = \"8.1.2\"\n");
    assert_eq!(
        home.json(0, &["explain", "SECOND@repl"])["code"],
        "certificate-needed"
    );
}

#[test]
fn another_transport_than_tcp_is_refused() {
    let home = Home::with_options(&stanza("TSM1", 1500, &["COMMMethod SHAREDMEM"]));
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "transport-unsupported");
    assert_eq!(report["row"], 1);
}
