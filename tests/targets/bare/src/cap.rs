//! `CapTable`.

use annulet::cap::{Access, CapTable, Object, Rights, Task};
use annulet::handle::{Cap, Handle};

use crate::{Op, call_all};

const N: usize = 8;
type Table = CapTable<N>;

pub fn run() {
    call_all(TABLE, &mut Table::new());
}

const TABLE: &[Op<Table>] =
    &[mint, numbered, grant, check, permits, revoke, destroy, len, set_quota, quota, reserve, retired];

fn handle(a: usize, b: usize) -> Handle<Cap> {
    Handle::new(a as u32, b as u32)
}

fn mint(table: &mut Table, a: usize, b: usize) -> usize {
    let rights = Rights::from_bits_truncate(b as u32);
    table.mint(Task(a as u32), Object::Opaque(b as u64), rights, 0).map_or(0, |cap| cap.index() as usize)
}

fn grant(table: &mut Table, a: usize, b: usize) -> usize {
    let rights = Rights::from_bits_truncate(b as u32);
    table
        .grant(Task(a as u32), handle(a, b), Task(b as u32), rights, 7)
        .map_or(0, |cap| cap.to_raw() as usize)
}

fn check(table: &mut Table, a: usize, b: usize) -> usize {
    table.check(Task(a as u32), handle(a, b), Rights::READ).map_or(0, |authority| {
        let of_a_region = matches!(authority.object(), Object::Region(_));
        (authority.badge() as usize).wrapping_add(authority.holder().0 as usize) ^ usize::from(of_a_region)
    })
}

fn permits(table: &mut Table, a: usize, b: usize) -> usize {
    let need = Rights::from_bits_truncate(a as u32);
    table.permits(Task(a as u32), handle(a, b), b as u32, need).map_or(0, |region| region.index() as usize)
}

fn revoke(table: &mut Table, a: usize, b: usize) -> usize {
    table.revoke(Task(a as u32), handle(a, b)).unwrap_or(b)
}

fn destroy(table: &mut Table, a: usize, b: usize) -> usize {
    table.destroy(handle(a, b)).unwrap_or(b)
}

fn numbered(table: &mut Table, a: usize, b: usize) -> usize {
    *table = Table::numbered(a as u16);
    table.len() + b
}

fn set_quota(table: &mut Table, a: usize, b: usize) -> usize {
    usize::from(table.set_quota(Task(a as u32), b as u32).is_ok())
}

fn quota(table: &mut Table, a: usize, b: usize) -> usize {
    let quota = table.quota(Task(a as u32));
    (quota.limit ^ quota.used) as usize + b
}

fn reserve(table: &mut Table, _: usize, _: usize) -> usize {
    table.reserve()
}

fn retired(table: &mut Table, _: usize, _: usize) -> usize {
    table.retired()
}

fn len(table: &mut Table, _: usize, _: usize) -> usize {
    table.len() + usize::from(table.is_empty())
}
