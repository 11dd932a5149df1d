//! One call: paced, its answer kept as it came over the wire, its refusal as code and message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::snapshot::instant;

/// Rounds of retries after the SDK's own, for throttled calls.
const ROUNDS: u32 = 8;
/// The first wait before such a round; each further one is twice as long.
const WAIT: Duration = Duration::from_millis(50);

/// Keeps the body of an answer, so that members the SDK does not know yet survive.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Option<Vec<u8>>>>);

impl Wire {
    /// The answer as JSON, dates as text as the AWS CLI prints them.
    pub(super) fn take(&self) -> Value {
        let bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default();
        let mut value = serde_json::from_slice(&bytes).unwrap_or_default();
        plain_dates(&mut value);
        value
    }
}

impl Intercept for Wire {
    fn name(&self) -> &'static str {
        "Wire"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let bytes = context.response().body().bytes().map(<[u8]>::to_vec);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }
}

/// AWS's JSON protocols write dates as seconds since 1970; the CLI and the bundle write them as text.
fn plain_dates(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, member) in map {
                let dated = ["Date", "Time", "Timestamp", "ValidTo"]
                    .iter()
                    .any(|end| name.ends_with(end));
                match member {
                    Value::Number(_) if dated => {
                        if let Some(micros) = instant::read(member) {
                            *member = Value::String(instant::format(micros));
                        }
                    }
                    other => plain_dates(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_dates),
        _ => {}
    }
}

/// Why a call was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn of<E>(error: &SdkError<E, HttpResponse>) -> Refusal
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let known = error.as_service_error().and_then(|service| {
            let code = service.code()?.to_owned();
            Some(Refusal {
                code,
                message: service.message().unwrap_or_default().to_owned(),
            })
        });
        known.unwrap_or_else(|| {
            let code = match error {
                SdkError::TimeoutError(_) => "Timeout".to_owned(),
                SdkError::DispatchFailure(_) => "Unreachable".to_owned(),
                SdkError::ConstructionFailure(_) => "NotSent".to_owned(),
                _ => error.raw_response().map_or_else(
                    || "NoAnswer".to_owned(),
                    |response| format!("Http{}", response.status().as_u16()),
                ),
            };
            let message: String = DisplayErrorContext(error).to_string().chars().take(600).collect();
            Refusal { code, message }
        })
    }

    pub(super) fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }

    fn is_throttling(&self) -> bool {
        self.is(&[
            "ThrottlingException",
            "Throttling",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "SlowDown",
        ]) || self.is(&["LimitExceededException"]) && self.message.to_ascii_lowercase().contains("rate")
    }

    /// Whether the service does not have the operation, or cannot answer it at all.
    pub(super) fn is_unsupported(&self) -> bool {
        self.code.starts_with("Http5")
            || self.is(&[
                "UnknownOperationException",
                "InvalidAction",
                "NotImplemented",
                "UnknownError",
            ])
    }

    /// Whether the key, policy or trail was deleted after it was listed.
    pub(super) fn is_gone(&self) -> bool {
        self.is(&[
            "NotFoundException",
            "PolicyNotFoundException",
            "TrailNotFoundException",
            "TargetNotFoundException",
        ])
    }
}

/// Calls to one service in one account and Region: how fast each operation may be asked, and how many at once.
///
/// The published quotas are per account, Region and operation:
/// <https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html>
#[derive(Debug)]
pub(super) struct Pace {
    quotas: &'static [(&'static str, u32)],
    operations: Mutex<HashMap<&'static str, Operation>>,
    in_flight: Arc<Semaphore>,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct Operation {
    next: Instant,
    gap: Duration,
    least: Duration,
    answered: bool,
    unsupported: bool,
}

/// Counts what was asked.
#[derive(Debug, Default)]
pub struct Meter {
    requests: std::sync::atomic::AtomicU64,
    throttled: std::sync::atomic::AtomicU64,
    in_flight: std::sync::atomic::AtomicU64,
    in_flight_max: std::sync::atomic::AtomicU64,
}

