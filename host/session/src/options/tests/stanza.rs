//! Stanzas: where they begin, what counts in them, and what holds where they say nothing.

use super::{check, check_files, options, stanza};
use crate::options::SourceRole::{System, User};
use crate::options::{CommMethod, SslRequired, StanzaKind};

#[test]
fn a_file_in_the_vendors_manner_is_read() {
    check(
        "***********************************\n\
         * Servers of the east campus\n\
         ***********************************\n\
         DEFAULTServer  east2\n\
         MAXThresholdproc 4\n\
         \n\
         SErvername  east1\n\
         \x20  COMMMethod         TCPip\n\
         \x20  TCPPort            1500\n\
         \x20  TCPServeraddress   east1.example.com\n\
         \x20  PASSWORDAccess     generate\n\
         \x20  NODename           C11\n\
         \x20  SCHEDCMDException  \"a\"\n\
         \x20  SCHEDCMDException  \"b\"\n\
         \x20  ERRORLOGRetention  30 D\n\
         \n\
         SERVERNAME  east2\n\
         \x20  tcps               east2.example.com\n\
         \x20  tcpp               1543\n\
         \x20  ssl                yes\n\
         \x20  * sslaccept is decided by the operators\n\
         \x20  SSLACCEPTCERTFROMSERV no\n\
         \x20  InclExcl           /etc/adsm/inclexcl\n",
        "
        default east2 dsm.sys:4
        east1 dsm.sys:7
          COMMMethod TCPip dsm.sys:8
          TCPServeraddress east1.example.com dsm.sys:10
          TCPPort 1500 dsm.sys:9
          NODename C11 dsm.sys:12
          + PASSWORDAccess generate dsm.sys:11
          + SCHEDCMDException \"a\" dsm.sys:13
          + SCHEDCMDException \"b\" dsm.sys:14
          + ERRORLOGRetention 30 D dsm.sys:15
        east2 dsm.sys:17
          TCPServeraddress east2.example.com dsm.sys:18
          TCPPort 1543 dsm.sys:19
          SSL Yes dsm.sys:20
          SSLACCEPTCERTFROMSERV No dsm.sys:22
          + INCLExcl /etc/adsm/inclexcl dsm.sys:23
        + MAXThresholdproc 4 dsm.sys:5",
    );
}

#[test]
fn defaults_are_the_vendors() {
    let stanza = stanza("");
    assert_eq!(stanza.kind, StanzaKind::Server);
    assert!(!stanza.uses_ssl());
    assert_eq!(stanza.ssl_requirement(), SslRequired::Default);
    assert!(stanza.accepts_certificate());
    assert!(!stanza.uses_fips());
    assert_eq!(stanza.transport(), CommMethod::TcpIp);
    assert_eq!(stanza.host(), Some("localhost"));
    assert_eq!(stanza.port_number(), 1500);
    assert_eq!(stanza.admin_port_number(), 1500);
    let shown: Vec<String> = stanza
        .effective()
        .into_iter()
        .map(|option| format!("{}={} {}", option.name, option.value, option.from))
        .collect();
    assert_eq!(
        shown,
        [
            "COMMMethod=TCPip default",
            "TCPServeraddress=localhost default",
            "TCPPort=1500 default",
            "TCPADMINPort=1500 default",
            "SSL=No default",
            "SSLREQuired=Default default",
            "SSLACCEPTCERTFROMSERV=Yes default",
            "SSLFIPSMODE=No default",
            "SSLDISABLELEGACYtls=Yes default",
        ]
    );
}

#[test]
fn every_used_option_reaches_its_place() {
    check(
        "SErvername a\nSSL y\nSSLREQ server\nSSLACCEPTCERTFROMSERV no\nSSLFIPSMODE yes\n\
         SSLDISABLELEGACY no\nCOMMM v6tcpip\nTCPS ::1\nTCPP 1501\nTCPADMINP 1502\nNOD n1\n\
         PASSWORDDIR /etc/adsm\n",
        "
        a dsm.sys:1
          COMMMethod V6Tcpip dsm.sys:7
          TCPServeraddress ::1 dsm.sys:8
          TCPPort 1501 dsm.sys:9
          TCPADMINPort 1502 dsm.sys:10
          SSL Yes dsm.sys:2
          SSLREQuired SERVERonly dsm.sys:3
          SSLACCEPTCERTFROMSERV No dsm.sys:4
          SSLFIPSMODE Yes dsm.sys:5
          SSLDISABLELEGACYtls No dsm.sys:6
          NODename n1 dsm.sys:11
          PASSWORDDIR /etc/adsm dsm.sys:12",
    );
    assert_eq!(stanza("TCPPort 1600").admin_port_number(), 1600);
}

