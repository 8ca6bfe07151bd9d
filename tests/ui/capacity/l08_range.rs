//! A capacity that the 24 bits of a link's position cannot tell from empty: L08.

use annulet::link::Window;

static WINDOW: Window<u32, 16_777_216> = Window::new();

fn main() {
    let _ = &WINDOW;
}
