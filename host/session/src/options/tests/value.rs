//! Values: words, numbers, addresses, quotes.

use super::{check, stanza};
use crate::options::{CommMethod, SslRequired};

#[test]
fn words_are_taken_in_any_case_and_by_their_shortest_form() {
    for (word, expected) in [
        ("Default", SslRequired::Default),
        ("d", SslRequired::Default),
        ("YES", SslRequired::Yes),
        ("n", SslRequired::No),
        ("SERVERonly", SslRequired::ServerOnly),
        ("server", SslRequired::ServerOnly),
        ("serverO", SslRequired::ServerOnly),
    ] {
        let stanza = stanza(&format!("SSLREQ {word}"));
        assert_eq!(stanza.ssl_requirement(), expected);
        assert_eq!(stanza.ssl_required.expect("it is set").written, word);
    }
    for (word, expected) in [
        ("TCPIP", CommMethod::TcpIp),
        ("tcp", CommMethod::TcpIp),
        ("V6Tcpip", CommMethod::V6TcpIp),
        ("sharedmem", CommMethod::SharedMem),
        ("namedpipe", CommMethod::NamedPipes),
        ("NAMEDPIPES", CommMethod::NamedPipes),
    ] {
        let stanza = stanza(&format!("COMMMethod {word}"));
        assert_eq!(stanza.transport(), expected);
    }
}

#[test]
fn a_bad_value_names_what_is_allowed() {
    check(
        "SErvername a\nSSL on\nSSLREQuired serve\nCOMMMethod snalu6.2\nTCPPort 0\nTCPP 65536\n\
         tcpp +1500\ntcpadminport x\nSSLFIPSMODE true\nSSL Yes * comment\nSSL\nTCPPort -1\n\
         TCPPort 1500 1501\n",
        r#"
        dsm.sys:2: "on" is no value of SSL; allowed: No, Yes (ANS1036S)
        dsm.sys:3: "serve" is no value of SSLREQuired; allowed: Default, Yes, No, SERVERonly (ANS1036S)
        dsm.sys:4: "snalu6.2" is no value of COMMMethod; allowed: TCPip, V6Tcpip, SHAREdmem, NAMEdpipes (ANS1036S)
        dsm.sys:5: "0" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:6: "65536" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:7: "+1500" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:8: "x" is no value of TCPADMINPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:9: "true" is no value of SSLFIPSMODE; allowed: No, Yes (ANS1036S)
        dsm.sys:10: "Yes * comment" is no value of SSL; allowed: No, Yes (ANS1036S)
        dsm.sys:11: SSL has no value; allowed: No, Yes (ANS1036S)
        dsm.sys:12: "-1" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:13: "1500 1501" is no value of TCPPort; allowed: a port number from 1 to 65535 (ANS1036S)"#,
    );
}

#[test]
fn ports_above_the_clients_range_are_taken_and_noted() {
    check(
        "SErvername a\nTCPPort 32767\nTCPADMINPort 40000\n",
        "
        a dsm.sys:1
          TCPPort 32767 dsm.sys:2
          TCPADMINPort 40000 dsm.sys:3
        note dsm.sys:3: TCPADMINPort is above 32767, where the vendor's client stops",
    );
}

#[test]
fn addresses_are_host_names_or_literals() {
    let long = format!("{}.example", "a".repeat(56));
    for address in [
        "tsm1",
        "tsm1.example.com",
        "tsm1.example.com.",
        "tsm_1.example.com",
        "1stserver.example",
        "192.0.2.7",
        "xn--bcher-kva.example",
        &long,
    ] {
        let stanza = stanza(&format!("TCPServeraddress {address}"));
        assert_eq!(stanza.host(), Some(address));
    }
    let too_long = format!("{}.example", "a".repeat(57));
    for address in [
        "a b",
        "tsm1:1500",
        "192.0.2.300",
        "192.0.2",
        "3221225991",
        "0x7f000001",
        "a..b",
        ".",
        "-a.example",
        "a-.example",
        "bücher.example",
        "tsm1/x",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "user@host",
        &too_long,
    ] {
        check(
            &format!("SErvername a\nTCPServeraddress {address}"),
            &format!(
                "dsm.sys:2: \"{address}\" is no value of TCPServeraddress; allowed: a host name \
                 or an IP address of 1 to 64 characters (ANS1036S)"
            ),
        );
    }
}

