//! How many invocations may run at once: a pure account of the account's and the functions' limits.
//! Rules: "Lambda function scaling" and "Configuring reserved concurrency" of the Lambda developer guide. The rate at
//! which AWS adds environments (1,000 per 10 s and function) is not modelled.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::api_error::Throttle;

/// AWS keeps this much of the account's concurrency for functions without a reservation.
const UNRESERVED_MIN: usize = 100;

#[derive(Debug)]
pub(super) struct Concurrency {
    account: usize,
    reserved: HashMap<String, usize>,
    running: HashMap<String, usize>,
}

impl Concurrency {
    pub(super) fn new(account: usize) -> Self {
        Self { account, reserved: HashMap::new(), running: HashMap::new() }
    }

    pub(super) fn account(&self) -> usize {
        self.account
    }

    /// What functions without a reservation share.
    pub(super) fn unreserved(&self) -> usize {
        self.account.saturating_sub(self.reserved.values().sum())
    }

    /// Sets or lifts a function's reservation; `Err` is the least that must stay unreserved.
    pub(super) fn reserve(&mut self, function: &str, reservation: Option<usize>) -> Result<(), usize> {
        let Some(reservation) = reservation else {
            self.reserved.remove(function);
            return Ok(());
        };
        // An account smaller than AWS gives out is there for tests, which want to reserve what there is.
        let unreserved_min = if self.account > UNRESERVED_MIN { UNRESERVED_MIN } else { 0 };
        let others: usize = self.reserved.iter().filter(|(name, _)| *name != function).map(|(_, n)| n).sum();
        if reservation + others + unreserved_min > self.account {
            return Err(unreserved_min);
        }
        self.reserved.insert(function.to_owned(), reservation);
        Ok(())
    }

    /// Counts one more invocation, if the limits leave room.
    fn admit(&mut self, function: &str) -> Result<(), Throttle> {
        if let Some(limit) = self.reserved.get(function) {
            if self.running.get(function).is_some_and(|running| running >= limit) || *limit == 0 {
                return Err(Throttle::Function);
            }
        } else {
            let unreserved = self.running.iter().filter(|(name, _)| !self.reserved.contains_key(*name));
            if unreserved.map(|(_, running)| running).sum::<usize>() >= self.unreserved() {
                return Err(Throttle::Account);
            }
        }
        *self.running.entry(function.to_owned()).or_default() += 1;
        Ok(())
    }

    fn release(&mut self, function: &str) {
        if let Some(running) = self.running.get_mut(function) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(function);
            }
        }
    }
}

/// One running invocation's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Permit {
    concurrency: Arc<Mutex<Concurrency>>,
    function: String,
}

impl Permit {
    pub(super) fn acquire(concurrency: &Arc<Mutex<Concurrency>>, function: &str) -> Result<Self, Throttle> {
        concurrency.lock().admit(function)?;
        Ok(Self { concurrency: Arc::clone(concurrency), function: function.to_owned() })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.concurrency.lock().release(&self.function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_bounds_its_function_and_takes_from_the_others() {
        let mut limits = Concurrency::new(3);
        assert_eq!(limits.reserve("a", Some(2)), Ok(()));
        assert_eq!((limits.admit("a"), limits.admit("a")), (Ok(()), Ok(())));
        assert_eq!(limits.admit("a"), Err(Throttle::Function));
        assert_eq!(limits.admit("b"), Ok(()));
        assert_eq!(limits.admit("c"), Err(Throttle::Account));
        limits.release("b");
        assert_eq!(limits.admit("c"), Ok(()));
        limits.release("a");
        assert_eq!(limits.admit("a"), Ok(()));
    }

    #[test]
    fn a_reservation_of_nothing_stops_a_function() {
        let mut limits = Concurrency::new(3);
        assert_eq!(limits.reserve("a", Some(0)), Ok(()));
        assert_eq!(limits.admit("a"), Err(Throttle::Function));
        assert_eq!(limits.reserve("a", None), Ok(()));
        assert_eq!(limits.admit("a"), Ok(()));
    }

    #[test]
    fn a_hundred_stay_unreserved() {
        let mut limits = Concurrency::new(1000);
        assert_eq!(limits.reserve("a", Some(901)), Err(100));
        assert_eq!(limits.reserve("a", Some(900)), Ok(()));
        assert_eq!(limits.reserve("b", Some(1)), Err(100));
        assert_eq!(limits.reserve("a", Some(899)), Ok(()));
        assert_eq!(limits.reserve("b", Some(1)), Ok(()));
        assert_eq!(limits.unreserved(), 100);
    }
}
