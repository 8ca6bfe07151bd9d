//! The two sides of a link may differ in the width of a usize.

use annulet::link::Window;

static WINDOW: Window<usize, 4> = Window::new();

fn main() {}
