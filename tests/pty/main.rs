//! The console on a real terminal: a pseudo-terminal, and a small program on it.
//!
//! The program is this test binary itself, started once more with
//! `HERALD_PTY_PROGRAM` set (see [`program`]).
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod line;
mod program;

use std::time::{Duration, Instant};

use line::{Line, until};
use rustix::process::Signal;

#[test]
fn quitting_restores_every_mode_of_the_terminal() {
    let mut line = Line::under_shell("plain", &[]);
    let before = line.termios_before.clone();
    line.shows("keys |");
    assert!(line.screen(|s| s.alternate_screen() && s.hide_cursor() && s.bracketed_paste()));
    assert!(
        line.screen(|s| s.mouse_protocol_mode() == vt100::MouseProtocolMode::None),
        "the mouse is off by default"
    );
    assert_ne!(line.termios(), before, "the terminal is raw");
    line.send(b"ab");
    line.shows("keys ab|");
    line.send(b"q");
    line.shows("status=0");
    assert!(line.screen(|s| !s.alternate_screen() && !s.hide_cursor() && !s.bracketed_paste()));
    assert_eq!(line.termios(), before);
    assert!(line.text().contains("typed before"), "what stood on the screen is there again: {}", line.text());
}

#[test]
fn an_idle_console_writes_no_byte_and_does_not_wake() {
    let mut line = Line::direct("plain", &[]);
    line.send(b"x");
    line.shows("keys x|");
    let before = line.quiet();
    let woken = line.wakes();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(line.bytes(), before, "it wrote while nothing happened");
    if let (Some(before), Some(after)) = (woken, line.wakes()) {
        assert!(
            after - before <= 4,
            "it woke {} times in four seconds in which nothing happened",
            after - before
        );
    }
    line.send(b"y");
    line.shows("keys xy|");
}

#[test]
fn each_frame_is_synchronized_and_small() {
    let mut line = Line::direct("plain", &[]);
    line.shows("keys |");
    let before = line.quiet();
    line.send(b"a");
    line.shows("keys a|");
    let wrote = line.since(before);
    assert!(
        wrote.starts_with(b"\x1b[?2026h") && wrote.ends_with(b"\x1b[?2026l"),
        "{:?}",
        String::from_utf8_lossy(&wrote)
    );
    assert!(wrote.len() < 100, "{} bytes for one letter", wrote.len());
}

#[test]
fn a_line_that_hangs_up_ends_it_within_a_second() {
    for (program, ignore_hup) in [("plain", false), ("plain", true), ("no-hup-handler", true)] {
        let line = if ignore_hup { Line::ignoring_hup(program) } else { Line::direct(program, &[]) };
        line.shows("keys |");
        let mut child = line.hang_up();
        let began = Instant::now();
        let ended = until(Duration::from_secs(5), || child.try_wait().unwrap().is_some());
        let took = began.elapsed();
        if !ended {
            line::kill(child.as_ref());
        }
        assert!(ended && took <= Duration::from_secs(1), "{program}, HUP ignored {ignore_hup}: {took:?}");
    }
}

#[test]
fn a_hang_up_from_before_it_took_the_terminal_ends_it() {
    let line = Line::under_shell("hung-up-before", &[]);
    line.shows("status=4");
}

#[test]
fn a_panic_restores_the_terminal_and_leaves_a_report() {
    let reports = tempfile::tempdir().unwrap();
    let mut line = Line::under_shell("plain", &[("HERALD_PTY_REPORTS", reports.path().to_str().unwrap())]);
    let before = line.termios_before.clone();
    line.shows("keys |");
    line.send(b"P");
    line.shows("status=101");
    assert!(line.screen(|s| !s.alternate_screen() && !s.hide_cursor() && !s.bracketed_paste()));
    assert_eq!(line.termios(), before);
    let text = line.text().replace('\n', "");
    assert!(text.contains("stopped on an error of its own: a hand slipped"), "{text}");
    let report = std::fs::read_dir(reports.path()).unwrap().next().expect("a report").unwrap();
    let report = std::fs::read_to_string(report.path()).unwrap();
    assert!(
        report.contains("message: a hand slipped") && report.contains("thread: herald-console"),
        "{report}"
    );
}

#[test]
fn a_panic_elsewhere_leaves_the_screen_alone() {
    let reports = tempfile::tempdir().unwrap();
    let mut line = Line::direct("plain", &[("HERALD_PTY_REPORTS", reports.path().to_str().unwrap())]);
    line.shows("keys |");
    let before = line.quiet();
    line.send(b"T");
    assert!(until(Duration::from_secs(10), || std::fs::read_dir(reports.path()).unwrap().next().is_some()));
    line.shows("keys T|");
    let wrote = line.since(before);
    assert!(!String::from_utf8_lossy(&wrote).contains("elsewhere"), "{:?}", String::from_utf8_lossy(&wrote));
    assert!(line.screen(vt100::Screen::alternate_screen));
}