impl Meter {
    /// Requests sent, those answered with throttling after the SDK's retries, and the most in flight at once.
    pub fn read(&self) -> (u64, u64, u64) {
        use std::sync::atomic::Ordering::Relaxed;
        (
            self.requests.load(Relaxed),
            self.throttled.load(Relaxed),
            self.in_flight_max.load(Relaxed),
        )
    }
}

impl Pace {
    pub(super) fn new(quotas: &'static [(&'static str, u32)], in_flight: Arc<Semaphore>, meter: Arc<Meter>) -> Pace {
        Pace {
            quotas,
            operations: Mutex::new(HashMap::new()),
            in_flight,
            meter,
        }
    }

    fn with<T>(&self, operation: &'static str, act: impl FnOnce(&mut Operation) -> T) -> T {
        let mut operations = self.operations.lock().unwrap_or_else(PoisonError::into_inner);
        let held = operations.entry(operation).or_insert_with(|| {
            let quota = self
                .quotas
                .iter()
                .find(|(name, _)| *name == operation)
                .map_or(20, |(_, quota)| *quota);
            // Nine tenths of the quota: others use the account too.
            let least = Duration::from_secs_f64(1.0 / (f64::from(quota) * 0.9));
            Operation {
                next: Instant::now(),
                gap: least,
                least,
                answered: false,
                unsupported: false,
            }
        });
        act(held)
    }

    /// Calls an operation as often as it takes: when throttled, slower; when the service has no such operation, once.
    pub(super) async fn ask<T, F>(
        &self,
        operation: &'static str,
        call: impl Fn(Wire) -> F,
    ) -> Result<(T, Value), Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        use std::sync::atomic::Ordering::Relaxed;
        let mut rounds = 0;
        loop {
            let slot = self.with(operation, |held| {
                let slot = held.next.max(Instant::now());
                held.next = slot + held.gap;
                (!held.unsupported).then_some(slot)
            });
            let Some(slot) = slot else {
                return Err(Refusal {
                    code: "NotOffered".to_owned(),
                    message: "not asked again".to_owned(),
                });
            };
            tokio::time::sleep_until(slot).await;
            let permit = self.in_flight.acquire().await;
            let running = self.meter.in_flight.fetch_add(1, Relaxed) + 1;
            self.meter.in_flight_max.fetch_max(running, Relaxed);
            self.meter.requests.fetch_add(1, Relaxed);
            let wire = Wire::default();
            let answer = call(wire.clone()).await;
            self.meter.in_flight.fetch_sub(1, Relaxed);
            drop(permit);
            match answer {
                Ok(typed) => {
                    self.with(operation, |held| {
                        held.answered = true;
                        held.gap = held.gap.mul_f64(0.98).max(held.least);
                    });
                    return Ok((typed, wire.take()));
                }
                Err(refusal) if refusal.is_throttling() && rounds < ROUNDS => {
                    rounds += 1;
                    self.meter.throttled.fetch_add(1, Relaxed);
                    self.with(operation, |held| {
                        held.gap = held.gap.mul_f64(1.5).min(Duration::from_secs(2));
                    });
                    tokio::time::sleep(WAIT * 2_u32.pow(rounds)).await;
                }
                Err(refusal) => {
                    if refusal.is_unsupported() {
                        self.with(operation, |held| held.unsupported = !held.answered);
                    }
                    return Err(refusal);
                }
            }
        }
    }
}

/// Sends a request of the SDK through a [`Pace`]; gives the typed answer and the one on the wire.
macro_rules! ask {
    ($pace:expr, $operation:literal, $request:expr) => {
        $pace.ask($operation, |wire| {
            let request = $request;
            async move {
                request
                    .customize()
                    .interceptor(wire)
                    .send()
                    .await
                    .map_err(|error| $crate::aws::collect::ask::Refusal::of(&error))
            }
        })
    };
}
pub(super) use ask;
