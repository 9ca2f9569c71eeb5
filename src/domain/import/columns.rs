//! Our columns, and how others call them.

use std::fmt;

/// What a column of the file means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The person's id.
    UserId,
    /// The whole name.
    Name,
    /// The first name; joined with the last when there is no whole name.
    FirstName,
    /// The last name.
    LastName,
    /// A mail address.
    Email,
    /// A phone number.
    Phone,
    /// A device token.
    Push,
    /// The provider of the device token.
    PushProvider,
    /// Topics by id, `;` between.
    Topics,
}

impl Column {
    /// Every column, in the order of the documentation.
    pub const ALL: [Column; 9] = [
        Column::UserId,
        Column::Name,
        Column::FirstName,
        Column::LastName,
        Column::Email,
        Column::Phone,
        Column::Push,
        Column::PushProvider,
        Column::Topics,
    ];

    /// Its name in our own files and in `--map`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Column::UserId => "userId",
            Column::Name => "name",
            Column::FirstName => "firstName",
            Column::LastName => "lastName",
            Column::Email => "email",
            Column::Phone => "phone",
            Column::Push => "push",
            Column::PushProvider => "pushProvider",
            Column::Topics => "topics",
        }
    }

    /// Whether it is a way to reach somebody.
    #[must_use]
    pub fn is_address(self) -> bool {
        matches!(self, Column::Email | Column::Phone | Column::Push)
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names of columns in exports, folded by [`fold`], the most specific first:
/// where several columns of a file mean the same, the first of them that is
/// filled counts.
const SYNONYMS: &[(Column, &[&str])] = &[
    (
        Column::UserId,
        &[
            "userid",
            "user",
            "uid",
            "id",
            "externalid",
            "customerid",
            "contactid",
            "subscriberid",
            "memberid",
            "recordid",
            "kundennummer",
            "kundennr",
            "kundenid",
            "benutzerid",
            "mitgliedsnummer",
            "idcliente",
            "idclient",
            "idutilisateur",
            "numeroclient",
            "clientid",
            "identifiant",
            "klantnummer",
            "codicecliente",
        ],
    ),
    (
        Column::Name,
        &[
            "name",
            "fullname",
            "displayname",
            "contactname",
            "username",
            "customername",
            "vollstandigername",
            "anzeigename",
            "vorundnachname",
            "vornamenachname",
            "ansprechpartner",
            "nombre",
            "nombrecompleto",
            "nombreyapellidos",
            "nomcomplet",
            "nometprenom",
            "prenometnom",
            "nomecompleto",
            "nomecognome",
            "nomeecognome",
            "naam",
            "volledigenaam",
            "imieinazwisko",
            "fulltnavn",
            "navn",
            "namn",
            "nimi",
            "имя",
            "фио",
            "姓名",
            "名前",
            "氏名",
        ],
    ),
    (
        Column::FirstName,
        &[
            "firstname",
            "givenname",
            "forename",
            "fname",
            "vorname",
            "prenom",
            "primernombre",
            "nombredepila",
            "voornaam",
            "imie",
            "fornavn",
            "fornamn",
            "etunimi",
            "primeironome",
            "名",
        ],
    ),
    (
        Column::LastName,
        &[
            "lastname",
            "surname",
            "familyname",
            "lname",
            "nachname",
            "familienname",
            "nomdefamille",
            "apellido",
            "apellidos",
            "cognome",
            "sobrenome",
            "apelido",
            "achternaam",
            "nazwisko",
            "etternavn",
            "efternavn",
            "efternamn",
            "sukunimi",
            "фамилия",
            "姓",
        ],
    ),
    (
        Column::Email,
        &[
            "email",
            "emailaddress",
            "emailadresse",
            "mailadresse",
            "mailaddress",
            "mail",
            "emails",
            "primaryemail",
            "email1value",
            "email1address",
            "email1",
            "emailprivat",
            "emailgeschaftlich",
            "correo",
            "correoelectronico",
            "direcciondecorreo",
            "direcciondecorreoelectronico",
            "courriel",
            "adressemail",
            "adresseemail",
            "adressecourriel",
            "adresseelectronique",
            "indirizzoemail",
            "indirizzomail",
            "postaelettronica",
            "enderecodeemail",
            "endereceletronico",
            "emailadres",
            "adresemail",
            "adresemailowy",
            "epost",
            "epostadress",
            "epostadresse",
            "sahkoposti",
            "sahkopostiosoite",
            "eposta",
            "почта",
            "электроннаяпочта",
            "емейл",
            "邮箱",
            "电子邮件",
            "メール",
            "メールアドレス",
            "이메일",
        ],
    ),
    (
        Column::Phone,
        &[
            "mobile",
            "mobilephone",
            "mobilenumber",
            "mobileno",
            "cell",
            "cellphone",
            "cellular",
            "handy",
            "handynummer",
            "mobil",
            "mobilnummer",
            "mobiltelefon",
            "mobilfunknummer",
            "movil",
            "telefonomovil",
            "celular",
            "telefonocelular",
            "portable",
            "telephoneportable",
            "telmobile",
            "cellulare",
            "telemovel",
            "mobiel",
            "mobielnummer",
            "komorka",
            "komorkowy",
            "telefonkomorkowy",
            "мобильный",
            "мобильныйтелефон",
            "手机",
            "手机号",
            "携帯電話",
            "휴대폰",
            "sms",
            "smsnumber",
            "whatsapp",
            "phone",
            "phonenumber",
            "telephone",
            "telephonenumber",
            "tel",
            "telno",
            "telnr",
            "telefon",
            "telefonnummer",
            "rufnummer",
            "telefono",
            "numerodetelefono",
            "numerodetelephone",
            "numtel",
            "numerotelephone",
            "telefone",
            "numerodetelefone",
            "telefoon",
            "telefoonnummer",
            "numertelefonu",
            "puhelin",
            "puhelinnumero",
            "telefonszam",
            "телефон",
            "电话",
            "電話番号",
            "전화번호",
            "phone1value",
            "phone1",
            "primaryphone",
        ],
    ),
    (
        Column::Push,
        &[
            "push",
            "pushtoken",
            "devicetoken",
            "fcmtoken",
            "apnstoken",
            "registrationtoken",
            "registrationid",
            "devicepushtoken",
            "geratetoken",
        ],
    ),
    (Column::PushProvider, &["pushprovider", "pushproviderid"]),
    (
        Column::Topics,
        &[
            "topics",
            "topic",
            "topicids",
            "topicid",
            "themen",
            "thema",
            "temas",
            "sujets",
            "argomenti",
            "onderwerpen",
        ],
    ),
];

/// Parts of names that make a column an address when nothing in [`NOT_ADDRESSES`] is there too.
const PARTS: &[(&str, Column)] = &[
    ("email", Column::Email),
    ("mailadress", Column::Email),
    ("correo", Column::Email),
    ("courriel", Column::Email),
    ("mobile", Column::Phone),
    ("handy", Column::Phone),
    ("phone", Column::Phone),
    ("telefon", Column::Phone),
];

/// Columns that speak of an address without being one: consents, dates, states, types.
const NOT_ADDRESSES: &[&str] = &[
    "opt",
    "consent",
    "permission",
    "valid",
    "verif",
    "status",
    "state",
    "date",
    "datum",
    "fecha",
    "count",
    "type",
    "typ",
    "label",
    "bounce",
    "marketing",
    "newsletter",
    "sent",
    "open",
    "click",
    "fax",
    "code",
    "country",
    "owner",
    "subject",
    "extension",
    "has",
    "allow",
    "erlaub",
    "zustimm",
    "einwillig",
    "domain",
    "hash",
    "preference",
    "format",
    "source",
    "last",
    "updated",
    "created",
    "subscri",
    "client",
    "template",
];

/// A header in the form that names are compared in: lower case, common accents
/// taken off, letters and digits only.
pub(super) fn fold(header: &str) -> String {
    let mut out = String::with_capacity(header.len());
    for c in header.chars().flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' => out.push('a'),
            'ç' | 'ć' | 'č' => out.push('c'),
            'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => out.push('e'),
            'ì' | 'í' | 'î' | 'ï' | 'ı' => out.push('i'),
            'ł' => out.push('l'),
            'ñ' | 'ń' => out.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => out.push('o'),
            'ś' | 'š' | 'ş' => out.push('s'),
            'ß' => out.push_str("ss"),
            'ù' | 'ú' | 'û' | 'ü' | 'ű' => out.push('u'),
            'ý' => out.push('y'),
            'ź' | 'ż' | 'ž' => out.push('z'),
            // Combining accents, where the export is decomposed.
            '\u{300}'..='\u{36f}' => {}
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
    out
}

/// What a header means, and how specific the name is (lower is more).
pub(super) fn recognise(header: &str) -> Option<(Column, usize)> {
    let folded = fold(header);
    if folded.is_empty() {
        return None;
    }
    for (column, names) in SYNONYMS {
        if let Some(rank) = names.iter().position(|name| *name == folded) {
            return Some((*column, rank));
        }
    }
    // A sentence or an address is no header; a name with one of our parts in it is.
    if header.contains('@') || folded.chars().count() > 40 {
        return None;
    }
    if NOT_ADDRESSES.iter().any(|part| folded.contains(part)) {
        return None;
    }
    PARTS.iter().find(|(part, _)| folded.contains(part)).map(|(_, column)| (*column, 1_000))
}

/// `--map email='E-Mail Adresse'`: columns named by the operator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    entries: Vec<(Column, String)>,
}