#[test]
fn ipv6_needs_its_communication_method() {
    check(
        "SErvername a\nTCPServeraddress 2001:db8::1\n",
        "dsm.sys:2: \"2001:db8::1\" is an IPv6 address, which needs COMMMethod V6Tcpip in the \
         same stanza",
    );
    for method in ["V6Tcpip", "SHAREdmem"] {
        let stanza = stanza(&format!(
            "TCPServeraddress 2001:db8::1\nCOMMMethod {method}"
        ));
        assert_eq!(stanza.host(), Some("2001:db8::1"));
    }
}

#[test]
fn only_file_specifications_are_quoted() {
    check(
        "SErvername a\npasswordaccess \"generate\"\nTCPPort \"1500\"\nSSL 'yes'\nCOMPRESSION \"yes\"\n",
        r#"
        dsm.sys:2: the value of PASSWORDAccess is "generate"; only a file specification may be quoted, and then at both ends (ANS1036S)
        dsm.sys:3: the value of TCPPort is "1500"; only a file specification may be quoted, and then at both ends (ANS1036S)
        dsm.sys:4: the value of SSL is 'yes'; only a file specification may be quoted, and then at both ends (ANS1036S)
        dsm.sys:5: the value of COMPRESSIon is "yes"; only a file specification may be quoted, and then at both ends (ANS1036S)"#,
    );
    check(
        "SErvername \"a b\"\n",
        r#"dsm.sys:1: the value of SErvername is "a b"; only a file specification may be quoted, and then at both ends (ANS1036S)"#,
    );
    check(
        "SErvername a\nPASSWORDDIR '/Library/Preferences/Tivoli Storage Manager'\n\
         DOMain \"/my files\"\nERRORLOGName \"/var/log/tsm errors.log\"\n",
        "
        a dsm.sys:1
          PASSWORDDIR /Library/Preferences/Tivoli Storage Manager dsm.sys:2
          + DOMain \"/my files\" dsm.sys:3
          + ERRORLOGName \"/var/log/tsm errors.log\" dsm.sys:4",
    );
    for directory in [
        "\"/etc/adsm",
        "/etc/adsm\"",
        "\"\"",
        "'/etc/adsm\"",
        "'/a' '/b'",
    ] {
        check(
            &format!("SErvername a\nPASSWORDDIR {directory}"),
            &format!(
                "dsm.sys:2: \"{directory}\" is no value of PASSWORDDIR; allowed: a directory, \
                 with quotes at both ends or at neither (ANS1036S)"
            ),
        );
    }
}

#[test]
fn an_equals_sign_is_for_fips_mode_alone() {
    for text in [
        "SSLFIPSMODE=yes",
        "SSLFIPSMODE = yes",
        "SSLFIPSMODE =yes",
        "sslfipsmode yes",
    ] {
        assert!(stanza(text).uses_fips(), "{text}");
    }
    check(
        "SErvername a\nSSL=yes\nTCPPort = 1500\nSSLFIPSMODE==yes\nSSLFIPSMODE=\n=\n",
        r#"
        dsm.sys:2: an equals sign follows SSL; put a blank between option and value (ANS1036S)
        dsm.sys:3: an equals sign follows TCPPort; put a blank between option and value (ANS1036S)
        dsm.sys:4: "=yes" is no value of SSLFIPSMODE; allowed: No, Yes (ANS1036S)
        dsm.sys:5: SSLFIPSMODE has no value; allowed: No, Yes (ANS1036S)
        dsm.sys:6: "=" is no option of the client (ANS1036S)"#,
    );
}

#[test]
fn secrets_are_not_kept() {
    check(
        "SErvername a\nPASsword hunter2\nVMCPw hunter3\npassw hunter4\n",
        "
        a dsm.sys:1
          + PASsword (secret) dsm.sys:2
          + VMCPw (secret) dsm.sys:3
          + PASsword (secret) dsm.sys:4",
    );
    let debug = format!("{:?}", stanza("PASsword hunter2"));
    assert!(!debug.contains("hunter2"));
}
