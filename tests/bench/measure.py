#!/usr/bin/env python3
"""Measures the program with large key databases, beside others with the same certificates.

Every line is one process from its start to its end: the median of its wall time and of its
processor time. The programs take turns, so that a busy machine is busy for all of them; only the
ratios of one run mean anything. The certificates are one with another name in each: nobody here
checks what a trusted certificate says about itself.

What is measured at each size:

    list       opens the store and lists it, to a pipe that is read
    verify     opens the store and judges one chain of three certificates
    import     opens the store and imports one certificate more

Ours is measured with the store of each format. The peers hold the same certificates in the form
that they prefer: openssl and keytool in the PKCS#12 file that we wrote, NSS in its own database,
rustls-webpki in a PEM file. Beside the imports stands what the disk takes at least: the same file
written anew and synced.
"""

import argparse
import base64
import contextlib
import hashlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

BENCH = os.path.dirname(os.path.abspath(__file__))
SIZES = [150, 1_000, 10_000, 100_000]
FORMATS = ["p12", "kdb"]
OURS = "anchorhold"
WEBPKI = "rustls-webpki, PEM"
MARK = b"0000000"
# So many turns, but no turn is begun after so many seconds.
TURNS = 9
SECONDS = 30
# Each of these takes time that grows faster than what it is given, or is just slow.
LARGEST = {
    "certtool --verify": 1_000,
    "certutil -L": 10_000,
    "keytool -list": 10_000,
    "openssl verify -CAfile": 1_000,
}


# Certificates


