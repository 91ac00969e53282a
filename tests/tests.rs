//! The program as its users run it: this file is the table of contents.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, and so does what it shares with others"
)]

// What is accepted on first use from a server that is not ours, and what never is.
mod acceptance;
// Peers that answer the question for their level badly, late or not at all.
mod answers;
// Servers with certificates of a CA: what a chain, a name and a date are held against.
mod chains;
// Certificates in every form that people have them in, and what is no certificate.
mod import_formats;
// The file stores: who may read them, and what happens where they are damaged.
mod databases;
// Somebody else answers in place of a server, or a server claims what it is not.
mod impostor;
// Every document that other programs may rely on.
mod json;
// Three hundred deaths at random moments, and what must have survived them.
mod kill;
// What goes up, what comes down again, and what happens where the record of it is lost.
mod ledger;
// The files that name the servers.
mod option_files;
// A second peer, written by somebody else in another language.
mod peer;
// The program as a program: usage, exit status, pipes, environment.
mod program;
// What the README says can be typed.
mod readme;
// The stories of an upgrade.
mod rehearse;
// The first five minutes of an administrator, with a server that is not ours.
mod seen;
// What the tests share.
mod support;
// The rules of this house that a machine can check.
mod tidy;
// Several of the program at the same time, in one home.
mod together;
// Verdicts without a connection: for a server, and by a file of anchors.
mod verdicts;
