"""A person at `keytrail shell`, through a pseudo-terminal: completion, several lines, paging, Ctrl-C, history.

Usage: shell_session.py PROGRAM LAKE FOLDER
"""

import os
import pty
import re
import select
import signal
import sys
import time

PROGRAM, LAKE, FOLDER = sys.argv[1:4]
HISTORY = os.path.join(FOLDER, "history")
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r")


class Shell:
    def __init__(self):
        self.child, self.screen = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", PAGER="echo PAGED; cat; echo END-OF-PAGES", LINES="24", COLUMNS="200")
            os.execv(PROGRAM, [PROGRAM, "--lake", LAKE, "shell", "--history", HISTORY])
        import fcntl, struct, termios

        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
        self.seen = ""

    def until(self, wanted, seconds=60):
        end = time.monotonic() + seconds
        while wanted not in CODES.sub("", self.seen):
            assert time.monotonic() < end, f"no {wanted!r} in {CODES.sub('', self.seen)[-2000:]!r}"
            if select.select([self.screen], [], [], 0.2)[0]:
                self.seen += os.read(self.screen, 65536).decode(errors="replace")
        text = CODES.sub("", self.seen)
        at = text.index(wanted) + len(wanted)
        self.seen = text[at:]
        return text[:at]

    def type(self, text):
        os.write(self.screen, text.encode())

    def line(self, text):
        self.type(text + "\r")

    def leave(self):
        end = time.monotonic() + 20
        asked = 0.0
        while time.monotonic() < end:
            # What is typed before the editor listens is lost.
            if time.monotonic() - asked > 1:
                asked = time.monotonic()
                self.type("\x04")
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            if select.select([self.screen], [], [], 0.1)[0]:
                try:
                    os.read(self.screen, 65536)
                except OSError:
                    pass
        raise AssertionError("the shell did not end")


def part(name):
    print(name, flush=True)


shell = Shell()
shell.until("keytrail> ")
shell.line("SELECT eventname, count(*) AS n")
shell.until("...> ")
shell.line("FROM cloudtrail_logs WHERE eventname = 'Decrypt'")
shell.until("...> ")
shell.line("GROUP BY 1;")
answer = shell.until("row groups)")
assert "Decrypt" in answer and re.search(r"1 row, [0-9.]+ s; read [0-9]+ \w+ of [0-9]+ files \([0-9]+ of", answer), answer
part("several lines, time and bytes read")

shell.until("keytrail> ")
shell.type(".sch\t")
shell.until(".schema")
shell.line(" cloudtrail")
answer = shell.until("kms ")
assert "useridentity" in answer and "sessionissuer" in answer, answer
part("schema with nested fields")

shell.until("keytrail> ")
for typed, expected in (
    ("SELECT json_extract_s\t", "json_extract_scalar("),
    ("SELECT eventnam\t", "eventname"),
    ("SELECT * FROM cloudtr\t", "cloudtrail"),
    ("unused-k\t", "unused-keys"),
):
    shell.type(typed)
    shell.until(expected)
    shell.type("\x03")
    shell.until("keytrail> ")
end = time.monotonic() + 30
while True:
    # Columns are learnt beside what is typed.
    shell.type("SELECT useridentity.sessionc\t")
    try:
        shell.until("useridentity.sessioncontext", 3)
        shell.type("\x03")
        shell.until("keytrail> ")
        break
    except AssertionError:
        assert time.monotonic() < end, "nested fields are not completed"
        shell.type("\x03")
part("completion")

shell.line("SELECT sum(length(a.eventid || b.eventid || c.eventid)) FROM cloudtrail a, cloudtrail b, cloudtrail c;")
time.sleep(2)
started = time.monotonic()
os.kill(shell.child, signal.SIGINT)
shell.until("cancelled", 20)
assert time.monotonic() - started < 15
shell.until("keytrail> ")
shell.line("SELECT 41 + 1 AS answer;")
shell.until("42")
part("an interrupt ends the query and not the shell")

shell.until("keytrail> ")
shell.line("SELECT eventid FROM cloudtrail LIMIT 100;")
answer = shell.until("END-OF-PAGES")
assert "PAGED" in answer, answer
part("paging")

shell.until("keytrail> ")
shell.line(".params name=Encrypt")
shell.until("keytrail> ")
shell.line(".mode csv")
shell.until("keytrail> ")
shell.line("SELECT count(*) > 0 AS some FROM cloudtrail WHERE eventname = $name;")
shell.until("some\ntrue")
shell.until("keytrail> ")
target = os.path.join(FOLDER, "rows.csv")
shell.line(f".output {target}")
shell.until("keytrail> ")
shell.line("SELECT 'kept' AS a;")
shell.until("1 row, ")
shell.until("keytrail> ")
shell.line(".output")
shell.until("keytrail> ")
assert open(target).read() == "a\nkept\n", open(target).read()
script = os.path.join(FOLDER, "script.sql")
with open(script, "w") as file:
    file.write("SELECT 'first' AS x; SELECT 'second' AS x")
shell.line(f".read {script}")
shell.until("first")
shell.until("second")
shell.until("keytrail> ")
shell.line(".explain analyze SELECT count(*) FROM cloudtrail WHERE eventtime < '2026-07-02'")
shell.until("DataSourceExec")
shell.until("keytrail> ")
shell.line(".timer off")
shell.until("keytrail> ")
shell.line("key-usage since=2026-10-01")
shell.until("key_arn")
shell.until("keytrail> ")
for command, expected in ((".tables", "unused_keys"), (".queries", "unexercised-admin-rights"), (".help", ".timer")):
    shell.line(command)
    shell.until(expected)
    shell.until("keytrail> ")
shell.line("SELECT eventnam FROM cloudtrail;")
shell.until("did you mean `eventname`?")
shell.until("keytrail> ")
shell.line(".tabels")
shell.until("did you mean `.tables`?")
shell.until("keytrail> ")
part("commands")
assert shell.leave() == 0

shell = Shell()
shell.until("keytrail> ")
shell.type("\x1b[A\x1b[A")
shell.until("SELECT eventnam FROM cloudtrail;")
shell.type("\x03")
assert shell.leave() == 0
part("history")
