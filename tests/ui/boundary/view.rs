use annulet::region::View;

// To make one, all its fields would have to be named.
fn longer(view: View<'_>) -> View<'_> {
    View { len: view.len() + 1, ..view }
}

fn main() {
    let _ = longer;
}
