//! Whole files, as programs export them.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

fn options(maps: &[&str], country: &str) -> ImportOptions {
    let mut map = ColumnMap::default();
    for entry in maps {
        map.add(entry).unwrap();
    }
    ImportOptions { map, country: (!country.is_empty()).then(|| country.parse().unwrap()) }
}

struct Read {
    outcomes: Vec<Outcome>,
    counts: Counts,
    detected: Detected,
}

fn read_with(bytes: &[u8], options: ImportOptions, chunk: usize) -> Result<Read, FileError> {
    let mut decoder = Decoder::new(options);
    let mut outcomes = Vec::new();
    for piece in bytes.chunks(chunk) {
        decoder.push(piece)?;
        while let Some(outcome) = decoder.next_outcome() {
            outcomes.push(outcome);
        }
    }
    decoder.finish()?;
    while let Some(outcome) = decoder.next_outcome() {
        outcomes.push(outcome);
    }
    let counts = decoder.counts().clone();
    Ok(Read { outcomes, counts, detected: decoder.detected().unwrap().clone() })
}

fn read(bytes: impl AsRef<[u8]>) -> Read {
    read_with(bytes.as_ref(), ImportOptions::default(), 4096).unwrap()
}

impl Read {
    fn row(&self, index: usize) -> &ImportRow {
        match &self.outcomes[index] {
            Outcome::Row(row) => row,
            Outcome::Refused(refusal) => panic!("line {}: {}", refusal.line, refusal.reason),
        }
    }

    fn refusal(&self, index: usize) -> &Refusal {
        match &self.outcomes[index] {
            Outcome::Refused(refusal) => refusal,
            Outcome::Row(row) => panic!("{row:?}"),
        }
    }
}

#[test]
fn our_own_columns() {
    let file = "userId,name,email,phone,push,pushProvider,topics\n\
                u1,Ana,ana@example.com,+4915112345678,tok,fcm,news;beta\n\
                \n\
                ,Bo,bo@example.com,,,,\n";
    let read = read(file);
    let row = read.row(0);
    assert_eq!((row.line, row.user_id.as_str(), row.name.as_deref()), (2, "u1", Some("Ana")));
    assert_eq!(
        (row.email.as_deref(), row.phone.as_deref()),
        (Some("ana@example.com"), Some("+4915112345678"))
    );
    assert_eq!((row.push.as_deref(), row.topics.len(), row.repairs.is_empty()), (Some("tok"), 2, true));
    assert_eq!(row.push_provider.as_ref().map(ProviderId::as_str), Some("fcm"));
    assert_eq!((read.row(1).line, read.row(1).derived_id), (4, true));
    assert_eq!((read.counts.rows, read.counts.blank_lines, read.counts.header_lines), (2, 1, 1));
}