#[test]
fn a_file_without_a_stanza_is_one_server() {
    check_files(
        &[(
            "dsm.opt",
            System,
            "* Windows\nNODename win7\nTCPServeraddress tsm.example\nSSL yes\nDOMain c:\n",
        )],
        "
        default dsm.opt:2
          TCPServeraddress tsm.example dsm.opt:3
          SSL Yes dsm.opt:4
          NODename win7 dsm.opt:2
          + DOMain c: dsm.opt:5",
    );
}

#[test]
fn what_decides_must_stand_in_a_stanza() {
    check(
        "SSL Yes\nTCPServeraddress x\nHSMLOGNAME /var/log/hsm\nNODename n\nSErvername a\n",
        "
        dsm.sys:1: SSL stands outside a stanza, where it does not count; move it below an SErvername line
        dsm.sys:2: TCPServeraddress stands outside a stanza, where it does not count; move it below an SErvername line",
    );
    for option in [
        "SSLREQuired Yes",
        "SSLACCEPTCERTFROMSERV No",
        "SSLFIPSMODE Yes",
        "SSLDISABLELEGACYtls Yes",
        "COMMMethod TCPip",
        "TCPPort 1500",
        "TCPADMINPort 1500",
        "MYREPLICATIONServer b",
    ] {
        let name = option.split(' ').next().expect("a name");
        check(
            &format!("{option}\nSErvername a\n"),
            &format!(
                "dsm.sys:1: {name} stands outside a stanza, where it does not count; move it \
                 below an SErvername line"
            ),
        );
    }
    check(
        "NODename n\nPASSWORDDIR /a\nTRACEFIle /t\nSErvername a\n",
        "
        a dsm.sys:4
        + NODename n dsm.sys:1
        + PASSWORDDIR /a dsm.sys:2
        + TRACEFIle /t dsm.sys:3
        note dsm.sys:1: NODename stands outside a stanza, where it does not count
        note dsm.sys:2: PASSWORDDIR stands outside a stanza, where it does not count",
    );
}

#[test]
fn the_default_server_stands_above_the_stanzas_and_exists() {
    check(
        "SErvername a\nDEFAULTServer a\n",
        "dsm.sys:2: DEFAULTServer stands in a server's stanza, where it does not count; move it \
         above the first SErvername line",
    );
    check(
        "DEFAULTServer c\nSErvername a\nSErvername b\n",
        "dsm.sys:1: DEFAULTServer \"c\" names no stanza; known: a, b",
    );
    check(
        "DEFAULTServer a\ndefaults A\nDEFAULTServer b\nSErvername a\nSErvername b\n",
        "dsm.sys:3: DEFAULTServer \"b\" contradicts \"a\" in dsm.sys:1; keep one of the two",
    );
}

#[test]
fn two_values_in_one_stanza_are_refused() {
    check(
        "SErvername a\nSSL Yes\nssl y\nSSL No\nTCPPort 1500\nTCPPort 01500\nTCPP 1501\n\
         TCPServeraddress T.example\nTCPServeraddress t.EXAMPLE\nSErvername b\nSSL No\n",
        r#"
        dsm.sys:4: SSL "No" contradicts "Yes" in dsm.sys:2; keep one of the two
        dsm.sys:7: TCPPort "1501" contradicts "1500" in dsm.sys:5; keep one of the two"#,
    );
    for (option, first, second) in [
        ("SSLREQuired", "Yes", "No"),
        ("SSLACCEPTCERTFROMSERV", "Yes", "No"),
        ("SSLFIPSMODE", "Yes", "No"),
        ("SSLDISABLELEGACYtls", "Yes", "No"),
        ("COMMMethod", "TCPip", "V6Tcpip"),
        ("TCPServeraddress", "a.example", "b.example"),
        ("TCPADMINPort", "1500", "1501"),
        ("NODename", "a", "b"),
        ("PASSWORDDIR", "/a", "/b"),
    ] {
        check(
            &format!("SErvername a\n{option} {first}\n{option} {second}\n"),
            &format!(
                "dsm.sys:3: {option} \"{second}\" contradicts \"{first}\" in dsm.sys:2; keep one of the two"
            ),
        );
        check(
            &format!("SErvername a\n{option} {first}\n{option} {first}\n"),
            &format!("a dsm.sys:1\n  {option} {first} dsm.sys:2"),
        );
    }
}

