//! [`Admission`]: many jobs share one limit of concurrent calls, fairly.
//!
//! Fair is max-min: nobody gets more than it asks for, and what one leaves goes to the others in equal parts. A job's
//! share may shrink below what it runs; nothing is ended for that, it only starts nothing new.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

/// The shares of jobs that ask for `demands` at once of `total`. Each job that asks for any gets one at least, so that
/// it can go on: with more jobs than calls, the platform's throttle has the last word.
pub fn fair_shares(total: usize, demands: &[usize]) -> Vec<usize> {
    let mut shares = vec![0; demands.len()];
    let mut order: Vec<usize> = (0..demands.len()).filter(|job| demands[*job] > 0).collect();
    order.sort_by_key(|job| demands[*job]);
    let (mut left, mut jobs) = (total, order.len());
    for job in order {
        // Those that are left ask for no less than this one: an equal part is what it may have.
        let share = demands[job].min(left.div_ceil(jobs)).max(1);
        shares[job] = share;
        left = left.saturating_sub(share);
        jobs -= 1;
    }
    shares
}

/// A limit of concurrent calls and the jobs that share it. A clone is the same limit.
#[derive(Debug, Clone)]
pub struct Admission {
    total: usize,
    jobs: Arc<Mutex<Jobs>>,
}

#[derive(Debug, Default)]
struct Jobs {
    next: u64,
    /// In the order in which they came.
    demands: BTreeMap<u64, (usize, watch::Sender<usize>)>,
}

/// A job's place; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct Admitted {
    admission: Admission,
    id: u64,
    demand: usize,
    share: watch::Receiver<usize>,
}

impl Admission {
    /// At most `total` calls at once.
    pub fn new(total: usize) -> Self {
        Self { total: total.max(1), jobs: Arc::default() }
    }

    pub(crate) fn enter(&self) -> Admitted {
        let mut jobs = self.jobs.lock();
        let id = jobs.next;
        jobs.next += 1;
        let (sender, share) = watch::channel(self.total);
        jobs.demands.insert(id, (0, sender));
        Admitted { admission: self.clone(), id, demand: 0, share }
    }

    fn ask(&self, id: u64, demand: usize) {
        let mut jobs = self.jobs.lock();
        if let Some((asked, _)) = jobs.demands.get_mut(&id) {
            *asked = demand;
        }
        self.share_out(&jobs);
    }

    fn leave(&self, id: u64) {
        let mut jobs = self.jobs.lock();
        jobs.demands.remove(&id);
        self.share_out(&jobs);
    }

    fn share_out(&self, jobs: &Jobs) {
        let demands: Vec<usize> = jobs.demands.values().map(|(demand, _)| *demand).collect();
        for (share, (_, sender)) in fair_shares(self.total, &demands).into_iter().zip(jobs.demands.values()) {
            sender.send_if_modified(|known| std::mem::replace(known, share.max(1)) != share.max(1));
        }
    }
}

impl Admitted {
    /// How many calls the job could make now. Told on only when it differs.
    pub fn ask(&mut self, demand: usize) {
        if demand != self.demand {
            self.demand = demand;
            self.admission.ask(self.id, demand);
        }
    }

    #[cfg(test)]
    fn share(&self) -> usize {
        *self.share.borrow()
    }

    /// Waits for another share.
    pub async fn changed(&mut self) -> usize {
        if self.share.changed().await.is_err() {
            // The limit is gone with its other jobs; this one keeps what it has.
            std::future::pending::<()>().await;
        }
        *self.share.borrow_and_update()
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.admission.leave(self.id);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_max_min_fair() {
        assert_eq!(fair_shares(100, &[1000, 1000]), [50, 50]);
        assert_eq!(fair_shares(100, &[10, 1000]), [10, 90]);
        assert_eq!(fair_shares(100, &[1000, 0, 5, 1000]), [48, 0, 5, 47]);
        assert_eq!(fair_shares(2, &[9, 9, 9]), [1, 1, 1]);
        assert!(fair_shares(5, &[]).is_empty());
    }

    #[test]
    fn a_job_that_leaves_gives_its_share_to_the_others() {
        let admission = Admission::new(10);
        let (mut one, mut two) = (admission.enter(), admission.enter());
        one.ask(100);
        assert_eq!(one.share(), 10);
        two.ask(100);
        assert_eq!((one.share(), two.share()), (5, 5));
        drop(one);
        assert_eq!(two.share(), 10);
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_asked_and_nothing_is_left_over(
            total in 1usize..500,
            demands in proptest::collection::vec(0usize..200, 0..20),
        ) {
            let shares = fair_shares(total, &demands);
            prop_assert!(shares.iter().zip(&demands).all(|(share, demand)| share <= demand));
            let asking = demands.iter().filter(|demand| **demand > 0).count();
            let given: usize = shares.iter().sum();
            if asking <= total {
                prop_assert_eq!(given, total.min(demands.iter().sum()));
            }
            // Who gets less than asked gets no less than anybody else, but for a remainder.
            let most = shares.iter().max().copied().unwrap_or(0);
            prop_assert!(shares.iter().zip(&demands).all(|(share, demand)| share == demand || share + 1 >= most));
        }
    }
}
