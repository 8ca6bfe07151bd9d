//! Which tuples are entries: those of up to eight parts.

/// Gives a macro the parts of each tuple, with a name for each.
macro_rules! for_each_tuple {
    ($each:ident) => {
        $each! {}
        $each! { A a }
        $each! { A a B b }
        $each! { A a B b C c }
        $each! { A a B b C c D d }
        $each! { A a B b C c D d E e }
        $each! { A a B b C c D d E e F f }
        $each! { A a B b C c D d E e F f G g }
        $each! { A a B b C c D d E e F f G g H h }
    };
}
pub(super) use for_each_tuple;
