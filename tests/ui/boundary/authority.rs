use annulet::cap::Authority;

// To make one, its field would have to be named.
fn another(authority: Authority<'_>) -> Authority<'_> {
    Authority { cap: authority.cap }
}

fn main() {
    let _ = another;
}
