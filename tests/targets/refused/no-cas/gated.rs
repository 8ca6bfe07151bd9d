//! A broadcast whose readers are registered.
#![no_std]

use annulet::Broadcast;
use annulet::ring::broadcast::Gated;

pub static PRICES: Broadcast<u32, 8, Gated<2>> = Broadcast::new();