#[test]
fn a_german_excel_export() {
    let text = "Kunden-Nr.;Vorname;Nachname;E-Mail Adresse;Handy;Notiz\r\n\
                17;Jürgen;Groß;Juergen@Example.com;0151 12345678;\"er sagte: \"\"ja\"\",\r\nzweimal\"\r\n\
                18;Änne;Öl;aenne@example.com;4.9151E+11;\r\n\
                19;Bo;;bo@example.com, b@example.com;;\r\n\
                ;;;;;\r\n";
    let encodings: [Vec<u8>; 6] = [
        text.as_bytes().to_vec(),
        [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect(),
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
        encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
    ];
    let expected = [
        Encoding::Utf8,
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::Windows1252,
    ];
    for (bytes, encoding) in encodings.iter().zip(expected) {
        for chunk in [1, 3, 4096] {
            let read = read_with(bytes, options(&[], "DE"), chunk).unwrap();
            assert_eq!(read.detected.encoding, encoding);
            assert_eq!(read.detected.delimiter, Some(';'));
            let row = read.row(0);
            assert_eq!((row.user_id.as_str(), row.name.as_deref()), ("17", Some("Jürgen Groß")));
            assert_eq!(row.phone.as_deref(), Some("+4915112345678"));
            assert_eq!((row.line, row.lines), (2, 2));
            let refusal = read.refusal(1);
            assert_eq!(refusal.line, 4);
            assert!(matches!(refusal.reason, Reason::Scientific { .. }), "{}", refusal.reason);
            assert_eq!(refusal.original, "18;Änne;Öl;aenne@example.com;4.9151E+11;");
            assert!(matches!(read.refusal(2).reason, Reason::TwoAddresses { .. }));
            assert_eq!(read.counts.repaired(Repair::NationalPhone), 1);
            assert_eq!(read.counts.repaired(Repair::LowerCased), 1);
            assert_eq!((read.counts.blank_lines, read.counts.lines()), (1, 6));
        }
    }
    let shown = read_with(&encodings[0], options(&[], "DE"), 4096).unwrap().detected.to_string();
    assert_eq!(
        shown,
        "CSV with `;`, UTF-8, header in line 1: userId from “Kunden-Nr.”, firstName from “Vorname”, lastName from \
         “Nachname”, email from “E-Mail Adresse”, phone from “Handy”; not used: “Notiz”"
    );
}

#[test]
fn delimiters_titles_and_declarations() {
    for (delimiter, shown) in [(",", ','), (";", ';'), ("\t", '\t'), ("|", '|')] {
        let file = format!(
            "Export vom 22.11.\n\nE-Mail{delimiter}Nom\nana@example.com{delimiter}Ana\nbo@example.com{delimiter}Bo\n"
        );
        let read = read(&file);
        assert_eq!(read.detected.delimiter, Some(shown));
        assert_eq!(read.detected.header_line, Some(3));
        assert_eq!((read.counts.rows, read.counts.header_lines), (2, 3));
    }
    let read = read("sep=;\r\nmail;name\r\nana@example.com;\"a,b,c,d\"\r\n");
    assert_eq!(read.detected.delimiter, Some(';'));
    assert_eq!((read.row(0).line, read.row(0).name.as_deref()), (3, Some("a,b,c,d")));
}

#[test]
fn without_a_header() {
    let plain = read("ana@example.com\nbo@example.com\nnot one\n");
    assert_eq!(plain.detected.header_line, None);
    assert_eq!((plain.counts.rows, plain.counts.refused), (2, 1));
    assert_eq!(plain.refusal(2).line, 3);

    let two = read("Ana,ana@example.com,+4915112345678\nBo,bo@example.com,+4915112345679\n");
    assert_eq!(two.row(1).phone.as_deref(), Some("+4915112345679"));
    assert_eq!(two.row(1).name, None);

    let numbered =
        read_with(b"Ana,ana@example.com\nBo,bo@example.com\n", options(&["name=1"], ""), 4096).unwrap();
    assert_eq!(numbered.row(0).name.as_deref(), Some("Ana"));

    let strange = read("Kontakt\nana@example.com\nbo@example.com\n");
    assert_eq!(strange.detected.header_line, Some(1));
    assert_eq!(strange.counts.rows, 2);

    let pairs = read("a@example.com,b@example.com\nc@example.com,\n");
    assert!(matches!(pairs.refusal(0).reason, Reason::TwoAddresses { .. }));
    assert_eq!(pairs.counts.rows, 1);
}

#[test]
fn columns_by_hand() {
    let file = b"E-Mail Adresse,Mail alt,Name\nnew@example.com,old@example.com,Ana\n,old2@example.com,Bo\n";
    let by_itself = read_with(file, ImportOptions::default(), 4096).unwrap();
    assert_eq!(by_itself.row(0).email.as_deref(), Some("new@example.com"));
    let mapped = read_with(file, options(&["email=mail ALT", "name="], ""), 4096).unwrap();
    assert_eq!(mapped.row(0).email.as_deref(), Some("old@example.com"));
    assert_eq!(mapped.row(0).name, None);
    let both = read_with(file, options(&["email=E-Mail Adresse", "email=Mail alt"], ""), 4096).unwrap();
    assert_eq!(both.row(0).email.as_deref(), Some("new@example.com"));
    assert_eq!(both.row(1).email.as_deref(), Some("old2@example.com"));
    let error = read_with(file, options(&["phone=Fon"], ""), 4096).err().unwrap();
    assert!(error.to_string().contains("there is no column `Fon`; there are “E-Mail Adresse”"), "{error}");
}

#[test]
fn files_that_are_refused() {
    let error = |bytes: &[u8]| read_with(bytes, ImportOptions::default(), 4096).err().unwrap();
    assert_eq!(error(b""), FileError::Empty);
    assert_eq!(error(b"\n \n"), FileError::Empty);
    assert_eq!(error(b"PK\x03\x04rest"), FileError::Workbook);
    assert_eq!(error(b"\x1F\x8B\x08"), FileError::Compressed);
    assert_eq!(error(b"ab\0\x01\x02\x03c"), FileError::NotText);
    assert_eq!(error(b"[{\"email\":\"a@example.com\"}]"), FileError::JsonArray);
    assert!(matches!(error(b"colour,size\nred,4\n"), FileError::NoAddressColumn { .. }));
}

#[test]
fn columns_too_few_and_too_many() {
    let read = read(
        "email,name,note\na@example.com,A\nb@example.com\nc@example.com,C,n,,\nd@example.com,D,n,extra\n",
    );
    assert!(read.row(0).repairs.has(Repair::ShortRow));
    assert_eq!(read.refusal(1).reason, Reason::WrongColumns { expected: 3, found: 1 });
    assert!(read.row(2).repairs.has(Repair::ExtraCells));
    assert_eq!(read.refusal(3).reason, Reason::WrongColumns { expected: 3, found: 4 });
}

#[test]
fn a_quote_never_closed_costs_its_line_alone() {
    let mut file = "email,name\n".to_owned();
    for n in 0..300 {
        let quote = if n == 7 || n == 150 { "\"" } else { "" };
        writeln!(file, "p{n}@example.com,{quote}Name {n}").unwrap();
    }
    file.push_str("q@example.com,\"Berg, Ana\"\n");
    let read = read(&file);
    assert_eq!((read.counts.rows, read.counts.refused), (299, 2));
    let refused: Vec<u64> = read
        .outcomes
        .iter()
        .filter_map(|o| match o {
            Outcome::Refused(refusal) => {
                assert_eq!(refusal.reason, Reason::UnclosedQuote);
                Some(refusal.line)
            }
            Outcome::Row(_) => None,
        })
        .collect();
    assert_eq!(refused, [9, 152]);
}

#[test]
fn the_encoding_is_settled_by_the_first_letter_beyond_ascii() {
    let mut file = b"email,name\n".to_vec();
    for n in 0..5_000 {
        file.extend_from_slice(format!("p{n}@example.com,Name\n").as_bytes());
    }
    let mut latin = file.clone();
    latin.extend_from_slice(b"x@example.com,J\xFCrgen\n");
    let late = read(&latin);
    assert_eq!(late.row(5_000).name.as_deref(), Some("Jürgen"));
    assert_eq!(late.detected.encoding, Encoding::Windows1252);
    file.extend_from_slice("x@example.com,Jürgen\n".as_bytes());
    file.extend_from_slice(b"y@example.com,J\xFCrgen\n");
    let mixed = read(&file);
    assert_eq!(mixed.row(5_000).name.as_deref(), Some("Jürgen"));
    assert_eq!(mixed.refusal(5_001).reason, Reason::NotUtf8);
}

#[test]
fn ndjson() {
    let read = read_with(
        b"{\"E-Mail\":\"ana@example.com\",\"name\":\"Ana\",\"topics\":[\"news\",\"beta\"],\"age\":7}\n\
          \n\
          {\"phone\":4915112345678,\"topics\":\"news\"}\n\
          {\"phone\":4.9151E+11}\n\
          {\"email\":{}}\n\
          {broken\n\
          {\"email\":null}\n",
        options(&[], "DE"),
        5,
    )
    .unwrap();
    assert_eq!(read.detected.format, Format::Ndjson);
    assert_eq!((read.row(0).name.as_deref(), read.row(0).topics.len()), (Some("Ana"), 2));
    assert_eq!((read.row(1).line, read.row(1).phone.as_deref()), (3, Some("+4915112345678")));
    assert!(matches!(read.refusal(2).reason, Reason::Scientific { .. }));
    assert_eq!(read.refusal(3).reason, Reason::NotText(Column::Email));
    assert!(matches!(read.refusal(4).reason, Reason::NotJson(_)));
    assert_eq!(read.refusal(5).reason, Reason::NoAddress);
    let rejects = Rejects::new(&read.detected);
    assert_eq!(
        rejects.record(read.refusal(5)),
        "{\"email\":null,\"rejectedLine\":7,\"rejectedReason\":\"no way to reach this person: no email, phone or push\"}\n"
    );
    let broken: serde_json::Value = serde_json::from_str(&rejects.record(read.refusal(4))).unwrap();
    assert_eq!(broken["original"], "{broken");
}

#[test]
fn rejects_can_be_mended_and_imported_again() {
    let first = read(
        "E-Mail;Name;Topics\nana@;Ana;news\nbo@example.com;\"B;o\";x y\nc@example.com;C;news;4\nd@example.com;\"D\n",
    );
    assert_eq!(first.counts.refused, 4);
    let rejects = Rejects::new(&first.detected);
    let mut file = rejects.header().unwrap();
    for index in 0..4 {
        file.push_str(&rejects.record(first.refusal(index)));
    }
    assert!(
        file.starts_with("E-Mail;Name;Topics;rejectedLine;rejectedReason\nana@;Ana;news;2;\"email: `ana@`")
    );
    assert_eq!(file.lines().count(), 5);
    let again = read(file.replace("ana@;", "ana@example.com;").replace("x y;", "x;"));
    assert_eq!((again.counts.rows, again.counts.refused), (2, 2));
    assert_eq!(again.row(1).name.as_deref(), Some("B;o"));
}

#[test]
fn a_line_too_long_to_be_a_record() {
    let file =
        format!("email\na@example.com\n{}\nb@example.com\n{}", "x".repeat(200_000), "y".repeat(70_000));
    for chunk in [10_000, usize::MAX] {
        let read = read_with(file.as_bytes(), ImportOptions::default(), chunk).unwrap();
        assert_eq!((read.counts.rows, read.counts.refused, read.counts.lines()), (2, 2, 5));
        assert_eq!((read.refusal(1).line, &read.refusal(1).reason), (3, &Reason::TooLong));
        assert_eq!(read.refusal(1).original.len(), 1024);
        assert_eq!((read.row(2).line, read.refusal(3).line), (4, 5));
    }
}

#[test]
fn repeated_headers_and_old_line_ends() {
    let read = read("email,name\ra@example.com,A\remail,name\rb@example.com,B\r");
    assert_eq!((read.counts.rows, read.counts.header_lines), (2, 2));
    assert_eq!(read.row(1).line, 4);
    let quoted = super::tests::read("email,name\ra@example.com,\"A\"\rb@example.com,\"B\" \r");
    assert_eq!((quoted.counts.rows, quoted.row(1).line), (2, 3));
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,6}@example\\.com[,;][A-Za-z é\"]{0,8}([,;](\\+49151[0-9]{6}|0151 [0-9]{7}|n;m|))?",
        2 => "[ -~]{0,40}",
        1 => "\"[ -~\\n]{0,30}\"?[,;]x@example\\.com",
        1 => "[,;\" ]{0,5}",
        1 => Just("email,name,phone".to_owned()),
        1 => "\\{\"email\": ?\"[a-z@.]{0,12}\"\\}?",
        1 => "\\PC{0,30}",
    ]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let text = (
        proptest::sample::select(vec![
            "",
            "email,name,phone\n",
            "E-Mail;Name;Telefon;x\r\n",
            "sep=;\nmail;name\n",
            "{\"email\":\"a@b.de\"}\n",
        ]),
        proptest::collection::vec(line(), 0..30),
        proptest::sample::select(vec!["\n", "\r\n", "\r"]),
        any::<bool>(),
    )
        .prop_map(|(header, lines, ending, last)| {
            let mut text = header.to_owned();
            text.push_str(&lines.join(ending));
            if last {
                text.push_str(ending);
            }
            text
        })
        .boxed();
    prop_oneof![
        6 => text.clone().prop_map(String::into_bytes),
        1 => text.clone().prop_map(|t| encoding_rs::WINDOWS_1252.encode(&t).0.into_owned()),
        1 => text.prop_map(|t| "\u{feff}".encode_utf16().chain(t.encode_utf16()).flat_map(u16::to_le_bytes).collect()),
        1 => proptest::collection::vec(any::<u8>(), 0..300),
    ]
}

