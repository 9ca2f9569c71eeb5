//! A list of people as it comes from a mail, a spreadsheet or a note: what is pasted into a form, or
//! read from a file.

use std::collections::HashSet;

/// Words that stand above a column, and for nobody.
const HEADINGS: &[&str] = &["email", "e-mail", "mail", "phone", "mobile", "number", "address", "name", "id"];

/// The entries of a list, each once, in their order. Beside an address or a number in its line, what
/// else stands there is a name, and stands for nobody; in a line without, each part is an id.
pub fn entries(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let parts: Vec<&str> =
            line.split([',', ';', '\t']).map(bare).filter(|part| !part.is_empty()).collect();
        if n == 0 && parts.iter().all(|part| HEADINGS.contains(&part.to_lowercase().as_str())) {
            continue;
        }
        let mut found: Vec<String> = parts.iter().flat_map(|part| addresses(part)).collect();
        if found.is_empty() {
            found.extend(parts.iter().map(|part| (*part).to_owned()));
        }
        for entry in found {
            if seen.insert(entry.clone()) {
                out.push(entry);
            }
        }
    }
    out
}

fn bare(part: &str) -> &str {
    part.trim().trim_matches(['"', '\'', '\u{feff}']).trim()
}

/// The addresses in a part of a line, or the number that it is.
fn addresses(part: &str) -> Vec<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
    let number = part.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+()-./".contains(c));
    // Also one without its country: it is refused with the reason.
    if number && digits(part) >= 5 {
        return vec![part.to_owned()];
    }
    let words = part.split(|c: char| c.is_whitespace() || "<>()[]\"".contains(c));
    words.filter(|word| word.contains('@')).map(|word| word.trim_matches('.').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn a_list_is_read_whatever_stands_between() {
        let list = "Ana B. <ana@example.com>; bo@example.com\n+49 30 123456,ana@example.com\n";
        assert_eq!(entries(list), ["ana@example.com", "bo@example.com", "+49 30 123456"]);
        assert_eq!(entries("ana@example.com bo@example.com"), ["ana@example.com", "bo@example.com"]);
        assert_eq!(entries("ana@example.com, 0171 222333"), ["ana@example.com", "0171 222333"]);
        assert_eq!(entries(" \n,;\t\n"), [""; 0]);
    }

    #[test]
    fn columns_beside_an_address_are_names_and_a_heading_is_nobody() {
        let list = "\u{feff}Name;Email\n\"B., Ana\";ana@example.com\nBo;bo@example.com\n";
        assert_eq!(entries(list), ["ana@example.com", "bo@example.com"]);
    }

    #[test]
    fn ids_stand_alone_and_nothing_is_dropped_silently() {
        assert_eq!(
            entries("ana\n68a1f0c2d3e4f5, bo\nCy Someone"),
            ["ana", "68a1f0c2d3e4f5", "bo", "Cy Someone"]
        );
        assert_eq!(entries("name"), [""; 0]);
        assert_eq!(entries("ana\nname"), ["ana", "name"]);
    }
}