#[test]
fn two_stanzas_of_one_name_are_refused() {
    check(
        "SErvername Tsm1\nSErvername other\nSERVERNAME tSM1\n",
        "dsm.sys:3: SErvername \"tSM1\" opens a second stanza of that name; the first is in \
         dsm.sys:1",
    );
    check_files(
        &[
            ("a/dsm.sys", System, "SErvername straße\n"),
            ("b/dsm.sys", System, "* b\nSErvername STRAßE\n"),
        ],
        "b/dsm.sys:2: SErvername \"STRAßE\" opens a second stanza of that name; the first is in \
         a/dsm.sys:1",
    );
    check_files(
        &[
            ("a.opt", System, "SSL yes\n"),
            ("b.opt", System, "\nSSL yes\n"),
            ("dsm.sys", System, "SErvername Default\n"),
        ],
        r#"
        b.opt:2: the server of a file without SErvername is named "default", which is taken in a.opt:1; name it with an SErvername line
        dsm.sys:1: SErvername "Default" opens a second stanza of that name; the first is in a.opt:1"#,
    );
}

#[test]
fn the_lines_below_a_bad_name_are_still_looked_at() {
    check(
        "SErvername\nSSL maybe\nSErvername a b\nTCPPort x\nSErvername x@REPL\n",
        r#"
        dsm.sys:1: SErvername has no value; allowed: one name of 1 to 64 characters, without quotes, commas and blanks, that does not end in @repl (ANS1036S)
        dsm.sys:2: "maybe" is no value of SSL; allowed: No, Yes (ANS1036S)
        dsm.sys:3: "a b" is no value of SErvername; allowed: one name of 1 to 64 characters, without quotes, commas and blanks, that does not end in @repl (ANS1036S)
        dsm.sys:4: "x" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:5: "x@REPL" is no value of SErvername; allowed: one name of 1 to 64 characters, without quotes, commas and blanks, that does not end in @repl (ANS1036S)"#,
    );
}

#[test]
fn the_user_file_picks_a_server_and_decides_nothing() {
    let system = "SErvername a\nSErvername b\n";
    check_files(
        &[
            ("dsm.sys", System, system),
            (
                "dsm.opt",
                User,
                "SErvername B\nDOMain /home\nPASsword x\nNODename n\n",
            ),
        ],
        "
        chosen B dsm.opt:1
        a dsm.sys:1
        b dsm.sys:2
        + DOMain /home dsm.opt:2
        + PASsword (secret) dsm.opt:3
        + NODename n dsm.opt:4
        note dsm.opt:4: NODename counts only in dsm.sys",
    );
    for option in [
        "SSL Yes",
        "SSLREQuired No",
        "SSLACCEPTCERTFROMSERV No",
        "SSLFIPSMODE Yes",
        "SSLDISABLELEGACYtls Yes",
        "COMMMethod TCPip",
        "TCPServeraddress x",
        "TCPPort 1500",
        "TCPADMINPort 1500",
        "MYREPLICATIONServer x",
        "REPLSERVERName x",
        "DEFAULTServer a",
    ] {
        let name = option.split(' ').next().expect("a name");
        check_files(
            &[("dsm.sys", System, system), ("dsm.opt", User, option)],
            &format!(
                "dsm.opt:1: {name} counts only in dsm.sys; move it there, or give this file as \
                 the system file if it is the only one"
            ),
        );
    }
    check_files(
        &[
            ("dsm.sys", System, system),
            ("dsm.opt", User, "SErvername a\nSErvername b\n"),
        ],
        "dsm.opt:2: SErvername \"b\" contradicts \"a\" in dsm.opt:1; keep one \
         of the two",
    );
    check_files(
        &[("dsm.opt", User, "SErvername a\n"), ("dsm.sys", System, "")],
        "dsm.opt:1: SErvername \"a\" names no stanza; the files read have none to name",
    );
}

#[test]
fn a_server_is_found_by_name_or_as_the_default() {
    let two = options("DEFAULTServer b\nSErvername a\nSErvername B\n");
    assert_eq!(two.stanza("A").map(|stanza| stanza.place.line), Some(2));
    assert_eq!(two.stanza("c"), None);
    assert_eq!(two.default_stanza().map(|stanza| &*stanza.name), Some("B"));
    let one = options("REPLSERVERName r\nSErvername a\n");
    assert_eq!(one.default_stanza().map(|stanza| &*stanza.name), Some("a"));
    let none = options("SErvername a\nSErvername b\n");
    assert_eq!(none.default_stanza(), None);
}
