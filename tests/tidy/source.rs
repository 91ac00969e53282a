//! Rules of Rust files.

use super::{Source, nothing_breaks, rust};

#[test]
fn every_file_begins_with_a_sentence_that_says_what_lives_there() {
    let broken: Vec<String> = rust()
        .iter()
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            let said = first.strip_prefix("//! ").unwrap_or_default();
            said.len() < 10 || said.starts_with("Placeholder")
        })
        .map(|file| file.name.clone())
        .collect();
    nothing_breaks("the first line is `//! ` and a sentence", &broken);
}

#[test]
fn no_file_is_longer_than_500_lines_of_what_is_no_test() {
    let broken: Vec<String> = rust()
        .iter()
        .filter(|file| !file.is_test())
        .map(|file| (file, without_tests(&file.text)))
        .filter(|(_, lines)| *lines > 500)
        .map(|(file, lines)| format!("{}: {lines} lines", file.name))
        .collect();
    nothing_breaks("a longer file is split by what lives in it", &broken);
}

/// How many lines there are before the tests of a file.
fn without_tests(text: &str) -> usize {
    let tests = ["#[cfg(test)]\nmod tests {", "#[cfg(test)]\nmod tests;"];
    let end = tests.iter().filter_map(|begin| text.find(begin)).min();
    text[..end.unwrap_or(text.len())].lines().count()
}

#[test]
fn tests_are_run_and_fail_by_their_own_word() {
    let (ignored, panicking) = (["#[ig", "nore"].concat(), ["#[should", "_panic"].concat());
    let broken = lines_with(&[&ignored, &panicking]);
    nothing_breaks("a test is neither ignored nor expected to panic", &broken);
}

#[test]
fn tests_wait_for_something_and_never_for_time_to_pass() {
    let sleeps = ["thread::sl", "eep"].concat();
    let broken: Vec<String> = rust()
        .iter()
        .filter(|file| file.is_test())
        .flat_map(|file| found(file, &[&sleeps]))
        .collect();
    nothing_breaks("a test does not sleep", &broken);
}

#[test]
fn no_tab_stands_in_a_file() {
    let broken = lines_with(&["\t"]);
    nothing_breaks(
        "indentation is blanks, and a tab in a string is written as one",
        &broken,
    );
}

#[test]
fn unsafe_code_is_forbidden_in_every_crate_but_four_and_one_file() {
    let files = rust();
    let roots = files.iter().filter(|file| {
        let crate_root = file.name.ends_with("/src/lib.rs") || file.name.ends_with("/src/main.rs");
        crate_root && !file.is_test()
    });
    let mut count = 0;
    let mut broken = Vec::new();
    for root in roots {
        count += 1;
        let word = match root.name == ONE_FILE.0 {
            true => "#![deny(unsafe_code)]",
            false => "#![forbid(unsafe_code)]",
        };
        let forbids = root.text.contains(word);
        let may = UNSAFE.iter().any(|folder| root.name.starts_with(folder));
        if forbids == may {
            broken.push(format!(
                "{}: forbids it: {forbids}, may have it: {may}",
                root.name
            ));
        }
    }
    assert!(count >= 11, "every crate has a root: {count}");
    // What is only denied can be allowed again, and is in one place.
    let allows = ["allow(", "unsafe_code)"].concat();
    broken.extend(
        files
            .iter()
            .filter(|file| !may_be_unsafe(file))
            .flat_map(|file| found(file, &[&allows])),
    );
    nothing_breaks(
        "unsafe code lives in four crates, and nowhere else",
        &broken,
    );
}

#[test]
fn no_unsafe_code_is_written_outside_of_its_crates() {
    let forms: Vec<String> = ["{", "fn ", "impl ", "extern ", "trait "]
        .iter()
        .map(|form| format!("{} {form}", ["uns", "afe"].concat()))
        .collect();
    let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
    let broken: Vec<String> = rust()
        .iter()
        .filter(|file| !may_be_unsafe(file))
        .flat_map(|file| found(file, &forms))
        .collect();
    nothing_breaks("unsafe code lives in four crates, tests included", &broken);
}

fn may_be_unsafe(file: &Source) -> bool {
    file.name.starts_with(ONE_FILE.1) || UNSAFE.iter().any(|folder| file.name.starts_with(folder))
}

/// Where the other side is the operating system's kernel or a PKCS#11 module, and no plugin.
const OTHERS: [&str; 3] = [
    "host/boundary/src/runner/",
    "host/boundary/src/sandbox/",
    ONE_FILE.1,
];

