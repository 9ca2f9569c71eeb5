//! Zones by the names that people give them.

use chrono_tz::{TZ_VARIANTS, Tz};

/// Cities that have no zone of their own name, and short names of regions.
const CITIES: &[(&str, Tz)] = &[
    ("munich", Tz::Europe__Berlin),
    ("münchen", Tz::Europe__Berlin),
    ("hamburg", Tz::Europe__Berlin),
    ("frankfurt", Tz::Europe__Berlin),
    ("cologne", Tz::Europe__Berlin),
    ("köln", Tz::Europe__Berlin),
    ("stuttgart", Tz::Europe__Berlin),
    ("wien", Tz::Europe__Vienna),
    ("zürich", Tz::Europe__Zurich),
    ("geneva", Tz::Europe__Zurich),
    ("basel", Tz::Europe__Zurich),
    ("lyon", Tz::Europe__Paris),
    ("marseille", Tz::Europe__Paris),
    ("barcelona", Tz::Europe__Madrid),
    ("milan", Tz::Europe__Rome),
    ("roma", Tz::Europe__Rome),
    ("edinburgh", Tz::Europe__London),
    ("manchester", Tz::Europe__London),
    ("gothenburg", Tz::Europe__Stockholm),
    ("kyiv", Tz::Europe__Kiev),
    ("kiev", Tz::Europe__Kiev),
    ("boston", Tz::America__New_York),
    ("washington", Tz::America__New_York),
    ("miami", Tz::America__New_York),
    ("atlanta", Tz::America__New_York),
    ("philadelphia", Tz::America__New_York),
    ("nyc", Tz::America__New_York),
    ("dallas", Tz::America__Chicago),
    ("houston", Tz::America__Chicago),
    ("austin", Tz::America__Chicago),
    ("san francisco", Tz::America__Los_Angeles),
    ("seattle", Tz::America__Los_Angeles),
    ("portland", Tz::America__Los_Angeles),
    ("san diego", Tz::America__Los_Angeles),
    ("las vegas", Tz::America__Los_Angeles),
    ("montréal", Tz::America__Toronto),
    ("rio de janeiro", Tz::America__Sao_Paulo),
    ("são paulo", Tz::America__Sao_Paulo),
    ("beijing", Tz::Asia__Shanghai),
    ("shenzhen", Tz::Asia__Shanghai),
    ("osaka", Tz::Asia__Tokyo),
    ("mumbai", Tz::Asia__Kolkata),
    ("delhi", Tz::Asia__Kolkata),
    ("new delhi", Tz::Asia__Kolkata),
    ("bangalore", Tz::Asia__Kolkata),
    ("tel aviv", Tz::Asia__Jerusalem),
    ("abu dhabi", Tz::Asia__Dubai),
    ("hanoi", Tz::Asia__Bangkok),
    ("cape town", Tz::Africa__Johannesburg),
    ("canberra", Tz::Australia__Sydney),
    ("wellington", Tz::Pacific__Auckland),
    ("eastern", Tz::America__New_York),
    ("central", Tz::America__Chicago),
    ("mountain", Tz::America__Denver),
    ("pacific", Tz::America__Los_Angeles),
];

