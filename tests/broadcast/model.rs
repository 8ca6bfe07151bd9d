//! What a broadcast ring must do, said with a `VecDeque`.

use std::collections::VecDeque;

use annulet::ring::broadcast::{ReadError, Reader};
use annulet::words::Entry;

/// An item of three words that belong together.
pub type Item = [u32; 3];

pub fn item(number: u64) -> Item {
    let low = number as u32;
    [low, !low, low.rotate_left(16) ^ 0x5555_5555]
}

/// A writer that overwrites, as its readers see it.
pub struct Model {
    /// The items that are left.
    items: VecDeque<Item>,
    capacity: usize,
    /// Items published.
    pub published: u64,
}

impl Model {
    pub fn new(capacity: usize) -> Self {
        Self { items: VecDeque::new(), capacity, published: 0 }
    }

    /// The next items.
    pub fn publish(&mut self, count: usize) -> Vec<Item> {
        let items: Vec<Item> = (self.published..).map(item).take(count).collect();
        for item in &items {
            if self.items.len() == self.capacity {
                self.items.pop_front();
            }
            self.items.push_back(*item);
        }
        self.published += count as u64;
        items
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn oldest(&self) -> u64 {
        self.published - self.len() as u64
    }

    pub fn newest(&self) -> Result<Item, ReadError> {
        self.items.back().copied().ok_or(ReadError::Empty)
    }

    /// What a reader that comes to item `at` gets, and where it is then.
    pub fn read(&self, at: &mut u64) -> Result<Item, ReadError> {
        if *at < self.oldest() {
            let missed = self.oldest() - *at;
            *at = self.oldest();
            return Err(ReadError::Lagged(missed));
        }
        let item = self.items.get((*at - self.oldest()) as usize).copied().ok_or(ReadError::Empty)?;
        *at += 1;
        Ok(item)
    }

    /// The same for up to `count` items.
    pub fn read_many(&self, at: &mut u64, count: usize) -> Result<Vec<Item>, ReadError> {
        let mut items = Vec::new();
        while items.len() < count {
            match self.read(at) {
                Ok(item) => items.push(item),
                Err(ReadError::Empty) if !items.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(items)
    }

    /// Compares all that a reader that comes to item `at` can tell without moving on.
    pub fn check<const N: usize>(&self, reader: &Reader<'_, Item, N>, at: u64) {
        let lag = self.published - at;
        assert_eq!(reader.lag(), lag);
        assert_eq!(reader.len() as u64, lag.min(N as u64));
        assert_eq!(reader.is_empty(), lag == 0);
        assert_eq!((reader.capacity(), reader.backpressure().capacity()), (N, N));
        assert_eq!(reader.backpressure().behind(), reader.len());
        assert_eq!(reader.latest(), self.newest());
    }
}

/// Where positions start: at 0, and just before each place where something wraps.
pub fn origins(capacity: usize) -> Vec<usize> {
    let borders = [0, 1 << 7, 1 << 8, usize::MAX >> 1, usize::MAX];
    let near = |border: usize| [0, 1, 2, capacity, capacity + 1].map(|back| border.wrapping_sub(back));
    let all = borders.into_iter().flat_map(near);
    if cfg!(miri) { all.step_by(11).collect() } else { all.collect() }
}

/// A test for each of the functions, which are generic over the capacity.
macro_rules! over_every_capacity {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            super::$name::<1>();
            super::$name::<2>();
            super::$name::<4>();
            super::$name::<8>();
            #[cfg(not(any(annulet_narrow, miri)))]
            super::$name::<1024>();
            #[cfg(all(annulet_narrow, not(miri)))]
            super::$name::<128>();
        }
    )*};
}

/// An entry whose conversions panic when told to: 13 on its way in, and 14 on its way out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fuse(pub u32);

impl Entry for Fuse {
    type Image = [u32; 1];
    fn to_image(&self) -> [u32; 1] {
        assert_ne!(self.0, 13, "to");
        [self.0]
    }
    fn from_image([word]: [u32; 1]) -> Self {
        assert_ne!(word, 14, "from");
        Self(word)
    }
}
