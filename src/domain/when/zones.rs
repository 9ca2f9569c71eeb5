//! Zones by the names that people give them.

use crate::domain::zone::Zone;

/// Cities that have no zone of their own name, and short names of regions.
const CITIES: &[(&str, &str)] = &[
    ("munich", "Europe/Berlin"),
    ("münchen", "Europe/Berlin"),
    ("hamburg", "Europe/Berlin"),
    ("frankfurt", "Europe/Berlin"),
    ("cologne", "Europe/Berlin"),
    ("köln", "Europe/Berlin"),
    ("stuttgart", "Europe/Berlin"),
    ("wien", "Europe/Vienna"),
    ("zürich", "Europe/Zurich"),
    ("geneva", "Europe/Zurich"),
    ("basel", "Europe/Zurich"),
    ("lyon", "Europe/Paris"),
    ("marseille", "Europe/Paris"),
    ("barcelona", "Europe/Madrid"),
    ("milan", "Europe/Rome"),
    ("roma", "Europe/Rome"),
    ("edinburgh", "Europe/London"),
    ("manchester", "Europe/London"),
    ("gothenburg", "Europe/Stockholm"),
    ("kyiv", "Europe/Kiev"),
    ("kiev", "Europe/Kiev"),
    ("boston", "America/New_York"),
    ("washington", "America/New_York"),
    ("miami", "America/New_York"),
    ("atlanta", "America/New_York"),
    ("philadelphia", "America/New_York"),
    ("nyc", "America/New_York"),
    ("dallas", "America/Chicago"),
    ("houston", "America/Chicago"),
    ("austin", "America/Chicago"),
    ("san francisco", "America/Los_Angeles"),
    ("seattle", "America/Los_Angeles"),
    ("portland", "America/Los_Angeles"),
    ("san diego", "America/Los_Angeles"),
    ("las vegas", "America/Los_Angeles"),
    ("montréal", "America/Toronto"),
    ("rio de janeiro", "America/Sao_Paulo"),
    ("são paulo", "America/Sao_Paulo"),
    ("beijing", "Asia/Shanghai"),
    ("shenzhen", "Asia/Shanghai"),
    ("osaka", "Asia/Tokyo"),
    ("mumbai", "Asia/Kolkata"),
    ("delhi", "Asia/Kolkata"),
    ("new delhi", "Asia/Kolkata"),
    ("bangalore", "Asia/Kolkata"),
    ("tel aviv", "Asia/Jerusalem"),
    ("abu dhabi", "Asia/Dubai"),
    ("hanoi", "Asia/Bangkok"),
    ("cape town", "Africa/Johannesburg"),
    ("canberra", "Australia/Sydney"),
    ("wellington", "Pacific/Auckland"),
    ("eastern", "America/New_York"),
    ("central", "America/Chicago"),
    ("mountain", "America/Denver"),
    ("pacific", "America/Los_Angeles"),
];

/// Abbreviations, and the place whose clocks are meant. People write `CET` in
/// July and mean the clock on the wall, so a place is taken, not an offset.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("gmt", "UTC"),
    ("bst", "Europe/London"),
    ("wet", "Europe/Lisbon"),
    ("west", "Europe/Lisbon"),
    ("cet", "Europe/Berlin"),
    ("cest", "Europe/Berlin"),
    ("mez", "Europe/Berlin"),
    ("mesz", "Europe/Berlin"),
    ("met", "Europe/Berlin"),
    ("eet", "Europe/Athens"),
    ("eest", "Europe/Athens"),
    ("msk", "Europe/Moscow"),
    ("est", "America/New_York"),
    ("edt", "America/New_York"),
    ("et", "America/New_York"),
    ("cst", "America/Chicago"),
    ("cdt", "America/Chicago"),
    ("ct", "America/Chicago"),
    ("mst", "America/Denver"),
    ("mdt", "America/Denver"),
    ("mt", "America/Denver"),
    ("pst", "America/Los_Angeles"),
    ("pdt", "America/Los_Angeles"),
    ("pt", "America/Los_Angeles"),
    ("ist", "Asia/Kolkata"),
    ("jst", "Asia/Tokyo"),
    ("kst", "Asia/Seoul"),
    ("hkt", "Asia/Hong_Kong"),
    ("sgt", "Asia/Singapore"),
    ("aest", "Australia/Sydney"),
    ("aedt", "Australia/Sydney"),
    ("nzst", "Pacific/Auckland"),
    ("nzdt", "Pacific/Auckland"),
];

