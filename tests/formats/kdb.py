#!/usr/bin/env python3
"""A reader and writer of key databases and stashes, written apart from the Rust code.

It knows nothing but these layouts (all integers big-endian):

    database  37 48 vv tt              vv 03, 04 or 06; tt 02 database, 01 requests or a CRL
              00 00 00 00
              "X509KEY\\0"              "X509KYP\\0" requests, "X509CRL\\0" a CRL
              slot size, slot count    4 bytes each
              salt                     24 bytes, the last one 00
              check                    M bytes over the 48 bytes before it
              integrity                M bytes over all before it, and all slots
              slots

              vv   M   check                          integrity
              03  16   MD5(48 bytes, password)        not known
              04  20   HMAC-SHA1(password, .)         the same function
              06  48   HMAC-SHA384(password, .)       the same function

    slot      00000001, number, length, record, length, label, 00000000,
              five times 00000014 and a SHA-1: of the signature (its BIT STRING), of the
              TBSCertificate, of the subject, of the SubjectPublicKeyInfo, and of
              SEQUENCE { issuer, serial number }; zeros up to the slot size

    record    SEQUENCE { INTEGER number,
                         [0] SEQUENCE { request, encrypted key } | [1] certificate |
                         [2] SEQUENCE { certificate, encrypted key } | [3] encrypted key,
                         VisibleString label, BIT STRING flags }

    stash     v1: password, 00, filler without zeros: 129 bytes, each XOR F5
              v2: A (32 bytes), B = SHA256(01 A), v1 XOR key stream

Commands, each of which prints one JSON document:

    kdb.py read DATABASE (--password-file FILE | --stash FILE | --no-password)
    kdb.py write DESCRIPTION OUT
    kdb.py stash STASH
    kdb.py write-stash DESCRIPTION OUT

A description of a database is JSON: "version", "password", "salt" (46 hexadecimal digits) and
"records", each with a "label" and either "certificate" (the path of a DER file) or "record" (what
"read" printed for one of another kind). "slot_size" is 5000 where it is not given. Any field that
"read" prints for a slot may be given to write something else than the layout says, and "check"
and "integrity" likewise. A description of a stash is "form" ("v1" or "v2"), "password", "filler"
and for v2 "salt".
"""

import argparse
import hashlib
import hmac
import json
import struct
import sys

MAGIC = b"\x37\x48"
NAMES = {b"X509KEY\0": "database", b"X509KYP\0": "requests", b"X509CRL\0": "crl"}
FIXED = 0x30
SIZES = {3: 16, 4: 20, 6: 48}
HASHES = {4: "sha1", 6: "sha384"}
SLOT_SIZE = 5000
INDEX = ["signature", "tbs", "subject", "public_key", "issuer_and_serial"]
KINDS = {0xA0: "request", 0xA1: "certificate", 0xA2: "key", 0xA3: "secret"}
STASH_TEXT = (
    b"13EC6D5C885056915AB35FAD2BDDF39F40D7C57B8B4D28F66B61B75F391446FD"
    b"A96751174DBD9713D02E0B38732E763501DBBB85EC60E437929ED2AA8981B36B"
)


class Broken(Exception):
    """What was read is not what the layout says."""


def need(condition, message):
    if not condition:
        raise Broken(message)


# DER


def element(data, at):
    """The tag of the element at an offset, where its content begins, and where it ends."""
    need(at + 2 <= len(data), f"no element at {at}")
    tag, length, begin = data[at], data[at + 1], at + 2
    need(tag & 0x1F != 0x1F, "a tag of more than one byte")
    if length >= 0x80:
        size = length & 0x7F
        need(1 <= size <= 4 and begin + size <= len(data), "a length of a bad form")
        length = int.from_bytes(data[begin : begin + size], "big")
        need(length >= 0x80 and data[begin] != 0, "a length longer than it needs to be")
        begin += size
    need(begin + length <= len(data), "an element longer than what holds it")
    return tag, begin, begin + length


def children(data):
    """The elements of a constructed element: tag and whole encoding of each."""
    _, at, end = element(data, 0)
    need(end == len(data), "bytes behind an element")
    found = []
    while at < end:
        tag, _, stop = element(data[:end], at)
        found.append((tag, data[at:stop]))
        at = stop
    return found


def content(data):
    _, begin, end = element(data, 0)
    return data[begin:end]


def encoded(tag, *parts):
    body = b"".join(parts)
    length = len(body)
    if length < 0x80:
        return bytes([tag, length]) + body
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + body


