use super::*;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

/// Enough for anything that comes at all.
const LONG: Duration = Duration::from_secs(20);

/// The worker's end and the caller's.
fn line() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener.accept().unwrap().0, caller)
}

fn secret(word: &str) -> Secret {
    Secret::new(word.as_bytes())
}

/// What each of the two says of the other: a worker with the first secret, a caller with the second.
fn greeted(of: Option<&str>, with: Option<&str>) -> (Result<(), Unwelcome>, Result<(), Unwelcome>) {
    let (worker, caller) = line();
    let (of, with) = (of.map(secret), with.map(secret));
    let called = thread::spawn(move || call(&caller, with.as_ref(), LONG));
    let received = receive(&worker, of.as_ref(), LONG).and_then(|caller| Ok(caller.welcome()?));
    drop(worker);
    (received, called.join().unwrap())
}

/// Plays a caller by hand: what it was asked, and what it then says.
fn played(of: &Secret, say: impl FnOnce(&mut Timed<'_>, Challenge) + Send + 'static) -> Unwelcome {
    let (worker, caller) = line();
    let player = thread::spawn(move || {
        let mut line = Timed::new(&caller, LONG);
        let challenge = line.hear().unwrap();
        say(&mut line, challenge);
    });
    let unwelcome = receive(&worker, Some(of), LONG).unwrap_err();
    drop(worker);
    player.join().unwrap();
    unwelcome
}

#[test]
fn the_same_secret_on_both_sides_or_on_none_is_let_in() {
    for same in [Some("a"), None] {
        let (received, called) = greeted(same, same);
        assert!(received.is_ok() && called.is_ok(), "{same:?}: {received:?} {called:?}");
    }
}

#[test]
fn another_secret_or_none_is_refused_and_both_are_told() {
    let (received, called) = greeted(Some("a"), Some("b"));
    assert!(matches!(received, Err(Unwelcome::Wrong)), "{received:?}");
    assert!(matches!(called, Err(Unwelcome::Wrong)), "{called:?}");
    let (received, called) = greeted(Some("a"), None);
    assert!(matches!(received, Err(Unwelcome::Lost(_))), "{received:?}");
    assert!(matches!(called, Err(Unwelcome::Asked)), "{called:?}");
    let (received, called) = greeted(None, Some("b"));
    assert!(matches!(received, Err(Unwelcome::Lost(_))), "{received:?}");
    assert!(matches!(called, Err(Unwelcome::Unproven)), "{called:?}");
}

#[test]
fn a_missing_proof_is_none() {
    let unwelcome = played(&secret("a"), |line, _| {
        line.say(&Answer { version: VERSION, nonce: Nonce::default(), proof: None }).unwrap();
        assert!(matches!(line.hear().unwrap(), Reply::Wrong));
    });
    assert!(matches!(unwelcome, Unwelcome::Unproven), "{unwelcome:?}");
}

#[test]
fn an_answer_that_was_overheard_opens_nothing_again() {
    let nonce = [7; 32];
    let heard = secret("a").prove(Role::Coordinator, &Nonces([1; 32], nonce));
    let unwelcome = played(&secret("a"), move |line, challenge| {
        assert_ne!(challenge.nonce, [1; 32]);
        line.say(&Answer { version: VERSION, nonce, proof: Some(heard) }).unwrap();
        assert!(matches!(line.hear().unwrap(), Reply::Wrong));
    });
    assert!(matches!(unwelcome, Unwelcome::Wrong), "{unwelcome:?}");
}

#[test]
fn a_proof_that_is_sent_back_proves_nothing() {
    let (worker, caller) = line();
    let mirror = thread::spawn(move || {
        let mut line = Timed::new(&worker, LONG);
        line.say(&Challenge { version: VERSION, proven: true, nonce: [3; 32] }).unwrap();
        let answer: Answer = line.hear().unwrap();
        line.say(&Reply::Welcome(answer.proof)).unwrap();
    });
    let called = call(&caller, Some(&secret("a")), LONG);
    assert!(matches!(called, Err(Unwelcome::Wrong)), "{called:?}");
    mirror.join().unwrap();
}

#[test]
fn another_version_is_named() {
    let unwelcome = played(&secret("a"), |line, _| {
        line.say(&Answer { version: 1, nonce: Nonce::default(), proof: None }).unwrap();
    });
    assert!(unwelcome.to_string().contains("version 1"), "{unwelcome}");
}

#[test]
fn bytes_that_are_no_greeting_are_refused_unread() {
    let (worker, mut caller) = line();
    caller.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let unwelcome = receive(&worker, None, LONG).unwrap_err();
    assert!(unwelcome.to_string().contains("256 are the most"), "{unwelcome}");
}

#[test]
fn a_stranger_has_so_much_time_however_it_dribbles() {
    let (worker, mut caller) = line();
    let dribble = thread::spawn(move || {
        caller.write_all(&[250, 0, 0, 0]).unwrap();
        // The pace is the point: each byte comes well within the time of a read.
        while caller.write_all(&[0]).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let unwelcome = receive(&worker, Some(&secret("a")), Duration::from_millis(200)).unwrap_err();
    assert!(
        matches!(&unwelcome, Unwelcome::Lost(error) if error.kind() == io::ErrorKind::TimedOut),
        "{unwelcome}"
    );
    drop(worker);
    dribble.join().unwrap();
}

#[test]
fn a_greeting_leaves_no_bound_on_what_follows() {
    let (worker, caller) = line();
    let called = thread::spawn(move || call(&caller, None, LONG).map(|()| caller));
    receive(&worker, None, LONG).unwrap().welcome().unwrap();
    let caller = called.join().unwrap().unwrap();
    for end in [worker, caller] {
        assert_eq!((end.read_timeout().unwrap(), end.write_timeout().unwrap()), (None, None));
        let socket = SockRef::from(&end);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(GONE));
    }
}