/// A zone by what people call it, in any case, and whether it was an
/// abbreviation: `Berlin`, `new york`, `Europe/Berlin`, `UTC`, `CET`.
#[must_use]
pub fn find_zone(name: &str) -> Option<(Zone, bool)> {
    let lower = name.to_lowercase();
    if lower == "utc" || lower == "z" {
        return Some((Zone::UTC, false));
    }
    if let Some((_, zone)) = ABBREVIATIONS.iter().find(|(short, _)| *short == lower) {
        return Some((zone.parse().ok()?, true));
    }
    if let Some((_, zone)) = CITIES.iter().find(|(city, _)| *city == lower) {
        return Some((zone.parse().ok()?, false));
    }
    let id = lower.replace(' ', "_");
    let city = || Zone::all().find(|zone| city_of(*zone).is_some_and(|city| city.eq_ignore_ascii_case(&id)));
    id.parse().ok().or_else(city).map(|zone| (zone, false))
}

/// UTC for every name that it has; any other zone as it is.
#[must_use]
pub(super) fn plain(zone: Zone) -> Zone {
    let id = zone.name();
    match id.strip_prefix("Etc/").unwrap_or(id) {
        "UTC" | "UCT" | "Universal" | "Zulu" => Zone::UTC,
        _ => zone,
    }
}

/// The city of a zone's id, if its id names one.
fn city_of(zone: Zone) -> Option<&'static str> {
    let (region, city) = zone.name().rsplit_once('/')?;
    (region != "Etc" && !city.bytes().any(|b| b.is_ascii_digit())).then_some(city)
}

/// How a zone is called in short: its city where that is understood as the
/// same zone, else its id.
#[must_use]
pub fn zone_name(zone: Zone) -> String {
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
    let cities = Zone::all().filter_map(city_of);
    CITIES.iter().map(|(city, _)| *city).chain(cities)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn what_a_name_stands_for_is_a_zone() {
        for (name, zone) in CITIES.iter().chain(ABBREVIATIONS) {
            assert!(zone.parse::<Zone>().is_ok(), "{name}: {zone}");
        }
    }

    #[test]
    fn names_that_people_use() {
        for (name, zone) in [
            ("Berlin", "Europe/Berlin"),
            ("new york", "America/New_York"),
            ("New_York", "America/New_York"),
            ("europe/berlin", "Europe/Berlin"),
            ("UTC", "UTC"),
            ("Port-au-Prince", "America/Port-au-Prince"),
            ("MUNICH", "Europe/Berlin"),
            ("Etc/GMT+5", "Etc/GMT+5"),
        ] {
            assert_eq!(find_zone(name), Some((named(zone), false)), "{name}");
        }
        assert_eq!(find_zone("CET"), Some((named("Europe/Berlin"), true)));
        for name in ["", "Atlantis", "GMT+5", "noon"] {
            assert_eq!(find_zone(name), None, "{name}");
        }
    }

    #[test]
    fn a_zones_name_is_its_city_or_its_id() {
        assert_eq!(zone_name(named("America/New_York")), "New York");
        assert_eq!(zone_name(named("US/Pacific")), "US/Pacific");
        assert_eq!(zone_name(named("UTC")), "UTC");
        assert_eq!(zone_name(named("Etc/GMT+5")), "Etc/GMT+5");
    }
}
