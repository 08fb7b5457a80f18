//! The recorder: it writes down what is said, and at the end tells it actor by actor, with labels where pids were.

use crate::{
    play::{Note, Voice, place, why},
    scenes::director,
};
use holm::{Event, Notice, Pid, Process, Reply, Watched};
use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

#[derive(Default)]
struct Stage {
    labels: HashMap<Pid, String>,
    lines: BTreeMap<String, Vec<(String, Vec<Pid>)>>,
    entered: usize,
    awaited: Option<(usize, Reply<()>)>,
}

impl Stage {
    /// Answers whoever waits for newcomers, when they are all there.
    fn on_stage(&mut self) {
        if let Some((newcomers, _)) = &self.awaited
            && self.entered >= *newcomers
        {
            let (newcomers, go) = self.awaited.take().unwrap();
            self.entered -= newcomers;
            go.send(());
        }
    }

    fn trace(&self) -> String {
        let mut trace = String::new();
        for (label, lines) in &self.lines {
            for (text, pids) in lines {
                let line = pids.iter().fold(text.clone(), |line, pid| {
                    line.replacen("{}", self.labels.get(pid).map_or("a stranger", String::as_str), 1)
                });
                writeln!(trace, "{label}: {line}").unwrap();
            }
        }
        trace
    }
}

/// The program's first process: it writes down what is said until the stage is empty.
pub(crate) async fn recorder(mut me: Process<Note>, faulty: bool) {
    let loud = std::env::var_os("HOLM_TEST_LOUD").is_some(); // for whoever looks for a play that stops
    let (mut stage, mut on_stage) = (Stage::default(), 1);
    let voice = Voice { recorder: me.pid(), label: "director".into() };
    me.spawn_entry(director, (voice, faulty), place(0)).await.unwrap();
    while on_stage > 0 {
        match me.next().await {
            Event::Message(Note::Enters { label, go, .. }) if label.starts_with('+') => {
                stage.awaited = Some((label[1..].parse().unwrap(), go));
            }
            Event::Message(Note::Enters { label, pid, go }) => {
                me.monitor(pid);
                on_stage += usize::from(label != "director");
                stage.labels.insert(pid, label);
                go.send(());
            }
            Event::Message(Note::OnStage) => stage.entered += 1,
            Event::Message(Note::Says { label, text, pids }) => {
                if loud {
                    eprintln!("{label}: {text}");
                }
                stage.lines.entry(label).or_default().push((text, pids));
            }
            Event::Notice(Notice::Down { watched: Watched::Process(pid), reason, .. }) => {
                on_stage -= 1;
                let label = stage.labels[&pid].clone();
                stage.lines.entry(label).or_default().push((format!("ends: {}", why(&reason)), Vec::new()));
            }
            Event::Notice(other) => panic!("the recorder traps nothing, but {other:?} came"),
        }
        stage.on_stage();
    }
    for line in stage.trace().lines() {
        println!("trace {line}");
    }
}
