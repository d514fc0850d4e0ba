//! The little JSON that a plugin without a crate needs for its configuration: a text of the outermost object. dtud has checked
//! the configuration against the schema; what is no JSON all the same gives None, and never a panic.
use std::iter::Peekable;
use std::str::Chars;

type Input<'a> = Peekable<Chars<'a>>;

/// The text of `key`, with its escapes resolved.
pub fn text_member(json: &str, key: &str) -> Option<String> {
    let mut input = json.chars().peekable();
    take(&mut input, '{')?;
    loop {
        let name = text(&mut input)?;
        take(&mut input, ':')?;
        if name == key {
            return text(&mut input);
        }
        skip_value(&mut input)?;
        take(&mut input, ',')?;
    }
}

/// `wanted`, behind any blanks.
fn take(input: &mut Input, wanted: char) -> Option<()> {
    while input.next_if(|c| c.is_ascii_whitespace()).is_some() {}
    input.next_if_eq(&wanted).map(|_| ())
}

fn text(input: &mut Input) -> Option<String> {
    take(input, '"')?;
    let mut out = String::new();
    loop {
        match input.next()? {
            '"' => return Some(out),
            '\\' => out.push(escaped(input)?),
            c => out.push(c),
        }
    }
}

fn escaped(input: &mut Input) -> Option<char> {
    Some(match input.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => {
            let unit = four_digits(input)?;
            if (0xd800..0xdc00).contains(&unit) {
                // The first half of a pair.
                let second = (input.next()? == '\\' && input.next()? == 'u').then(|| four_digits(input))??;
                return char::decode_utf16([unit, second]).next()?.ok();
            }
            char::from_u32(unit.into())?
        }
        c => c, // the quotation mark, the slashes
    })
}

fn four_digits(input: &mut Input) -> Option<u16> {
    (0..4).try_fold(0, |number, _| Some(number * 16 + input.next()?.to_digit(16)? as u16))
}

/// Up to the comma behind a value, or to the end of the object.
fn skip_value(input: &mut Input) -> Option<()> {
    let mut depth = 0;
    loop {
        match *input.peek()? {
            '"' => {
                text(input)?;
                continue;
            }
            ',' | '}' if depth == 0 => return Some(()),
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => (),
        }
        input.next();
    }
}
