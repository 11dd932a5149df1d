//! An object's bytes on their way from where they are read to where they are decoded. A body holds a bounded number of
//! bytes however large the object is, and its end is told apart from its breaking off.

use std::io::{self, BufRead, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Error;

/// Bytes of one object that may wait to be decoded.
const AHEAD: usize = 4 << 20;

/// The largest piece that is passed on at once; small against [`AHEAD`], so that reading and decoding overlap.
pub(super) const PIECE: usize = 256 << 10;

/// What is known once an object has been read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The entity tag of the bytes that were read: S3's, or `sha256:` and the hash for local bytes.
    pub etag: String,
    /// How many bytes there were.
    pub bytes: u64,
}

type Message = Result<Part, Error>;

enum Part {
    Bytes(Bytes, OwnedSemaphorePermit),
    End(Finished),
}

/// The sending end. Whoever holds it sends bytes, then an end or an error.
pub(super) struct Feed {
    sender: mpsc::UnboundedSender<Message>,
    budget: Arc<Semaphore>,
}

/// The receiver has gone; there is no use in reading on.
pub(super) struct Gone;

impl Feed {
    /// Passes bytes on, waiting until there is room.
    pub(super) async fn send(&self, mut bytes: Bytes) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PIECE));
            let permits = u32::try_from(piece.len()).map_err(|_| Gone)?;
            let permit = Arc::clone(&self.budget)
                .acquire_many_owned(permits)
                .await
                .map_err(|_| Gone)?;
            self.sender.send(Ok(Part::Bytes(piece, permit))).map_err(|_| Gone)?;
        }
        Ok(())
    }

    /// Whether nobody wants the bytes any more.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Says how it ended.
    pub(super) fn finish(self, end: Result<Finished, Error>) {
        // Nobody listens any more: nothing is left to say.
        let _ = self.sender.send(end.map(Part::End));
    }
}

/// An object's bytes, in order: a [`Stream`], or through [`Body::into_reader`] a [`Read`] for threads outside the runtime.
pub struct Body {
    place: String,
    receiver: mpsc::UnboundedReceiver<Message>,
    finished: Option<Finished>,
    failed: bool,
}

impl Body {
    pub(super) fn channel(place: &str) -> (Feed, Body) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let body = Body {
            place: place.to_owned(),
            receiver,
            finished: None,
            failed: false,
        };
        (
            Feed {
                sender,
                budget: Arc::new(Semaphore::new(AHEAD)),
            },
            body,
        )
    }

    /// What the end told; `None` until the last byte has been taken, and for ever if reading broke off.
    pub fn finished(&self) -> Option<&Finished> {
        self.finished.as_ref()
    }

    /// The same bytes for a thread that may block.
    pub fn into_reader(self) -> BodyReader {
        BodyReader {
            body: self,
            current: Bytes::new(),
            error: None,
        }
    }

    fn take(&mut self, message: Option<Message>) -> Option<Result<Bytes, Error>> {
        match message {
            Some(Ok(Part::Bytes(bytes, _room))) => Some(Ok(bytes)),
            Some(Ok(Part::End(finished))) => {
                self.finished = Some(finished);
                None
            }
            Some(Err(error)) => {
                self.failed = true;
                Some(Err(error))
            }
            None if self.failed || self.finished.is_some() => None,
            // A reader that ended without a word must not pass for the end of the object.
            None => {
                self.failed = true;
                Some(Err(Error::Unread {
                    place: self.place.clone(),
                    why: "reading was broken off".to_owned(),
                    hint: None,
                }))
            }
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.failed || self.finished.is_some() {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|message| self.take(message))
    }
}

/// A [`Body`] as a blocking [`Read`]. Not for use on a thread that drives the runtime.
pub struct BodyReader {
    body: Body,
    current: Bytes,
    error: Option<Error>,
}

impl BodyReader {
    /// What the end told; `None` until the last byte has been read.
    pub fn finished(&self) -> Option<&Finished> {
        self.body.finished()
    }

    /// Why reading broke off, where it did. Decoders tend to wrap I/O errors in their own words; this is the source's.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Reads what is left and drops it, so that [`BodyReader::finished`] has its answer for an object whose decoding stopped early.
    ///
    /// # Errors
    /// Reading broke off.
    pub fn drain(&mut self) -> io::Result<()> {
        while !self.fill_buf()?.is_empty() {
            self.current.clear();
        }
        Ok(())
    }
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            if let Some(error) = &self.error {
                return Err(io::Error::other(error.clone()));
            }
            if self.body.finished.is_some() {
                break;
            }
            let message = self.body.receiver.blocking_recv();
            match self.body.take(message) {
                Some(Ok(bytes)) => self.current = bytes,
                Some(Err(error)) => self.error = Some(error),
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        let _ = self.current.split_to(amount.min(self.current.len()));
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(available) {
            *to = *from;
        }
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    #[tokio::test]
    async fn a_sender_that_vanishes_is_an_error_and_not_an_end() {
        let (feed, mut body) = Body::channel("x.json");
        assert!(feed.send(Bytes::from_static(b"[1,")).await.is_ok());
        drop(feed);
        assert_eq!(body.next().await.unwrap().unwrap().as_ref(), b"[1,");
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "object `x.json`: reading was broken off");
        assert!(body.next().await.is_none());
        assert!(body.finished().is_none());
    }

    #[tokio::test]
    async fn no_more_than_the_budget_waits() {
        let (feed, mut body) = Body::channel("x.json");
        let sending = tokio::spawn(async move {
            let big = Bytes::from(vec![7; AHEAD + PIECE]);
            assert!(feed.send(big).await.is_ok());
            feed.finish(Ok(Finished {
                etag: "e".to_owned(),
                bytes: (AHEAD + PIECE) as u64,
            }));
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(!sending.is_finished());
        let mut total = 0;
        while let Some(piece) = body.next().await {
            total += piece.unwrap().len();
        }
        assert_eq!(total, AHEAD + PIECE);
        assert_eq!(body.finished().unwrap().etag, "e");
        sending.await.unwrap();
    }

    #[tokio::test]
    async fn a_receiver_that_leaves_lets_the_sender_go() {
        let (feed, body) = Body::channel("x.json");
        let sending = tokio::spawn(async move { feed.send(Bytes::from(vec![7; 2 * AHEAD])).await.is_err() });
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        drop(body);
        assert!(sending.await.unwrap());
    }
}
