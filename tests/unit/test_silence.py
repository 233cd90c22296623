from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from bot.alerts.alert import Alert, Notice, notice_topics
from bot.chats.silence import (
    Drop,
    Hold,
    Mute,
    Silence,
    holds,
    next_digest,
    quiet_until,
    silence_from_fields,
    silence_to_fields,
)
from bot.chats.silence_words import MuteMeant, hours_meant, mute_meant, times_meant
from bot.errors import UsageError
from tests.cast import alert

NIGHT = (time(23), time(7))
HSTECH = "instrument:HSTECH"
MINUTE, HOUR = 60_000, 3_600_000


def ms(text: str, zone: str = "Asia/Hong_Kong", fold: int = 0) -> int:
    """Return the moment at which the clocks of a zone show `text`."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return round(local.timestamp() * 1000)


def utc(text: str) -> int:
    return ms(text, "UTC")


def only(silence: Silence, told: Alert, now: int) -> Hold | Drop | None:
    return holds(silence, [told], now).get(told.fingerprint)


def raised(now: int) -> Alert:
    return alert(raised=now)


@pytest.mark.parametrize(
    "now, until",
    [
        ("2026-11-24 22:59:59", None),
        ("2026-11-24 23:00", "2026-11-25 07:00"),
        ("2026-11-25 00:00", "2026-11-25 07:00"),
        ("2026-11-25 06:59:59", "2026-11-25 07:00"),
        ("2026-11-25 07:00", None),
        ("2026-11-25 12:00", None),
    ],
)
def test_quiet_hours_past_midnight_hold_until_their_end(now: str, until: str | None) -> None:
    present = ms(now)
    held = only(Silence(quiet=NIGHT), raised(present), present)
    assert held == (None if until is None else Hold(ms(until), "quiet"))


def test_quiet_hours_within_a_day_are_those_of_the_chats_zone() -> None:
    lunch = Silence("America/New_York", (time(12), time(13, 30)))
    present = ms("2026-11-24 13:29", "America/New_York")
    assert quiet_until(lunch, present) == ms("2026-11-24 13:30", "America/New_York")
    assert quiet_until(replace(lunch, zone="Asia/Hong_Kong"), present) is None


@pytest.mark.parametrize(
    "hours, now, until",
    [
        # 01:59 EST is followed by 03:00 EDT, at 07:00 UTC on 8 March 2026.
        ((time(22), time(2, 30)), "2026-03-08 06:59:59", "2026-03-08 07:00"),
        ((time(22), time(2, 30)), "2026-03-08 07:00", None),
        ((time(2, 30), time(6)), "2026-03-08 06:59:59", None),
        ((time(2, 30), time(6)), "2026-03-08 07:00", "2026-03-08 10:00"),
        ((time(2, 10), time(2, 40)), "2026-03-08 07:00", None),
        ((time(23), time(7)), "2026-03-08 05:00", "2026-03-08 11:00"),
        # 01:00 to 01:59 comes twice: 05:00 UTC and again from 06:00 UTC on 1 November 2026.
        ((time(23), time(1, 30)), "2026-11-01 05:29", "2026-11-01 06:30"),
        ((time(23), time(1, 30)), "2026-11-01 05:45", "2026-11-01 06:30"),
        ((time(23), time(1, 30)), "2026-11-01 06:29:59", "2026-11-01 06:30"),
        ((time(23), time(1, 30)), "2026-11-01 06:30", None),
        ((time(1, 30), time(7)), "2026-11-01 05:29:59", None),
        ((time(1, 30), time(7)), "2026-11-01 05:30", "2026-11-01 12:00"),
        ((time(1, 30), time(7)), "2026-11-01 06:10", "2026-11-01 12:00"),
        ((time(23), time(7)), "2026-11-01 04:00", "2026-11-01 12:00"),
    ],
)
def test_a_night_on_which_the_clocks_change_is_one_night(
    hours: tuple[time, time], now: str, until: str | None
) -> None:
    found = quiet_until(Silence("America/New_York", hours), utc(now))
    assert found == (None if until is None else utc(until))


def test_a_day_that_a_zone_left_out_has_no_quiet_hours_of_its_own() -> None:
    # Samoa went from 29 to 31 December 2011: 30 December was over as it began.
    silence = Silence("Pacific/Apia", (time(9), time(12)))
    assert quiet_until(silence, utc("2011-12-30 09:59")) is None
    assert quiet_until(silence, utc("2011-12-30 10:00")) is None
    assert quiet_until(silence, ms("2011-12-31 11:00", "Pacific/Apia")) == ms(
        "2011-12-31 12:00", "Pacific/Apia"
    )


def test_what_is_urgent_passes_quiet_hours_and_digests_and_no_mute() -> None:
    present = ms("2026-11-25 02:00")
    urgent = replace(raised(present), urgency="urgent")
    silence = Silence(quiet=NIGHT, digest=(time(9),))
    assert only(silence, urgent, present) is None
    muted = replace(silence, mutes=(Mute(HSTECH, present + HOUR),))
    assert only(muted, urgent, present) == Hold(present + HOUR, "muted")
    assert only(replace(silence, mutes=(Mute(HSTECH),)), urgent, present) == Drop("muted")


def test_what_makes_no_sound_is_held_like_everything_else() -> None:
    present = ms("2026-11-25 02:00")
    silent = replace(raised(present), urgency="quiet")
    assert only(Silence(quiet=NIGHT), silent, present) == Hold(ms("2026-11-25 07:00"), "quiet")


def test_a_mute_holds_what_bears_on_its_topic_until_it_ends() -> None:
    present = ms("2026-11-24 11:00")
    silence = Silence(mutes=(Mute(HSTECH, present + HOUR), Mute("rule:other", present + 2 * HOUR)))
    assert only(silence, raised(present), present) == Hold(present + HOUR, "muted")
    assert only(silence, alert(symbol="0700.HK", raised=present), present) is None
    assert only(silence, raised(present), present + HOUR - 1) == Hold(present + HOUR, "muted")
    assert only(silence, raised(present), present + HOUR) is None


@pytest.mark.parametrize("topic", [HSTECH, "rule:index_day", "all"])
def test_a_mute_without_an_end_drops_and_says_why(topic: str) -> None:
    present = ms("2026-11-24 11:00")
    assert only(Silence(mutes=(Mute(topic),)), raised(present), present) == Drop("muted")


def test_a_mute_of_all_holds_what_has_no_such_topic() -> None:
    own = replace(alert(), topics=("chat:telegram:77:1001",))
    assert only(Silence(mutes=(Mute("all"),)), own, own.raised) == Drop("muted")


def test_a_mute_of_one_instrument_leaves_the_notice_that_its_exchange_is_dark() -> None:
    since = datetime(2026, 11, 24, 2, tzinfo=UTC)
    facts = Notice("blind", "XHKG", "Asia/Hong_Kong", since, 12.0, 15, ("HSTECH", "HSI"), "Yahoo")
    notice = Alert(
        "blind", facts, notice_topics(["HSTECH", "^HSI"], []), "notice", since, ms("2026-11-24 10:00"), "dark"
    )
    assert only(Silence(mutes=(Mute(HSTECH),)), notice, notice.raised) is None
    for topic in ("notices", "all"):
        assert only(Silence(mutes=(Mute(topic),)), notice, notice.raised) == Drop("muted")


@pytest.mark.parametrize(
    "at, until",
    [
        ("2026-11-24 08:59:59", "2026-11-24 09:00"),
        ("2026-11-24 09:00", "2026-11-24 16:30"),
        ("2026-11-24 16:29", "2026-11-24 16:30"),
        ("2026-11-24 16:31", "2026-11-25 09:00"),
    ],
)
def test_a_digest_holds_until_the_next_of_its_times(at: str, until: str) -> None:
    silence = Silence(digest=(time(9), time(16, 30)))
    assert only(silence, raised(ms(at)), ms(at)) == Hold(ms(until), "digest")


def test_what_one_digest_held_is_not_held_by_the_next() -> None:
    silence = Silence(digest=(time(9), time(16, 30)))
    early = raised(ms("2026-11-24 08:00"))
    assert only(silence, early, ms("2026-11-24 09:00")) is None
    assert only(silence, early, ms("2026-11-24 12:00")) is None


@pytest.mark.parametrize(
    "after, until",
    [
        # 02:30 is jumped over, so the digest is at the jump; 01:30 comes twice, and its digest once.
        ("2026-03-08 05:00", "2026-03-08 07:00"),
        ("2026-03-08 07:00", "2026-03-09 06:30"),
    ],
)
def test_a_digest_at_a_time_that_is_jumped_over_is_at_the_jump(after: str, until: str) -> None:
    silence = Silence("America/New_York", digest=(time(2, 30),))
    assert next_digest(silence, utc(after)) == utc(until)


def test_a_digest_at_a_time_that_comes_twice_is_told_once() -> None:
    silence = Silence("America/New_York", digest=(time(1, 30),))
    assert next_digest(silence, utc("2026-11-01 04:00")) == utc("2026-11-01 05:30")
    assert next_digest(silence, utc("2026-11-01 05:30")) == utc("2026-11-02 06:30")


def test_where_several_hold_the_latest_end_counts() -> None:
    present = ms("2026-11-25 02:00")
    night = Silence(quiet=NIGHT)
    digest = replace(night, digest=(time(9),))
    assert only(digest, raised(present), present) == Hold(ms("2026-11-25 09:00"), "digest")
    muted = replace(digest, mutes=(Mute(HSTECH, present + 8 * HOUR), Mute("all", present + 9 * HOUR)))
    assert only(muted, raised(present), present) == Hold(present + 9 * HOUR, "muted")
    short = replace(night, mutes=(Mute(HSTECH, present + HOUR),))
    assert only(short, raised(present), present) == Hold(ms("2026-11-25 07:00"), "quiet")


def test_what_ends_within_quiet_hours_waits_for_their_end_at_once() -> None:
    present = ms("2026-11-24 20:00")
    morning = Hold(ms("2026-11-25 07:00"), "quiet")
    assert only(Silence(quiet=NIGHT, digest=(time(2),)), raised(present), present) == morning
    muted = Silence(quiet=NIGHT, mutes=(Mute(HSTECH, ms("2026-11-25 01:00")),))
    assert only(muted, raised(present), present) == morning
    urgent = replace(raised(present), urgency="urgent")
    assert only(muted, urgent, present) == Hold(ms("2026-11-25 01:00"), "muted")


def test_what_came_back_once_may_be_told_whatever_the_hours_are() -> None:
    for digest in (time(2), time(7), time(9), time(23), time(22, 59)):
        for hour in range(24):
            silence = Silence(quiet=NIGHT, digest=(digest,))
            told = raised(ms(f"2026-11-24 {hour:02}:30"))
            held = only(silence, told, told.raised)
            assert isinstance(held, Hold)
            assert held.until > told.raised
            assert only(silence, told, held.until) is None


def test_in_a_replay_nothing_is_held() -> None:
    present = ms("2026-11-25 02:00")
    replayed = replace(raised(present), replay_of="march")
    silence = Silence(quiet=NIGHT, mutes=(Mute("all"),), digest=(time(9),))
    assert holds(silence, [replayed, raised(present)], present).keys() == {replayed.fingerprint}
    assert holds(silence, [replayed], present) == {}


def test_a_chat_that_set_nothing_holds_nothing() -> None:
    assert holds(Silence(), [raised(0)], 0) == {}


SET = Silence("Europe/London", NIGHT, (Mute(HSTECH, 123), Mute("news:buyback")), (time(9), time(16, 30)))


def test_what_a_chat_set_reads_back_as_it_was_written() -> None:
    fields = silence_to_fields(SET)
    assert fields == {
        "zone": "Europe/London",
        "quiet": "23:00-07:00",
        "digest": "09:00 16:30",
        "mute instrument:HSTECH": "123",
        "mute news:buyback": "",
    }
    assert silence_from_fields(fields) == SET
    assert silence_from_fields({}, "Europe/London") == Silence("Europe/London")


@pytest.mark.parametrize(
    "name, text",
    [
        ("zone", "Mars/Olympus"), ("zone", ""), ("zone", "Asia"), ("quiet", "late"), ("quiet", "07:00-07:00"),
        ("quiet", "07:00"), ("digest", "soon"), ("digest", ""), ("mute all", "tomorrow"), ("volume", "11"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_read_is_as_if_it_were_not_set(name: str, text: str) -> None:
    assert silence_from_fields({name: text}) == Silence()


@pytest.mark.parametrize(
    "text, meant",
    [
        ("23:00-07:00", NIGHT), ("23-7", NIGHT), ("23:00 – 07:00", NIGHT), ("23.00 to 7.00", NIGHT),
        ("0:30-5:15", (time(0, 30), time(5, 15))),
    ],
)  # fmt: skip
def test_quiet_hours_are_read_as_people_write_them(text: str, meant: tuple[time, time]) -> None:
    assert hours_meant(text) == meant


@pytest.mark.parametrize(
    "text", ["", "23:00", "-", "23:00-", "24:00-07:00", "23:60-07:00", "11pm-7am", "23:00-07:00-09:00"]
)
def test_what_are_no_quiet_hours_is_told_how_they_are_written(text: str) -> None:
    with pytest.raises(UsageError, match=r"are no quiet hours: write /quiet 23:00-07:00, or /quiet off\.$"):
        hours_meant(text)


def test_quiet_hours_without_a_length_are_refused() -> None:
    with pytest.raises(UsageError, match="Quiet hours from 07:00 to 7 have no length"):
        hours_meant("07:00-7")


def test_the_times_of_digests_are_put_in_order_and_counted_once() -> None:
    assert times_meant(("16:30,", "9", "09:00")) == (time(9), time(16, 30))
    with pytest.raises(UsageError, match="“noon” is no time of day: write /digest 09:00 16:30"):
        times_meant(("09:00", "noon"))


NOW = ms("2026-11-24 11:00")


@pytest.mark.parametrize(
    "text, meant",
    [
        ("HSTECH", MuteMeant("HSTECH", None)),
        ("Tencent Music", MuteMeant("Tencent Music", None)),
        ("HSTECH 30m", MuteMeant("HSTECH", NOW + 30 * MINUTE)),
        ("HSTECH 2H", MuteMeant("HSTECH", NOW + 2 * HOUR)),
        ("Tencent Music 3d", MuteMeant("Tencent Music", NOW + 72 * HOUR)),
        ("all 1w", MuteMeant("all", NOW + 7 * 24 * HOUR)),
        ("HSTECH 28d", MuteMeant("HSTECH", NOW + 28 * 24 * HOUR)),
        ("HSTECH until 2026-12-01", MuteMeant("HSTECH", ms("2026-12-01 00:00"))),
        ("HSTECH until 2026-12-22", MuteMeant("HSTECH", ms("2026-12-22 00:00"))),
        # A code of figures alone names a share.
        ("700", MuteMeant("700", None)),
    ],
)
def test_what_to_mute_is_read_with_how_long(text: str, meant: MuteMeant) -> None:
    assert mute_meant(text.split(), NOW, "Asia/Hong_Kong") == meant


@pytest.mark.parametrize(
    "text, said",
    [
        ("2h", "Name what to mute"),
        ("until 2026-12-01", "Name what to mute"),
        ("HSTECH 0m", "A mute lasts from 1m to 28d, which “0m” does not"),
        ("HSTECH 999999d", "A mute lasts from 1m to 28d"),
        ("HSTECH until Friday", "“Friday” is no day: write /mute HSTECH until 2026-12-01"),
        ("HSTECH until 2026-11-24", "2026-11-24 has begun already"),
        ("HSTECH 29d", "A mute lasts from 1m to 28d"),
        ("HSTECH until 2026-12-23", "more than 28 days ahead"),
        ("HSTECH until 0001-01-01", "begun already|no day"),
    ],
)
def test_a_mute_that_cannot_be_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        mute_meant(text.split(), NOW, "Asia/Hong_Kong")
    assert "\n" not in str(refused.value)
