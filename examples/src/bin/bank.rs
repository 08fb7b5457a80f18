//! A bank whose accounts crash, and lose nothing: each account is a process under a dynamic supervisor, and what it has
//! is written in a ledger, a process of its own, from which it recovers.
//!
//! ```text
//!   bank (rest for one)
//!   ├── ledger      who has what: the only truth
//!   └── accounts    (dynamic) one transient child for each owner
//! ```
//!
//! What to see: transfers between accounts that are killed at random meanwhile. An account answers a transfer after the
//! ledger has both sides of it, in one entry; one that is killed between the two has done it or not, and nothing between.
//! The total is the same at the end, or the program fails.
//!
//!     cargo run -p holm-examples --bin bank

use holm::{CallError, Message, Process, Reason, Reply};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    behaviour::Envelope,
    gen_server::{Context, GenServer, Init, Next, ServerRef},
    supervisor::{Child, SupervisorRef},
};
use std::{collections::HashMap, time::Duration};

const ACCOUNTS: u32 = 50;
const OPENING: u64 = 1_000;
const TRANSFERS: u32 = 5_000;

/// One of so many transfers is accompanied by a crash of its account.
const CRASH_ONE_OF: u32 = 20;

const LIMIT: Duration = Duration::from_secs(5);

type Fault = Box<dyn std::error::Error + Send + Sync>;

// ---- the ledger ----

#[derive(Debug, Message)]
#[message(local)]
enum LedgerAsk {
    /// The balance of an account; one that is new is opened.
    Balance(u32, Reply<u64>),
    /// Moves an amount; gives the balance of the giver afterwards, or nothing if that has too little.
    Move {
        from: u32,
        to: u32,
        amount: u64,
        reply: Reply<Option<u64>>,
    },
    Total(Reply<u64>),
}

#[derive(Default)]
struct Ledger(HashMap<u32, u64>);

impl GenServer for Ledger {
    type Message = LedgerAsk;

    async fn handle(&mut self, ask: LedgerAsk, _: &mut Context<LedgerAsk>) -> Next {
        match ask {
            LedgerAsk::Balance(owner, reply) => reply.send(*self.0.entry(owner).or_insert(OPENING)),
            LedgerAsk::Move { from, to, amount, reply } => reply.send(self.shift(from, to, amount)),
            LedgerAsk::Total(reply) => reply.send(self.0.values().sum()),
        }
        Next::Receive
    }
}

impl Ledger {
    /// Both sides of a transfer, or none of it.
    fn shift(&mut self, from: u32, to: u32, amount: u64) -> Option<u64> {
        let left = self.0.get(&from)?.checked_sub(amount)?;
        if !self.0.contains_key(&to) {
            return None;
        }
        self.0.insert(from, left);
        self.0.entry(to).and_modify(|balance| *balance += amount);
        self.0.get(&from).copied()
    }
}

fn ledger() -> Result<ServerRef<LedgerAsk>, Reason> {
    ServerRef::whereis("ledger").ok_or_else(|| Reason::error("there is no ledger"))
}

// ---- an account ----

#[derive(Debug, Message)]
#[message(local)]
enum AccountAsk {
    /// Gives an amount to another owner; answers whether it did.
    Give {
        to: u32,
        amount: u64,
        reply: Reply<bool>,
    },
    Balance(Reply<u64>),
}

/// An account, and what it believes to have: a copy of what the ledger says.
struct Account {
    owner: u32,
    balance: u64,
}

impl GenServer for Account {
    type Message = AccountAsk;

    /// Recovers the state.
    async fn init(&mut self, context: &mut Context<AccountAsk>) -> Init {
        match self.read(context).await {
            Ok(_) => Init::Ready(Next::Receive),
            Err(reason) => Init::Fail(reason),
        }
    }

    async fn handle(&mut self, ask: AccountAsk, context: &mut Context<AccountAsk>) -> Next {
        // A reply that is dropped on the way tells its caller why.
        let handled = match ask {
            AccountAsk::Give { to, amount, reply } => self.give(context, to, amount).await.map(|done| reply.send(done)),
            AccountAsk::Balance(reply) => self.read(context).await.map(|balance| reply.send(balance)),
        };
        match handled {
            Ok(()) => Next::Receive,
            Err(reason) => Next::Stop(reason),
        }
    }
}

