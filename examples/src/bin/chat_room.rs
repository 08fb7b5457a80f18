//! Chat rooms: clients that come, talk, leave and crash, on every scheduler.
//!
//! What to see: a room is a server that watches a group, so it hears of a client that crashes as of one that leaves; and
//! who is in a room is known on every node, without anybody asking the clients.
//!
//!     cargo run -p holm-examples --bin chat_room
//!     HOLM_LAYOUT=2x1 cargo run -p holm-examples --bin chat_room

use holm::{Message, Pid, Process, Reply, SpawnOptions};
use holm_otp::{
    gen_server::{self, Context, Envelope, GenServer, Init, Next, ServerRef, StartOptions},
    pg::{Change, Groups},
};
use serde::{Deserialize, Serialize};
use std::{collections::HashMap, error::Error, future::pending, time::Duration};

type Failure = Box<dyn Error + Send + Sync>;

/// The scope of the rooms' groups, on every node.
const ROOMS: &str = "rooms";

const LIMIT: Duration = Duration::from_secs(5);

// ---- rooms ----

/// What a room understands.
#[derive(Debug, Serialize, Deserialize, Message)]
enum ToRoom {
    /// A client says its name, before it joins the room's group.
    Hello { name: String, client: Pid<ToClient>, done: Reply<()> },
    /// Somebody says something.
    Say { from: String, text: String },
    /// Clients joined the group, or left it.
    Changed(Change<Pid<ToClient>>),
}

struct Room {
    name: &'static str,
    names: HashMap<Pid<ToClient>, String>,
    stage: Pid<String>,
}

impl Room {
    fn groups(&self) -> Groups<ToClient> {
        Groups::find(ROOMS).expect("the scope is started before the rooms")
    }

    /// Tells the stage what happened to a client.
    fn tell(&self, client: Pid<ToClient>, what: &str) {
        let name = self.names.get(&client).map_or("a stranger", String::as_str);
        let here = self.groups().members(self.name).len();
        let _ = self.stage.send(format!("{}: {name} {what}, {here} here", self.name));
    }
}

impl GenServer for Room {
    type Message = ToRoom;

    async fn init(&mut self, context: &mut Context<ToRoom>) -> Init {
        self.groups().monitor(context, self.name, |change| Envelope::User(ToRoom::Changed(change)));
        Init::Ready(Next::Receive)
    }

    async fn handle(&mut self, message: ToRoom, _: &mut Context<ToRoom>) -> Next {
        match message {
            ToRoom::Hello { name, client, done } => {
                self.names.insert(client, name);
                done.send(());
            }
            ToRoom::Say { from, text } => {
                for client in self.groups().members(self.name) {
                    let heard = ToClient::Hear { room: self.name.into(), from: from.clone(), text: text.clone() };
                    client.send(heard).expect("what a client understands can cross");
                }
            }
            ToRoom::Changed(change) => {
                change.joined.iter().for_each(|client| self.tell(*client, "comes"));
                change.left.iter().for_each(|client| self.tell(*client, "is gone"));
            }
        }
        Next::Receive
    }
}

// ---- clients ----

/// What a client is told.
#[derive(Debug, Serialize, Deserialize, Message)]
enum ToClient {
    Join(String),
    Leave(String),
    Say { room: String, text: String },
    Hear { room: String, from: String, text: String },
    Crash,
}

#[holm::entry]
async fn client(mut me: Process<ToClient>, (name, stage): (String, Pid<String>)) -> Result<(), Failure> {
    let groups = Groups::<ToClient>::find(ROOMS).ok_or("the node has no scope")?;
    let own = me.pid();
    loop {
        match me.receive().await {
            ToClient::Join(room) => {
                let hello = |done| ToRoom::Hello { name: name.clone(), client: own, done };
                find(&mut me, &room).await?.call(&mut me, hello, LIMIT).await?;
                groups.join(&mut me, &room, own).await?;
            }
            ToClient::Leave(room) => groups.leave(&mut me, &room, own).await?,
            ToClient::Say { room, text } => {
                let said = find(&mut me, &room).await?.cast(ToRoom::Say { from: name.clone(), text });
                said.map_err(|error| error.to_string())?;
            }
            ToClient::Hear { room, from, text } => stage.send(format!("{room}: {name} hears {from}: {text}"))?,
            ToClient::Crash => panic!("{name} trips over a cable"),
        }
    }
}

async fn find(me: &mut Process<ToClient>, room: &str) -> Result<ServerRef<ToRoom>, Failure> {
    Ok(ServerRef::whereis_at(me, 0, room).await?.ok_or("there is no such room")?)
}

// ---- the play ----

/// Keeps a node's scope.
#[holm::entry]
async fn keep_scope(mut me: Process<()>, ready: Pid<String>) -> Result<(), Failure> {
    Groups::<ToClient>::start_link(&mut me, ROOMS).await?;
    ready.send(String::new())?;
    pending().await
}

/// Waits for so many lines, and prints them in their order of letters: who hears first is anybody's guess.
async fn print(me: &mut Process<String>, lines: usize) {
    let mut heard = Vec::new();
    for _ in 0..lines {
        heard.push(me.receive().await);
    }
    heard.sort();
    heard.iter().for_each(|line| println!("{line}"));
}

async fn play(mut me: Process<String>) -> Result<(), Failure> {
    let stage = me.pid();
    for node in holm::nodes() {
        let there = SpawnOptions::new().scheduler(node.schedulers.start).link();
        me.spawn_entry(keep_scope, stage, there).await?;
        me.receive().await;
    }
    for name in ["tea", "games"] {
        let room = Room { name, names: HashMap::new(), stage };
        gen_server::start_link(&mut me, StartOptions::new().name(name), room).await?;
    }
    let mut clients = Vec::new();
    for (number, name) in (0..).zip(["ann", "bob", "cy"]) {
        let there = SpawnOptions::new().scheduler(number % holm::schedulers()).monitor();
        clients.push(me.spawn_entry(client, (name.to_string(), stage), there).await?);
    }
    let [ann, bob, cy] = [clients[0].pid, clients[1].pid, clients[2].pid];

    for (who, room) in [(ann, "tea"), (bob, "tea"), (cy, "tea"), (cy, "games")] {
        who.send(ToClient::Join(room.into()))?;
        print(&mut me, 1).await;
    }
    ann.send(ToClient::Say { room: "tea".into(), text: "good morning".into() })?;
    print(&mut me, 3).await;
    bob.send(ToClient::Leave("tea".into()))?;
    print(&mut me, 1).await;
    bob.send(ToClient::Join("games".into()))?;
    print(&mut me, 1).await;

    cy.send(ToClient::Crash)?;
    let reason = me.down(clients[2].monitor.expect("a monitor was asked for")).await;
    println!("cy crashed: {}", !reason.is_normal());
    print(&mut me, 2).await; // both rooms noticed
    for (who, room) in [(ann, "tea"), (bob, "games")] {
        who.send(ToClient::Say { room: room.into(), text: "is anybody here?".into() })?;
        print(&mut me, 1).await;
    }
    Ok(())
}

fn main() -> std::process::ExitCode {
    holm::run(play)
}
