//! Finding the records of one object while its bytes arrive, in bounded memory.
//!
//! The outermost arrays are streamed (`{"Records":[...]}`, a bare array, values one after another); one element at a
//! time is held whole. After invalid JSON the decoder goes on at the next text that is unmistakably a record. It
//! never reads, opens or inflates anything.

use std::ops::ControlFlow;

use super::envelope::{self, Found};
use super::json;
use super::record::Record;
use super::{Fault, Limits, Sink};

/// The reason of a fault about a sound JSON value without a record in it.
pub const NO_RECORD: &str = "holds no CloudTrail record";

/// What kind of place the decoder is at between two elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Outside everything: values may follow each other.
    Top,
    /// In an array of events. `records`: the envelope says that each element is one. `bare`: no object around it.
    Array { records: bool, bare: bool },
    /// Behind the envelope's array, before the object's end.
    Tail,
    /// In a value to be stepped over without holding it; afterwards at `back`.
    Skip {
        depth: usize,
        in_string: bool,
        escaped: bool,
        back: Back,
    },
    /// In damage: everything up to the next text that is unmistakably a record belongs to one fault.
    Lost(Back),
}

/// Where a detour began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Back {
    Top,
    Array { records: bool, bare: bool },
    Tail,
}

impl From<Back> for At {
    fn from(back: Back) -> At {
        match back {
            Back::Top => At::Top,
            Back::Array { records, bare } => At::Array { records, bare },
            Back::Tail => At::Tail,
        }
    }
}

/// A streaming decoder of one object.
pub struct Decoder {
    limits: Limits,
    at: At,
    /// Bytes that have arrived and are not consumed, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// Bytes consumed and dropped before the buffer.
    dropped: u64,
    /// No attempt at the element in hand before this many bytes are there: keeps a large record linear.
    wanted: usize,
    next_index: u64,
    /// There was damage: brackets left over from it are no faults of their own.
    ragged: bool,
    /// Whether anything but white space was seen.
    seen: bool,
}

enum Element {
    /// Consumed.
    Taken,
    /// More bytes are needed.
    Partial,
}

impl Decoder {
    /// A decoder at an object's first byte.
    pub fn new(limits: Limits) -> Decoder {
        Decoder {
            limits,
            at: At::Top,
            buffer: Vec::new(),
            start: 0,
            dropped: 0,
            wanted: 0,
            next_index: 0,
            ragged: false,
            seen: false,
        }
    }

    /// Records and faults so far.
    pub fn count(&self) -> u64 {
        self.next_index
    }

    /// Takes `fill`'s bytes (it appends to the buffer it is given and says how many) and hands on what is complete.
    ///
    /// # Errors
    /// Whatever `fill` fails with.
    pub fn feed<E>(
        &mut self,
        sink: &mut dyn Sink,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>,
    ) -> Result<usize, E> {
        if self.start > 0 {
            self.dropped += self.start as u64;
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let filled = fill(&mut self.buffer);
        self.advance(sink, false);
        filled
    }

    /// Says that no more bytes come. The error, if any, is about the object's end.
    ///
    /// # Errors
    /// The object ends inside a record or an envelope.
    pub fn finish(&mut self, sink: &mut dyn Sink) -> Result<(), String> {
        self.advance(sink, true);
        let left = self.buffer.get(self.start..).unwrap_or_default();
        if !left.is_empty() {
            let reason = "cut off: the object ends inside this record".to_owned();
            self.fault(sink, self.start, reason);
            self.start = self.buffer.len();
            return Err("the object ends inside a record".to_owned());
        }
        match self.at {
            At::Top if !self.seen => Err("the object is empty".to_owned()),
            At::Top | At::Lost(Back::Top | Back::Tail) => Ok(()),
            _ => Err("the object ends inside its envelope".to_owned()),
        }
    }

    fn offset(&self, at: usize) -> u64 {
        self.dropped + at as u64
    }

    fn fault(&mut self, sink: &mut dyn Sink, at: usize, reason: String) {
        let bytes = self.buffer.get(at..).unwrap_or_default();
        let excerpt = String::from_utf8_lossy(bytes.get(..160).unwrap_or(bytes)).into_owned();
        sink.fault(Fault {
            index: self.next_index,
            offset: self.offset(at),
            reason,
            excerpt,
        });
        self.next_index += 1;
    }

    fn advance(&mut self, sink: &mut dyn Sink, last: bool) {
        while let ControlFlow::Continue(()) = self.step(sink, last) {}
    }

    /// One separator, bracket or element.
    fn step(&mut self, sink: &mut dyn Sink, last: bool) -> ControlFlow<()> {
        match self.at {
            At::Skip { .. } => return self.skip(),
            At::Lost(back) => return self.search(last, back),
            At::Top | At::Array { .. } | At::Tail => {}
        }
        let Some(byte) = self.peek(last) else {
            return ControlFlow::Break(());
        };
        self.seen = true;
        match (self.at, byte) {
            (At::Top, b'[') => self.enter(
                At::Array {
                    records: false,
                    bare: true,
                },
                1,
            ),
            (At::Top, b'{') => match self.event_array(last) {
                Some(Some((length, records))) => self.enter(At::Array { records, bare: false }, length),
                Some(None) => return self.element(sink, last, false),
                None => return ControlFlow::Break(()),
            },
            (At::Array { bare, .. }, b']') => self.enter(if bare { At::Top } else { At::Tail }, 1),
            (At::Array { records, .. }, b'{' | b'"' | b'[') => return self.element(sink, last, records),
            (At::Tail, b'}') => self.enter(At::Top, 1),
            (At::Tail, b'{' | b'[') => self.enter(At::Top, 0),
            (At::Tail, b'"') => return self.tail_member(last),
            (At::Tail, _) => self.enter(At::Tail, 1),
            (_, b']' | b'}') if self.ragged => self.start += 1,
            _ => return self.stray(sink, last),
        }
        ControlFlow::Continue(())
    }

    fn enter(&mut self, at: At, consumed: usize) {
        self.at = at;
        self.start += consumed;
        self.wanted = 0;
    }

    /// The next byte that is not white space or a separator.
    fn peek(&mut self, last: bool) -> Option<u8> {
        const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];
        loop {
            let ahead = self.buffer.get(self.start..)?;
            match *ahead.first()? {
                b' ' | b'\n' | b'\r' | b'\t' | b',' => self.start += 1,
                0xef if !self.seen && ahead.starts_with(BYTE_ORDER_MARK) => self.start += BYTE_ORDER_MARK.len(),
                0xef if !self.seen && !last && BYTE_ORDER_MARK.starts_with(ahead) => return None,
                byte => return Some(byte),
            }
        }
    }

