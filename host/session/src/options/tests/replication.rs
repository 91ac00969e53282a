//! Replication servers: their stanzas, and what they take over.

use super::{check, check_files, options};
use crate::options::SourceRole::System;
use crate::options::{Options, SslRequired, Stanza};

/// Two servers, of which each may name the replication server.
fn pair(first: &str, second: &str) -> Options {
    options(&format!(
        "REPLSERVERName Target\n  REPLTCPSERVERADDRESS t.example\n  REPLTCPPort 1505\n  \
         REPLSSLPORT 1506\nSErvername a\n{first}\nSErvername b\n{second}\n"
    ))
}

fn target(options: &Options) -> &Stanza {
    options.stanza("target@REPL").expect("the stanza is there")
}

#[test]
fn a_replication_stanza_is_a_server_of_its_own() {
    check(
        "REPLSERVERNAME TARGET1\n\
         \x20 REPLTCPSERVERADDRESS r1.example.com\n\
         \x20 REPLTCPPORT 1505\n\
         \x20 REPLSSLPORT 1506\n\
         \x20 REPLSERVERGUID 91.0F.ef.90.5c.cc.11.e1.ae.34.08.00.00.00.00.00\n\
         DEFAULTServer TARGET1\n\
         SErvername TARGET1\n\
         \x20 TCPServeraddress s1.example.com\n\
         \x20 SSL yes\n\
         \x20 SSLREQuired yes\n\
         \x20 SSLACCEPTCERTFROMSERV yes\n\
         \x20 MYREPLICATIONServer target1\n\
         \x20 MYPRIMARYServername TARGET1\n",
        "
        default TARGET1 dsm.sys:6
        TARGET1@repl dsm.sys:1
          REPLTCPSERVERADDRESS r1.example.com dsm.sys:2
          REPLTCPPort 1505 dsm.sys:3
          REPLSSLPORT 1506 dsm.sys:4
          REPLSERVERGUID 91.0f.ef.90.5c.cc.11.e1.ae.34.08.00.00.00.00.00 dsm.sys:5
          SSL Yes dsm.sys:9
          SSLREQuired Yes dsm.sys:10
        TARGET1 dsm.sys:7
          TCPServeraddress s1.example.com dsm.sys:8
          SSL Yes dsm.sys:9
          SSLREQuired Yes dsm.sys:10
          SSLACCEPTCERTFROMSERV Yes dsm.sys:11
          MYREPLICATIONServer target1 dsm.sys:12
          + MYPRIMARYServername TARGET1 dsm.sys:13",
    );
}

#[test]
fn the_strictest_of_those_that_name_it_holds() {
    let names = "MYREPLICATIONServer target\n";
    for (first, second, ssl) in [
        ("", "", false),
        ("SSL No", "", false),
        ("SSL No", "SSL Yes", true),
        ("SSL Yes", "SSL No", true),
        ("SSL Yes", "", true),
    ] {
        let options = pair(&format!("{names}{first}"), &format!("{names}{second}"));
        assert_eq!(target(&options).uses_ssl(), ssl, "{first} {second}");
        assert_eq!(target(&options).named_by, ["a", "b"]);
        let port = if ssl { 1506 } else { 1505 };
        assert_eq!(target(&options).port_number(), port);
    }
    for (first, second, fips) in [
        ("", "SSLFIPSMODE No", false),
        ("", "SSLFIPSMODE Yes", true),
        ("SSLFIPSMODE Yes", "SSLFIPSMODE No", true),
    ] {
        let options = pair(&format!("{names}{first}"), &format!("{names}{second}"));
        assert_eq!(target(&options).uses_fips(), fips, "{first} {second}");
    }
    for (first, second, required) in [
        ("SSLREQ No", "SSLREQ No", SslRequired::No),
        ("SSLREQ No", "", SslRequired::Default),
        ("", "SSLREQ No", SslRequired::Default),
        ("SSLREQ No", "SSLREQ Default", SslRequired::Default),
        ("", "SSLREQ Server", SslRequired::ServerOnly),
        ("SSLREQ Yes", "SSLREQ Server", SslRequired::Yes),
        ("SSLREQ Server", "SSLREQ No", SslRequired::ServerOnly),
    ] {
        let options = pair(&format!("{names}{first}"), &format!("{names}{second}"));
        assert_eq!(
            target(&options).ssl_requirement(),
            required,
            "{first} {second}"
        );
    }
}

#[test]
fn those_that_do_not_name_it_do_not_count() {
    let options = pair(
        "MYREPLICATIONServer target",
        "SSL Yes\nSSLFIPSMODE Yes\nSSLREQ No",
    );
    assert!(!target(&options).uses_ssl());
    assert!(!target(&options).uses_fips());
    assert_eq!(target(&options).ssl_requirement(), SslRequired::Default);
    assert_eq!(target(&options).named_by, ["a"]);
}

#[test]
fn acceptance_never_applies() {
    let options = pair("MYREPLICATIONServer target\nSSLACCEPTCERTFROMSERV Yes", "");
    assert!(!target(&options).accepts_certificate());
    let acceptance = target(&options)
        .effective()
        .into_iter()
        .find(|option| option.name == "SSLACCEPTCERTFROMSERV")
        .expect("it is listed");
    assert_eq!(acceptance.value, "No");
    assert_eq!(acceptance.from, "replication server");
}

