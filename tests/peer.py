#!/usr/bin/env python3
"""A second peer for the sign-on and TLS tests, written apart from the Rust code.

It knows nothing but this layout of the level question (all integers big-endian):

    request   Identify          00 04  1D  A5
                                length verb magic

    reply     IdentifyResp      offset  size
              total length           0     2
              verb 1E                2     1
              magic A5               3     1
              (unknown)              4    13
              length of name        17     2
              length of platform    19     2
              version               21     2
              release               23     2
              level                 25     2
              sublevel              27     2
              (unknown)             29     4
              flags                 33     1   08 marks the Express edition
              (unknown)             34    11
              name, platform        45     -   one after the other, nothing in between

The unknown bytes are filled with EE, so that a reader which gives them a meaning is caught.

It listens on one port of 127.0.0.1 and prints the number of the port. The first byte tells what
a connection speaks: 16 begins a TLS handshake, anything else is plain. What it then does:

    --mode common       plain: answers Identify. TLS: answers Identify, else echoes.
    --mode ssl-only     plain: closes. TLS: as above.
    --mode plain-only   plain: answers Identify. TLS: closes.
    --mode silent       plain: never says a byte. TLS: never answers Identify, else echoes.
                        Without --cert it says no byte to TLS either.

A connection is for Identify, as often as it is asked, until other bytes come; from then on it
echoes. In plain only a server at an earlier level echoes, in the place of the existing
authentication; a later one closes. Each thing that happens is a line on standard error. The
program ends when its standard input is closed.
"""

import argparse
import contextlib
import os
import socket
import ssl
import struct
import sys
import threading

IDENTIFY = b"\x00\x04\x1d\xa5"
HANDSHAKE = 0x16
UNKNOWN = b"\xee"
IDLE_SECONDS = 30
TLS_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def identify_resp(level, name, platform):
    """The reply to Identify."""
    name, platform = name.encode("ascii"), platform.encode("ascii")
    body = (
        UNKNOWN * 13
        + struct.pack(">HH", len(name), len(platform))
        + struct.pack(">HHHH", *level)
        + UNKNOWN * 4
        + b"\x00"
        + UNKNOWN * 11
        + name
        + platform
    )
    return struct.pack(">HBB", 4 + len(body), 0x1E, 0xA5) + body


def is_earlier(level):
    """Whether a server of this level signs on without TLS."""
    return not (level >= (8, 1, 2, 0) or (7, 1, 8, 0) <= level < (8, 0, 0, 0))


def parse_level(text):
    """Two to four numbers, such as 8.1.2.0."""
    parts = text.split(".")
    if not 2 <= len(parts) <= 4:
        raise argparse.ArgumentTypeError(f"{text!r} is no level such as 8.1.2.0")
    try:
        numbers = [int(part) for part in parts]
        struct.pack(">" + "H" * len(numbers), *numbers)
    except (ValueError, struct.error):
        raise argparse.ArgumentTypeError(f"{text!r} is no level such as 8.1.2.0") from None
    return tuple(numbers + [0] * (4 - len(numbers)))


def say(what):
    """One whole line, whichever thread says it."""
    os.write(sys.stderr.fileno(), (what + "\n").encode())


def converse(connection, how, answer, echo):
    """Answers Identify until other bytes come, then echoes them, until the other side closes.

    `answer` is None where Identify is met with silence.
    """
    pending = b""
    echoing = False
    while received := connection.recv(16384):
        pending += received
        while not echoing and pending.startswith(IDENTIFY):
            pending = pending[len(IDENTIFY) :]
            say(f"{how} identify")
            if answer is not None:
                connection.sendall(answer)
        if not echoing and IDENTIFY.startswith(pending):
            continue
        if not echo:
            say(f"{how} refused")
            return
        if not echoing:
            say(f"{how} echo")
        echoing = True
        connection.sendall(pending)
        pending = b""


def serve(connection, options, context, answer):
    """One connection, from its first byte to its end."""
    connection.settimeout(IDLE_SECONDS)
    first = connection.recv(1, socket.MSG_PEEK)
    if not first:
        say("nothing")
        return
    silent = options.mode == "silent"
    if first[0] != HANDSHAKE:
        if options.mode == "ssl-only":
            say("plain refused")
        elif silent:
            say("plain silence")
            while connection.recv(16384):
                pass
        else:
            converse(connection, "plain", answer, is_earlier(options.level))
        return
    if context is None:
        say("tls silence" if silent else "tls refused")
        while silent and connection.recv(16384):
            pass
        return
    with context.wrap_socket(connection, server_side=True) as secure:
        say(f"tls {secure.version()}")
        converse(secure, "tls", None if silent else answer, True)
        # The other side may have closed without saying so, as many do.
        with contextlib.suppress(OSError):
            secure.unwrap()


def guarded(connection, *rest):
    """Serves a connection; whatever goes wrong ends that one only."""
    with connection:
        try:
            serve(connection, *rest)
        except OSError as error:
            say(f"broken off: {error}")


def accept_all(listener, *rest):
    """Serves every connection in a thread of its own."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=guarded, args=(connection, *rest), daemon=True).start()


def tls_context(options):
    """How TLS is spoken, or None where it is not."""
    if options.mode == "plain-only" or options.cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    context.minimum_version = TLS_VERSIONS[options.min_tls]
    context.maximum_version = TLS_VERSIONS[options.max_tls]
    return context


def arguments():
    """The command line, checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--level", type=parse_level, default="8.1.2.0")
    parser.add_argument("--name", default="PEER")
    parser.add_argument("--platform", default="Linux/x86_64")
    parser.add_argument("--cert", help="PEM, the server's certificate first")
    parser.add_argument("--key", help="PEM; by default in the same file")
    modes = ["common", "ssl-only", "plain-only", "silent"]
    parser.add_argument("--mode", choices=modes, default="common")
    parser.add_argument("--min-tls", choices=TLS_VERSIONS, default="1.2")
    parser.add_argument("--max-tls", choices=TLS_VERSIONS, default="1.3")
    options = parser.parse_args()
    if options.cert is None and options.mode in ("common", "ssl-only"):
        parser.error(f"--mode {options.mode} needs --cert")
    if options.min_tls > options.max_tls:
        parser.error("--min-tls is above --max-tls")
    return options


def main():
    """Listens until standard input is closed."""
    options = arguments()
    context = tls_context(options)
    answer = identify_resp(options.level, options.name, options.platform)
    with socket.create_server(("127.0.0.1", options.port)) as listener:
        print(listener.getsockname()[1], flush=True)
        rest = (listener, options, context, answer)
        threading.Thread(target=accept_all, args=rest, daemon=True).start()
        while sys.stdin.buffer.read(4096):
            pass


if __name__ == "__main__":
    main()
