//! A worker's timers: sleeps and timed calls on its wheel, set, cancelled and due.
//!
//! Only this worker touches the wheel. A timed call may be cancelled from elsewhere, so in a pool of several schedulers
//! it is claimed before it is made or cancelled; see [`claims`](crate::claims).

use super::Worker;
use crate::{
    task::quietly,
    timer::{Expiry, TimerKey},
    wheel::Key,
};
use std::task::Waker;

/// Timers that fire at one look; the next ones wait for the next. Their calls are short, but a hundred thousand of them
/// are not.
const EXPIRED_MAX: usize = 256;

impl Worker {
    fn key(&self, key: Key) -> TimerKey {
        TimerKey { scheduler: self.index as u32, key }
    }

    pub(crate) fn set_sleep(&self, deadline_ns: u64, waker: Waker) -> TimerKey {
        self.key(self.wheel.borrow_mut().set(deadline_ns, Expiry::Wake(waker)))
    }

    #[inline]
    pub(crate) fn set_call(&self, deadline_ns: u64, call: Box<dyn FnOnce() + Send>) -> TimerKey {
        let key = self.wheel.borrow_mut().set(deadline_ns, Expiry::Call(call));
        self.arm(key);
        self.key(key)
    }

    pub(crate) fn reserve(&self, deadline_ns: u64) -> TimerKey {
        self.key(self.wheel.borrow_mut().reserve(deadline_ns))
    }

    pub(crate) fn fill_call(&self, timer: TimerKey, call: Box<dyn FnOnce() + Send>) {
        self.wheel.borrow_mut().fill(timer.key, Expiry::Call(call));
        self.arm(timer.key);
    }

    pub(crate) fn give_up(&self, timer: TimerKey) {
        self.wheel.borrow_mut().give_up(timer.key);
    }

    pub(crate) fn cancel_sleep(&self, timer: TimerKey) {
        if timer.scheduler as usize != self.index {
            return self.pool.remote(timer.scheduler as usize).cancels.lock().push(timer.key);
        }
        let waker = self.wheel.borrow_mut().cancel(timer.key);
        drop(waker); // the wheel is free again
    }

    /// True if the call had not been made: it will not be.
    pub(crate) fn cancel_call(&self, timer: TimerKey) -> bool {
        if timer.scheduler as usize != self.index {
            let owner = self.pool.remotes.get(timer.scheduler as usize);
            return owner.is_some_and(|owner| owner.cancel_call(timer.key));
        }
        if !self.take(timer.key) {
            return false;
        }
        let call = self.wheel.borrow_mut().cancel(timer.key);
        call.is_some() // what it holds is dropped when the wheel is free again
    }

    #[inline]
    fn arm(&self, key: Key) {
        if !self.alone && !self.claims.borrow().arm(key) {
            self.resize_claims();
            self.claims.borrow().arm(key);
        }
    }

    /// True if a timed call is this worker's to make or to drop.
    #[inline]
    fn take(&self, key: Key) -> bool {
        self.alone || self.claims.borrow().take(key)
    }

    #[cold]
    fn resize_claims(&self) {
        let mut claims = self.claims.borrow_mut();
        claims.resize(self.wheel.borrow().entries());
        self.remote().claims.lock().clone_from(&claims);
    }

    pub(super) fn expire(&self, now_ns: u64) {
        self.take_off_cancelled();
        if self.wheel.borrow().len() == 0 {
            return;
        }
        let mut due = Vec::new();
        let more = self.wheel.borrow_mut().expire(now_ns, EXPIRED_MAX, |key, expiry| due.push((key, expiry)));
        if more {
            self.look_again_soon();
        }
        for (key, expiry) in due {
            match expiry {
                Expiry::Wake(waker) => quietly(|| waker.wake()),
                Expiry::Call(call) if self.take(key) => quietly(call),
                Expiry::Call(call) => quietly(|| drop(call)),
            }
        }
    }

    fn take_off_cancelled(&self) {
        let cancels = std::mem::take(&mut *self.remote().cancels.lock());
        for key in cancels {
            let expiry = self.wheel.borrow_mut().cancel(key);
            quietly(|| drop(expiry));
        }
        if self.claims.borrow().exceeds(self.wheel.borrow().entries()) {
            self.resize_claims();
        }
    }
}
