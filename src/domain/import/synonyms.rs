//! How others call our columns, in the languages that exports come in.

use super::Column;

/// Names of columns in exports, folded by [`fold`], the most specific first:
/// where several columns of a file mean the same, the first of them that is
/// filled counts.
#[rustfmt::skip]
pub(super) const SYNONYMS: &[(Column, &[&str])] = &[
    (
        Column::UserId,
        &[
            "userid", "user", "uid", "id", "externalid", "customerid", "contactid", "subscriberid",
            "memberid", "recordid", "kundennummer", "kundennr", "kundenid", "benutzerid",
            "mitgliedsnummer", "idcliente", "idclient", "idutilisateur", "numeroclient", "clientid",
            "identifiant", "klantnummer", "codicecliente",
        ],
    ),
    (
        Column::Name,
        &[
            "name", "fullname", "displayname", "contactname", "username", "customername",
            "vollstandigername", "anzeigename", "vorundnachname", "vornamenachname", "ansprechpartner",
            "nombre", "nombrecompleto", "nombreyapellidos", "nomcomplet", "nometprenom", "prenometnom",
            "nomecompleto", "nomecognome", "nomeecognome", "naam", "volledigenaam", "imieinazwisko",
            "fulltnavn", "navn", "namn", "nimi", "имя", "фио", "姓名", "名前", "氏名",
        ],
    ),
    (
        Column::FirstName,
        &[
            "firstname", "givenname", "forename", "fname", "vorname", "prenom", "primernombre",
            "nombredepila", "voornaam", "imie", "fornavn", "fornamn", "etunimi", "primeironome", "名",
        ],
    ),
    (
        Column::LastName,
        &[
            "lastname", "surname", "familyname", "lname", "nachname", "familienname", "nomdefamille",
            "apellido", "apellidos", "cognome", "sobrenome", "apelido", "achternaam", "nazwisko",
            "etternavn", "efternavn", "efternamn", "sukunimi", "фамилия", "姓",
        ],
    ),
    (
        Column::Email,
        &[
            "email", "emailaddress", "emailadresse", "mailadresse", "mailaddress", "mail", "emails",
            "primaryemail", "email1value", "email1address", "email1", "emailprivat", "emailgeschaftlich",
            "correo", "correoelectronico", "direcciondecorreo", "direcciondecorreoelectronico", "courriel",
            "adressemail", "adresseemail", "adressecourriel", "adresseelectronique", "indirizzoemail",
            "indirizzomail", "postaelettronica", "enderecodeemail", "endereceletronico", "emailadres",
            "adresemail", "adresemailowy", "epost", "epostadress", "epostadresse", "sahkoposti",
            "sahkopostiosoite", "eposta", "почта", "электроннаяпочта", "емейл", "邮箱", "电子邮件", "メール",
            "メールアドレス", "이메일",
        ],
    ),
    (
        Column::Phone,
        &[
            "mobile", "mobilephone", "mobilenumber", "mobileno", "cell", "cellphone", "cellular", "handy",
            "handynummer", "mobil", "mobilnummer", "mobiltelefon", "mobilfunknummer", "movil",
            "telefonomovil", "celular", "telefonocelular", "portable", "telephoneportable", "telmobile",
            "cellulare", "telemovel", "mobiel", "mobielnummer", "komorka", "komorkowy", "telefonkomorkowy",
            "мобильный", "мобильныйтелефон", "手机", "手机号", "携帯電話", "휴대폰", "sms", "smsnumber", "whatsapp",
            "phone", "phonenumber", "telephone", "telephonenumber", "tel", "telno", "telnr", "telefon",
            "telefonnummer", "rufnummer", "telefono", "numerodetelefono", "numerodetelephone", "numtel",
            "numerotelephone", "telefone", "numerodetelefone", "telefoon", "telefoonnummer",
            "numertelefonu", "puhelin", "puhelinnumero", "telefonszam", "телефон", "电话", "電話番号", "전화번호",
            "phone1value", "phone1", "primaryphone",
        ],
    ),
    (
        Column::Push,
        &[
            "push", "pushtoken", "devicetoken", "fcmtoken", "apnstoken", "registrationtoken",
            "registrationid", "devicepushtoken", "geratetoken",
        ],
    ),
    (Column::PushProvider, &["pushprovider", "pushproviderid"]),
    (
        Column::Topics,
        &[
            "topics", "topic", "topicids", "topicid", "themen", "thema", "temas", "sujets", "argomenti",
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
}