    fn back(&self) -> Back {
        match self.at {
            At::Array { records, bare } => Back::Array { records, bare },
            At::Top => Back::Top,
            _ => Back::Tail,
        }
    }

    /// At an object: whether its first member is an envelope's array of events. The outer `None` asks for more bytes;
    /// otherwise the length up to and with the bracket, and whether each element is said to be a record.
    fn event_array(&self, last: bool) -> Option<Option<(usize, bool)>> {
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        let mut at = 1;
        let blank = |at: &mut usize| {
            while matches!(bytes.get(*at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
                *at += 1;
            }
        };
        blank(&mut at);
        let name_start = at + 1;
        let Some(&quote) = bytes.get(at) else {
            return if last { Some(None) } else { None };
        };
        if quote != b'"' {
            return Some(None);
        }
        let rest = bytes.get(name_start..).unwrap_or_default();
        let Some(length) = rest.iter().take(64).position(|&byte| byte == b'"') else {
            return if rest.len() >= 64 || last { Some(None) } else { None };
        };
        let name = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default();
        if !envelope::is_event_array(name) {
            return Some(None);
        }
        at = name_start + length + 1;
        for expected in [b':', b'['] {
            blank(&mut at);
            match bytes.get(at) {
                None if !last => return None,
                Some(&byte) if byte == expected => at += 1,
                _ => return Some(None),
            }
        }
        Some(Some((at, name == "Records")))
    }

    /// Reads one element whole, or asks for more bytes.
    fn element(&mut self, sink: &mut dyn Sink, last: bool, records: bool) -> ControlFlow<()> {
        let available = self.buffer.len() - self.start;
        if available < self.wanted && !last {
            return ControlFlow::Break(());
        }
        match self.take_element(sink, last, records) {
            Element::Taken => {
                self.wanted = 0;
                ControlFlow::Continue(())
            }
            Element::Partial if available > self.limits.record_bytes => {
                let reason = format!("larger than the limit of {} bytes", self.limits.record_bytes);
                self.fault(sink, self.start, reason);
                self.at = At::Skip {
                    depth: 0,
                    in_string: false,
                    escaped: false,
                    back: self.back(),
                };
                self.wanted = 0;
                ControlFlow::Continue(())
            }
            Element::Partial => {
                self.wanted = available * 2;
                ControlFlow::Break(())
            }
        }
    }

    fn take_element(&mut self, sink: &mut dyn Sink, last: bool, records: bool) -> Element {
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<&serde_json::value::RawValue>();
        if bytes.first() == Some(&b'{') {
            // The common case: a record, split into its fields in the same pass that finds its end.
            let mut direct = serde_json::Deserializer::from_slice(bytes).into_iter::<Record<'_>>();
            match direct.next() {
                Some(Ok(record)) if records || record.is_cloudtrail() => {
                    let length = direct.byte_offset();
                    if json::nests_deeper(bytes.get(..length).unwrap_or_default(), self.limits.depth) {
                        let reason = format!("nested deeper than {} levels", self.limits.depth);
                        self.fault(sink, self.start, reason);
                    } else if record.is_insight() {
                        self.fault(sink, self.start, NO_RECORD.to_owned());
                    } else if record.is_cloudtrail() || !holds_records(bytes, length) {
                        sink.record(self.next_index, &record);
                        self.next_index += 1;
                    } else {
                        return self.wrapped(sink, length);
                    }
                    self.start += length;
                    return Element::Taken;
                }
                Some(Err(error)) if is_cut(&error, bytes) && !last => return Element::Partial,
                _ => {}
            }
        }
        match values.next() {
            Some(Ok(_)) => {
                let length = values.byte_offset();
                self.wrapped(sink, length)
            }
            Some(Err(error)) if is_cut(&error, bytes) && !last => Element::Partial,
            Some(Err(error)) => {
                self.damaged(sink, &error);
                Element::Taken
            }
            None => Element::Partial,
        }
    }

    /// A whole value that is not itself a record: looks for records inside.
    fn wrapped(&mut self, sink: &mut dyn Sink, length: usize) -> Element {
        let bytes = self.buffer.get(self.start..self.start + length).unwrap_or_default();
        let found = if json::nests_deeper(bytes, self.limits.depth) {
            Err(format!("nested deeper than {} levels", self.limits.depth))
        } else {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let mut index = self.next_index;
            let found = envelope::find_records(text, &mut |record| {
                sink.record(index, record);
                index += 1;
            });
            self.next_index = index;
            match found {
                Found::Unknown if is_empty(bytes) && self.at == At::Top => Ok(()),
                Found::Unknown if !bytes.starts_with(b"{") && !bytes.starts_with(b"[") => {
                    Err("not an object".to_owned())
                }
                Found::Unknown => Err(NO_RECORD.to_owned()),
                Found::Records(_) | Found::Nothing => Ok(()),
            }
        };
        if let Err(reason) = found {
            self.fault(sink, self.start, reason);
        }
        self.start += length;
        Element::Taken
    }

    /// A byte that can begin nothing here.
    fn stray(&mut self, sink: &mut dyn Sink, last: bool) -> ControlFlow<()> {
        /// What is said of a stray value rests on this many bytes of it, however many have arrived.
        const AHEAD: usize = 64;
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        let ahead = bytes.get(..AHEAD).unwrap_or(bytes);
        let may_go_on = !last && ahead.len() < AHEAD;
        let mut values = serde_json::Deserializer::from_slice(ahead).into_iter::<serde::de::IgnoredAny>();
        match values.next() {
            // A number, string or word where a record should be. At the buffer's end it may go on.
            Some(Ok(_)) if values.byte_offset() < ahead.len() || !may_go_on => {
                let length = values.byte_offset().max(1);
                self.fault(sink, self.start, "not an object".to_owned());
                self.start += length;
                ControlFlow::Continue(())
            }
            Some(Ok(_)) => ControlFlow::Break(()),
            // Even an error may be that of a number cut in two.
            Some(Err(_)) if may_go_on => ControlFlow::Break(()),
            Some(Err(error)) => {
                self.damaged(sink, &error);
                ControlFlow::Continue(())
            }
            None => ControlFlow::Break(()),
        }
    }

    /// Damage at the element in hand: one fault, and from here on the decoder searches.
    fn damaged(&mut self, sink: &mut dyn Sink, error: &serde_json::Error) {
        self.fault(sink, self.start, format!("invalid JSON: {}", describe(error)));
        self.at = At::Lost(self.back());
        self.start += 1;
        self.ragged = true;
    }

    /// Goes on to the next text that is unmistakably a record, wherever it stands.
    fn search(&mut self, last: bool, back: Back) -> ControlFlow<()> {
        loop {
            let ahead = self.buffer.get(self.start..).unwrap_or_default();
            let Some(found) = ahead.iter().position(|&byte| byte == b'{') else {
                self.start = self.buffer.len();
                return ControlFlow::Break(());
            };
            self.start += found;
            let bytes = self.buffer.get(self.start..).unwrap_or_default();
            if bytes.len() < self.wanted && !last {
                return ControlFlow::Break(());
            }
            let step = match shallow_end(bytes, self.limits.depth) {
                End::At(length) => {
                    let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
                    match text.map(Record::parse) {
                        Some(Ok(record)) if record.is_unmistakable() => {
                            // The normal way takes it from here.
                            self.enter(if back == Back::Tail { At::Top } else { back.into() }, 0);
                            return ControlFlow::Continue(());
                        }
                        Some(Ok(_)) if !holds_records(bytes, length) => length,
                        _ => 1,
                    }
                }
                End::Never => 1,
                End::Beyond if last || bytes.len() > self.limits.record_bytes => 1,
                End::Beyond => {
                    self.wanted = bytes.len() * 2;
                    return ControlFlow::Break(());
                }
            };
            self.start += step;
            self.wanted = 0;
        }
    }

    /// After the envelope's array: its other members are not records.
    fn tail_member(&mut self, last: bool) -> ControlFlow<()> {
        let bytes = self.buffer.get(self.start..).unwrap_or_default();
        let mut at = 1;
        while let Some(&byte) = bytes.get(at) {
            at += match byte {
                b'\\' => 2,
                b'"' => {
                    let name = bytes.get(1..at).and_then(|name| std::str::from_utf8(name).ok());
                    let rest = bytes.get(at + 1..).unwrap_or_default();
                    let value = rest
                        .iter()
                        .position(|byte| !matches!(byte, b':' | b' ' | b'\n' | b'\r' | b'\t'));
                    let Some(value) = value.or(last.then_some(0)) else {
                        return ControlFlow::Break(());
                    };
                    let is_member = rest.get(..value).is_some_and(|gap| gap.contains(&b':'));
                    let opening = rest.get(value).copied().filter(|_| is_member);
                    let events = name.filter(|name| envelope::is_event_array(name));
                    // Strings come here again; numbers and words are stepped over; other objects and arrays are skipped
                    // whole, but for a second array of events.
                    let consumed = at + 1 + value;
                    match (opening, events) {
                        (Some(b'['), Some(name)) => {
                            let records = name == "Records";
                            self.enter(At::Array { records, bare: false }, consumed + 1);
                        }
                        (Some(b'{' | b'['), _) => {
                            let skip = At::Skip {
                                depth: 0,
                                in_string: false,
                                escaped: false,
                                back: Back::Tail,
                            };
                            self.enter(skip, consumed);
                        }
                        _ => self.enter(At::Tail, at + 1),
                    }
                    return ControlFlow::Continue(());
                }
                _ => 1,
            };
        }
        if last || bytes.len() > self.limits.record_bytes {
            self.start = self.buffer.len();
        }
        ControlFlow::Break(())
    }

    /// Steps over a value without holding it.
    fn skip(&mut self) -> ControlFlow<()> {
        let At::Skip {
            mut depth,
            mut in_string,
            mut escaped,
            back,
        } = self.at
        else {
            return ControlFlow::Continue(());
        };
        while let Some(&byte) = self.buffer.get(self.start) {
            self.start += 1;
            if in_string {
                if escaped {
                    escaped = false;
                } else if byte == b'\\' {
                    escaped = true;
                } else if byte == b'"' {
                    in_string = false;
                }
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if depth == 0 && !in_string {
                self.at = back.into();
                return ControlFlow::Continue(());
            }
        }
        self.at = At::Skip {
            depth,
            in_string,
            escaped,
            back,
        };
        ControlFlow::Break(())
    }
}

/// Where a balanced object ends.
enum End {
    At(usize),
    Beyond,
    Never,
}

/// The end of the object that begins at the first byte, by brackets and strings alone, giving up beyond `limit`.
fn shallow_end(bytes: &[u8], limit: usize) -> End {
    // `{` must be followed by a name or `}`: most impossible candidates end here, which keeps recovery linear.
    match bytes
        .iter()
        .skip(1)
        .find(|byte| !matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
    {
        None => return End::Beyond,
        Some(b'"' | b'}') => {}
        Some(_) => return End::Never,
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if in_string {
            if escaped {
                escaped = false;
            } else if byte == b'\\' {
                escaped = true;
            } else if byte == b'"' {
                in_string = false;
            } else if byte < 0x20 {
                return End::Never;
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return End::Never;
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return End::At(at + 1);
                }
            }
            _ => {}
        }
    }
    End::Beyond
}

/// Whether the error may be that of bytes still to come: the parser takes a number cut behind its sign, point or exponent
/// for a wrong one.
fn is_cut(error: &serde_json::Error, bytes: &[u8]) -> bool {
    error.is_eof() || matches!(bytes.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E'))
}

fn holds_records(bytes: &[u8], length: usize) -> bool {
    let Some(text) = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
        return false;
    };
    !matches!(envelope::find_records(text, &mut |_| {}), Found::Unknown)
}

fn is_empty(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b'[' | b']' | b' ' | b'\n' | b'\r' | b'\t'))
}

/// serde_json's message without its line and column, which count from the element, not from the object.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or(&text).to_owned(),
        None => text,
    }
}

#[cfg(test)]
#[path = "decoder_tests.rs"]
mod tests;
