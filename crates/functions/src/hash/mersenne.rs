//! The Mersenne Twister MT19937, which Spark's `uuid` and `shuffle` take their numbers from.
//!
//! Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number
//! generator", 1998.

const SIZE: usize = 624;
const MIDDLE: usize = 397;

#[derive(Debug)]
pub(crate) struct MersenneTwister {
    state: Vec<u32>,
    next: usize,
}

impl MersenneTwister {
    /// Seeded with the two halves of `seed`, as Apache Commons Math does.
    pub fn new(seed: i64) -> Self {
        let keys = [(seed as u64 >> 32) as u32, seed as u32];
        let mut state = vec![19_650_218_u32; SIZE];
        for index in 1..SIZE {
            state[index] = spread(&state, index, 1_812_433_253).wrapping_add(index as u32);
        }
        let mut index = 1;
        for round in 0..SIZE {
            let key = round % keys.len();
            let mixed = state[index] ^ spread(&state, index, 1_664_525);
            state[index] = mixed.wrapping_add(keys[key]).wrapping_add(key as u32);
            index = following(&mut state, index);
        }
        for _ in 1..SIZE {
            let mixed = state[index] ^ spread(&state, index, 1_566_083_941);
            state[index] = mixed.wrapping_sub(index as u32);
            index = following(&mut state, index);
        }
        state[0] = 0x8000_0000;
        Self { state, next: SIZE }
    }

    fn twist(&mut self) {
        for index in 0..SIZE {
            let bits = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % SIZE] & 0x7FFF_FFFF);
            let odd = if bits & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[index] = self.state[(index + MIDDLE) % SIZE] ^ (bits >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn bits(&mut self) -> u32 {
        if self.next == SIZE {
            self.twist();
        }
        let mut bits = self.state[self.next];
        self.next += 1;
        bits ^= bits >> 11;
        bits ^= (bits << 7) & 0x9D2C_5680;
        bits ^= (bits << 15) & 0xEFC6_0000;
        bits ^ (bits >> 18)
    }

    pub fn long(&mut self) -> u64 {
        u64::from(self.bits()) << 32 | u64::from(self.bits())
    }

    /// From 0 on and below `limit`, which is above 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        if limit.is_power_of_two() {
            return ((u64::from(limit) * u64::from(self.bits() >> 1)) >> 31) as u32;
        }
        loop {
            let bits = self.bits() >> 1;
            let value = bits % limit;
            // Numbers of the last, incomplete round would be more frequent than others.
            if bits - value <= i32::MAX as u32 - (limit - 1) {
                return value;
            }
        }
    }

    /// The numbers below `count` in another order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order = Vec::with_capacity(count);
        for index in 0..count {
            let place = self.below(index as u32 + 1) as usize;
            order.push(index);
            order.swap(place, index);
        }
        order
    }
}

fn spread(state: &[u32], index: usize, factor: u32) -> u32 {
    let last = state[index - 1];
    (last ^ (last >> 30)).wrapping_mul(factor)
}

/// The next place; behind the last one comes the second, with the last's value in the first.
fn following(state: &mut [u32], index: usize) -> usize {
    if index + 1 < SIZE {
        return index + 1;
    }
    state[0] = state[SIZE - 1];
    1
}