#[test]
fn every_safety_comment_names_the_rule_that_it_relies_on() {
    let mark = ["// SAF", "ETY:"].concat();
    let mut broken = Vec::new();
    let mut count = 0;
    let contract = |file: &Source| !OTHERS.iter().any(|folder| file.name.starts_with(folder));
    for file in rust().into_iter().filter(contract) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let Some(at) = line.find(&mark) else { continue };
            count += 1;
            let rest = lines[index + 1..].iter().map(|line| line.trim_start());
            let block: String = std::iter::once(&line[at..])
                .chain(rest.take_while(|line| line.starts_with("//")))
                .collect();
            if rules_in(&block).is_empty() {
                broken.push(format!("{}:{}: {}", file.name, index + 1, line.trim()));
            }
        }
    }
    assert!(count > 10, "there is unsafe code with its reasons: {count}");
    nothing_breaks("a reason names a rule of anchorhold.h, R1 to R8", &broken);
}

#[test]
fn every_rule_of_the_contract_has_a_test_that_names_it() {
    let header = super::tree()
        .into_iter()
        .find(|file| file.name == "sdk/c/include/anchorhold.h")
        .expect("the contract");
    let rules = rules_in(&header.text);
    assert!(rules.len() >= 8, "the contract has its rules: {rules:?}");
    let files = rust();
    let cited = |rule: &&u8| {
        let cites = |text: &str| rules_in(text).contains(rule);
        files
            .iter()
            .any(|file| match file.text.find("#[cfg(test)]") {
                _ if file.is_test() => cites(&file.text),
                Some(tests) => cites(&file.text[tests..]),
                None => false,
            })
    };
    let untested = rules.iter().filter(|rule| !cited(rule));
    let untested: Vec<String> = untested.map(|rule| format!("R{rule}")).collect();
    nothing_breaks("a rule that no test names is no rule", &untested);
}

/// The numbers of the rules that a text names, such as `R3`.
fn rules_in(text: &str) -> Vec<u8> {
    let mut rules: Vec<u8> = text
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter_map(|word| word.strip_prefix('R')?.parse().ok())
        .filter(|rule| (1..=8).contains(rule))
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

#[test]
fn files_and_functions_are_named_by_what_they_are_and_do() {
    let mut broken: Vec<String> = rust()
        .iter()
        .filter(|file| {
            let base = file.name.rsplit('/').next().unwrap_or_default();
            let vague = ["mod.rs", "util.rs", "utils.rs", "helper.rs", "helpers.rs"];
            vague.contains(&base) || base.contains("manager") || base.contains("misc")
        })
        .map(|file| file.name.clone())
        .collect();
    let verbs: Vec<String> = ["get", "do", "handle", "process"]
        .iter()
        .map(|verb| format!("fn {verb}_"))
        .collect();
    let verbs: Vec<&str> = verbs.iter().map(String::as_str).collect();
    broken.extend(lines_with(&verbs));
    nothing_breaks("a name says what it is", &broken);
}

/// Every line of a Rust file that contains one of these.
fn lines_with(words: &[&str]) -> Vec<String> {
    rust().iter().flat_map(|file| found(file, words)).collect()
}

fn found(file: &Source, words: &[&str]) -> Vec<String> {
    file.lines()
        .filter(|(_, line)| words.iter().any(|word| line.contains(word)))
        .map(|(number, line)| format!("{}:{number}: {}", file.name, line.trim()))
        .collect()
}

/// The crates in which unsafe code may be written.
const UNSAFE: &[&str] = &["host/boundary/", "sdk/abi/", "sdk/conform/", "sdk/rust/"];

/// The root of a crate that calls foreign code for itself, and what the one file with that and its
/// tests begin with.
const ONE_FILE: (&str, &str) = ("plugins/pkcs11/src/lib.rs", "plugins/pkcs11/src/raw");

#[test]
fn what_is_no_test_is_counted_without_its_tests() {
    let text = "//! One.\nfn two() {}\n\n#[cfg(test)]\nmod tests {\n    // Five.\n}\n";
    assert_eq!(without_tests(text), 3);
    assert_eq!(without_tests("//! One.\nfn two() {}\n"), 2);
}

#[test]
fn rules_are_found_as_words() {
    assert_eq!(
        rules_in("R3: borrowed, see R12 and BR4 or R3 and (R7)."),
        [3, 7]
    );
}
