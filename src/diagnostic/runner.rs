//! Commands that runners of CI read out of what a step prints, on either stream:
//!
//! - GitHub (runner, src/Runner.Common/ActionCommand.cs): a line that begins with `::` and a name but for
//!   blanks, and `##[` anywhere in a line;
//! - Azure Pipelines: `##vso[` and `##[`; TeamCity: `##teamcity[`;
//! - GitLab: `section_start:` with a carriage return and an escape, which no text of ours has.

/// True for a text that a runner would act on where it is printed as it is.
pub fn is_command(text: &str) -> bool {
    text.contains("::") && text.lines().any(begins_with_command) || in_brackets(text).is_some()
}

/// True for a line that is a command. What begins with three has a name that no command has.
pub fn begins_with_command(line: &str) -> bool {
    line.trim_start().strip_prefix("::").is_some_and(|rest| !rest.starts_with(':'))
}

/// Where the first command in brackets begins: two signs, letters, a bracket.
pub fn in_brackets(text: &str) -> Option<usize> {
    // of `###[` the second sign begins one
    text.match_indices('#').map(|(at, _)| at).find(|at| {
        let word = text[at + 1..].strip_prefix('#');
        let word = word.map(|word| word.trim_start_matches(|c: char| c.is_ascii_alphabetic()));
        word.is_some_and(|rest| rest.starts_with('['))
    })
}
