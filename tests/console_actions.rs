//! Every action of the console names a command line; each must be one.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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

/// Whether a request is of a route: the same method, and a path of its shape.
fn is_route(request: &str) -> bool {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let path: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
    herald::api::routes::ROUTES.iter().any(|route| {
        let shape: Vec<&str> = route.path.split('/').collect();
        let fits = |(a, b): (&&str, &&str)| a == b || (a.starts_with('{') && !b.is_empty());
        route.method == method && shape.len() == path.len() && shape.iter().zip(&path).all(fits)
    })
}

#[test]
fn every_actions_request_is_of_a_route() {
    for row in TABLE {
        assert_eq!(
            row.command.is_some() && row.command != Some("herald help"),
            row.request.is_some(),
            "{}: a command line and a request go together",
            row.id
        );
        if let Some(request) = row.request {
            assert!(is_route(request), "{}: there is no route {request}", row.id);
        }
    }
    assert!(!is_route("POST /v1/messaging/topics/news/nothing"));
}
