//! The parameters of one workload: `--n 1000000 --place cross`, checked against what the workload knows.
//!
//! A workload declares its keys in the catalogue, each with a default and its bounds. Everything a user typed is checked
//! against that declaration before the workload starts, so the workload itself reads plain numbers and words and has
//! no errors to handle. What it read is remembered: the contract line reports exactly those values.
//!
//! Set aside: a clap struct per workload. Fourteen structs would say in types what one table says in fourteen rows,
//! and `holm bench --list` would need the table all the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalogue::{Key, Kind, WorkloadInfo};
use crate::stop::Stop;

/// A value that passed the declaration of its key.
#[derive(Clone, Debug, PartialEq)]
enum Given {
    Whole(u64),
    Real(f64),
    Word(String),
}

impl Given {
    fn parse(key: &Key, text: &str) -> Result<Self, String> {
        let wrong = |right: String| format!("`--{}` takes {right}, not `{text}`", key.name);
        match key.kind {
            Kind::Whole { min, max, .. } => {
                let number = text.replace('_', "").parse().ok().filter(|number| (min..=max).contains(number));
                number.map(Self::Whole).ok_or_else(|| wrong(format!("a whole number from {min} to {max}")))
            }
            Kind::Real { min, max, .. } => {
                let number = text.parse().ok().filter(|number| (min..=max).contains(number));
                number.map(Self::Real).ok_or_else(|| wrong(format!("a number from {min} to {max}")))
            }
            Kind::Word { choices, .. } => {
                let known = choices.contains(&text);
                known.then(|| Self::Word(text.to_owned())).ok_or_else(|| wrong(choices.join(" or ")))
            }
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Whole(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Word(word) => word.as_str().into(),
        }
    }
}

/// The checked parameters of one run, and which of them were read.
#[derive(Debug)]
pub(crate) struct Params {
    workload: &'static WorkloadInfo,
    given: BTreeMap<&'static str, Given>,
    read: Map<String, Value>,
}

impl Params {
    /// Checks what was typed against what the workload declares.
    pub(crate) fn new(workload: &'static WorkloadInfo, pairs: &[(String, String)]) -> Result<Self, Stop> {
        let mut given = BTreeMap::new();
        for (name, text) in pairs {
            let key = workload.key(name).ok_or_else(|| unknown(workload, name))?;
            let value = Given::parse(key, text).map_err(Stop::Usage)?;
            if given.insert(key.name, value).is_some() {
                return Err(Stop::Usage(format!("`--{name}` is given twice; give it once")));
            }
        }
        Ok(Self { workload, given, read: Map::new() })
    }

    /// A whole number.
    pub(crate) fn whole(&mut self, name: &str) -> u64 {
        let Kind::Whole { default, .. } = self.kind(name) else { undeclared(self.workload, name, "whole number") };
        self.whole_or(name, default)
    }

    /// A whole number whose default depends on other parameters.
    pub(crate) fn whole_or(&mut self, name: &str, default: u64) -> u64 {
        match self.look_up(name, Given::Whole(default)) {
            Given::Whole(number) => number,
            _ => undeclared(self.workload, name, "whole number"),
        }
    }

    /// A number that may have a fraction.
    pub(crate) fn real(&mut self, name: &str) -> f64 {
        let Kind::Real { default, .. } = self.kind(name) else { undeclared(self.workload, name, "number") };
        match self.look_up(name, Given::Real(default)) {
            Given::Real(number) => number,
            _ => undeclared(self.workload, name, "number"),
        }
    }

    /// One of the words that the key allows.
    pub(crate) fn word(&mut self, name: &str) -> String {
        let Kind::Word { default, .. } = self.kind(name) else { undeclared(self.workload, name, "word") };
        match self.look_up(name, Given::Word(default.to_owned())) {
            Given::Word(word) => word,
            _ => undeclared(self.workload, name, "word"),
        }
    }

    /// Remembers a value that is no key of the workload, such as the layout.
    pub(crate) fn note(&mut self, name: &str, value: String) {
        self.read.insert(name.to_owned(), value.into());
    }

    /// Everything that was read, for the contract line.
    pub(crate) fn into_read(self) -> Map<String, Value> {
        self.read
    }

    fn kind(&self, name: &str) -> Kind {
        self.workload.key(name).unwrap_or_else(|| undeclared(self.workload, name, "key")).kind
    }

    fn look_up(&mut self, name: &str, default: Given) -> Given {
        let value = self.given.get(name).cloned().unwrap_or(default);
        self.read.insert(name.to_owned(), value.json());
        value
    }
}

fn unknown(workload: &WorkloadInfo, name: &str) -> Stop {
    let known: Vec<_> = workload.keys.iter().map(|key| format!("--{}", key.name)).collect();
    Stop::Usage(format!("`{}` has no parameter `--{name}`; it knows {}", workload.name, known.join(", ")))
}

/// A workload that reads what it never declared is a mistake of its author.
fn undeclared(workload: &WorkloadInfo, name: &str, kind: &str) -> ! {
    panic!("the catalogue must declare `{name}` of `{}` as a {kind} before the workload reads it", workload.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    fn params(workload: &str, pairs: &[(&str, &str)]) -> Result<Params, Stop> {
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Params::new(find(workload).unwrap(), &pairs)
    }

    fn sentence(workload: &str, pairs: &[(&str, &str)]) -> String {
        let stop = params(workload, pairs).unwrap_err();
        assert_eq!(stop.code(), 2);
        stop.to_string()
    }

    #[test]
    fn only_what_was_read_is_reported() {
        let mut params = params("ring", &[("p", "10")]).unwrap();
        assert_eq!((params.whole("p"), params.word("place").as_str()), (10, "own"));
        assert_eq!(Value::Object(params.into_read()).to_string(), r#"{"p":10,"place":"own"}"#);
    }

    #[test]
    fn defaults_are_reported_like_given_values() {
        let mut params = params("crossing", &[("share", "0.25")]).unwrap();
        assert_eq!((params.real("share"), params.whole("size")), (0.25, 64));
        assert_eq!(Value::Object(params.into_read()).to_string(), r#"{"share":0.25,"size":64}"#);
    }

    #[test]
    fn a_default_may_depend_on_another_parameter() {
        assert_eq!(params("nodes-pingpong", &[]).unwrap().whole_or("n", 5000), 5000);
        assert_eq!(params("nodes-pingpong", &[("n", "7")]).unwrap().whole_or("n", 5000), 7);
    }

    #[test]
    fn an_unknown_parameter_is_answered_with_the_known_ones() {
        assert_eq!(sentence("ring", &[("m", "1")]), "`ring` has no parameter `--m`; it knows --p, --n, --place");
    }

    #[test]
    fn a_bad_value_is_answered_with_what_would_be_right() {
        assert!(sentence("ring", &[("n", "many")]).contains("`--n` takes a whole number from 1 to"));
        assert!(sentence("crossing", &[("share", "1.5")]).contains("a number from 0 to 1, not `1.5`"));
        assert!(sentence("crossing", &[("share", "NaN")]).contains("not `NaN`"));
        assert_eq!(sentence("pingpong", &[("place", "far")]), "`--place` takes own or same or cross, not `far`");
        assert!(sentence("ring", &[("n", "1"), ("n", "2")]).contains("given twice"));
    }

    #[test]
    #[should_panic(expected = "must declare `hogs` of `ring`")]
    fn reading_what_was_never_declared_is_a_bug() {
        params("ring", &[]).unwrap().whole("hogs");
    }
}
