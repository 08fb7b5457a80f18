//! Bind orders are Erlang's, CPU for CPU.
//!
//! `data/bind-orders.json` was printed by Erlang/OTP 25.2.3 itself, for ten machines given to it as `+sct`.

mod support;

use holm_affinity::{BindType, bind_order};
use support::sct;

#[test]
fn every_machine_and_bind_type_has_erlang_s_order() {
    let text = include_str!("data/bind-orders.json");
    let data: serde_json::Value = serde_json::from_str(text).expect("the file is JSON");
    let mut orders = 0;
    for (name, entry) in data["machines"].as_object().expect("machines by name") {
        let machine = sct::machine(entry["sct"].as_str().expect("a topology"));
        for (bind, order) in entry["bind"].as_object().expect("orders by bind type") {
            let bind: BindType = bind.parse().expect("Erlang's names are ours");
            let order: Vec<u32> = serde_json::from_value(order.clone()).expect("CPU numbers");
            assert_eq!(bind_order(&machine, bind), order, "{name}, {bind}");
            orders += 1;
        }
    }
    assert_eq!(orders, 80);
}

#[test]
fn cpus_that_are_not_allowed_or_offline_are_left_out_without_reordering_the_rest() {
    let mut machine = sct::machine("L0-1t0-1c0p0n0:L2-3t0-1c1p0n0:L4-5t0-1c0p1n1:L6-7t0-1c1p1n1");
    let full = bind_order(&machine, BindType::Spread);
    machine.cpus[0].allowed = false;
    machine.cpus[6].allowed = false;
    let rest: Vec<u32> = full.into_iter().filter(|cpu| ![0, 6].contains(cpu)).collect();
    assert_eq!(bind_order(&machine, BindType::Spread), rest);
    machine.cpus[3].online = false;
    assert!(!bind_order(&machine, BindType::Spread).contains(&3));
}

#[test]
fn unbound_has_no_order() {
    assert!(bind_order(&sct::machine("L0-3c0-3"), BindType::Unbound).is_empty());
}

#[test]
fn bind_types_have_erlang_s_short_and_long_names() {
    for bind in BindType::ALL {
        assert_eq!(bind.short_name().parse(), Ok(bind));
        assert_eq!(bind.to_string().parse(), Ok(bind));
    }
    assert_eq!("tnnps".parse(), Ok(BindType::ThreadNoNodeProcessorSpread));
    assert_eq!("db".parse(), Ok(BindType::DefaultBind));
}

#[test]
fn an_unknown_bind_type_is_answered_with_the_known_ones() {
    let error = "spreads".parse::<BindType>().unwrap_err().to_string();
    assert!(error.starts_with("\"spreads\" is not a bind type; known are u (unbound), ns (no_spread), "), "{error}");
    assert!(error.ends_with("db (default_bind)"), "{error}");
}
