//! What a ring must do, said with a `VecDeque`.

pub use crate::ops::Model;
use crate::rings::{Put, Rx, Take, Tx};

impl<T: Clone + PartialEq + std::fmt::Debug> Model<T> {
    /// How many of `wanted` items a form puts in.
    pub fn accepts(&self, form: Put, wanted: usize) -> usize {
        match form {
            Put::One | Put::Iter => wanted.min(self.free()),
            Put::Claim | Put::ClaimFill => wanted.min(self.free_run()),
            Put::Exact | Put::ExactUninit => {
                if wanted <= self.free() {
                    wanted
                } else {
                    0
                }
            }
        }
    }

    /// How many of `wanted` items a form takes out.
    pub fn yields(&self, form: Take, wanted: usize) -> usize {
        match form {
            Take::Read => wanted.min(self.item_run()),
            Take::One | Take::Drain | Take::Consume | Take::Skip | Take::ReadParts => wanted.min(self.len()),
        }
    }

    /// Puts the same items into both and compares.
    pub fn put(&mut self, tx: &mut impl Tx<T>, form: Put, wanted: usize, mut item: impl FnMut() -> T) {
        let expected = self.accepts(form, wanted);
        let mut given = Vec::new();
        let mut items = (0..wanted).map(|_| {
            given.push(item());
            given.last().unwrap().clone()
        });
        let count = tx.put(form, wanted, &mut items);
        assert_eq!(count, expected, "{form:?} of {wanted} into a ring with {} free", self.free());
        assert_eq!(given.len(), expected, "{form:?} took an item without a slot for it");
        self.push_all(given);
        self.check_tx(tx);
    }

    /// Takes items out of both and compares.
    pub fn take(&mut self, rx: &mut impl Rx<T>, form: Take, wanted: usize) {
        let expected = self.yields(form, wanted);
        let mut seen = Vec::new();
        let count = rx.take(form, wanted, &mut |item| seen.push(item.clone()));
        assert_eq!(count, expected, "{form:?} of {wanted} from a ring of {}", self.len());
        // A skip is preceded by a look at as much as is wanted.
        assert_eq!(seen, self.pop_many(expected), "{form:?} of {wanted}");
        self.check_rx(rx);
    }

    /// Compares everything an end can tell without changing anything.
    pub fn check_tx(&self, tx: &impl Tx<T>) {
        assert_eq!(tx.says(), self.says());
    }

    /// The same for a consumer, with every item.
    pub fn check_rx(&self, rx: &mut impl Rx<T>) {
        assert_eq!(rx.says(), self.says());
        let Some(next) = rx.peek() else { return };
        assert_eq!(next, self.items().next());
        let mut items = self.items();
        assert!(rx.look(&mut |item| assert_eq!(Some(item), items.next())));
        assert_eq!(items.next(), None);
        assert_eq!(rx.says(), self.says(), "looking changed something");
    }
}
