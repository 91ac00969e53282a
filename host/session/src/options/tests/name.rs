//! Names of options: case, abbreviations, typing errors.

use super::check;
use crate::options::known::{Role, abbreviates, distance, recognise};

#[test]
fn case_is_free() {
    for text in [
        "SERVERNAME a\nSSL YES",
        "servername a\nssl yes",
        "SErvername a\nsSl yEs",
    ] {
        check(text, "a dsm.sys:1\n  SSL Yes dsm.sys:2");
    }
}

#[test]
fn the_capitals_are_the_shortest_form() {
    for (shortest, name) in [
        ("SE", "SErvername"),
        ("REPLSERVERN", "REPLSERVERName"),
        ("DEFAULTS", "DEFAULTServer"),
        ("SSL", "SSL"),
        ("SSLREQ", "SSLREQuired"),
        ("SSLACCEPTCERTFROMSERV", "SSLACCEPTCERTFROMSERV"),
        ("SSLFIPSMODE", "SSLFIPSMODE"),
        ("SSLDISABLELEGACY", "SSLDISABLELEGACYtls"),
        ("COMMM", "COMMMethod"),
        ("TCPS", "TCPServeraddress"),
        ("TCPP", "TCPPort"),
        ("TCPADMINP", "TCPADMINPort"),
        ("NOD", "NODename"),
        ("PASSWORDDIR", "PASSWORDDIR"),
        ("REPLTCPSERVERADDRESS", "REPLTCPSERVERADDRESS"),
        ("REPLTCPP", "REPLTCPPort"),
        ("REPLSSLPORT", "REPLSSLPORT"),
        ("REPLSERVERGUID", "REPLSERVERGUID"),
        ("MYREPLICATIONS", "MYREPLICATIONServer"),
    ] {
        for length in 1..=name.len() {
            let word = name[..length].to_lowercase();
            let found = recognise(&word).ok().map(|known| known.name);
            if length >= shortest.len() {
                assert_eq!(found, Some(name), "{word}");
            } else {
                assert_ne!(found, Some(name), "{word}");
            }
        }
        assert!(recognise(&format!("{name}x")).is_err());
    }
}

#[test]
fn abbreviations_seen_in_the_field_are_accepted() {
    for (word, name) in [
        ("tcps", "TCPServeraddress"),
        ("tcpserver", "TCPServeraddress"),
        ("tcpp", "TCPPort"),
        ("tcpb", "TCPBuffsize"),
        ("tcpclientp", "TCPCLIENTPort"),
        ("tcpcada", "TCPCADAddress"),
        ("node", "NODename"),
        ("DOM", "DOMain"),
        ("su", "SUbdir"),
        ("passworda", "PASSWORDAccess"),
        ("Snapshotprovideri", "SNAPSHOTPROVIDERImage"),
        ("VMLIMITPERD", "VMLIMITPERDatastore"),
        ("incle", "INCLExcl"),
        ("TESTFLAG", "TESTFLAGs"),
    ] {
        assert_eq!(recognise(word).map(|known| known.name), Ok(name), "{word}");
    }
}

#[test]
fn a_beginning_of_another_option_is_accepted_where_it_is_unambiguous() {
    for (word, name) in [
        ("memory", "MEMORYEFficientbackup"),
        ("instrlogn", "INSTRLOGNAME"),
        ("VMVSTORC", "VMVSTORCOMPR"),
    ] {
        assert_eq!(recognise(word).map(|known| known.name), Ok(name), "{word}");
    }
    // Two options begin like it.
    assert!(recognise("VMVSTOR").is_err());
}

#[test]
fn a_beginning_of_a_used_option_never_means_another() {
    for beginning in [
        "SSLA",
        "SSLACCEPTCERT",
        "SSLF",
        "SSLDISABLE",
        "COMMM",
        "TCPA",
        "REPLS",
    ] {
        if let Ok(known) = recognise(beginning) {
            assert!(matches!(known.role, Role::Used(_)), "{beginning}");
        }
    }
}

#[test]
fn a_word_that_is_no_option_names_the_closest() {
    check(
        "SErvername TSM1\n  SSLREQIRED Yes\n  SSLACCEPTCERTFROMSERVER No\n  TCPSERVERADRESS x\n\
         \x20 COMPRESION yes\n  Zzzzzzzzzz 1\n  SLL yes\n",
        r#"
        dsm.sys:2: "SSLREQIRED" is no option of the client; closest: SSLREQuired (ANS1036S)
        dsm.sys:3: "SSLACCEPTCERTFROMSERVER" is no option of the client; closest: SSLACCEPTCERTFROMSERV (ANS1036S)
        dsm.sys:4: "TCPSERVERADRESS" is no option of the client; closest: TCPServeraddress (ANS1036S)
        dsm.sys:5: "COMPRESION" is no option of the client; closest: COMPRESSIon (ANS1036S)
        dsm.sys:6: "Zzzzzzzzzz" is no option of the client (ANS1036S)
        dsm.sys:7: "SLL" is no option of the client; closest: SSL (ANS1036S)"#,
    );
}

#[test]
fn a_word_that_is_too_short_says_what_is_long_enough() {
    check(
        "SErvername TSM1\nSSLACCEPT No\nSSLRE yes\nPASSWORDD /etc/adsm\nsched polling\nSS yes\n",
        r#"
        dsm.sys:2: "SSLACCEPT" is no option of the client; SSLACCEPTCERTFROMSERV cannot be abbreviated (ANS1036S)
        dsm.sys:3: "SSLRE" is no option of the client; the shortest form of SSLREQuired is SSLREQ (ANS1036S)
        dsm.sys:4: "PASSWORDD" is no option of the client; PASSWORDDIR cannot be abbreviated (ANS1036S)
        dsm.sys:5: "sched" is no option of the client; it begins SCHEDCMDDisabled, SCHEDCMDException, SCHEDCMDUser, SCHEDGROUP (ANS1036S)
        dsm.sys:6: "SS" is no option of the client; SSL cannot be abbreviated (ANS1036S)"#,
    );
}

#[test]
fn invented_options_are_no_options() {
    // Machine-written guides list these; the vendor's reference does not.
    for word in [
        "SSLCOMPRESSION",
        "CERTPATH",
        "CERTNAME",
        "SESSIONSECURITY",
        "SSLTCPPORT",
    ] {
        assert!(recognise(word).is_err(), "{word}");
    }
}

#[test]
fn abbreviation_follows_the_printed_name() {
    assert!(abbreviates("y", "Yes"));
    assert!(abbreviates("SERVER", "SERVERonly"));
    assert!(!abbreviates("SERVE", "SERVERonly"));
    assert!(!abbreviates("", "Yes"));
    assert!(!abbreviates("Yess", "Yes"));
    assert!(!abbreviates("é", "Yes"));
}

#[test]
fn distance_counts_letters_that_differ() {
    for (left, right, expected) in [
        ("ssl", "SSL", 0),
        ("sll", "ssl", 1),
        ("tpcport", "TCPPort", 1),
        ("tcppor", "TCPPort", 1),
        ("tcppportt", "TCPPort", 2),
        ("", "ssl", 3),
    ] {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        assert_eq!(distance(left, right, 9), Some(expected));
        assert_eq!(distance(right, left, expected), Some(expected));
        if expected > 0 {
            assert_eq!(distance(left, right, expected - 1), None);
        }
    }
}
