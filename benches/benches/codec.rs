//! What does encoding and decoding add to a message that crosses a wall?
//!
//! The runtime encodes with postcard into a buffer that is kept, and decodes with a check that no byte is left over;
//! so does this. `small` is a typical request, `text` carries 1 KiB of words, `numbers` 1,000 of them, `bytes` 4 KiB
//! in one piece.

use criterion::{Criterion, criterion_group, criterion_main};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt::Debug, hint::black_box};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Ask {
    Transfer { from: u64, to: u64, cents: i64, urgent: bool },
    Say(String),
    Add(Vec<u32>),
    Store(#[serde(with = "bytes")] Vec<u8>),
}

/// Bytes in one piece, as a message type would hold them that cares.
mod bytes {
    use serde::{Deserializer, Serializer, de};
    use std::fmt;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

fn encode<M: Serialize>(message: &M, mut into: Vec<u8>) -> Vec<u8> {
    into.clear();
    postcard::to_extend(message, into).expect("these messages can be encoded")
}

fn decode<M: DeserializeOwned>(bytes: &[u8]) -> M {
    let (message, rest) = postcard::take_from_bytes(bytes).expect("it was just encoded");
    assert!(rest.is_empty());
    message
}

fn bench(criterion: &mut Criterion) {
    let messages = [
        ("small", Ask::Transfer { from: 1 << 40, to: 7, cents: -12_345, urgent: true }),
        ("text", Ask::Say("holm ".repeat(205))),
        ("numbers", Ask::Add((0..1_000).map(|number| number * 4_001).collect())),
        ("bytes", Ask::Store(vec![7; 4_096])),
    ];
    let mut group = criterion.benchmark_group("codec");
    for (name, message) in &messages {
        let mut buffer = encode(message, Vec::new());
        assert_eq!(&decode::<Ask>(&buffer), message);
        let encoded = buffer.clone();
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| buffer = encode(black_box(message), std::mem::take(&mut buffer)));
        });
        group.bench_function(format!("decode/{name}"), |b| b.iter(|| decode::<Ask>(black_box(&encoded))));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench codec`.
