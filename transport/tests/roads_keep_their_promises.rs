//! What every road promises, checked on each; then what only shared memory can do wrong.

use holm_transport::fdpass::{recv_fds, send_fds};
use holm_transport::shm::{CAPACITY_MIN, accept, offer};
use holm_transport::{MemoryRoad, Road, ShmRoad, StreamRoad};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

fn shm_pair(capacity: usize) -> (ShmRoad, ShmRoad) {
    let (here, there) = UnixStream::pair().unwrap();
    let acceptor = std::thread::spawn(move || accept(there).unwrap());
    (offer(here, capacity).unwrap(), acceptor.join().unwrap())
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (here, listener.accept().unwrap().0)
}

/// Each kind of road, both ends.
fn all_roads() -> Vec<(&'static str, Road, Road)> {
    let (shm_a, shm_b) = shm_pair(CAPACITY_MIN);
    let (memory_a, memory_b) = MemoryRoad::pair(5000).unwrap();
    let (unix_a, unix_b) = UnixStream::pair().unwrap();
    let (tcp_a, tcp_b) = tcp_pair();
    let unix = |stream| Road::Stream(StreamRoad::unix(stream).unwrap());
    let tcp = |stream| Road::Stream(StreamRoad::tcp(stream).unwrap());
    vec![
        ("shm", Road::Shm(shm_a), Road::Shm(shm_b)),
        ("memory", Road::Memory(memory_a), Road::Memory(memory_b)),
        ("unix", unix(unix_a), unix(unix_b)),
        ("tcp", tcp(tcp_a), tcp(tcp_b)),
    ]
}

fn would_block<T: std::fmt::Debug>(result: std::io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// Sleep until the road's descriptor is ready; false when it is not within five seconds.
fn sleep(road: &Road) -> bool {
    let flags = if road.wakes_by_writable() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
    wait(road, flags)
}

fn wait(road: &Road, flags: PollFlags) -> bool {
    let fd = road.fd();
    poll(&mut [PollFd::new(&fd, flags)], Some(&Timespec { tv_sec: 5, tv_nsec: 0 })).unwrap() == 1
}

/// Read with the sleeping rules until something comes.
fn read_patiently(road: &mut Road, buffer: &mut [u8]) -> usize {
    loop {
        match road.read(buffer) {
            Ok(length) => return length,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
        if road.prepare_sleep() {
            assert!(wait(road, PollFlags::IN), "the bell rings");
            road.awake();
            road.drain_bell();
        }
    }
}

/// Write with the sleeping rules until all is taken.
fn write_patiently(road: &mut Road, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match road.write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                if road.wait_for_room() {
                    assert!(sleep(road), "room is told");
                    road.awake();
                    road.drain_bell();
                }
            }
        }
    }
}

#[test]
fn what_is_written_is_read_and_then_it_would_block() {
    for (name, mut a, mut b) in all_roads() {
        let mut buffer = [0; 100];
        assert!(would_block(b.read(&mut buffer)), "{name}");
        assert!(!b.has_input(), "{name}");
        assert_eq!(a.write(b"").unwrap(), 0, "{name}");
        assert_eq!(a.write(b"hello").unwrap(), 5, "{name}");
        assert_eq!(read_patiently(&mut b, &mut buffer), 5, "{name}");
        assert_eq!(&buffer[..5], b"hello", "{name}");
        assert!(would_block(b.read(&mut buffer)), "{name}");
        b.write(b"back").unwrap();
        assert_eq!(read_patiently(&mut a, &mut buffer), 4, "{name}");
    }
}

#[test]
fn has_input_and_prepare_sleep_see_what_has_come() {
    for (name, mut a, mut b) in all_roads() {
        a.write(b"x").unwrap();
        while !b.has_input() {
            std::thread::yield_now();
        }
        assert!(b.wakes_by_writable() || !b.prepare_sleep(), "{name}");
        assert_eq!(b.read(&mut [0; 10]).unwrap(), 1, "{name}");
        assert!(!b.has_input(), "{name}");
    }
}

#[test]
fn a_full_road_takes_nothing_and_later_takes_more() {
    for (name, mut a, mut b) in all_roads() {
        let chunk = [7; 3000];
        let mut written = 0;
        loop {
            match a.write(&chunk) {
                Ok(length) => written += length,
                Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock, "{name}"),
            }
        }
        assert!(a.wait_for_room() || a.wakes_by_writable(), "{name}");
        let mut read = 0;
        while read < written {
            read += read_patiently(&mut b, &mut [0; 10_000]);
        }
        assert_eq!(read, written, "{name}");
        assert!(sleep(&a), "{name}: room is told");
        a.awake();
        a.drain_bell();
        assert!(a.write(&chunk).unwrap() > 0, "{name}");
    }
}

#[test]
fn two_threads_that_sleep_between_bytes_never_miss_each_other() {
    for (name, mut a, mut b) in all_roads() {
        let echo = std::thread::spawn(move || {
            let mut buffer = [0; 64];
            for _ in 0..2000 {
                let length = read_patiently(&mut b, &mut buffer);
                write_patiently(&mut b, &buffer[..length]);
            }
        });
        for round in 0..2000_u32 {
            write_patiently(&mut a, &round.to_le_bytes());
            let mut answer = [0; 4];
            let mut have = 0;
            while have < 4 {
                have += read_patiently(&mut a, &mut answer[have..]);
            }
            assert_eq!(u32::from_le_bytes(answer), round, "{name}");
        }
        drop(a);
        echo.join().unwrap();
    }
}

