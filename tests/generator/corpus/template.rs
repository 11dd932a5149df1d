//! Texts with gaps that a record's account or chance fills.

use super::record::Pen;
use crate::generator::instant;
use crate::generator::rng::Rng;

/// The characters of ids.
pub const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl<'a> Pen<'a> {
    /// Adds text.
    pub fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Adds an instant, as `eventTime` has it.
    pub fn instant(&mut self, t: i64) {
        let [y, mo, d, h, m, s] = instant::civil(t);
        let two = |n: i64| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        self.out.extend_from_slice(&two(y / 100));
        self.out.extend_from_slice(&two(y % 100));
        for (sign, n) in [(b'-', mo), (b'-', d), (b'T', h), (b':', m), (b':', s)] {
            self.out.push(sign);
            self.out.extend_from_slice(&two(n));
        }
        self.out.push(b'Z');
    }

    /// Adds random characters, from other dice than the record's if given.
    pub fn random(&mut self, alphabet: &[u8], n: usize, rng: Option<&mut Rng>) {
        let rng = rng.unwrap_or(&mut self.rng);
        let mut left = 0;
        let mut bits = 0;
        for _ in 0..n {
            if left == 0 {
                (bits, left) = (rng.next(), 8);
            }
            // Eight bits scaled to the alphabet; alphabets are shorter than 256.
            self.out.push(alphabet[((bits & 0xff) as usize * alphabet.len()) >> 8]);
            (bits, left) = (bits >> 8, left - 1);
        }
    }

    fn uuid(&mut self, digits: &[u8; 16]) {
        let (a, b) = (
            self.rng.next() & !0xf000 | 0x4000,
            self.rng.next() & !(3 << 62) | 2 << 62,
        );
        for (word, from, to) in [(a, 0, 8), (a, 8, 12), (a, 12, 16), (b, 0, 4), (b, 4, 16)] {
            if from > 0 || word == b {
                self.out.push(b'-');
            }
            for nibble in from..to {
                self.out.push(digits[(word >> (60 - 4 * nibble) & 15) as usize]);
            }
        }
    }

    /// Adds a template: `~` and a letter stand for an account id (a), a Region (r), something of the account (b bucket,
    /// c VPC, d subnet, e security group, f route table, i instance, o role, p parameter, s secret, v volume), or chance
    /// (h hexadecimal, u and U UUIDs, n a number, K and E parts of ids, R an S3 request id, x an S3 host id, T a token).
    pub fn fill(&mut self, template: &str) {
        let mut parts = template.split('~');
        self.put(parts.next().unwrap_or_default());
        let account = &self.world.accounts[self.account];
        let chosen = self.chosen;
        let pick = |from: &'a [String]| {
            from.get((chosen % from.len().max(1) as u64) as usize)
                .map_or("", String::as_str)
        };
        for part in parts {
            let letter = part.as_bytes().first().copied().unwrap_or(b' ');
            match letter {
                b'a' => self.put(&account.id),
                b'r' => self.put(self.world.regions[self.region]),
                b'b' => self.put(pick(&account.buckets)),
                b'p' => self.put(pick(&account.parameters)),
                b's' => self.put(pick(&account.secrets)),
                b'o' => self.put(&account.principals[0].name),
                b'i' => self.put(pick(&account.things[0])),
                b'v' => self.put(pick(&account.things[1])),
                b'c' => self.put(pick(&account.things[2])),
                b'd' => self.put(pick(&account.things[3])),
                b'e' => self.put(pick(&account.things[4])),
                b'f' => self.put(pick(&account.things[5])),
                b'h' => self.random(b"0123456789abcdef", 16, None),
                b'u' => self.uuid(b"0123456789abcdef"),
                b'U' => self.uuid(b"0123456789ABCDEF"),
                b'K' => self.random(BASE32, 9, None),
                b'E' => self.random(BASE32, 10, None),
                b'R' => self.random(BASE32, 16, None),
                b'x' => self.random(BASE64, 75, None),
                b'T' => self.random(BASE64, 400, None),
                b'n' => {
                    let n = self.rng.below(1000);
                    self.put(&n.to_string());
                }
                _ => {}
            }
            self.put(part.get(1..).unwrap_or_default());
        }
    }
}
