//! [`Ramp`]: how many attempts may run at once, learnt from what the platform and the store refuse.
//!
//! Additive increase and multiplicative decrease, as TCP has it: each success adds one, so that the limit doubles with
//! each round of tasks, and a throttle takes a quarter of what runs, at most once in a while: a burst of refusals is one
//! piece of news.

use std::time::Duration;

/// News of a throttle that comes sooner after another is the same news.
const CUT_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Ramp {
    limit: usize,
    limit_max: usize,
    cut_at: Option<Duration>,
    /// Since when nothing but throttles has come.
    since: Option<Duration>,
}

impl Ramp {
    pub(super) fn new(limit_max: usize) -> Self {
        let limit_max = limit_max.max(1);
        Self { limit: limit_max, limit_max, cut_at: None, since: None }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn succeeded(&mut self) {
        self.limit = (self.limit + 1).min(self.limit_max);
        self.since = None;
    }

    /// `running` are those that go on.
    pub(super) fn throttled(&mut self, running: usize, now: Duration) {
        self.since.get_or_insert(now);
        if self.cut_at.is_none_or(|at| now >= at + CUT_PAUSE) {
            self.cut_at = Some(now);
            self.limit = (running * 3 / 4).max(1);
        }
    }

    /// How long nothing but throttles has come.
    pub(super) fn throttled_for(&self, now: Duration) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_of_refusals_is_one_cut_and_successes_bring_it_back() {
        let mut ramp = Ramp::new(1000);
        let at = Duration::from_millis;
        (0..500).for_each(|ms| ramp.throttled(400, at(ms)));
        assert_eq!(ramp.limit(), 300);
        ramp.throttled(300, at(600));
        assert_eq!(ramp.limit(), 225);
        assert_eq!(ramp.throttled_for(at(600)), at(600));
        (0..10_000).for_each(|_| ramp.succeeded());
        assert_eq!((ramp.limit(), ramp.throttled_for(at(700))), (1000, Duration::ZERO));
        ramp.throttled(0, at(5000));
        assert_eq!(ramp.limit(), 1, "something has to run for anything to be learnt");
    }
}
