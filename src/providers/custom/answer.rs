//! How a gateway's answer is read: where success, the message's id and the code of a refusal
//! stand in it, and what codes mean.

use crate::domain::delivery::Stage;
use crate::providers::adapter::{Account, AccountError, Answer, Recipient, Verdict};
use crate::providers::http::HttpAnswer;
use crate::providers::meaning::{self, word};
use crate::providers::text::bare;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

/// The largest compiled regular expression, in bytes.
const PATTERN: usize = 64 * 1024;

/// The words of `meanings`, and what they mean.
const OUTCOMES: [(&str, Verdict, Stage); 6] = [
    ("accepted", Verdict::Accepted, Stage::Response),
    ("retry", Verdict::Transient, Stage::Response),
    ("permanent", Verdict::Permanent, Stage::Recipient),
    ("expired", Verdict::TargetExpired, Stage::Recipient),
    ("misconfigured", Verdict::Refused, Stage::Authentication),
    ("uncertain", Verdict::Uncertain, Stage::Response),
];

/// What a gateway says, and what is meant by it.
#[derive(Debug)]
struct Rule {
    said: Said,
    verdict: Verdict,
    stage: Stage,
}

#[derive(Debug, PartialEq)]
enum Said {
    Status(u16),
    Code(String),
}

/// What an answer says of the recipients of its request.
#[derive(Debug)]
pub(super) enum Told {
    /// The same of everybody.
    All(Answer),
    /// Of each, in the order of the request.
    Each(Vec<Answer>),
}

/// How an answer is read. Pointers are JSON's (RFC 6901); all is optional.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Statuses of answers that are read; none: those of success.
    statuses: Vec<u16>,
    /// A batch's results.
    results: Option<String>,
    /// Of whom a result speaks, within it; none: their order says.
    recipient: Option<String>,
    /// What says whether it was taken, within a result or the answer.
    success: Option<String>,
    /// The values of it that mean success; none: anything that is there and is not false or null.
    successes: Vec<String>,
    /// For answers in text: what a success looks like.
    success_pattern: Option<Regex>,
    /// The message's id, within a result or the answer.
    id: Option<String>,
    /// The code of a refusal, within a result or the answer.
    code: Option<String>,
    /// For answers in text: where the code is.
    code_pattern: Option<Regex>,
    rules: Vec<Rule>,
}

fn pointer(account: &Account, field: &str) -> Result<Option<String>, AccountError> {
    match account.text(field) {
        Some(text) if !text.starts_with('/') => {
            Err(account.invalid(field, "is no JSON pointer, such as /messages/0/id"))
        }
        text => Ok(text),
    }
}

fn pattern(account: &Account, field: &str) -> Result<Option<Regex>, AccountError> {
    let Some(text) = account.text(field) else { return Ok(None) };
    let built = RegexBuilder::new(&text).size_limit(PATTERN).build();
    built.map(Some).map_err(|error| account.invalid(field, format!("is no regular expression: {error}")))
}

/// Words with `|` between.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split('|').map(str::trim).filter(|word| !word.is_empty())
}

fn rules(account: &Account) -> Result<Vec<Rule>, AccountError> {
    const FIELD: &str = "meanings";
    let Some(text) = account.text(FIELD) else { return Ok(Vec::new()) };
    let bad = |problem: &str| account.invalid(FIELD, problem);
    let given: Map<String, Value> =
        serde_json::from_str(&text).map_err(|_| bad("is not a JSON object of lists"))?;
    let mut rules = Vec::new();
    for (name, list) in &given {
        let Some(&(_, verdict, stage)) = OUTCOMES.iter().find(|(known, ..)| known == name) else {
            let known: Vec<_> = OUTCOMES.iter().map(|(name, ..)| *name).collect();
            return Err(bad(&format!("has {name}, which is none of {}", known.join(", "))));
        };
        let list = list.as_array().ok_or_else(|| bad("is not a JSON object of lists"))?;
        for said in list {
            let said = match said {
                Value::Number(number) => match number.as_u64() {
                    Some(status @ 100..=599) => Said::Status(status as u16),
                    _ => return Err(bad("has a number that is no status: write a code as a text")),
                },
                Value::String(code) if !code.is_empty() => Said::Code(code.clone()),
                _ => return Err(bad("has something that is neither a status nor a code")),
            };
            if rules.iter().any(|rule: &Rule| rule.said == said) {
                return Err(bad("gives one status or code two meanings"));
            }
            rules.push(Rule { said, verdict, stage });
        }
    }
    Ok(rules)
}

impl Reading {
    pub(super) fn new(account: &Account, batch: usize) -> Result<Self, AccountError> {
        let reading = Self {
            statuses: words(&account.text("successStatus").unwrap_or_default())
                .map(|word| word.parse().ok().filter(|status| (100..=599).contains(status)))
                .collect::<Option<_>>()
                .ok_or_else(|| account.invalid("successStatus", "is not statuses with | between"))?,
            results: pointer(account, "resultsPath")?,
            recipient: pointer(account, "recipientPath")?,
            success: pointer(account, "successPath")?,
            successes: words(&account.text("successValue").unwrap_or_default()).map(str::to_owned).collect(),
            success_pattern: pattern(account, "successPattern")?,
            id: pointer(account, "idPath")?,
            code: pointer(account, "codePath")?,
            code_pattern: pattern(account, "codePattern")?,
            rules: rules(account)?,
        };
        let problem = |field: &str, problem: &str| Err(account.invalid(field, problem));
        if batch > 1 && reading.results.is_none() && reading.id.is_some() {
            return problem(
                "resultsPath",
                "is missing: with a batch, say where its recipients' results stand",
            );
        }
        if reading.recipient.is_some() && reading.results.is_none() {
            return problem("recipientPath", "speaks of a result: give resultsPath too");
        }
        if !reading.successes.is_empty() && reading.success.is_none() {
            return problem("successPath", "is missing: say where successValue stands");
        }
        if reading.success_pattern.is_some() && (reading.success.is_some() || reading.results.is_some()) {
            return problem("successPattern", "is for answers in text: leave the JSON pointers out");
        }
        if reading.code_pattern.is_some() && reading.code.is_some() {
            return problem("codePattern", "is for answers in text: leave codePath out");
        }
        Ok(reading)
    }

