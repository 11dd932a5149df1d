//! The evaluator of KMS permissions: what a snapshot allows, to whom, under which condition, and why. Pure: no I/O, no clock.
