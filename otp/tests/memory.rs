//! What servers take of memory: G-23 of the conformance catalogue, and that nothing is left of those that have ended.

use holm::{Message, Process, Reason, Reply};
use holm_otp::{
    gen_server::{self, Context, GenServer, Next, ServerRef, StartOptions},
    sys::{self, Doing},
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
    time::Duration,
};

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: it hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LIMIT: Duration = Duration::from_secs(20);

#[derive(Message)]
#[message(local)]
enum Ask {
    Remember(usize),
    Sum(Reply<usize>),
    Forget,
    Hibernate,
}

/// Remembers numbers, and keeps the room for those that it has forgotten.
#[derive(Default)]
struct Memory(Vec<usize>);

impl GenServer for Memory {
    type Message = Ask;

    async fn handle(&mut self, message: Ask, _: &mut Context<Ask>) -> Next {
        match message {
            Ask::Remember(number) => self.0.push(number),
            Ask::Sum(reply) => reply.send(self.0.iter().sum()),
            Ask::Forget => self.0.truncate(2),
            Ask::Hibernate => return Next::Hibernate,
        }
        Next::Receive
    }

    fn hibernate(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// The server has done all that it was asked, and waits.
async fn settle(me: &mut Process<()>, server: ServerRef<Ask>) {
    sys::inspect_there(me, server, LIMIT).await.unwrap();
    while sys::inspect(server).unwrap().doing != Doing::Waiting {
        holm::yield_now().await;
    }
}

/// The floor is the server's process with its state as it is when it hibernates: neither its mailbox nor the loop keeps
/// room. One program, so that nothing else allocates meanwhile.
#[test]
fn g_23_a_server_that_hibernates_is_back_at_its_floor_and_answers() {
    holm::block_on(async |mut me: Process<()>| {
        let server = gen_server::start_link(&mut me, StartOptions::new(), Memory::default()).await.unwrap();
        for warm in [true, false] {
            server.cast(Ask::Remember(20)).unwrap();
            server.cast(Ask::Remember(22)).unwrap();
            server.cast(Ask::Forget).unwrap();
            server.cast(Ask::Hibernate).unwrap();
            settle(&mut me, server).await;
            let floor = IN_USE.load(Relaxed);
            (0..100_000).for_each(|number| server.cast(Ask::Remember(number)).unwrap());
            server.cast(Ask::Forget).unwrap();
            settle(&mut me, server).await;
            let before = IN_USE.load(Relaxed) - floor;
            assert!(before >= 100_000 * 8, "without hibernation the room is kept: {before} bytes");
            server.cast(Ask::Hibernate).unwrap();
            settle(&mut me, server).await;
            let after = IN_USE.load(Relaxed) - floor;
            // Letters come from slabs that the first round may have made.
            assert!(warm || after < 4096, "{after} bytes above the floor");
            assert_eq!(server.call(&mut me, Ask::Sum, LIMIT).await, Ok(42));
        }
    })
    .unwrap();

    holm::block_on(async |mut me: Process<()>| {
        let mut after_the_first = 0;
        for round in 0..10 {
            for _ in 0..200 {
                let server = gen_server::start(&mut me, StartOptions::new(), Memory::default()).await.unwrap();
                server.cast(Ask::Remember(1)).unwrap();
                server.stop(&mut me, Reason::Normal, LIMIT).await.unwrap();
            }
            let in_use = IN_USE.load(Relaxed);
            match round {
                0..2 => after_the_first = in_use,
                _ => assert!(in_use - after_the_first < 64 << 10, "{} bytes are left", in_use - after_the_first),
            }
        }
    })
    .unwrap();
}
