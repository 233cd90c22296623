from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT, Marketbell

HEADLINES = ROOT.parent / "shared" / "data" / "news" / "headlines.jsonl"

SPELLINGS = {
    "PCAOB says it can inspect auditors in Hong Kong": ["adr_audit"],
    "New York exchange starts delisting China Mobile": ["adr_audit"],
    "中概股退市风险升温": ["adr_audit"],
    "中概股退市風險升溫": ["adr_audit"],
    "Tencent buys back shares for a tenth day": ["buyback"],
    "Meituan announces buy-back of up to US$1 billion": ["buyback"],
    "騰訊斥資3億元回購": ["buyback"],
    "央行开展逆回购操作,中国市场流动性平稳": [],
    "Apple lifts its share buyback": [],
    "Beijing unveils stimulus for consumers": ["policy"],
    "国务院会议:支持政策将惠及中国互联网企业": ["policy"],
    "JD.com quarterly revenue beats forecasts": ["earnings"],
    "小米集團公布全年業績": ["earnings"],
    "Walmart posts quarterly revenue above forecasts": [],
    "Kuaishou files for Hong Kong IPO": ["listing"],
    "NIO requests trading halt in Hong Kong": ["trading_halt"],
    "阿里巴巴短暫停牌": ["trading_halt"],
    "Senior officials visit Chinatown": [],
    "Nionic earnings season begins": [],
}


def story(title: str) -> str:
    return json.dumps({"title": title}, ensure_ascii=False) + "\n"


def test_every_labelled_headline_is_given_its_topics_and_no_other(marketbell: Marketbell) -> None:
    text = HEADLINES.read_text()
    labelled = [json.loads(line) for line in text.splitlines()]
    found = marketbell("match", "--json", stdin=text).lines
    assert [line["title"] for line in found] == [line["title"] for line in labelled]
    for label, line in zip(labelled, found, strict=True):
        assert set(label["topics"]) <= set(line["topics"]) <= {*label["topics"], *label["maybe"]}, line[
            "title"
        ]


def test_other_spellings_are_found_and_look_alikes_are_not(marketbell: Marketbell) -> None:
    found = marketbell("match", "--json", stdin="".join(map(story, SPELLINGS))).lines
    assert {line["title"]: line["topics"] for line in found} == SPELLINGS


def test_a_summary_counts_as_the_title_does(marketbell: Marketbell) -> None:
    line = json.dumps({"title": "Talks go on", "summary": "The PCAOB was in town", "id": 7})
    assert marketbell("match", "--json", stdin=line).one == {**json.loads(line), "topics": ["adr_audit"]}


def test_no_phrase_runs_from_a_title_into_its_summary(marketbell: Marketbell) -> None:
    line = json.dumps({"title": "China and its buy", "summary": "Back to work"})
    assert marketbell("match", "--json", stdin=line).one["topics"] == []


@pytest.mark.parametrize("line", ["", "[]", "{", '{"name": "x"}'])
def test_a_line_that_is_no_story_is_named(marketbell: Marketbell, line: str) -> None:
    said = marketbell("match", stdin=f"{story('Talks go on')}{line}\n")
    assert (said.status, said.out) == (2, "-\tTalks go on\n")
    assert said.err == 'Line 2 is no story: write one object a line, as {"title": "..."}.\n'
