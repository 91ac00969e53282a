//! Lines, comments, line ends, encodings, lengths.

use super::{check, check_bytes};
use crate::options::line::{LONGEST_FILE, LONGEST_LINE, shown};

#[test]
fn comments_and_blank_lines_say_nothing() {
    check(
        "*******\n* a sample\n\n   * indented\n\t*tab\n  \t \n*NODename C21\nSErvername a\n",
        "a dsm.sys:8",
    );
    check("", "");
    check("* only a comment", "");
}

#[test]
fn line_ends_of_every_kind_are_taken() {
    let expected = "
        TSM1 dsm.sys:1
          TCPServeraddress tsm1.example.com dsm.sys:2
          SSL Yes dsm.sys:3";
    for end in ["\n", "\r\n", "\r\r\n"] {
        for last in ["", end] {
            let lines = [
                "SErvername TSM1",
                "  tcps tsm1.example.com",
                "\tssl\t \tyes \t",
            ];
            check(&(lines.join(end) + last), expected);
        }
    }
}

#[test]
fn a_lone_carriage_return_is_refused_even_in_a_comment() {
    let what = "a carriage return stands inside the line; save the file with LF or CRLF line ends";
    check(
        "SErvername a\rSSL yes\n* note\rSSL no\n",
        &format!("dsm.sys:1: {what}\ndsm.sys:2: {what}"),
    );
}

#[test]
fn marks_at_both_ends_of_a_file_are_passed_over() {
    check_bytes(
        b"\xef\xbb\xbfSErvername a\nSSL no\r\n\x1a",
        "a dsm.sys:1\n  SSL No dsm.sys:2",
    );
    check_bytes(
        b"\xff\xfeS\0S\0L\0",
        "dsm.sys:1: the file is UTF-16; save it as UTF-8 or plain text",
    );
    check_bytes(
        b"\xfe\xff\0S",
        "dsm.sys:1: the file is UTF-16; save it as UTF-8 or plain text",
    );
}

#[test]
fn a_mark_in_the_middle_is_part_of_a_word() {
    check(
        "SErvername a\n\u{feff}SSL Yes\n\u{a0}SSL yes",
        r#"
        dsm.sys:2: "\u{feff}SSL" is no option of the client; closest: SSL (ANS1036S)
        dsm.sys:3: "\u{a0}SSL" is no option of the client; closest: SSL (ANS1036S)"#,
    );
}

#[test]
fn bytes_that_are_no_text_matter_only_where_they_are_used() {
    check_bytes(
        b"* caf\xe9\nSErvername a\n  DOMain /srv/\xe9t\xe9 \x1b[2J\n  TCPPort 1500 \n",
        "
        a dsm.sys:2
          TCPPort 1500 dsm.sys:4
          + DOMain /srv/\u{fffd}t\u{fffd} \\u{1b}[2J dsm.sys:3",
    );
    check_bytes(
        b"SErvername a\n  TCPServeraddress t\xe9st\n  SSL Y\x00\n  \xe9SL Yes",
        r#"
        dsm.sys:2: "t\xe9st" is no value of TCPServeraddress; allowed: a host name or an IP address of 1 to 64 characters (ANS1036S)
        dsm.sys:3: "Y\0" is no value of SSL; allowed: No, Yes (ANS1036S)
        dsm.sys:4: "\xe9SL" is no option of the client (ANS1036S)"#,
    );
}

#[test]
fn lengths_are_bounded() {
    let comment = "*".repeat(LONGEST_LINE * 2);
    let domain = "/a ".repeat(LONGEST_LINE);
    check(
        &format!("{comment}\nSErvername a\nDOMain {domain}\n"),
        &format!("dsm.sys:3: the line is longer than {LONGEST_LINE} bytes, which no option needs"),
    );
    let file = "*\n".repeat(LONGEST_FILE / 2 + 1);
    check(
        &file,
        &format!(
            "dsm.sys:1: the file is longer than {LONGEST_FILE} bytes, which no option file is"
        ),
    );
}

#[test]
fn mistakes_are_bounded() {
    let text = "SErvername a\n".to_owned() + &"NOSUCHOPTIONATALL 1\n".repeat(1000);
    let mistakes = super::account(&[crate::options::Source {
        path: "dsm.sys".as_ref(),
        bytes: text.as_bytes(),
        role: crate::options::SourceRole::System,
    }]);
    assert_eq!(mistakes.lines().count(), 101);
    let last = mistakes.lines().last();
    let expected = "dsm.sys:101: too many lines are wrong; the rest of the file was not looked at";
    assert_eq!(last, Some(expected));

    let text = "SErvername a\n".to_owned() + &"SSL maybe\n".repeat(1000);
    let mistakes = super::account(&[crate::options::Source {
        path: "dsm.sys".as_ref(),
        bytes: text.as_bytes(),
        role: crate::options::SourceRole::System,
    }]);
    assert_eq!(mistakes.lines().count(), 101);
}

#[test]
fn words_are_shown_whole_or_visibly_cut() {
    for (word, expected) in [
        (&b"SSL"[..], "SSL"),
        (b"C:\\x \"y\"", "C:\\x \"y\""),
        (b"a\tb\x07\xff", "a\\tb\\u{7}\\xff"),
        ("é".as_bytes(), "é"),
    ] {
        assert_eq!(shown(word), expected);
    }
    assert_eq!(shown(&[b'x'; 72]), "x".repeat(72));
    assert_eq!(shown(&[b'x'; 73]), "x".repeat(72) + "...");
}
