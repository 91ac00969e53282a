//! The faults, one a file, and what the kit says of each.

/// One bad plugin.
pub(crate) struct Fault {
    /// Its file.
    pub(crate) file: &'static str,
    /// The case that names its fault.
    pub(crate) case: &'static str,
    /// What the kit says of it, there and wherever else the same fault shows.
    pub(crate) words: &'static str,
    /// Cases in which the same fault shows in another form.
    pub(crate) also: &'static [&'static str],
    /// Options of the kit.
    pub(crate) options: &'static [&'static str],
}

const fn fault(file: &'static str, case: &'static str, words: &'static str) -> Fault {
    Fault {
        file,
        case,
        words,
        also: &[],
        options: &[],
    }
}

impl Fault {
    const fn also(mut self, cases: &'static [&'static str]) -> Self {
        self.also = cases;
        self
    }

    const fn with(mut self, options: &'static [&'static str]) -> Self {
        self.options = options;
        self
    }
}

/// Every file of `tests/bad`, but for the good one.
pub(crate) const FAULTS: &[Fault] = &[
    fault("aborts.c", "read.list", "aborted in list: out of luck"),
    fault(
        "any-cursor.c",
        "hostile-host.huge-cursor",
        "it took a cursor of 129 bytes",
    ),
    fault(
        "apply-does-nothing.c",
        "write.put-and-remove",
        "and the item is not listed",
    ),
    fault(
        "asks-twice.c",
        "unlock.wrong-secret",
        "asked more than once in one unlock",
    )
    .also(&["unlock.refused"]),
    fault(
        "asks-without-leave.c",
        "unlock.quietly",
        "asked a person in unlock without AH_CALL_MAY_PROMPT",
    ),
    fault(
        "calls-after-close.c",
        "read.silent-after-close",
        "after close",
    ),
    fault(
        "error-not-filled.c",
        "read.cursor-garbage",
        "did not fill ah_error",
    ),
    fault("exits.c", "read.list", "exited with status 3 in list"),
    fault(
        "exports-two.c",
        "load.symbols",
        "it exports plugin_secret_door besides",
    ),
    fault(
        "fills-unknown-fields.c",
        "hostile-host.later-version",
        "fields of ah_health that it does not know",
    ),
    fault("find-forgets.c", "read.find-agrees", "pushed 0 items"),
    fault(
        "find-not-found.c",
        "read.find-nothing",
        "answered a find with AH_NOT_FOUND",
    ),
    fault("floods-items.c", "read.list", "pushes without end in list"),
    fault("floods-log.c", "read.list", "floods the log"),
    fault(
        "forgets-stop.c",
        "read.stop-obeyed",
        "returned AH_OK from list, where the sink had said stop",
    ),
    fault("forks.c", "read.list", "made the system call clone in list"),
    fault(
        "goes-on-after-stop.c",
        "read.stop-obeyed",
        "went on in list after the sink had said stop",
    ),
    fault("hangs.c", "read.list", "hangs in list").with(&["--timeout", "2"]),
    fault(
        "health-counts-wrong.c",
        "read.health-agrees",
        "health says 4 items",
    ),
    fault("health-of-no-kind.c", "read.health-first", "the state 9"),
    fault(
        "health-waits.c",
        "read.health-never-waits",
        "health waits until the listing is over",
    ),
    fault("id-changes.c", "read.ids-stable", "in another process"),
    fault(
        "keeps-pointer.c",
        "read.health-agrees",
        "kept a pointer that was lent to list (ah_item_sink) and used it in health",
    ),
    fault(
        "keeps-secret.c",
        "unlock.wrong-secret",
        "kept a pointer that was lent to unlock (an answer of a person)",
    ),
    fault(
        "keeps-setting.c",
        "read.health-first",
        "kept a pointer that was lent to open (ah_str) and used it in health",
    ),
    fault(
        "label-not-utf8.c",
        "read.list",
        "the label of item 01 is not UTF-8",
    ),
    fault(
        "leaks-descriptor.c",
        "read.open-and-close",
        "descriptors are open after 100 times",
    ),
    fault(
        "leaks-memory.c",
        "read.open-and-close",
        "KiB are used after 100 times",
    ),
    fault(
        "leaks-secret-memory.c",
        "load.open",
        "did not give back secret memory",
    ),
    fault(
        "logs-secret.c",
        "unlock.wrong-secret",
        "a secret stands in its log",
    ),
    fault("long-cursor.c", "read.list", "a cursor of 200 bytes"),
    fault("long-id.c", "read.list", "the id of an item has 65 bytes"),
    fault(
        "mangles-entry.cpp",
        "load.symbols",
        "declare that extern \"C\"",
    )
    .also(&["load.entry"]),
    fault(
        "missing-apply.c",
        "load.table",
        "the table of write lacks a function",
    ),
    fault(
        "missing-list.c",
        "load.table",
        "the function list is missing",
    ),
    fault(
        "more-than-the-page.c",
        "read.pages-agree",
        "pushed more items than the page takes",
    ),
    fault(
        "needs-an-error.c",
        "hostile-host.no-error",
        "crashed (SIGSEGV) in list",
    ),
    fault(
        "not-der.c",
        "read.der-parses",
        "the der of item 02 is no certificate",
    ),
    fault(
        "one-store-for-all.c",
        "read.two-stores",
        "since another one was closed",
    ),
    fault(
        "opens-network.c",
        "read.list",
        "made the system call socket in list",
    ),
    fault(
        "other-id.c",
        "load.texts",
        "the table says \"org.example.other\"",
    ),
    fault(
        "other-table-each-time.c",
        "load.constant",
        "another table when it was called again",
    ),
    fault(
        "overflows-stack.c",
        "read.list",
        "crashed (SIGSEGV) in list",
    ),
    fault(
        "overwrites-size.c",
        "read.health-first",
        "changed the struct_size of ah_health",
    ),
    fault("panic-abort.rs", "read.list", "aborted in list"),
    fault(
        "prints-when-loaded.c",
        "load.quiet",
        "it printed \"hello from the plugin\"",
    ),
    fault(
        "prompts-in-list.c",
        "read.list",
        "asked a person in list, which never prompts",
    ),
    fault(
        "pushes-on-another-thread.c",
        "read.list",
        "called the sink of list on another thread",
    ),
    fault(
        "raw-signature.c",
        "sign.verifies",
        "the signature is r || s",
    ),
    fault(
        "reads-home.c",
        "read.stays-inside",
        "tried to open /root in list, which nobody granted",
    ),
    fault(
        "reads-past-text.c",
        "load.open",
        "read past the end of ah_str in open",
    ),
    fault("same-cursor.c", "read.list", "answered a cursor again"),
    fault("same-id.c", "read.ids-unique", "two items have the id 02"),
    fault("segfaults.c", "read.list", "crashed (SIGSEGV) in list"),
    fault("short-table.c", "load.table", "ah_plugin has 32 bytes"),
    fault(
        "starts-a-program.c",
        "read.list",
        "made a system call that the sandbox forbids",
    ),
    fault(
        "status-of-the-host.c",
        "read.health-first",
        "returned the status 4097 from health",
    ),
    fault("throws.cpp", "read.list", "aborted in list"),
    fault(
        "two-generations.c",
        "read.pages-agree",
        "one listing shows two states",
    ),
    fault(
        "writes-past-health.c",
        "read.health-first",
        "wrote past the end of ah_health in health",
    ),
    fault(
        "writes-past-page.c",
        "read.list",
        "wrote past the end of ah_page in list",
    ),
    fault(
        "writes-to-argument.c",
        "read.list",
        "wrote to the ah_call that is lent to list to be read only",
    ),
    fault(
        "wrong-magic.c",
        "load.table",
        "the magic number of ah_plugin",
    ),
    fault("wrong-major.c", "load.table", "abi_major is 2"),
];
