//! How many signals does one link's protocol carry each second, if nothing carries the bytes?
//!
//! Two sessions in one thread; what one shows is copied once, as a road would, and fed to the other. The figure is the
//! cost of frames, order keys, credit and fragments alone: what a road and an encoding cost comes on top.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use holm_transport::{Event, Identity, Lane, Limits, NodeName, Role, Secret, Session, nonce};
use std::time::Duration;

/// Signals in a batch: what a turn of a busy link sends.
const BATCH: u64 = 64;

/// Two sessions that have met.
fn pair() -> (Session, Session) {
    let secret = Secret::generate().expect("the system has randomness");
    let session = |role, name: &str, node| {
        let identity = Identity { name: NodeName::new(name).expect("a short word is a name"), node };
        let nonce = nonce().expect("the system has randomness");
        Session::new(role, identity, &secret, Limits::default(), nonce, Duration::ZERO)
    };
    let (mut a, mut b) = (session(Role::Initiator, "a", 1), session(Role::Acceptor, "b", 2));
    while !(a.is_up() && b.is_up()) {
        carry(&mut a, &mut b);
        carry(&mut b, &mut a);
    }
    (a, b)
}

/// Carries what one session shows to the other; gives the number of signals that came out there.
fn carry(from: &mut Session, to: &mut Session) -> u64 {
    let bytes = from.out().to_vec();
    from.wrote(bytes.len());
    let mut signals = 0;
    let mut count = |event: Event<'_>| signals += u64::from(matches!(event, Event::Signal(_)));
    to.receive(&bytes, Duration::ZERO, &mut count).expect("two sound sessions agree");
    signals
}

fn bench(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(BATCH));
    for size in [16, 256, 4_096, 65_536] {
        let (mut a, mut b) = pair();
        let signal = vec![7; size];
        group.bench_function(BenchmarkId::new("bytes", size), |bencher| {
            bencher.iter(|| {
                for _ in 0..BATCH {
                    a.send(Lane::Data, 1, |out| out.extend_from_slice(&signal)).expect("the queue is short");
                }
                let mut arrived = 0;
                while arrived < BATCH {
                    arrived += carry(&mut a, &mut b);
                    carry(&mut b, &mut a); // credit
                }
                assert_eq!(arrived, BATCH);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench session`.
