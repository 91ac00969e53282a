//! The program as its users run it: this file is the table of contents.

#![expect(
    clippy::expect_used,
    reason = "a test fails by panicking, and so does what it shares with others"
)]

// What is accepted on first use from a server that is not ours, and what never is.
mod acceptance;
// The vendor's key databases, found where they are and only read before somebody says more.
mod adopting;
// Peers that answer the question for their level badly, late or not at all.
mod answers;
// Servers with certificates of a CA: what a chain, a name and a date are held against.
mod chains;
// Keys that never leave their token, shown to servers that ask for one.
mod client_key;
// What one store holds into another, of the same kind or not.
mod copying;
// Stores of tokens, keychains and libraries, as one command makes them.
mod creating;
// Our own plugins against their contract, and the command that holds them against it.
mod conformance;
// Plugins in processes of their own that crash, hang, or never come up.
mod crashes;
// Certificates in every form that people have them in, and what is no certificate.
mod import_formats;
// Key databases under a crowd, after a death, on a full disk and where somebody altered them.
mod durability;
// Files that have a password, or keys, or marks that nobody knows.
mod containers;
// What is wrong or soon will be, what mends it, and what support is sent.
mod doctor;
// The file stores: who may read them, and what happens where they are damaged.
mod databases;
// Somebody else answers in place of a server, or a server claims what it is not.
mod impostor;
// Every document that other programs may rely on.
mod json;
// Three hundred deaths at random moments, and what must have survived them.
mod kill;
// Versions of the contract meet.
mod evolution;
// A real GSKit as judge of every key database that is written here.
mod gskit;
// What an export writes, what it replaces, and what it never lets out.
mod exports;
// The examples in C, as their authors would build and use them.
mod examples;
// Certificates in the keychain of a session and in the key rings of the kernel.
mod keychains;
// Key databases beside a program that knows nothing but their layout.
mod key_databases;
// What goes up, what comes down again, and what happens where the record of it is lost.
mod ledger;
// Stores with a lock, and plugins that crash, as the operator mends them.
mod locks;
// Plugins with one fault each: what the host makes of them.
mod misbehave;
// The files that name the servers.
mod option_files;
// A second peer, written by somebody else in another language.
mod peer;
// The program as a program: usage, exit status, pipes, environment.
mod program;
// Libraries that become plugins, and what keeps a library from being one.
mod plugins;
// What the README says can be typed.
mod readme;
// Certificates from every form that others make to every form that others read, and back.
mod round_trip;
// The stories of an upgrade.
mod rehearse;
// The first five minutes of an administrator, with a server that is not ours.
mod seen;
// The projects that `plugin new` makes: they build, and load at the first try.
mod skeletons;
// What is easily mistyped about a plugin, and what is said then.
mod slips;
// What the tests share.
mod support;
// The roots that the operating system has.
mod system;
// The rules of this house that a machine can check.
mod tidy;
// Stores on tokens of several makers, and what such a module does when it fails.
mod tokens;
// Several of the program at the same time, in one home.
mod together;
// What a host that stays open hears of other processes.
mod watching;
// One change to several stores, killed at any moment.
mod undertakings;
// Verdicts without a connection: for a server, and by a file of anchors.
mod verdicts;