#[test]
fn a_long_stream_through_a_narrow_road_arrives_byte_for_byte() {
    for (name, mut a, mut b) in all_roads() {
        let all = (0..2_000_000_u32).map(|index| (index % 251) as u8).collect::<Vec<_>>();
        let expected = all.clone();
        let writer = std::thread::spawn(move || write_patiently(&mut a, &all));
        let mut read = Vec::new();
        let mut buffer = vec![0; 3001];
        loop {
            let length = read_patiently(&mut b, &mut buffer);
            if length == 0 {
                break;
            }
            read.extend_from_slice(&buffer[..length]);
        }
        writer.join().unwrap();
        assert!(read == expected, "{name}: {} bytes of {}", read.len(), expected.len());
    }
}

#[test]
fn the_end_of_the_peer_wakes_a_sleeper_and_comes_after_all_it_wrote() {
    for (name, mut a, mut b) in all_roads() {
        a.write(b"last words").unwrap();
        let mut buffer = [0; 100];
        assert_eq!(read_patiently(&mut b, &mut buffer), 10, "{name}");
        let sleeper = std::thread::spawn(move || (read_patiently(&mut b, &mut buffer), b));
        drop(a);
        let (length, mut b) = sleeper.join().unwrap();
        assert_eq!(length, 0, "{name}");
        assert!(b.has_input(), "{name}: an end is something to read");
        assert_eq!(b.read(&mut buffer).unwrap(), 0, "{name}: and it stays");
    }
}

#[test]
fn bytes_written_before_the_end_are_read_although_the_end_is_known() {
    for (name, mut a, mut b) in all_roads() {
        a.write(b"last words").unwrap();
        drop(a);
        assert!(wait(&b, PollFlags::IN), "{name}");
        b.drain_bell();
        let mut buffer = [0; 100];
        assert_eq!(b.read(&mut buffer).unwrap(), 10, "{name}");
        assert_eq!(b.read(&mut buffer).unwrap(), 0, "{name}");
    }
}

#[test]
fn a_writer_that_waits_for_room_learns_of_the_readers_end() {
    for (name, mut a, b) in all_roads() {
        while a.write(&[0; 4096]).is_ok() {}
        if a.wait_for_room() {
            drop(b);
            assert!(sleep(&a), "{name}");
        } else {
            drop(b);
        }
        a.awake();
        a.drain_bell();
        let error = a.write(&[0; 10]).expect_err(name);
        assert_ne!(error.kind(), ErrorKind::WouldBlock, "{name}");
    }
}

#[test]
fn descriptors_of_roads_do_not_outlive_an_exec() {
    let (a, b) = shm_pair(CAPACITY_MIN);
    let (c, d) = MemoryRoad::pair(1).unwrap();
    for road in [Road::Shm(a), Road::Shm(b), Road::Memory(c), Road::Memory(d)] {
        let flags = rustix::io::fcntl_getfd(road.fd()).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
}

#[test]
fn passed_descriptors_work_and_are_close_on_exec() {
    let (here, there) = UnixStream::pair().unwrap();
    let (mut kept, passed) = UnixStream::pair().unwrap();
    send_fds(&here, b"take this", &[passed.as_fd()]).unwrap();
    drop(passed);
    let mut buffer = [0; 100];
    let (length, mut fds) = recv_fds(&there, &mut buffer, 4).unwrap();
    assert_eq!((&buffer[..length], fds.len()), (&b"take this"[..], 1));
    assert!(rustix::io::fcntl_getfd(&fds[0]).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    UnixStream::from(fds.remove(0)).write_all(b"through it").unwrap();
    let mut text = String::new();
    kept.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through it");
}

#[test]
fn more_descriptors_than_expected_are_refused_and_closed() {
    let (here, there) = UnixStream::pair().unwrap();
    let (mut kept, passed) = UnixStream::pair().unwrap();
    send_fds(&here, b"x", &[passed.as_fd(), passed.as_fd(), passed.as_fd()]).unwrap();
    drop(passed);
    assert_eq!(recv_fds(&there, &mut [0; 10], 1).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(kept.read(&mut [0; 1]).unwrap(), 0, "no copy of the descriptor is left open");
    assert!(send_fds(&here, b"", &[]).is_err());
    assert!(recv_fds(&there, &mut [0; 10], 65).is_err());
}

#[test]
fn an_acceptor_refuses_anything_but_an_offer() {
    let refuse = |bytes: &[u8], fds: &[rustix::fd::BorrowedFd<'_>]| {
        let (here, there) = UnixStream::pair().unwrap();
        send_fds(&here, bytes, fds).unwrap();
        assert!(accept(there).is_err());
    };
    let null = std::fs::File::open("/dev/null").unwrap();
    refuse(b"HOLMSHM1", &[]);
    refuse(b"HOLMSHM1", &[null.as_fd()]);
    refuse(b"HOLMSHM1", &[null.as_fd(), null.as_fd()]);
    refuse(b"HOLM", &[null.as_fd()]);
    refuse(b"NOTHOLM1", &[null.as_fd()]);
}

#[test]
fn an_offer_to_a_peer_that_closes_or_answers_nonsense_is_an_error() {
    let (here, there) = UnixStream::pair().unwrap();
    drop(there);
    assert!(offer(here, CAPACITY_MIN).is_err());
    let (here, mut there) = UnixStream::pair().unwrap();
    there.write_all(&[99]).unwrap();
    assert!(offer(here, CAPACITY_MIN).is_err());
}

#[test]
fn roads_and_sessions_may_move_to_another_thread() {
    fn may_move<T: Send + 'static>() {}
    may_move::<Road>();
    may_move::<holm_transport::Session>();
}
