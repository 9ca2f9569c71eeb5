//! The modes of a terminal that a console switches on, and off again.

/// What a console asks of its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Modes {
    /// Mouse reports. Off by default: they take the terminal's own selection of
    /// text away.
    pub mouse: bool,
}

impl Modes {
    /// Switches them on: alternate screen, cleared; no cursor; bracketed paste.
    pub fn enter(self) -> Vec<u8> {
        let mut bytes = b"\x1b[?1049h\x1b[2J\x1b[?25l\x1b[?2004h".to_vec();
        if self.mouse {
            bytes.extend_from_slice(b"\x1b[?1000h\x1b[?1002h\x1b[?1006h");
        }
        bytes
    }

    /// Switches them off in the reverse order. Ends what a frame may have left
    /// open when it was cut: synchronized output and colours.
    pub fn leave(self) -> Vec<u8> {
        let mut bytes = b"\x1b[?2026l\x1b[m".to_vec();
        if self.mouse {
            bytes.extend_from_slice(b"\x1b[?1006l\x1b[?1002l\x1b[?1000l");
        }
        bytes.extend_from_slice(b"\x1b[?2004l\x1b[?25h\x1b[?1049l");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;

    #[test]
    fn leaving_undoes_entering() {
        for mouse in [false, true] {
            let size = NonZeroU16::new(10).unwrap();
            let mut terminal = vt100::Parser::new(size, size, 0);
            let before = terminal.screen().state_formatted();
            terminal.process(&Modes { mouse }.enter());
            assert!(terminal.screen().alternate_screen() && terminal.screen().bracketed_paste());
            assert_eq!(terminal.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None, mouse);
            terminal.process(b"\x1b[31mhalf a frame");
            terminal.process(&Modes { mouse }.leave());
            assert_eq!(terminal.screen().state_formatted(), before);
        }
    }
}
