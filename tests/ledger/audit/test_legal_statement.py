"""The statement by articles: each fact has its check's number, and nothing is claimed that no check carries."""

import re

import pytest

from ledger.audit.findings import Check, HolderPrivacy, PrivacyLine, Report
from ledger.audit.legal_statement import LAWS, NO_TERMS, list_facts, list_unsaid, make_law_fields
from ledger.audit.privacy_statement import list_checked
from node.cli.audit_lines import join_statement_fields
from node.cli.privacy_statement import describe_statement

ALL = list(LAWS)
LINE = PrivacyLine(3, 1, 2500, 3, 1, 1, "1.958", 250_000_000, 1000, 1012, 5000)
TERMS: dict[str, str | int] = {
    "mechanism": "dp-sgd", "unit": "example", "epsilon_milli": 8000, "delta": "1e-5", "clip": "1",
    "sigma": "1.958", "batch": 250, "lr": "1.6", "steps": 4, "accountant": "rdp-1",
}  # fmt: skip


def report_of(*, private: bool) -> Report:
    report = Report(1, "0xcircle", 9, task="tiny", rounds=3, scope="all 3 rounds")
    for number, check in enumerate(Check, 1):
        report.count(check, 100 + number)
    if private:
        report.privacy_terms = TERMS
        report.holders = [HolderPrivacy(1, 1, "0xpeer", 3, 3, 1, 3, LINE, 3, 3, 5000, 5000, 1012)]
        report.privacy = [LINE] * 3
    return report


def find_article(law: str, number: str) -> list[tuple[str, int, int]]:
    report = report_of(private=True)
    report.add(Check.RECORDS, "the anchored record is not the one that the blobs give", round_number=1, seat=2)
    [article] = [one for one in LAWS[law].articles if one.number == number]
    return [(fact.check, fact.looked_at, fact.findings) for fact in list_facts(report, article)]


def test_the_articles_are_those_that_readers_look_for() -> None:
    assert {name: [article.number for article in law.articles] for name, law in LAWS.items()} == {
        "gdpr": ["Art. 5(1)(c)", "Art. 5(1)(f)", "Art. 25", "Art. 32", "Art. 35"],
        "ai-act": ["Art. 10", "Art. 12", "Art. 15"],
        "hipaa": ["§164.312(b)", "§164.312(c)", "§164.514"],
    }


def test_each_fact_stands_beside_its_check_with_what_that_looked_at_and_found() -> None:
    assert find_article("gdpr", "Art. 25") == [
        ("A1", 101, 0),
        ("A2", 102, 0),
        ("A3", 3, 0),
        ("A12", 111, 0),
        ("A6", 106, 1),
    ]
    assert find_article("gdpr", "Art. 5(1)(c)") == [("A3", 103, 0), ("A2", 102, 0), ("A3", 3, 0), ("A12", 111, 0)]
    assert find_article("ai-act", "Art. 12") == [
        ("A1", 101, 0), ("A2", 102, 0), ("A3", 103, 0), ("A5", 105, 0), ("A6", 106, 1), ("A7", 107, 0),
    ]  # fmt: skip
    assert find_article("hipaa", "§164.312(c)") == [("A2", 102, 0), ("A3", 103, 0), ("A6", 106, 1), ("A7", 107, 0)]


def test_de_identification_is_not_claimed() -> None:
    assert find_article("hipaa", "§164.514") == []
    text = "\n".join(describe_statement(report_of(private=True), ["hipaa"]))
    section = text.partition("### §164.514")[2].partition("\nNor, of")[0]
    assert "No check bears on this." in section
    assert "**That anything is de-identified. It is not claimed**" in section


def test_every_point_that_an_article_names_is_one_that_is_checked() -> None:
    points = {point.point for point in list_checked(report_of(private=True))}
    assert {point for law in LAWS.values() for article in law.articles for point in article.private} <= points


def test_without_privacy_terms_no_fact_is_about_noise_and_the_articles_say_so() -> None:
    report = report_of(private=False)
    facts = [fact for law in LAWS.values() for article in law.articles for fact in list_facts(report, article)]
    assert facts
    assert all(fact.check != "A12" and "spent" not in fact.fact and "noise" not in fact.fact for fact in facts)
    unbound = [article.number for article in LAWS["gdpr"].articles if NO_TERMS in list_unsaid(report, article)]
    assert unbound == ["Art. 5(1)(c)", "Art. 5(1)(f)", "Art. 25", "Art. 35"]
    # Of a circle whose history was not read, nobody knows whether it has terms.
    assert NO_TERMS not in str(make_law_fields(Report(1, "0xcircle", 0), ALL))


@pytest.mark.parametrize("private", [True, False])
def test_what_no_audit_can_say_is_never_said_and_always_among_what_is_not(private: bool) -> None:
    said = make_law_fields(report_of(private=private), ALL)
    facts = " ".join(fact["fact"] for law in said["laws"] for one in law["articles"] for fact in one["facts"])
    word = re.compile(
        r"\b(anonym|lawful|consent|compl(y|iant|iance)|random|secure|de-identif|guarantee|accura)", re.I
    )
    assert word.search(facts) is None
    for law in said["laws"]:
        unsaid = " ".join(law["does_not_say"])
        for words in ("collected or used lawfully", "consented", "is anonymous", "noise was random"):
            assert words in unsaid
    assert all(one["does_not_say"] for law in said["laws"] for one in law["articles"])


def test_in_english_it_says_all_that_it_says_to_machines_and_that_it_is_no_advice() -> None:
    report = report_of(private=True)
    report.not_recomputed, report.pruned = 2, 5
    text = "\n".join(describe_statement(report, ALL))
    said = join_statement_fields(report, ALL)
    assert "Made by `folkmoot audit --statement gdpr,ai-act,hipaa` from" in text
    assert f"**{said['no_legal_advice']}**" in text
    for law in said["laws"]:
        assert f"## {law['title']}\n" in text
        assert all(f"- {point}" in text for point in law["does_not_say"])
        for article in law["articles"]:
            assert f"### {article['article']}: {article['title']}\n" in text
            assert all(f"- {point}" in text for point in article["does_not_say"])
            for fact in article["facts"]:
                assert f"| {fact['check']} | {fact['fact']} | {fact['looked_at']} | {fact['findings']} |" in text
    assert "| 1 | 0xpeer | 2.500 |" in text
    assert "- 2 attestations could not be recomputed" in text
    assert "- 5 updates of final rounds are not served any more" in text


def test_without_a_law_the_statement_is_as_it_was() -> None:
    text = "\n".join(describe_statement(report_of(private=True)))
    assert text.startswith("# Privacy statement\n")
    assert "legal advice" not in text
    assert "laws" not in join_statement_fields(report_of(private=True), [])
