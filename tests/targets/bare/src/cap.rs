//! `CapTable`.

use annulet::cap::{Access, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle};

const N: usize = 8;
type Table = CapTable<N>;

pub fn run() {
    all(&mut Table::new());
}

fn handle(a: usize, b: usize) -> Handle<Cap> {
    Handle::new(a as u32, b as u32)
}

ops! {
    all[] Table:
    mint(table, a, b) {
        let rights = Rights::from_bits_truncate(b as u32);
        table.mint(Task(a as u32), Object::Opaque(b as u64), rights, 0).map_or(0, |cap| cap.index() as usize)
    }
    numbered(table, a, b) {
        *table = Table::numbered(a as u16);
        table.len() + b
    }
    grant(table, a, b) {
        let rights = Rights::from_bits_truncate(b as u32);
        table
            .grant(Task(a as u32), handle(a, b), Task(b as u32), rights, 7)
            .map_or(0, |cap| cap.to_raw() as usize)
    }
    check(table, a, b) {
        table.check(Task(a as u32), handle(a, b), Rights::READ).map_or(0, |authority| {
            let of_a_region = matches!(authority.object(), Object::Region(_));
            (authority.badge() as usize).wrapping_add(authority.holder().0 as usize) ^ usize::from(of_a_region)
        })
    }
    permits(table, a, b) {
        let need = Rights::from_bits_truncate(a as u32);
        table.permits(Task(a as u32), handle(a, b), b as u32, need).map_or(0, |region| region.index() as usize)
    }
    revoke(table, a, b) { table.revoke(Task(a as u32), handle(a, b)).unwrap_or(b) }
    destroy(table, a, b) { table.destroy(handle(a, b)).unwrap_or(b) }
    len(table, _, _) { table.len() + usize::from(table.is_empty()) }
    set_quota(table, a, b) { usize::from(table.set_quota(Task(a as u32), b as u32).is_ok()) }
    quota(table, a, b) {
        let quota = table.quota(Task(a as u32));
        (quota.limit ^ quota.used) as usize + b
    }
    reserve(table, _, _) { table.reserve() }
    retired(table, _, _) { table.retired() }
}
