use annulet::link::Window;

fn main() {
    let _window = Window::<u32, 3>::new();
}