/// Why a `--map` was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnMapError {
    /// There is no `=`.
    #[error("`{0}`: expected column=header, such as email='E-Mail Adresse'")]
    NoEquals(String),
    /// Not a column of ours.
    #[error(
        "`{0}` is not a column; there are userId, name, firstName, lastName, email, phone, push, pushProvider and topics"
    )]
    UnknownColumn(String),
}

impl ColumnMap {
    /// Adds one `column=header`. The header is compared whatever its case,
    /// accents and punctuation; `column=2` is the second column of the file
    /// when none has that name; `column=` leaves the column out.
    pub fn add(&mut self, entry: &str) -> Result<(), ColumnMapError> {
        let (name, header) =
            entry.split_once('=').ok_or_else(|| ColumnMapError::NoEquals(entry.to_owned()))?;
        let name = name.trim();
        let column = Column::ALL
            .into_iter()
            .find(|column| column.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| ColumnMapError::UnknownColumn(name.to_owned()))?;
        self.entries.push((column, header.trim().to_owned()));
        Ok(())
    }

    /// The operator's choices, in order: a column and the header wanted for it.
    pub fn entries(&self) -> impl Iterator<Item = (Column, &str)> {
        self.entries.iter().map(|(column, header)| (*column, header.as_str()))
    }

    /// Whether the operator said anything of `column`.
    #[must_use]
    pub fn names(&self, column: Column) -> bool {
        self.entries.iter().any(|(mapped, _)| *mapped == column)
    }

