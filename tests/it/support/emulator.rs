//! AWS servers (moto) that a script of `tests/python` has filled before they answer, and collections from them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::program::keytrail;
use super::python;

/// A populated server; it ends with this value.
pub struct Emulator {
    server: Child,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    said: BufReader<std::process::ChildStdout>,
}

impl Emulator {
    /// Starts the server of a script; `None` where there is no Python.
    pub fn start(script: &str, arguments: &[usize]) -> Option<Emulator> {
        let mut server = Command::new(python::interpreter()?)
            .arg(python::script(script))
            .args(arguments.iter().map(ToString::to_string))
            // Set, it would decide the account in place of the access key.
            .env_remove("MOTO_ACCOUNT_ID")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Operations it lacks make it print long traces.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        assert!(!port.trim().is_empty(), "the emulator did not start");
        Some(Emulator {
            server,
            url: format!("http://127.0.0.1:{}", port.trim()),
            said,
        })
    }

    /// The next line the script printed.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    /// A run of the program that speaks to this server, as the first account's caller.
    pub fn command(&self, lake: &str, arguments: &[&str]) -> Command {
        let mut command = keytrail();
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        command.args(["--lake", lake, "--endpoint-url", &self.url, "--region", "eu-west-1"]);
        command.args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A collection of both accounts of `populated_aws.py`, and of both Regions where none is named.
    pub fn collect(&self, lake: &str, more: &[&str]) -> Command {
        let accounts = "123456789012,444455556666";
        let arguments = ["snapshot", "collect", "--accounts", accounts, "--role-name", "reader"];
        let both: &[&str] = &["--regions", "eu-west-1,us-east-1"];
        let regions = if more.contains(&"--regions") { &[] } else { both };
        self.command(lake, &[&arguments[..], regions, more].concat())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