/// The lines of a file, as an editor counts them.
fn lines_of(text: &str) -> u64 {
    let terminator = if text.contains('\r') && !text.contains('\n') { '\r' } else { '\n' };
    let breaks = text.matches(terminator).count() as u64;
    breaks + u64::from(!text.is_empty() && !text.ends_with(terminator))
}

fn decoded(bytes: &[u8], encoding: Encoding) -> String {
    let (text, _, _) = match encoding {
        Encoding::Utf8 => encoding_rs::UTF_8.decode(bytes),
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.decode(bytes),
        Encoding::Utf16Le => encoding_rs::UTF_16LE.decode(bytes),
        Encoding::Utf16Be => encoding_rs::UTF_16BE.decode(bytes),
    };
    text.into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_line_is_a_row_or_refused_or_blank(bytes in file(), chunk in 1usize..200) {
        let by_chunks = read_with(&bytes, ImportOptions::default(), chunk);
        let whole = read_with(&bytes, ImportOptions::default(), usize::MAX);
        match (by_chunks, whole) {
            (Ok(by_chunks), Ok(whole)) => {
                prop_assert_eq!(&by_chunks.outcomes, &whole.outcomes);
                prop_assert_eq!(&by_chunks.counts, &whole.counts);
                let counts = &whole.counts;
                prop_assert_eq!(counts.lines(), lines_of(&decoded(&bytes, whole.detected.encoding)));
                prop_assert_eq!(counts.rows + counts.refused, whole.outcomes.len() as u64);
                let mut next = 1;
                for outcome in &whole.outcomes {
                    let (line, lines) = match outcome {
                        Outcome::Row(row) => (row.line, row.lines),
                        Outcome::Refused(refusal) => (refusal.line, refusal.lines),
                    };
                    prop_assert!(line >= next);
                    next = line + lines;
                }
                let rejects = Rejects::new(&whole.detected);
                for outcome in &whole.outcomes {
                    if let Outcome::Refused(refusal) = outcome {
                        prop_assert!(rejects.record(refusal).ends_with('\n'));
                    }
                }
            }
            (Err(by_chunks), Err(whole)) => prop_assert_eq!(by_chunks, whole),
            (by_chunks, whole) => prop_assert!(false, "{:?} {:?}", by_chunks.err(), whole.err()),
        }
    }

    #[test]
    fn what_a_row_holds_is_valid(bytes in file()) {
        if let Ok(read) = read_with(&bytes, options(&[], "DE"), 4096) {
            for outcome in read.outcomes {
                let Outcome::Row(row) = outcome else { continue };
                prop_assert!(row.email.is_some() || row.phone.is_some() || row.push.is_some());
                prop_assert!(row.email.is_none_or(|a| crate::domain::validate::email(&a)));
                prop_assert!(row.phone.is_none_or(|a| crate::domain::validate::phone(&a)));
                prop_assert!(row.name.is_none_or(|n| crate::domain::validate::line("name", &n, 1, 128).is_ok()));
            }
        }
    }
}

/// The bar is for a release build: `cargo test --release --lib -- --ignored import::tests::speed`.
#[test]
#[ignore = "measures time; for a release build on a quiet machine"]
fn speed() {
    const ROWS: u32 = 1_000_000;
    let mut file = "userId,name,email,phone,topics\n".to_owned();
    for n in 0..ROWS {
        writeln!(file, ",Person {n},p{n}@example.com,+49151{n:08},news;beta").unwrap();
    }
    let mut decoder = Decoder::new(ImportOptions::default());
    let mut rows = 0;
    let start = std::time::Instant::now();
    for chunk in file.as_bytes().chunks(64 * 1024) {
        decoder.push(chunk).unwrap();
        while let Some(outcome) = decoder.next_outcome() {
            rows += u32::from(matches!(outcome, Outcome::Row(_)));
        }
    }
    decoder.finish().unwrap();
    while let Some(outcome) = decoder.next_outcome() {
        rows += u32::from(matches!(outcome, Outcome::Row(_)));
    }
    let rate = f64::from(rows) / start.elapsed().as_secs_f64();
    println!("{rate:.0} rows/s");
    assert_eq!(rows, ROWS);
    assert!(rate >= 100_000.0, "{rate:.0} rows/s");
}
