use crossterm::event::{KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;

fn parse(bytes: &[u8]) -> Vec<TermEvent> {
    let mut parser = Parser::default();
    let mut out = Vec::new();
    parser.feed(bytes, &mut out);
    if parser.is_waiting() {
        parser.give_up(&mut out);
    }
    out
}

fn typed(code: KeyCode, modifiers: KeyModifiers) -> Vec<TermEvent> {
    vec![key(code, modifiers)]
}

#[test]
fn keys_of_xterm_and_its_kin() {
    use KeyCode::{
        BackTab, Backspace, Char, Delete, Down, End, Enter, Esc, F, Home, Insert, Left, PageDown, PageUp,
        Right, Tab, Up,
    };
    const NONE: KeyModifiers = KeyModifiers::NONE;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    let table: &[(&[u8], KeyCode, KeyModifiers)] = &[
        (b"a", Char('a'), NONE),
        (b"G", Char('G'), SHIFT),
        ("é".as_bytes(), Char('é'), NONE),
        ("日".as_bytes(), Char('日'), NONE),
        ("\u{1f680}".as_bytes(), Char('\u{1f680}'), NONE),
        (b"\r", Enter, NONE),
        (b"\n", Char('j'), CTRL),
        (b"\t", Tab, NONE),
        (b"\x7f", Backspace, NONE),
        (b"\x03", Char('c'), CTRL),
        (b"\x1a", Char('z'), CTRL),
        (b"\0", Char(' '), CTRL),
        (b"\x1c", Char('\\'), CTRL),
        (b"\x1b", Esc, NONE),
        (b"\x1bx", Char('x'), ALT),
        (b"\x1bX", Char('X'), ALT),
        (b"\x1b[", Char('['), ALT),
        (b"\x1bO", Char('O'), ALT),
        (b"\x1b]", Char(']'), ALT),
        (b"\x1b\r", Enter, ALT),
        (b"\x1b\x7f", Backspace, ALT),
        ("\x1bé".as_bytes(), Char('é'), ALT),
        (b"\x1b[A", Up, NONE),
        (b"\x1b[1;5B", Down, CTRL),
        (b"\x1b[1;3C", Right, ALT),
        (b"\x1bOD", Left, NONE),
        (b"\x1b[H", Home, NONE),
        (b"\x1b[4~", End, NONE),
        (b"\x1b[2~", Insert, NONE),
        (b"\x1b[3;2~", Delete, SHIFT),
        (b"\x1b[5~", PageUp, NONE),
        (b"\x1b[6~", PageDown, NONE),
        (b"\x1b[Z", BackTab, SHIFT),
        (b"\x1bOP", F(1), NONE),
        (b"\x1b[[E", F(5), NONE),
        (b"\x1b[1;2R", F(3), SHIFT),
        (b"\x1b[24~", F(12), NONE),
        (b"\x1b[97;5u", Char('a'), CTRL),
        (b"\x1b[97:65;2u", Char('A'), SHIFT),
        (b"\x1b[27;5;46~", Char('.'), CTRL),
        (b"\x1b[9;2u", BackTab, SHIFT),
    ];
    for (bytes, code, modifiers) in table {
        assert_eq!(parse(bytes), typed(*code, *modifiers), "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_sequence_that_arrives_byte_by_byte_is_one_key() {
    let mut parser = Parser::default();
    let mut out = Vec::new();
    for byte in b"\x1b[1;5A" {
        parser.feed(&[*byte], &mut out);
    }
    assert_eq!(out, typed(KeyCode::Up, KeyModifiers::CONTROL));
    assert!(!parser.is_waiting());
}

#[test]
fn esc_pressed_twice_is_two_keys() {
    assert_eq!(parse(b"\x1b\x1b").len(), 2);
    assert_eq!(
        parse(b"\x1b\x1b[A"),
        [key(KeyCode::Esc, KeyModifiers::NONE), key(KeyCode::Up, KeyModifiers::NONE)]
    );
}

#[test]
fn answers_to_queries_are_not_typing() {
    for answer in [
        &b"\x1b[?62;22c"[..],
        b"\x1b[12;40R",
        b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\",
        b"\x1b]11;rgb:1e1e/1e1e/1e1e\x07",
        b"\x1bP1$r0;38:2::1:2:3m\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[?997;1n",
    ] {
        let mut bytes = answer.to_vec();
        bytes.push(b'q');
        let mut events = parse(&bytes);
        events.retain(|event| !matches!(event, TermEvent::Told(_)));
        assert_eq!(
            events,
            typed(KeyCode::Char('q'), KeyModifiers::NONE),
            "{:?}",
            String::from_utf8_lossy(answer)
        );
    }
}

#[test]
fn an_answer_that_a_slow_line_splits_is_no_typing() {
    use super::super::probe::Told;
    for (answer, told) in [
        (&b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\"[..], Told::Background { dark: true }),
        (b"\x1b]11;rgb:fafa/fafa/fafa\x07", Told::Background { dark: false }),
        (b"\x1b[?2026;0$y", Told::Synchronized(false)),
        (b"\x1b[?0u", Told::Keyboard),
    ] {
        for at in 4..answer.len() {
            let mut parser = Parser::default();
            let mut out = Vec::new();
            parser.feed(&answer[..at], &mut out);
            // What came is waited for no longer than a key would be.
            if parser.is_waiting() {
                parser.give_up(&mut out);
            }
            parser.feed(&answer[at..], &mut out);
            assert_eq!(out, [TermEvent::Told(told)], "{at} of {:?}", String::from_utf8_lossy(answer));
        }
    }
}

#[test]
fn a_paste_is_one_text_and_never_a_key() {
    let text = "line one\nq\x1b[Aq\x1b[20end";
    let bytes = format!("\x1b[200~{text}\x1b[201~x");
    let expected = [TermEvent::Paste(text.to_owned()), key(KeyCode::Char('x'), KeyModifiers::NONE)];
    assert_eq!(parse(bytes.as_bytes()), expected);
}

#[test]
fn a_paste_beyond_the_limit_is_cut_and_ends_where_it_ends() {
    let mut bytes = b"\x1b[200~".to_vec();
    bytes.resize(bytes.len() + MAX_PASTE + 1000, b'a');
    bytes.extend_from_slice(b"\x1b[201~q");
    let events = parse(&bytes);
    assert!(matches!(&events[0], TermEvent::Paste(text) if text.len() == MAX_PASTE));
    assert_eq!(events[1..], typed(KeyCode::Char('q'), KeyModifiers::NONE));
}

#[test]
fn mouse_and_focus() {
    let event =
        |kind, column, row| TermEvent::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    assert_eq!(parse(b"\x1b[<0;10;5M"), [event(MouseEventKind::Down(MouseButton::Left), 9, 4)]);
    assert_eq!(parse(b"\x1b[<2;1;1m"), [event(MouseEventKind::Up(MouseButton::Right), 0, 0)]);
    assert_eq!(parse(b"\x1b[<65;1;1M"), [event(MouseEventKind::ScrollDown, 0, 0)]);
    assert_eq!(parse(b"\x1b[I\x1b[O"), [TermEvent::Focus(true), TermEvent::Focus(false)]);
}

#[test]
fn key_releases_are_told_as_such() {
    let TermEvent::Key(key) = &parse(b"\x1b[97;1:3u")[0] else { panic!("not a key") };
    assert_eq!(key.kind, KeyEventKind::Release);
}

proptest! {
    #[test]
    fn any_bytes_are_taken_and_held_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut parser = Parser::default();
        let mut out = Vec::new();
        parser.feed(&bytes, &mut out);
        prop_assert!(out.len() <= bytes.len());
        prop_assert!(parser.held.len() <= bytes.len());
        parser.give_up(&mut out);
    }

    #[test]
    fn how_bytes_are_split_does_not_matter(bytes in "(\\PC|\x1b\\[[0-9;]{0,5}[A-Za-z~]|\x1b[a-z])*", at in 0usize..50) {
        let bytes = bytes.as_bytes();
        let at = at.min(bytes.len());
        let mut parser = Parser::default();
        let mut split = Vec::new();
        parser.feed(&bytes[..at], &mut split);
        parser.feed(&bytes[at..], &mut split);
        if parser.is_waiting() {
            parser.give_up(&mut split);
        }
        prop_assert_eq!(split, parse(bytes));
    }
}
