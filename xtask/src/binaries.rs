//! Builds the tests once and says which executables came of it.
//!
//! `cargo test` builds and runs in one step. Whoever runs tests again and again, or one by one, wants the executables:
//! `cargo test --no-run --message-format=json` names them. What `cargo test` does beside starting them is the
//! package's folder as working directory, and that is done here too.

use crate::child::{Child, Ended};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// A test executable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Binary {
    /// The folder of its package: where its tests expect to run.
    pub(crate) folder: PathBuf,
    /// What it is called in reports: `holm exits`.
    pub(crate) name: String,
    pub(crate) executable: PathBuf,
}

/// Which tests to build.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Packages by name; none: those that a plain `cargo test` tests.
    pub(crate) packages: &'a [String],
    pub(crate) release: bool,
}

#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    target: Target,
    profile: Profile,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// Builds the tests and gives their executables.
///
/// # Errors
///
/// If cargo cannot be started, or the tests do not compile; the compiler's words are on stderr then.
pub(crate) fn build(root: &Path, wanted: &Wanted<'_>) -> Result<Vec<Binary>> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(["test", "--no-run", "--quiet", "--locked", "--message-format=json-render-diagnostics"]);
    command.current_dir(root).stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(Stdio::piped());
    for package in wanted.packages {
        command.args(["--package", package]);
    }
    if wanted.release {
        command.arg("--release");
    }
    let output = command.output().context("cargo cannot be started")?;
    ensure!(output.status.success(), "the tests do not compile");
    let messages = String::from_utf8_lossy(&output.stdout);
    Ok(messages.lines().filter_map(from_message).collect())
}

/// The executable that a line of cargo's JSON tells of, if it does and it is one of tests.
fn from_message(line: &str) -> Option<Binary> {
    let artifact: Artifact = serde_json::from_str(line).ok()?;
    let folder = artifact.manifest_path.parent()?.to_owned();
    let package = folder.file_name()?.to_string_lossy().into_owned();
    let name = format!("{package} {}", artifact.target.name);
    artifact.profile.test.then_some(Binary { folder, name, executable: artifact.executable })
}

impl Binary {
    /// An executable that was built before.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let executable = path.canonicalize().with_context(|| format!("there is no executable {}", path.display()))?;
        let name = executable.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Binary { folder: env::current_dir()?, name, executable })
    }

    /// Runs it with these arguments, with what stands in the way of a quiet report turned off.
    pub(crate) fn run(&self, args: &[&str], variables: &[(&str, &str)], limit: Duration) -> Result<Ended> {
        let mut command = Command::new(&self.executable);
        command.args(args).current_dir(&self.folder).envs(variables.iter().copied());
        // Cargo sets it for those that it runs; some tests look for their files by it.
        command.env("CARGO_MANIFEST_DIR", &self.folder).env("CARGO_TERM_COLOR", "never");
        Child::start(command)?.finish(limit)
    }

    /// The names of its tests that contain `only`.
    pub(crate) fn tests(&self, only: &str, ignored: bool) -> Result<Vec<String>> {
        let mut args = vec!["--list", "--format", "terse"];
        args.extend((!only.is_empty()).then_some(only));
        args.extend(ignored.then_some("--ignored"));
        let ended = self.run(&args, &[], Duration::from_secs(60))?;
        ensure!(ended.succeeded(), "{} does not list its tests:\n{}", self.name, ended.output);
        Ok(ended.output.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_executable_is_taken_from_a_message_and_nothing_else_is() {
        let message = |test: bool| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/runtime/Cargo.toml","target":{{"name":"exits",
                "kind":["test"]}},"profile":{{"test":{test}}},"executable":"/t/exits-1"}}"#
            )
        };
        let binary = from_message(&message(true)).unwrap();
        assert_eq!((binary.name.as_str(), binary.folder.to_str()), ("runtime exits", Some("/w/runtime")));
        assert_eq!(from_message(&message(false)), None);
        assert_eq!(from_message(r#"{"reason":"build-finished","success":true}"#), None);
    }
}
