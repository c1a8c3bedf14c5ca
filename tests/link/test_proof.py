"""Client and server show each other that they know the token, and never the token."""

from __future__ import annotations

import pytest

from impasto_link import proof


def test_a_password_is_good_once_for_one_role_and_one_token() -> None:
    passwords = proof.Passwords("token", "impasto")
    first, second = (proof.password("token", "impasto") for _ in range(2))
    assert "token" not in first
    assert passwords.take(first)
    assert not passwords.take(first), "it is that of somebody who has listened"
    assert passwords.take(second)
    for wrong in (proof.password("token", "worker"), proof.password("nekot", "impasto"), "token", "", "ü" * 96):
        assert not passwords.take(wrong)


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "_REMEMBERED", 3)
    passwords = proof.Passwords("token", "impasto")
    for _ in range(5):
        assert passwords.take(last := proof.password("token", "impasto"))
    assert not passwords.take(last)
    assert len(passwords._used) == 3


def test_an_answer_is_to_one_question_by_one_side() -> None:
    asked = proof.challenge()
    given = proof.answer("token", "server", asked)
    assert proof.is_right(given, "token", "server", asked)
    for other in (
        proof.is_right(given, "token", "impasto", asked),
        proof.is_right(given, "token", "server", proof.challenge()),
        proof.is_right(given, "nekot", "server", asked),
        *(proof.is_right(wrong, "token", "server", asked) for wrong in (None, "", 7, "ü", given[:-1])),
    ):
        assert not other
