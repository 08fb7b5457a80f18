//! Session and road together, as a node uses them: two threads, each with one session on one road, sleeping when there is
//! nothing to do.

mod common;

use common::*;
use holm_transport::shm::{CAPACITY_MIN, accept, offer};
use holm_transport::{Lane, Limits, MemoryRoad, Road, Session, StreamRoad};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// One end: a session and the road it speaks over.
struct End {
    session: Session,
    road: Road,
    heard: Vec<Heard>,
}

impl End {
    fn new(session: Session, road: Road) -> End {
        End { session, road, heard: Vec::new() }
    }

    /// Read and write until neither moves; false when the peer is gone.
    fn turn(&mut self) -> bool {
        let mut buffer = vec![0; 10_000];
        loop {
            let mut moved = false;
            match self.road.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => {
                    let heard = &mut self.heard;
                    self.session
                        .receive(&buffer[..length], Duration::ZERO, &mut |event| heard.push(event.into()))
                        .unwrap();
                    moved = true;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            let bytes = self.session.out();
            if !bytes.is_empty() {
                match self.road.write(bytes) {
                    Ok(length) => {
                        self.session.wrote(length);
                        moved = true;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => moved |= !self.road.wait_for_room(),
                    Err(_) => {}
                }
            }
            if !moved {
                return true;
            }
        }
    }

    /// Sleep until the road needs attention.
    fn sleep(&mut self) {
        if self.road.prepare_sleep() {
            let writing = self.road.wakes_by_writable() && !self.session.out().is_empty();
            let flags = if writing { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            let fd = self.road.fd();
            let ready = poll(&mut [PollFd::new(&fd, flags)], Some(&Timespec { tv_sec: 10, tv_nsec: 0 })).unwrap();
            assert_eq!(ready, 1, "no wake is lost");
        }
        self.road.awake();
        self.road.drain_bell();
    }

    /// Go on until `done`, or until the peer is gone.
    fn run(mut self, done: impl Fn(&End) -> bool) -> End {
        while self.turn() && !done(&self) {
            self.sleep();
        }
        self
    }
}

fn roads() -> Vec<(&'static str, Road, Road)> {
    let (here, there) = UnixStream::pair().unwrap();
    let accepted = std::thread::spawn(move || accept(there).unwrap());
    let offered = offer(here, CAPACITY_MIN).unwrap();
    let (memory_a, memory_b) = MemoryRoad::pair(3000).unwrap();
    let (unix_a, unix_b) = UnixStream::pair().unwrap();
    let unix = |stream| Road::Stream(StreamRoad::unix(stream).unwrap());
    vec![
        ("shm", Road::Shm(offered), Road::Shm(accepted.join().unwrap())),
        ("memory", Road::Memory(memory_a), Road::Memory(memory_b)),
        ("unix", unix(unix_a), unix(unix_b)),
    ]
}

#[test]
fn signals_of_all_sizes_cross_every_road_both_ways_in_order() {
    for (name, road_a, road_b) in roads() {
        let lengths = [0, 64, 1000, 70_000, 64, 500_000, 5];
        let mut a = End::new(initiator(Limits::default()), road_a);
        let mut b = End::new(acceptor(Limits::default()), road_b);
        for session in [&mut a.session, &mut b.session] {
            for number in 0..200_usize {
                send(session, Lane::Data, 1, &vec![number as u8; lengths[number % lengths.len()]]);
            }
        }
        // An Up and 200 signals; credit may be told in between.
        let all_heard = |end: &End| end.heard.iter().filter(|event| **event != Heard::Credit).count() == 201;
        let all_moved = move |end: &End| all_heard(end) && end.session.outstanding_len() == 0;
        let other = std::thread::spawn(move || b.run(all_moved));
        let a = a.run(all_moved);
        let b = other.join().unwrap();
        for end in [a, b] {
            let heard = signals(&end.heard);
            assert_eq!(heard.len(), 200, "{name}");
            for (number, bytes) in heard.iter().enumerate() {
                assert!(*bytes == vec![number as u8; lengths[number % lengths.len()]], "{name}: signal {number}");
            }
        }
    }
}

#[test]
fn a_goodbye_is_heard_before_the_end_of_the_road() {
    for (name, road_a, road_b) in roads() {
        let a = End::new(initiator(Limits::default()), road_a);
        let b = End::new(acceptor(Limits::default()), road_b);
        let other = std::thread::spawn(move || b.run(|end| end.session.is_closed()));
        let mut a = a.run(|end| end.session.is_up());
        send(&mut a.session, Lane::Data, 1, b"last words");
        a.session.goodbye("shutdown");
        a.turn();
        drop(a);
        let heard = other.join().unwrap().heard;
        assert_eq!(heard[1..], [Heard::Signal(b"last words".to_vec()), Heard::Goodbye("shutdown".into())], "{name}");
    }
}

#[test]
fn a_peer_that_vanishes_is_noticed_by_a_sleeper_on_every_road() {
    for (name, road_a, road_b) in roads() {
        let a = End::new(initiator(Limits::default()), road_a);
        let b = End::new(acceptor(Limits::default()), road_b);
        let other = std::thread::spawn(move || b.run(|_| false));
        let a = a.run(|end| end.session.is_up());
        drop(a);
        let b = other.join().unwrap();
        assert!(b.session.is_up(), "{name}: the road's end, not the session's");
    }
}
