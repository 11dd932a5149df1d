//! The story of a key: its changes in order, who stood behind them, what broke, and what to do now. Pure: rows in, story out.
//!
//! [`sql`] holds the questions, [`facts`] the shape of their answers, [`story::tell`] what is concluded from them. Nothing
//! here asks the lake or the clock, and the order in which rows come changes nothing.

pub mod advice;
pub mod chain;
pub mod facts;
pub mod policy_diff;
pub mod session;
pub mod sql;
pub mod state;
pub mod story;
pub mod wording;
