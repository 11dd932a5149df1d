//! `format(form, x, ...)`: Java's forms, as Trino has them: `%s`, `%d`, `%x`, `%f`, `%e`, `%b`, `%c`, `%%`, `%n`, with
//! flags, width, precision and the number of the argument (`%2$s`).

use arrow::array::{Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::scalar::{Read, Scalar, returns_text, text, texts};

/// The widest field and the most digits after the point.
const WIDTH_MAX: usize = 1_000;

const READS: &[Read] = &{
    let mut reads = [Read::Any; 33];
    reads[0] = Read::Text;
    reads
};

pub(super) fn function() -> Scalar {
    Scalar::new("format", READS, 1, returns_text, rows)
}

fn rows(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [forms, values @ ..] = arguments else {
        return datafusion::common::internal_err!("format takes a form");
    };
    let written: Vec<ArrayRef> = values
        .iter()
        .map(|value| Ok(cast(value, &DataType::Utf8)?))
        .collect::<Result<_>>()?;
    texts(forms.len(), |row| {
        let Some(form) = text(forms, row) else {
            return Ok(None);
        };
        let mut out = String::new();
        let (mut rest, mut next) = (form, 0);
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            let Some((spec, after)) = Spec::read(after) else {
                return datafusion::common::exec_err!("format: `{form}` has a form that is not known");
            };
            rest = after;
            match spec.kind {
                '%' => out.push_str(&spec.padded("%".to_owned())),
                'n' => out.push('\n'),
                _ => {
                    let index = spec.index.unwrap_or_else(|| {
                        next += 1;
                        next
                    });
                    let place = index.checked_sub(1);
                    let value = place.and_then(|place| written.get(place).zip(values.get(place)));
                    let Some((value, typed)) = value else {
                        return datafusion::common::exec_err!("format: `{form}` asks for argument {index}");
                    };
                    let value = text(value, row);
                    match spec.write(value, typed.data_type()) {
                        Some(made) => out.push_str(&made),
                        None => {
                            let (kind, value) = (spec.kind, value.unwrap_or("null"));
                            return datafusion::common::exec_err!("format: `{value}` is nothing for `%{kind}`");
                        }
                    }
                }
            }
        }
        out.push_str(rest);
        Ok(Some(out))
    })
}

/// What stands between `%` and the next text.
struct Spec<'a> {
    index: Option<usize>,
    flags: &'a str,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Spec<'_> {
    fn read(text: &str) -> Option<(Spec<'_>, &str)> {
        let digits = |text: &str| text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (mut rest, mut index) = (text, None);
        let (number, after) = rest.split_at_checked(digits(rest))?;
        if let Some(after) = after.strip_prefix('$') {
            (index, rest) = (Some(number.parse().ok()?), after);
        }
        let flags = rest.len() - rest.trim_start_matches(['-', '#', '+', ' ', '0', ',', '(']).len();
        let (flags, after) = rest.split_at_checked(flags)?;
        let (width, mut after) = after.split_at_checked(digits(after))?;
        let mut precision = None;
        if let Some(behind) = after.strip_prefix('.') {
            let (number, behind) = behind.split_at_checked(digits(behind))?;
            (precision, after) = (Some(number.parse().ok()?), behind);
        }
        let kind = after.chars().next()?;
        let width = if width.is_empty() { 0 } else { width.parse().ok()? };
        let fits = width <= WIDTH_MAX && precision.is_none_or(|digits| digits <= WIDTH_MAX);
        let spec = Spec {
            index,
            flags,
            width,
            precision,
            kind,
        };
        (fits && "sSdxXfeEbBcn%".contains(kind)).then(|| (spec, after.get(kind.len_utf8()..).unwrap_or_default()))
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn write(&self, value: Option<&str>, kind: &DataType) -> Option<String> {
        let Some(value) = value else {
            return Some(
                self.padded(
                    if matches!(self.kind, 'b' | 'B') {
                        "false"
                    } else {
                        "null"
                    }
                    .to_owned(),
                ),
            );
        };
        match self.kind {
            's' | 'S' | 'b' | 'B' => {
                let value = if matches!(self.kind, 'b' | 'B') && *kind != DataType::Boolean {
                    "true"
                } else {
                    value
                };
                let cut: String = value.chars().take(self.precision.unwrap_or(usize::MAX)).collect();
                let upper = matches!(self.kind, 'S' | 'B');
                Some(self.padded(if upper { cut.to_uppercase() } else { cut }))
            }
            'c' => Some(self.padded(value.chars().next()?.to_string())),
            'd' => {
                let number: i128 = value.parse().ok()?;
                Some(self.number(number < 0, number.unsigned_abs().to_string()))
            }
            'x' | 'X' => {
                let number: i64 = value.parse().ok()?;
                let digits = format!("{number:x}");
                Some(self.number(
                    false,
                    if self.kind == 'X' {
                        digits.to_uppercase()
                    } else {
                        digits
                    },
                ))
            }
            'f' | 'e' | 'E' => {
                let (number, digits): (f64, usize) = (value.parse().ok()?, self.precision.unwrap_or(6));
                let size = number.abs();
                let made = if self.kind == 'f' {
                    format!("{size:.digits$}")
                } else {
                    scientific(size, digits, self.kind)
                };
                Some(self.number(number.is_sign_negative() && number != 0.0, made))
            }
            _ => None,
        }
    }

    fn number(&self, negative: bool, digits: String) -> String {
        let digits = if self.has(',') { grouped(&digits) } else { digits };
        let (sign, end) = match negative {
            true if self.has('(') => ("(", ")"),
            true => ("-", ""),
            false if self.has('+') => ("+", ""),
            false if self.has(' ') => (" ", ""),
            false => ("", ""),
        };
        let held = sign.len() + digits.len() + end.len();
        let zeros = if self.has('0') {
            self.width.saturating_sub(held)
        } else {
            0
        };
        self.padded(format!("{sign}{}{digits}{end}", "0".repeat(zeros)))
    }

    fn padded(&self, made: String) -> String {
        let missing = " ".repeat(self.width.saturating_sub(made.chars().count()));
        if self.has('-') {
            made + &missing
        } else {
            missing + &made
        }
    }
}

fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut made = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            made.push(',');
        }
        made.push(digit);
    }
    made + rest
}

/// Java writes at least two digits of the exponent, and its sign.
fn scientific(size: f64, digits: usize, kind: char) -> String {
    let made = format!("{size:.digits$e}");
    let (number, exponent) = made.split_once('e').unwrap_or((&made, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    format!("{number}{kind}{sign}{exponent:0>2}")
}
