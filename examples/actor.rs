//! An actor: a thread that owns its state, and answers each request to whoever sent it.

use std::collections::HashMap;
use std::thread;

use annulet::channel::{mpsc, spsc};

enum Request {
    Set(String, u32),
    Get(String, spsc::Sender<Option<u32>>),
}

fn main() {
    let (mut requests, inbox) = mpsc(32);
    let actor = thread::spawn(move || {
        let mut values = HashMap::new();
        for request in inbox {
            match request {
                Request::Set(key, value) => drop(values.insert(key, value)),
                // A client that has gone in the meantime wants no answer.
                Request::Get(key, mut reply) => drop(reply.send(values.get(&key).copied())),
            }
        }
        values.len()
    });

    let mut another = requests.clone();
    let set = move || another.send(Request::Set("answer".into(), 42)).expect("it is there");
    thread::spawn(set).join().unwrap();
    let (reply, mut answer) = spsc(1);
    requests.send(Request::Get("answer".into(), reply)).expect("it is there");
    assert_eq!(answer.recv(), Ok(Some(42)));
    drop(requests); // the last sender: the actor ends
    println!("the actor kept {} value", actor.join().unwrap());
}

#[test]
fn it_does_what_it_says() {
    main();
}
