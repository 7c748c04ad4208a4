"""Config keys: parsing, bounds, and errors that help; the topic configs and their synonyms."""

from __future__ import annotations

import pytest

from minikafka.config import (
    ConfigError,
    ConfigKey,
    ConfigTable,
    ConfigType,
    ListOf,
    Range,
    Value,
    at_least,
    between,
    one_of,
    text_of,
)
from minikafka.log.config import SYNONYMS, BrokerLogConfig, LogConfig

TABLE = ConfigTable(
    "test",
    [
        ConfigKey("a.flag", ConfigType.BOOLEAN, False, ""),
        ConfigKey("a.text", ConfigType.STRING, "x", "", one_of("x", "y")),
        ConfigKey("an.int", ConfigType.INT, 5, "", between(1, 10)),
        ConfigKey("a.short", ConfigType.SHORT, 1, ""),
        ConfigKey("a.long", ConfigType.LONG, 1, "", at_least(0)),
        ConfigKey("a.double", ConfigType.DOUBLE, 0.5, ""),
        ConfigKey("a.list", ConfigType.LIST, (), ""),
        ConfigKey("a.choice", ConfigType.LIST, ("p",), "", ListOf(("p", "q"))),
        ConfigKey("a.secret", ConfigType.PASSWORD, None, ""),
        ConfigKey("a.level", ConfigType.INT, -1, "", Range(1, 9, also=(-1,))),
    ],
)

GOOD = [
    ("a.flag", "true", True),
    ("a.flag", " FALSE ", False),
    ("a.flag", True, True),
    ("a.text", " y ", "y"),
    ("an.int", "10", 10),
    ("an_int", 1, 1),
    ("a.short", "32767", 32_767),
    ("a.long", str((1 << 63) - 1), (1 << 63) - 1),
    ("a.double", "1e3", 1_000.0),
    ("a.double", 2, 2.0),
    ("a.list", "a, b,c", ("a", "b", "c")),
    ("a.list", "", ()),
    ("a.list", ["a"], ("a",)),
    ("a.choice", "q,p", ("q", "p")),
    ("a.choice", "q,q", ("q",)),
    ("a.choice", "", ()),
    ("a.secret", "s", "s"),
    ("a.secret", None, None),
    ("a.level", "-1", -1),
]


@pytest.mark.parametrize(("name", "given", "value"), GOOD)
def test_what_is_taken(name: str, given: object, value: Value) -> None:
    parsed = TABLE.parse({name: given})
    assert parsed[name.replace(".", "_")] == value
    assert len(parsed) == len(TABLE)


BAD = [
    ("a.flag", "yes", "a.flag = 'yes': must be true or false"),
    ("a.flag", 1, "must be true or false"),
    ("a.text", "z", "a.text = z: must be one of x, y"),
    ("a.text", 1, "must be a text"),
    ("an.int", "11", "an.int = 11: must be from 1 to 10"),
    ("an.int", "1.5", "must be a whole number of 32 bits"),
    ("an.int", True, "must be a whole number"),
    ("an.int", "1_0", "must be a whole number"),
    ("an.int", "1" * 5_000, "must be a whole number"),
    ("a.double", "1_0e-1", "must be a number"),
    ("an.int", None, "must have a value"),
    ("a.short", 32_768, "16 bits"),
    ("a.long", -1, "a.long = -1: must be at least 0"),
    ("a.long", 1 << 63, "64 bits"),
    ("a.double", "much", "must be a number"),
    ("a.list", [1], "must be a list"),
    ("a.choice", "r", "a.choice = r: must be a list of p, q"),
    ("a.secret", 5, r"a.secret = \*\*\*: must be a password"),
    ("a.level", 0, "from 1 to 9 or -1"),
    ("an.itn", 1, "unknown test config an.itn; did you mean an.int?"),
    ("zzzzzz", 1, "unknown test config zzzzzz$"),
]


