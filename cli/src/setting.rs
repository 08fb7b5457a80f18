//! Under which layout a workload runs: `--cores 2`, or `--layout 2x1 --transport tcp`.
//!
//! The words behind a workload's name are split here into this setting and the pairs that are left for the workload's
//! own parameters. clap is not asked, because it would have to know the parameters of every workload.

use holm_affinity::{BindType, Layout};

use crate::catalogue::{Walls, WorkloadInfo};
use crate::stop::Stop;
use crate::transport::Transport;

/// More words than any workload understands.
const WORDS_MAX: usize = 64;

/// Under which layout a workload runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setting {
    /// How schedulers are dealt out over OS processes.
    pub(crate) layout: Layout,
    /// What joins the OS processes.
    pub(crate) transport: Transport,
    /// How schedulers are bound to CPUs, if that was said.
    pub(crate) bind: Option<BindType>,
    /// Whether there may be more schedulers than usable CPUs.
    pub(crate) oversubscribe: bool,
}

/// What stood behind a workload's name.
#[derive(Debug, PartialEq)]
pub(crate) enum Words {
    /// `--help`.
    Help,
    /// A run.
    Run {
        setting: Setting,
        /// The settings that were given in words, for the contract line.
        given: Vec<(String, String)>,
        /// The parameters that are left to the workload.
        pairs: Vec<(String, String)>,
    },
}

impl Words {
    /// Reads the words behind the name of a workload; `usable` CPUs are used unless told otherwise.
    pub(crate) fn read(workload: &WorkloadInfo, words: &[String], usable: usize) -> Result<Self, Stop> {
        if words.len() > WORDS_MAX {
            return Err(Stop::Usage(format!(
                "{} words are too many; a workload takes {WORDS_MAX} at most",
                words.len()
            )));
        }
        let mut layout = None;
        let (mut transport, mut bind, mut oversubscribe) = (Transport::Shm, None, false);
        let (mut given, mut pairs) = (Vec::new(), Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (name, value) = match word.as_str() {
                "-h" | "--help" => return Ok(Self::Help),
                "--oversubscribe" => {
                    oversubscribe = true;
                    continue;
                }
                _ => pair(workload, word, &mut words)?,
            };
            match name.as_str() {
                "color" => continue, // read before anything else
                "cores" | "layout" if layout.is_some() => {
                    return Err(Stop::Usage("`--cores` and `--layout` say the same; give one of them once".to_owned()));
                }
                "cores" => layout = Some(layout_of_cores(workload, &value)?),
                "layout" => layout = Some(value.parse::<Layout>().map_err(usage)?),
                "transport" => transport = value.parse().map_err(Stop::Usage)?,
                "bind" => bind = Some(value.parse().map_err(usage)?),
                _ => {
                    pairs.push((name, value));
                    continue;
                }
            }
            if name != "cores" {
                given.push((name, value));
            }
        }
        let layout = match layout {
            Some(layout) => layout,
            None => shape(workload, if workload.walls == Walls::Needed { 2 } else { usable as u32 })?,
        };
        Ok(Self::Run { setting: Setting { layout, transport, bind, oversubscribe }, given, pairs })
    }
}

fn pair<'a>(
    workload: &WorkloadInfo,
    word: &str,
    rest: &mut impl Iterator<Item = &'a String>,
) -> Result<(String, String), Stop> {
    let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) else {
        let name = workload.name;
        return Err(Stop::Usage(format!("`{word}` was not expected; `{name}` takes parameters as --KEY VALUE")));
    };
    if let Some((name, value)) = name.split_once('=') {
        return Ok((name.to_owned(), value.to_owned()));
    }
    let value = rest.next().ok_or_else(|| Stop::Usage(format!("`{word}` needs a value behind it")))?;
    Ok((name.to_owned(), value.clone()))
}

fn layout_of_cores(workload: &WorkloadInfo, text: &str) -> Result<Layout, Stop> {
    let count =
        text.parse().map_err(|_| Stop::Usage(format!("`--cores` takes a number of schedulers, not `{text}`")))?;
    shape(workload, count)
}

/// That many schedulers in one OS process, or one in each where the workload is about OS processes.
fn shape(workload: &WorkloadInfo, schedulers: u32) -> Result<Layout, Stop> {
    let (nodes, each) = if workload.walls == Walls::Needed { (schedulers, 1) } else { (1, schedulers) };
    Layout::grid(nodes, each).map_err(usage)
}

fn usage(error: impl ToString) -> Stop {
    Stop::Usage(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    fn read(workload: &str, line: &str) -> Result<Words, Stop> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Words::read(find(workload).unwrap(), &words, 4)
    }

    fn setting(workload: &str, line: &str) -> Setting {
        match read(workload, line).unwrap() {
            Words::Run { setting, .. } => setting,
            Words::Help => panic!("help was not asked for"),
        }
    }

    fn sentence(line: &str) -> String {
        let stop = read("ring", line).unwrap_err();
        assert_eq!(stop.code(), 2);
        stop.to_string()
    }

    #[test]
    fn settings_are_taken_and_parameters_are_left() {
        let Words::Run { setting, given, pairs } = read("ring", "--n 5 --layout 2x1 --p=9 --transport tcp").unwrap()
        else {
            panic!()
        };
        assert_eq!((setting.layout.to_string(), setting.transport), ("2x1".to_owned(), Transport::Tcp));
        assert_eq!(given, [("layout".to_owned(), "2x1".to_owned()), ("transport".to_owned(), "tcp".to_owned())]);
        assert_eq!(pairs, [("n".to_owned(), "5".to_owned()), ("p".to_owned(), "9".to_owned())]);
    }

    #[test]
    fn cores_are_schedulers_of_one_process_or_processes_of_one_scheduler() {
        assert_eq!(setting("ring", "--cores 2").layout.to_string(), "1x2");
        assert_eq!(setting("nodes-pingpong", "--cores 2").layout.to_string(), "2x1");
        assert_eq!(setting("ring", "").layout.to_string(), "1x4");
        assert_eq!(setting("nodes-stream", "").layout.to_string(), "2x1");
    }

    #[test]
    fn the_number_of_cores_is_no_parameter_of_the_contract_line() {
        let Words::Run { given, .. } = read("ring", "--cores 2").unwrap() else { panic!() };
        assert_eq!(given, []);
    }

    #[test]
    fn help_is_found_anywhere() {
        assert_eq!(read("ring", "--n 5 --help").unwrap(), Words::Help);
    }

    #[test]
    fn bad_words_are_named_with_what_would_be_right() {
        assert!(sentence("5").contains("`5` was not expected") && sentence("--").contains("--KEY VALUE"));
        assert!(sentence("--n").contains("`--n` needs a value"));
        assert!(sentence("--cores none").contains("not `none`"));
        assert!(sentence("--cores 0").contains("no scheduler"));
        assert!(sentence("--cores 1 --layout 1x1").contains("give one of them once"));
        assert!(sentence("--layout 0x4").contains("0x4"));
        assert!(sentence("--bind sideways").contains("sideways"));
        assert!(sentence("--transport pigeon").contains("shm, tcp, unix"));
        assert!(sentence(&"--n 1 ".repeat(40)).contains("too many"));
    }
}