    /// The place of the header that `wanted` means.
    pub(super) fn locate(wanted: &str, headers: &[String]) -> Option<usize> {
        let folded = fold(wanted);
        headers
            .iter()
            .position(|header| header.trim() == wanted)
            .or_else(|| {
                let alike = |header: &String| !folded.is_empty() && fold(header) == folded;
                headers.iter().position(alike)
            })
            .or_else(|| {
                let number: usize = wanted.parse().ok()?;
                (1..=headers.len()).contains(&number).then(|| number - 1)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_many_languages() {
        for (header, column) in [
            ("E-Mail", Column::Email),
            ("E-Mail Adresse", Column::Email),
            ("Mail", Column::Email),
            ("Correo electrónico", Column::Email),
            ("Adresse e-mail", Column::Email),
            ("Courriel", Column::Email),
            ("E-mail 1 - Value", Column::Email),
            ("Contact Email", Column::Email),
            ("Téléphone", Column::Phone),
            ("Te\u{301}le\u{301}phone", Column::Phone),
            ("Handy", Column::Phone),
            ("Mobil", Column::Phone),
            ("Tel.", Column::Phone),
            ("Work Phone", Column::Phone),
            ("Vorname", Column::FirstName),
            ("Nachname", Column::LastName),
            ("user_id", Column::UserId),
            ("Kunden-Nr.", Column::UserId),
            ("Push Token", Column::Push),
            ("Themen", Column::Topics),
            ("Имя", Column::Name),
        ] {
            assert_eq!(recognise(header).map(|(column, _)| column), Some(column), "{header}");
        }
        for header in ["Email opt-in", "Phone Type", "Mail date", "Notiz", "", "ana@example.com", "Fax"] {
            assert_eq!(recognise(header), None, "{header}");
        }
    }

    #[test]
    fn every_synonym_is_folded_and_means_one_column() {
        let mut seen = std::collections::HashMap::new();
        for (column, names) in SYNONYMS {
            for name in *names {
                assert_eq!(&fold(name), name);
                assert_eq!(seen.insert(*name, *column), None, "{name} twice");
            }
        }
        for column in Column::ALL {
            assert_eq!(recognise(column.name()).map(|(column, _)| column), Some(column));
        }
    }

    #[test]
    fn a_mobile_number_goes_before_a_landline() {
        assert!(recognise("Mobil").unwrap().1 < recognise("Telefon").unwrap().1);
    }

    #[test]
    fn maps() {
        let mut map = ColumnMap::default();
        map.add("email=E-Mail Adresse").unwrap();
        map.add("NAME = x").unwrap();
        assert!(map.names(Column::Email) && map.names(Column::Name) && !map.names(Column::Phone));
        assert!(matches!(map.add("email"), Err(ColumnMapError::NoEquals(_))));
        assert!(matches!(map.add("e=mail"), Err(ColumnMapError::UnknownColumn(_))));
        let headers = ["Id", "e-mail adresse"].map(String::from);
        assert_eq!(ColumnMap::locate("E-Mail Adresse", &headers), Some(1));
        assert_eq!(ColumnMap::locate("2", &headers), Some(1));
        assert_eq!(ColumnMap::locate("3", &headers), None);
        assert_eq!(ColumnMap::locate("", &headers), None);
    }
}