def integer(value):
    return encoded(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


# Certificates and records


def index_of(certificate):
    """The five things that the index of a slot is made of."""
    tbs, _, signature = (part for _, part in children(certificate))
    fields = [part for tag, part in children(tbs) if tag != 0xA0]
    serial, _, issuer, _, subject, public_key = fields[:6]
    parts = [signature, tbs, subject, public_key, encoded(0x30, issuer, serial)]
    return [hashlib.sha1(part).digest() for part in parts]


def record_of(der):
    """A record, field by field."""
    need(der[:1] == b"\x30", "a record that is no SEQUENCE")
    parts = children(der)
    tags = [tag for tag, _ in parts]
    need(len(parts) == 4, f"a record of {len(parts)} fields")
    need(tags[0] == 0x02 and tags[1] in KINDS, f"a record with the tags {tags}")
    number, held, label, flags = (content(part) for _, part in parts)
    inner = [held] if tags[1] in (0xA1, 0xA3) else [part for _, part in children(held)]
    need(all(part[:1] == b"\x30" for part in inner), "what is held is no SEQUENCE")
    for part in inner:
        children(part)
    return {
        "number": int.from_bytes(number, "big", signed=True),
        "kind": KINDS[tags[1]],
        "held": [part.hex() for part in inner],
        "label_tag": tags[2],
        "label": label.decode("utf-8"),
        "flags_tag": tags[3],
        "flags": flags.hex(),
    }


def record_from(fields):
    """The DER of a record, of what `record_of` says of it."""
    held = [bytes.fromhex(part) for part in fields["held"]]
    tag = next(tag for tag, kind in KINDS.items() if kind == fields["kind"])
    if fields["kind"] in ("request", "key"):
        held = [encoded(0x30, *held)]
    return encoded(
        0x30,
        integer(fields["number"]),
        encoded(tag, *held),
        encoded(fields.get("label_tag", 0x1A), fields["label"].encode()),
        encoded(fields.get("flags_tag", 0x03), bytes.fromhex(fields.get("flags", "0780"))),
    )


# Slots


def read_slot(slot):
    """One slot, field by field."""
    at = 0

    def take(length):
        nonlocal at
        need(at + length <= len(slot), "a slot that ends within a field")
        at += length
        return slot[at - length : at]

    def number():
        return struct.unpack(">I", take(4))[0]

    fields = {"lead": number(), "number": number()}
    der = take(number())
    fields["record"] = record_of(der)
    fields["record_sha256"] = hashlib.sha256(der).hexdigest()
    fields["label"] = take(number()).decode("utf-8")
    fields["after_label"] = number()
    fields["index"] = []
    while slot[at : at + 4] == b"\0\0\0\x14":
        need(number() == 20, "a hash")
        fields["index"].append(take(20).hex())
    fields["rest"] = slot[at:].rstrip(b"\0").hex()
    if fields["record"]["kind"] in ("certificate", "key"):
        certificate = bytes.fromhex(fields["record"]["held"][0])
        fields["expected_index"] = [part.hex() for part in index_of(certificate)]
    return fields


def write_slot(fields, size):
    """One slot, padded; None where it needs to be larger."""
    der = record_from(fields["record"])
    label = fields["label"].encode()
    slot = struct.pack(">III", fields["lead"], fields["number"], len(der)) + der
    slot += struct.pack(">I", len(label)) + label + struct.pack(">I", fields["after_label"])
    for part in fields["index"]:
        slot += struct.pack(">I", 20) + bytes.fromhex(part)
    slot += bytes.fromhex(fields["rest"])
    need(len(slot) <= size, f"a slot that needs {len(slot)} of {size} bytes")
    return slot.ljust(size, b"\0")


# Databases


def check_of(version, password, fixed):
    if version == 3:
        return hashlib.md5(fixed + password).digest()
    return hmac.new(password, fixed, HASHES[version]).digest()


def integrity_of(version, password, fixed, check, slots):
    if version == 3:
        return None
    return hmac.new(password, fixed + check + slots, HASHES[version]).digest()


def read_database(data, password):
    need(len(data) >= FIXED and data[:2] == MAGIC, "no key database")
    version, kind = data[2], data[3]
    need(version in SIZES, f"version {version} is not known")
    size = SIZES[version]
    begin = FIXED + 2 * size
    need(len(data) >= begin, "it ends within its header")
    need(data[8:16] in NAMES, "a name that is not known")
    slot_size, count = struct.unpack(">II", data[0x10:0x18])
    need(len(data) == begin + slot_size * count, "it is not as long as it says")
    fixed, check = data[:FIXED], data[FIXED : FIXED + size]
    integrity, slots = data[FIXED + size : begin], data[begin:]
    found = {
        "version": version,
        "kind": kind,
        "reserved": data[4:8].hex(),
        "name": NAMES[data[8:16]],
        "slot_size": slot_size,
        "count": count,
        "salt": data[0x18:0x2F].hex(),
        "salt_end": data[0x2F],
        "check": check.hex(),
        "integrity": integrity.hex(),
        "slots": [],
    }
    if password is not None:
        found["check_fits"] = check_of(version, password, fixed) == check
        expected = integrity_of(version, password, fixed, check, slots)
        found["integrity_fits"] = None if expected is None else expected == integrity
    for at in range(0, len(slots), slot_size):
        found["slots"].append(read_slot(slots[at : at + slot_size]))
    return found


def slot_from(place, described):
    """A whole slot of a short description of it."""
    described = dict(described)
    number = described.get("number", place + 1)
    if "certificate" in described:
        with open(described.pop("certificate"), "rb") as file:
            held = [file.read().hex()]
        label = described["label"]
        flags = described.pop("flags", "0780")
        record = {"kind": "certificate", "held": held, "label": label, "flags": flags}
        described["record"] = record
    record = dict(described["record"])
    record.setdefault("number", number)
    index = described.get("expected_index", [])
    if record["kind"] in ("certificate", "key"):
        index = [part.hex() for part in index_of(bytes.fromhex(record["held"][0]))]
    slot = {"lead": 1, "number": number, "label": record["label"], "after_label": 0}
    return {**slot, "index": index, "rest": "", **described, "record": record}


def write_database(described):
    version, password = described["version"], described["password"].encode()
    salt = bytes.fromhex(described["salt"])
    need(len(salt) == 23 and 0 not in salt, "a salt is 23 bytes without a zero")
    size = described.get("slot_size", SLOT_SIZE)
    records = [slot_from(*pair) for pair in enumerate(described["records"])]
    name = next(n for n, kind in NAMES.items() if kind == described.get("name", "database"))
    fixed = MAGIC + bytes([version, described.get("kind", 2)]) + bytes(4) + name
    fixed += struct.pack(">II", size, len(records)) + salt + b"\0"
    need(len(fixed) == FIXED, "the header has its length")
    slots = b"".join(write_slot(record, size) for record in records)
    check = check_of(version, password, fixed)
    check = bytes.fromhex(described.get("check", check.hex()))
    integrity = described.get("integrity")
    if integrity is None:
        integrity = integrity_of(version, password, fixed, check, slots)
        need(integrity is not None, "what version 3 has here is not known")
    else:
        integrity = bytes.fromhex(integrity)
    return fixed + check + integrity + slots


# Stashes


def stream(salt, check):
    """The 129 bytes that hide the field of a v2 stash."""

    def digest(data):
        return hashlib.sha256(data).digest()

    def mac(key, message):
        return hmac.new(key, message, "sha256").digest()

    # GSKit looks only after it has hashed once, even where it would not need to.
    state = digest(digest(salt + check))
    while state[8] != 3:
        state = digest(state)
    for _ in range(64):
        state = digest(state)
    seed = mac(state, STASH_TEXT)
    turn = mac(seed, b"\x01\x01\x02\x03\x05\x08")
    out = b""
    while len(out) < 129:
        out += mac(seed, turn)
        turn = out + turn
    return out[:129]


def combined(one, other):
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def read_stash(data):
    found = {}
    if len(data) == 129:
        field = data
        found["form"] = "v1"
    else:
        need(len(data) == 193, f"a stash is not {len(data)} bytes long")
        salt, check, hidden = data[:32], data[32:64], data[64:]
        need(hashlib.sha256(b"\1" + salt).digest() == check, "the check of a stash does not fit")
        field = combined(hidden, stream(salt, check))
        found.update(form="v2", salt=salt.hex())
    field = bytes(byte ^ 0xF5 for byte in field)
    need(0 in field, "a stash without an end of its password")
    password, filler = field[: field.index(0)], field[field.index(0) + 1 :]
    found.update(password=password.decode("latin-1"), filler=filler.hex())
    return found


def write_stash(described):
    password = described["password"].encode("latin-1")
    filler = bytes.fromhex(described["filler"])
    need(1 <= len(password) <= 128 and 0 not in password, "a password of 1 to 128 bytes")
    need(len(password) + 1 + len(filler) >= 129, "a filler that fills")
    field = bytes(byte ^ 0xF5 for byte in (password + b"\0" + filler)[:129])
    if described["form"] == "v1":
        return field
    salt = bytes.fromhex(described["salt"])
    check = hashlib.sha256(b"\1" + salt).digest()
    return salt + check + combined(field, stream(salt, check))


# Commands


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def password_from(arguments):
    if arguments.stash:
        return read_stash(contents(arguments.stash))["password"].encode("latin-1")
    if arguments.password_file:
        return contents(arguments.password_file).rstrip(b"\r\n")
    return None


def written(path, data):
    with open(path, "wb") as file:
        file.write(data)
    return {"written": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def main():
    parser = argparse.ArgumentParser(description="key databases and stashes")
    commands = parser.add_subparsers(dest="command", required=True)
    read = commands.add_parser("read")
    read.add_argument("path")
    how = read.add_mutually_exclusive_group(required=True)
    how.add_argument("--password-file")
    how.add_argument("--stash")
    how.add_argument("--no-password", action="store_true")
    commands.add_parser("stash").add_argument("path")
    for name in ("write", "write-stash"):
        command = commands.add_parser(name)
        command.add_argument("path")
        command.add_argument("out")
    arguments = parser.parse_args()
    try:
        if arguments.command == "read":
            found = read_database(contents(arguments.path), password_from(arguments))
        elif arguments.command == "stash":
            found = read_stash(contents(arguments.path))
        else:
            described = json.loads(contents(arguments.path))
            make = write_database if arguments.command == "write" else write_stash
            found = written(arguments.out, make(described))
    except (Broken, OSError, ValueError, UnicodeDecodeError) as error:
        sys.exit(f"kdb.py: {arguments.path}: {error}")
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
