//! Colours for the terminal, and when to leave them out.
//!
//! `--color` decides; without it `NO_COLOR` or an output that is no terminal switches colours off. Help and usage
//! errors are painted by clap after the same choice. There is no theme and no cursor movement here: the progress bar
//! has its own library.

use std::io::IsTerminal;

use clap::{ColorChoice, ValueEnum};

/// What `--color` may say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colours {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Also into a file or a pipe.
    Always,
    /// Nowhere.
    Never,
}

impl Colours {
    /// The choice on a command line that is not parsed yet, so that its very errors follow it.
    pub(crate) fn of_words(words: &[String]) -> Self {
        let mut found = Self::Auto;
        let ours = words.iter().take_while(|word| *word != "--");
        for (index, word) in ours.enumerate() {
            let said = match word.strip_prefix("--color") {
                Some("") => words.get(index + 1).map(String::as_str),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            found = said.and_then(|said| Self::from_str(said, false).ok()).unwrap_or(found);
        }
        found
    }

    /// The same choice in clap's words.
    pub(crate) fn for_clap(self) -> ColorChoice {
        match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::Always,
            Self::Never => ColorChoice::Never,
        }
    }

    /// The brush for standard output.
    pub(crate) fn stdout(self) -> Paint {
        self.brush(std::io::stdout().is_terminal())
    }

    /// The brush for standard error.
    pub(crate) fn stderr(self) -> Paint {
        self.brush(std::io::stderr().is_terminal())
    }

    fn brush(self, terminal: bool) -> Paint {
        let silenced = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Paint { on: self == Self::Always || (self == Self::Auto && terminal && !silenced) }
    }
}

/// A brush that may be dry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    /// The brush of tests, and of everything that is not for eyes.
    #[cfg(test)]
    pub(crate) const DRY: Self = Self { on: false };

    /// Headings, and the best of a row.
    pub(crate) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What may be overlooked.
    pub(crate) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What went wrong.
    pub(crate) fn red(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// The answer that was asked for.
    pub(crate) fn green(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_choice_is_found_in_both_spellings_and_the_last_one_wins() {
        assert_eq!(Colours::of_words(&words("holm bench --color never")), Colours::Never);
        assert_eq!(Colours::of_words(&words("holm --color=always bench")), Colours::Always);
        assert_eq!(Colours::of_words(&words("holm --color=always --color never")), Colours::Never);
    }

    #[test]
    fn a_program_under_run_keeps_its_own_color_option() {
        assert_eq!(Colours::of_words(&words("holm run -- ls --color never")), Colours::Auto);
    }

    #[test]
    fn a_dry_brush_leaves_the_text_alone() {
        assert_eq!(Paint::DRY.red("lost"), "lost");
        assert_eq!(Paint { on: true }.red("lost"), "\x1b[1;31mlost\x1b[0m");
    }
}
