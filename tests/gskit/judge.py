#!/usr/bin/env python3
"""Asks a real GSKit what it makes of key databases.

It runs in a virtual environment that holds the package ibm_db, whose driver comes with GSKit. For
each database it starts `openssl s_server` on a port of 127.0.0.1, and lets the driver connect
with the database as its trust store. There is no database server behind it: what counts is how
far TLS gets.

    judge.py --certificate SERVER.pem --key SERVER.key < CASES

CASES is a JSON list of objects: "database" is the path of a .kdb or .p12, and either "stash" is
the path of its stash, or "password_file" that of a file with its password. It prints a JSON list
with one object for each, in the same order:

    {"verdict": "opens"}                     the handshake was finished, as s_server saw it
    {"verdict": "not-trusted", "rc": 414}    the database was read; nobody in it signed the server
    {"verdict": "unreadable", "rc": 408}     the database cannot be read, or not with this password
    {"verdict": "failed", "message": ...}    anything else
"""

import argparse
import functools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

# The driver tries again, seconds later, where a handshake fails.
AT_ONCE = 8
SECONDS = 60
VERDICTS = {408: "unreadable", 414: "not-trusted"}


class Server:
    """One `openssl s_server` for one database."""

    def __init__(self, certificate, key):
        self.process = subprocess.Popen(
            ["openssl", "s_server", "-accept", "127.0.0.1:0"]
            + ["-cert", certificate, "-key", key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines = []
        self.port = None
        self.finished = False
        self.watcher = None
        for line in self.process.stdout:
            self.lines.append(line)
            if found := re.match(rb"ACCEPT .*:(\d+)", line):
                self.port = int(found[1])
                break

    def watch(self, on_handshake):
        """Reads what it says until it ends; a cipher is printed when the handshake is finished."""

        def read():
            for line in self.process.stdout:
                self.lines.append(line)
                if b"CIPHER is" in line:
                    self.finished = True
                    on_handshake()

        self.watcher = threading.Thread(target=read)
        self.watcher.start()

    def end(self):
        """Ends it, and reads what it has said before."""
        self.process.kill()
        self.process.wait()
        if self.watcher:
            self.watcher.join()


def judged(case, certificate, key, home):
    """What GSKit makes of one database; on a busy machine a connection may fail for itself."""
    messages = []
    for _ in range(3):
        found = ruling(case, certificate, key, home)
        if found["verdict"] != "failed":
            return found
        messages.append(found["message"])
    return failed("; ".join(messages))


def ruling(case, certificate, key, home):
    """What GSKit makes of one database at one connection."""
    server = Server(certificate, key)
    try:
        said = driven(case, server, home)
    finally:
        server.end()
    if server.finished:
        return {"verdict": "opens"}
    if found := re.search(r"GSKit Error: (\d+)", said) or re.search(r'\(s\): "(4\d\d)"', said):
        number = int(found[1])
        if number in VERDICTS:
            return {"verdict": VERDICTS[number], "rc": number}
    return failed(said.strip())


def driven(case, server, home):
    """What the driver says of a connection with one database."""
    if server.port is None:
        return f"openssl s_server does not listen: {server.lines}"
    words = [sys.executable, os.path.abspath(__file__), "--connect", str(server.port)]
    # The driver looks for files of its user, and finds none.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    driver = subprocess.Popen(words, env={**os.environ, "HOME": home}, **pipes)
    # There is nothing to wait for once the handshake is finished.
    server.watch(driver.kill)
    try:
        said, _ = driver.communicate(json.dumps(case).encode(), timeout=SECONDS)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
        return "the driver did not come to an end"
    return said.decode(errors="replace")


def failed(message):
    return {"verdict": "failed", "message": message}


def connect(port):
    """Connects with the database that standard input names, and says what the driver says."""
    import ibm_db

    case = json.load(sys.stdin)
    options = {
        "DATABASE": "none",
        "HOSTNAME": "127.0.0.1",
        "PORT": port,
        "PROTOCOL": "TCPIP",
        "UID": "nobody",
        "PWD": "nothing",
        "ConnectTimeout": 30,
        "SECURITY": "SSL",
        "SSLClientKeystoredb": case["database"],
    }
    if "stash" in case:
        options["SSLClientKeystash"] = case["stash"]
    else:
        with open(case["password_file"], encoding="ascii") as file:
            options["SSLClientKeystoreDBPassword"] = file.read().rstrip("\n")
    line = "".join(f"{name}={value};" for name, value in options.items())
    try:
        ibm_db.connect(line, "", "")
    except Exception as error:  # The driver raises nothing more exact.
        print(error)


def main():
    parser = argparse.ArgumentParser(description="what a real GSKit makes of key databases")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    parser.add_argument("--connect", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.connect:
        connect(arguments.connect)
        return
    with tempfile.TemporaryDirectory() as home:
        cases = json.load(sys.stdin)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            certificate, key = arguments.certificate, arguments.key
            judge = functools.partial(judged, certificate=certificate, key=key, home=home)
            found = list(pool.map(judge, cases))
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
