//! What does a byte cost on its way to another node, road by road, if nobody sleeps?
//!
//! One thread writes to one end and reads from the other, so no figure has a wake or a second core in it: the ring in
//! shared memory, a pair of Unix sockets, TCP over the loopback address, and the road in memory that tests use.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use holm_transport::{MemoryRoad, Road, StreamRoad, shm};
use std::{
    io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    thread,
};

/// Makes both ends of a road.
type Pair = fn() -> io::Result<(Road, Road)>;

const CAPACITY: usize = 1 << 20;

fn memory() -> io::Result<(Road, Road)> {
    MemoryRoad::pair(CAPACITY).map(|(a, b)| (Road::Memory(a), Road::Memory(b)))
}

fn shared() -> io::Result<(Road, Road)> {
    let (a, b) = UnixStream::pair()?;
    let offers = thread::spawn(move || shm::offer(a, CAPACITY));
    let accepted = shm::accept(b)?;
    Ok((Road::Shm(offers.join().expect("offering does not panic")?), Road::Shm(accepted)))
}

fn unix() -> io::Result<(Road, Road)> {
    let (a, b) = UnixStream::pair()?;
    Ok((Road::Stream(StreamRoad::unix(a)?), Road::Stream(StreamRoad::unix(b)?)))
}

fn tcp() -> io::Result<(Road, Road)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let a = TcpStream::connect(listener.local_addr()?)?;
    let (b, _) = listener.accept()?;
    Ok((Road::Stream(StreamRoad::tcp(a)?), Road::Stream(StreamRoad::tcp(b)?)))
}

/// Writes all of `bytes` and reads as much, by turns where the road is shorter than the bytes.
fn cross(from: &mut Road, to: &mut Road, bytes: &[u8], buffer: &mut [u8]) {
    let (mut written, mut read) = (0, 0);
    while read < bytes.len() {
        written += would_block_is_zero(if written < bytes.len() { from.write(&bytes[written..]) } else { Ok(0) });
        read += would_block_is_zero(to.read(buffer));
    }
}

fn would_block_is_zero(moved: io::Result<usize>) -> usize {
    match moved {
        Ok(moved) => moved,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
        Err(error) => panic!("the road ended: {error}"),
    }
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("roads");
    let roads: [(&str, Pair); 4] = [("shm", shared), ("memory", memory), ("unix", unix), ("tcp", tcp)];
    for (name, pair) in roads {
        let (mut from, mut to) = pair().expect("the system has descriptors");
        for size in [64, 4_096, 65_536] {
            let (bytes, mut buffer) = (vec![7; size], vec![0; 65_536]);
            group.throughput(Throughput::Bytes(size as u64));
            group.bench_function(BenchmarkId::new(name, size), |b| {
                b.iter(|| cross(&mut from, &mut to, &bytes, &mut buffer));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench roads`.