impl Account {
    /// What the ledger says: others may have given something.
    async fn read(&mut self, context: &mut Context<AccountAsk>) -> Result<u64, Reason> {
        let owner = self.owner;
        let asked = ledger()?.call(context, |reply| LedgerAsk::Balance(owner, reply), LIMIT).await;
        self.balance = asked.map_err(Reason::error)?;
        Ok(self.balance)
    }

    /// Gives an amount to another owner; false if there is too little.
    async fn give(&mut self, context: &mut Context<AccountAsk>, to: u32, amount: u64) -> Result<bool, Reason> {
        let from = self.owner;
        let asked = ledger()?.call(context, |reply| LedgerAsk::Move { from, to, amount, reply }, LIMIT).await;
        let balance = asked.map_err(Reason::error)?;
        self.balance = balance.unwrap_or(self.balance);
        Ok(balance.is_some())
    }
}

fn name_of(owner: u32) -> String {
    format!("account {owner}")
}

/// The template of all accounts.
fn account(owner: u32) -> Child<Envelope<AccountAsk>> {
    Child::server("account", move || Account { owner, balance: 0 }).transient().name(&name_of(owner))
}

/// The account of an owner; one that is just being restarted is waited for.
async fn account_of(owner: u32) -> ServerRef<AccountAsk> {
    loop {
        match ServerRef::whereis(&name_of(owner)) {
            Some(account) => return account,
            None => holm::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// What an account has; one that was killed just now is asked again when it is back.
async fn balance_of(me: &mut Process<()>, owner: u32) -> Result<u64, CallError> {
    loop {
        match account_of(owner).await.call(me, AccountAsk::Balance, LIMIT).await {
            Err(CallError::Unanswered(_)) => {}
            answered => return answered,
        }
    }
}

// ---- the program ----

fn bank() -> Supervisor {
    let accounts = DynamicSupervisor::new().name("accounts").intensity(u32::MAX, Duration::from_secs(1));
    Supervisor::rest_for_one()
        .child(Child::server("ledger", Ledger::default).name("ledger"))
        .child(Child::supervisor("accounts", accounts))
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(sides)) as u32
    }
}

async fn program(mut me: Process<()>) -> Result<(), Fault> {
    let bank = bank().start_link(&mut me).await?;
    let accounts = SupervisorRef::whereis("accounts").ok_or("the accounts have no supervisor")?;
    for owner in 0..ACCOUNTS {
        accounts.start_child(&mut me, account(owner)).await?;
    }
    let (mut done, mut refused, mut lost, mut crashes) = (0, 0, 0, 0);
    let mut dice = Dice(7);
    for _ in 0..TRANSFERS {
        let (from, to, amount) = (dice.roll(ACCOUNTS), dice.roll(ACCOUNTS), u64::from(dice.roll(300)));
        let giver = account_of(from).await;
        let request = giver.send_request(&mut me, |reply| AccountAsk::Give { to, amount, reply })?;
        if dice.roll(CRASH_ONE_OF) == 0 {
            for _ in 0..dice.roll(4) {
                holm::yield_now().await;
            }
            holm::exit(giver.pid(), Reason::Kill); // before, while or after it gives
            crashes += 1;
        }
        match me.response(request, LIMIT).await {
            Ok(true) => done += 1,
            Ok(false) => refused += 1,
            Err(CallError::Unanswered(_)) => lost += 1,
            Err(error) => return Err(error.into()),
        }
    }
    let ledger = ledger().map_err(|reason| reason.to_string())?;
    let total = ledger.call(&mut me, LedgerAsk::Total, LIMIT).await?;
    let mut sum = 0;
    for owner in 0..ACCOUNTS {
        sum += balance_of(&mut me, owner).await?;
    }
    let count = accounts.count_children(&mut me).await?;
    println!("{TRANSFERS} transfers between {ACCOUNTS} accounts: {done} done, {refused} refused for want of money");
    println!(
        "{crashes} accounts were killed, {lost} callers learned that at once; {} accounts run again",
        count.running
    );
    println!("the ledger has {total} in all, the accounts have {sum}");
    bank.stop(&mut me, Reason::Normal, LIMIT).await?;
    match (total, sum) == (u64::from(ACCOUNTS) * OPENING, total) {
        true => Ok(()),
        false => Err(format!("there should be {}", u64::from(ACCOUNTS) * OPENING).into()),
    }
}

fn main() -> std::process::ExitCode {
    holm::run(program)
}