@pytest.mark.parametrize(("name", "given", "text"), BAD)
def test_what_is_refused_and_why(name: str, given: object, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        TABLE.parse({name: given})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5, "5"),
        (0.5, "0.5"),
        (0.0, "0.0"),
        (0.0001, "1.0E-4"),
        (0.00012345, "1.2345E-4"),
        (0.001, "0.001"),
        (9999999.0, "9999999.0"),
        (12345678.9, "1.23456789E7"),
        (1e-7, "1.0E-7"),
        (float("inf"), "Infinity"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (("a", "b"), "a,b"),
        ("x", "x"),
    ],
)
def test_values_as_kafka_writes_them(value: Value, text: str) -> None:
    assert text_of(value) == text


def test_every_default_is_allowed() -> None:
    for key in (*LogConfig.TABLE, *BrokerLogConfig.TABLE):
        if key.default is not None:
            assert key.parse(key.default) == key.default, key.name
            assert key.parse(text_of(key.default)) == key.default, key.name
        assert key.documentation.endswith("."), key.name


def test_a_topic_has_kafkas_configs() -> None:
    """The 33 that Apache Kafka 4.3 names in DescribeConfigs, and its internal one."""
    assert len(LogConfig.TABLE) == 34


def test_a_topic_overrides_its_broker_which_overrides_what_is_built_in() -> None:
    broker = BrokerLogConfig.TABLE
    assert LogConfig.of_topic({}, broker.parse({})) == LogConfig() == LogConfig.of()
    parsed = broker.parse({"log.segment.bytes": 2_000_000, "producer.id.expiration.ms": 5})
    assert LogConfig.of_topic({}, parsed).segment_bytes == 2_000_000
    assert LogConfig.of_topic({}, parsed).producer_id_expiration_ms == 5
    assert LogConfig.of_topic({"segment.bytes": "3000000"}, parsed).segment_bytes == 3_000_000


@pytest.mark.parametrize(
    ("broker", "retention_ms"),
    [
        ({}, 7 * 24 * 3_600_000),
        ({"log.retention.hours": 2}, 7_200_000),
        ({"log.retention.hours": 2, "log.retention.minutes": 3}, 180_000),
        ({"log.retention.minutes": 3, "log.retention.ms": 4}, 4),
        ({"log.retention.hours": -1}, -1),
    ],
)
def test_the_finest_unit_wins(broker: dict[str, object], retention_ms: int) -> None:
    parsed = BrokerLogConfig.TABLE.parse(broker)
    assert LogConfig.of_topic({}, parsed).retention_ms == retention_ms


def test_synonyms_name_keys_that_exist() -> None:
    broker = {key.name for key in BrokerLogConfig.TABLE}
    for name, synonyms in SYNONYMS.items():
        assert name in LogConfig.TABLE
        assert {synonym for synonym, _ in synonyms} <= broker


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"segment.bytes": 1_000}, "at least 1048576"),
        ({"segmnt.ms": 1}, "did you mean segment.ms"),
        ({"remote.storage.enable": "true"}, "must be one of false"),
        ({"cleanup.policy": "forget"}, "compact, delete"),
        ({"retention.ms": -2}, "at least -1"),
        ({"leader.replication.throttled.replicas": "junk"}, "partition:broker pairs"),
        ({"follower.replication.throttled.replicas": "0:1,*"}, "partition:broker pairs"),
    ],
)
def test_bad_topic_configs(given: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        LogConfig.of(given)


@pytest.mark.parametrize(
    ("given", "pairs"),
    [("*", ("*",)), ("0:1", ("0:1",)), ("0:1, 12:3", ("0:1", "12:3")), ("", ())],
)
def test_replicas_that_may_be_throttled(given: str, pairs: tuple[str, ...]) -> None:
    config = LogConfig.of({"leader.replication.throttled.replicas": given})
    assert config.leader_replication_throttled_replicas == pairs


def test_a_config_prints_what_differs_and_never_changes() -> None:
    config = LogConfig.of(segment_ms="5", retention_ms=-1)
    assert repr(config) == "LogConfig(retention_ms=-1, segment_ms=5)"
    assert config.replace(segment_ms=7 * 24 * 3_600_000) == LogConfig(retention_ms=-1)
    with pytest.raises(AttributeError, match=r"replace\(segment_ms=…\)"):
        config.segment_ms = 6  # type: ignore[misc]
    with pytest.raises(TypeError, match="no segmnt_ms"):
        LogConfig(segmnt_ms=5)  # type: ignore[call-arg]