#[test]
fn signals_that_end_it_restore_the_terminal() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let line = Line::under_shell("plain", &[]);
        let before = line.termios_before.clone();
        line.shows("keys |");
        line.signal_program(signal);
        line.shows("status=3");
        assert!(line.screen(|s| !s.alternate_screen() && !s.hide_cursor()));
        assert_eq!(line.termios(), before);
    }
}

#[test]
fn it_can_be_suspended_and_resumed() {
    for by_key in [true, false] {
        let mut line = Line::under_shell("plain", &[]);
        let before = line.termios_before.clone();
        line.send(b"a");
        line.shows("keys a|");
        if by_key {
            line.send(b"z");
        } else {
            line.signal_program(Signal::TSTP);
        }
        assert!(until(Duration::from_secs(10), || line.program_is_stopped()), "it does not stop");
        line.wait_for(|s| !s.alternate_screen());
        assert_eq!(line.termios(), before, "the shell has its terminal back");
        line.send(b"for the shell");
        line.signal_group(Signal::CONT);
        line.wait_for(vt100::Screen::alternate_screen);
        line.shows(if by_key { "keys az|" } else { "keys a|" });
        assert_ne!(line.termios(), before);
        line.send(b"b");
        line.shows(if by_key { "keys azb|" } else { "keys ab|" });
    }
}

#[test]
fn a_suspension_that_is_not_allowed_is_said_and_does_nothing() {
    let mut line = Line::direct("cannot-stop", &[]);
    line.shows("keys |");
    line.send(b"z");
    line.shows("cannot suspend");
    assert!(!line.program_is_stopped());
}

#[test]
fn being_stopped_by_somebody_else_ends_in_a_whole_redraw() {
    let line = Line::under_shell("plain", &[]);
    line.shows("keys |");
    line.signal_group(Signal::STOP);
    assert!(until(Duration::from_secs(10), || line.program_is_stopped()));
    // The terminal was used meanwhile.
    line.wipe();
    line.signal_group(Signal::CONT);
    line.shows("keys |");
}

#[test]
fn a_resize_is_followed_down_to_nothing() {
    let mut line = Line::direct("plain", &[]);
    line.shows("size 80x24");
    line.resize(100, 30);
    line.shows("size 100x30");
    line.resize(10, 1);
    line.shows("Herald");
    line.resize(1, 1);
    line.resize(0, 1);
    line.resize(132, 43);
    line.shows("size 132x43");
}

#[test]
fn a_text_goes_to_the_editor_and_comes_back() {
    let script = "f() { printf 'in the editor'; IFS= read -r answer < /dev/tty; printf '%s' \"$answer\" >> \"$1\"; }; f";
    let mut line = Line::under_shell("plain", &[("EDITOR", script)]);
    line.shows("keys |");
    line.send(b"e");
    line.shows("in the editor");
    assert!(
        line.screen(|s| !s.alternate_screen() && !s.hide_cursor()),
        "the editor has a terminal as it was"
    );
    assert_eq!(line.termios(), line.termios_before);
    line.send(b" and Bo\rq");
    line.shows("edited Ana and Bo");
    // The q was typed while the editor had the terminal: it is dropped, or it was
    // the console's by then; either way the console has not broken.
    line.send(b"q");
    line.shows("status=0");
    assert_eq!(line.termios(), line.termios_before);
}

#[test]
fn a_megabyte_is_pasted_as_one_text() {
    let mut line = Line::direct("plain", &[]);
    line.shows("keys |");
    let text = "q\n".repeat(1 << 19);
    line.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    line.shows(&format!("pasted {}", text.len()));
    line.shows("keys |");
}

#[test]
fn esc_is_a_key_and_a_split_sequence_is_not_esc() {
    let mut line = Line::direct("plain", &[]);
    line.shows("keys |");
    line.send(b"\x1b");
    line.shows("keys <Esc>|");
    line.send(b"\x1b[1;5");
    line.send(b"A");
    line.shows("keys <Esc><Up>|");
}

#[test]
fn a_terminal_that_cannot_show_it_is_told_so() {
    let line = Line::under_shell("plain", &[("TERM", "dumb")]);
    line.shows("TERM=dumb");
    line.shows("status=5");
    assert!(line.screen(|s| !s.alternate_screen()));
    assert_eq!(line.termios(), line.termios_before);
}
