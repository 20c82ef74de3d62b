//! What a configuration key is, and how a TOML value becomes one.

use toml::Value;

/// One key, as `config show` and `config doc` present it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    /// What the number counts, or what the text is.
    pub(crate) unit: &'static str,
    pub(crate) bound: Bound,
}

/// What values a key takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// A whole number between these two, both included.
    Range(i64, i64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A text, or texts, of at most this many characters each.
    Chars(usize),
}

impl Bound {
    /// The bound in words.
    pub(crate) fn text(self) -> String {
        match self {
            Bound::Range(low, high) => format!("{low} to {high}"),
            Bound::OneOf(words) => format!("one of {}", words.join(", ")),
            Bound::Chars(max) => format!("at most {max} characters"),
        }
    }

    fn check_text(self, text: &str) -> Result<(), String> {
        let good = match self {
            Bound::OneOf(words) => words.contains(&text),
            Bound::Chars(max) => text.chars().count() <= max,
            Bound::Range(..) => true,
        };
        if good { Ok(()) } else { Err(format!("{text:?} is not {}", self.text())) }
    }
}

/// A type that a key may have.
pub(crate) trait Setting: Sized {
    /// Reads a TOML value; the error says what is wrong with it.
    fn read(value: &Value, bound: Bound) -> Result<Self, String>;
    /// The TOML value that reads as this one.
    fn show(&self) -> Value;
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn read(value: &Value, bound: Bound) -> Result<Self, String> {
                let number = value.as_integer().ok_or_else(|| format!("{value} is no whole number"))?;
                if let Bound::Range(low, high) = bound
                    && !(low..=high).contains(&number)
                {
                    return Err(format!("{number} is out of bounds ({low} to {high})"));
                }
                Self::try_from(number).map_err(|_| format!("{number} is out of bounds"))
            }
            fn show(&self) -> Value {
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
    )*};
}

number!(u16, u32, u64, usize, i64);

impl Setting for String {
    fn read(value: &Value, bound: Bound) -> Result<Self, String> {
        let text = value.as_str().ok_or_else(|| format!("{value} is no text"))?;
        bound.check_text(text)?;
        Ok(text.to_owned())
    }
    fn show(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Setting for Vec<String> {
    fn read(value: &Value, bound: Bound) -> Result<Self, String> {
        let list = value.as_array().ok_or_else(|| format!("{value} is no list of texts"))?;
        list.iter().map(|item| String::read(item, bound)).collect()
    }
    fn show(&self) -> Value {
        Value::Array(self.iter().cloned().map(Value::String).collect())
    }
}

/// Declares a section of the configuration: a struct with its defaults, and the table of its keys.
macro_rules! section {
    ($(#[doc = $about:literal])* $name:ident = $prefix:literal {
        $(#[doc = $doc:literal] $field:ident: $type:ty = $default:expr, $unit:literal, $bound:expr;)*
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct $name { $(#[doc = $doc] pub(crate) $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl crate::config::key::Section for $name {
            const ABOUT: &'static str = concat!($($about),*);
            const PREFIX: &'static str = $prefix;
            const KEYS: &'static [crate::config::key::Key] = &[$(crate::config::key::Key {
                name: concat!($prefix, ".", stringify!($field)),
                doc: $doc,
                unit: $unit,
                bound: $bound,
            },)*];

            fn set(&mut self, field: &str, value: &toml::Value) -> Option<Result<(), String>> {
                use crate::config::key::Setting;
                match field {
                    $(stringify!($field) => Some(<$type>::read(value, $bound).map(|v| self.$field = v)),)*
                    _ => None,
                }
            }

            fn show(&self) -> Vec<toml::Value> {
                use crate::config::key::Setting;
                vec![$(self.$field.show(),)*]
            }
        }
    };
}
pub(crate) use section;

/// What the macro gives each section.
pub(crate) trait Section {
    const ABOUT: &'static str;
    const PREFIX: &'static str;
    const KEYS: &'static [Key];
    /// Sets a field; `None` when there is no such field.
    fn set(&mut self, field: &str, value: &Value) -> Option<Result<(), String>>;
    /// The values, in the order of `KEYS`.
    fn show(&self) -> Vec<Value>;
}