    /// What an answer says of these recipients.
    pub(super) fn read(&self, answer: &HttpAnswer, to: &[Recipient]) -> Told {
        let status = answer.status.as_u16();
        let read = if self.statuses.is_empty() {
            answer.status.is_success()
        } else {
            self.statuses.contains(&status)
        };
        if !read {
            return Told::All(self.refused(answer, &self.code_of(answer)));
        }
        if let Some(pattern) = &self.success_pattern {
            return Told::All(self.in_text(answer, pattern));
        }
        let pointers = [&self.results, &self.success, &self.id, &self.code];
        if pointers.iter().all(|pointer| pointer.is_none()) {
            let code = self.code_of(answer);
            return Told::All(match self.rule(0, &code) {
                Some(_) => self.refused(answer, &code),
                None => meaning::accepted(answer, "", meaning::shown(answer)),
            });
        }
        let Some(json) = meaning::json(answer) else { return Told::All(meaning::unreadable(answer)) };
        let Some(results) = &self.results else { return Told::All(self.judge(answer, &json)) };
        let result = |place: usize, to: &Recipient| match (json.pointer(results)?, &self.recipient) {
            (Value::Array(all), None) => all.get(place),
            (Value::Array(all), Some(path)) => {
                all.iter().find(|one| one.pointer(path).is_some_and(|named| is(&word(named), to)))
            }
            (Value::Object(all), _) => all.iter().find(|(named, _)| is(named, to)).map(|(_, one)| one),
            _ => None,
        };
        if json.pointer(results).is_none() && !self.code_of(answer).is_empty() {
            return Told::All(self.refused(answer, &self.code_of(answer)));
        }
        let each = to.iter().enumerate().map(|(place, to)| {
            // Who is not in the answer may have been taken.
            result(place, to).map_or_else(|| meaning::unreadable(answer), |one| self.judge(answer, one))
        });
        Told::Each(each.collect())
    }

    fn in_text(&self, answer: &HttpAnswer, pattern: &Regex) -> Answer {
        let body = String::from_utf8_lossy(&answer.body);
        match pattern.captures(&body) {
            _ if !answer.whole => meaning::unreadable(answer),
            Some(found) => {
                let id = found.get(1).map_or("", |id| id.as_str());
                meaning::accepted(answer, id, meaning::shown(answer))
            }
            None => self.not_taken(answer, &self.code_of(answer), meaning::shown(answer)),
        }
    }

    fn judge(&self, answer: &HttpAnswer, one: &Value) -> Answer {
        let at = |path: &Option<String>| path.as_ref().and_then(|path| one.pointer(path));
        let code = at(&self.code).map(word).unwrap_or_default();
        let taken = match &self.success {
            Some(_) => {
                let value = at(&self.success).unwrap_or(&Value::Null);
                if self.successes.is_empty() {
                    !matches!(value, Value::Null | Value::Bool(false))
                } else {
                    let text = if value.is_boolean() { value.to_string() } else { word(value) };
                    self.successes.contains(&text)
                }
            }
            None => self.rule(0, &code).is_none_or(|rule| rule.verdict == Verdict::Accepted),
        };
        let text = meaning::cut(&one.to_string()).to_owned();
        if taken {
            return meaning::accepted(answer, &at(&self.id).map(word).unwrap_or_default(), text);
        }
        self.not_taken(answer, &code, text)
    }

    /// Said not to be taken, in an answer that is read.
    fn not_taken(&self, answer: &HttpAnswer, code: &str, text: String) -> Answer {
        let (verdict, stage) = self
            .rule(0, code)
            .map_or((Verdict::Permanent, Stage::Recipient), |rule| (rule.verdict, rule.stage));
        let mut refused = Answer::new(verdict, stage, answer.status.as_u16(), text);
        refused.retry_after = answer.retry_after;
        refused
    }

    /// Refused by the status.
    fn refused(&self, answer: &HttpAnswer, code: &str) -> Answer {
        let mut refused = meaning::refused(&[], answer, "");
        if let Some(rule) = self.rule(answer.status.as_u16(), code) {
            (refused.verdict, refused.stage) = (rule.verdict, rule.stage);
        }
        refused
    }

    /// The rule for a code, else for a status.
    fn rule(&self, status: u16, code: &str) -> Option<&Rule> {
        let of_code = || self.rules.iter().find(|rule| matches!(&rule.said, Said::Code(own) if own == code));
        let of_status = || self.rules.iter().find(|rule| rule.said == Said::Status(status));
        of_code().or_else(of_status)
    }

    /// The code of an answer as a whole; empty if it has none.
    fn code_of(&self, answer: &HttpAnswer) -> String {
        let of_json = || meaning::json(answer)?.pointer(self.code.as_ref()?).map(word);
        let of_text = || {
            let body = String::from_utf8_lossy(&answer.body);
            Some(self.code_pattern.as_ref()?.captures(&body)?.get(1)?.as_str().to_owned())
        };
        of_json().or_else(of_text).unwrap_or_default()
    }
}

/// Whether a gateway's word for a recipient means this one: by address, number or reference.
fn is(named: &str, to: &Recipient) -> bool {
    named == to.reference || bare(named).eq_ignore_ascii_case(bare(&to.address))
}