def quietly(words, **more):
    """Runs what is not measured, and it succeeds."""
    done = subprocess.run(words, capture_output=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: {done.stdout.decode()}{done.stderr.decode()}")
    return done.stdout


class Certificates:
    """A root of many names, and a chain of three certificates below the first of them."""

    def __init__(self, folder):
        self.folder = folder
        ca = "basicConstraints=critical,CA:true"
        names = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth"
        self.make("root", f"Bench Root {MARK.decode()} of many", ca, None)
        self.make("middle", "Bench Intermediate", ca, "root")
        self.make("leaf", "server.example", names, "middle")
        self.make("wrong", "Bench Other", ca, None)
        with open(self.path("chain.pem"), "w") as chain:
            for name in ("leaf", "middle"):
                with open(self.path(f"{name}.pem")) as file:
                    chain.write(file.read())
        self.root = quietly(["openssl", "x509", "-in", self.path("root.pem"), "-outform", "DER"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, common, extensions, signer):
        key, request, out = (self.path(f"{name}.{end}") for end in ("key", "csr", "pem"))
        with open(self.path(f"{name}.ext"), "w") as file:
            file.write(extensions)
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        subject = ["-subj", f"/O=Example/CN={common}"]
        quietly(["openssl", "req", "-new", *curve, *subject, "-keyout", key, "-out", request])
        sign = ["-signkey", key]
        if signer:
            sign = ["-CA", self.path(f"{signer}.pem"), "-CAkey", self.path(f"{signer}.key")]
            sign += ["-CAcreateserial"]
        sign += ["-days", "3650", "-extfile", self.path(f"{name}.ext")]
        quietly(["openssl", "x509", "-req", "-in", request, *sign, "-out", out])

    def named(self, number):
        """The root under another name; 0 is the root itself."""
        return self.root.replace(MARK, b"%07d" % number)

    def anchors(self, size):
        path = self.path(f"{size}.pem")
        with open(path, "w") as file:
            for number in range(size):
                file.write(pem(self.named(number)))
        return path


def pem(der):
    body = base64.encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


# Measuring


class Timed:
    """One program with one job: its line, and the times that it took."""

    def __init__(self, name, prepare):
        self.name = name
        self.prepare = prepare
        self.wall = []
        self.cpu = []

    def turn(self, number):
        """Runs it once. What is prepared for it is either a command line or a function."""
        job = self.prepare(number)
        if callable(job):
            begun, used = time.perf_counter(), time.process_time()
            job()
            self.wall.append(time.perf_counter() - begun)
            self.cpu.append(time.process_time() - used)
            return
        begun = time.perf_counter()
        child = subprocess.Popen(job, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.wall.append(time.perf_counter() - begun)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        child.stdout.close()
        if child.returncode:
            sys.exit(f"{' '.join(job)}: {said[-2000:].decode(errors='replace')}")

    def medians(self):
        return statistics.median(self.wall), statistics.median(self.cpu)


def in_turns(jobs, size, turns):
    """Lets all of them run in turns; those that take long run once."""
    jobs = [job for job in jobs if size <= LARGEST.get(job.name, size)]
    begun = time.perf_counter()
    for number in range(turns):
        for job in jobs:
            slow = job.wall and job.wall[0] > SECONDS / 6
            if not slow:
                job.turn(number)
        if time.perf_counter() - begun > SECONDS:
            break
    return {job.name: job.medians() for job in jobs}


def shown(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


class Table:
    """What was measured, printed as it comes."""

    def __init__(self):
        self.found = {}

    def add(self, what, size, medians):
        ours = {name: times for name, times in medians.items() if name.startswith(OURS)}
        for name, (wall, cpu) in medians.items():
            self.found[what, size, name] = (wall, cpu)
            ratios = ""
            if name not in ours:
                of = [(our[0] / wall, our[1] / max(cpu, 1e-4)) for our in ours.values()]
                ratios = "   ".join(f"{one:.3g} / {other:.3g}" for one, other in of)
            line = f"{what:8} {size:>7} {name:28} {shown(wall):>9} {shown(cpu):>9}   {ratios}"
            print(line.rstrip(), flush=True)

    def ratios(self, what, size, ours, peer, apart=0.0):
        """Of wall and of processor time, with what is counted apart taken from ours."""
        pair = self.found.get((what, size, ours)), self.found.get((what, size, peer))
        if not all(pair):
            return None
        return [(one - apart) / max(other, 1e-4) for one, other in zip(*pair, strict=True)]


# The stores


class Ours:
    """A home of the program with one store of one format."""

    def __init__(self, program, folder, kind):
        self.program = program
        self.kind = kind
        self.home = os.path.join(folder, f"imported-{kind}")
        self.any = os.path.join(folder, f"any-{kind}")
        self.database = os.path.join(self.home, "stores", f"bench.{kind}")
        self.configure(self.home, "imported")
        self.configure(self.any, "any")

    def configure(self, home, scope):
        """Both homes have the same store; in one of them it needs no record of an import."""
        os.makedirs(home, mode=0o700)
        with open(os.path.join(home, "anchorhold.toml"), "w") as file:
            file.write(
                f'[[store]]\nname = "bench"\nplugin = "anchorhold.keydb"\nscope = "{scope}"\n'
                f'settings = {{ path = "{self.database}" }}\n'
                f'[server.bench]\naddress = "127.0.0.1:1500"\n'
            )

    def words(self, *words, home=None):
        return [self.program, "--home", home or self.home, *words]

    def list(self):
        return self.words("list")

    def verify(self, chain, home=None):
        return self.words("verify", chain, "--server", "bench", home=home)

    def add(self, file):
        return self.words("import", "--any-server", "--as", "anchor", file)


class Nss:
    """A database of NSS.

    Adding one certificate takes NSS longer the more there are, so only the first is added by its
    own program, and its rows are copied under the other names. NSS has signed the trust of that
    one alone, so it lists the others without any.
    """

    def __init__(self, folder, certificates, size):
        self.folder = os.path.join(folder, "nss")
        self.where = ["-d", f"sql:{self.folder}"]
        os.mkdir(self.folder)
        quietly(["certutil", "-N", *self.where, "--empty-password"])
        first = ["-n", "0", "-t", "C,,", "-i", certificates.path("root.pem")]
        quietly(["certutil", "-A", *self.where, *first])
        with contextlib.closing(sqlite3.connect(f"{self.folder}/cert9.db")) as database:
            found = database.execute("SELECT * FROM nssPublic")
            names = [column[0] for column in found.description]
            first = [dict(zip(names, row, strict=True)) for row in found]
            last = max(row["id"] for row in first)
            rows = (
                self.row(copied, last + len(first) * number + place, certificates, number)
                for number in range(1, size)
                for place, copied in enumerate(first)
            )
            places = ",".join("?" * len(names))
            database.executemany(f"INSERT INTO nssPublic VALUES ({places})", rows)
            database.commit()

    def row(self, first, identity, certificates, number):
        """A row of another certificate than the first, which has another key."""
        renamed = {
            name: value.replace(MARK, b"%07d" % number) if isinstance(value, bytes) else value
            for name, value in first.items()
        }
        der = certificates.named(number)
        label, key = str(number).encode(), hashlib.sha1(b"%d" % number).digest()
        hashes = {"ace5363b4": hashlib.sha1(der).digest(), "ace5363b5": hashlib.md5(der).digest()}
        others = {"id": identity}
        if first["a11"] is None:
            others.update(hashes)
        else:
            others.update(a3=label, a102=key)
        return list({**renamed, **others}.values())

    def list(self):
        return ["certutil", "-L", *self.where]

    def add(self, file, number):
        return ["certutil", "-A", *self.where, "-n", f"new {number}", "-t", "C,,", "-i", file]


def password(stash):
    """The password of a stash, as the other reader in this tree reads it."""
    sys.path.insert(0, os.path.join(BENCH, "..", "formats"))
    sys.dont_write_bytecode = True
    import kdb

    with open(stash, "rb") as file:
        return kdb.read_stash(file.read())["password"]


def keytool(words, store, word):
    fixed = ["-keystore", store, "-storetype", "PKCS12", "-storepass:file", word]
    return ["keytool", "-J-Duser.language=en", *words, *fixed]


# One size


def rewritten(path):
    """Writes a file anew beside itself and syncs it, as any safe change of it has to."""
    with open(path, "rb") as file:
        data = file.read()

    def write():
        with open(f"{path}.new", "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        folder = os.open(os.path.dirname(path), os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    return lambda _: write


def measure(size, arguments, table, folder):
    certificates = Certificates(folder)
    anchors = certificates.anchors(size)
    chain = certificates.path("chain.pem")
    stores = []
    for kind in arguments.formats:
        ours = Ours(arguments.program, folder, kind)
        begun = time.perf_counter()
        quietly(ours.add(anchors))
        took = time.perf_counter() - begun
        print(f"{'fill':8} {size:>7} {OURS + ' ' + kind:28} {shown(took):>9}", flush=True)
        stores.append(ours)
    has = {name for name in ("keytool", "certutil", "certtool") if shutil.which(name)}
    foreign = None
    word = os.path.join(folder, "password")
    if "p12" in arguments.formats:
        ours = stores[arguments.formats.index("p12")]
        foreign = os.path.join(folder, "foreign.p12")
        shutil.copy(ours.database, foreign)
        with open(word, "w") as file:
            file.write(password(ours.database[:-3] + "sth"))
    nss = Nss(folder, certificates, size) if "certutil" in has else None
    name = f"{OURS} {{}}".format

    def always(words):
        return lambda _: words

    jobs = [Timed(name(ours.kind), always(ours.list())) for ours in stores]
    if foreign:
        unlock = ["-passin", f"file:{word}"]
        storeutl = ["openssl", "storeutl", "-certs", "-noout", "-text", *unlock, foreign]
        jobs.append(Timed("openssl storeutl", always(storeutl)))
        pkcs12 = ["openssl", "pkcs12", "-in", foreign, "-nokeys", *unlock]
        jobs.append(Timed("openssl pkcs12", always(pkcs12)))
        if "keytool" in has:
            jobs.append(Timed("keytool -list", always(keytool(["-list"], foreign, word))))
    if nss:
        jobs.append(Timed("certutil -L", always(nss.list())))
    table.add("list", size, in_turns(jobs, size, arguments.turns))

    jobs = []
    for ours in stores:
        jobs.append(Timed(name(ours.kind), always(ours.verify(chain, ours.any))))
        jobs.append(Timed(name(ours.kind + ", imported"), always(ours.verify(chain))))
    if arguments.peer:
        jobs.append(Timed(WEBPKI, always([arguments.peer, "peer", anchors, chain])))
    untrusted = ["-untrusted", certificates.path("middle.pem"), certificates.path("leaf.pem")]
    words = ["openssl", "verify", "-CAfile", anchors, *untrusted]
    jobs.append(Timed("openssl verify -CAfile", always(words)))
    if "certtool" in has:
        words = ["certtool", "--verify", "--load-ca-certificate", anchors, "--infile", chain]
        jobs.append(Timed("certtool --verify", always(words)))
    table.add("verify", size, in_turns(jobs, size, arguments.turns))

    files = []
    for turn in range(arguments.turns):
        files.append(certificates.path(f"new-{turn}.pem"))
        with open(files[-1], "w") as file:
            file.write(pem(certificates.named(9_000_000 + turn)))
    jobs = []
    for ours in stores:
        jobs.append(Timed(name(ours.kind), lambda turn, ours=ours: ours.add(files[turn])))
    if foreign and "keytool" in has:

        def add(turn):
            words = ["-importcert", "-noprompt", "-alias", f"new {turn}", "-file", files[turn]]
            return keytool(words, foreign, word)

        jobs.append(Timed("keytool -importcert", add))
    if nss:
        jobs.append(Timed("certutil -A", lambda turn: nss.add(files[turn], turn)))
    for ours in stores:
        jobs.append(Timed(f"the {ours.kind} written anew", rewritten(ours.database)))
    table.add("import", size, in_turns(jobs, size, arguments.turns))


def derivation(peer):
    """How long both keys of a PKCS#12 file take, which is counted apart."""
    return float(quietly([peer, "derivation"]))


def targets(table, arguments):
    """The ratios that are aimed at, beside what they are."""
    apart = derivation(arguments.peer) if arguments.peer else 0.0
    print(f"\nkey derivation of a PKCS#12 file: {shown(apart)}, not counted in P4")
    print("target                              size       wall    cpu   target")
    rows = []
    for kind in arguments.formats:
        ours = f"{OURS} {kind}"
        derived = apart if kind == "p12" else 0.0
        for size, target in [(150, 2.0), (10_000, 1.0), (100_000, 0.5)]:
            found = table.ratios("verify", size, ours, WEBPKI, derived)
            rows.append(("P4", "cold start to verdict / webpki", size, kind, found, target))
        for size, target in [(10_000, 1.0), (100_000, 3.0)]:
            found = table.ratios("import", size, ours, "certutil -A")
            rows.append(("P5", "import of one / certutil", size, kind, found, target))
        found = table.ratios("list", 10_000, ours, "openssl storeutl")
        rows.append(("P6", "list / openssl storeutl", 10_000, kind, found, 0.1))
    for number, what, size, kind, found, target in sorted(rows, key=lambda row: row[:3]):
        if found:
            wall, cpu = found
            met = "met" if wall <= target else "missed"
            print(f"{number} {what:31} {size:>7} {kind} {wall:6.3g} {cpu:6.3g}   {target:6g} {met}")


def main():
    parser = argparse.ArgumentParser(description="the key databases beside other programs")
    parser.add_argument("--program", required=True, help="the program, as it is released")
    parser.add_argument("--peer", help="the bench `process`, which is the peer with rustls-webpki")
    parser.add_argument("--sizes", help="numbers of certificates, with commas between them")
    parser.add_argument("--formats", help="p12, kdb, or both with a comma between them")
    parser.add_argument("--turns", type=int, default=TURNS, help=f"at most, {TURNS} if not given")
    arguments = parser.parse_args()
    arguments.program = os.path.abspath(arguments.program)
    sizes = [int(size) for size in arguments.sizes.split(",")] if arguments.sizes else SIZES
    arguments.formats = arguments.formats.split(",") if arguments.formats else FORMATS
    table = Table()
    print("what        size program                           wall       cpu   ratios of ours to it")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
            measure(size, arguments, table, folder)
    targets(table, arguments)


if __name__ == "__main__":
    main()
