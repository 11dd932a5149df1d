//! Undoing gzip: plain or compressed is told by the first bytes, several members follow each other, and whatever
//! stands after the last one is said rather than skipped.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// An object's bytes, inflated if they were gzip.
pub struct Inflate<R: BufRead> {
    state: State<R>,
    inflated: u64,
    cap: u64,
}

enum State<R: BufRead> {
    Start(R),
    Plain(R),
    Member(Box<GzDecoder<R>>),
    Done,
}

impl<R: BufRead> Inflate<R> {
    /// Reads `input`, giving at most `cap` bytes.
    pub fn new(input: R, cap: u64) -> Inflate<R> {
        Inflate {
            state: State::Start(input),
            inflated: 0,
            cap,
        }
    }

    /// Bytes given so far.
    pub fn inflated(&self) -> u64 {
        self.inflated
    }

    fn next_member(&mut self, mut rest: R) -> io::Result<()> {
        // Zero bytes after a member are padding (RFC 1952 leaves them to the medium; gzip(1) skips them).
        loop {
            let ahead = rest.fill_buf()?;
            if ahead.is_empty() {
                self.state = State::Done;
                return Ok(());
            }
            let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
            if zeros == 0 {
                break;
            }
            rest.consume(zeros);
        }
        if is_gzip(&mut rest)? {
            self.state = State::Member(Box::new(GzDecoder::new(rest)));
            Ok(())
        } else {
            self.state = State::Done;
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "trailing garbage after the end of the gzip stream",
            ))
        }
    }
}

/// Whether gzip's magic number comes next.
fn is_gzip<R: BufRead>(input: &mut R) -> io::Result<bool> {
    // A reader may hand out a single byte; it cannot be un-read, but 0x1f begins no JSON text.
    Ok(input.fill_buf()?.first() == Some(&0x1f))
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let count = match &mut self.state {
                State::Done => return Ok(0),
                State::Plain(input) => input.read(out)?,
                State::Start(_) => {
                    let State::Start(mut input) = std::mem::replace(&mut self.state, State::Done) else {
                        continue;
                    };
                    self.state = if is_gzip(&mut input)? {
                        State::Member(Box::new(GzDecoder::new(input)))
                    } else {
                        State::Plain(input)
                    };
                    continue;
                }
                State::Member(member) => match member.read(out) {
                    Ok(0) => {
                        let State::Member(member) = std::mem::replace(&mut self.state, State::Done) else {
                            continue;
                        };
                        self.next_member(member.into_inner())?;
                        continue;
                    }
                    Ok(count) => count,
                    Err(error) => {
                        self.state = State::Done;
                        return Err(describe(error));
                    }
                },
            };
            self.inflated += count as u64;
            if self.inflated > self.cap {
                self.state = State::Done;
                let reason = format!("inflates to more than the limit of {} bytes", self.cap);
                return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
            }
            return Ok(count);
        }
    }
}

fn describe(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::new(error.kind(), "truncated gzip stream"),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            io::Error::new(error.kind(), format!("corrupt gzip stream: {error}"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], cap: u64) -> (Vec<u8>, Option<String>) {
        let mut out = Vec::new();
        let error = Inflate::new(bytes, cap)
            .read_to_end(&mut out)
            .err()
            .map(|error| error.to_string());
        (out, error)
    }

    #[test]
    fn plain_single_and_several_members() {
        assert_eq!(read(b"{}", 100), (b"{}".to_vec(), None));
        assert_eq!(read(&gzip(b"abc"), 100), (b"abc".to_vec(), None));
        let mut two = gzip(b"abc");
        two.extend(gzip(b"def"));
        two.extend([0, 0, 0]);
        assert_eq!(read(&two, 100), (b"abcdef".to_vec(), None));
        assert_eq!(read(b"", 100), (Vec::new(), None));
    }

    #[test]
    fn damage_is_said_and_what_came_before_it_is_given() {
        let whole = gzip(b"abcdefghij");
        let (_, error) = read(&whole[..whole.len() - 4], 100);
        assert_eq!(error.unwrap(), "truncated gzip stream");
        let mut tail = whole.clone();
        tail.extend(b"garbage");
        let (out, error) = read(&tail, 100);
        assert_eq!(
            (out, error.unwrap()),
            (
                b"abcdefghij".to_vec(),
                "trailing garbage after the end of the gzip stream".to_owned()
            )
        );
        let mut flipped = gzip(&[7_u8; 4000]);
        let middle = flipped.len() - 6;
        flipped[middle] ^= 0xff;
        assert!(read(&flipped, 10_000).1.unwrap().starts_with("corrupt gzip stream"));
        assert!(
            read(&gzip(&[0_u8; 4000]), 1000)
                .1
                .unwrap()
                .contains("more than the limit of 1000 bytes")
        );
    }
}
