"""Secrets are taken out of texts, and nothing else is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core.redaction import redacted, redacted_command, without_home

PW = "hunter2-canary"
SECRET = (
    f"postgresql://me:{PW}@host/db", f"postgresql://me:a@b/{PW}@host/db", f"postgresql://host/db?user=me&password={PW}",
    f"postgresql:///db?sslpassword={PW}&sslmode=require", f"host=h password={PW} dbname=d", f"password = '{PW} x'",
    f"https://{PW}{PW}@git.example.org/x", f"--api-token {PW}", f"--token={PW}", f"Authorization: Bearer {PW}",
    f'{{"token": "{PW}"}}', f"--header 'X-Key: {PW}'", f"sshpass -p {PW} ssh board", f"-o sslpassword={PW}", f"PGPASSWORD={PW}",
    f"ghp_{PW.replace('-', '')}aaaaaaaaaaaa",
)  # fmt: skip
PLAIN = (
    "", "postgresql://me@host:5432/db", "https://example.org:8080/path", "`password`: a password in a file is known",
    "20 tokens a second", "level3_leaky@ethos-u65-256", "a bearer of news", "the PGPASSFILE=/home/x/.pgpass is read", "x=1&y=2",
)  # fmt: skip


@pytest.mark.parametrize("text", SECRET)
def test_a_secret_is_taken_out_of_a_text(text: str) -> None:
    assert PW not in redacted(text)
    assert PW.replace("-", "") not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


def test_what_was_redacted_once_stays_as_it_is() -> None:
    for text in SECRET:
        assert redacted(redacted(text)) == redacted(text)


def test_a_value_of_the_environment_whose_name_says_secret_is_found_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FARM_API_TOKEN", PW)
    monkeypatch.setenv("LANGUAGE_NAME", "in the clear")
    assert redacted(f"the farm refused {PW}, in the clear") == "the farm refused ***, in the clear"


def test_a_command_line_is_kept_without_secrets_and_without_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    given = ["pytest", "--history", f"postgresql://me:{PW}@h/d", "--header", f"X-A: {PW}", "--token", PW, f"--pass-secret={PW}"]
    kept = redacted_command([*given, "--model", "/home/somebody/m.tflite"])
    assert PW not in kept
    assert kept.startswith("pytest --history postgresql://me:***@h/d --header X-A: *** --token ***")
    assert kept.endswith("--model ~/m.tflite")
    assert without_home("/home/somebodyelse") == "/home/somebodyelse"
    assert without_home(f"at `{Path.home()}`") == "at `~`"


@pytest.mark.parametrize("piece", ["-", "password", "-password", "a://", "a@=", "--header", 'token="', "x:y@"])
def test_a_long_text_takes_no_longer_than_its_length(piece: str) -> None:
    started = time.process_time()
    redacted(piece * (240_000 // len(piece)))
    assert time.process_time() - started < 60  # a pattern that tries every pair of places takes several minutes
