//! Every action of the console names a command line; each must be one.

use clap::Parser;
use clap::error::ErrorKind;
use herald::cli::args::Cli;
use herald::tui::action::TABLE;

#[test]
fn every_actions_command_line_is_understood() {
    let values = [
        ("id", "68a1f0c2"),
        ("topic", "news"),
        ("subject", "November newsletter"),
        ("file", "body.html"),
        ("name", "News"),
        ("when", "tomorrow 9am Berlin"),
        ("address", "ana@example.com"),
        ("count", "49788"),
        ("option", "fromName=Herald"),
        ("to", "backup"),
        ("filter", "provider=main"),
        ("user", "user1"),
        ("target", "ana@example.com"),
    ];
    for row in TABLE {
        let Some(template) = row.command else { continue };
        let words = template.split(' ').map(|word| {
            match word.strip_prefix('{').and_then(|word| word.strip_suffix('}')) {
                Some(name) => {
                    let value = values.iter().find(|(known, _)| *known == name);
                    value.unwrap_or_else(|| panic!("{}: nothing fills in {word}", row.id)).1
                }
                None => word,
            }
        });
        match Cli::try_parse_from(words) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {}
            Err(error) => panic!("{}: `{template}`: {error}", row.id),
        }
    }
}