#[test]
fn a_name_must_lead_to_a_stanza() {
    check(
        "REPLSERVERName r1\nREPLTCPSERVERADDRESS r1\nSErvername a\nMYREPLICATIONServer r2\n\
         SErvername b\nMYREPLICATIONServer r1,a\n",
        r#"
        dsm.sys:4: MYREPLICATIONServer "r2" names no stanza; known: r1
        dsm.sys:6: MYREPLICATIONServer "a" names no stanza; known: r1"#,
    );
    check(
        "SErvername a\nMYREPLICATIONServer a\n",
        "dsm.sys:2: MYREPLICATIONServer \"a\" names no stanza; the files read have none to name",
    );
}

#[test]
fn two_may_be_named_on_one_line_or_two() {
    let stanzas = "REPLSERVERName r1\nREPLTCPPort 1500\nREPLSERVERName r2\nREPLTCPPort 1500\n";
    for lines in [
        "MYREPLICATIONServer r1,r2",
        "MYREPLICATIONServer r1 , R2",
        "MYREPLICATIONServer r1 r2",
        "MYREPLICATIONS r1\nMYREPLICATIONServer r2\nMYREPLICATIONServer R1",
    ] {
        let options = options(&format!("{stanzas}SErvername a\n{lines}\n"));
        for name in ["r1@repl", "r2@repl"] {
            let stanza = options.stanza(name).expect("the stanza is there");
            assert_eq!(stanza.named_by, ["a"], "{lines}");
        }
    }
    check(
        "SErvername a\nMYREPLICATIONServer r1,r2,r3\nMYREPLICATIONServer ,\nMYREPLICATIONServer\n",
        r#"
        dsm.sys:2: MYREPLICATIONServer "r1,r2,r3" names a third server; two are allowed
        dsm.sys:2: MYREPLICATIONServer "r1" names no stanza; the files read have none to name
        dsm.sys:2: MYREPLICATIONServer "r2" names no stanza; the files read have none to name
        dsm.sys:3: "," is no value of MYREPLICATIONServer; allowed: names of REPLSERVERName stanzas, with commas between them (ANS1036S)
        dsm.sys:4: MYREPLICATIONServer has no value; allowed: names of REPLSERVERName stanzas, with commas between them (ANS1036S)"#,
    );
}

#[test]
fn options_count_only_in_the_right_kind_of_stanza() {
    check(
        "REPLTCPPort 1500\nREPLSERVERName r\n  SSL Yes\n  TCPServeraddress x\nSErvername a\n  \
         REPLTCPSERVERADDRESS y\n  REPLSSLPORT 1500\n",
        "
        dsm.sys:1: REPLTCPPort does not count here; move it below the REPLSERVERName line that it belongs to
        dsm.sys:3: SSL stands in a REPLSERVERName stanza, where it does not count; move it below an SErvername line
        dsm.sys:4: TCPServeraddress stands in a REPLSERVERName stanza, where it does not count; move it below an SErvername line
        dsm.sys:6: REPLTCPSERVERADDRESS does not count here; move it below the REPLSERVERName line that it belongs to
        dsm.sys:7: REPLSSLPORT does not count here; move it below the REPLSERVERName line that it belongs to",
    );
}

#[test]
fn bad_values_are_refused_there_too() {
    check(
        "REPLSERVERName r\nREPLTCPPort 0\nREPLSSLPORT 1506\nREPLSSLPORT 1507\nREPLSERVERGUID 91.0f\n\
         REPLTCPSERVERADDRESS a b\nREPLSERVERName R\nSErvername a\n",
        r#"
        dsm.sys:2: "0" is no value of REPLTCPPort; allowed: a port number from 1 to 65535 (ANS1036S)
        dsm.sys:4: REPLSSLPORT "1507" contradicts "1506" in dsm.sys:3; keep one of the two
        dsm.sys:5: "91.0f" is no value of REPLSERVERGUID; allowed: 16 bytes of two hexadecimal digits each, with dots between them (ANS1036S)
        dsm.sys:6: "a b" is no value of REPLTCPSERVERADDRESS; allowed: a host name or an IP address of 1 to 64 characters (ANS1036S)
        dsm.sys:7: REPLSERVERName "R" opens a second stanza of that name; the first is in dsm.sys:1"#,
    );
}

#[test]
fn loose_ends_are_noted() {
    check(
        "SErvername a\nREPLSERVERName r\nREPLTCPPort 1500\n",
        "
        a dsm.sys:1
        r@repl dsm.sys:2
          REPLTCPPort 1500 dsm.sys:3
        note dsm.sys:2: no MYREPLICATIONServer names this replication server, so nothing uses it
        note dsm.sys:2: this replication server has no REPLTCPSERVERADDRESS, so it cannot be reached",
    );
    assert_eq!(options("REPLSERVERName r\n").stanzas[0].host(), None);
}

#[test]
fn a_file_without_server_stanzas_may_have_replication_stanzas() {
    check_files(
        &[(
            "dsm.opt",
            System,
            "TCPServeraddress s.example\nREPLSERVERName r\nREPLTCPSERVERADDRESS r.example\n\
             MYREPLICATIONServer r\nSSL yes\nDOMain c:\n",
        )],
        "
        default dsm.opt:1
          TCPServeraddress s.example dsm.opt:1
          SSL Yes dsm.opt:5
          MYREPLICATIONServer r dsm.opt:4
          + DOMain c: dsm.opt:6
        r@repl dsm.opt:2
          REPLTCPSERVERADDRESS r.example dsm.opt:3
          SSL Yes dsm.opt:5",
    );
}