/// Abbreviations, and the place whose clocks are meant. People write `CET` in
/// July and mean the clock on the wall, so a place is taken, not an offset.
const ABBREVIATIONS: &[(&str, Tz)] = &[
    ("gmt", Tz::UTC),
    ("bst", Tz::Europe__London),
    ("wet", Tz::Europe__Lisbon),
    ("west", Tz::Europe__Lisbon),
    ("cet", Tz::Europe__Berlin),
    ("cest", Tz::Europe__Berlin),
    ("mez", Tz::Europe__Berlin),
    ("mesz", Tz::Europe__Berlin),
    ("met", Tz::Europe__Berlin),
    ("eet", Tz::Europe__Athens),
    ("eest", Tz::Europe__Athens),
    ("msk", Tz::Europe__Moscow),
    ("est", Tz::America__New_York),
    ("edt", Tz::America__New_York),
    ("et", Tz::America__New_York),
    ("cst", Tz::America__Chicago),
    ("cdt", Tz::America__Chicago),
    ("ct", Tz::America__Chicago),
    ("mst", Tz::America__Denver),
    ("mdt", Tz::America__Denver),
    ("mt", Tz::America__Denver),
    ("pst", Tz::America__Los_Angeles),
    ("pdt", Tz::America__Los_Angeles),
    ("pt", Tz::America__Los_Angeles),
    ("ist", Tz::Asia__Kolkata),
    ("jst", Tz::Asia__Tokyo),
    ("kst", Tz::Asia__Seoul),
    ("hkt", Tz::Asia__Hong_Kong),
    ("sgt", Tz::Asia__Singapore),
    ("aest", Tz::Australia__Sydney),
    ("aedt", Tz::Australia__Sydney),
    ("nzst", Tz::Pacific__Auckland),
    ("nzdt", Tz::Pacific__Auckland),
];

/// A zone by what people call it, in any case, and whether it was an
/// abbreviation: `Berlin`, `new york`, `Europe/Berlin`, `UTC`, `CET`.
#[must_use]
pub fn find_zone(name: &str) -> Option<(Tz, bool)> {
    let lower = name.to_lowercase();
    if lower == "utc" || lower == "z" {
        return Some((Tz::UTC, false));
    }
    if let Some((_, zone)) = ABBREVIATIONS.iter().find(|(short, _)| *short == lower) {
        return Some((*zone, true));
    }
    if let Some((_, zone)) = CITIES.iter().find(|(city, _)| *city == lower) {
        return Some((*zone, false));
    }
    let id = lower.replace(' ', "_");
    let whole = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(&id));
    let city =
        || TZ_VARIANTS.iter().find(|zone| city_of(**zone).is_some_and(|city| city.eq_ignore_ascii_case(&id)));
    whole.or_else(city).map(|zone| (*zone, false))
}

/// The city of a zone's id, if its id names one.
fn city_of(zone: Tz) -> Option<&'static str> {
    let (region, city) = zone.name().rsplit_once('/')?;
    (region != "Etc" && !city.bytes().any(|b| b.is_ascii_digit())).then_some(city)
}

/// How a zone is called in short: its city where that is understood as the
/// same zone, else its id.
#[must_use]
pub fn zone_name(zone: Tz) -> String {
    if let Some(city) = city_of(zone) {
        let name = city.replace('_', " ");
        if find_zone(&name) == Some((zone, false)) {
            return name;
        }
    }
    zone.name().to_owned()
}

/// Every name that is understood, for suggestions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let cities = TZ_VARIANTS.iter().filter_map(|zone| city_of(*zone));
    CITIES.iter().map(|(city, _)| *city).chain(cities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_use() {
        for (name, zone) in [
            ("Berlin", Tz::Europe__Berlin),
            ("new york", Tz::America__New_York),
            ("New_York", Tz::America__New_York),
            ("europe/berlin", Tz::Europe__Berlin),
            ("UTC", Tz::UTC),
            ("Port-au-Prince", Tz::America__PortauPrince),
            ("MUNICH", Tz::Europe__Berlin),
            ("Etc/GMT+5", Tz::Etc__GMTPlus5),
        ] {
            assert_eq!(find_zone(name), Some((zone, false)), "{name}");
        }
        assert_eq!(find_zone("CET"), Some((Tz::Europe__Berlin, true)));
        for name in ["", "Atlantis", "GMT+5", "noon"] {
            assert_eq!(find_zone(name), None, "{name}");
        }
    }

    #[test]
    fn a_zones_name_is_its_city_or_its_id() {
        assert_eq!(zone_name(Tz::America__New_York), "New York");
        assert_eq!(zone_name(Tz::US__Pacific), "US/Pacific");
        assert_eq!(zone_name(Tz::UTC), "UTC");
        assert_eq!(zone_name(Tz::Etc__GMTPlus5), "Etc/GMT+5");
    }
}
